// @ts-check
/**
 * Takes the pictures of `docs/views`: each view inside the model, wide and narrow, light and dark, from the real page with
 * the built-in model. Made small with `pngquant` where that is installed.
 *
 *   node scripts/pictures.mjs [--only attention,why] [--to FOLDER]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../tests/browser/chromium.mjs';
import { serve } from '../tests/serve.mjs';

/** @typedef {import('playwright-core').Page} Page */

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { values: options } = parseArgs({
  options: { only: { type: 'string' }, to: { type: 'string', default: join(root, 'docs/views') } },
});

const text = 'When Mary and John went to the shop, John gave a drink to';
/** About 300 tokens. */
const longText = JSON.parse(readFileSync(join(root, 'www/tour/en.json'), 'utf8'))
  .steps.slice(0, 7)
  .map((/** @type {{text: string}} */ { text }) => text)
  .join(' ');
const sizes = [1280, 390];
const schemes = /** @type {const} */ (['light', 'dark']);

/** @param {Page} page @param {string} name */
const tab = (page, name) => page.locator(`#tab-${name}`).click();

/** Until a view is about the newest text. @param {Page} page @param {string} selector */
const upToDate = (page, selector) =>
  page.waitForFunction(
    (where) => document.querySelector(where)?.getAttribute('data-revision') === document.body.dataset.revision,
    selector,
  );

/** @param {Page} page @param {number} layer @param {number} head */
async function pick(page, layer, head) {
  await page.locator(`#head-grid [data-layer="${layer}"][data-head="${head}"]`).click();
  await page.waitForFunction(
    ([l, h]) => {
      const view = document.querySelector('.head-view');
      return view?.getAttribute('data-layer') === l && view.getAttribute('data-head') === h;
    },
    [String(layer), String(head)],
  );
}

/** @typedef {{name: string, of: string, prepare: (page: Page) => Promise<unknown>}} Picture */

/** @type {Picture[]} */
const pictures = [
  {
    name: 'attention',
    of: '#view-attention',
    prepare: async (page) => {
      await tab(page, 'attention');
      await page.waitForFunction(() => /\(\d+\)/.test(document.querySelector('#head-filter')?.textContent ?? ''));
      await pick(page, 6, 0);
      await page.locator('#head-map').focus();
      for (let row = 0; row < 6; row++) await page.keyboard.press('ArrowDown');
    },
  },
  {
    name: 'cell',
    of: '.head-place',
    prepare: async (page) => {
      await page.locator('input[name="stage"][value="scores"]').check();
      await page.locator('#cell-sum summary').click();
      await page.waitForFunction(() => document.querySelector('#cell-sum')?.hasAttribute('data-row'));
    },
  },
  {
    name: 'what-if',
    of: '#altered-place, #view-attention',
    prepare: async (page) => {
      await page.locator('input[name="stage"][value="weights"]').check();
      await page.locator('#cell-sum summary').click();
      await page.locator('#alter summary').click();
      await page.locator('#head-off').click();
      await page.locator('.altered-details summary').click();
      await page.locator('#altered table').waitFor();
      await upToDate(page, '#altered');
    },
  },
  {
    name: 'no-mask',
    of: '#altered-place, #view-attention',
    prepare: async (page) => {
      await page.locator('.altered-details summary').click();
      await page.locator('#altered-back').click();
      await page.locator('#alter-scope').selectOption('all');
      await page.locator('#unmask').click();
      await page.locator('#altered li', { hasText: 'every head without the mask' }).waitFor({ state: 'attached' });
      await upToDate(page, '#altered');
      await upToDate(page, '.head-view');
    },
  },
  {
    name: 'arcs',
    of: '#views-place',
    prepare: async (page) => {
      await page.locator('#altered-back').click();
      await tab(page, 'arcs');
      await page.locator('#arcs-add').click();
      await tab(page, 'attention');
      await pick(page, 4, 0);
      await tab(page, 'arcs');
      await page.locator('#arcs-add').click();
      await page.locator('.arc').first().waitFor({ state: 'attached' });
    },
  },
  {
    name: 'journey',
    of: '#views-place',
    prepare: async (page) => {
      await tab(page, 'journey');
      await upToDate(page, '.journey');
      await upToDate(page, '#journey-block');
      await page.locator('#journey-go-on').waitFor();
    },
  },
  {
    name: 'guesses-by-depth',
    of: '#views-place',
    prepare: async (page) => {
      await tab(page, 'lens');
      await page.waitForFunction(() =>
        (document.querySelector('.lens-view')?.getAttribute('data-ranks') ?? '').endsWith(' 1'),
      );
      await page.waitForFunction(() => document.querySelectorAll('#lens thead button').length === 9);
    },
  },
  {
    name: 'why',
    of: '#views-place',
    prepare: async (page) => {
      await tab(page, 'why');
      await upToDate(page, '.why-view');
    },
  },
  {
    name: 'two-texts',
    of: '#views-place',
    prepare: async (page) => {
      await tab(page, 'compare');
      await page.locator('#other-text').fill(text.replace('John gave', 'Mary gave'));
      await page.locator('#compare').click();
      await upToDate(page, '.compare-view');
      await page.locator('.compare-view .finder-list button').first().click();
      await page.locator('#difference-title', { hasText: 'second less the first' }).waitFor();
    },
  },
  {
    name: 'tour',
    of: 'viewport',
    prepare: async (page) => {
      await page.locator('#tour-start').click();
      for (let step = 1; step < 8; step++) await page.locator('#tour-next').click();
    },
  },
  {
    name: 'long-text',
    of: '.head-place',
    prepare: async (page) => {
      await page.locator('#tour-skip').click();
      await tab(page, 'attention');
      await page.locator('#alter summary').click();
      await page.locator('#cell-sum summary').click();
      await page.locator('input[name="stage"][value="weights"]').check();
      await page.locator('#text').fill(longText);
      await page.waitForFunction(() => document.querySelectorAll('#chips [data-id]').length > 250);
      await page.locator('#views-place').evaluate((element) => element.scrollIntoView());
      await pick(page, 6, 0);
      await upToDate(page, '.head-view');
      await page.locator('#chips [data-index="200"]').click();
    },
  },
  {
    name: 'recording',
    of: 'viewport',
    prepare: async (page) => {
      await page.locator('#recording-example').click();
      await page.locator('#recording', { hasText: 'computed by' }).waitFor();
      await page.waitForFunction(
        () => (document.querySelector('.head-view')?.getAttribute('data-revision') ?? '') !== '',
      );
      await page.locator('#recording').evaluate((element) => element.scrollIntoView());
    },
  },
];

/**
 * @param {Page} page
 * @param {Picture} picture
 * @param {string} path
 */
async function take(page, { of }, path) {
  await page.mouse.move(0, 0);
  if (of === 'viewport') {
    await page.screenshot({ path });
    return;
  }
  // A window in which all of it is on the screen at once: what is not, is not drawn.
  const before = /** @type {{width: number, height: number}} */ (page.viewportSize());
  const height = await page.evaluate(
    (found) => [...document.querySelectorAll(found)].reduce((sum, element) => sum + element.scrollHeight, 0),
    of,
  );
  await page.setViewportSize({ width: before.width, height: Math.max(before.height, height + 400) });
  // What sticks to the top stands in its own place only there.
  await page.evaluate(() => scrollTo(0, 0));
  await page
    .locator(of)
    .first()
    .evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await page.waitForTimeout(600);
  const clip = await page.evaluate((found) => {
    const boxes = [...document.querySelectorAll(found)].map((element) => element.getBoundingClientRect());
    const top = Math.max(0, Math.min(...boxes.map((box) => box.top)) - 12);
    const bottom = Math.min(innerHeight, Math.max(...boxes.map((box) => box.bottom)) + 12);
    return { x: 0, y: top, width: innerWidth, height: bottom - top };
  }, of);
  await page.screenshot({ path, clip });
  await page.setViewportSize(before);
}

mkdirSync(options.to, { recursive: true });
const wanted = options.only?.split(',');
const server = await serve({ isolated: true });
const browser = await launch();
/** @type {string[]} */
const files = [];
try {
  for (const width of sizes) {
    const context = await browser.newContext({
      viewport: { width, height: width > 600 ? 900 : 844 },
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    await page.goto(server.url);
    await page.waitForFunction(() => document.body?.dataset.state === 'ready');
    await page.locator('#text').fill(text);
    await page.waitForFunction(() => document.querySelectorAll('.suggestion').length === 3);
    for (const picture of pictures) {
      await page.locator('#views-place').evaluate((element) => element.scrollIntoView());
      await picture.prepare(page);
      if (wanted && !wanted.includes(picture.name)) continue;
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(400);
        const path = join(options.to, `${picture.name}-${width}-${colorScheme}.png`);
        await take(page, picture, path);
        files.push(path);
      }
    }
    await context.close();
  }
} finally {
  await browser.close();
  await server.close();
}
try {
  execFileSync('pngquant', ['--ext', '.png', '--force', '--strip', '--nofs', '64', ...files]);
} catch (error) {
  console.error(`not made smaller: ${error instanceof Error ? error.message : error}`);
}
console.log(files.join('\n'));
