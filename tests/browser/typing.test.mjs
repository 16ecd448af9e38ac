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

pageTest('keys during a generation are not mixed into it, and Esc ends it', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  const field = page.locator('#text');
  await andAnswer(page, () => field.fill('The king said'));
  await page.locator('#limit').fill('300');
  await page.locator('#generate').click();
  await page.locator('#stop').waitFor();
  await field.focus();
  await page.keyboard.type('QQ');
  await page.waitForTimeout(200);
  await page.keyboard.press('Escape');
  await page.locator('#generate').waitFor();
  await settled(page);
  const generated = await field.inputValue();
  assert.match(generated, /^The king said(?!.*QQ)/s);
  await field.focus();
  await page.keyboard.press('Control+End');
  await andAnswer(page, () => page.keyboard.type(' QQ'));
  assert.equal(await field.inputValue(), `${generated} QQ`);
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
    await page.locator('#text').focus();
    // As a paste does it: one event with the whole text.
    await andAnswer(page, () =>
      page.locator('#text').evaluate((field, value) => {
        /** @type {HTMLTextAreaElement} */ (field).value = value;
        field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }));
      }, text),
    );
    const shown = await page.locator('body').innerText();
    assert.ok(!shown.includes('\ufffd'), 'no replacement characters');
    assert.equal((await suggestions(page)).length, 3);
    assert.equal(await page.title().then((title) => title === '1'), false, 'markup is text');

    // Character by character every prefix is asked about, half characters included.
    await page.locator('#text').fill('');
    for (const character of text.slice(0, 24)) await page.keyboard.insertText(character);
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
    assert.ok(!(await page.locator('#text').inputValue()).includes('\ufffd'), 'none generated');
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
