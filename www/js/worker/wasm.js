// @ts-check
/** Finds the WebAssembly build that this browser can run, and starts it. */

import { codes, EngineError } from '../shared/protocol.js';
import { SIMD_PROBE } from '../shared/simd-probe.js';

/** @typedef {typeof import('../../pkg/simd128/headlight.js')} Package */

/** @type {Promise<Package> | undefined} */
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

/** @returns {Promise<Package>} */
export function startWasm() {
  // A failed start is forgotten, so that Retry tries again.
  started ??= start().catch((error) => {
    started = undefined;
    throw error;
  });
  return started;
}

async function start() {
  if (typeof WebAssembly === 'undefined') {
    throw new EngineError(codes.unsupported, 'WebAssembly is switched off in this browser');
  }
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new EngineError(codes.unsupported, 'this browser has no WebAssembly SIMD');
  }
  const name = 'simd128';
  const url = new URL(`../../pkg/${name}/headlight_bg.wasm`, import.meta.url);
  const glue = import(`../../pkg/${name}/headlight.js`).catch(() => {
    throw new EngineError(codes.offline, 'the engine could not be fetched');
  });
  const [module, bytes] = await Promise.all([glue, fetchWasm(url)]);
  try {
    memory = (await module.default({ module_or_path: bytes })).memory;
  } catch (error) {
    throw error instanceof RangeError ? new EngineError(codes.memory, error.message) : error;
  }
  return module;
}

/**
 * The module's bytes. Not compiled while streaming, because some hosts serve it under another MIME type.
 * @param {URL} url
 */
async function fetchWasm(url) {
  const response = await fetch(url).catch(() => {
    throw new EngineError(codes.offline, 'the engine could not be fetched');
  });
  if (!response.ok) throw new EngineError(codes.http, `the server answered ${response.status} for ${url.pathname}`);
  const bytes = await response.arrayBuffer();
  if (new DataView(bytes).byteLength < 8 || new DataView(bytes).getUint32(0) !== 0x00_61_73_6d) {
    throw new EngineError(codes.html, `the server sent something else in place of ${url.pathname}`);
  }
  return bytes;
}
