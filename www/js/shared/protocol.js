// @ts-check
/**
 * What the page and the engine worker say to each other. Both sides import this file and nothing else of each other.
 *
 * The page posts a `Request`; the worker answers with any number of `Progress` messages and then exactly one `Result`
 * or one `Failure`, all with the request's id. Nothing else is ever posted, except one `Crash` if the worker dies.
 *
 * @typedef {{id: number} & RequestBody} Request
 * @typedef {ConfigureRequest | ModelRequest | SuggestRequest | SuggestingRequest | GenerateRequest
 *   | StopRequest | InspectionRequest | TuneRequest | MeasuringRequest} RequestBody
 * @typedef {import('./models.js').ModelRequest} ModelRequest   about loading models and keeping them
 * @typedef {import('./inspection.js').InspectionRequest} InspectionRequest   about the inside of the model
 *
 * @typedef {{kind: 'configure', variant?: Variant, threads?: number, maxThreads?: number}} ConfigureRequest
 *   Before the first `load`. `variant` and `threads` (the engine's own included) force a build and a number of threads:
 *   if they can't be had, `load` fails with code `build-unavailable`, and nothing else is tried. Without `threads` their
 *   number is chosen by `tune`, among at most `maxThreads`; 1 is then a build without threads. Result: null.
 *
 * @typedef {{kind: 'suggest', text: string, top: number, settings?: Partial<SuggestSettings>, keep?: string[]}} SuggestRequest
 *   What comes after `text`. The newest request wins: an older one that is still running fails with code `superseded`.
 *   `top`: how many candidates to list, 0 to 1000. `keep`: what is left to put in of words that were on show before the text went
 *   on to what it is now. As long as they are wanted they are among the answer, and only its other places are for the most
 *   probable words. Progress: `PromptProgress` (only for long prompts) and `WordsProgress`. Result: `Suggestions`.
 *
 * @typedef {AheadRequest | GhostRequest | CandidatesRequest | AlternativesRequest | RerankRequest | SurpriseRequest
 *   | PersonalRequest} SuggestingRequest
 *   All but `surprise` and `personal` are about the text of the newest `suggest`, and fail with `superseded` as soon as
 *   there is a newer text, or with `not-ready` if there was none.
 * @typedef {{kind: 'ahead', search: boolean}} AheadRequest
 *   What is known of texts with one more letter that agrees with a suggestion, so that it can be shown as soon as that is
 *   typed: without `search` at once and without a forward pass, with it all that will be in the answer. Result: `Ahead[]`.
 * @typedef {{kind: 'ghost', words: number}} GhostRequest
 *   Continues the best suggestion word by word, each time with the most probable one, to at most `words` words (1 to 12) in
 *   all. Result: `Phrase`, or null if there is nothing to suggest.
 * @typedef {{kind: 'candidates', top: number, sampling?: Sampling}} CandidatesRequest
 *   The list again, from kept logits: no forward pass. Result: `Candidate[]`, as in `Suggestions`.
 * @typedef {{kind: 'alternatives', index: number, top: number, sampling?: Sampling}} AlternativesRequest
 *   What else could have stood in place of token `index` of `Suggestions.tokens`, 0 being the oldest. One forward pass.
 *   Result: `Alternatives`.
 * @typedef {{kind: 'rerank', after: string}} RerankRequest
 *   How probable the suggestions on show are once `after`, the text behind the caret, is known to follow: each is weighted
 *   by the probability of the first 16 tokens of what then follows (a space before it if the word needs one), and they
 *   share their sum. A few forward passes. Result: `Reranked[]`, in the order of `Suggestions.words`.
 * @typedef {{kind: 'surprise', text: string}} SurpriseRequest
 *   How surprising each token of `text` was, in the time when nothing else is to be done, newest tokens first. A newer
 *   `surprise` makes it fail with `superseded`; a newer `suggest` only delays it. Tokens that were measured before are
 *   answered at once. Progress: `SurpriseProgress`. Result: `Surprise`.
 * @typedef {{kind: 'personal', change?: PersonalChange}} PersonalRequest
 *   Changes what is known of the person's own words, if asked to. It lives as long as the worker and nowhere else; loading
 *   another model keeps it. Result: `PersonalState`, which can be imported again.
 *
 * @typedef {object} SuggestSettings
 * @property {number} count         suggestions, 1 to 10; 3 by default
 * @property {number} maxWords      longest phrase, 1 to 4; 1 by default. A suggestion is continued by its most probable next
 *                                  word as long as that is more probable than all others together
 * @property {boolean} punctuation  whether a punctuation mark alone may be suggested; false by default
 * @property {boolean} corrections  whether one suggestion may correct the typed letters; true by default
 * @property {number} personal      weight of the person's own words in the mixture, 0 (off) to 0.9; 0.1 by default
 * @property {boolean} filter       whether offensive words are left out; true by default
 * @property {number} passes        forward passes after which the search is cut short, 0 to 1024; 32 by default. What was
 *                                  found stays known, so that the same request with more goes on where this one ended
 * @property {Sampling} sampling    what `Candidate.sampled` is about
 *
 * @typedef {{action: 'learn' | 'unlearn', before: string, word: string}} LearnChange
 *   The word was accepted or typed once (more), or that is taken back. `before`: the word before it, or the text that ends
 *   with that; empty if there is none.
 * @typedef {{action: 'forget' | 'block' | 'unblock', word: string}} WordChange
 *   `forget` drops all counts of a word; `block` never suggests it again, in any case of its letters.
 * @typedef {{action: 'reject' | 'allow', text: string, word: string}} PlaceChange
 *   The word is not suggested here: wherever the text before the word ends with the same 32 characters. `text` is what stands
 *   before the caret, as in `suggest`, and `word` the `text` of a `Word`.
 * @typedef {{action: 'allow-at', after: string, word: string}} AllowAtChange   `after` and `word` as in `PersonalState`
 * @typedef {{action: 'import', state: PersonalState} | {action: 'forget-all'}} WholeChange
 *   `import` replaces everything. A state that is not of this form fails with `invalid-json` and changes nothing.
 * @typedef {LearnChange | WordChange | PlaceChange | AllowAtChange | WholeChange} PersonalChange
 *
 * @typedef {{kind: 'generate', text: string, sampling: Sampling, limit: number}} GenerateRequest
 *   Continues `text` token by token. Progress: `GeneratedToken` each. Result: `Generated`. A `suggest` stops it.
 * @typedef {{kind: 'stop'}} StopRequest
 *   The running generation ends after the current token with reason `stopped`. Result: null.
 *
 * @typedef {{kind: 'tune'}} TuneRequest
 *   Times a few tokens with one thread, two, and so on, whenever nothing else is to be done, and keeps the fewest threads
 *   that are about as fast as any. A forced number of threads stays. Result: `Tuning`, perhaps only after a while.
 *
 * @typedef {PrefillTokensRequest | DecodeTokensRequest | BranchesRequest | ReadMatricesRequest} MeasuringRequest
 *   For measuring only. They take token ids and no text, have the engine for themselves until they are done, and leave
 *   attention and suggestions to the next `suggest`.
 * @typedef {{kind: 'prefill-tokens', ids: Uint32Array}} PrefillTokensRequest
 *   Forgets what is cached and computes these tokens. Result: `PrefilledTokens`.
 * @typedef {{kind: 'decode-tokens', count: number}} DecodeTokensRequest
 *   Continues greedily after the tokens so far; end of text is a token like any other. Result: `DecodedTokens`.
 * @typedef {{kind: 'branches', count: number, steps: number}} BranchesRequest
 *   Continues each of the `count` most probable next tokens greedily to `steps` tokens, all in one batch. The tokens so
 *   far stay as they are. Result: `Branches`.
 * @typedef {{kind: 'read-matrices', count: number}} ReadMatricesRequest
 *   Reads all matrices, as each token does, so many times over, and does nothing with them. Result: `MatricesRead`.
 *
 * @typedef {{temperature: number, topK: number, topP: number, seed: number, repetitionPenalty?: number}} Sampling
 *   `temperature` 0 is greedy; `topK` 0 and `topP` 1 switch those filters off; `seed` is a whole number below 2^32.
 *   `repetitionPenalty`, 1 (off, the default) to 2: logits of tokens that are in the context already are divided by it if
 *   they are positive and multiplied by it otherwise, before all else.
 */

/**
 * @typedef {import('./models.js').LoadProgress} LoadProgress
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
 * @property {import('./models.js').Keeping} keeping   whether the next visit will find it here
 *
 * @typedef {'simd128' | 'relaxed' | 'simd128-threads' | 'relaxed-threads'} Variant   the folders in `www/pkg`
 *
 * @typedef {object} LeftOut
 * @property {Variant} variant
 * @property {'no-relaxed-simd' | 'narrow-sums' | 'not-isolated' | 'no-shared-memory' | 'one-core' | 'asked' |
 *   'crashed' | 'missing' | 'broken' | 'wrong-numbers' | 'memory' | 'no-helpers'} reason
 * @property {string} detail        what the browser or the engine said about it, empty if there is nothing to add
 *
 * @typedef {{threads: number, times: {threads: number, milliseconds: number}[]}} Tuning
 *   Threads in use from now on, and the median time of a token with each number that was tried.
 *
 * @typedef {{next: number, milliseconds: number}} PrefilledTokens   `next`: the most probable next token's id
 * @typedef {{ids: number[], times: number[]}} DecodedTokens         milliseconds for each token, chosen and computed
 * @typedef {{ids: Uint32Array, milliseconds: number}} Branches      (count, steps), each row the tokens of one branch
 * @typedef {{bytes: number, times: number[]}} MatricesRead           bytes of all matrices, and milliseconds for each time
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
 * @property {number} rank          1 is the most probable of those that may be listed
 * @property {number} logit
 * @property {number} probability   over the whole vocabulary, at temperature 1
 * @property {number} sampled       chance to be drawn with the `sampling` asked for, after temperature, top-k and top-p, as
 *                                  generation would; `probability` if none was asked for
 *
 * @typedef {object} Word
 * A suggestion. A word goes on to a boundary: its probability is the product over the tokens of its most probable spelling,
 * times the probability that the token after them begins something else (space, punctuation, line, end of text).
 * @property {string} text          what the key shows: the whole word, with the letters typed and any opening punctuation,
 *                                  without the space before it
 * @property {string} insert        what takes the place of the last `replace` UTF-16 units before the caret
 * @property {number} replace       0 unless letters that are typed must change
 * @property {boolean} spaceAfter   whether a space belongs between this and a next word: not after an ideograph
 * @property {'word' | 'punctuation' | 'correction'} kind   `correction`: the letters typed are taken for a slip
 * @property {number} probability   what to show: given the letters typed, with the person's own words mixed in. Of all that
 *                                  could follow, suggested or not, so that the three seldom reach 1
 * @property {number} model         the same by the model alone
 * @property {number} unconditional by the model alone, before any letter of the word was typed
 * @property {boolean} personal     the person's own words raised it
 * @property {boolean} repeats      taking it would go on with a repetition of what stands before it; see `Repetition`
 * @property {Token[]} tokens       the spelling, from the word's start, the letters typed included
 * @property {Part[]} parts         the words of the phrase one by one, at least one; their texts make up `insert`
 *
 * @typedef {{text: string, probability: number}} Part
 *   `text` with the space before it, if any; `probability` of the phrase up to and including it, as `Word.probability`
 * @typedef {{insert: string, replace: number, parts: Part[]}} Phrase
 *
 * @typedef {{words: Word[], sure: number}} WordsProgress
 *   Suggestions that are known before the answer is complete: as they will be in `Suggestions.words`, except that others may
 *   come between them, but none before the first `sure` ones (corrections aside). Those that were to be kept are always among
 *   them; to keep them from jumping, leave them in their places.
 *
 * @typedef {{letter: string, known: WordsProgress}} Ahead   what is known of the text with that letter behind it
 *
 * @typedef {{words: number, times: number}} Repetition
 *   The last `words` words stood there `times` times in a row, at least 2
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
 * @property {Word[]} words            at most `count` suggestions, the most probable first
 * @property {boolean} settled         no other word can be among them; false if the search was cut short
 * @property {string} typed            letters of the word that the caret stands in or behind; empty between words
 * @property {number} letters          probability of these letters (and the space before them) at the word's start; 1 if there
 *                                     are none
 * @property {number} complete         probability, given the letters, that the word ends with them
 * @property {'within' | 'after'} listed   what `candidates` are: tokens that the word at the caret may go on with, read
 *                                     from its start, or tokens that may follow the whole text, if the word is more
 *                                     probably complete than not
 * @property {Candidate[]} candidates  the `top` most probable tokens
 * @property {Repetition | null} repetition
 *
 * @typedef {object} Alternatives
 * @property {number} index
 * @property {Candidate} chosen        the token that stands there
 * @property {number} start            where it begins in the text, in UTF-16 units; a token within a character begins with it
 * @property {number} end
 * @property {Candidate[]} candidates  what else could stand there; `insert` is the token's text
 *
 * @typedef {{model: number, probability: number, rank: number}} Reranked
 *   `model`: share among the suggestions on show before the text behind is known; `probability`, `rank`: when it is
 *
 * @typedef {object} TokenSurprise
 * @property {Token} token
 * @property {number} start            where it begins in the text, in UTF-16 units
 * @property {number} end
 * @property {number} bits             -log2 of the probability that the model gave it
 * @property {number} rank             1: it was the most probable token
 * @typedef {{first: number, tokens: TokenSurprise[]}} SurpriseProgress   consecutive tokens, the first with its index
 * @typedef {object} Surprise
 * @property {number} tokens           how many were measured; those before them no longer fit into the context
 * @property {number} bits             of all of them
 * @property {number} perplexity       2 to the power of the mean, 1 for no tokens
 *
 * @typedef {object} PersonalState
 * @property {1} version
 * @property {{word: string, count: number}[]} words             most frequent first; counts fade as others are learnt
 * @property {{before: string, word: string, count: number}[]} pairs
 * @property {string[]} blocked
 * @property {{after: string, word: string}[]} rejected          `after`: how the text before the word ends
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
 * @typedef {import('./inspection.js').Attention} Attention
 * @typedef {import('./inspection.js').Thumbnails} Thumbnails
 */

/**
 * @typedef {{id: number, progress: LoadProgress | PromptProgress | WordsProgress | SurpriseProgress | GeneratedToken}} Progress
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
  /** the server has no such file, or it is not among those that were chosen */
  missing: 'file-missing',
  /** the server wants to know who asks: the repository does not exist, is private, or asks for consent */
  denied: 'access-denied',
  /** too many requests came from here lately */
  busy: 'too-many-requests',
  /** a file is not the one that it was, or that was expected */
  changed: 'file-changed',
  /** a file's length is not the announced one; the Rust side has this code too */
  wrongSize: 'wrong-size',
  /** a file's content is not what was expected; the Rust side has this code too */
  hash: 'hash-mismatch',
  /** something larger came than what was asked for can be */
  unexpected: 'unexpected-file',
  /** a file on disk was moved or changed while it was read */
  unreadable: 'file-unreadable',
  /** not a name that a repository can have */
  noRepository: 'not-a-repository',
  /** a repository without a GPT-2 that this page can read */
  notThisKind: 'not-gpt2',
  /** a model that was kept is not there any more */
  notKept: 'not-kept',
  /** the browser's storage is full */
  storageFull: 'storage-full',
  /** the browser's storage failed in another way */
  storage: 'storage-failed',
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
