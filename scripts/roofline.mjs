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

/** Bytes of each row and column that a tile reads: GPT-2 small's width, and small enough for L1. */
const DEPTH = 768;
/** Where the columns begin. */
const COLUMNS = 8192;
/** Rows x columns of sums kept in registers. Which one is the fastest depends on the machine; all are tried. */
const TILES = [
  [2, 2],
  [4, 2],
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
 * Multiplies rows of int8 with columns, `times` times over. Its name ends in the multiply-adds of one time.
 * @param {string} name
 * @param {number} rows
 * @param {number} columns
 * @param {{step: number, columnScale: number, load: string, dot: (row: string, column: string, sum: string) => string}} way
 *   `step`: inputs per instruction; `columnScale`: bytes of each of a column's inputs; `load`: how a row's are read
 */
function tile(name, rows, columns, { step, columnScale, load, dot }) {
  /** @param {number} row @param {number} column */
  const at = (row, column) => `$sum${row * columns + column}`;
  return `
  (func (export "${name} ${rows}x${columns}x${DEPTH}") (param $times i32) (result i32)
    (local $k i32) (local $row v128)
    ${each(columns, (column) => `(local $column${column} v128)`)}
    ${each(rows * columns, (i) => `(local $sum${i} v128)`)}
    (loop $again
      (local.set $k (i32.const 0))
      (loop $next
        ${each(columns, (column) => `(local.set $column${column} (v128.load offset=${COLUMNS + column * columnScale * DEPTH} (i32.mul (local.get $k) (i32.const ${columnScale}))))`)}
        ${each(
          rows,
          (row) => `(local.set $row (${load} offset=${row * DEPTH} (local.get $k)))
        ${each(columns, (column) => `(local.set ${at(row, column)} ${dot('(local.get $row)', `(local.get $column${column})`, `(local.get ${at(row, column)})`)})`)}`,
        )}
        (br_if $next (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const ${step}))) (i32.const ${DEPTH}))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (i32x4.extract_lane 0 ${sum('sum', rows * columns)}))`;
}

/** Weights are widened as they are loaded, activations once beforehand. */
const widening = {
  step: 8,
  columnScale: 2,
  load: 'v128.load8x8_s',
  /** @type {(row: string, column: string, sum: string) => string} */
  dot: (row, column, sum) => `(i32x4.add (i32x4.dot_i16x8_s ${row} ${column}) ${sum})`,
};

const relaxed = {
  step: 16,
  columnScale: 1,
  load: 'v128.load',
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
