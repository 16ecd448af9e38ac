// @ts-check
/** Building elements. Text goes in as text nodes only; attributes never hold styles, which the page's policy forbids. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean | null>} [attributes] `true` sets an empty attribute; `false` and null none
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * The element with this id, which the page must have.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return element;
}

/**
 * Runs a change, and scrolls so that whatever has the focus stays at its height on the screen: who is at work further
 * down should not see it move when something above it grows. The browsers' own anchoring does not act in every such
 * case, and in Safari in none.
 * @param {() => void} change
 */
export function keepFocusInPlace(change) {
  const focused = document.activeElement;
  const before = focused?.getBoundingClientRect().top ?? 0;
  change();
  const moved = (focused?.isConnected ? focused.getBoundingClientRect().top : before) - before;
  if (focused !== document.body && Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: 'instant' });
}

/**
 * Puts RGBA bytes on a canvas of exactly their size.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8ClampedArray<ArrayBuffer>} pixels (height, width, 4)
 * @param {number} width
 */
export function putPixels(canvas, pixels, width) {
  const height = pixels.length / 4 / width;
  // Setting a size clears and reallocates even if it is the same.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
}
