// @ts-check
/** What `InspectionRequest`s do: the engine answers piece by piece, and newer text comes in between. */

import { revive } from '../shared/arrays.js';
import { codes, EngineError } from '../shared/protocol.js';

/**
 * @typedef {import('../../pkg/simd128/headlight.js').Engine} Engine
 * @typedef {typeof import('../../pkg/simd128/headlight.js').Inspection} Inspection
 * @typedef {import('../shared/inspection.js').InspectionRequest} InspectionRequest
 * @typedef {import('../shared/inspection.js').InspectionProgress} InspectionProgress
 *
 * @typedef {object} Surroundings
 * @property {() => {engine: Engine, Inspection: Inspection}} loaded   fails while there is no model
 * @property {() => Promise<void>} settled           resolves when the newest text is computed
 * @property {() => Promise<void>} yieldToMessages
 * @property {() => number} newestText               changes with every newer text
 */

/** @satisfies {Record<InspectionRequest['kind'], true>} */
const kinds = {
  attention: true,
  'attention-rows': true,
  thumbnails: true,
  'thumbnail-rows': true,
  'attention-cell': true,
  'head-vectors': true,
  'value-norms': true,
  'head-measures': true,
  journey: true,
  'journey-layer': true,
  'position-matrix': true,
  lens: true,
  why: true,
  prepare: true,
  alter: true,
  compare: true,
  differences: true,
  forget: true,
};

/** Of these only the newest is of interest, and how long it took. */
const runs = new Set(['alter', 'compare']);

/**
 * A handler for each kind of `InspectionRequest`.
 * @param {Surroundings} surroundings
 */
export function inspectingHandlers({ loaded, settled, yieldToMessages, newestText }) {
  /** @type {Map<string, number>} */
  const newest = new Map();

  /**
   * @param {{id: number} & InspectionRequest} message
   * @param {(progress: InspectionProgress) => void} report
   */
  async function inspect({ id, ...request }, report) {
    const { kind } = request;
    const text = newestText();
    if (runs.has(kind)) newest.set(kind, id);
    const giveWay = async () => {
      await yieldToMessages();
      if (text !== newestText()) throw new EngineError(codes.superseded, 'there is a newer text');
      if (runs.has(kind) && newest.get(kind) !== id)
        throw new EngineError(codes.superseded, `there is a newer ${kind}`);
    };
    await settled();
    await giveWay();
    const start = performance.now();
    const { engine, Inspection } = loaded();
    const inspection = Inspection.begin(engine, request);
    try {
      for (;;) {
        const piece = inspection.advance(engine);
        if ('answer' in piece) {
          /** @type {Transferable[]} */
          const transfer = [];
          const result = revive(piece.answer, (bytes) => bytes, transfer);
          if (runs.has(kind)) result.milliseconds = performance.now() - start;
          return { result, transfer };
        }
        report(piece);
        await giveWay();
      }
    } finally {
      inspection.free();
    }
  }

  return Object.fromEntries(Object.keys(kinds).map((kind) => [kind, inspect]));
}
