// @ts-check
/**
 * Composition root of `bench.html`: the form, one run of several rounds, and `window.bench`, by which a program can
 * measure this engine beside others. The run and the program use the same engine, so not both at a time.
 */
import { Engine } from '../page/engine.js';
import { adviceFor } from '../page/lib/advice.js';
import { missingFeature } from '../page/lib/browser.js';
import { describeBuild } from '../page/lib/build.js';
import { formatBytes, formatLarge, plural } from '../page/lib/format.js';
import { byId, h } from '../page/ui/dom.js';
import { codes, EngineError } from '../shared/protocol.js';
import { figuresFor, PROMPTS, report } from './figures.js';
import { readOptions, threadCount, VARIANTS } from './options.js';
import { ResultTable } from './result-table.js';
import { measureRound, timePrompt, warmUp } from './round.js';

/**
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../shared/protocol.js').LoadProgress} LoadProgress
 * @typedef {import('./options.js').BenchOptions} BenchOptions
 * @typedef {import('../shared/protocol.js').Tuning} Tuning
 * @typedef {{model: ModelInfo, threads: number, times: Tuning['times'], milliseconds: number}} Loaded
 */

const ROUNDS = 3;

const engine = new Engine();
const table = new ResultTable();
const form = byId('options', HTMLFormElement);
const variant = byId('variant', HTMLSelectElement);
const status = byId('status', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const fault = byId('fault', HTMLElement);
const measureButton = byId('measure', HTMLButtonElement);
const cancelButton = byId('cancel', HTMLButtonElement);
const copyButton = byId('copy', HTMLButtonElement);
byId('figures-place', HTMLElement).append(table.element);
variant.append(...VARIANTS.map((name) => h('option', { value: name }, name)));

/** The run in progress. @type {AbortController | null} */
let running = null;
/** What `Copy as text` copies. */
let text = '';

// --- the engine -------------------------------------------------------------------------------------------------------

/**
 * A fresh engine with the model, and with the number of threads that was asked for or is the fastest.
 * @param {BenchOptions} options
 * @param {(progress: LoadProgress) => void} [onProgress]
 * @returns {Promise<Loaded>}
 */
async function open({ model: folder, ...wishes }, onProgress) {
  const missing = missingFeature();
  if (missing) throw new EngineError(codes.unsupported, missing);
  engine.restart();
  await engine.configure(wishes);
  const start = performance.now();
  const model = await engine.load({ type: 'folder', base: folder }, onProgress);
  const milliseconds = performance.now() - start;
  return { model, milliseconds, ...(await engine.tune()) };
}

/** @param {ModelInfo} model */
const versionOf = ({ version, variant }) => `headlight ${version} ${variant}`;

// --- for programs -----------------------------------------------------------------------------------------------------

/** @type {Loaded | null} */
let loaded = null;

function theLoaded() {
  if (!loaded) throw new EngineError(codes.notReady, 'load comes first');
  return loaded;
}

const bench = {
  /**
   * Loads what the page's address names.
   * @param {{threads?: number}} [wishes]
   */
  async load({ threads } = {}) {
    const asked = readOptions(new URLSearchParams(location.search), document.baseURI);
    loaded = await open(threads ? { ...asked, threads: threadCount(String(threads)) } : asked);
    return { version: versionOf(loaded.model), ...loaded };
  },

  /**
   * Computes these tokens, whatever was cached before; `_text`, the same as text, is for engines that take no tokens.
   * @param {ArrayLike<number>} tokenIds
   * @param {string} [_text]
   * @returns {Promise<number>} the most probable next token
   */
  async prefill(tokenIds, _text) {
    return (await engine.prefillTokens(Uint32Array.from(tokenIds))).next;
  },

  /**
   * Continues greedily by so many tokens.
   * @param {number} count
   */
  async decode(count) {
    const { ids, times } = await engine.decodeTokens(count);
    return { times, tokens: ids };
  },

  /** Milliseconds for a prompt of so many arbitrary tokens. @param {number} count */
  prompt: (count) => timePrompt(engine, theLoaded().model, count, 0),

  warmUp: () => warmUp(engine, theLoaded().model),

  /**
   * One round of all figures.
   * @param {number} variety   another number gives other tokens
   */
  async round(variety) {
    const { model, threads } = theLoaded();
    /** @type {Record<string, number>} */
    const values = {};
    const never = new AbortController().signal;
    await measureRound(engine, model, threads, variety, (id, value) => Object.assign(values, { [id]: value }), never);
    return values;
  },
};

// --- a run ------------------------------------------------------------------------------------------------------------

/** @param {'idle' | 'loading' | 'measuring' | 'done' | 'failed' | 'cancelled'} state */
function setState(state) {
  const busy = state === 'loading' || state === 'measuring';
  document.body.dataset.state = state;
  measureButton.hidden = busy;
  cancelButton.hidden = !busy;
  progress.hidden = !busy;
  copyButton.disabled = state !== 'done';
}

/** @param {unknown} error */
function showFault(error) {
  const { title, advice } = adviceFor(error instanceof EngineError ? error.code : 'unknown');
  const detail = error instanceof Error ? error.message : String(error);
  fault.replaceChildren(h('p', {}, h('strong', {}, title)), h('p', {}, `${sentence(detail)} ${advice}`));
  fault.hidden = false;
}

/** @param {string} words an error's message */
const sentence = (words) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

/**
 * What was measured, and why not with a faster build.
 * @param {Loaded} loaded
 */
function described({ model, threads, times }) {
  // Of a build that was asked for there is nothing to explain.
  const reasons = variant.value ? [] : describeBuild({ ...model, threads }, times).reasons;
  const what = `${model.name}, ${formatLarge(model.parameters)} parameters, ${formatBytes(model.bytes)}`;
  return [`${what}; ${versionOf(model)}, ${plural(threads, 'thread')}.`, ...reasons].join(' ');
}

/** @param {BenchOptions} options */
async function run(options) {
  const mine = new AbortController();
  const { signal } = mine;
  running = mine;
  loaded = null;
  fault.hidden = true;
  byId('text-place', HTMLElement).hidden = true;
  table.element.hidden = true;
  progress.removeAttribute('value');
  status.textContent = 'Loading the model …';
  setState('loading');
  try {
    const found = await open(options, ({ loaded, total }) => {
      if (total > 0) progress.value = loaded / total;
    });
    signal.throwIfAborted();
    const { model, threads, milliseconds } = found;
    const figures = figuresFor(model);
    /** @type {Map<string, number[]>} */
    const values = new Map();
    const total = 3 + ROUNDS * (figures.length - 3);
    let done = 0;
    /** @param {string} id @param {number | undefined} value */
    const record = (id, value) => {
      progress.value = ++done / total;
      if (value === undefined) return;
      values.set(id, [...(values.get(id) ?? []), value]);
      table.update(id, values.get(id) ?? []);
    };
    progress.value = 0;
    setState('measuring');
    table.start(described(found), figures);
    status.textContent = 'Warming up …';
    record('load', milliseconds / 1000);
    record('memory', model.memory / 1e6);
    record('first', await timePrompt(engine, model, PROMPTS[0], ROUNDS));
    await warmUp(engine, model);
    for (let round = 0; round < ROUNDS; round++) {
      status.textContent = `Round ${round + 1} of ${ROUNDS} …`;
      await measureRound(engine, model, threads, round, record, signal);
    }
    table.finish();
    text = [
      described(found),
      `${navigator.userAgent}; ${plural(navigator.hardwareConcurrency, 'core')}; ` +
        `${crossOriginIsolated ? '' : 'not '}cross-origin isolated; median of ${ROUNDS} rounds, least – most`,
      '',
      report(figures, [{ name: 'median', values }], true),
      '',
    ].join('\n');
    status.textContent = `Done: the medians of ${ROUNDS} rounds.`;
    setState('done');
  } catch (error) {
    // Who cancels has said so already.
    if (running !== mine) return;
    status.textContent = 'The measurement ended early.';
    setState('failed');
    showFault(error);
  } finally {
    if (running === mine) running = null;
  }
}

/** What the fields say, as a search for the address bar; only what differs from the page's own choice. */
function askedByForm() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const trimmed = String(value).trim();
    if (trimmed) asked.set(name, trimmed);
  }
  return asked;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (running) return;
  const asked = askedByForm();
  // So that the address leads back to what is shown.
  history.replaceState(null, '', `${location.pathname}${asked.size > 0 ? `?${asked}` : ''}`);
  try {
    run(readOptions(asked, document.baseURI));
  } catch (error) {
    setState('failed');
    showFault(error);
  }
});

cancelButton.addEventListener('click', () => {
  running?.abort();
  running = null;
  // Whatever the engine is at, it is not waited for.
  engine.restart();
  status.textContent = 'Cancelled.';
  setState('cancelled');
});

copyButton.addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = 'Copied.';
  } catch {
    // Without permission, or where the address is not a secure one.
    const area = byId('text', HTMLTextAreaElement);
    byId('text-place', HTMLElement).hidden = false;
    area.value = text;
    area.focus();
    area.select();
  }
});

addEventListener('pagehide', (event) => {
  if (!event.persisted) engine.close();
});

for (const [name, value] of new URLSearchParams(location.search)) {
  const control = form.elements.namedItem(name);
  if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) control.value = value;
}
/** Whether the address leaves room for threads; false for one that can't be read. */
function mayHaveThreads() {
  try {
    const { variant = '-threads', threads } = readOptions(new URLSearchParams(location.search), document.baseURI);
    return threads !== 1 && variant.endsWith('-threads');
  } catch (error) {
    setState('failed');
    showFault(error);
    return false;
  }
}

// Isolation may have the page loaded once more, which a program had better not be in the middle of.
if (mayHaveThreads() && !crossOriginIsolated) await (await import('../page/isolation.js')).isolate();
Object.assign(window, { bench });
