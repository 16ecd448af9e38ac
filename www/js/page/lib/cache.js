// @ts-check
import { formatCount, plural } from './format.js';

/**
 * What is kept of other tokens when one is computed, in words.
 * @param {number} cached   tokens that the run has keys and values of, besides this one
 * @param {import('../../shared/inspection.js').Alteration | null} alteration   of the run
 */
export function cacheFacts(cached, alteration) {
  if (cached === 0) return 'It is the first: nothing comes from the cache.';
  const before = `the ${plural(cached, 'token')} before it`;
  if (!alteration) {
    return `Keys and values of ${before} come from the cache; all else below is computed for this token alone.`;
  }
  return alteration.unmasked.length > 0
    ? `Where the mask is away, tokens look at later ones: a token that is added changes what those before it become, and with that their keys and values in the layers above. Nothing from there on can be kept; all ${formatCount(cached + 1)} tokens are computed together.`
    : `The altered run has keys and values of its own. No token looks at a later one there either, so those of ${before} can be kept when the text grows.`;
}
