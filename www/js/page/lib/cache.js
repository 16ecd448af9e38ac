// @ts-check
import { formatCount } from './format.js';

/** @param {number} count */
const tokensBefore = (count) => `the ${formatCount(count)} token${count === 1 ? '' : 's'} before it`;

/**
 * What was kept of other tokens when one was computed.
 * @param {number} position   of the token
 * @param {number} size       of the context
 * @param {import('../../shared/inspection.js').Alteration | null} alteration   of the run
 */
export function cacheFacts(position, size, alteration) {
  if (alteration && alteration.unmasked.length > 0) {
    return size === 1
      ? 'It is alone: nothing comes from the cache, with or without the mask.'
      : `Without the mask there is no use in a cache: tokens look at later ones, so a new token changes the keys and values of those before it. All ${formatCount(size)} tokens are computed together.`;
  }
  if (position === 0) return 'It is the first: nothing comes from the cache.';
  return alteration
    ? `The altered run has keys and values of its own. No token looks at a later one there either, so those of ${tokensBefore(position)} are kept; all else below is computed for this token alone.`
    : `Keys and values of ${tokensBefore(position)} come from the cache; all else below is computed for this token alone.`;
}
