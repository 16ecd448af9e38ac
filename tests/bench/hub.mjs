// @ts-check
/**
 * What it takes to get a model from the hub, in memory and time: a checkpoint of GPT-2's exact layout, made while it is
 * served, through an imitation of the hub on this machine into a fresh browser, and again from what was kept there while the
 * hub is gone.
 *
 *   node tests/bench/hub.mjs [--model small|xl] [--variant NAME]
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launchPersistent } from '../browser/chromium.mjs';
import { largeFile, serveHub, smallFile } from '../browser/hub-server.mjs';
import { checkpointConfig, checkpointContent, GPT2_SMALL, GPT2_XL } from '../make-checkpoint.mjs';
import { serve } from '../serve.mjs';
import { about, processesOf, removeProfile } from './processes.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'small' },
    variant: { type: 'string', default: 'simd128' },
  },
});
const shape = values.model === 'xl' ? GPT2_XL : GPT2_SMALL;
const repository = `random/gpt2-${values.model}`;
const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** @type {Record<string, import('../browser/hub-server.mjs').HubFile>} */
const files = {
  'config.json': smallFile(checkpointConfig(shape)),
  'tokenizer.json': smallFile(readFileSync(join(root, 'www/models/built-in/tokenizer.json'))),
  'model.safetensors': largeFile(checkpointContent(shape)),
};
const hub = await serveHub({ repositories: { [repository]: { revision: 'a'.repeat(40), files } } });
const page = await serve({ isolated: true, replaced: { 'https://huggingface.co': hub.origin } });
const profile = mkdtempSync(join(tmpdir(), 'headlight-bench-'));

/** Bytes of memory that all processes of this browser hold, each shared page counted once in all. */
function memory() {
  let total = 0;
  for (const pid of processesOf(profile)) {
    const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(about(pid, 'smaps_rollup')) ?? [];
    total += 1024 * Number(kilobytes ?? 0);
  }
  return total;
}

/**
 * Loads the model in a fresh browser with what is kept in the profile.
 * @param {import('../../www/js/shared/models.js').ModelSource | null} source   null to look it up on the hub
 */
async function visit(source) {
  const context = await launchPersistent(profile);
  try {
    const tab = context.pages()[0] ?? (await context.newPage());
    tab.setDefaultTimeout(1_800_000);
    await tab.goto(`${page.url}bench.html`);
    await tab.waitForTimeout(500);
    const idle = memory();
    let peak = idle;
    const watch = setInterval(() => {
      peak = Math.max(peak, memory());
    }, 100);
    const found = await tab.evaluate(
      async ({ source, repository, variant }) => {
        const { Engine } = await import(new URL('js/page/engine.js', location.href).href);
        const engine = new Engine();
        engine.configure({ variant, threads: 1 });
        const start = performance.now();
        const model = source ? null : await engine.lookUp(repository);
        const info = await engine.load(source ?? { type: 'hub', model });
        const loaded = performance.now();
        const answer = await engine.suggest('The cat sat on the', 3);
        const times = { load: loaded - start, suggest: performance.now() - loaded };
        return { info, times, best: answer.candidates.map((/** @type {any} */ { token }) => token.id) };
      },
      { source, repository, variant: values.variant },
    );
    clearInterval(watch);
    return { ...found, above: peak - idle };
  } finally {
    await context.close();
  }
}

/** Seconds to read the file by plain `fetch` in the same browser, without doing anything with it. */
async function plainFetch() {
  const context = await launchPersistent(profile);
  try {
    const tab = context.pages()[0] ?? (await context.newPage());
    tab.setDefaultTimeout(1_800_000);
    await tab.goto(`${page.url}bench.html`);
    return await tab.evaluate(async (url) => {
      const start = performance.now();
      const reader = /** @type {ReadableStream} */ ((await fetch(url)).body).getReader();
      while (!(await reader.read()).done);
      return performance.now() - start;
    }, `${hub.origin}/${repository}/resolve/main/model.safetensors`);
  } finally {
    await context.close();
  }
}

/** @param {string} name @param {Awaited<ReturnType<typeof visit>>} visited */
function tell(name, { info, times, above, best }) {
  console.log(
    `${name}: loaded in ${(times.load / 1000).toFixed(2)} s, first suggestions ${times.suggest.toFixed(0)} ms (${best})`,
  );
  console.log(
    `  WebAssembly memory ${megabytes(info.memory)}, ${(info.memory / info.bytes).toFixed(3)} of the weights’ ${megabytes(info.bytes)}`,
  );
  console.log(
    `  the browser’s processes at their peak ${megabytes(above)} above idle, ${megabytes(above - info.memory)} beside WebAssembly`,
  );
  console.log(
    `  kept: ${info.keeping.where}, from what was kept: ${info.keeping.fromHere}, verified: ${info.keeping.verified}`,
  );
}

try {
  const { size } = files['model.safetensors'].content;
  const plain = values.model === 'xl' ? null : await plainFetch();
  if (plain) console.log(`plain fetch of ${megabytes(size)}: ${(plain / 1000).toFixed(2)} s`);
  const first = await visit(null);
  tell('first visit, from the hub', first);
  if (plain) console.log(`  ${(first.times.load / plain).toFixed(2)} of plain fetch`);
  await hub.close();
  const second = await visit({ type: 'kept', key: first.info.keeping.key });
  tell('second visit, the hub gone', second);
  if (plain) console.log(`  ${(second.times.load / plain).toFixed(2)} of plain fetch`);
  if (String(first.best) !== String(second.best)) throw new Error('the two visits suggest different words');
} finally {
  await Promise.allSettled([hub.close(), page.close()]);
  await removeProfile(profile);
}
