// @ts-check
/** What the bench page does in a browser that no program drives; see `unwatched.mjs`. */

/** @param {string} name @param {unknown} value */
const tell = (name, value) => fetch(`/told/${name}/${encodeURIComponent(String(value))}`, { cache: 'no-store' });

/** Milliseconds after which the browser's own start, which keeps cores busy, is over: it is no part of loading. */
const START = 700;

while (!('bench' in globalThis)) await new Promise((resolve) => setTimeout(resolve, 20));
await new Promise((resolve) => setTimeout(resolve, START));
const { bench } = /** @type {any} */ (globalThis);
try {
  const { milliseconds, model } = await bench.load();
  await tell('memory', model.memory);
  await tell('loaded', milliseconds);
  await bench.prompt(Number(location.hash.slice(1)));
  await bench.warmUp();
  await tell('used', '');
} catch (/** @type {any} */ error) {
  await tell('failed', error.message);
}

export {};
