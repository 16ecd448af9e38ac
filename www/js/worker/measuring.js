// @ts-check
/** What `MeasuringRequest`s do, without a message or a pause in between. */

/**
 * @typedef {import('../../pkg/simd128/headlight.js').Engine} Engine
 * @typedef {import('../shared/protocol.js').PrefilledTokens} PrefilledTokens
 * @typedef {import('../shared/protocol.js').DecodedTokens} DecodedTokens
 * @typedef {import('../shared/protocol.js').Branches} Branches
 * @typedef {import('../shared/protocol.js').MatricesRead} MatricesRead
 */

/**
 * @param {Engine} engine
 * @param {Uint32Array} ids
 * @returns {PrefilledTokens}
 */
export function prefillTokens(engine, ids) {
  const start = performance.now();
  engine.setTokens(ids);
  while (engine.advance() > 0);
  return { next: engine.greedy(), milliseconds: performance.now() - start };
}

/**
 * @param {Engine} engine
 * @param {number} count
 * @returns {DecodedTokens}
 */
export function decodeTokens(engine, count) {
  const ids = [];
  const times = [];
  for (let start = performance.now(); ids.length < count; ) {
    const id = engine.greedy();
    engine.push(id);
    ids.push(id);
    const now = performance.now();
    times.push(now - start);
    start = now;
  }
  return { ids, times };
}

/**
 * @param {Engine} engine
 * @param {number} count
 * @param {number} steps
 * @returns {Branches}
 */
export function branches(engine, count, steps) {
  const start = performance.now();
  const ids = engine.branches(count, steps);
  return { ids, milliseconds: performance.now() - start };
}

/**
 * @param {Engine} engine
 * @param {number} count
 * @returns {MatricesRead}
 */
export function readMatrices(engine, count) {
  let bytes = 0;
  const times = [];
  while (times.length < count) {
    const start = performance.now();
    bytes = engine.readMatrices();
    times.push(performance.now() - start);
  }
  return { bytes, times };
}
