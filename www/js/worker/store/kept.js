// @ts-check
/** What is kept in this browser, of all models. */

import { keyOfRecord, parsed, readRecord } from './shelf.js';
import { openStore } from './store.js';

/** @returns {Promise<import('../../shared/models.js').Kept>} */
export async function listKept() {
  const backend = await openStore();
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
  if (!backend) return { where: 'none', models: [], leftovers: 0, usage, quota };
  /** @type {Map<string, number>} */
  const sizes = new Map();
  let all = 0;
  for (const { name, size } of await backend.list()) {
    const key = parsed(name)?.key ?? keyOfRecord(name);
    if (key) sizes.set(key, (sizes.get(key) ?? 0) + size);
    all += size;
  }
  const models = [];
  for (const [key, bytes] of sizes) {
    const record = await readRecord(backend, key);
    if (!record) continue;
    const { name, repository, revision, complete, verified, since } = record;
    models.push({ key, name, repository, revision, complete, verified, since, bytes });
  }
  models.sort((a, b) => (a.since < b.since ? 1 : -1));
  const leftovers = all - models.reduce((sum, { bytes }) => sum + bytes, 0);
  return { where: backend.kind, models, leftovers, usage, quota };
}

/**
 * @param {string | null} key   null for everything
 */
export async function forget(key) {
  const backend = await openStore();
  if (!backend) return;
  for (const { name } of await backend.list()) {
    const owner = parsed(name)?.key ?? keyOfRecord(name);
    if (key === null || owner === key) await backend.remove(name);
  }
}
