// @ts-check
/**
 * The page's side of the engine. It knows the protocol and nothing of the page. When the worker dies, everything pending
 * fails, a `crash` event follows, and `restart` makes a fresh one.
 *
 * Another model is loaded in a worker of its own, which takes over when the model is there. Until then the old one works on,
 * whatever happens to the other; then its memory is given back, which WebAssembly by itself never does.
 */
import { codes, EngineError } from '../shared/protocol.js';
import { WorkerLink } from './worker-link.js';

/**
 * @typedef {import('../shared/protocol.js').RequestBody} RequestBody
 * @typedef {import('../shared/models.js').ModelSource} ModelSource
 * @typedef {import('../shared/models.js').LoadProgress} LoadProgress
 * @typedef {import('../shared/models.js').HubModel} HubModel
 * @typedef {import('../shared/models.js').Kept} Kept
 * @typedef {import('./worker-link.js').WorkerLike} WorkerLike
 * @typedef {import('../shared/protocol.js').PromptProgress} PromptProgress
 * @typedef {import('../shared/protocol.js').GeneratedToken} GeneratedToken
 * @typedef {import('../shared/protocol.js').ModelInfo} ModelInfo
 * @typedef {import('../shared/protocol.js').WordsProgress} WordsProgress
 * @typedef {import('../shared/protocol.js').SurpriseProgress} SurpriseProgress
 * @typedef {import('../shared/protocol.js').Suggestions} Suggestions
 * @typedef {import('../shared/protocol.js').SuggestSettings} SuggestSettings
 * @typedef {import('../shared/protocol.js').Ahead} Ahead
 * @typedef {import('../shared/protocol.js').Phrase} Phrase
 * @typedef {import('../shared/protocol.js').Candidate} Candidate
 * @typedef {import('../shared/protocol.js').Alternatives} Alternatives
 * @typedef {import('../shared/protocol.js').Reranked} Reranked
 * @typedef {import('../shared/protocol.js').Surprise} Surprise
 * @typedef {import('../shared/protocol.js').PersonalChange} PersonalChange
 * @typedef {import('../shared/protocol.js').PersonalState} PersonalState
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
 * @typedef {import('../shared/protocol.js').MatricesRead} MatricesRead
 */

/** @returns {WorkerLike} */
function startWorker() {
  return new Worker(new URL('../worker/worker.js', import.meta.url), { type: 'module', name: 'headlight' });
}

export class Engine extends EventTarget {
  #start;
  /** @type {WorkerLink} */
  #link;
  /** What loads a model while another one is in use. @type {WorkerLink | null} */
  #next = null;
  #hasModel = false;
  /** @type {Omit<ConfigureRequest, 'kind'>} */
  #wishes = {};

  /** @param {() => WorkerLike} start */
  constructor(start = startWorker) {
    super();
    this.#start = start;
    this.#link = this.#open();
  }

  /**
   * @param {Omit<ConfigureRequest, 'kind'>} wishes
   * @returns {Promise<null>}
   */
  configure(wishes) {
    this.#wishes = wishes;
    return this.#request({ kind: 'configure', ...wishes });
  }

  /**
   * @param {ModelSource} source
   * @param {(progress: LoadProgress) => void} [onProgress]
   * @returns {Promise<ModelInfo>}
   */
  async load(source, onProgress) {
    this.#next?.close(new EngineError(codes.cancelled, 'another model was chosen'));
    this.#next = null;
    if (this.#hasModel) return this.#change(source, onProgress);
    const link = this.#link;
    const model = await link.request({ kind: 'load', source }, onProgress);
    if (link === this.#link) this.#hasModel = true;
    return model;
  }

  /**
   * @param {ModelSource} source
   * @param {(progress: LoadProgress) => void} [onProgress]
   */
  async #change(source, onProgress) {
    const next = this.#open();
    this.#next = next;
    try {
      // If the wishes can't be met, loading says so.
      next.request({ kind: 'configure', ...this.#wishes }).catch(() => {});
      const model = await next.request({ kind: 'load', source }, onProgress);
      await this.#handOver(next);
      const old = this.#link;
      this.#link = next;
      old.close(new EngineError(codes.superseded, 'another model is in use'));
      return model;
    } catch (error) {
      next.close(new EngineError(codes.cancelled, 'loading has ended'));
      throw error;
    } finally {
      if (this.#next === next) this.#next = null;
    }
  }

  /** Lets the next worker have what the person taught the old one. @param {WorkerLink} next */
  async #handOver(next) {
    try {
      const state = await this.#link.request({ kind: 'personal' });
      await next.request({ kind: 'personal', change: { action: 'import', state } });
    } catch {
      // The old worker may have died meanwhile, and takes it with it.
    }
  }

  /** @returns {Promise<null>} */
  cancelLoad() {
    return (this.#next ?? this.#link).request({ kind: 'cancel-load' });
  }

  /**
   * @param {string} repository `owner/name`
   * @returns {Promise<HubModel>}
   */
  lookUp(repository) {
    return this.#request({ kind: 'look-up', repository });
  }

  /** @returns {Promise<Kept>} */
  kept() {
    return this.#request({ kind: 'kept' });
  }

  /**
   * @param {string | null} key   null for everything
   * @returns {Promise<Kept>}
   */
  forget(key) {
    return this.#request({ kind: 'forget-model', key });
  }

  /**
   * @param {string} text
   * @param {number} top
   * @param {Partial<SuggestSettings>} [settings]
   * @param {(progress: PromptProgress | WordsProgress) => void} [onProgress]
   * @param {string[]} [keep]
   * @returns {Promise<Suggestions>}
   */
  suggest(text, top, settings, onProgress, keep) {
    return this.#request({ kind: 'suggest', text, top, settings, keep }, onProgress);
  }

  /**
   * @param {boolean} search
   * @returns {Promise<Ahead[]>}
   */
  ahead(search) {
    return this.#request({ kind: 'ahead', search });
  }

  /**
   * @param {number} words
   * @returns {Promise<Phrase | null>}
   */
  ghost(words) {
    return this.#request({ kind: 'ghost', words });
  }

  /**
   * @param {number} top
   * @param {Sampling} sampling
   * @returns {Promise<Candidate[]>}
   */
  candidates(top, sampling) {
    return this.#request({ kind: 'candidates', top, sampling });
  }

  /**
   * @param {number} index
   * @param {number} top
   * @param {Sampling} sampling
   * @returns {Promise<Alternatives>}
   */
  alternatives(index, top, sampling) {
    return this.#request({ kind: 'alternatives', index, top, sampling });
  }

  /**
   * @param {string} after
   * @returns {Promise<Reranked[]>}
   */
  rerank(after) {
    return this.#request({ kind: 'rerank', after });
  }

  /**
   * @param {string} text
   * @param {(progress: SurpriseProgress) => void} [onProgress]
   * @returns {Promise<Surprise>}
   */
  surprise(text, onProgress) {
    return this.#request({ kind: 'surprise', text }, onProgress);
  }

  /**
   * @param {PersonalChange} [change]
   * @returns {Promise<PersonalState>}
   */
  personal(change) {
    return this.#request({ kind: 'personal', change });
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

  /**
   * @param {number} count
   * @returns {Promise<MatricesRead>}
   */
  readMatrices(count) {
    return this.#request({ kind: 'read-matrices', count });
  }

  /** Gives up the worker and all it holds; the next request starts a fresh one. */
  restart() {
    this.#end(new EngineError(codes.cancelled, 'the engine was restarted'));
    this.#link = this.#open();
  }

  /** Frees the worker for good. */
  close() {
    this.#end(new EngineError(codes.crashed, 'the page was left'));
  }

  /** @param {EngineError} error */
  #end(error) {
    this.#hasModel = false;
    this.#next?.close(error);
    this.#next = null;
    this.#link.close(error);
  }

  #open() {
    const link = new WorkerLink(this.#start, (error) => {
      if (link === this.#link) this.#crashed(error);
    });
    return link;
  }

  /** @param {EngineError} error */
  #crashed(error) {
    this.#hasModel = false;
    this.#next?.close(error);
    this.#next = null;
    this.dispatchEvent(new CustomEvent('crash', { detail: error }));
  }

  /**
   * @param {RequestBody} body
   * @param {(progress: any) => void} [onProgress]
   * @returns {Promise<any>}
   */
  #request(body, onProgress) {
    return this.#link.request(body, onProgress);
  }
}
