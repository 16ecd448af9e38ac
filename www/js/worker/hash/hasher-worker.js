// @ts-check
/** The thread of a `Hasher`: gets bytes, and gives them back with their hash, or with none if there was no memory for that. */

import { digest } from './sha256.js';

self.onmessage = async ({ data: { id, bytes } }) => {
  const hash = await digest(bytes).catch(() => null);
  self.postMessage({ id, bytes, hash }, { transfer: [bytes.buffer] });
};
self.postMessage({});
