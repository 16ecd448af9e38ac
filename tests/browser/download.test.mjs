// @ts-check
/** Downloads from an imitation of the hub, and everything that can go wrong on the way. */
import { downloadErrors, pageTest } from './harness.mjs';
import { asHub, loadFromHub, REPOSITORY, repository } from './hub.mjs';
import { serveHub } from './hub-server.mjs';

const repositories = { [REPOSITORY]: repository() };
const size = repositories[REPOSITORY].files['model.safetensors'].content.size;

const hub = await serveHub({ repositories });
pageTest(
  'x',
  {
    server: { replaced: asHub(hub.origin) },
    path: 'bench.html',
    origins: [hub.origin, hub.network],
    expected: downloadErrors,
  },
  async ({ page }) => {
    let r = await loadFromHub(page, REPOSITORY);
    console.log(
      JSON.stringify(r.error),
      JSON.stringify(r.info),
      r.best,
      JSON.stringify(r.progress.at(-1)),
      r.progress.length,
    );
    console.log(size, hub.requests.map((q) => q.host + ' ' + q.method + ' ' + q.file + ' ' + q.range).join('\n'));
    hub.requests.length = 0;
    r = await loadFromHub(page, REPOSITORY);
    console.log(
      JSON.stringify(r.error),
      JSON.stringify(r.info),
      r.best,
      JSON.stringify(r.progress.at(-1)),
      r.progress.length,
    );
    console.log(size, hub.requests.map((q) => q.host + ' ' + q.method + ' ' + q.file + ' ' + q.range).join('\n'));
  },
);
