// @ts-check
/** From a source to an engine: what is kept comes first, then the place that has the rest. */

import { codes, EngineError } from '../../shared/protocol.js';
import { sha256 } from '../hash/sha256.js';
import { keyOf, Shelf } from '../store/shelf.js';
import { openStore } from '../store/store.js';
import { inTurn } from '../store/turn.js';
import { loadCheckpoint } from './checkpoint.js';
import { loadFolder, manifestOf } from './folder.js';
import { hubRepository, lookUp } from './hub.js';
import { bringShards, hashesOf, putTokenizer } from './shards.js';
import { diskFolder, hostFolder, TOKENIZER } from './source.js';

/**
 * @typedef {import('../wasm.js').Package} Package
 * @typedef {import('./source.js').Context} Context
 * @typedef {import('../../shared/models.js').ModelSource} ModelSource
 * @typedef {import('../../shared/models.js').Keeping} Keeping
 * @typedef {import('../../shared/models.js').LoadProgress} LoadProgress
 * @typedef {ReturnType<Package['ModelLoader']['fromHub']>} Loader
 */

const WEIGHTS = 'model.safetensors';
/** Progress is reported at most this often, in milliseconds. */
const PROGRESS_INTERVAL = 100;

/**
 * @param {Promise<Package>} starting   what does not need it is done meanwhile
 * @param {ModelSource} source
 * @param {{signal: AbortSignal, afresh: boolean, report: (progress: LoadProgress) => void}} options
 */
export async function loadModel(starting, source, options) {
  const context = { ...options, report: reporter(options.report) };
  const { loader, keeping } = await loaded(starting, source, context);
  return { engine: loader.finish(), keeping };
}

/**
 * Keeps what was last reported, and passes it on now and then.
 * @param {(progress: LoadProgress) => void} send
 * @returns {Context['report']}
 */
function reporter(send) {
  /** @type {LoadProgress} */
  const progress = { step: 'manifest', loaded: 0, total: 0, resumed: 0, local: false, waiting: null };
  let sent = Number.NEGATIVE_INFINITY;
  return (change) => {
    const isNews = change.waiting !== undefined ? change.waiting !== progress.waiting : change.step !== progress.step;
    Object.assign(progress, change);
    if (!isNews && performance.now() - sent < PROGRESS_INTERVAL && progress.loaded < progress.total) return;
    sent = performance.now();
    send({ ...progress });
  };
}

/**
 * @param {Promise<Package>} starting
 * @param {ModelSource} source
 * @param {Context} context
 * @returns {Promise<{loader: Loader, keeping: Keeping}>}
 */
async function loaded(starting, source, context) {
  if (source.type === 'folder') {
    const place = hostFolder(source.base, context);
    const [wasm, manifest] = await Promise.all([starting, manifestOf(place)]);
    /** @type {Keeping} */
    const keeping = { where: 'host', key: '', failure: null, fromHere: false, verified: manifest ? 'parts' : 'none' };
    if (manifest) return { loader: await loadFolder(wasm, place, manifest, context), keeping };
    const name = decodeURIComponent(new URL(source.base).pathname.split('/').at(-2) ?? '');
    const nothing = { name, weights: WEIGHTS, repository: '', revision: '', licence: '', pinned: false, files: [] };
    return { loader: (await loadCheckpoint(wasm, { place, ...nothing }, null, context)).loader, keeping };
  }
  const [wasm] = await Promise.all([starting, openStore()]);
  switch (source.type) {
    case 'hub': {
      const { model } = source;
      const described = async () => {
        if (model.files.length > 0) return { ...model, weights: WEIGHTS, place: hubRepository(model, context) };
        const found = await lookUp(model.repository, context.signal, model.revision);
        return { ...found, name: model.name, weights: WEIGHTS, place: hubRepository(found, context) };
      };
      const load = async (/** @type {Shelf | null} */ shelf) => loadCheckpoint(wasm, await described(), shelf, context);
      return keptOrNew(wasm, load, await hubKey(model), context);
    }
    case 'files':
      return fromDisk(wasm, source.files, context);
    case 'kept': {
      const store = await openStore();
      const shelf = store && new Shelf(store, source.key);
      await shelf?.look();
      const found = shelf && (await fromShelf(wasm, shelf, context));
      if (!found) throw new EngineError(codes.notKept, 'it could not be taken from what was kept');
      return found;
    }
  }
}

/** @param {import('../../shared/models.js').HubModel} model */
async function hubKey({ repository, revision }) {
  return (await openStore()) ? keyOf('hub', repository, revision) : '';
}

/**
 * @param {Package} wasm
 * @param {File[]} files
 * @param {Context} context
 */
async function fromDisk(wasm, files, context) {
  const place = diskFolder(files, context.signal);
  const manifest = await manifestOf(place);
  if (manifest) {
    const key = (await openStore()) ? await keyOf('folder', await sha256(manifest)) : '';
    const load = async (/** @type {Shelf | null} */ shelf) => ({
      loader: await loadFolder(wasm, place, manifest, context, shelf),
      verified: /** @type {const} */ ('parts'),
    });
    return keptOrNew(wasm, load, key, context);
  }
  const file = weightsAmong(files);
  const folder = file.webkitRelativePath.split('/').at(-2);
  const name = folder || file.name.replace(/\.(gguf|safetensors)$/, '');
  const weights = file.name.endsWith('.gguf') ? file.name : WEIGHTS;
  const renamed = weights === file.name ? file : new File([file], weights, { lastModified: file.lastModified });
  const used = diskFolder([...files.filter((other) => other !== file), renamed], context.signal);
  const described = { name, weights, repository: '', revision: '', licence: '', pinned: false, files: [] };
  const stamp = files.map(({ name, size, lastModified }) => `${name} ${size} ${lastModified}`).sort();
  const key = (await openStore()) ? await keyOf('disk', ...stamp) : '';
  const load = (/** @type {Shelf | null} */ shelf) =>
    loadCheckpoint(wasm, { place: used, ...described }, shelf, context);
  return keptOrNew(wasm, load, key, context);
}

/**
 * The file that holds the weights.
 * @param {File[]} files
 */
function weightsAmong(files) {
  const safetensors = files.filter(({ name }) => name.endsWith('.safetensors'));
  const found =
    files.find(({ name }) => name === WEIGHTS) ??
    (safetensors.length === 1 ? safetensors[0] : undefined) ??
    files.find(({ name }) => name.endsWith('.gguf'));
  if (found) return found;
  if (safetensors.length > 1) {
    throw new EngineError(codes.missing, `none of the ${safetensors.length} safetensors files is ${WEIGHTS}`);
  }
  // Whatever else it is, its first bytes may tell.
  const largest = files.toSorted((a, b) => b.size - a.size)[0];
  if (!largest) throw new EngineError(codes.missing, 'there is no file');
  return new File([largest], `${largest.name}.gguf`, { lastModified: largest.lastModified });
}

/**
 * From what is kept if that is whole, otherwise with what it lacks from its place.
 * @param {Package} wasm
 * @param {(shelf: Shelf | null) => Promise<{loader: Loader, verified: Keeping['verified']}>} load   the rest, which it keeps
 * @param {string} key
 * @param {Context} context
 * @returns {Promise<{loader: Loader, keeping: Keeping}>}
 */
async function keptOrNew(wasm, load, key, context) {
  const store = await openStore();
  if (!store) {
    const { loader, verified } = await load(null);
    const failure = { code: codes.storage, message: 'this browser gives the page no storage' };
    return { loader, keeping: { where: 'memory', key: '', failure, fromHere: false, verified } };
  }
  const shelf = new Shelf(store, key);
  const waiting = /** @type {const} */ ({ reason: 'other-tab', message: 'another tab is fetching it', until: null });
  const isWaiting = (/** @type {boolean} */ is) => context.report({ waiting: is ? waiting : null });
  return inTurn(key, context.signal, isWaiting, async () => {
    await shelf.look();
    const kept = await fromShelf(wasm, shelf, context);
    if (kept) return kept;
    const { loader, verified } = await load(shelf);
    const failure = shelf.failure && { code: shelf.failure.code, message: shelf.failure.message };
    const where = failure ? 'memory' : shelf.kind;
    return { loader, keeping: { where, key: failure ? '' : key, failure, fromHere: false, verified } };
  });
}

/**
 * From what is kept, or null if that is not whole. What is found damaged is dropped, so that it will be fetched.
 * @param {Package} wasm
 * @param {Shelf} shelf
 * @param {Context} context
 * @returns {Promise<{loader: Loader, keeping: Keeping} | null>}
 */
async function fromShelf(wasm, shelf, { signal, report }) {
  const record = await shelf.record();
  const manifest = record?.complete ? await shelf.get('manifest.json') : null;
  if (!record || !manifest) return null;
  report({ step: 'weights', local: true });
  const loader = wasm.ModelLoader.fromManifest(manifest);
  /** @type {ReturnType<typeof bringShards> | undefined} */
  let shards;
  try {
    const hashes = hashesOf(manifest);
    const files = /** @type {{name: string, size: number, isTokenizer: boolean}[]} */ (loader.files());
    const total = files.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    const byHash = new Map(shelf.entries('shard-').map((entry) => [entry.sha256, entry]));
    const tokenizer = files.filter(({ isTokenizer }) => isTokenizer);
    // Asked for before the shards, because it goes in first and takes long; the first shards come meanwhile.
    const reading = Promise.all(tokenizer.map(({ name }) => shelf.get(name)));
    shards = bringShards(
      loader,
      hashes,
      async ({ name, size }, buffer, afresh) => {
        const entry = byHash.get(hashes.get(name) ?? '');
        const bytes = entry && !afresh ? await shelf.read(entry, buffer) : null;
        if (bytes?.byteLength !== size) {
          if (entry) await shelf.drop(entry.label);
          throw new Damage();
        }
        done += size;
        report({ step: 'weights', loaded: done, total, resumed: done, local: true });
        return bytes;
      },
      signal,
    );
    const contents = await reading;
    for (const [index, { name }] of tokenizer.entries()) {
      const bytes = contents[index];
      if (!bytes || bytes.byteLength > TOKENIZER) throw new Damage();
      await putTokenizer(loader, name, bytes, hashes);
      done += bytes.byteLength;
    }
    await shards.putIn();
    const { verified } = record;
    return { loader, keeping: { where: shelf.kind, key: shelf.key, failure: null, fromHere: true, verified } };
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) loader.free();
    if (!(error instanceof Damage)) throw error;
    await shelf.write({ ...record, complete: false });
    return null;
  } finally {
    shards?.end();
  }
}

/** What is kept is not what it was. */
class Damage extends Error {}
