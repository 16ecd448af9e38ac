// @ts-check
import { formatCount, formatTime, formatValue, plural } from '../lib/format.js';
import { shades } from '../lib/surprise.js';
import { h } from './dom.js';

/**
 * What writing was like: key presses saved, the time of one, and how surprising the text is.
 * Event: `switch` when the colouring is switched.
 */
export class Meter extends EventTarget {
  #switch = h('input', { type: 'checkbox', id: 'surprise' });
  #saved = h('dd');
  #time = h('dd');
  #perplexity = h('dd');
  #legend = h(
    'p',
    { class: 'surprise-legend note', hidden: true },
    'Bits of surprise:',
    h('span', {}, `0–${shades[0]}`),
    ...shades.map((from, index) =>
      h(
        'span',
        { class: `surprise surprise-${index + 1}` },
        index + 1 < shades.length ? `${from}–${shades[index + 1]}` : `${from}+`,
      ),
    ),
  );
  element;

  constructor() {
    super();
    this.element = h(
      'div',
      { id: 'meter', class: 'meter' },
      h('label', { class: 'check' }, this.#switch, h('span', {}, 'Colour the text by how surprising each token was')),
      this.#legend,
      h(
        'dl',
        {},
        ...[
          ['Saved by suggestions', this.#saved],
          ['From a key to its suggestions', this.#time],
          ['Perplexity', this.#perplexity],
        ].map(([name, value]) => h('div', {}, h('dt', {}, name), value)),
      ),
    );
    this.#switch.addEventListener('change', () => {
      this.#legend.hidden = !this.on;
      this.dispatchEvent(new Event('switch'));
    });
  }

  get on() {
    return this.#switch.checked;
  }

  /**
   * @param {object} measured
   * @param {number} measured.saved     key presses that suggestions saved
   * @param {number} measured.without   key presses that all of the writing would have taken
   * @param {number | null} measured.milliseconds   the median
   * @param {number | null} measured.perplexity
   */
  update({ saved, without, milliseconds, perplexity }) {
    this.#saved.textContent = `${formatCount(saved)} of ${plural(without, 'keystroke')}`;
    this.#time.textContent = milliseconds === null ? '–' : formatTime(milliseconds);
    this.#perplexity.textContent =
      perplexity === null ? (this.on ? '…' : 'measured with the colours on') : formatValue(perplexity);
  }
}
