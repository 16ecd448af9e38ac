// @ts-check
/**
 * What is to be measured, as the address says it: `bench.html?model=URL&variant=V&threads=N`.
 *
 * @typedef {import('../shared/protocol.js').Variant} Variant
 * @typedef {{model: string, variant?: Variant, threads?: number}} BenchOptions
 *   `model`: absolute URL of a folder, ending in `/`; what is missing is chosen by the engine
 */

export const BUILT_IN = 'models/built-in/';

/** @type {readonly Variant[]} */
export const VARIANTS = ['simd128', 'relaxed', 'simd128-threads', 'relaxed-threads'];

export const MOST_THREADS = 64;

/**
 * @param {URLSearchParams} asked
 * @param {string} base   what relative addresses are relative to
 * @returns {BenchOptions}
 * @throws {Error} with a message for people
 */
export function readOptions(asked, base) {
  return {
    model: modelFolder(asked.get('model') || BUILT_IN, base),
    ...(asked.get('variant') ? { variant: knownVariant(asked.get('variant') ?? '') } : {}),
    ...(asked.get('threads') ? { threads: threadCount(asked.get('threads') ?? '') } : {}),
  };
}

/** @param {string} text @param {string} base */
function modelFolder(text, base) {
  const url = URL.canParse(text, base) ? new URL(text, base) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error(`“${text}” is not the address of a folder on the web`);
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url.href;
}

/** @param {string} name */
function knownVariant(name) {
  const variant = VARIANTS.find((variant) => variant === name);
  if (!variant) throw new Error(`there is no build “${name}”; there are ${VARIANTS.join(', ')}`);
  return variant;
}

/** @param {string} text */
export function threadCount(text) {
  const threads = Number(text);
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new Error(`“${text}” is not a number of threads from 1 to ${MOST_THREADS}`);
  }
  return threads;
}
