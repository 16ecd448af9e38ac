// @ts-check
/**
 * Numbers with names, as bars to both sides of zero.
 *
 * @typedef {object} BarsPanel
 * @property {'bars'} kind
 * @property {string} [heading]
 * @property {{name: string, value: number, says: string}[]} bars
 */

import { grey, letter, letters, round, shorten, text } from './text.js';

const line = 20;
const reach = 300; // px from the smallest to the largest number
const longest = 32; // letters

/** @param {BarsPanel} panel @returns {import('./figure.js').Drawn} */
export function drawBars({ bars }) {
  const names = Math.min(
    longest,
    bars.reduce((most, { name }) => Math.max(most, letters(name)), 0),
  );
  const left = names * letter + 10;
  const low = bars.reduce((least, { value }) => Math.min(least, value), 0);
  const high = bars.reduce((most, { value }) => Math.max(most, value), 0);
  const x = (/** @type {number} */ value) => left + (high > low ? (reach * (value - low)) / (high - low) : 0);
  const body = bars.flatMap(({ name, value, says }, index) => {
    const top = index * line;
    const [from, to] = value < 0 ? [x(value), x(0)] : [x(0), x(value)];
    return [
      text(left - 10, top + 14, shorten(name, longest), { anchor: 'end' }),
      `<rect x="${round(from)}" y="${top + 3}" width="${round(Math.max(0.5, to - from))}" height="14" fill="${value < 0 ? '#c8741a' : '#5a3ea6'}"/>`,
      text(left + reach + 10, top + 14, says, { fill: grey }),
    ];
  });
  const height = bars.length * line;
  body.push(`<path d="M${round(x(0))} 0V${height}" stroke="#8f8898"/>`);
  const numbers = bars.reduce((most, { says }) => Math.max(most, letters(says)), 0) * letter;
  return { width: left + reach + 10 + numbers, height, body };
}
