// @ts-check
/** The command line on a small checkpoint in the hub's layout: what it prints, as text and as JSON. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Trace } from '../../www/js/shared/trace.js';
import { makeCheckpoint } from '../make-checkpoint.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const cli = resolve(root, process.env.HEADLIGHT_CLI ?? 'target/debug/headlight');
const folder = mkdtempSync(join(tmpdir(), 'headlight-cli-'));
const hub = makeCheckpoint(join(folder, 'hub'), join(root, 'www/models/built-in'), {
  layers: 2,
  heads: 2,
  width: 32,
  positions: 64,
});
const quantised = join(folder, 'int8');
const text = 'The cat sat on the mat';

/** @param {string[]} options */
function run(...options) {
  const { status, stdout, stderr } = spawnSync(cli, options, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** @param {string[]} options */
function json(...options) {
  const { status, stdout, stderr } = run(...options, '--json');
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test('quantize writes shards, a manifest that describes them, and a report', () => {
  const { status, stdout, stderr } = run('quantize', hub, quantised, '--name', 'small', '--licence', 'MIT');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /wte\.weight .* %/);
  const manifest = JSON.parse(readFileSync(join(quantised, 'manifest.json'), 'utf8'));
  assert.deepEqual([manifest.name, manifest.licence, manifest.config.n_layer], ['small', 'MIT', 2]);
  const listed = [...manifest.tokenizer, ...manifest.shards];
  for (const { file, size, sha256 } of listed) {
    const bytes = readFileSync(join(quantised, file));
    assert.equal(bytes.length, size);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
    assert.ok(size <= 16 * 2 ** 20);
  }
  assert.deepEqual(readdirSync(quantised).sort(), [...listed.map(({ file }) => file), 'manifest.json'].sort());
  // What is there is never overwritten.
  assert.notEqual(run('quantize', hub, quantised).status, 0);
});

test('verify tells what a folder holds, and what is wrong with it', () => {
  const { status, stdout, stderr } = run('verify', quantised);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /"small", [0-9]+ parameters/);
  assert.match(stdout, /licence: MIT/);
  assert.match(stdout, /files, .* MB: lengths, SHA-256, shapes and values are right/);
  assert.match(stdout, /after "The" comes ".+", with [0-9.]+ %/);
  assert.doesNotMatch(stdout, /note:/);

  const damaged = join(folder, 'damaged');
  const names = readdirSync(quantised);
  const shard = names.find((name) => name.endsWith('.safetensors')) ?? '';
  const says = (/** @type {(copy: string) => void} */ damage) => {
    cpSync(quantised, damaged, { recursive: true });
    damage(join(damaged, shard));
    const answer = run('verify', damaged);
    rmSync(damaged, { recursive: true });
    return answer;
  };
  writeFileSync(join(quantised, 'notes.txt'), '');
  assert.match(run('verify', quantised).stdout, /note: notes\.txt/);
  rmSync(join(quantised, 'notes.txt'));
  for (const [damage, pattern] of /** @type {[(copy: string) => void, RegExp][]} */ ([
    [rmSync, /No such file/],
    [(copy) => truncateSync(copy, 1000), /1000 bytes instead/],
    [(copy) => writeFileSync(copy, readFileSync(copy).fill(1, 5000, 5001)), /SHA-256/],
  ])) {
    const answer = says(damage);
    assert.equal(answer.status, 1);
    assert.match(answer.stderr, pattern);
    assert.ok(answer.stderr.includes(shard));
  }
  assert.match(run('verify', hub).stderr, /manifest\.json/);
});

test('a GGUF file is quantised and run', () => {
  const gguf = join(root, 'tests/golden/gguf/q8_0.gguf');
  const out = join(folder, 'from-gguf');
  const { status, stderr } = run('quantize', gguf, out);
  assert.equal(status, 0, stderr);
  const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
  assert.equal(manifest.name, 'q8_0');
  assert.deepEqual(
    manifest.tokenizer.map((/** @type {{file: string}} */ { file }) => file),
    ['vocab.json', 'merges.txt'],
  );
  assert.equal(run('verify', out).status, 0);
  assert.deepEqual(json('predict', out, 'abc'), json('predict', gguf, 'abc'));
  const f32 = json('predict', gguf, 'abc', '--f32');
  assert.ok(Math.abs(f32.top[0].logit - json('predict', gguf, 'abc').top[0].logit) < 0.5);
});

test('predict gives ids, and candidates in their order, in int8 and in f32', () => {
  const int8 = json('predict', quantised, text, '--top', '7');
  const f32 = json('predict', hub, text, '--top', '7', '--f32');
  assert.deepEqual(int8.ids, [464, 3797, 3332, 319, 262, 2603]);
  assert.deepEqual(f32.ids, int8.ids);
  for (const { top } of [int8, f32]) {
    assert.equal(top.length, 7);
    for (const [i, { id, token, logit, probability }] of top.entries()) {
      assert.ok(Number.isInteger(id) && (typeof token === 'string' || token === null));
      assert.ok(probability > 0 && probability < 1);
      assert.ok(i === 0 || logit <= top[i - 1].logit);
    }
    assert.ok(Math.abs(Math.exp(top[0].logit - top[6].logit) - top[0].probability / top[6].probability) < 1e-3);
  }
  assert.ok(Math.abs(int8.top[0].logit - f32.top[0].logit) < 0.1);
});

test('predict continues the text, and the same seed gives the same text', () => {
  const options = ['predict', quantised, text, '--generate', '12', '--seed', '3'];
  const { generated } = json(...options);
  assert.deepEqual(json(...options).generated, generated);
  assert.equal(generated.reason, 'limit');
  assert.equal(generated.ids.length, 12);
  assert.notDeepEqual(json(...options.slice(0, -1), '4').generated.ids, generated.ids);
  assert.match(run(...options).stdout, /\(limit\)/);
  assert.equal(json('predict', quantised, '- a dash first').ids.length, 4);
});

test('attention gives scores, masked scores and weights as rows', () => {
  const { ids, scores, masked, weights } = json('attention', quantised, text, '--layer', '1', '--head', '1');
  for (const rows of [scores, masked, weights]) {
    assert.equal(rows.length, ids.length);
    for (const row of rows) assert.equal(row.length, ids.length);
  }
  for (const [row, cells] of masked.entries()) {
    for (const [column, value] of cells.entries()) {
      assert.equal(value, column > row ? null : scores[row][column]);
      if (column > row) assert.equal(weights[row][column], 0);
    }
    const total = weights[row].reduce((/** @type {number} */ sum, /** @type {number} */ weight) => sum + weight, 0);
    assert.ok(Math.abs(total - 1) < 1e-5);
  }
  assert.match(run('attention', quantised, text, '--layer', '1', '--head', '1').stdout, /" mat" .* %/);
});

test('eval compares int8 with f32 by file and in all', () => {
  const file = join(folder, 'text.txt');
  writeFileSync(file, `${text}. `.repeat(30));
  const { files, all } = json('eval', hub, file);
  assert.equal(files.length, 1);
  assert.equal(files[0].file, 'text.txt');
  for (const figures of [files[0], all]) {
    assert.ok(figures.tokens > 150);
    // Random weights know next to nothing, and int8 changes little of it.
    assert.ok(figures.perplexity_f32 > 10_000);
    assert.ok(Math.abs(figures.perplexity_int8 / figures.perplexity_f32 - 1) < 0.01);
    assert.ok(figures.mean_kl > 0 && figures.mean_kl < 0.001, `mean KL ${figures.mean_kl}`);
    assert.ok(figures.kl_99 >= figures.mean_kl);
    assert.ok(figures.top1_agreement > 0.8 && figures.top1_agreement <= 1);
  }
  assert.match(run('eval', hub, file).stdout, /text\.txt/);
});

test('eval of a folder without f32 weights puts others in their place, the same each time', () => {
  const file = join(folder, 'text.txt');
  writeFileSync(file, `${text}. `.repeat(30));
  const [{ all: fromHub }, { all }] = [json('eval', hub, file), json('eval', quantised, file)];
  assert.deepEqual(json('eval', quantised, file).all, all);
  assert.equal(all.perplexity_int8, fromHub.perplexity_int8);
  // They are other weights, but no further from int8 than those that it was made of.
  assert.notEqual(all.perplexity_f32, fromHub.perplexity_f32);
  const ratio = all.mean_kl / fromHub.mean_kl;
  assert.ok(ratio > 0.7 && ratio < 1.4, `${ratio} of the divergence`);
});

test('keyboard counts words, hits and keystrokes, by file and in all', () => {
  const file = join(folder, 'messages.txt');
  writeFileSync(file, "I don't\n<|endoftext|>\n\nSee you at 5pm, ok?\n");
  const { files, all } = json('keyboard', quantised, file, '--tokens');
  assert.equal(files.length, 1);
  assert.equal(files[0].file, 'messages.txt');
  for (const counts of [files[0], all]) {
    // I, don, 't; See, you, at, 5pm, ok. What comes after the last word is not counted.
    assert.deepEqual([counts.words, counts.characters], [8, 7 + 18]);
    assert.ok(counts.best <= counts.shown && counts.shown <= 1);
    const users = /** @type {{shown: number, half_words: boolean, keystrokes: number, saved: number}[]} */ (
      counts.users
    );
    const ways = users.map((user) => [user.shown, user.half_words]);
    const expected = [false, true].flatMap((half) => [1, 3].map((shown) => [shown, half]));
    assert.deepEqual(ways, expected);
    for (const { keystrokes, saved } of users) {
      assert.ok(keystrokes > 0 && keystrokes <= counts.characters);
      assert.ok(Math.abs(saved - (1 - keystrokes / counts.characters)) < 1e-9);
    }
  }
  // With the whole vocabulary shown, every word that is one token is there at once: all but "5pm".
  const whole = json('keyboard', quantised, file, '--tokens', '--shown', '50257').all;
  assert.ok(Math.abs(whole.shown - 7 / 8) < 1e-9, `${whole.shown}`);
  assert.equal(json('keyboard', quantised, file, '--words', '4').all.words, 4);
  assert.match(run('keyboard', quantised, file).stdout, /messages\.txt .* %/);
});

test('a reader that has seen enough is no failure', () => {
  const command = `"${cli}" predict "${quantised}" "${text}" --top 20000 | head -n 1`;
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^rank/);
});

test('mistakes are answered in words', () => {
  for (const [options, says] of /** @type {[string[], RegExp][]} */ ([
    [['predict', join(folder, 'nowhere'), text], /nowhere/],
    [['keyboard', quantised, join(folder, 'no.txt')], /no\.txt/],
    [['attention', quantised, text, '--layer', '2', '--head', '0'], /no layer 2; there are 2/],
    [['predict', quantised, text, '--f32'], /config\.json/],
    [['predict', join(hub, 'model.safetensors'), text], /GGUF/],
    [['quantize', join(hub, 'config.json'), join(folder, 'none')], /JSON document; choose/],
    [['verify', folder], /manifest\.json/],
    [['predict', quantised, text, '--generate', '1', '--seed', '1', '--temperature=-1'], /temperature/],
  ])) {
    const { status, stderr } = run(...options);
    assert.equal(status, 1, stderr);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /panicked/);
  }
});

test('a trace answers as the model does', async () => {
  const { status, stdout, stderr } = run('trace', quantised, text);
  assert.equal(status, 0, stderr);
  const trace = Trace.read(stdout);
  assert.deepEqual([trace.text, trace.model.name, trace.model.layers, trace.model.heads], [text, 'small', 2, 2]);
  const predicted = json('predict', quantised, text, '--top', '5');
  assert.deepEqual(
    trace.tokens.map(({ id }) => id),
    predicted.ids,
  );
  assert.deepEqual(
    trace.guesses.slice(0, 5).map(({ token }) => token.id),
    predicted.top.map((/** @type {any} */ { id }) => id),
  );
  const size = trace.tokens.length;
  const last = size - 1;
  for (const [layer, head] of [
    [0, 1],
    [1, 0],
  ]) {
    const shown = json('attention', quantised, text, '--layer', String(layer), '--head', String(head));
    const map = await trace.inspect({ kind: 'attention', layer, head });
    shown.weights.flat().forEach((/** @type {number | null} */ weight, /** @type {number} */ index) => {
      assert.ok(Math.abs((weight ?? 0) - map.weights[index]) < 1e-6);
    });
    const rows = await trace.inspect({ kind: 'attention-rows', layers: [layer], heads: null, from: last, to: size });
    assert.deepEqual(rows.weights.subarray(head * size, (head + 1) * size), map.weights.slice(last * size));
    const cell = await trace.inspect({ kind: 'attention-cell', layer, head, row: last, column: 2 });
    assert.equal(cell.weight, map.weights[last * size + 2]);
    assert.ok(
      Math.abs(/** @type {number} */ (cell.exponential) / /** @type {number} */ (cell.total) - cell.weight) < 1e-6,
    );
    const sum = cell.products.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - cell.sum) < 1e-4 * cell.products.reduce((a, b) => a + Math.abs(b), 0));
  }
  const lens = await trace.inspect({ kind: 'lens', position: last, top: 5 });
  assert.equal(lens.depths.at(-1)?.guesses[0].token.id, predicted.top[0].id);
  const why = await trace.inspect({ kind: 'why', position: last, token: predicted.top[0].id });
  assert.ok(Math.abs(why.logit - predicted.top[0].logit) < 1e-4);
  const journey = await trace.inspect({ kind: 'journey', position: last, top: 5 });
  const block = await trace.inspect({ kind: 'journey-layer', position: last, layer: 1 });
  assert.deepEqual(block.output, journey.residuals.slice(-trace.model.width));
  await assert.rejects(trace.inspect({ kind: 'journey', position: 0, top: 5 }), { code: 'not-recorded' });
  await assert.rejects(trace.inspect({ kind: 'attention', layer: 0, head: 0, of: 'other' }), { code: 'not-recorded' });

  // Whatever else is in the file is refused.
  const data = JSON.parse(stdout);
  const broken = [
    '',
    '[]',
    'null',
    JSON.stringify({ ...data, version: 2 }),
    JSON.stringify({ ...data, tokens: data.tokens.slice(1) }),
    JSON.stringify({ ...data, tokens: [null] }),
    JSON.stringify({ ...data, guesses: [{}] }),
    JSON.stringify({ ...data, records: [{}] }),
    JSON.stringify({ ...data, model: { ...data.model, heads: 3 } }),
    stdout.replace(/"f32":"..../, '"f32":"'),
    stdout.replace(/"f32":"..../, '"f32":"****'),
    stdout.slice(0, -20),
  ];
  for (const file of broken) assert.throws(() => Trace.read(file), { code: 'invalid-trace' });
});
