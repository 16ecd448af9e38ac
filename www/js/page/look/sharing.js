// @ts-check
import { unaltered } from '../lib/alteration.js';
import { tokenLabel } from '../lib/tokens.js';
import { byId } from '../ui/dom.js';
import { arcsView, blockView, compareView, headsView, headView, lensView, whyView } from './figures.js';

/**
 * @typedef {import('../lib/link.js').State} State
 * @typedef {import('../lib/link.js').MapOption} MapOption
 * @typedef {import('../ui/guide-panel.js').Shown} Shown
 * @typedef {import('./exporting.js').View} View
 *
 * @typedef {object} Parts
 * @property {import('../app.js').App} app
 * @property {import('../ui/text-field.js').TextField} field
 * @property {import('./selection.js').Selection} selection
 * @property {import('../ui/tabs.js').Tabs} tabs
 * @property {import('./heads.js').Heads} heads
 * @property {import('./one-head.js').OneHead} head
 * @property {import('./arcs.js').ArcsController} arcs
 * @property {import('./altering.js').Altering} altering
 * @property {import('./journey.js').JourneyController} journey
 * @property {import('./reasons.js').LensController} lens
 * @property {import('./reasons.js').WhyController} why
 * @property {import('./comparing.js').Comparing} comparing
 */

/** All that is shown as one piece of data, to be put into a link, taken out of one, driven by the tour, or saved. */
export class Sharing {
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @returns {State} */
  get state() {
    const { app, field, selection, tabs, heads, head, arcs, lens, comparing } = this.#parts;
    const { lift, norms, noSink, words } = head.view.options;
    const { temperature, topK, topP, seed, repetitionPenalty: penalty = 1 } = app.sampling;
    /** @type {[boolean, MapOption][]} */
    const options = [
      [!lift, 'plain'],
      [norms, 'norms'],
      [noSink, 'no-sink'],
      [words, 'words'],
    ];
    return {
      text: field.beforeCaret,
      model: app.model?.name ?? '',
      view: tabs.shown,
      layer: selection.layer,
      head: selection.head,
      stage: head.view.stage,
      options: options.flatMap(([on, option]) => (on ? [option] : [])),
      cell: selection.pinned ? selection.cell : null,
      position: selection.follows ? null : selection.position,
      find: heads.finder.choice,
      arcs: arcs.added,
      arcTokens: arcs.chosen,
      share: arcs.view.percent,
      halves: lens.view.halves,
      sampling: { temperature, topK, topP, seed, penalty },
      alteration: selection.alteration ?? unaltered,
      other: comparing.text,
    };
  }

  /** @param {State} state   checked against the model */
  apply(state) {
    const { field, selection, tabs, heads, head, arcs, altering, lens, comparing } = this.#parts;
    // Then nothing is read anew, and nothing will say that it has been.
    const stays = state.text === field.beforeCaret && selection.tokens.length > 0;
    if (!stays) field.replaceAll(state.text);
    selection.pick(state.layer, state.head);
    head.view.setOptions({
      lift: !state.options.includes('plain'),
      norms: state.options.includes('norms'),
      noSink: state.options.includes('no-sink'),
      words: state.options.includes('words'),
    });
    head.view.setStage(state.stage);
    heads.finder.choose(state.find);
    arcs.added = state.arcs;
    arcs.view.percent = state.share;
    lens.view.halves = state.halves;
    if (state.sampling) this.#setSampling(state.sampling);
    altering.set(state.alteration);
    head.pinLater(state.cell);
    if (stays || !state.cell) head.view.selectCell(state.cell);
    const choose = () => {
      selection.choose(state.position);
      // A token that is chosen is alone, until others join it.
      arcs.chosen = state.arcTokens;
    };
    if (stays || (state.position === null && state.arcTokens.length === 0)) choose();
    else this.#whenRead(choose);
    if (state.other !== '') this.#compare(state.other);
    tabs.show(state.view);
    if (state.other === '') comparing.view.text = '';
    tabs.element.scrollIntoView({ block: 'start' });
  }

  /** What a step of the tour wants. @param {Shown} shown */
  show(shown) {
    const { field, selection, tabs, heads, head, altering } = this.#parts;
    if (shown.text !== undefined && shown.text !== field.beforeCaret) field.replaceAll(shown.text);
    altering.set(unaltered);
    if (shown.view) tabs.show(shown.view);
    if (shown.stage) head.view.setStage(/** @type {import('../lib/stages.js').Stage} */ (shown.stage));
    if (shown.find !== undefined) heads.finder.choose(shown.find);
    if (shown.sum) head.view.sum.element.open = true;
    if (shown.alter) altering.tools.open();
    if (shown.position !== undefined) selection.choose(shown.position);
    if (shown.other) this.#compare(shown.other);
    if (shown.cell) {
      const [row, column] = shown.cell;
      head.pinLater({ row, column });
      head.view.selectCell({ row, column });
    }
  }

  /** Once the text that is there now has been read. @param {() => void} act */
  #whenRead(act) {
    this.#parts.selection.addEventListener('tokens', act, { once: true });
  }

  /** @param {string} text */
  #compare(text) {
    const { comparing } = this.#parts;
    comparing.view.text = text;
    comparing.compare(text);
  }

  /** @param {NonNullable<State['sampling']>} sampling */
  #setSampling({ temperature, topK, topP, seed, penalty }) {
    for (const [id, value] of Object.entries({ temperature, 'top-k': topK, 'top-p': topP, seed, penalty })) {
      const input = byId(id, HTMLInputElement);
      input.value = String(value);
      // Its own controller has to hear of it as if it had been typed.
      for (const type of ['input', 'change']) input.dispatchEvent(new Event(type, { bubbles: true }));
    }
  }

  get about() {
    const { app, field, selection } = this.#parts;
    return {
      text: field.beforeCaret,
      model: app.model?.name ?? '',
      altered: selection.alteration !== null,
    };
  }

  /** All heads, to be saved. @returns {Promise<View>} */
  async heads() {
    const { heads, head, altering } = this.#parts;
    return headsView(await heads.all(), heads.finder, { marks: altering.marks, power: head.view.power });
  }

  /** What is to be saved. @returns {View | null} */
  get view() {
    const { selection, tabs, head, arcs, journey, lens, why, comparing } = this.#parts;
    const names = selection.tokens.map(tokenLabel);
    switch (tabs.shown) {
      case 'arcs':
        return arcsView(arcs.drawn.maps, selection.tokens, arcs.drawn.chosen, arcs.view.share);
      case 'journey':
        return journey.drawn && blockView(journey.drawn, names, selection);
      case 'lens':
        return lensView(lens.drawn, selection.tokens, { position: selection.position, halves: lens.view.halves });
      case 'why':
        return why.view.shown && whyView(why.view.shown);
      case 'compare':
        return comparing.view.shown && compareView(comparing.view.shown, comparing.text);
      default:
        return headView(head.view.shown);
    }
  }
}
