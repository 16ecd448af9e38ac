//! A streaming reader of files that hold tensors: a header that describes them, then their bytes.

use super::{gguf, safetensors};
use crate::error::{Error, Result};

/// No file is longer; numbers below it can't overflow where they are added.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 48;

/// A tensor as the header describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its type, as the format spells it.
    pub dtype: String,
    /// Its shape, the dimension that varies fastest last.
    pub shape: Vec<u64>,
    /// First byte, counted from the header's end.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
}

/// What is done with the tensors of a file.
pub trait TensorSink {
    /// Called once, with all tensors in the order of their bytes, before any data.
    ///
    /// # Errors
    /// Ends the reading.
    fn header(&mut self, tensors: &[TensorInfo]) -> Result<()>;

    /// Called with consecutive parts of a tensor. Each part holds whole units; `first` is the index of its first element.
    ///
    /// # Errors
    /// Ends the reading.
    fn data(&mut self, tensor: &TensorInfo, first: usize, bytes: &[u8]) -> Result<()>;
}

/// The smallest part of a tensor that has a meaning of its own: elements, and the bytes they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// 1, or more where elements share a scale.
    pub elements: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The unit of a type; `None` if it is not known.
pub fn unit_of(dtype: &str) -> Option<Unit> {
    let (elements, bytes) = match dtype {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => (1, 1),
        "I16" | "U16" | "F16" | "BF16" => (1, 2),
        "I32" | "U32" | "F32" => (1, 4),
        "I64" | "U64" | "F64" => (1, 8),
        // A scale in F16, then numbers in I8.
        "Q8_0" => (32, 34),
        // Only so that they can be passed over.
        "Q4_0" => (32, 18),
        "Q4_1" => (32, 20),
        "Q5_0" => (32, 22),
        "Q5_1" => (32, 24),
        "Q4_K" => (256, 144),
        "Q5_K" => (256, 176),
        "Q6_K" => (256, 210),
        _ => return None,
    };
    Some(Unit { elements, bytes })
}

/// A header that has been read.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// In the order of their bytes.
    pub(super) tensors: Vec<TensorInfo>,
    /// The first byte of data.
    pub(super) data_start: u64,
    /// Bytes by which the file may be longer than its last tensor.
    pub(super) padding: u64,
    /// Of a GGUF file.
    pub(super) metadata: Option<gguf::Metadata>,
}

/// A header being read, by format.
enum Parser {
    Safetensors(safetensors::Parser),
    Gguf(Box<gguf::Parser>),
}

/// The reader: bytes go in through [`push`](Self::push) in parts of any size.
pub struct Reader {
    parser: Parser,
    header: Option<Header>,
    /// The tensor that is due.
    current: usize,
    /// Bytes of a unit that are still incomplete.
    pending: Vec<u8>,
    received: u64,
}

impl Default for Reader {
    /// Of safetensors.
    fn default() -> Self {
        Self::new(Parser::Safetensors(safetensors::Parser::default()))
    }
}

impl Reader {
    fn new(parser: Parser) -> Self {
        Self { parser, header: None, current: 0, pending: Vec::new(), received: 0 }
    }

    /// Of GGUF.
    pub fn gguf() -> Self {
        Self::new(Parser::Gguf(Box::default()))
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// If they break the format, or the sink refuses them. The reader is of no use after an error.
    pub fn push(&mut self, bytes: &[u8], sink: &mut impl TensorSink) -> Result<()> {
        let mut rest = bytes;
        if self.header.is_none() {
            rest = &bytes[self.push_header(bytes)?..];
            if let Some(header) = &self.header {
                sink.header(&header.tensors)?;
            }
        }
        self.push_data(rest, sink)
    }

    /// Takes bytes up to the header's end; tells how many.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(super) fn push_header(&mut self, bytes: &[u8]) -> Result<usize> {
        let (taken, header) = match &mut self.parser {
            Parser::Safetensors(parser) => parser.push(bytes)?,
            Parser::Gguf(parser) => parser.push(bytes)?,
        };
        self.header = header;
        self.received += taken as u64;
        Ok(taken)
    }

    /// Takes the next bytes after the header.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(super) fn push_data(&mut self, mut bytes: &[u8], sink: &mut impl TensorSink) -> Result<()> {
        let Some(header) = &self.header else { return Ok(()) };
        while !bytes.is_empty() {
            let position = self.received - header.data_start;
            let Some(tensor) = header.tensors.get(self.current) else {
                let end = header.tensors.last().map_or(0, |tensor| tensor.end);
                if position + bytes.len() as u64 > end + header.padding {
                    return Err(Error::TrailingBytes { expected: header.data_start + end });
                }
                self.received += bytes.len() as u64;
                break;
            };
            if tensor.start == tensor.end {
                self.current += 1;
                continue;
            }
            if position < tensor.start {
                let gap = usize::try_from(tensor.start - position).unwrap_or(usize::MAX).min(bytes.len());
                self.received += gap as u64;
                bytes = &bytes[gap..];
                continue;
            }
            let unit = unit_of(&tensor.dtype).expect("headers with other types are refused");
            // A tensor that a sink takes has a shape within memory; of others it ignores the index.
            let first = ((position - tensor.start) / unit.bytes * unit.elements) as usize;
            let size = unit.bytes as usize;
            let left = usize::try_from(tensor.end - position).unwrap_or(usize::MAX);
            let taken = if self.pending.is_empty() && bytes.len() >= size.min(left) {
                let (part, _) = bytes.split_at((bytes.len() / size * size).min(left));
                sink.data(tensor, first, part)?;
                part.len()
            } else {
                let taken = (size - self.pending.len()).min(bytes.len());
                self.pending.extend_from_slice(&bytes[..taken]);
                if self.pending.len() == size {
                    sink.data(tensor, first, &self.pending)?;
                    self.pending.clear();
                }
                taken
            };
            self.received += taken as u64;
            if self.received - header.data_start == tensor.end {
                self.current += 1;
            }
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Says that the file has ended.
    ///
    /// # Errors
    /// If it should not have.
    pub fn finish(self) -> Result<()> {
        let expected = self.file_size().unwrap_or(0);
        let complete = self.header.is_some() && self.received >= expected;
        if complete { Ok(()) } else { Err(Error::Truncated { expected, found: self.received }) }
    }

    /// The header, once it is there.
    pub(super) fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// What a GGUF file says about itself; only once.
    pub(super) fn take_metadata(&mut self) -> Option<gguf::Metadata> {
        self.header.as_mut()?.metadata.take()
    }

    /// The byte of the file that is due.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The byte after the last tensor, once the header is there.
    pub(super) fn file_size(&self) -> Option<u64> {
        let header = self.header.as_ref()?;
        Some(header.data_start + header.tensors.last().map_or(0, |tensor| tensor.end))
    }

    /// Bytes that are still missing from the header as far as is known.
    pub(super) fn header_missing(&self) -> usize {
        match &self.parser {
            _ if self.header.is_some() => 0,
            Parser::Safetensors(parser) => parser.missing(),
            Parser::Gguf(_) => 1,
        }
    }

    /// Goes on at another byte of the data, which must be the first of a unit.
    pub(super) fn seek(&mut self, byte: u64) {
        let header = self.header.as_ref().expect("without a header there is nothing to choose from");
        self.pending.clear();
        self.received = byte;
        self.current = header.tensors.partition_point(|tensor| tensor.end <= byte - header.data_start);
    }
}
