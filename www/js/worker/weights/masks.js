// @ts-check
/**
 * The parts of a file that the engine does not want, where the hash of the whole file is to be known. In GPT-2's files
 * these are copies of one thing, the causal mask, so the first is fetched and the others are put together here: as long as
 * they were what the file holds, the hash comes out right.
 */

/** @typedef {import('./source.js').Source} Source */
/** @typedef {import('./source.js').Take} Take */

/** Bytes that are put together at most; GPT-2's have 4 MiB. What claims to be larger is fetched. */
const LARGEST = 16 << 20;

export class Masks {
  #source;
  /** Bytes of the mask, once one was found to be that. @type {Uint8Array<ArrayBuffer> | null} */
  #mask = null;
  /** Set when something else was found. */
  #others = false;

  /** @param {Source} source */
  constructor(source) {
    this.#source = source;
  }

  /**
   * Passes on all bytes of a hole.
   * @param {number} from
   * @param {number} to
   * @param {Take} take
   */
  async fill(from, to, take) {
    if (to <= from) return;
    if (!this.#others && this.#mask?.byteLength === to - from) {
      await take(this.#mask, from);
      return;
    }
    const mask = this.#mask || this.#others ? null : causalMask(to - from);
    let equal = mask !== null;
    await this.#source.read(from, to, async (bytes, at) => {
      if (mask && equal) equal = bytes.every((byte, index) => byte === mask[at - from + index]);
      await take(bytes, at);
    });
    if (equal) this.#mask = mask;
    else if (mask) this.#others = true;
  }
}

/**
 * A lower triangle of ones in f32, if so many bytes can be one and are not too many.
 * @param {number} length
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
export function causalMask(length) {
  if (length > LARGEST) return null;
  const size = Math.sqrt(length / 4);
  if (!Number.isInteger(size) || size < 2) return null;
  const mask = new Float32Array(size * size);
  for (let row = 0; row < size; row++) mask.fill(1, row * size, row * size + row + 1);
  return new Uint8Array(mask.buffer);
}
