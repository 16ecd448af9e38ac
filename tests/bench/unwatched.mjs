// @ts-check
/**
 * Loads a model in a browser that no program drives. A driver has the browser keep a copy of everything that comes over the
 * network, in the page's own process: with 124 M weights that is some 160 MB, and time, that no visitor spends.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../browser/chromium.mjs';
import { serve } from '../serve.mjs';
import { about, processesOf, removeProfile } from './processes.mjs';

const folder = dirname(fileURLToPath(import.meta.url));

/** The same at every visit, so that what a browser kept is found again. */
const PORT = 8473;

/**
 * @typedef {object} Loaded
 * @property {number} milliseconds   for loading, as the page tells
 * @property {number} memory         bytes of WebAssembly memory
 * @property {number} peakLoaded     most memory that the page's process had until then, in MiB
 * @property {number} peakUsed       the same after a prompt of `tokens` tokens
 * @property {string[]} requests     what was asked of the server
 */

/**
 * @param {{[name: string]: string}} asked   the bench page's parameters; `model` is the model's folder on disk
 * @param {number} tokens
 * @param {string} [profile]   a browser's, so that it finds what it kept at an earlier visit
 * @returns {Promise<Loaded>}
 */
export function loadUnwatched(asked, tokens, profile) {
  const load = () => loadOnce(asked, tokens, profile);
  // Now and then, Debian's Chromium ends as it starts.
  return load().catch((error) => {
    if (error instanceof NothingAsked) return load();
    throw error;
  });
}

class NothingAsked extends Error {}

/** @type {typeof loadUnwatched} */
async function loadOnce({ model, ...asked }, tokens, profile) {
  const parameters = new URLSearchParams({ model: 'measured-model/', ...asked });
  const own = profile ?? mkdtempSync(join(tmpdir(), 'headlight-bench-'));
  /** @type {Map<string, string>} */
  const told = new Map();
  let finish = () => {};
  /** @type {Promise<void>} */
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, peakOf(own));
  };
  const server = await serve({
    port: PORT,
    isolated: true,
    cacheControl: 'max-age=3600',
    mounts: { '/measured-model/': model, '/unwatched-page.js': join(folder, 'unwatched-page.js') },
    replaced: { '</head>': '<script type="module" src="/unwatched-page.js"></script></head>' },
    fault: ({ path }) => {
      const [, name, value] = /\/told\/([a-z-]+)\/(.*)$/.exec(path) ?? [];
      if (name === undefined) return null;
      told.set(name, decodeURIComponent(value));
      look();
      told.set(`peak-${name}`, String(peak));
      if (name === 'used' || name === 'failed') finish();
      return { status: 204 };
    },
  });
  const browser = start(own, `${server.url}bench.html?${parameters}#${tokens}`);
  const ended = new Promise((resolve) => browser.once('close', resolve).once('error', resolve));
  // The browser sets what the system knows as the peak back now and then.
  const looking = setInterval(look, 250);
  try {
    await Promise.race([finished, ended]);
    if (server.requests.length === 0) throw new NothingAsked('the browser ended before it asked for the page');
    if (!told.has('used') && !told.has('failed')) throw new Error('the browser ended before the model was measured');
    if (told.has('failed')) throw new Error(told.get('failed'));
    const number = (/** @type {string} */ name) => Number(told.get(name));
    return {
      milliseconds: number('loaded'),
      memory: number('memory'),
      peakLoaded: number('peak-loaded'),
      peakUsed: number('peak-used'),
      requests: server.requests.map(({ path }) => path),
    };
  } finally {
    clearInterval(looking);
    // It writes down what it keeps before it ends.
    browser.kill('SIGTERM');
    await ended;
    await server.close();
    if (!profile) await removeProfile(own);
  }
}

/**
 * The most memory that a renderer of the browser with this profile had since the system last began to count, in MiB.
 * @param {string} profile
 */
function peakOf(profile) {
  const peaks = processesOf(profile)
    .filter((pid) => about(pid, 'cmdline').includes('--type=renderer'))
    .map((pid) => Number(/^VmHWM:\s*(\d+)/m.exec(about(pid, 'status'))?.[1] ?? 0) / 1024);
  return Math.max(0, ...peaks);
}
