// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine } from '../../www/js/page/engine.js';

/** A worker in name only: the test plays its part. */
class FakeWorker {
  /** @type {any[]} */
  received = [];
  terminated = false;
  /** @type {Map<string, (event: any) => void>} */
  #listeners = new Map();

  /** @param {any} message */
  postMessage(message) {
    this.received.push(structuredClone(message));
  }

  terminate() {
    this.terminated = true;
  }

  /**
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  addEventListener(type, listener) {
    this.#listeners.set(type, listener);
  }

  /** @param {any} data */
  say(data) {
    this.#listeners.get('message')?.({ data });
  }

  /** @param {string} type @param {object} [event] */
  fire(type, event = {}) {
    this.#listeners.get(type)?.(event);
  }
}

function setUp() {
  /** @type {FakeWorker[]} */
  const workers = [];
  const engine = new Engine(() => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker;
  });
  return { engine, workers };
}

test('nothing starts before the first request; then one worker serves all', async () => {
  const { engine, workers } = setUp();
  assert.equal(workers.length, 0);
  const first = engine.suggest('a', 3, { maxWords: 2 }, undefined, ['b']);
  const second = engine.suggest('ab', 3);
  assert.equal(workers.length, 1);
  const [a, b] = workers[0].received;
  assert.deepEqual(a, { id: a.id, kind: 'suggest', text: 'a', top: 3, settings: { maxWords: 2 }, keep: ['b'] });
  assert.notEqual(a.id, b.id);
  // Answers may come in any order.
  workers[0].say({ id: b.id, result: 'second' });
  workers[0].say({ id: a.id, result: 'first' });
  assert.deepEqual(await Promise.all([first, second]), ['first', 'second']);
});

test('progress goes to its own request, and ends with the answer', async () => {
  const { engine, workers } = setUp();
  /** @type {unknown[]} */
  const seen = [];
  const loading = engine.load({ type: 'folder', base: 'http://host/models/' }, (progress) => seen.push(progress));
  const [worker] = workers;
  const [{ id }] = worker.received;
  worker.say({ id, progress: { step: 'weights', loaded: 1, total: 2 } });
  worker.say({ id: id + 1, progress: 'not mine' });
  worker.say({ id, result: { name: 'm' } });
  worker.say({ id, progress: 'too late' });
  assert.deepEqual(await loading, { name: 'm' });
  assert.deepEqual(seen, [{ step: 'weights', loaded: 1, total: 2 }]);
});

test('a failure keeps its code and message and spares the others', async () => {
  const { engine, workers } = setUp();
  const old = engine.suggest('a', 3);
  const current = engine.suggest('ab', 3);
  const [worker] = workers;
  worker.say({ id: worker.received[0].id, error: { code: 'superseded', message: 'newer text came' } });
  worker.say({ id: worker.received[1].id, result: null });
  await assert.rejects(old, { name: 'EngineError', code: 'superseded', message: 'newer text came' });
  assert.equal(await current, null);
});

test('when the worker dies everything pending fails, and so does what follows until a restart', async () => {
  const { engine, workers } = setUp();
  /** @type {string[]} */
  const crashes = [];
  engine.addEventListener('crash', (event) => {
    crashes.push(/** @type {CustomEvent<Error>} */ (event).detail.message);
  });
  const pending = [engine.suggest('a', 3), engine.inspect({ kind: 'attention', layer: 0, head: 0 })];
  workers[0].say({ id: -1, error: { code: 'engine-crashed', message: 'unreachable' } });
  for (const request of pending) await assert.rejects(request, { code: 'engine-crashed' });
  await assert.rejects(engine.stop(), { code: 'engine-crashed' });
  assert.deepEqual(crashes, ['unreachable']);
  assert.ok(workers[0].terminated);

  engine.restart();
  const again = engine.suggest('a', 3);
  assert.equal(workers.length, 2);
  workers[1].say({ id: workers[1].received[0].id, result: 'fine' });
  assert.equal(await again, 'fine');
});

test('a script that could not be loaded, and a message that could not be read, are crashes in words', async () => {
  for (const type of ['error', 'messageerror']) {
    const { engine, workers } = setUp();
    const request = engine.suggest('a', 3);
    workers[0].fire(type);
    await assert.rejects(request, (/** @type {any} */ error) => {
      assert.equal(error.code, 'engine-crashed');
      assert.match(error.message, /engine/);
      return true;
    });
  }
});

test('a worker that can’t be started at all is a crash, not an exception', async () => {
  const engine = new Engine(() => {
    throw new Error('blocked');
  });
  await assert.rejects(engine.suggest('a', 3), { code: 'engine-crashed', message: 'blocked' });
});

test('late words of a worker that was given up are not heard', async () => {
  const { engine, workers } = setUp();
  let crashes = 0;
  engine.addEventListener('crash', () => crashes++);
  const before = engine.suggest('a', 3);
  engine.restart();
  await assert.rejects(before, { code: 'cancelled' });
  const after = engine.suggest('b', 3);
  workers[0].say({ id: -1, error: { code: 'engine-crashed', message: 'old' } });
  workers[0].fire('error', { message: 'old' });
  workers[1].say({ id: workers[1].received[0].id, result: 'new' });
  assert.equal(await after, 'new');
  assert.equal(crashes, 0);
});

test('each request carries what its kind asks for', () => {
  const { engine, workers } = setUp();
  const sampling = { temperature: 1, topK: 40, topP: 0.9, seed: 7 };
  const ids = new Uint32Array([1, 2]);
  engine.configure({ variant: 'relaxed', threads: 1 });
  engine.cancelLoad();
  engine.generate('x', sampling, 20);
  engine.stop();
  engine.inspect({ kind: 'lens', position: 4, top: 5, of: 'altered' });
  engine.tune();
  engine.prefillTokens(ids);
  engine.decodeTokens(8);
  engine.branches(4, 8);
  engine.readMatrices(3);
  const bodies = workers[0].received.map(({ id, ...body }) => body);
  assert.deepEqual(bodies, [
    { kind: 'configure', variant: 'relaxed', threads: 1 },
    { kind: 'cancel-load' },
    { kind: 'generate', text: 'x', sampling, limit: 20 },
    { kind: 'stop' },
    { kind: 'lens', position: 4, top: 5, of: 'altered' },
    { kind: 'tune' },
    { kind: 'prefill-tokens', ids },
    { kind: 'decode-tokens', count: 8 },
    { kind: 'branches', count: 4, steps: 8 },
    { kind: 'read-matrices', count: 3 },
  ]);
});
