// @ts-check
/** Everything that can go wrong between the server and the model, and the way back from each. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCheckpoint, splitTokenizer } from '../make-checkpoint.mjs';
import { andAnswer, downloadErrors, pageTest, root, settled, suggestions, waitForState } from './harness.mjs';

const typed = 'Half a sentence that must survive';
const manifest = /\/models\/built-in\/manifest\.json$/;
const shard = /\/models\/built-in\/[^/]*\.safetensors$/;
const page404 = '<!doctype html><title>Not here</title><p>Nothing to see.';

/** @param {import('playwright-core').Page} page */
const retry = (page) => page.getByRole('button', { name: /retry|try again/i });

/**
 * @param {import('playwright-core').Page} page
 */
async function recovers(page) {
  assert.equal(await page.locator('#text').inputValue(), typed, 'the text is still there');
  await retry(page).click();
  await waitForState(page, 'ready');
  assert.equal(await page.locator('#text').inputValue(), typed, 'the text is still there after the retry');
  await settled(page);
  for (const text of await suggestions(page)) assert.match(text, /\d\s*%/);
}

/**
 * `fault` is what happens to a request, and `rest`, if that is something else, to one for the part that is still missing.
 * @type {{name: string, files: RegExp, fault: import('../serve.mjs').Fault, rest?: import('../serve.mjs').Fault, says: RegExp}[]}
 */
const faults = [
  { name: 'the manifest is missing (404)', files: manifest, fault: { status: 404 }, says: /404/ },
  { name: 'the server is overloaded (503)', files: shard, fault: { status: 503 }, says: /503/ },
  {
    name: 'a web page in place of a shard',
    files: shard,
    fault: { type: 'text/html; charset=utf-8', body: page404 },
    says: /web page|html/i,
  },
  {
    name: 'a web page in place of the manifest',
    files: manifest,
    fault: { type: 'text/html; charset=utf-8', body: page404 },
    says: /web page|html/i,
  },
  {
    name: 'a shard that is too short',
    files: shard,
    fault: { truncate: 100_000, end: 'honest', ignoreRange: true },
    says: /short|incomplete|cut|size|bytes|truncated/i,
  },
  {
    name: 'a connection that breaks within a shard',
    files: shard,
    fault: { truncate: 100_000 },
    // Otherwise each attempt could come a little further, and all in time.
    rest: { reset: true },
    says: /network|connection|interrupt|broke|download|incomplete/i,
  },
  {
    name: 'a flipped byte in a shard',
    files: shard,
    fault: { flip: 123_456 },
    says: /hash|sha|damaged|corrupt|checksum|changed/i,
  },
  {
    name: 'a connection that is closed at once',
    files: shard,
    fault: { reset: true },
    says: /network|connection|offline|reach|download/i,
  },
];

faults.push(
  {
    name: 'the engine\u2019s script is missing',
    files: /\/pkg\/.*\.js$/,
    fault: { status: 404 },
    says: /could not be fetched/,
  },
  {
    name: 'the engine\u2019s module is missing',
    files: /\.wasm$/,
    fault: { status: 404 },
    says: /404/,
  },
  {
    name: 'a web page in place of the engine\u2019s module',
    files: /\.wasm$/,
    fault: { type: 'text/html; charset=utf-8', body: page404 },
    says: /web page/i,
  },
);

for (const { name, files, fault, rest = fault, says } of faults) {
  let broken = true;
  pageTest(
    `${name}: says so, and a retry works`,
    {
      server: {
        fault: ({ path, headers }) => (broken && files.test(path) ? (headers.range ? rest : fault) : null),
      },
      expected: downloadErrors,
    },
    async ({ page }) => {
      await page.locator('#text').fill(typed);
      await waitForState(page, 'failed');
      const shown = await page.locator('body').innerText();
      assert.match(shown, says);
      assert.doesNotMatch(shown, /undefined|\[object|magic word|panicked|NaN/);
      broken = false;
      await recovers(page);
    },
  );
}

pageTest(
  'a tokenizer that is missing ends the shards that are on their way',
  {
    server: {
      fault: ({ path }) =>
        path.endsWith('/tokenizer.json') ? { status: 404 } : shard.test(path) ? { stall: 1000 } : null,
    },
    expected: downloadErrors,
  },
  async ({ page, server }) => {
    await waitForState(page, 'failed');
    // What was asked for before may still be on its way to the server.
    await page.waitForTimeout(500);
    const asked = server.requests.filter(({ path }) => shard.test(path)).length;
    // Longer than a connection may be silent before it is given up and another attempt is made.
    await page.waitForTimeout(2500);
    assert.equal(server.requests.filter(({ path }) => shard.test(path)).length, asked);
    assert.equal(await page.evaluate(() => document.body.dataset.state), 'failed');
  },
);

for (const { name, files } of [
  { name: 'a damaged shard', files: shard },
  { name: 'a damaged tokenizer', files: /\/tokenizer\.json$/ },
]) {
  let broken = true;
  pageTest(
    `${name} that the browser was told to keep is fetched anew by a retry`,
    {
      server: {
        cacheControl: 'max-age=600',
        fault: (request) => (broken && files.test(request.path) ? { flip: 123_456 } : null),
      },
    },
    async ({ page }) => {
      await page.locator('#text').fill(typed);
      await waitForState(page, 'failed');
      broken = false;
      await recovers(page);
    },
  );
}

/**
 * A script of the engine's worker, altered.
 * @param {string} name
 * @param {string | RegExp} part
 * @param {string} other   in its place
 */
function altered(name, part, other) {
  const script = readFileSync(join(root, 'www/js/worker/hash', name), 'utf8');
  const body = script.replace(part, other);
  assert.notEqual(body, script);
  return { body };
}
/** @param {string} hash   what the thread that hashes takes for the hash of `bytes` */
const hashingThread = (hash) => altered('hasher-worker.js', 'digest(bytes)', hash);
/** A shard takes a second, so that the thread that hashes is there before. */
const SLOWLY = { drip: { bytes: 400_000, milliseconds: 100 } };

for (const { name, file, fault, expected = [] } of [
  {
    name: 'where the browser does not hash, as without https, the engine does',
    file: 'sha256.js',
    fault: altered('sha256.js', /canHash = .*;/, 'canHash = false;'),
  },
  {
    name: 'without a thread that hashes, the engine’s thread does',
    file: 'hasher-worker.js',
    fault: { status: 404 },
    expected: downloadErrors,
  },
  {
    name: 'where the thread that hashes has no memory for it, the engine’s thread does it',
    file: 'hasher-worker.js',
    fault: hashingThread('Promise.reject()'),
  },
]) {
  let damaged = true;
  pageTest(
    name,
    {
      server: {
        fault: ({ path }) => {
          if (path.endsWith(`/${file}`)) return fault;
          return shard.test(path) ? { ...SLOWLY, ...(damaged && { flip: 123_456 }) } : null;
        },
      },
      expected,
    },
    async ({ page, server }) => {
      await page.locator('#text').fill(typed);
      await waitForState(page, 'failed');
      assert.match(await page.locator('body').innerText(), /damaged on the way/);
      assert.ok(server.requests.some(({ path }) => path.endsWith(`/${file}`)));
      damaged = false;
      await recovers(page);
    },
  );
}

let hash = 'digest(new Uint8Array(1))';
pageTest(
  'shards are hashed in a thread of their own, which ends with the last',
  {
    server: {
      fault: ({ path }) => {
        if (path.endsWith('/hasher-worker.js')) return hash ? hashingThread(hash) : null;
        return shard.test(path) ? SLOWLY : null;
      },
    },
    expected: [/gone/],
  },
  async ({ page }) => {
    await page.locator('#text').fill(typed);
    await waitForState(page, 'failed');
    assert.match(await page.locator('body').innerText(), /damaged on the way/);
    hash = '(setTimeout(() => { throw new Error("gone"); }), new Promise(() => {}))';
    await retry(page).click();
    await page.getByText('the thread that hashes stopped').waitFor();
    hash = '';
    await recovers(page);
    const workers = page.workers().map((worker) => worker.url());
    assert.ok(workers.length > 0 && !workers.some((url) => url.endsWith('/hasher-worker.js')), String(workers));
  },
);

const hub = mkdtempSync(join(tmpdir(), 'headlight-hub-'));
makeCheckpoint(hub, join(root, 'www/models/built-in'), { layers: 2, heads: 2, width: 32, positions: 64 });
splitTokenizer(hub);
pageTest(
  'a folder in the hub\u2019s layout is quantised as it arrives',
  // There is no manifest and no tokenizer.json, which is how the page knows.
  { server: { mounts: { '/models/built-in/': hub } }, expected: downloadErrors },
  async ({ page }) => {
    await waitForState(page, 'ready');
    await andAnswer(page, () => page.locator('#text').fill('The cat sat on the'));
    for (const text of await suggestions(page)) assert.match(text, /\d\s*%/);
    assert.match(await page.locator('body').innerText(), /2 layers/);
  },
);

let slowEngine = true;
pageTest(
  'loading can be cancelled while the engine itself comes slowly',
  {
    server: {
      fault: ({ path }) =>
        slowEngine && path.endsWith('.wasm') ? { drip: { bytes: 20_000, milliseconds: 200 } } : null,
    },
  },
  async ({ page }) => {
    await waitForState(page, 'loading');
    await page.getByRole('button', { name: /cancel/i }).click();
    await waitForState(page, 'cancelled');
    slowEngine = false;
  },
);

let unplugged = false;
pageTest(
  'offline: says so, and a retry works',
  {
    expected: [...downloadErrors],
    // Offline emulation does not reach into workers everywhere, so the server falls silent as well.
    server: { fault: ({ path }) => (unplugged && path.includes('/models/') ? { reset: true } : null) },
  },
  async ({ page, context }) => {
    await waitForState(page, 'ready');
    unplugged = true;
    await page.route('**/models/**', (route) => route.abort('internetdisconnected'));
    await page.reload();
    await page.locator('#text').fill(typed);
    await waitForState(page, 'failed');
    await context.setOffline(true);
    assert.match(await page.locator('body').innerText(), /offline|network|connection|reach|download/i);
    await retry(page).click();
    await waitForState(page, 'failed');
    assert.match(await page.locator('body').innerText(), /offline|connection/i);
    await context.setOffline(false);
    await page.unroute('**/models/**');
    unplugged = false;
    await recovers(page);
  },
);

let slow = true;
pageTest(
  'a slow download can be cancelled and started again',
  {
    server: {
      fault: ({ path }) => (slow && shard.test(path) ? { drip: { bytes: 20_000, milliseconds: 200 } } : null),
    },
    expected: downloadErrors,
  },
  async ({ page }) => {
    await page.locator('#text').fill(typed);
    await waitForState(page, 'loading');
    await page.waitForTimeout(1500);
    assert.match(await page.locator('body').innerText(), /\d[\d.,]*\s*(%|MB|MiB|kB|KB)/, 'shows how far it is');
    await page.getByRole('button', { name: /cancel/i }).click();
    await waitForState(page, 'cancelled');
    slow = false;
    assert.equal(await page.locator('#text').inputValue(), typed);
    await page
      .getByRole('button', { name: /retry|try again|load/i })
      .first()
      .click();
    await waitForState(page, 'ready');
    assert.equal(await page.locator('#text').inputValue(), typed);
    await andAnswer(page, () =>
      page
        .locator('#text')
        .press('End')
        .then(() => page.keyboard.type(' and')),
    );
    assert.equal((await suggestions(page)).length, 3);
  },
);

pageTest(
  'typing while the model loads is answered when it is there',
  {
    server: {
      fault: ({ path }) => (shard.test(path) ? { drip: { bytes: 2_000_000, milliseconds: 150 } } : null),
    },
  },
  async ({ page }) => {
    await page.locator('#text').pressSequentially('The cat sat on the', { delay: 10 });
    assert.equal(await page.evaluate(() => document.body.dataset.state), 'loading');
    await waitForState(page, 'ready');
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.suggestion')].every((button) => /%/.test(button.textContent ?? '')),
    );
    assert.equal(await page.locator('#text').inputValue(), 'The cat sat on the');
  },
);
