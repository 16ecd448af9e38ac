// @ts-check
/**
 * Chooses the number of threads by timing. The number of cores alone does not tell it: two may be one in truth, other
 * programs may be at work, and where memory is the limit a few threads already use all of it.
 */

/** @typedef {import('../shared/protocol.js').Tuning} Tuning */

/** The first of them wakes threads and fills caches, and counts only if there is hardly time for more. */
const ROUNDS = 4;

/** Milliseconds of computing after which no further round begins; whoever types meanwhile waits for one token at most. */
const BUDGET = 300;

/** Fewer threads that are slower by no more than this leave cores to others and save the battery. */
const TOLERANCE = 1.05;

/**
 * @param {number} available
 * @param {object} how
 * @param {() => Promise<void>} how.quiet      resolves when nothing else wants to be computed
 * @param {(threads: number) => void} how.probe  computes one token with so many threads
 * @param {() => number} [how.now]             milliseconds
 * @returns {Promise<Tuning>}
 */
export async function tune(available, { quiet, probe, now = () => performance.now() }) {
  if (available < 2) return { threads: available, times: [] };
  const trials = [...[1, 2, 4, 8].filter((threads) => threads < available), available].map((threads) => ({
    threads,
    samples: /** @type {number[]} */ ([]),
  }));
  let spent = 0;
  for (let round = 0; round < ROUNDS && spent < BUDGET; round++) {
    for (const { threads, samples } of trials) {
      await quiet();
      const start = now();
      probe(threads);
      const took = now() - start;
      samples.push(took);
      spent += took;
    }
  }
  const times = trials.map(({ threads, samples }) => ({
    threads,
    milliseconds: samples.length > 2 ? median(samples.slice(1)) : Math.min(...samples),
  }));
  return { threads: fewest(times), times };
}

/**
 * The fewest threads that are nearly as fast as any.
 * @param {Tuning['times']} times by rising number of threads
 */
export function fewest(times) {
  const best = Math.min(...times.map(({ milliseconds }) => milliseconds));
  return times.find(({ milliseconds }) => milliseconds <= best * TOLERANCE)?.threads ?? 1;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
