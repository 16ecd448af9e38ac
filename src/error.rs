//! Everything that can go wrong, one variant per cause.
//!
//! The page switches on [`Error::code`]; the text of `Display` is for people.

use std::fmt;

use crate::checkpoint::kind::FileKind;

/// Why an operation failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A JSON document could not be parsed.
    Json {
        /// Which document.
        what: &'static str,
        /// The parser's own words.
        source: serde_json::Error,
    },
    /// `config.json` asks for something that this engine does not run.
    Config {
        /// The offending key.
        field: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// The manifest of a quantised folder is not valid.
    Manifest(String),
    /// The bytes are of a known kind, but not the expected one.
    WrongFileKind {
        /// What was expected.
        expected: &'static str,
        /// What the bytes look like.
        found: FileKind,
    },
    /// The model is of another architecture than GPT-2, which is named.
    Architecture(String),
    /// A GGUF file is quantised in a way that is not read here.
    Quantisation {
        /// A tensor of that type.
        tensor: String,
        /// The type.
        dtype: String,
    },
    /// The header of a GGUF file is not of the form that the format prescribes.
    Gguf(String),
    /// A safetensors header is longer than any header that is needed here.
    HeaderTooLarge {
        /// Declared length in bytes.
        length: u64,
        /// Largest length accepted, in bytes.
        limit: u64,
    },
    /// A safetensors header is not of the form that the format prescribes.
    Header(String),
    /// Two tensors of one file have the same name.
    DuplicateKey(String),
    /// A piece of a matrix does not begin where the piece before it ended.
    PieceOrder(String),
    /// A tensor's element type is not supported where it stands.
    Dtype {
        /// The tensor.
        tensor: String,
        /// Its type, as the file spells it.
        dtype: String,
    },
    /// A tensor's offsets leave a hole, overlap another tensor, don't fit its shape, or lie beyond any file.
    Offsets {
        /// The tensor.
        tensor: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The file ended early.
    Truncated {
        /// Bytes that the header announces, header included; 0 if the header itself is incomplete.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The file goes on after its last tensor.
    TrailingBytes {
        /// Bytes that the header announces, header included.
        expected: u64,
    },
    /// A tensor's shape is not the one that the configuration implies.
    Shape {
        /// The tensor.
        tensor: String,
        /// The shape that the configuration implies.
        expected: Vec<usize>,
        /// The shape found.
        found: Vec<u64>,
    },
    /// A tensor that a GPT-2 does not have.
    UnexpectedTensor(String),
    /// Tensors that a GPT-2 must have were not in the file.
    MissingTensors(Vec<String>),
    /// A weight is NaN or infinite.
    NonFinite {
        /// The tensor.
        tensor: String,
    },
    /// A file is not as long as the manifest says.
    FileSize {
        /// The file.
        file: String,
        /// Bytes according to the manifest.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// A file's SHA-256 is not the one in the manifest.
    HashMismatch {
        /// The file.
        file: String,
    },
    /// A file was offered that the manifest does not list, or out of order.
    UnexpectedFile(String),
    /// Bytes of a file came from another place than the one that is due.
    WrongPlace {
        /// The byte that is due.
        expected: u64,
        /// The first that came.
        found: u64,
    },
    /// The tokenizer files are not valid, or not those of a GPT-2.
    Tokenizer(String),
    /// The tokenizer can't spell some text.
    Encoding(String),
    /// Memory could not be had.
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// A token id that the vocabulary does not have.
    TokenId {
        /// The id.
        id: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// A model was asked to run on no tokens.
    NoTokens,
    /// The context has no room for another token.
    ContextFull {
        /// Longest context, in tokens.
        positions: usize,
    },
    /// There is no such layer, head or position.
    OutOfRange {
        /// What was asked for.
        what: &'static str,
        /// The index asked for.
        index: usize,
        /// Number of those there are.
        count: usize,
    },
    /// What is asked for makes no sense.
    Request(String),
    /// There is no run of that kind beside the text, or none for its present tokens.
    NoSuchRun,
    /// The tokens changed before the answer was complete.
    Superseded,
    /// A sampling parameter is out of its range.
    Sampling {
        /// The parameter.
        parameter: &'static str,
        /// What it must be.
        reason: &'static str,
    },
    /// A file could not be read or written.
    #[cfg(not(target_arch = "wasm32"))]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A stable word for the kind of failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json { .. } => "invalid-json",
            Self::Config { .. } => "unsupported-config",
            Self::Manifest(_) => "invalid-manifest",
            Self::WrongFileKind { .. } => "wrong-file-kind",
            Self::Architecture(_) => "unsupported-architecture",
            Self::Quantisation { .. } => "unsupported-quantisation",
            Self::HeaderTooLarge { .. } | Self::Header(_) | Self::Gguf(_) => "invalid-header",
            Self::DuplicateKey(_) => "duplicate-key",
            Self::PieceOrder(_) => "piece-order",
            Self::Dtype { .. } => "unsupported-dtype",
            Self::Offsets { .. } => "invalid-offsets",
            Self::Truncated { .. } => "truncated",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::Shape { .. } => "unexpected-shape",
            Self::UnexpectedTensor(_) => "unexpected-tensor",
            Self::MissingTensors(_) => "missing-tensors",
            Self::NonFinite { .. } => "non-finite-weights",
            Self::FileSize { .. } => "wrong-size",
            Self::HashMismatch { .. } => "hash-mismatch",
            Self::UnexpectedFile(_) => "unexpected-file",
            Self::WrongPlace { .. } => "wrong-place",
            Self::Tokenizer(_) => "invalid-tokenizer",
            Self::Encoding(_) => "text-not-encodable",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::TokenId { .. } => "token-out-of-range",
            Self::NoTokens => "no-tokens",
            Self::ContextFull { .. } => "context-full",
            Self::OutOfRange { .. } => "out-of-range",
            Self::Request(_) => "invalid-request",
            Self::NoSuchRun => "no-such-run",
            Self::Superseded => "superseded",
            Self::Sampling { .. } => "invalid-sampling",
            #[cfg(not(target_arch = "wasm32"))]
            Self::Io { .. } => "io",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { what, source } => write!(f, "{what} is not valid JSON of the expected form: {source}"),
            Self::Config { field, reason } => write!(f, "config.json, {field}: {reason}"),
            Self::Manifest(reason) => write!(f, "manifest.json: {reason}"),
            Self::WrongFileKind { expected, found } => {
                write!(f, "expected {expected}, but this is {}; {}", found.name(), found.advice())
            }
            Self::Architecture(found) => write!(f, "this is a model of another kind, {found}; only GPT-2 is run here"),
            Self::Quantisation { tensor, dtype } => {
                write!(f, "{tensor} is quantised as {dtype}; take the same model as GGUF in F32, F16, BF16 or Q8_0")
            }
            Self::Gguf(reason) => write!(f, "invalid GGUF header: {reason}"),
            Self::HeaderTooLarge { length, limit } => {
                write!(f, "the safetensors header claims {length} bytes; at most {limit} are accepted")
            }
            Self::Header(reason) => write!(f, "invalid safetensors header: {reason}"),
            Self::DuplicateKey(key) => write!(f, "invalid header: {key} stands there twice"),
            Self::PieceOrder(name) => write!(f, "{name} does not begin where the rows before it end"),
            Self::Dtype { tensor, dtype } => write!(f, "{tensor} has the unsupported type {dtype}"),
            Self::Offsets { tensor, reason } => write!(f, "invalid offsets of {tensor}: {reason}"),
            Self::Truncated { expected: 0, found } => write!(f, "the file ends within its header, after {found} bytes"),
            Self::Truncated { expected, found } => write!(f, "the file ends after {found} of {expected} bytes"),
            Self::TrailingBytes { expected } => write!(f, "the file goes on after its {expected} bytes"),
            Self::Shape { tensor, expected, found } => {
                write!(f, "unexpected shape of {tensor}: {found:?} instead of {expected:?}")
            }
            Self::UnexpectedTensor(name) => write!(f, "a GPT-2 has no tensor {name}"),
            Self::MissingTensors(names) => {
                write!(f, "{} tensors are missing: {}", names.len(), names[..names.len().min(5)].join(", "))?;
                if names.len() > 5 { f.write_str(", ...") } else { Ok(()) }
            }
            Self::NonFinite { tensor } => write!(f, "{tensor} contains values that are not finite"),
            Self::FileSize { file, expected, found } => {
                write!(f, "{file} has {found} bytes instead of the {expected} in the manifest")
            }
            Self::HashMismatch { file } => write!(f, "{file} does not have the SHA-256 that the manifest states"),
            Self::UnexpectedFile(file) => write!(f, "{file} is not the file that is due"),
            Self::WrongPlace { expected, found } => {
                write!(f, "bytes from {found} on came, but those from {expected} on are due")
            }
            Self::Tokenizer(reason) => write!(f, "tokenizer: {reason}"),
            Self::Encoding(reason) => write!(f, "the text could not be split into tokens: {reason}"),
            Self::OutOfMemory { bytes } => {
                write!(f, "not enough memory: another {:.0} MB were needed", (*bytes as f64 / 1e6).ceil())
            }
            Self::TokenId { id, vocabulary } => write!(f, "token {id} is outside the vocabulary of {vocabulary}"),
            Self::NoTokens => f.write_str("there are no tokens to run"),
            Self::ContextFull { positions } => write!(f, "the context of {positions} tokens is full"),
            Self::OutOfRange { what, index, count } => {
                write!(f, "there is no {what} {index}; there are {count}, counted from 0")
            }
            Self::Request(reason) => write!(f, "the request makes no sense: {reason}"),
            Self::NoSuchRun => f.write_str("there is no such run beside this text"),
            Self::Superseded => f.write_str("there is a newer text"),
            Self::Sampling { parameter, reason } => write!(f, "{parameter} must be {reason}"),
            #[cfg(not(target_arch = "wasm32"))]
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json { source, .. } => Some(source),
            #[cfg(not(target_arch = "wasm32"))]
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A zeroed vector, or an error where the allocator has no more. Memory that comes zeroed from the system is not touched.
pub(crate) fn try_zeroed<T: bytemuck::Zeroable>(length: usize) -> Result<Vec<T>> {
    let slice = bytemuck::allocation::try_zeroed_slice_box(length);
    slice.map(Vec::from).map_err(|()| Error::OutOfMemory { bytes: length.saturating_mul(size_of::<T>()) })
}

/// An empty vector with room for so many elements, or an error where the allocator has no more.
pub(crate) fn try_reserved<T>(length: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    let reserved = vector.try_reserve_exact(length);
    reserved.map_err(|_| Error::OutOfMemory { bytes: length.saturating_mul(size_of::<T>()) })?;
    Ok(vector)
}
