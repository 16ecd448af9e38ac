// @ts-check
/** Numbers as the page writes them. */

const whole = new Intl.NumberFormat('en');

/**
 * 1024 -> "1,024"
 * @param {number} count
 */
export function formatCount(count) {
  return whole.format(count);
}

/**
 * A share of the whole vocabulary; never "0%" for something that has a chance.
 * @param {number} share 0 to 1
 */
export function formatShare(share) {
  if (!Number.isFinite(share)) return String(share);
  if (share === 0) return '0%';
  const percent = share * 100;
  if (percent < 0.01) return '<0.01%';
  if (percent < 1) return `${percent.toFixed(2)}%`;
  if (percent < 99.95) return `${percent.toFixed(1)}%`;
  return percent < 100 ? '>99.9%' : '100%';
}

/**
 * A score or weight, to about four digits, with a true minus sign.
 * @param {number} value
 */
export function formatValue(value) {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  let digits;
  if (size === 0) digits = '0';
  else if (size < 0.0005) digits = size.toExponential(1);
  else if (size < 10) digits = size.toFixed(3);
  else digits = size.toFixed(2);
  return (value < 0 ? '−' : '') + digits.replace('e-', 'e−').replace('e+', 'e');
}

/** With a plus sign, for what can speak for or against. @param {number} value */
export function formatSigned(value) {
  return value > 0 ? `+${formatValue(value)}` : formatValue(value);
}

/**
 * Bytes in decimal units, as download sizes are usually given.
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 999_950) return `${(bytes / 1000).toFixed(1)} kB`;
  if (bytes < 999_950_000) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/**
 * 124439808 -> "124.4 million"
 * @param {number} count
 */
export function formatLarge(count) {
  if (count < 10_000) return formatCount(count);
  if (count < 999_950) return `${(count / 1000).toFixed(1)} thousand`;
  if (count < 999_950_000) return `${(count / 1e6).toFixed(1)} million`;
  return `${(count / 1e9).toFixed(2)} billion`;
}

/** @param {number} milliseconds */
export function formatTime(milliseconds) {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 10_000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** @param {number} rate tokens per second */
export function formatRate(rate) {
  return `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} tokens/s`;
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
