// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { release } from '../../www/js/worker/release.js';

test('a buffer that was given back is gone', () => {
  const bytes = new Uint8Array(1 << 20);
  release(bytes.buffer);
  assert.equal(bytes.byteLength, 0);
});
