// @ts-check
import { asEngineError } from './app.js';
import { adviceFor } from './lib/advice.js';
import { needs, offers } from './lib/catalog.js';
import { droppedFiles, holdsFiles } from './lib/drop.js';
import { formatBytes } from './lib/format.js';
import { ModelsDialog } from './ui/models-dialog.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./model.js').ModelController} ModelController
 * @typedef {import('./lib/catalog.js').Offer} Offer
 * @typedef {import('../shared/models.js').HubModel} HubModel
 * @typedef {import('../shared/models.js').KeptModel} KeptModel
 * @typedef {import('../shared/models.js').Kept} Kept
 */

/** Lets the user choose a model, and see and delete what is kept. Nothing is fetched before a button that says so is pressed. */
export class ModelsController {
  #app;
  #model;
  #dialog = new ModelsDialog(offers, (offer) => needs(offer).fetch);

  /**
   * @param {App} app
   * @param {ModelController} model
   */
  constructor(app, model) {
    this.#app = app;
    this.#model = model;
    const dialog = this.#dialog;
    document.body.append(dialog.element);
    dialog.addEventListener('open', () => this.#refresh());
    dialog.addEventListener('built-in', () => this.#use(() => model.useBuiltIn()));
    on(dialog, 'offer', (/** @type {Offer} */ offer) => this.#offer(offer));
    on(dialog, 'look-up', (/** @type {string} */ repository) => this.#lookUp(repository));
    on(dialog, 'fetch', (/** @type {HubModel} */ hubModel) => this.#use(() => model.useHub(hubModel)));
    on(dialog, 'files', (/** @type {File[]} */ files) => this.#use(() => model.useFiles(files)));
    on(dialog, 'use', (/** @type {KeptModel} */ kept) => this.#useKept(kept));
    on(dialog, 'forget', (/** @type {KeptModel | null} */ kept) => this.#forget(kept));
    dialog.addEventListener('persist', () => this.#persist());
    app.addEventListener('model', () => dialog.setModel(app.model?.name ?? '', model.isBuiltIn));
    this.#acceptDrops();
  }

  /** Shows what fetching this model would mean; nothing for a name that is not one of the page's own. @param {string} id */
  offer(id) {
    const offer = offers.find((offer) => offer.id === id);
    if (!offer) return;
    this.#dialog.open();
    this.#offer(offer);
  }

  /** @param {() => void} begin */
  #use(begin) {
    this.#dialog.close();
    begin();
  }

  async #refresh() {
    this.#show(this.#app.engine.kept());
  }

  /** @param {Promise<Kept>} asked */
  async #show(asked) {
    try {
      const persisted = (await navigator.storage?.persisted?.()) ?? false;
      this.#dialog.setKept(await asked, persisted);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** @param {Offer} offer */
  async #offer(offer) {
    const wanted = needs(offer);
    this.#dialog.showPlan({
      model: offer.model,
      parameters: offer.parameters,
      needs: wanted,
      warnings: await warnings(wanted),
    });
  }

  /** @param {string} repository */
  async #lookUp(repository) {
    this.#dialog.tell(`Asking huggingface.co about ${repository} …`);
    try {
      const model = await this.#app.engine.lookUp(repository);
      const size = model.files.find(({ name }) => name === 'model.safetensors')?.size ?? null;
      this.#dialog.showPlan({
        model,
        parameters: null,
        // A guess at how many bytes each weight has would be none of the numbers that the hub states.
        needs: { fetch: size, keep: null, memory: null },
        warnings: size === null ? [] : await warnings({ keep: size / 3.5, memory: size / 3.5 }),
      });
    } catch (error) {
      this.#tell(error);
    }
  }

  /** @param {KeptModel} kept */
  #useKept({ key, complete, name, repository, revision }) {
    if (complete) {
      this.#use(() => this.#model.useKept(key, name));
      return;
    }
    const offer = offers.find(({ model }) => model.repository === repository && model.revision === revision);
    const files = /** @type {HubModel['files']} */ ([]);
    const rest = { repository, revision, name, licence: '', pinned: false, files };
    this.#use(() => this.#model.useHub(offer?.model ?? rest));
  }

  /** @param {KeptModel | null} kept */
  #forget(kept) {
    this.#show(this.#app.engine.forget(kept?.key ?? null));
  }

  async #persist() {
    const granted = await navigator.storage.persist().catch(() => false);
    this.#dialog.tell(
      granted
        ? 'The browser will not clear this site by itself.'
        : 'The browser did not promise that. It may clear what is kept if it runs out of room.',
    );
    this.#refresh();
  }

  /** @param {unknown} error */
  #tell(error) {
    const { code, message } = asEngineError(error);
    const { title, advice } = adviceFor(code);
    this.#dialog.tell(`${title}: ${message}. ${advice}`);
  }

  #acceptDrops() {
    addEventListener('dragover', (event) => {
      if (!holdsFiles(event.dataTransfer)) return;
      event.preventDefault();
      this.#dialog.element.classList.add('is-target');
    });
    addEventListener('dragleave', () => this.#dialog.element.classList.remove('is-target'));
    addEventListener('drop', async (event) => {
      this.#dialog.element.classList.remove('is-target');
      if (!event.dataTransfer || !holdsFiles(event.dataTransfer)) return;
      // Otherwise the browser would leave the page for the file.
      event.preventDefault();
      try {
        const files = await droppedFiles(event.dataTransfer);
        if (files.length > 0) this.#use(() => this.#model.useFiles(files));
      } catch (error) {
        this.#dialog.open();
        this.#tell(error);
      }
    });
  }
}

/**
 * @template T
 * @param {EventTarget} target
 * @param {string} type
 * @param {(detail: T) => void} listener
 */
function on(target, type, listener) {
  target.addEventListener(type, (event) => listener(/** @type {CustomEvent<T>} */ (event).detail));
}

/**
 * What may not go well on this device, as far as the browser tells.
 * @param {{keep: number, memory: number}} wanted   bytes
 */
async function warnings({ keep, memory }) {
  const found = [];
  const { deviceMemory } = /** @type {{deviceMemory?: number}} */ (navigator);
  // Browsers tell eight gigabytes at most.
  if (deviceMemory && deviceMemory < 8 && memory > deviceMemory * 1e9 * 0.4) {
    found.push(
      `This device has about ${deviceMemory} GB of memory in all, so the model may not fit, or the browser may end the page. A smaller one is safer.`,
    );
  }
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
  if (quota > 0 && quota - usage < keep) {
    found.push(
      `The browser would keep only about ${formatBytes(Math.max(0, quota - usage))} more for this site, so the model could be used, but not kept for the next visit.`,
    );
  }
  return found;
}
