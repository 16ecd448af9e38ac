// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonPrefix, spokenToken, textPieces, tokenLabel } from '../../www/js/page/lib/tokens.js';

/** @param {string | null} text @param {string} [hex] */
const token = (text, hex = '') => ({ id: 0, text, hex });

test('white space is visible', () => {
  assert.equal(tokenLabel(token(' the')), '·the');
  assert.equal(tokenLabel(token('\n\t')), '↵⇥');
  assert.deepEqual(textPieces(' a b'), [
    { kind: 'mark', text: '·' },
    { kind: 'text', text: 'a' },
    { kind: 'mark', text: '·' },
    { kind: 'text', text: 'b' },
  ]);
});

test('a part of a character is shown as its bytes', () => {
  assert.equal(tokenLabel(token(null, 'E2 82')), 'E2 82');
});

test('what has no shape is shown as its code point', () => {
  assert.equal(tokenLabel(token('a\u202eb')), 'aU+202Eb');
  assert.equal(tokenLabel(token('\u200b')), 'U+200B');
  assert.equal(tokenLabel(token('\u00a0')), 'U+00A0');
  assert.equal(tokenLabel(token('\0')), 'U+0000');
  assert.equal(tokenLabel(token('\ud83d')), 'U+D83D');
  assert.equal(tokenLabel(token('\ufffd')), 'U+FFFD');
});

test('a mark without its letter gets something to sit on', () => {
  assert.equal(tokenLabel(token('\u0301')), '◌\u0301');
  assert.equal(tokenLabel(token('e\u0301')), 'e\u0301');
});

test('other scripts and names of properties are plain text', () => {
  for (const text of ['שלום', '今天', '👍', 'constructor', '__proto__']) assert.equal(tokenLabel(token(text)), text);
});

test('tokens are read aloud with their spaces, not with dots', () => {
  assert.equal(spokenToken(token(' mat')), '‘ mat’');
  assert.equal(spokenToken(token('\n')), '‘line break’');
  assert.equal(spokenToken(token(null, 'E2 82')), 'bytes E2 82');
});

test('common prefix of two token lists', () => {
  const list = (/** @type {number[]} */ ...ids) => ids.map((id) => ({ ...token('x'), id }));
  assert.equal(commonPrefix([], list(1)), 0);
  assert.equal(commonPrefix(list(1, 2, 3), list(1, 2, 4, 5)), 2);
  assert.equal(commonPrefix(list(1, 2), list(1, 2, 3)), 2);
});
