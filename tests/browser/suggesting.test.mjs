// @ts-check
/** The keys under the text and all that is behind them: manners, gestures, settings, the user's own words. */
import assert from 'node:assert/strict';
import { seriousFaults } from './accessibility.mjs';
import { andAnswer, inserts, pageTest, settled, suggestions, waitForState } from './harness.mjs';

/** @typedef {import('playwright-core').Page} Page */

/** @param {Page} page */
const textOf = (page) => page.locator('#text').inputValue();

/**
 * Starts over with an empty text, does this, and waits for the answer.
 * @param {Page} page
 * @param {() => Promise<unknown>} enter
 */
async function startOver(page, enter) {
  await page.locator('#text').fill('');
  await page.locator('#text').focus();
  await andAnswer(page, enter);
}

/** A text, typed. @param {Page} page @param {string} text */
const write = (page, text) => startOver(page, () => page.keyboard.type(text));

/**
 * A text in one piece: words that come up on the way to it stay on their keys.
 * @param {Page} page
 * @param {string} text
 */
const paste = (page, text) => startOver(page, () => page.keyboard.insertText(text));

/** The words on the keys from left to right. @param {Page} page */
const words = (page) =>
  page.$$eval('.suggestion', (keys) => keys.map((key) => key.querySelector('.word')?.textContent ?? ''));

/** The key that Tab takes. @param {Page} page */
const selected = (page) =>
  page.$$eval('.suggestion', (keys) => keys.findIndex((key) => key.hasAttribute('data-selected')));

/** @param {Page} page @param {string} name */
const setting = (page, name) => page.locator(`#set-${name}`);

/** @param {Page} page @param {() => Promise<unknown>} change */
async function inSettings(page, change) {
  await page.locator('#settings').click();
  await change();
  await page.getByRole('button', { name: 'Done' }).click();
  await settled(page);
}

pageTest('typing: what is taken, what is taken back', {}, async ({ page, t }) => {
  await waitForState(page, 'ready');

  await t.test(
    'its key is right before any message from the engine could come, and all keys stay as they are',
    async () => {
      /** Everything on the keys. */
      const keys = () =>
        page.$$eval('.suggestion', (all) =>
          all.map((key) => [key.textContent, /** @type {HTMLElement} */ (key).dataset.stale]),
        );
      /** @type {Awaited<ReturnType<typeof keys>>} */
      let atOnce = [];
      // What the letter will show is looked for after each answer, and nothing tells when it is found.
      for (let i = 0; i < 20 && !(atOnce.length && atOnce.every(([, stale]) => stale === '')); i++) {
        await write(page, 'She went to the s');
        const letter = (await words(page))[1][1];
        await page.waitForTimeout(100 * i);
        atOnce = await page.evaluate((letter) => {
          document.execCommand('insertText', false, letter);
          const all = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.suggestion'));
          return [...all].map((key) => [key.textContent, key.dataset.stale]);
        }, letter);
      }
      assert.ok(
        atOnce.every(([text, stale]) => stale === '' && /%/.test(text ?? '')),
        JSON.stringify(atOnce),
      );
      await settled(page);
      assert.deepEqual(await keys(), atOnce);
    },
  );

  await t.test('a space follows a suggestion, and gives way to punctuation', async () => {
    await write(page, 'I would like a cup of');
    const [best] = await inserts(page);
    await andAnswer(page, () => page.keyboard.press('Tab'));
    const taken = `I would like a cup of${best} `;
    assert.equal(await textOf(page), taken);
    await andAnswer(page, () => page.keyboard.type(','));
    assert.equal(await textOf(page), `${taken.trimEnd()},`);
  });

  await t.test('a space typed out of habit is the one that is there', async () => {
    await write(page, 'I would like a cup of');
    await andAnswer(page, () => page.keyboard.press('Tab'));
    const taken = await textOf(page);
    await page.keyboard.type(' ');
    assert.equal(await textOf(page), taken);
    await page.keyboard.type(' ');
    assert.equal(await textOf(page), `${taken} `, 'a second one is meant');
  });

  await t.test('Backspace right after it undoes it, and so does Ctrl+Z', async () => {
    const typed = 'I would like a c';
    for (const key of ['Backspace', 'Control+z']) {
      await write(page, typed);
      await andAnswer(page, () => page.keyboard.press('Alt+2'));
      assert.notEqual(await textOf(page), typed);
      await andAnswer(page, () => page.keyboard.press(key));
      assert.equal(await textOf(page), typed, key);
    }
    await page.keyboard.press('Backspace');
    assert.equal(await textOf(page), typed.slice(0, -1), 'the next Backspace is an ordinary one');
  });

  await t.test('Ctrl+Z goes back through all of it, and the way forward is there again', async () => {
    await write(page, 'I would like a c');
    const typed = await textOf(page);
    await andAnswer(page, () => page.keyboard.press('Tab'));
    const taken = await textOf(page);
    await andAnswer(page, () => page.keyboard.type(', b'));
    const end = await textOf(page);
    assert.equal(end, `${taken.trimEnd()}, b`);
    /** @param {string} key @param {string} until */
    const through = async (key, until) => {
      const texts = [];
      for (let i = 0; i < 30 && texts.at(-1) !== until; i++) {
        await page.keyboard.press(key);
        texts.push(await textOf(page));
      }
      return texts;
    };
    const back = await through('Control+z', '');
    assert.equal(back.at(-1), '', back.join(' | '));
    for (const text of [taken, typed]) assert.ok(back.includes(text), `${text} among ${back.join(' | ')}`);
    const forward = await through('Control+Shift+z', end);
    assert.equal(forward.at(-1), end, forward.join(' | '));
    await settled(page);
  });

  await t.test('in the middle of a text, what stands behind the caret stays', async () => {
    await write(page, 'I would like a cup of, please');
    await andAnswer(page, async () => {
      for (let i = 0; i < ', please'.length; i++) await page.keyboard.press('ArrowLeft');
    });
    const [best] = await inserts(page);
    await andAnswer(page, () => page.keyboard.press('Alt+2'));
    assert.equal(await textOf(page), `I would like a cup of${best}, please`);
  });

  await t.test('Alt with brackets selects, Tab takes what is selected', async () => {
    await write(page, 'I would like a cup of');
    assert.equal(await selected(page), 1);
    await page.keyboard.press('Alt+BracketRight');
    assert.equal(await selected(page), 2);
    await page.keyboard.press('Alt+BracketLeft');
    await page.keyboard.press('Alt+BracketLeft');
    assert.equal(await selected(page), 0);
    const [left] = await words(page);
    assert.equal((await page.locator('#ghost .ghost').textContent())?.trim(), left, 'the grey text goes with it');
    await andAnswer(page, () => page.keyboard.press('Tab'));
    assert.equal(await textOf(page), `I would like a cup of ${left} `);
  });

  await t.test('Ctrl with the right arrow takes a word at the end, and moves the caret elsewhere', async () => {
    await write(page, 'I would like a cup of');
    const [best] = await inserts(page);
    await andAnswer(page, () => page.keyboard.press('Control+ArrowRight'));
    assert.equal(await textOf(page), `I would like a cup of${best}`, 'no space: the next word brings it');
    await page.keyboard.press('Control+Home');
    await settled(page);
    await page.keyboard.press('Control+ArrowRight');
    assert.equal(await textOf(page), `I would like a cup of${best}`);
  });

  await t.test('a slip is corrected only when somebody wishes it', async () => {
    await write(page, 'It was teh');
    const key = page.locator('.suggestion[data-kind="correction"]');
    assert.equal(await key.locator('.word').textContent(), 'the');
    assert.match(await key.innerText(), /correction/);
    await andAnswer(page, () => key.click());
    assert.equal(await textOf(page), 'It was the ');
    await andAnswer(page, () => page.keyboard.press('Backspace'));
    assert.equal(await textOf(page), 'It was teh');
  });

  await t.test('an apostrophe as phones type it agrees, and is kept', async () => {
    await write(page, 'I don');
    const slot = (await words(page)).indexOf("don't");
    assert.notEqual(slot, -1, `${await words(page)}`);
    await andAnswer(page, () => page.keyboard.type('’'));
    assert.equal((await words(page))[slot], 'don’t');
    await andAnswer(page, () => page.locator('.suggestion').nth(slot).click());
    assert.equal(await textOf(page), 'I don’t ');
  });

  await t.test('Esc puts suggestions and grey text aside', async () => {
    await write(page, 'I would like a cup of');
    await page.locator('#ghost .ghost').waitFor({ state: 'attached' });
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#ghost .ghost').count(), 0);
    await page.keyboard.press('Tab');
    assert.equal(await textOf(page), 'I would like a cup of');
    assert.notEqual(await page.evaluate(() => document.activeElement?.id), 'text');
  });
});

/** Watches in the page that no key loses its word while the letters typed agree with it, and what room the keys take. */
function watchAgreeingKeys() {
  const field = /** @type {HTMLTextAreaElement} */ (document.querySelector('#text'));
  const keys = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.suggestion')]);
  const word = (/** @type {HTMLElement} */ key) => key.querySelector('.word')?.textContent ?? '';
  const noted = { stayed: 0, moved: /** @type {string[]} */ ([]), sizes: /** @type {string[]} */ ([]) };
  const strip = /** @type {HTMLElement} */ (document.querySelector('#strip'));
  Object.assign(globalThis, { noted });
  /** The words that must stay, by key. @type {(string | null)[]} */
  let held = [];
  const check = (/** @type {string} */ when) => {
    const size = [strip, ...keys].map((element) => `${element.offsetWidth} x ${element.offsetHeight}`).join(', ');
    if (!noted.sizes.includes(size)) noted.sizes.push(size);
    held.forEach((wanted, slot) => {
      if (wanted === null || word(keys[slot]) === wanted) return;
      noted.moved.push(`${wanted} gave way to ${word(keys[slot])} ${when} ${field.value.slice(-20)}`);
      held[slot] = null;
    });
  };
  field.addEventListener('beforeinput', ({ data }) => {
    const typed = (field.value.match(/[a-z]*$/i)?.[0] ?? '') + data;
    held = keys.map((key) => {
      const goesOn = word(key).startsWith(typed) && word(key).length > typed.length && key.dataset.kind === 'word';
      return goesOn && key.dataset.stale !== 'word' ? word(key) : null;
    });
    noted.stayed += held.filter((word) => word !== null).length;
  });
  field.addEventListener('input', () => check('at once after'));
  new MutationObserver(() => check('after')).observe(strip, { subtree: true, childList: true, characterData: true });
}

for (const [pace, delay] of /** @type {const} */ ([
  ['slowly', 150],
  ['fast', 25],
])) {
  pageTest(`typed ${pace}, letters that agree leave every suggestion on its key`, {}, async ({ page }) => {
    await waitForState(page, 'ready');
    await write(page, 'My sister asked me ');
    await page.evaluate(watchAgreeingKeys);
    const text =
      'whether I would like to have dinner with them in the new house on Saturday, because the children want to';
    await page.keyboard.type(text, { delay });
    await settled(page);
    const { stayed, moved, sizes } = await page.evaluate(() => /** @type {any} */ (globalThis).noted);
    assert.deepEqual(moved, []);
    assert.equal(sizes.length, 1, `no key changes its size: ${sizes.join('; ')}`);
    assert.ok(stayed > 30, `${stayed} suggestions agreed`);
  });
}

pageTest('the list: gestures that open it, numbers, ways to be rid of a word', {}, async ({ page, t }) => {
  await waitForState(page, 'ready');
  await write(page, 'I would like a cup of');
  const panel = page.locator('#candidates');
  const middle = page.locator('.suggestion').nth(1);
  const at = async () => {
    const box = await middle.boundingBox();
    assert.ok(box);
    return [box.x + box.width / 2, box.y + box.height / 2];
  };

  await t.test('a long press and a swipe up open it, and take nothing', async () => {
    const [x, y] = await at();
    await page.mouse.move(x, y);
    await page.mouse.down();
    await panel.waitFor();
    await page.mouse.up();
    assert.equal(await textOf(page), 'I would like a cup of');
    await page.locator('#more').click();
    assert.ok(await panel.isHidden());
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x, y - 30, { steps: 4 });
    await panel.waitFor();
    await page.mouse.up();
    assert.equal(await textOf(page), 'I would like a cup of');
  });

  await t.test('fifty tokens; sampling changes what would be drawn without a forward pass', async () => {
    const rows = page.locator('.candidate');
    assert.equal(await rows.count(), 50);
    const column = (/** @type {string} */ name) => page.locator(`.candidate-${name}`).allTextContents();
    const [revision, shares] = [await page.evaluate(() => document.body.dataset.revision), await column('share')];
    const drawn = await column('drawn');
    await page.locator('#top-k').fill('2');
    await page.locator('#top-k').press('Tab');
    await page.waitForFunction(() => document.querySelectorAll('.candidate-drawn')[2]?.textContent === '0%');
    assert.notDeepEqual(await column('drawn'), drawn);
    assert.deepEqual(await column('share'), shares);
    assert.equal(await page.evaluate(() => document.body.dataset.revision), revision);
    const total = (await column('drawn')).reduce((sum, text) => sum + Number.parseFloat(text), 0);
    assert.ok(Math.abs(total - 100) < 0.2, `the two that are left share everything: ${total}%`);
  });

  await t.test('a token of the list is put in by a click', async () => {
    const before = await textOf(page);
    const row = page.locator('.candidate').nth(4);
    const token = ((await row.locator('.token').textContent()) ?? '').replace('·', ' ');
    await andAnswer(page, () => row.click());
    assert.equal(await textOf(page), before + token);
    await write(page, before);
  });

  await t.test('a word can be kept off here, or for good, and that can be undone', async () => {
    const [best] = await words(page).then((all) => [all[1]]);
    for (const name of [`Not here: ‘${best}’`, `Never: ‘${best}’`]) {
      await page.getByRole('button', { name }).click();
      await settled(page);
      assert.ok(!(await words(page)).includes(best), `${best} is gone: ${await words(page)}`);
      await page.getByRole('button', { name: 'Undo' }).click();
      await settled(page);
      assert.ok((await words(page)).includes(best), `${best} is back: ${await words(page)}`);
    }
    await page.getByRole('button', { name: `Never: ‘${best}’` }).click();
    await page.locator('#settings').click();
    await page.locator('summary', { hasText: 'Never suggested' }).click();
    await page.getByRole('button', { name: `Suggest ${best} again` }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    await settled(page);
    assert.ok((await words(page)).includes(best));
  });

  await t.test('with text behind the caret, its effect on the ranks is shown on demand', async () => {
    await page.locator('#text').focus();
    await page.keyboard.press('End');
    await page.keyboard.type(' tea');
    await andAnswer(page, async () => {
      for (let i = 0; i < ' tea'.length; i++) await page.keyboard.press('ArrowLeft');
    });
    await page.locator('#count-after').check();
    await page.waitForFunction(() => /%, rank \d/.test(document.querySelector('.word-table tbody')?.textContent ?? ''));
  });

  assert.deepEqual(await seriousFaults(page, t), []);
});

pageTest('settings act at once, and are kept only if the user says so', {}, async ({ page, t }) => {
  await waitForState(page, 'ready');
  const stored = () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('headlight.')));

  await t.test('grey text, space and full stop', async () => {
    await write(page, 'I would like a cup of');
    await inSettings(page, async () => {
      await setting(page, 'ghost').uncheck();
      await setting(page, 'space').uncheck();
      await setting(page, 'fullStop').check();
      assert.deepEqual(await seriousFaults(page, t), []);
    });
    await page.locator('#text').focus();
    assert.equal(await page.locator('#ghost .ghost').count(), 0);
    const [best] = await inserts(page);
    await andAnswer(page, () => page.keyboard.press('Alt+2'));
    assert.equal(await textOf(page), `I would like a cup of${best}`);
    await page.keyboard.type('  And');
    assert.equal(await textOf(page), `I would like a cup of${best}. And`);
    assert.deepEqual(await stored(), []);
  });

  await t.test('phrases', async () => {
    await inSettings(page, async () => {
      await setting(page, 'phrase').selectOption('3');
      await setting(page, 'ghost').check();
    });
    await write(page, 'I want to');
    await page.waitForFunction(() =>
      /\S+ \S+/.test(document.querySelector('#ghost .ghost')?.textContent?.trim() ?? ''),
    );
    const ghost = await page.locator('#ghost .ghost').textContent();
    const first = ghost?.match(/^\s*\S+/)?.[0];
    await andAnswer(page, () => page.keyboard.press('Control+ArrowRight'));
    assert.equal(await textOf(page), `I want to${first}`);
  });

  await t.test('one’s own words rise, are listed, and are forgotten', async () => {
    await inSettings(page, () => setting(page, 'phrase').selectOption('1'));
    for (let i = 0; i < 4; i++) await write(page, 'my zebrafish my ');
    await paste(page, 'my ');
    assert.match((await suggestions(page)).join(), /zebrafish[^,]*yours/s);
    await page.locator('#settings').click();
    await page.locator('summary', { hasText: 'Words you wrote' }).click();
    await page.getByRole('button', { name: 'Forget zebrafish' }).waitFor();
    await setting(page, 'remember').check();
    await page.waitForFunction(() => localStorage.getItem('headlight.words')?.includes('zebrafish'));
  });

  await t.test('kept over a reload, until they are forgotten', async () => {
    await page.reload();
    await waitForState(page, 'ready');
    await paste(page, 'my ');
    assert.match((await suggestions(page)).join(), /zebrafish/);
    await inSettings(page, async () => {
      assert.ok(await setting(page, 'fullStop').isChecked());
      await page.locator('#forget-all').click();
      await page.getByText('All words are forgotten.').waitFor();
      await setting(page, 'remember').uncheck();
    });
    assert.doesNotMatch((await suggestions(page)).join(), /zebrafish/);
    await page.waitForTimeout(1200);
    assert.deepEqual(await stored(), []);
  });

  await t.test('what is stored may be anything', async () => {
    await page.evaluate(() => {
      localStorage.setItem('headlight.settings', '{"remember": true, "phrase": "many", "ghost": false}');
      localStorage.setItem('headlight.words', '{"version": 7}');
    });
    await page.reload();
    await waitForState(page, 'ready');
    await write(page, 'my ');
    assert.equal((await suggestions(page)).length, 3);
    await page.locator('#settings').click();
    assert.equal(await setting(page, 'phrase').inputValue(), '1');
    assert.equal(await setting(page, 'ghost').isChecked(), false);
  });
});

pageTest('an input method composes undisturbed', {}, async ({ page, context }) => {
  await waitForState(page, 'ready');
  await write(page, 'I said ');
  const cdp = await context.newCDPSession(page);
  const asked = () => page.evaluate(() => document.body.dataset.revision);
  const before = await asked();
  for (const text of ['n', 'ni', 'に']) {
    await cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
    await page.waitForTimeout(100);
  }
  assert.equal(await page.locator('#ghost .ghost').count(), 0, 'nothing grey behind what is being composed');
  assert.equal(await asked(), before);
  await andAnswer(page, () => cdp.send('Input.insertText', { text: '日本' }));
  assert.equal(await textOf(page), 'I said 日本');
  await andAnswer(page, () => page.keyboard.press('Control+z'));
  assert.ok(!(await textOf(page)).includes('本'));
});

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

pageTest(
  'on a phone, nothing hides behind the keyboard',
  { context: phone, path: 'none' },
  async ({ page, server }) => {
    // No browser without a window has a keyboard on the screen; this says what one says to the page.
    await page.addInitScript(() => {
      const viewport = Object.assign(new EventTarget(), {
        height: innerHeight,
        width: innerWidth,
        offsetTop: 0,
        scale: 1,
      });
      Object.defineProperty(window, 'visualViewport', { value: viewport });
    });
    await page.goto(server.url);
    await waitForState(page, 'ready');
    await write(page, 'one two three four five six seven eight nine ten '.repeat(12));
    const visible = 420;
    await page.evaluate((height) => {
      const viewport = /** @type {any} */ (window.visualViewport);
      viewport.height = height;
      viewport.dispatchEvent(new Event('resize'));
    }, visible);
    const strip = await page.locator('#strip').boundingBox();
    const field = await page.locator('.field').boundingBox();
    assert.ok(strip && field);
    assert.equal(Math.round(strip.y + strip.height), visible, 'the keys stand right above the keyboard');
    assert.equal(Math.round(strip.width), 390);
    assert.ok(
      field.y >= 0 && field.y + field.height <= strip.y + 1,
      `the field is in view: ${JSON.stringify({ field, strip })}`,
    );
    const taken = await textOf(page);
    await andAnswer(page, () => page.locator('.suggestion').nth(1).tap());
    assert.ok((await textOf(page)).length > taken.length, 'a tap takes a suggestion');
    const box = await page
      .locator('.field')
      .evaluate((field) => field.scrollHeight - field.clientHeight - field.scrollTop);
    assert.ok(Math.abs(box) < 2, 'and the end of the text is in view');
    await page.evaluate(() => {
      const viewport = /** @type {any} */ (window.visualViewport);
      viewport.height = innerHeight;
      viewport.dispatchEvent(new Event('resize'));
    });
    const back = await page.locator('#strip').boundingBox();
    const zone = await page.locator('#strip-zone').boundingBox();
    assert.equal(Math.round(back?.y ?? 0), Math.round((zone?.y ?? 0) + 1), 'and goes back under the text');
  },
);

pageTest('other ways: alternatives, branches, generated text that is kept or dropped', {}, async ({ page, t }) => {
  await waitForState(page, 'ready');
  await page.locator('#chips .chip').first().click();
  assert.ok(await page.locator('#alternatives').isHidden(), 'nothing else could begin a text');
  const first = 'The little girl went to the school';
  await write(page, first);

  await t.test('another token, and back', async () => {
    await page.locator('#chips .chip').nth(3).click();
    const other = page.locator('#alternatives button[data-index="2"]');
    const token = (await other.locator('.token').textContent()) ?? '';
    await andAnswer(page, () => other.click());
    assert.equal(await textOf(page), `The little girl${token.replace('·', ' ')}`);
    assert.ok(await page.locator('#alternatives').isHidden());
    await andAnswer(page, () => page.locator('#paths button').first().click());
    assert.equal(await textOf(page), first);
    assert.equal(await page.locator('#paths [aria-current]').count(), 1);
  });

  await t.test('generated text is shaded until it is kept, or goes to the other ways', async () => {
    await page.locator('#limit').fill('6');
    await andAnswer(page, () => page.locator('#generate').click());
    const generated = await textOf(page);
    assert.ok(generated.length > first.length);
    assert.equal(await page.locator('.generated').textContent(), generated.slice(first.length));
    await page.locator('#keep').click();
    assert.equal(await page.locator('.generated').count(), 0);
    assert.equal(await textOf(page), generated);
    await page.locator('#seed').fill('9');
    await andAnswer(page, () => page.locator('#generate').click());
    const further = await textOf(page);
    await andAnswer(page, () => page.locator('#remove').click());
    assert.equal(await textOf(page), generated);
    await andAnswer(page, () => page.locator('#paths button').last().click());
    assert.equal(await textOf(page), further);
  });
});

pageTest('the meter: surprise, loops, what was saved', {}, async ({ page, t }) => {
  await waitForState(page, 'ready');
  await write(page, 'The little girl went to the s');
  const meter = page.locator('#meter');
  const before = (await textOf(page)).length;
  await andAnswer(page, () => page.keyboard.press('Alt+2'));
  const inserted = (await textOf(page)).length - before;
  assert.match(await meter.innerText(), new RegExp(`${inserted - 1} of ${before + inserted} keystrokes`));

  await page.locator('#surprise').check();
  await page.waitForFunction(() => /\d/.test(document.querySelector('#meter dl div:last-child dd')?.textContent ?? ''));
  const marks = await page.$$eval('#text-mirror .surprise', (all) => all.map((mark) => mark.textContent).join(''));
  assert.equal(marks.trimEnd(), (await textOf(page)).trimEnd(), 'all of the text is measured');
  assert.ok((await page.locator('#chips .surprise').count()) > 3);
  await page.locator('#chips .chip').nth(2).hover();
  assert.match(await page.locator('.chip-detail').innerText(), /bits of surprise, rank \d/);
  assert.deepEqual(await seriousFaults(page, t), []);
  await page.locator('#surprise').uncheck();
  assert.equal(await page.locator('#text-mirror .surprise').count(), 0);

  await write(page, 'of the of the of the of ');
  assert.match(await page.locator('#status').innerText(), /last 2 words stand there 3 times in a row/);
  assert.equal(await page.locator('#strip[data-loop] .suggestion[data-repeats]').count(), 1);
  assert.match((await suggestions(page)).join(), /repeats/);
  // The penalty changes what would be drawn, not what the model thinks.
  const shares = () =>
    page.$$eval('.candidate', (rows) =>
      rows.map((row) => ['share', 'drawn'].map((name) => row.querySelector(`.candidate-${name}`)?.textContent)),
    );
  await page.locator('#more').click();
  const plain = await shares();
  await page.locator('#penalty').fill('2');
  await page.waitForFunction(
    (before) => document.querySelector('.candidate-drawn')?.textContent !== before,
    plain[0][1],
  );
  const penalised = await shares();
  assert.deepEqual(
    penalised.map(([share]) => share),
    plain.map(([share]) => share),
  );
});

pageTest('a screen reader is told what is suggested, selected and done', {}, async ({ page }) => {
  await waitForState(page, 'ready');
  await write(page, 'I would like a cup of');
  const told = page.locator('p.sr-only[role="status"]');
  const [, middle, right] = await words(page);
  await told.filter({ hasText: new RegExp(`Suggestions: ‘${middle}’ [\\d.]+%`) }).waitFor({ state: 'attached' });
  await page.keyboard.press('Alt+BracketRight');
  await told.filter({ hasText: `Selected: ‘${right}’` }).waitFor({ state: 'attached' });
  await page
    .getByRole('group', { name: 'Suggestions' })
    .getByRole('button', { name: new RegExp(`^${middle} [\\d.]+%`) })
    .waitFor();
  for (const [role, name] of /** @type {const} */ ([
    ['button', 'More candidates'],
    ['button', 'Settings'],
    ['textbox', 'Your text'],
  ])) {
    await page.getByRole(role, { name }).waitFor();
  }
});

pageTest('three hundred characters in ten seconds: none is lost', { timeout: 180_000 }, async ({ page, context }) => {
  await waitForState(page, 'ready');
  const text = 'It was a dark and stormy night; the rain fell in torrents, except at occasional intervals. '
    .repeat(4)
    .slice(0, 300);
  await page.locator('#text').focus();
  // Sent at their time without waiting for the page, as fingers do.
  const keyboard = await context.newCDPSession(page);
  const start = performance.now();
  /** @type {Promise<unknown>[]} */
  const sent = [];
  for (const [index, key] of [...text].entries()) {
    await new Promise((resolve) => setTimeout(resolve, start + (index * 10_000) / text.length - performance.now()));
    for (const type of /** @type {const} */ (['keyDown', 'keyUp'])) {
      sent.push(keyboard.send('Input.dispatchKeyEvent', { type, key, text: type === 'keyDown' ? key : undefined }));
    }
  }
  const took = performance.now() - start;
  assert.ok(took < 11_000, `the keys were pressed within ${took} ms`);
  await Promise.all(sent);
  await settled(page);
  assert.equal(await textOf(page), text);
  const shown = await suggestions(page);
  // The oracle: the same text at once, with the words that were learnt on the way.
  await andAnswer(page, () => page.locator('#text').fill(''));
  await andAnswer(page, () => page.locator('#text').fill(text));
  assert.deepEqual(shown, await suggestions(page));
});
