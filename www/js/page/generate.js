// @ts-check
import { GeneratePanel } from './ui/generate-panel.js';

/**
 * @typedef {import('./app.js').App} App
 * @typedef {import('./ui/announcer.js').Announcer} Announcer
 * @typedef {import('./ui/text-field.js').TextField} TextField
 */

/** Generation: streams text in at the caret, and can take it out again. */
export class GenerateController {
  #app;
  #field;
  #announcer;
  #resume;
  #panel = new GeneratePanel();
  /** The generation that is running. @type {object | null} */
  #running = null;
  /** What the last generation wrote, and where. @type {{start: number, text: string} | null} */
  #written = null;

  /**
   * @param {App} app
   * @param {{field: TextField, announcer: Announcer, resume: () => void}} surroundings
   *   `resume`: what goes on when the text is the user's again
   */
  constructor(app, { field, announcer, resume }) {
    this.#app = app;
    this.#field = field;
    this.#announcer = announcer;
    this.#resume = resume;
    app.addEventListener('state', () => this.#panel.setReady(app.state === 'ready'));
    app.addEventListener('model', () => {
      if (app.model) this.#panel.setLimits(app.model.positions, app.model.vocabulary);
    });
    field.addEventListener('change', (event) => {
      if (!(/** @type {CustomEvent<{edited: boolean}>} */ (event).detail.edited)) return;
      this.#written = null;
      this.#panel.offerChoice(false);
    });
    this.#panel.addEventListener('sampling', () => {
      app.sampling = this.#panel.sampling;
    });
    app.sampling = this.#panel.sampling;
    field.addEventListener('interrupt', () => this.#interrupted());
    // Wherever the focus is: pressing Generate leaves it on Stop.
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#running) this.#stop();
    });
    this.#panel.addEventListener('generate', () => this.#generate());
    this.#panel.addEventListener('stop', () => this.#stop());
    this.#panel.addEventListener('keep', () => {
      field.keep();
      this.#written = null;
      this.#panel.offerChoice(false);
    });
    this.#panel.addEventListener('remove', () => {
      if (!this.#written) return;
      app.emit('leave', { text: field.text });
      field.remove(this.#written.start, this.#written.text);
    });
  }

  /** @param {object | null} running */
  #setRunning(running) {
    this.#running = running;
    this.#app.generating = running !== null;
  }

  async #generate() {
    const [app, field, panel] = [this.#app, this.#field, this.#panel];
    if (!app.model || this.#running) return;
    const mine = {};
    this.#setRunning(mine);
    let text = '';
    let count = 0;
    const prompt = field.beforeCaret;
    app.emit('ahead', null);
    field.startStream();
    panel.start();
    try {
      const generated = await app.engine.generate(prompt, panel.sampling, panel.limit, (token) => {
        if (this.#running !== mine) return;
        text += token.text;
        field.stream(text);
        panel.update(++count, token.tokensPerSecond);
      });
      if (this.#running !== mine) return;
      text = generated.text;
      panel.finish(generated);
    } catch (error) {
      if (this.#running !== mine) return;
      panel.fail('Generation ended early.');
      app.fail(error);
    }
    this.#setRunning(null);
    // Putting the text in counts as an edit, which forgets what could be taken out; hence the order.
    const kept = field.endStream(text);
    this.#written = kept;
    panel.offerChoice(kept !== null);
    this.#announcer.tell(panel.summary);
    this.#resume();
  }

  #stop() {
    this.#app.engine.stop().catch((error) => this.#app.fail(error));
  }

  #interrupted() {
    this.#setRunning(null);
    this.#panel.fail('Stopped by typing.');
    this.#stop();
    // The text was put in while the generation was still on, and not every key changes it after that.
    this.#resume();
  }
}
