// @ts-check
/** Finds the WebAssembly build that this browser runs best, and starts it, or the next one if it can't be. */

import { codes, EngineError } from '../shared/protocol.js';
import { probeFeatures } from './features.js';
import { startHelpers } from './helpers.js';
import { sharedMemory } from './memory.js';
import { release } from './release.js';
import { plan } from './variants.js';

/**
 * @typedef {import('../shared/protocol.js').Variant} Variant
 * @typedef {import('../shared/protocol.js').LeftOut} LeftOut
 * @typedef {import('./variants.js').Build} Build
 * @typedef {import('./variants.js').Wishes} Wishes
 * @typedef {typeof import('../../pkg/simd128/headlight.js')} Package   all builds offer the same
 *
 * @typedef {object} Started
 * @property {Package} pkg
 * @property {Variant} variant
 * @property {LeftOut[]} leftOut
 * @property {() => Promise<number>} threads   how many can compute, known when all helpers have come or been given up
 */

/** A build that can't be used here although the browser has what it needs. */
class Unusable extends Error {
  /**
   * @param {LeftOut['reason']} reason
   * @param {EngineError} error   what to tell if there is no other build
   */
  constructor(reason, error) {
    super(error.message);
    this.reason = reason;
    this.error = error;
  }
}

/** @type {Promise<Started> | undefined} */
let started;
/** @type {WebAssembly.Memory | undefined} */
let memory;

/** Memory that should still be had if a trap was not for the lack of it, in pages of 64 KiB. */
const SPARE_PAGES = 256;

/**
 * Whether a module that trapped had run out of memory. Only the weights and caches can say so themselves; other
 * allocations that fail end in a trap. The memory is of no use afterwards.
 */
export function ranOutOfMemory() {
  try {
    memory?.grow(SPARE_PAGES);
    return false;
  } catch {
    return true;
  }
}

/** Starts that failed. */
let failures = 0;

/** Whether it is too late for wishes. */
export function hasStarted() {
  return started !== undefined;
}

/**
 * Only the first call's arguments count.
 * @param {Wishes} wishes
 * @param {RequestCache} cache
 * @param {(message: string) => void} helperDied
 * @returns {Promise<Started>}
 */
export function startWasm(wishes, cache, helperDied) {
  // A failed start is forgotten, so that Retry tries again.
  started ??= start(wishes, cache, helperDied).catch((error) => {
    started = undefined;
    failures += 1;
    throw error;
  });
  return started;
}

/**
 * @param {Wishes} wishes
 * @param {RequestCache} cache
 * @param {(message: string) => void} helperDied
 * @returns {Promise<Started>}
 */
async function start(wishes, cache, helperDied) {
  if (typeof WebAssembly === 'undefined') {
    throw new EngineError(codes.unsupported, 'WebAssembly is switched off in this browser');
  }
  const features = await probeFeatures();
  if (!features.simd) throw new EngineError(codes.unsupported, 'this browser has no WebAssembly SIMD');
  const { order, leftOut, helpers } = plan(features, wishes);
  /** @type {EngineError | undefined} */
  let failure;
  let sharing = true;
  for (const build of order) {
    if (build.threaded && !sharing) {
      leftOut.push({ variant: build.name, reason: 'memory', detail: '' });
      continue;
    }
    try {
      const { pkg, glue, module, memory: shared } = await startBuild(build, cache);
      memory = shared;
      const wanted = build.threaded ? helpers : 0;
      // They start while the model is fetched.
      const helping = startHelpers({ glue, module, memory: shared }, wanted, helperDied).then(
        ({ started, problem }) => {
          if (started < wanted) leftOut.push({ variant: build.name, reason: 'no-helpers', detail: problem });
          return started + 1;
        },
      );
      return { pkg, variant: build.name, leftOut, threads: () => helping };
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      leftOut.push({ variant: build.name, reason: error.reason, detail: error.message });
      // The other builds with threads need the same memory.
      if (error.reason === 'memory') sharing = false;
      failure = error.error;
    }
  }
  // The last build is the one that every browser can run, so what is wrong with it says most.
  if (failure && wishes.variant === undefined && wishes.threads === undefined) throw failure;
  const causes = leftOut
    .filter(({ reason }) => reason !== 'asked')
    .map((left) => `${left.variant}: ${left.reason} ${left.detail}`);
  throw new EngineError(codes.build, causes.join('; ') || 'this build has no threads');
}

/**
 * @param {Build} build
 * @param {RequestCache} cache
 */
async function startBuild(build, cache) {
  const folder = new URL(`../../pkg/${build.name}/`, import.meta.url);
  // Some browsers remember that an address could not be imported for as long as the worker lives.
  const glue = new URL(failures > 0 ? `headlight.js?again=${failures}` : 'headlight.js', folder).href;
  const importing = import(glue).catch(() => null);
  const bytes = await fetchWasm(new URL('headlight_bg.wasm', folder), cache);
  const pkg = /** @type {Package | null} */ (await importing);
  // An import does not say why it failed, but the network has just worked.
  if (!pkg)
    throw new Unusable('missing', new EngineError(codes.offline, `the engine could not be fetched from ${glue}`));
  let module;
  let memory;
  try {
    module = await WebAssembly.compile(bytes);
    // Builds without threads make their own.
    const shared = build.threaded ? { memory: sharedMemory(bytes) } : {};
    ({ memory } = await pkg.default({ module_or_path: module, ...shared }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw error instanceof RangeError
      ? new Unusable('memory', new EngineError(codes.memory, message))
      : new Unusable('broken', new EngineError('unknown', message));
  }
  release(bytes);
  try {
    pkg.selfTest();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Unusable('wrong-numbers', new EngineError(codes.unsupported, message));
  }
  return { pkg, glue, module, memory };
}

/**
 * The module's bytes. Not compiled while streaming, because some hosts serve it under another MIME type.
 * @param {URL} url
 * @param {RequestCache} cache
 */
async function fetchWasm(url, cache) {
  // What hits one build alone lets the next one be tried; what hits the network or the host is no reason to.
  const offline = () => {
    throw new EngineError(codes.offline, 'the engine could not be fetched');
  };
  const response = await fetch(url, { cache }).catch(offline);
  if (!response.ok) {
    const error = new EngineError(codes.http, `the server answered ${response.status} for ${url.pathname}`);
    throw response.status === 404 || response.status === 410 ? new Unusable('missing', error) : error;
  }
  const bytes = await response.arrayBuffer().catch(offline);
  if (new DataView(bytes).byteLength < 8 || new DataView(bytes).getUint32(0) !== 0x00_61_73_6d) {
    const error = new EngineError(codes.html, `the server sent something else in place of ${url.pathname}`);
    throw new Unusable('missing', error);
  }
  return bytes;
}
