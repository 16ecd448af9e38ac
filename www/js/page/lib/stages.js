// @ts-check
/**
 * The steps from products of queries and keys to attention weights, as matrices to look at. Every number is the engine's, or one
 * operation away from it: a division, a product, a sum.
 *
 * @typedef {import('../../shared/inspection.js').Attention} Attention
 * @typedef {import('../../shared/protocol.js').Token} Token
 * @typedef {'products' | 'scores' | 'masked' | 'weights'} Stage
 * @typedef {import('./matrix.js').Mask} Mask
 *
 * @typedef {object} Choice
 * @property {Stage} stage
 * @property {boolean} noSink              leave the first column out and let the others of each row share its weight
 * @property {Float32Array | null} norms   (T) weights are multiplied by these lengths of values
 * @property {boolean} words               weights between whole words
 *
 * @typedef {object} Picture   what a map draws
 * @property {readonly Token[]} tokens     of the rows and columns; words if these were asked for
 * @property {Float32Array} values         (size, size)
 * @property {number} size
 * @property {Mask} mask
 * @property {boolean} signed
 * @property {number[]} starts             the first token of each row
 */

/** @type {readonly Stage[]} */
export const stageOrder = ['products', 'scores', 'masked', 'weights'];

/**
 * Where words begin: a token that starts with a space, follows one that ends in white space, or is not of letters.
 * @param {readonly Token[]} tokens
 * @returns {number[]}
 */
export function wordStarts(tokens) {
  const letters = /^[\p{L}\p{M}\p{N}’']/u;
  const open = /[\p{L}\p{M}\p{N}’']$/u;
  return tokens.flatMap((token, index) => {
    const before = tokens[index - 1]?.text ?? null;
    // Parts of a character belong to what stands before them.
    const goesOn =
      index > 0 && (token.text === null || before === null || (letters.test(token.text) && open.test(before)));
    return goesOn ? [] : [index];
  });
}

/**
 * One token for each word, for labels.
 * @param {readonly Token[]} tokens
 * @param {number[]} starts
 * @returns {Token[]}
 */
export function joinTokens(tokens, starts) {
  return starts.map((start, word) => {
    const parts = tokens.slice(start, starts[word + 1] ?? tokens.length);
    if (parts.length === 1) return parts[0];
    const hex = parts.map((part) => part.hex).join(' ');
    return { id: parts[0].id, text: decode(hex), hex };
  });
}

/** @param {string} hex */
function decode(hex) {
  const bytes = Uint8Array.from(hex.split(' '), (digits) => Number.parseInt(digits, 16));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Attention between words: what a word looks at is the mean of its tokens' rows, what it gets the sum over its tokens
 * (Clark et al. 2019, "What Does BERT Look At?"), so that rows keep their sum.
 * @param {Float32Array} weights (size, size)
 * @param {number} size
 * @param {number[]} starts
 */
export function groupWeights(weights, size, starts) {
  const groups = starts.length;
  const grouped = new Float32Array(groups * groups);
  for (let row = 0; row < groups; row++) {
    const [from, to] = [starts[row], starts[row + 1] ?? size];
    for (let column = 0; column < groups; column++) {
      const [first, end] = [starts[column], starts[column + 1] ?? size];
      let sum = 0;
      for (let r = from; r < to; r++) for (let c = first; c < end; c++) sum += weights[r * size + c];
      grouped[row * groups + column] = sum / (to - from);
    }
  }
  return grouped;
}

/**
 * A word is masked for another if none of its tokens may be looked at by any of the other's.
 * @param {Uint8Array} mask (size, size)
 * @param {number} size
 * @param {number[]} starts
 */
function groupMask(mask, size, starts) {
  const groups = starts.length;
  const grouped = new Uint8Array(groups * groups).fill(1);
  const group = new Uint32Array(size);
  for (const [word, start] of starts.entries()) group.fill(word, start);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (!mask[row * size + column]) grouped[group[row] * groups + group[column]] = 0;
    }
  }
  return grouped;
}

/**
 * The weights without the first column, each row divided by what is left of it.
 * @param {Float32Array} weights (size, size)
 * @param {number} size
 */
export function withoutSink(weights, size) {
  const rest = new Float32Array(weights);
  for (let row = 0; row < size; row++) {
    let sum = 0;
    for (let column = 1; column < size; column++) sum += weights[row * size + column];
    rest[row * size] = 0;
    for (let column = 1; column < size && sum > 0; column++) rest[row * size + column] /= sum;
  }
  return rest;
}

/**
 * @param {Attention} attention
 * @param {readonly Token[]} tokens
 * @param {Choice} choice
 * @param {Uint8Array | null} altered (size, size) the mask of an altered run, 1 where masked; null for the causal mask
 * @returns {Picture}
 */
export function picture(attention, tokens, { stage, noSink, norms, words }, altered) {
  const { size, scale, scores, weights } = attention;
  const starts = Array.from({ length: size }, (_, index) => index);
  const plain = { tokens, size, starts };
  if (stage === 'products') return { ...plain, values: scores.map((s) => s / scale), mask: false, signed: true };
  if (stage === 'scores') return { ...plain, values: scores, mask: false, signed: true };
  if (stage === 'masked') return { ...plain, values: scores, mask: altered ?? true, signed: true };
  let values = weights;
  /** @type {true | Uint8Array} */
  let mask = altered ?? true;
  if (noSink) {
    values = withoutSink(values, size);
    const hidden = new Uint8Array(size * size);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const at = row * size + column;
        hidden[at] = column === 0 ? 1 : altered ? altered[at] : Number(column > row);
      }
    }
    mask = hidden;
  }
  if (norms) {
    values = new Float32Array(values);
    for (let at = 0; at < values.length; at++) values[at] *= norms[at % size];
  }
  if (!words) return { ...plain, values, mask, signed: false };
  const groups = wordStarts(tokens);
  return {
    tokens: joinTokens(tokens, groups),
    values: groupWeights(values, size, groups),
    size: groups.length,
    starts: groups,
    mask: mask === true || groupMask(mask, size, groups),
    signed: false,
  };
}
