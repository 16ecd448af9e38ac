// @ts-check
/**
 * Measures Headlight in headless Chromium and prints tables. Figures move between runs by more than most changes are
 * worth, so everything that is compared is measured within one run, in turn over several rounds, and reported as a median.
 *
 *   node tests/bench/run.mjs [--rounds N] [--json FILE] [--only speed,stream,again,kept,page,bar,inside,busy,size]
 *     [--variants simd128,relaxed,simd128-threads,relaxed-threads] [--threads N]
 *
 * `speed` is what `bench.html` measures, for every build, with the memory it takes. `stream` quantises an F32 checkpoint
 * while it arrives, `again` loads from the browser's own cache, `kept` from what the page itself kept, `page` waits for
 * suggestions in the real page, `bar` for each of its keys, `inside` for what is asked about the inside of the model and counts
 * the page's frames meanwhile, `busy` decodes while every core has other work, `size` weighs the modules. In the real page, the
 * model of 124 million weights is the built-in one in that shape; elsewhere its weights are random.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { figuresFor, LONG, median, report, summary } from '../../www/js/bench/figures.js';
import { VARIANTS } from '../../www/js/bench/options.js';
import { launch } from '../browser/chromium.mjs';
import { relaxedBarred } from '../browser/features.mjs';
import { MANY_HEADS, makeCheckpoint } from '../make-checkpoint.mjs';
import { serve } from '../serve.mjs';
import { FILES, judge, PAGE, verdictTable } from './asked.mjs';
import { barFigures, measureBar } from './bar.mjs';
import { frameFigures, measureFrames } from './frames.mjs';
import { insideFigures, measureInside } from './inside.mjs';
import { loadKept } from './kept.mjs';
import { removeProfile } from './processes.mjs';
import { loadUnwatched } from './unwatched.mjs';
import { makeWidened } from './widened.mjs';

/**
 * @typedef {import('../../www/js/bench/figures.js').Figure} Figure
 * @typedef {import('playwright-core').Browser} Browser
 * @typedef {import('playwright-core').Page} Page
 * @typedef {import('./asked.mjs').Setting} Setting
 * @typedef {{name: string, values: Map<string, number[]>}} Column
 */

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const cache = join(root, 'target/bench');
const builtIn = join(root, 'www/models/built-in');
const pkg = join(root, 'www/pkg');

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
    only: { type: 'string', default: 'speed,stream,again,kept,page,bar,inside,busy,size' },
    variants: { type: 'string', default: VARIANTS.join(',') },
    threads: { type: 'string', default: '2' },
  },
});
const rounds = Number(options.rounds);
const parts = new Set(options.only.split(','));
const threadsInUse = Number(options.threads);
/** Tokens on busy cores, timed together: a thread that loses its core does so for a few of them, which a median would not show. */
const BUSY_TOKENS = 192;

const barred = await launch().then((browser) => relaxedBarred(browser).finally(() => browser.close()));
if (barred) console.error(`relaxed SIMD can't be used here (${barred}): left out`);

/** @type {Setting[]} */
const settings = VARIANTS.filter((variant) => options.variants.split(',').includes(variant))
  .filter((variant) => !(barred && variant.startsWith('relaxed')))
  .filter((variant) => {
    const built = existsSync(join(pkg, variant));
    if (!built) console.error(`there is no build ${variant} in www/pkg: left out`);
    return built;
  })
  .flatMap((variant) =>
    (variant.endsWith('-threads') ? [1, threadsInUse] : [1]).map((threads) => ({
      name: `${variant} x${threads}`,
      variant,
      threads,
    })),
  );

// --- results ----------------------------------------------------------------------------------------------------------

/** @type {Map<string, Column>} */
const columns = new Map();

/**
 * @param {string} column
 * @param {string} id of the figure
 * @param {number} value
 */
function record(column, id, value) {
  const { values } = columns.get(column) ?? { values: new Map() };
  columns.set(column, { name: column, values: values.set(id, [...(values.get(id) ?? []), value]) });
}

/** @param {string} column @param {string} id */
function found(column, id) {
  const values = columns.get(column)?.values.get(id);
  return values && median(values);
}

/** @type {Figure[]} */
const furtherFigures = [
  { id: 'peak-loaded', group: 'Memory of the renderer, most ever', name: 'after loading', unit: 'MiB' },
  { id: 'peak-used', group: 'Memory of the renderer, most ever', name: `after ${LONG} tokens`, unit: 'MiB' },
  { id: 'busy', group: 'Every core busy with another process', name: 'writing', unit: 'tokens/s' },
  { id: 'raw', group: 'Size of the module', name: 'as it is', unit: 'kB' },
  { id: 'gzip', group: 'Size of the module', name: 'gzip -9', unit: 'kB' },
  { id: 'first-suggestion', group: 'The real page', name: 'loaded to first suggestions', unit: 'ms' },
  { id: 'keystroke', group: 'The real page', name: 'keystroke to suggestions', unit: 'ms' },
  { id: 'keystroke-most', group: 'The real page', name: 'the slowest keystroke', unit: 'ms' },
  ...barFigures,
  ...insideFigures,
  ...frameFigures,
  { id: 'load-time', group: 'Loading 124 M', name: 'time', unit: 's' },
  { id: 'load-memory', group: 'Loading 124 M', name: 'WebAssembly memory / size of the weights', unit: '' },
];

// --- browsers ---------------------------------------------------------------------------------------------------------

/**
 * A fresh browser, so that memory peaks, caches and optimised code belong to one measurement.
 * @template T
 * @param {(page: Page, browser: Browser) => Promise<T>} body
 */
async function inBrowser(body) {
  const browser = await launch();
  try {
    return await body(await freshPage(browser), browser);
  } finally {
    await browser.close();
  }
}

/** @param {Browser | import('playwright-core').BrowserContext} browser */
async function freshPage(browser) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(300_000);
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(`console: ${message.text()}`);
  });
  return page;
}

/**
 * The bench page for one build and model.
 * @param {Page} page
 * @param {string} model
 * @param {Setting} [setting] the page's own choice without it
 */
async function openBench(page, model, setting) {
  const asked = new URLSearchParams({ model });
  if (setting) asked.set('variant', setting.variant);
  if (setting) asked.set('threads', String(setting.threads));
  await page.goto(`${server.url}bench.html?${asked}`);
  await page.waitForFunction(() => 'bench' in globalThis);
}

/**
 * Calls a function of `window.bench`.
 * @param {Page} page
 * @param {string} name
 * @param {...unknown} args
 * @returns {Promise<any>}
 */
const call = (page, name, ...args) =>
  page.evaluate(([f, a]) => /** @type {any} */ (globalThis).bench[f](...a), /** @type {const} */ ([name, args]));

// --- measurements -----------------------------------------------------------------------------------------------------

/** What the engine says of the model; the same for all builds. @type {import('../../www/js/shared/protocol.js').ModelInfo | undefined} */
let model;

/**
 * @param {Setting} setting
 * @param {number} round
 */
async function measureSpeed(setting, round) {
  const { variant, threads } = setting;
  const alone = await loadUnwatched({ model: shards, variant, threads: String(threads) }, LONG);
  record(setting.name, 'load', alone.milliseconds / 1000);
  record(setting.name, 'memory', alone.memory / 1e6);
  record(setting.name, 'peak-loaded', alone.peakLoaded);
  record(setting.name, 'peak-used', alone.peakUsed);
  await inBrowser(async (page) => {
    await openBench(page, SHARDS, setting);
    model = (await call(page, 'load')).model;
    record(setting.name, 'first', await call(page, 'prompt', 16));
    await call(page, 'warmUp');
    for (const [id, value] of Object.entries(await call(page, 'round', round))) record(setting.name, id, value);
  });
}

/** @param {number} quantised bytes of weights */
async function measureStream(quantised) {
  const { milliseconds, memory, peakLoaded } = await loadUnwatched({ model: hub }, LONG);
  record(FILES.stream, 'load-time', milliseconds / 1000);
  record(FILES.stream, 'load-memory', memory / quantised);
  record(FILES.stream, 'peak-loaded', peakLoaded);
}

/** A later visit of a browser that may keep shards, as a host that names them so should allow. */
async function measureAgain() {
  const profile = mkdtempSync(join(tmpdir(), 'headlight-bench-'));
  try {
    // A browser that was ended may have kept only some of them, so the second visit is not always the one.
    for (let visit = 0; visit < 4; visit++) {
      const { milliseconds, requests } = await loadUnwatched({ model: shards }, 1, profile);
      if (requests.some((path) => path.endsWith('.safetensors'))) continue;
      record(FILES.again, 'load-time', milliseconds / 1000);
      return;
    }
    throw new Error('the browser did not keep the shards');
  } finally {
    await removeProfile(profile);
  }
}

/** The builds and numbers of threads that the real page took. @type {Set<string>} */
const chosen = new Set();

const SENTENCE = 'When the rain had stopped the old man went out into the garden and looked at the broken fence. ';

/**
 * The real page: first suggestions for a text that was there before the model, and keystrokes at 100 tokens.
 * @param {string} url
 * @param {string} column
 */
async function measurePage(url, column) {
  await inBrowser(async (page) => {
    await page.addInitScript(() => {
      // The first latency that the page notes is that of the suggestions right after loading.
      new MutationObserver((_, observer) => {
        const { latency } = document.body?.dataset ?? {};
        if (latency === undefined) return;
        Object.assign(globalThis, { firstLatency: Number(latency) });
        observer.disconnect();
      }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-latency'] });
    });
    await page.goto(url);
    await page.locator('#text').fill(SENTENCE.trim());
    await page.waitForFunction(() => 'firstLatency' in globalThis);
    record(column, 'first-suggestion', await page.evaluate(() => /** @type {any} */ (globalThis).firstLatency));

    await page.locator('#text').fill(SENTENCE.repeat(5).trim());
    await page.locator('#text').press('Control+End');
    // The page also looks for the best number of threads when nothing else is to be done.
    await page.waitForTimeout(3000);
    const latencies = [];
    for (const key of ' Then he said to her that nothing was') {
      // Two answers may well take equally long, so a new one is told by there being any.
      await page.evaluate(() => delete document.body.dataset.latency);
      await page.keyboard.press(key === ' ' ? 'Space' : key);
      await page.waitForFunction(() => document.body.dataset.latency !== undefined);
      // A space changes no token, so there is nothing to compute; the pause is that of a typist.
      if (key !== ' ') latencies.push(Number(await page.evaluate(() => document.body.dataset.latency)));
      await page.waitForTimeout(120);
    }
    const build = page.locator('[data-variant]');
    chosen.add(`${await build.getAttribute('data-variant')} x${await build.getAttribute('data-threads')}`);
    record(column, 'keystroke', median(latencies));
    record(column, 'keystroke-most', Math.max(...latencies));
  });
}

/** Threads against one thread while another process keeps every core busy. */
async function measureBusy() {
  const compared = settings.filter(({ variant, threads }) =>
    variant === 'relaxed-threads' ? threads === threadsInUse : variant === 'relaxed',
  );
  const browser = await launch();
  /** @type {import('node:child_process').ChildProcess[]} */
  let others = [];
  try {
    const pages = [];
    for (const setting of compared) {
      const page = await freshPage(browser);
      await openBench(page, SHARDS, setting);
      await call(page, 'load');
      await call(page, 'warmUp');
      pages.push({ page, name: setting.name });
    }
    others = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ['-e', 'for (;;);']));
    for (let turn = 0; turn < 3; turn++) {
      for (const { page, name } of pages) {
        await page.bringToFront();
        await call(page, 'prompt', 32);
        /** @type {{times: number[]}} */
        const { times } = await call(page, 'decode', BUSY_TOKENS);
        record(name, 'busy', (1000 * BUSY_TOKENS) / times.reduce((sum, time) => sum + time, 0));
      }
    }
  } finally {
    for (const other of others) other.kill('SIGKILL');
    await browser.close();
  }
}

function weigh() {
  for (const { name, variant } of settings.filter(({ threads }) => threads === 1)) {
    const file = join(pkg, variant, 'headlight_bg.wasm');
    record(name, 'raw', statSync(file).size / 1000);
    // The program itself: Node's own compresses less.
    record(name, 'gzip', execFileSync('gzip', ['-9', '-c', file], { maxBuffer: 1 << 26 }).length / 1000);
  }
}

// --- the run ----------------------------------------------------------------------------------------------------------

/** @param {string} hub @param {string} name */
function quantize(hub, name) {
  const out = join(cache, name);
  rmSync(out, { recursive: true, force: true });
  execFileSync(join(root, 'target/release/headlight'), ['quantize', hub, out], { stdio: 'inherit' });
  return out;
}

const hub = makeCheckpoint(join(cache, 'gpt2-small'), builtIn);
const shards = quantize(hub, 'gpt2-small-int8');
const widened = quantize(makeWidened(join(cache, 'widened'), builtIn), 'widened-int8');
const manyHeads = quantize(makeCheckpoint(join(cache, 'many-heads'), builtIn, MANY_HEADS), 'many-heads-int8');
const quantised = readdirSync(shards)
  .filter((name) => name.endsWith('.safetensors'))
  .reduce((sum, name) => sum + statSync(join(shards, name)).size, 0);

const HUB = 'bench-models/hub/';
const SHARDS = 'bench-models/shards/';
const mounts = { [`/${HUB}`]: hub, [`/${SHARDS}`]: shards };
// Isolated, because threads need it; the shards may be kept, as README's part on hosting says.
const server = await serve({ isolated: true, cacheControl: 'max-age=3600', mounts });
/** Slow enough with the module that the text is there before the model. @type {import('../serve.mjs').Options['fault']} */
const fault = ({ path }) => (path.endsWith('.wasm') ? { delay: 500 } : null);
const realPage = await serve({ isolated: true, fault });
const realPageSmall = await serve({ isolated: true, fault, mounts: { '/models/built-in/': widened } });
const realPageHeads = await serve({ isolated: true, fault, mounts: { '/models/built-in/': manyHeads } });

const about = await inBrowser(async (_, browser) => ({
  chromium: browser.version(),
  cpu: cpus()[0].model,
  cores: availableParallelism(),
  rounds,
}));
console.log(`${about.cpu}, ${about.cores} cores, Chromium ${about.chromium}, ${rounds} rounds`);

for (let round = 0; round < rounds; round++) {
  console.log(`round ${round + 1} of ${rounds}`);
  // Back and forth, so that no build always comes first.
  for (const setting of round % 2 ? settings.toReversed() : settings) {
    if (parts.has('speed')) await measureSpeed(setting, round);
  }
  if (parts.has('stream')) await measureStream(quantised);
  if (parts.has('again')) await measureAgain();
  if (parts.has('kept')) {
    const milliseconds = await loadKept(`${server.url}bench.html`, server.url + SHARDS, shards);
    record(FILES.kept, 'load-time', milliseconds / 1000);
  }
  if (parts.has('page')) await measurePage(realPage.url, PAGE.builtIn);
  if (parts.has('page')) await measurePage(realPageSmall.url, PAGE.small);
  for (const [{ url }, column] of /** @type {const} */ ([
    [realPage, PAGE.builtIn],
    [realPageSmall, PAGE.small],
  ])) {
    if (!parts.has('bar')) continue;
    const found = await inBrowser((page) => measureBar(page, url));
    for (const [id, value] of Object.entries(found)) record(column, id, value);
  }
  if (parts.has('inside')) {
    await inBrowser(async (page) => {
      await page.goto(`${server.url}bench.html`);
      const found = await measureInside(page, server.url + SHARDS);
      for (const [id, value] of Object.entries(found)) record(PAGE.small, id, value);
    });
    for (const [column, { url }] of /** @type {const} */ ([
      [PAGE.small, realPageSmall],
      [PAGE.heads, realPageHeads],
    ])) {
      await inBrowser(async (page) => {
        const found = await measureFrames(page, url, SENTENCE.repeat(3).trim());
        for (const [id, value] of Object.entries(found)) record(column, id, value);
      });
    }
  }
  if (parts.has('busy')) await measureBusy();
}
if (parts.has('size')) weigh();
await Promise.all([server, realPage, realPageSmall, realPageHeads].map((each) => each.close()));

const figures = [...(model ? figuresFor(model) : []), ...furtherFigures];
console.log(`\n${report(figures, [...columns.values()])}`);
if (chosen.size > 0) console.log(`the page chose ${[...chosen].join(', ')}`);
const verdicts = judge(settings, found);
console.log(`\n${verdictTable(verdicts)}`);
if (options.json) {
  const results = [...columns.values()].map(({ name, values }) => ({
    name,
    figures: Object.fromEntries([...values].map(([id, all]) => [id, { ...summary(all), values: all }])),
  }));
  writeFileSync(
    options.json,
    `${JSON.stringify({ ...about, chosen: [...chosen], figures, results, checks: verdicts }, null, 2)}\n`,
  );
}
