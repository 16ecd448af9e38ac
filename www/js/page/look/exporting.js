// @ts-check
import { palettes } from '../lib/colour.js';
import { drawFigure } from '../lib/figure/figure.js';
import { csv, npy } from '../lib/files.js';
import { refusal } from '../lib/link.js';
import { isMasked } from '../lib/matrix.js';
import { h, putPixels } from '../ui/dom.js';
import { ExportMenu, saveFile, svgToPng } from '../ui/export-menu.js';

/**
 * @typedef {import('../ui/export-menu.js').Format} Format
 *
 * @typedef {object} View         what can be taken away of what is shown
 * @property {string} file        the beginning of the file's name
 * @property {string} title
 * @property {string} note        what the numbers are
 * @property {Matrix | Table} numbers
 * @property {import('../lib/figure/figure.js').Panel[]} panels   the picture
 *
 * @typedef {object} Matrix       numbers with names along two sides
 * @property {'matrix'} kind
 * @property {string[]} rowNames
 * @property {string[]} columnNames
 * @property {Float32Array} values (rows, columns)
 * @property {import('../lib/matrix.js').Mask} mask
 *
 * @typedef {object} Table        a list; `array` is what NPY gets
 * @property {'table'} kind
 * @property {string[]} columns
 * @property {(string | number | null)[][]} rows
 * @property {{values: Float32Array, shape: number[]}} array
 */

const pngScale = 2;

/** Figures and numbers of the view that is shown. */
export class Exporting {
  menu;
  #view;
  #about;

  /**
   * @param {() => View | null | Promise<View>} view
   * @param {() => {text: string, model: string, altered: boolean, link: string}} about
   * @param {string | null} [part]   as of the menu
   */
  constructor(view, about, part = null) {
    this.menu = new ExportMenu(part);
    this.#view = view;
    this.#about = about;
    this.menu.addEventListener('save', (event) => this.#save(/** @type {CustomEvent} */ (event).detail.format));
    this.menu.addEventListener('link', () => this.#copy());
  }

  async #copy() {
    const { link } = this.#about();
    const why = refusal(new URL(link).hash);
    if (why) {
      this.menu.tell(`No link can hold this: ${why}.`);
      return;
    }
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
    try {
      const view = await this.#view();
      this.menu.tell(view ? '' : 'There is nothing to save yet.');
      if (view) await this.#saveAs(format, view);
    } catch (error) {
      this.menu.tell(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {Format} format @param {View} view */
  async #saveAs(format, view) {
    const name = `${view.file}.${format}`;
    if (format === 'svg') saveFile(name, this.#figure(view), 'image/svg+xml');
    else if (format === 'csv') saveFile(name, csv(rowsOf(view.numbers)), 'text/csv');
    else if (format === 'json') saveFile(name, `${JSON.stringify(this.#json(view), null, 1)}\n`, 'application/json');
    else if (format === 'npy') saveFile(name, npyOf(view.numbers), 'application/octet-stream');
    else saveFile(name, await svgToPng(this.#figure(view), pngScale), 'image/png');
  }

  /** @param {View} view */
  #json({ title, note, numbers }) {
    const { text, model } = this.#about();
    const about = { title, note, text, model };
    if (numbers.kind === 'table') return { ...about, columns: numbers.columns, rows: numbers.rows };
    return { ...about, rows: numbers.rowNames, columns: numbers.columnNames, values: cellsOf(numbers) };
  }

  /** @param {View} view */
  #figure({ title, note, panels }) {
    const { text, model, altered } = this.#about();
    const caption = [note, `Text: ${text}`, `${model}${altered ? ', altered by hand' : ''}. Made with Headlight.`];
    return drawFigure({ title, caption, panels }, { palettes: palettes(false), encode });
  }
}

/** Row by row, null where it is masked. @param {Matrix} matrix @returns {(number | null)[][]} */
function cellsOf({ rowNames, columnNames, values, mask }) {
  const columns = columnNames.length;
  return rowNames.map((_, row) =>
    columnNames.map((_, column) =>
      mask !== false && isMasked(mask, columns, row, column) ? null : values[row * columns + column],
    ),
  );
}

/** @param {Matrix | Table} numbers */
function npyOf(numbers) {
  if (numbers.kind === 'table') return npy(numbers.array.values, numbers.array.shape);
  return npy(numbers.values, [numbers.rowNames.length, numbers.columnNames.length]);
}

/** @param {Matrix | Table} numbers */
function rowsOf(numbers) {
  if (numbers.kind === 'table') return [numbers.columns, ...numbers.rows];
  const cells = cellsOf(numbers);
  return [['', ...numbers.columnNames], ...numbers.rowNames.map((name, row) => [name, ...cells[row]])];
}

/** @param {Uint8ClampedArray<ArrayBuffer>} pixels @param {number} width */
function encode(pixels, width) {
  const canvas = h('canvas');
  putPixels(canvas, pixels, width);
  return canvas.toDataURL('image/png');
}
