// @ts-check
import { palettes } from '../lib/colour.js';
import { matrixFigure, mostShapes, tableFigure } from '../lib/figure.js';
import { csv, npy } from '../lib/files.js';
import { isMasked } from '../lib/matrix.js';
import { paintCells, paintMatrix } from '../lib/raster.js';
import { h, putPixels } from '../ui/dom.js';
import { ExportMenu, saveFile, svgToPng } from '../ui/export-menu.js';

/**
 * @typedef {import('../ui/export-menu.js').Format} Format
 *
 * @typedef {object} MatrixView   a view as numbers with names along two sides
 * @property {'matrix'} kind
 * @property {string} file        the beginning of the file's name
 * @property {string} title
 * @property {string} note        what the numbers are
 * @property {string[]} rowNames
 * @property {string[]} columnNames
 * @property {Float32Array} values (rows, columns)
 * @property {import('../lib/matrix.js').Mask} mask
 * @property {boolean} signed
 * @property {number} low
 * @property {number} high
 * @property {number} power
 * @property {[string, string]} sides
 *
 * @typedef {object} TableView    a view as a list; `vectors` are what NPY gets
 * @property {'table'} kind
 * @property {string} file
 * @property {string} title
 * @property {string} note
 * @property {string[]} columns
 * @property {(string | number)[][]} rows
 * @property {{values: Float32Array, shape: number[]} | null} array
 *
 * @typedef {MatrixView | TableView} View
 */

const pngScale = 2;
const tableRows = 200; // in a figure

/** Figures and numbers of the view that is shown. */
export class Exporting {
  menu = new ExportMenu();
  #view;
  #about;

  /**
   * @param {() => View | null} view
   * @param {() => {text: string, model: string, altered: boolean, link: string}} about
   */
  constructor(view, about) {
    this.#view = view;
    this.#about = about;
    this.menu.addEventListener('save', (event) => this.#save(/** @type {CustomEvent} */ (event).detail.format));
    this.menu.addEventListener('link', () => this.#copy());
  }

  async #copy() {
    const { link } = this.#about();
    try {
      await navigator.clipboard.writeText(link);
      this.menu.tell('Copied. The link holds your text; nothing of it is sent anywhere until you do.');
    } catch {
      // Without a secure connection there is no clipboard; the address bar does as well.
      history.replaceState(null, '', link);
      this.menu.tell('The link is in the address bar now.');
    }
  }

  /** @param {Format} format */
  async #save(format) {
    const view = this.#view();
    if (!view) {
      this.menu.tell('There is nothing to save yet.');
      return;
    }
    this.menu.tell('');
    const name = `${view.file}.${format}`;
    if (format === 'svg') saveFile(name, this.#figure(view), 'image/svg+xml');
    else if (format === 'csv') saveFile(name, csv(rowsOf(view)), 'text/csv');
    else if (format === 'json') saveFile(name, `${JSON.stringify(this.#json(view), null, 1)}\n`, 'application/json');
    else if (format === 'npy') this.#saveNpy(name, view);
    else {
      try {
        saveFile(name, await svgToPng(this.#figure(view), pngScale), 'image/png');
      } catch (error) {
        this.menu.tell(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** @param {string} name @param {View} view */
  #saveNpy(name, view) {
    if (view.kind === 'matrix') {
      saveFile(name, npy(view.values, [view.rowNames.length, view.columnNames.length]), 'application/octet-stream');
    } else if (view.array) {
      saveFile(name, npy(view.array.values, view.array.shape), 'application/octet-stream');
    } else {
      this.menu.tell('This view has no array; take CSV or JSON.');
    }
  }

  /** @param {View} view */
  #json(view) {
    const { text, model } = this.#about();
    if (view.kind === 'table') return { ...view, array: undefined, text, model };
    const { title, note, rowNames, columnNames, values, mask } = view;
    const columns = columnNames.length;
    const rows = rowNames.map((_, row) =>
      columnNames.map((_, column) =>
        mask !== false && isMasked(mask, columns, row, column) ? null : values[row * columns + column],
      ),
    );
    return { title, note, text, model, rows: rowNames, columns: columnNames, values: rows };
  }

  /** @param {View} view */
  #figure(view) {
    const { text, model, altered } = this.#about();
    const caption = [view.note, `Text: ${text}`, `${model}${altered ? ', altered by hand' : ''}. Made with Headlight.`];
    if (view.kind === 'table') {
      const rows = view.rows.slice(0, tableRows).map((row) => row.map(String));
      return tableFigure({ title: view.title, caption, columns: view.columns, rows });
    }
    const light = palettes(false);
    const palette = view.signed ? light.scores : light.weights;
    const many = Math.max(view.rowNames.length, view.columnNames.length) > mostShapes;
    return matrixFigure({ ...view, caption, palette, picture: many ? pixels(view, palette) : undefined });
  }
}

/** @param {View} view */
function rowsOf(view) {
  if (view.kind === 'table') return [view.columns, ...view.rows];
  const { rowNames, columnNames, values, mask } = view;
  const columns = columnNames.length;
  return [
    ['', ...columnNames],
    ...rowNames.map((name, row) => [
      name,
      ...columnNames.map((_, column) =>
        mask !== false && isMasked(mask, columns, row, column) ? null : values[row * columns + column],
      ),
    ]),
  ];
}

/** @param {MatrixView} view @param {import('../lib/raster.js').Palette} palette */
function pixels(view, palette) {
  const { values, rowNames, columnNames, mask, low, high, power } = view;
  const [rows, columns] = [rowNames.length, columnNames.length];
  const scale = { low, high, power };
  const painted =
    rows === columns
      ? paintMatrix(values, rows, palette, { ...scale, mask })
      : paintCells(values, rows, columns, palette, scale);
  const canvas = h('canvas');
  putPixels(canvas, painted, columns);
  return canvas.toDataURL('image/png');
}
