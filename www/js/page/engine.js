// @ts-check
/**
 * The page's side of the engine worker: one promise for each request, by id. It knows the protocol and nothing of the
 * page. When the worker dies, everything pending fails, a `crash` event follows, and `restart` makes a fresh one.
 */
import { codes, EngineError } from '../shared/protocol.js';

/**
 * @typedef {import('../shared/protocol.js').RequestBody} RequestBody
 * @typedef {import('../shared/protocol.js').LoadProgress} LoadProgress
 * @typedef {import('../shared/protocol.js').PromptProgress} PromptProgress
 * @typedef {import('../shared/protocol.js').GeneratedToken} GeneratedToken
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../shared/protocol.js').Generated} Generated
 * @typedef {import('../shared/protocol.js').Sampling} Sampling
 * @typedef {import('../shared/inspection.js').InspectionRequest} InspectionRequest
 * @typedef {import('../shared/inspection.js').InspectionAnswers} InspectionAnswers
 * @typedef {import('../shared/inspection.js').InspectionProgress} InspectionProgress
 * @typedef {import('../shared/protocol.js').ConfigureRequest} ConfigureRequest
 * @typedef {import('../shared/protocol.js').Tuning} Tuning
 * @typedef {import('../shared/protocol.js').PrefilledTokens} PrefilledTokens
 * @typedef {import('../shared/protocol.js').DecodedTokens} DecodedTokens
 * @typedef {import('../shared/protocol.js').Branches} Branches
 *
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

/** @returns {WorkerLike} */
function startWorker() {
  return new Worker(new URL('../worker/worker.js', import.meta.url), { type: 'module', name: 'headlight' });
}

export class Engine extends EventTarget {
  #start;
  /** @type {WorkerLike | null} */
  #worker = null;
  /** @type {EngineError | null} */
  #crash = null;
  #lastId = 0;
  /** @type {Map<number, Pending>} */
  #pending = new Map();

  /** @param {() => WorkerLike} start */
  constructor(start = startWorker) {
    super();
    this.#start = start;
  }

  /**
   * @param {Omit<ConfigureRequest, 'kind'>} wishes
   * @returns {Promise<null>}
   */
  configure(wishes) {
    return this.#request({ kind: 'configure', ...wishes });
  }

  /**
   * @param {string} base absolute URL of the model's folder, with a final slash
   * @param {(progress: LoadProgress) => void} [onProgress]
   * @returns {Promise<ModelInfo>}
   */
  load(base, onProgress) {
    return this.#request({ kind: 'load', base }, onProgress);
  }

  /** @returns {Promise<null>} */
  cancelLoad() {
    return this.#request({ kind: 'cancel-load' });
  }

  /**
   * @param {string} text
   * @param {number} top
   * @param {(progress: PromptProgress) => void} [onProgress]
   * @returns {Promise<Suggestions>}
   */
  suggest(text, top, onProgress) {
    return this.#request({ kind: 'suggest', text, top }, onProgress);
  }

  /**
   * @param {string} text
   * @param {Sampling} sampling
   * @param {number} limit
   * @param {(token: GeneratedToken) => void} [onToken]
   * @returns {Promise<Generated>}
   */
  generate(text, sampling, limit, onToken) {
    return this.#request({ kind: 'generate', text, sampling, limit }, onToken);
  }

  /** @returns {Promise<null>} */
  stop() {
    return this.#request({ kind: 'stop' });
  }

  /**
   * Asks about the inside of the model.
   * @template {InspectionRequest} R
   * @param {R} request
   * @param {(progress: InspectionProgress) => void} [onProgress]
   * @returns {Promise<InspectionAnswers[R['kind']]>}
   */
  inspect(request, onProgress) {
    return this.#request(request, onProgress);
  }

  /**
   * @param {number} layer
   * @param {number} head
   */
  attention(layer, head) {
    return this.inspect({ kind: 'attention', layer, head });
  }

  /**
   * @param {number} layer
   * @param {number} cells
   */
  thumbnails(layer, cells) {
    return this.inspect({ kind: 'thumbnails', layer, cells });
  }

  /** @returns {Promise<Tuning>} */
  tune() {
    return this.#request({ kind: 'tune' });
  }

  /**
   * @param {Uint32Array} ids
   * @returns {Promise<PrefilledTokens>}
   */
  prefillTokens(ids) {
    return this.#request({ kind: 'prefill-tokens', ids });
  }

  /**
   * @param {number} count
   * @returns {Promise<DecodedTokens>}
   */
  decodeTokens(count) {
    return this.#request({ kind: 'decode-tokens', count });
  }

  /**
   * @param {number} count
   * @param {number} steps
   * @returns {Promise<Branches>}
   */
  branches(count, steps) {
    return this.#request({ kind: 'branches', count, steps });
  }

  /** Gives up the worker and all it holds; the next request starts a fresh one. */
  restart() {
    this.#discard(new EngineError(codes.cancelled, 'the engine was restarted'));
    this.#crash = null;
  }

  /** Frees the worker for good. */
  close() {
    const closed = new EngineError(codes.crashed, 'the page was left');
    this.#discard(closed);
    this.#crash = closed;
  }

  /**
   * @param {RequestBody} body
   * @param {(progress: any) => void} [onProgress]
   * @returns {Promise<any>}
   */
  #request(body, onProgress) {
    return new Promise((resolve, reject) => {
      if (this.#crash) {
        reject(this.#crash);
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
    this.#crash = error;
    this.#discard(error);
    this.dispatchEvent(new CustomEvent('crash', { detail: error }));
  }

  /** @param {EngineError} error */
  #discard(error) {
    this.#worker?.terminate();
    this.#worker = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }
}
