// @ts-check
/**
 * Makes the page cross-origin isolated on hosts that can't send the headers for it. Browsers let WebAssembly have
 * threads only then. It answers nothing from a cache and keeps nothing; of all requests it touches only those for
 * documents and workers, which it passes on with headers added.
 *
 * To be rid of it: `?isolate=off` in the page's address removes it from one browser. Taking this file off the host
 * removes it from every browser at the next visit. Where the host sends the headers itself, no page registers it.
 */

/**
 * The page's own policy. The `<meta>` of index.html does not bind the page's workers, but a header of their script does.
 * The two must be equal.
 */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self' https://huggingface.co https://*.hf.co https://*.huggingface.co; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'";

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

// There is no state that an older version could still need.
worker.addEventListener('install', () => {
  worker.skipWaiting();
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const isDocument = request.mode === 'navigate';
  if (!isDocument && request.destination !== 'worker') return;
  const { origin, searchParams } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (isDocument && searchParams.get('isolate') === 'off') event.waitUntil(worker.registration.unregister());
  else event.respondWith(answer(request, event.clientId));
});

/**
 * @param {Request} request
 * @param {string} clientId
 */
async function answer(request, clientId) {
  const [response, isRemoved] = await Promise.all([fetch(request), request.mode === 'navigate' && isRemovedFromHost()]);
  if (isRemoved) {
    // Without headers this time: a page with them could start no workers once there is nobody to add them to theirs.
    await worker.registration.unregister();
    return response;
  }
  // The browser follows a redirect itself, and that comes here as a new request.
  if (response.type === 'opaqueredirect') return response;
  const headers = new Headers(response.headers);
  headers.set('cross-origin-opener-policy', 'same-origin');
  headers.set('cross-origin-embedder-policy', 'require-corp');
  if (await isUnderPolicy(request, clientId)) headers.append('content-security-policy', POLICY);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/**
 * The page and its workers; other documents in the same folder have policies of their own, which go for their workers.
 * @param {Request} request
 * @param {string} clientId   who starts the worker
 */
async function isUnderPolicy(request, clientId) {
  if (request.mode === 'navigate') return isPage(request.url);
  const client = await worker.clients.get(clientId);
  return client?.type !== 'window' || isPage(client.url);
}

/** @param {string} url */
function isPage(url) {
  const { origin, pathname } = new URL(url);
  const { scope } = worker.registration;
  return [scope, `${scope}index.html`].includes(origin + pathname);
}

/** Whether another site has come to this address, which must not go on being changed. */
async function isRemovedFromHost() {
  const response = await fetch(location.href, { cache: 'no-cache' }).catch(() => null);
  if (!response || response.status >= 500) return false;
  return !response.ok || !/javascript/.test(response.headers.get('content-type') ?? '');
}
