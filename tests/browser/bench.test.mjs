// @ts-check
/** The page that measures: for its visitor, and for programs by `window.bench`. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { VARIANTS } from '../../www/js/bench/options.js';
import { makeCheckpoint } from '../make-checkpoint.mjs';
import { serve } from '../serve.mjs';
import { seriousFaults } from './accessibility.mjs';
import { downloadErrors, nativePrediction, pageTest, root, screenshot, waitForState } from './harness.mjs';

/**
 * Calls a function of `window.bench`.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 * @param {...unknown} args
 * @returns {Promise<any>}
 */
async function call(page, name, ...args) {
  await page.waitForFunction(() => 'bench' in globalThis);
  return page.evaluate(([f, a]) => /** @type {any} */ (globalThis).bench[f](...a), /** @type {const} */ ([name, args]));
}

pageTest(
  'a run on the built-in model fills the table, which can be copied as text',
  { path: 'bench.html', context: { permissions: ['clipboard-read', 'clipboard-write'] }, timeout: 240_000 },
  async ({ page, server, t }) => {
    assert.ok(!server.requests.some(({ path }) => path.includes('/models/')), 'nothing is read before it is asked for');
    assert.ok(await page.getByRole('button', { name: 'Copy as text' }).isDisabled());
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByRole('table').waitFor();
    await waitForState(page, 'done', 180_000);
    const rows = await page.$$eval('tr[data-figure]', (rows) =>
      rows.map((row) => ({
        id: /** @type {HTMLElement} */ (row).dataset.figure,
        name: row.querySelector('th')?.textContent ?? '',
        median: row.querySelector('td')?.textContent ?? '',
      })),
    );
    assert.ok(rows.length > 15);
    for (const { id, median } of rows) {
      if (id === 'relaxed' && median === '–') continue;
      assert.ok(Number.isFinite(Number(median)) && Number(median) > 0, `${id} is ${median}`);
    }
    await page.getByRole('button', { name: 'Copy as text' }).click();
    await page.getByRole('status').getByText('Copied').waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    for (const { name, median } of rows) {
      assert.ok(
        text.split('\n').some((line) => line.includes(name) && line.includes(median)),
        `${name} ${median} is in the text`,
      );
    }
    assert.match(text, /headlight \d+\.\d+\.\d+ [a-z0-9-]+, \d+ threads?/);
    assert.doesNotMatch(text, /undefined|NaN|\[object/);
    assert.deepEqual(await seriousFaults(page, t), []);
    await screenshot(page, 'bench-1280');
    await page.setViewportSize({ width: 390, height: 800 });
    await page.emulateMedia({ colorScheme: 'dark' });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} px too wide at 390`);
    assert.deepEqual(await seriousFaults(page, t), []);
    await screenshot(page, 'bench-390-dark');
    assert.deepEqual(
      server.requests.filter(({ method }) => method !== 'GET'),
      [],
      'nothing is sent',
    );

    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
    await page.getByRole('button', { name: 'Copy as text' }).click();
    const byHand = page.getByRole('textbox', { name: /by hand/ });
    assert.equal((await byHand.inputValue()).trim(), text.trim(), 'without permission it can be copied by hand');
  },
);

pageTest('a run can be cancelled and started again', { path: 'bench.html' }, async ({ page }) => {
  await page.getByRole('button', { name: 'Measure' }).click();
  await waitForState(page, 'measuring');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await waitForState(page, 'cancelled', 1000);
  await page.getByRole('status').getByText('Cancelled').waitFor();
  await page.getByRole('button', { name: 'Measure' }).click();
  await waitForState(page, 'measuring');
});

const prompt = 'When the rain had stopped the old man went out into the';
for (const variant of VARIANTS.filter((variant) => existsSync(join(root, 'www/pkg', variant)))) {
  const threads = variant.endsWith('-threads') ? 2 : 1;
  pageTest(
    `window.bench computes what the native engine does, with ${variant}`,
    { path: `bench.html?variant=${variant}`, relaxed: variant.startsWith('relaxed') },
    async ({ page }) => {
      const { ids, generated } = nativePrediction(prompt, 9);
      const loaded = await call(page, 'load', { threads });
      assert.match(loaded.version, new RegExp(`^headlight \\d+\\.\\d+\\.\\d+ ${variant}$`));
      assert.equal(loaded.threads, threads);
      // Twice, because what is cached must not count.
      for (let i = 0; i < 2; i++) {
        assert.equal(await call(page, 'prefill', ids, prompt), generated.ids[0]);
        const { times, tokens } = await call(page, 'decode', 9);
        assert.deepEqual(tokens, generated.ids);
        assert.equal(times.length, 9);
        for (const time of times) assert.ok(Number.isFinite(time) && time >= 0, `${time} ms`);
      }
      // Other threads mean another engine.
      if (threads > 1) assert.equal((await call(page, 'load', { threads: 1 })).threads, 1);
    },
  );
}

const hub = mkdtempSync(join(tmpdir(), 'headlight-bench-'));
makeCheckpoint(hub, join(root, 'www/models/built-in'), { layers: 2, heads: 2, width: 32, positions: 64 });
/** @type {Awaited<ReturnType<typeof serve>>[]} */
let elsewhere = [];
/** @type {string[]} */
const origins = [];
before(async () => {
  const mounts = { '/hub/': hub };
  elsewhere = [await serve({ mounts, cors: true }), await serve({ mounts })];
  origins.push(...elsewhere.map(({ origin }) => origin));
});
after(() => Promise.all(elsewhere.map((server) => server.close())));

for (const isolated of [false, true]) {
  pageTest(
    `models of another origin are measured, ${isolated ? 'isolated' : 'not isolated'}`,
    { path: 'none', server: { isolated }, origins, expected: downloadErrors },
    async ({ page, server }) => {
      for (const folder of ['models/built-in/', 'hub']) {
        const model = encodeURIComponent(`${origins[0]}/${folder}`);
        await page.goto(`${server.url}bench.html?model=${model}`);
        const loaded = await call(page, 'load');
        assert.equal(loaded.model.layers, folder === 'hub' ? 2 : loaded.model.layers);
        const next = await call(page, 'prefill', [464, 3797], 'The cat');
        assert.ok(Number.isInteger(next) && next >= 0 && next < 50257);
      }
      assert.ok(!server.requests.some(({ path }) => path.includes('/models/')), 'its own model is left alone');
    },
  );
}

pageTest(
  'a host that does not allow reading gives a clear error',
  { path: 'none', origins, expected: [...downloadErrors, /CORS policy/] },
  async ({ page, server }) => {
    await page.goto(`${server.url}bench.html?model=${encodeURIComponent(`${origins[1]}/hub/`)}`);
    await page.getByRole('button', { name: 'Measure' }).click();
    await waitForState(page, 'failed');
    assert.match(await page.getByRole('alert').innerText(), /could not be fetched/);
    assert.ok(await page.getByRole('button', { name: 'Measure' }).isVisible(), 'it can be tried again');
  },
);

pageTest('a build that does not exist gives a clear error', { path: 'bench.html?variant=fast' }, async ({ page }) => {
  await waitForState(page, 'failed');
  assert.match(await page.getByRole('alert').innerText(), /no build “fast”; there are simd128, relaxed/);
  await assert.rejects(call(page, 'load'), /no build “fast”/);
});

pageTest(
  'threads that can’t be had give a clear error',
  { path: 'bench.html?variant=simd128-threads&threads=2&isolate=off', server: { isolated: false } },
  async ({ page }) => {
    await page.getByRole('button', { name: 'Measure' }).click();
    await waitForState(page, 'failed');
    assert.match(await page.getByRole('alert').innerText(), /isolated|threads/i);
  },
);
