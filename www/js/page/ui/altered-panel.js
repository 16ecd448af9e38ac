// @ts-check
import { formatShare, formatTime, formatValue } from '../lib/format.js';
import { h } from './dom.js';
import { tokenText } from './token-text.js';

/**
 * @typedef {import('../../shared/inspection.js').Altered} Altered
 * @typedef {{kind: 'unmasked' | 'off' | 'cut', index: number, text: string}} Described
 */

/** Changes that are told without unfolding. */
const briefly = 3;

/**
 * Says that the model is altered, how, what that changes about the next token, and leads back.
 * Events: `back`, `remove` with `{kind, index}`.
 */
export class AlteredPanel extends EventTarget {
  #brief = h('p', { class: 'altered-brief', id: 'altered-brief' });
  #list = h('ul', { class: 'altered-list' });
  #body = h('tbody');
  #summary = h('p', { class: 'note', id: 'altered-summary', role: 'status' });
  #back = h('button', { type: 'button', class: 'primary compact', id: 'altered-back' }, 'Back to the real model');
  #table = h(
    'table',
    { class: 'changes', hidden: true },
    h('caption', { class: 'sr-only' }, 'The next token, before and after'),
    h(
      'thead',
      {},
      h('tr', {}, ...['Next token', 'really', 'altered', 'logit'].map((name) => h('th', { scope: 'col' }, name))),
    ),
    this.#body,
  );
  element = h(
    'section',
    { class: 'altered', id: 'altered', 'aria-label': 'The model is altered', hidden: true },
    h('div', { class: 'altered-head' }, h('strong', {}, 'The model is altered'), this.#brief, this.#back),
    h(
      'details',
      { class: 'altered-details' },
      h('summary', {}, 'What is changed, and what that does'),
      this.#list,
      this.#summary,
      this.#table,
    ),
  );

  constructor() {
    super();
    this.#back.addEventListener('click', () => this.dispatchEvent(new Event('back')));
    this.#list.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (!button) return;
      const detail = { kind: button.dataset.kind, index: Number(button.dataset.index) };
      this.dispatchEvent(new CustomEvent('remove', { detail }));
    });
  }

  /** @param {Described[]} described   empty if the model is as it is */
  describe(described) {
    this.element.hidden = described.length === 0;
    this.#list.replaceChildren(
      ...described.map(({ kind, index, text }) =>
        h(
          'li',
          {},
          `${text} `,
          h(
            'button',
            {
              type: 'button',
              class: 'plain compact',
              'data-kind': kind,
              'data-index': index,
              'aria-label': `Take back: ${text}`,
            },
            'take back',
          ),
        ),
      ),
    );
    if (described.length === 0) {
      this.#table.hidden = true;
      this.#summary.textContent = '';
      this.#brief.textContent = '';
      delete this.element.dataset.revision;
    }
  }

  working() {
    this.#summary.textContent = 'Computing what the altered model says …';
  }

  /** @param {string} message */
  fail(message) {
    this.#summary.textContent = message;
    this.#brief.textContent = message;
    this.#table.hidden = true;
  }

  /** @param {Altered} altered */
  update({ revision, changes, divergence, milliseconds }) {
    const top = changes[0];
    const kept = top?.before.rank === 1;
    this.#summary.textContent = `${kept ? 'The most probable next token stays the same' : 'Another token is the most probable now'}; the distributions differ by ${formatValue(divergence)} nats (Kullback-Leibler). ${formatTime(milliseconds)}.`;
    this.#brief.replaceChildren(
      ...changes
        .slice(0, briefly)
        .map(({ token, before, after }) =>
          h('span', {}, tokenText(token), ` ${formatShare(before.probability)} → ${formatShare(after.probability)}`),
        ),
    );
    this.element.dataset.revision = String(revision);
    this.element.dataset.divergence = String(divergence);
    this.#table.hidden = false;
    this.#body.replaceChildren(
      ...changes.map(({ token, before, after }) => {
        const direction = after.probability > before.probability ? 'up' : 'down';
        return h(
          'tr',
          { class: `change-${direction}` },
          h('th', { scope: 'row' }, tokenText(token)),
          h('td', {}, formatShare(before.probability)),
          h('td', {}, `${direction === 'up' ? '↑' : '↓'} ${formatShare(after.probability)}`),
          h('td', {}, `${formatValue(before.logit)} → ${formatValue(after.logit)}`),
        );
      }),
    );
  }
}
