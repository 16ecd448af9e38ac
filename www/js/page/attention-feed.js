// @ts-check
/**
 * Decides what attention to ask the engine for: only what is on screen, only what changed, one request at a time, so
 * that a keystroke waits at most for the pictures of one layer.
 *
 * @typedef {import('../shared/protocol.js').Attention} Attention
 * @typedef {import('../shared/protocol.js').Thumbnails} Thumbnails
 * @typedef {object} Source
 * @property {(layer: number, head: number) => Promise<Attention>} attention
 * @property {(layer: number, cells: number) => Promise<Thumbnails>} thumbnails
 */

const pause = 80; // ms after the last keystroke

export class AttentionFeed extends EventTarget {
  #source;
  #cells;
  /** @type {number | null} */
  #revision = null;
  /** @type {Set<number>} */
  #layers = new Set();
  /** Revision that each layer's thumbnails show. @type {Map<number, number>} */
  #drawn = new Map();
  /** @type {{layer: number, head: number}} */
  #head = { layer: 0, head: 0 };
  #headVisible = false;
  #headDrawn = '';
  #running = false;
  #again = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * Events: `attention`, `thumbnails` with the answer as detail, `failure` with the error.
   * @param {Source} source
   * @param {number} cells
   */
  constructor(source, cells) {
    super();
    this.#source = source;
    this.#cells = cells;
  }

  /**
   * The engine's newest revision, or null when there is nothing to ask for.
   * @param {number | null} revision
   */
  refresh(revision) {
    this.#revision = revision;
    this.#later(pause);
  }

  /** Forgets what was drawn, as another model comes. */
  reset() {
    this.#drawn.clear();
    this.#headDrawn = '';
    this.#revision = null;
  }

  /** @param {Iterable<number>} layers */
  showLayers(layers) {
    this.#layers = new Set(layers);
    this.#later(0);
  }

  /**
   * @param {number} layer
   * @param {number} head
   */
  showHead(layer, head) {
    this.#head = { layer, head };
    this.#later(0);
  }

  /** @param {boolean} visible */
  showMap(visible) {
    this.#headVisible = visible;
    if (visible) this.#later(0);
  }

  /** @param {number} delay */
  #later(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), delay);
  }

  /** The next request that is due, or null. @returns {(() => Promise<void>) | null} */
  #due() {
    const revision = this.#revision;
    if (revision === null) return null;
    const { layer, head } = this.#head;
    const wanted = `${revision}/${layer}/${head}`;
    if (this.#headVisible && this.#headDrawn !== wanted) {
      return async () => {
        const detail = await this.#source.attention(layer, head);
        if (!this.#fits(detail.revision, revision)) return;
        this.#headDrawn = wanted;
        this.dispatchEvent(new CustomEvent('attention', { detail }));
      };
    }
    for (const visible of [...this.#layers].sort((a, b) => a - b)) {
      if (this.#drawn.get(visible) === revision) continue;
      return async () => {
        const detail = await this.#source.thumbnails(visible, this.#cells);
        if (!this.#fits(detail.revision, revision)) return;
        this.#drawn.set(visible, revision);
        this.dispatchEvent(new CustomEvent('thumbnails', { detail }));
      };
    }
    return null;
  }

  /**
   * Whether an answer is about the tokens that the page knows.
   * @param {number} answered
   * @param {number} asked the page's revision when it asked
   */
  #fits(answered, asked) {
    if (answered === asked && asked === this.#revision) return true;
    // The engine is ahead: asking again is of no use until `refresh` announces the newer tokens.
    if (asked === this.#revision) this.#revision = null;
    return false;
  }

  async #run() {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#again = false;
    try {
      for (let due = this.#due(); due; due = this.#due()) await due();
    } catch (error) {
      this.dispatchEvent(new CustomEvent('failure', { detail: error }));
    } finally {
      this.#running = false;
      // Something was asked for while a request was out that then failed, most likely because newer text came.
      if (this.#again) this.#later(0);
    }
  }
}
