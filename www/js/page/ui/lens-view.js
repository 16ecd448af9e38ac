// @ts-check
import { depthName } from '../lib/depths.js';
import { formatCount, formatShare, formatValue } from '../lib/format.js';
import { spokenToken } from '../lib/tokens.js';
import { h } from './dom.js';
import { RankCurve } from './rank-curve.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('../../shared/inspection.js').Lens} Lens
 * @typedef {import('../../shared/protocol.js').Token} Token
 */

/**
 * What the model would say if it ended at each depth: a column for each of the last tokens, and for the chosen one the rank of
 * the token that is finally the most probable.
 * Events: `position` with `{position}`, `halves` when the lines after attention are asked for or not.
 */
export class LensView extends EventTarget {
  #halves = h('input', { type: 'checkbox', id: 'lens-halves' });
  #table = h('table', { class: 'lens', id: 'lens' });
  #curve = new RankCurve();
  #detail = h('div', { class: 'lens-detail', id: 'lens-detail' });
  element = h(
    'div',
    { class: 'lens-view' },
    h(
      'p',
      { class: 'note' },
      'At every depth, the stream so far is put through the final LayerNorm and the output matrix, as if the model ended there. Rows are depths, the last at the bottom is what the model really says; columns are tokens, and each cell is the guess for what comes after.',
    ),
    h('label', { class: 'lift' }, this.#halves, 'also after attention'),
    h('div', { class: 'lens-scroll', tabindex: 0, role: 'region', 'aria-label': 'Guesses by depth' }, this.#table),
    this.#detail,
    this.#curve.element,
  );
  /** @type {Map<number, Lens>} */
  #lenses = new Map();
  /** @type {readonly Token[]} */
  #tokens = [];
  #chosen = 0;
  /** Which line is told in detail, by depth. @type {number | null} */
  #depth = null;
  /** For which token and how many columns the table has been scrolled. */
  #revealed = '';

  constructor() {
    super();
    this.#halves.addEventListener('change', () => this.#draw());
    this.#table.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (!button) return;
      if (button.dataset.depth) this.#depth = Number(button.dataset.depth);
      this.dispatchEvent(new CustomEvent('position', { detail: { position: Number(button.dataset.position) } }));
    });
  }

  /** Whether the lines after attention are on show. */
  get halves() {
    return this.#halves.checked;
  }

  set halves(halves) {
    this.#halves.checked = halves;
    this.#draw();
  }

  /**
   * @param {Map<number, Lens>} lenses    by position
   * @param {readonly Token[]} tokens
   * @param {number} chosen
   */
  update(lenses, tokens, chosen) {
    this.#lenses = lenses;
    this.#tokens = tokens;
    this.#chosen = chosen;
    this.#draw();
  }

  /** The chosen token's column may lie beyond the edge of a narrow screen. */
  #reveal() {
    const column = this.#table.querySelector('thead .chosen');
    const box = this.#table.parentElement;
    if (!(column instanceof HTMLElement) || !box || box.scrollWidth <= box.clientWidth) return;
    const [left, right] = [column.offsetLeft, column.offsetLeft + column.offsetWidth];
    const names = this.#table.querySelector('th')?.offsetWidth ?? 0;
    if (left - names < box.scrollLeft) box.scrollLeft = left - names;
    else if (right > box.scrollLeft + box.clientWidth) box.scrollLeft = right - box.clientWidth;
  }

  #draw() {
    const columns = [...this.#lenses.values()].sort((a, b) => a.position - b.position);
    const first = columns[0];
    if (!first) return;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset : null;
    const shown = first.depths
      .map((depth, index) => ({ depth, index }))
      .filter(({ depth }) => this.#halves.checked || depth.after !== 'attention');
    const head = h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { scope: 'col' }, 'depth'),
        ...columns.map(({ position }) => {
          const button = h(
            'button',
            { type: 'button', class: 'lens-token', 'data-position': position },
            tokenText(this.#tokens[position]),
          );
          return h('th', { scope: 'col', class: position === this.#chosen ? 'chosen' : null }, button);
        }),
      ),
    );
    const rows = shown.map(({ depth, index }) =>
      h(
        'tr',
        { class: `lens-${depth.after}` },
        h('th', { scope: 'row' }, depthName(depth)),
        ...columns.map((lens) => this.#cell(lens, index)),
      ),
    );
    this.#table.replaceChildren(head, h('tbody', {}, ...rows));
    if (focused?.position !== undefined) {
      const depth = focused.depth === undefined ? ':not([data-depth])' : `[data-depth="${focused.depth}"]`;
      const again = this.#table.querySelector(`[data-position="${focused.position}"]${depth}`);
      if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    }
    const drawn = `${this.#chosen}/${columns.length}`;
    if (drawn !== this.#revealed) this.#reveal();
    this.#revealed = drawn;
    this.#describe();
  }

  /** @param {Lens} lens @param {number} index */
  #cell(lens, index) {
    const guess = lens.depths[index]?.guesses[0];
    if (!guess) return h('td');
    const button = h(
      'button',
      {
        type: 'button',
        'data-position': lens.position,
        'data-depth': index,
        'aria-label': `${depthName(lens.depths[index])}, after ${spokenToken(this.#tokens[lens.position])}: ${spokenToken(guess.token)} ${formatShare(guess.probability)}`,
      },
      tokenText(guess.token),
    );
    const cell = h('td', { class: lens.position === this.#chosen ? 'chosen' : null }, button);
    // Eight steps, so that the words on them stay readable.
    cell.dataset.strength = String(Math.min(7, Math.floor(Math.sqrt(guess.probability) * 8)));
    return cell;
  }

  #describe() {
    const lens = this.#lenses.get(this.#chosen);
    if (!lens) {
      this.#detail.replaceChildren();
      return;
    }
    const at = Math.min(this.#depth ?? lens.depths.length - 1, lens.depths.length - 1);
    const depth = lens.depths[at];
    this.#detail.replaceChildren(
      h('h3', {}, `${depthName(depth)}, after `, tokenText(this.#tokens[this.#chosen])),
      h(
        'ol',
        { class: 'guess-list' },
        ...depth.guesses.map(({ token, probability, logit }) =>
          h(
            'li',
            {},
            tokenText(token),
            ` ${formatShare(probability)}`,
            h('span', { class: 'note' }, ` logit ${formatValue(logit)}`),
          ),
        ),
      ),
    );
    const ranks = lens.depths.flatMap(({ token }) => (token ? [token.rank] : []));
    const final = lens.depths.at(-1)?.token?.token ?? null;
    if (final && ranks.length === lens.depths.length) {
      this.#curve.update(ranks, lens.depths.map(depthName), final);
      this.element.dataset.ranks = ranks.map((rank) => formatCount(rank)).join(' ');
    }
  }
}
