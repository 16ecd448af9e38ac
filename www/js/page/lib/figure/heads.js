// @ts-check
/**
 * Small maps of all heads, a row for each layer, with a legend.
 *
 * @typedef {object} HeadsPanel
 * @property {'heads'} kind
 * @property {string} [heading]
 * @property {number} heads        of each layer
 * @property {number} cells        side of each map
 * @property {SmallMap[]} maps     (layers, heads)
 * @property {number} power        below 1 to lift small weights
 *
 * @typedef {object} SmallMap
 * @property {string} says         what the head is and does
 * @property {Uint8Array} weights  (cells, cells), 255 is all
 * @property {import('../matrix.js').Mask} mask
 * @property {boolean} faded
 * @property {boolean} marked      not as in the model
 */

import { paintMatrix } from '../raster.js';
import { legend, masked } from './matrix.js';
import { escapeXml, grey, round, text } from './text.js';

const [left, top, gap] = [44, 34, 4];

/**
 * @param {HeadsPanel} panel
 * @param {import('./figure.js').Tools} tools
 * @returns {import('./figure.js').Drawn}
 */
export function drawHeads({ heads, cells, maps, power }, tools) {
  const layers = Math.ceil(maps.length / heads);
  const side = Math.max(24, Math.min(96, Math.floor(760 / heads)));
  const pitch = side + gap;
  const [width, height] = [heads * pitch - gap, layers * pitch - gap];
  const palette = tools.palettes.weights;
  const body = [
    text(11, top + height / 2, 'layer', { anchor: 'middle', fill: grey, up: true }),
    text(left + width / 2, 11, 'head', { anchor: 'middle', fill: grey }),
  ];
  for (let head = 0; head < heads; head++) {
    body.push(text(left + head * pitch + side / 2, top - 6, `H${head}`, { anchor: 'middle' }));
  }
  for (let layer = 0; layer < layers; layer++) {
    body.push(text(left - 6, top + layer * pitch + side / 2 + 4, `L${layer}`, { anchor: 'end' }));
  }
  maps.forEach(({ says, weights, mask, faded, marked }, at) => {
    const [x, y] = [left + (at % heads) * pitch, top + Math.floor(at / heads) * pitch];
    const place = `x="${round(x)}" y="${round(y)}" width="${side}" height="${side}"`;
    const pixels = paintMatrix(weights, cells, palette, { low: 0, high: 255, power, mask });
    const stroke = marked ? 'stroke="#c8741a" stroke-width="2" stroke-dasharray="4 2"' : 'stroke="#c9c3b8"';
    body.push(
      `<g${faded ? ' opacity="0.25"' : ''}><title>${escapeXml(says)}</title>`,
      `<rect ${place} fill="${masked}"/>`,
      `<image ${place} preserveAspectRatio="none" image-rendering="pixelated" href="${escapeXml(tools.encode(pixels, cells))}"/>`,
      `<rect ${place} fill="none" ${stroke}/></g>`,
    );
  });
  const below = top + height + 16;
  body.push(...legend(palette, { low: 0, high: 1, power }, below, true));
  return { width: left + width + 8, height: below + 28, body };
}
