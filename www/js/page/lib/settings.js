// @ts-check
/**
 * What the user can set about writing, and how it is read back from storage, which anything may have written to.
 *
 * @typedef {object} Settings
 * @property {number} phrase        longest phrase of a suggestion, in words
 * @property {boolean} ghost        the best continuation in grey behind the caret
 * @property {boolean} filter       offensive words are left out
 * @property {boolean} corrections  one suggestion may correct the letters typed
 * @property {boolean} punctuation  punctuation marks may be suggested alone
 * @property {boolean} space        a space follows a suggestion that was taken
 * @property {boolean} fullStop     two spaces become a full stop
 * @property {boolean} personal     the user's own words rise
 * @property {number} weight        their weight in the mixture
 * @property {boolean} remember     settings and words are kept on this device
 */

/** @type {Readonly<Settings>} */
export const defaults = Object.freeze({
  phrase: 1,
  ghost: true,
  filter: true,
  corrections: true,
  punctuation: false,
  space: true,
  fullStop: false,
  personal: true,
  weight: 0.1,
  remember: false,
});

/** Limits of the numbers. @type {Readonly<Record<string, readonly [number, number]>>} */
export const limits = Object.freeze({ phrase: [1, 4], weight: [0.02, 0.9] });

/**
 * Those of `wishes` that are settings and have a value that they may have.
 * @param {unknown} wishes
 * @returns {Partial<Settings>}
 */
export function validSettings(wishes) {
  if (typeof wishes !== 'object' || wishes === null) return {};
  return Object.fromEntries(
    Object.entries(wishes).filter(([name, value]) => {
      if (!Object.hasOwn(defaults, name)) return false;
      const standard = defaults[/** @type {keyof Settings} */ (name)];
      if (typeof value !== typeof standard) return false;
      if (typeof value !== 'number') return true;
      const [low, high] = limits[name];
      return value >= low && value <= high && (!Number.isInteger(standard) || Number.isInteger(value));
    }),
  );
}
