// @ts-check
import { shares } from './arcs.js';
import { measureNames } from './measures.js';

/**
 * What the page shows, as the fragment of an address. Browsers never send it anywhere. It may come from anybody, so reading it
 * accepts nothing but what writing it makes.
 *
 * @typedef {import('../../shared/inspection.js').Alteration} Alteration
 * @typedef {import('./stages.js').Stage} Stage
 *
 * @typedef {object} State
 * @property {string} text
 * @property {string} model     its name, to be compared with the one in use
 * @property {string} view
 * @property {number} layer
 * @property {number} head
 * @property {Stage} stage
 * @property {MapOption[]} options
 * @property {{row: number, column: number} | null} cell   the pinned one
 * @property {number | null} position                      null follows the last token
 * @property {import('./measures.js').MeasureName | ''} find    what heads are found by
 * @property {{layer: number, head: number}[]} arcs        heads kept in the picture of arcs
 * @property {number[]} arcTokens                          those chosen there, in order; none follows `position`
 * @property {number} share                                of attention that the arcs make up, in percent
 * @property {boolean} halves                              guesses by depth also after attention
 * @property {{temperature: number, topK: number, topP: number, seed: number, penalty: number} | null} sampling
 * @property {Alteration} alteration
 * @property {string} other     the second text
 */

/** @typedef {'plain' | 'norms' | 'no-sink' | 'words'} MapOption   `plain`: small weights are not lifted */

export const views = ['attention', 'arcs', 'journey', 'lens', 'why', 'compare'];
const stages = ['products', 'scores', 'masked', 'weights'];
const mapOptions = ['plain', 'norms', 'no-sink', 'words'];

const longest = { text: 20_000, name: 200, list: 16_384 };
/** More layers, heads or positions than any model has. */
const most = 100_000;

/** A fragment that is not one of ours; the message says why. */
export class LinkError extends Error {}

/** @param {number | null} number */
const some = (number) => (number === null ? '*' : String(number));

const samplingParts = /** @type {const} */ (['temperature', 'topK', 'topP', 'seed', 'penalty']);

/** @param {State} state */
export function writeLink(state) {
  const { alteration, sampling, cell, position } = state;
  /** @type {[string, string][]} */
  const entries = [
    ['text', state.text],
    ['model', state.model],
    ['view', state.view],
    ['head', `${state.layer}.${state.head}`],
    ['stage', state.stage],
    ['map', state.options.join(',')],
    ['cell', cell ? `${cell.row}.${cell.column}` : ''],
    ['token', position === null ? '' : String(position)],
    ['arcs', state.arcs.map(({ layer, head }) => `${layer}.${head}`).join(',')],
    ['arc-tokens', state.arcTokens.join(',')],
    ['share', state.share === shares.usual ? '' : String(state.share)],
    ['find', state.find],
    ['lens', state.halves ? 'halves' : ''],
    ['sampling', sampling ? samplingParts.map((part) => sampling[part]).join(',') : ''],
    ['off', alteration.off.map(({ layer, head }) => `${some(layer)}.${some(head)}`).join(',')],
    ['unmasked', alteration.unmasked.map(({ layer, head }) => `${some(layer)}.${some(head)}`).join(',')],
    ['cut', alteration.cuts.map((cut) => [cut.layer, cut.head, cut.row, cut.column].map(some).join('.')).join(',')],
    ['other', state.other],
  ];
  const kept = entries.filter(([, value]) => value !== '');
  return new URLSearchParams([['look', '1'], ...kept]).toString();
}

/** Whether a fragment claims to be one of ours; others, such as those of headings, are left alone. @param {string} fragment */
export function isLink(fragment) {
  return /^#?look=/.test(fragment);
}

/**
 * @param {string} fragment   with or without its `#`
 * @returns {State}
 * @throws {LinkError}
 */
export function readLink(fragment) {
  const given = new Map();
  for (const [key, value] of new URLSearchParams(fragment.replace(/^#/, ''))) {
    if (given.has(key)) throw new LinkError(`“${cut(key)}” is there twice`);
    given.set(key, value);
  }
  if (given.get('look') !== '1') throw new LinkError('it is of another version');
  given.delete('look');
  /** @param {string} key @param {number} length */
  const take = (key, length) => {
    const value = given.get(key) ?? '';
    given.delete(key);
    if (value.length > length) throw new LinkError(`“${key}” is too long`);
    return value;
  };
  const text = take('text', longest.text);
  const model = take('model', longest.name);
  const view = oneOf('view', take('view', longest.name) || 'attention', views);
  const [layer, head] = numbers('head', take('head', longest.name) || '0.0', 2);
  const stage = /** @type {Stage} */ (oneOf('stage', take('stage', longest.name) || 'weights', stages));
  const options = list(take('map', longest.name)).map((option) => oneOf('map', option, mapOptions));
  const cell = take('cell', longest.name);
  const position = take('token', longest.name);
  const arcs = list(take('arcs', longest.list)).map((place) => {
    const [layer, head] = numbers('arcs', place, 2);
    return { layer, head };
  });
  const arcTokens = ascending('arc-tokens', take('arc-tokens', longest.list));
  const share = readShare(take('share', longest.name));
  const find = /** @type {State['find']} */ (oneOf('find', take('find', longest.name), ['', ...measureNames]));
  const halves = oneOf('lens', take('lens', longest.name), ['', 'halves']) !== '';
  const sampling = take('sampling', longest.name);
  const places = (/** @type {string} */ key) =>
    list(take(key, longest.list)).map((place) => {
      const [layer, head] = wild(key, place, 2);
      return { layer, head };
    });
  const off = places('off');
  const unmasked = places('unmasked');
  const cuts = list(take('cut', longest.list)).map((each) => {
    const [layer, head, row, column] = wild('cut', each, 4);
    if (row === null && column === null) throw new LinkError(`“cut” has neither row nor column: ${cut(each)}`);
    return { layer, head, row, column };
  });
  const other = take('other', longest.text);
  for (const key of given.keys()) throw new LinkError(`“${cut(key)}” is unknown`);
  return {
    ...{ text, model, view, layer, head, stage, find, arcs, arcTokens, share, halves, other },
    options: /** @type {MapOption[]} */ (options),
    cell: cell === '' ? null : pair('cell', cell),
    position: position === '' ? null : numbers('token', position, 1)[0],
    sampling: sampling === '' ? null : readSampling(sampling),
    alteration: { unmasked, off, cuts },
  };
}

/** Why a fragment would not be read, or null. @param {string} fragment */
export function refusal(fragment) {
  try {
    readLink(fragment);
    return null;
  } catch (error) {
    if (error instanceof LinkError) return error.message;
    throw error;
  }
}

/** @param {string} text */
function cut(text) {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** @param {string} text */
function list(text) {
  return text === '' ? [] : text.split(',');
}

/** @param {string} key @param {string} value @param {readonly string[]} known */
function oneOf(key, value, known) {
  if (!known.includes(value)) throw new LinkError(`“${key}” can’t be ${cut(value)}`);
  return value;
}

/** @param {string} key @param {string} text @param {number} count */
function numbers(key, text, count) {
  const parts = text.split('.');
  const whole =
    parts.length === count && parts.every((part) => /^(0|[1-9]\d{0,5})$/.test(part) && Number(part) <= most);
  if (!whole) throw new LinkError(`“${key}” can’t be ${cut(text)}`);
  return parts.map(Number);
}

/** @param {string} key @param {string} text @param {number} count @returns {(number | null)[]} */
function wild(key, text, count) {
  const found = numbers(key, text.replaceAll('*', '0'), count);
  const parts = text.split('.');
  if (parts.some((part) => part.includes('*') && part !== '*')) throw new LinkError(`“${key}” can’t be ${cut(text)}`);
  return found.map((number, index) => (parts[index] === '*' ? null : number));
}

/** @param {string} key @param {string} text */
function pair(key, text) {
  const [row, column] = numbers(key, text, 2);
  return { row, column };
}

/** Each once, in order. @param {string} key @param {string} text */
function ascending(key, text) {
  const found = list(text).map((each) => numbers(key, each, 1)[0]);
  if (found.some((number, index) => index > 0 && number <= found[index - 1]))
    throw new LinkError(`“${key}” can’t be ${cut(text)}`);
  return found;
}

/** @param {string} text */
function readShare(text) {
  if (text === '') return shares.usual;
  const [share] = numbers('share', text, 1);
  if (share < shares.least || share > shares.most || share % shares.step !== 0)
    throw new LinkError(`“share” can’t be ${cut(text)}`);
  return share;
}

/** @param {string} text */
function readSampling(text) {
  const parts = text.split(',');
  const decimal = /^\d{1,10}(\.\d{1,6})?$/;
  const [temperature, topK, topP, seed, penalty] = parts.map(Number);
  const fits =
    parts.length === samplingParts.length &&
    parts.every((part) => decimal.test(part)) &&
    temperature <= 2 &&
    Number.isInteger(topK) &&
    topK <= 1_000_000 &&
    topP > 0 &&
    topP <= 1 &&
    Number.isInteger(seed) &&
    seed < 2 ** 32 &&
    penalty >= 1 &&
    penalty <= 2;
  if (!fits) throw new LinkError(`“sampling” can’t be ${cut(text)}`);
  return { temperature, topK, topP, seed, penalty };
}
