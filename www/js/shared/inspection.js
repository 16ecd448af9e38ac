// @ts-check
/**
 * What can be asked about the inside of the model. Every number in an answer is the engine's own: it comes from the caches,
 * or from running tokens through the layers once more beside them, which gives the same bits.
 *
 * Letters for shapes: `L` layers, `NH` heads a layer, `HS` channels a head, `C = NH * HS` channels, `F` neurons of a block's
 * MLP, `V` tokens in the vocabulary, `T` tokens in the text, `P` positions at most. Layers, heads and positions count from 0.
 * A row is a token that looks (destination), a column a token looked at (source).
 *
 * Three runs can be looked into, and what is done to one never touches another:
 * - `text`, the default: the text of the newest suggestion or generation, as the model computed it;
 * - `altered`: the same tokens with attention altered by `alter`;
 * - `other`: the text of `compare`, not altered.
 *
 * `altered` belongs to the tokens it was made for: asked for when they have changed, it fails with `no-such-run` until `alter`
 * is asked for again. A longer text then costs only its last tokens, and no row changes that was there, unless a head is
 * unmasked: what comes later is then looked at by all. `other` stays until `forget`,
 * a new `compare`, or another model.
 *
 * Answers about `text` and `altered` carry the `revision` of the suggestion they belong to, those about `other` one of its own.
 * Everything waits until the newest text is computed; newer text makes pending requests fail with `superseded` (each new
 * token of a generation is newer text, which matters only to what is computed in pieces: `head-measures`, `prepare`, `alter`,
 * `compare`, `differences`, `lens`). A layer, head or position that is not there fails with `out-of-range`, a malformed request with
 * `invalid-request`. Requests computed in pieces report `InspectionProgress` and let newer text in between.
 *
 * A trace is a small file of requests with their answers, recorded from a model, so that views can be tried without one:
 * `trace.js` reads and writes it.
 *
 * @typedef {'text' | 'altered' | 'other'} Of
 * @typedef {AttentionRequest | AttentionRowsRequest | ThumbnailsRequest | ThumbnailRowsRequest | AttentionCellRequest
 *   | HeadVectorsRequest | ValueNormsRequest | HeadMeasuresRequest | JourneyRequest | JourneyLayerRequest
 *   | PositionMatrixRequest | LensRequest | WhyRequest | PrepareRequest | AlterRequest | CompareRequest
 *   | DifferencesRequest | ForgetRequest} InspectionRequest
 *
 * @typedef {{kind: 'attention', layer: number, head: number, of?: Of}} AttentionRequest
 *   One head over all tokens.
 * @typedef {{kind: 'attention-rows', layers: number[] | null, heads: number[] | null, from: number, to: number, of?: Of}}
 *   AttentionRowsRequest
 *   Rows `from` to `to`, the latter not included, of these heads of these layers, null for all. Because of the mask, a row
 *   never changes as tokens are added, so a growing text needs only its new ones.
 * @typedef {{kind: 'thumbnails', layer: number, cells: number, of?: Of}} ThumbnailsRequest
 *   Small maps of all heads of a layer, at most `cells` a side.
 * @typedef {{kind: 'thumbnail-rows', layers: number[] | null, from: number, to: number, span: number, of?: Of}}
 *   ThumbnailRowsRequest
 *   The part that some rows have in thumbnails of `span` tokens a cell. As long as `span` stays, the maximum of old cells and
 *   of these is what `thumbnails` gives.
 * @typedef {{kind: 'attention-cell', layer: number, head: number, row: number, column: number, of?: Of}}
 *   AttentionCellRequest
 *   How one weight comes about.
 * @typedef {{kind: 'head-vectors', layer: number, head: number, of?: Of}} HeadVectorsRequest
 *   Queries, keys and values of one head for all tokens.
 * @typedef {{kind: 'value-norms', layer: number, head: number, of?: Of}} ValueNormsRequest
 *   How long the values are: a large weight on a short value moves little (Kobayashi et al. 2020, "Attention is Not Only a
 *   Weight"). Weight times norm is what the switch "weight x |value|" shows.
 * @typedef {{kind: 'head-measures', of?: Of}} HeadMeasuresRequest
 *   What every head does on this text. In pieces.
 *
 * @typedef {{kind: 'journey', position: number, top: number, logits?: boolean, of?: Of}} JourneyRequest
 *   One token from its embedding to the logits.
 * @typedef {{kind: 'journey-layer', position: number, layer: number, of?: Of}} JourneyLayerRequest
 *   Every vector of that token in one block.
 * @typedef {{kind: 'position-matrix'}} PositionMatrixRequest
 *   The position embeddings. They belong to the model, so asking once is enough.
 * @typedef {{kind: 'lens', position: number, top: number, token?: number | null, of?: Of}} LensRequest
 *   The logit lens (nostalgebraist 2020): the residual stream at every depth through the final LayerNorm and the output matrix,
 *   and where `token` (an id) stands there. In pieces where the model is large.
 * @typedef {{kind: 'why', position: number, token: number, against?: number | null, of?: Of}} WhyRequest
 *   The direct share of every head and every MLP in the logit of `token` after `position`, or in how far that is above
 *   the logit of `against`: direct logit attribution (Elhage et al. 2021, "A Mathematical Framework for Transformer
 *   Circuits"). The scale of the final LayerNorm is taken as it was, which makes the logit a sum. "Direct" leaves out what a
 *   head does through later layers; `alter` shows that.
 *
 * @typedef {{kind: 'prepare'}} PrepareRequest
 *   Computes and keeps what comes into one more layer, for all tokens of `text`, so that `alter` can begin there. To be asked
 *   again until the answer's `done` is its `total`; then only newer tokens are missing. In pieces.
 * @typedef {{kind: 'alter', alteration: Alteration, top: number}} AlterRequest
 *   Runs the text again from the lowest altered layer on, for all tokens from the first that the alteration can reach. What
 *   comes into that layer is computed first where `prepare` or an earlier `alter` has not done so. In pieces.
 *   An older `alter` that is still running fails with `superseded`.
 * @typedef {{kind: 'compare', text: string, top: number}} CompareRequest
 *   Computes a second text. In pieces. An older `compare` that is still running fails with `superseded`.
 * @typedef {{kind: 'differences', of: 'altered' | 'other', pairs: [number, number][]}} DifferencesRequest
 *   How far every head's attention in that run is from its attention in `text`, over the pairs of tokens (position in
 *   `text`, position in the other run) that are taken as the same. In pieces.
 * @typedef {{kind: 'forget', of: 'altered' | 'other'}} ForgetRequest
 *   Frees that run; it need not exist.
 */

/**
 * @typedef {object} Alteration   what is changed about attention, all at once; empty lists change nothing
 * @property {Place[]} unmasked   heads without the causal mask: every token may look at every other, as in an encoder
 * @property {Place[]} off        heads whose output is zero
 * @property {Cut[]} cuts         cells that are masked in addition; the others of their row share the attention. A row of
 *                                which nothing is left has weights 0 and gathers nothing
 *
 * @typedef {{layer: number | null, head: number | null}} Place   null for all
 * @typedef {Place & {row: number | null, column: number | null}} Cut
 *   A cell; with `column` null a row (the token looks at nothing), with `row` null a column (nobody looks at the token).
 */

/**
 * @typedef {{done: number, total: number}} InspectionProgress   pieces
 *
 * @typedef {object} InspectionAnswers   which answer belongs to which kind of request
 * @property {Attention} attention
 * @property {AttentionRows} attention-rows
 * @property {Thumbnails} thumbnails
 * @property {ThumbnailRows} thumbnail-rows
 * @property {AttentionCell} attention-cell
 * @property {HeadVectors} head-vectors
 * @property {ValueNorms} value-norms
 * @property {HeadMeasures} head-measures
 * @property {Journey} journey
 * @property {JourneyLayer} journey-layer
 * @property {PositionMatrix} position-matrix
 * @property {Lens} lens
 * @property {Why} why
 * @property {Prepared} prepare
 * @property {Altered} alter
 * @property {Compared} compare
 * @property {Differences} differences
 * @property {null} forget
 *
 * @typedef {object} Attention
 * @property {number} revision
 * @property {number} layer
 * @property {number} head
 * @property {number} size             T
 * @property {number} scale            1 / sqrt(HS); `scores / scale` is the plain q.k
 * @property {Float32Array} scores     (T, T) q.k * scale before the mask, also where it is masked
 * @property {Float32Array} weights    (T, T) after mask and softmax; each row sums to 1 (to 0 if all of it was cut)
 *   In `text` and `other` a cell is masked exactly if its column is greater than its row. In `altered` the alteration
 *   says more; masked weights are exactly 0. Heads that are off keep their weights: only their output is zero.
 *
 * @typedef {object} AttentionRows
 * @property {number} revision
 * @property {number[]} layers
 * @property {number[]} heads
 * @property {number} from
 * @property {number} to
 * @property {number} size             T
 * @property {number} scale            as in `Attention`
 * @property {Float32Array} scores     (layers, heads, to - from, T)
 * @property {Float32Array} weights    (layers, heads, to - from, T)
 *
 * @typedef {object} Thumbnails
 * @property {number} revision
 * @property {number} layer
 * @property {number} heads
 * @property {number} size             T
 * @property {number} span             tokens a cell, the smallest power of 2 with which the cells suffice
 * @property {number} cells            side of each map: T / span, rounded up
 * @property {Uint8Array} weights      (heads, cells, cells), the largest weight within each cell, times 255
 *
 * @typedef {object} ThumbnailRows
 * @property {number} revision
 * @property {number[]} layers
 * @property {number} heads
 * @property {number} from
 * @property {number} to
 * @property {number} size             T
 * @property {number} span
 * @property {number} cells            T / span, rounded up
 * @property {Uint8Array} weights      (layers, heads, to - from, cells), the largest weight of each row within each cell, times
 *                                     255; row `r` belongs to row `floor(r / span)` of the maps
 *
 * @typedef {object} AttentionCell
 * @property {number} revision
 * @property {number} layer
 * @property {number} head
 * @property {number} row
 * @property {number} column
 * @property {Float32Array} query      (HS) of the row's token, as the engine keeps it
 * @property {Float32Array} key        (HS) of the column's token, as the engine keeps it
 * @property {Float32Array} products   (HS) query times key
 * @property {number} sum              q.k as the engine sums it; adding up `products` agrees within rounding
 * @property {number} scale            1 / sqrt(HS)
 * @property {number} score            sum * scale
 * @property {boolean} masked          the rest is null if this is so
 * @property {number | null} maximum   the largest score of the row that is not masked
 * @property {number | null} exponential   exp(score - maximum)
 * @property {number | null} total     the sum of the row's exponentials
 * @property {number | null} weight    exponential / total
 * @property {Float32Array} value      (HS) of the column's token
 * @property {number} valueNorm        as in `ValueNorms`
 * @property {number} outputNorm       as in `ValueNorms`
 *
 * @typedef {object} HeadVectors       as the engine keeps and uses them
 * @property {number} revision
 * @property {number} layer
 * @property {number} head
 * @property {number} size             T
 * @property {number} channels         HS
 * @property {number} scale            1 / sqrt(HS)
 * @property {Float32Array} queries    (T, HS)
 * @property {Float32Array} keys       (T, HS)
 * @property {Float32Array} values     (T, HS)
 *
 * @typedef {object} ValueNorms
 * @property {number} revision
 * @property {number} layer
 * @property {number} head
 * @property {Float32Array} values     (T) Euclidean length of each token's value
 * @property {Float32Array} outputs    (T) Euclidean length of what the output projection makes of it, bias left out: as much
 *                                     as a weight of 1 would add to the residual stream
 *
 * @typedef {'previous' | 'self' | 'same' | 'first' | 'induction' | 'local' | 'spread'} MeasureName
 *
 * @typedef {object} Measure
 * @property {Float32Array} scores     (L, NH) from 0 to 1; NaN where the text has no row that could tell
 * @property {number} uniform          what a head that looks at all visible tokens alike would score on this text
 *
 * @typedef {object} HeadMeasures      means over the rows after the first, w being weights
 * @property {number} revision
 * @property {number} layers
 * @property {number} heads
 * @property {number} size             T
 * @property {Record<MeasureName, Measure>} measures
 *   - `previous`: w[i, i-1] (Clark et al. 2019, "What Does BERT Look At?"; Voita et al. 2019, "Analyzing Multi-Head
 *     Self-Attention", call such heads positional)
 *   - `self`: w[i, i]
 *   - `same`: on earlier tokens with the same id, over rows that have any (Wang et al. 2022, "Interpretability in the
 *     Wild": duplicate token heads)
 *   - `first`: w[i, 0] (Xiao et al. 2023, "Efficient Streaming Language Models with Attention Sinks")
 *   - `induction`: on tokens that follow an earlier token with the same id, themselves earlier than i, over rows that have
 *     any (Olsson et al. 2022, "In-context Learning and Induction Heads": prefix matching)
 *   - `local`: on the token itself and the four before it, over rows that have more than these
 *   - `spread`: entropy of the row over ln(i + 1), the largest it could be (Clark et al. 2019 find broad heads so)
 * @property {(MeasureName | null)[]} labels   (L, NH)
 *   Let a measure's lift be (score - uniform) / (1 - uniform). The label is the one of `previous`, `self`, `same`, `first` and
 *   `induction` with the largest lift if that is at least 0.4; else `local` if its lift is at least 0.4; else `spread`
 *   if that score is at least 0.8; else null. Texts of fewer than 4 tokens have no labels.
 *
 * @typedef {object} Guess
 * @property {import('./protocol.js').Token} token
 * @property {number} rank             1 is the most probable
 * @property {number} logit
 * @property {number} probability      over the whole vocabulary, at temperature 1
 *
 * @typedef {object} Norm              a LayerNorm: (x - mean) / sqrt(variance + epsilon) * weight + bias
 * @property {number} mean
 * @property {number} variance
 * @property {number} epsilon
 * @property {Float32Array} output     (C)
 *
 * @typedef {object} Journey
 * @property {number} revision
 * @property {number} position
 * @property {import('./protocol.js').Token} token
 * @property {number} cached           tokens whose keys and values came from the cache: those before this one (in `altered`
 *                                     without mask also those after it). All else here was computed for this token alone
 * @property {Float32Array} tokenEmbedding     (C)
 * @property {Float32Array} positionEmbedding  (C)
 * @property {Float32Array} residuals  (2 L + 1, C): their sum, then the stream after the attention and after the MLP of each block
 * @property {Norm} finalNorm
 * @property {Guess[]} guesses         the `top` most probable tokens after this one
 * @property {Float32Array | null} logits      (V), if asked for
 *
 * @typedef {object} JourneyLayer
 * @property {number} revision
 * @property {number} position
 * @property {number} layer
 * @property {Float32Array} input      (C) residual stream before the block
 * @property {Norm} norm1
 * @property {Float32Array} query      (NH, HS) as projected; the cache keeps it rounded, see `HeadVectors`
 * @property {Float32Array} key        (NH, HS)
 * @property {Float32Array} value      (NH, HS)
 * @property {Float32Array} scores     (NH, T) as in `Attention`, of this token's row
 * @property {Float32Array} weights    (NH, T)
 * @property {Float32Array} gathered   (NH, HS) each head's sum of weights times values (0 for a head that is off): side by side,
 *                                     they are the merged vector (C)
 * @property {Float32Array} projected  (C) after the output projection, bias included
 * @property {Float32Array} attended   (C) input + projected
 * @property {Norm} norm2
 * @property {Float32Array} neurons    (F) before the activation
 * @property {Float32Array} activations  (F) after GELU
 * @property {Float32Array} mlp        (C) after the second projection, bias included
 * @property {Float32Array} output     (C) attended + mlp
 *
 * @typedef {object} PositionMatrix
 * @property {number} rows             P
 * @property {number} columns          C
 * @property {Float32Array} values     (P, C)
 *
 * @typedef {object} Lens
 * @property {number} revision
 * @property {number} position
 * @property {LensDepth[]} depths      (2 L + 1), as the residuals of `Journey`
 *
 * @typedef {object} LensDepth
 * @property {number | null} layer     null for the embedding
 * @property {'embedding' | 'attention' | 'mlp'} after
 * @property {Guess[]} guesses         the `top` most probable tokens if the model ended here
 * @property {Guess | null} token      the token asked about
 *
 * @typedef {object} Why
 * @property {number} revision
 * @property {number} position
 * @property {number} logit            of the token, less that of `against`, as the engine computed it
 * @property {number} tokenEmbedding   share of the position's token embedding
 * @property {number} positionEmbedding
 * @property {Float32Array} heads      (L, NH)
 * @property {Float32Array} attentionBiases  (L) share of the bias of each attention's projection
 * @property {Float32Array} mlps       (L)
 * @property {number} finalBias        share of the final LayerNorm's bias
 * @property {number} rest             what int8 rounding leaves: the logit less all shares
 * @property {Float32Array} sources    (L, NH, T) how each head's share comes from the tokens it looks at
 *
 * @typedef {object} Prepared
 * @property {number} revision
 * @property {number} done             layers before which the residual stream of all tokens is known
 * @property {number} total            L
 *
 * @typedef {object} Altered
 * @property {number} revision         that of the text it belongs to
 * @property {number} from             the first token that the alteration can reach
 * @property {Change[]} changes        the `top` most probable tokens before and those after, by their probability after
 * @property {number} divergence       Kullback-Leibler divergence of the distribution after from that before, in nats
 * @property {number} milliseconds     time the engine took
 *
 * @typedef {object} Change
 * @property {import('./protocol.js').Token} token
 * @property {{rank: number, logit: number, probability: number}} before   in `text`
 * @property {{rank: number, logit: number, probability: number}} after    in `altered`
 *
 * @typedef {object} Compared
 * @property {number} revision         of this run, as its later answers carry it
 * @property {import('./protocol.js').Token[]} tokens
 * @property {number} dropped          as in `Suggestions`
 * @property {boolean} unprompted      as in `Suggestions`
 * @property {boolean} trimmedSpace    as in `Suggestions`
 * @property {Guess[]} guesses         the `top` most probable tokens after it
 * @property {number} milliseconds     time the engine took
 *
 * @typedef {object} Differences
 * @property {number} revision         of `text`
 * @property {number} layers
 * @property {number} heads
 * @property {Float32Array} distances  (L, NH) mean over the pairs' rows of half the sum of |w - w'| over the pairs' columns,
 *                                     from 0 to 1 (total variation distance, where the pairs cover all tokens)
 */

/**
 * @typedef {object} Trace   `trace.js` describes the file
 * @property {string} text
 * @property {TraceModel} model
 * @property {import('./protocol.js').Token[]} tokens
 * @property {Guess[]} guesses         the most probable tokens after the text
 * @property {Recorded[]} records
 *
 * @typedef {{request: InspectionRequest, answer: InspectionAnswers[keyof InspectionAnswers]}} Recorded
 *
 * @typedef {object} TraceModel        as in `ModelInfo`
 * @property {string} name
 * @property {number} layers
 * @property {number} heads
 * @property {number} width
 * @property {number} positions
 * @property {number} vocabulary
 * @property {number} parameters
 * @property {string} source
 * @property {string} licence
 */

export {};
