// @ts-check
/**
 * Sees to it that the page is cross-origin isolated, without which browsers allow no threads. Hosts that send no headers
 * for it get a service worker that adds them (`sw.js`), and since headers come with the page, the page is then loaded
 * once more: at once on the first visit, if nobody has touched it yet, and otherwise by the next visit.
 */
import { THREADS } from '../shared/probes.js';

/** One automatic reload in the life of a tab, whatever it brought. */
const RELOADED = 'headlight-reloaded';

/** A service worker that takes longer than this to start, in milliseconds, is of use from the next visit on. */
const PATIENCE = 3000;

const script = new URL('sw.js', document.baseURI).href;

let touched = false;

/** Whether the address says that the page is to do without. */
export const isolationIsOff = new URLSearchParams(location.search).get('isolate') === 'off';

/**
 * Resolves when the page is to go on as it is; if it is loaded again, never. To be called when all scripts are there,
 * because keeping the page after all means to stop whatever is being fetched.
 * @returns {Promise<void>}
 */
export async function isolate() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  try {
    if (isolationIsOff) await remove(serviceWorker);
    else if (wouldHelp(serviceWorker)) await add(serviceWorker);
  } catch {
    // Private windows and settings may forbid service workers. Nothing but speed is lost.
  }
}

/** @param {ServiceWorkerContainer} serviceWorker */
function wouldHelp(serviceWorker) {
  return (
    !crossOriginIsolated &&
    // If the headers are there already, this browser makes nothing of them.
    serviceWorker.controller?.scriptURL !== script &&
    // Within another page's frame it is that page's headers that count.
    window.top === window &&
    navigator.hardwareConcurrency > 1 &&
    WebAssembly.validate(THREADS)
  );
}

/** @param {ServiceWorkerContainer} serviceWorker */
async function add(serviceWorker) {
  const touch = firstTouch();
  await Promise.race([
    serviceWorker.register(script, { scope: './' }).then(() => serviceWorker.ready),
    touch,
    new Promise((resolve) => setTimeout(resolve, PATIENCE)),
  ]);
  const registration = await serviceWorker.getRegistration();
  if (!registration?.active || isTouched() || !isFirstReload()) return;
  location.reload();
  await touch;
  // Whoever has begun to write meanwhile keeps this page.
  stop();
}

/** @param {ServiceWorkerContainer} serviceWorker */
async function remove(serviceWorker) {
  const registration = await serviceWorker.getRegistration();
  if (registration?.active?.scriptURL === script) await registration.unregister();
}

/** Notes the reload that is to come; false if there was one, or if there is no way to know. */
function isFirstReload() {
  try {
    if (sessionStorage.getItem(RELOADED)) return false;
    sessionStorage.setItem(RELOADED, 'yes');
    return true;
  } catch {
    return false;
  }
}

/** Whether somebody has used the page, perhaps before any script ran, or the browser has put back what they wrote. */
function isTouched() {
  const field = document.querySelector('textarea');
  const inField = field !== null && (field.value !== '' || field === document.activeElement);
  return touched || inField;
}

/** @returns {Promise<void>} */
function firstTouch() {
  return new Promise((resolve) => {
    const listener = () => {
      touched = true;
      resolve();
    };
    for (const type of ['keydown', 'pointerdown', 'input', 'wheel']) {
      addEventListener(type, listener, { capture: true, once: true, passive: true });
    }
  });
}
