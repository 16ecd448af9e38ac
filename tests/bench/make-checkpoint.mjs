// @ts-check
/**
 * Writes a folder that looks like `openai-community/gpt2` on the hub to every program that reads it: the same tensors,
 * shapes, order and masks in `model.safetensors`, but seeded random weights. Speed and memory depend on nothing else.
 *
 *   node tests/bench/make-checkpoint.mjs [--out FOLDER] [--tokenizer FOLDER]
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const LAYERS = 12;
const WIDTH = 768;
const POSITIONS = 1024;
const VOCABULARY = 50257;
const DEVIATION = 0.02;

/** @returns {[string, number[]][]} name and shape, in the order of the hub's file: by name */
function tensors() {
  /** @type {[string, number[]][]} */
  const list = [
    ['ln_f.bias', [WIDTH]],
    ['ln_f.weight', [WIDTH]],
    ['wpe.weight', [POSITIONS, WIDTH]],
    ['wte.weight', [VOCABULARY, WIDTH]],
  ];
  for (let layer = 0; layer < LAYERS; layer++) {
    /** @type {[string, number[]][]} */
    const block = [
      ['attn.bias', [1, 1, POSITIONS, POSITIONS]],
      ['attn.c_attn.bias', [3 * WIDTH]],
      ['attn.c_attn.weight', [WIDTH, 3 * WIDTH]],
      ['attn.c_proj.bias', [WIDTH]],
      ['attn.c_proj.weight', [WIDTH, WIDTH]],
      ['ln_1.bias', [WIDTH]],
      ['ln_1.weight', [WIDTH]],
      ['ln_2.bias', [WIDTH]],
      ['ln_2.weight', [WIDTH]],
      ['mlp.c_fc.bias', [4 * WIDTH]],
      ['mlp.c_fc.weight', [WIDTH, 4 * WIDTH]],
      ['mlp.c_proj.bias', [WIDTH]],
      ['mlp.c_proj.weight', [4 * WIDTH, WIDTH]],
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

/** Fills arrays with normal numbers: 2^16 quantiles looked up by a xorshift generator, 124 million in about a second. */
function normals() {
  const table = Float32Array.from({ length: 65536 }, (_, i) => DEVIATION * quantile((i + 0.5) / 65536));
  let state = 0x9e3779b9;
  /** @param {Float32Array} out @param {number} mean */
  return (out, mean) => {
    let x = state;
    for (let i = 0; i < out.length; i += 2) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      out[i] = mean + table[x & 0xffff];
      out[i + 1] = mean + table[x >>> 16];
    }
    state = x;
  };
}

/** @param {string} path */
function writeWeights(path) {
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, shape] of tensors()) {
    const start = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));

  const mask = new Float32Array(POSITIONS * POSITIONS);
  for (let row = 0; row < POSITIONS; row++) mask.fill(1, row * POSITIONS, row * POSITIONS + row + 1);
  const fill = normals();
  const piece = new Float32Array(1 << 20);

  const file = openSync(`${path}.part`, 'w');
  /** @param {Uint8Array} bytes */
  const write = (bytes) => {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  };
  write(length);
  write(json);
  for (const [name, shape] of tensors()) {
    let left = shape.reduce((product, size) => product * size, 1);
    if (name.endsWith('.attn.bias')) {
      write(new Uint8Array(mask.buffer));
      continue;
    }
    const mean = /ln_.\.weight$/.test(name) ? 1 : 0;
    while (left > 0) {
      const part = piece.subarray(0, Math.min(left, piece.length));
      fill(part, mean);
      write(new Uint8Array(part.buffer, 0, part.byteLength));
      left -= part.length;
    }
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
}

/**
 * @param {string} out
 * @param {string} tokenizer folder with the tokenizer's files
 */
export function makeCheckpoint(out, tokenizer) {
  mkdirSync(out, { recursive: true });
  writeFileSync(
    join(out, 'config.json'),
    JSON.stringify(
      {
        activation_function: 'gelu_new',
        architectures: ['GPT2LMHeadModel'],
        bos_token_id: 50256,
        eos_token_id: 50256,
        layer_norm_epsilon: 1e-5,
        model_type: 'gpt2',
        n_ctx: POSITIONS,
        n_embd: WIDTH,
        n_head: 12,
        n_layer: LAYERS,
        n_positions: POSITIONS,
        vocab_size: VOCABULARY,
      },
      null,
      2,
    ),
  );
  const names = ['tokenizer.json', 'vocab.json', 'merges.txt'].filter((name) => existsSync(join(tokenizer, name)));
  if (names.length === 0) throw new Error(`no tokenizer files in ${tokenizer}`);
  for (const name of names) copyFileSync(join(tokenizer, name), join(out, name));
  const weights = join(out, 'model.safetensors');
  if (!existsSync(weights)) writeWeights(weights);
  return out;
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
