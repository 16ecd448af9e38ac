// @ts-check
/**
 * The rank of a token over the depths of the model.
 *
 * @typedef {object} CurvePanel
 * @property {'curve'} kind
 * @property {string} [heading]
 * @property {number[]} ranks
 * @property {string[]} names   of the depths
 */

import { formatCount } from '../format.js';
import { rankCurve } from '../ranks.js';
import { escapeXml, grey, round, text } from './text.js';

const [width, bottom] = [640, 64];

/** @param {CurvePanel} panel @returns {import('./figure.js').Drawn} */
export function drawCurve({ ranks, names }) {
  const { height, rules, points } = rankCurve(ranks, width);
  const every = Math.ceil(ranks.length / 40);
  const body = [
    ...rules.flatMap(({ rank, x, y }) => [
      `<path d="M${x} ${round(y)}H${width}" stroke="#e2ddd2"/>`,
      text(x - 6, y + 4, formatCount(rank), { anchor: 'end', fill: grey }),
    ]),
    `<polyline points="${points.map(({ x, y }) => `${round(x)},${round(y)}`).join(' ')}" fill="none" stroke="#5a3ea6" stroke-width="2"/>`,
    ...points.map(
      ({ x, y }, index) =>
        `<circle cx="${round(x)}" cy="${round(y)}" r="3" fill="#5a3ea6"><title>${escapeXml(`${names[index]}: rank ${formatCount(ranks[index])}`)}</title></circle>`,
    ),
    ...points.flatMap(({ x }, index) =>
      index % every === 0 ? [text(x + 4, height + bottom - 20, names[index], { size: 10, fill: grey, up: true })] : [],
    ),
  ];
  return { width, height: height + bottom - 14, body };
}
