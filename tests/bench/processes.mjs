// @ts-check
/** A browser's processes, as Linux tells of them. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * What a file under `/proc` says of a process; nothing if that has ended meanwhile.
 * @param {string} pid
 * @param {string} name
 */
export function about(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/**
 * The numbers of all processes of the browser with this profile: they have it among their arguments, or come from one that has.
 * @param {string} profile
 */
export function processesOf(profile) {
  /** @type {Map<string, {parent: string, own: boolean}>} */
  const all = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [, parent = ''] = /^PPid:\s+(\d+)/m.exec(about(pid, 'status')) ?? [];
    all.set(pid, { parent, own: about(pid, 'cmdline').includes(profile) });
  }
  const belongs = (/** @type {string} */ pid) => {
    for (let at = all.get(pid); at; at = all.get(at.parent)) if (at.own) return true;
    return false;
  };
  return [...all.keys()].filter(belongs);
}

/**
 * Removes the profile of a browser whose first process has ended; the others write to it a little longer.
 * @param {string} profile
 */
export async function removeProfile(profile) {
  for (let tries = 100; processesOf(profile).length > 0 && tries > 0; tries--) await pause(50);
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
