// @ts-check
/**
 * Decides what to ask the engine about its inside: only what is on screen, only what is out of date, one request at a time,
 * so that a keystroke waits at most for one of them.
 *
 * @typedef {import('../../shared/inspection.js').InspectionRequest} InspectionRequest
 *
 * @typedef {object} Want   something that a view shows and that can go out of date
 * @property {number} rank  lower ones come first; those below `urgent` follow every keystroke, the others a pause in typing
 * @property {(revision: number) => InspectionRequest | null} request   null while nothing is missing
 * @property {(answer: any) => void} deliver    the view keeps it; `request` must then ask for something else, or nothing
 * @property {(error: unknown) => void} [fail]  in place of the event `failure`
 */

/** Ranks from here on wait for a pause. */
export const urgent = 10;

const pause = 80; // ms after the last keystroke

/** Events: `failure` with the error. */
export class Feed extends EventTarget {
  #ask;
  /** @type {number | null} */
  #revision = null;
  /** @type {Map<string, Want>} */
  #wants = new Map();
  /** The request, in writing, that each want last failed with: asking the same again is of no use. @type {Map<string, string>} */
  #failed = new Map();
  /** Counts what makes answers useless that are under way. */
  #turn = 0;
  #running = false;
  #again = false;
  /** When those that wait for a pause may be asked. */
  #calm = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {(request: InspectionRequest) => Promise<any>} ask */
  constructor(ask) {
    super();
    this.#ask = ask;
  }

  /**
   * The engine's newest revision, or null when there is nothing to ask for.
   * @param {number | null} revision
   */
  refresh(revision) {
    this.#revision = revision;
    this.#failed.clear();
    this.#calm = performance.now() + pause;
    this.#later(0);
  }

  /**
   * From now on this is on screen.
   * @param {string} name
   * @param {Want} want
   */
  want(name, want) {
    this.#wants.set(name, want);
    this.poke();
  }

  /** It is not on screen any more. @param {string} name */
  drop(name) {
    this.#wants.delete(name);
    this.#failed.delete(name);
  }

  /** For what nobody sees, and is asked for once. @param {InspectionRequest} request @returns {Promise<any>} */
  ask(request) {
    return this.#ask(request);
  }

  /** Something that a request depends on has changed. */
  poke() {
    this.#later(0);
  }

  /** The model was altered, or is again as it was: what is under way is about another. */
  outdate() {
    this.#turn += 1;
    this.poke();
  }

  /** Lets what failed be tried again. @param {string} name */
  retry(name) {
    this.#failed.delete(name);
    this.poke();
  }

  /** @param {number} delay */
  #later(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), delay);
  }

  /** The next request that is due, or null. @returns {{name: string, want: Want, request: InspectionRequest} | null} */
  #due() {
    const revision = this.#revision;
    if (revision === null) return null;
    const patience = this.#calm - performance.now();
    let waits = false;
    for (const [name, want] of [...this.#wants].sort(([, a], [, b]) => a.rank - b.rank)) {
      const request = want.request(revision);
      if (!request) continue;
      const failed = this.#failed.get(name);
      if (failed !== undefined && failed === JSON.stringify(request)) continue;
      if (patience <= 0 || want.rank < urgent) return { name, want, request };
      waits = true;
    }
    if (waits) this.#later(patience);
    return null;
  }

  /** @param {{name: string, want: Want, request: InspectionRequest}} due */
  async #answer({ name, want, request }) {
    const [asked, turn] = [this.#revision, this.#turn];
    const isOver = () => asked !== this.#revision || turn !== this.#turn;
    try {
      const answer = await this.#ask(request);
      if (isOver()) return;
      const foreign = 'of' in request && request.of === 'other' && request.kind !== 'differences';
      if (answer && 'revision' in answer && answer.revision !== asked && !foreign && request.kind !== 'compare') {
        // The engine is ahead: asking again is of no use until `refresh` announces the newer tokens.
        this.#revision = null;
        return;
      }
      // Another view may have taken its place meanwhile.
      if (this.#wants.get(name) === want) want.deliver(answer);
    } catch (error) {
      if (isOver()) return;
      this.#failed.set(name, JSON.stringify(request));
      if (want.fail) want.fail(error);
      else this.dispatchEvent(new CustomEvent('failure', { detail: error }));
    }
  }

  async #run() {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#again = false;
    try {
      for (let due = this.#due(); due; due = this.#due()) await this.#answer(due);
    } finally {
      this.#running = false;
      if (this.#again) this.#later(0);
    }
  }
}
