// @ts-check
/**
 * What is changed about attention, as plain data: heads off, heads without mask, cells cut.
 *
 * @typedef {import('../../shared/inspection.js').Alteration} Alteration
 * @typedef {import('../../shared/inspection.js').Place} Place
 * @typedef {import('../../shared/inspection.js').Cut} Cut
 */

/** @type {Readonly<Alteration>} */
export const unaltered = Object.freeze({ unmasked: [], off: [], cuts: [] });

/** @param {Alteration} alteration */
export function isUnaltered({ unmasked, off, cuts }) {
  return unmasked.length + off.length + cuts.length === 0;
}

/**
 * Whether a place of an alteration speaks of a head.
 * @param {Place} place
 * @param {number} layer
 * @param {number} head
 */
function covers(place, layer, head) {
  return (place.layer === null || place.layer === layer) && (place.head === null || place.head === head);
}

/**
 * @param {Alteration} alteration
 * @param {'unmasked' | 'off'} what
 * @param {number} layer
 * @param {number} head
 */
export function isAltered(alteration, what, layer, head) {
  return alteration[what].some((place) => covers(place, layer, head));
}

/**
 * Adds something, or takes it back if it is there.
 * @template {Place | Cut} T
 * @param {readonly T[]} list
 * @param {T} item
 * @returns {T[]}
 */
function toggled(list, item) {
  const key = JSON.stringify(item);
  const rest = list.filter((other) => JSON.stringify(other) !== key);
  return rest.length < list.length ? rest : [...list, item];
}

/**
 * @param {Alteration} alteration
 * @param {'unmasked' | 'off'} what
 * @param {Place} place
 * @returns {Alteration}
 */
export function togglePlace(alteration, what, { layer, head }) {
  return { ...alteration, [what]: toggled(alteration[what], { layer, head }) };
}

/**
 * @param {Alteration} alteration
 * @param {Cut} cut
 * @returns {Alteration}
 */
export function toggleCut(alteration, { layer, head, row, column }) {
  return { ...alteration, cuts: toggled(alteration.cuts, { layer, head, row, column }) };
}

/**
 * What one head must not look at.
 * @param {Alteration} alteration
 * @param {number} layer
 * @param {number} head
 * @param {number} size
 * @returns {Uint8Array | null} (size, size), 1 where masked; null if that is the causal triangle
 */
export function alteredMask(alteration, layer, head, size) {
  const open = isAltered(alteration, 'unmasked', layer, head);
  const cuts = alteration.cuts.filter((cut) => covers(cut, layer, head));
  if (!open && cuts.length === 0) return null;
  const mask = new Uint8Array(size * size);
  if (!open) for (let row = 0; row < size; row++) mask.fill(1, row * size + row + 1, (row + 1) * size);
  for (const { row, column } of cuts) {
    if ((row ?? 0) >= size || (column ?? 0) >= size) continue;
    if (row !== null && column !== null) mask[row * size + column] = 1;
    else if (row !== null) mask.fill(1, row * size, (row + 1) * size);
    else if (column !== null) for (let each = 0; each < size; each++) mask[each * size + column] = 1;
  }
  return mask;
}

/**
 * Heads that are not as in the model, by `layer.head`, with what is the matter.
 * @param {Alteration} alteration
 * @param {number} layers
 * @param {number} heads
 * @returns {Map<string, string>}
 */
export function alteredHeads(alteration, layers, heads) {
  /** @type {Map<string, string>} */
  const marks = new Map();
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < heads; head++) {
      if (isAltered(alteration, 'off', layer, head)) marks.set(`${layer}.${head}`, 'off');
      else if (isAltered(alteration, 'unmasked', layer, head)) marks.set(`${layer}.${head}`, 'without mask');
      else if (alteration.cuts.some((cut) => covers(cut, layer, head))) marks.set(`${layer}.${head}`, 'cut');
    }
  }
  return marks;
}

/** @param {Place} place */
function placeName({ layer, head }) {
  if (layer === null) return head === null ? 'every head' : `head ${head} of every layer`;
  return head === null ? `every head of layer ${layer}` : `layer ${layer}, head ${head}`;
}

/**
 * Each change in words.
 * @param {Alteration} alteration
 * @param {(index: number) => string} name   of a token
 * @returns {{kind: 'unmasked' | 'off' | 'cut', index: number, text: string}[]}
 */
export function describe({ unmasked, off, cuts }, name) {
  return [
    ...unmasked.map((place, index) => ({
      kind: /** @type {const} */ ('unmasked'),
      index,
      text: `${placeName(place)} without the mask`,
    })),
    ...off.map((place, index) => ({ kind: /** @type {const} */ ('off'), index, text: `${placeName(place)} off` })),
    ...cuts.map((cut, index) => {
      const { row, column } = cut;
      let what = '';
      if (row !== null && column !== null) what = `${name(row)} must not look at ${name(column)}`;
      else if (row !== null) what = `${name(row)} looks at nothing`;
      else if (column !== null) what = `nobody looks at ${name(column)}`;
      return { kind: /** @type {const} */ ('cut'), index, text: `${what} in ${placeName(cut)}` };
    }),
  ];
}

/**
 * @param {Alteration} alteration
 * @param {'unmasked' | 'off' | 'cut'} kind
 * @param {number} index
 * @returns {Alteration}
 */
export function without(alteration, kind, index) {
  const list = kind === 'cut' ? 'cuts' : kind;
  return { ...alteration, [list]: alteration[list].filter((_, at) => at !== index) };
}
