// @ts-check
/** Files that were dropped on the page, those in a folder included. */

/** Files in a folder beyond which it is hardly a model's. */
const MOST_FILES = 2000;

/** @param {DataTransfer | null} transfer */
export function holdsFiles(transfer) {
  return transfer?.types.includes('Files') ?? false;
}

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
export async function droppedFiles(transfer) {
  // What was dropped is only there until this function first waits.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  /** @type {File[]} */
  const files = [];
  for (const entry of entries) {
    if (entry instanceof File) files.push(entry);
    else if (entry?.isDirectory) await collect(/** @type {FileSystemDirectoryEntry} */ (entry), files);
    else if (entry) files.push(await fileOf(/** @type {FileSystemFileEntry} */ (entry)));
  }
  return files;
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File>} */
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/**
 * The files right in a folder; models have none further down.
 * @param {FileSystemDirectoryEntry} folder
 * @param {File[]} files
 */
async function collect(folder, files) {
  const reader = folder.createReader();
  while (files.length < MOST_FILES) {
    // It gives a hundred or so at a time, and none at the end.
    const entries = await /** @type {Promise<FileSystemEntry[]>} */ (
      new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    );
    if (entries.length === 0) return;
    for (const entry of entries) {
      if (entry.isFile) files.push(await fileOf(/** @type {FileSystemFileEntry} */ (entry)));
    }
  }
}
