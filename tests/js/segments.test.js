// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segments } from '../../www/js/page/lib/segments.js';

test('a text is cut where ranges begin and end', () => {
  assert.deepEqual(segments('abcdef', []), [{ text: 'abcdef', names: [] }]);
  assert.deepEqual(segments('', [{ start: 0, end: 0, name: 'x' }]), []);
  const found = segments('abcdef', [
    { start: 3, end: 5, name: 'y' },
    { start: 1, end: 4, name: 'x' },
  ]);
  assert.deepEqual(found, [
    { text: 'a', names: [] },
    { text: 'bc', names: ['x'] },
    { text: 'd', names: ['x', 'y'] },
    { text: 'e', names: ['y'] },
    { text: 'f', names: [] },
  ]);
});

test('nothing is lost, whatever the ranges', () => {
  const text = 'one 👩‍👩‍👧 two';
  const ranges = [
    { start: -3, end: 2, name: 'a' },
    { start: 9, end: 99, name: 'b' },
    { start: 50, end: 60, name: 'c' },
    { start: 5, end: 5, name: 'd' },
  ];
  const found = segments(text, ranges);
  assert.equal(found.map((segment) => segment.text).join(''), text);
  assert.deepEqual(
    found.map(({ names }) => names.join()),
    ['a', '', 'b'],
  );
});
