// @ts-check
/**
 * A checkpoint in the hub's layout, or a GGUF file, from wherever it lies: its bytes are asked for run by run, quantised as they come, and
 * kept shard by shard, so that what has come once need not come again.
 */

import { codes, EngineError } from '../../shared/protocol.js';
import { canHash, sha256 } from '../hash/sha256.js';
import { Masks } from './masks.js';
import { SMALL, TOKENIZER } from './source.js';

/**
 * @typedef {import('../wasm.js').Package} Package
 * @typedef {import('./source.js').Place} Place
 * @typedef {import('./source.js').Source} Source
 * @typedef {import('./source.js').Context} Context
 * @typedef {import('../store/shelf.js').Shelf} Shelf
 * @typedef {ReturnType<Package['ModelLoader']['fromHub']>} Loader
 *
 * @typedef {object} Checkpoint
 * @property {Place} place
 * @property {string} name
 * @property {string} repository
 * @property {string} revision
 * @property {string} licence
 * @property {boolean} pinned
 * @property {string} weights   the file's name; a GGUF file holds everything else as well
 * @property {{name: string, size: number | null, sha256: string | null}[]} files   what is known of them beforehand
 */

/**
 * @param {Package} wasm
 * @param {Checkpoint} checkpoint
 * @param {Shelf | null} shelf
 * @param {Context} context
 * @returns {Promise<{loader: Loader, verified: import('../../shared/models.js').Keeping['verified']}>}
 */
export async function loadCheckpoint(wasm, checkpoint, shelf, context) {
  const { place, name, repository, revision, licence, pinned, weights, files } = checkpoint;
  const { report } = context;
  const local = place.local;
  const record = { name, repository, revision, licence };

  report({ step: 'manifest', loaded: 0, total: 0, resumed: 0, local });
  // First, so that whatever is kept has a name.
  await shelf?.write({ ...record, verified: 'none', complete: false });
  const loader = weights.endsWith('.gguf')
    ? wasm.ModelLoader.fromGguf(weights, name)
    : await hubLoader(wasm, checkpoint, shelf, context);
  try {
    loader.setSource(repository, revision, licence);
    const { size = null, sha256: hash = null } = files.find(({ name }) => name === weights) ?? {};
    if (size !== null || hash !== null) loader.expect(weights, size ?? undefined, hash ?? undefined);
    loader.begin(weights, false);
    const source = place.open(weights, { size });
    const headerEnd = await readHeader(loader, source, shelf);
    const resumed = await restore(loader, shelf, context.signal);
    const hashed = hash === null ? 0 : await restoreHash(loader, shelf);
    const verify = hash !== null && (resumed === 0 || hashed > 0);
    await readWeights(loader, source, shelf, { context, local, resumed, verify, start: Math.max(headerEnd, hashed) });
    loader.end();
    report({ step: 'check', waiting: null });

    const verified = loader.isVerified ? (pinned ? 'pinned' : 'stated') : hash ? 'parts' : 'none';
    const manifest = shelf && !shelf.failure ? loader.manifest() : undefined;
    if (shelf && manifest) {
      await shelf.put('manifest.json', manifest);
      await shelf.write({ ...record, verified, complete: true });
      // Last: until the record says that the model is whole, another visit has to go on with the hash.
      for (const { label } of keptHashes(shelf)) await shelf.drop(label);
    }
    return { loader, verified };
  } catch (error) {
    // After a trap the module can't even free anything.
    if (!(error instanceof WebAssembly.RuntimeError)) loader.free();
    if (isAboutContent(error)) await shelf?.clear();
    throw error;
  }
}

/**
 * A loader that has read configuration and tokenizer.
 * @param {Package} wasm
 * @param {Checkpoint} checkpoint
 * @param {Shelf | null} shelf
 * @param {Context} context
 * @returns {Promise<Loader>}
 */
async function hubLoader(wasm, checkpoint, shelf, { report }) {
  const { name, files } = checkpoint;
  const config = /** @type {Uint8Array} */ (await small(checkpoint, shelf, 'config.json', SMALL, false));
  const mayHave = files.length === 0 || files.some(({ name }) => name === 'tokenizer.json');
  const json = mayHave ? await small(checkpoint, shelf, 'tokenizer.json', TOKENIZER) : null;
  const loader = wasm.ModelLoader.fromHub(config, name, json !== null);
  try {
    report({ step: 'tokenizer' });
    for (const file of json ? ['tokenizer.json'] : ['vocab.json', 'merges.txt']) {
      const bytes = json ?? (await small(checkpoint, shelf, file, TOKENIZER, false));
      loader.begin(file, false);
      loader.push(/** @type {Uint8Array} */ (bytes));
      loader.end();
    }
    return loader;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) loader.free();
    throw error;
  }
}

/**
 * Whether the bytes that came were wrong, so that none of them may be kept; otherwise only more of them did not come.
 * @param {any} error
 */
function isAboutContent(error) {
  if (error instanceof WebAssembly.RuntimeError || error?.code === codes.memory) return false;
  if (error instanceof EngineError) return error.code === codes.changed || error.code === codes.html;
  return typeof error?.code === 'string';
}

/**
 * A small file: the kept one, or the place's, which is then kept.
 * @param {Checkpoint} checkpoint
 * @param {Shelf | null} shelf
 * @param {string} file
 * @param {number} limit
 * @param {boolean} [mayBeMissing]
 */
async function small({ place, files }, shelf, file, limit, mayBeMissing = true) {
  const kept = await shelf?.get(file);
  if (kept) return kept;
  const { size = null, sha256: hash = null } = files.find(({ name }) => name === file) ?? {};
  const bytes = await place.open(file, { size }).all({ limit, mayBeMissing });
  if (bytes && hash !== null && canHash && (await sha256(bytes)) !== hash) {
    throw new EngineError(codes.hash, `${file} does not have the SHA-256 that was expected`);
  }
  if (bytes) await shelf?.put(file, bytes);
  return bytes;
}

/**
 * Reads up to the header's end; tells where that is.
 * @param {Loader} loader
 * @param {Source} source
 * @param {Shelf | null} shelf
 */
async function readHeader(loader, source, shelf) {
  const kept = await shelf?.get('header');
  if (kept) loader.pushAt(0, kept);
  /** @type {Uint8Array[]} */
  const parts = [];
  while (!loader.plan()) {
    const { start, end } = loader.wanted();
    // Before it is known how long the header is, more is asked for than a small file may have.
    const stop = Math.min(end, source.size ?? end);
    if (stop <= start) {
      loader.end();
      throw new EngineError(codes.wrongSize, `the file ends after ${start} bytes, within its header`);
    }
    await source.read(start, stop, (bytes, at) => {
      if (loader.plan()) return;
      const taken = loader.pushAt(at, bytes);
      parts.push(bytes.slice(0, taken));
    });
  }
  if (kept) return kept.byteLength;
  const header = new Uint8Array(await new Blob(/** @type {BlobPart[]} */ (parts)).arrayBuffer());
  await shelf?.put('header', header);
  return header.byteLength;
}

/**
 * Takes kept shards back; tells how many bytes of the file they stand for.
 * @param {Loader} loader
 * @param {Shelf | null} shelf
 * @param {AbortSignal} signal
 */
async function restore(loader, shelf, signal) {
  if (!shelf) return 0;
  const before = loader.remaining() ?? 0;
  const plan = loader.plan();
  for (const entry of shelf.entries('shard-')) {
    signal.throwIfAborted();
    const { label, sha256 } = entry;
    const [, id, index] = label.split('-');
    // Another version of this program may have cut the file elsewhere.
    const bytes = id === planId(plan) ? await shelf.read(entry, entry.size) : null;
    try {
      if (!bytes) throw new EngineError('missing', label);
      loader.restore(Number(index), shardName(Number(index), sha256), sha256, bytes);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
      await shelf.drop(label);
    }
  }
  return before - (loader.remaining() ?? 0);
}

/**
 * Goes on with the hash of the file where an earlier visit was interrupted; tells how many bytes it stands for.
 * @param {Loader} loader
 * @param {Shelf | null} shelf
 */
async function restoreHash(loader, shelf) {
  for (const { label } of keptHashes(shelf)) {
    const saved = await shelf?.get(label);
    const hashed = saved && loader.restoreHash(saved);
    if (hashed) return hashed;
  }
  return 0;
}

/**
 * @param {Loader} loader
 * @param {Shelf | null} shelf
 */
async function keepHash(loader, shelf) {
  const saved = loader.saveHash();
  if (!shelf || !saved) return;
  const [newest, ...older] = keptHashes(shelf);
  if (newest?.sha256 === (await sha256(saved))) return;
  const number = Number(newest?.label.split('-')[1] ?? 0) + 1;
  await shelf.put(`hash-${String(number).padStart(6, '0')}`, saved);
  // The one before stays: until this piece's shards are there as well, that is the one to go on with.
  for (const { label } of older) await shelf.drop(label);
}

/** The newest first. @param {Shelf | null} shelf */
const keptHashes = (shelf) => (shelf?.entries('hash-') ?? []).sort((a, b) => (a.label < b.label ? 1 : -1));

/** @param {{id: string}} plan */
const planId = ({ id }) => id.replaceAll(/[^0-9a-zA-Z]/g, '').slice(0, 16);

/** @param {number} index @param {string} sha256 */
const shardName = (index, sha256) => `weights-${String(index).padStart(3, '0')}-${sha256.slice(0, 8)}.safetensors`;

/**
 * Reads all that is still wanted.
 * @param {Loader} loader
 * @param {Source} source
 * @param {Shelf | null} shelf
 * @param {{context: Context, local: boolean, resumed: number, verify: boolean, start: number}} options
 *   `verify`: the file's hash is known and can be computed, so nothing may be left out from `start` on
 */
async function readWeights(loader, source, shelf, { context, local, resumed, verify, start }) {
  const { signal, report } = context;
  const plan = loader.plan();
  const masks = verify ? new Masks(source) : null;
  let position = start;
  const total = resumed + (loader.remaining() ?? 0);
  const tell = () =>
    report({ step: 'weights', loaded: total - (loader.remaining() ?? 0), total, resumed, local, waiting: null });
  tell();

  const keep = async () => {
    for (let output = loader.takeOutput(); output; output = loader.takeOutput()) {
      const { index, file, sha256, bytes } = output;
      output.free();
      if (index === undefined) {
        await shelf?.put(file, bytes, sha256);
        continue;
      }
      // First, so that it never stands for less than the shards do.
      if (verify) await keepHash(loader, shelf);
      await shelf?.put(`shard-${planId(plan)}-${index}`, bytes, sha256);
    }
  };
  /** @param {Uint8Array} bytes @param {number} at */
  const take = async (bytes, at) => {
    signal.throwIfAborted();
    for (let taken = 0; taken < bytes.byteLength; ) taken += loader.pushAt(at + taken, bytes.subarray(taken));
    position = Math.max(position, at + bytes.byteLength);
    tell();
    await keep();
  };

  for (let run = loader.wanted(); run; run = loader.wanted()) {
    if (!source.whole) await masks?.fill(position, run.start, take);
    const [from, to] = source.whole ? [Math.min(position, run.start), plan.size] : [run.start, run.end];
    await source.read(from, to, take);
  }
  await masks?.fill(position, plan.size, take);
}
