// @ts-check
/**
 * Figures for papers and slides, as SVG: tokens, colours, legend and a caption. Pure text; the same picture in light colours
 * whatever the page looks like.
 *
 * @typedef {import('./raster.js').Palette} Palette
 * @typedef {import('./matrix.js').Mask} Mask
 *
 * @typedef {object} MatrixFigure
 * @property {string} title
 * @property {string[]} caption     lines
 * @property {string[]} rowNames
 * @property {string[]} columnNames
 * @property {ArrayLike<number>} values (rows, columns)
 * @property {Mask} mask            of square ones; false for others
 * @property {Palette} palette
 * @property {number} low
 * @property {number} high
 * @property {number} power
 * @property {[string, string]} [sides]   what rows and columns are
 * @property {string} [picture]     the cells as an image in a data address, for those that are too many to be shapes
 *
 * @typedef {{title: string, caption: string[], columns: string[], rows: string[][]}} TableFigure
 */

import { formatValue } from './format.js';
import { isMasked } from './matrix.js';

/** Cells a side that are drawn as shapes; more of them would make files that few programs open. */
export const mostShapes = 64;

/** @param {string} text */
export function escapeXml(text) {
  return text
    .replace(/(?![\t\n\r])[\p{Cc}\p{Cs}\u{fffe}\u{ffff}]/gu, '�')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** @param {Palette} palette @param {number} step */
const colour = (palette, step) => `rgb(${palette[step * 3]},${palette[step * 3 + 1]},${palette[step * 3 + 2]})`;

/**
 * @param {string} text
 * @param {number} width   letters
 * @returns {string[]}
 */
export function wrap(text, width) {
  /** @type {string[]} */
  const lines = [];
  let line = '';
  for (const word of text.split(/(?<=\s)/)) {
    if (line !== '' && (line + word).trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += word;
    while (line.trimEnd().length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  }
  if (line.trim() !== '') lines.push(line.trimEnd());
  return lines;
}

/**
 * The whole picture around some shapes.
 * @param {number} width
 * @param {number} height
 * @param {string} title
 * @param {string[]} body
 */
function frame(width, height, title, body) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#1e1b22">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

/** @param {string[]} lines @param {number} x @param {number} y */
function paragraphs(lines, x, y) {
  return lines.map((line, index) => `<text x="${x}" y="${y + index * 16}" fill="#645e6b">${escapeXml(line)}</text>`);
}

/** @param {MatrixFigure} figure */
export function matrixFigure(figure) {
  const { title, rowNames, columnNames, values, mask, palette, low, high, power, sides, picture } = figure;
  const [rows, columns] = [rowNames.length, columnNames.length];
  const side = Math.max(2, Math.min(28, Math.floor(640 / Math.max(rows, columns))));
  const letters = (/** @type {string[]} */ names) =>
    Math.min(16, Math.max(...names.map((name) => [...name].length), 3));
  const left = 24 + letters(rowNames) * 7 + (sides ? 18 : 0);
  const top = 48 + letters(columnNames) * 7 + (sides ? 18 : 0);
  const [across, down] = [columns * side, rows * side];
  const width = Math.max(left + across + 24, 480);
  const caption = figure.caption.flatMap((line) => wrap(line, Math.floor((width - 32) / 6.2)));
  const legendTop = top + down + 20;
  const height = legendTop + 44 + caption.length * 16;
  const every = Math.max(1, Math.ceil(11 / side));
  /** @param {string} name */
  const short = (name) => escapeXml([...name].length > 16 ? `${[...name].slice(0, 15).join('')}…` : name);
  const body = [`<text x="16" y="26" font-size="15" font-weight="600">${escapeXml(title)}</text>`];
  if (sides) {
    body.push(
      `<text transform="translate(16 ${top + down / 2}) rotate(-90)" text-anchor="middle" fill="#645e6b">${escapeXml(sides[0])}</text>`,
    );
    body.push(
      `<text x="${left + across / 2}" y="46" text-anchor="middle" fill="#645e6b">${escapeXml(sides[1])}</text>`,
    );
  }
  rowNames.forEach((name, row) => {
    if (row % every === 0)
      body.push(`<text x="${left - 5}" y="${top + (row + 0.5) * side + 4}" text-anchor="end">${short(name)}</text>`);
  });
  columnNames.forEach((name, column) => {
    if (column % every === 0)
      body.push(
        `<text transform="translate(${left + (column + 0.5) * side + 4} ${top - 5}) rotate(-90)">${short(name)}</text>`,
      );
  });
  body.push(`<rect x="${left}" y="${top}" width="${across}" height="${down}" fill="#ebe6dc"/>`);
  if (picture) {
    body.push(
      `<image x="${left}" y="${top}" width="${across}" height="${down}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${escapeXml(picture)}"/>`,
    );
  } else {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (mask !== false && isMasked(mask, columns, row, column)) continue;
        const value = values[row * columns + column];
        const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0;
        const fill = Number.isNaN(value) ? '#ff00c8' : colour(palette, Math.round(255 * share ** power));
        body.push(
          `<rect x="${left + column * side}" y="${top + row * side}" width="${side}" height="${side}" fill="${fill}"><title>${escapeXml(`${rowNames[row]} → ${columnNames[column]}: ${formatValue(value)}`)}</title></rect>`,
        );
      }
    }
  }
  body.push(`<rect x="${left}" y="${top}" width="${across}" height="${down}" fill="none" stroke="#8f8898"/>`);
  const steps = 64;
  for (let step = 0; step < steps; step++) {
    const share = (step / (steps - 1)) ** power;
    body.push(
      `<rect x="${16 + step * 3}" y="${legendTop}" width="3.2" height="10" fill="${colour(palette, Math.round(255 * share))}"/>`,
    );
  }
  body.push(`<text x="16" y="${legendTop + 24}">${formatValue(low)}</text>`);
  body.push(`<text x="${16 + steps * 3}" y="${legendTop + 24}" text-anchor="end">${formatValue(high)}</text>`);
  if (mask !== false) {
    body.push(`<rect x="${40 + steps * 3}" y="${legendTop}" width="16" height="10" fill="#ebe6dc"/>`);
    body.push(`<text x="${62 + steps * 3}" y="${legendTop + 10}">masked</text>`);
  }
  body.push(...paragraphs(caption, 16, legendTop + 44));
  return frame(width, height, title, body);
}

/** @param {TableFigure} figure */
export function tableFigure({ title, caption, columns, rows }) {
  const widths = columns.map(
    (name, column) =>
      16 +
      7 * Math.max(...[name, ...rows.map((row) => row[column] ?? '')].map((text) => Math.min(24, [...text].length))),
  );
  const width = Math.max(480, 32 + widths.reduce((sum, each) => sum + each, 0));
  const lines = caption.flatMap((line) => wrap(line, Math.floor((width - 32) / 6.2)));
  const cells = [columns, ...rows].flatMap((row, index) => {
    let x = 16;
    return row.map((text, column) => {
      const letters = [...text];
      const shown = escapeXml(letters.length > 24 ? `${letters.slice(0, 23).join('')}…` : text);
      const cell = `<text x="${x}" y="${56 + index * 20}"${index === 0 ? ' fill="#645e6b"' : ''}>${shown}</text>`;
      x += widths[column];
      return cell;
    });
  });
  const bottom = 56 + (rows.length + 1) * 20;
  return frame(width, bottom + lines.length * 16, title, [
    `<text x="16" y="26" font-size="15" font-weight="600">${escapeXml(title)}</text>`,
    ...cells,
    ...paragraphs(lines, 16, bottom),
  ]);
}
