// @ts-check
/** Numbers and pictures as files. */

/**
 * NumPy's format, version 1.0, little-endian f32.
 * @param {ArrayLike<number>} values
 * @param {number[]} shape
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function npy(values, shape) {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version and length take 10 bytes; the data has to begin at a multiple of 64, after a line end.
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + padded.length + values.length * 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  view.setUint16(8, padded.length, true);
  bytes.set(new TextEncoder().encode(padded), 10);
  for (let index = 0; index < values.length; index++)
    view.setFloat32(10 + padded.length + index * 4, values[index], true);
  return bytes;
}

/**
 * Comma-separated values, as RFC 4180 has them.
 * @param {readonly (readonly (string | number | null)[])[]} rows
 */
export function csv(rows) {
  const field = (/** @type {string | number | null} */ value) => {
    if (value === null) return '';
    // A text that a spreadsheet would take for a formula is kept from being one.
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${rows.map((row) => row.map(field).join(',')).join('\r\n')}\r\n`;
}
