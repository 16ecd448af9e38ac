// @ts-check
/** What the page can find out about the browser before it starts a worker. */

// (func (result v128) i32.const 0 i8x16.splat)
const simdProbe = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
]);

/**
 * What keeps the engine from running here, or null.
 * @returns {string | null}
 */
export function missingFeature() {
  if (typeof WebAssembly !== 'object') return 'WebAssembly is missing or switched off';
  if (!WebAssembly.validate(simdProbe)) return 'WebAssembly has no SIMD instructions here';
  if (typeof Worker !== 'function') return 'web workers are missing';
  return null;
}
