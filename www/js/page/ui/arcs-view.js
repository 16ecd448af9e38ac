// @ts-check

import { arcPicture, arcs, drawable, shares } from '../lib/arcs.js';
import { formatCount, formatShare } from '../lib/format.js';
import { tokenLabel } from '../lib/tokens.js';
import { h } from './dom.js';
import { s } from './svg.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('../../shared/protocol.js').Token} Token
 */

const [narrowest, widest] = [330, 640]; // px
const classes = { token: 'arc-token', chosen: 'arc-token chosen', end: 'arc-end' };
export const mostHeads = 6;

/**
 * Who looks at whom, as lines: in the middle the chosen tokens, on the left what they look at, on the right who looks at them.
 * Events: `choose` with `{index, several}`, `add` and `remove` with `{layer, head}` for the heads, `threshold`.
 */
export class ArcsView extends EventTarget {
  #heads = h('ul', { class: 'arc-heads', 'aria-label': 'Heads' });
  #add = h('button', { type: 'button', class: 'plain compact', id: 'arcs-add' });
  #share = h('input', {
    type: 'range',
    id: 'arcs-share',
    ...{ min: shares.least, max: shares.most, step: shares.step, value: shares.usual },
  });
  #shareValue = h('output', { for: 'arcs-share' });
  #several = h('input', { type: 'checkbox', id: 'arcs-several' });
  #picture = s('svg', { class: 'arcs', role: 'img', 'aria-labelledby': 'arcs-help' });
  #left = h('p', { class: 'note' });
  #sentences = h('div', { class: 'arc-sentences', id: 'arc-sentences' });
  element = h(
    'div',
    { class: 'arcs-view' },
    h(
      'p',
      { class: 'note', id: 'arcs-help' },
      'In the middle the tokens; choose one here or in the row of tokens above, and others besides with Shift or with “add tokens” ticked. To the left of a chosen one is what it looks at, to the right who looks at it. The thicker a line, the larger the weight.',
    ),
    h(
      'div',
      { class: 'arc-controls' },
      this.#heads,
      this.#add,
      h('label', { for: 'arcs-share' }, 'strongest '),
      this.#share,
      this.#shareValue,
      h('label', { class: 'lift' }, this.#several, 'add tokens'),
    ),
    h(
      'div',
      { class: 'arc-columns', 'aria-hidden': 'true' },
      h('span', {}, '← looks at'),
      h('span', {}, 'chosen'),
      h('span', {}, 'is looked at by →'),
    ),
    this.#picture,
    this.#left,
    this.#sentences,
  );
  /** @type {Attention[]} */
  #maps = [];
  /** @type {readonly Token[]} */
  #tokens = [];
  /** @type {Set<number>} */
  #chosen = new Set();

  constructor() {
    super();
    this.#share.addEventListener('input', () => {
      this.#draw();
      this.dispatchEvent(new Event('threshold'));
    });
    this.#add.addEventListener('click', () => this.dispatchEvent(new Event('add')));
    this.#heads.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (!button) return;
      const detail = { layer: Number(button.dataset.ofLayer), head: Number(button.dataset.ofHead) };
      this.dispatchEvent(new CustomEvent('remove', { detail }));
    });
    const choose = (/** @type {Element | null} */ target, /** @type {boolean} */ several) => {
      const index = target?.closest('[data-index]')?.getAttribute('data-index');
      if (index) this.dispatchEvent(new CustomEvent('choose', { detail: { index: Number(index), several } }));
    };
    this.#picture.addEventListener('click', (event) =>
      choose(/** @type {Element} */ (event.target), event.shiftKey || this.several),
    );
  }

  /** Whether a token joins those that are chosen: touch has no Shift. */
  get several() {
    return this.#several.checked;
  }

  /** Share of all attention of the chosen tokens that the lines make up. */
  get share() {
    return this.percent / 100;
  }

  get percent() {
    return Number(this.#share.value);
  }

  set percent(percent) {
    this.#share.value = String(percent);
    this.#draw();
  }

  get picture() {
    return this.#picture;
  }

  /**
   * @param {Attention[]} maps   of each head
   * @param {readonly Token[]} tokens
   * @param {Set<number>} chosen
   * @param {{layer: number, head: number} | null} next   the head that could be added
   */
  update(maps, tokens, chosen, next) {
    this.#maps = maps;
    this.#tokens = tokens;
    this.#chosen = chosen;
    this.#add.hidden = next === null || maps.length >= mostHeads;
    if (next) this.#add.textContent = `Add layer ${next.layer}, head ${next.head}`;
    this.#heads.replaceChildren(
      ...maps.map(({ layer, head }, index) =>
        h(
          'li',
          { class: `arc-${index}` },
          `L${layer} H${head} `,
          maps.length > 1
            ? h(
                'button',
                {
                  type: 'button',
                  class: 'plain compact',
                  'data-of-layer': layer,
                  'data-of-head': head,
                  'aria-label': `Leave out layer ${layer}, head ${head}`,
                },
                '×',
              )
            : '',
        ),
      ),
    );
    this.#draw();
  }

  #draw() {
    this.#shareValue.textContent = `${this.#share.value}% of attention`;
    const [maps, tokens, chosen] = [this.#maps, this.#tokens, this.#chosen];
    if (maps.length === 0) return;
    const lines = maps.flatMap((map, index) => arcs(map, chosen, this.share).map((arc) => ({ ...arc, index })));
    const width = Math.max(narrowest, Math.min(widest, this.#picture.clientWidth || widest));
    const drawn = drawable(lines);
    this.#left.textContent =
      drawn.length < lines.length
        ? `Of ${formatCount(lines.length)} lines the ${formatCount(drawn.length)} strongest are drawn.`
        : '';
    const { height, curves, labels } = arcPicture({ tokens: tokens.map(tokenLabel), chosen, lines: drawn, width });
    this.#picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#picture.replaceChildren(
      ...curves.map(({ d, thickness, line: { index, weight } }) =>
        s(
          'path',
          { class: `arc arc-${index}`, d, 'stroke-width': thickness, 'data-weight': weight },
          s('title', {}, formatShare(weight)),
        ),
      ),
      ...labels.map(({ x, y, anchor, kind, token, shown }) =>
        s('text', { x, y, 'text-anchor': anchor, class: classes[kind], 'data-index': token }, shown),
      ),
    );
    this.#sentences.replaceChildren(
      ...maps.flatMap((map, index) =>
        [...chosen]
          .sort((a, b) => a - b)
          .map((token) => {
            const own = lines.filter((arc) => arc.index === index && arc.from === token && arc.side === 'looks');
            const parts = own
              .slice(0, 6)
              .flatMap(({ to, weight }, place) => [
                place ? ', ' : '',
                tokenText(tokens[to]),
                ` ${formatShare(weight)}`,
              ]);
            return h(
              'p',
              { class: `note arc-${index}` },
              maps.length > 1 ? `L${map.layer} H${map.head}: ` : '',
              tokenText(tokens[token]),
              ' looks at: ',
              ...parts,
            );
          }),
      ),
    );
  }
}
