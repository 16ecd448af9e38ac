// @ts-check
import { formatCount, formatValue } from '../lib/format.js';
import { strongestOf } from '../lib/vectors.js';
import { h } from './dom.js';
import { tokenText } from './token-text.js';
import { VectorStrip } from './vector-strip.js';

/**
 * @typedef {import('../../shared/inspection.js').JourneyLayer} JourneyLayer
 * @typedef {import('../../shared/inspection.js').Norm} Norm
 * @typedef {import('../../shared/protocol.js').Token} Token
 */

const firing = 8; // neurons that are listed

/** All vectors of one token in one block. */
export class JourneyBlock {
  #strips = {
    input: new VectorStrip('stream'),
    norm1: new VectorStrip('after LayerNorm'),
    query: new VectorStrip('query: what it looks for', { kind: 'query', groups: 'head' }),
    key: new VectorStrip('key: what it offers to be found by', { kind: 'key', groups: 'head' }),
    value: new VectorStrip('value: what it hands on', { kind: 'value', groups: 'head' }),
    scores: new VectorStrip('scores'),
    weights: new VectorStrip('weights'),
    sum: new VectorStrip('sum of values', { kind: 'value' }),
    gathered: new VectorStrip('all heads side by side', { groups: 'head' }),
    projected: new VectorStrip('after the output projection'),
    attended: new VectorStrip('stream + attention', { kind: 'sum' }),
    norm2: new VectorStrip('after LayerNorm'),
    neurons: new VectorStrip('neurons before GELU'),
    activations: new VectorStrip('neurons after GELU'),
    mlp: new VectorStrip('back at the width of the stream'),
    output: new VectorStrip('stream + MLP: the input of the next block', { kind: 'sum' }),
  };
  #norm1 = h('p', { class: 'note' });
  #norm2 = h('p', { class: 'note' });
  #attends = h('p', { class: 'note journey-attends' });
  #fired = h('p', { class: 'note', id: 'journey-neurons' });
  element;

  constructor() {
    const { input, norm1, query, key, value, scores, weights, sum, gathered, projected, attended } = this.#strips;
    const { norm2, neurons, activations, mlp, output } = this.#strips;
    const group = (/** @type {string} */ title, /** @type {HTMLElement[]} */ ...parts) =>
      h('div', { class: 'journey-group' }, h('h5', { class: 'step-title' }, title), ...parts);
    this.element = h(
      'div',
      { class: 'journey-block', id: 'journey-block' },
      group('LayerNorm', input.element, this.#norm1, norm1.element),
      group('Query, key and value', query.element, key.element, value.element),
      group('Attention of the chosen head', scores.element, weights.element, this.#attends, sum.element),
      group('Heads merged', gathered.element, projected.element, attended.element),
      group(
        'MLP',
        this.#norm2,
        norm2.element,
        neurons.element,
        activations.element,
        this.#fired,
        mlp.element,
        output.element,
      ),
    );
  }

  /**
   * @param {JourneyLayer} step
   * @param {readonly Token[]} tokens
   * @param {number} heads
   * @param {number} head   the chosen one
   */
  update(step, tokens, heads, head) {
    const width = step.input.length;
    const length = width / heads;
    const size = step.scores.length / heads;
    const strips = this.#strips;
    this.element.dataset.layer = String(step.layer);
    this.element.dataset.head = String(head);
    this.element.dataset.revision = String(step.revision);
    const wide = { shape: `(${formatCount(width)})` };
    const split = { shape: `(${heads} heads × ${length})`, length };
    strips.input.update(step.input, wide);
    this.#norm1.textContent = describeNorm(step.norm1);
    strips.norm1.update(step.norm1.output, wide);
    strips.query.update(step.query, split);
    strips.key.update(step.key, split);
    strips.value.update(step.value, split);
    const scores = step.scores.subarray(head * size, (head + 1) * size);
    const weights = step.weights.subarray(head * size, (head + 1) * size);
    const seen = Math.min(size, step.position + 1);
    strips.scores.update(scores.subarray(0, seen), {
      shape: `(${seen}) of head ${head}, q·k / √${length}${size > seen ? `; the ${size - seen} after it are masked` : ''}`,
    });
    strips.weights.update(weights.subarray(0, seen), {
      shape: `(${seen}) of head ${head}, they add up to 1`,
    });
    const looks = strongestOf(weights, 4).flatMap((column, index) => [
      index ? ', ' : '',
      tokenText(tokens[column]),
      ` ${formatValue(weights[column])}`,
    ]);
    this.#attends.replaceChildren(tokenText(tokens[step.position]), ' looks at: ', ...looks);
    strips.sum.update(step.gathered.subarray(head * length, (head + 1) * length), {
      shape: `(${length}) of head ${head}`,
    });
    strips.gathered.update(step.gathered, split);
    strips.projected.update(step.projected, wide);
    strips.attended.update(step.attended, wide);
    this.#norm2.textContent = describeNorm(step.norm2);
    strips.norm2.update(step.norm2.output, wide);
    const many = { shape: `(${formatCount(step.neurons.length)}) = ${step.neurons.length / width} × width` };
    strips.neurons.update(step.neurons, many);
    strips.activations.update(step.activations, many);
    const fired = strongestOf(step.activations, firing);
    const firingNow = step.activations.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);
    this.#fired.textContent = `Fired most: ${fired.map((index) => `${index} (${formatValue(step.activations[index])})`).join(', ')}. ${formatCount(firingNow)} of ${formatCount(step.neurons.length)} are above 0.`;
    strips.mlp.update(step.mlp, wide);
    strips.output.update(step.output, wide);
  }
}

/** @param {Norm} norm */
function describeNorm({ mean, variance, epsilon }) {
  return `LayerNorm: less its mean ${formatValue(mean)}, divided by √(${formatValue(variance)} + ${formatValue(epsilon)}), then scaled and shifted by learnt vectors.`;
}
