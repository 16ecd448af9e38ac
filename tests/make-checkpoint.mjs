// @ts-check
/**
 * Writes a folder that looks like `openai-community/gpt2` on the hub to every program that reads it: the same tensors,
 * order and masks in `model.safetensors`, in that shape or a smaller one, but seeded random weights. Speed and memory
 * depend on nothing else.
 *
 *   node tests/make-checkpoint.mjs [--out FOLDER] [--tokenizer FOLDER]
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const VOCABULARY = 50257;
const DEVIATION = 0.02;

/** @typedef {{layers: number, heads: number, width: number, positions: number}} Shape */

/** @type {Shape} */
export const GPT2_SMALL = { layers: 12, heads: 12, width: 768, positions: 1024 };
/** @type {Shape} */
export const GPT2_XL = { layers: 48, heads: 25, width: 1600, positions: 1024 };
/** As many heads as GPT-2 XL, each of them small. @type {Shape} */
export const MANY_HEADS = { layers: 48, heads: 25, width: 200, positions: 256 };

/**
 * @param {Shape} shape
 * @returns {[string, number[]][]} name and shape, in the order of the hub's file: by name
 */
export function tensors({ layers, width, positions }) {
  /** @type {[string, number[]][]} */
  const list = [
    ['ln_f.bias', [width]],
    ['ln_f.weight', [width]],
    ['wpe.weight', [positions, width]],
    ['wte.weight', [VOCABULARY, width]],
  ];
  for (let layer = 0; layer < layers; layer++) {
    /** @type {[string, number[]][]} */
    const block = [
      ['attn.bias', [1, 1, positions, positions]],
      ['attn.c_attn.bias', [3 * width]],
      ['attn.c_attn.weight', [width, 3 * width]],
      ['attn.c_proj.bias', [width]],
      ['attn.c_proj.weight', [width, width]],
      ['ln_1.bias', [width]],
      ['ln_1.weight', [width]],
      ['ln_2.bias', [width]],
      ['ln_2.weight', [width]],
      ['mlp.c_fc.bias', [4 * width]],
      ['mlp.c_fc.weight', [width, 4 * width]],
      ['mlp.c_proj.bias', [width]],
      ['mlp.c_proj.weight', [4 * width, width]],
    ];
    list.push(...block.map(([name, shape]) => /** @type {[string, number[]]} */ ([`h.${layer}.${name}`, shape])));
  }
  return list.sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The inverse of the normal distribution's cumulative function, by Acklam's rational approximation (error below 1e-8).
 * @param {number} p
 * @returns {number}
 */
function quantile(p) {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
  /** @param {number[]} terms @param {number} x */
  const polynomial = (terms, x) => terms.reduce((sum, term) => sum * x + term, 0);
  if (p > 0.5) return -quantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(c, q) / polynomial(d, q);
  }
  const q = p - 0.5;
  return (q * polynomial(a, q * q)) / polynomial(b, q * q);
}

/** 2^16 quantiles of the weights' distribution, to look normal numbers up in. */
const normal = Float32Array.from({ length: 65536 }, (_, i) => DEVIATION * quantile((i + 0.5) / 65536));

/** Values of a tensor that are made from one seed, so that any part of the file can be made by itself. */
const BLOCK = 1 << 18;

/**
 * Fills a block with normal numbers: quantiles looked up by a xorshift generator, 124 million in about a second.
 * @param {Float32Array} out
 * @param {number} seed
 * @param {number} mean
 */
function fillNormal(out, seed, mean) {
  let x = Math.imul(seed + 1, 0x9e3779b9) | 1;
  for (let i = 0; i < out.length; i += 2) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = mean + normal[x & 0xffff];
    out[i + 1] = mean + normal[x >>> 16];
  }
}

/**
 * What a safetensors file of F32 tensors begins with, and where each of them stands after it.
 * @param {[string, number[]][]} list   name and shape
 */
export function layOut(list) {
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: { format: 'pt' } };
  /** @type {{name: string, start: number, end: number}[]} */
  const places = [];
  let length = 0;
  for (const [name, shape] of list) {
    const start = length;
    length += 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [start, length] };
    places.push({ name, start, end: length });
  }
  const json = Buffer.from(JSON.stringify(header));
  const front = Buffer.alloc(8 + json.length);
  front.writeBigUInt64LE(BigInt(json.length));
  json.copy(front, 8);
  return { front, places, length };
}

/**
 * A `model.safetensors` that is made while it is read, at any place and of any size.
 * @param {Shape} model
 * @returns {import('./faults.mjs').Content}
 */
export function checkpointContent(model) {
  const { front, places, length } = layOut(tensors(model));

  const { positions } = model;
  const mask = new Float32Array(positions * positions);
  for (let row = 0; row < positions; row++) mask.fill(1, row * positions, row * positions + row + 1);
  const maskBytes = new Uint8Array(mask.buffer);

  /** @param {number} from @param {number} to */
  function* read(from, to) {
    if (from < front.length) yield front.subarray(from, Math.min(to, front.length));
    const [first, last] = [Math.max(0, from - front.length), to - front.length];
    for (const [index, { name, start, end }] of places.entries()) {
      if (end <= first || start >= last) continue;
      const [begin, stop] = [Math.max(first, start) - start, Math.min(last, end) - start];
      if (name.endsWith('.attn.bias')) {
        yield maskBytes.subarray(begin, stop);
        continue;
      }
      const mean = /ln_.\.weight$/.test(name) ? 1 : 0;
      for (let block = Math.floor(begin / 4 / BLOCK); block * 4 * BLOCK < stop; block++) {
        const values = new Float32Array(Math.min(BLOCK, (end - start) / 4 - block * BLOCK));
        fillNormal(values, index * 4096 + block, mean);
        const offset = block * 4 * BLOCK;
        yield new Uint8Array(values.buffer).subarray(Math.max(0, begin - offset), stop - offset);
      }
    }
  }
  return { size: front.length + length, type: 'application/octet-stream', read };
}

/**
 * Writes a file that nobody sees half written.
 * @param {string} path
 * @param {Iterable<Uint8Array>} parts
 */
export function writeParts(path, parts) {
  const file = openSync(`${path}.part`, 'w');
  for (const bytes of parts) {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
}

/**
 * The hub's `config.json`.
 * @param {Shape} model
 */
export function checkpointConfig(model) {
  const config = {
    activation_function: 'gelu_new',
    architectures: ['GPT2LMHeadModel'],
    bos_token_id: 50256,
    eos_token_id: 50256,
    layer_norm_epsilon: 1e-5,
    model_type: 'gpt2',
    n_ctx: model.positions,
    n_embd: model.width,
    n_head: model.heads,
    n_layer: model.layers,
    n_positions: model.positions,
    vocab_size: VOCABULARY,
  };
  return JSON.stringify(config, null, 2);
}

/**
 * @param {string} out
 * @param {string} tokenizer folder with `tokenizer.json`
 * @param {Shape} [model]
 */
export function makeCheckpoint(out, tokenizer, model = GPT2_SMALL) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'config.json'), checkpointConfig(model));
  copyFileSync(join(tokenizer, 'tokenizer.json'), join(out, 'tokenizer.json'));
  const weights = join(out, 'model.safetensors');
  if (!existsSync(weights)) {
    const { size, read } = checkpointContent(model);
    writeParts(weights, /** @type {Iterable<Uint8Array>} */ (read(0, size)));
  }
  return out;
}

/**
 * Puts `vocab.json` and `merges.txt` in place of a folder's `tokenizer.json`, as older checkpoints have them.
 * @param {string} folder
 */
export function splitTokenizer(folder) {
  const path = join(folder, 'tokenizer.json');
  const { vocab, merges } = JSON.parse(readFileSync(path, 'utf8')).model;
  writeFileSync(join(folder, 'vocab.json'), JSON.stringify(vocab));
  const lines = merges.map((/** @type {string | string[]} */ merge) => [merge].flat().join(' '));
  writeFileSync(join(folder, 'merges.txt'), ['#version: 0.2', ...lines, ''].join('\n'));
  rmSync(path);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'target/bench/gpt2-small' },
      tokenizer: { type: 'string', default: 'www/models/built-in' },
    },
  });
  console.log(makeCheckpoint(values.out, values.tokenizer));
}
