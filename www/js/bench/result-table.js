// @ts-check
import { h } from '../page/ui/dom.js';
import { formatFigure, formatSpread, summary } from './figures.js';

/** @typedef {import('./figures.js').Figure} Figure */

const PENDING = '…';

/** The figures as they come: one row each, one body for each group. */
export class ResultTable {
  element;
  #caption = h('caption');
  /** @type {Map<string, {median: HTMLElement, spread: HTMLElement}>} */
  #cells = new Map();

  constructor() {
    this.element = h('table', { class: 'figures', hidden: true }, this.#caption);
  }

  /**
   * @param {string} caption
   * @param {readonly Figure[]} figures
   */
  start(caption, figures) {
    this.#caption.textContent = caption;
    this.#cells.clear();
    const groups = [...new Set(figures.map(({ group }) => group))];
    const head = h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { scope: 'col' }, 'Figure'),
        h('th', { scope: 'col' }, 'Median'),
        h('th', { scope: 'col' }, 'Unit'),
        h('th', { scope: 'col' }, 'Least – most'),
      ),
    );
    const bodies = groups.map((group) =>
      h(
        'tbody',
        {},
        h('tr', {}, h('th', { scope: 'rowgroup', colspan: 4 }, group)),
        ...figures.filter((figure) => figure.group === group).map((figure) => this.#row(figure)),
      ),
    );
    this.element.replaceChildren(this.#caption, head, ...bodies);
    this.element.hidden = false;
  }

  /**
   * @param {string} id
   * @param {readonly number[]} values
   */
  update(id, values) {
    const cells = this.#cells.get(id);
    if (!cells) return;
    const summed = summary(values);
    cells.median.textContent = formatFigure(summed.median);
    cells.spread.textContent = formatSpread(summed);
  }

  /** Says of what has not come that it will not. */
  finish() {
    for (const { median } of this.#cells.values()) if (median.textContent === PENDING) median.textContent = '–';
  }

  /** @param {Figure} figure */
  #row({ id, name, unit }) {
    const median = h('td', {}, PENDING);
    const spread = h('td');
    this.#cells.set(id, { median, spread });
    return h('tr', { 'data-figure': id }, h('th', { scope: 'row' }, name), median, h('td', {}, unit), spread);
  }
}
