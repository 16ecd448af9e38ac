// @ts-check
/** Fetches a model's folder and passes it to the engine's loader as it arrives. */

import { codes, EngineError } from '../shared/protocol.js';

/** @typedef {import('../shared/protocol.js').LoadProgress} LoadProgress */
/** @typedef {import('./wasm.js').Package} Package */
/** @typedef {{name: string, size: number | null, isTokenizer: boolean}} File */

/** Progress is reported at most this often, in milliseconds. */
const PROGRESS_INTERVAL = 50;

/**
 * @param {Package} wasm
 * @param {string} base   the folder's URL, ending in a slash
 * @param {AbortSignal} signal
 * @param {'default' | 'reload'} cache   `reload` after a failure: what the browser keeps may be the damaged file
 * @param {(progress: LoadProgress) => void} report
 */
export async function loadModel(wasm, base, signal, cache, report) {
  report({ step: 'manifest', loaded: 0, total: 0 });
  const loader = (await shardedFolder(wasm, base, signal)) ?? (await hubFolder(wasm, base, signal));
  try {
    const files = /** @type {File[]} */ (loader.files());
    const known = files.every((file) => file.size !== null);
    let total = known ? files.reduce((sum, file) => sum + (file.size ?? 0), 0) : 0;
    let before = 0;
    const hashes = new ShardHashes(loader, files);
    for (const file of files) {
      const step = file.isTokenizer ? 'tokenizer' : 'weights';
      // Only the names of shards change with their content; the browser may keep those without asking.
      const isShard = known && !file.isTokenizer;
      const hashed = isShard && hashes.possible;
      loader.begin(file.name, hashed);
      const mode = cache === 'default' && !isShard ? 'no-cache' : cache;
      const response = await request(new URL(file.name, base), signal, { cache: mode });
      if (!known && !file.isTokenizer) total = before + announcedLength(response);
      let reported = 0;
      before += await stream(response, file.name, signal, (bytes, loaded) => {
        loader.push(bytes);
        if (hashed) hashes.push(bytes, loaded);
        if (performance.now() - reported < PROGRESS_INTERVAL) return;
        reported = performance.now();
        report({ step, loaded: before + loaded, total: Math.max(total, before + loaded) });
      });
      loader.end();
      if (hashed) await hashes.end(file.name);
      report({ step, loaded: before, total: Math.max(total, before) });
    }
    report({ step: 'check', loaded: before, total: before });
    await hashes.verify();
  } catch (error) {
    // After a trap the module can't even free anything.
    if (!(error instanceof WebAssembly.RuntimeError)) loader.free();
    throw error;
  }
  return loader.finish();
}

/**
 * Has the browser hash shards, which it does several times as fast as WebAssembly and while the next shard comes. It takes
 * nothing but whole files, so one is collected.
 */
class ShardHashes {
  /** Browsers offer it only over https and from the visitor's own machine; elsewhere the engine hashes. */
  possible = globalThis.crypto?.subtle !== undefined;
  #loader;
  #shard;
  #length = 0;
  /** @type {{name: string, digest: Promise<ArrayBuffer>} | null} */
  #unverified = null;

  /**
   * @param {ReturnType<Package['ModelLoader']['fromManifest']>} loader
   * @param {File[]} files
   */
  constructor(loader, files) {
    const sizes = files.filter(({ isTokenizer }) => !isTokenizer).map(({ size }) => size ?? 0);
    this.#loader = loader;
    this.#shard = new Uint8Array(this.possible ? Math.max(0, ...sizes) : 0);
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} end   the length of the shard up to here, at most the one announced, or the loader had refused it
   */
  push(bytes, end) {
    this.#shard.set(bytes, end - bytes.byteLength);
    this.#length = end;
  }

  /** @param {string} name */
  async end(name) {
    await this.verify();
    // The browser works on a copy of its own, so the next shard may overwrite this one.
    const digest = crypto.subtle.digest('SHA-256', this.#shard.subarray(0, this.#length));
    // It is waited for later, or never if something else fails first.
    digest.catch(() => {});
    this.#unverified = { name, digest };
  }

  /** Waits for the hash of the last shard. */
  async verify() {
    if (!this.#unverified) return;
    const { name, digest } = this.#unverified;
    this.#unverified = null;
    this.#loader.verify(name, new Uint8Array(await digest));
  }
}

/**
 * A folder with a manifest, or nothing if it has none.
 * @param {Package} wasm
 * @param {string} base
 * @param {AbortSignal} signal
 */
async function shardedFolder(wasm, base, signal) {
  const response = await request(new URL('manifest.json', base), signal, { mayBeMissing: true });
  return response && wasm.ModelLoader.fromManifest(await body(response, 'manifest.json', signal));
}

/**
 * A folder in the hub's layout.
 * @param {Package} wasm
 * @param {string} base
 * @param {AbortSignal} signal
 */
async function hubFolder(wasm, base, signal) {
  const config = await body(await request(new URL('config.json', base), signal), 'config.json', signal);
  const tokenizer = await request(new URL('tokenizer.json', base), signal, { mayBeMissing: true });
  await tokenizer?.body?.cancel();
  const name = decodeURIComponent(new URL(base).pathname.split('/').at(-2) ?? '');
  return wasm.ModelLoader.fromHub(config, name, tokenizer !== null);
}

/**
 * @overload
 * @param {URL} url
 * @param {AbortSignal} signal
 * @param {{mayBeMissing: true, cache?: RequestCache}} options
 * @returns {Promise<Response | null>}
 */
/**
 * @overload
 * @param {URL} url
 * @param {AbortSignal} signal
 * @param {{cache?: RequestCache}} [options]
 * @returns {Promise<Response>}
 */
/**
 * @param {URL} url
 * @param {AbortSignal} signal
 * @param {{mayBeMissing?: boolean, cache?: RequestCache}} [options]   `no-cache` asks the server whether the file changed
 * @returns {Promise<Response | null>}
 */
async function request(url, signal, { mayBeMissing = false, cache = 'no-cache' } = {}) {
  const name = url.pathname.split('/').at(-1);
  const response = await fetch(url, { signal, cache, credentials: 'omit', referrerPolicy: 'no-referrer' }).catch(
    (error) => {
      throw signal.aborted ? error : new EngineError(codes.offline, `${name} could not be fetched`);
    },
  );
  if (mayBeMissing && response.status === 404) return null;
  if (!response.ok) throw new EngineError(codes.http, `the server answered ${response.status} for ${name}`);
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw new EngineError(codes.html, `the server sent a web page in place of ${name}`);
  }
  return response;
}

/** Bytes that are taken from a response at a time. */
const PART = 1 << 18;

/**
 * Reads a body part by part into one buffer, where the browser can do that: parts of its own making would pile up by the
 * hundred megabytes before it collects them.
 * @param {Response} response
 * @returns {{read: () => Promise<Uint8Array | null>, cancel: () => Promise<void>}}   a part is valid until the next
 */
function partsOf(response) {
  const stream = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body);
  /** @type {ReadableStreamBYOBReader} */
  let reader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    const plain = stream.getReader();
    return { read: async () => (await plain.read()).value ?? null, cancel: () => plain.cancel() };
  }
  let buffer = new ArrayBuffer(PART);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done || !value) return null;
      buffer = value.buffer;
      return value;
    },
    cancel: () => reader.cancel(),
  };
}

/**
 * Calls `take(bytes, loaded)` with each part of a body, which keeps its content only until it returns; tells the length.
 * @param {Response} response
 * @param {string} name
 * @param {AbortSignal} signal
 * @param {(bytes: Uint8Array, loaded: number) => void} take
 */
async function stream(response, name, signal, take) {
  const parts = partsOf(response);
  let loaded = 0;
  try {
    for (;;) {
      const bytes = await parts.read().catch((error) => {
        throw signal.aborted
          ? error
          : new EngineError(codes.offline, `the connection broke after ${loaded} bytes of ${name}`);
      });
      if (!bytes) return loaded;
      loaded += bytes.byteLength;
      take(bytes, loaded);
    }
  } catch (error) {
    await parts.cancel().catch(() => {});
    throw error;
  }
}

/**
 * @param {Response} response
 * @param {string} name
 * @param {AbortSignal} signal
 */
async function body(response, name, signal) {
  /** @type {Uint8Array[]} */
  const parts = [];
  const length = await stream(response, name, signal, (bytes) => parts.push(bytes.slice()));
  const whole = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.byteLength;
  }
  return whole;
}

/**
 * The body's length as far as the server tells; of a compressed body it tells another length.
 * @param {Response} response
 */
function announcedLength(response) {
  if (response.headers.has('content-encoding')) return 0;
  return Number(response.headers.get('content-length') ?? 0);
}
