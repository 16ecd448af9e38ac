// @ts-check
import { commonStart } from './typing.js';

/**
 * The ways that a text has gone: whole texts, of which any can be returned to. Where two of them part is a branch.
 *
 * @typedef {object} Branch
 * @property {string} part          what it adds to the branch that it grows from
 * @property {string | null} path   the whole text, if one ends here
 * @property {Branch[]} branches
 */

/** Older ones are forgotten. */
const most = 30;

/**
 * The ways with one more; a text that is only the beginning of another is none of its own.
 * @param {readonly string[]} paths the newest last
 * @param {string} text
 */
export function remember(paths, text) {
  if (text === '' || paths.some((path) => path.startsWith(text))) return [...paths];
  return [...paths.filter((path) => !text.startsWith(path)), text].slice(-most);
}

/**
 * How many UTF-16 units two texts share at their start, whole characters only.
 * @param {string} a
 * @param {string} b
 */
function shared(a, b) {
  const length = commonStart(a, b);
  return length > 0 && /[\uD800-\uDBFF]/.test(a[length - 1]) ? length - 1 : length;
}

/**
 * @param {readonly string[]} paths
 * @param {number} [from] what all of them share, in UTF-16 units
 * @returns {Branch[]}
 */
export function branches(paths, from = 0) {
  /** @type {string[][]} */
  const groups = [];
  for (const path of new Set(paths)) {
    const group = groups.find(([first]) => shared(first.slice(from), path.slice(from)) > 0);
    if (group) group.push(path);
    else groups.push([path]);
  }
  return groups.map((group) => {
    const [first] = group;
    const end = group.reduce((least, path) => Math.min(least, shared(first, path)), first.length);
    const longer = group.filter((path) => path.length > end);
    const path = group.find((each) => each.length === end) ?? null;
    return { part: first.slice(from, end), path, branches: branches(longer, end) };
  });
}
