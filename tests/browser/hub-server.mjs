// @ts-check
/**
 * The Hugging Face hub as a browser meets it, on 127.0.0.1: one origin that knows repositories and redirects, and another,
 * like its content network, that has the large files behind signed addresses that expire. Both refuse every request that
 * the real ones are known to fail: preflights, and files without a valid signature.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { contentOf, refuse, sendContent } from '../faults.mjs';

/**
 * @typedef {import('../faults.mjs').Fault} Fault
 * @typedef {import('../faults.mjs').Content} Content
 *
 * @typedef {object} HubFile
 * @property {Content} content
 * @property {string} [sha256]   of a large file; it is then kept as the hub keeps those, behind a redirect
 *
 * @typedef {object} Repository
 * @property {string} revision   the commit that `main` stands for
 * @property {Record<string, HubFile>} files
 * @property {string} [licence]
 * @property {string} [type]     the config's `model_type`, `gpt2` by default
 * @property {boolean} [gated]
 *
 * @typedef {{host: 'hub' | 'network', method: string, path: string, file: string, range: string | undefined,
 *   headers: import('node:http').IncomingHttpHeaders}} HubAsked
 *   `file`: the repository's file that this is about, empty for questions about the repository
 *
 * @typedef {object} HubOptions
 * @property {Record<string, Repository>} repositories   by `owner/name`
 * @property {number} [lifetime]   milliseconds for which a signed address holds
 * @property {(asked: HubAsked) => Fault | null | undefined} [fault]   asked for every request
 */

const EXPOSED =
  'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash';

/**
 * A large file.
 * @param {Content} content
 * @returns {HubFile}
 */
export function largeFile(content) {
  const hash = createHash('sha256');
  for (const part of /** @type {Iterable<Uint8Array>} */ (content.read(0, content.size))) hash.update(part);
  return { content, sha256: hash.digest('hex') };
}

/**
 * A file that git itself keeps.
 * @param {string | Uint8Array} body
 * @returns {HubFile}
 */
export function smallFile(body) {
  return { content: contentOf(body, 'text/plain; charset=utf-8') };
}

/** @param {HubOptions} options */
export async function serveHub({ repositories, lifetime = 3_600_000, fault }) {
  /** @type {HubAsked[]} */
  const requests = [];
  /** Signatures given out, and when they end. @type {Map<string, {file: HubFile, name: string, until: number}>} */
  const signed = new Map();
  let networkOrigin = '';

  /**
   * @param {'hub' | 'network'} host
   * @param {import('node:http').IncomingMessage} request
   * @param {string} path
   * @param {string} file
   */
  function note(host, request, path, file) {
    const { method = 'GET', headers } = request;
    const asked = { host, method, path, file, range: headers.range, headers };
    requests.push(asked);
    return fault?.(asked) ?? {};
  }

  /** @type {Handler} */
  async function hub(request, response) {
    const url = new URL(request.url ?? '/', 'http://hub');
    const { origin } = request.headers;
    response.setHeader('vary', 'Origin');
    if (origin) response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', EXPOSED);
    response.setHeader('access-control-max-age', '86400');
    response.setHeader('x-request-id', `Root=1-${randomBytes(12).toString('hex')}`);
    response.setHeader('ratelimit', '"resolvers";r=2997;t=258');
    response.setHeader('ratelimit-policy', '"fixed window";"resolvers";q=3000;w=300');
    const api = /^\/api\/models\/([^/]+\/[^/]+)(?:\/revision\/([^/]+))?$/.exec(url.pathname);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/.exec(url.pathname);
    const file = resolve?.[3] ?? cached?.[3] ?? '';
    const wrong = note('hub', request, url.pathname, file);
    if (request.method === 'OPTIONS') return refuse(response, 403, 'no preflights here');
    if (Object.keys(wrong).length > 0 && !cached) {
      return sendContent(request, response, contentOf('', 'text/html'), wrong);
    }

    const [, name, revision] = api ?? resolve ?? cached ?? [];
    const repository = repositories[name];
    if (!repository || (revision && revision !== 'main' && revision !== repository.revision)) {
      response.setHeader('x-error-code', repository ? 'RevisionNotFound' : 'RepoNotFound');
      response.setHeader('x-error-message', repository ? 'Invalid rev id' : 'Repository not found');
      return refuse(response, repository ? 404 : 401, 'Invalid username or password.');
    }
    response.setHeader('x-repo-commit', repository.revision);
    if (api) return describe(response, name, repository, url.searchParams.get('blobs') === 'true');
    if (repository.gated) {
      response.setHeader('x-error-code', 'GatedRepo');
      return refuse(response, 401, 'Access to this model is restricted');
    }
    const found = Object.hasOwn(repository.files, file) ? repository.files[file] : null;
    if (!found) {
      response.setHeader('x-error-code', 'EntryNotFound');
      response.setHeader('x-error-message', 'Entry not found');
      return refuse(response, 404, 'Entry not found', { type: 'text/plain; charset=utf-8', body: 'Entry not found' });
    }
    if (cached) return sendContent(request, response, found.content, wrong);
    response.setHeader('accept-ranges', 'bytes');
    if (found.sha256 === undefined) {
      const etag = `"${createHash('sha1')
        .update(name + file)
        .digest('hex')}"`;
      const query = new URLSearchParams({ etag });
      const location = `/api/resolve-cache/models/${name}/${repository.revision}/${file}?${query}`;
      response.writeHead(307, { location, etag, 'content-type': 'text/plain; charset=utf-8' });
      return response.end(`Temporary Redirect. Redirecting to ${location}`);
    }
    const signature = randomBytes(16).toString('hex');
    const until = Date.now() + lifetime;
    signed.set(signature, { file: found, name: file, until });
    const query = new URLSearchParams({ Expires: String(Math.floor(until / 1000)), Signature: signature });
    response.writeHead(302, {
      location: `${networkOrigin}/xet-bridge-us/${createHash('sha1').update(name).digest('hex')}/${networkTag(found)}?${query}`,
      etag: `"${found.sha256}"`,
      'x-linked-etag': `"${found.sha256}"`,
      'x-linked-size': found.content.size,
      'content-type': 'text/plain; charset=utf-8',
    });
    return response.end();
  }

  /** @type {Handler} */
  async function network(request, response) {
    const url = new URL(request.url ?? '/', 'http://network');
    const grant = signed.get(url.searchParams.get('Signature') ?? '');
    const wrong = note('network', request, url.pathname, grant?.name ?? '');
    // A test may have it not let pages read.
    if (wrong.headers?.['access-control-allow-origin'] !== '') {
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('access-control-expose-headers', '*');
    }
    if (request.method === 'OPTIONS') return refuse(response, 403, 'no preflights here');
    if (!grant || grant.until < Date.now()) {
      const body = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>';
      return refuse(response, 403, 'Access denied', { type: 'application/xml', body });
    }
    response.setHeader('etag', `"${networkTag(grant.file)}"`);
    response.setHeader('content-disposition', `inline; filename="${grant.name}"`);
    return sendContent(request, response, grant.file.content, wrong);
  }

  const servers = [await listen(hub), await listen(network)];
  const [origin, second] = servers.map(({ origin }) => origin);
  networkOrigin = second;
  return {
    /** stands for https://huggingface.co */
    origin,
    /** stands for the hosts of large files */
    network: second,
    /** every request so far, oldest first */
    requests,
    /** Signed addresses that are out stop working. */
    expire: () => signed.clear(),
    close: async () => {
      await Promise.all(servers.map(({ close }) => close()));
    },
  };
}

/** @typedef {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => unknown} Handler */

/**
 * What the hub's API tells of a repository.
 * @param {import('node:http').ServerResponse} response
 * @param {string} name
 * @param {Repository} repository
 * @param {boolean} blobs
 */
function describe(response, name, { revision, files, licence, type = 'gpt2', gated }, blobs) {
  const siblings = Object.entries(files).map(([rfilename, { content, sha256 }]) => ({
    rfilename,
    ...(blobs && { size: content.size, blobId: createHash('sha1').update(rfilename).digest('hex') }),
    ...(blobs && sha256 && { lfs: { sha256, size: content.size, pointerSize: 134 } }),
  }));
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.end(
    JSON.stringify({
      id: name,
      modelId: name,
      sha: revision,
      private: false,
      gated: gated ? 'manual' : false,
      tags: ['transformers', type, ...(licence ? [`license:${licence}`] : [])],
      config: { architectures: ['GPT2LMHeadModel'], model_type: type },
      ...(licence && { cardData: { license: licence } }),
      siblings,
    }),
  );
}

/** The tag that the content network gives a file: 64 digits as well, but of something else. @param {HubFile} file */
function networkTag(file) {
  return createHash('sha256').update(`xet ${file.sha256}`).digest('hex');
}

/** @param {Handler} handler */
async function listen(handler) {
  const server = createServer((request, response) => {
    Promise.resolve(handler(request, response)).catch((error) => {
      console.error(`${request.url}: ${error.stack}`);
      response.destroy();
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const close = () =>
    new Promise((done) => {
      server.close(() => done(undefined));
      server.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${port}`, close };
}
