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
const GPT2_SMALL = { layers: 12, heads: 12, width: 768, positions: 1024 };

/**
 * @param {Shape} shape
 * @returns {[string, number[]][]} name and shape, in the order of the hub's file: by name
 */
function tensors({ layers, width, positions }) {
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

/**
 * @param {string} path
 * @param {Shape} model
 */
function writeWeights(path, model) {
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, shape] of tensors(model)) {
    const start = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));

  const { positions } = model;
  const mask = new Float32Array(positions * positions);
  for (let row = 0; row < positions; row++) mask.fill(1, row * positions, row * positions + row + 1);
  const fill = normals();
  const piece = new Float32Array(1 << 20);

  const file = openSync(`${path}.part`, 'w');
  /** @param {Uint8Array} bytes */
  const write = (bytes) => {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  };
  write(length);
  write(json);
  for (const [name, shape] of tensors(model)) {
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
 * @param {string} tokenizer folder with `tokenizer.json`
 * @param {Shape} [model]
 */
export function makeCheckpoint(out, tokenizer, model = GPT2_SMALL) {
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
        n_ctx: model.positions,
        n_embd: model.width,
        n_head: model.heads,
        n_layer: model.layers,
        n_positions: model.positions,
        vocab_size: VOCABULARY,
      },
      null,
      2,
    ),
  );
  copyFileSync(join(tokenizer, 'tokenizer.json'), join(out, 'tokenizer.json'));
  const weights = join(out, 'model.safetensors');
  if (!existsSync(weights)) writeWeights(weights, model);
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
