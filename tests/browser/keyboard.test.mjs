// @ts-check
/** The page without a mouse, and for a screen reader. */
import assert from 'node:assert/strict';
import { seriousFaults } from './accessibility.mjs';
import { andAnswer, inserts, pageTest, settled, waitForState } from './harness.mjs';

/** @param {import('playwright-core').Page} page */
const focused = (page) =>
  page.evaluate(() => {
    const element = /** @type {HTMLElement} */ (document.activeElement);
    const { layer, head, rank } = element.dataset;
    return { id: element.id, layer, head, rank };
  });

pageTest('Esc frees Tab, Alt+1 to 3 take suggestions', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const field = page.locator('#text');
  await andAnswer(page, () => field.pressSequentially('I would like a cup of'));

  // By place, left to right, as the keys 1, 2, 3 lie.
  for (const [place, rank] of [
    [1, 2],
    [2, 1],
    [3, 3],
  ]) {
    const before = await field.inputValue();
    const wanted = (await inserts(page))[rank - 1];
    await andAnswer(page, () => page.keyboard.press(`Alt+${place}`));
    assert.equal(await field.inputValue(), `${before}${wanted} `, `Alt+${place}`);
  }

  const before = await field.inputValue();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  assert.notEqual((await focused(page)).id, 'text', 'Tab moves on after Esc');
  assert.equal(await field.inputValue(), before);

  // Back in the field, Tab takes suggestions again.
  await field.focus();
  await andAnswer(page, () => page.keyboard.type('and'));
  const typed = await field.inputValue();
  const [best] = await inserts(page);
  await andAnswer(page, () => page.keyboard.press('Tab'));
  assert.equal(await field.inputValue(), `${typed}${best} `);
  await page.keyboard.press('Shift+Tab');
  assert.notEqual((await focused(page)).id, 'text', 'Shift+Tab always moves');
});

pageTest('arrow keys walk the heads and the cells', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill('The quick brown fox jumps over the lazy dog'));

  await page.locator('#head-grid [data-layer="0"][data-head="0"]').focus();
  await page.keyboard.press('ArrowRight');
  const right = await focused(page);
  await page.keyboard.press('ArrowDown');
  const down = await focused(page);
  assert.notDeepEqual([right.layer, right.head], ['0', '0'], 'ArrowRight moves');
  assert.notDeepEqual([down.layer, down.head], [right.layer, right.head], 'ArrowDown moves');
  assert.ok(down.layer !== undefined && down.head !== undefined, 'focus stays in the grid');
  await page.keyboard.press('Enter');
  await settled(page);

  await page.locator('#head-map').focus();
  await page.keyboard.press('ArrowDown');
  const readout = page.locator('#cell-readout');
  const first = await readout.evaluate((element) => ({ ...element.dataset }));
  await page.keyboard.press('ArrowDown');
  const second = await readout.evaluate((element) => ({ ...element.dataset }));
  assert.equal(Number(second.row), Number(first.row) + 1, JSON.stringify({ first, second }));
  await page.keyboard.press('ArrowRight');
  const third = await readout.evaluate((element) => ({ ...element.dataset }));
  assert.equal(Number(third.column), Number(second.column) + 1, JSON.stringify({ second, third }));
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowUp');
  const fourth = await readout.evaluate((element) => ({ ...element.dataset }));
  assert.deepEqual([fourth.row, fourth.column], [first.row, first.column]);
});

pageTest('a cell of the map goes with its column, and labels stay lit', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const field = page.locator('#text');
  const words = 'one two three four five six seven eight nine ten'.split(' ');
  const readout = page.locator('#cell-readout');
  const drawn = (/** @type {number} */ size) =>
    page.waitForFunction(
      (wanted) => /** @type {HTMLCanvasElement} */ (document.querySelector('#head-map canvas')).width === wanted,
      size,
    );
  for (const stage of ['scores', 'masked']) {
    await andAnswer(page, () => field.fill(words.join(' ')));
    const size = await page.locator('#chips [data-id]').count();
    await page.locator('#head-map').scrollIntoViewIfNeeded();
    await drawn(size);
    await page.locator(`input[name="stage"][value="${stage}"]`).check();
    // Above the diagonal: its row stays when the text gets shorter. Keys would begin at a cell under the pointer.
    await page.mouse.move(0, 0);
    await page.locator('#head-map').focus();
    await page.keyboard.press('Home');
    for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowRight');
    assert.deepEqual([await readout.getAttribute('data-row'), await readout.getAttribute('data-column')], ['0', '8']);

    await andAnswer(page, () => field.fill(words.slice(0, 9).join(' ')));
    const nine = await page.locator('#chips [data-id]').count();
    assert.ok(nine > 8 && nine < size, `${nine} tokens`);
    await page.locator('#head-map').scrollIntoViewIfNeeded();
    await drawn(nine);
    assert.equal(await readout.getAttribute('data-column'), '8', 'it stays while it exists');
    assert.equal(await page.locator('.axis-column .lit').getAttribute('data-index'), '8', 'with its label');

    await andAnswer(page, () => field.fill(words.slice(0, 3).join(' ')));
    await page.locator('#head-map').scrollIntoViewIfNeeded();
    await drawn(await page.locator('#chips [data-id]').count());
    assert.equal(await readout.getAttribute('data-column'), null);
    assert.match((await readout.textContent()) ?? '', /^Point at a cell/);
    assert.equal(await page.locator('.axis .lit').count(), 0);
  }
});

pageTest('F80: everything can be reached with Tab, and leaving never traps', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill('Reach for the'));
  await page.locator('#text').focus();
  await page.keyboard.press('Escape');
  const visited = new Set();
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const { id, layer, rank } = await focused(page);
    visited.add(id || (rank ? 'suggestion' : layer ? 'head' : 'other'));
    if (id === 'text') break;
  }
  for (const wanted of ['more', 'generate', 'temperature', 'seed', 'limit', 'head', 'head-map']) {
    assert.ok(visited.has(wanted), `${wanted} among ${[...visited].join(', ')}`);
  }
});

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  pageTest(`no serious accessibility faults, ${colorScheme}`, { context: { colorScheme } }, async ({ page, t }) => {
    await waitForState(page, 'ready');
    await andAnswer(page, () => page.locator('#text').fill('The teacher gave the student'));
    await page.locator('#head-grid [data-layer="1"][data-head="1"]').click();
    await settled(page);
    assert.deepEqual(await seriousFaults(page, t), []);
  });
}

for (const width of [320, 390, 768, 1280]) {
  pageTest(`fits ${width} px`, { context: { viewport: { width, height: 800 } } }, async ({ page }) => {
    await waitForState(page, 'ready');
    await andAnswer(page, () => page.locator('#text').fill('A'.repeat(300)));
    const [inner, content] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(content <= inner, `the page is ${content} px wide in a window of ${inner}`);
    // Some text may well end with the longest token of all as the most probable one.
    await page.locator('#tab-journey').click();
    await page.locator('.journey .guesses tbody .token').first().waitFor();
    const journey = await page.evaluate(() => {
      for (const token of document.querySelectorAll('.journey .guesses tbody .token'))
        token.textContent = '<|endoftext|>';
      return document.documentElement.scrollWidth;
    });
    assert.ok(journey <= inner, `the journey is ${journey} px wide`);
  });
}
