// @ts-check
/**
 * What the page and the engine worker say to each other. Both sides import this file and nothing else of each other.
 *
 * The page posts a `Request`; the worker answers with any number of `Progress` messages and then exactly one `Result`
 * or one `Failure`, all with the request's id. Nothing else is ever posted, except one `Crash` if the worker dies.
 *
 * @typedef {{id: number} & RequestBody} Request
 * @typedef {ConfigureRequest | LoadRequest | CancelLoadRequest | SuggestRequest | GenerateRequest | StopRequest
 *   | AttentionRequest | ThumbnailsRequest | TuneRequest | MeasuringRequest} RequestBody
 *
 * @typedef {{kind: 'configure', variant?: Variant, threads?: number, maxThreads?: number}} ConfigureRequest
 *   Before the first `load`. `variant` and `threads` (the engine's own included) force a build and a number of threads:
 *   if they can't be had, `load` fails with code `build-unavailable`, and nothing else is tried. Without `threads` their
 *   number is chosen by `tune`, among at most `maxThreads`; 1 is then a build without threads. Result: null.
 * @typedef {{kind: 'load', base: string}} LoadRequest
 *   `base`: absolute URL of a folder, ending in `/`. A `manifest.json` there means quantised shards; otherwise the hub's
 *   layout (`config.json`, `model.safetensors`, `tokenizer.json` or `vocab.json` + `merges.txt`). A model that is already
 *   loaded stays in use until the new one is complete. Progress: `LoadProgress`. Result: `ModelInfo`.
 * @typedef {{kind: 'cancel-load'}} CancelLoadRequest
 *   The pending load fails with code `cancelled`. Result: null.
 *
 * @typedef {{kind: 'suggest', text: string, top: number}} SuggestRequest
 *   What comes after `text`. The newest request wins: an older one that is still running fails with code `superseded`.
 *   `top`: how many candidates to list, 1 to 1000. Progress: `PromptProgress` (only for long prompts). Result: `Suggestions`.
 *
 * @typedef {{kind: 'generate', text: string, sampling: Sampling, limit: number}} GenerateRequest
 *   Continues `text` token by token. Progress: `GeneratedToken` each. Result: `Generated`. A `suggest` stops it.
 * @typedef {{kind: 'stop'}} StopRequest
 *   The running generation ends after the current token with reason `stopped`. Result: null.
 *
 * @typedef {{kind: 'attention', layer: number, head: number}} AttentionRequest
 *   One head over all tokens of the newest suggestion or generation; counting starts at 0. Result: `Attention`.
 * @typedef {{kind: 'thumbnails', layer: number, cells: number}} ThumbnailsRequest
 *   Small maps of all heads of one layer. Newer text makes pending ones fail with `superseded`. Result: `Thumbnails`.
 *
 * @typedef {{kind: 'tune'}} TuneRequest
 *   Times a few tokens with one thread, two, and so on, whenever nothing else is to be done, and keeps the fewest threads
 *   that are about as fast as any. A forced number of threads stays. Result: `Tuning`, perhaps only after a while.
 *
 * @typedef {PrefillTokensRequest | DecodeTokensRequest | BranchesRequest} MeasuringRequest
 *   For measuring only. They work on token ids, take the engine for themselves until they are done, and leave attention
 *   and suggestions to the next `suggest`.
 * @typedef {{kind: 'prefill-tokens', ids: Uint32Array}} PrefillTokensRequest
 *   Forgets what is cached and computes these tokens. Result: `PrefilledTokens`.
 * @typedef {{kind: 'decode-tokens', count: number}} DecodeTokensRequest
 *   Continues greedily after the tokens so far; end of text is a token like any other. Result: `DecodedTokens`.
 * @typedef {{kind: 'branches', count: number, steps: number}} BranchesRequest
 *   Continues each of the `count` most probable next tokens greedily to `steps` tokens, all in one batch. The tokens so
 *   far stay as they are. Result: `Branches`.
 *
 * @typedef {{temperature: number, topK: number, topP: number, seed: number}} Sampling
 *   `temperature` 0 is greedy; `topK` 0 and `topP` 1 switch those filters off; `seed` is a whole number below 2^32.
 */

/**
 * @typedef {{step: 'manifest' | 'tokenizer' | 'weights' | 'check', loaded: number, total: number}} LoadProgress
 *   Bytes so far and in all (0 while unknown).
 *
 * @typedef {object} ModelInfo
 * @property {string} name          the manifest's name, or the folder's
 * @property {number} layers
 * @property {number} heads
 * @property {number} width         the embedding's width
 * @property {number} positions     the longest context, in tokens
 * @property {number} vocabulary
 * @property {number} parameters
 * @property {number} bytes         the size of the weights in memory
 * @property {number} memory        bytes of WebAssembly memory after loading; it never shrinks, so this is also the peak
 * @property {string} source        repository or origin of the weights, empty if unknown
 * @property {string} licence       licence of the weights, empty if unknown
 * @property {Variant} variant      the WebAssembly build in use
 * @property {string} version       of Headlight
 * @property {number} threads       that compute at present, the engine's own included; `tune` may change it
 * @property {LeftOut[]} leftOut    the builds that would have been preferred, and why each is not in use
 *
 * @typedef {'simd128' | 'relaxed' | 'simd128-threads' | 'relaxed-threads'} Variant   the folders in `www/pkg`
 *
 * @typedef {object} LeftOut
 * @property {Variant} variant
 * @property {'no-relaxed-simd' | 'not-isolated' | 'no-shared-memory' | 'one-core' | 'asked' | 'crashed' | 'missing' |
 *   'broken' | 'wrong-numbers' | 'memory' | 'no-helpers'} reason
 * @property {string} detail        what the browser or the engine said about it, empty if there is nothing to add
 *
 * @typedef {{threads: number, times: {threads: number, milliseconds: number}[]}} Tuning
 *   Threads in use from now on, and the median time of a token with each number that was tried.
 *
 * @typedef {{next: number, milliseconds: number}} PrefilledTokens   `next`: the most probable next token's id
 * @typedef {{ids: number[], times: number[]}} DecodedTokens         milliseconds for each token, chosen and computed
 * @typedef {{ids: Uint32Array, milliseconds: number}} Branches      (count, steps), each row the tokens of one branch
 *
 * @typedef {object} Token
 * @property {number} id
 * @property {string | null} text   null if the token is only a part of a character
 * @property {string} hex           its bytes, two digits each, separated by spaces
 *
 * @typedef {object} Candidate
 * @property {Token} token
 * @property {string | null} insert the text to add after the user's own; null if the token can't be typed
 *                                  (part of a character, end of text)
 * @property {number} rank          1 is the most probable
 * @property {number} logit
 * @property {number} probability   over the whole vocabulary, at temperature 1
 *
 * @typedef {{done: number, total: number}} PromptProgress   tokens
 *
 * @typedef {object} Suggestions
 * @property {number} revision         changes whenever the cached tokens change
 * @property {Token[]} tokens          the tokens in the context, oldest first
 * @property {boolean} unprompted      the text was empty: the one token is `<|endoftext|>`
 * @property {number} dropped          tokens of the text that no longer fit and were left out at its start
 * @property {boolean} trimmedSpace    the text ended in a space, which was left for the suggestion to begin with
 * @property {number} computed         tokens computed for this answer; the others came from the cache
 * @property {number} milliseconds     time the engine took
 * @property {Candidate[]} best        at most three that can be inserted, the most probable first
 * @property {Candidate[]} candidates  the `top` most probable tokens
 *
 * @typedef {object} GeneratedToken
 * @property {Token} token
 * @property {string} text             text that became complete with this token; may be empty within a character
 * @property {number} probability      over the whole vocabulary, at temperature 1
 * @property {number} tokensPerSecond  of this generation so far, without the prompt
 *
 * @typedef {object} Generated
 * @property {'end-of-text' | 'context-full' | 'stopped' | 'limit'} reason
 * @property {string} text
 * @property {number} count
 * @property {number} tokensPerSecond
 *
 * @typedef {object} Attention
 * @property {number} revision
 * @property {number} layer
 * @property {number} head
 * @property {number} size             number of tokens T
 * @property {Float32Array} scores     (T, T) q.k / sqrt(64) before the mask; row = the token that looks (destination)
 * @property {Float32Array} weights    (T, T) after mask and softmax; each row sums to 1
 *   A cell is masked exactly if its column is greater than its row.
 *
 * @typedef {object} Thumbnails
 * @property {number} revision
 * @property {number} layer
 * @property {number} heads
 * @property {number} size             number of tokens T
 * @property {number} cells            side of each map: min(T, the requested cells)
 * @property {Uint8Array} weights      (heads, cells, cells), the largest weight within each cell, times 255
 */

/**
 * @typedef {{id: number, progress: LoadProgress | PromptProgress | GeneratedToken}} Progress
 * @typedef {{id: number, result: unknown}} Result
 * @typedef {{id: number, error: {code: string, message: string}}} Failure
 * @typedef {{id: -1, error: {code: string, message: string}}} Crash
 */

/** An error with a code that the page can turn into advice. */
export class EngineError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** Codes that don't come from the Rust side; those are listed in `src/error.rs`. */
export const codes = Object.freeze({
  /** the browser reports no network, or the request failed before any answer */
  offline: 'offline',
  /** the server answered with a status other than 2xx */
  http: 'http-status',
  /** a web page came where weights or JSON were expected */
  html: 'html-instead-of-data',
  /** WebAssembly or its SIMD instructions are missing */
  unsupported: 'unsupported-browser',
  /** the build or the number of threads that was asked for can't be had */
  build: 'build-unavailable',
  /** memory could not be had; as a `Crash`, the engine must be started again */
  memory: 'out-of-memory',
  /** the engine stopped working and must be started again */
  crashed: 'engine-crashed',
  /** a newer request made this one needless */
  superseded: 'superseded',
  /** the user cancelled */
  cancelled: 'cancelled',
  /** asked for something before a model was loaded */
  notReady: 'not-ready',
});
