// @ts-check
/**
 * A static file server on 127.0.0.1 that behaves like an ordinary host: right types, no special headers. `build.sh serve`
 * uses it as it is; browser tests and the bench mount further folders and let it misbehave.
 */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { contentOf, refuse, sendContent } from './faults.mjs';

const www = resolve(dirname(fileURLToPath(import.meta.url)), '../www');

/** @type {Record<string, string>} */
const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

/**
 * @typedef {import('./faults.mjs').Fault} Fault
 *
 * @typedef {{method: string, path: string, headers: import('node:http').IncomingHttpHeaders}} Asked
 *
 * @typedef {object} Options
 * @property {string} [root]       folder to serve, `www` by default
 * @property {string} [mount]      where: `/`, or something like `/repo/sub/`
 * @property {number} [port]       0 for any free one
 * @property {string} [cacheControl]  what browsers are told of keeping files, `no-cache` by default
 * @property {boolean} [isolated]  send the headers that make the page cross-origin isolated
 * @property {boolean} [cors]      allow pages of other origins to read
 * @property {Record<string, string>} [mounts]  more folders (prefix with a final `/`) or files, by URL path
 * @property {Record<string, string>} [replaced]  texts in scripts and pages, and what stands there instead, such as
 *                                 another host to ask
 * @property {(request: Asked) => Fault | null | undefined} [fault]  asked for every request
 */

/** @param {string} path */
async function fileAt(path) {
  const found = await stat(path).catch(() => null);
  return found && { path, size: found.size, folder: found.isDirectory() };
}

/**
 * The file or folder that a URL path stands for, or null.
 * @param {[string, string][]} mounts longest prefix first
 * @param {string} urlPath
 */
async function locate(mounts, urlPath) {
  /** @type {string} */
  let path;
  try {
    path = decodeURIComponent(urlPath);
  } catch {
    return null;
  }
  for (const [prefix, target] of mounts) {
    if (path === prefix || `${path}/` === prefix) return fileAt(target);
    if (!prefix.endsWith('/') || !path.startsWith(prefix)) continue;
    const rest = path.slice(prefix.length);
    // Nothing above the folder, and no hidden files.
    if (rest.includes('\0') || rest.includes('\\') || rest.split('/').some((part) => part.startsWith('.'))) return null;
    const found = await fileAt(join(target, rest));
    if (found && !found.folder && rest.endsWith('/')) return null;
    return found;
  }
  return null;
}

/**
 * @param {string} path
 * @param {number} size
 * @param {string} type
 * @returns {import('./faults.mjs').Content}
 */
export function fileContent(path, size, type) {
  // The default pieces of 64 KiB make loopback the bottleneck when the bench loads half a gigabyte.
  const read = (/** @type {number} */ from, /** @type {number} */ to) =>
    to > from ? createReadStream(path, { start: from, end: to - 1, highWaterMark: 1 << 20 }) : [];
  return { size, type, read };
}

/**
 * @param {Options} [options]
 */
export async function serve(options = {}) {
  const {
    root = www,
    mount = '/',
    port = 0,
    cacheControl = 'no-cache',
    isolated = false,
    cors = false,
    mounts = {},
    replaced,
  } = options;
  const faultFor = options.fault;
  if (!mount.startsWith('/') || !mount.endsWith('/')) throw new Error(`mount ${mount} must begin and end with a slash`);
  const table = /** @type {[string, string][]} */ (Object.entries({ [mount]: root, ...mounts }));
  table.sort(([a], [b]) => b.length - a.length);
  /** @type {Asked[]} */
  const requests = [];

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async function answer(request, response) {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const asked = { method: request.method ?? 'GET', path: url.pathname, headers: request.headers };
    requests.push(asked);
    const fault = faultFor?.(asked) ?? {};

    response.setHeader('cache-control', cacheControl);
    if (isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    if (cors) response.setHeader('access-control-allow-origin', '*');

    if (asked.method !== 'GET' && asked.method !== 'HEAD') return refuse(response, 405, 'method not allowed', fault);
    let file = await locate(table, asked.path);
    if (file?.folder && !asked.path.endsWith('/')) {
      response.writeHead(301, { location: `${asked.path}/${url.search}` });
      return response.end();
    }
    if (file?.folder) file = await fileAt(join(file.path, 'index.html'));
    const type = types[extname(file?.path ?? asked.path)] ?? 'application/octet-stream';
    if (file && replaced && /\.(js|html)$/.test(file.path)) {
      let text = await readFile(file.path, 'utf8');
      for (const [old, other] of Object.entries(replaced)) text = text.replaceAll(old, other);
      return sendContent(request, response, contentOf(text, type), fault);
    }
    if (file) return sendContent(request, response, fileContent(file.path, file.size, type), fault);
    // The test may have something to stand in for a file that is not there.
    const standsIn = fault.body !== undefined || fault.status !== undefined || fault.reset;
    if (standsIn) return sendContent(request, response, contentOf('', type), fault);
    return refuse(response, 404, 'not found');
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(`${request.url}: ${error.stack}`);
      response.destroy();
    });
  });
  await new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => done(undefined));
  });
  const { port: actual } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const origin = `http://127.0.0.1:${actual}`;
  return {
    origin,
    /** where the page is */
    url: origin + mount,
    /** every request so far, oldest first */
    requests,
    close: () =>
      new Promise((done) => {
        server.close(() => done(undefined));
        server.closeAllConnections();
      }),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8000' },
      root: { type: 'string' },
      mount: { type: 'string' },
      isolated: { type: 'boolean' },
    },
  });
  const { port, ...rest } = values;
  try {
    const server = await serve({ ...rest, port: Number(port) });
    console.log(`Headlight is at ${server.url} - stop with Ctrl+C`);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EADDRINUSE') throw error;
    console.error(`error: port ${port} is in use; choose another: ./build.sh serve PORT`);
    process.exitCode = 1;
  }
}
