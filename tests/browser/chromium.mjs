// @ts-check
/** Starts the machine's own Chromium or Chrome; nothing is downloaded. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {}
    }
  }
  throw new Error('no Chromium or Chrome found; install one or set CHROMIUM to its path');
}

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A request to any other host must fail, on every machine alike.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** @param {string[]} [more] further arguments */
export function launch(more = []) {
  const start = () => chromium.launch({ executablePath: executable(), args: [...args, ...more] });
  // Now and then, Debian's Chromium crashes as it starts.
  return start().catch(start);
}

/**
 * A browser that keeps what it fetches in a folder, as a visitor's does.
 * @param {string} profile
 */
export function launchPersistent(profile) {
  return chromium.launchPersistentContext(profile, { executablePath: executable(), args });
}

/**
 * A browser that shows a page and that nothing drives.
 * @param {string} profile
 * @param {string} url
 */
export function start(profile, url) {
  const own = ['--headless', '--no-default-browser-check', `--user-data-dir=${profile}`];
  return spawn(executable(), [...args, ...own, url], { stdio: 'ignore' });
}
