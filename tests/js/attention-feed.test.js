// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AttentionFeed } from '../../www/js/page/attention-feed.js';
import { EngineError } from '../../www/js/shared/protocol.js';

const settle = 140; // ms, longer than the feed's own pause

function setUp() {
  /** @type {string[]} */
  const asked = [];
  /** @type {{revision: number, fails: Error | null}} */
  const state = { revision: 1, fails: null };
  const answer = async (/** @type {object} */ body) => {
    const { revision } = state;
    await sleep(1);
    if (state.fails) throw state.fails;
    return /** @type {any} */ ({ revision, ...body });
  };
  const feed = new AttentionFeed(
    {
      attention: (layer, head) => {
        asked.push(`head ${layer}.${head}`);
        return answer({ layer, head });
      },
      thumbnails: (layer) => {
        asked.push(`layer ${layer}`);
        return answer({ layer });
      },
    },
    48,
  );
  return { feed, asked, state };
}

test('asks only for what is on screen, the large head first', async () => {
  const { feed, asked } = setUp();
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual(asked, [], 'nothing is visible');
  feed.showLayers([2, 1]);
  feed.showHead(3, 4);
  feed.showMap(true);
  await sleep(settle);
  assert.deepEqual(asked, ['head 3.4', 'layer 1', 'layer 2']);
});

test('asks again for a new revision, and never twice for the same', async () => {
  const { feed, asked, state } = setUp();
  feed.showLayers([0]);
  feed.refresh(1);
  await sleep(settle);
  feed.refresh(1);
  feed.showLayers([0]);
  await sleep(settle);
  assert.deepEqual(asked, ['layer 0']);
  state.revision = 2;
  feed.refresh(2);
  await sleep(settle);
  assert.deepEqual(asked, ['layer 0', 'layer 0']);
});

test('waits for a pause in typing', async () => {
  const { feed, asked, state } = setUp();
  feed.showLayers([0]);
  for (state.revision = 1; state.revision < 6; state.revision++) feed.refresh(state.revision);
  state.revision = 5;
  await sleep(settle);
  assert.deepEqual(asked, ['layer 0']);
});

test('an answer about other tokens is not shown', async () => {
  const { feed, state } = setUp();
  let shown = 0;
  feed.addEventListener('thumbnails', () => shown++);
  state.revision = 2; // the engine is ahead of the page
  feed.showLayers([0]);
  feed.refresh(1);
  await sleep(settle);
  assert.equal(shown, 0);
  feed.refresh(2);
  await sleep(settle);
  assert.equal(shown, 1);
});

test('an answer that was not shown is asked for again, at the earliest with the next text', async () => {
  const { feed, asked, state } = setUp();
  let shown = 0;
  feed.addEventListener('attention', () => shown++);
  feed.showMap(true);
  feed.refresh(1);
  await sleep(settle);
  assert.equal(shown, 1);
  state.revision = 2; // text is being generated
  feed.showHead(1, 1);
  await sleep(settle);
  feed.showHead(2, 2);
  await sleep(settle);
  assert.deepEqual([asked, shown], [['head 0.0', 'head 1.1'], 1], 'no use in asking on');
  // It came to nothing: the engine is back at the tokens that the page knows.
  state.revision = 1;
  feed.showHead(1, 1);
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual([asked, shown], [['head 0.0', 'head 1.1', 'head 1.1'], 2]);
});

test('a request that fails is told, and the next text asks again', async () => {
  const { feed, asked, state } = setUp();
  /** @type {string[]} */
  const failures = [];
  feed.addEventListener('failure', (event) => {
    failures.push(/** @type {CustomEvent<EngineError>} */ (event).detail.code);
  });
  state.fails = new EngineError('superseded', 'newer text came');
  feed.showLayers([0, 1]);
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual(failures, ['superseded']);
  assert.deepEqual(asked, ['layer 0']);
  state.fails = null;
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual(asked, ['layer 0', 'layer 0', 'layer 1']);
});

test('after a reset nothing is asked for until there are tokens again', async () => {
  const { feed, asked } = setUp();
  feed.showLayers([0]);
  feed.refresh(1);
  await sleep(settle);
  feed.reset();
  feed.showLayers([0]);
  await sleep(settle);
  assert.deepEqual(asked, ['layer 0']);
  feed.refresh(1);
  await sleep(settle);
  assert.deepEqual(asked, ['layer 0', 'layer 0']);
});
