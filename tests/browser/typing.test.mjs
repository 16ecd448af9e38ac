// @ts-check
/** Fast fingers and odd characters. */
import assert from 'node:assert/strict';
import { andAnswer, pageTest, settled, suggestions, waitForState } from './harness.mjs';

const sentence = 'It was a dark and stormy night, and the rain fell in';

pageTest('the strip belongs to the last keystroke, however fast they come', {}, async ({ page, context, server }) => {
  await waitForState(page, 'ready');
  // What is typed would rise, and the other page has not seen it.
  await page.locator('#settings').click();
  await page.locator('#set-personal').uncheck();
  await page.getByRole('button', { name: 'Done' }).click();
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

pageTest('a search that goes on gives way to a key pressed as it begins', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await settled(page);
  // The first text has more to search for, and the second comes while the page waits for the last thing before that.
  await page.evaluate(async () => {
    const { Engine } = await import(new URL('js/page/engine.js', document.baseURI).href);
    const { suggest, ahead } = Engine.prototype;
    const field = /** @type {HTMLTextAreaElement} */ (document.querySelector('#text'));
    const type = (/** @type {string} */ text) => {
      field.value = text;
      field.dispatchEvent(new InputEvent('input', { inputType: 'insertText' }));
    };
    Engine.prototype.suggest = async function (/** @type {any[]} */ ...given) {
      const answer = await suggest.apply(this, given);
      return given[0] === 'The king' ? { ...answer, settled: false } : answer;
    };
    Engine.prototype.ahead = async function (/** @type {boolean} */ search) {
      const foreseen = await ahead.call(this, search);
      if (!search && field.value === 'The king') type('The king said');
      return foreseen;
    };
    type('The king');
  });
  await page.waitForFunction(() =>
    /** @type {HTMLTextAreaElement} */ (document.querySelector('#text')).value.endsWith('said'),
  );
  await page.locator('#strip[aria-busy="false"]').waitFor({ timeout: 5000 });
  assert.equal((await suggestions(page)).length, 3);
});

/** @param {import('playwright-core').Page} page */
async function startLongGeneration(page) {
  await page.locator('#limit').fill('450');
  // So that the model hardly ever ends the text by itself; with the first seed it does, after 25 tokens.
  await page.locator('#temperature').fill('2');
  await page.locator('#top-k').fill('0');
  await page.locator('#seed').fill('3');
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

/** @param {import('playwright-core').Page} page */
async function someTokens(page) {
  await page.waitForFunction(() => /\d tokens?/.test(document.querySelector('#generate-progress')?.textContent ?? ''));
}

/**
 * The text field, focused, with a generation under way after a few words.
 * @param {import('playwright-core').Page} page
 */
async function typeIntoGeneration(page) {
  const field = page.locator('#text');
  await andAnswer(page, () => field.fill('The king said'));
  await startLongGeneration(page);
  await someTokens(page);
  await field.focus();
  return field;
}

pageTest('a key that changes nothing ends a generation, and the strip goes on', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const field = await typeIntoGeneration(page);
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Delete');
  await page.locator('#generate').waitFor();
  await page.locator('#strip[aria-busy="false"]').waitFor();
  const text = await field.inputValue();
  assert.ok(text.startsWith('The king said') && text.length > 'The king said'.length, text);
  assert.match((await page.locator('#generate-progress').textContent()) ?? '', /typing/);
  // The strip answers this very text.
  await settled(page);
  const shown = await suggestions(page);
  await andAnswer(page, () => field.fill('x'));
  await andAnswer(page, () => field.fill(text));
  assert.deepEqual(shown, await suggestions(page));
});

pageTest('Alt with a key leaves a generation alone', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const field = await typeIntoGeneration(page);
  await page.keyboard.press('Alt+2');
  await page.keyboard.press('Alt+d');
  await page.waitForTimeout(200);
  assert.ok(await page.locator('#stop').isVisible(), 'it goes on');
  assert.equal(await field.inputValue(), 'The king said', 'nothing was taken');
  await page.keyboard.press('Escape');
  await page.locator('#generate').waitFor();
  await page.locator('#strip[aria-busy="false"]').waitFor();
});

pageTest('the end of a generation leaves the page where the user looks', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill('The king said'));
  await startLongGeneration(page);
  await someTokens(page);
  // With the mouse, so that no focus ring says that the keyboard is in use.
  const head = page.locator('#head-grid [data-layer="1"][data-head="1"]');
  await head.click();
  const title = page.locator('#head-title');
  assert.equal(await title.textContent(), 'Layer 1, head 1', 'the pick shows at once');
  assert.match((await page.locator('#cell-readout').textContent()) ?? '', /when the text is complete/);
  const view = page.locator('.head-view');
  assert.ok(await view.evaluate((element) => element.classList.contains('waiting')));
  // What matters is where the head stands on the screen: what is above it may grow by a line of tokens meanwhile,
  // and the browser then scrolls by as much.
  const standing = () => head.evaluate((element) => Math.round(element.getBoundingClientRect().top));
  const before = await standing();
  const scrolled = await page.evaluate(() => scrollY);
  assert.ok(scrolled > 200, `the heads are further down, at ${scrolled}`);
  await page.evaluate(() => /** @type {HTMLElement} */ (document.querySelector('#stop')).click());
  await page.waitForFunction(() => /stopped/.test(document.querySelector('#generate-progress')?.textContent ?? ''));
  await settled(page);
  const moved = (await standing()) - before;
  assert.ok(Math.abs(moved) <= 1, `the head moved by ${moved} pixels`);
  assert.ok(await head.evaluate((element) => element === document.activeElement), 'and the focus');
  await page.locator('.head-view[data-layer="1"][data-head="1"]:not(.waiting)').waitFor();
});

pageTest('what happened is told together with what is suggested', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const told = page.locator('p.sr-only[role="status"]');
  await told.filter({ hasText: /is ready\. Suggestions: / }).waitFor({ state: 'attached' });
  await page.locator('#limit').fill('3');
  await page.locator('#generate').click();
  await told.filter({ hasText: /tokens?.*; .*\. Suggestions: / }).waitFor({ state: 'attached' });
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
  Hindi: 'आज मौसम बहुत अच्छा है, चलो',
  'combining marks': `Z${'\u0301\u0302\u0303'.repeat(20)}algo`,
  'bidi controls and zero width': 'a\u202Eb\u2066c\u2069\u200Bd\u200D e',
  markup: '<img src=x onerror="document.title=1"></script><b>bold</b> __proto__',
  'runs of white space': 'one  \t two\n\n\n   three',
  'a lone surrogate': 'half \ud83d of one',
};
pageTest('odd texts', {}, async ({ page, t }) => {
  await waitForState(page, 'ready');
  const field = page.locator('#text');
  await page.locator('#limit').fill('30');
  await page.locator('#temperature').fill('1.5');
  /** @param {number[]} piece as a paste does it: one event with the whole text */
  const put = (piece) =>
    field.evaluate((element, codes) => {
      const area = /** @type {HTMLTextAreaElement} */ (element);
      area.focus();
      area.setRangeText(String.fromCharCode(...codes), area.selectionStart, area.selectionEnd, 'end');
      area.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }));
    }, piece);
  const shown = () => page.locator('body').innerText();
  for (const [name, text] of Object.entries(odd)) {
    await t.test(name, async () => {
      await field.fill('');
      // By code units, because half a character does not survive the way into the browser.
      const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
      await andAnswer(page, () => put(units));
      assert.ok(!(await shown()).includes('\ufffd'), 'no replacement characters');
      assert.equal((await suggestions(page)).length, 3);
      assert.notEqual(await page.title(), '1', 'markup is text');

      // What is on the best key can be taken, and taken back. Of a word that takes very many tokens nothing may be known.
      if (await page.locator('.suggestion').nth(1).isEnabled()) {
        const before = await field.evaluate((element) => /** @type {HTMLTextAreaElement} */ (element).value);
        await andAnswer(page, () => page.keyboard.press('Alt+2'));
        const taken = await field.inputValue();
        assert.ok(taken.length > before.length && (!taken.includes('\ufffd') || before.includes('\ud83d')), taken);
        await andAnswer(page, () => page.keyboard.press('Backspace'));
        const back = await field.evaluate((element) => /** @type {HTMLTextAreaElement} */ (element).value);
        assert.equal(back, before);
      } else assert.ok(['right to left', 'combining marks'].includes(name), 'a word is suggested');

      // Unit by unit, so that halves of characters are asked about as well.
      await field.fill('');
      for (const unit of units.slice(0, 24)) await put([unit]);
      await settled(page);
      assert.ok(!(await shown()).includes('\ufffd'), 'no replacement characters while typing');

      // Generation crosses tokens that are parts of characters, or ends at once.
      await page.locator('#generate').click();
      await page.locator('#generate').waitFor();
      await settled(page);
      assert.ok(!(await field.inputValue()).includes('\ufffd') || name === 'a lone surrogate', 'none generated');
      assert.ok(!(await shown()).includes('\ufffd'), 'none shown');
    });
  }
});

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

pageTest('Esc ends a generation from the button that began it', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill('The king said'));
  await startLongGeneration(page);
  await page.keyboard.press('Escape');
  await page.locator('#generate').waitFor();
  assert.match(await page.locator('#generate-progress').innerText(), /stopped/);
});

pageTest('a suggestion taken at the end of a long text stays in view', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill('one two three four five '.repeat(120).trim()));
  for (let i = 0; i < 10; i++) await andAnswer(page, () => page.locator('.suggestion[data-rank="1"]').click());
  const below = await page.evaluate(() => {
    const box = /** @type {HTMLElement} */ (document.querySelector('#text')?.parentElement);
    return [box.scrollHeight > box.clientHeight, box.scrollHeight - box.clientHeight - box.scrollTop];
  });
  assert.deepEqual([below[0], Math.round(Number(below[1]))], [true, 0]);
});

pageTest('examples never replace what the user wrote', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const example = page.locator('#examples button').first();
  await andAnswer(page, () => example.click());
  assert.ok(await page.locator('#examples button').last().isEnabled(), 'an example may give way to another');
  await andAnswer(page, () =>
    page
      .locator('#text')
      .press('End')
      .then(() => page.keyboard.type(' red')),
  );
  assert.ok(await example.isDisabled());
  await andAnswer(page, () => page.locator('#text').fill(''));
  assert.ok(await example.isEnabled());
});

pageTest('with text behind the caret, the page says what is read', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await andAnswer(page, () => page.locator('#text').fill('The king said'));
  await andAnswer(page, () => page.locator('#text').press('Control+Home'));
  assert.match(await page.locator('#status').innerText(), /Nothing stands before the caret/);
  await andAnswer(page, () => page.locator('#text').press('Control+ArrowRight'));
  assert.match(await page.locator('#status').innerText(), /Only what stands before the caret is read/);
});
