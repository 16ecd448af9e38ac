// @ts-check
/**
 * One thread of `roofline.js`: holds the kernels and their memory, and runs one of them for a while when it is told to.
 *
 * @typedef {{start: number, end: number, work: number}} Pass   milliseconds on a clock that workers share; bytes or
 *   multiply-adds
 * @typedef {(amount: number) => number} Kernel
 * @typedef {{reading: number} | {arithmetic: true}} Preparation   bytes to read, or kernels that multiply
 */

/** A pass takes at least half as many milliseconds: much longer than the clock is coarse, much shorter than a run. */
const PASS = 5;
const PAGE = 65536;

/** @type {Map<string, {run: () => void, work: number}>} */
const kernels = new Map();

const now = () => performance.timeOrigin + performance.now();

/** @param {string} file @param {number} bytes that its memory should have */
async function instance(file, bytes) {
  const response = await fetch(new URL(`../../vendor/${file}`, import.meta.url));
  if (!response.ok) throw new Error(`the server answered ${response.status} for ${file}`);
  const { exports } = (await WebAssembly.instantiate(await response.arrayBuffer())).instance;
  const { memory, ...functions } = exports;
  const { buffer } = /** @type {WebAssembly.Memory} */ (memory);
  const missing = Math.ceil(bytes / PAGE) - buffer.byteLength / PAGE;
  if (missing > 0) /** @type {WebAssembly.Memory} */ (memory).grow(missing);
  // Untouched pages would all be the same page of zeros, and sit in the cache.
  const words = new Uint32Array(/** @type {WebAssembly.Memory} */ (memory).buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761);
  return /** @type {Record<string, Kernel>} */ (functions);
}

/**
 * Finds out how much of a kernel makes a pass, after it has run so often that the browser has optimised it.
 * @param {(amount: number) => number} kernel
 * @param {number} unit of its argument, a small amount
 * @param {number} work of one
 */
async function prepared(kernel, unit, work) {
  for (let round = 0; round < 2; round++) {
    for (const end = performance.now() + 20; performance.now() < end; ) kernel(unit);
    // Code is optimised on another thread.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  let amount = unit;
  for (;;) {
    const start = performance.now();
    kernel(amount);
    if (performance.now() - start > PASS / 2) break;
    amount *= 2;
  }
  return { run: () => kernel(amount), work: amount * work };
}

/** @param {number} bytes of memory to read */
async function prepareReading(bytes) {
  // In steps of one turn of the reading loop.
  const most = Math.max(PAGE, bytes & ~127);
  const { read } = await instance('roofline.wasm', most);
  // Always all of it: a part may fit into a cache that the whole does not fit into. What is less than a pass is read
  // several times over.
  const all = (/** @type {number} */ times) => {
    let sum = 0;
    for (; times > 0; times--) sum += read(most);
    return sum;
  };
  kernels.set('read', await prepared(all, 1, most));
}

async function prepareArithmetic() {
  const { read: _, ...tiles } = await instance('roofline.wasm', PAGE);
  // A browser without the relaxed instructions refuses the module.
  const relaxed = await instance('roofline-relaxed.wasm', PAGE).catch((error) => {
    if (error instanceof WebAssembly.CompileError) return {};
    throw error;
  });
  for (const [name, kernel] of Object.entries({ ...tiles, ...relaxed })) {
    const [rows, columns, depth] = name.split(' ')[1].split('x').map(Number);
    kernels.set(name, await prepared(kernel, 100, rows * columns * depth));
  }
}

/** @param {Preparation} wanted */
async function prepare(wanted) {
  await ('reading' in wanted ? prepareReading(wanted.reading) : prepareArithmetic());
  return [...kernels.keys()];
}

/**
 * @param {string} name
 * @param {number} milliseconds
 * @returns {Pass[]}
 */
function run(name, milliseconds) {
  const kernel = kernels.get(name);
  if (!kernel) throw new Error(`there is no kernel ${name}`);
  const passes = [];
  let start = now();
  for (const stop = start + milliseconds; start < stop; ) {
    kernel.run();
    const end = now();
    passes.push({ start, end, work: kernel.work });
    start = end;
  }
  return passes;
}

self.onmessage = async ({ data }) => {
  try {
    self.postMessage({ result: 'name' in data ? run(data.name, data.milliseconds) : await prepare(data) });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
