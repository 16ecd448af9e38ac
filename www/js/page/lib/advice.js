// @ts-check
/**
 * What went wrong and what to do about it, in words. Codes come from `shared/protocol.js` and `src/error.rs`.
 *
 * @typedef {{title: string, advice: string}} Advice
 */

/** @type {Readonly<Record<string, Advice>>} */
const table = {
  offline: {
    title: 'No connection',
    advice: 'The model could not be fetched. Check the network, then try again. Your text stays here.',
  },
  'http-status': {
    title: 'The server did not give a file',
    advice:
      'It may be busy, so try again after a moment. Or a part of the model is missing there: if you host this page, check that the models folder was uploaded completely.',
  },
  'html-instead-of-data': {
    title: 'A web page came where the model should be',
    advice:
      'A sign-in page of the network or a fallback page of the server answered. Sign in, or check where the model is hosted, then try again.',
  },
  'file-missing': {
    title: 'A file of the model is missing',
    advice:
      'Choose all files of the model: config.json, model.safetensors, and tokenizer.json or vocab.json with merges.txt. If you host this page, check that the models folder was uploaded completely.',
  },
  'access-denied': {
    title: 'The server does not give this to everyone',
    advice:
      'The repository may not exist, be private, or ask for consent. Check its name; this page has no account to sign in with.',
  },
  'too-many-requests': {
    title: 'The server wants a pause',
    advice: 'Too many requests came from your network lately. What has come so far is kept; go on in a few minutes.',
  },
  'file-changed': {
    title: 'The file is not the one it was',
    advice:
      'It changed while it was read, or another came in its place, so it was not used. Start again to take it as it is now.',
  },
  'file-unreadable': {
    title: 'A file can’t be read any more',
    advice: 'It was moved, changed or removed since you chose it. Choose it again.',
  },
  'not-a-repository': {
    title: 'This is not a repository’s name',
    advice: 'It has the form owner/name, as in openai-community/gpt2.',
  },
  'not-gpt2': {
    title: 'This page can’t run that model',
    advice: 'It runs models of GPT-2’s architecture with weights in a single model.safetensors.',
  },
  'unsupported-architecture': {
    title: 'This page can’t run that model',
    advice: 'It runs models of GPT-2’s architecture, and no others.',
  },
  'unsupported-quantisation': {
    title: 'These weights are packed in a way that this page can’t read',
    advice: 'Of GGUF files it reads F32, F16, BF16 and Q8_0. Take one of those, or model.safetensors.',
  },
  'not-kept': {
    title: 'The model is not kept here any more, or not whole',
    advice: 'Under Models, choose it again to fetch what is missing.',
  },
  'storage-full': {
    title: 'The browser’s storage is full',
    advice:
      'The model works, but the next visit will have to fetch it again. Delete models you don’t need to make room.',
  },
  'storage-failed': {
    title: 'The browser keeps nothing',
    advice: 'The model works, but the next visit will have to fetch it again.',
  },
  'unsupported-browser': {
    title: 'This browser can’t run the model',
    advice:
      'It needs WebAssembly with SIMD: Chrome or Edge 93, Firefox 114, Safari 16.4, or newer. Lockdown and enhanced security modes switch it off; you can allow this site there.',
  },
  'build-unavailable': {
    title: 'The engine can’t run as it was asked to',
    advice: 'Leave the build and the number of threads to the page, or choose others.',
  },
  'out-of-memory': {
    title: 'Not enough memory',
    advice: 'Close other tabs, choose a smaller model, or shorten the text, then try again.',
  },
  'engine-crashed': {
    title: 'The engine stopped',
    advice: 'Your text is kept. Restarting takes a moment, because the model has to be read again.',
  },
  cancelled: { title: 'Loading was cancelled', advice: 'You can go on writing; suggestions need the model.' },
  'not-ready': { title: 'No model is loaded', advice: 'Load the model first.' },
  'hash-mismatch': {
    title: 'A file was damaged on the way',
    advice: 'Its checksum is wrong, so it was not used. Trying again usually helps.',
  },
  'wrong-size': {
    title: 'A file came incomplete',
    advice: 'Its length is not the announced one. Trying again usually helps.',
  },
  truncated: { title: 'A file came incomplete', advice: 'It ends too early. Trying again usually helps.' },
  'wrong-file-kind': {
    title: 'This is not a model file',
    advice: 'Something else lies where the weights should be, perhaps a Git LFS pointer instead of the file itself.',
  },
  'text-not-encodable': {
    title: 'This text can’t be turned into tokens',
    advice: 'Change or remove the unusual characters in it.',
  },
};

/** Codes that all mean: the files themselves are not a GPT-2 that this page can run. */
const format = new Set([
  'invalid-json',
  'unsupported-config',
  'invalid-manifest',
  'invalid-header',
  'duplicate-key',
  'piece-order',
  'unsupported-dtype',
  'invalid-offsets',
  'trailing-bytes',
  'unexpected-shape',
  'unexpected-tensor',
  'missing-tensors',
  'non-finite-weights',
  'unexpected-file',
  'wrong-place',
  'invalid-tokenizer',
]);

/**
 * @param {string} code
 * @returns {Advice}
 */
export function adviceFor(code) {
  if (Object.hasOwn(table, code)) return table[code];
  if (format.has(code)) {
    return {
      title: 'The model’s files can’t be used',
      advice: 'They are damaged or not those of a GPT-2. Trying again helps if they were damaged on the way.',
    };
  }
  return { title: 'Something went wrong', advice: 'Try again. Your text is kept.' };
}

/** @type {Readonly<Record<import('../../shared/protocol.js').Generated['reason'], string>>} */
export const reasons = {
  'end-of-text': 'the model ended the text itself',
  'context-full': 'the context is full; type on, and the oldest tokens make room',
  stopped: 'stopped',
  limit: 'the length limit was reached',
};
