// @ts-check
/** Fast fingers and odd characters. */
import assert from 'node:assert/strict';
import { andAnswer, pageTest, settled, suggestions, waitForState } from './harness.mjs';

const sentence = 'It was a dark and stormy night, and the rain fell in';

pageTest('the strip belongs to the last keystroke, however fast they come', {}, async ({ page, context, server }) => {
  await waitForState(page, 'ready');
  // The oracle: the same text at once, in a page that has seen nothing else.
  const calm = await context.newPage();
  await calm.goto(server.url);
  await waitForState(calm, 'ready');
  await andAnswer(calm, () => calm.locator('#text').fill(sentence));
  const expected = await suggestions(calm);

  const field = page.locator('#text');
  for (let round = 0; round < 3; round++) {
    await field.fill('');
    await field.pressSequentially(`${sentence.slice(0, 20)} something else`, { delay: 0 });
    for (let i = 0; i < 'x something else'.length - 1; i++) await field.press('Backspace');
    await field.pressSequentially(sentence.slice(20), { delay: 0 });
    await settled(page, 800);
    assert.equal(await field.inputValue(), sentence);
    assert.deepEqual(await suggestions(page), expected, `round ${round}`);
  }
  // Deleting must rewind as well.
  await field.pressSequentially(' torrents', { delay: 0 });
  for (let i = 0; i < ' torrents'.length; i++) await field.press('Backspace');
  await settled(page, 800);
  assert.deepEqual(await suggestions(page), expected, 'after deleting');
});

/** @param {import('playwright-core').Page} page */
async function startLongGeneration(page) {
  await page.locator('#limit').fill('450');
  // So that the model hardly ever ends the text by itself.
  await page.locator('#temperature').fill('2');
  await page.locator('#top-k').fill('0');
  await page.locator('#generate').click();
  await page.locator('#stop').waitFor();
}

pageTest('typing ends a generation and goes on after it', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const field = page.locator('#text');
  await andAnswer(page, () => field.fill('The king said'));
  await startLongGeneration(page);
  await field.focus();
  await page.keyboard.type(' QQ', { delay: 30 });
  await page.locator('#generate').waitFor();
  await page.waitForTimeout(500);
  await settled(page);
  const text = await field.inputValue();
  assert.match(text, /^The king said.* QQ$/s);
  // The strip answers this very text.
  const expected = await suggestions(page);
  await andAnswer(page, () => field.fill('x'));
  await andAnswer(page, () => field.fill(text));
  assert.deepEqual(expected, await suggestions(page));
});

pageTest('Esc ends a generation and keeps what there is', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const field = page.locator('#text');
  await andAnswer(page, () => field.fill('The king said'));
  await startLongGeneration(page);
  await field.focus();
  await page.keyboard.press('Escape');
  await page.locator('#generate').waitFor();
  await settled(page);
  const text = await field.inputValue();
  assert.ok(text.startsWith('The king said'));
  await page.waitForTimeout(300);
  assert.equal(await field.inputValue(), text, 'nothing comes afterwards');
});

const odd = {
  'emoji families and flags': 'Look: 👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 👍🏽 and then',
  'right to left': 'שלום עולם وقال الرجل',
  Chinese: '今天天气很好，我们去',
  'combining marks': `Z${'\u0301\u0302\u0303'.repeat(20)}algo`,
  'bidi controls and zero width': 'a\u202Eb\u2066c\u2069\u200Bd\u200D e',
  markup: '<img src=x onerror="document.title=1"></script><b>bold</b> __proto__',
  'runs of white space': 'one  \t two\n\n\n   three',
  'a lone surrogate': 'half \ud83d of one',
};
for (const [name, text] of Object.entries(odd)) {
  pageTest(`odd text: ${name}`, {}, async ({ page }) => {
    await waitForState(page, 'ready');
    const field = page.locator('#text');
    // By code units, because half a character does not survive the way into the browser.
    const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
    /** @param {number[]} piece as a paste does it: one event with the whole text */
    const put = (piece) =>
      field.evaluate((element, codes) => {
        const area = /** @type {HTMLTextAreaElement} */ (element);
        area.focus();
        area.setRangeText(String.fromCharCode(...codes), area.selectionStart, area.selectionEnd, 'end');
        area.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }));
      }, piece);
    await andAnswer(page, () => put(units));
    const shown = await page.locator('body').innerText();
    assert.ok(!shown.includes('\ufffd'), 'no replacement characters');
    assert.equal((await suggestions(page)).length, 3);
    assert.notEqual(await page.title(), '1', 'markup is text');

    // Unit by unit, so that halves of characters are asked about as well.
    await field.fill('');
    for (const unit of units.slice(0, 24)) await put([unit]);
    await settled(page);
    assert.ok(!(await page.locator('body').innerText()).includes('\ufffd'), 'no replacement characters while typing');

    // Generation crosses tokens that are parts of characters.
    await page.locator('#limit').fill('30');
    await page.locator('#temperature').fill('1.5');
    await page.locator('#generate').click();
    await page.waitForTimeout(300);
    await page.waitForFunction(
      () => !(/** @type {HTMLButtonElement} */ (document.querySelector('#generate')).disabled),
    );
    await settled(page);
    const generated = await field.evaluate((element) =>
      /** @type {HTMLTextAreaElement} */ (element).value.includes('\ufffd'),
    );
    assert.equal(generated, false, 'none generated');
    assert.ok(!(await page.locator('body').innerText()).includes('\ufffd'), 'none shown');
  });
}

pageTest('20,000 characters: works, and says what was left out', { timeout: 180_000 }, async ({ page }) => {
  await waitForState(page, 'ready');
  const text = 'All work and no play makes Jack a dull boy. '.repeat(455).slice(0, 20_000);
  await andAnswer(page, () => page.locator('#text').fill(text));
  assert.equal((await page.locator('#text').inputValue()).length, 20_000);
  const shown = await page.locator('body').innerText();
  assert.match(shown, /(dropped|left out|no longer fit|too long|do(es)? not fit|forgotten|only the last)/i);
  assert.ok(!shown.includes('\ufffd'));
  assert.equal((await suggestions(page)).length, 3);
  // Editing near the end of it stays quick.
  await page.locator('#text').focus();
  await page.keyboard.press('Control+End');
  await andAnswer(page, () => page.keyboard.type(' He'));
  assert.ok(Number(await page.evaluate(() => document.body.dataset.latency)) < 5000);
});

pageTest('an empty field has suggestions too', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill('Hello'));
  await andAnswer(page, () => page.locator('#text').fill(''));
  assert.equal((await suggestions(page)).length, 3);
});
