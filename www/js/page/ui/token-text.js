// @ts-check
import { textPieces, tokenPieces } from '../lib/tokens.js';
import { h } from './dom.js';

/** @typedef {import('../../shared/protocol.js').Token} Token */
/** @typedef {import('../lib/tokens.js').Piece} Piece */

/** @param {Piece[]} pieces */
function nodes(pieces) {
  return pieces.map((piece) =>
    piece.kind === 'text' ? piece.text : h('span', { class: `piece-${piece.kind}` }, piece.text),
  );
}

/**
 * A token with its white space made visible, isolated so that its direction doesn't leak into what is around it.
 * @param {Token} token
 */
export function tokenText(token) {
  return h('bdi', { class: 'token' }, ...nodes(tokenPieces(token)));
}

/**
 * A word on a key: what is typed of it already, and what the key adds. Screen readers skip the mark for a space.
 * @param {string} typed
 * @param {string} insert
 */
export function keyText(typed, insert) {
  const word = h('bdi', { class: 'token' }, h('span', { class: 'typed' }, typed), ...nodes(textPieces(insert)));
  if (/[^\s]/.test(insert)) for (const mark of word.querySelectorAll('.piece-mark')) mark.ariaHidden = 'true';
  return word;
}
