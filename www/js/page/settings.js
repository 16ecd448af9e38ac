// @ts-check
import { defaults, validSettings } from './lib/settings.js';

/** @typedef {import('./lib/settings.js').Settings} Settings */

const prefix = 'headlight.';

/**
 * What this page keeps in the browser, and only if the user says so. A browser may forbid it, or have no room; then nothing
 * is kept, and `write` says that.
 */
export const device = {
  /** @param {string} name @returns {unknown} undefined if there is nothing, or nothing that can be read */
  read(name) {
    try {
      return JSON.parse(localStorage.getItem(prefix + name) ?? 'null') ?? undefined;
    } catch {
      return undefined;
    }
  },
  /** @param {string} name @param {unknown} value */
  write(name, value) {
    try {
      localStorage.setItem(prefix + name, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  },
  /** @param {string} name */
  remove(name) {
    try {
      localStorage.removeItem(prefix + name);
    } catch {
      // What can't be reached can't have been written either.
    }
  },
};

/** The settings of this visit. Event: `change`, with the `Settings` before it as detail. */
export class SettingsKeeper extends EventTarget {
  /** @type {Readonly<Settings>} */
  #values = { ...defaults, ...validSettings(device.read('settings')) };
  /** Whether the browser kept what it was last asked to. */
  kept = true;

  get values() {
    return this.#values;
  }

  /** @param {Partial<Settings>} changes */
  set(changes) {
    const before = this.#values;
    this.#values = { ...before, ...validSettings(changes) };
    if (this.#values.remember) this.kept = device.write('settings', this.#values);
    else device.remove('settings');
    this.dispatchEvent(new CustomEvent('change', { detail: before }));
  }
}
