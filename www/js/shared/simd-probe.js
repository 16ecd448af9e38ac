// @ts-check
/** A module of one function with one SIMD-128 instruction, for `WebAssembly.validate`: `i32.const 0, i8x16.splat, drop`. */
export const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11,
]);
