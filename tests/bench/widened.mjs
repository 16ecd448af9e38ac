// @ts-check
/**
 * The built-in model in GPT-2 small's shape: it computes the same words at the cost of 124 million weights. How long
 * suggestions take depends on both, and random weights make no word more probable than others, so that searches for words
 * go on for much longer than any trained model's.
 *
 * Every channel, head and neuron stands there several times, and what reads them counts each for a share. LayerNorm does
 * not notice, since mean and variance stay. Layers that the model does not have add nothing to the residual stream.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointConfig, GPT2_SMALL, layOut, tensors, writeParts } from '../make-checkpoint.mjs';

/** @typedef {{rows: number, inputs: number, values: Float32Array}} Matrix   row by row; a vector is one row */

/**
 * The tensors of a quantised folder.
 * @param {string} folder
 * @param {{shards: {file: string}[], block: number}} manifest
 * @returns {Map<string, Matrix>}
 */
function readQuantised(folder, { shards, block }) {
  /** @type {Map<string, {shape: number[], parts: Uint8Array[]}>} */
  const stored = new Map();
  for (const { file } of shards) {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    for (const [piece, { shape, data_offsets: offsets }] of Object.entries(header)) {
      if (piece === '__metadata__') continue;
      const name = piece.split('@')[0];
      const [from, to] = offsets.map((/** @type {number} */ offset) => 8 + length + offset);
      const known = stored.get(name);
      const rows = (known?.shape[0] ?? 0) + shape[0];
      stored.set(name, { shape: [rows, ...shape.slice(1)], parts: [...(known?.parts ?? []), bytes.slice(from, to)] });
    }
  }
  const joined = (/** @type {string} */ name) => Buffer.concat(stored.get(name)?.parts ?? []);
  const floats = (/** @type {string} */ name) => new Float32Array(new Uint8Array(joined(name)).buffer);
  /** @type {Map<string, Matrix>} */
  const found = new Map();
  for (const [name, { shape }] of stored) {
    if (name.endsWith('.scales')) continue;
    const [rows, inputs] = shape.length === 2 ? shape : [1, shape[0]];
    if (!stored.has(`${name}.scales`)) {
      found.set(name, { rows, inputs, values: floats(name) });
      continue;
    }
    const [weights, scales] = [new Int8Array(new Uint8Array(joined(name)).buffer), floats(`${name}.scales`)];
    const blocks = Math.ceil(inputs / block);
    const values = Float32Array.from(weights, (weight, i) => {
      const [row, input] = [Math.floor(i / inputs), i % inputs];
      return weight * scales[row * blocks + Math.floor(input / block)];
    });
    found.set(name, { rows, inputs, values });
  }
  return found;
}

/**
 * @param {string} out      the folder to write, in the hub's layout
 * @param {string} narrow   the model's quantised folder
 */
export function makeWidened(out, narrow) {
  const description = join(narrow, 'manifest.json');
  const manifest = JSON.parse(readFileSync(description, 'utf8'));
  const { n_embd: width, n_layer: layers, n_positions: positions } = manifest.config;
  const times = GPT2_SMALL.width / width;
  if (!Number.isInteger(times) || layers > GPT2_SMALL.layers || positions !== GPT2_SMALL.positions) {
    throw new Error(`the model in ${narrow} does not fit into GPT-2 small's shape`);
  }
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'config.json'), checkpointConfig(GPT2_SMALL));
  copyFileSync(join(narrow, 'tokenizer.json'), join(out, 'tokenizer.json'));
  const path = join(out, 'model.safetensors');
  if (existsSync(path) && statSync(path).mtimeMs > statSync(description).mtimeMs) return out;

  const known = readQuantised(narrow, manifest);
  const wide = tensors(GPT2_SMALL).filter(([name]) => !name.endsWith('.attn.bias'));
  function* parts() {
    yield layOut(wide).front;
    for (const [name, shape] of wide) yield new Uint8Array(widened(known, name, shape, { times, layers }).buffer);
  }
  writeParts(path, parts());
  return out;
}

/**
 * @param {Map<string, Matrix>} known
 * @param {string} name
 * @param {number[]} shape   of the wide tensor, as the hub's files have it
 * @param {{times: number, layers: number}} by
 */
function widened(known, name, shape, { times, layers }) {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const layer = Number(/^h\.(\d+)\./.exec(name)?.[1] ?? 0);
  const adds = name.includes('.c_proj.');
  if (layer >= layers && adds) return values;
  const narrow = known.get(layer < layers ? name : name.replace(/^h\.\d+/, 'h.0'));
  if (!narrow) throw new Error(`the model lacks ${name}`);
  // Queries, keys and values follow each other, each of all heads.
  const sections = name.includes('.c_attn.') ? 3 : 1;
  const within = (/** @type {number} */ wide, /** @type {number} */ count) => {
    const section = Math.floor(wide / (count * times));
    return section * count + ((wide % (count * times)) % count);
  };
  const share = name.startsWith('ln_f.') ? 1 / times : 1;
  if (shape.length === 1) {
    const count = narrow.inputs / sections;
    return values.map((_, i) => narrow.values[within(i, count)] * share);
  }
  const isEmbedding = name.startsWith('w');
  const [first, second] = shape;
  for (let i = 0; i < first; i++) {
    for (let j = 0; j < second; j++) {
      // Of embeddings only the channels stand there several times. Other matrices are stored with inputs first.
      values[i * second + j] = isEmbedding
        ? narrow.values[i * narrow.inputs + (j % narrow.inputs)]
        : narrow.values[within(j, narrow.rows / sections) * narrow.inputs + (i % narrow.inputs)] / times;
    }
  }
  return values;
}
