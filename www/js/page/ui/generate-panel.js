// @ts-check
import { reasons } from '../lib/advice.js';
import { formatRate, plural } from '../lib/format.js';
import { byId } from './dom.js';

/**
 * @typedef {import('../../shared/protocol.js').Sampling} Sampling
 * @typedef {import('../../shared/protocol.js').Generated} Generated
 */

/**
 * A number field's value within its own limits, whatever was typed.
 * @param {HTMLInputElement} input
 */
function read(input) {
  const value = Number(input.value);
  const low = Number(input.min);
  const valid = input.value.trim() !== '' && Number.isFinite(value) ? value : Number(input.defaultValue);
  const kept = Math.min(Number(input.max || Number.POSITIVE_INFINITY), Math.max(low, valid));
  return input.step === 'any' || input.step.includes('.') ? kept : Math.round(kept);
}

/** Milliseconds in which a second click still belongs to the first. */
const doubleClick = 400;

/**
 * Controls of text generation; the markup stands in the page.
 * Events: `generate`, `stop`, `keep`, `remove`; `sampling` when that has changed.
 */
export class GeneratePanel extends EventTarget {
  #generate = byId('generate', HTMLButtonElement);
  #stop = byId('stop', HTMLButtonElement);
  #keep = byId('keep', HTMLButtonElement);
  #remove = byId('remove', HTMLButtonElement);
  #temperature = byId('temperature', HTMLInputElement);
  #topK = byId('top-k', HTMLInputElement);
  #topP = byId('top-p', HTMLInputElement);
  #penalty = byId('penalty', HTMLInputElement);
  #seed = byId('seed', HTMLInputElement);
  #limit = byId('limit', HTMLInputElement);
  #progress = byId('generate-progress', HTMLElement);
  #running = false;
  #ready = false;
  /** When one of Generate and Stop last took the other's place. */
  #swapped = Number.NEGATIVE_INFINITY;

  constructor() {
    super();
    for (const button of [this.#generate, this.#stop]) {
      // The second half of a double click, or a key held down, is not meant for the button that came meanwhile.
      button.addEventListener('click', (event) => {
        if (event.detail > 1 && event.timeStamp - this.#swapped < doubleClick) return;
        this.dispatchEvent(new Event(button === this.#generate ? 'generate' : 'stop'));
      });
      button.addEventListener('keydown', (event) => {
        if (event.repeat && event.key === 'Enter') event.preventDefault();
      });
    }
    this.#keep.addEventListener('click', () => this.dispatchEvent(new Event('keep')));
    this.#remove.addEventListener('click', () => this.dispatchEvent(new Event('remove')));
    byId('new-seed', HTMLButtonElement).addEventListener('click', () => {
      this.#seed.value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
      this.dispatchEvent(new Event('sampling'));
    });
    for (const input of [this.#temperature, this.#topP, this.#penalty]) {
      input.addEventListener('input', () => {
        this.#drawRanges();
        this.dispatchEvent(new Event('sampling'));
      });
    }
    for (const input of [this.#topK, this.#seed, this.#limit]) {
      input.addEventListener('change', () => {
        input.value = String(read(input));
        if (input !== this.#limit) this.dispatchEvent(new Event('sampling'));
      });
    }
    this.#drawRanges();
  }

  /** @returns {Sampling} */
  get sampling() {
    return {
      temperature: read(this.#temperature),
      topK: read(this.#topK),
      topP: read(this.#topP),
      seed: read(this.#seed),
      repetitionPenalty: read(this.#penalty),
    };
  }

  get limit() {
    return read(this.#limit);
  }

  /**
   * What the model allows.
   * @param {number} positions
   * @param {number} vocabulary
   */
  setLimits(positions, vocabulary) {
    this.#limit.max = String(positions);
    this.#topK.max = String(vocabulary);
  }

  /** @param {boolean} ready there is a model */
  setReady(ready) {
    this.#ready = ready;
    this.#drawButtons();
  }

  start() {
    this.#running = true;
    this.#swapped = performance.now();
    this.offerChoice(false);
    this.#progress.textContent = 'Generating …';
    this.#drawButtons();
    this.#stop.focus({ preventScroll: true });
  }

  /**
   * @param {number} count
   * @param {number} tokensPerSecond
   */
  update(count, tokensPerSecond) {
    this.#progress.textContent = `${plural(count, 'token')}, ${formatRate(tokensPerSecond)}`;
  }

  /** @param {Generated} generated */
  finish(generated) {
    const { count, reason, tokensPerSecond } = generated;
    const rate = count > 0 ? ` at ${formatRate(tokensPerSecond)}` : '';
    this.#end(`${plural(count, 'token')}${rate}; ${reasons[reason] ?? reason}.`);
  }

  /** @param {string} message */
  fail(message) {
    this.#end(message);
  }

  /** @param {boolean} offered the generated text still stands as it was written */
  offerChoice(offered) {
    const hadFocus = [this.#keep, this.#remove].some((button) => button === document.activeElement);
    this.#keep.hidden = !offered;
    this.#remove.hidden = !offered;
    if (hadFocus && !offered) this.#generate.focus({ preventScroll: true });
  }

  get summary() {
    return this.#progress.textContent ?? '';
  }

  /** @param {string} message */
  #end(message) {
    // Hiding the focused button would drop the focus to the top of the page.
    const hadFocus = document.activeElement === this.#stop;
    this.#running = false;
    this.#swapped = performance.now();
    this.#progress.textContent = message;
    this.#drawButtons();
    if (hadFocus) this.#generate.focus({ preventScroll: true });
  }

  #drawButtons() {
    this.#generate.disabled = !this.#ready || this.#running;
    this.#generate.hidden = this.#running;
    this.#stop.hidden = !this.#running;
  }

  #drawRanges() {
    byId('temperature-value', HTMLElement).textContent = read(this.#temperature).toFixed(2);
    byId('top-p-value', HTMLElement).textContent = read(this.#topP).toFixed(2);
    byId('penalty-value', HTMLElement).textContent = read(this.#penalty).toFixed(2);
  }
}
