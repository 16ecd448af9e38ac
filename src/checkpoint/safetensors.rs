//! The header of the safetensors format.
//!
//! The format: eight bytes, little-endian, the length `N` of the header; `N` bytes of JSON that map each tensor's name to
//! `{dtype, shape, data_offsets}`, with offsets from the header's end; the tensors' bytes without holes
//! (<https://github.com/huggingface/safetensors>). This reader is stricter than the reference: a key that stands twice,
//! an unknown field and leading white space are errors.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::kind::FileKind;
use super::reader::{Header, MAX_FILE_BYTES, TensorInfo, unit_of};
use crate::error::{Error, Result};
use crate::json;

/// Longest header that is accepted. That of GPT-2 XL has about 60,000 bytes.
const MAX_HEADER_BYTES: u64 = 1 << 20;
const PREFIX_BYTES: usize = 8;
/// The first eight bytes of a gzip archive without name and time, read as a length.
const GZIP_LENGTH: u64 = 0x0008_8b1f;
/// The one key that is not a tensor's.
pub const METADATA_KEY: &str = "__metadata__";

/// A tensor's entry in the header.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) dtype: String,
    pub(crate) shape: Vec<u64>,
    pub(crate) data_offsets: [u64; 2],
}

/// A header being read.
#[derive(Default)]
pub(super) struct Parser {
    /// Known after the prefix.
    length: Option<usize>,
    /// Bytes of the prefix, then of the header.
    pending: Vec<u8>,
}

impl Parser {
    /// Takes bytes up to the header's end; tells how many, and the header once it is complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(usize, Option<Header>)> {
        let mut rest = bytes;
        let length = match self.length {
            Some(length) => length,
            None => {
                let Some(prefix) = self.take(PREFIX_BYTES, &mut rest) else { return Ok((bytes.len(), None)) };
                *self.length.insert(header_length(&prefix)?)
            }
        };
        let header = self.take(length, &mut rest).map(|header| parse_header(&header)).transpose()?;
        let data_start = (PREFIX_BYTES + length) as u64;
        let header = header.map(|tensors| Header { tensors, data_start, ..Header::default() });
        Ok((bytes.len() - rest.len(), header))
    }

    /// `length` bytes, once they are all there.
    fn take(&mut self, length: usize, bytes: &mut &[u8]) -> Option<Vec<u8>> {
        let (taken, rest) = bytes.split_at((length - self.pending.len()).min(bytes.len()));
        self.pending.extend_from_slice(taken);
        *bytes = rest;
        (self.pending.len() == length).then(|| std::mem::take(&mut self.pending))
    }

    /// Bytes that are still missing as far as is known.
    pub(super) fn missing(&self) -> usize {
        self.length.unwrap_or(PREFIX_BYTES) - self.pending.len()
    }
}

/// The header's length from the first eight bytes; names files that are something else.
fn header_length(prefix: &[u8]) -> Result<usize> {
    let length = u64::from_le_bytes(prefix.try_into().expect("eight bytes were taken"));
    match (usize::try_from(length), FileKind::of(prefix)) {
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
    let Entries(entries) = json::read(header).map_err(|error| Error::Header(error.to_string()))?;
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, Entry { dtype, shape, data_offsets: [start, end] }) in entries {
        let Some(unit) = unit_of(&dtype).filter(|unit| unit.elements == 1) else {
            return Err(Error::Dtype { tensor: name, dtype });
        };
        let bytes = shape.iter().try_fold(unit.bytes, |bytes, &dimension| bytes.checked_mul(dimension));
        let reason = match (bytes, end.checked_sub(start)) {
            (None, _) => Some("the shape is too large"),
            (_, None) => Some("the end lies before the start"),
            (Some(bytes), Some(length)) if bytes != length => Some("they don't fit shape and type"),
            _ if end >= MAX_FILE_BYTES => Some("no file is that long"),
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
        let unit = unit_of(dtype).expect("our own types are known");
        let end = position + shape.iter().product::<u64>() * unit.bytes;
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
