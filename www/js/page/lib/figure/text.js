// @ts-check
/** Words in figures, whose widths nobody measures: they are reckoned in letters. */

/** Width of a letter at the figures' usual size, in px. */
export const letter = 6.6;

const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}]/u;

/** @param {string} text */
export function escapeXml(text) {
  return text
    .replace(/(?![\t\n\r])[\p{Cc}\p{Cs}\u{fffe}\u{ffff}]/gu, '�')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** How many letters wide a text is. @param {string} text */
export function letters(text) {
  let sum = 0;
  for (const character of text) sum += wide.test(character) ? 2 : 1;
  return sum;
}

/**
 * As much of a text as goes into some letters, with an ellipsis if that is not all.
 * @param {string} text
 * @param {number} most
 */
export function shorten(text, most) {
  if (letters(text) <= most) return text;
  let [kept, width] = ['', 0];
  for (const character of text) {
    width += letters(character);
    if (width > most - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/**
 * @param {string} text
 * @param {number} width   letters
 * @returns {string[]}
 */
export function wrap(text, width) {
  /** @type {string[]} */
  const lines = [];
  let line = '';
  for (const word of text.split(/(?<=\s)/)) {
    if (line !== '' && letters((line + word).trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += word;
    while (letters(line.trimEnd()) > width) {
      let end = '';
      for (const character of line) {
        if (end !== '' && letters(end + character) > width) break;
        end += character;
      }
      lines.push(end);
      line = line.slice(end.length);
    }
  }
  if (line.trim() !== '') lines.push(line.trimEnd());
  return lines;
}

/**
 * @param {number} x
 * @param {number} y          of the base line
 * @param {string} words
 * @param {{anchor?: 'middle' | 'end', fill?: string, bold?: boolean, size?: number, up?: boolean}} [look]   `up`: runs upwards
 */
export function text(x, y, words, { anchor, fill, bold, size, up } = {}) {
  const place = up ? `transform="translate(${round(x)} ${round(y)}) rotate(-90)"` : `x="${round(x)}" y="${round(y)}"`;
  const looks = [
    anchor ? ` text-anchor="${anchor}"` : '',
    fill ? ` fill="${fill}"` : '',
    bold ? ' font-weight="600"' : '',
    size ? ` font-size="${size}"` : '',
  ].join('');
  return `<text ${place}${looks}>${escapeXml(words)}</text>`;
}

/** Coordinates without digits that nobody could see. @param {number} value */
export const round = (value) => Math.round(value * 100) / 100;

export const grey = '#645e6b';
