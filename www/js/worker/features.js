// @ts-check
/** What this browser lets WebAssembly do here. Asked once, before a build is chosen. */

import { RELAXED_SIMD, SIMD, THREADS } from '../shared/probes.js';

/**
 * @typedef {object} Features
 * @property {boolean} simd
 * @property {'no-relaxed-simd' | 'narrow-sums' | null} relaxedBarred  why the relaxed kernels can't be used
 * @property {'not-isolated' | 'no-shared-memory' | null} threadsBarred  why there can't be threads
 * @property {number} cores   as far as the browser tells
 */

/** A browser that takes longer than this to hand a message over is taken to have lost it. */
const ROUND_TRIP_LIMIT = 2000;

/** @returns {Promise<Features>} */
export async function probeFeatures() {
  const works = typeof WebAssembly === 'object';
  return {
    simd: works && WebAssembly.validate(SIMD),
    relaxedBarred: works ? relaxedBarred() : 'no-relaxed-simd',
    threadsBarred: works ? await threadsBarred() : 'no-shared-memory',
    cores: navigator.hardwareConcurrency || 1,
  };
}

/**
 * A processor may take the byte 255 as that or as -1, and may keep no more than 16 bits of the sum of two products.
 * @returns {Features['relaxedBarred']}
 */
export function relaxedBarred() {
  if (!WebAssembly.validate(RELAXED_SIMD)) return 'no-relaxed-simd';
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(RELAXED_SIMD));
  const sum = /** @type {(signed: number, byte: number) => number} */ (exports.sum);
  const [most, least] = [sum(127, 255), sum(-128, 128)];
  const isUnsigned = most === 4 * 127 * 255 && least === 4 * -128 * 128;
  const isSigned = most === 4 * 127 * -1 && least === 4 * -128 * -128;
  return isUnsigned || isSigned ? null : 'narrow-sums';
}

async function threadsBarred() {
  if (!WebAssembly.validate(THREADS)) return 'no-shared-memory';
  if (self.crossOriginIsolated !== true) return 'not-isolated';
  return typeof SharedArrayBuffer === 'function' && (await memoryCanBePosted()) ? null : 'no-shared-memory';
}

/** Shared memory can be made in places where it can't be shared, so that making one proves nothing. */
function memoryCanBePosted() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port2.onmessage = ({ data }) => resolve(data.buffer instanceof SharedArrayBuffer);
    port2.onmessageerror = () => resolve(false);
    setTimeout(resolve, ROUND_TRIP_LIMIT, false);
    try {
      port1.postMessage(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
    } catch {
      resolve(false);
    }
  }).finally(() => port1.close());
}
