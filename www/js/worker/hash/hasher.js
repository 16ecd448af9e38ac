// @ts-check
/**
 * Hashes in a thread of its own. Chromium does it in the thread that asks, promise or not, and the copy that it makes of the
 * bytes first takes nearly as long again.
 */

import { canHash, digest } from './sha256.js';

/** @typedef {{bytes: Uint8Array<ArrayBuffer>, hash: Uint8Array | null}} Hashed   null where the browser does not hash */

export class Hasher {
  #worker = canHash ? startWorker() : null;
  /** Until the script has come nothing is sent to it: what is sent is gone. */
  #ready = false;
  #count = 0;
  /** Who waits for what is hashed there. @type {Map<number, {resolve: (hashed: Hashed) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();

  constructor() {
    if (!this.#worker) return;
    this.#worker.onmessage = ({ data }) => {
      this.#ready = true;
      this.#waiting.get(data.id)?.resolve(data);
      this.#waiting.delete(data.id);
    };
    this.#worker.onerror = (event) => {
      // Without a script that could not be fetched everything works.
      event.preventDefault();
      this.end();
      for (const { reject } of this.#waiting.values())
        reject(new Error(`the thread that hashes stopped: ${event.message}`));
    };
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes   may be in the other thread until they come back, so nobody may use them
   * @returns {Promise<Hashed>}
   */
  async hash(bytes) {
    if (!canHash) return { bytes, hash: null };
    const worker = this.#ready ? this.#worker : null;
    if (!worker) return { bytes, hash: await digest(bytes) };
    const id = this.#count++;
    /** @type {Promise<Hashed>} */
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    worker.postMessage({ id, bytes }, [bytes.buffer]);
    const hashed = await answer;
    return hashed.hash ? hashed : { bytes: hashed.bytes, hash: await digest(hashed.bytes) };
  }

  /** What is being hashed never comes back. */
  end() {
    this.#worker?.terminate();
    this.#worker = null;
  }
}

function startWorker() {
  try {
    return new Worker(new URL('hasher-worker.js', import.meta.url), { type: 'module', name: 'headlight-hasher' });
  } catch {
    return null;
  }
}
