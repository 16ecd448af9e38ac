// @ts-check
/** What tests of downloads share: small repositories in the hub's layout, and an engine on a page without any other. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointConfig, checkpointContent } from '../make-checkpoint.mjs';
import { impatient, root } from './harness.mjs';
import { largeFile, smallFile } from './hub-server.mjs';

/** @typedef {import('playwright-core').Page} Page */

/** Several pieces long, and with masks that are worth skipping. */
export const SHAPE = { layers: 2, heads: 2, width: 128, positions: 512 };
export const REPOSITORY = 'somebody/some-gpt2';

/**
 * @param {import('../make-checkpoint.mjs').Shape} [shape]
 * @returns {import('./hub-server.mjs').Repository}
 */
export function repository(shape = SHAPE) {
  return {
    revision: createHash('sha1').update(JSON.stringify(shape)).digest('hex'),
    licence: 'mit',
    files: {
      'config.json': smallFile(checkpointConfig(shape)),
      'tokenizer.json': smallFile(readFileSync(join(root, 'www/models/built-in/tokenizer.json'))),
      'model.safetensors': largeFile(checkpointContent(shape)),
      'README.md': smallFile('# A model'),
    },
  };
}

/** What stands in the page's scripts for the hub. @param {string} origin */
export const asHub = (origin) => ({ 'https://huggingface.co': origin, ...impatient });

/**
 * Loads a model in an engine of its own and has it suggest something.
 * @param {Page} page
 * @param {import('../../www/js/shared/models.js').ModelSource | {type: 'look-up', repository: string}} source
 * @param {{cancelAfter?: number}} [options]   bytes
 */
export function load(page, source, options = {}) {
  return page.evaluate(
    async ({ source, cancelAfter }) => {
      const { Engine } = await import(new URL('js/page/engine.js', location.href).href);
      const engine = new Engine();
      // So that a test can end it in the middle.
      Object.assign(globalThis, { engine });
      /** @type {any[]} */
      const progress = [];
      try {
        engine.configure({ variant: 'simd128', threads: 1 });
        const given =
          source.type === 'look-up' ? { type: 'hub', model: await engine.lookUp(source.repository) } : source;
        const start = performance.now();
        const info = await engine.load(given, (/** @type {any} */ step) => {
          progress.push(step);
          Object.assign(globalThis, { loaded: step.loaded });
          if (cancelAfter !== undefined && step.loaded > cancelAfter) engine.cancelLoad();
        });
        const milliseconds = performance.now() - start;
        const { candidates } = await engine.suggest('The cat sat on the', 3);
        const best = candidates.map((/** @type {any} */ { token }) => token.id);
        return { info, progress, best, milliseconds, error: null };
      } catch (error) {
        const { code, message } = /** @type {any} */ (error);
        return { info: null, progress, best: [], milliseconds: 0, error: { code, message } };
      } finally {
        engine.close();
      }
    },
    { source, ...options },
  );
}

/**
 * @param {Page} page
 * @param {string} repository
 * @param {{cancelAfter?: number}} [options]
 */
export const loadFromHub = (page, repository, options) => load(page, { type: 'look-up', repository }, options);

/**
 * @param {Page} page
 * @returns {Promise<import('../../www/js/shared/models.js').Kept>}
 */
export const kept = (page) => ask(page, 'kept');

/** @param {Page} page */
export const forgetAll = (page) => ask(page, 'forget', null);

/**
 * What an engine that is asked for nothing else answers.
 * @param {Page} page
 * @param {string} method
 * @param {...any} given
 */
export function ask(page, method, ...given) {
  return page.evaluate(
    async ({ method, given }) => {
      const { Engine } = await import(new URL('js/page/engine.js', location.href).href);
      const engine = new Engine();
      try {
        return await engine[method](...given);
      } finally {
        engine.close();
      }
    },
    { method, given },
  );
}
