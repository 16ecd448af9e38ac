// @ts-check
/** A device with too little memory, made by giving the WebAssembly module's memory a maximum. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { andAnswer, pageTest, root, suggestions, waitForState } from './harness.mjs';

const wasm = readFileSync(join(root, 'www/pkg/simd128/headlight_bg.wasm'));
const typed = 'Half a sentence that must survive';
const MEMORY_SECTION = 5;

/** @param {number} value */
function leb128(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

/** @param {number} at */
function readLeb128(at) {
  let value = 0;
  let shift = 0;
  for (;;) {
    const byte = wasm[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return { value, end: at };
    shift += 7;
  }
}

/**
 * The module with at most so many pages of 64 KiB.
 * @param {number} pages
 */
function withAtMost(pages) {
  for (let at = 8; ; ) {
    const { value: size, end: content } = readLeb128(at + 1);
    if (wasm[at] === MEMORY_SECTION) {
      // One memory, flags, minimum; here it gets the flag for a maximum, and the maximum.
      const { value: minimum } = readLeb128(content + 2);
      const section = [1, 1, ...leb128(minimum), ...leb128(pages)];
      const limited = [MEMORY_SECTION, ...leb128(section.length), ...section];
      return Buffer.concat([wasm.subarray(0, at), Buffer.from(limited), wasm.subarray(content + size)]);
    }
    at = content + size;
  }
}

/** @param {number} pages */
const device = (pages) => ({
  server: {
    fault: (/** @type {{path: string}} */ { path }) =>
      path.endsWith('.wasm') ? { body: withAtMost(pages), type: 'application/wasm' } : null,
  },
});

pageTest('too little memory for the weights: says so and keeps the text', device(300), async ({ page }) => {
  await page.locator('#text').fill(typed);
  await waitForState(page, 'failed');
  assert.match(await page.locator('body').innerText(), /Not enough memory/);
  assert.ok(await page.getByRole('button', { name: 'Retry' }).isVisible());
  assert.equal(await page.locator('#text').inputValue(), typed);
});

pageTest('too little memory for the tokenizer: says so and keeps the text', device(450), async ({ page }) => {
  await page.locator('#text').fill(typed);
  await waitForState(page, 'crashed');
  assert.match(await page.locator('body').innerText(), /Not enough memory/);
  assert.ok(await page.getByRole('button', { name: 'Restart' }).isVisible());
  assert.equal(await page.locator('#text').inputValue(), typed);
});

pageTest('too little memory for a long text: a shorter one still works', device(600), async ({ page }) => {
  await waitForState(page, 'ready');
  await page.locator('#text').fill('a quick brown fox '.repeat(120));
  await page.getByText(/Not enough memory/).waitFor();
  await andAnswer(page, () => page.locator('#text').fill(typed));
  for (const text of await suggestions(page)) assert.match(text, /\d\s*%/);
});
