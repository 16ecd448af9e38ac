// @ts-check
import { GuidePanel } from '../ui/guide-panel.js';

/**
 * @typedef {import('../ui/guide-panel.js').Guide} Guide
 * @typedef {import('../ui/guide-panel.js').Shown} Shown
 */

/** Where the tour was left, in this browser alone. */
const place = 'headlight-tour';

/** The tour and the examples: texts come from a file for each language, and what they say is put on the real page. */
export class Guiding {
  panel = new GuidePanel();
  #show;
  /** @type {Guide | null} */
  #guide = null;

  /** @param {(shown: Shown) => void} show */
  constructor(show) {
    this.#show = show;
    this.panel.addEventListener('go', (event) => this.#go(/** @type {CustomEvent} */ (event).detail.step));
    this.panel.addEventListener('example', (event) => {
      const example = this.#guide?.examples[/** @type {CustomEvent} */ (event).detail.index];
      if (!example) return;
      this.panel.tell(example.look);
      show({ ...example.show, text: example.text });
    });
  }

  /** Fetches the texts; without them the page does without a tour. */
  async load() {
    for (const language of [...navigator.languages.map((tag) => tag.split('-')[0].toLowerCase()), 'en']) {
      // Only what is known to be there is asked for.
      if (!languages.includes(language)) continue;
      try {
        const answer = await fetch(new URL(`tour/${language}.json`, document.baseURI));
        if (!answer.ok) return;
        this.#guide = await answer.json();
      } catch {
        return;
      }
      this.panel.setGuide(/** @type {Guide} */ (this.#guide), this.#left());
      return;
    }
  }

  #left() {
    try {
      const step = Number(localStorage.getItem(place));
      return Number.isInteger(step) && step > 0 ? step : 0;
    } catch {
      return 0;
    }
  }

  /** @param {number | null} step */
  #go(step) {
    const shown = step === null ? null : this.#guide?.steps[step];
    if (shown?.show) this.#show(shown.show);
    this.panel.show(step);
    try {
      localStorage.setItem(place, String(this.panel.step));
    } catch {
      // A private window keeps nothing; the tour then begins anew.
    }
  }
}

/** Files in `tour/`. */
const languages = ['en'];
