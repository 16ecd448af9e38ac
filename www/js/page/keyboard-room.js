// @ts-check
/**
 * A phone's keyboard covers the lower part of the page, and only the visual viewport knows how much. While it is up, the
 * keys stand right above it, and the field gets no higher than what is left.
 */

/** Pixels; what bars of the browser take when they come and go is less. */
const LEAST_KEYBOARD = 120;
/** Pixels of the keys, and around the field. */
const KEYS = 72;
const MARGIN = 8;

/** @param {HTMLTextAreaElement} area the text area whose keyboard it is */
export function makeRoomForKeyboard(area) {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const root = document.documentElement;
  const update = () => {
    const covered = root.clientHeight - viewport.height - viewport.offsetTop;
    // A page that was zoomed in is small as well.
    const up =
      document.activeElement === area && viewport.scale < 1.05 && root.clientHeight - viewport.height >= LEAST_KEYBOARD;
    root.style.setProperty('--covered', `${up ? Math.max(0, Math.round(covered)) : 0}px`);
    root.style.setProperty('--visible', `${Math.round(viewport.height)}px`);
    const came = up && !('keyboard' in document.body.dataset);
    document.body.toggleAttribute('data-keyboard', up);
    // The whole field should be in view between the keys and the top, not only the line that is written on.
    const box = area.parentElement;
    if (!came || !box) return;
    if (area.selectionEnd === area.value.length) box.scrollTop = box.scrollHeight;
    const field = box.getBoundingClientRect();
    const top = viewport.offsetTop + MARGIN;
    const bottom = viewport.offsetTop + viewport.height - KEYS - MARGIN;
    if (field.top < top || field.bottom > bottom) scrollBy({ top: field.top - top, behavior: 'instant' });
  };
  viewport.addEventListener('resize', update);
  viewport.addEventListener('scroll', update);
  area.addEventListener('focus', update);
  area.addEventListener('blur', update);
}
