// @ts-check
import { formatCount } from '../lib/format.js';
import { rankCurve } from '../lib/ranks.js';
import { h } from './dom.js';
import { s } from './svg.js';
import { tokenText } from './token-text.js';

/** @typedef {import('../../shared/protocol.js').Token} Token */

const widest = 640; // px

/** The rank of one token over the depths of the model, 1 at the top, on a scale of powers of ten. */
export class RankCurve {
  #title = h('h3', {});
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
    const { height, rules, points } = rankCurve(ranks, width);
    this.#picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const lines = rules.flatMap(({ rank, x, y }) => [
      s('line', { class: 'rule', x1: x, x2: width, y1: y, y2: y }),
      s('text', { x: x - 6, y: y + 4, 'text-anchor': 'end' }, formatCount(rank)),
    ]);
    const dots = points.map(({ x, y }, index) =>
      s('circle', { cx: x, cy: y, r: 3.5 }, s('title', {}, `${names[index]}: rank ${formatCount(ranks[index])}`)),
    );
    const path = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
    this.#picture.setAttribute(
      'aria-label',
      `Ranks by depth: ${ranks.map((rank, at) => `${names[at]} ${rank}`).join(', ')}`,
    );
    this.#picture.replaceChildren(...lines, s('polyline', { points: path }), ...dots);
  }
}
