// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partsOf } from '../../www/js/worker/weights/parts.js';

/**
 * A body of `length` bytes of that value, which comes in small pieces.
 * @param {number} value
 * @param {number} length
 * @param {boolean} [breaks]   whether it fails in place of its end
 * @returns {ReadableStream<Uint8Array<ArrayBuffer>>}
 */
function body(value, length, breaks = false) {
  let left = length;
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      if (left === 0 && breaks) controller.error(new Error('broken'));
      else if (left === 0) {
        controller.close();
        /** @type {any} */ (controller).byobRequest?.respond(0);
      } else {
        const piece = new Uint8Array(Math.min(left, 70_000)).fill(value);
        left -= piece.byteLength;
        controller.enqueue(piece);
      }
    },
  });
}

/**
 * Reads all, and checks that each part holds that value alone.
 * @param {ReturnType<typeof partsOf>} parts
 * @param {number} value
 */
async function length(parts, value) {
  let length = 0;
  for (let part = await parts.read(); part; part = await parts.read()) {
    // The other body goes on meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.ok(part.every((byte) => byte === value));
    length += part.byteLength;
  }
  await parts.cancel();
  return length;
}

test('bodies that come at the same time, or after each other, keep apart', async () => {
  for (let round = 0; round < 3; round++) {
    const two = [1, 2].map((value) => length(partsOf(body(value, 300_000 + value)), value));
    assert.deepEqual(await Promise.all(two), [300_001, 300_002]);
  }
});

test('a body that breaks, or is given up, costs the next ones nothing', async () => {
  const broken = partsOf(body(3, 100_000, true));
  await assert.rejects(length(broken, 3), /broken/);
  await broken.cancel().catch(() => {});
  const left = partsOf(body(4, 200_000));
  const part = await left.read();
  assert.ok(part && part.byteLength > 0);
  await left.cancel();
  await left.cancel();
  const two = [5, 6].map((value) => length(partsOf(body(value, 200_000)), value));
  assert.deepEqual(await Promise.all(two), [200_000, 200_000]);
});
