// @ts-check
/**
 * Who looks at whom, with a colour for each head.
 *
 * @typedef {object} ArcsPanel
 * @property {'arcs'} kind
 * @property {string} [heading]
 * @property {string[]} tokens
 * @property {number[]} chosen
 * @property {(import('../arcs.js').Arc & {index: number})[]} lines   `index` of the head
 * @property {string[]} heads   their names
 */

import { arcPicture } from '../arcs.js';
import { formatShare } from '../format.js';
import { escapeXml, grey, letter, letters, round, text } from './text.js';

const width = 640;
/** As the page has them where it is light. */
const colours = ['#5a3ea6', '#8a4d05', '#22713d', '#1f5fae', '#ab2f3a', '#645e6b'];

/** @param {ArcsPanel} panel @returns {import('./figure.js').Drawn} */
export function drawArcs({ tokens, chosen, lines, heads }) {
  const { height, curves, labels } = arcPicture({ tokens, chosen: new Set(chosen), lines, width });
  let x = 0;
  const legend = heads.flatMap((name, index) => {
    const at = x;
    x += 26 + letters(name) * letter + 16;
    return [`<rect x="${at}" y="4" width="18" height="4" fill="${colours[index]}"/>`, text(at + 24, 11, name)];
  });
  const sides = [
    text(width / 4, 34, '← looks at', { anchor: 'middle', fill: grey }),
    text(width / 2, 34, 'chosen', { anchor: 'middle', fill: grey }),
    text((3 * width) / 4, 34, 'is looked at by →', { anchor: 'middle', fill: grey }),
  ];
  const body = [
    ...curves.map(
      ({ d, thickness, line: { index, from, to, side, weight } }) =>
        `<path d="${d}" fill="none" stroke="${colours[index]}" stroke-opacity="0.65" stroke-width="${thickness}"><title>${escapeXml(
          side === 'looks'
            ? `${tokens[from]} looks at ${tokens[to]}: ${formatShare(weight)}`
            : `${tokens[to]} looks at ${tokens[from]}: ${formatShare(weight)}`,
        )}</title></path>`,
    ),
    ...labels.map(({ x, y, anchor, kind, shown }) =>
      text(x, y, shown, {
        ...(anchor === 'start' ? {} : { anchor }),
        ...(kind === 'end' ? { fill: grey } : kind === 'chosen' ? { fill: colours[0], bold: true } : {}),
        size: 14,
      }),
    ),
  ];
  return {
    width: Math.max(width, x),
    height: 42 + height,
    body: [...legend, ...sides, `<g transform="translate(0 ${round(42)})">`, ...body, '</g>'],
  };
}
