// @ts-check
/**
 * Figures for papers and slides, as SVG: a title, panels one below the other, and a caption. Pure text, in light colours
 * whatever the page looks like.
 *
 * @typedef {import('../colour.js').Palettes} Palettes
 *
 * @typedef {import('./matrix.js').MatrixPanel | import('./strips.js').StripsPanel | import('./arcs.js').ArcsPanel
 *   | import('./curve.js').CurvePanel | import('./bars.js').BarsPanel | import('./words.js').WordsPanel
 *   | import('./heads.js').HeadsPanel} Panel
 *
 * @typedef {object} Tools
 * @property {Palettes} palettes
 * @property {(pixels: Uint8ClampedArray<ArrayBuffer>, width: number) => string} encode   RGBA as an image in a data address, for
 *   cells that are too many to be shapes
 *
 * @typedef {object} Drawn   shapes that begin at (0, 0)
 * @property {number} width
 * @property {number} height
 * @property {string[]} body
 */

import { drawArcs } from './arcs.js';
import { drawBars } from './bars.js';
import { drawCurve } from './curve.js';
import { drawHeads } from './heads.js';
import { drawMatrix } from './matrix.js';
import { drawStrips } from './strips.js';
import { escapeXml, grey, round, text, wrap } from './text.js';
import { drawWords } from './words.js';

const margin = 16;
const narrowest = 480;
const captionLetter = 6.2; // px

/** @param {Panel} panel @param {Tools} tools @returns {Drawn} */
function draw(panel, tools) {
  switch (panel.kind) {
    case 'matrix':
      return drawMatrix(panel, tools);
    case 'strips':
      return drawStrips(panel, tools);
    case 'arcs':
      return drawArcs(panel);
    case 'curve':
      return drawCurve(panel);
    case 'bars':
      return drawBars(panel);
    case 'heads':
      return drawHeads(panel, tools);
    case 'words':
      return drawWords(panel);
  }
}

/**
 * @param {{title: string, caption: string[], panels: readonly Panel[]}} figure
 * @param {Tools} tools
 */
export function drawFigure({ title, caption, panels }, tools) {
  const drawn = panels.map((panel) => ({ heading: panel.heading ?? '', ...draw(panel, tools) }));
  const width = Math.ceil(Math.max(narrowest, ...drawn.map((panel) => panel.width + 2 * margin)));
  const body = [text(margin, 26, title, { bold: true, size: 15 })];
  let top = 40;
  for (const panel of drawn) {
    if (panel.heading !== '') {
      body.push(text(margin, top + 14, panel.heading, { bold: true }));
      top += 22;
    }
    body.push(`<g transform="translate(${margin} ${round(top)})">`, ...panel.body, '</g>');
    top += panel.height + 16;
  }
  const lines = caption.flatMap((line) => wrap(line, Math.floor((width - 2 * margin) / captionLetter)));
  lines.forEach((line, index) => {
    body.push(text(margin, top + 8 + index * 16, line, { fill: grey }));
  });
  const height = Math.ceil(top + 8 + lines.length * 16);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#1e1b22">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}
