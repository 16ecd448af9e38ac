// @ts-check
/**
 * What the machine can do at best within a browser, with as many threads as the engine uses: reading memory, and the
 * two ways of multiplying int8. The kernels are made by scripts/roofline.mjs.
 */
import { commonRate, median } from './figures.js';

/** @typedef {import('./roofline-worker.js').Pass} Pass */

/** Each kernel runs so many times for so many milliseconds; the median counts. */
const RUNS = 3;
const MILLISECONDS = { read: 100, tile: 40 };

/** @param {Worker} worker @param {unknown} message @returns {Promise<any>} */
function ask(worker, message) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => ('error' in data ? reject(new Error(data.error)) : resolve(data.result));
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message || 'the roofline’s script could not be loaded'));
    };
    worker.postMessage(message);
  });
}

/**
 * GB/s of streaming reads.
 * @param {number} threads
 * @param {number} bytes that all of them read together: the size of what the engine reads, so that a cache that helps
 *   the one helps the other
 * @param {AbortSignal} signal
 */
export async function readingLimit(threads, bytes, signal) {
  return (await roofline(threads, { reading: Math.ceil(bytes / threads) }, signal)).read;
}

/**
 * 1e9 multiply-adds per second; relaxed ones if the browser has them.
 * @param {number} threads
 * @param {AbortSignal} signal
 */
export async function arithmeticLimits(threads, signal) {
  return roofline(threads, { arithmetic: true }, signal);
}

/**
 * The best rate of each kind of kernel.
 * @param {number} threads
 * @param {import('./roofline-worker.js').Preparation} preparation   of each thread
 * @param {AbortSignal} signal
 */
async function roofline(threads, preparation, signal) {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('roofline-worker.js', import.meta.url), { type: 'module', name: 'roofline' }),
  );
  /** @param {unknown} message @returns {Promise<any[]>} */
  const all = (message) => Promise.all(workers.map((worker) => ask(worker, message)));
  try {
    /** @type {string[]} */
    const names = (await all(preparation))[0];
    /** @type {Record<string, number>} */
    const best = {};
    for (const name of names) {
      const kind = name.split(' ')[0];
      const rates = [];
      for (let run = 0; run < RUNS; run++) {
        signal.throwIfAborted();
        const milliseconds = kind === 'read' ? MILLISECONDS.read : MILLISECONDS.tile;
        rates.push(commonRate(/** @type {Pass[][]} */ (await all({ name, milliseconds }))) / 1e6);
      }
      best[kind] = Math.max(best[kind] ?? 0, median(rates));
    }
    return best;
  } finally {
    for (const worker of workers) worker.terminate();
  }
}
