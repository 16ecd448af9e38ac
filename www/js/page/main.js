// @ts-check
/**
 * The composition root: builds every widget, wires their events, owns the state, and is the only place that shows errors.
 */
import { codes, EngineError } from '../shared/protocol.js';
import { AttentionFeed } from './attention-feed.js';
import { Engine } from './engine.js';
import { isolate, isolationIsOff } from './isolation.js';
import { adviceFor } from './lib/advice.js';
import { missingFeature } from './lib/browser.js';
import { palettes } from './lib/colour.js';
import { formatShare } from './lib/format.js';
import { remainder, spokenToken } from './lib/tokens.js';
import { Announcer } from './ui/announcer.js';
import { CandidateList } from './ui/candidate-list.js';
import { byId, keepFocusInPlace } from './ui/dom.js';
import { GeneratePanel } from './ui/generate-panel.js';
import { HeadGrid } from './ui/head-grid.js';
import { HeadView } from './ui/head-view.js';
import { LoadPanel } from './ui/load-panel.js';
import { ModelCard } from './ui/model-card.js';
import { StatusLine } from './ui/status-line.js';
import { SuggestionStrip } from './ui/suggestion-strip.js';
import { TextField } from './ui/text-field.js';
import { TokenChips } from './ui/token-chips.js';

/**
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../shared/protocol.js').Candidate} Candidate
 * @typedef {import('../shared/protocol.js').Attention} Attention
 * @typedef {import('../shared/protocol.js').Thumbnails} Thumbnails
 */

const modelFolder = new URL('models/built-in/', document.baseURI).href;
const listLength = 50;
const thumbnailCells = 48;
/** Milliseconds after which the machine may be busier or idler; right after a start it is often busy. */
const TUNE_AGAIN_AFTER = 60_000;

const engine = new Engine();
const feed = new AttentionFeed(engine, thumbnailCells);
const field = new TextField();
const strip = new SuggestionStrip();
const list = new CandidateList();
const loadPanel = new LoadPanel();
const status = new StatusLine();
const generatePanel = new GeneratePanel();
const chips = new TokenChips();
const grid = new HeadGrid();
const view = new HeadView();
const card = new ModelCard();
const announcer = new Announcer();

/** @type {ModelInfo | null} */
let model = null;
/** Fewer threads after each crash. @type {number | undefined} */
let maxThreads;
/** When the threads were last timed. */
let tuned = Number.NEGATIVE_INFINITY;
/** What the strip shows, and the text that it continues. @type {{base: string, answer: Suggestions} | null} */
let shown = null;
/** The text last asked about. @type {string | null} */
let asked = null;
let ticket = 0;
/** The generation that is running. @type {object | null} */
let generating = null;
/** What the last generation wrote, and where. @type {{start: number, text: string} | null} */
let written = null;

// --- widgets to places ------------------------------------------------------------------------------------------------

byId('strip-zone', HTMLElement).append(strip.element, loadPanel.element);
byId('candidates-place', HTMLElement).append(list.element);
byId('status-place', HTMLElement).append(status.element);
byId('chips-place', HTMLElement).append(chips.element);
byId('grid-place', HTMLElement).append(grid.element);
byId('head-place', HTMLElement).append(view.element);
byId('model-place', HTMLElement).append(card.element);
document.body.append(announcer.element);

const darkness = matchMedia('(prefers-color-scheme: dark)');
function applyPalettes() {
  const both = palettes(darkness.matches);
  grid.setPalette(both.weights);
  view.setPalettes(both);
}
darkness.addEventListener('change', applyPalettes);
applyPalettes();

// --- errors and state -------------------------------------------------------------------------------------------------

/** @param {'loading' | 'ready' | 'failed' | 'cancelled' | 'crashed'} state */
function setState(state) {
  document.body.dataset.state = state;
  strip.element.inert = state !== 'ready';
  generatePanel.setReady(state === 'ready');
}

/** @param {unknown} error */
function asEngineError(error) {
  return error instanceof EngineError
    ? error
    : new EngineError('unknown', error instanceof Error ? error.message : String(error));
}

/** An error outside of loading. @param {unknown} error */
function showError(error) {
  const { code, message } = asEngineError(error);
  // A newer request or the user's own wish explains these; a crash is shown by its event.
  if (code === codes.superseded || code === codes.cancelled || code === codes.crashed) return;
  const { title, advice } = adviceFor(code);
  status.fail(`${title}: ${message}. ${advice}`);
}

/** @param {EngineError} error */
function showLoadError(error) {
  if (error.code === codes.crashed) return;
  if (error.code === codes.cancelled) {
    setState('cancelled');
    loadPanel.showMessage(adviceFor(error.code), 'Load the model', 'load');
    return;
  }
  setState('failed');
  loadPanel.showMessage({ ...adviceFor(error.code), detail: error.message }, 'Retry', 'load');
}

engine.addEventListener('crash', (event) => {
  const { detail } = /** @type {CustomEvent<EngineError>} */ (event);
  // They may have been the cause; one thread gets a build that knows of no other.
  maxThreads = Math.max(1, Math.floor((maxThreads ?? model?.threads ?? navigator.hardwareConcurrency) / 2));
  model = null;
  asked = null;
  feed.reset();
  setState('crashed');
  loadPanel.showMessage({ ...adviceFor(detail.code), detail: detail.message }, 'Restart', 'restart');
});

// --- loading ----------------------------------------------------------------------------------------------------------

async function load() {
  const missing = missingFeature();
  if (missing) {
    showLoadError(new EngineError(codes.unsupported, missing));
    return;
  }
  setState('loading');
  loadPanel.showProgress(null);
  tuned = Number.NEGATIVE_INFINITY;
  try {
    model = await engine.load(modelFolder, (progress) => loadPanel.showProgress(progress));
  } catch (error) {
    showLoadError(asEngineError(error));
    return;
  }
  loadPanel.hide();
  card.update(model);
  byId('model-name', HTMLElement).textContent = model.name;
  grid.setShape(model.layers, model.heads);
  feed.reset();
  feed.showHead(0, 0);
  view.setDepth(model.width / model.heads);
  generatePanel.setLimits(model.positions, model.vocabulary);
  setState('ready');
  announcer.tell(`${model.name} is ready.`);
  suggest(performance.now());
}

loadPanel.addEventListener('load', load);
loadPanel.addEventListener('cancel', () => {
  engine.cancelLoad().catch(showError);
});
loadPanel.addEventListener('restart', () => {
  engine.restart();
  configure();
  load();
});

/** Tells a worker that has not begun yet how many threads it may have. */
function configure() {
  engine.configure(isolationIsOff ? { threads: 1 } : { maxThreads }).catch(showError);
}

/** Has the number of threads chosen by timing: once there are suggestions, and now and then while more are asked for. */
async function tune() {
  const now = performance.now();
  if (now - tuned < TUNE_AGAIN_AFTER) return;
  tuned = now;
  try {
    const { threads, times } = await engine.tune();
    if (!model) return;
    model = { ...model, threads };
    card.update(model, times);
  } catch (error) {
    showError(error);
  }
}

// --- suggestions ------------------------------------------------------------------------------------------------------

/** Resolves when the browser has painted what was drawn before; a hidden page never paints. */
function painted() {
  if (document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(undefined);
      port2.postMessage(null);
    });
  });
}

/** @param {number} since when the text changed */
async function suggest(since) {
  if (!model || generating) return;
  const base = field.beforeCaret;
  if (base === asked) return;
  asked = base;
  const mine = ++ticket;
  strip.setStale(true);
  try {
    const answer = await engine.suggest(base, listLength, ({ done, total }) => {
      if (mine === ticket) status.working(done, total);
    });
    if (mine !== ticket) return;
    showSuggestions(base, answer);
    await painted();
    document.body.dataset.revision = String(answer.revision);
    document.body.dataset.latency = (performance.now() - since).toFixed(1);
    tune();
  } catch (error) {
    if (mine !== ticket) return;
    // So that the same text can be asked about again.
    asked = null;
    showError(error);
  }
}

/**
 * @param {string} base
 * @param {Suggestions} answer
 */
function showSuggestions(base, answer) {
  if (!model) return;
  shown = { base, answer };
  const { best, candidates, tokens } = answer;
  keepFocusInPlace(() => {
    strip.update(best, base);
    strip.setStale(false);
    list.update(candidates);
    chips.update(tokens);
  });
  field.suggestionsShown = best.length > 0;
  status.update(answer, model, field.afterCaret !== '');
  feed.refresh(answer.revision);
  const words = best.map(({ token, probability }) => `${spokenToken(token)} ${formatShare(probability)}`);
  announcer.say(`Suggestions: ${words.join(', ') || 'none'}`);
}

/** @param {Event} event */
function take(event) {
  const { candidate } = /** @type {CustomEvent<{candidate: Candidate}>} */ (event).detail;
  if (!shown || candidate.insert === null || generating) return;
  // The text may have gone on since these suggestions were made.
  const rest = remainder(shown.base, candidate.insert, field.beforeCaret);
  if (rest !== null) field.insert(rest);
}

field.addEventListener('change', (event) => {
  const { time, edited } = /** @type {CustomEvent<{time: number, edited: boolean}>} */ (event).detail;
  if (edited) {
    written = null;
    generatePanel.offerRemove(false);
    offerExamples();
  }
  suggest(time);
});
field.addEventListener('accept', (event) => {
  const { slot, time } = /** @type {CustomEvent<{slot: number, time: number}>} */ (event).detail;
  if (document.body.dataset.state === 'ready') strip.take(slot, time);
});
field.addEventListener('dismiss', () => {
  field.suggestionsShown = false;
  strip.dismiss();
});
strip.addEventListener('take', take);
list.addEventListener('take', take);

/** @param {boolean} open */
function openList(open) {
  list.setOpen(open);
  strip.setOpen(open);
}
strip.addEventListener('more', () => openList(!list.open));
list.element.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  openList(false);
  strip.focusMore();
});

const examples = [...document.querySelectorAll('#examples button')];
for (const example of examples) {
  example.addEventListener('click', () => field.replaceAll(example.textContent ?? ''));
}

/** An example replaces the text, which a phone can't undo; so it never replaces what the user wrote. */
function offerExamples() {
  const text = field.beforeCaret + field.afterCaret;
  const own = text !== '' && !examples.some((example) => example.textContent === text);
  for (const example of examples) example.toggleAttribute('disabled', own);
}

// --- generation -------------------------------------------------------------------------------------------------------

async function generate() {
  if (!model || generating) return;
  const mine = {};
  generating = mine;
  // An answer that is still on its way is about the text without what comes now.
  ticket++;
  asked = null;
  let text = '';
  let count = 0;
  const prompt = field.beforeCaret;
  strip.setStale(true);
  // The engine's tokens now run ahead of those that the page knows.
  feed.refresh(null);
  field.startStream();
  generatePanel.start();
  try {
    const generated = await engine.generate(prompt, generatePanel.sampling, generatePanel.limit, (token) => {
      if (generating !== mine) return;
      text += token.text;
      field.stream(text);
      generatePanel.update(++count, token.tokensPerSecond);
    });
    if (generating !== mine) return;
    text = generated.text;
    generatePanel.finish(generated);
  } catch (error) {
    if (generating !== mine) return;
    generatePanel.fail('Generation ended early.');
    showError(error);
  }
  generating = null;
  // Putting the text in counts as an edit, which forgets what could be taken out; hence the order.
  const kept = field.endStream(text);
  written = kept;
  generatePanel.offerRemove(kept !== null);
  announcer.tell(generatePanel.summary);
  suggest(performance.now());
}

function stop() {
  engine.stop().catch(showError);
}

field.addEventListener('interrupt', () => {
  generating = null;
  generatePanel.fail('Stopped by typing.');
  stop();
  // The text was put in while the generation was still on, and not every key changes it after that.
  suggest(performance.now());
});
// Wherever the focus is: pressing Generate leaves it on Stop.
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && generating) stop();
});
generatePanel.addEventListener('generate', generate);
generatePanel.addEventListener('stop', stop);
generatePanel.addEventListener('remove', () => {
  if (written) field.remove(written.start, written.text);
});

// --- attention --------------------------------------------------------------------------------------------------------

feed.addEventListener('attention', (event) => {
  const { detail } = /** @type {CustomEvent<Attention>} */ (event);
  if (shown && detail.size === shown.answer.tokens.length) view.update(detail, shown.answer.tokens);
});
feed.addEventListener('thumbnails', (event) => {
  grid.update(/** @type {CustomEvent<Thumbnails>} */ (event).detail);
});
feed.addEventListener('failure', (event) => showError(/** @type {CustomEvent<unknown>} */ (event).detail));

grid.addEventListener('visible', (event) => feed.showLayers(/** @type {CustomEvent<number[]>} */ (event).detail));
grid.addEventListener('pick', (event) => {
  const { layer, head } = /** @type {CustomEvent<{layer: number, head: number}>} */ (event).detail;
  grid.pick(layer, head);
  feed.showHead(layer, head);
  if (generating) view.waitFor(layer, head);
  // On a narrow screen the map lies below the grid; without this a pick would seem to do nothing.
  view.element.scrollIntoView({ block: 'nearest' });
});
view.addEventListener('scale', () => grid.setPower(view.power));
grid.setPower(view.power);
view.addEventListener('cell', (event) => {
  const { cell } = /** @type {CustomEvent<{cell: {row: number, column: number} | null}>} */ (event).detail;
  chips.light(cell ? [cell.row, cell.column] : []);
});
chips.addEventListener('pick', (event) => {
  view.selectRow(/** @type {CustomEvent<{index: number}>} */ (event).detail.index);
});
new IntersectionObserver((entries) => feed.showMap(entries.some((entry) => entry.isIntersecting))).observe(
  view.element,
);

// --- start ------------------------------------------------------------------------------------------------------------

// Safari may keep the engine's memory over a reload unless the worker is ended first.
addEventListener('pagehide', (event) => {
  if (!event.persisted) engine.close();
});

// Before anything large is fetched, since the page may have to be loaded again.
setState('loading');
loadPanel.showProgress(null);
isolate().then(() => {
  configure();
  load();
});
