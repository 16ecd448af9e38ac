// @ts-check
/**
 * How tokens are written so that nothing in them stays invisible: spaces, line ends, control characters, and tokens that
 * are only a part of a character.
 *
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {{kind: 'text' | 'mark' | 'code' | 'bytes', text: string}} Piece
 *   `mark` stands for white space, `code` for a character that can't be seen, `bytes` for raw bytes.
 */

/** @type {Readonly<Record<string, string>>} */
const marks = { ' ': '·', '\n': '↵', '\t': '⇥', '\r': '␍' };

// Controls, formats (among them the bidi overrides), separators other than the space, unassigned, private use, lone
// surrogates; and the replacement character, which would look like a decoding fault of ours.
const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Zs}\uFFFD]/u;
const combining = /^\p{M}/u;

/** @param {string} character */
function codePoint(character) {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/**
 * @param {string} text
 * @returns {Piece[]}
 */
export function textPieces(text) {
  /** @type {Piece[]} */
  const pieces = [];
  // A combining mark without a letter before it needs something to sit on.
  if (combining.test(text)) pieces.push({ kind: 'mark', text: '◌' });
  for (const character of text) {
    /** @type {Piece} */
    let piece;
    if (character in marks) piece = { kind: 'mark', text: marks[character] };
    else if (unseen.test(character)) piece = { kind: 'code', text: codePoint(character) };
    else piece = { kind: 'text', text: character };
    const last = pieces.at(-1);
    if (last && last.kind === piece.kind && piece.kind === 'text') last.text += piece.text;
    else pieces.push(piece);
  }
  // The dotted circle is the mark's own base, so both belong in one run.
  if (pieces.length > 1 && pieces[0].text === '◌' && pieces[1].kind === 'text') {
    pieces.splice(0, 2, { kind: 'text', text: `◌${pieces[1].text}` });
  }
  return pieces;
}

/**
 * @param {Token} token
 * @returns {Piece[]}
 */
export function tokenPieces(token) {
  if (token.text === null || token.text === '') return [{ kind: 'bytes', text: token.hex || '(empty)' }];
  return textPieces(token.text);
}

/**
 * One line of plain text for a token.
 * @param {Token} token
 */
export function tokenLabel(token) {
  return tokenPieces(token)
    .map((piece) => piece.text)
    .join('');
}

/**
 * A token within a sentence for a screen reader, which would read a middle dot aloud or drop it.
 * @param {Token} token
 */
export function spokenToken(token) {
  return token.text === null || token.text === '' ? `bytes ${token.hex}` : spokenText(token.text);
}

/** @param {string} text */
export function spokenText(text) {
  const words = textPieces(text).map((piece) =>
    piece.text === marks['\n'] ? 'line break' : piece.text === marks['\t'] ? 'tab' : piece.text,
  );
  return `‘${words.join('').replaceAll(marks[' '], ' ')}’`;
}

/**
 * How many tokens at the start of both lists are the same, so that only the rest needs drawing.
 * @param {readonly Token[]} before
 * @param {readonly Token[]} after
 */
export function commonPrefix(before, after) {
  const limit = Math.min(before.length, after.length);
  let same = 0;
  while (same < limit && before[same].id === after[same].id) same++;
  return same;
}
