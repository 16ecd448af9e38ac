//! Files, as they arrive, to a model and its tokenizer.
//!
//! The caller learns from [`Loader::files`] what to fetch, and passes each file's bytes in that order, in parts of any
//! size. Weights go straight to their place; nothing but the tokenizer's files is held whole.

use sha2::{Digest, Sha256};

use super::hub::{HubSink, Report};
use super::manifest::{FileEntry, Manifest};
use super::quantised::{Progress, QuantisedSink};
use super::safetensors::Reader;
use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::model::weights::{Precision, Weights};
use crate::tokenizer::{MAX_FILE_BYTES, Tokenizer};

/// A model being loaded.
pub struct Loader {
    config: Gpt2Config,
    weights: Weights,
    source: Source,
    /// Files still to come, the next one last.
    due: Vec<File>,
    current: Option<Current>,
    /// Files that have come and whose hash is computed elsewhere.
    unverified: Vec<File>,
    tokenizer_files: Vec<Vec<u8>>,
    tokenizer: Option<Tokenizer>,
}

/// A file to fetch.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Its name within the folder.
    pub name: String,
    /// Its length, where the manifest states it.
    pub size: Option<u64>,
    sha256: Option<String>,
    /// Whether it belongs to the tokenizer and not to the weights.
    pub is_tokenizer: bool,
}

enum Source {
    Hub { staging: Vec<f32>, report: Option<Report> },
    Shards { progress: Progress },
}

struct Current {
    file: File,
    /// None if there is nothing to compare with, or the caller hashes.
    hash: Option<Sha256>,
    hashed_elsewhere: bool,
    received: u64,
    /// For weights.
    reader: Reader,
    /// For the tokenizer.
    bytes: Vec<u8>,
}

impl File {
    fn listed(entry: &FileEntry, is_tokenizer: bool) -> Self {
        let (size, sha256) = (Some(entry.size), Some(entry.sha256.clone()));
        Self { name: entry.file.clone(), size, sha256, is_tokenizer }
    }

    fn unlisted(name: &str, is_tokenizer: bool) -> Self {
        Self { name: name.to_owned(), size: None, sha256: None, is_tokenizer }
    }

    fn compare(&self, sha256: &[u8]) -> Result<()> {
        if self.sha256.as_ref().is_some_and(|expected| *expected != hex(sha256)) {
            return Err(Error::HashMismatch { file: self.name.clone() });
        }
        Ok(())
    }
}

impl Loader {
    /// For a folder of quantised shards.
    ///
    /// # Errors
    /// If there is no memory for the weights.
    pub fn from_manifest(manifest: &Manifest) -> Result<Self> {
        let tokenizer = manifest.tokenizer.iter().map(|entry| File::listed(entry, true));
        let files = tokenizer.chain(manifest.shards.iter().map(|entry| File::listed(entry, false))).collect();
        let mut weights = Weights::zeroed(&manifest.config, Precision::Int8)?;
        let progress = Progress::new(&manifest.config, &mut weights);
        Ok(Self::new(manifest.config, weights, Source::Shards { progress }, files))
    }

    /// For a folder in the hub's layout. `tokenizer_files` are `["tokenizer.json"]`, `["vocab.json", "merges.txt"]`, or
    /// none if only the model is wanted. With `report`, the error of quantisation is measured.
    ///
    /// # Errors
    /// If there is no memory for the weights.
    pub fn from_hub(config: Gpt2Config, tokenizer_files: &[&str], precision: Precision, report: bool) -> Result<Self> {
        let mut files: Vec<File> = tokenizer_files.iter().map(|name| File::unlisted(name, true)).collect();
        files.push(File::unlisted("model.safetensors", false));
        let weights = Weights::zeroed(&config, precision)?;
        let source = Source::Hub { staging: Vec::new(), report: report.then(Report::new) };
        Ok(Self::new(config, weights, source, files))
    }

    fn new(config: Gpt2Config, weights: Weights, source: Source, mut due: Vec<File>) -> Self {
        due.reverse();
        Self {
            config,
            weights,
            source,
            due,
            current: None,
            unverified: Vec::new(),
            tokenizer_files: Vec::new(),
            tokenizer: None,
        }
    }

    /// The files still to come, in the order in which they must come.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.due.iter().rev()
    }

    /// Starts the next file. With `hashed_elsewhere`, its hash is not computed here, and the caller must pass it to
    /// [`verify`](Self::verify): browsers hash several times as fast as WebAssembly, and beside it.
    ///
    /// # Errors
    /// If it is not the one that is due, or another one is not finished.
    pub fn begin(&mut self, name: &str, hashed_elsewhere: bool) -> Result<()> {
        let file = self.due.pop_if(|file| file.name == name && self.current.is_none());
        let file = file.ok_or_else(|| Error::UnexpectedFile(name.to_owned()))?;
        let hash = (file.sha256.is_some() && !hashed_elsewhere).then(Sha256::new);
        let (reader, bytes) = (Reader::default(), Vec::new());
        self.current = Some(Current { file, hash, hashed_elsewhere, received: 0, reader, bytes });
        Ok(())
    }

    /// Takes the next bytes of the current file.
    ///
    /// # Errors
    /// If they can't be right. The loader is of no use after an error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(current) = &mut self.current else { return Err(Error::UnexpectedFile(String::new())) };
        current.received += bytes.len() as u64;
        if let Some(expected) = current.file.size.filter(|&size| current.received > size) {
            let file = current.file.name.clone();
            return Err(wrong_kind(bytes).unwrap_or(Error::FileSize { file, expected, found: current.received }));
        }
        if let Some(hash) = &mut current.hash {
            hash.update(bytes);
        }
        if current.file.is_tokenizer {
            if current.bytes.len() + bytes.len() > MAX_FILE_BYTES {
                return Err(Error::Tokenizer(format!("the file has more than {MAX_FILE_BYTES} bytes")));
            }
            current.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        match &mut self.source {
            Source::Hub { staging, report } => {
                let mut sink = HubSink::new(&mut self.weights, &self.config, staging, report.as_mut());
                current.reader.push(bytes, &mut sink)
            }
            Source::Shards { progress } => {
                current.reader.push(bytes, &mut QuantisedSink::new(&mut self.weights, progress))
            }
        }
    }

    /// Ends the current file.
    ///
    /// # Errors
    /// If its length, hash or content is not what it must be. The loader is of no use after an error.
    pub fn end(&mut self) -> Result<()> {
        let Some(current) = self.current.take() else { return Err(Error::UnexpectedFile(String::new())) };
        let file = current.file.clone();
        // A file that was refused is still due, so that there can be no model without it.
        self.accept(current).inspect_err(|_| self.due.push(file))
    }

    fn accept(&mut self, current: Current) -> Result<()> {
        let Current { file, hash, hashed_elsewhere, received, reader, bytes } = current;
        if let Some(expected) = file.size.filter(|&size| size != received) {
            return Err(Error::FileSize { file: file.name, expected, found: received });
        }
        if let Some(hash) = hash {
            file.compare(&hash.finalize())?;
        } else if hashed_elsewhere && file.sha256.is_some() {
            self.unverified.push(file.clone());
        }
        if !file.is_tokenizer {
            return reader.finish();
        }
        if let Some(error) = wrong_kind(&bytes) {
            return Err(error);
        }
        self.tokenizer_files.push(bytes);
        if !self.due.iter().any(|file| file.is_tokenizer) {
            // Read before the weights come, so that its transient memory is free for them.
            self.tokenizer = Some(match std::mem::take(&mut self.tokenizer_files).as_slice() {
                [json] => Tokenizer::from_json(json)?,
                [vocab, merges] => Tokenizer::from_vocab_and_merges(vocab, merges)?,
                _ => return Err(Error::Tokenizer("one or two files are needed".to_owned())),
            });
        }
        Ok(())
    }

    /// Takes the SHA-256 of a file that was hashed elsewhere.
    ///
    /// # Errors
    /// If it is another than the manifest's, or there is no such file. The loader is of no use after an error.
    pub fn verify(&mut self, name: &str, sha256: &[u8]) -> Result<()> {
        let index = self.unverified.iter().position(|file| file.name == name);
        let index = index.ok_or_else(|| Error::UnexpectedFile(name.to_owned()))?;
        self.unverified[index].compare(sha256)?;
        self.unverified.swap_remove(index);
        Ok(())
    }

    /// The model, the tokenizer if its files were asked for, and the report if it was.
    ///
    /// # Errors
    /// If files are missing, or not verified.
    pub fn finish(self) -> Result<(Model, Option<Tokenizer>, Option<Report>)> {
        if let Some(file) = self.unverified.into_iter().next() {
            return Err(Error::HashMismatch { file: file.name });
        }
        if let Some(file) = self.current.map(|current| current.file).or(self.due.into_iter().next_back()) {
            return Err(Error::UnexpectedFile(format!("the end before {}", file.name)));
        }
        let report = match self.source {
            Source::Hub { report, .. } => report,
            Source::Shards { progress } => {
                progress.finish()?;
                None
            }
        };
        Ok((Model { config: self.config, weights: self.weights }, self.tokenizer, report))
    }
}

/// A file in place of which a server sent a page.
fn wrong_kind(bytes: &[u8]) -> Option<Error> {
    let is_page = bytes.trim_ascii_start().starts_with(b"<");
    is_page.then_some(Error::WrongFileKind { expected: "a file of the model", found: "a web page" })
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
