// @ts-check
/**
 * What every browser test shares: one Chromium a file, a server of its own for each test, and a watch that fails the
 * test on anything the page should never do: a console error, an uncaught exception, a violation of its own content
 * policy, a request to another origin.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from '../serve.mjs';
import { launch } from './chromium.mjs';
import { relaxedBarred } from './features.mjs';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {import('playwright-core').BrowserContext} Context
 * @typedef {Awaited<ReturnType<typeof serve>>} Server
 *
 * @typedef {object} Options
 * @property {import('../serve.mjs').Options} [server]   cross-origin isolated unless it says otherwise
 * @property {import('playwright-core').BrowserContextOptions} [context]
 * @property {string} [path]     what to open, relative to the mount
 * @property {string[]} [origins]   what the page may ask besides its own server; read at each request
 * @property {RegExp[]} [expected]  console errors that belong to the test, such as those of a failed download
 * @property {number} [timeout]  milliseconds for the whole test
 * @property {boolean} [relaxed]  it can only pass where the relaxed builds can be used, and is skipped elsewhere
 */

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const artifacts = join(root, 'artifacts');

/** Times in the worker's scripts that are too long for tests, and shorter ones. @type {Record<string, string>} */
export const impatient = {
  'FIRST_WAIT = 1000': 'FIRST_WAIT = 20',
  'FIRST_WAIT_IF_TOO_MANY = 10_000': 'FIRST_WAIT_IF_TOO_MANY = 200',
  'STALL = 30_000': 'STALL = 1_500',
};

/** Chromium reports each failed download on the console itself; no page can prevent that. */
export const downloadErrors = [/^Failed to load resource/];

/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  mkdirSync(artifacts, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

/** Why the page would use no relaxed build; asked once. @type {Promise<string | null> | undefined} */
let barred;

/**
 * @param {Page} page
 * @param {string[]} problems filled as they come
 * @param {(url: string) => boolean} own
 * @param {RegExp[]} expected
 */
function watch(page, problems, own, expected) {
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !expected.some((pattern) => pattern.test(text))) {
      problems.push(`console: ${text} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.stack ?? error}`));
  page.on('crash', () => problems.push('the page crashed'));
  page.on('request', (request) => {
    if (!own(request.url())) problems.push(`request to another origin: ${request.url()}`);
  });
}

/** Runs in the page before its own scripts; a violation becomes a console error, which `watch` sees. */
function reportPolicyViolations() {
  document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`content policy: ${event.violatedDirective} forbids ${event.blockedURI} at ${event.sourceFile}`);
  });
}

/**
 * A test with an open page. The page is closed and its problems are judged when `body` is done.
 * @param {string} name
 * @param {Options} options
 * @param {(given: {page: Page, context: Context, server: Server, t: import('node:test').TestContext}) => Promise<void>} body
 */
export function pageTest(name, options, body) {
  test(name, { timeout: options.timeout ?? 120_000 }, async (t) => {
    if (options.relaxed) barred ??= relaxedBarred(browser);
    const reason = options.relaxed && (await barred);
    if (reason) return t.skip(reason);
    const server = await serve({ isolated: true, replaced: impatient, ...options.server });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options.context });
    /** @type {string[]} */
    const problems = [];
    try {
      await context.addInitScript(reportPolicyViolations);
      const page = await context.newPage();
      page.setDefaultTimeout(30_000);
      /** @param {string} url */
      const own = (url) =>
        /^(data|blob|file):/.test(url) ||
        [server.origin, ...(options.origins ?? [])].some((origin) => url.startsWith(`${origin}/`));
      watch(page, problems, own, options.expected ?? []);
      if (options.path !== 'none') await page.goto(server.url + (options.path ?? ''));
      try {
        await body({ page, context, server, t });
      } catch (error) {
        const file = join(artifacts, `failed-${name.replace(/[^a-z0-9]+/gi, '-')}.png`);
        await page.screenshot({ path: file }).catch(() => {});
        // They may well be the cause, and the assertion below is not reached.
        for (const problem of problems) t.diagnostic(problem);
        t.diagnostic(`state ${await page.evaluate(() => JSON.stringify(document.body.dataset)).catch(() => 'gone')}`);
        throw error;
      }
      assert.deepEqual(problems, []);
    } finally {
      await context.close();
      await server.close();
    }
  });
}

/**
 * @param {Page} page
 * @param {string} state
 * @param {number} [timeout]
 */
export async function waitForState(page, state, timeout = 60_000) {
  try {
    await page.waitForFunction((wanted) => document.body?.dataset.state === wanted, state, { timeout });
  } catch (cause) {
    const found = await page.evaluate(() => document.body?.dataset.state);
    const status = await page
      .locator('#status')
      .textContent({ timeout: 1000 })
      .catch(() => 'no #status');
    throw new Error(`the page is "${found}" and not "${state}": ${status}`, { cause });
  }
}

/**
 * What the suggestion strip shows, the most probable first.
 * @param {Page} page
 */
export async function suggestions(page) {
  const found = await page.$$eval('.suggestion', (buttons) =>
    buttons.map((button) => ({
      rank: Number(/** @type {HTMLElement} */ (button).dataset.rank),
      text: /** @type {HTMLElement} */ (button).innerText.trim(),
    })),
  );
  return found.sort((a, b) => a.rank - b.rank).map(({ text }) => text);
}

/**
 * The text that each suggestion would add, the most probable first.
 * @param {Page} page
 */
export async function inserts(page) {
  const found = await page.$$eval('.suggestion', (buttons) =>
    buttons.map((button) => /** @type {HTMLElement} */ (button).dataset),
  );
  return found.sort((a, b) => Number(a.rank) - Number(b.rank)).map(({ insert }) => insert ?? '');
}

/**
 * Runs an action and waits until its answer is on the page: a new revision that then stays.
 * @param {Page} page
 * @param {() => Promise<unknown>} action
 */
export async function andAnswer(page, action) {
  const before = await page.evaluate(() => document.body.dataset.revision ?? '');
  await action();
  await page.waitForFunction((old) => (document.body.dataset.revision ?? '') !== old, before);
  await settled(page);
}

/**
 * Waits until the strip belongs to the text and has done so for a while.
 * @param {Page} page
 * @param {number} [quiet] milliseconds
 */
export async function settled(page, quiet = 200) {
  const end = Date.now() + 60_000;
  for (let last = ''; Date.now() < end; ) {
    const now = await page.evaluate(() => {
      const busy = document.querySelector('#strip')?.getAttribute('aria-busy') === 'true';
      return busy ? '' : `${document.body.dataset.revision}/${document.body.dataset.latency}`;
    });
    if (now !== '' && now === last) return;
    last = now;
    await page.waitForTimeout(quiet);
  }
  throw new Error('the strip did not settle within 60 s');
}

/**
 * @param {Page} page
 * @param {string} name
 */
export async function screenshot(page, name) {
  await page.screenshot({ path: join(artifacts, `${name}.png`), fullPage: true });
}

/**
 * What the native command line says about the built-in model: the same engine, another way in.
 * @param {string} command
 * @param {string} text
 * @param {...string} rest
 * @returns {any}
 */
function native(command, text, ...rest) {
  const candidates = [process.env.HEADLIGHT_CLI, 'target/debug/headlight', 'target/release/headlight'];
  const cli = candidates.find((path) => path && existsSync(resolve(root, path)));
  if (!cli) throw new Error('no native build; run cargo build first');
  const args = [command, join(root, 'www/models/built-in'), text, ...rest, '--json'];
  return JSON.parse(execFileSync(resolve(root, cli), args, { maxBuffer: 1 << 28, encoding: 'utf8' }));
}

/**
 * One attention head.
 * @param {string} text
 * @param {number} layer
 * @param {number} head
 * @returns {{ids: number[], scores: number[][], masked: (number | null)[][], weights: number[][]}}
 */
export const nativeAttention = (text, layer, head) =>
  native('attention', text, '--layer', String(layer), '--head', String(head));

/**
 * The tokens of a text, and those that follow greedily.
 * @param {string} text
 * @param {number} count
 * @returns {{ids: number[], generated: {ids: number[]}}}
 */
export const nativePrediction = (text, count) => native('predict', text, '--generate', String(count));
