// @ts-check
/** Starts the threads that compute beside the engine's own. */

/**
 * What a helper is told to begin with; `glue` is the URL of the build's script.
 * @typedef {{glue: string, module: WebAssembly.Module, memory: WebAssembly.Memory}} Start
 */

/** A thread that takes longer to start, in milliseconds, is done without. */
const START_LIMIT = 5000;

/**
 * @param {Start} start
 * @param {number} wanted
 * @param {(message: string) => void} died   told if a helper fails after it was counted on
 * @returns {Promise<{started: number, problem: string}>}   the first thing that went wrong, or an empty text
 */
export async function startHelpers(start, wanted, died) {
  const outcomes = await Promise.all(Array.from({ length: wanted }, () => startHelper(start, died)));
  const problems = outcomes.filter((outcome) => outcome !== null);
  return { started: wanted - problems.length, problem: problems[0] ?? '' };
}

/**
 * @param {Start} start
 * @param {(message: string) => void} died
 * @returns {Promise<string | null>} what went wrong
 */
function startHelper(start, died) {
  return new Promise((resolve) => {
    /** @type {Worker} */
    let worker;
    try {
      worker = new Worker(new URL('helper.js', import.meta.url), { type: 'module', name: 'headlight-helper' });
    } catch (error) {
      resolve(error instanceof Error ? error.message : String(error));
      return;
    }
    let tooLate = false;
    const timer = setTimeout(() => {
      tooLate = true;
      resolve(`no answer within ${START_LIMIT / 1000} seconds`);
    }, START_LIMIT);
    /** @param {string} problem */
    const settle = (problem) => {
      clearTimeout(timer);
      // A late one is not ended before now: it might have held the lock of the allocator that all threads share.
      if (problem || tooLate) worker.terminate();
      else {
        worker.onmessage = ({ data }) => died(data.problem);
        worker.postMessage('go');
      }
      resolve(problem || null);
    };
    worker.onmessage = ({ data }) => settle(data.problem);
    worker.onerror = (event) => {
      event.preventDefault();
      // A script that could not be fetched gives an event without a message.
      settle(event.message || 'its script could not be loaded');
    };
    worker.postMessage(start);
  });
}
