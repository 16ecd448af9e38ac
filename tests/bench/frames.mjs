// @ts-check
/** How evenly the real page draws while the pointer moves over the grid of heads, and while the grid scrolls. */
import { median } from '../../www/js/bench/figures.js';

/** @typedef {import('../../www/js/bench/figures.js').Figure} Figure */

const GROUP = 'Frames of the real page, from one to the next';

/** @type {Figure[]} */
export const frameFigures = [
  { id: 'frames-idle', group: GROUP, name: 'nothing moves', unit: 'ms' },
  { id: 'frames-hover', group: GROUP, name: 'pointer over the grid, median', unit: 'ms' },
  { id: 'frames-hover-95', group: GROUP, name: '… 95th percentile', unit: 'ms' },
  { id: 'frames-scroll', group: GROUP, name: 'the grid scrolls, median', unit: 'ms' },
  { id: 'frames-scroll-95', group: GROUP, name: '… 95th percentile', unit: 'ms' },
];

const seconds = 2.5; // of each movement

/** @param {number[]} values @param {number} share */
function quantile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];
}

/**
 * The times between frames while something is done over and over.
 * @param {import('playwright-core').Page} page
 * @param {(step: number) => Promise<unknown>} act
 */
async function intervals(page, act) {
  await page.evaluate(() => {
    /** @type {number[]} */
    const times = [];
    /** @param {number} now */
    const frame = (now) => {
      times.push(now);
      Object.assign(globalThis, { frameRequest: requestAnimationFrame(frame) });
    };
    Object.assign(globalThis, { frameTimes: times, frameRequest: requestAnimationFrame(frame) });
  });
  const end = performance.now() + 1000 * seconds;
  for (let step = 0; performance.now() < end; step++) {
    await act(step);
    // As often as a pointer tells where it is.
    await new Promise((resolve) => setTimeout(resolve, 8));
  }
  /** @type {number[]} */
  const times = await page.evaluate(() => {
    const { frameTimes, frameRequest } = /** @type {any} */ (globalThis);
    cancelAnimationFrame(frameRequest);
    return frameTimes;
  });
  return times.slice(1).map((time, index) => time - times[index]);
}

/**
 * Milliseconds for each figure, by id.
 * @param {import('playwright-core').Page} page   of 1280 x 900 px
 * @param {string} url    of the page, with the model to be measured as its own
 * @param {string} text
 * @returns {Promise<Record<string, number>>}
 */
export async function measureFrames(page, url, text) {
  await page.goto(url);
  await page.waitForFunction(() => document.body?.dataset.state === 'ready');
  await page.locator('#text').fill(text);
  await page.locator('#views-place').evaluate((element) => element.scrollIntoView());
  await page.waitForFunction(
    () => document.querySelector('.head-view')?.getAttribute('data-revision') === document.body.dataset.revision,
  );
  // What all heads do is the last thing that the page asks for.
  await page.waitForFunction(() => /\(\d+\)/.test(document.querySelector('#head-filter')?.textContent ?? ''));
  const box = await page.locator('#head-grid').boundingBox();
  if (!box) throw new Error('the grid is not on the page');
  const { x, y, width } = box;
  const height = Math.min(box.height, 880 - y);
  /** @param {number} step */
  const point = (step) => {
    const turn = step / 17;
    return page.mouse.move(x + width * (0.5 + 0.45 * Math.sin(turn)), y + height * (0.5 + 0.45 * Math.cos(turn * 1.7)));
  };
  const idle = await intervals(page, async () => {});
  const hover = await intervals(page, point);
  await page.mouse.move(x + width / 2, y + height / 2);
  // Down and up again, in steps of a wheel.
  const scroll = await intervals(page, (step) => page.mouse.wheel(0, step % 60 < 30 ? 100 : -100));
  return {
    'frames-idle': median(idle),
    'frames-hover': median(hover),
    'frames-hover-95': quantile(hover, 0.95),
    'frames-scroll': median(scroll),
    'frames-scroll-95': quantile(scroll, 0.95),
  };
}
