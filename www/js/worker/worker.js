// @ts-check
/**
 * The engine's worker: a table of handlers, one per kind of request; `../shared/protocol.js` describes them.
 *
 * The engine computes a few tokens at a time. Between such pieces of work a handler yields, so that a newer text can
 * take over, a generation can be stopped, and attention can be looked at while text is generated.
 */

import { codes, EngineError } from '../shared/protocol.js';
import { ranOutOfMemory, startWasm } from './wasm.js';
import { loadModel } from './weights.js';

/** @typedef {import('../shared/protocol.js').Request} Request */
/** @typedef {import('../shared/protocol.js').Progress['progress']} ProgressValue */
/** @typedef {(progress: ProgressValue) => void} Report */
/** @typedef {(message: Request & any, report: Report) => Promise<{result: unknown, transfer?: Transferable[]}>} Handler */

/** Prompts with more tokens than this to compute report progress. */
const LONG_PROMPT = 64;

/** @type {import('../../pkg/simd128/headlight.js').Engine | undefined} */
let engine;
/** @type {AbortController | undefined} */
let loading;
/** Counts texts; whoever works for an older one gives up. */
let newestText = 0;
let stopRequested = false;
/** Settles when the newest text is computed, so that attention is not shown for half of it. */
let computed = Promise.resolve();

function loadedEngine() {
  if (!engine) throw new EngineError(codes.notReady, 'no model is loaded');
  return engine;
}

const channel = new MessageChannel();
/** @type {(() => void)[]} */
const resumptions = [];
channel.port1.onmessage = () => resumptions.shift()?.();

/** Lets messages that came meanwhile be handled. Unlike timers, it is not held back by the browser. */
function yieldToMessages() {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      resumptions.push(resolve);
      channel.port2.postMessage(null);
    })
  );
}

/**
 * Computes a text, unless a newer one comes.
 * @param {string} text
 * @param {Report} report
 */
function compute(text, report) {
  const ticket = ++newestText;
  const giveWay = () => {
    if (ticket !== newestText) throw new EngineError(codes.superseded, 'there is a newer text');
  };
  const work = async () => {
    // Texts that are already waiting behind this one make it needless.
    await yieldToMessages();
    giveWay();
    const engine = loadedEngine();
    const prompt = engine.setText(text);
    const total = prompt.tokens - prompt.reused;
    for (;;) {
      const left = engine.advance();
      if (left === 0) return { engine, prompt, giveWay };
      if (total > LONG_PROMPT) report({ done: total - left, total });
      await yieldToMessages();
      giveWay();
    }
  };
  const result = work();
  computed = result.then(
    () => {},
    () => {},
  );
  return result;
}

/** @type {Record<string, Handler>} */
const handlers = {
  async load({ base }, report) {
    loading?.abort();
    const mine = new AbortController();
    loading = mine;
    try {
      const wasm = await startWasm();
      if (mine.signal.aborted) throw mine.signal.reason;
      const loaded = await loadModel(wasm, base, mine.signal, report);
      engine?.free();
      engine = loaded;
      newestText += 1;
      return { result: { ...engine.info(), memory: wasm.memoryBytes() } };
    } catch (error) {
      throw mine.signal.aborted ? new EngineError(codes.cancelled, 'loading was cancelled') : error;
    } finally {
      if (loading === mine) loading = undefined;
    }
  },

  async 'cancel-load'() {
    loading?.abort();
    return { result: null };
  },

  async suggest({ text, top }, report) {
    const start = performance.now();
    const { engine, prompt } = await compute(text, report);
    const { tokens, unprompted, dropped, trimmedSpace, reused } = prompt;
    return {
      result: {
        unprompted,
        dropped,
        trimmedSpace,
        computed: tokens - reused,
        revision: engine.revision,
        ...engine.suggestions(top),
        milliseconds: performance.now() - start,
      },
    };
  },

  async generate({ text, sampling, limit }, report) {
    stopRequested = false;
    const { engine, giveWay } = await compute(text, report);
    engine.beginGeneration(sampling.temperature, sampling.topK, sampling.topP, sampling.seed);
    const start = performance.now();
    let generated = '';
    let count = 0;
    const tokensPerSecond = () => (count * 1000) / Math.max(performance.now() - start, 0.001);
    /** @param {string} reason */
    const end = (reason) => ({
      result: { reason, text: generated, count, tokensPerSecond: count && tokensPerSecond() },
    });
    while (count < limit) {
      await yieldToMessages();
      if (stopRequested) return end('stopped');
      try {
        giveWay();
      } catch {
        return end('stopped');
      }
      const step = engine.generate();
      if (step.reason) return end(step.reason);
      generated += step.text;
      count += 1;
      report({ ...step, tokensPerSecond: tokensPerSecond() });
    }
    return end('limit');
  },

  async stop() {
    stopRequested = true;
    return { result: null };
  },

  async attention({ layer, head }) {
    await computed;
    const engine = loadedEngine();
    const map = engine.attention(layer, head);
    const { size, scores, weights } = map;
    map.free();
    return {
      result: { revision: engine.revision, layer, head, size, scores, weights },
      transfer: [scores.buffer, weights.buffer],
    };
  },

  async thumbnails({ layer, cells }) {
    const text = newestText;
    await computed;
    await yieldToMessages();
    if (text !== newestText) throw new EngineError(codes.superseded, 'there is a newer text');
    const engine = loadedEngine();
    const maps = engine.thumbnails(layer, cells);
    const { heads, size, cells: side, weights } = maps;
    maps.free();
    return {
      result: { revision: engine.revision, layer, heads, size, cells: side, weights },
      transfer: [weights.buffer],
    };
  },
};

self.onmessage = async ({ data }) => {
  const { id, kind } = data;
  try {
    const handler = handlers[kind];
    if (!handler) throw new EngineError('unknown-request', `there is no request ${kind}`);
    const { result, transfer } = await handler(data, (progress) => self.postMessage({ id, progress }));
    self.postMessage({ id, result }, { transfer: transfer ?? [] });
  } catch (error) {
    const description = described(error);
    self.postMessage({ id, error: description });
    // After a trap the module's memory can't be trusted any more.
    if (error instanceof WebAssembly.RuntimeError) self.postMessage({ id: -1, error: description });
  }
};

self.onunhandledrejection = ({ reason }) => {
  self.postMessage({ id: -1, error: { code: codes.crashed, message: described(reason).message } });
};

/**
 * @param {any} error
 * @returns {{code: string, message: string}}
 */
function described(error) {
  const message = String(error?.message ?? error);
  if (error instanceof WebAssembly.RuntimeError) {
    return ranOutOfMemory() ? { code: codes.memory, message: 'not enough memory' } : { code: codes.crashed, message };
  }
  if (error instanceof RangeError) return { code: codes.memory, message };
  return { code: String(error?.code ?? 'unknown'), message };
}
