// @ts-check
import { EngineError } from '../../shared/protocol.js';
import { longest, Trace } from '../../shared/trace.js';
import { RecordingBar } from '../ui/recording-bar.js';

/**
 * @typedef {import('../../shared/inspection.js').InspectionRequest} InspectionRequest
 * @typedef {(request: InspectionRequest) => Promise<any>} Ask
 */

/** A recording that comes with the page. */
const own = 'tour/recording.json';

/**
 * Recordings of a text with its real tensors, which the views show without any model.
 * Events: `open` when `trace` is one to be shown, `close` when the model's own text comes back.
 */
export class Recording extends EventTarget {
  bar = new RecordingBar();
  /** @type {Trace | null} */
  trace = null;

  #hasModel;

  /** @param {() => boolean} hasModel   without one there is no text of one's own to come back to */
  constructor(hasModel) {
    super();
    this.#hasModel = hasModel;
    this.bar.addEventListener('example', () => this.#open(() => this.#fetch()));
    this.bar.addEventListener('file', (event) => {
      const file = /** @type {CustomEvent<File>} */ (event).detail;
      this.#open(async () => {
        if (file.size > longest) throw new EngineError('invalid-trace', 'the file is too long');
        return file.text();
      });
    });
    this.bar.addEventListener('close', () => this.close());
  }

  /** The revision of everything in the recording. */
  get revision() {
    return this.trace?.revision ?? 0;
  }

  close() {
    if (!this.trace) return;
    this.trace = null;
    this.bar.show(null);
    this.dispatchEvent(new Event('close'));
  }

  async #fetch() {
    const answer = await fetch(new URL(own, document.baseURI));
    if (!answer.ok) throw new EngineError('http-status', `the server answered ${answer.status}`);
    return answer.text();
  }

  /** @param {() => Promise<string>} read */
  async #open(read) {
    try {
      const trace = Trace.read(await read());
      this.trace = trace;
      this.bar.show(trace, this.#hasModel());
      this.dispatchEvent(new Event('open'));
    } catch (error) {
      this.bar.fail(error instanceof Error ? error.message : String(error));
    }
  }
}
