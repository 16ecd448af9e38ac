// @ts-check
/** How long a model takes that the page itself kept at an earlier visit, in the origin's own storage. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { launchPersistent } from '../browser/chromium.mjs';
import { removeProfile } from './processes.mjs';

/** Milliseconds after which the browser's own start, which keeps cores busy, is over: it is no part of loading. */
const START = 700;

/**
 * Milliseconds for loading at a second visit, hashing included. A program may drive the browser here: it has no copy of what
 * comes from storage. The profile is on disk, because private windows have their storage in another process.
 * @param {string} url      of any page of the site
 * @param {string} base     of the model's folder, on the same origin
 * @param {string} folder   the same on disk
 * @returns {Promise<number>}
 */
export async function loadKept(url, base, folder) {
  const profile = mkdtempSync(join(tmpdir(), 'headlight-bench-'));
  try {
    const names = readdirSync(folder);
    const key = await visit(profile, url, load, { base, names });
    return await visit(profile, url, loadAgain, key);
  } finally {
    await removeProfile(profile);
  }
}

/**
 * Calls a function in the page, in a browser of its own.
 * @template Asked, Found
 * @param {string} profile
 * @param {string} url
 * @param {(asked: Asked) => Promise<Found>} body
 * @param {Asked} asked
 */
async function visit(profile, url, body, asked) {
  const browser = await launchPersistent(profile);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(300_000);
    await page.goto(url);
    await pause(START);
    return await page.evaluate(/** @type {any} */ (body), asked);
  } finally {
    await browser.close();
  }
}

/** @param {{base: string, names: string[]}} asked */
async function load({ base, names }) {
  const { Engine } = await import(/** @type {string} */ (new URL('js/page/engine.js', document.baseURI).href));
  /** @type {import('../../www/js/page/engine.js').Engine} */
  const engine = new Engine();
  const bring = async (/** @type {string} */ name) => new File([await (await fetch(base + name)).blob()], name);
  const { keeping } = await engine.load({ type: 'files', files: await Promise.all(names.map(bring)) });
  if (keeping.where !== 'opfs' || keeping.failure) throw new Error(`it was kept ${keeping.where}: ${keeping.failure}`);
  return keeping.key;
}

/** @param {string} key */
async function loadAgain(key) {
  const { Engine } = await import(/** @type {string} */ (new URL('js/page/engine.js', document.baseURI).href));
  /** @type {import('../../www/js/page/engine.js').Engine} */
  const engine = new Engine();
  // The worker's own start is no part of it, as in the bench page.
  await engine.configure({});
  const start = performance.now();
  const { keeping } = await engine.load({ type: 'kept', key });
  if (!keeping.fromHere) throw new Error('it did not come from what was kept');
  return performance.now() - start;
}
