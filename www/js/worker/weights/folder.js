// @ts-check
/** A folder of quantised shards, on a host or on disk. */

import { bringShards, hashesOf, putTokenizer } from './shards.js';
import { SMALL, TOKENIZER } from './source.js';

/**
 * @typedef {import('../wasm.js').Package} Package
 * @typedef {import('./source.js').Place} Place
 * @typedef {import('./source.js').Context} Context
 * @typedef {import('../store/shelf.js').Shelf} Shelf
 */

/**
 * @param {Package} wasm
 * @param {Place} place
 * @param {Uint8Array} manifest
 * @param {Context} context
 * @param {Shelf | null} [shelf]   to keep it on
 */
export async function loadFolder(wasm, place, manifest, { signal, report }, shelf = null) {
  const loader = wasm.ModelLoader.fromManifest(manifest);
  const hashes = hashesOf(manifest);
  const { name, licence } = JSON.parse(new TextDecoder().decode(manifest));
  const record = { name, repository: '', revision: '', licence, verified: /** @type {const} */ ('parts') };
  const files = /** @type {{name: string, size: number, isTokenizer: boolean}[]} */ (loader.files());
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let loaded = 0;
  /** @type {import('../../shared/models.js').LoadProgress['step']} */
  let step = 'tokenizer';
  const bring = async (/** @type {typeof files[number]} */ { name, size }) => {
    const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (await place.open(name, { size }).all({ limit: TOKENIZER }));
    loaded += bytes.byteLength;
    return bytes;
  };
  const tokenizer = files
    .filter(({ isTokenizer }) => isTokenizer)
    .map((file) => {
      const coming = bring(file);
      // Whoever waits for it in its turn sees the error.
      coming.catch(() => {});
      return { file, coming };
    });
  const tell = () => report({ step, loaded: Math.min(loaded, total), total, local: place.local });
  // The first shards come while the tokenizer is read.
  const shards = bringShards(
    loader,
    hashes,
    async ({ name, size }, buffer, afresh) => {
      // One byte more than announced shows that the file is longer.
      await place.open(name, { size, lasting: true, afresh }).read(0, size, (bytes, at) => {
        buffer.set(bytes, at);
        loaded += bytes.byteLength;
        tell();
      });
      return buffer.subarray(0, size);
    },
    signal,
  );
  tell();
  try {
    for (const { file, coming } of tokenizer) await putTokenizer(loader, file.name, await coming, hashes);
    // What does not fit leaves nothing on the shelf.
    loader.makeRoom();
    await shelf?.write({ ...record, complete: false });
    for (const { file, coming } of tokenizer) await shelf?.put(file.name, await coming, hashes.get(file.name));
    step = 'weights';
    tell();
    await shards.putIn(async (bytes, index, hash) => shelf?.put(`shard-${index}`, bytes, hash));
    report({ step: 'check', loaded: total, total });
    await shelf?.put('manifest.json', manifest);
    await shelf?.write({ ...record, complete: true });
    return loader;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) loader.free();
    throw error;
  } finally {
    shards.end();
  }
}

/**
 * The manifest, if the folder has one.
 * @param {Place} place
 */
export async function manifestOf(place) {
  return place.open('manifest.json').all({ limit: SMALL, mayBeMissing: true });
}
