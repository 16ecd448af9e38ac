// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { adviceFor } from '../../www/js/page/lib/advice.js';
import { codes } from '../../www/js/shared/protocol.js';

const general = adviceFor('no-such-code').title;

test('every code of the protocol has words of its own', () => {
  for (const code of Object.values(codes)) {
    if (code === codes.superseded) continue; // never shown
    assert.notEqual(adviceFor(code).title, general, code);
  }
});

test('what a bad file brings up on the Rust side has words of its own', () => {
  const source = readFileSync(new URL('../../src/error.rs', import.meta.url), 'utf8');
  const known = [...source.matchAll(/=> "([a-z-]+)",/g)].map((match) => match[1]);
  assert.ok(known.includes('hash-mismatch'));
  // These can only come from a fault in the page or the worker.
  const internal = [
    'token-out-of-range',
    'no-tokens',
    'context-full',
    'out-of-range',
    'invalid-sampling',
    'invalid-request',
    'no-such-run',
    'superseded',
    'io',
  ];
  for (const code of known) {
    if (!internal.includes(code)) assert.notEqual(adviceFor(code).title, general, code);
  }
});

test('a code that is the name of an object property is just unknown', () => {
  assert.equal(adviceFor('constructor').title, general);
});
