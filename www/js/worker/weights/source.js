// @ts-check
/**
 * Places that hold a model's files, and what all of them have in common.
 *
 * @typedef {object} Source                a file
 * @property {number | null} size          its length, once it is known
 * @property {boolean} [whole]             whether any part costs as much as all that stands before it
 * @property {(from: number, to: number, take: Take) => Promise<void>} read
 *   Passes on all bytes of a range, in order.
 * @property {(options: {limit: number, mayBeMissing?: boolean}) => Promise<Uint8Array<ArrayBuffer> | null>} all
 *   All bytes of a small file; null if it may be missing and is.
 *
 * @typedef {(bytes: Uint8Array<ArrayBuffer>, at: number) => Promise<unknown> | unknown} Take
 *   `bytes` stand at offset `at` of the file, and are valid until this returns or resolves.
 *
 * @typedef {object} Place
 * @property {(name: string, known?: {size?: number | null, lasting?: boolean, afresh?: boolean}) => Source} open
 *   `lasting`: its name changes with its content. `afresh`: what the browser keeps of it was wrong.
 * @property {boolean} local   whether nothing has to be fetched
 *
 * @typedef {object} Context   what a load is told and tells
 * @property {AbortSignal} signal
 * @property {boolean} afresh  an earlier load failed; what the browser keeps may be what was wrong
 * @property {(progress: Partial<import('../../shared/models.js').LoadProgress>) => void} report
 */

import { codes, EngineError } from '../../shared/protocol.js';
import { release } from '../release.js';
import { Remote } from './remote.js';

/** Descriptions are small; whatever is larger is something else. */
export const SMALL = 1 << 20;
/** Bytes that are read from a disk at a time. */
const PART = 1 << 20;
/** The tokenizer's files. */
export const TOKENIZER = 16 << 20;

/**
 * A folder on a static host.
 * @param {string} base   its URL, ending in a slash
 * @param {Context} context
 * @returns {Place}
 */
export function hostFolder(base, { signal, report, afresh: distrusted }) {
  return {
    local: false,
    open(name, { size = null, lasting = false, afresh = false } = {}) {
      // The browser may keep those whose names change with their content, without asking.
      const cache = afresh || distrusted ? 'reload' : lasting ? 'default' : 'no-cache';
      const onWait = (/** @type {any} */ waiting) => report({ waiting });
      return new Remote(new URL(encodeURIComponent(name), base), { signal, cache, size, onWait });
    },
  };
}

/**
 * Files from the visitor's disk.
 * @param {File[]} files
 * @param {AbortSignal} signal
 * @returns {Place}
 */
export function diskFolder(files, signal) {
  return {
    local: true,
    open(name) {
      const file = files.find((file) => file.name === name);
      return file ? new DiskFile(file, signal) : missing(name);
    },
  };
}

/**
 * @param {string} name
 * @returns {Source}
 */
function missing(name) {
  const fail = () => new EngineError(codes.missing, `${name} is not among the files`);
  return {
    size: null,
    read: () => Promise.reject(fail()),
    all: ({ mayBeMissing }) => (mayBeMissing ? Promise.resolve(null) : Promise.reject(fail())),
  };
}

/** A file on disk, of which no more is read than is asked for. */
class DiskFile {
  #file;
  #signal;

  /**
   * @param {File} file
   * @param {AbortSignal} signal
   */
  constructor(file, signal) {
    this.#file = file;
    this.#signal = signal;
  }

  get size() {
    return this.#file.size;
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {Take} take
   */
  async read(from, to, take) {
    if (to > this.size) {
      throw new EngineError(codes.changed, `${this.#file.name} has ${this.size} bytes where ${to} were expected`);
    }
    for (let at = from; at < to; ) {
      this.#signal.throwIfAborted();
      // Chromium's stream of a file may never go on if the thread is busy as it begins.
      const part = await this.#bytes(at, Math.min(to, at + PART));
      if (part.byteLength === 0) {
        throw new EngineError(codes.changed, `${this.#file.name} ended after ${at} bytes of ${to}`);
      }
      await take(new Uint8Array(part), at);
      at += part.byteLength;
      release(part);
    }
  }

  /** @param {{limit: number}} options */
  async all({ limit }) {
    if (this.size > limit) throw new EngineError(codes.unexpected, `${this.#file.name} has more than ${limit} bytes`);
    return new Uint8Array(await this.#bytes(0, this.size));
  }

  /** @param {number} from @param {number} to */
  async #bytes(from, to) {
    try {
      return await this.#file.slice(from, to).arrayBuffer();
    } catch (/** @type {any} */ error) {
      throw new EngineError(codes.unreadable, `${this.#file.name} can’t be read any more: ${error?.message ?? error}`);
    }
  }
}
