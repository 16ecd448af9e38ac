// @ts-check
/** The memory that the threads of a build share. */

const MODULE_HEADER = 8;
const IMPORT_SECTION = 2;
const MEMORY = 2;
const HAS_MAXIMUM = 1;

/** Pages of 64 KiB: 4 GiB, all that WebAssembly can address; then less, because phones refuse to set so much aside. */
const MOST_PAGES = 65_536;
const STEP_PAGES = 8_192;

/**
 * Shared memory for a module. Its maximum is only an upper bound: pages cost nothing before they are used.
 * @param {ArrayBuffer} module
 */
export function sharedMemory(module) {
  const initial = importedPages(module);
  for (let maximum = MOST_PAGES; ; maximum -= STEP_PAGES) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared: true });
    } catch (error) {
      if (!(error instanceof RangeError) || maximum <= STEP_PAGES) throw error;
    }
  }
}

/**
 * The pages that a module wants its memory to begin with. The JavaScript interface does not tell this of a compiled
 * module, so it is read from the file.
 * @param {ArrayBuffer} module
 */
export function importedPages(module) {
  const bytes = new Uint8Array(module);
  let at = MODULE_HEADER;
  // LEB128, as all numbers in the format
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new WebAssembly.CompileError('the module ends early');
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const skipName = () => {
    const length = number();
    at += length;
  };

  for (;;) {
    const section = number();
    const length = number();
    if (section === IMPORT_SECTION) break;
    at += length;
  }
  for (let left = number(); left > 0; left--) {
    skipName();
    skipName();
    const kind = number();
    if (kind === MEMORY) {
      const flags = number();
      if (!(flags & HAS_MAXIMUM)) throw new WebAssembly.CompileError('the memory has no maximum');
      return number();
    }
    skipDescription(kind);
  }
  throw new WebAssembly.CompileError('the module has a memory of its own');

  /** @param {number} kind */
  function skipDescription(kind) {
    if (kind === 0)
      number(); // a function's type
    else if (kind === 3)
      at += 2; // a global's type, and whether it can change
    else if (kind === 1) {
      number(); // what a table holds, and its limits
      if (number() & HAS_MAXIMUM) number();
      number();
    } else throw new WebAssembly.CompileError(`an import of the unknown kind ${kind}`);
  }
}
