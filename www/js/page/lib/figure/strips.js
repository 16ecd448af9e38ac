// @ts-check
/**
 * Vectors as lines of colours, each to its own scale, which is written beside it.
 *
 * @typedef {object} StripsPanel
 * @property {'strips'} kind
 * @property {string} [heading]
 * @property {{name: string, values: Float32Array}[]} strips
 */

import { formatCount, formatValue } from '../format.js';
import { around, paintLine } from '../raster.js';
import { escapeXml, grey, text } from './text.js';

const width = 640;
const line = 34;

/**
 * @param {StripsPanel} panel
 * @param {import('./figure.js').Tools} tools
 * @returns {import('./figure.js').Drawn}
 */
export function drawStrips({ strips }, tools) {
  const body = strips.flatMap(({ name, values }, index) => {
    const top = index * line;
    const bound = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const pixels = paintLine(values, tools.palettes.scores, around(bound));
    const image = tools.encode(pixels, values.length);
    return [
      text(0, top + 11, `${name} (${formatCount(values.length)})`),
      text(width, top + 11, `±${formatValue(bound)}`, { anchor: 'end', fill: grey }),
      `<image x="0" y="${top + 15}" width="${width}" height="13" preserveAspectRatio="none" image-rendering="pixelated" href="${escapeXml(image)}"/>`,
      `<rect x="0" y="${top + 15}" width="${width}" height="13" fill="none" stroke="#c9c3ce" stroke-width="0.5"/>`,
    ];
  });
  const end = strips.length * line;
  const { scores } = tools.palettes;
  const legend = Array.from({ length: 64 }, (_, step) => {
    const [red, green, blue] = scores.subarray(step * 12, step * 12 + 3);
    return `<rect x="${step * 2}" y="${end + 4}" width="2.2" height="10" fill="rgb(${red},${green},${blue})"/>`;
  });
  const tells = 'from −bound through 0 to +bound; ± tells the bound, the largest number of each strip';
  return { width, height: end + 18, body: [...body, ...legend, text(138, end + 13, tells, { fill: grey })] };
}
