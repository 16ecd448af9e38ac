// @ts-check
import { h } from './dom.js';

/**
 * Opens recordings, and says that one is shown.
 * Events: `example`, `file` with the `File`, `close`.
 */
export class RecordingBar extends EventTarget {
  #file = h('input', { type: 'file', id: 'recording-file', accept: '.json,application/json', class: 'sr-only' });
  #example = h('button', { type: 'button', class: 'plain compact', id: 'recording-example' }, 'Play a recording');
  #open = h('label', { class: 'plain compact recording-open', for: 'recording-file' }, 'Open one from a file');
  #close = h('button', { type: 'button', class: 'plain compact', id: 'recording-close', hidden: true }, 'Close it');
  #note = h('p', { class: 'note', role: 'status' });
  #shown = h('div', { class: 'link-note', id: 'recording', hidden: true }, this.#note, this.#close);
  element = h('div', {}, h('div', { class: 'guide-bar' }, this.#example, this.#file, this.#open), this.#shown);

  constructor() {
    super();
    this.#example.addEventListener('click', () => this.dispatchEvent(new Event('example')));
    this.#close.addEventListener('click', () => this.dispatchEvent(new Event('close')));
    this.#file.addEventListener('change', () => {
      const file = this.#file.files?.[0];
      if (file) this.dispatchEvent(new CustomEvent('file', { detail: file }));
      // The same file may be chosen again.
      this.#file.value = '';
    });
  }

  /**
   * @param {{text: string, model: {name: string}} | null} trace
   * @param {boolean} [canClose]   whether there is something to come back to
   */
  show(trace, canClose = true) {
    this.#shown.hidden = trace === null;
    this.#close.hidden = trace === null || !canClose;
    if (trace)
      this.#note.textContent = `A recording: “${trace.text}”, computed by ${trace.model.name}. The views below show its real numbers and need no model; what was not recorded stays empty. Typing comes back to your own text.`;
  }

  /** One that was open before stays open. @param {string} message */
  fail(message) {
    this.#shown.hidden = false;
    this.#note.textContent = `The recording can’t be shown: ${message}.`;
  }
}
