// @ts-check
/** The four WebAssembly builds: the best that works is used, the page says which and why, and all give the same tokens. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { andAnswer, downloadErrors, inserts, pageTest, root, suggestions, waitForState } from './harness.mjs';

/** @typedef {import('playwright-core').Page} Page */

const typed = 'Half a sentence that must survive';

/** What the page says about its engine. @param {Page} page */
async function build(page) {
  const place = page.locator('.engine-build');
  const threads = Number(await place.getAttribute('data-threads'));
  return { variant: await place.getAttribute('data-variant'), threads, words: await place.innerText() };
}

/**
 * Calls the page's own client of a fresh worker, and answers with the code of an error.
 * @param {Page} page
 * @param {[name: string, ...args: unknown[]][]} calls
 * @returns {Promise<any[]>}
 */
function ask(page, calls) {
  return page.evaluate(async (calls) => {
    const { Engine } = await import(new URL('js/page/engine.js', document.baseURI).href);
    const engine = new Engine();
    const answers = [];
    for (const [name, ...args] of calls) {
      try {
        answers.push(await engine[name](...args));
      } catch (/** @type {any} */ error) {
        answers.push({ error: error.code, message: error.message });
      }
    }
    engine.close();
    return answers;
  }, calls);
}

/**
 * The page's own model, as what is loaded.
 * @param {Page} page
 * @returns {Promise<import('../../www/js/shared/models.js').ModelSource>}
 */
const builtIn = (page) =>
  page.evaluate(() => ({
    type: /** @type {const} */ ('folder'),
    base: new URL('models/built-in/', document.baseURI).href,
  }));

pageTest('with everything there, relaxed SIMD and threads', { relaxed: true }, async ({ page, server }) => {
  await waitForState(page, 'ready');
  const { variant, words } = await build(page);
  assert.equal(variant, 'relaxed-threads');
  assert.match(words, /Relaxed SIMD, /);
  const fetched = server.requests.filter(({ path }) => path.endsWith('.wasm'));
  assert.equal(fetched.length, 1, 'exactly one build is fetched');
});

/** @type {{name: string, files: RegExp, fault: import('../serve.mjs').Fault, variant: string, says: RegExp[]}[]} */
const failing = [
  {
    name: 'a module that is missing',
    files: /relaxed-threads\/.*\.wasm$/,
    fault: { status: 404 },
    variant: 'simd128-threads',
    says: [/relaxed SIMD with threads is missing/],
  },
  {
    name: 'a script that is missing',
    files: /relaxed-threads\/headlight\.js$/,
    fault: { status: 404 },
    variant: 'simd128-threads',
    says: [/relaxed SIMD with threads is missing/],
  },
  {
    name: 'modules that were cut off',
    files: /-threads\/.*\.wasm$/,
    fault: { truncate: 300_000, end: 'honest' },
    variant: 'relaxed',
    says: [/relaxed SIMD with threads could not be started/, /for SIMD with threads could not be started/],
  },
  {
    name: 'C45: all but the plain one',
    files: /(-threads|relaxed)\/.*\.wasm$/,
    fault: { body: '<!doctype html>', type: 'text/html' },
    variant: 'simd128',
    says: [/relaxed SIMD is missing/],
  },
];
for (const { name, files, fault, variant, says } of failing) {
  pageTest(
    `${name}: the next build is used, and the page says why`,
    { server: { fault: ({ path }) => (files.test(path) ? fault : null) }, expected: downloadErrors, relaxed: true },
    async ({ page }) => {
      await waitForState(page, 'ready');
      const found = await build(page);
      assert.equal(found.variant, variant);
      for (const words of says) assert.match(found.words, words);
      assert.doesNotMatch(found.words, /undefined|\[object/);
      await andAnswer(page, () => page.locator('#text').fill(typed));
      for (const text of await suggestions(page)) assert.match(text, /\d\s*%/);
    },
  );
}

pageTest(
  'C45: a module that is called something else is used all the same',
  {
    server: { fault: ({ path }) => (path.endsWith('.wasm') ? { type: 'application/octet-stream' } : null) },
    relaxed: true,
  },
  async ({ page }) => {
    await waitForState(page, 'ready');
    assert.equal((await build(page)).variant, 'relaxed-threads');
  },
);

pageTest(
  'no relaxed SIMD and not isolated: the plain build, with both reasons',
  { server: { isolated: false }, context: { serviceWorkers: 'block' }, path: 'none' },
  async ({ page, context, server }) => {
    // As in an older browser: the probe's opcode is unknown, to the worker as well.
    await context.route('**/js/shared/probes.js', async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace('253, 147, 2,', '253, 255, 3,');
      await route.fulfill({ response, body });
    });
    await page.goto(server.url);
    await waitForState(page, 'ready');
    const { variant, threads, words } = await build(page);
    assert.deepEqual([variant, threads], ['simd128', 1]);
    assert.match(words, /SIMD, one thread/);
    assert.match(words, /no relaxed SIMD/);
    assert.match(words, /not cross-origin isolated/);
  },
);

pageTest(
  'a processor whose sums are too narrow for relaxed SIMD: the next build, with the reason',
  { path: 'none' },
  async ({ page, context, server }) => {
    // As on a processor that cuts sums off at 16 bits: the probe's sums are not what they should be.
    await context.route('**/js/shared/probes.js', async (route) => {
      const response = await route.fetch();
      await route.fulfill({
        response,
        body: (await response.text()).replace('32, 1, 253, 15,', '65, 1, 253, 15,'),
      });
    });
    await page.goto(server.url);
    await waitForState(page, 'ready');
    const { variant, words } = await build(page);
    assert.equal(variant, 'simd128-threads');
    assert.match(words, /no instruction that would make relaxed SIMD faster/);
    assert.equal(
      server.requests.filter(({ path }) => path.includes('/relaxed')).length,
      0,
      'nothing is fetched in vain',
    );
  },
);

pageTest(
  'helpers that can’t be started are done without',
  {
    server: { fault: ({ path }) => (path.endsWith('/helper.js') ? { status: 404 } : null) },
    expected: downloadErrors,
    relaxed: true,
  },
  async ({ page }) => {
    await waitForState(page, 'ready');
    const { variant, threads, words } = await build(page);
    assert.deepEqual([variant, threads], ['relaxed-threads', 1]);
    assert.match(words, /Not all threads could be started/);
    await andAnswer(page, () => page.locator('#text').fill(typed));
    assert.equal((await suggestions(page)).length, 3);
  },
);

const helper = readFileSync(join(root, 'www/js/worker/helper.js'), 'utf8');
pageTest(
  'a helper that stops: the engine says so, and starts anew with fewer threads',
  {
    server: {
      fault: ({ path }) =>
        path.endsWith('/helper.js') ? { body: helper.replace('pkg.runHelper()', 'throw new Error("gone")') } : null,
    },
    expected: [/gone|unreachable|panicked|helper thread/],
    relaxed: true,
  },
  async ({ page }) => {
    await page.locator('#text').fill(typed);
    await waitForState(page, 'crashed');
    await page.getByRole('button', { name: 'Restart' }).click();
    await waitForState(page, 'ready');
    assert.equal(await page.locator('#text').inputValue(), typed);
    const { variant, threads, words } = await build(page);
    assert.deepEqual([variant, threads], ['relaxed', 1]);
    assert.match(words, /stopped while it used threads/);
    await andAnswer(page, () => page.locator('#text').fill(`${typed} and`));
    assert.equal((await inserts(page)).length, 3);
  },
);

pageTest('B25, B27: every build, forced, gives the same tokens', { relaxed: true }, async ({ page }) => {
  await waitForState(page, 'ready');
  const source = await builtIn(page);
  const ids = Uint32Array.from({ length: 40 }, (_, i) => 100 + 37 * i);
  /** @type {Map<string, unknown>} */
  const found = new Map();
  for (const wishes of [
    { variant: 'simd128' },
    { variant: 'relaxed' },
    { variant: 'simd128-threads', threads: 2 },
    { variant: 'relaxed-threads', threads: 3 },
    { variant: 'relaxed-threads', threads: 1 },
  ]) {
    const [, info, prefilled, decoded, branches, read, tuning, late] = await ask(page, [
      ['configure', wishes],
      ['load', source],
      ['prefillTokens', [...ids]],
      ['decodeTokens', 12],
      ['branches', 3, 4],
      ['readMatrices', 2],
      ['tune'],
      ['configure', {}],
    ]);
    const what = JSON.stringify(wishes);
    assert.equal(info.variant, wishes.variant, what);
    assert.equal(info.threads, wishes.threads ?? 1, what);
    assert.equal(tuning.threads, wishes.threads ?? 1, 'a forced number stays');
    assert.equal(late.error, 'build-unavailable', 'too late for wishes');
    assert.equal(prefilled.next, decoded.ids[0]);
    assert.equal(decoded.ids.length, 12);
    assert.equal(decoded.times.length, 12);
    assert.equal(read.times.length, 2);
    const times = [prefilled.milliseconds, branches.milliseconds, ...decoded.times, ...read.times];
    assert.ok(
      times.every((time) => time > 0),
      `${times}`,
    );
    // All but biases, norms and positions.
    assert.ok(read.bytes > 0.9 * info.bytes && read.bytes < info.bytes, `${read.bytes} of ${info.bytes}`);
    assert.equal(Object.keys(branches.ids).length, 12);
    found.set(what, { decoded: decoded.ids, branches: branches.ids });
  }
  const [first, ...others] = [...found];
  for (const [wishes, tokens] of others) assert.deepEqual(tokens, first[1], `${wishes} as ${first[0]}`);
});

pageTest(
  'what is asked for and can’t be had is an error and not something else',
  { server: { isolated: false }, path: '?isolate=off' },
  async ({ page }) => {
    await waitForState(page, 'ready');
    const source = await builtIn(page);
    for (const [wishes, says] of /** @type {const} */ ([
      [{ variant: 'simd128-threads' }, /not-isolated/],
      [{ threads: 2 }, /not-isolated/],
      [{ variant: 'simd128', threads: 2 }, /no threads/],
    ])) {
      const [, failure] = await ask(page, [
        ['configure', wishes],
        ['load', source],
      ]);
      assert.equal(failure.error, 'build-unavailable');
      assert.match(failure.message, says);
    }
  },
);

pageTest('the number of threads is chosen by measuring', { relaxed: true }, async ({ page }) => {
  await waitForState(page, 'ready');
  const source = await builtIn(page);
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  const [info, tuning] = await ask(page, [['load', source], ['tune']]);
  assert.equal(info.variant, 'relaxed-threads');
  assert.deepEqual(tuning.times[0].threads, 1);
  assert.equal(tuning.times.at(-1).threads, Math.min(cores, 8));
  assert.ok(tuning.times.some((/** @type {any} */ tried) => tried.threads === tuning.threads));
  const spent = tuning.times.reduce(
    (/** @type {number} */ sum, /** @type {any} */ { milliseconds }) => sum + 4 * milliseconds,
    0,
  );
  assert.ok(spent < 400, `it took some ${spent} ms`);
});
