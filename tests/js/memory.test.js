// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importedPages, sharedMemory } from '../../www/js/worker/memory.js';

/** @param {...number} sections */
const wasm = (...sections) => new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, ...sections]).buffer;
/** @param {string} text */
const name = (text) => [text.length, ...Buffer.from(text)];
/** @param {number} id @param {number[]} content */
const section = (id, content) => [id, content.length, ...content];

const type = section(1, [1, 0x60, 0, 0]);
const func = [...name('m'), ...name('f'), 0, 0];
const table = [...name('m'), ...name('t'), 1, 0x70, 1, 2, 3];
const global = [...name('m'), ...name('g'), 3, 0x7f, 1];
// 300 pages at first, at most 65536, shared
const memory = [...name('m'), ...name('memory'), 2, 3, 0xac, 0x02, 0x80, 0x80, 0x04];

test('reads how much memory a module wants to begin with, whatever else it imports', () => {
  const module = wasm(...type, ...section(2, [4, ...func, ...table, ...global, ...memory]));
  assert.ok(WebAssembly.validate(module));
  assert.equal(importedPages(module), 300);
});

test('the memory that is made for a module fits it', async () => {
  const module = wasm(...type, ...section(2, [1, ...memory]));
  const made = sharedMemory(module);
  assert.equal(made.buffer.byteLength, 300 * 65536);
  await WebAssembly.instantiate(module, { m: { memory: made } });
});

test('where much memory is refused, less is asked for, and in the end it says so', () => {
  const module = wasm(...type, ...section(2, [1, ...memory]));
  const { Memory } = WebAssembly;
  /** @type {number[]} */
  const asked = [];
  const refuseAbove = (/** @type {number} */ pages) => {
    asked.length = 0;
    WebAssembly.Memory = /** @type {any} */ (
      class extends Memory {
        /** @param {WebAssembly.MemoryDescriptor} descriptor */
        constructor(descriptor) {
          asked.push(/** @type {number} */ (descriptor.maximum));
          if (asked[asked.length - 1] > pages) throw new RangeError('could not allocate memory');
          super(descriptor);
        }
      }
    );
  };
  try {
    refuseAbove(20_000);
    sharedMemory(module);
    assert.deepEqual(asked.slice(-2), [24_576, 16_384]);
    refuseAbove(0);
    assert.throws(() => sharedMemory(module), RangeError);
    assert.equal(asked[asked.length - 1], 8192);
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test('a file that is cut off, or has its own memory, is an error and no endless loop', () => {
  const whole = wasm(...type, ...section(2, [1, ...memory]));
  for (let length = 8; length < whole.byteLength - 3; length++) {
    assert.throws(() => importedPages(whole.slice(0, length)), WebAssembly.CompileError, `cut at ${length}`);
  }
  assert.throws(() => importedPages(wasm(...type)), WebAssembly.CompileError);
  assert.throws(() => importedPages(wasm(...section(2, [1, ...func]))), WebAssembly.CompileError);
});
