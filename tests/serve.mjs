// @ts-check
/**
 * A static file server on 127.0.0.1 that behaves like an ordinary host: right types, no special headers. `build.sh serve`
 * uses it as it is; browser tests and the bench mount further folders and let it misbehave.
 */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

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
 * How one answer goes wrong. Fields combine; an empty object is the ordinary answer.
 * @typedef {object} Fault
 * @property {number} [status]     answer with this status
 * @property {string} [type]       claim this content type
 * @property {string | Uint8Array} [body]  send this and not the file
 * @property {number} [flip]       flip the bits of the byte at this offset
 * @property {number} [truncate]   send only so many bytes
 * @property {boolean} [honest]    a truncated body is announced with its true, short length, as a half uploaded file
 *                                 is; without it the connection breaks
 * @property {number} [delay]      wait so many milliseconds first
 * @property {{bytes: number, milliseconds: number}} [drip]  send this many bytes, wait this long, and so on
 * @property {boolean} [reset]     close the connection without an answer
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
 * @param {string | undefined} header
 * @param {number} size
 * @returns {{from: number, to: number} | null} the first and last byte; null for the whole file
 */
function parseRange(header, size) {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) return null;
  return { from: Number(match[1]), to: match[2] ? Math.min(Number(match[2]), size - 1) : size - 1 };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {Uint8Array} body
 * @param {Fault} fault
 */
async function sendFaulty(response, body, fault) {
  const cut = fault.truncate === undefined ? body : body.subarray(0, fault.truncate);
  response.setHeader('content-length', fault.honest ? cut.length : body.length);
  response.flushHeaders();
  const piece = fault.drip?.bytes ?? cut.length;
  for (let at = 0; at < cut.length && !response.destroyed; at += piece) {
    response.write(cut.subarray(at, at + piece));
    if (fault.drip) await sleep(fault.drip.milliseconds);
  }
  if (cut.length < body.length && !fault.honest) response.destroy();
  else response.end();
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
    if (fault.delay) await sleep(fault.delay);
    if (fault.reset) {
      request.socket.destroy();
      return;
    }

    response.setHeader('cache-control', cacheControl);
    if (isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    if (cors) response.setHeader('access-control-allow-origin', '*');
    /** @param {number} status @param {string} text */
    const refuse = (status, text) => {
      response.writeHead(fault.status ?? status, { 'content-type': fault.type ?? 'text/html; charset=utf-8' });
      response.end(fault.body ?? `<!doctype html><title>${text}</title><h1>${status} ${text}</h1>\n`);
    };

    if (asked.method !== 'GET' && asked.method !== 'HEAD') return refuse(405, 'method not allowed');
    let file = await locate(table, asked.path);
    if (file?.folder && !asked.path.endsWith('/')) {
      response.writeHead(301, { location: `${asked.path}/${url.search}` });
      return response.end();
    }
    if (file?.folder) file = await fileAt(join(file.path, 'index.html'));
    if (fault.status && fault.body === undefined) return refuse(fault.status, 'as the test wants it');
    if (!file && fault.body === undefined) return refuse(404, 'not found');

    const type = fault.type ?? types[extname(file?.path ?? asked.path)] ?? 'application/octet-stream';
    response.setHeader('content-type', type);
    response.statusCode = fault.status ?? 200;
    if (Object.keys(fault).length > 0) {
      let body = Buffer.from(fault.body ?? (await readFile(/** @type {{path: string}} */ (file).path)));
      if (fault.flip !== undefined) {
        body = Buffer.from(body);
        body[fault.flip] ^= 0xff;
      }
      return sendFaulty(response, body, fault);
    }

    const { path, size } = /** @type {{path: string, size: number}} */ (file);
    response.setHeader('accept-ranges', 'bytes');
    const range = parseRange(request.headers.range, size);
    if (range && range.from > range.to) {
      response.setHeader('content-range', `bytes */${size}`);
      return refuse(416, 'range not satisfiable');
    }
    if (range) {
      response.statusCode = 206;
      response.setHeader('content-range', `bytes ${range.from}-${range.to}/${size}`);
    }
    response.setHeader('content-length', range ? range.to - range.from + 1 : size);
    if (asked.method === 'HEAD') return response.end();
    // The default pieces of 64 KiB make loopback the bottleneck when the bench loads half a gigabyte.
    const stream = createReadStream(path, {
      highWaterMark: 1 << 20,
      ...(range ? { start: range.from, end: range.to } : {}),
    });
    stream.on('error', () => response.destroy());
    response.on('close', () => stream.destroy());
    stream.pipe(response);
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
