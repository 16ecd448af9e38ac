// @ts-check
/**
 * Traces: requests about the inside of a model with their answers, in one JSON file that `headlight trace` writes. A trace
 * answers as the engine does, without a model, what was recorded and what follows from it.
 *
 * The file: `{format: 'headlight-trace', version: 1, text, model, tokens, guesses, records: [{request, answer}]}`, as the
 * type `Trace` says, with arrays as `arrays.js` describes them, their bytes in base64.
 */

import { revive } from './arrays.js';
import { EngineError } from './protocol.js';

/**
 * @typedef {import('./inspection.js').Trace} TraceData
 * @typedef {import('./inspection.js').InspectionRequest} InspectionRequest
 * @typedef {import('./inspection.js').InspectionAnswers} InspectionAnswers
 */

/** Longest file that is read, in characters. */
export const longest = 64 * 2 ** 20;

/** @param {string} reason */
const invalid = (reason) => new EngineError('invalid-trace', `this is not a trace: ${reason}`);

/** @param {unknown} written */
function bytesOf(written) {
  if (typeof written !== 'string') throw invalid('an array is not in base64');
  try {
    return Uint8Array.from(atob(written), (character) => character.charCodeAt(0));
  } catch {
    throw invalid('an array is not in base64');
  }
}

/**
 * How long the arrays of an answer must be, so that views need not check.
 * @param {TraceData['model']} model
 * @param {number} size tokens
 * @returns {Record<string, Record<string, number>>}
 */
function lengths({ layers, heads, width }, size) {
  const channels = width / heads;
  const vectors = size * channels;
  const ofBlock = ['input', 'query', 'key', 'value', 'gathered', 'projected', 'attended', 'mlp', 'output'];
  return {
    attention: { scores: size * size, weights: size * size },
    'head-vectors': { queries: vectors, keys: vectors, values: vectors },
    'value-norms': { values: size, outputs: size },
    journey: { tokenEmbedding: width, positionEmbedding: width, residuals: (2 * layers + 1) * width },
    'journey-layer': {
      ...Object.fromEntries(ofBlock.map((name) => [name, width])),
      scores: heads * size,
      weights: heads * size,
    },
    'head-measures': Object.fromEntries([...measureNames, 'labels'].map((name) => [name, layers * heads])),
    why: { heads: layers * heads, attentionBiases: layers, mlps: layers, sources: layers * heads * size },
  };
}

/** @type {import('./inspection.js').MeasureName[]} */
const measureNames = ['previous', 'self', 'same', 'first', 'induction', 'local', 'spread'];

/**
 * The arrays in measures of heads, by name.
 * @param {any} answer
 */
function scoresOf(answer) {
  const scores = measureNames.map((name) => [name, answer?.measures?.[name]?.scores]);
  return { labels: answer?.labels, ...Object.fromEntries(scores) };
}

export class Trace {
  /** @type {Map<string, any>} */
  #answers = new Map();

  /** @param {TraceData} data */
  constructor(data) {
    this.text = data.text;
    this.model = data.model;
    this.tokens = data.tokens;
    this.guesses = data.guesses;
    /** The one of all answers. */
    this.revision = data.records.reduce(
      (newest, { answer }) => Math.max(newest, answer && 'revision' in answer ? answer.revision : 0),
      0,
    );
    for (const { request, answer } of data.records) {
      this.#answers.set(keyOf(request), answer);
      // A lens that was asked about a token holds all that one without has.
      if (request.kind === 'lens') this.#answers.set(keyOf({ ...request, token: null }), answer);
    }
  }

  /**
   * Reads a file, which may be anything.
   * @param {string} json
   */
  static read(json) {
    if (json.length > longest) throw invalid('it is too long');
    let data;
    try {
      data = JSON.parse(json);
    } catch {
      throw invalid('it is not JSON');
    }
    if (data?.format !== 'headlight-trace' || data.version !== 1) throw invalid('its format is unknown');
    const { text, model, tokens, guesses, records } = data;
    for (const name of ['layers', 'heads', 'width', 'positions', 'vocabulary', 'parameters']) {
      if (!(Number.isSafeInteger(model?.[name]) && model[name] > 0)) throw invalid(`its model has no ${name}`);
    }
    for (const name of ['name', 'source', 'licence']) {
      if (typeof model[name] !== 'string') throw invalid(`its model has no ${name}`);
    }
    if (model.layers > 96 || model.heads > 64 || model.width % model.heads !== 0)
      throw invalid('its model is impossible');
    if (typeof text !== 'string') throw invalid('it has no text');
    for (const list of [tokens, guesses, records]) if (!Array.isArray(list)) throw invalid('a list is missing');
    for (const token of [...tokens, ...guesses.map((/** @type {any} */ guess) => guess?.token)]) {
      const isToken =
        Number.isSafeInteger(token?.id) &&
        (token.text === null || typeof token.text === 'string') &&
        typeof token.hex === 'string';
      if (!isToken) throw invalid('a token is malformed');
    }
    const expected = lengths(model, tokens.length);
    const read = records.map((/** @type {any} */ record) => {
      const kind = record?.request?.kind;
      if (typeof kind !== 'string') throw invalid('a request is malformed');
      const answer = revive(record.answer, bytesOf);
      const arrays = kind === 'head-measures' ? scoresOf(answer) : answer;
      for (const [name, length] of Object.entries(expected[kind] ?? {})) {
        if (arrays?.[name]?.length !== length) throw invalid(`${name} of ${kind} has the wrong length`);
      }
      return { request: record.request, answer };
    });
    return new Trace({ text, model, tokens, guesses, records: read });
  }

  /**
   * As `Engine.inspect`; what was not recorded fails with `not-recorded`.
   * @template {InspectionRequest} R
   * @param {R} request
   * @returns {Promise<InspectionAnswers[R['kind']]>}
   */
  async inspect(request) {
    const answer = this.#answers.get(keyOf(request)) ?? this.#derived(request);
    if (!answer) throw new EngineError('not-recorded', `this trace does not hold ${request.kind} of that kind`);
    return answer;
  }

  /** @param {InspectionRequest} request */
  #derived(request) {
    if ('of' in request && request.of !== undefined && request.of !== 'text') return undefined;
    if (request.kind === 'attention-rows') return this.#rows(request);
    if (request.kind === 'attention-cell') return this.#cell(request);
    return undefined;
  }

  /**
   * @param {import('./inspection.js').AttentionRowsRequest} request
   * @returns {import('./inspection.js').AttentionRows | undefined}
   */
  #rows({ layers, heads, from, to }) {
    const all = (/** @type {number} */ count) => Array.from({ length: count }, (_, index) => index);
    const wantedLayers = layers ?? all(this.model.layers);
    const wantedHeads = heads ?? all(this.model.heads);
    const maps = wantedLayers.flatMap((layer) =>
      wantedHeads.map((head) => this.#answers.get(keyOf({ kind: 'attention', layer, head }))),
    );
    const size = this.tokens.length;
    if (!(0 <= from && from <= to && to <= size) || !maps.length || !maps.every(Boolean)) return undefined;
    const joined = (/** @type {'scores' | 'weights'} */ name) => {
      const length = (to - from) * size;
      const rows = new Float32Array(maps.length * length);
      maps.forEach((map, index) => {
        rows.set(map[name].subarray(from * size, to * size), index * length);
      });
      return rows;
    };
    const { revision, scale } = maps[0];
    const place = { revision, layers: wantedLayers, heads: wantedHeads, from, to, size, scale };
    return { ...place, scores: joined('scores'), weights: joined('weights') };
  }

  /**
   * @param {import('./inspection.js').AttentionCellRequest} request
   * @returns {import('./inspection.js').AttentionCell | undefined}
   */
  #cell({ layer, head, row, column }) {
    const map = this.#answers.get(keyOf({ kind: 'attention', layer, head }));
    const vectors = this.#answers.get(keyOf({ kind: 'head-vectors', layer, head }));
    const norms = this.#answers.get(keyOf({ kind: 'value-norms', layer, head }));
    const size = this.tokens.length;
    const within = (/** @type {number} */ index) => Number.isInteger(index) && index >= 0 && index < size;
    if (!(map && vectors && norms && within(row) && within(column))) return undefined;
    const { channels, scale } = vectors;
    const at = (/** @type {Float32Array} */ all, /** @type {number} */ position) =>
      all.slice(position * channels, (position + 1) * channels);
    const query = at(vectors.queries, row);
    const key = at(vectors.keys, column);
    const visible = map.scores.subarray(row * size, row * size + row + 1);
    const score = map.scores[row * size + column];
    const masked = column > row;
    const maximum = visible.reduce((/** @type {number} */ a, /** @type {number} */ b) => Math.max(a, b), -Infinity);
    const exponential = (/** @type {number} */ value) => Math.fround(Math.exp(value - maximum));
    const total = visible.reduce((/** @type {number} */ sum, /** @type {number} */ b) => sum + exponential(b), 0);
    return {
      revision: map.revision,
      layer,
      head,
      row,
      column,
      query,
      key,
      products: query.map((value, index) => value * key[index]),
      sum: score / scale,
      scale,
      score,
      masked,
      maximum: masked ? null : maximum,
      exponential: masked ? null : exponential(score),
      total: masked ? null : total,
      weight: masked ? null : map.weights[row * size + column],
      value: at(vectors.values, column),
      valueNorm: norms.values[column],
      outputNorm: norms.outputs[column],
    };
  }
}

/**
 * The same for all ways to write a request.
 * @param {InspectionRequest} request
 */
function keyOf(request) {
  const { of = 'text', ...rest } = /** @type {InspectionRequest & {of?: string}} */ (request);
  // Fields that are absent, and what may be asked for in addition, make no other request.
  const isSet = (/** @type {[string, unknown]} */ [name, value]) =>
    !['top', 'cells', 'logits'].includes(name) && value !== undefined && value !== null;
  const entries = Object.entries({ ...rest, of }).filter(isSet);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
