// @ts-check
import { codes, EngineError } from '../shared/protocol.js';

/**
 * @typedef {object} WorkerLike what is used of a Worker, so that tests can stand in for one
 * @property {(message: unknown) => void} postMessage
 * @property {() => void} terminate
 * @property {(type: string, listener: (event: any) => void) => void} addEventListener
 *
 * @typedef {object} Pending
 * @property {(result: any) => void} resolve
 * @property {(error: EngineError) => void} reject
 * @property {((progress: any) => void) | undefined} onProgress
 */

/** One worker: a promise for each request, by id. When the worker dies, everything pending fails, and so does what follows. */
export class WorkerLink {
  /** @type {WorkerLike | null} */
  #worker = null;
  #start;
  #onCrash;
  /** @type {EngineError | null} */
  #end = null;
  #lastId = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();

  /**
   * @param {() => WorkerLike} start   called at the first request
   * @param {(error: EngineError) => void} onCrash
   */
  constructor(start, onCrash) {
    this.#start = start;
    this.#onCrash = onCrash;
  }

  /**
   * @param {import('../shared/protocol.js').RequestBody} body
   * @param {(progress: any) => void} [onProgress]
   * @returns {Promise<any>}
   */
  request(body, onProgress) {
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject, onProgress });
      try {
        this.#worker ??= this.#open();
        this.#worker.postMessage({ id, ...body });
      } catch (error) {
        this.#die(new EngineError(codes.crashed, error instanceof Error ? error.message : String(error)));
      }
    });
  }

  /** Ends the worker. @param {EngineError} error   for what is pending, and what will be asked */
  close(error) {
    this.#end ??= error;
    this.#worker?.terminate();
    this.#worker = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }

  #open() {
    const worker = this.#start();
    // Messages of a worker that was given up may still be on their way.
    const current = () => worker === this.#worker;
    worker.addEventListener('message', (event) => {
      if (current()) this.#receive(event.data);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault?.();
      // A script that could not be fetched gives an event without a message.
      const message = event.message || 'the engine’s script could not be loaded';
      if (current()) this.#die(new EngineError(codes.crashed, message));
    });
    worker.addEventListener('messageerror', () => {
      if (current()) this.#die(new EngineError(codes.crashed, 'a message from the engine could not be read'));
    });
    return worker;
  }

  /** @param {any} message */
  #receive(message) {
    if (message.id === -1) {
      this.#die(new EngineError(message.error.code, message.error.message));
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if ('progress' in message) {
      pending.onProgress?.(message.progress);
      return;
    }
    this.#pending.delete(message.id);
    if ('error' in message) pending.reject(new EngineError(message.error.code, message.error.message));
    else pending.resolve(message.result);
  }

  /** @param {EngineError} error */
  #die(error) {
    this.close(error);
    this.#onCrash(error);
  }
}
