// @ts-check
/** Where models are kept between visits: the best place that the browser has. */

import { codes, EngineError } from '../../shared/protocol.js';
import { openCache } from './cache.js';
import { openOpfs } from './opfs.js';

/**
 * @typedef {object} Backend
 * @property {'opfs' | 'cache'} kind
 * @property {(name: string, bytes: Uint8Array) => Promise<void>} write
 * @property {(name: string) => Promise<Blob | null>} read
 * @property {(name: string, buffer: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer> | null>} [readInto]
 *   The same in a buffer that is there already; null if that is not possible at the moment, or it does not fit.
 * @property {(name: string) => Promise<void>} remove
 * @property {() => Promise<{name: string, size: number}[]>} list
 */

/** @type {Promise<Backend | null> | undefined} */
let opened;

/** The store, or null where the browser keeps nothing. */
export function openStore() {
  opened ??= open();
  return opened;
}

async function open() {
  for (const attempt of [openOpfs, openCache]) {
    try {
      return await attempt();
    } catch {
      // Private windows, old browsers, pages without https: each lacks another part of it.
    }
  }
  return null;
}

/**
 * Why something could not be kept.
 * @param {any} error
 */
export function storageError(error) {
  const full = error?.name === 'QuotaExceededError';
  const message = full ? 'the browser’s storage is full' : `the browser’s storage failed: ${error?.message ?? error}`;
  return new EngineError(full ? codes.storageFull : codes.storage, message);
}
