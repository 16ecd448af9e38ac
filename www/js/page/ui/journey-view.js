// @ts-check
import { cacheFacts } from '../lib/cache.js';
import { formatCount, formatShare, formatValue } from '../lib/format.js';
import { h } from './dom.js';
import { JourneyBlock } from './journey-block.js';
import { PositionPicture } from './position-picture.js';
import { StreamPicture } from './stream-picture.js';
import { tokenText } from './token-text.js';
import { VectorStrip } from './vector-strip.js';
import { Walk } from './walk.js';

/**
 * @typedef {import('../../shared/inspection.js').Journey} Journey
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('../../shared/protocol.js').Candidate} Candidate
 */

/**
 * The way of one token through the model, step by step, with the real vectors.
 * Events: `layer` with `{layer}`, `position` with `{by}`, `go-on` with `{text}` to make the drawn token the next input.
 */
export class JourneyView extends EventTarget {
  #title = h('h3', { id: 'journey-title' }, 'One token');
  #facts = h('p', { class: 'journey-facts' });
  #cache = h('p', { class: 'note', id: 'journey-cache' });
  #token = new VectorStrip('token embedding');
  #position = new VectorStrip('position embedding');
  #sum = new VectorStrip('their sum: what enters the first block', { kind: 'sum' });
  positions = new PositionPicture();
  stream = new StreamPicture();
  block = new JourneyBlock();
  #layer = h('output', { class: 'step-count' });
  #norm = new VectorStrip('after the final LayerNorm');
  #normFacts = h('p', { class: 'note' });
  #guesses = h('tbody');
  #sampling = h('p', { class: 'note', id: 'journey-sampling' });
  #guessTable = h(
    'table',
    { class: 'guesses' },
    h('caption', { class: 'sr-only' }, 'The most probable next tokens'),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...['rank', 'Token', 'logit', 'probability', 'chance to be drawn'].map((name) =>
          h('th', { scope: 'col' }, name),
        ),
      ),
    ),
    this.#guesses,
  );
  #goOn = h('button', { type: 'button', class: 'plain compact', id: 'journey-go-on', hidden: true });
  #walk = new Walk(() => this.#stops());
  element;
  /** @type {string | null} */
  #next = null;

  constructor() {
    super();
    const button = (/** @type {string} */ id, /** @type {string} */ text, /** @type {() => void} */ act) => {
      const element = h('button', { type: 'button', class: 'plain compact', id }, text);
      element.addEventListener('click', act);
      return element;
    };
    const move = (/** @type {number} */ by) => () =>
      this.dispatchEvent(new CustomEvent('position', { detail: { by } }));
    const layer = (/** @type {number} */ by) => () => this.dispatchEvent(new CustomEvent('layer', { detail: { by } }));
    this.stream.addEventListener('layer', (event) => {
      this.dispatchEvent(new CustomEvent('layer', { detail: /** @type {CustomEvent} */ (event).detail }));
    });
    this.#goOn.addEventListener('click', () => {
      if (this.#next !== null) this.dispatchEvent(new CustomEvent('go-on', { detail: { text: this.#next } }));
    });
    this.element = h(
      'div',
      { class: 'journey' },
      h(
        'div',
        { class: 'journey-bar' },
        this.#title,
        h(
          'span',
          { class: 'head-tools' },
          button('journey-back', '← token before', move(-1)),
          button('journey-on', 'token after →', move(1)),
        ),
      ),
      this.#facts,
      this.#cache,
      stepCard(
        '1',
        'Token and place become vectors',
        'A row of the embedding matrix for what the token is, a row of the position matrix for where it stands, added number by number.',
        this.#token.element,
        this.#position.element,
        this.positions.element,
        this.#sum.element,
      ),
      stepCard(
        '2',
        'The residual stream',
        'Every block reads from this vector and adds to it. Each line is the stream after one more step; choose one to see its block below.',
        this.stream.element,
      ),
      stepCard(
        '3',
        'One block',
        'First attention lets the token gather from what the mask leaves, the ones before it, then the MLP works on what it has, each adding its result to the stream.',
        h(
          'div',
          { class: 'journey-layer' },
          button('layer-back', '←', layer(-1)),
          this.#layer,
          button('layer-on', '→', layer(1)),
        ),
        this.block.element,
      ),
      stepCard(
        '4',
        'From the stream to the next token',
        'A last LayerNorm; then the vector is multiplied with the embedding of every token in the vocabulary. The larger the product (the logit), the more probable the token.',
        this.#norm.element,
        this.#normFacts,
        this.#guessTable,
        this.#sampling,
      ),
      stepCard(
        '5',
        'And again',
        'The drawn token is put at the end of the text and goes the same way: the model writes one token at a time, each from all before it. The mask lets keys and values of the text stay in the cache, so only the new token is computed.',
        this.#goOn,
      ),
      this.#walk.element,
    );
    this.#walk.addEventListener('end', () => this.#goOn.click());
  }

  /** Where the walk stops: the cards, or their groups where they have some. @returns {HTMLElement[]} */
  #stops() {
    return [...this.element.querySelectorAll('.journey-step, .journey-group')].flatMap((part) =>
      part instanceof HTMLElement && !part.querySelector('.journey-group') ? [part] : [],
    );
  }

  /**
   * @param {Journey} journey
   * @param {readonly Token[]} tokens
   * @param {{layer: number, layers: number, vocabulary: number, positions: number}} model
   * @param {import('../../shared/inspection.js').Alteration | null} alteration
   */
  update(journey, tokens, model, alteration) {
    const { position, token, cached, tokenEmbedding, positionEmbedding, residuals, finalNorm, guesses } = journey;
    const width = tokenEmbedding.length;
    this.element.dataset.revision = String(journey.revision);
    this.element.dataset.position = String(position);
    this.#title.replaceChildren('The way of ', tokenText(token));
    this.#facts.replaceChildren(
      `Token ${formatCount(position)} of the context (counting from 0, ${formatCount(tokens.length)} in all), number ${formatCount(token.id)} of ${formatCount(model.vocabulary)} in the vocabulary, bytes `,
      h('span', { class: 'piece-bytes' }, token.hex),
      '.',
    );
    this.#cache.textContent = cacheFacts(cached, alteration);
    const shape = `(${formatCount(width)})`;
    this.#token.update(tokenEmbedding, {
      shape,
      name: `token embedding, row ${formatCount(token.id)} of ${formatCount(model.vocabulary)}`,
    });
    this.#position.update(positionEmbedding, {
      shape,
      name: `position embedding, row ${formatCount(position)} of ${formatCount(model.positions)}`,
    });
    this.#sum.update(residuals.subarray(0, width), { shape });
    this.positions.mark(position);
    this.stream.update(residuals, width);
    this.setLayer(model.layer, model.layers);
    this.#norm.update(finalNorm.output, { shape });
    this.#normFacts.textContent = `mean ${formatValue(finalNorm.mean)}, variance ${formatValue(finalNorm.variance)} before it`;
    this.#guesses.replaceChildren(
      ...guesses.map(({ rank, token: guess, logit, probability }) =>
        h(
          'tr',
          {},
          h('td', {}, String(rank)),
          h('th', { scope: 'row' }, tokenText(guess)),
          h('td', {}, formatValue(logit)),
          h('td', {}, formatShare(probability)),
          h('td', { 'data-id': guess.id }, ''),
        ),
      ),
    );
    this.#sampling.textContent = '';
    this.#goOn.hidden = true;
  }

  /**
   * What temperature, top-k and top-p make of the probabilities; only the last token has them.
   * @param {Candidate[] | null} candidates
   * @param {string} settings
   */
  setSampling(candidates, settings) {
    const drawn = new Map(candidates?.map((candidate) => [candidate.token.id, candidate.sampled]));
    for (const cell of this.#guesses.querySelectorAll('td[data-id]')) {
      const share = drawn.get(Number(/** @type {HTMLElement} */ (cell).dataset.id));
      cell.textContent = share === undefined ? '' : share === 0 ? 'never' : formatShare(share);
    }
    const best = candidates?.find(({ insert }) => insert !== null);
    this.#sampling.textContent = candidates
      ? `Chance to be drawn with ${settings}.`
      : 'Chances to be drawn are there for the last token.';
    this.#next = best?.insert ?? null;
    this.#goOn.hidden = !best;
    if (best) this.#goOn.replaceChildren('Put ', tokenText(best.token), ' at the end and follow it');
  }

  /**
   * @param {number} layer
   * @param {number} layers
   */
  setLayer(layer, layers) {
    this.#layer.textContent = `Block ${layer} (of ${layers}, counting from 0)`;
    this.stream.mark(layer);
  }
}

/**
 * @param {string} number
 * @param {string} title
 * @param {string} text
 * @param {...HTMLElement} parts
 */
function stepCard(number, title, text, ...parts) {
  return h(
    'section',
    { class: 'journey-step', 'aria-label': title },
    h(
      'h4',
      {},
      h('span', { class: 'stage-number', 'aria-hidden': 'true' }, number),
      h('span', { class: 'step-title' }, title),
    ),
    h('p', { class: 'note' }, text),
    ...parts,
  );
}
