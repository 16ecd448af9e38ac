// @ts-check
/**
 * The part of the protocol that is about loading models and keeping them.
 *
 * @typedef {LoadRequest | CancelLoadRequest | LookUpRequest | KeptRequest | ForgetRequest} ModelRequest
 *
 * @typedef {{kind: 'load', source: ModelSource}} LoadRequest
 *   A model that is already loaded stays in use until the new one is complete. Progress: `LoadProgress`. Result:
 *   `ModelInfo`.
 * @typedef {{kind: 'cancel-load'}} CancelLoadRequest
 *   The pending load fails with code `cancelled`; what has been kept of it stays for the next time. Result: null.
 * @typedef {{kind: 'look-up', repository: string}} LookUpRequest
 *   Asks the hub about a repository (`owner/name`). Result: `HubModel`, without hashes that this project vouches for.
 * @typedef {{kind: 'kept'}} KeptRequest
 *   What is kept in this browser. Result: `Kept`.
 * @typedef {{kind: 'forget-model', key: string | null}} ForgetRequest
 *   Deletes one model, or everything. Result: `Kept`.
 *
 * @typedef {FolderSource | HubSource | FilesSource | KeptSource} ModelSource
 * @typedef {{type: 'folder', base: string}} FolderSource
 *   `base`: absolute URL of a folder, ending in `/`. A `manifest.json` there means quantised shards; otherwise the hub's
 *   layout (`config.json`, `model.safetensors`, `tokenizer.json` or `vocab.json` + `merges.txt`). Nothing of it is kept
 *   beyond the browser's own cache.
 * @typedef {{type: 'hub', model: HubModel}} HubSource   kept as it comes; what is kept already is not fetched again
 * @typedef {{type: 'files', files: File[]}} FilesSource
 *   Files from the visitor's disk: one of those layouts. Kept as it comes.
 * @typedef {{type: 'kept', key: string}} KeptSource
 *   Fails with `not-kept` if it is not there or not whole.
 *
 * @typedef {object} HubModel
 * @property {string} repository   `owner/name`
 * @property {string} revision     a commit, so that the files can't change
 * @property {string} name         what people call it
 * @property {string} licence      empty if unknown
 * @property {boolean} pinned      whether hashes and revision are this project's own, not what the hub says today
 * @property {HubFile[]} files     those that loading needs; none if the hub has yet to be asked about this commit
 *
 * @typedef {{name: string, size: number | null, sha256: string | null}} HubFile   null where it is not known
 *
 * @typedef {object} LoadProgress
 * @property {'manifest' | 'tokenizer' | 'weights' | 'check'} step
 * @property {number} loaded        bytes so far, those of an earlier visit included
 * @property {number} total         in all; 0 while unknown
 * @property {number} resumed       of `loaded`, those that were kept from an earlier visit
 * @property {boolean} local        whether the bytes come from this device
 * @property {Waiting | null} waiting
 *
 * @typedef {object} Waiting
 * @property {'offline' | 'hitch' | 'too-many' | 'other-tab'} reason
 * @property {string} message       what happened
 * @property {number | null} until  when it goes on, as `Date.now()` counts; null if that can't be said
 *
 * @typedef {object} Keeping        what became of a loaded model
 * @property {'opfs' | 'cache' | 'memory' | 'host'} where   `host`: the page's own host has it, and nothing more is kept
 * @property {string} key           of what is kept, empty if nothing is
 * @property {{code: string, message: string} | null} failure   why it could not be kept, though it should
 * @property {boolean} fromHere     whether it came from what was kept
 * @property {'pinned' | 'stated' | 'parts' | 'none'} verified
 *   What the file was compared with: this project's hash, the one that the hub stated, hashes only of the parts that an
 *   interrupted download was kept in, or nothing.
 *
 * @typedef {object} Kept
 * @property {'opfs' | 'cache' | 'none'} where
 * @property {KeptModel[]} models   the most recent first
 * @property {number} leftovers     bytes that belong to no model that this version knows
 * @property {number} usage         bytes that this origin takes, as far as the browser tells
 * @property {number} quota         bytes that it may take, 0 if unknown
 *
 * @typedef {object} KeptModel
 * @property {string} key
 * @property {string} name
 * @property {string} repository    empty if it came from disk
 * @property {string} revision
 * @property {boolean} complete     or it is an interrupted download
 * @property {number} bytes
 * @property {Keeping['verified']} verified
 * @property {string} since         ISO date and time
 */

/** A repository's name as the hub allows it; what it looks like decides nothing about what it holds. */
const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;

/** @param {string} name */
export function isRepository(name) {
  return REPOSITORY.test(name) && !/\.\.|--|\.git$|\.ipynb$/.test(name);
}
