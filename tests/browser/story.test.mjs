// @ts-check
/** What the page is for, from the first keystroke to one number inside one attention head. */
import assert from 'node:assert/strict';
import {
  andAnswer,
  inserts,
  nativeAttention,
  pageTest,
  screenshot,
  settled,
  suggestions,
  waitForState,
} from './harness.mjs';

/** @typedef {import('playwright-core').Page} Page */

const opening = 'The cat sat on the';

/** @param {Page} page */
const textOf = (page) => page.locator('#text').inputValue();

/** @param {Page} page */
const chips = (page) => page.locator('#chips [data-id]').count();

/** @param {Page} page */
async function generationEnds(page) {
  await page.waitForFunction(() => {
    const button = /** @type {HTMLButtonElement} */ (document.querySelector('#generate'));
    return !button.disabled && button.offsetParent !== null;
  });
  await settled(page);
}

/**
 * @param {Page} page
 * @param {{layer: number, head: number}} which
 */
async function chooseHead(page, { layer, head }) {
  const button = page.locator(`#head-grid [data-layer="${layer}"][data-head="${head}"]`);
  await button.click();
  await page.locator('#head-map').scrollIntoViewIfNeeded();
}

/**
 * Clicks a cell of the map, after scrolling it to the middle of whatever scrolls.
 * @param {Page} page
 * @param {{row: number, column: number, size: number}} cell
 */
async function pickCell(page, { row, column, size }) {
  const point = await page.locator('#head-map').evaluate(
    (canvas, [x, y]) => {
      for (let box = canvas.parentElement; box; box = box.parentElement) {
        const [outer, inner] = [box.getBoundingClientRect(), canvas.getBoundingClientRect()];
        box.scrollLeft += inner.left + x * inner.width - (outer.left + box.clientWidth / 2);
        // The page itself scrolls against the window.
        const middle = box === document.documentElement ? innerHeight / 2 : outer.top + box.clientHeight / 2;
        box.scrollTop += inner.top + y * inner.height - middle;
      }
      const box = canvas.getBoundingClientRect();
      return { x: box.left + x * box.width, y: box.top + y * box.height };
    },
    [(column + 0.5) / size, (row + 0.5) / size],
  );
  await page.mouse.click(point.x, point.y);
  await page.waitForFunction(
    ([r, c]) => {
      const { dataset } = /** @type {HTMLElement} */ (document.querySelector('#cell-readout'));
      return dataset.row === r && dataset.column === c;
    },
    [String(row), String(column)],
  );
}

/**
 * The readout comes from the engine a moment after the pick, so this waits for it.
 * @param {Page} page
 * @param {number | null} expected
 * @param {string} what
 */
async function readoutIs(page, expected, what) {
  assert.ok(expected !== null && Number.isFinite(expected), `${what}: the engine says ${expected}`);
  const allowed = 1e-5 * Math.max(1, Math.abs(expected));
  let shown = null;
  for (const end = Date.now() + 5000; Date.now() < end; await page.waitForTimeout(50)) {
    shown = await page.locator('#cell-readout').getAttribute('data-value');
    if (shown && Math.abs(Number(shown) - expected) <= allowed) return;
  }
  assert.fail(`${what}: the page says ${shown}, the engine ${expected}`);
}

pageTest('type, accept, generate, stop, look inside', { timeout: 300_000 }, async ({ page, t }) => {
  await waitForState(page, 'ready');

  await t.test('typing brings three suggestions', async () => {
    await andAnswer(page, () => page.locator('#text').pressSequentially(opening, { delay: 20 }));
    const three = await suggestions(page);
    assert.equal(three.length, 3);
    assert.equal(new Set(three).size, 3, `three different ones: ${three.join(' | ')}`);
    for (const text of three) assert.match(text, /\d\s*%/, `a percentage under each: ${text}`);
    // Typed letter by letter, a suggestion that still fits may have kept its place; put in at once, none has one.
    await andAnswer(page, () => page.locator('#text').fill(''));
    await andAnswer(page, () => page.locator('#text').fill(opening));
    const middle = await page.$$eval('.suggestion', (buttons) =>
      buttons
        .map((button) => [button.getBoundingClientRect().left, /** @type {HTMLElement} */ (button).dataset.rank])
        .sort((a, b) => Number(a[0]) - Number(b[0]))
        .map(([, rank]) => rank),
    );
    assert.equal(middle[1], '1', 'the best is in the middle');
    assert.ok(Number(await page.evaluate(() => document.body.dataset.latency)) > 0, 'a latency is measured');
  });

  await t.test('Tab accepts the best', async () => {
    const [best] = await inserts(page);
    const [shown] = await suggestions(page);
    assert.ok(best.trim() !== '' && shown.includes(best.trim()), `"${best}" is shown as "${shown}"`);
    await andAnswer(page, () => page.locator('#text').press('Tab'));
    assert.equal(await textOf(page), `${opening}${best} `);
    assert.ok(await page.locator('#text').evaluate((field) => field === document.activeElement), 'focus stays');
  });

  await t.test('B27: twenty tokens, the same for the same seed', async () => {
    const start = await textOf(page);
    const tokens = await chips(page);
    await page.locator('#seed').fill('7');
    await page.locator('#limit').fill('20');
    const runs = [];
    for (let run = 0; run < 2; run++) {
      if (run > 0) await andAnswer(page, () => page.locator('#text').fill(start));
      await page.locator('#generate').click();
      await page.waitForFunction(
        (old) => /** @type {HTMLTextAreaElement} */ (document.querySelector('#text')).value !== old,
        start,
      );
      await generationEnds(page);
      runs.push(await textOf(page));
      assert.ok(runs[run].startsWith(start), runs[run]);
    }
    assert.equal(runs[1], runs[0]);
    const grown = (await chips(page)) - tokens;
    // Text that ends in a space leaves that token to the suggestion, and cut words may merge when read again.
    assert.ok(Math.abs(grown - 20) <= 1, `${grown} tokens more on the page`);
  });

  await t.test('Stop ends a long generation', async () => {
    await page.locator('#limit').fill('400');
    // So that the model hardly ever ends the text by itself.
    await page.locator('#temperature').fill('2');
    await page.locator('#top-k').fill('0');
    const before = await textOf(page);
    await page.locator('#generate').click();
    await page.waitForFunction(() =>
      /\d tokens?/.test(document.querySelector('#generate-progress')?.textContent ?? ''),
    );
    const asked = Date.now();
    await page.locator('#stop').click();
    await generationEnds(page);
    assert.ok(Date.now() - asked < 5000, 'stops soon');
    const stopped = await textOf(page);
    assert.ok(stopped.startsWith(before) && stopped.length > before.length, 'what came before stays');
    await page.waitForTimeout(500);
    assert.equal(await textOf(page), stopped, 'nothing is added afterwards');
    assert.match((await page.locator('#generate-progress').textContent()) ?? '', /stopped/i);
  });

  await t.test("every number of a cell is the engine's own", async () => {
    const where = { layer: 2, head: 1 };
    for (const text of [await textOf(page), 'The dog chased the cat because it was hungry']) {
      if (text !== (await textOf(page))) await andAnswer(page, () => page.locator('#text').fill(text));
      await chooseHead(page, where);
      const native = nativeAttention(text, where.layer, where.head);
      const size = native.ids.length;
      assert.equal(await chips(page), size, 'the page shows the tokens that the engine has');
      const row = size - 1;
      for (const [stage, values] of /** @type {const} */ ([
        ['weights', native.weights],
        ['scores', native.scores],
        ['masked', native.masked],
      ])) {
        await page.locator(`input[name="stage"][value="${stage}"]`).check();
        for (const column of [0, Math.floor(size / 2), row]) {
          await pickCell(page, { row, column, size });
          await readoutIs(page, values[row][column], `${stage} at row ${row}, column ${column} of ${size}`);
        }
      }
      // Above the diagonal: a score exists, but after the mask there is nothing, and that is not zero.
      await page.locator('input[name="stage"][value="scores"]').check();
      await pickCell(page, { row: 0, column: 1, size });
      await readoutIs(page, native.scores[0][1], 'score of a cell that will be masked');
      await page.locator('input[name="stage"][value="masked"]').check();
      await pickCell(page, { row: 0, column: 1, size });
      assert.match((await page.locator('#cell-readout').textContent()) ?? '', /mask/i);
    }
    await page.locator('input[name="stage"][value="weights"]').check();
  });

  await t.test('clicking a suggestion takes it', async () => {
    const before = await textOf(page);
    const [, second] = await inserts(page);
    await andAnswer(page, () => page.locator('.suggestion[data-rank="2"]').click());
    assert.equal(await textOf(page), `${before}${second} `);
  });

  await t.test('more opens the list of candidates', async () => {
    await page.locator('#more').click();
    await page.locator('#candidates').waitFor();
    assert.ok((await page.locator('#candidates li, #candidates tr').count()) >= 10);
  });

  for (const width of [1280, 390]) {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: width > 600 ? 900 : 844 });
      await page.waitForTimeout(300);
      await screenshot(page, `story-${width}-${colorScheme}`);
      const [inner, content] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      assert.ok(content <= inner, `the page is ${content} px wide in a window of ${inner}`);
    }
  }
});
