// @ts-check
/**
 * One model's place in the store. Each file's name tells its model, what it is, and the SHA-256 of its content, with which
 * it is compared whenever it is read: a file that was written in part or changed since is as good as none. The record,
 * written last, says that the model is whole.
 */

import { sha256 } from '../hash/sha256.js';
import { storageError } from './store.js';

/**
 * @typedef {import('./store.js').Backend} Backend
 * @typedef {import('../../shared/models.js').KeptModel} KeptModel
 * @typedef {{label: string, sha256: string, name: string, size: number}} Entry
 *
 * @typedef {object} ModelRecord
 * @property {number} headlight   version of this arrangement
 * @property {string} name
 * @property {string} repository
 * @property {string} revision
 * @property {string} licence
 * @property {KeptModel['verified']} verified
 * @property {boolean} complete
 * @property {string} since       ISO date and time
 */

export const RECORD_VERSION = 1;
const RECORD = '.record';

/**
 * The parts of a file's name.
 * @param {string} name
 * @returns {{key: string, label: string, sha256: string} | null}
 */
export function parsed(name) {
  const match = /^([0-9a-f]{16})\.(.+)\.([0-9a-f]{64})$/.exec(name);
  return match && { key: match[1], label: match[2], sha256: match[3] };
}

/** @param {string} name */
export function keyOfRecord(name) {
  return new RegExp(`^([0-9a-f]{16})\\${RECORD}$`).exec(name)?.[1] ?? null;
}

/** The key of what such words describe. @param {...string} words */
export async function keyOf(...words) {
  const bytes = new TextEncoder().encode(JSON.stringify([RECORD_VERSION, ...words]));
  return (await sha256(bytes)).slice(0, 16);
}

/**
 * A record as it was written, or null: it may be torn, or another version's.
 * @param {Backend} backend
 * @param {string} key
 * @returns {Promise<ModelRecord | null>}
 */
export async function readRecord(backend, key) {
  const blob = await backend.read(key + RECORD);
  if (!blob || blob.size > 1 << 16) return null;
  try {
    // The line is written at once; behind it may be what an interrupted write left of a longer record.
    const [line] = (await blob.text()).split('\n', 1);
    const { headlight, name, repository, revision, licence, verified, complete, since } = JSON.parse(line);
    if (headlight !== RECORD_VERSION || typeof complete !== 'boolean') return null;
    const texts = [name, repository, revision, licence, verified, since];
    if (texts.some((text) => typeof text !== 'string')) return null;
    return { headlight, name, repository, revision, licence, verified, complete, since };
  } catch {
    return null;
  }
}

export class Shelf {
  /** Why nothing more is kept, once that is so. @type {import('../../shared/protocol.js').EngineError | null} */
  failure = null;
  #backend;
  #key;
  /** @type {Map<string, Entry>} */
  #entries = new Map();

  /**
   * @param {Backend} backend
   * @param {string} key
   */
  constructor(backend, key) {
    this.#backend = backend;
    this.#key = key;
  }

  get kind() {
    return this.#backend.kind;
  }

  get key() {
    return this.#key;
  }

  /** Finds out what is there. */
  async look() {
    this.#entries.clear();
    for (const { name, size } of await this.#backend.list()) {
      const parts = parsed(name);
      if (parts?.key === this.#key) this.#entries.set(parts.label, { ...parts, name, size });
    }
  }

  /** @param {string} prefix of labels */
  entries(prefix) {
    return [...this.#entries.values()].filter(({ label }) => label.startsWith(prefix));
  }

  record() {
    return readRecord(this.#backend, this.#key);
  }

  /**
   * The content of a file, or null if it is not there or not as it was.
   * @param {string} label
   */
  async get(label) {
    const entry = this.#entries.get(label);
    if (!entry) return null;
    const bytes = await this.read(entry, entry.size);
    if (bytes && (await sha256(bytes)) === entry.sha256) return bytes;
    await this.drop(label);
    return null;
  }

  /**
   * The content of a file, which the caller must compare with its hash; null if it can't be read.
   * @param {Entry} entry
   * @param {Uint8Array<ArrayBuffer> | number} room   to read it into, if that is possible, or so much that is made for it
   */
  async read({ name }, room) {
    try {
      const buffer = typeof room === 'number' ? new Uint8Array(room) : room;
      const read = await this.#backend.readInto?.(name, buffer);
      if (read) return read;
      const blob = await this.#backend.read(name);
      return blob && new Uint8Array(await blob.arrayBuffer());
    } catch {
      return null;
    }
  }

  /**
   * Keeps a file, if that is possible; if not, `failure` says why, and this shelf keeps nothing more.
   * @param {string} label
   * @param {Uint8Array} bytes
   * @param {string} [hash]   its SHA-256, where it is known
   */
  async put(label, bytes, hash) {
    if (this.failure) return;
    const digest = hash ?? (await sha256(bytes));
    const name = `${this.#key}.${label}.${digest}`;
    try {
      await this.#backend.write(name, bytes);
      this.#entries.set(label, { label, sha256: digest, name, size: bytes.byteLength });
    } catch (error) {
      await this.#fail(error);
    }
  }

  /** @param {Omit<ModelRecord, 'headlight' | 'since'>} record */
  async write(record) {
    if (this.failure) return;
    const whole = { headlight: RECORD_VERSION, ...record, since: new Date().toISOString() };
    try {
      await this.#backend.write(this.#key + RECORD, new TextEncoder().encode(`${JSON.stringify(whole)}\n`));
    } catch (error) {
      await this.#fail(error);
    }
  }

  /** @param {string} label */
  async drop(label) {
    const entry = this.#entries.get(label);
    this.#entries.delete(label);
    if (entry) await this.#backend.remove(entry.name).catch(() => {});
  }

  /** Deletes all of it. */
  async clear() {
    await this.#backend.remove(this.#key + RECORD).catch(() => {});
    for (const { label } of this.entries('')) await this.drop(label);
  }

  /** @param {any} error */
  async #fail(error) {
    this.failure = storageError(error);
    // Half a model that can't become whole only takes the room. If another tab holds a file, that tab will finish it.
    if (error?.name !== 'NoModificationAllowedError') {
      await this.look().catch(() => {});
      await this.clear();
    }
  }
}
