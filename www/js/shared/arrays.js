// @ts-check
/**
 * Arrays as the engine writes them: an object with one key, `f32` or `u8`, and their bytes, little-endian.
 */

/** @type {Record<string, (bytes: Uint8Array<ArrayBuffer>) => ArrayBufferView<ArrayBuffer>>} */
const kinds = {
  f32: ({ buffer, byteOffset, byteLength }) => new Float32Array(buffer, byteOffset, byteLength / 4),
  u8: (bytes) => bytes,
};

/**
 * A copy of `value` with real arrays in place of such objects.
 * @param {unknown} value   as of JSON
 * @param {(written: any) => Uint8Array<ArrayBuffer>} toBytes   reads what stands for the bytes
 * @param {Transferable[]} [buffers]   gets the arrays' buffers
 * @returns {any}
 */
export function revive(value, toBytes, buffers) {
  if (Array.isArray(value)) return value.map((item) => revive(item, toBytes, buffers));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [kind, written] = entries.length === 1 ? entries[0] : ['', null];
  if (Object.hasOwn(kinds, kind)) {
    const bytes = toBytes(written);
    buffers?.push(bytes.buffer);
    return kinds[kind](bytes);
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, revive(item, toBytes, buffers)]));
}
