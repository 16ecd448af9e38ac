// @ts-check
/**
 * A phone's keyboard covers the lower part of the page, and only the visual viewport knows how much. While it is up, the
 * keys stand right above it, and the field gets no higher than what is left.
 */

/** Pixels; what bars of the browser take when they come and go is less. */
const leastKeyboard = 120;

/** @param {HTMLElement} area the text area whose keyboard it is */
export function makeRoomForKeyboard(area) {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const root = document.documentElement;
  const update = () => {
    const covered = root.clientHeight - viewport.height - viewport.offsetTop;
    // A page that was zoomed in is small as well.
    const up =
      document.activeElement === area && viewport.scale < 1.05 && root.clientHeight - viewport.height >= leastKeyboard;
    root.style.setProperty('--covered', `${up ? Math.max(0, Math.round(covered)) : 0}px`);
    root.style.setProperty('--visible', `${Math.round(viewport.height)}px`);
    const came = up && !('keyboard' in document.body.dataset);
    document.body.toggleAttribute('data-keyboard', up);
    // The field as well as the keys should be in view, not only the line that is written on.
    if (came) area.parentElement?.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  };
  viewport.addEventListener('resize', update);
  viewport.addEventListener('scroll', update);
  area.addEventListener('focus', update);
  area.addEventListener('blur', update);
}
