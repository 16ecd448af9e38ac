//! Values in the shapes that `www/js/shared/protocol.js` describes.

use std::ops::Range;

use js_sys::Uint8Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::checkpoint::intake::Output;
use crate::checkpoint::kind::FileKind;
use crate::checkpoint::loader::File;
use crate::checkpoint::plan::Plan;
use crate::memory::Needs;
use crate::session::Prompt;
use crate::suggest::Candidate;
use crate::tokenizer::{Token, Tokenizer};

/// Plain objects and arrays.
pub(super) fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    // Absent texts are null, as the protocol says.
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).map_err(JsValue::from)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileValue<'a> {
    name: &'a str,
    /// JavaScript numbers hold all sizes below 2^53 exactly.
    size: Option<f64>,
    is_tokenizer: bool,
}

impl<'a> From<&'a File> for FileValue<'a> {
    fn from(file: &'a File) -> Self {
        Self { name: &file.name, size: file.size.map(|size| size as f64), is_tokenizer: file.is_tokenizer }
    }
}

#[derive(Serialize)]
pub(super) struct KindValue {
    code: &'static str,
    name: &'static str,
    advice: &'static str,
}

impl From<FileKind> for KindValue {
    fn from(kind: FileKind) -> Self {
        Self { code: kind.code(), name: kind.name(), advice: kind.advice() }
    }
}

#[derive(Serialize)]
pub(super) struct NeedsValue {
    weights: f64,
    caches: f64,
    rest: f64,
    total: f64,
}

impl From<Needs> for NeedsValue {
    fn from(needs: Needs) -> Self {
        let Needs { weights, caches, rest } = needs;
        let [weights, caches, rest, total] = [weights, caches, rest, needs.total()].map(|bytes| bytes as f64);
        Self { weights, caches, rest, total }
    }
}

#[derive(Serialize)]
pub(super) struct SpanValue {
    start: f64,
    end: f64,
}

impl From<Range<u64>> for SpanValue {
    fn from(Range { start, end }: Range<u64>) -> Self {
        Self { start: start as f64, end: end as f64 }
    }
}

#[derive(Serialize)]
pub(super) struct PlanValue {
    id: String,
    size: f64,
    shards: Vec<ShardValue>,
}

#[derive(Serialize)]
struct ShardValue {
    spans: Vec<SpanValue>,
    bytes: f64,
}

impl From<&Plan> for PlanValue {
    fn from(plan: &Plan) -> Self {
        let shard = |(spans, bytes): (&[Range<u64>], u64)| ShardValue {
            spans: spans.iter().cloned().map(SpanValue::from).collect(),
            bytes: bytes as f64,
        };
        Self { id: plan.id(), size: plan.size as f64, shards: plan.shards().map(shard).collect() }
    }
}

/// Its content is copied out of linear memory.
#[wasm_bindgen(getter_with_clone, inspectable)]
pub struct OutputValue {
    /// Its number among the plan's shards; none for a file of the tokenizer.
    pub index: Option<usize>,
    /// Its name in the manifest.
    pub file: String,
    /// Its SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
    /// Its content.
    pub bytes: Uint8Array,
}

impl From<Output> for OutputValue {
    fn from(Output { index, entry, bytes }: Output) -> Self {
        Self { index, file: entry.file, sha256: entry.sha256, bytes: Uint8Array::from(bytes.as_slice()) }
    }
}

#[derive(Serialize)]
pub(super) struct InfoValue<'a> {
    pub(super) name: &'a str,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) width: usize,
    pub(super) positions: usize,
    pub(super) vocabulary: usize,
    pub(super) parameters: f64,
    pub(super) bytes: usize,
    pub(super) source: &'a str,
    pub(super) licence: &'a str,
    pub(super) variant: &'a str,
    pub(super) version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptValue {
    unprompted: bool,
    dropped: usize,
    trimmed_space: bool,
    tokens: usize,
    reused: usize,
}

impl From<Prompt> for PromptValue {
    fn from(prompt: Prompt) -> Self {
        let Prompt { unprompted, dropped, trimmed_space, tokens, reused } = prompt;
        Self { unprompted, dropped, trimmed_space, tokens, reused }
    }
}

#[derive(Serialize)]
pub(super) struct CandidateValue<'a> {
    token: Token,
    insert: Option<&'a str>,
    rank: usize,
    logit: f32,
    probability: f32,
    sampled: f32,
}

impl<'a> CandidateValue<'a> {
    pub(super) fn new(candidate: &'a Candidate, tokenizer: &Tokenizer) -> Self {
        let Candidate { id, insert, rank, logit, probability, sampled } = candidate;
        let (token, insert) = (Token::new(*id, tokenizer), insert.as_deref());
        Self { token, insert, rank: *rank, logit: *logit, probability: *probability, sampled: *sampled }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum StepValue {
    Token { token: Token, text: String, probability: f32 },
    End { reason: &'static str },
}
