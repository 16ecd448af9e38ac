// @ts-check
/** Looking inside, on the worker's side: pieces, newer text, arrays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revive } from '../../www/js/shared/arrays.js';
import { inspectingHandlers } from '../../www/js/worker/inspecting.js';

/** @param {number} pieces how many every inspection takes */
function setUp(pieces) {
  const state = { text: 1, freed: 0, requests: /** @type {any[]} */ ([]) };
  class Inspection {
    done = 0;
    /** @param {unknown} _engine @param {any} request */
    static begin(_engine, request) {
      if (request.kind === 'why') throw Object.assign(new Error('no'), { code: 'out-of-range' });
      state.requests.push(request);
      return new Inspection();
    }
    advance() {
      this.done += 1;
      if (this.done < pieces) return { done: this.done, total: pieces };
      return { answer: { layer: 1, weights: { f32: new Uint8Array(new Float32Array([1, 2]).buffer) } } };
    }
    free() {
      state.freed += 1;
    }
  }
  const handlers = inspectingHandlers({
    loaded: () => /** @type {any} */ ({ engine: {}, Inspection }),
    settled: async () => {},
    yieldToMessages: () => new Promise((resolve) => setImmediate(resolve)),
    newestText: () => state.text,
  });
  let id = 0;
  /** @type {unknown[]} */
  const reports = [];
  /** @param {any} request */
  const ask = (request) => handlers[request.kind]({ id: ++id, ...request }, (progress) => reports.push(progress));
  return { state, ask, reports };
}

test('pieces are reported, and arrays come as arrays that are handed over', async () => {
  const { state, ask, reports } = setUp(3);
  const { result, transfer } = await ask({ kind: 'attention', layer: 1, head: 0 });
  assert.deepEqual(result, { layer: 1, weights: new Float32Array([1, 2]) });
  assert.deepEqual(transfer, [result.weights.buffer]);
  assert.deepEqual(reports, [
    { done: 1, total: 3 },
    { done: 2, total: 3 },
  ]);
  assert.deepEqual(state.requests, [{ kind: 'attention', layer: 1, head: 0 }]);
  assert.equal(state.freed, 1);
});

test('newer text ends what is pending, before it begins and between pieces', async () => {
  for (const turns of [0, 2]) {
    const { state, ask } = setUp(5);
    const pending = ask({ kind: 'head-measures' });
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    state.text += 1;
    await assert.rejects(pending, { code: 'superseded' });
    assert.equal(state.freed, state.requests.length);
  }
});

test('a newer alteration ends an older one, and nothing else', async () => {
  const { state, ask } = setUp(4);
  const older = ask({ kind: 'alter', top: 1 });
  const lens = ask({ kind: 'lens', position: 0, top: 1 });
  const newer = ask({ kind: 'alter', top: 2 });
  await assert.rejects(older, { code: 'superseded' });
  assert.ok((await newer).result.milliseconds >= 0);
  assert.equal((await lens).result.milliseconds, undefined);
  assert.equal(state.freed, state.requests.length);
});

test('what the engine refuses is refused', async () => {
  await assert.rejects(setUp(1).ask({ kind: 'why' }), { code: 'out-of-range' });
});

test('only what looks like an array becomes one', () => {
  const value = { list: [{ u8: [1] }, null, 'text'], f32: 1, other: { f32: 2, u8: 3 } };
  const revived = revive(value, (written) => Uint8Array.from(written));
  assert.deepEqual(revived, { list: [Uint8Array.of(1), null, 'text'], f32: 1, other: { f32: 2, u8: 3 } });
});
