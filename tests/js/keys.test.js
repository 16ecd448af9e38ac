// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyAction } from '../../www/js/page/lib/keys.js';

const none = { key: '', code: '', altKey: false, ctrlKey: false, metaKey: false, shiftKey: false };
const ready = { armed: true, shown: true, atEnd: true };

test('Tab takes the selected suggestion only while somebody types and there is one', () => {
  const tab = { ...none, key: 'Tab', code: 'Tab' };
  assert.deepEqual(keyAction(tab, ready), { type: 'accept', slot: null });
  assert.equal(keyAction(tab, { ...ready, armed: false }), null);
  assert.equal(keyAction(tab, { ...ready, shown: false }), null);
  assert.equal(keyAction({ ...tab, shiftKey: true }, ready), null);
  assert.deepEqual(keyAction({ ...none, key: 'Escape' }, ready), { type: 'dismiss' });
});

test('Alt with a digit takes by place, whatever the layout types', () => {
  const event = { ...none, altKey: true, key: '¡', code: 'Digit1' };
  assert.deepEqual(keyAction(event, ready), { type: 'accept', slot: 0 });
  assert.deepEqual(keyAction({ ...event, code: 'Numpad3' }, ready), { type: 'accept', slot: 2 });
  assert.equal(keyAction({ ...event, code: 'Digit4' }, ready), null);
  assert.equal(keyAction({ ...event, ctrlKey: true }, ready), null, 'AltGr types characters');
});

test('Alt with a bracket moves the selection', () => {
  assert.deepEqual(keyAction({ ...none, altKey: true, key: '[', code: 'BracketLeft' }, ready), {
    type: 'select',
    by: -1,
  });
  assert.deepEqual(keyAction({ ...none, altKey: true, key: '‘', code: 'BracketRight' }, ready), {
    type: 'select',
    by: 1,
  });
});

test('Ctrl or Cmd with the right arrow takes one word, but only where it can’t move the caret', () => {
  for (const held of [{ ctrlKey: true }, { metaKey: true }]) {
    const event = { ...none, ...held, key: 'ArrowRight', code: 'ArrowRight' };
    assert.deepEqual(keyAction(event, ready), { type: 'part' });
    assert.equal(keyAction(event, { ...ready, atEnd: false }), null);
    assert.equal(keyAction(event, { ...ready, shown: false }), null);
    assert.equal(keyAction({ ...event, shiftKey: true }, ready), null);
  }
  assert.equal(keyAction({ ...none, key: 'ArrowRight' }, ready), null);
  assert.equal(keyAction({ ...none, key: 'a' }, ready), null);
});
