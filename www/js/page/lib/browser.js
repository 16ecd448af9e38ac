// @ts-check
/** What the page can find out about the browser before it starts a worker. */
import { SIMD } from '../../shared/probes.js';

/**
 * What keeps the engine from running here, or null.
 * @returns {string | null}
 */
export function missingFeature() {
  if (typeof WebAssembly !== 'object') return 'WebAssembly is missing or switched off';
  if (!WebAssembly.validate(SIMD)) return 'WebAssembly has no SIMD instructions here';
  if (typeof Worker !== 'function') return 'web workers are missing';
  return null;
}
