// @ts-check
/** How long looking inside takes, through the page's own client: from a request to its answer. */
import { median } from '../../www/js/bench/figures.js';

/** @typedef {import('../../www/js/bench/figures.js').Figure} Figure */

const GROUP = 'Looking inside, the page’s own choice of build';

/** @type {Figure[]} */
export const insideFigures = [
  { id: 'inside-rows', group: GROUP, name: 'the last row of all heads, 256 tokens', unit: 'ms' },
  { id: 'inside-map', group: GROUP, name: 'one head, 1,024 x 1,024', unit: 'ms' },
  { id: 'inside-lens', group: GROUP, name: 'logit lens of one position', unit: 'ms' },
  { id: 'inside-measures', group: GROUP, name: 'what all heads do, 256 tokens', unit: 'ms' },
  { id: 'inside-prepare', group: GROUP, name: 'preparing 256 tokens to be altered', unit: 'ms' },
  { id: 'inside-off', group: GROUP, name: '… then a head off in the middle', unit: 'ms' },
  { id: 'inside-off-unprepared', group: GROUP, name: '… without preparing', unit: 'ms' },
];

/**
 * Milliseconds for each figure, by id.
 * @param {import('playwright-core').Page} page   any page of the site
 * @param {string} base                           of the model
 * @returns {Promise<Record<string, number>>}
 */
export async function measureInside(page, base) {
  const times = await page.evaluate(async (base) => {
    const { Engine } = await import(/** @type {string} */ (new URL('js/page/engine.js', document.baseURI).href));
    /** @type {import('../../www/js/page/engine.js').Engine} */
    const engine = new Engine();
    const { layers } = await engine.load({ type: 'folder', base });
    await engine.tune();
    const fill = (/** @type {number} */ count, first = 13) =>
      engine.prefillTokens(Uint32Array.from({ length: count }, (_, i) => (i * 7919 + first) % 50_000));
    /** @param {import('../../www/js/shared/inspection.js').InspectionRequest} request @param {number} times */
    const time = async (request, times) => {
      const found = [];
      for (let i = 0; i < times; i++) {
        const start = performance.now();
        await engine.inspect(request);
        found.push(performance.now() - start);
      }
      return found;
    };
    await fill(256);
    const last = { position: 255, top: 5 };
    const off = [{ layer: layers >> 1, head: 0 }];
    /** @type {import('../../www/js/shared/inspection.js').AlterRequest} */
    const alter = { kind: 'alter', alteration: { unmasked: [], off, cuts: [] }, top: 5 };
    const found = {
      'inside-rows': await time({ kind: 'attention-rows', layers: null, heads: null, from: 255, to: 256 }, 15),
      'inside-lens': await time({ kind: 'lens', ...last, token: 262 }, 9),
      'inside-measures': await time({ kind: 'head-measures' }, 5),
      'inside-prepare': /** @type {number[]} */ ([]),
      'inside-off': /** @type {number[]} */ ([]),
      'inside-off-unprepared': /** @type {number[]} */ ([]),
      'inside-map': /** @type {number[]} */ ([]),
    };
    for (let i = 0; i < 3; i++) {
      // Of another text nothing is known.
      await fill(256, 2 * i);
      found['inside-off-unprepared'].push(...(await time(alter, 1)));
      await fill(256, 2 * i + 1);
      const steps = await time({ kind: 'prepare' }, layers - 1);
      found['inside-prepare'].push(steps.reduce((sum, step) => sum + step, 0));
      found['inside-off'].push(...(await time(alter, 1)));
    }
    await fill(1024);
    found['inside-map'] = await time({ kind: 'attention', layer: 3, head: 4 }, 9);
    engine.close();
    return found;
  }, base);
  return Object.fromEntries(Object.entries(times).map(([id, values]) => [id, median(values)]));
}
