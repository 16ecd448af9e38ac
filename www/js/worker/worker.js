// @ts-check
/**
 * The engine's worker: a table of handlers, one per kind of request; `../shared/protocol.js` describes them.
 *
 * The engine computes a few tokens at a time. Between such pieces of work a handler yields, so that a newer text can
 * take over, a generation can be stopped, and attention can be looked at while text is generated.
 */

import { codes, EngineError } from '../shared/protocol.js';
import { inspectingHandlers } from './inspecting.js';
import { branches, decodeTokens, prefillTokens, readMatrices } from './measuring.js';
import { forget, listKept } from './store/kept.js';
import { importPersonal, suggestingHandlers } from './suggesting.js';
import { tune } from './tuning.js';
import { hasStarted, ranOutOfMemory, startWasm } from './wasm.js';
import { lookUp } from './weights/hub.js';
import { loadModel } from './weights/load.js';

/** @typedef {import('../shared/protocol.js').Request} Request */
/** @typedef {import('../shared/protocol.js').Progress['progress']} ProgressValue */
/** @typedef {(progress: ProgressValue) => void} Report */
/** @typedef {(message: Request & any, report: Report) => Promise<{result: unknown, transfer?: Transferable[]}>} Handler */

/** Prompts with more tokens than this to compute report progress. */
const LONG_PROMPT = 64;

/** Milliseconds without a request after which the next one is not expected at once. */
const IDLE_AFTER = 100;

/** @type {import('../../pkg/simd128/headlight.js').Engine | undefined} */
let engine;
/** @type {import('./wasm.js').Package | undefined} */
let pkg;
/** @type {AbortController | undefined} */
let loading;
/** Counts texts; whoever works for an older one gives up. */
let newestText = 0;
let stopRequested = false;
/** Set by a load that failed: what the browser keeps may be what was wrong. */
let distrustCache = false;
/** @type {import('./variants.js').Wishes} */
let wishes = {};
/**
 * How many threads compute at present, how many could, and what else the build in use offers.
 * @type {{threads: number, available: number, setThreads: (count: number) => void,
 *   Inspection: import('./inspecting.js').Inspection} | undefined}
 */
let team;
/** Requests that are being worked on, other than those that fill the time between them. */
let working = 0;
/** Settles when the newest text is computed, so that attention is not shown for half of it. */
let computed = Promise.resolve();

function loadedEngine() {
  if (!engine) throw new EngineError(codes.notReady, 'no model is loaded');
  return engine;
}

/** For requests that don't let others in between; whoever computes a text gives up. */
function engineAlone() {
  newestText += 1;
  return loadedEngine();
}

/** @param {string} message */
function helperDied(message) {
  self.postMessage({
    id: -1,
    error: { code: codes.crashed, message: `one of the engine’s threads stopped: ${message}` },
  });
}

/** @param {import('./wasm.js').Started} wasm */
async function assemble(wasm) {
  const available = await wasm.threads();
  const { setThreads, Inspection } = wasm.pkg;
  if (wishes.threads !== undefined && available < wishes.threads) {
    throw new EngineError(codes.build, `only ${available} of ${wishes.threads} threads could be started`);
  }
  // Until they are measured: of what the browser calls cores, half may be the second threads of the others.
  const threads = wishes.threads ?? Math.max(Math.min(available, 2), available >> 1);
  setThreads(threads);
  return { threads, available, setThreads, Inspection };
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
 * Rejects as soon as the signal says so, whatever the promise does.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
function unlessAborted(promise, signal) {
  return Promise.race([
    promise,
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
  ]);
}

/** Resolves when no request has been worked on for a moment. */
async function idle() {
  do {
    await new Promise((resolve) => setTimeout(resolve, IDLE_AFTER));
  } while (working > 0);
}

/** Resolves when the newest text is computed, or nothing can be. */
async function settled() {
  for (let awaited; awaited !== computed; ) {
    awaited = computed;
    await awaited;
  }
}

/**
 * Does the work of a newer text, which calls `giveWay` wherever it may be ended by a still newer one.
 * @template T
 * @param {(giveWay: () => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
function takeOver(work) {
  const ticket = ++newestText;
  const result = work(() => {
    if (ticket !== newestText) throw new EngineError(codes.superseded, 'there is a newer text');
  });
  computed = result.then(
    () => {},
    () => {},
  );
  return result;
}

/**
 * Computes a text, unless a newer one comes or it is not wanted any more.
 * @param {string} text
 * @param {Report} report
 * @param {() => boolean} unwanted
 */
function compute(text, report, unwanted) {
  return takeOver(async (newer) => {
    const giveWay = () => {
      newer();
      if (unwanted()) throw new EngineError(codes.cancelled, 'the text is not wanted any more');
    };
    // Texts that are already waiting behind this one make it needless.
    await yieldToMessages();
    giveWay();
    const engine = loadedEngine();
    const prompt = engine.setText(text);
    const total = prompt.tokens - prompt.reused;
    for (;;) {
      const left = engine.advance();
      if (left === 0) return { engine, giveWay };
      if (total > LONG_PROMPT) report({ done: total - left, total });
      await yieldToMessages();
      giveWay();
    }
  });
}

/** Resolves when nothing is to be done but what fills the time between requests. */
async function quiet() {
  await yieldToMessages();
  if (working > 0) await idle();
}

function loadedPackage() {
  if (!pkg) throw new EngineError(codes.notReady, 'no model is loaded');
  return pkg;
}

/** @type {Record<string, Handler>} */
const handlers = {
  async configure({ variant, threads, maxThreads }) {
    if (hasStarted()) throw new EngineError(codes.build, 'another build is already in use');
    wishes = { variant, threads, maxThreads };
    return { result: null };
  },

  async load({ source }, report) {
    loading?.abort();
    const mine = new AbortController();
    loading = mine;
    try {
      const cache = distrustCache ? 'reload' : 'default';
      const starting = unlessAborted(startWasm(wishes, cache, helperDied), mine.signal);
      const options = { signal: mine.signal, afresh: distrustCache, report };
      const { engine: loaded, keeping } = await loadModel(
        starting.then(({ pkg }) => pkg),
        source,
        options,
      );
      const wasm = await starting;
      distrustCache = false;
      try {
        mine.signal.throwIfAborted();
        team ??= await unlessAborted(assemble(wasm), mine.signal);
      } catch (error) {
        loaded.free();
        throw error;
      }
      if (engine) importPersonal(loaded, engine.personalState());
      engine?.free();
      engine = loaded;
      pkg = wasm.pkg;
      newestText += 1;
      const { variant, leftOut } = wasm;
      const memory = wasm.pkg.memoryBytes();
      return { result: { ...engine.info(), memory, variant, threads: team.threads, leftOut, keeping } };
    } catch (error) {
      if (mine.signal.aborted) throw new EngineError(codes.cancelled, 'loading was cancelled');
      distrustCache = true;
      // Other files of it may still be on their way.
      mine.abort();
      throw error;
    } finally {
      if (loading === mine) loading = undefined;
    }
  },

  async 'cancel-load'() {
    loading?.abort();
    return { result: null };
  },

  async 'look-up'({ repository }) {
    return { result: await lookUp(repository, new AbortController().signal) };
  },

  async kept() {
    return { result: await listKept() };
  },

  async 'forget-model'({ key }) {
    await forget(key);
    return { result: await listKept() };
  },

  ...suggestingHandlers({
    engine: loadedEngine,
    pkg: loadedPackage,
    newestText: () => newestText,
    takeOver,
    yieldToMessages,
    quiet,
  }),

  async generate({ text, sampling, limit }, report) {
    stopRequested = false;
    let generated = '';
    let count = 0;
    let start = performance.now();
    const tokensPerSecond = () => (count * 1000) / Math.max(performance.now() - start, 0.001);
    /** @param {string} reason */
    const end = (reason) => ({
      result: { reason, text: generated, count, tokensPerSecond: count && tokensPerSecond() },
    });
    try {
      const { engine, giveWay } = await compute(text, report, () => stopRequested);
      const { temperature, topK, topP, repetitionPenalty, seed } = sampling;
      engine.beginGeneration(temperature, topK, topP, repetitionPenalty ?? 1, seed);
      start = performance.now();
      while (count < limit) {
        await yieldToMessages();
        giveWay();
        const step = engine.generate();
        if (step.reason) return end(step.reason);
        generated += step.text;
        count += 1;
        report({ ...step, tokensPerSecond: tokensPerSecond() });
      }
      return end('limit');
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code !== codes.superseded && error.code !== codes.cancelled) throw error;
      return end('stopped');
    }
  },

  async tune() {
    loadedEngine();
    const running = /** @type {NonNullable<typeof team>} */ (team);
    const { available, threads, setThreads } = running;
    if (wishes.threads !== undefined) return { result: { threads, times: [] } };
    const probe = (/** @type {number} */ trial) => {
      setThreads(trial);
      loadedEngine().probe();
      setThreads(threads);
    };
    await idle();
    const tuning = await tune(available, { quiet, probe });
    setThreads(tuning.threads);
    team = { ...running, threads: tuning.threads };
    return { result: tuning };
  },

  async 'prefill-tokens'({ ids }) {
    return { result: prefillTokens(engineAlone(), ids) };
  },

  async 'decode-tokens'({ count }) {
    return { result: decodeTokens(engineAlone(), count) };
  },

  async branches({ count, steps }) {
    return { result: branches(engineAlone(), count, steps) };
  },

  async 'read-matrices'({ count }) {
    return { result: readMatrices(engineAlone(), count) };
  },

  async stop() {
    stopRequested = true;
    return { result: null };
  },

  ...inspectingHandlers({
    loaded: () => {
      const { Inspection } = team ?? {};
      return { engine: loadedEngine(), Inspection: /** @type {NonNullable<typeof Inspection>} */ (Inspection) };
    },
    settled,
    yieldToMessages,
    newestText: () => newestText,
  }),
};

self.onmessage = async ({ data }) => {
  const { id, kind } = data;
  const counts = kind === 'tune' || kind === 'surprise' ? 0 : 1;
  working += counts;
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
  } finally {
    working -= counts;
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
