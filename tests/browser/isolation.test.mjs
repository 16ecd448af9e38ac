// @ts-check
/** Threads need cross-origin isolation; hosts that don't send the headers for it get a service worker that adds them. */
import assert from 'node:assert/strict';
import { andAnswer, downloadErrors, inserts, pageTest, waitForState } from './harness.mjs';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {import('./harness.mjs').Server} Server
 */

const mount = '/repo/sub/';
const plain = { mount, isolated: false };
const typed = 'The old man went out into the';

/** @param {Page} page */
const isolated = (page) => page.evaluate(() => crossOriginIsolated);

/** @param {Page} page */
const registrations = (page) =>
  page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope));

/** @param {Server} server @param {string} path */
const asked = (server, path) => server.requests.filter((request) => request.path === path).length;

/** What the page says about its engine. @param {Page} page */
async function build(page) {
  const place = page.locator('.engine-build');
  const threads = Number(await place.getAttribute('data-threads'));
  return { variant: await place.getAttribute('data-variant'), threads, words: await place.innerText() };
}

pageTest(
  'a plain host: loaded once more, then with threads and the same suggestions',
  { server: plain },
  async ({ page, server }) => {
    await page.waitForFunction(() => crossOriginIsolated && document.body.dataset.state === 'ready');
    assert.equal(asked(server, mount), 2, 'loaded exactly twice');
    const [first, second] = server.requests.flatMap(({ path }, index) => (path === mount ? [index] : []));
    const before = server.requests.slice(first, second);
    assert.deepEqual(
      before.filter(({ path }) => /\/(models|pkg)\//.test(path)),
      [],
      'nothing large was fetched in vain',
    );
    assert.deepEqual(await registrations(page), [server.url]);
    assert.match((await build(page)).variant ?? '', /-threads$/);
    await andAnswer(page, () => page.locator('#text').fill(typed));
    const withThreads = await inserts(page);

    await page.goto(`${server.url}?isolate=off`);
    await waitForState(page, 'ready');
    assert.deepEqual(await registrations(page), []);
    const { variant, threads, words } = await build(page);
    assert.doesNotMatch(variant ?? '', /threads/);
    assert.equal(threads, 1);
    assert.match(words, /switched off in the page’s address/);
    await andAnswer(page, () => page.locator('#text').fill(typed));
    assert.deepEqual(await inserts(page), withThreads);
  },
);

pageTest(
  'who has begun to write is not interrupted; the next visit has threads',
  { server: { ...plain, fault: ({ path }) => (path.endsWith('/sw.js') ? { delay: 1500 } : null) }, path: 'none' },
  async ({ page, server }) => {
    await page.goto(server.url);
    await page.locator('#text').pressSequentially(typed);
    await waitForState(page, 'ready');
    assert.equal(await page.locator('#text').inputValue(), typed);
    assert.equal(await isolated(page), false);
    assert.match((await build(page)).words, /not cross-origin isolated/);
    await page.waitForTimeout(2000);
    assert.equal(asked(server, mount), 1);
    await page.goto(server.url);
    await waitForState(page, 'ready');
    assert.equal(await isolated(page), true);
    assert.equal(asked(server, mount), 2);
  },
);

let visits = 0;
pageTest(
  'who begins to write while the page is fetched again keeps this page',
  {
    server: { ...plain, fault: ({ path }) => (path === mount && ++visits > 1 ? { delay: 3000 } : null) },
    path: 'none',
  },
  async ({ page, server }) => {
    // From inside the page: from outside, everything would wait until the page is there again.
    await page.addInitScript((text) => {
      if (sessionStorage.length > 0) return;
      const timer = setInterval(() => {
        if (sessionStorage.length === 0) return;
        clearInterval(timer);
        /** @type {HTMLElement} */ (document.querySelector('#text')).focus();
        document.execCommand('insertText', false, text);
      }, 200);
    }, typed);
    await page.goto(server.url, { waitUntil: 'commit' });
    while (asked(server, mount) < 2) await page.waitForTimeout(50);
    await waitForState(page, 'ready');
    await page.waitForTimeout(3000);
    assert.equal(await page.locator('#text').inputValue(), typed);
    assert.equal(await isolated(page), false);
  },
);

pageTest('a host that sends the headers needs no service worker', { server: { mount } }, async ({ page, server }) => {
  await waitForState(page, 'ready');
  assert.equal(await isolated(page), true);
  assert.equal(asked(server, mount), 1);
  assert.equal(asked(server, `${mount}sw.js`), 0);
  assert.match((await build(page)).variant ?? '', /-threads$/);
});

pageTest(
  'a service worker that brings nothing is tried once',
  {
    server: {
      ...plain,
      fault: ({ path }) => (path.endsWith('/sw.js') ? { body: 'addEventListener("fetch", () => {});' } : null),
    },
  },
  async ({ page, server }) => {
    while (asked(server, mount) < 2) await page.waitForTimeout(50);
    await waitForState(page, 'ready');
    assert.equal(await isolated(page), false);
    await page.reload();
    await waitForState(page, 'ready');
    assert.equal(asked(server, mount), 3);
  },
);

for (const { name, context, script } of [
  { name: 'service workers are refused', context: { serviceWorkers: /** @type {const} */ ('block') }, script: '' },
  {
    name: 'nothing may be stored',
    context: {},
    script: `Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError'); } });`,
  },
]) {
  pageTest(`works where ${name}`, { server: plain, context, path: 'none' }, async ({ page, context, server }) => {
    await context.addInitScript(script);
    await page.goto(server.url);
    await waitForState(page, 'ready');
    assert.equal(await isolated(page), false);
    assert.equal(asked(server, mount), 1);
    await andAnswer(page, () => page.locator('#text').fill(typed));
    assert.equal((await inserts(page)).length, 3);
  });
}

pageTest(
  'within another page’s frame it does not load itself again',
  {
    server: {
      ...plain,
      fault: ({ path }) =>
        path === '/frame.html'
          ? {
              body: `<!doctype html><link rel="icon" href="data:,"><iframe src="${mount}"></iframe>`,
              type: 'text/html',
            }
          : null,
    },
    path: 'none',
  },
  async ({ page, server }) => {
    await page.goto(`${server.origin}/frame.html`);
    const frame = page.frames()[1];
    await frame.waitForFunction(() => document.body?.dataset.state === 'ready');
    assert.equal(asked(server, mount), 1);
    assert.equal(asked(server, `${mount}sw.js`), 0);
  },
);

let removed = false;
pageTest(
  'F74, F75: the page’s policy goes for its workers too, but not for other pages; a host without the service worker is rid of it',
  {
    server: { ...plain, fault: ({ path }) => (removed && path.endsWith('/sw.js') ? { status: 404 } : null) },
    expected: downloadErrors,
  },
  async ({ page, server }) => {
    await page.waitForFunction(() => crossOriginIsolated && document.body.dataset.state === 'ready');
    /** @param {string} path @param {() => Promise<unknown>} open */
    const policyOf = async (path, open) => {
      const [response] = await Promise.all([page.waitForResponse(server.url + path), open()]);
      return (await response.allHeaders())['content-security-policy'];
    };
    const own = await page.locator('meta[http-equiv]').getAttribute('content');
    assert.equal(await policyOf('', () => page.reload()), own);
    assert.equal(await policyOf('js/worker/worker.js', () => page.reload()), own);
    const openBench = () => page.goto(`${server.url}bench.html`);
    const startWorker = () =>
      page.evaluate(
        () =>
          new Promise((resolve) => {
            const worker = new Worker('js/worker/worker.js', { type: 'module' });
            worker.postMessage({ id: 1, kind: 'none' });
            worker.onmessage = () => resolve(worker.terminate());
          }),
      );
    assert.equal(await policyOf('bench.html', openBench), undefined);
    assert.equal(await isolated(page), true);
    assert.equal(await policyOf('js/worker/worker.js', startWorker), undefined);

    removed = true;
    await page.goto(server.url);
    await waitForState(page, 'ready');
    for (let left = 50; left > 0 && (await registrations(page)).length > 0; left--) await page.waitForTimeout(100);
    assert.deepEqual(await registrations(page), []);
  },
);
