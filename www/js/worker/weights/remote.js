// @ts-check
/**
 * Files on a server, of which nothing is believed: what it announces is not what it sends, what it sends may be another
 * file, and it may stop at any byte. A reader gets each byte once and in order, or an error that says why not.
 *
 * Every request is one that browsers send to other origins without asking first: GET, with at most one range.
 */

import { codes, EngineError } from '../../shared/protocol.js';
import { partsOf } from './parts.js';
import { ATTEMPTS, Hitch, Patience, retryAfter } from './patience.js';

/** Milliseconds without a byte after which a connection is given up; a slow one is not. */
const STALL = 30_000;
/** Attempts at a body that ends too early as if that were its end: it may be cut on the way, or lie there so. */
const CLEAN_ENDS = 2;

/**
 * @typedef {object} RemoteOptions
 * @property {AbortSignal} signal
 * @property {import('./patience.js').OnWait} onWait
 * @property {RequestCache} [cache]   what the browser's own cache is asked; by default nothing
 * @property {number | null} [size]   the file's length, where it is known
 */

/** @typedef {import('./source.js').Take} Take */

/** One file. */
export class Remote {
  #url;
  #name;
  #options;
  #patience;
  /** Set where the server gives no ranges, or compresses them, which makes them useless. */
  #whole = false;
  /** Set once a range came. */
  #ranges = false;
  /** @type {number | null} */
  #size;

  /**
   * @param {URL} url
   * @param {RemoteOptions} options
   */
  constructor(url, options) {
    this.#url = url;
    this.#name = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
    this.#options = options;
    this.#size = options.size ?? null;
    this.#patience = new Patience(options.signal, options.onWait);
  }

  /** Whether any part costs as much as all that stands before it. */
  get whole() {
    return this.#whole;
  }

  /** The file's length, once a server has told it. */
  get size() {
    return this.#size;
  }

  /**
   * Passes on all bytes of a range.
   * @param {number} from
   * @param {number} to
   * @param {Take} take
   */
  async read(from, to, take) {
    const patience = this.#patience;
    let at = from;
    while (at < to) {
      try {
        // A server that never gave a range may yet give the whole file. One that did only has to be reached again.
        const whole = this.#whole || (!this.#ranges && patience.failures === ATTEMPTS - 1);
        const isWhole = this.#size === to && at === 0;
        await this.#attempt(whole || isWhole ? null : { from: at, to }, async (bytes, start) => {
          if (whole) this.#whole = true;
          const [first, last] = [Math.max(at - start, 0), Math.min(to - start, bytes.byteLength)];
          if (last <= first) return start + bytes.byteLength < to;
          await take(bytes.subarray(first, last), at);
          at += last - first;
          patience.progress();
          return at < to;
        });
        if (at < to) {
          throw new Hitch(codes.wrongSize, `${this.#name} ended after ${at} bytes of ${to}`, { attempts: CLEAN_ENDS });
        }
      } catch (error) {
        await patience.after(error);
      }
    }
  }

  /**
   * All bytes of a small file, or null if it is allowed to be missing and is.
   * @param {{limit: number, mayBeMissing?: boolean}} options   `limit` in bytes
   */
  async all({ limit, mayBeMissing = false }) {
    const patience = this.#patience;
    for (;;) {
      let whole = new Uint8Array(Math.min(this.#size ?? 0, limit));
      let length = 0;
      try {
        await this.#attempt(null, (bytes) => {
          const start = length;
          length += bytes.byteLength;
          if (length > limit) {
            throw new EngineError(codes.unexpected, `${this.#name} has more than ${limit} bytes`);
          }
          if (length > whole.byteLength) whole = grown(whole, Math.min(Math.max(length, 2 * whole.byteLength), limit));
          whole.set(bytes, start);
          return true;
        });
        if (this.#size !== null && length < this.#size) {
          const message = `${this.#name} ended after ${length} bytes of ${this.#size}`;
          throw new Hitch(codes.wrongSize, message, { attempts: CLEAN_ENDS });
        }
        return whole.subarray(0, length);
      } catch (error) {
        if (mayBeMissing && error instanceof EngineError && error.code === codes.missing) return null;
        await patience.after(error);
      }
    }
  }

  /**
   * One request.
   * @param {{from: number, to: number} | null} range   null for the whole file
   * @param {(bytes: Uint8Array<ArrayBuffer>, at: number) => Promise<boolean> | boolean} take   tells whether more is wanted
   */
  async #attempt(range, take) {
    const { signal, cache = 'no-store' } = this.#options;
    signal.throwIfAborted();
    const watchdog = new Watchdog(signal);
    /** @type {ReturnType<typeof partsOf> | undefined} */
    let parts;
    try {
      const response = await fetch(this.#url, {
        headers: range ? { range: `bytes=${range.from}-${range.to - 1}` } : {},
        cache,
        signal: watchdog.signal,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
      }).catch(() => {
        throw watchdog.failure(`no answer about ${this.#name}`, `${this.#name} could not be fetched`);
      });
      let at = this.#start(response, range);
      if (!response.body) throw new Hitch(codes.offline, `nothing came of ${this.#name}`);
      parts = partsOf(response.body);
      for (;;) {
        watchdog.wait();
        let bytes;
        try {
          bytes = await parts.read();
        } catch {
          const where = `after ${at} bytes of ${this.#name}`;
          throw watchdog.failure(`nothing more came ${where}`, `the connection broke ${where}`);
        }
        watchdog.rest();
        if (!bytes) return;
        const start = at;
        at += bytes.byteLength;
        if (this.#size !== null && at > this.#size) {
          throw new EngineError(codes.changed, `${this.#name} has more than the expected ${this.#size} bytes`);
        }
        if (!(await take(bytes, start))) return;
      }
    } finally {
      parts?.cancel().catch(() => {});
      watchdog.end();
    }
  }

  /**
   * The file's byte that the body begins with.
   * @param {Response} response
   * @param {{from: number, to: number} | null} range
   */
  #start(response, range) {
    const { status, headers } = response;
    const discard = (/** @type {EngineError} */ error) => {
      response.body?.cancel().catch(() => {});
      return error;
    };
    if (!response.ok) throw discard(this.#refusal(response));
    if (headers.get('content-type')?.startsWith('text/html')) {
      throw discard(new EngineError(codes.html, `the server sent a web page in place of ${this.#name}`));
    }
    if (range && status !== 206) this.#whole = true;
    if (status !== 206 || !range) return 0;
    if (headers.has('content-encoding')) {
      this.#whole = true;
      throw discard(new Hitch(codes.offline, `${this.#name} came compressed`, { atOnce: true }));
    }
    const header = headers.get('content-range');
    if (header === null && response.type === 'cors') {
      // Other origins' headers are hidden unless they say otherwise; their length is not.
      if (Number(headers.get('content-length')) === range.to - range.from) {
        this.#ranges = true;
        return range.from;
      }
      this.#whole = true;
      throw discard(new Hitch(codes.offline, `the range of ${this.#name} could not be told`, { atOnce: true }));
    }
    const told = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(header ?? '');
    if (!told || Number(told[1]) !== range.from) {
      throw discard(new EngineError(codes.changed, `the server sent another part of ${this.#name} than was asked for`));
    }
    const size = Number(told[3]);
    if (this.#size !== null && size !== this.#size) {
      throw discard(
        new EngineError(codes.changed, `${this.#name} has ${size} bytes where ${this.#size} were expected`),
      );
    }
    this.#size = size;
    this.#ranges = true;
    return range.from;
  }

  /** @param {Response} response */
  #refusal({ status, redirected, headers }) {
    const why = headers.get('x-error-code');
    const message = `the server answered ${status}${why ? ` (${why})` : ''} for ${this.#name}`;
    if (status === 429) {
      const wait = retryAfter(headers.get('retry-after'), Date.now());
      return new Hitch(codes.busy, message, { tooMany: true, retryAfter: wait });
    }
    if (status >= 500 || status === 408) {
      return new Hitch(codes.http, message, { retryAfter: retryAfter(headers.get('retry-after'), Date.now()) });
    }
    // The address that the hub redirects to holds for an hour; asked again, it gives another.
    if (status === 403 && redirected) return new Hitch(codes.http, message, { atOnce: true });
    if (status === 416) return new EngineError(codes.changed, `${this.#name} is shorter than was expected`);
    if (status === 401 || status === 403) return new EngineError(codes.denied, message);
    if (status === 404 || status === 410) return new EngineError(codes.missing, message);
    return new EngineError(codes.http, message);
  }
}

/**
 * A larger array that begins with the same bytes.
 * @param {Uint8Array} bytes
 * @param {number} length
 */
function grown(bytes, length) {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}

/** Gives a connection up when nothing comes for a while. One timer serves all parts of a body. */
class Watchdog {
  #controller = new AbortController();
  #outer;
  #stalled = false;
  /** When something was last waited for anew, or infinity. */
  #since = performance.now();
  /** @type {ReturnType<typeof setTimeout>} */
  #timer;
  #abort = () => this.#controller.abort(this.#outer.reason);

  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.#outer = signal;
    signal.addEventListener('abort', this.#abort, { once: true });
    this.#timer = setTimeout(this.#look, STALL);
  }

  get signal() {
    return this.#controller.signal;
  }

  /** Something should come from now on. */
  wait() {
    this.#since = performance.now();
  }

  /** Nothing is waited for. */
  rest() {
    this.#since = Number.POSITIVE_INFINITY;
  }

  /**
   * What a failure was: that nothing came, something else, or that it is not wanted any more.
   * @param {string} stalled
   * @param {string} broken
   */
  failure(stalled, broken) {
    return this.#outer.aborted ? this.#outer.reason : new Hitch(codes.offline, this.#stalled ? stalled : broken);
  }

  end() {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#abort);
    this.#controller.abort();
  }

  #look = () => {
    const left = this.#since + STALL - performance.now();
    this.#stalled = left <= 0;
    if (this.#stalled) this.#controller.abort();
    else this.#timer = setTimeout(this.#look, Math.min(left, STALL));
  };
}
