//! `manifest.json`: what a folder of quantised shards holds.

use serde::{Deserialize, Serialize};

use super::kind::FileKind;
use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::json;
use crate::kernels::BLOCK;

/// The version of the format that this crate reads and writes.
pub(super) const VERSION: u32 = 1;
const FORMAT: &str = "headlight";
const MAX_MANIFEST_BYTES: usize = 1 << 20;
pub(super) const MAX_FILES: usize = 4096;
/// Shards must not be larger, so that they can be checked whole before they are used, and no host refuses them.
pub const MAX_SHARD_BYTES: u64 = 16 << 20;

/// The manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `headlight`.
    pub format: String,
    /// Version of the format.
    pub version: u32,
    /// What people call the model.
    pub name: String,
    /// The model's shape.
    pub config: Gpt2Config,
    /// Inputs that share a scale.
    pub block: usize,
    /// `tokenizer.json`, or `vocab.json` and `merges.txt`.
    pub tokenizer: Vec<FileEntry>,
    /// The weights.
    pub shards: Vec<FileEntry>,
    /// Where the weights come from.
    #[serde(default)]
    pub source: Source,
    /// The weights' licence.
    #[serde(default)]
    pub licence: String,
}

/// Where weights come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A repository, or words.
    #[serde(default)]
    pub repository: String,
    /// Its revision.
    #[serde(default)]
    pub revision: String,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name, without any folder.
    pub file: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// A manifest of the current version.
    pub fn new(name: String, config: Gpt2Config, source: Source, licence: String) -> Self {
        let (format, version, block) = (FORMAT.to_owned(), VERSION, BLOCK);
        Self { format, version, name, config, block, tokenizer: Vec::new(), shards: Vec::new(), source, licence }
    }

    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// If anything in it is not as it must be.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        if json.len() > MAX_MANIFEST_BYTES {
            return Err(Error::Manifest(format!("it has more than {MAX_MANIFEST_BYTES} bytes")));
        }
        if json.trim_ascii_start().starts_with(b"<") {
            return Err(Error::WrongFileKind { expected: "a manifest", found: FileKind::WebPage });
        }
        let manifest: Self = json::read(json).map_err(|source| Error::Json { what: "manifest.json", source })?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// As [`from_json`](Self::from_json) reads it.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a manifest is plain data")
    }

    fn validate(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::Manifest(reason));
        if self.format != FORMAT {
            return invalid(format!("the format is {:?}, not {FORMAT:?}", self.format));
        }
        if self.version != VERSION {
            return invalid(format!("version {} is not version {VERSION}, the only one known here", self.version));
        }
        if self.block != BLOCK {
            return invalid(format!("blocks of {} weights are not supported, only of {BLOCK}", self.block));
        }
        self.config.validate()?;
        let names: Vec<&str> = self.tokenizer.iter().map(|file| file.file.as_str()).collect();
        if names != ["tokenizer.json"] && names != ["vocab.json", "merges.txt"] {
            return invalid("the tokenizer must be tokenizer.json, or vocab.json and merges.txt".to_owned());
        }
        if self.shards.is_empty() || self.shards.len() > MAX_FILES {
            return invalid(format!("{} shards are not within 1 to {MAX_FILES}", self.shards.len()));
        }
        for file in self.tokenizer.iter().chain(&self.shards) {
            file.validate()?;
        }
        for shard in &self.shards {
            if shard.size > MAX_SHARD_BYTES {
                return invalid(format!("{} has more than {MAX_SHARD_BYTES} bytes", shard.file));
            }
            if self.shards.iter().filter(|other| other.file == shard.file).count() > 1 {
                return invalid(format!("{} is listed twice", shard.file));
            }
        }
        Ok(())
    }
}

impl FileEntry {
    pub(super) fn validate(&self) -> Result<()> {
        let invalid = |what: &str| Err(Error::Manifest(format!("{what} of {:?}", self.file)));
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.file.is_empty()
            || self.file.len() > 100
            || self.file.starts_with('.')
            || !self.file.chars().all(letters)
        {
            return invalid("not a plain file name: that");
        }
        if !is_sha256(&self.sha256) {
            return invalid("not a SHA-256: that");
        }
        Ok(())
    }
}

/// Whether it is a SHA-256 in lower-case hexadecimal digits.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}
