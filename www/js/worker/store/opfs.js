// @ts-check
/**
 * Files in the origin's private file system. A write that is interrupted leaves a part of the file, or the end of what was
 * there before, so nobody may trust a file for being there.
 */

/** @typedef {import('./store.js').Backend} Backend */

/** Sites that share an origin share its files, so the name tells whose they are. */
const FOLDER = 'headlight-models';
const PROBE = 'probe-';

/** @returns {Promise<Backend>} */
export async function openOpfs() {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  // Some browsers have folders but refuse to write in private windows; better to know now, unless something was written before.
  if ((await fileHandles()).length === 0) {
    // Other tabs may be at the same, and a file can be open only once.
    const probe = PROBE + crypto.randomUUID();
    await write(probe, new Uint8Array(1));
    await folder.removeEntry(probe);
  }

  async function fileHandles() {
    const handles = [];
    for await (const [name, handle] of folder.entries()) {
      if (handle.kind === 'file' && !name.startsWith(PROBE)) handles.push(/** @type {FileSystemFileHandle} */ (handle));
    }
    return handles;
  }

  /**
   * @param {string} name
   * @param {Uint8Array} bytes
   */
  async function write(name, bytes) {
    const file = await folder.getFileHandle(name, { create: true });
    const handle = await file.createSyncAccessHandle();
    try {
      const written = handle.write(bytes, { at: 0 });
      // Not before it is written, so that a page that ends in between has not lost a file that was there.
      handle.truncate(written);
      if (written !== bytes.byteLength) throw new DOMException(`only ${written} bytes`, 'QuotaExceededError');
      handle.flush();
    } finally {
      handle.close();
    }
  }

  return {
    kind: 'opfs',
    write,
    async read(name) {
      const handle = await folder.getFileHandle(name).catch(unlessMissing);
      return handle ? handle.getFile().catch(unlessMissing) : null;
    },
    async readInto(name, buffer) {
      const handle = await folder.getFileHandle(name).catch(unlessMissing);
      // Browsers that don't know the mode let only one tab read; the others then take the way through a blob.
      const open = /** @type {any} */ (handle)?.createSyncAccessHandle({ mode: 'read-only' }).catch(() => null);
      const access = /** @type {FileSystemSyncAccessHandle | null} */ (await open);
      if (!access) return null;
      try {
        const size = access.getSize();
        if (size > buffer.byteLength) return null;
        return buffer.subarray(0, access.read(buffer.subarray(0, size), { at: 0 }));
      } finally {
        access.close();
      }
    },
    async remove(name) {
      await folder.removeEntry(name).catch(unlessMissing);
    },
    async list() {
      const files = await Promise.all((await fileHandles()).map((handle) => handle.getFile().catch(unlessMissing)));
      return files.flatMap((file) => (file ? [{ name: file.name, size: file.size }] : []));
    },
  };
}

/** @param {any} error */
function unlessMissing(error) {
  if (error?.name !== 'NotFoundError') throw error;
  return null;
}
