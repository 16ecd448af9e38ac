// @ts-check
/** Bodies of answers, part by part. */

/** Bytes that are taken from a body at a time. */
const PART = 1 << 18;
/** Buffers that no body uses. A new one for each body would pile up as well: 9 MB with GPT-2 small. @type {ArrayBuffer[]} */
const unused = [];

/**
 * Reads a body part by part into one buffer, where the browser can do that: parts of its own making would pile up by the
 * hundred megabytes before it collects them.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} stream
 * @returns {{read: () => Promise<Uint8Array<ArrayBuffer> | null>, cancel: () => Promise<void>}}   a part is valid until the next
 */
export function partsOf(stream) {
  /** @type {ReadableStreamBYOBReader} */
  let reader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    const plain = stream.getReader();
    return { read: async () => (await plain.read()).value ?? null, cancel: () => plain.cancel() };
  }
  /** Null while the browser has it. @type {ArrayBuffer | null} */
  let buffer = unused.pop() ?? new ArrayBuffer(PART);
  return {
    async read() {
      const view = new Uint8Array(/** @type {ArrayBuffer} */ (buffer));
      buffer = null;
      const { done, value } = await reader.read(view);
      buffer = value?.buffer ?? null;
      return done ? null : (value ?? null);
    },
    cancel() {
      if (buffer) unused.push(buffer);
      buffer = null;
      return reader.cancel();
    },
  };
}
