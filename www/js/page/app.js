// @ts-check
import { codes, EngineError } from '../shared/protocol.js';

/**
 * @typedef {import('./engine.js').Engine} Engine
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('./settings.js').SettingsKeeper} SettingsKeeper
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../shared/protocol.js').Sampling} Sampling
 * @typedef {import('../shared/protocol.js').TokenSurprise} TokenSurprise
 *
 * @typedef {object} Details
 * @property {Suggestions} suggestions
 * @property {null} ahead
 * @property {number} painted
 * @property {{index: number}} token
 * @property {{tokens: TokenSurprise[]}} surprise
 * @property {{text: string}} leave
 *
 * @typedef {'loading' | 'ready' | 'failed' | 'cancelled' | 'crashed'} State
 */

/**
 * What the controllers share: the engine, the model, the settings, the state of loading, and what one part has to tell the
 * others. They know each other only through this.
 *
 * Events:
 * - `state`: loading went on; `state` has it.
 * - `model`: another model is in use; `model` has it, or null if there is none any more.
 * - `suggestions` with `Suggestions`: the engine's newest tokens are those of this answer, and it is on the page. Whoever
 *   draws something for it draws at once.
 * - `ahead`: from here on the engine's tokens run ahead of those that the page knows, until the next `suggestions`.
 * - `sampling`: `sampling` has changed.
 * - `painted` with the milliseconds that it took: the newest suggestions can be seen; the machine may do less urgent things.
 * - `token` with `{index}`: the user picked a token of the context.
 * - `surprise` with `{tokens}`: how surprising those of the whole text were, by index, as far as it is known.
 * - `leave` with `{text}`: the text is about to become another, and should not be lost.
 * - `error` with an `EngineError` that the user has to know of.
 */
export class App extends EventTarget {
  engine;
  settings;
  /** @type {ModelInfo | null} */
  #model = null;
  /** @type {State} */
  #state = 'loading';
  /** Whether a generation is running, which has the text for itself. */
  generating = false;

  /** @type {Sampling} */
  #sampling = { temperature: 1, topK: 0, topP: 1, seed: 0 };

  /**
   * @param {Engine} engine
   * @param {SettingsKeeper} settings
   */
  constructor(engine, settings) {
    super();
    this.engine = engine;
    this.settings = settings;
  }

  /** How a next token would be drawn. */
  get sampling() {
    return this.#sampling;
  }

  set sampling(sampling) {
    this.#sampling = sampling;
    this.dispatchEvent(new Event('sampling'));
  }

  get model() {
    return this.#model;
  }

  set model(model) {
    this.#model = model;
    this.dispatchEvent(new Event('model'));
  }

  get state() {
    return this.#state;
  }

  set state(state) {
    this.#state = state;
    document.body.dataset.state = state;
    this.dispatchEvent(new Event('state'));
  }

  /**
   * @template {keyof Details} K
   * @param {K} type
   * @param {Details[K]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** An error outside of loading. @param {unknown} error */
  fail(error) {
    const detail = asEngineError(error);
    // A newer request or the user's own wish explains these; a crash is shown by its event.
    if (detail.code === codes.superseded || detail.code === codes.cancelled || detail.code === codes.crashed) return;
    this.dispatchEvent(new CustomEvent('error', { detail }));
  }
}

/** @param {unknown} error */
export function asEngineError(error) {
  return error instanceof EngineError
    ? error
    : new EngineError('unknown', error instanceof Error ? error.message : String(error));
}
