// @ts-check
/** One round of measurements of a loaded model, through the page's own client: messages and waiting are in the figures. */
import {
  BRANCH_STEPS,
  BRANCHES,
  bytesPerToken,
  LONG_COUNT,
  longContextFor,
  median,
  promptsFor,
  READINGS,
  ratios,
  SHORT,
  SHORT_COUNT,
} from './figures.js';
import { arithmeticLimits, readingLimit } from './roofline.js';

/**
 * @typedef {import('../page/engine.js').Engine} Engine
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 */

/**
 * Tokens that look like a text's: all over the vocabulary, and others in each round.
 * @param {number} count
 * @param {number} variety
 * @param {number} vocabulary
 */
export function someTokens(count, variety, vocabulary) {
  let state = Math.imul(variety + 1, 2654435761);
  return Uint32Array.from({ length: count }, () => {
    state = Math.imul(state, 1664525) + 1013904223;
    return (state >>> 8) % vocabulary;
  });
}

/**
 * Milliseconds for a prompt of so many tokens.
 * @param {Engine} engine
 * @param {ModelInfo} model
 * @param {number} count
 * @param {number} variety
 */
export async function timePrompt(engine, model, count, variety) {
  const start = performance.now();
  await engine.prefillTokens(someTokens(count, variety, model.vocabulary));
  return performance.now() - start;
}

/** GB/s. @param {Engine} engine */
async function readingOfMatrices(engine) {
  const { bytes, times } = await engine.readMatrices(READINGS);
  return bytes / median(times) / 1e6;
}

/**
 * Runs what is measured, so that the browser has optimised the code: what a visitor meets after the first moments.
 * @param {Engine} engine
 * @param {ModelInfo} model
 */
export async function warmUp(engine, model) {
  for (let i = 0; i < 2; i++) {
    await timePrompt(engine, model, Math.min(128, model.positions), i);
    await timePrompt(engine, model, SHORT, i);
    await engine.decodeTokens(8);
    await engine.branches(BRANCHES, 8);
    await engine.readMatrices(4);
  }
}

/**
 * @param {Engine} engine
 * @param {ModelInfo} model
 * @param {number} threads
 * @param {number} variety
 * @param {(id: string, value: number) => void} record   called for each figure of `figures.js`
 * @param {AbortSignal} signal   asked between measurements
 */
export async function measureRound(engine, model, threads, variety, record, signal) {
  /** @type {Record<string, number>} */
  const rates = {};
  /** @param {string} id @param {number} value */
  const put = (id, value) => {
    signal.throwIfAborted();
    rates[id] = value;
    record(id, value);
  };
  // Limits are measured next to what is compared with them: the machine may be at something else a second later.
  const prompt = async (/** @type {number} */ length) => {
    const times = [];
    // What else the machine does weighs more on short ones.
    for (let again = Math.ceil(384 / length); again > 0; again--) {
      times.push(await timePrompt(engine, model, length, 100 * variety + again));
      signal.throwIfAborted();
    }
    put(`prefill-${length}`, (1000 * length) / median(times));
  };
  const lengths = promptsFor(model);
  for (const length of lengths.slice(0, 2)) await prompt(length);
  for (const [id, value] of Object.entries(await arithmeticLimits(threads, signal))) put(id, value);
  for (const length of lengths.slice(2)) await prompt(length);
  await timePrompt(engine, model, SHORT, variety);
  const { milliseconds } = await engine.branches(BRANCHES, BRANCH_STEPS);
  const { times } = await engine.decodeTokens(SHORT_COUNT);
  put('decode-short', 1000 / median(times));
  // The first token of each is known beforehand.
  put('branches', milliseconds / (BRANCH_STEPS - 1));
  record('branches-ratio', rates.branches / median(times));
  // How fast memory can be read depends on where the system put it: the weights are read where they are, too.
  put('read-matrices', await readingOfMatrices(engine));
  put('read', await readingLimit(threads, bytesPerToken(model), signal));
  await timePrompt(engine, model, longContextFor(model), variety);
  put('decode-long', 1000 / median((await engine.decodeTokens(LONG_COUNT)).times));
  for (const [id, value] of Object.entries(ratios(rates, model, model.variant.startsWith('relaxed')))) {
    record(id, value);
  }
}
