// @ts-check
/**
 * Measures Headlight in headless Chromium and prints a table. Figures move between runs by more than most changes are
 * worth, so everything that is compared is measured within one run, in interleaved rounds, and reported as a median.
 *
 *   node tests/bench/run.mjs [--rounds N] [--json FILE] [--only load,speed,latency]
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../browser/chromium.mjs';
import { makeCheckpoint } from '../make-checkpoint.mjs';
import { serve } from '../serve.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const cache = join(root, 'target/bench');
const builtIn = join(root, 'www/models/built-in');

/** What is wanted of each figure; the bench reports and never fails on it, since machines differ. */
const needs = /** @type {const} */ ([
  { name: 'share of the roofline, decoding', at: 'roofline share', least: 0.35 },
  { name: 'prefill / decode', at: 'prefill / decode', least: 4 },
  { name: 'peak wasm memory / quantised size, streaming load', at: 'stream load memory ratio', most: 1.25 },
  { name: 'keystroke to suggestion, ms', at: 'keystroke latency', most: 50 },
]);

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
    only: { type: 'string', default: 'load,speed,latency' },
  },
});
const rounds = Number(options.rounds);
const parts = new Set(options.only.split(','));

/** @type {Map<string, {unit: string, values: number[]}>} */
const results = new Map();

/**
 * @param {string} name
 * @param {string} unit
 * @param {number | undefined} value
 */
function record(name, unit, value) {
  if (value === undefined || !Number.isFinite(value)) return;
  const entry = results.get(name) ?? { unit, values: [] };
  entry.values.push(value);
  results.set(name, entry);
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {string} folder */
const shardBytes = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.safetensors'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

/**
 * The most memory that the page and its workers ever had, in MB; they share one process.
 * @param {import('playwright-core').Browser} browser
 */
async function rendererPeak(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const peaks = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => {
      const status = existsSync(`/proc/${id}/status`) ? readFileSync(`/proc/${id}/status`, 'utf8') : '';
      return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1000;
    });
  return Math.max(...peaks);
}

/**
 * A fresh browser with the bench page, so that memory peaks and caches belong to one measurement.
 * @template T
 * @param {string} url
 * @param {(page: import('playwright-core').Page, browser: import('playwright-core').Browser) => Promise<T>} body
 */
async function inBrowser(url, body) {
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(300_000);
    page.on('console', (message) => {
      if (message.type() === 'error') console.error(`console: ${message.text()}`);
    });
    await page.goto(url);
    return await body(page, browser);
  } finally {
    await browser.close();
  }
}

/**
 * Calls a function of bench.js.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 * @param {...unknown} args
 * @returns {Promise<any>}
 */
async function call(page, name, ...args) {
  await page.waitForFunction(() => 'bench' in globalThis);
  return page.evaluate(([f, a]) => /** @type {any} */ (globalThis).bench[f](...a), /** @type {const} */ ([name, args]));
}

/**
 * @param {string} url the bench page
 * @param {'stream' | 'shards'} kind
 * @param {number} quantised bytes
 */
async function measureLoad(url, kind, quantised) {
  const label = kind === 'stream' ? 'stream load' : 'quantised load';
  await inBrowser(url, async (page, browser) => {
    const { milliseconds, info } = await call(page, 'load', `/bench-models/${kind}/`);
    record(`${label}`, 's', milliseconds / 1000);
    record(`${label} wasm memory`, 'MB', info.memory / 1e6);
    record(`${label} memory ratio`, '', info.memory / quantised);
    record(`${label} renderer peak`, 'MB', await rendererPeak(browser));
  });
}

/**
 * @param {string} url the bench page
 * @param {number} round
 */
async function measureSpeed(url, round) {
  await inBrowser(url, async (page) => {
    const { info } = await call(page, 'load', '/bench-models/shards/');
    const variety = 10 * round;
    record('cold prefill, 16 tokens', 'ms', (await call(page, 'prefill', 16, variety)).wall);
    // What a visitor meets later: the browser's optimising compiler has caught up.
    await call(page, 'decode', 8, 16, variety + 1);
    await call(page, 'prefill', 64, variety + 2);

    const before = median(await call(page, 'roofline', 8));
    const first = (await call(page, 'decode', 32, 48, variety + 3)).perSecond;
    const prefill = (await call(page, 'prefill', 512, variety + 4)).perSecond;
    const second = (await call(page, 'decode', 32, 48, variety + 5)).perSecond;
    const after = median(await call(page, 'roofline', 8));
    const late = (await call(page, 'decode', 512, 24, variety + 6)).perSecond;

    const bandwidth = (before + after) / 2;
    const decode = (first + second) / 2;
    record('read bandwidth', 'GB/s', bandwidth);
    record('decode at 32 tokens', 'tokens/s', decode);
    record('decode at 512 tokens', 'tokens/s', late);
    record('prefill, 512 tokens', 'tokens/s', prefill);
    record('roofline share', '', (decode * info.bytes) / 1e9 / bandwidth);
    record('prefill / decode', '', prefill / decode);
  });
}

/** @param {string} url the real page */
async function measureLatency(url) {
  const sentence = 'When the rain had stopped the old man went out into the garden and looked at the broken fence. ';
  await inBrowser(url, async (page) => {
    await page.waitForFunction(() => document.body.dataset.state === 'ready');
    await page.locator('#text').fill(sentence.repeat(5).trim());
    await page.locator('#text').press('Control+End');
    await page.waitForTimeout(1500);
    record('tokens in the text typed into', '', await page.locator('#chips [data-id]').count());
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
    record('keystroke latency', 'ms', median(latencies));
    record('keystroke latency, slowest', 'ms', Math.max(...latencies));
  });
}

const hub = makeCheckpoint(join(cache, 'gpt2-small'), builtIn);
const quantisedFolder = join(cache, 'gpt2-small-int8');
rmSync(quantisedFolder, { recursive: true, force: true });
const start = performance.now();
execFileSync(join(root, 'target/release/headlight'), ['quantize', hub, quantisedFolder], { stdio: 'inherit' });
record('native quantize', 's', (performance.now() - start) / 1000);
const quantised = shardBytes(quantisedFolder);
record('quantised size', 'MB', quantised / 1e6);
const roofline = join(cache, 'roofline.wasm');
execFileSync(join(root, 'node_modules/.bin/wasm-as'), [
  '--enable-simd',
  join(root, 'tests/bench/roofline.wat'),
  '-o',
  roofline,
]);

const server = await serve({
  mounts: {
    '/bench/': join(root, 'tests/bench'),
    '/bench/roofline.wasm': roofline,
    '/bench-models/stream/': hub,
    '/bench-models/shards/': quantisedFolder,
  },
});
const benchPage = `${server.origin}/bench/bench.html`;
const about = await inBrowser(benchPage, async (page, browser) => ({
  chromium: browser.version(),
  cpu: cpus()[0].model,
  cores: await page.evaluate(() => navigator.hardwareConcurrency),
}));
console.log(`${about.cpu}, ${about.cores} cores, Chromium ${about.chromium}, ${rounds} rounds`);

for (let round = 0; round < rounds; round++) {
  console.log(`round ${round + 1} of ${rounds}`);
  if (parts.has('load')) await measureLoad(benchPage, 'stream', quantised);
  if (parts.has('load')) await measureLoad(benchPage, 'shards', quantised);
  if (parts.has('speed')) await measureSpeed(benchPage, round);
  if (parts.has('latency')) await measureLatency(server.url);
}
await server.close();

/** @param {number} value */
const short = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));
console.log(`\n${'median'.padStart(44)}  (min - max)`);
const table = [...results].map(([name, { unit, values }]) => {
  const summary = { name, unit, median: median(values), min: Math.min(...values), max: Math.max(...values), values };
  const spread = values.length > 1 ? `(${short(summary.min)} - ${short(summary.max)})` : '';
  console.log(`${name.padEnd(34)}${short(summary.median).padStart(10)}  ${`${spread} ${unit}`.trim()}`);
  return summary;
});

console.log();
const checks = needs.flatMap((need) => {
  const found = table.find(({ name }) => name === need.at);
  if (!found) return [];
  const met = 'least' in need ? found.median >= need.least : found.median <= need.most;
  const wanted = 'least' in need ? `>= ${need.least}` : `<= ${need.most}`;
  console.log(`${need.name}: ${short(found.median)}, needed ${wanted}: ${met ? 'yes' : 'no'}`);
  return [{ name: need.name, value: found.median, wanted, met }];
});
if (options.json) {
  writeFileSync(options.json, `${JSON.stringify({ ...about, rounds, results: table, checks }, null, 2)}\n`);
}
