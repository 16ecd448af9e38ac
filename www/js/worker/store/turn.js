// @ts-check
/** Two tabs that want the same model: one fetches it, the other waits and then finds it kept. */

/** Milliseconds between looks at whether the other tab gets on. */
const LOOK_EVERY = 1000;
/** Milliseconds without any headway after which the other tab is taken for dead, though the browser says it lives. */
const PATIENCE = 15_000;

/**
 * Runs `work` when no other tab is at the same, or when the one that is does not get on.
 * @template T
 * @param {string} key
 * @param {AbortSignal} signal
 * @param {() => Promise<number>} headway   a number that changes as the other tab gets on
 * @param {(waiting: boolean) => void} report
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function inTurn(key, signal, headway, report, work) {
  if (!navigator.locks) return work();
  const release = await turn(`headlight-model-${key}`, signal, headway, report);
  try {
    return await work();
  } finally {
    release();
  }
}

/**
 * Resolves with what gives the lock back, once it is there or of no use.
 * @param {string} name
 * @param {AbortSignal} signal
 * @param {() => Promise<number>} headway
 * @param {(waiting: boolean) => void} report
 * @returns {Promise<() => void>}
 */
async function turn(name, signal, headway, report) {
  const request = new AbortController();
  /** @type {() => void} */
  let release = () => request.abort();
  let granted = false;
  const wait = new Promise((resolve) => {
    navigator.locks
      .request(name, { signal: request.signal }, () => {
        granted = true;
        resolve(undefined);
        return /** @type {Promise<void>} */ (
          new Promise((done) => {
            release = done;
          })
        );
      })
      .catch(() => resolve(undefined));
  });
  let last = -1;
  let since = Date.now();
  while (!granted) {
    await Promise.race([wait, new Promise((resolve) => setTimeout(resolve, last < 0 ? 50 : LOOK_EVERY))]);
    if (signal.aborted) {
      release();
      signal.throwIfAborted();
    }
    if (granted) break;
    const now = await headway().catch(() => last);
    if (now !== last) [last, since] = [now, Date.now()];
    if (Date.now() - since > PATIENCE) {
      request.abort();
      break;
    }
    report(true);
  }
  report(false);
  return () => release();
}
