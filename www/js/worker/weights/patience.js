// @ts-check
/** When to try again: longer and longer waits, and none at all while there is no network. */

import { codes, EngineError } from '../../shared/protocol.js';

/** Milliseconds before the second attempt; each further wait is twice as long, up to the longest. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
/** A server that is asked too often wants to be left alone for longer; the hub counts in windows of five minutes. */
const FIRST_WAIT_IF_TOO_MANY = 10_000;
const LONGEST_WAIT_IF_TOO_MANY = 300_000;
/** Attempts in a row that brought nothing, after which the visitor is asked. */
export const ATTEMPTS = 6;

/**
 * @typedef {import('../../shared/models.js').Waiting} Waiting
 * @typedef {(waiting: Waiting | null) => void} OnWait
 */

/** A failure that may pass by itself. */
export class Hitch extends EngineError {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{tooMany?: boolean, retryAfter?: number, atOnce?: boolean, attempts?: number}} [hints]
   *   `retryAfter` in milliseconds
   */
  constructor(code, message, { tooMany = false, retryAfter, atOnce = false, attempts = ATTEMPTS } = {}) {
    super(code, message);
    this.tooMany = tooMany;
    this.retryAfter = retryAfter;
    this.atOnce = atOnce;
    this.attempts = attempts;
  }
}

/**
 * How long to wait after so many attempts in a row that brought nothing.
 * @param {Hitch} hitch
 * @param {number} failures   1 after the first attempt
 * @param {number} chance     0 to 1: not all who were turned away together should come back together
 */
export function waitAfter(hitch, failures, chance) {
  if (hitch.atOnce && failures === 1) return 0;
  const longest = hitch.tooMany ? LONGEST_WAIT_IF_TOO_MANY : LONGEST_WAIT;
  if (hitch.retryAfter !== undefined) return Math.min(hitch.retryAfter, LONGEST_WAIT_IF_TOO_MANY);
  const first = hitch.tooMany ? FIRST_WAIT_IF_TOO_MANY : FIRST_WAIT;
  return Math.min(longest, first * 2 ** (failures - 1)) * (0.5 + 0.5 * chance);
}

/** Whoever asks for something over a network again and again. */
export class Patience {
  #signal;
  #onWait;
  #failures = 0;
  #gotSomething = false;

  /**
   * @param {AbortSignal} signal
   * @param {OnWait} onWait   told what is waited for, and null when it goes on
   */
  constructor(signal, onWait) {
    this.#signal = signal;
    this.#onWait = onWait;
  }

  /** Attempts in a row that brought nothing. */
  get failures() {
    return this.#failures;
  }

  /** Bytes came, so what stood in the way has passed. */
  progress() {
    this.#failures = 0;
    this.#gotSomething = true;
  }

  /**
   * Waits before the next attempt, or throws the error if another one is of no use.
   * @param {unknown} error
   */
  async after(error) {
    this.#signal.throwIfAborted();
    if (!(error instanceof Hitch)) throw error;
    if (error.code === codes.offline && navigator.onLine === false) {
      // Who has nothing yet had better know at once; who has half of it will want the other half.
      if (!this.#gotSomething) throw error;
      this.#onWait({ reason: 'offline', message: error.message, until: null });
      await this.#sleep(LONGEST_WAIT);
    } else {
      this.#failures += 1;
      if (this.#failures >= error.attempts) throw error;
      const time = waitAfter(error, this.#failures, Math.random());
      this.#onWait({
        reason: error.tooMany ? 'too-many' : 'hitch',
        message: error.message,
        until: Date.now() + time,
      });
      await this.#sleep(time);
    }
    this.#onWait(null);
  }

  /**
   * Ends early when the network is back.
   * @param {number} milliseconds
   */
  #sleep(milliseconds) {
    const signal = this.#signal;
    return /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer);
          self.removeEventListener('online', end);
          signal.removeEventListener('abort', end);
          if (signal.aborted) reject(signal.reason);
          else resolve();
        };
        const timer = setTimeout(end, milliseconds);
        self.addEventListener('online', end);
        signal.addEventListener('abort', end);
      })
    );
  }
}

/**
 * The wait that a server asks for, in milliseconds.
 * @param {string | null} header   seconds, or a date
 * @param {number} now
 */
export function retryAfter(header, now) {
  if (!header) return undefined;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}
