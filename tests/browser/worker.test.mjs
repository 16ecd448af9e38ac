// @ts-check
/** The engine's worker by itself, through the messages of `www/js/shared/protocol.js`: who gives way to whom. */
import assert from 'node:assert/strict';
import { pageTest, waitForState } from './harness.mjs';

const greedy = { temperature: 0, topK: 0, topP: 1, seed: 0 };
const long = 'a quick brown fox jumps over it and '.repeat(60);

/**
 * Posts messages in one go, each after `pause` milliseconds, to a worker with the built-in model; returns the answers.
 * @param {import('playwright-core').Page} page
 * @param {{pause?: number, [key: string]: unknown}[]} messages
 * @returns {Promise<any[]>}
 */
function ask(page, messages) {
  return page.evaluate(async (messages) => {
    const worker = new Worker(new URL('js/worker/worker.js', document.baseURI), { type: 'module' });
    /** @type {Map<number, (answer: any) => void>} */
    const waiting = new Map();
    worker.onmessage = ({ data }) => {
      if ('result' in data) waiting.get(data.id)?.(data.result);
      if ('error' in data) waiting.get(data.id)?.({ error: data.error.code });
    };
    let id = 0;
    const post = (/** @type {object} */ message) =>
      new Promise((resolve) => {
        waiting.set(++id, resolve);
        worker.postMessage({ id, ...message });
      });
    const early = await post({ kind: 'suggest', text: '', top: 1 });
    const base = new URL('models/built-in/', document.baseURI).href;
    await post({ kind: 'load', source: { type: 'folder', base } });
    const answers = [];
    for (const { pause, ...message } of messages) {
      if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
      answers.push(post(message));
    }
    const all = [early, ...(await Promise.all(answers))];
    worker.terminate();
    return all;
  }, messages);
}

pageTest('the newest text wins, and attention is that of the newest text', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const [early, first, second, third, attention, unknown, missing] = await ask(page, [
    { kind: 'suggest', text: long, top: 1 },
    { kind: 'suggest', text: 'one two', top: 1 },
    { kind: 'suggest', text: 'one two three', top: 5 },
    { kind: 'attention', layer: 0, head: 0 },
    { kind: 'nonsense' },
    { kind: 'attention', layer: 99, head: 0 },
  ]);
  assert.equal(early.error, 'not-ready');
  assert.deepEqual([first.error, second.error], ['superseded', 'superseded']);
  assert.equal(third.tokens.length, 3);
  assert.equal(third.candidates.length, 5);
  assert.equal(attention.size, 3);
  assert.equal(attention.revision, third.revision);
  assert.equal(unknown.error, 'unknown-request');
  assert.equal(missing.error, 'out-of-range');
});

pageTest('a generation can be stopped while it reads its prompt, and gives way to a new text', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const [, stopped, , second, suggestions] = await ask(page, [
    { kind: 'generate', text: long, sampling: greedy, limit: 1000 },
    { kind: 'stop' },
    { kind: 'generate', text: 'Once upon a time', sampling: greedy, limit: 1000, pause: 50 },
    { kind: 'suggest', text: 'Something else', top: 1, pause: 150 },
  ]);
  assert.deepEqual([stopped.reason, stopped.count, stopped.text], ['stopped', 0, '']);
  assert.equal(second.reason, 'stopped');
  assert.ok(second.count > 0, 'some text came before');
  assert.equal(suggestions.tokens.length, 2);
});
