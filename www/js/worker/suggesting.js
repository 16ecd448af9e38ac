// @ts-check
/** What the suggestions under the text are made of: `SuggestRequest` and `SuggestingRequest` of `../shared/protocol.js`. */

import { codes, EngineError } from '../shared/protocol.js';

/**
 * @typedef {import('../../pkg/simd128/headlight.js').Engine} Engine
 * @typedef {import('../shared/protocol.js').SuggestSettings} SuggestSettings
 * @typedef {import('../shared/protocol.js').Sampling} Sampling
 * @typedef {import('../shared/protocol.js').PersonalChange} PersonalChange
 * @typedef {import('../shared/protocol.js').Progress['progress']} ProgressValue
 * @typedef {(progress: ProgressValue) => void} Report
 *
 * @typedef {object} Host   the worker
 * @property {() => Engine} engine       the one that is loaded
 * @property {() => import('./wasm.js').Package} pkg
 * @property {() => number} newestText   counts texts
 * @property {<T>(work: (giveWay: () => void) => Promise<T>) => Promise<T>} takeOver
 *   does the work of a newer text; older work gives way, and attention waits for this
 * @property {() => Promise<void>} yieldToMessages
 * @property {() => Promise<void>} quiet   resolves when nothing else is to be done
 */

/** Prompts with more tokens than this to compute report progress. */
const LONG_PROMPT = 64;

/** Passes for each word of ghost text; if they don't find it, it has none. */
const GHOST_PASSES = 4;

/** @type {Omit<SuggestSettings, 'sampling'>} */
const defaults = {
  count: 3,
  maxWords: 1,
  punctuation: false,
  corrections: true,
  personal: 0.1,
  filter: true,
  passes: 32,
};

/** @param {Host} host */
export function suggestingHandlers(host) {
  /** The text that suggestions were last asked for, by its number. */
  let suggested = -1;
  let newestSurprise = 0;

  /** @param {Sampling | undefined} sampling */
  const drawing = (sampling) =>
    sampling &&
    new (host.pkg().SampleSettings)(
      sampling.temperature,
      sampling.topK,
      sampling.topP,
      sampling.repetitionPenalty ?? 1,
    );

  /** The engine, as long as it is about the text that suggestions were asked for. */
  const current = () => {
    const engine = host.engine();
    if (suggested < 0) throw new EngineError(codes.notReady, 'no suggestions were asked for');
    if (suggested !== host.newestText()) throw new EngineError(codes.superseded, 'there is a newer text');
    return engine;
  };

  /**
   * @param {import('../shared/protocol.js').SuggestRequest} request
   * @param {Report} report
   * @param {() => void} giveWay
   */
  async function answer({ text, top, settings = {}, keep = [] }, report, giveWay) {
    const start = performance.now();
    // Texts that are already waiting behind this one make it needless.
    await host.yieldToMessages();
    giveWay();
    const engine = host.engine();
    const { count, maxWords, punctuation, corrections, personal, filter, passes } = { ...defaults, ...settings };
    const { SuggestSettings } = host.pkg();
    const wanted = new SuggestSettings(count, maxWords, punctuation, corrections, personal, filter, passes);
    const prompt = engine.beginWords(text, wanted);
    engine.keep(keep);
    suggested = host.newestText();
    const total = prompt.tokens - prompt.reused;
    // What is known from earlier texts may be all that this one asks for.
    let sure = tellWords(engine, 0, report);
    for (;;) {
      const step = engine.search();
      if (step === -2) break;
      if (step < 0) sure = tellWords(engine, sure, report);
      else if (total > LONG_PROMPT) report({ done: Math.max(total - step, 0), total });
      await host.yieldToMessages();
      giveWay();
    }
    const { unprompted, dropped, trimmedSpace } = prompt;
    return {
      unprompted,
      dropped,
      trimmedSpace,
      computed: total,
      revision: engine.revision,
      ...engine.suggestions(top, drawing(settings.sampling)),
      milliseconds: performance.now() - start,
    };
  }

  return {
    /**
     * @param {import('../shared/protocol.js').SuggestRequest} message
     * @param {Report} report
     */
    suggest(message, report) {
      return new Promise((resolve, reject) => {
        const work = host.takeOver(async (giveWay) => {
          resolve({ result: await answer(message, report, giveWay) });
          // The rest of the text is for attention alone, so the answer does not wait for it.
          do {
            await host.yieldToMessages();
            giveWay();
          } while (host.engine().advance() > 0);
        });
        work.catch(reject);
      });
    },

    /** @param {{search: boolean}} message */
    async ahead({ search }) {
      /** @type {import('../shared/protocol.js').Ahead[]} */
      const result = [];
      for (const letter of current().nextLetters()) {
        do await host.yieldToMessages();
        while (search && current().searchAfter(letter));
        result.push({ letter, known: current().wordsAfter(letter) });
      }
      return { result };
    },

    /** @param {{words: number}} message */
    async ghost({ words }) {
      for (let passes = 0; ; passes++) {
        const { state, phrase } = current().ghost(words, passes >= GHOST_PASSES * words);
        if (state === 'done') return { result: phrase };
        await host.yieldToMessages();
      }
    },

    /** @param {{top: number, sampling?: Sampling}} message */
    async candidates({ top, sampling }) {
      return { result: current().candidates(top, drawing(sampling)) };
    },

    /** @param {{index: number, top: number, sampling?: Sampling}} message */
    async alternatives({ index, top, sampling }) {
      return { result: current().alternatives(index, top, drawing(sampling)) };
    },

    /** @param {{after: string}} message */
    async rerank({ after }) {
      const count = current().words().words.length;
      /** @type {number[]} */
      const both = [];
      /** @type {number[]} */
      const own = [];
      for (let index = 0; index < count; index++) {
        await host.yieldToMessages();
        const [with_, without] = current().followedBy(index, after);
        both.push(with_);
        own.push(without);
      }
      const [probability, model] = [shares(both), shares(own)];
      const rank = (/** @type {number} */ index) => 1 + both.filter((other) => other > both[index]).length;
      return {
        result: both.map((_, index) => ({
          model: model[index],
          probability: probability[index],
          rank: rank(index),
        })),
      };
    },

    /**
     * @param {{text: string}} message
     * @param {Report} report
     */
    async surprise({ text }, report) {
      const mine = ++newestSurprise;
      const engine = host.engine();
      engine.beginSurprise(text);
      for (;;) {
        await host.quiet();
        if (mine !== newestSurprise || engine !== host.engine()) {
          throw new EngineError(codes.superseded, 'there is a newer text');
        }
        const measured = engine.measureSurprise();
        if ('bits' in measured) {
          const { count, bits } = measured;
          return { result: { tokens: count, bits, perplexity: count ? 2 ** (bits / count) : 1 } };
        }
        if (measured.tokens.length) report(measured);
      }
    },

    /** @param {{change?: PersonalChange}} message */
    async personal({ change }) {
      const engine = host.engine();
      if (change) apply(engine, change);
      return { result: engine.personalState() };
    },
  };
}

/**
 * Reports words as soon as there is more to show.
 * @param {Engine} engine
 * @param {number} told how many were sure when words were reported last
 * @param {Report} report
 * @returns {number} how many are
 */
function tellWords(engine, told, report) {
  const known = engine.words();
  if (told === 0 ? known.words.length > 0 : known.sure > told) report(known);
  return known.sure;
}

/**
 * @param {Engine} engine
 * @param {PersonalChange} change
 */
function apply(engine, change) {
  switch (change.action) {
    case 'learn':
    case 'unlearn':
      return engine.learn(change.before, change.word, change.action === 'learn');
    case 'forget':
      return engine.forget(change.word);
    case 'block':
    case 'unblock':
      return engine.block(change.word, change.action === 'block');
    case 'reject':
    case 'allow':
      return engine.reject(change.text, change.word, change.action === 'reject');
    case 'allow-at':
      return engine.allowAt(change.after, change.word);
    case 'forget-all':
      return engine.forgetAll();
    case 'import':
      return importPersonal(engine, change.state);
    default:
      throw new EngineError('unknown-request', `there is no change ${/** @type {any} */ (change).action}`);
  }
}

/**
 * @param {Engine} engine
 * @param {unknown} state
 */
export function importPersonal(engine, state) {
  engine.importPersonal(new TextEncoder().encode(JSON.stringify(state) ?? ''));
}

/** Shares of numbers that are given by their logarithms. @param {number[]} logarithms */
function shares(logarithms) {
  const largest = Math.max(...logarithms);
  const weights = logarithms.map((value) => Math.exp(value - largest));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
