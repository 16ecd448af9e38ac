// @ts-check
/**
 * How long the keys under the text take, in the real page: from the event of a key press until they show what they end up
 * showing. A frame that paints that follows at once, or after at most one frame's time.
 */
import { median } from '../../www/js/bench/figures.js';

/** @typedef {import('../../www/js/bench/figures.js').Figure} Figure */
/** @typedef {import('playwright-core').Page} Page */

const GROUP = 'The keys under 200 tokens of text';

/** @type {Figure[]} */
export const barFigures = [
  { id: 'bar-agreeing', group: GROUP, name: 'a letter that agrees: the keys that it agrees with', unit: 'ms' },
  { id: 'bar-agreeing-p95', group: GROUP, name: '… 95 of 100 within', unit: 'ms' },
  { id: 'bar-agreeing-all', group: GROUP, name: '… all keys', unit: 'ms' },
  { id: 'bar-new', group: GROUP, name: 'a new word', unit: 'ms' },
  { id: 'bar-new-p95', group: GROUP, name: '… 95 of 100 within', unit: 'ms' },
  { id: 'bar-other', group: GROUP, name: 'a letter that no key agrees with', unit: 'ms' },
  { id: 'bar-frame-plain', group: GROUP, name: 'a key press: to its frame, the slowest', unit: 'ms' },
  { id: 'bar-frame', group: GROUP, name: '… that ends a generation', unit: 'ms' },
  { id: 'bar-delay', group: GROUP, name: '… by so much later', unit: 'ms' },
];

/** About 200 tokens. */
const TEXT =
  `My sister called me on Sunday and asked whether we could come over for dinner next week. I told her that I would
have to look at the calendar first, because the children have swimming lessons on most days and my husband works late. She
said that any evening would be fine, and that she wanted to try a new recipe with fish and rice. Last time we were there she
had made a soup that nobody liked very much, but we all ate it and told her how good it was. After that we talked about our
parents, who are thinking of selling the house. It is too big for the two of them now, and the garden takes a lot of work
every summer. My brother lives close by and helps them on the weekend, but he has a new job and can not always be there. I
think they should move to a smaller place in town, near the shops and the station, so that they do not need to drive the car
any more. My father does not want to hear about it.`.replaceAll('\n', ' ');

const TYPED =
  ` He says that he was born in this house and that he wants to stay there for the rest of his life. My mother would
like to have a little more time for her friends`.replaceAll('\n', ' ');

/** Milliseconds between key presses, those of a quick typist. */
const PACE = 150;

/** Generations that a key press ends. */
const INTERRUPTED = 8;

/** Notes every key press, every change of the keys, and frames; runs in the page before its own scripts. */
function watchKeys() {
  const noted = {
    /** @type {{time: number, keys: string[]}[]} */
    changes: [],
    /** @type {number[]} */
    presses: [],
    /** From each press to the frame that shows it. @type {number[]} */
    frames: [],
  };
  Object.assign(globalThis, { noted });
  document.addEventListener(
    'keydown',
    ({ timeStamp }) => {
      noted.presses.push(timeStamp);
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => noted.frames.push(performance.now() - timeStamp);
        port2.postMessage(null);
      });
    },
    { capture: true },
  );
  const text = (/** @type {Element | null} */ element) => element?.textContent ?? '';
  document.addEventListener('DOMContentLoaded', () => {
    const zone = /** @type {Element} */ (document.querySelector('#strip-zone'));
    new MutationObserver(() => {
      const keys = [...zone.querySelectorAll('.suggestion')].map(
        (key) => `${text(key.querySelector('.word'))} ${text(key.querySelector('.share'))}`,
      );
      noted.changes.push({ time: performance.now(), keys });
    }).observe(zone, { subtree: true, childList: true, characterData: true });
  });
}

/** @param {number[]} values */
function within95(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1];
}

/**
 * Presses a key and waits until its answer is there and a typist would press the next one.
 * @param {Page} page
 * @param {string} key
 */
async function press(page, key) {
  const before = await page.evaluate(() => {
    const { noted } = /** @type {any} */ (globalThis);
    noted.changes.length = 0;
    noted.presses.length = 0;
    delete document.body.dataset.latency;
    return [...document.querySelectorAll('#strip .suggestion')].map(
      (key) => key.querySelector('.word')?.textContent ?? '',
    );
  });
  await page.keyboard.press(key === ' ' ? 'Space' : key);
  await Promise.all([
    page.waitForFunction(() => document.body.dataset.latency !== undefined),
    page.waitForTimeout(PACE),
  ]);
  /** @type {{changes: {time: number, keys: string[]}[], presses: number[]}} */
  const { changes, presses } = await page.evaluate(() => /** @type {any} */ (globalThis).noted);
  const last = changes[changes.length - 1].keys;
  /** Milliseconds until these keys show what they show at the end. @param {number[]} slots */
  const right = (slots) => {
    const wrong = changes.findLastIndex(({ keys }) => slots.some((slot) => keys[slot] !== last[slot]));
    return changes[wrong + 1].time - presses[0];
  };
  return { before, right };
}

/**
 * The slowest frame after the key presses so far.
 * @param {Page} page
 */
async function slowestFrame(page) {
  /** @type {number[]} */
  const frames = await page.evaluate(() => /** @type {any} */ (globalThis).noted.frames.splice(0));
  return Math.max(...frames);
}

/**
 * Presses keys while text is generated.
 * @param {Page} page
 */
async function interruptGenerations(page) {
  await page.locator('#limit').fill('400');
  await page.locator('#temperature').fill('1.5');
  for (let interrupted = 0; interrupted < INTERRUPTED; ) {
    // What the line says of an earlier generation is not waited for.
    await page.locator('#generate-progress').evaluate((line) => line.replaceChildren());
    await page.locator('#generate').click();
    const seen = await page.waitForFunction(() => {
      const line = document.querySelector('#generate-progress')?.textContent ?? '';
      return /ended/.test(line) ? 'ended' : /[3-9] tokens/.test(line) && 'running';
    });
    // The model may end the text before anything can interrupt it; after another letter it goes on in another way.
    if ((await seen.jsonValue()) === 'running') interrupted += 1;
    await page.locator('#text').focus();
    await page.keyboard.press('x');
    await page.locator('#generate').waitFor();
    await page.waitForTimeout(PACE);
  }
}

/**
 * @param {Page} page
 * @param {string} url   of the real page
 * @returns {Promise<Record<string, number>>}
 */
export async function measureBar(page, url) {
  await page.addInitScript(watchKeys);
  await page.goto(url);
  const field = page.locator('#text');
  await page.waitForFunction(() => document.body.dataset.state === 'ready');
  await field.fill(TEXT);
  await field.press('Control+End');
  // The page also looks for the best number of threads when nothing else is to be done.
  await page.waitForTimeout(3000);
  /** @type {Record<'agreeing' | 'all' | 'new' | 'other', number[]>} */
  const times = { agreeing: [], all: [], new: [], other: [] };
  let word = '';
  for (const key of TYPED) {
    const { before, right } = await press(page, key);
    word = key === ' ' ? '' : word + key;
    // A word that is complete gives way to what may follow it.
    const agreeing = [0, 1, 2].filter((slot) => word !== '' && before[slot].startsWith(word) && before[slot] !== word);
    if (agreeing.length > 0) {
      times.agreeing.push(right(agreeing));
      times.all.push(right([0, 1, 2]));
    } else {
      times[key === ' ' ? 'new' : 'other'].push(right([0, 1, 2]));
    }
  }
  const plain = await slowestFrame(page);
  await interruptGenerations(page);
  const ending = await slowestFrame(page);
  return {
    'bar-agreeing': median(times.agreeing),
    'bar-agreeing-p95': within95(times.agreeing),
    'bar-agreeing-all': median(times.all),
    'bar-new': median(times.new),
    'bar-new-p95': within95(times.new),
    'bar-other': median(times.other),
    'bar-frame-plain': plain,
    'bar-frame': ending,
    'bar-delay': ending - plain,
  };
}
