// @ts-check
/**
 * Which WebAssembly build runs, and why not a faster one, in words.
 *
 * @typedef {import('../../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../../shared/protocol.js').LeftOut} LeftOut
 * @typedef {import('../../shared/protocol.js').Variant} Variant
 * @typedef {import('../../shared/protocol.js').Tuning} Tuning
 */

/** @type {Readonly<Record<Variant, string>>} */
const names = {
  simd128: 'SIMD',
  relaxed: 'relaxed SIMD',
  'simd128-threads': 'SIMD with threads',
  'relaxed-threads': 'relaxed SIMD with threads',
};

/** @type {Readonly<Record<LeftOut['reason'], (name: string, detail: string) => string>>} */
const reasons = {
  'no-relaxed-simd': () => 'This browser has no relaxed SIMD, which would be faster.',
  'narrow-sums': () => 'This processor has no instruction that would make relaxed SIMD faster.',
  'not-isolated': () => 'The page is not cross-origin isolated, and browsers allow threads only then.',
  'no-shared-memory': () => 'This browser does not let threads share memory.',
  'one-core': () => 'There is one processor core, so more threads would not help.',
  asked: () => 'Threads are switched off in the page’s address.',
  crashed: () => 'The engine stopped while it used threads, so it does without them.',
  missing: (name) => `The build for ${name} is missing on the server.`,
  broken: (name, detail) => `The build for ${name} could not be started (${detail}).`,
  'wrong-numbers': (name) => `The build for ${name} gave wrong numbers when it was tried.`,
  memory: (name) => `There was no memory for ${name}.`,
  'no-helpers': (_, detail) => `Not all threads could be started (${detail}).`,
};

/**
 * @param {Pick<ModelInfo, 'variant' | 'threads' | 'leftOut'>} model
 * @param {Tuning['times']} times   with each number of threads that was tried
 * @returns {{summary: string, reasons: string[]}}
 */
export function describeBuild({ variant, threads, leftOut }, times) {
  const kernels = variant.startsWith('relaxed') ? 'Relaxed SIMD' : 'SIMD';
  const sentences = leftOut.map((left) => reasons[left.reason](names[left.variant], left.detail));
  if (times.some((tried) => tried.threads > threads)) sentences.push('More threads are no faster here.');
  return {
    summary: `${kernels}, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    reasons: [...new Set(sentences)],
  };
}
