// @ts-check
import { LensView } from '../ui/lens-view.js';
import { WhyView } from '../ui/why-view.js';

/**
 * @typedef {import('../../shared/inspection.js').Lens} Lens
 * @typedef {import('../../shared/inspection.js').Why} Why
 * @typedef {import('../../shared/inspection.js').Journey} Journey
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {import('./feed.js').Feed} Feed
 * @typedef {import('./selection.js').Selection} Selection
 */

const columns = 9; // tokens whose guesses are shown side by side
const listed = 5;
const offered = 12;

/** The guesses at every depth, for the chosen token first and then for those around it. */
export class LensController {
  view = new LensView();
  #feed;
  #selection;
  #shown = false;
  /** @type {Map<number, Lens>} */
  #lenses = new Map();
  #stamp = '';
  /** The most probable token at the end of each position's lens. @type {Map<number, number>} */
  #final = new Map();

  /**
   * @param {Feed} feed
   * @param {Selection} selection
   */
  constructor(feed, selection) {
    this.#feed = feed;
    this.#selection = selection;
    for (const type of ['position', 'run']) {
      selection.addEventListener(type, () => {
        this.#draw();
        feed.poke();
      });
    }
    selection.addEventListener('tokens', () => {
      // No token looks at a later one, so what stands before a change keeps its guesses.
      if (selection.of !== 'text') return;
      for (const map of [this.#lenses, this.#final]) {
        for (const position of map.keys()) if (position >= selection.kept) map.delete(position);
      }
    });
    this.view.addEventListener('position', (event) => {
      selection.choose(/** @type {CustomEvent} */ (event).detail.position);
      this.#draw();
    });
  }

  /** What is drawn, for exports. */
  get drawn() {
    return this.#window()
      .sort((a, b) => a - b)
      .flatMap((position) => this.#lenses.get(position) ?? []);
  }

  /** Another model. */
  reset() {
    this.#lenses.clear();
    this.#final.clear();
  }

  /** @param {boolean} shown */
  show(shown) {
    if (this.#shown === shown) return;
    this.#shown = shown;
    if (!shown) {
      this.#feed.drop('lens');
      return;
    }
    const selection = this.#selection;
    this.#feed.want('lens', {
      rank: 12,
      request: (revision) => {
        const run = selection.of === 'text' ? `text/${selection.turn}` : selection.stamp(revision);
        if (!selection.ready(revision)) return null;
        if (run !== this.#stamp) {
          this.reset();
          this.#stamp = run;
        }
        const position = this.#due();
        if (position === null) return null;
        // A first look tells which token wins, a second where that one stood at every depth.
        const token = this.#final.get(position) ?? null;
        return { kind: 'lens', position, top: listed, token, of: selection.of };
      },
      deliver: (/** @type {Lens} */ lens) => {
        this.#lenses.set(lens.position, lens);
        const winner = lens.depths.at(-1)?.guesses[0];
        if (winner) this.#final.set(lens.position, winner.token.id);
        this.#draw();
      },
    });
  }

  /** Positions on show, the chosen one first. */
  #window() {
    const { position, tokens } = this.#selection;
    const last = Math.min(tokens.length - 1, Math.max(position + Math.floor(columns / 2), columns - 1));
    const first = Math.max(0, last - columns + 1);
    const all = Array.from({ length: last - first + 1 }, (_, index) => last - index);
    return [position, ...all.filter((each) => each !== position)];
  }

  /** The next position that something is missing of. */
  #due() {
    const { position } = this.#selection;
    for (const each of this.#window()) {
      const lens = this.#lenses.get(each);
      if (!lens) return each;
      // Only the chosen one needs the ranks.
      if (each === position && lens.depths[0].token === null && this.#final.has(each)) return each;
    }
    return null;
  }

  #draw() {
    const { tokens, position } = this.#selection;
    const shown = new Map();
    for (const each of this.#window()) {
      const lens = this.#lenses.get(each);
      if (lens && each < tokens.length) shown.set(each, lens);
    }
    this.view.update(shown, tokens, position);
  }
}

/** What speaks for a word after the chosen token. */
export class WhyController {
  view = new WhyView();
  #feed;
  #selection;
  #shown = false;
  /** @type {{token: number | null, against: number | null}} */
  #asked = { token: null, against: null };
  /** @type {import('../../shared/inspection.js').Guess[]} */
  #guesses = [];
  #guessed = '';
  #drawn = '';

  /**
   * @param {Feed} feed
   * @param {Selection} selection
   */
  constructor(feed, selection) {
    this.#feed = feed;
    this.#selection = selection;
    for (const type of ['position', 'run']) selection.addEventListener(type, () => feed.poke());
    this.view.addEventListener('token', (event) => {
      this.#asked.token = /** @type {CustomEvent} */ (event).detail.id;
      feed.poke();
    });
    this.view.addEventListener('against', (event) => {
      this.#asked.against = /** @type {CustomEvent} */ (event).detail.id;
      feed.poke();
    });
    this.view.addEventListener('pick', (event) => {
      const { layer, head } = /** @type {CustomEvent} */ (event).detail;
      selection.pick(layer, head);
    });
  }

  /** Another model. */
  reset() {
    this.#asked = { token: null, against: null };
    this.#guessed = '';
    this.#drawn = '';
  }

  /** @param {boolean} shown */
  show(shown) {
    if (this.#shown === shown) return;
    this.#shown = shown;
    const [feed, selection] = [this.#feed, this.#selection];
    if (!shown) {
      feed.drop('why-guesses');
      feed.drop('why');
      return;
    }
    const stamp = (/** @type {number} */ revision) => `${selection.stamp(revision)}/${selection.position}`;
    feed.want('why-guesses', {
      rank: 13,
      request: (revision) =>
        !selection.ready(revision) || this.#guessed === stamp(revision)
          ? null
          : { kind: 'journey', position: selection.position, top: offered, of: selection.of },
      deliver: (/** @type {Journey} */ answer) => {
        if (answer.position !== selection.position) return;
        this.#guessed = stamp(answer.revision);
        this.#guesses = answer.guesses;
        const has = (/** @type {number | null} */ id) => answer.guesses.some(({ token }) => token.id === id);
        // Another text has other words to ask about.
        if (!has(this.#asked.token)) this.#asked = { token: answer.guesses[0].token.id, against: null };
        if (!has(this.#asked.against)) this.#asked.against = null;
        this.view.offer(this.#guesses, this.#asked.token, this.#asked.against);
      },
    });
    feed.want('why', {
      rank: 14,
      request: (revision) => {
        const { token, against } = this.#asked;
        if (this.#guessed !== stamp(revision) || token === null) return null;
        const wanted = `${stamp(revision)}/${token}/${against}`;
        if (this.#drawn === wanted) return null;
        return { kind: 'why', position: selection.position, token, against, of: selection.of };
      },
      deliver: (/** @type {Why} */ answer) => {
        if (answer.position !== selection.position) return;
        this.#drawn = `${stamp(answer.revision)}/${this.#asked.token}/${this.#asked.against}`;
        this.view.update(answer, selection.tokens, selection.heads);
      },
    });
  }
}
