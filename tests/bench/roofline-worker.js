// @ts-check
/** Streams 128 MiB of WebAssembly memory several times; answers with the GB/s of each pass. */
self.onmessage = async ({ data: { module, passes } }) => {
  const { instance } = await WebAssembly.instantiateStreaming(fetch(module));
  const { memory, stream } = /** @type {{memory: WebAssembly.Memory, stream: (bytes: number) => number}} */ (
    /** @type {unknown} */ (instance.exports)
  );
  const { byteLength } = memory.buffer;
  // Untouched pages would all be the same page of zeros, and sit in the cache.
  const words = new Uint32Array(memory.buffer);
  for (let i = 0; i < words.length; i++) words[i] = i;
  // The first calls run code that the engine has not optimised yet.
  for (let i = 0; i < 4; i++) stream(byteLength);
  const gigabytes = [];
  for (let i = 0; i < passes; i++) {
    const start = performance.now();
    stream(byteLength);
    gigabytes.push(byteLength / 1e6 / (performance.now() - start));
  }
  self.postMessage(gigabytes);
};
