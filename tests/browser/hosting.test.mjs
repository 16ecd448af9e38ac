// @ts-check
/** Static files in any place: the root, a folder of somebody's project site, and no server at all. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { andAnswer, downloadErrors, pageTest, root, suggestions, waitForState } from './harness.mjs';

const places = [
  { mount: '/repo/sub/', path: '', name: 'below a path' },
  { mount: '/repo/sub/', path: '../sub', name: 'below a path, without its last slash' },
  { mount: '/repo/sub/', path: 'index.html', name: 'below a path, index.html spelled out' },
  { mount: '/', path: 'index.html', name: 'at the root, index.html spelled out' },
];
for (const { mount, path, name } of places) {
  pageTest(`F72: works ${name}`, { server: { mount }, path }, async ({ page, server }) => {
    await waitForState(page, 'ready');
    await andAnswer(page, () => page.locator('#text').fill('Once upon a'));
    assert.equal((await suggestions(page)).length, 3);
    const outside = server.requests.filter(
      ({ path }) => !path.startsWith(mount) && `${path}/` !== mount && path !== '/favicon.ico',
    );
    assert.deepEqual(outside, []);
  });
}

pageTest('works cross-origin isolated', { server: { isolated: true } }, async ({ page }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill('Once upon a'));
  assert.equal((await suggestions(page)).length, 3);
});

pageTest('shows nothing foreign and asks for nothing else', {}, async ({ page, server }) => {
  await waitForState(page, 'ready');
  const foreign = await page.$$eval('script[src], link[href], img[src]', (elements) =>
    elements
      .map((element) => /** @type {any} */ (element).src || /** @type {any} */ (element).href)
      .filter((url) => !url.startsWith(location.origin) && !url.startsWith('data:')),
  );
  assert.deepEqual(foreign, []);
  const sent = server.requests.filter((request) => request.method !== 'GET' || request.headers.cookie);
  assert.deepEqual(sent, []);
});

// Chromium reports on the console that modules can't be loaded from a file; the page has to explain it to people.
pageTest(
  'F73: opened as a file, explains itself',
  { path: 'none', expected: [/CORS|origin|file:/i, ...downloadErrors] },
  async ({ page }) => {
    await page.goto(pathToFileURL(join(root, 'www/index.html')).href);
    await page.waitForTimeout(1000);
    const shown = await page.locator('body').innerText();
    assert.match(shown, /serve|server|http/i, 'says that a server is needed');
    assert.match(shown, /file/i);
  },
);
