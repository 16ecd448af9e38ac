// @ts-check
/**
 * What run.mjs measures inside the browser, on `globalThis.bench`. It talks to the real worker through the page's own
 * client, so that messages, streaming and yielding are all in the figures.
 */
import { Engine } from '../js/page/engine.js';

// One token each, with the space before it.
const words = (
  'the of and to in that is was he for it with as his on be at by had not are but from or have an they which one you ' +
  'were her all she there would their we him been has when who will more no if out so said what up its about'
).split(' ');

const greedy = { temperature: 0, topK: 0, topP: 1, seed: 0 };

const engine = new Engine();

/**
 * A text of so many tokens, another one for each `variety` from its first token on, so that no cache helps.
 * @param {number} tokens
 * @param {number} variety
 */
function textOf(tokens, variety) {
  let state = variety * 2654435761 + 1;
  let text = '';
  for (let i = 0; i < tokens; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // The first token differs with certainty.
    text += ` ${words[i === 0 ? variety % words.length : (state >>> 8) % words.length]}`;
  }
  return text;
}

/** @param {string} base */
async function load(base) {
  const start = performance.now();
  const info = await engine.load(new URL(base, location.href).href);
  return { milliseconds: performance.now() - start, info };
}

/**
 * @param {number} tokens
 * @param {number} variety
 */
async function prefill(tokens, variety) {
  const start = performance.now();
  const { computed, milliseconds } = await engine.suggest(textOf(tokens, variety), 10);
  const wall = performance.now() - start;
  if (computed !== tokens) throw new Error(`${computed} tokens computed, not ${tokens}`);
  return { wall, engine: milliseconds, perSecond: (tokens / wall) * 1000 };
}

/**
 * Tokens per second of the pause between tokens, the first one left out: it pays for the prompt.
 * @param {number} context
 * @param {number} limit
 * @param {number} variety
 */
async function decode(context, limit, variety) {
  const text = textOf(context, variety);
  /** @type {number[]} */
  const times = [];
  // A long prompt reports its progress too.
  const { count, reason } = await engine.generate(text, greedy, limit, (progress) => {
    if ('token' in progress) times.push(performance.now());
  });
  if (count !== limit) throw new Error(`${count} tokens generated, not ${limit}: ${reason}`);
  return { perSecond: ((count - 1) * 1000) / (times[count - 1] - times[0]) };
}

/** @param {number} passes */
function roofline(passes) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('roofline-worker.js', import.meta.url));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ module: new URL('roofline.wasm', location.href).href, passes });
  });
}

Object.assign(globalThis, { bench: { load, prefill, decode, roofline, textOf } });
