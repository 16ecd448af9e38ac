// @ts-check
/** Two tabs that want the same model: one fetches it, the other waits and then finds it kept. */

/** Milliseconds between the signs of life of the tab that is at work. */
const BEAT = 1000;
/** Milliseconds without one after which it is taken for dead, though the browser says it holds the lock. */
const PATIENCE = 15_000;

/**
 * Runs `work` when no other tab is at the same, or when the one that is gives no sign of life.
 * @template T
 * @param {string} key
 * @param {AbortSignal} signal
 * @param {(waiting: boolean) => void} report
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function inTurn(key, signal, report, work) {
  if (!navigator.locks) return work();
  const name = `headlight-model-${key}`;
  const channel = new BroadcastChannel(name);
  try {
    const release = await turn(name, channel, signal, report);
    const beat = setInterval(() => channel.postMessage(null), BEAT);
    try {
      return await work();
    } finally {
      clearInterval(beat);
      release();
    }
  } finally {
    channel.close();
  }
}

/**
 * Resolves with what gives the lock back, once it is there or of no use.
 * @param {string} name
 * @param {BroadcastChannel} channel
 * @param {AbortSignal} signal
 * @param {(waiting: boolean) => void} report
 * @returns {Promise<() => void>}
 */
async function turn(name, channel, signal, report) {
  const request = new AbortController();
  /** @type {() => void} */
  let release = () => request.abort();
  let over = false;
  const granted = new Promise((resolve) => {
    const end = () => {
      over = true;
      resolve(undefined);
    };
    const hold = () => {
      end();
      return /** @type {Promise<void>} */ (
        new Promise((done) => {
          release = done;
        })
      );
    };
    // Where locks are refused, there is no turn to wait for.
    navigator.locks.request(name, { signal: request.signal }, hold).catch(end);
  });
  let alive = Date.now();
  channel.onmessage = () => {
    alive = Date.now();
  };
  let waiting = false;
  while (!over) {
    await Promise.race([granted, new Promise((resolve) => setTimeout(resolve, waiting ? BEAT : BEAT / 10))]);
    if (signal.aborted) {
      release();
      signal.throwIfAborted();
    }
    if (over) break;
    if (Date.now() - alive > PATIENCE) {
      request.abort();
      break;
    }
    if (!waiting) report(true);
    waiting = true;
  }
  if (waiting) report(false);
  return () => release();
}
