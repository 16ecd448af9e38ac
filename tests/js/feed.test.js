// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Feed } from '../../www/js/page/look/feed.js';

const settle = 140; // ms, longer than the feed's own pause

/** @typedef {import('../../www/js/shared/inspection.js').InspectionRequest} InspectionRequest */

function setUp() {
  /** @type {string[]} */
  const asked = [];
  /** @type {{revision: number, fails: Error | null}} */
  const state = { revision: 1, fails: null };
  const feed = new Feed(async (/** @type {any} */ request) => {
    asked.push(`${request.kind} ${request.layer}`);
    const { revision } = state;
    await sleep(1);
    if (state.fails) throw state.fails;
    return { revision, layer: request.layer };
  });
  /** @type {Map<string, number>} */
  const drawn = new Map();
  /**
   * @param {string} name
   * @param {number} rank
   * @param {number} layer
   */
  const want = (name, rank, layer) =>
    feed.want(name, {
      rank,
      request: (revision) =>
        drawn.get(name) === revision ? null : /** @type {InspectionRequest} */ ({ kind: 'attention', layer, head: 0 }),
      deliver: ({ revision }) => drawn.set(name, revision),
    });
  return { feed, asked, state, drawn, want };
}

test('asks for what is wanted, in order of rank, and never twice for the same', async () => {
  const { feed, asked, want } = setUp();
  want('b', 2, 7);
  want('a', 1, 3);
  await sleep(settle);
  assert.deepEqual(asked, [], 'there is no text yet');
  feed.refresh(1);
  await sleep(settle);
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual(asked, ['attention 3', 'attention 7']);
});

test('what is not urgent waits for a pause in typing', async () => {
  const { feed, asked, state, want } = setUp();
  want('urgent', 0, 0);
  want('later', 20, 1);
  for (state.revision = 1; state.revision < 4; state.revision++) {
    feed.refresh(state.revision);
    await sleep(20);
  }
  state.revision = 3;
  await sleep(settle);
  assert.equal(asked.filter((request) => request === 'attention 0').length, 3);
  assert.equal(asked.filter((request) => request === 'attention 1').length, 1);
});

test('an answer about other tokens is not shown, and not asked for again before the next text', async () => {
  const { feed, asked, state, drawn, want } = setUp();
  state.revision = 2; // the engine is ahead of the page
  want('a', 0, 0);
  feed.refresh(1);
  await sleep(settle);
  feed.poke();
  await sleep(settle);
  assert.deepEqual([asked.length, drawn.size], [1, 0]);
  feed.refresh(2);
  await sleep(settle);
  assert.deepEqual([asked.length, drawn.get('a')], [2, 2]);
});

test('an answer that was under way when the model was altered is not shown, but asked for again', async () => {
  let [asked, shown] = [0, 0];
  const feed = new Feed(async () => {
    asked += 1;
    if (asked === 1) feed.outdate();
    return { revision: 1, number: asked };
  });
  feed.want('a', {
    rank: 0,
    request: () => (shown ? null : { kind: 'attention', layer: 0, head: 0 }),
    deliver: ({ number }) => {
      shown = number;
    },
  });
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual([asked, shown], [2, 2]);
});

test('what is dropped is asked for no more', async () => {
  const { feed, asked, want } = setUp();
  want('a', 0, 0);
  want('b', 1, 1);
  feed.drop('a');
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual(asked, ['attention 1']);
});

test('a failure is told once, keeps nothing else from coming, and may be tried again', async () => {
  const { feed, asked, state, want } = setUp();
  /** @type {unknown[]} */
  const told = [];
  feed.addEventListener('failure', (event) => told.push(/** @type {CustomEvent} */ (event).detail));
  state.fails = new Error('no');
  want('a', 0, 0);
  want('b', 1, 1);
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual(asked, ['attention 0', 'attention 1']);
  assert.deepEqual(told, [state.fails, state.fails]);
  state.fails = null;
  feed.retry('b');
  await sleep(settle);
  assert.deepEqual(asked, ['attention 0', 'attention 1', 'attention 1']);
});
