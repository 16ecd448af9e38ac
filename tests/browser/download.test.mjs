// @ts-check
/**
 * Downloads from an imitation of the hub, and everything that can go wrong on the way. One page serves each table of
 * faults; every load has an engine of its own, and storage is cleared before it.
 */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { downloadErrors, pageTest } from './harness.mjs';
import { asHub, forgetAll, kept, loadFromHub, REPOSITORY, repository } from './hub.mjs';
import { serveHub } from './hub-server.mjs';

/** @typedef {import('../faults.mjs').Fault} Fault */
/** @typedef {import('./hub-server.mjs').HubAsked} HubAsked */

const repositories = { [REPOSITORY]: repository() };
const size = repositories[REPOSITORY].files['model.safetensors'].content.size;
const WEIGHTS = 'model.safetensors';

/** @type {(asked: HubAsked) => Fault | null} */
let fault = () => null;
const hub = await serveHub({ repositories, fault: (asked) => fault(asked) });
after(() => hub.close());
const options = {
  server: { replaced: asHub(hub.origin) },
  path: 'bench.html',
  origins: [hub.origin, hub.network],
  expected: downloadErrors,
};

/** The answer that a model gives which came undisturbed. @type {number[]} */
let undisturbed = [];

/**
 * A fault in the answer to the first request for weights beyond the header, or to the first few.
 * @param {Fault} wrong
 * @param {{host?: HubAsked['host'], times?: number}} [where]
 */
function once(wrong, { host = 'network', times = 1 } = {}) {
  let left = times;
  return (/** @type {HubAsked} */ asked) => {
    const isIt = asked.host === host && asked.file === WEIGHTS && !asked.range?.startsWith('bytes=0-') && left > 0;
    if (isIt) left -= 1;
    return isIt ? wrong : null;
  };
}

/** Ranges of weights that were asked of the content network. */
function ranges() {
  return hub.requests
    .filter(({ host, file }) => host === 'network' && file === WEIGHTS)
    .map(
      ({ range }) =>
        /** @type {number[]} */ (
          /^bytes=(\d+)-(\d+)$/
            .exec(range ?? '')
            ?.slice(1)
            .map(Number) ?? []
        ),
    );
}

/** What holds for every request that the page ever makes of the hub. */
function judgeRequests() {
  for (const { method, path, range, headers } of hub.requests) {
    assert.equal(method, 'GET', `C35: ${method} ${path}: a preflight, or worse`);
    assert.equal(headers.referer, undefined, 'F78: no referrer');
    assert.equal(headers.cookie, undefined, 'F78: no cookies');
    assert.equal(headers.authorization, undefined);
    assert.match(range ?? 'bytes=0-0', /^bytes=\d+-\d+$/, 'one range');
  }
}

/**
 * @param {import('playwright-core').Page} page
 * @param {typeof fault} wrong
 */
async function loadWith(page, wrong) {
  await forgetAll(page);
  hub.requests.length = 0;
  fault = wrong;
  try {
    return await loadFromHub(page, REPOSITORY);
  } finally {
    fault = () => null;
    judgeRequests();
  }
}

/** @type {{name: string, wrong: () => typeof fault, check?: (asked: number[][]) => void}[]} */
const passing = [
  {
    name: 'C28: a body cut short of its length goes on at the byte where it ended',
    // Slowly, because a browser may throw away what it has not passed on when the connection breaks.
    wrong: () => once({ truncate: 300_000, drip: { bytes: 50_000, milliseconds: 30 } }),
    check: (asked) =>
      assert.ok(
        asked.some(([from]) => from > 3_000 && asked.some(([other]) => from > other && from - other <= 300_000)),
      ),
  },
  { name: 'C28: a chunked body that breaks', wrong: () => once({ truncate: 300_000, end: 'chunked' }) },
  {
    name: 'C29: a body without a length that ends early as if it were whole',
    wrong: () => once({ truncate: 300_000, end: 'close' }),
  },
  {
    name: 'C29: a small file that ends early as if it were whole',
    wrong: () => {
      let left = 1;
      return ({ host, file, path }) =>
        host === 'hub' && file === 'tokenizer.json' && path.startsWith('/api/') && left-- > 0
          ? { truncate: 300_000, end: 'close' }
          : null;
    },
  },
  {
    name: 'C28: a network that is away for a moment does not make it begin anew',
    wrong: () => {
      const faults = [{ truncate: 300_000 }, ...Array(4).fill({ reset: true })];
      return ({ host, file, range }) =>
        host === 'network' && file === WEIGHTS && !range?.startsWith('bytes=0-') ? faults.shift() : null;
    },
    check: (asked) => assert.ok(asked.length > 3 && asked.every((range) => range.length === 2), 'never the whole file'),
  },
  { name: 'C28: a connection that is reset', wrong: () => once({ reset: true }, { times: 2 }) },
  { name: 'C30: a body that stalls with the connection open', wrong: () => once({ stall: 200_000 }) },
  { name: 'C30: an answer that does not begin', wrong: () => once({ delay: 4_000 }) },
  {
    name: 'C30: a slow body that never stops is waited for',
    wrong: () => once({ drip: { bytes: 100_000, milliseconds: 300 }, truncate: 1_200_000 }),
    check: (asked) => assert.ok(asked.length <= 6, `${asked.length} requests`),
  },
  {
    name: 'C31: a server that ignores ranges is read once',
    wrong: () => (asked) => (asked.host === 'network' && asked.file === WEIGHTS ? { ignoreRange: true } : null),
    check: (asked) => assert.ok(asked.length <= 2, `${asked.length} requests: the header, and the file`),
  },
  {
    name: 'C34: compressed ranges are given up for the whole file',
    wrong: () => (asked) => (asked.range && asked.file === WEIGHTS && asked.host === 'network' ? { gzip: true } : null),
  },
  {
    name: 'C36: an address that expired is asked for anew',
    wrong: () => once({ status: 403, type: 'application/xml' }),
  },
  { name: 'C37: 500 and 503 pass', wrong: () => once({ status: 503 }, { times: 3, host: 'hub' }) },
  { name: 'C37: 429 with a page passes', wrong: () => once({ status: 429 }, { host: 'hub' }) },
  { name: 'C35: a Content-Range that can’t be seen', wrong: () => once({ contentRange: '' }, { times: 99 }) },
];

pageTest('downloads that a fault only delays', { ...options, timeout: 300_000 }, async ({ page, t }) => {
  const { info, best, progress } = await loadWith(page, () => null);
  undisturbed = best;
  assert.equal(info.keeping.verified, 'stated');
  assert.equal(info.keeping.where, 'opfs');
  assert.ok(progress.every(({ loaded, total }) => loaded <= total || total === 0));
  const bytes = ranges().reduce((sum, [from, to]) => sum + to - from + 1, 0);
  assert.ok(bytes < size - 700_000, `masks are skipped: ${bytes} of ${size} bytes were asked for`);

  for (const { name, wrong, check } of passing) {
    await t.test(name, async () => {
      const { info, best, error, progress } = await loadWith(page, wrong());
      assert.equal(error, null);
      assert.deepEqual(best, undisturbed);
      assert.equal(info.keeping.verified, 'stated', 'the whole file’s hash was right');
      assert.ok(
        progress.every(({ loaded, total }) => loaded <= total || total === 0),
        'never beyond 100%',
      );
      check?.(ranges());
    });
  }
});

/** @type {{name: string, wrong: () => typeof fault, code: string, says?: RegExp, mayKeep?: boolean}[]} */
const failing = [
  { name: 'C32: a range from another place', wrong: () => once({ shift: 64 }), code: 'file-changed' },
  {
    name: 'C32: a file whose length changed in between',
    wrong: () => once({ contentRange: `bytes 2571-1051146/${size + 4}` }),
    code: 'file-changed',
  },
  { name: 'C33: 416', wrong: () => once({ status: 416 }), code: 'file-changed' },
  {
    name: 'C37: 404 of a file',
    wrong: () => once({ status: 404 }, { host: 'hub' }),
    code: 'file-missing',
    says: /404/,
    mayKeep: true,
  },
  {
    name: 'C37: 403',
    wrong: () => once({ status: 403 }, { host: 'hub' }),
    code: 'access-denied',
    says: /403/,
    mayKeep: true,
  },
  {
    name: 'C37: 500 that does not pass',
    wrong: () => once({ status: 500 }, { host: 'hub', times: 99 }),
    code: 'http-status',
    says: /500/,
    mayKeep: true,
  },
  {
    name: 'C37: 429 that does not pass',
    wrong: () => once({ status: 429 }, { host: 'hub', times: 99 }),
    code: 'too-many-requests',
    says: /429/,
    mayKeep: true,
  },
  {
    name: 'C38, C44: a page in place of weights',
    wrong: () => once({ type: 'text/html; charset=utf-8', body: '<!doctype html><h1>Sign in' }),
    code: 'html-instead-of-data',
    says: /web page/,
  },
  {
    name: 'C35: a content network that lets no page read',
    wrong: () => (asked) =>
      asked.host === 'network' ? { headers: { 'access-control-allow-origin': '' }, contentRange: 'bytes 0-0/1' } : null,
    code: 'offline',
    says: /could not be fetched/,
    mayKeep: true,
  },
  {
    name: 'C39: the right length, one wrong byte',
    wrong: () => (asked) => (asked.host === 'network' ? { flip: Math.floor(size / 2) } : null),
    code: 'hash-mismatch',
  },
];

pageTest('downloads that a fault ends', { ...options, timeout: 300_000 }, async ({ page, t }) => {
  for (const { name, wrong, code, says, mayKeep = false } of failing) {
    await t.test(name, async () => {
      const { error } = await loadWith(page, wrong());
      assert.equal(error?.code, code, error?.message);
      if (says) assert.match(error?.message ?? '', says);
      assert.doesNotMatch(error?.message ?? '', /undefined|\[object|NaN/);
      const { models, leftovers } = await kept(page);
      assert.ok(!models.some(({ complete }) => complete), 'nothing counts as kept');
      if (!mayKeep) assert.deepEqual({ models, leftovers }, { models: [], leftovers: 0 });
      const again = await loadFromHub(page, REPOSITORY);
      assert.deepEqual(again.error, null, 'the next attempt works');
      assert.equal(again.info.keeping.verified, 'stated');
    });
  }
});

pageTest(
  'C41: while there is no network it waits for as long as that takes, and goes on',
  {
    ...options,
    server: {
      replaced: {
        ...asHub(hub.origin),
        // Emulations of this do not reach into workers.
        'navigator.onLine === false': '/could not be fetched/.test(error.message)',
        'LONGEST_WAIT = 30_000': 'LONGEST_WAIT = 50',
      },
    },
  },
  async ({ page }) => {
    const faults = [
      { truncate: 300_000, drip: { bytes: 50_000, milliseconds: 30 } },
      ...Array(40).fill({ reset: true }),
    ];
    const { info, best, error, progress } = await loadWith(page, ({ host, file, range }) =>
      host === 'network' && file === WEIGHTS && !range?.startsWith('bytes=0-') ? faults.shift() : null,
    );
    assert.equal(error, null);
    assert.equal(info.keeping.verified, 'stated');
    assert.equal(best.length, 3);
    assert.ok(progress.some(({ waiting }) => waiting?.reason === 'offline' && waiting.until === null));
  },
);
