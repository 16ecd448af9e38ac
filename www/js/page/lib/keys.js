// @ts-check
/**
 * What a key means in the text field. Keys by `code` are by place on the keyboard: with Alt held, a Mac types other
 * characters there.
 *
 * @typedef {{type: 'dismiss'} | {type: 'accept', slot: number | null} | {type: 'part'} | {type: 'select', by: number}} Action
 *   `accept` a slot from left to right, or null for the selected one; `part`: one word of it
 *
 * @typedef {object} Situation
 * @property {boolean} armed    Tab belongs to the suggestions
 * @property {boolean} shown    there are suggestions that were not put aside
 * @property {boolean} atEnd    the caret stands at the end of the text, with nothing selected
 */

/**
 * @param {Pick<KeyboardEvent, 'key' | 'code' | 'altKey' | 'ctrlKey' | 'metaKey' | 'shiftKey'>} event
 * @param {Situation} situation
 * @returns {Action | null}
 */
export function keyAction(event, { armed, shown, atEnd }) {
  const { key, code, altKey, ctrlKey, metaKey, shiftKey } = event;
  if (!altKey && !ctrlKey && !metaKey && !shiftKey) {
    if (key === 'Escape') return { type: 'dismiss' };
    return key === 'Tab' && armed && shown ? { type: 'accept', slot: null } : null;
  }
  if (altKey && !ctrlKey && !metaKey) {
    if (/^(Digit|Numpad)[123]$/.test(code)) return { type: 'accept', slot: Number(code.at(-1)) - 1 };
    if (code === 'BracketLeft' || key === '[') return { type: 'select', by: -1 };
    if (code === 'BracketRight' || key === ']') return { type: 'select', by: 1 };
    return null;
  }
  // Elsewhere these keys move the caret, as everywhere.
  const one = key === 'ArrowRight' && ctrlKey !== metaKey && !altKey && !shiftKey;
  return one && shown && atEnd ? { type: 'part' } : null;
}

/** Keys that are about to change the text. @param {KeyboardEvent} event */
export function edits(event) {
  // AltGr, which Windows reports as Ctrl+Alt, types characters; Alt alone belongs to menus and to the suggestions.
  const altGr = event.getModifierState('AltGraph');
  if (event.altKey && !altGr) return false;
  if (!altGr && (event.ctrlKey || event.metaKey)) return /^[vxyz]$/i.test(event.key);
  return event.key.length === 1 || /^(Backspace|Delete|Enter|Process|Unidentified)$/.test(event.key);
}
