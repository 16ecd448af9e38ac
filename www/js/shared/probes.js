// @ts-check
/** Tiny modules, mostly for `WebAssembly.validate`: each has one function with an instruction of the feature in question. */

/** `i8x16.splat` */
export const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11,
]);

/**
 * `i32x4.relaxed_dot_i8x16_i7x16_add_s`, the one that the relaxed build is made for. The module's `sum` of two bytes adds up
 * four times their product.
 */
export const RELAXED_SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 115, 117, 109, 0, 0, 10, 22, 1,
  20, 0, 32, 0, 253, 15, 32, 1, 253, 15, 65, 0, 253, 17, 253, 147, 2, 253, 27, 0, 11,
]);

/** `memory.atomic.notify` on a shared memory */
export const THREADS = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 13, 1, 11, 0, 65, 0, 65, 0, 254, 0,
  2, 0, 26, 11,
]);
