// @ts-check
/**
 * What is asked of GPT-2 small on two cores, beside what the bench found. Nothing fails on it, since machines differ.
 */
import { formatFigure, textTable } from '../../www/js/bench/figures.js';

/**
 * @typedef {{name: string, variant: string, threads: number}} Setting
 * @typedef {(column: string, figure: string) => number | undefined} Found   the median, if it was measured
 * @typedef {{least?: number, most?: number}} Limits
 * @typedef {{what: string, where: string, asked: string, found: number, met: boolean}} Verdict
 */

/** Columns of the tables that are not a build's. */
export const PAGE = { builtIn: 'built-in model', small: '124 M', heads: '48 x 25 heads' };
export const FILES = { stream: 'F32 while it arrives', again: 'from the cache', kept: 'kept by the page' };

/** @param {Setting} setting */
const relaxed = ({ variant }) => variant.startsWith('relaxed');
/** @param {Setting} setting */
const baseline = (setting) => !relaxed(setting);
const all = () => true;

/** @type {({what: string, id: string, of: (setting: Setting) => boolean} & Limits)[]} */
const ofBuilds = [
  { what: 'writing after 32 tokens / reading the weights', id: 'decode-short-of-matrices', of: relaxed, least: 0.85 },
  { what: 'writing after 32 tokens / reading the weights', id: 'decode-short-of-matrices', of: baseline, least: 0.5 },
  { what: 'writing after 32 tokens / reading other memory', id: 'decode-short-share', of: relaxed, least: 0.85 },
  { what: 'writing after 32 tokens / reading other memory', id: 'decode-short-share', of: baseline, least: 0.5 },
  { what: 'writing after 900 tokens / after 32', id: 'decode-long-ratio', of: all, least: 0.8 },
  { what: 'reading 128 tokens / arithmetic’s limit', id: 'prefill-128-share', of: relaxed, least: 0.5 },
  { what: 'reading 512 tokens / arithmetic’s limit', id: 'prefill-512-share', of: relaxed, least: 0.5 },
  { what: 'reading 128 tokens / arithmetic’s limit', id: 'prefill-128-share', of: baseline, least: 0.6 },
  { what: 'reading 512 tokens / arithmetic’s limit', id: 'prefill-512-share', of: baseline, least: 0.6 },
  { what: 'step of 4 continuations / of one', id: 'branches-ratio', of: all, most: 1.5 },
  { what: 'renderer’s peak, loaded, MiB', id: 'peak-loaded', of: all, most: 320 },
  { what: 'load, s', id: 'load', of: all, most: 0.8 },
  { what: 'module, gzip -9, kB', id: 'gzip', of: all, most: 900 },
];

/** At 60 a second, with what a clock that counts in tenths may add. */
const FRAME = 16.8; // ms

/** @type {({what: string, column: string, id: string} & Limits)[]} */
const ofTheRest = [
  { what: 'load of what the page kept, s', column: FILES.kept, id: 'load-time', most: 0.5 },
  { what: 'load from the browser’s cache, s', column: FILES.again, id: 'load-time', most: 0.5 },
  { what: 'keystroke to suggestions, ms', column: PAGE.small, id: 'keystroke', most: 60 },
  {
    what: 'a letter that agrees, to the keys that it agrees with, ms',
    column: PAGE.builtIn,
    id: 'bar-agreeing',
    most: 4,
  },
  { what: 'a new word, to all keys, ms', column: PAGE.builtIn, id: 'bar-new', most: 40 },
  { what: 'a new word, 95 of 100 within, ms', column: PAGE.builtIn, id: 'bar-new-p95', most: 80 },
  { what: 'a key press, later to its frame while generating, ms', column: PAGE.builtIn, id: 'bar-delay', most: FRAME },
  { what: 'the last row of all heads, ms', column: PAGE.small, id: 'inside-rows', most: 30 },
  { what: 'one head, 1,024 x 1,024, ms', column: PAGE.small, id: 'inside-map', most: 60 },
  { what: 'logit lens of one position, ms', column: PAGE.small, id: 'inside-lens', most: 60 },
  ...[PAGE.small, PAGE.heads].flatMap((column) => [
    { what: 'pointer over the grid, 95 of 100 frames, ms', column, id: 'frames-hover-95', most: FRAME },
    { what: 'the grid scrolls, 95 of 100 frames, ms', column, id: 'frames-scroll-95', most: FRAME },
  ]),
  { what: 'loaded to first suggestions, ms', column: PAGE.builtIn, id: 'first-suggestion', most: 400 },
];

/**
 * @param {string} what
 * @param {string} where
 * @param {number | undefined} found
 * @param {Limits} limits
 * @returns {Verdict[]} none for what was not measured
 */
function verdict(what, where, found, { least, most }) {
  if (found === undefined) return [];
  const asked = least === undefined ? `at most ${most}` : `at least ${least}`;
  return [{ what, where, asked, found, met: found >= (least ?? -Infinity) && found <= (most ?? Infinity) }];
}

/**
 * @param {readonly Setting[]} settings
 * @param {Found} found
 */
export function judge(settings, found) {
  const one = settings.find(({ variant }) => variant === 'relaxed');
  const several = settings.findLast(({ variant }) => variant === 'relaxed-threads');
  const [busyOne, busySeveral] = [one, several].map((setting) => setting && found(setting.name, 'busy'));
  return [
    ...ofBuilds.flatMap(({ what, id, of, ...limits }) =>
      settings.filter(of).flatMap(({ name }) => verdict(what, name, found(name, id), limits)),
    ),
    ...ofTheRest.flatMap(({ what, column, id, ...limits }) => verdict(what, column, found(column, id), limits)),
    ...(several && busyOne && busySeveral
      ? verdict('writing on busy cores / with one thread', several.name, busySeveral / busyOne, { least: 0.7 })
      : []),
  ];
}

/**
 * What is asked, and below it what was found in each place.
 * @param {readonly Verdict[]} verdicts
 */
export function verdictTable(verdicts) {
  const asked = new Map(verdicts.map((verdict) => [`${verdict.what}: asked ${verdict.asked}`, verdict]));
  return [...asked]
    .map(([title, { what, asked }]) => {
      const rows = verdicts
        .filter((verdict) => verdict.what === what && verdict.asked === asked)
        .map(({ where, found, met }) => [`    found in ${where}`, formatFigure(found), met ? '' : 'missed']);
      return `${title}\n${textTable(rows)}`;
    })
    .join('\n');
}
