// @ts-check
/**
 * Writes the two modules that measure what a machine could do at best: `roofline.wasm` for every browser with SIMD, and
 * `roofline-relaxed.wasm`, which others refuse. Their kernels are what a perfect engine would run: loads from where the
 * engine's operands are, nothing but the arithmetic between them, and enough independent sums to keep the units busy.
 *
 *   node scripts/roofline.mjs FOLDER
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import binaryen from 'binaryen';

/** Inputs of each row and column of a tile: GPT-2 small's width, and small enough for L1. */
const DEPTH = 768;
/** Where the columns begin. */
const COLUMNS = 8192;
/** Rows x columns of sums kept in registers. Which one is the fastest depends on the machine; all are tried. */
const TILES = [
  [4, 2],
  [2, 4],
  [3, 3],
  [4, 3],
];

/** @param {number} count @param {(i: number) => string} make */
const each = (count, make) => Array.from({ length: count }, (_, i) => make(i)).join('\n');

/** @param {string} prefix @param {number} count */
const sum = (prefix, count) =>
  Array.from({ length: count }, (_, i) => `(local.get $${prefix}${i})`).reduce((a, b) => `(i32x4.add ${a} ${b})`);

/** Reads the first `bytes` bytes, a multiple of 128. The result keeps the loads from being optimised away. */
const read = `
  (func (export "read") (param $bytes i32) (result i32)
    (local $at i32)
    ${each(8, (i) => `(local $sum${i} v128)`)}
    (loop $next
      ${each(8, (i) => `(local.set $sum${i} (i32x4.add (local.get $sum${i}) (v128.load offset=${16 * i} (local.get $at))))`)}
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 128))) (local.get $bytes))))
    (i32x4.extract_lane 0 ${sum('sum', 8)}))`;

/**
 * Multiplies rows with columns, `times` times over. Its name ends in the multiply-adds of one time.
 * @param {string} name
 * @param {number} rows
 * @param {number} columns
 * @param {{bytes: number, dot: (row: string, column: string, sum: string) => string}} way   `bytes` of each input
 */
function tile(name, rows, columns, { bytes, dot }) {
  const row = '(local.get $row)';
  /** @param {number} i */
  const column = (i) => `(local.get $column${i})`;
  const sums = rows * columns;
  /** @param {number} offset */
  const load = (offset) => `(v128.load offset=${offset} (local.get $at))`;
  return `
  (func (export "${name} ${rows}x${columns}x${DEPTH}") (param $times i32) (result i32)
    (local $at i32) (local $row v128)
    ${each(columns, (i) => `(local $column${i} v128)`)}
    ${each(sums, (i) => `(local $sum${i} v128)`)}
    (loop $again
      (local.set $at (i32.const 0))
      (loop $next
        ${each(columns, (i) => `(local.set $column${i} ${load(COLUMNS + i * bytes * DEPTH)})`)}
        ${each(sums, (i) => {
          const sum = `$sum${i}`;
          const first = i % columns === 0 ? `(local.set $row ${load((i / columns) * bytes * DEPTH)})` : '';
          return `${first} (local.set ${sum} ${dot(row, column(i % columns), `(local.get ${sum})`)})`;
        })}
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (i32.const ${bytes * DEPTH}))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (i32x4.extract_lane 0 ${sum('sum', sums)}))`;
}

/** Both sides are widened to int16 beforehand, which a blocked kernel does once for many dot products. */
const widening = {
  bytes: 2,
  /** @type {(row: string, column: string, sum: string) => string} */
  dot: (row, column, sum) => `(i32x4.add (i32x4.dot_i16x8_s ${row} ${column}) ${sum})`,
};

const relaxed = {
  bytes: 1,
  /** @type {(row: string, column: string, sum: string) => string} */
  dot: (row, column, sum) => `(i32x4.relaxed_dot_i8x16_i7x16_add_s ${row} ${column} ${sum})`,
};

/**
 * @param {string[]} functions
 * @param {binaryen.Features} features
 */
function assemble(functions, features) {
  // One page for the tiles; who reads more makes it grow first.
  const module = binaryen.parseText(`(module (memory (export "memory") 1)${functions.join('')})`);
  module.setFeatures(features);
  if (!module.validate()) throw new Error('the kernels are not valid');
  return module.emitBinary();
}

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: roofline.mjs FOLDER');
mkdirSync(folder, { recursive: true });
const { SIMD128, RelaxedSIMD } = binaryen.Features;
const modules = {
  'roofline.wasm': assemble(
    [read, ...TILES.map(([rows, columns]) => tile('widening', rows, columns, widening))],
    SIMD128,
  ),
  'roofline-relaxed.wasm': assemble(
    TILES.map(([rows, columns]) => tile('relaxed', rows, columns, relaxed)),
    SIMD128 | RelaxedSIMD,
  ),
};
for (const [name, bytes] of Object.entries(modules)) {
  writeFileSync(join(folder, name), bytes);
  console.log(`${join(folder, name)}: ${bytes.length} bytes`);
}
