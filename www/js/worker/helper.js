// @ts-check
/**
 * One of the engine's further threads: the same module on the same memory. It tells that it is ready, and once the engine
 * says `go` it never returns to its event loop, but waits in WebAssembly for work.
 */

/** @type {import('./wasm.js').Package} */
let pkg;

self.onmessage = async ({ data }) => {
  try {
    if (data === 'go') {
      pkg.runHelper();
    } else {
      const { glue, module, memory } = /** @type {import('./helpers.js').Start} */ (data);
      pkg = await import(glue);
      await pkg.default({ module_or_path: module, memory });
      self.postMessage({ problem: '' });
    }
  } catch (error) {
    // The engine may be waiting for this thread's share, which will never come, and can't read messages meanwhile.
    if (data === 'go') pkg.helperFailed();
    self.postMessage({ problem: String(error) });
  }
};
