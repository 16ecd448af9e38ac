// @ts-check
/** Which WebAssembly builds to try, in which order, and why others are left out. */

/**
 * @typedef {import('../shared/protocol.js').Variant} Variant
 * @typedef {import('../shared/protocol.js').LeftOut} LeftOut
 * @typedef {import('./features.js').Features} Features
 *
 * @typedef {object} Wishes   see `ConfigureRequest`
 * @property {Variant} [variant]
 * @property {number} [threads]
 * @property {number} [maxThreads]
 *
 * @typedef {object} Build
 * @property {Variant} name
 * @property {boolean} relaxed
 * @property {boolean} threaded
 *
 * @typedef {object} Plan
 * @property {Build[]} order      the best first
 * @property {LeftOut[]} leftOut  in the order in which they would have been tried
 * @property {number} helpers     threads to start beside the engine's own, if the build has threads
 */

/**
 * The best first. Whether threads or relaxed kernels weigh more depends on the number of cores, but it decides only where
 * the first build failed although the browser has both.
 * @type {readonly Build[]}
 */
const builds = [
  { name: 'relaxed-threads', relaxed: true, threaded: true },
  { name: 'simd128-threads', relaxed: false, threaded: true },
  { name: 'relaxed', relaxed: true, threaded: false },
  { name: 'simd128', relaxed: false, threaded: false },
];

/** Beyond this the threads of one small model wait for each other more than they compute. */
const MOST_THREADS = 8;

/**
 * @param {Features} features
 * @param {Wishes} wishes
 * @returns {Plan}
 */
export function plan(features, wishes) {
  /** @type {Build[]} */
  const order = [];
  /** @type {LeftOut[]} */
  const leftOut = [];
  for (const build of builds) {
    const reason = barrier(build, features, wishes);
    if (reason) leftOut.push({ variant: build.name, reason, detail: '' });
    else order.push(build);
  }
  const threads = wishes.threads ?? Math.min(features.cores, MOST_THREADS, wishes.maxThreads ?? MOST_THREADS);
  return { order, leftOut, helpers: threads - 1 };
}

/**
 * @param {Build} build
 * @param {Features} features
 * @param {Wishes} wishes
 * @returns {LeftOut['reason'] | null}
 */
function barrier({ name, relaxed, threaded }, features, wishes) {
  if (wishes.variant && wishes.variant !== name) return 'asked';
  if (relaxed && features.relaxedBarred) return features.relaxedBarred;
  if (!threaded) return wishes.threads !== undefined && wishes.threads > 1 ? 'asked' : null;
  if (wishes.threads === 1 && wishes.variant !== name) return 'asked';
  if (features.threadsBarred) return features.threadsBarred;
  if (wishes.variant === name || wishes.threads !== undefined) return null;
  if (features.cores < 2) return 'one-core';
  return wishes.maxThreads !== undefined && wishes.maxThreads < 2 ? 'crashed' : null;
}
