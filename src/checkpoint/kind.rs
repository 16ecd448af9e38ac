//! What a file is, by its first bytes, and what to do about it.

/// Bytes that tell.
pub const ENOUGH: usize = 8;

/// A kind of file that people take for a checkpoint, or servers send in place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Zip, as `torch.save` writes it.
    Zip,
    /// A Python pickle, as older versions of `torch.save` wrote it.
    Pickle,
    /// GGUF.
    Gguf,
    /// ONNX.
    Onnx,
    /// HDF5, as TensorFlow's `tf_model.h5` is.
    Hdf5,
    /// What Git LFS leaves in a clone without the file itself.
    LfsPointer,
    /// Gzip.
    Gzip,
    /// HTML.
    WebPage,
    /// JSON.
    Json,
    /// An image.
    Image,
    /// PDF.
    Pdf,
}

impl FileKind {
    /// The kind of a file that starts like this. A safetensors file has no mark of its own; its first bytes are a
    /// length.
    pub fn of(start: &[u8]) -> Option<Self> {
        Some(match start {
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::Zip,
            [0x80, 2..=5, ..] => Self::Pickle,
            [b'G', b'G', b'U', b'F', ..] => Self::Gguf,
            // A version, then the name of the program that wrote it.
            [8, 1..=30, 0x12, 1..=40, b' '..=b'~', ..] => Self::Onnx,
            [0x89, b'H', b'D', b'F', ..] => Self::Hdf5,
            [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' ', ..] => Self::LfsPointer,
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => Self::Image,
            [b'%', b'P', b'D', b'F', ..] => Self::Pdf,
            _ => match start.trim_ascii_start() {
                [b'<', ..] => Self::WebPage,
                [b'{' | b'[', ..] => Self::Json,
                _ => return None,
            },
        })
    }

    /// A stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Pickle => "pickle",
            Self::Gguf => "gguf",
            Self::Onnx => "onnx",
            Self::Hdf5 => "hdf5",
            Self::LfsPointer => "lfs-pointer",
            Self::Gzip => "gzip",
            Self::WebPage => "web-page",
            Self::Json => "json",
            Self::Image => "image",
            Self::Pdf => "pdf",
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zip => "a zip archive, perhaps a PyTorch checkpoint",
            Self::Pickle => "a Python pickle, perhaps a PyTorch checkpoint",
            Self::Gguf => "a GGUF file",
            Self::Onnx => "an ONNX model",
            Self::Hdf5 => "an HDF5 file, perhaps of TensorFlow",
            Self::LfsPointer => "a Git LFS pointer instead of the file",
            Self::Gzip => "a gzip archive",
            Self::WebPage => "a web page",
            Self::Json => "a JSON document",
            Self::Image => "an image",
            Self::Pdf => "a PDF document",
        }
    }

    /// What to do where weights were expected.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Zip | Self::Pickle => {
                "take model.safetensors of the same model, or convert it: in Python, \
                 GPT2LMHeadModel.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)"
            }
            Self::Gguf => "choose it by itself, without other files",
            Self::Onnx | Self::Hdf5 => "take model.safetensors of the same model",
            Self::LfsPointer => "run git lfs pull in that folder, or download the file from the model's page",
            Self::Gzip => "unpack it first",
            Self::WebPage => "the file is not at that address, or it takes a login to get it",
            Self::Json => "choose the weights beside it as well: model.safetensors, or all shards of manifest.json",
            Self::Image | Self::Pdf => "choose a model's weights",
        }
    }
}
