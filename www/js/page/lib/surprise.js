// @ts-check
/** @typedef {import('../../shared/protocol.js').TokenSurprise} TokenSurprise */

/** Bits from which the next shade begins. */
export const shades = Object.freeze([2, 5, 8, 11, 14]);

/** How strong a colour stands for this surprise: 0 for none, up to `shades.length`. @param {number} bits */
export function shade(bits) {
  return shades.filter((from) => bits >= from).length;
}

/**
 * Perplexity of a text from the surprise of its tokens; null for none.
 * @param {readonly TokenSurprise[]} tokens
 */
export function perplexity(tokens) {
  const bits = tokens.reduce((sum, token) => sum + token.bits, 0);
  return tokens.length ? 2 ** (bits / tokens.length) : null;
}

/** @param {readonly number[]} values */
export function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
