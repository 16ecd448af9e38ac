// @ts-check
/** A device with too little memory, made by giving the WebAssembly module's memory a maximum. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { andAnswer, pageTest, root, suggestions, waitForState } from './harness.mjs';

const wasm = readFileSync(join(root, 'www/pkg/relaxed/headlight_bg.wasm'));
const typed = 'Half a sentence that must survive';
const MEMORY_SECTION = 5;

/** @param {number} value */
function leb128(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

/** @param {number} at */
function readLeb128(at) {
  let value = 0;
  let shift = 0;
  for (;;) {
    const byte = wasm[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return { value, end: at };
    shift += 7;
  }
}

/**
 * The module with at most so many pages of 64 KiB.
 * @param {number} pages
 */
function withAtMost(pages) {
  for (let at = 8; ; ) {
    const { value: size, end: content } = readLeb128(at + 1);
    if (wasm[at] === MEMORY_SECTION) {
      // One memory, flags, minimum; here it gets the flag for a maximum, and the maximum.
      const { value: minimum } = readLeb128(content + 2);
      const section = [1, 1, ...leb128(minimum), ...leb128(pages)];
      const limited = [MEMORY_SECTION, ...leb128(section.length), ...section];
      return Buffer.concat([wasm.subarray(0, at), Buffer.from(limited), wasm.subarray(content + size)]);
    }
    at = content + size;
  }
}

/** Two kinds of builds: one that brings its own memory, and one that is given shared memory by the worker. */
const kinds = /** @type {const} */ ([
  { variant: 'relaxed', path: '?isolate=off' },
  { variant: 'relaxed-threads', path: '' },
]);

const memoryScript = readFileSync(join(root, 'www/js/worker/memory.js'), 'utf8');
/**
 * A test on a device with few pages of 64 KiB. How few depends on what the built-in model needs on one that has plenty.
 * @param {string} name
 * @param {(needed: {weights: number, loaded: number}) => number} most
 * @param {(page: import('playwright-core').Page) => Promise<void>} body
 */
function deviceTest(name, most, body) {
  for (const { variant, path } of kinds) {
    let pages = 0;
    /** @param {{path: string}} request */
    const fault = (request) => {
      if (pages === 0) return null;
      if (request.path.endsWith('/memory.js')) {
        return { body: memoryScript.replace(/MOST_PAGES = [\d_]+/, `MOST_PAGES = ${pages}`) };
      }
      return request.path.endsWith(`/${variant}/headlight_bg.wasm`) && variant === 'relaxed'
        ? { body: withAtMost(pages), type: 'application/wasm' }
        : null;
    };
    pageTest(`${name}: ${variant}`, { server: { fault }, path: 'none', relaxed: true }, async ({ page, server }) => {
      await page.goto(`${server.url}bench.html`);
      pages = most(await needed(page, variant));
      await page.goto(server.url + path);
      await body(page);
    });
  }
}

/**
 * Pages that the built-in model takes.
 * @param {import('playwright-core').Page} page
 * @param {string} variant
 */
async function needed(page, variant) {
  const { bytes, memory } = await page.evaluate(async (variant) => {
    const { Engine } = await import(new URL('js/page/engine.js', location.href).href);
    const engine = new Engine();
    engine.configure({ variant });
    const info = await engine.load({ type: 'folder', base: new URL('models/built-in/', location.href).href });
    engine.close();
    return info;
  }, variant);
  return { weights: Math.floor(bytes / 65536), loaded: memory / 65536 };
}

deviceTest(
  'too little memory for the weights: says so and keeps the text',
  ({ weights }) => weights - 10,
  async (page) => {
    await page.locator('#text').fill(typed);
    await waitForState(page, 'failed');
    assert.match(await page.locator('body').innerText(), /Not enough memory/);
    assert.ok(await page.getByRole('button', { name: 'Retry' }).isVisible());
    assert.equal(await page.locator('#text').inputValue(), typed);
  },
);

deviceTest(
  'too little memory for a folder from disk: it leaves nothing in the store',
  ({ weights }) => weights - 10,
  async (page) => {
    const { code, kept } = await page.evaluate(async () => {
      const { Engine } = await import(new URL('js/page/engine.js', location.href).href);
      const folder = new URL('models/built-in/', location.href);
      const file = async (/** @type {string} */ name) =>
        new File([await (await fetch(new URL(name, folder))).blob()], name);
      const { tokenizer, shards } = JSON.parse(await (await file('manifest.json')).text());
      const names = ['manifest.json', ...[...tokenizer, ...shards].map(({ file }) => file)];
      const engine = new Engine();
      const loading = engine.load({ type: 'files', files: await Promise.all(names.map(file)) });
      const code = await loading.then(
        () => 'loaded',
        (/** @type {any} */ error) => error.code,
      );
      const kept = await engine.kept();
      engine.close();
      return { code, kept };
    });
    assert.equal(code, 'out-of-memory');
    assert.deepEqual([kept.models, kept.leftovers], [[], 0]);
  },
);

deviceTest(
  'too little memory for the tokenizer: says so and keeps the text',
  ({ weights, loaded }) => Math.floor((weights + loaded) / 2),
  async (page) => {
    await page.locator('#text').fill(typed);
    await waitForState(page, 'failed');
    assert.match(await page.locator('body').innerText(), /Not enough memory/);
    assert.ok(await page.getByRole('button', { name: 'Retry' }).isVisible());
    assert.equal(await page.locator('#text').inputValue(), typed);
  },
);

// When memory runs out within the caches, the engine says so and goes on; here it is told that it has.
const workerScript = readFileSync(join(root, 'www/js/worker/suggesting.js'), 'utf8');
const settingText = 'const prompt = engine.beginWords(text, wanted)';
const noLongTexts = `if (text.length > 1000) throw new EngineError(codes.memory, 'no room'); ${settingText}`;
pageTest(
  'too little memory for a long text: a shorter one still works',
  {
    server: {
      fault: ({ path }) =>
        path.endsWith('/suggesting.js') ? { body: workerScript.replace(settingText, noLongTexts) } : null,
    },
  },
  async ({ page }) => {
    await waitForState(page, 'ready');
    await page.locator('#text').fill('a quick brown fox '.repeat(120));
    await page.getByText(/Not enough memory/).waitFor();
    await andAnswer(page, () => page.locator('#text').fill(typed));
    for (const text of await suggestions(page)) assert.match(text, /\d\s*%/);
  },
);
