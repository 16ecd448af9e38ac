// @ts-check
/** SHA-256, by the browser. */

/** Browsers hash only on https and on the visitor's own machine; elsewhere the engine does. */
export const canHash = globalThis.crypto?.subtle !== undefined;

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** @param {Uint8Array<ArrayBuffer>} bytes   the browser works on a copy of its own */
export const digest = async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

/** In hexadecimal digits. @param {Uint8Array} bytes */
export async function sha256(bytes) {
  return hex(await digest(/** @type {Uint8Array<ArrayBuffer>} */ (bytes)));
}
