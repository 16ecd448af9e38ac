// @ts-check
/** The views into the model, on the real page with the real engine: one page serves many checks. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { seriousFaults } from './accessibility.mjs';
import { andAnswer, downloadErrors, nativeAttention, pageTest, settled, waitForState } from './harness.mjs';

/** @typedef {import('playwright-core').Page} Page */

const opening = 'When Mary and John went to the shop, John gave a drink to';

/** @param {Page} page @param {string} name */
async function openView(page, name) {
  await page.locator(`#tab-${name}`).click();
  await page.locator('#views-place').evaluate((element) => element.scrollIntoView());
}

/** @param {Page} page @param {string} selector @param {string} key */
const fact = (page, selector, key) =>
  page.locator(selector).evaluate((element, name) => /** @type {HTMLElement} */ (element).dataset[name], key);

/** Waits until a view is about the newest text. @param {Page} page @param {string} selector */
const upToDate = (page, selector) =>
  page.waitForFunction(
    (where) =>
      /** @type {HTMLElement | null} */ (document.querySelector(where))?.dataset.revision ===
      document.body.dataset.revision,
    selector,
  );

/**
 * A drawing that the keyboard walks as a grid: the cell after these keys, as a screen reader is told of it.
 * @param {Page} page
 * @param {string} grid
 * @param {...string} keys
 */
async function spokenCell(page, grid, ...keys) {
  const drawing = page.locator(grid);
  assert.equal(await drawing.getAttribute('role'), 'grid', grid);
  assert.ok(((await drawing.getAttribute('aria-label')) ?? '').length > 10, `${grid} has a name`);
  await drawing.focus();
  for (const key of keys) await page.keyboard.press(key);
  const cell = page.locator(`#${await drawing.getAttribute('aria-activedescendant')}`);
  assert.equal(await cell.getAttribute('role'), 'gridcell');
  return {
    row: Number(await cell.locator('xpath=..').getAttribute('aria-rowindex')),
    column: Number(await cell.getAttribute('aria-colindex')),
    says: (await cell.textContent()) ?? '',
  };
}

const WHOLE = 'Take this view away';
const HEADS = 'Save all heads';

/** @param {Page} page @param {string} format @param {string} [menu] */
async function save(page, format, menu = WHOLE) {
  const button = page.getByRole('group', { name: menu }).locator(`[data-format="${format}"]`);
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/**
 * A file of float32 numbers.
 * @param {Buffer} bytes
 */
function readNpy(bytes) {
  const start = 10 + bytes.readUInt16LE(8);
  assert.equal(start % 64, 0);
  const shape = /'shape': \(([\d, ]+)\)/.exec(bytes.subarray(10, start).toString())?.[1].split(',').map(Number);
  const values = Array.from({ length: (bytes.length - start) / 4 }, (_, at) => bytes.readFloatLE(start + 4 * at));
  return { shape, values };
}

/** @param {Page} page @param {...string} parts */
const figureSays = (page, ...parts) => figureOf(page, WHOLE, ...parts);

/**
 * A figure of what is shown: the SVG says these things, and the PNG is a picture of it.
 * @param {Page} page
 * @param {string} menu
 * @param {...string} parts
 */
async function figureOf(page, menu, ...parts) {
  const source = (await save(page, 'svg', menu)).bytes.toString();
  const svg = await page.evaluate((text) => {
    const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml');
    const { nodeName, textContent } = documentElement;
    return { nodeName, text: textContent ?? '', width: Number(documentElement.getAttribute('width')) };
  }, source);
  assert.equal(svg.nodeName, 'svg');
  for (const part of [await page.locator('#text').inputValue(), 'Made with Headlight', ...parts]) {
    assert.ok(svg.text.includes(part), `${part} in ${svg.text}`);
  }
  const { bytes } = await save(page, 'png', menu);
  assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
  assert.equal(bytes.readUInt32BE(16), 2 * svg.width);
  const colours = await page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.drawImage(image, 0, 0);
    return new Set(new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer)).size;
  }, bytes.toString('base64'));
  assert.ok(colours > 20, `${colours} colours`);
}

pageTest('look inside', { timeout: 300_000 }, async ({ page, t }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill(opening));
  await openView(page, 'attention');
  await upToDate(page, '.head-view');
  const native = nativeAttention(opening, 0, 0);
  const size = native.ids.length;
  const map = page.locator('#head-map');

  await t.test('the map is a grid for the keyboard, and says the cell', async () => {
    assert.equal(await map.getAttribute('role'), 'grid');
    assert.equal(await map.getAttribute('aria-rowcount'), String(size));
    await map.focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
    const cell = page.locator(`#${await map.getAttribute('aria-activedescendant')}`);
    assert.equal(await cell.getAttribute('role'), 'gridcell');
    assert.equal(await cell.getAttribute('aria-colindex'), '2');
    assert.match((await cell.textContent()) ?? '', /^‘ and’ looks at ‘ Mary’: 0\.\d+ \(\d+\.\d%\)$/);
    assert.ok(Math.abs(Number(await fact(page, '#cell-readout', 'rowSum')) - 1) < 1e-5, 'rows add up to 1');
  });

  await t.test('how a number comes about, down to the products', async () => {
    await page.locator('#cell-sum summary').click();
    await page.waitForFunction(() => document.querySelector('#cell-sum')?.hasAttribute('data-row'));
    const [row, column] = [2, 1];
    const { sum, weight } = await page.locator('#cell-sum').evaluate((element) => ({ ...element.dataset }));
    assert.ok(Math.abs(Number(weight) - native.weights[row][column]) < 1e-5, `${weight}`);
    assert.ok(Math.abs(Number(sum) / 8 - native.scores[row][column]) < 1e-4, `${sum}`);
    await page.locator('input[name="stage"][value="products"]').check();
    const shown = Number(await fact(page, '#cell-readout', 'value'));
    assert.ok(Math.abs(shown - Number(sum)) < 1e-3, `${shown} and ${sum}`);
    await page.locator('input[name="stage"][value="weights"]').check();
  });

  await t.test('the stages play, and can be stepped through', async () => {
    const stages = page.locator('input[name="stage"]');
    const shown = () => page.locator('input[name="stage"]:checked').getAttribute('value');
    await page.locator('#stage-play').click();
    assert.equal(await shown(), 'products');
    await page.locator('input[value="scores"]:checked').waitFor();
    await page.locator('#stage-play').click();
    const paused = await shown();
    await page.waitForTimeout(2000);
    assert.equal(await shown(), paused, 'a pause lasts');
    await stages.last().check();
    await stages.last().focus();
    await page.keyboard.press('ArrowLeft');
    assert.equal(await shown(), 'masked');
    await page.keyboard.press('ArrowRight');
    assert.equal(await shown(), 'weights');
  });

  await t.test('typing adds rows and leaves the others', async () => {
    await page.locator('#text').focus();
    await page.keyboard.press('End');
    await andAnswer(page, () => page.keyboard.type(' Mary'));
    await map.scrollIntoViewIfNeeded();
    await upToDate(page, '.head-view');
    assert.match(
      (await page.locator('#growth').textContent()) ?? '',
      new RegExp(`last row is new. The ${size} above stay`),
    );
    await map.focus();
    await page.keyboard.press('PageUp');
    for (let row = 0; row < 2; row++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Home');
    const again = nativeAttention(`${opening} Mary`, 0, 0);
    const shown = Number(await fact(page, '#cell-readout', 'value'));
    assert.ok(Math.abs(shown - again.weights[2][0]) < 1e-5);
    for (let row = 2; row < size; row++) await page.keyboard.press('ArrowDown');
    const last = Number(await fact(page, '#cell-readout', 'value'));
    assert.ok(Math.abs(last - again.weights[size][0]) < 1e-5, `${last} in the row that came`);
  });

  await t.test('switches for sink, words and values', async () => {
    await page.locator('#no-sink').check();
    await map.focus();
    await page.keyboard.press('ArrowRight');
    assert.ok(Math.abs(Number(await fact(page, '#cell-readout', 'rowSum')) - 1) < 1e-5, 'scaled up again');
    await page.locator('#no-sink').uncheck();
    await page.locator('#norms').check();
    await page.waitForFunction(() =>
      /length of what its value/.test(document.querySelector('.option-help')?.textContent ?? ''),
    );
    await page.locator('#norms').uncheck();
    await page.locator('#words').check();
    assert.ok(Number(await map.getAttribute('aria-rowcount')) <= size + 1);
    await page.locator('#words').uncheck();
  });

  await t.test('all heads are a grid with names for its rows, columns and cells', async () => {
    const grid = page.locator('#head-grid');
    assert.equal(await grid.getAttribute('role'), 'grid');
    assert.equal(await grid.getByRole('rowheader').count(), 8);
    assert.equal(await grid.getByRole('columnheader').count(), 4);
    await page.waitForFunction(() => /\(\d+\)/.test(document.querySelector('#head-filter')?.textContent ?? ''));
    assert.equal(await grid.getByRole('button', { name: /^Layer 3, head 2/ }).count(), 1);
    await grid.locator('[data-layer="0"][data-head="0"]').focus();
    for (const key of ['End', 'ArrowDown', 'ArrowLeft', 'Enter']) await page.keyboard.press(key);
    const selected = grid.locator('[aria-selected="true"] button');
    assert.deepEqual(await selected.evaluateAll((all) => all.map((one) => ({ .../** @type {any} */ (one).dataset }))), [
      { layer: '1', head: '2' },
    ]);
    assert.equal(await grid.locator('button[tabindex="0"]').count(), 1, 'one tab stop');
    await grid.locator('[data-layer="0"][data-head="0"]').click();
    await page.waitForFunction(() => document.querySelector('.head-view')?.getAttribute('data-layer') === '0');
  });

  await t.test('heads are found by what they do', async () => {
    await upToDate(page, '.finder');
    await page.locator('#head-filter').selectOption('previous');
    const found = page.locator('.finder-list button').first();
    const [layer, head] = await found.evaluate((button) => [button.dataset.ofLayer, button.dataset.ofHead]);
    await found.click();
    await page.locator('#head-title', { hasText: `Layer ${layer}, head ${head}` }).waitFor();
    const button = await found.elementHandle();
    await andAnswer(page, () => page.locator('#text').fill(`${opening} Mary and`));
    await page.locator('.finder').scrollIntoViewIfNeeded();
    await upToDate(page, '.finder');
    assert.ok(
      await button?.evaluate((element) => element.isConnected),
      'new measures leave the buttons in their place',
    );
    await andAnswer(page, () => page.locator('#text').fill(`${opening} Mary`));
    await page.locator('#head-filter').selectOption('');
  });

  await t.test('a head off, a cut, and the way back', async () => {
    await page.locator('#alter summary').click();
    await page.locator('#head-off').click();
    await page.locator('#altered-brief', { hasText: /% → \d/ }).waitFor();
    await page.locator('.altered-details summary').click();
    await page.locator('#altered table').waitFor();
    await upToDate(page, '#altered');
    assert.ok(Number(await fact(page, '#altered', 'divergence')) > 0);
    assert.equal(await page.locator('#head-grid .off').count(), 1, 'it is marked');
    await page.locator('#knife').selectOption('column');
    await page.locator('#alter-scope').selectOption('all');
    await upToDate(page, '.head-view');
    await map.focus();
    await page.keyboard.press('PageDown');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.locator('#altered li', { hasText: 'nobody looks at ‘ Mary’ (1) in every head' }).waitFor();
    await page.waitForFunction(() => document.querySelector('#cell-readout')?.getAttribute('data-masked') === 'true');
    await page.locator('#altered li', { hasText: 'nobody' }).locator('button').click();
    await page.locator('#altered-back').click();
    assert.ok(await page.locator('#altered').isHidden());
    assert.equal(await page.locator('#head-grid .is-altered').count(), 0);
    await page.locator('#knife').selectOption('look');
  });

  await t.test('exports hold the numbers', async () => {
    await page.locator('#head-grid [data-layer="2"][data-head="1"]').click();
    await page.waitForFunction(() => document.querySelector('.head-view')?.getAttribute('data-layer') === '2');
    const text = await page.locator('#text').inputValue();
    const wanted = nativeAttention(text, 2, 1).weights;
    const json = JSON.parse((await save(page, 'json')).bytes.toString());
    assert.equal(json.text, text);
    wanted.forEach((row, at) => {
      row.forEach((weight, column) => {
        if (column > at) assert.equal(json.values[at][column], null);
        else assert.ok(Math.abs(json.values[at][column] - weight) < 1e-5);
      });
    });
    const { shape, values } = readNpy((await save(page, 'npy')).bytes);
    assert.deepEqual(shape, [wanted.length, wanted.length]);
    assert.equal(values.length, wanted.length ** 2);
    // What comes after the first row may hold commas within quotes only in its name.
    const lines = (await save(page, 'csv')).bytes.toString().trim().split('\r\n').slice(1);
    assert.equal(lines.length, wanted.length);
    wanted.forEach((row, at) => {
      const cells = lines[at].split(',').slice(-row.length);
      row.forEach((weight, column) => {
        assert.ok(Math.abs(values[at * row.length + column] - weight) < 1e-5, `NPY at ${at}, ${column}`);
        if (column > at) assert.equal(cells[column], '', 'masked is empty, not 0');
        else assert.ok(Math.abs(Number(cells[column]) - weight) < 1e-5, `CSV at ${at}, ${column}`);
      });
    });
    await figureSays(page, 'layer 2, head 1', '·John', 'masked');
  });

  await t.test('all heads are saved, also those that are not on screen', async () => {
    const text = await page.locator('#text').inputValue();
    const { shape, values } = readNpy((await save(page, 'npy', HEADS)).bytes);
    const [layers, heads, rows, columns] = shape ?? [];
    for (const [layer, head] of [
      [0, 0],
      [layers - 1, heads - 1],
    ]) {
      const wanted = nativeAttention(text, layer, head).weights;
      assert.deepEqual([rows, columns], [wanted.length, wanted.length]);
      wanted.flat().forEach((weight, at) => {
        const found = values[(layer * heads + head) * rows * columns + at];
        assert.ok(Math.abs(found - weight) < 0.51 / 255, `${found} is ${weight} at ${at}`);
      });
    }
    const lines = (await save(page, 'csv', HEADS)).bytes.toString().trim().split('\r\n');
    assert.equal(lines.length, 1 + layers * heads * rows);
    assert.equal(JSON.parse((await save(page, 'json', HEADS)).bytes.toString()).rows.length, lines.length - 1);
    await figureOf(
      page,
      HEADS,
      'All heads',
      `L${layers - 1}`,
      `H${heads - 1}`,
      `Layer ${layers - 1}, head 0`,
      'masked',
    );
  });

  await t.test('the journey of a token, and one token on', async () => {
    await openView(page, 'journey');
    await upToDate(page, '.journey');
    await upToDate(page, '#journey-block');
    assert.match(
      (await page.locator('#journey-cache').textContent()) ?? '',
      /\d+ tokens before it come from the cache/,
    );
    await page.locator('#layer-on').click();
    await page.waitForFunction(() => document.querySelector('#journey-block')?.getAttribute('data-layer') === '3');
    await page.locator('#walk-next').click();
    await page.locator('#walk-next').click();
    await page.locator('#walk-note', { hasText: '2 of 9: The residual stream' }).waitFor();
    await page.locator('#journey-go-on').waitFor();
    const before = await page.locator('#text').inputValue();
    await andAnswer(page, () => page.locator('#journey-go-on').click());
    const after = await page.locator('#text').inputValue();
    assert.ok(after.startsWith(before) && after.length > before.length);
    await upToDate(page, '.journey');
    await page.locator('#journey-back').click();
    await page.waitForFunction(
      (last) => document.querySelector('.journey')?.getAttribute('data-position') === String(last - 2),
      await page.locator('#chips [data-id]').count(),
    );
    const strip = page.locator('#journey-block [role="slider"]').first();
    await strip.focus();
    await page.keyboard.press('End');
    assert.match((await strip.getAttribute('aria-valuetext')) ?? '', /^255: −?\d/);
    const depth = await spokenCell(page, '.stream-plane', 'ArrowDown', 'ArrowDown', 'ArrowRight');
    assert.deepEqual([depth.row, depth.column], [2, 2]);
    assert.match(depth.says, /^after the attention of block 0, number 1: −?\d/);
    await figureSays(page, 'The way of', 'block 3', 'neurons after GELU (1,024)', 'L7 MLP');
  });

  await t.test('guesses by depth end with what the model says', async () => {
    await openView(page, 'lens');
    await page.waitForFunction(() =>
      (document.querySelector('.lens-view')?.getAttribute('data-ranks') ?? '').endsWith(' 1'),
    );
    assert.equal((await page.locator('#lens tbody tr').count()) > 4, true);
    await page.locator('#lens-halves').check();
    // Columns come one after another, and the two files of a figure are to be of the same ones.
    const tokens = await page.locator('#chips .chip').count();
    await page.waitForFunction(
      (count) => document.querySelectorAll('#lens thead .lens-token').length === count,
      Math.min(tokens, 9),
    );
    await figureSays(page, 'embedding', 'L0 attention', 'Rank of');
    await page.locator('#lens tbody button').first().click();
  });

  await t.test('the shares of a word add up to its logit', async () => {
    await openView(page, 'why');
    await upToDate(page, '.why-view');
    const sum = (await page.locator('#why-sum').textContent()) ?? '';
    const [total, ...parts] = (sum.replaceAll('−', '-').match(/-?\d+\.?\d*(e-\d+)?/g) ?? []).map(Number);
    // The last is the 8 of int8.
    parts.pop();
    assert.equal(parts.length, 7, sum);
    assert.ok(Math.abs(parts.reduce((a, b) => a + b, 0) - total) < 0.02, sum);
    const share = await spokenCell(page, '.why-view .heat-plane', 'ArrowDown', 'ArrowDown', 'End');
    assert.deepEqual([share.row, share.column], [2, 5]);
    assert.match(share.says, /^MLP of layer 1: [+−]\d/);
    await page.locator('.why-strong button').first().click();
    assert.match((await page.locator('#why-readout').textContent()) ?? '', /[+−]\d/);
    await figureSays(page, 'Why ', `The logit ${sum.split(' ')[0]} is the sum of`, 'rounding to int8');
  });

  await t.test('two texts', async () => {
    await openView(page, 'compare');
    await page.locator('#other-text').fill(opening.replace('John gave', 'Mary gave'));
    await page.locator('#compare').click();
    await upToDate(page, '.compare-view');
    assert.ok((await page.locator('.aligned .own').count()) > 0);
    const distance = await spokenCell(page, '.compare-view .heat-plane', 'ArrowRight', 'ArrowRight');
    assert.deepEqual([distance.row, distance.column], [1, 2]);
    assert.match(distance.says, /^layer 0, head 1: \d/);
    await page.locator('.compare-view .finder-list button').first().click();
    await page.locator('#difference-title', { hasText: 'second less the first' }).waitFor();
    const change = await spokenCell(page, '#difference-map', 'ArrowDown', 'ArrowDown');
    assert.match(change.says, /^‘.*’ looks at ‘.*’ (less|more) in the second text: /);
    await figureSays(page, opening.replace('John gave', 'Mary gave'), '·Mary', 'weights in the second less');
  });

  await t.test('arcs', async () => {
    await openView(page, 'arcs');
    await page.locator('.arc').first().waitFor({ state: 'attached' });
    await page.locator('#arcs-add').click();
    await openView(page, 'attention');
    await page.locator('#head-grid [data-layer="4"][data-head="1"]').click();
    await openView(page, 'arcs');
    await page.locator('#arcs-add', { hasText: 'layer 4, head 1' }).click();
    await page.locator('.arc-heads li', { hasText: 'L4 H1' }).waitFor();
    await page.locator('.arc-token[data-index="3"]').click();
    assert.match((await page.locator('#arc-sentences').textContent()) ?? '', /·John looks at: .*%/);
    await page.locator('.arc-token[data-index="5"]').click({ modifiers: ['Shift'] });
    for (const expected of [3, 2]) {
      await page.locator('#chips [data-index="4"]').focus();
      await page.keyboard.press('Shift+Enter');
      // What is off the screen is drawn when it comes back.
      await page.locator('svg.arcs').scrollIntoViewIfNeeded();
      await page.waitForFunction((count) => document.querySelectorAll('.arc-token.chosen').length === count, expected);
    }
    const [head] = (await page.locator('.arc-heads li').first().innerText()).match(/L\d+ H\d+/) ?? [''];
    const named = head.replace('L', 'layer ').replace(' H', ', head ');
    const { shape } = readNpy((await save(page, 'npy')).bytes);
    assert.equal(shape?.[0], await page.locator('.arc-heads li').count());
    await figureSays(page, 'What ·John ·to looks at', named, 'layer 4, head 1', 'When', 'is looked at by');
  });

  await t.test('a recording gives way to the text again, also after one that could not be read', async () => {
    const own = await page.locator('#chips [data-id]').count();
    await page.locator('#recording-example').click();
    await page.locator('#recording', { hasText: 'computed by' }).waitFor();
    assert.notEqual(await page.locator('#chips [data-id]').count(), own);
    await page
      .locator('#recording-file')
      .setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('[]') });
    await page.locator('#recording', { hasText: 'can’t be shown' }).waitFor();
    await page.locator('#recording-close').click();
    assert.ok(await page.locator('#recording').isHidden());
    assert.equal(await page.locator('#chips [data-id]').count(), own);
  });

  await t.test('no serious accessibility faults in any view', async () => {
    for (const view of ['attention', 'arcs', 'journey', 'lens', 'why', 'compare']) {
      await openView(page, view);
      assert.deepEqual(await seriousFaults(page, t, '#views-place'), [], view);
    }
  });

  await t.test('the tour points at what is there, is left with Escape, and goes on', async () => {
    await page.locator('#tour-start').click();
    for (let step = 1; step <= 15; step++) {
      await page.waitForFunction((n) => document.querySelector('#tour p')?.textContent === `Step ${n} of 15`, step);
      assert.equal(await page.locator('.pointed').count(), 1, `step ${step} points at something`);
      if (step < 15) await page.locator('#tour-next').click();
    }
    await page.keyboard.press('Escape');
    assert.ok(await page.locator('#tour').isHidden());
    assert.equal(await page.locator('#tour-start').textContent(), 'Go on with the tour');
    await page.locator('#tour-start').click();
    await page.locator('#tour-next').click();
    assert.notEqual(await page.locator('#tour-start').textContent(), 'Go on with the tour', 'it is over');
    await settled(page);
  });

  await t.test('examples open at once, with what to look for', async () => {
    const examples = page.locator('.guide-examples button');
    const { examples: told } = JSON.parse(await readFile(new URL('../../www/tour/en.json', import.meta.url), 'utf8'));
    assert.equal(await examples.count(), told.length);
    for (const [index, { text, look, show }] of told.entries()) {
      await examples.nth(index).click();
      await page.locator('.guide-look', { hasText: look }).waitFor();
      assert.equal(await page.locator('#text').inputValue(), text);
      assert.equal(await page.locator(`#tab-${show.view}`).getAttribute('aria-selected'), 'true');
    }
    await settled(page);
  });
});

pageTest(
  'several tokens are chosen by touch',
  { context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
  async ({ page }) => {
    await waitForState(page, 'ready');
    await andAnswer(page, () => page.locator('#text').fill(opening));
    await openView(page, 'arcs');
    const inPicture = (/** @type {number} */ index) => page.locator(`.arc-token[data-index="${index}"]`);
    const isChosen = async (/** @type {number[]} */ ...wanted) => {
      await page.locator('svg.arcs').scrollIntoViewIfNeeded();
      await page.waitForFunction(
        (expected) =>
          [...document.querySelectorAll('.arc-token.chosen')]
            .map((token) => token.getAttribute('data-index'))
            .join() === expected,
        wanted.join(),
      );
    };
    await inPicture(3).waitFor({ state: 'attached' });
    await inPicture(3).tap();
    await isChosen(3);
    await inPicture(5).tap();
    await isChosen(5);
    await page.locator('#arcs-several').tap();
    await inPicture(3).tap();
    await isChosen(3, 5);
    await page.locator('#chips [data-index="1"]').tap();
    await isChosen(1, 3, 5);
    await inPicture(5).tap();
    await isChosen(1, 3);
    assert.equal(await page.locator('#arc-sentences p').count(), 2);
    await page.locator('#arcs-several').tap();
    await inPicture(2).tap();
    await isChosen(2);
  },
);

pageTest(
  'a link holds what is shown, and a hostile one changes nothing',
  { timeout: 120_000 },
  async ({ page, context, server }) => {
    await waitForState(page, 'ready');
    await andAnswer(page, () => page.locator('#text').fill('Mary had a lamb & <b>&#35;</b>'));
    await openView(page, 'attention');
    await page.locator('#head-grid [data-layer="2"][data-head="3"]').click();
    await page.locator('input[name="stage"][value="masked"]').check();
    await page.locator('#alter summary').click();
    await page.locator('#head-off').click();
    await upToDate(page, '.head-view');
    await page.locator('#head-map').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
    await page.locator('#seed').fill('77');
    await page.locator('#seed').press('Tab');
    await page.locator('#penalty').fill('1.2');
    await openView(page, 'arcs');
    await page.locator('#arcs-add').click();
    await page.locator('.arc-token[data-index="2"]').click();
    await page.locator('#arcs-several').check();
    await page.locator('.arc-token[data-index="4"]').click();
    await page.locator('#arcs-share').fill('35');
    await openView(page, 'lens');
    await page.locator('#lens-halves').check();
    await openView(page, 'compare');
    await page.locator('#other-text').fill('Mary had a little lamb');
    await page.locator('#compare').click();
    await upToDate(page, '.compare-view');
    await openView(page, 'attention');
    await page.locator('#head-filter').selectOption('previous');
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    /** @param {Page} from */
    const copied = async (from) => {
      await from.bringToFront();
      await from.locator('#copy-link').click();
      await from.getByRole('group', { name: WHOLE }).getByRole('status').filter({ hasText: /./ }).waitFor();
      return from.evaluate(() => navigator.clipboard.readText());
    };
    const link = await copied(page);
    for (const part of [
      'head=2.3',
      'stage=masked',
      'off=2.3',
      'cell=2.1',
      'token=2',
      'arcs=2.3',
      'arc-tokens=2%2C4',
      'share=35',
      'find=previous',
      'lens=halves',
      'other=Mary',
      'sampling=0.8%2C40%2C1%2C77%2C1.2',
    ]) {
      assert.ok(link.includes(part), `${part} in ${link}`);
    }
    assert.ok(link.startsWith(`${server.url}#look=1&`), link);

    const other = await context.newPage();
    await other.goto(link);
    await waitForState(other, 'ready');
    await other.waitForFunction(() => document.querySelector('.head-view')?.getAttribute('data-layer') === '2');
    assert.equal(await other.locator('#text').inputValue(), await page.locator('#text').inputValue());
    assert.equal(await other.locator('#head-title').textContent(), 'Layer 2, head 3');
    assert.ok(await other.locator('input[name="stage"][value="masked"]').isChecked());
    await other.locator('#altered li', { hasText: 'layer 2, head 3 off' }).waitFor({ state: 'attached' });
    await upToDate(other, '.head-view');
    // Opened, everything is as it was, so that its own link is the same once the second text is read.
    await openView(other, 'compare');
    await upToDate(other, '.compare-view');
    await openView(other, 'attention');
    assert.equal(await copied(other), link);
    await openView(other, 'arcs');
    assert.equal(await other.locator('#arcs-share + output').textContent(), '35% of attention');
    const chosen = other.locator('.arc-token.chosen');
    await chosen.first().waitFor({ state: 'attached' });
    assert.deepEqual(await chosen.evaluateAll((tokens) => tokens.map((token) => token.getAttribute('data-index'))), [
      '2',
      '4',
    ]);
    await openView(other, 'lens');
    await other.locator('#lens tbody tr', { hasText: 'L0 attention' }).waitFor();
    await openView(other, 'attention');
    assert.match((await other.locator('.finder-means').textContent()) ?? '', /looks at the token just before/);
    await other.locator('#altered-back').click();

    // The same text is not read anew; what is to be shown of it changes all the same.
    await other.evaluate(
      (fragment) => {
        location.hash = fragment;
      },
      new URL(link).hash
        .replace('cell=2.1', 'cell=3.0')
        .replace('token=2', 'token=1')
        .replace('&arc-tokens=2%2C4', '')
        .replace('&off=2.3', ''),
    );
    await other.waitForFunction(() => document.querySelector('#cell-readout')?.getAttribute('data-row') === '3');
    await openView(other, 'journey');
    await other.waitForFunction(() => document.querySelector('.journey')?.getAttribute('data-position') === '1');
    await openView(other, 'arcs');
    assert.equal(await chosen.getAttribute('data-index'), '1');
    await openView(other, 'attention');

    const text = await other.locator('#text').inputValue();
    for (const hostile of [
      'look=1&text=x&head=99.0',
      'look=1&text=x&head=-1.0',
      'look=1&text=x&head=0.0&head=1.1',
      'look=1&text=x&view=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E',
      'look=1&text=x&cut=0.0.99999.0',
      'look=1&text=x&cut=0.0.*.*',
      'look=1&text=x&arc-tokens=0,99999',
      'look=1&text=x&share=33',
      'look=1&text=x&find=__proto__',
      'look=1&text=x&lens=all',
      'look=1&text=x&sampling=9,9,9,9',
      'look=1&text=x&unknown=1',
      'look=2&text=x',
      `look=1&text=${'x'.repeat(20_001)}`,
    ]) {
      await other.evaluate((fragment) => {
        const note = document.querySelector('#link-note');
        if (note) note.textContent = '';
        location.hash = fragment;
      }, hostile);
      await other.locator('#link-note', { hasText: 'Nothing was changed' }).waitFor();
      assert.equal(await other.locator('#text').inputValue(), text, hostile.slice(0, 60));
      assert.equal(await other.locator('#head-title').textContent(), 'Layer 2, head 3');
    }
  },
);

pageTest(
  'a recording plays without a model',
  {
    server: { fault: ({ path }) => (path.includes('/weights-') ? { status: 404 } : null) },
    expected: downloadErrors,
  },
  async ({ page }) => {
    await waitForState(page, 'failed');
    const { text, tokens, records } = JSON.parse(
      await readFile(new URL('../../www/tour/recording.json', import.meta.url), 'utf8'),
    );
    await page.locator('#recording-example').click();
    await page.locator('#recording', { hasText: text }).waitFor();
    await openView(page, 'attention');
    await page.waitForFunction(() => document.querySelector('.head-view')?.hasAttribute('data-revision'));
    assert.equal(await page.locator('#chips [data-id]').count(), tokens.length);
    const { answer } = records.find((/** @type {any} */ { request }) => request.kind === 'attention');
    const bytes = Buffer.from(answer.weights.f32, 'base64');
    await page.locator('#head-map').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    const shown = Number(await fact(page, '#cell-readout', 'value'));
    assert.equal(Math.fround(shown), bytes.readFloatLE(4 * 2 * tokens.length));
    await openView(page, 'journey');
    await page.locator('#journey-block[data-layer]').waitFor();
    await page
      .locator('#recording-file')
      .setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{}') });
    await page.locator('#recording', { hasText: 'can’t be shown' }).waitFor();
    assert.ok(await page.locator('#recording-close').isHidden(), 'there is nothing to come back to');
  },
);
