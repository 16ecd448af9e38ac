// @ts-check
/** Sends a file as an HTTP server does, and in every way that a server or a network can get wrong. */
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

/**
 * How one answer goes wrong. Fields combine; an empty object is the ordinary answer.
 * @typedef {object} Fault
 * @property {number} [status]     answer with this status
 * @property {string} [type]       claim this content type
 * @property {Record<string, string>} [headers]  send these as well
 * @property {string | Uint8Array} [body]  send this and not the file
 * @property {number} [flip]       flip the bits of the file's byte at this offset
 * @property {number} [truncate]   send only so many bytes of what was asked for, and break the connection
 * @property {'broken' | 'honest' | 'chunked' | 'close'} [end]  how a truncated body ends: `broken` after a length was
 *                                 announced that never comes (the default); `honest`, its true, short length is
 *                                 announced, as of a half uploaded file; `chunked`, broken without a length; `close`,
 *                                 without a length and with nothing that tells it from a whole one
 * @property {number} [stall]      send so many bytes, then nothing, with the connection open
 * @property {number} [delay]      wait so many milliseconds first
 * @property {{bytes: number, milliseconds: number}} [drip]  send this many bytes, wait this long, and so on
 * @property {boolean} [reset]     close the connection without an answer
 * @property {boolean} [ignoreRange]  send all of the file
 * @property {number} [shift]      send the range that lies so many bytes further on, and say so
 * @property {string} [contentRange]  claim this range; empty to leave the header out
 * @property {boolean} [gzip]      compress, whether it was asked for or not
 *
 * @typedef {object} Content
 * @property {number} size
 * @property {string} type
 * @property {(from: number, to: number) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>} read   bytes from..to
 */

/**
 * The bytes of a buffer as content.
 * @param {string | Uint8Array} body
 * @param {string} type
 * @returns {Content}
 */
export function contentOf(body, type) {
  const bytes = Buffer.from(body);
  return { size: bytes.length, type, read: (from, to) => [bytes.subarray(from, to)] };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {string} text
 * @param {Fault} [fault]
 */
export function refuse(response, status, text, fault = {}) {
  for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value);
  response.writeHead(fault.status ?? status, { 'content-type': fault.type ?? 'text/html; charset=utf-8' });
  response.end(fault.body ?? `<!doctype html><title>${text}</title><h1>${fault.status ?? status} ${text}</h1>\n`);
}

/**
 * @param {string | undefined} header
 * @param {number} size
 * @returns {{from: number, to: number} | null}  `to` is the byte after the last; null for the whole file
 */
export function parseRange(header, size) {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) return null;
  return { from: Number(match[1]), to: match[2] ? Math.min(Number(match[2]) + 1, size) : size };
}

/**
 * Answers a request for a file, with what the fault says.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {Content} content
 * @param {Fault} [fault]
 */
export async function sendContent(request, response, content, fault = {}) {
  if (fault.delay) await sleep(fault.delay);
  if (fault.reset) {
    request.socket.destroy();
    return;
  }
  if (fault.status && fault.body === undefined) {
    refuse(response, fault.status, 'as the test wants it', fault);
    return;
  }
  const sent = fault.body === undefined ? content : contentOf(fault.body, content.type);
  const size = sent.size;
  response.setHeader('content-type', fault.type ?? sent.type);
  response.setHeader('accept-ranges', 'bytes');
  for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value);
  response.statusCode = fault.status ?? 200;
  let { from, to } = { from: 0, to: size };
  const range = fault.ignoreRange || fault.body !== undefined ? null : parseRange(request.headers.range, size);
  if (range) {
    ({ from, to } = { from: range.from + (fault.shift ?? 0), to: Math.min(size, range.to + (fault.shift ?? 0)) });
    if (from >= to) {
      response.setHeader('content-range', `bytes */${size}`);
      refuse(response, 416, 'range not satisfiable');
      return;
    }
    response.statusCode = fault.status ?? 206;
    const claimed = fault.contentRange ?? `bytes ${from}-${to - 1}/${size}`;
    if (claimed) response.setHeader('content-range', claimed);
  }
  if (request.method === 'HEAD') {
    response.setHeader('content-length', to - from);
    response.end();
    return;
  }
  await sendBody(response, sent, from, to, fault);
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {Content} content
 * @param {number} from
 * @param {number} to
 * @param {Fault} fault
 */
async function sendBody(response, content, from, to, fault) {
  let parts = flipped(content.read(from, to), from, fault.flip);
  let length = to - from;
  if (fault.gzip) {
    const whole = gzipSync(await collect(parts));
    parts = flipped([whole], 0, undefined);
    length = whole.length;
    response.setHeader('content-encoding', 'gzip');
  }
  const end = fault.end ?? 'broken';
  const limit = Math.min(length, fault.truncate ?? length, fault.stall ?? length);
  if (end === 'close') response.useChunkedEncodingByDefault = false;
  if (end === 'honest') response.setHeader('content-length', limit);
  if (end === 'broken') response.setHeader('content-length', length);
  response.flushHeaders();
  // A reader that goes away, or a part that the test holds back for ever, must not hold up the server.
  const gone = new Promise((resolve) => response.once('close', resolve));
  let left = limit;
  for await (const part of parts) {
    const step = fault.drip?.bytes ?? part.length;
    for (let at = 0; at < part.length && left > 0; at += step) {
      if (response.destroyed) return;
      const piece = part.subarray(at, at + Math.min(step, left));
      left -= piece.length;
      if (!response.write(piece)) await Promise.race([new Promise((go) => response.once('drain', go)), gone]);
      if (fault.drip) await sleep(fault.drip.milliseconds);
    }
    if (left === 0) break;
  }
  if (fault.stall !== undefined && fault.stall < length) await gone;
  else if (limit < length && (end === 'broken' || end === 'chunked')) response.destroy();
  else response.end();
}

/**
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} parts
 * @param {number} from   the file's offset of the first byte
 * @param {number | undefined} offset
 */
async function* flipped(parts, from, offset) {
  let at = from;
  for await (const part of parts) {
    const index = (offset ?? -1) - at;
    at += part.length;
    if (offset === undefined || index < 0 || index >= part.length) {
      yield part;
      continue;
    }
    const copy = Buffer.from(part);
    copy[index] ^= 0xff;
    yield copy;
  }
}

/** @param {AsyncIterable<Uint8Array>} parts */
async function collect(parts) {
  const all = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}
