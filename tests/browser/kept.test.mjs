// @ts-check
/** What is kept between visits: killed in the middle, damaged, shared by tabs, or not possible at all. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { downloadErrors, pageTest } from './harness.mjs';
import { asHub, forgetAll, kept, load, loadFromHub, REPOSITORY, repository } from './hub.mjs';
import { serveHub } from './hub-server.mjs';

/** @typedef {import('playwright-core').Page} Page */

const repositories = { [REPOSITORY]: repository({ layers: 4, heads: 4, width: 256, positions: 512 }) };
const size = repositories[REPOSITORY].files['model.safetensors'].content.size;
/** @type {(asked: import('./hub-server.mjs').HubAsked) => import('../faults.mjs').Fault | null} */
let fault = () => null;
const hub = await serveHub({ repositories, fault: (asked) => fault(asked) });
after(() => hub.close());

/** @param {Record<string, string>} [replaced] further texts in the scripts */
const options = (replaced = {}) => ({
  server: { replaced: { ...asHub(hub.origin), ...replaced } },
  path: 'bench.html',
  origins: [hub.origin, hub.network],
  expected: downloadErrors,
  timeout: 240_000,
});

/** Bytes of weights that were asked of the content network since the log was emptied. */
function asked() {
  return hub.requests
    .filter(({ host, file }) => host === 'network' && file === 'model.safetensors')
    .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? ''))
    .reduce((sum, match) => sum + (match ? Number(match[2]) - Number(match[1]) + 1 : size), 0);
}

/**
 * Changes the kept file whose name has this in it.
 * @param {Page} page
 * @param {string} part
 * @param {'flip' | 'shorten' | 'lengthen' | 'remove' | 'scribble' | 'cut the last byte'} how
 */
function damage(page, part, how) {
  return page.evaluate(
    async ({ part, how }) => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle('headlight-models');
      for await (const [name, handle] of /** @type {any} */ (folder).entries()) {
        if (!name.includes(part)) continue;
        if (how === 'remove') {
          await folder.removeEntry(name);
          return name;
        }
        const old = new Uint8Array(await (await handle.getFile()).arrayBuffer());
        const writable = await handle.createWritable();
        if (how === 'flip') old[old.length >> 1] ^= 1;
        if (how === 'cut the last byte') await writable.write(old.subarray(0, -1));
        else if (how === 'scribble') await writable.write('{"headlight":1,');
        else await writable.write(how === 'shorten' ? old.subarray(0, old.length >> 1) : old);
        if (how === 'lengthen') await writable.write(new Uint8Array(10));
        await writable.close();
        return name;
      }
      throw new Error(`nothing kept has ${part} in its name`);
    },
    { part, how },
  );
}

pageTest(
  'D49: killed 20 times, it goes on each time, fetches no piece again, and is verified',
  options(),
  async ({ context, server, t }) => {
    // About two seconds in all, if nothing came between, and half of one for a piece.
    fault = ({ host }) => (host === 'network' ? { drip: { bytes: 800_000, milliseconds: 14 } } : null);
    let keptSoFar = 0;
    let mostKept = 0;
    let done = 0;
    let requested = 0;
    const open = async () => {
      const page = await context.newPage();
      await page.goto(`${server.url}bench.html`);
      return page;
    };
    const look = await open();
    for (let kill = 0; kill < 20; kill++) {
      const page = await open();
      hub.requests.length = 0;
      const loading = loadFromHub(page, REPOSITORY).catch(() => null);
      const target = done + Math.random() * 20_000_000;
      const loaded = () => page.evaluate(() => Number(/** @type {any} */ (globalThis).loaded ?? 0));
      for (let waited = 0; waited < 10_000 && (await loaded()) < Math.min(target, size - 5_000_000); waited += 20) {
        await page.waitForTimeout(20);
      }
      done = await loaded();
      await page.waitForTimeout(Math.random() * 100);
      if (kill % 3 === 0) {
        const session = await context.newCDPSession(page);
        await Promise.race([session.send('Page.crash').catch(() => {}), page.waitForEvent('crash')]);
      } else if (kill % 3 === 1) await page.evaluate(() => /** @type {any} */ (globalThis).engine?.close());
      await page.close();
      await loading;
      requested += asked();
      const { models, leftovers } = await kept(look);
      const bytes = models[0]?.bytes ?? 0;
      mostKept = Math.max(mostKept, bytes);
      assert.equal(leftovers, 0);
      assert.ok(models.length <= 1);
      // A file that was being written counts here, and is found out later.
      assert.ok(bytes >= keptSoFar - 6_000_000, `${bytes} after ${keptSoFar}`);
      keptSoFar = bytes;
      if (models[0]?.complete) {
        await forgetAll(look);
        keptSoFar = 0;
        done = 0;
      }
    }
    assert.ok(mostKept > 6_000_000, 'some pieces were kept between kills');
    fault = () => null;
    hub.requests.length = 0;
    const page = await open();
    const { info, progress, error } = await loadFromHub(page, REPOSITORY);
    assert.equal(error, null);
    assert.ok(['stated', 'pinned'].includes(info.keeping.verified), `verified: ${info.keeping.verified}`);
    const resumed = Math.max(...progress.map(({ resumed }) => resumed));
    t.diagnostic(`the last visit found ${resumed} bytes, asked for ${asked()}; all before asked for ${requested}`);
    // The header, one mask for comparison, and what is missing.
    if (!info.keeping.fromHere)
      assert.ok(asked() <= size - resumed + 2_500_000, `${asked()} of ${size} with ${resumed} kept`);
    assert.ok((await kept(page)).models[0].complete);
    hub.requests.length = 0;
    assert.ok((await loadFromHub(page, REPOSITORY)).info.keeping.fromHere);
    assert.equal(asked(), 0, 'nothing is fetched twice');
  },
);

pageTest(
  'D49: killed when all has come but the record: the next visit still knows the hash of the whole file',
  options({
    "await shelf.put('manifest.json', manifest);":
      "await shelf.put('manifest.json', manifest); while (await caches.has('wait here')) await new Promise((go) => setTimeout(go, 20));",
  }),
  async ({ page, context, server }) => {
    const look = await context.newPage();
    await look.goto(`${server.url}bench.html`);
    await look.evaluate(() => caches.open('wait here').then(() => {}));
    const loading = loadFromHub(page, REPOSITORY).catch(() => null);
    const allHasCome = () =>
      look.evaluate(async () => {
        const root = await navigator.storage.getDirectory();
        const folder = await root.getDirectoryHandle('headlight-models', { create: true });
        for await (const name of /** @type {any} */ (folder).keys()) if (name.includes('.manifest.json.')) return true;
        return false;
      });
    for (let waited = 0; !(await allHasCome()) && waited < 60_000; waited += 50) await page.waitForTimeout(50);
    await page.close();
    await loading;
    await look.evaluate(() => caches.delete('wait here').then(() => {}));
    assert.equal((await kept(look)).models[0].complete, false);
    hub.requests.length = 0;
    const { info, error } = await loadFromHub(look, REPOSITORY);
    assert.equal(error, null);
    assert.equal(info.keeping.verified, 'stated');
    assert.ok(asked() < 2_500_000, `${asked()} bytes were asked for`);
  },
);

pageTest(
  'D49: killed while the record is written anew: what is kept has a name all the time',
  options({
    // The first record says that the model is not whole, the second that it is; whoever writes that one stops between two steps.
    'const handle = await file.createSyncAccessHandle();': `
      const opened = await file.createSyncAccessHandle();
      const stops = name.endsWith('.record') && (self.records = (self.records ?? 0) + 1) === 2;
      if (stops) await caches.open('stuck');
      let steps = 0;
      const handle = new Proxy(opened, {
        get: (target, step) => (...given) => {
          if (stops && ++steps === 2) for (;;);
          return target[step](...given);
        },
      });`,
  }),
  async ({ page, context, server }) => {
    const look = await context.newPage();
    await look.goto(`${server.url}bench.html`);
    const loading = loadFromHub(page, REPOSITORY).catch(() => null);
    const isStuck = () => look.evaluate(() => caches.has('stuck'));
    for (let waited = 0; !(await isStuck()) && waited < 60_000; waited += 50) await page.waitForTimeout(50);
    assert.ok(await isStuck());
    // The first step is the next thing that is done.
    await page.waitForTimeout(200);
    await page.close();
    await loading;
    const { models, leftovers } = await kept(look);
    assert.equal(leftovers, 0);
    assert.equal(models.length, 1);
    hub.requests.length = 0;
    assert.equal((await loadFromHub(look, REPOSITORY)).error, null);
    assert.ok(asked() < 2_500_000, `${asked()} bytes were asked for`);
  },
);

pageTest('kept files that are not what they were', options(), async ({ page, t }) => {
  const { best, info } = await loadFromHub(page, REPOSITORY);
  const { key } = info.keeping;
  for (const how of /** @type {const} */ (['flip', 'shorten', 'lengthen', 'remove'])) {
    await t.test(`D50: a shard, ${how}: found out, and healed by that piece alone`, async () => {
      await damage(page, '.shard-', how);
      hub.requests.length = 0;
      const again = await loadFromHub(page, REPOSITORY);
      assert.equal(again.error, null);
      assert.deepEqual(again.best, best);
      assert.ok(asked() > 0 && asked() < size / 2, `${asked()} of ${size} bytes were asked for`);
      hub.requests.length = 0;
      assert.ok((await load(page, { type: 'kept', key })).info.keeping.fromHere);
      assert.equal(hub.requests.length, 0);
    });
  }
  await t.test('D50: found out without the hub: it counts as an interrupted download, which goes on', async () => {
    await damage(page, '.shard-', 'flip');
    assert.equal((await load(page, { type: 'kept', key })).error?.code, 'not-kept');
    assert.equal((await kept(page)).models[0].complete, false);
    const again = await loadFromHub(page, REPOSITORY);
    assert.deepEqual(again.best, best);
    assert.ok((await kept(page)).models[0].complete);
  });
  await t.test('D50: the record torn: the shards are found all the same', async () => {
    await damage(page, '.record', 'scribble');
    hub.requests.length = 0;
    const again = await loadFromHub(page, REPOSITORY);
    assert.deepEqual(again.best, best);
    assert.ok(asked() < 300_000, `${asked()} bytes were asked for`);
  });
  for (const how of /** @type {const} */ (['lengthen', 'cut the last byte'])) {
    await t.test(`D50: the record, ${how}: its line is read all the same`, async () => {
      // So that it is written anew.
      await damage(page, '.record', 'scribble');
      await loadFromHub(page, REPOSITORY);
      await damage(page, '.record', how);
      hub.requests.length = 0;
      assert.ok((await load(page, { type: 'kept', key })).info.keeping.fromHere);
      assert.equal(hub.requests.length, 0);
    });
  }
  await t.test('D50: the manifest and the tokenizer, flipped', async () => {
    await damage(page, '.manifest.json.', 'flip');
    await damage(page, '.tokenizer.json.', 'flip');
    assert.deepEqual((await loadFromHub(page, REPOSITORY)).best, best);
  });
  await t.test('C40: without a network, what is kept works, and asks for nothing', async () => {
    fault = () => ({ reset: true });
    hub.requests.length = 0;
    const again = await load(page, { type: 'kept', key });
    assert.deepEqual(again.best, best);
    assert.equal(hub.requests.length, 0);
    fault = () => null;
  });
  await t.test('D51: files of another version are counted, left alone, and deleted with everything', async () => {
    await page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('headlight-models');
      for (const name of ['0123456789abcdef.record', `0123456789abcdef.part.${'0'.repeat(64)}`, 'something else']) {
        const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
        await writable.write('{"headlight":99,"complete":true}');
        await writable.close();
      }
    });
    const { models, leftovers } = await kept(page);
    assert.equal(models.length, 1);
    assert.equal(leftovers, 96);
    assert.equal((await load(page, { type: 'kept', key: '0123456789abcdef' })).error?.code, 'not-kept');
    assert.deepEqual((await load(page, { type: 'kept', key })).best, best);
  });
  await t.test('D54, D55: cleared by the user or the browser: said so, and fetched again', async () => {
    await page.evaluate(async () => {
      await (await navigator.storage.getDirectory()).removeEntry('headlight-models', { recursive: true });
    });
    assert.deepEqual((await kept(page)).models, []);
    assert.equal((await load(page, { type: 'kept', key })).error?.code, 'not-kept');
    assert.deepEqual((await loadFromHub(page, REPOSITORY)).best, best);
  });
});

pageTest('C42: cancelled and begun again: one download, and nothing left over', options(), async ({ page }) => {
  fault = ({ host }) => (host === 'network' ? { drip: { bytes: 300_000, milliseconds: 10 } } : null);
  const { error } = await loadFromHub(page, REPOSITORY, { cancelAfter: size / 3 });
  assert.equal(error?.code, 'cancelled');
  fault = () => null;
  const { models, leftovers } = await kept(page);
  assert.equal(leftovers, 0);
  assert.equal(models[0].complete, false);
  hub.requests.length = 0;
  const { info } = await loadFromHub(page, REPOSITORY);
  assert.equal(info.keeping.verified, 'stated');
  assert.ok(asked() < size, 'it went on');
});

pageTest(
  'D52: two tabs at once: one fetches, the other waits and reads',
  options(),
  async ({ page, context, server }) => {
    const other = await context.newPage();
    await other.goto(`${server.url}bench.html`);
    hub.requests.length = 0;
    fault = ({ host }) => (host === 'network' ? { drip: { bytes: 300_000, milliseconds: 10 } } : null);
    const both = await Promise.all([loadFromHub(page, REPOSITORY), loadFromHub(other, REPOSITORY)]);
    fault = () => null;
    assert.deepEqual(both.map(({ info }) => info.keeping.fromHere).sort(), [false, true]);
    assert.deepEqual(both[0].best, both[1].best);
    assert.ok(asked() < size + 300_000, `${asked()} bytes for both`);
    assert.ok(both.some(({ progress }) => progress.some(({ waiting }) => waiting?.reason === 'other-tab')));
  },
);

pageTest(
  'D53: a lock that is never given is not waited for for ever',
  options({ 'PATIENCE = 15_000': 'PATIENCE = 2_000' }),
  async ({ page, context, server }) => {
    const holder = await context.newPage();
    await holder.goto(`${server.url}bench.html`);
    const model = await load(page, { type: 'look-up', repository: REPOSITORY });
    await forgetAll(page);
    await holder.evaluate((key) => {
      navigator.locks.request(`headlight-model-${key}`, () => new Promise(() => {}));
    }, model.info.keeping.key);
    const { error, best } = await loadFromHub(page, REPOSITORY);
    assert.equal(error, null);
    assert.deepEqual(best, model.best);
  },
);

pageTest(
  'D46: a storage that is full: the model works, nothing of it stays, and the reason is told',
  options(),
  async ({ page, context, server }) => {
    const session = await context.newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 9_000_000 });
    const { info, error, best } = await loadFromHub(page, REPOSITORY);
    assert.equal(error, null);
    assert.equal(best.length, 3);
    assert.equal(info.keeping.where, 'memory');
    assert.equal(info.keeping.failure.code, 'storage-full');
    const { models, leftovers } = await kept(page);
    assert.deepEqual({ models, leftovers }, { models: [], leftovers: 0 });
  },
);

pageTest(
  'D47: what was kept is read where nothing can be written any more',
  options(),
  async ({ page, context, server }) => {
    const { info, best } = await loadFromHub(page, REPOSITORY);
    await context.route('**/js/worker/store/opfs.js', async (route) => {
      const response = await route.fetch();
      const refusal = "Promise.reject(new DOMException('no', 'InvalidStateError'))";
      await route.fulfill({
        response,
        body: (await response.text()).replace('file.createSyncAccessHandle()', refusal),
      });
    });
    const later = await context.newPage();
    await later.goto(`${server.url}bench.html`);
    hub.requests.length = 0;
    const again = await load(later, { type: 'kept', key: info.keeping.key });
    assert.deepEqual(again.best, best);
    assert.equal(again.info.keeping.where, 'opfs');
    assert.equal(hub.requests.length, 0);
  },
);

/** @type {{name: string, replaced: Record<string, string>, where: string}[]} */
const lacking = [
  {
    name: 'D47: no private file system: the Cache API',
    replaced: { 'navigator.storage.getDirectory()': "Promise.reject(new DOMException('no', 'SecurityError'))" },
    where: 'cache',
  },
  {
    name: 'D47: files that can’t be written: the Cache API',
    replaced: { 'file.createSyncAccessHandle()': "Promise.reject(new DOMException('no', 'InvalidStateError'))" },
    where: 'cache',
  },
  {
    name: 'D47: files that can’t be brought to the disk: the Cache API',
    replaced: { 'handle.flush()': "(() => { throw new DOMException('no', 'InvalidStateError'); })()" },
    where: 'cache',
  },
  {
    name: 'D48: neither: memory',
    replaced: { 'navigator.storage.getDirectory()': 'undefined', 'caches.open(CACHE)': 'undefined' },
    where: 'memory',
  },
  {
    name: 'D57: no estimate, no locks',
    replaced: { 'navigator.storage?.estimate?.()': 'Promise.reject(new Error())', '!navigator.locks': 'true' },
    where: 'opfs',
  },
];
for (const { name, replaced, where } of lacking) {
  pageTest(name, options(replaced), async ({ page }) => {
    const { info, error, best } = await loadFromHub(page, REPOSITORY);
    assert.equal(error, null);
    assert.equal(info.keeping.where, where);
    if (where === 'memory') assert.equal(info.keeping.failure.code, 'storage-failed');
    else {
      hub.requests.length = 0;
      const again = await load(page, { type: 'kept', key: info.keeping.key });
      assert.deepEqual(again.best, best);
      assert.ok(again.info.keeping.fromHere);
      assert.equal(hub.requests.length, 0);
      await forgetAll(page);
      assert.deepEqual((await kept(page)).models, []);
    }
  });
}
