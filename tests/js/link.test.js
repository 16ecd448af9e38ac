// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shares } from '../../www/js/page/lib/arcs.js';
import { csv, npy } from '../../www/js/page/lib/files.js';
import { isLink, LinkError, readLink, refusal, writeLink } from '../../www/js/page/lib/link.js';

/** @type {import('../../www/js/page/lib/link.js').State} */
const state = {
  text: 'A line,\nanother & “more” %23 😀 ',
  model: 'Some model',
  view: 'lens',
  layer: 11,
  head: 3,
  stage: 'scores',
  options: ['plain', 'words'],
  cell: { row: 4, column: 0 },
  position: 7,
  arcs: [
    { layer: 0, head: 1 },
    { layer: 2, head: 3 },
  ],
  arcTokens: [0, 5, 12],
  share: 35,
  find: 'induction',
  halves: true,
  sampling: { temperature: 0.85, topK: 40, topP: 0.9, seed: 4294967295, penalty: 1.15 },
  alteration: {
    off: [{ layer: 1, head: null }],
    unmasked: [{ layer: null, head: null }],
    cuts: [
      { layer: 0, head: 5, row: 3, column: null },
      { layer: null, head: null, row: null, column: 0 },
    ],
  },
  other: 'Another text',
};

test('a link comes back as it was written', () => {
  assert.ok(isLink(`#${writeLink(state)}`));
  assert.deepEqual(readLink(`#${writeLink(state)}`), state);
});

test('all heads of a large model may be off, and what is too long for a link is known beforehand', () => {
  const off = Array.from({ length: 48 * 25 }, (_, index) => ({ layer: Math.floor(index / 25), head: index % 25 }));
  const all = { ...state, alteration: { ...state.alteration, off } };
  assert.equal(refusal(writeLink(all)), null);
  assert.deepEqual(readLink(writeLink(all)).alteration.off, off);
  assert.match(refusal(writeLink({ ...state, text: 'x'.repeat(20_001) })) ?? '', /“text” is too long/);
});

test('what is not there has its usual value', () => {
  const least = readLink('look=1');
  assert.deepEqual(readLink(writeLink(least)), least);
  assert.deepEqual([least.text, least.view, least.cell, least.sampling], ['', 'attention', null, null]);
  assert.deepEqual([least.arcTokens, least.share, least.find, least.halves], [[], shares.usual, '', false]);
});

test('nothing else is accepted', () => {
  const wrong = [
    ['look=2', /version/],
    ['look=1&look=1', /twice/],
    ['look=1&x=1', /unknown/],
    ['look=1&view=__proto__', /view/],
    ['look=1&stage=all', /stage/],
    ['look=1&map=words,constructor', /map/],
    ['look=1&head=1', /head/],
    ['look=1&head=1.-1', /head/],
    ['look=1&head=01.1', /head/],
    ['look=1&head=1e3.1', /head/],
    ['look=1&head=*.1', /head/],
    ['look=1&cell=1.9999999', /cell/],
    ['look=1&token=NaN', /token/],
    ['look=1&arc-tokens=1,', /arc-tokens/],
    ['look=1&arc-tokens=2,1', /arc-tokens/],
    ['look=1&arc-tokens=1,1', /arc-tokens/],
    ['look=1&arc-tokens=-1', /arc-tokens/],
    ['look=1&arc-tokens=1.2', /arc-tokens/],
    [`look=1&arc-tokens=${'1,'.repeat(9000)}1`, /arc-tokens/],
    ['look=1&share=0', /share/],
    ['look=1&share=61', /share/],
    ['look=1&share=105', /share/],
    ['look=1&share=1e1', /share/],
    ['look=1&share=10.0', /share/],
    ['look=1&find=constructor', /find/],
    ['look=1&find=__proto__', /find/],
    ['look=1&find=Induction', /find/],
    ['look=1&lens=1', /lens/],
    ['look=1&lens=halves,halves', /lens/],
    ['look=1&off=1.1,', /off/],
    ['look=1&off=1**.1', /off/],
    ['look=1&cut=1.1.1', /cut/],
    ['look=1&cut=1.1.*.*', /cut/],
    ['look=1&sampling=1,1,1,1', /sampling/],
    ['look=1&sampling=1,1,1,1,1,1', /sampling/],
    ['look=1&sampling=1,1.5,1,1,1', /sampling/],
    ['look=1&sampling=3,1,1,1,1', /sampling/],
    ['look=1&sampling=1,1,1,4294967296,1', /sampling/],
    ['look=1&sampling=1,1,0,1,1', /sampling/],
    ['look=1&sampling=1,1,1,1,0.5', /sampling/],
    ['look=1&sampling=1,1,1,1,2.5', /sampling/],
    [`look=1&text=${'x'.repeat(20_001)}`, /text/],
    [`look=1&off=${'0.0,'.repeat(5000)}0.0`, /off/],
  ];
  for (const [fragment, reason] of /** @type {[string, RegExp][]} */ (wrong)) {
    assert.throws(
      () => readLink(fragment),
      (error) => error instanceof LinkError && reason.test(error.message) && error.message.length < 120,
      fragment.slice(0, 60),
    );
  }
  assert.ok(!isLink('#write-title'), 'other fragments are left alone');
});

test('NPY as NumPy reads it', () => {
  const bytes = npy(Float32Array.of(1, -2, 0.5, 3, 4, 5), [2, 3]);
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 128));
  assert.ok(text.startsWith('\u0093NUMPY\u0001\u0000'));
  assert.ok(text.includes("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"));
  const length = bytes[8] + 256 * bytes[9];
  assert.equal((10 + length) % 64, 0);
  assert.equal(bytes[10 + length - 1], 10);
  assert.deepEqual(new Float32Array(bytes.slice(10 + length).buffer), Float32Array.of(1, -2, 0.5, 3, 4, 5));
  assert.match(new TextDecoder('latin1').decode(npy([1], [1])), /'shape': \(1,\)/);
});

test('CSV keeps commas, quotes and formulas in their field', () => {
  assert.equal(csv([['a,b', 'say "x"', null, 1.5]]), '"a,b","say ""x""",,1.5\r\n');
  assert.equal(csv([['=1+1', -2]]), "'=1+1,-2\r\n");
});
