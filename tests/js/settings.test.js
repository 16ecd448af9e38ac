// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaults, validSettings } from '../../www/js/page/lib/settings.js';

test('nothing is kept unless the user says so, and offensive words are left out', () => {
  assert.equal(defaults.remember, false);
  assert.equal(defaults.filter, true);
  assert.equal(defaults.fullStop, false);
});

test('settings are read back', () => {
  assert.deepEqual(validSettings({ ...defaults, phrase: 4, weight: 0.5 }), { ...defaults, phrase: 4, weight: 0.5 });
});

test('what is no setting, or out of its limits, is left out', () => {
  const bad = { phrase: 5, weight: Number.NaN, ghost: 'yes', filter: 0, more: true, toString: true, remember: null };
  assert.deepEqual(validSettings(bad), {});
  assert.deepEqual(validSettings({ phrase: 1.5, weight: -1, space: false }), { space: false });
  for (const text of [null, undefined, 'x', 3, []]) assert.deepEqual(validSettings(text), {});
});
