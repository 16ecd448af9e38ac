// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatBytes,
  formatCount,
  formatLarge,
  formatRate,
  formatShare,
  formatTime,
  formatValue,
  plural,
} from '../../www/js/page/lib/format.js';

test('a share is never rounded to nothing or to everything', () => {
  assert.equal(formatShare(0), '0%');
  assert.equal(formatShare(1e-9), '<0.01%');
  assert.equal(formatShare(0.0012), '0.12%');
  assert.equal(formatShare(0.1234), '12.3%');
  assert.equal(formatShare(0.9994), '99.9%');
  assert.equal(formatShare(0.99999), '>99.9%');
  assert.equal(formatShare(1), '100%');
});

test('values keep about four digits and a true minus sign', () => {
  assert.equal(formatValue(0), '0');
  assert.equal(formatValue(-0), '0');
  assert.equal(formatValue(0.12345), '0.123');
  assert.equal(formatValue(-1.5), '−1.500');
  assert.equal(formatValue(123.456), '123.46');
  assert.equal(formatValue(0.000012), '1.2e−5');
  assert.equal(formatValue(-0.000012), '−1.2e−5');
});

test('what is not a number is said', () => {
  assert.equal(formatValue(Number.NaN), 'NaN');
  assert.equal(formatValue(Number.NEGATIVE_INFINITY), '−∞');
  assert.equal(formatValue(Number.POSITIVE_INFINITY), '∞');
  assert.equal(formatShare(Number.NaN), 'NaN');
});

test('sizes, counts, times and rates', () => {
  assert.equal(formatBytes(999), '999 bytes');
  assert.equal(formatBytes(124_000_000), '124.0 MB');
  assert.equal(formatBytes(999_960), '1.0 MB');
  assert.equal(formatBytes(1_560_000_000), '1.56 GB');
  assert.equal(formatCount(1024), '1,024');
  assert.equal(formatLarge(4096), '4,096');
  assert.equal(formatLarge(124_439_808), '124.4 million');
  assert.equal(formatLarge(1_557_611_200), '1.56 billion');
  assert.equal(formatTime(7.44), '7.4 ms');
  assert.equal(formatTime(123.4), '123 ms');
  assert.equal(formatTime(12_340), '12.3 s');
  assert.equal(formatRate(3.21), '3.2 tokens/s');
  assert.equal(formatRate(48.7), '49 tokens/s');
  assert.equal(plural(1, 'token'), '1 token');
  assert.equal(plural(0, 'token'), '0 tokens');
});
