//! A streaming reader of the safetensors format.
//!
//! The format: eight bytes, little-endian, the length `N` of the header; `N` bytes of JSON that map each tensor's name to
//! `{dtype, shape, data_offsets}`, with offsets from the header's end; the tensors' bytes without holes
//! (<https://github.com/huggingface/safetensors>). This reader is stricter than the reference: a key that stands twice,
//! an unknown field and leading white space are errors.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Longest header that is accepted. That of GPT-2 XL has about 60,000 bytes.
const MAX_HEADER_BYTES: u64 = 1 << 20;
const PREFIX_BYTES: usize = 8;
/// The first eight bytes of a gzip archive without name and time, read as a length.
const GZIP_LENGTH: u64 = 0x0008_8b1f;
/// The one key that is not a tensor's.
pub const METADATA_KEY: &str = "__metadata__";

/// A tensor as the header describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its type, as the file spells it.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// First byte, counted from the header's end.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
}

/// A tensor's entry in the header.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) dtype: String,
    pub(crate) shape: Vec<u64>,
    pub(crate) data_offsets: [u64; 2],
}

/// What is done with the tensors of a file.
pub trait TensorSink {
    /// Called once, with all tensors in the order of their bytes, before any data.
    ///
    /// # Errors
    /// Ends the reading.
    fn header(&mut self, tensors: &[TensorInfo]) -> Result<()>;

    /// Called with consecutive parts of a tensor. Each part holds whole elements; `first` is the index of its first.
    ///
    /// # Errors
    /// Ends the reading.
    fn data(&mut self, tensor: &TensorInfo, first: usize, bytes: &[u8]) -> Result<()>;
}

/// Bytes of one element.
pub fn element_size(dtype: &str) -> Option<u64> {
    match dtype {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => Some(1),
        "I16" | "U16" | "F16" | "BF16" => Some(2),
        "I32" | "U32" | "F32" => Some(4),
        "I64" | "U64" | "F64" => Some(8),
        _ => None,
    }
}

enum State {
    Prefix,
    Header { length: usize },
    Data { current: usize },
}

/// The reader: bytes go in through [`push`](Self::push) in parts of any size.
pub struct Reader {
    state: State,
    /// Bytes of the prefix, of the header, or of an element, that are still incomplete.
    pending: Vec<u8>,
    tensors: Vec<TensorInfo>,
    /// Bytes of data taken so far.
    position: u64,
    data_start: u64,
    received: u64,
    expected: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            state: State::Prefix,
            pending: Vec::new(),
            tensors: Vec::new(),
            position: 0,
            data_start: 0,
            received: 0,
            expected: 0,
        }
    }
}

impl Reader {
    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// If they break the format, or the sink refuses them. The reader is of no use after an error.
    pub fn push(&mut self, bytes: &[u8], sink: &mut impl TensorSink) -> Result<()> {
        let taken = self.push_header(bytes, sink)?;
        self.push_data(&bytes[taken..], sink)
    }

    /// Takes bytes up to the header's end; tells how many.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_header(&mut self, bytes: &[u8], sink: &mut impl TensorSink) -> Result<usize> {
        let mut rest = bytes;
        loop {
            match self.state {
                State::Prefix => {
                    let Some(prefix) = self.take(PREFIX_BYTES, &mut rest) else { break };
                    self.state = State::Header { length: header_length(&prefix)? };
                }
                State::Header { length } => {
                    let Some(header) = self.take(length, &mut rest) else { break };
                    self.tensors = parse_header(&header)?;
                    self.data_start = (PREFIX_BYTES + length) as u64;
                    let data = self.tensors.last().map_or(0, |tensor| tensor.end);
                    // At the very most no file is that long, so it is truncated wherever it ends.
                    self.expected = self.data_start.saturating_add(data);
                    sink.header(&self.tensors)?;
                    self.state = State::Data { current: 0 };
                }
                State::Data { .. } => break,
            }
        }
        let taken = bytes.len() - rest.len();
        self.received += taken as u64;
        Ok(taken)
    }

    fn push_data(&mut self, mut bytes: &[u8], sink: &mut impl TensorSink) -> Result<()> {
        self.received += bytes.len() as u64;
        while let State::Data { current } = self.state {
            match self.tensors.get(current) {
                None if bytes.is_empty() => break,
                None => return Err(Error::TrailingBytes { expected: self.expected }),
                Some(tensor) if self.position == tensor.end => self.state = State::Data { current: current + 1 },
                Some(_) if bytes.is_empty() => break,
                Some(_) => self.pass_on(current, &mut bytes, sink)?,
            }
        }
        Ok(())
    }

    /// The header, once it is there: all tensors in the order of their bytes.
    pub fn tensors(&self) -> Option<&[TensorInfo]> {
        matches!(self.state, State::Data { .. }).then_some(&self.tensors)
    }

    /// The first byte of data in the file, once the header is there.
    pub fn data_start(&self) -> u64 {
        self.data_start
    }

    /// The byte of the file that is due.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The length of the file, once the header is there.
    pub fn file_size(&self) -> u64 {
        self.expected
    }

    /// Bytes that are still missing from the header as far as is known.
    pub fn header_missing(&self) -> usize {
        match self.state {
            State::Prefix => PREFIX_BYTES - self.pending.len(),
            State::Header { length } => length - self.pending.len(),
            State::Data { .. } => 0,
        }
    }

    /// Goes on at another byte of the file, which must be the first of an element.
    pub fn seek(&mut self, byte: u64) {
        debug_assert!(self.tensors().is_some(), "without a header there is nothing to choose from");
        self.pending.clear();
        self.position = byte - self.data_start;
        let current = self.tensors.partition_point(|tensor| tensor.end <= self.position);
        self.state = State::Data { current };
        self.received = byte;
    }

    /// Says that the file has ended.
    ///
    /// # Errors
    /// If it should not have.
    pub fn finish(self) -> Result<()> {
        let complete = matches!(self.state, State::Data { .. }) && self.received == self.expected;
        if complete { Ok(()) } else { Err(Error::Truncated { expected: self.expected, found: self.received }) }
    }

    /// `length` bytes, once they are all there.
    fn take(&mut self, length: usize, bytes: &mut &[u8]) -> Option<Vec<u8>> {
        let (taken, rest) = bytes.split_at((length - self.pending.len()).min(bytes.len()));
        self.pending.extend_from_slice(taken);
        *bytes = rest;
        (self.pending.len() == length).then(|| std::mem::take(&mut self.pending))
    }

    /// Hands the sink as many whole elements as there are; keeps a part of one for later.
    fn pass_on(&mut self, current: usize, bytes: &mut &[u8], sink: &mut impl TensorSink) -> Result<()> {
        let tensor = &self.tensors[current];
        let size = element_size(&tensor.dtype).expect("parse_header lets only known types pass") as usize;
        // A tensor that a sink takes has a shape within memory; of others it ignores the index.
        let first = ((self.position - tensor.start) / size as u64) as usize;
        if !self.pending.is_empty() || bytes.len() < size {
            let (taken, rest) = bytes.split_at((size - self.pending.len()).min(bytes.len()));
            self.pending.extend_from_slice(taken);
            *bytes = rest;
            if self.pending.len() == size {
                sink.data(tensor, first, &self.pending)?;
                self.position += size as u64;
                self.pending.clear();
            }
            return Ok(());
        }
        let left = usize::try_from(tensor.end - self.position).unwrap_or(usize::MAX);
        let (part, rest) = bytes.split_at((bytes.len() / size * size).min(left));
        sink.data(tensor, first, part)?;
        self.position += part.len() as u64;
        *bytes = rest;
        Ok(())
    }
}

/// The header's length from the first eight bytes; names files that are something else.
fn header_length(prefix: &[u8]) -> Result<usize> {
    let found = match prefix {
        [b'P', b'K', 3, 4, ..] => Some("a zip archive, perhaps a PyTorch checkpoint"),
        [0x80, 2..=5, ..] => Some("a Python pickle, perhaps a PyTorch checkpoint"),
        [b'G', b'G', b'U', b'F', ..] => Some("a GGUF file"),
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' '] => Some("a Git LFS pointer instead of the file"),
        [0x1f, 0x8b, 8, ..] => Some("a gzip archive"),
        [b'<', ..] => Some("a web page"),
        [b'{' | b'[', ..] => Some("a JSON document"),
        _ => None,
    };
    let length = u64::from_le_bytes(prefix.try_into().expect("eight bytes were taken"));
    match (usize::try_from(length), found) {
        // Without name and time, the start of a gzip archive is a possible length, but none that a GPT-2 needs.
        (Ok(short), _) if length <= MAX_HEADER_BYTES && length != GZIP_LENGTH => Ok(short),
        // All others, read as a length, are far above the limit.
        (_, Some(found)) => Err(Error::WrongFileKind { expected: "a safetensors file", found }),
        _ => Err(Error::HeaderTooLarge { length, limit: MAX_HEADER_BYTES }),
    }
}

/// Map entries in the order of the file, twins included.
struct Entries(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Entries, A::Error> {
                let mut entries = Vec::new();
                let mut metadata_seen = false;
                while let Some(key) = map.next_key::<String>()? {
                    if key == METADATA_KEY {
                        if std::mem::replace(&mut metadata_seen, true) {
                            return Err(serde::de::Error::custom("__metadata__ stands there twice"));
                        }
                        map.next_value::<std::collections::BTreeMap<String, String>>()?;
                    } else {
                        entries.push((key, map.next_value()?));
                    }
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

fn parse_header(header: &[u8]) -> Result<Vec<TensorInfo>> {
    if header.first() != Some(&b'{') {
        return Err(Error::Header("it does not begin with {".to_owned()));
    }
    let Entries(entries) = serde_json::from_slice(header).map_err(|error| Error::Header(error.to_string()))?;
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, Entry { dtype, shape, data_offsets: [start, end] }) in entries {
        let Some(size) = element_size(&dtype) else { return Err(Error::Dtype { tensor: name, dtype }) };
        let bytes = shape.iter().try_fold(size, |bytes, &dimension| bytes.checked_mul(dimension));
        let reason = match (bytes, end.checked_sub(start)) {
            (None, _) => Some("the shape is too large"),
            (_, None) => Some("the end lies before the start"),
            (Some(bytes), Some(length)) if bytes != length => Some("they don't fit shape and type"),
            _ => None,
        };
        if let Some(reason) = reason {
            return Err(Error::Offsets { tensor: name, reason });
        }
        tensors.push(TensorInfo { name, dtype, shape, start, end });
    }
    let mut names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twins) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::DuplicateKey(twins[0].to_owned()));
    }
    tensors.sort_by_key(|tensor| (tensor.start, tensor.end));
    let mut position = 0;
    for tensor in &tensors {
        if tensor.start != position {
            let reason = if tensor.start < position { "overlapping" } else { "a gap before it" };
            return Err(Error::Offsets { tensor: tensor.name.clone(), reason });
        }
        position = tensor.end;
    }
    Ok(tensors)
}

/// The start of a file that holds `tensors` (name, type, shape) one after the other.
pub(crate) fn write_header(tensors: &[(String, &str, Vec<u64>)]) -> Vec<u8> {
    let mut map = serde_json::Map::new();
    let mut position = 0;
    for (name, dtype, shape) in tensors {
        let size = element_size(dtype).expect("our own types are known");
        let end = position + shape.iter().product::<u64>() * size;
        let entry = Entry { dtype: (*dtype).to_owned(), shape: shape.clone(), data_offsets: [position, end] };
        map.insert(name.clone(), serde_json::to_value(entry).expect("an entry is plain data"));
        position = end;
    }
    let mut json = serde_json::Value::Object(map).to_string().into_bytes();
    // The data then starts at a multiple of eight, as the format recommends.
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.extend_from_slice(&json);
    header
}
