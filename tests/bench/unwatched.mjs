// @ts-check
/**
 * Loads a model in a browser that no program drives. A driver has the browser keep a copy of everything that comes over the
 * network, in the page's own process: with 124 M weights that is some 160 MB, and time, that no visitor spends.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from '../browser/chromium.mjs';
import { serve } from '../serve.mjs';

const folder = dirname(fileURLToPath(import.meta.url));

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
export async function loadUnwatched({ model, ...asked }, tokens, profile) {
  const parameters = new URLSearchParams({ model: 'measured-model/', ...asked });
  /** @type {(told: Map<string, string>) => void} */
  let finish;
  /** @type {Promise<Map<string, string>>} */
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  /** @type {Map<string, string>} */
  const told = new Map();
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let browser;
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, browser?.pid ? peakOf(browser.pid) : 0);
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
      if (name === 'used' || name === 'failed') finish(told);
      return { status: 204 };
    },
  });
  const own = profile ?? mkdtempSync(join(tmpdir(), 'headlight-bench-'));
  // The browser sets what the system knows as the peak back now and then.
  const looking = setInterval(look, 250);
  try {
    browser = start(own, `${server.url}bench.html?${parameters}#${tokens}`);
    await finished;
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
    const ended = new Promise((resolve) => browser?.once('exit', resolve));
    browser?.kill('SIGTERM');
    await ended;
    await server.close();
    if (!profile) rmSync(own, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The same at every visit, so that what a browser kept is found again. */
const PORT = 8473;

/**
 * The most memory that a renderer among a browser's processes had since the system last began to count, in MiB.
 * @param {number} browser
 */
function peakOf(browser) {
  /** @type {Map<number, {parent: number, peak: number}>} */
  const processes = new Map();
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${id}/status`, 'utf8');
      const isRenderer = readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('--type=renderer');
      const value = (/** @type {RegExp} */ pattern) => Number(pattern.exec(status)?.[1] ?? 0);
      processes.set(Number(id), {
        parent: value(/^PPid:\s*(\d+)/m),
        peak: isRenderer ? value(/^VmHWM:\s*(\d+)/m) / 1024 : 0,
      });
    } catch {
      // It has ended.
    }
  }
  const isOf = (/** @type {number} */ id) => {
    for (let at = processes.get(id); at; at = processes.get(at.parent)) if (at.parent === browser) return true;
    return false;
  };
  return Math.max(0, ...[...processes].filter(([id]) => isOf(id)).map(([, { peak }]) => peak));
}
