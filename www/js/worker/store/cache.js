// @ts-check
/** The Cache API as a store, for browsers that keep no files in private windows. What is put there is there whole. */

/** @typedef {import('./store.js').Backend} Backend */

const CACHE = 'headlight-models';

/** @returns {Promise<Backend>} */
export async function openCache() {
  const cache = await caches.open(CACHE);
  /** An address within the page's own folder that nothing is ever fetched from. @param {string} name */
  const address = (name) => new URL(`kept/${encodeURIComponent(name)}`, import.meta.url).href;
  const read = async (/** @type {string} */ name) => (await cache.match(address(name)))?.blob() ?? null;
  await cache.put(address('probe'), new Response('1'));
  await cache.delete(address('probe'));
  return {
    kind: 'cache',
    read,
    async write(name, bytes) {
      await cache.put(address(name), new Response(/** @type {Uint8Array<ArrayBuffer>} */ (bytes)));
    },
    async remove(name) {
      await cache.delete(address(name));
    },
    async list() {
      const files = [];
      for (const { url } of await cache.keys()) {
        const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
        const blob = await read(name);
        if (blob) files.push({ name, size: blob.size });
      }
      return files;
    },
  };
}
