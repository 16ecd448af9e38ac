//! The header of the GGUF format, as far as a GPT-2 needs it.
//!
//! The format (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>), little-endian: `GGUF`, a version, the numbers
//! of tensors and of key-value pairs; the pairs, each with its type; name, dimensions (the fastest first), type and
//! offset of each tensor; padding; the tensors, each at a multiple of the alignment. Nothing tells the header's
//! length, so it is read item by item, and nothing of it is kept but what is used.
//!
//! Names and layout of a GPT-2 are those that llama.cpp's converter writes: matrices are (outputs, inputs), `output.weight`
//! is the embedding again, and the tokenizer's tokens and merges are spelled as in `vocab.json` and `merges.txt`.

use std::collections::{BTreeMap, HashSet};

use super::kind::{self, FileKind};
use super::reader::{Header, MAX_FILE_BYTES, TensorInfo, unit_of};
use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::tokenizer::END_OF_TEXT;

const MAGIC: &[u8] = b"GGUF";
/// Versions of the same structure; version 1 had shorter numbers.
const VERSIONS: [u32; 2] = [2, 3];
/// Those of GPT-2 have 1.8 MB.
const MAX_HEADER_BYTES: u64 = 64 << 20;
/// GPT-2 XL has 581.
const MAX_TENSORS: u64 = 4096;
const MAX_PAIRS: u64 = 4096;
/// Tokens, or merges.
const MAX_LIST: u64 = 1 << 17;
const MAX_STRING_BYTES: u64 = 1 << 20;
const MAX_DIMENSIONS: u32 = 4;
const MAX_ALIGNMENT: u64 = 1 << 16;
/// Bytes that are looked at together.
const STEP: usize = 1 << 16;

/// What a file says about itself.
#[derive(Debug, Default)]
pub struct Metadata {
    values: BTreeMap<String, Value>,
    tokens: Vec<String>,
    merges: Vec<String>,
}

#[derive(Debug)]
enum Value {
    Whole(u64),
    Float(f64),
    Text(String),
}

/// A header being read.
#[derive(Default)]
pub(super) struct Parser {
    /// Bytes of an item that is still incomplete.
    pending: Vec<u8>,
    /// Bytes of complete items.
    position: u64,
    stage: Stage,
    keys: HashSet<String>,
    pairs: u64,
    tensors_left: u64,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
}

/// The item that is due.
#[derive(Default)]
enum Stage {
    #[default]
    Start,
    Pair,
    Elements {
        list: List,
        kind: u32,
        left: u64,
    },
    Tensor,
    Padding {
        data_start: u64,
    },
    Done,
}

/// What becomes of an array.
#[derive(Clone, Copy, PartialEq)]
enum List {
    Tokens,
    Merges,
    Ignored,
}

impl Parser {
    /// Takes bytes up to the header's end; tells how many, and the header once it is complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Header>)> {
        let mut taken = 0;
        for part in bytes.chunks(STEP) {
            let known = self.pending.len();
            self.pending.extend_from_slice(part);
            let pending = std::mem::take(&mut self.pending);
            let mut rest = &pending[..];
            while !matches!(self.stage, Stage::Done) {
                let mut item = rest;
                if self.item(&mut item)?.is_none() {
                    break;
                }
                self.position += (rest.len() - item.len()) as u64;
                rest = item;
                if self.position > MAX_HEADER_BYTES {
                    return invalid(format!("the header has more than {MAX_HEADER_BYTES} bytes"));
                }
            }
            if matches!(self.stage, Stage::Done) {
                taken += pending.len() - rest.len() - known;
                return Ok((taken, Some(self.finish()?)));
            }
            self.pending = rest.to_vec();
            taken += part.len();
        }
        Ok((taken, None))
    }

    /// Reads the item that is due; `None` if it is not complete.
    fn item(&mut self, bytes: &mut &[u8]) -> Result<Option<()>> {
        match self.stage {
            Stage::Start => self.start(bytes),
            Stage::Pair => self.pair(bytes),
            Stage::Elements { list, kind, left } => self.elements(bytes, list, kind, left),
            Stage::Tensor => self.tensor(bytes),
            Stage::Padding { data_start } => {
                let padding = (data_start - self.position) as usize;
                Ok(bytes.split_off(..padding).map(|_| self.stage = Stage::Done))
            }
            Stage::Done => Ok(None),
        }
    }

    fn start(&mut self, bytes: &mut &[u8]) -> Result<Option<()>> {
        if bytes.len() >= kind::ENOUGH && !bytes.starts_with(MAGIC) {
            return match FileKind::of(bytes) {
                Some(found) => Err(Error::WrongFileKind { expected: "a GGUF file", found }),
                None => invalid("it does not begin with GGUF".to_owned()),
            };
        }
        let (Some(_), Some(version), Some(tensors), Some(pairs)) =
            (u32_of(bytes), u32_of(bytes), u64_of(bytes), u64_of(bytes))
        else {
            return Ok(None);
        };
        if VERSIONS.contains(&version.swap_bytes()) {
            return invalid("it is big-endian".to_owned());
        }
        if !VERSIONS.contains(&version) {
            return invalid(format!("version {version} is not one of {VERSIONS:?}"));
        }
        if tensors > MAX_TENSORS || pairs > MAX_PAIRS {
            return invalid(format!(
                "{tensors} tensors and {pairs} values are more than {MAX_TENSORS} and {MAX_PAIRS}"
            ));
        }
        (self.tensors_left, self.pairs) = (tensors, pairs);
        self.next_pair()
    }

    /// Goes on to the next pair, or to the tensors.
    fn next_pair(&mut self) -> Result<Option<()>> {
        self.stage = if self.pairs > 0 { Stage::Pair } else { Stage::Tensor };
        self.pairs = self.pairs.saturating_sub(1);
        Ok(Some(()))
    }

    fn pair(&mut self, bytes: &mut &[u8]) -> Result<Option<()>> {
        let Some(key) = string(bytes)? else { return Ok(None) };
        let Some(kind) = u32_of(bytes) else { return Ok(None) };
        let key = text(key)?;
        if kind == ARRAY {
            let (Some(kind), Some(left)) = (u32_of(bytes), u64_of(bytes)) else { return Ok(None) };
            if kind == ARRAY || (kind != STRING && size_of_kind(kind).is_none()) {
                return invalid(format!("{key:?} is an array of the unknown type {kind}"));
            }
            let list = match key.as_str() {
                "tokenizer.ggml.tokens" => List::Tokens,
                "tokenizer.ggml.merges" => List::Merges,
                _ => List::Ignored,
            };
            if list != List::Ignored && (kind != STRING || left > MAX_LIST) {
                return invalid(format!("{key:?} does not hold texts, or more than {MAX_LIST}"));
            }
            self.new_key(key)?;
            self.stage = Stage::Elements { list, kind, left };
            return Ok(Some(()));
        }
        let value = match kind {
            STRING => match string(bytes)? {
                Some(bytes) => str::from_utf8(bytes).ok().map(|text| Value::Text(text.to_owned())),
                None => return Ok(None),
            },
            _ => match size_of_kind(kind).map(|size| bytes.split_off(..size)) {
                Some(Some(bytes)) => number(kind, bytes),
                Some(None) => return Ok(None),
                None => return invalid(format!("{key:?} has the unknown type {kind}")),
            },
        };
        if let Some(value) = value.filter(|_| is_used(&key)) {
            self.metadata.values.insert(key.clone(), value);
        }
        self.new_key(key)?;
        self.next_pair()
    }

    fn new_key(&mut self, key: String) -> Result<()> {
        if self.keys.contains(&key) {
            return Err(Error::DuplicateKey(key));
        }
        self.keys.insert(key);
        Ok(())
    }

    fn elements(&mut self, bytes: &mut &[u8], list: List, kind: u32, left: u64) -> Result<Option<()>> {
        if left == 0 {
            return self.next_pair();
        }
        let read = if let Some(size) = size_of_kind(kind) {
            let count = left.min((bytes.len() / size) as u64);
            *bytes = &bytes[count as usize * size..];
            count
        } else {
            let Some(element) = string(bytes)? else { return Ok(None) };
            match list {
                List::Tokens => self.metadata.tokens.push(text(element)?),
                List::Merges => self.metadata.merges.push(text(element)?),
                List::Ignored => {}
            }
            1
        };
        self.stage = Stage::Elements { list, kind, left: left - read };
        Ok((read > 0).then_some(()))
    }

    fn tensor(&mut self, bytes: &mut &[u8]) -> Result<Option<()>> {
        if self.tensors_left == 0 {
            let data_start = self.position.next_multiple_of(self.alignment()?);
            self.stage = Stage::Padding { data_start };
            return Ok(Some(()));
        }
        let Some(name) = string(bytes)? else { return Ok(None) };
        let Some(dimensions) = u32_of(bytes) else { return Ok(None) };
        let name = text(name)?;
        if dimensions == 0 || dimensions > MAX_DIMENSIONS {
            return invalid(format!("{name} has {dimensions} dimensions"));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let Some(dimension) = u64_of(bytes) else { return Ok(None) };
            shape.insert(0, dimension);
        }
        let (Some(kind), Some(start)) = (u32_of(bytes), u64_of(bytes)) else { return Ok(None) };
        let Some(dtype) = dtype_of(kind).map(str::to_owned) else {
            return Err(Error::Dtype { tensor: name, dtype: format!("GGML type {kind}") });
        };
        let Some(unit) = unit_of(&dtype) else { return Err(Error::Quantisation { tensor: name, dtype }) };
        let elements = shape.iter().try_fold(1u64, |product, &dimension| product.checked_mul(dimension));
        let row = shape.last().copied().unwrap_or(0);
        let length = elements.filter(|_| row.is_multiple_of(unit.elements));
        let length = length.and_then(|elements| (elements / unit.elements).checked_mul(unit.bytes));
        let end = length.and_then(|length| start.checked_add(length)).filter(|&end| end < MAX_FILE_BYTES);
        let Some(end) = end.filter(|&end| end > start) else {
            return Err(Error::Offsets { tensor: name, reason: "the shape is none of that type, or too large" });
        };
        if self.tensors.iter().any(|tensor| tensor.name == name) {
            return Err(Error::DuplicateKey(name));
        }
        self.tensors.push(TensorInfo { name, dtype, shape, start, end });
        self.tensors_left -= 1;
        Ok(Some(()))
    }

    fn alignment(&self) -> Result<u64> {
        match self.metadata.values.get("general.alignment") {
            None => Ok(32),
            Some(Value::Whole(alignment)) if alignment.is_power_of_two() && *alignment <= MAX_ALIGNMENT => {
                Ok(*alignment)
            }
            Some(_) => invalid("general.alignment is not a power of two".to_owned()),
        }
    }

    fn finish(&mut self) -> Result<Header> {
        let alignment = self.alignment()?;
        let mut tensors = std::mem::take(&mut self.tensors);
        tensors.sort_by_key(|tensor| tensor.start);
        let mut position: u64 = 0;
        for tensor in &tensors {
            let expected = position.next_multiple_of(alignment);
            if tensor.start != expected {
                let reason = if tensor.start < expected { "overlapping, or not aligned" } else { "a gap before it" };
                return Err(Error::Offsets { tensor: tensor.name.clone(), reason });
            }
            position = tensor.end;
        }
        let padding = position.next_multiple_of(alignment) - position;
        let metadata = Some(std::mem::take(&mut self.metadata));
        Ok(Header { tensors, data_start: self.position, padding, metadata })
    }
}

impl Metadata {
    fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn whole(&self, key: &str) -> Result<usize> {
        match self.values.get(key) {
            Some(Value::Whole(number)) => Ok(usize::try_from(*number).unwrap_or(usize::MAX)),
            _ => invalid(format!("{key} is missing or no whole number")),
        }
    }

    /// What the file calls itself.
    pub fn name(&self) -> Option<&str> {
        self.text("general.name")
    }

    /// The shape of the model.
    ///
    /// # Errors
    /// If it is no GPT-2, or does not say all about it.
    pub fn config(&self) -> Result<Gpt2Config> {
        match self.text("general.architecture") {
            Some("gpt2") => {}
            Some(other) => return Err(Error::Architecture(other.chars().take(60).collect())),
            None => return invalid("general.architecture is missing".to_owned()),
        }
        let layer_norm_epsilon = match self.values.get("gpt2.attention.layer_norm_epsilon") {
            Some(Value::Float(epsilon)) => *epsilon as f32,
            _ => return invalid("gpt2.attention.layer_norm_epsilon is missing or no float".to_owned()),
        };
        let end_of_text = self.whole("tokenizer.ggml.eos_token_id").ok();
        let end_of_text = end_of_text.or_else(|| self.tokens.iter().position(|token| token == END_OF_TEXT));
        let config = Gpt2Config {
            vocab_size: self.tokens.len(),
            n_positions: self.whole("gpt2.context_length")?,
            n_embd: self.whole("gpt2.embedding_length")?,
            n_layer: self.whole("gpt2.block_count")?,
            n_head: self.whole("gpt2.attention.head_count")?,
            n_inner: self.whole("gpt2.feed_forward_length")?,
            layer_norm_epsilon,
            eos_token_id: end_of_text.and_then(|id| u32::try_from(id).ok()).unwrap_or(u32::MAX),
        };
        config.validate()?;
        Ok(config)
    }

    /// `vocab.json` and `merges.txt`.
    ///
    /// # Errors
    /// If the tokenizer is another than GPT-2's.
    pub fn tokenizer_files(&self) -> Result<[Vec<u8>; 2]> {
        let model = self.text("tokenizer.ggml.model").unwrap_or("none");
        let splitting = self.text("tokenizer.ggml.pre").unwrap_or("default");
        if model != "gpt2" || !["gpt-2", "default"].contains(&splitting) {
            return Err(Error::Tokenizer(format!("{model:?} that splits text as {splitting:?} is not that of GPT-2")));
        }
        let mut ids = HashSet::new();
        if let Some(twin) = self.tokens.iter().find(|token| !ids.insert(token.as_str())) {
            return Err(Error::Tokenizer(format!("{twin:?} has two ids")));
        }
        let vocab: BTreeMap<&str, usize> = self.tokens.iter().map(String::as_str).zip(0..).collect();
        let vocab = serde_json::to_vec(&vocab).expect("texts and numbers");
        let mut merges = "#version: 0.2\n".to_owned();
        for merge in &self.merges {
            merges.push_str(merge);
            merges.push('\n');
        }
        Ok([vocab, merges.into_bytes()])
    }
}

fn is_used(key: &str) -> bool {
    ["general.architecture", "general.alignment", "general.name"].contains(&key)
        || key.starts_with("gpt2.")
        || ["tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.ggml.eos_token_id"].contains(&key)
}

fn invalid<T>(reason: String) -> Result<T> {
    Err(Error::Gguf(reason))
}

fn u32_of(bytes: &mut &[u8]) -> Option<u32> {
    bytes.split_off(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
}

fn u64_of(bytes: &mut &[u8]) -> Option<u64> {
    bytes.split_off(..8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
}

/// A length and as many bytes; `None` if they are not complete.
fn string<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>> {
    let Some(length) = u64_of(bytes) else { return Ok(None) };
    if length > MAX_STRING_BYTES {
        return invalid(format!("a text has {length} bytes, more than {MAX_STRING_BYTES}"));
    }
    Ok(bytes.split_off(..length as usize))
}

fn text(bytes: &[u8]) -> Result<String> {
    str::from_utf8(bytes).map(str::to_owned).or_else(|_| invalid("a name is not UTF-8".to_owned()))
}

const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Bytes of a value of a fixed length.
fn size_of_kind(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// A number that is not negative, or a float.
fn number(kind: u32, bytes: &[u8]) -> Option<Value> {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let whole = u64::from_le_bytes(wide);
    let is_negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    match kind {
        6 => Some(Value::Float(f64::from(f32::from_bits(whole as u32)))),
        12 => Some(Value::Float(f64::from_bits(whole))),
        0 | 2 | 4 | 10 => Some(Value::Whole(whole)),
        1 | 3 | 5 | 11 => (!is_negative).then_some(Value::Whole(whole)),
        _ => None,
    }
}

/// The name of a tensor's type by its number.
fn dtype_of(kind: u32) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "F32", "F16", "Q4_0", "Q4_1", "", "", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
        "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32",
        "I64", "F64", "IQ1_M", "BF16",
    ];
    NAMES.get(kind as usize).copied().filter(|name| !name.is_empty())
}
