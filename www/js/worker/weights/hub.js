// @ts-check
/** The Hugging Face hub: what it says about a repository, and its files. */

import { isRepository } from '../../shared/models.js';
import { codes, EngineError } from '../../shared/protocol.js';
import { Remote } from './remote.js';

/**
 * @typedef {import('../../shared/models.js').HubModel} HubModel
 * @typedef {import('./source.js').Place} Place
 * @typedef {import('./source.js').Context} Context
 */

const HUB = 'https://huggingface.co';
/** What the hub says about a repository with many files may be long. */
const ANSWER = 16 << 20;
const NEEDED = ['config.json', 'model.safetensors', 'tokenizer.json', 'vocab.json', 'merges.txt'];

/**
 * A repository at one commit. Each request goes to the hub itself and follows its redirect anew, because the addresses that
 * it redirects to expire.
 * @param {HubModel} model
 * @param {Context} context
 * @returns {Place}
 */
export function hubRepository({ repository, revision }, { signal, report }) {
  return {
    local: false,
    open(name, { size = null } = {}) {
      const url = new URL(`/${repository}/resolve/${revision}/${encodeURIComponent(name)}`, HUB);
      return new Remote(url, { signal, size, onWait: (waiting) => report({ waiting }) });
    },
  };
}

/**
 * Asks the hub about a commit of a repository, the newest unless one is named, and the files in it.
 * @param {string} repository
 * @param {AbortSignal} signal
 * @param {string} [revision]
 * @returns {Promise<HubModel>}
 */
export async function lookUp(repository, signal, revision) {
  if (!isRepository(repository)) throw new EngineError(codes.noRepository, `${repository} is not a repository’s name`);
  // With `blobs`, it tells size and SHA-256 of each file.
  const commit = revision ? `/revision/${revision}` : '';
  const url = new URL(`/api/models/${repository}${commit}?blobs=true`, HUB);
  const answer = /** @type {Uint8Array} */ (await new Remote(url, { signal, onWait() {} }).all({ limit: ANSWER }));
  return described(repository, new TextDecoder().decode(answer));
}

/**
 * @param {string} repository
 * @param {string} json   the hub's answer
 * @returns {HubModel}
 */
export function described(repository, json) {
  const unusable = (/** @type {string} */ why) => new EngineError(codes.notThisKind, `${repository} ${why}`);
  /** @type {any} */
  let answer;
  try {
    answer = JSON.parse(json);
  } catch {
    throw unusable('could not be looked up: the answer is not JSON');
  }
  const { sha, config, gated, siblings, cardData } = answer ?? {};
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha)) throw unusable('has no commit');
  if (gated) throw unusable('asks for an account, which this page has none of');
  const type = String(config?.model_type ?? 'unknown');
  if (type !== 'gpt2') throw unusable(`is of the type ${type}, not gpt2`);
  const files = new Map();
  for (const { rfilename, size, lfs } of Array.isArray(siblings) ? siblings : []) {
    if (!NEEDED.includes(rfilename)) continue;
    const hash = String(lfs?.sha256 ?? '');
    files.set(rfilename, {
      name: rfilename,
      size: Number.isSafeInteger(size) && size >= 0 ? size : null,
      sha256: /^[0-9a-f]{64}$/.test(hash) ? hash : null,
    });
  }
  if (!files.has('model.safetensors')) throw unusable('has no model.safetensors');
  if (!files.has('config.json')) throw unusable('has no config.json');
  if (!files.has('tokenizer.json') && !(files.has('vocab.json') && files.has('merges.txt'))) {
    throw unusable('has no tokenizer.json, and not both vocab.json and merges.txt');
  }
  const licence = typeof cardData?.license === 'string' ? cardData.license : '';
  const name = repository.split('/')[1];
  return { repository, revision: sha, name, licence, pinned: false, files: [...files.values()] };
}
