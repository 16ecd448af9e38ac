// @ts-check
/**
 * Texts as their tokens, some of them marked.
 *
 * @typedef {object} WordsPanel
 * @property {'words'} kind
 * @property {string} [heading]
 * @property {{name: string, tokens: {text: string, marked: boolean}[]}[]} lines
 */

import { grey, letter, letters, round, text } from './text.js';

const [left, width, line] = [60, 620, 22];

/** @param {WordsPanel} panel @returns {import('./figure.js').Drawn} */
export function drawWords({ lines }) {
  /** @type {string[]} */
  const body = [];
  let y = 0;
  for (const { name, tokens } of lines) {
    body.push(text(0, y + 14, name, { fill: grey }));
    let x = left;
    for (const token of tokens) {
      const wide = letters(token.text) * letter + 6;
      if (x + wide > width && x > left) {
        x = left;
        y += line;
      }
      const fill = token.marked ? '#fdf1da" stroke="#d69a3c' : '#efeafb';
      body.push(`<rect x="${round(x)}" y="${y}" width="${round(wide)}" height="19" rx="3" fill="${fill}"/>`);
      body.push(text(x + wide / 2, y + 14, token.text, { anchor: 'middle' }));
      x += wide + 3;
    }
    y += line + 6;
  }
  return { width, height: y, body };
}
