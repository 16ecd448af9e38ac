// @ts-check
/** Bodies of answers, part by part. */

/** Bytes that are taken from a body at a time. */
const PART = 1 << 18;

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
  let buffer = new ArrayBuffer(PART);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done || !value) return null;
      buffer = value.buffer;
      return value;
    },
    cancel: () => reader.cancel(),
  };
}
