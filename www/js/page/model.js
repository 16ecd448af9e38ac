// @ts-check
import { codes, EngineError } from '../shared/protocol.js';
import { asEngineError } from './app.js';
import { isolationIsOff } from './isolation.js';
import { adviceFor } from './lib/advice.js';
import { missingFeature } from './lib/browser.js';
import { device } from './settings.js';
import { byId } from './ui/dom.js';
import { LoadPanel } from './ui/load-panel.js';
import { ModelCard } from './ui/model-card.js';

/** @typedef {import('./app.js').App} App */

/** @typedef {import('../shared/models.js').ModelSource} ModelSource */
/** @typedef {import('../shared/models.js').HubModel} HubModel */
/** @typedef {{source: ModelSource, name: string}} Choice   `name`: empty for the page's own */

/** @type {Choice} */
const builtIn = { source: { type: 'folder', base: new URL('models/built-in/', document.baseURI).href }, name: '' };
/** Milliseconds after which the machine may be busier or idler; right after a start it is often busy. */
const TUNE_AGAIN_AFTER = 60_000;

/**
 * Loads the model, and others in its place; starts the engine again after a crash; has the number of threads timed. A model
 * that was chosen and kept is taken again at the next visit.
 */
export class ModelController {
  #app;
  #panel = new LoadPanel('load');
  /** While a model is in use and another is to take its place. */
  #switchPanel = new LoadPanel('switch');
  #card = new ModelCard();
  /** What is to be loaded first, or was loaded last. @type {Choice} */
  #choice = builtIn;
  /** What is to take its place. @type {Choice | null} */
  #next = null;
  /** Whether the present worker has been told how to run; that can be said only once. */
  #configured = false;
  /** Fewer threads after each crash. @type {number | undefined} */
  #maxThreads;
  /** When the threads were last timed. */
  #tuned = Number.NEGATIVE_INFINITY;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    byId('strip-zone', HTMLElement).append(this.#panel.element);
    byId('switch-place', HTMLElement).append(this.#switchPanel.element);
    byId('model-place', HTMLElement).append(this.#card.element);
    this.#switchPanel.hide();
    this.#panel.addEventListener('load', () => this.#load());
    this.#panel.addEventListener('restart', () => this.#restart());
    for (const panel of [this.#panel, this.#switchPanel]) {
      panel.addEventListener('cancel', () => {
        app.engine.cancelLoad().catch((error) => app.fail(error));
      });
    }
    this.#switchPanel.addEventListener('load', () => this.#next && this.#choose(this.#next));
    this.#switchPanel.addEventListener('close', () => this.#switchPanel.hide());
    app.engine.addEventListener('crash', (event) => {
      this.#crashed(/** @type {CustomEvent<EngineError>} */ (event).detail);
    });
    app.addEventListener('painted', () => this.#tune());
    const last = lastChoice();
    if (last) this.#choice = last;
  }

  /** Whether the page's own model is in use, or to be. */
  get isBuiltIn() {
    return this.#choice === builtIn;
  }

  useBuiltIn() {
    this.#choose(builtIn);
  }

  /** @param {HubModel} model */
  useHub(model) {
    this.#choose({ source: { type: 'hub', model }, name: model.name });
  }

  /** @param {File[]} files */
  useFiles(files) {
    this.#choose({ source: { type: 'files', files }, name: 'Model from disk' });
  }

  /** @param {string} key @param {string} name */
  useKept(key, name) {
    this.#choose({ source: { type: 'kept', key }, name });
  }

  /** Shows that something is about to come, before anything can. */
  prepare() {
    this.#app.state = 'loading';
    this.#panel.showProgress(null, this.#choice.name);
  }

  /** Begins, unless the user was faster. */
  start() {
    if (!this.#configured) this.#begin();
  }

  #begin() {
    const { engine } = this.#app;
    if (!this.#configured) {
      this.#configured = true;
      engine
        .configure(isolationIsOff ? { threads: 1 } : { maxThreads: this.#maxThreads })
        .catch((error) => this.#app.fail(error));
    }
    this.#load();
  }

  #restart() {
    this.#app.engine.restart();
    this.#configured = false;
    this.#begin();
  }

  /** Loads the first model, or the first after a crash. */
  async #load() {
    const missing = missingFeature();
    if (missing) {
      this.#failed(new EngineError(codes.unsupported, missing));
      return;
    }
    this.prepare();
    const choice = this.#choice;
    try {
      // If the browser ends the page meanwhile, the next visit begins with what surely fits.
      if (choice !== builtIn) forgetChoice();
      this.#take(choice, await this.#request(choice, this.#panel));
    } catch (error) {
      if (choice !== this.#choice) return;
      const failure = asEngineError(error);
      if (failure.code === codes.notKept) {
        this.#choice = builtIn;
        await this.#load();
        this.#app.fail(new EngineError(failure.code, `${choice.name} could not be taken from what was kept`));
      } else this.#failed(failure);
    }
  }

  /**
   * Loads another model, while the one in use stays in use.
   * @param {Choice} choice
   */
  async #choose(choice) {
    const app = this.#app;
    this.#next = choice;
    if (!app.model) {
      this.#choice = choice;
      if (app.state === 'crashed') this.#restart();
      else this.#begin();
      return;
    }
    const panel = this.#switchPanel;
    panel.showProgress(null, choice.name || 'The page’s own model');
    try {
      const model = await this.#request(choice, panel);
      if (this.#next !== choice) return;
      panel.hide();
      this.#take(choice, model);
    } catch (error) {
      if (this.#next !== choice) return;
      const failure = asEngineError(error);
      if (failure.code === codes.cancelled) panel.hide();
      else panel.showMessage({ ...adviceFor(failure.code), detail: failure.message }, 'Retry', 'load', true);
    }
  }

  /**
   * @param {Choice} choice
   * @param {LoadPanel} panel
   */
  #request({ source, name }, panel) {
    return this.#app.engine.load(source, (progress) => panel.showProgress(progress, name));
  }

  /**
   * @param {Choice} choice
   * @param {import('../shared/protocol.js').ModelInfo} model
   */
  #take(choice, model) {
    const app = this.#app;
    const { keeping } = model;
    this.#choice = choice;
    this.#tuned = Number.NEGATIVE_INFINITY;
    this.#panel.hide();
    app.model = model;
    this.#card.update(model);
    byId('model-name', HTMLElement).textContent = model.name;
    if (keeping.key) device.write('model', { key: keeping.key, name: model.name });
    else forgetChoice();
    app.state = 'ready';
    if (keeping.failure) app.fail(new EngineError(keeping.failure.code, keeping.failure.message));
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
    this.#switchPanel.hide();
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

/** @returns {Choice | null} */
function lastChoice() {
  const { key, name } = /** @type {any} */ (device.read('model') ?? {});
  if (typeof key !== 'string' || !/^[0-9a-f]{16}$/.test(key)) return null;
  return { source: { type: 'kept', key }, name: typeof name === 'string' ? name : '' };
}

const forgetChoice = () => device.remove('model');
