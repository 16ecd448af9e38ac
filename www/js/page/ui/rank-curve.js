// @ts-check
import { formatCount } from '../lib/format.js';
import { h } from './dom.js';
import { s } from './svg.js';
import { tokenText } from './token-text.js';

/** @typedef {import('../../shared/protocol.js').Token} Token */

const [widest, height, left, bottom] = [640, 150, 58, 20];

/** The rank of one token over the depths of the model, 1 at the top, on a scale of powers of ten. */
export class RankCurve {
  #title = h('h4', {});
  #picture = s('svg', { class: 'rank-curve', role: 'img' });
  element = h('div', { class: 'rank', hidden: true }, this.#title, this.#picture);

  /**
   * @param {number[]} ranks
   * @param {string[]} names   of the depths
   * @param {Token} token
   */
  update(ranks, names, token) {
    this.element.hidden = false;
    this.#title.replaceChildren('Rank of ', tokenText(token), ' at every depth');
    const width = Math.max(300, Math.min(widest, this.#picture.clientWidth || widest));
    this.#picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...ranks))));
    const x = (/** @type {number} */ index) => left + ((width - left - 8) * index) / Math.max(1, ranks.length - 1);
    const y = (/** @type {number} */ rank) => 8 + ((height - bottom - 8) * Math.log10(rank)) / decades;
    const lines = Array.from({ length: decades + 1 }, (_, power) => [
      s('line', { class: 'rule', x1: left, x2: width, y1: y(10 ** power), y2: y(10 ** power) }),
      s('text', { x: left - 6, y: y(10 ** power) + 4, 'text-anchor': 'end' }, formatCount(10 ** power)),
    ]).flat();
    const points = ranks.map((rank, index) => `${x(index).toFixed(1)},${y(rank).toFixed(1)}`).join(' ');
    const dots = ranks.map((rank, index) =>
      s('circle', { cx: x(index), cy: y(rank), r: 3.5 }, s('title', {}, `${names[index]}: rank ${formatCount(rank)}`)),
    );
    this.#picture.setAttribute(
      'aria-label',
      `Ranks by depth: ${ranks.map((rank, at) => `${names[at]} ${rank}`).join(', ')}`,
    );
    this.#picture.replaceChildren(...lines, s('polyline', { points }), ...dots);
  }
}
