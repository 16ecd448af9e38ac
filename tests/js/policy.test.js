// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** @param {string} path */
const www = (path) => readFileSync(new URL(`../../www/${path}`, import.meta.url), 'utf8');

test('the service worker sends the policy that the page has', () => {
  const [, page] = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(www('index.html')) ?? [];
  const [, worker] = /POLICY =\s+"([^"]+)"/.exec(www('sw.js')) ?? [];
  assert.ok(page);
  assert.equal(worker, page);
});
