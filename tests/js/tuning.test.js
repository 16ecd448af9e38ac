// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fewest, tune } from '../../www/js/worker/tuning.js';

/**
 * @param {number} available
 * @param {(threads: number, probe: number) => number} cost   milliseconds of each probe
 */
async function tuned(available, cost) {
  let time = 0;
  let quiets = 0;
  /** @type {number[]} */
  const probes = [];
  const tuning = await tune(available, {
    quiet: async () => {
      quiets++;
      // Waiting must not count as computing.
      time += 1000;
    },
    probe: (threads) => {
      time += cost(threads, probes.length);
      probes.push(threads);
    },
    now: () => time,
  });
  assert.equal(quiets, probes.length, 'asks before each token');
  return { ...tuning, probes };
}

test('the fewest threads that are nearly the fastest', () => {
  const of = (/** @type {number[]} */ ...milliseconds) =>
    fewest(milliseconds.map((each, index) => ({ threads: 2 ** index, milliseconds: each })));
  assert.equal(of(10, 6, 4, 3), 8);
  assert.equal(of(10, 6, 4.1, 4), 4);
  assert.equal(of(10, 6, 9, 20), 2);
  assert.equal(of(4, 4.2), 1);
});

test('with one thread there is nothing to time', async () => {
  assert.deepEqual(await tuned(1, () => 1), { threads: 1, times: [], probes: [] });
});

test('tries 1, 2, 4 and all, in turns, and leaves out the first round', async () => {
  const { threads, times, probes } = await tuned(6, (threads, probe) => (probe < 4 ? 50 : 12 / threads));
  assert.equal(threads, 6);
  assert.deepEqual(
    times.map(({ threads }) => threads),
    [1, 2, 4, 6],
  );
  assert.deepEqual(
    times.map(({ milliseconds }) => milliseconds),
    [12, 6, 3, 2],
  );
  assert.deepEqual(probes.slice(0, 5), [1, 2, 4, 6, 1]);
  assert.equal(probes.length, 16);
});

test('one slow token does not decide', async () => {
  const { threads } = await tuned(2, (threads, probe) => (probe === 3 ? 500 : 10 / threads));
  assert.equal(threads, 2);
});

test('on a slow device one round is enough', async () => {
  const { threads, probes } = await tuned(4, (threads) => 400 / threads);
  assert.equal(threads, 4);
  assert.deepEqual(probes, [1, 2, 4]);
});
