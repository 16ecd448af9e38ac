// @ts-check
/** What to say about a load that is going on. */
import { formatBytes } from './format.js';

/** @typedef {import('../../shared/models.js').LoadProgress} LoadProgress */

/** Milliseconds over which the rate is taken. */
const WINDOW = 5000;

/** How fast bytes come at present. */
export class Rate {
  /** @type {{time: number, loaded: number}[]} */
  #points = [];

  /**
   * Bytes a second over the last few seconds; null while that can't be told.
   * @param {number} time      milliseconds
   * @param {number} loaded    bytes so far
   */
  add(time, loaded) {
    const last = this.#points.at(-1);
    if (last && loaded < last.loaded) this.#points = [];
    this.#points.push({ time, loaded });
    while (this.#points.length > 2 && time - this.#points[1].time >= WINDOW) this.#points.shift();
    const first = this.#points[0];
    const elapsed = time - first.time;
    return elapsed < 500 ? null : ((loaded - first.loaded) * 1000) / elapsed;
  }
}

/**
 * "12 s", "3 min", "1 h 20 min"
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * @param {LoadProgress} progress
 * @param {number | null} rate   bytes a second
 */
export function describeAmount({ loaded, total, resumed, local }, rate) {
  if (total === 0) return loaded > 0 ? formatBytes(loaded) : 'You can write meanwhile.';
  const share = Math.min(1, loaded / total);
  const parts = [`${formatBytes(loaded)} of ${formatBytes(total)}, ${Math.floor(share * 100)}%`];
  if (rate && !local && loaded < total) {
    parts.push(`${formatBytes(Math.round(rate))}/s`, `${formatDuration((total - loaded) / rate)} left`);
  }
  if (resumed > 0 && !local) parts.push(`${formatBytes(resumed)} were here already`);
  return parts.join(' · ');
}

/**
 * @param {NonNullable<LoadProgress['waiting']>} waiting
 * @param {number} now   as `Date.now()` counts
 */
export function describeWaiting({ reason, message, until }, now) {
  const again = until === null ? '' : ` Going on in ${formatDuration((until - now) / 1000)}.`;
  switch (reason) {
    case 'offline':
      return 'No network. It goes on by itself when the network is back.';
    case 'other-tab':
      return 'Another tab is fetching this model; this one waits for it.';
    case 'too-many':
      return `The server wants a pause (${message}).${again}`;
    default:
      return `There was a hitch: ${message}.${again}`;
  }
}
