// @ts-check
/**
 * A matrix as coloured cells with the names of its rows and columns, and a legend.
 *
 * @typedef {object} MatrixPanel
 * @property {'matrix'} kind
 * @property {string} [heading]
 * @property {string[]} rowNames
 * @property {string[]} columnNames
 * @property {ArrayLike<number>} values (rows, columns)
 * @property {import('../matrix.js').Mask} mask   of square ones; false for others
 * @property {boolean} signed
 * @property {number} low
 * @property {number} high
 * @property {number} power
 * @property {[string, string]} [sides]   what rows and columns are
 * @property {string[]} [words]    (rows, columns) what stands in the cells
 * @property {[number, number]} [cell]    width and height of a cell, in px, where columns are no more than numbers
 */

import { formatValue } from '../format.js';
import { isMasked } from '../matrix.js';
import { loud, paintCells, paintMatrix, shade } from '../raster.js';
import { escapeXml, grey, letter, letters, round, shorten, text } from './text.js';

/** Cells a side that are drawn as shapes; more of them would make files that few programs open. */
export const mostShapes = 64;

const longestName = 16; // letters
const longestWord = 14;
export const masked = '#ebe6dc';
const steps = 64; // of the legend

/** @param {import('../raster.js').Palette} palette @param {number} step */
const colour = (palette, step) => `rgb(${palette[step * 3]},${palette[step * 3 + 1]},${palette[step * 3 + 2]})`;

/** Whether white is easier to read on a colour. @param {import('../raster.js').Palette} palette @param {number} step */
function isDark(palette, step) {
  const [red, green, blue] = palette.subarray(step * 3, step * 3 + 3);
  return 0.299 * red + 0.587 * green + 0.114 * blue < 140;
}

/**
 * @param {MatrixPanel} panel
 * @param {import('./figure.js').Tools} tools
 * @returns {import('./figure.js').Drawn}
 */
export function drawMatrix(panel, tools) {
  const { rowNames, columnNames, values, mask, sides, words, cell } = panel;
  const [rows, columns] = [rowNames.length, columnNames.length];
  const palette = panel.signed ? tools.palettes.scores : tools.palettes.weights;
  const [across, down] = cellSize(panel);
  const longest = (/** @type {string[]} */ names) =>
    Math.min(
      longestName,
      names.reduce((most, name) => Math.max(most, letters(name)), 3),
    ) * letter;
  const left = 8 + longest(rowNames) + (sides ? 18 : 0);
  const top = (words || cell ? 16 : 8 + longest(columnNames)) + (sides ? 18 : 0);
  const [width, height] = [columns * across, rows * down];
  /** @type {string[]} */
  const body = [];
  if (sides) {
    body.push(text(11, top + height / 2, sides[0], { anchor: 'middle', fill: grey, up: true }));
    body.push(text(left + width / 2, 11, sides[1], { anchor: 'middle', fill: grey }));
  }
  const every = (/** @type {number} */ side) => Math.max(1, Math.ceil(11 / side));
  const everyColumn = cell ? 2 ** Math.ceil(Math.log2(40 / across)) : every(across);
  rowNames.forEach((name, row) => {
    if (row % every(down) !== 0) return;
    body.push(text(left - 5, top + (row + 0.5) * down + 4, shorten(name, longestName), { anchor: 'end' }));
  });
  columnNames.forEach((name, column) => {
    if (column % everyColumn !== 0) return;
    const x = left + (column + 0.5) * across;
    body.push(
      words || cell
        ? text(x, top - 5, shorten(name, Math.floor((across * everyColumn) / letter)), { anchor: 'middle' })
        : text(x + 4, top - 5, shorten(name, longestName), { up: true }),
    );
  });
  body.push(rectangle(left, top, width, height, masked));
  const scale = { low: panel.low, high: panel.high, power: panel.power };
  if (Math.max(rows, columns) > mostShapes) {
    const pixels =
      rows === columns
        ? paintMatrix(values, rows, palette, { ...scale, mask })
        : paintCells(values, rows, columns, palette, scale);
    body.push(
      `<image x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(height)}" preserveAspectRatio="none" image-rendering="pixelated" href="${escapeXml(tools.encode(pixels, columns))}"/>`,
    );
  } else {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (mask !== false && isMasked(mask, columns, row, column)) continue;
        const value = values[row * columns + column];
        const step = shade(value, scale);
        const fill = Number.isNaN(value) ? `rgb(${loud})` : colour(palette, step);
        const [x, y] = [left + column * across, top + row * down];
        const word = words?.[row * columns + column] ?? '';
        const tells = `${rowNames[row]} → ${columnNames[column]}: ${word === '' ? '' : `${word} `}${formatValue(value)}`;
        body.push(rectangle(x, y, across, down, fill, tells));
        if (word !== '') {
          const shown = shorten(word, Math.floor((across - 4) / letter));
          const look = isDark(palette, step) ? { fill: '#ffffff' } : {};
          body.push(text(x + across / 2, y + down / 2 + 4, shown, { anchor: 'middle', ...look }));
        }
      }
    }
  }
  body.push(
    `<rect x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(height)}" fill="none" stroke="#8f8898"/>`,
  );
  const below = top + height + 16;
  body.push(...legend(palette, scale, below, mask !== false));
  return { width: Math.max(left + width + 8, steps * 3 + 90), height: below + 28, body };
}

/** @param {MatrixPanel} panel @returns {[number, number]} */
function cellSize({ rowNames, columnNames, words, cell }) {
  if (cell) return cell;
  if (words) {
    const most = words.reduce((longest, word) => Math.max(longest, letters(word)), 4);
    return [Math.min(longestWord, most) * letter + 8, 22];
  }
  const side = Math.max(2, Math.min(28, Math.floor(640 / Math.max(rowNames.length, columnNames.length))));
  return [side, side];
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {string} fill
 * @param {string} [tells]
 */
function rectangle(x, y, width, height, fill, tells) {
  const shape = `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"`;
  return tells === undefined ? `${shape}/>` : `${shape}><title>${escapeXml(tells)}</title></rect>`;
}

/**
 * @param {import('../raster.js').Palette} palette
 * @param {{low: number, high: number, power: number}} scale
 * @param {number} top
 * @param {boolean} hasMask
 */
export function legend(palette, { low, high, power }, top, hasMask) {
  const bar = Array.from({ length: steps }, (_, step) => {
    const share = (step / (steps - 1)) ** power;
    return rectangle(step * 3, top, 3.2, 10, colour(palette, Math.round(255 * share)));
  });
  const width = steps * 3;
  bar.push(text(0, top + 24, formatValue(low)), text(width, top + 24, formatValue(high), { anchor: 'end' }));
  if (low < 0 && high > 0) {
    bar.push(text((width * -low) / (high - low), top + 24, '0', { anchor: 'middle' }));
  }
  if (hasMask) bar.push(rectangle(width + 24, top, 16, 10, masked), text(width + 46, top + 10, 'masked'));
  return bar;
}
