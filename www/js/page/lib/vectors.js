// @ts-check

/**
 * The places of the largest numbers, largest first.
 * @param {ArrayLike<number>} values
 * @param {number} count
 * @param {(value: number) => number} [size]   what is compared
 */
export function strongestOf(values, count, size = (value) => value) {
  /** @type {number[]} */
  const found = [];
  for (let index = 0; index < values.length; index++) {
    const own = size(values[index]);
    if (Number.isNaN(own) || (found.length === count && own <= size(values[found[count - 1]]))) continue;
    let at = found.length;
    while (at > 0 && size(values[found[at - 1]]) < own) at--;
    found.splice(at, 0, index);
    if (found.length > count) found.pop();
  }
  return found;
}
