// @ts-check
/**
 * The files of a folder of quantised shards, from a host, a disk or what was kept, to the engine. Several shards at a time are on
 * their way or being hashed, and each goes into the engine whole, in order, and only if its hash is right.
 */

import { codes, EngineError } from '../../shared/protocol.js';
import { Hasher } from '../hash/hasher.js';
import { canHash, digest, hex } from '../hash/sha256.js';
import { release } from '../release.js';

/**
 * @typedef {import('../wasm.js').Package} Package
 * @typedef {ReturnType<Package['ModelLoader']['fromManifest']>} Loader
 * @typedef {{name: string, size: number, isTokenizer: boolean}} ShardFile
 */

/** Shards that are in the page's memory at once: one that goes in, and those that come meanwhile. */
const AT_ONCE = 3;

/**
 * Bytes that go into the engine at a time: it copies them first, and a copy of a whole shard takes as long and more memory.
 */
const PUSHED = 1 << 18;

/**
 * SHA-256 of each file, in hexadecimal digits, by its name.
 * @param {Uint8Array} manifest   one that the engine has accepted
 * @returns {Map<string, string>}
 */
export function hashesOf(manifest) {
  const { tokenizer, shards } = JSON.parse(new TextDecoder().decode(manifest));
  return new Map([...tokenizer, ...shards].map(({ file, sha256 }) => [file, sha256]));
}

/**
 * Puts one file of the tokenizer into the engine. If its hash is wrong, the engine computes it again, and says so.
 * @param {Loader} loader
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Map<string, string>} hashes
 */
export async function putTokenizer(loader, name, bytes, hashes) {
  const hash = canHash ? await digest(bytes) : null;
  const right = hash && hex(hash) === hashes.get(name) ? hash : null;
  loader.begin(name, right !== null);
  loader.push(bytes);
  loader.end();
  if (right) loader.verify(name, right);
}

/**
 * Begins to bring all shards that the loader lists.
 * @param {Loader} loader
 * @param {Map<string, string>} hashes
 * @param {(file: ShardFile, buffer: Uint8Array<ArrayBuffer>, afresh: boolean) => Promise<Uint8Array<ArrayBuffer>>} fetch
 *   Brings the file's bytes, in the buffer if it likes. `afresh`: what it brought before was wrong.
 * @param {AbortSignal} signal
 * @returns {{
 *   putIn: (keep?: (bytes: Uint8Array<ArrayBuffer>, index: number, sha256?: string) => Promise<unknown>) => Promise<void>,
 *   end: () => void,
 * }} `putIn` puts them into the engine, and `keep` gets what was right; `end` is due whether they all came or not
 */
export function bringShards(loader, hashes, fetch, signal) {
  const files = /** @type {ShardFile[]} */ (loader.files()).filter(({ isTokenizer }) => !isTokenizer);
  const largest = Math.max(...files.map(({ size }) => size));
  const buffers = Array.from({ length: Math.min(AT_ONCE, files.length) }, () => new Uint8Array(largest));
  const hasher = new Hasher();
  /** @type {Promise<import('../hash/hasher.js').Hashed>[]} */
  const coming = [];
  const start = () => {
    const promise = bring(coming.length, false);
    // Whoever waits for it in its turn sees the error.
    promise.catch(() => {});
    coming.push(promise);
  };

  /** @param {number} index @param {boolean} afresh */
  async function bring(index, afresh) {
    const file = files[index];
    const place = index % buffers.length;
    const bytes = await fetch(file, buffers[place], afresh);
    signal.throwIfAborted();
    if (bytes.byteLength !== file.size) {
      throw new EngineError(codes.wrongSize, `${file.name} has ${bytes.byteLength} bytes and not ${file.size}`);
    }
    const hashed = await hasher.hash(bytes);
    // A buffer comes back from another thread as another object.
    if (buffers[place].byteLength === 0) buffers[place] = new Uint8Array(hashed.bytes.buffer);
    return hashed;
  }

  while (coming.length < buffers.length) start();
  return {
    async putIn(keep) {
      for (const [index, file] of files.entries()) {
        let { bytes, hash } = await coming[index];
        signal.throwIfAborted();
        if (hash && hex(hash) !== hashes.get(file.name)) ({ bytes, hash } = await bring(index, true));
        loader.begin(file.name, hash !== null);
        for (let at = 0; at < bytes.byteLength; at += PUSHED) loader.push(bytes.subarray(at, at + PUSHED));
        loader.end();
        if (hash) loader.verify(file.name, hash);
        await keep?.(bytes, index, hashes.get(file.name));
        const { buffer } = buffers[index % buffers.length];
        if (bytes.buffer !== buffer) release(bytes.buffer);
        if (coming.length < files.length) start();
        else release(buffer);
      }
    },
    end: () => hasher.end(),
  };
}
