// @ts-check
import { codes, EngineError } from '../shared/protocol.js';
import { asEngineError } from './app.js';
import { isolationIsOff } from './isolation.js';
import { adviceFor } from './lib/advice.js';
import { missingFeature } from './lib/browser.js';
import { byId } from './ui/dom.js';
import { LoadPanel } from './ui/load-panel.js';
import { ModelCard } from './ui/model-card.js';

/** @typedef {import('./app.js').App} App */

const modelFolder = new URL('models/built-in/', document.baseURI).href;
/** Milliseconds after which the machine may be busier or idler; right after a start it is often busy. */
const TUNE_AGAIN_AFTER = 60_000;

/** Loads the model, starts the engine again after a crash, and has the number of threads timed. */
export class ModelController {
  #app;
  #panel = new LoadPanel();
  #card = new ModelCard();
  /** Fewer threads after each crash. @type {number | undefined} */
  #maxThreads;
  /** When the threads were last timed. */
  #tuned = Number.NEGATIVE_INFINITY;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    byId('strip-zone', HTMLElement).append(this.#panel.element);
    byId('model-place', HTMLElement).append(this.#card.element);
    this.#panel.addEventListener('load', () => this.#load());
    this.#panel.addEventListener('cancel', () => {
      app.engine.cancelLoad().catch((error) => app.fail(error));
    });
    this.#panel.addEventListener('restart', () => {
      app.engine.restart();
      this.start();
    });
    app.engine.addEventListener('crash', (event) => {
      this.#crashed(/** @type {CustomEvent<EngineError>} */ (event).detail);
    });
    app.addEventListener('painted', () => this.#tune());
  }

  /** Shows that something is about to come, before anything can. */
  prepare() {
    this.#app.state = 'loading';
    this.#panel.showProgress(null);
  }

  /** Begins with a worker that has not been asked for anything yet. */
  start() {
    const { engine } = this.#app;
    engine
      .configure(isolationIsOff ? { threads: 1 } : { maxThreads: this.#maxThreads })
      .catch((error) => this.#app.fail(error));
    this.#load();
  }

  async #load() {
    const app = this.#app;
    const missing = missingFeature();
    if (missing) {
      this.#failed(new EngineError(codes.unsupported, missing));
      return;
    }
    this.prepare();
    this.#tuned = Number.NEGATIVE_INFINITY;
    try {
      app.model = await app.engine.load({ type: 'folder', base: modelFolder }, (progress) =>
        this.#panel.showProgress(progress),
      );
    } catch (error) {
      this.#failed(asEngineError(error));
      return;
    }
    this.#panel.hide();
    this.#card.update(app.model);
    byId('model-name', HTMLElement).textContent = app.model.name;
    app.state = 'ready';
  }

  /** @param {EngineError} error */
  #failed(error) {
    if (error.code === codes.crashed) return;
    if (error.code === codes.cancelled) {
      this.#app.state = 'cancelled';
      this.#panel.showMessage(adviceFor(error.code), 'Load the model', 'load');
      return;
    }
    this.#app.state = 'failed';
    this.#panel.showMessage({ ...adviceFor(error.code), detail: error.message }, 'Retry', 'load');
  }

  /** @param {EngineError} error */
  #crashed(error) {
    const app = this.#app;
    // They may have been the cause; one thread gets a build that knows of no other.
    const threads = this.#maxThreads ?? app.model?.threads ?? navigator.hardwareConcurrency;
    this.#maxThreads = Math.max(1, Math.floor(threads / 2));
    app.model = null;
    app.state = 'crashed';
    this.#panel.showMessage({ ...adviceFor(error.code), detail: error.message }, 'Restart', 'restart');
  }

  /** Has the number of threads chosen by timing: once there are suggestions, and now and then while more are asked for. */
  async #tune() {
    const app = this.#app;
    const now = performance.now();
    if (now - this.#tuned < TUNE_AGAIN_AFTER) return;
    this.#tuned = now;
    try {
      const { threads, times } = await app.engine.tune();
      if (!app.model) return;
      app.model.threads = threads;
      this.#card.update(app.model, times);
    } catch (error) {
      app.fail(error);
    }
  }
}
