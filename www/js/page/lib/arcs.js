// @ts-check
import { shorten } from './figure/text.js';

/**
 * @typedef {{from: number, to: number, side: 'looks' | 'seen', weight: number}} Arc
 *   `from` is a chosen token; it looks at `to`, or is looked at by it
 */

/** Of all attention, how much the lines may make up, in percent. */
export const shares = { least: 5, most: 100, step: 5, usual: 60 };

/**
 * The strongest looks of the chosen tokens, and at them, that together make up a share of all their attention.
 * @param {{size: number, weights: Float32Array}} map
 * @param {ReadonlySet<number>} chosen
 * @param {number} share  0 to 1
 * @returns {Arc[]} strongest first
 */
export function arcs({ size, weights }, chosen, share) {
  /** @type {Record<'looks' | 'seen', Arc[]>} */
  const all = { looks: [], seen: [] };
  for (const token of chosen) {
    if (token >= size) continue;
    for (let other = 0; other < size; other++) {
      const looks = weights[token * size + other];
      const seen = weights[other * size + token];
      if (looks > 0) all.looks.push({ from: token, to: other, side: 'looks', weight: looks });
      if (seen > 0) all.seen.push({ from: token, to: other, side: 'seen', weight: seen });
    }
  }
  return [...strongestShare(all.looks, share), ...strongestShare(all.seen, share)];
}

/**
 * @param {Arc[]} list
 * @param {number} share
 */
function strongestShare(list, share) {
  list.sort((a, b) => b.weight - a.weight);
  const whole = list.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  const end = list.findIndex(({ weight }) => {
    const enough = sum >= share * whole;
    sum += weight;
    return enough;
  });
  return end < 0 ? list : list.slice(0, end);
}

/** Lines that can still be told apart. */
const mostLines = 60;

/**
 * The strongest of some lines, if they are too many to be drawn.
 * @template {Arc} L
 * @param {readonly L[]} lines
 * @returns {readonly L[]}
 */
export function drawable(lines) {
  if (lines.length <= mostLines) return lines;
  return [...lines].sort((a, b) => b.weight - a.weight).slice(0, mostLines);
}

const all = 60;

/**
 * Tokens that are listed: all of a short text, of a long one those that a line leads to and those near the chosen ones.
 * @param {number} size
 * @param {ReadonlySet<number>} chosen
 * @param {readonly Arc[]} lines
 */
export function involved(size, chosen, lines) {
  if (size <= all) return Array.from({ length: size }, (_, index) => index);
  const found = new Set();
  for (const token of chosen) for (let near = token - 3; near <= token + 3; near++) found.add(near);
  for (const { to } of lines) found.add(to);
  return [...found].filter((token) => token >= 0 && token < size).sort((a, b) => a - b);
}

const line = 24; // px between tokens

/**
 * @template {Arc} L
 * @typedef {object} ArcPicture
 * @property {number} height   px
 * @property {{d: string, thickness: string, line: L}[]} curves
 * @property {{x: number, y: number, anchor: 'start' | 'middle' | 'end', kind: 'token' | 'chosen' | 'end', token: number, shown: string}[]} labels
 */

/**
 * Where everything is drawn: in the middle the tokens, on the left what the chosen ones look at, on the right who looks at them.
 * @template {Arc} L
 * @param {{tokens: readonly string[], chosen: ReadonlySet<number>, lines: readonly L[], width: number}} shown   `width` in px
 * @returns {ArcPicture<L>}
 */
export function arcPicture({ tokens, chosen, lines, width }) {
  const listed = involved(tokens.length, chosen, lines);
  const y = new Map(listed.map((token, place) => [token, (place + 0.5) * line + 4]));
  const [left, middle, right] = [0.25 * width, 0.5 * width, 0.75 * width];
  const gap = Math.min(52, 0.14 * width);
  const curves = lines.map((each) => {
    const [x1, x2] = each.side === 'looks' ? [middle - gap, left + 4] : [middle + gap, right - 4];
    const [y1, y2] = [y.get(each.from) ?? 0, y.get(each.to) ?? 0];
    const bend = (x1 + x2) / 2;
    const d = `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`;
    return { d, thickness: Math.max(0.75, each.weight * 9).toFixed(2), line: each };
  });
  const ends = {
    looks: new Set(lines.filter(({ side }) => side === 'looks').map(({ to }) => to)),
    seen: new Set(lines.filter(({ side }) => side === 'seen').map(({ to }) => to)),
  };
  /** @type {ArcPicture<L>['labels']} */
  const labels = [];
  for (const token of listed) {
    const here = { y: (y.get(token) ?? 0) + 4, token, shown: shorten(tokens[token], Math.floor(width / 42)) };
    labels.push({ ...here, x: middle, anchor: 'middle', kind: chosen.has(token) ? 'chosen' : 'token' });
    if (ends.looks.has(token)) labels.push({ ...here, x: left, anchor: 'end', kind: 'end' });
    if (ends.seen.has(token)) labels.push({ ...here, x: right, anchor: 'start', kind: 'end' });
  }
  return { height: listed.length * line + 8, curves, labels };
}
