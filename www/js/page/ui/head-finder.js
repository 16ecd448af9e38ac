// @ts-check
import { measureNames, measures } from '../lib/measures.js';
import { h } from './dom.js';

/**
 * @typedef {import('../../shared/inspection.js').HeadMeasures} HeadMeasures
 * @typedef {import('../../shared/inspection.js').MeasureName} MeasureName
 */

const listed = 8;

/** @param {number} score */
const percent = (score) => `${Math.round(100 * score)}%`;

/**
 * Finds heads by what they do on this text.
 * Events: `filter` when `matches` has changed, `pick` with `{layer, head}`.
 */
export class HeadFinder extends EventTarget {
  #choice = h('select', { id: 'head-filter' });
  #means = h('p', { class: 'note finder-means' });
  #list = h('ol', { class: 'finder-list', 'aria-label': 'Heads that do it most' });
  element = h(
    'div',
    { class: 'finder' },
    h('label', { class: 'finder-label', for: 'head-filter' }, 'Find heads by what they do here'),
    this.#choice,
    this.#means,
    this.#list,
  );
  /** @type {HeadMeasures | null} */
  #measured = null;
  /** Layers and heads that the choice leaves, null for all. @type {Set<string> | null} */
  matches = null;

  constructor() {
    super();
    this.#choice.append(h('option', { value: '' }, 'all heads'));
    this.#choice.addEventListener('change', () => {
      this.#draw();
      this.dispatchEvent(new Event('filter'));
    });
    this.#list.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (!button) return;
      const detail = { layer: Number(button.dataset.ofLayer), head: Number(button.dataset.ofHead) };
      this.dispatchEvent(new CustomEvent('pick', { detail }));
    });
  }

  /** What heads are found by, in words; empty if by nothing. */
  get chosen() {
    return this.choice ? measures[this.choice].label : '';
  }

  get choice() {
    return /** @type {MeasureName | ''} */ (this.#choice.value);
  }

  /** @param {string} choice */
  choose(choice) {
    // The options come with the first measures.
    if (this.#choice.options.length === 1) this.#offer();
    this.#choice.value = choice in measures ? choice : '';
    this.#draw();
    this.dispatchEvent(new Event('filter'));
  }

  /** @param {HeadMeasures} measured */
  update(measured) {
    this.#measured = measured;
    this.#offer();
    this.#draw();
    this.element.dataset.revision = String(measured.revision);
  }

  #offer() {
    const labels = this.#measured?.labels;
    const names = ['', ...measureNames];
    const texts = [
      labels ? `all ${labels.length} heads` : 'all heads',
      ...measureNames.map((name) => {
        const count = labels ? ` (${labels.filter((label) => label === name).length})` : '';
        return measures[name].label + count;
      }),
    ];
    // Options stay and only change their texts, so that a list which is open stays open.
    texts.forEach((text, place) => {
      const option = this.#choice.options[place] ?? this.#choice.appendChild(h('option', { value: names[place] }));
      if (option.textContent !== text) option.textContent = text;
    });
  }

  /**
   * What stands out about a head, as a sentence; empty if nothing does.
   * @param {number} layer
   * @param {number} head
   */
  describe(layer, head) {
    const measured = this.#measured;
    if (!measured || layer >= measured.layers || head >= measured.heads) return '';
    const at = layer * measured.heads + head;
    const label = measured.labels[at];
    if (!label) return 'Does nothing on this text that stands out.';
    const { scores, uniform } = measured.measures[label];
    return `${measures[label].label[0].toUpperCase()}${measures[label].label.slice(1)}: on this text it ${measures[label].means}. Score ${scores[at].toFixed(2)}; a head that looks at everything alike would get ${uniform.toFixed(2)}.`;
  }

  /**
   * The label of a head with the score that earned it, empty if it has none.
   * @param {number} layer
   * @param {number} head
   */
  label(layer, head) {
    const measured = this.#measured;
    if (!measured || layer >= measured.layers || head >= measured.heads) return '';
    const at = layer * measured.heads + head;
    const name = measured.labels[at];
    return name ? `${measures[name].label} ${measured.measures[name].scores[at].toFixed(2)}` : '';
  }

  #draw() {
    const measured = this.#measured;
    const name = this.choice;
    this.matches = null;
    if (!name || !measured) {
      this.#means.textContent = '';
      this.#list.replaceChildren();
      return;
    }
    const { scores, uniform } = measured.measures[name];
    const ranked = [...scores.keys()].filter((at) => !Number.isNaN(scores[at])).sort((a, b) => scores[b] - scores[a]);
    this.matches = new Set(
      ranked.filter((at) => measured.labels[at] === name).map((at) => this.#key(at, measured.heads)),
    );
    this.#means.textContent =
      ranked.length === 0
        ? `Such a head ${measures[name].means}. This text has no place that could tell.`
        : `Such a head ${measures[name].means}. Mean share over the rows; looking at everything alike would give ${percent(uniform)}.`;
    // Buttons stay where they are and only change, so that one keeps the focus while new measures come; who presses one
    // gets the head that it names by then.
    const shown = ranked.slice(0, listed);
    while (this.#list.children.length > shown.length) this.#list.lastElementChild?.remove();
    shown.forEach((at, place) => {
      const button =
        this.#list.children[place]?.querySelector('button') ??
        this.#list.appendChild(h('li')).appendChild(h('button', { type: 'button', class: 'plain compact' }));
      const [layer, head] = [Math.floor(at / measured.heads), at % measured.heads];
      button.dataset.ofLayer = String(layer);
      button.dataset.ofHead = String(head);
      button.textContent = `L${layer} H${head} · ${percent(scores[at])}`;
    });
  }

  /** @param {number} at @param {number} heads */
  #key(at, heads) {
    return `${Math.floor(at / heads)}.${at % heads}`;
  }
}
