// @ts-check
/** Choosing a model on the page: nothing before the button that says so, the old one until the new one is there. */
import assert from 'node:assert/strict';
import { linkSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { makeCheckpoint } from '../make-checkpoint.mjs';
import { andAnswer, downloadErrors, pageTest, root, suggestions, waitForState } from './harness.mjs';
import { asHub, REPOSITORY, repository, SHAPE } from './hub.mjs';
import { serveHub } from './hub-server.mjs';

/** @typedef {import('playwright-core').Page} Page */

const hostile = repository();
hostile.licence = '<img src=x onerror=alert(1)>\u202e';
const other = { ...repository(), type: 'bert' };
const repositories = { [REPOSITORY]: repository(), 'some/hostile': hostile, 'some/other': other };
/** @type {(asked: import('./hub-server.mjs').HubAsked) => import('../faults.mjs').Fault | null} */
let fault = () => null;
const hub = await serveHub({ repositories, fault: (asked) => fault(asked) });
after(() => hub.close());

const options = {
  // The page's own policy goes for the imitation too.
  server: { replaced: { ...asHub(hub.origin), 'https://*.hf.co': hub.network } },
  origins: [hub.origin, hub.network],
  expected: downloadErrors,
};
const typed = 'Half a sentence that must';

/** @param {Page} page @param {string} name */
const inUse = (page, name) =>
  page.waitForFunction((name) => document.querySelector('#model-name')?.textContent === name, name);

/** @param {Page} page @param {string} name */
async function lookUp(page, name) {
  await page.click('#models');
  await page.fill('#repository', name);
  await page.getByRole('button', { name: 'Look it up on huggingface.co' }).click();
}

pageTest(
  'a model from the hub: said before, fetched after, kept, taken again at the next visit',
  options,
  async ({ page, t }) => {
    await page.locator('#text').fill(typed);
    await waitForState(page, 'ready');

    await t.test('F76: an ordinary visit asks nobody else, and keeps nothing', async () => {
      assert.deepEqual(hub.requests, []);
      const { usage = 0 } = await page.evaluate(() => navigator.storage.estimate());
      assert.ok(usage < 100_000, `${usage} bytes are kept`);
    });

    await t.test('the offers tell what will happen, and fetch nothing', async () => {
      await page.click('#models');
      await page.getByRole('button', { name: 'Choose GPT-2 small' }).click();
      await page.locator('#fetch-model').waitFor();
      const plan = await page.locator('.model-plan').innerText();
      for (const words of [/huggingface\.co/, /503\.\d MB/, /133\.\d MB|13[234]\.\d MB/, /stays here/, /SHA-256/])
        assert.match(plan, words);
      assert.ok(await page.getByRole('button', { name: /^Fetch 503\.\d MB from huggingface\.co$/ }).isVisible());
      await page.getByRole('button', { name: 'Back' }).click();
      await page.getByRole('button', { name: 'Done' }).click();
      assert.deepEqual(hub.requests, []);
    });

    await t.test('C37, F77: a missing, an unfit and a hostile repository', async () => {
      await lookUp(page, 'nobody/nothing');
      await page.getByText(/does not give this to everyone/).waitFor();
      await page.fill('#repository', 'some/other');
      await page.keyboard.press('Enter');
      await page.getByText(/of the type bert/).waitFor();
      await page.fill('#repository', '../../etc');
      await page.keyboard.press('Enter');
      await page
        .getByText(/not a repository’s name/)
        .first()
        .waitFor();
      await page.fill('#repository', 'some/hostile');
      await page.keyboard.press('Enter');
      await page.getByText('<img src=x onerror=alert(1)>').waitFor();
      assert.match(await page.locator('.model-plan').innerText(), /unverified/);
      await page.getByRole('button', { name: 'Done' }).click();
      assert.ok(
        hub.requests.every(({ file }) => file === ''),
        'no file was fetched',
      );
    });

    await t.test('cancelled in the middle: the old model works on', async () => {
      fault = ({ host }) => (host === 'network' ? { drip: { bytes: 100_000, milliseconds: 30 } } : null);
      await lookUp(page, REPOSITORY);
      await page.click('#fetch-model');
      await page
        .locator('#switch')
        .getByText(/MB, \d+%.*\/s.*left/)
        .waitFor();
      await andAnswer(page, () => page.locator('#text').pressSequentially(' be'));
      assert.equal((await suggestions(page)).length, 3);
      await page.locator('#switch').getByRole('button', { name: 'Cancel' }).click();
      await page.locator('#switch').waitFor({ state: 'hidden' });
      await andAnswer(page, () => page.locator('#text').pressSequentially(' a'));
      assert.notEqual(await page.locator('#model-name').textContent(), 'some-gpt2');
    });

    await t.test('a failed switch keeps the old model, and a retry goes on', async () => {
      fault = ({ host, file }) => (host === 'hub' && file === 'model.safetensors' ? { status: 404 } : null);
      await lookUp(page, REPOSITORY);
      await page.click('#fetch-model');
      await page.locator('#switch').getByRole('button', { name: 'Retry' }).waitFor();
      assert.match(await page.locator('#switch').innerText(), /404/);
      await andAnswer(page, () => page.locator('#text').pressSequentially(' n'));
      fault = () => null;
      await page.locator('#switch').getByRole('button', { name: 'Retry' }).click();
      await inUse(page, 'some-gpt2');
      assert.equal(await page.locator('#text').inputValue(), `${typed} be a n`, 'the text is still there');
      await page.waitForFunction(() => /%/.test(document.querySelector('.suggestion')?.textContent ?? ''));
      assert.match(await page.locator('#model').innerText(), /yes, for the next visit/);
    });

    await t.test('C40: the next visit has it, without the hub', async () => {
      fault = () => ({ reset: true });
      hub.requests.length = 0;
      await page.reload();
      await waitForState(page, 'ready');
      assert.equal(await page.locator('#model-name').textContent(), 'some-gpt2');
      await andAnswer(page, () => page.locator('#text').fill('The cat'));
      assert.deepEqual(hub.requests, []);
      fault = () => null;
    });

    await t.test('what is kept is listed and deleted, and the model in use works on', async () => {
      await page.click('#models');
      await page.locator('#kept').getByRole('button').first().waitFor();
      assert.match(await page.locator('#kept').innerText(), /some-gpt2[\s\S]*\d+\.\d MB/);
      await page.getByRole('button', { name: 'Delete some-gpt2' }).click();
      await page.getByText(/Nothing yet/).waitFor();
      await page.getByRole('button', { name: 'Done' }).click();
      await andAnswer(page, () => page.locator('#text').fill('The cat sat'));
    });

    await t.test('D55: gone at the next visit: the page’s own model, and no claim that it is kept', async () => {
      await page.reload();
      await waitForState(page, 'ready');
      assert.notEqual(await page.locator('#model-name').textContent(), 'some-gpt2');
    });

    await t.test('D50: damaged at the next visit: said, and the rest is fetched when asked to', async () => {
      await lookUp(page, REPOSITORY);
      await page.click('#fetch-model');
      await inUse(page, 'some-gpt2');
      await page.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('headlight-models');
        for await (const name of /** @type {any} */ (folder).keys()) {
          if (name.includes('.shard-')) return folder.removeEntry(name);
        }
      });
      await page.reload();
      await page.getByText(/not whole: some-gpt2[\s\S]*choose it again/).waitFor();
      await waitForState(page, 'ready');
      assert.notEqual(await page.locator('#model-name').textContent(), 'some-gpt2');
      await page.click('#models');
      await page.getByRole('button', { name: 'Go on some-gpt2' }).click();
      await inUse(page, 'some-gpt2');
    });
  },
);

let held = true;
pageTest(
  'C42: another model while the first still comes, or after it was cancelled, is no error',
  {
    ...options,
    server: {
      ...options.server,
      fault: ({ path }) =>
        held && /built-in\/.*\.safetensors$/.test(path) ? { drip: { bytes: 20_000, milliseconds: 100 } } : null,
    },
  },
  async ({ page }) => {
    await page
      .locator('#load')
      .getByText(/MB, \d+%/)
      .waitFor();
    await page.evaluate(() => {
      const told = new Set();
      Object.assign(globalThis, { told });
      const place = /** @type {Element} */ (document.querySelector('#status-place'));
      new MutationObserver(() => told.add(place.textContent)).observe(place, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    });
    await lookUp(page, REPOSITORY);
    await page.click('#fetch-model');
    await inUse(page, 'some-gpt2');
    await page.waitForFunction(() => /%/.test(document.querySelector('.suggestion')?.textContent ?? ''));
    const told = await page.evaluate(() => [.../** @type {any} */ (globalThis).told].join('\n'));
    assert.doesNotMatch(told, /build/);
    held = false;
  },
);

pageTest(
  'C43: a model in the address is an offer of the page’s own, or nothing',
  { ...options, path: '?model=https://evil.example/' },
  async ({ page, server }) => {
    await waitForState(page, 'ready');
    assert.equal(await page.locator('dialog.models').isVisible(), false);
    for (const model of ['../../x', 'javascript:alert(1)', '__proto__']) {
      await page.goto(`${server.url}?model=${encodeURIComponent(model)}`);
      await waitForState(page, 'ready');
      assert.equal(await page.locator('dialog.models').isVisible(), false);
    }
    hub.requests.length = 0;
    await page.goto(`${server.url}?model=gpt2`);
    await page.locator('#fetch-model').waitFor();
    assert.deepEqual(hub.requests, []);
  },
);

const disk = makeCheckpoint(mkdtempSync(join(tmpdir(), 'headlight-disk-')), join(root, 'www/models/built-in'), SHAPE);
const odd = mkdtempSync(join(tmpdir(), 'headlight-odd-'));
writeFileSync(join(odd, 'pytorch_model.bin'), Buffer.from('PK\u0003\u0004 and so on, and so on'));
writeFileSync(join(odd, 'pointer.safetensors'), 'version https://git-lfs.github.com/spec/v1\noid sha256:00\n');
writeFileSync(join(odd, 'empty.safetensors'), '');
writeFileSync(join(odd, 'sparse.safetensors'), '');
truncateSync(join(odd, 'sparse.safetensors'), 20e9);
const ofDisk = (/** @type {string} */ name) => join(disk, name);

pageTest('models from disk', options, async ({ page, t }) => {
  await waitForState(page, 'ready');
  const choose = async (/** @type {string[]} */ files) => {
    await page.click('#models');
    await page.locator('dialog.models input[type=file]').first().setInputFiles(files);
  };
  const refused = async (/** @type {RegExp} */ words) => {
    await page.locator('#switch').getByRole('button', { name: 'Close' }).waitFor();
    assert.match(await page.locator('#switch').innerText(), words);
    await page.locator('#switch').getByRole('button', { name: 'Close' }).click();
  };
  await t.test('A21: a PyTorch file is named, with what to do', async () => {
    await choose([join(odd, 'pytorch_model.bin')]);
    await refused(/PyTorch[\s\S]*safetensors|safetensors[\s\S]*PyTorch/);
  });
  await t.test('A21, A22: a Git LFS pointer, an empty file, 20 GB of nothing, a file without its config', async () => {
    const config = [ofDisk('config.json'), ofDisk('tokenizer.json')];
    await choose([...config, join(odd, 'pointer.safetensors')]);
    await refused(/LFS/);
    await choose([...config, join(odd, 'empty.safetensors')]);
    await refused(/incomplete|short|truncated|ends/i);
    await choose([...config, join(odd, 'sparse.safetensors')]);
    await refused(/can’t be used|incomplete/);
    await choose([ofDisk('model.safetensors')]);
    await refused(/config\.json/);
  });
  await t.test('A22: a folder of something else, and two files of weights', async () => {
    await page.click('#models');
    await page.locator('dialog.models input[webkitdirectory]').setInputFiles(join(root, 'docs'));
    await refused(/can’t be used|not|no /i);
    const shards = [1, 2].map((i) => join(odd, `model-0000${i}-of-00002.safetensors`));
    for (const shard of shards) linkSync(ofDisk('model.safetensors'), shard);
    await page.click('#models');
    await page.locator('dialog.models input[type=file]').first().setInputFiles(shards);
    await refused(/none of the 2 safetensors files is model\.safetensors/);
  });
  await t.test('F77: hostile names of files, and hostile JSON in them, are text', async () => {
    const buffer = Buffer.from(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"model_type":"</script>"}',
    );
    const file = (/** @type {string} */ name) => ({ name, mimeType: '', buffer });
    const input = page.locator('dialog.models input[type=file]').first();
    await page.click('#models');
    await input.setInputFiles([file('<img src=x onerror=alert(1)>.gguf')]);
    await refused(/.../);
    for (const names of [
      ['config.json', 'tokenizer.json', 'model.safetensors'],
      ['manifest.json', 'x'],
    ]) {
      await page.click('#models');
      await input.setInputFiles(names.map(file));
      await refused(/can’t be used|not/);
    }
    assert.equal(await page.evaluate(() => 'polluted' in {}), false);
    assert.equal(await page.locator('#switch img, #status-place img').count(), 0);
  });
  await t.test('a checkpoint is quantised and kept; the text stays', async () => {
    await page.locator('#text').fill(typed);
    await choose(['config.json', 'tokenizer.json', 'model.safetensors'].map(ofDisk));
    await inUse(page, 'model');
    assert.equal(await page.locator('#text').inputValue(), typed);
    assert.match(await page.locator('#model').innerText(), /yes, for the next visit/);
    await page.reload();
    await waitForState(page, 'ready');
    await inUse(page, 'model');
  });
  await t.test('a quantised folder is kept as well', async () => {
    await page.click('#models');
    await page.locator('dialog.models input[webkitdirectory]').setInputFiles(join(root, 'www/models/built-in'));
    await page.locator('#switch').waitFor({ state: 'hidden' });
    const name = JSON.parse(readFileSync(join(root, 'www/models/built-in/manifest.json'), 'utf8')).name;
    await inUse(page, name);
    assert.match(await page.locator('#model').innerText(), /yes, for the next visit/);
    await page.reload();
    await waitForState(page, 'ready');
    await inUse(page, name);
    assert.match(await page.locator('#model').innerText(), /yes, for the next visit/);
  });
  await t.test('dropped files are taken, and the page is not left', async () => {
    const dropped = await page.evaluate(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['<!doctype html>'], 'model.safetensors'));
      const event = new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
      return event.defaultPrevented;
    });
    assert.ok(dropped);
    await refused(/config\.json/);
  });
});
