//! Files, as they arrive, to a model and its tokenizer.
//!
//! The caller learns from [`Loader::files`] what to fetch, and passes each file's bytes in that order, in parts of any
//! size. Weights go straight to their place; nothing but the tokenizer's files is held whole.
//!
//! A hub file may also come by ranges of bytes, so that what is not needed stays on the server and an interrupted download
//! goes on where it ended: [`Loader::wanted`] says which bytes, [`Loader::push_at`] takes them, [`Loader::take_output`] hands
//! out each shard of int8 weights as it becomes complete, for the caller to store, and [`Loader::restore`] takes a stored shard
//! back in place of its bytes. [`Loader::manifest`] makes of all the stored shards a folder that
//! [`Loader::from_manifest`] reads.
//!
//! What is verified: every file of a manifest by its SHA-256. A hub file that came whole, by the SHA-256 that
//! [`Loader::expect`] stated; one that came in ranges with holes, by its length, header, shapes and finite values, and as far as
//! the connection it came over can be trusted. Restored shards by the SHA-256 they had when they were handed out.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::hash::Hash;
use super::hub::{Layout, Report};
use super::intake::{Intake, Output};
use super::kind::FileKind;
use super::manifest::{self, FileEntry, Manifest};
use super::plan::Plan;
use super::quantised::{Progress, QuantisedSink};
use super::reader::Reader;

use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::memory;
use crate::model::Model;
use crate::model::weights::{Precision, Weights};
use crate::tokenizer::{MAX_FILE_BYTES, Tokenizer};

/// Memory that must be left beside the weights for the tokenizer's tables, which can't report a failure.
const TOKENIZER: usize = 12 << 20;
/// The same for buffers.
const BUFFERS: usize = 4 << 20;
const TOKENIZER_FILES: [&str; 2] = ["vocab.json", "merges.txt"];

/// A model being loaded.
pub struct Loader {
    /// `None` before a GGUF file has told its shape, or there is room for what a manifest describes.
    model: Option<Model>,
    source: Source,
    /// Files still to come, the next one last.
    due: Vec<File>,
    current: Option<Current>,
    /// Files that have come and whose hash is computed elsewhere.
    unverified: Vec<File>,
    tokenizer_files: Vec<Vec<u8>>,
    /// What a manifest of a hub's model will say of them.
    tokenizer_entries: Vec<FileEntry>,
    tokenizer: Option<Tokenizer>,
    /// The files of a tokenizer that came within the weights' file, not taken yet.
    tokenizer_outputs: Vec<Output>,
    /// Whether the hub file has been compared with a hash of the whole.
    is_verified: bool,
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
    Hub(Intake),
    Shards { config: Gpt2Config, reader: Reader, progress: Option<Progress> },
}

struct Current {
    file: File,
    /// None if there is nothing to compare with, or the caller hashes.
    hash: Option<Hash>,
    /// What it was when the last piece ended.
    hash_of_pieces: Option<Hash>,
    hashed_elsewhere: bool,
    /// Bytes from the start on that have come without a hole.
    received: u64,
    /// Whether it comes in ranges, which may leave holes.
    in_ranges: bool,
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

impl Current {
    /// Notes that bytes have come from `offset` on.
    fn count(&mut self, offset: u64, bytes: &[u8], plan: Option<&Plan>) -> Result<()> {
        let end = offset.saturating_add(bytes.len() as u64);
        if let Some(expected) = self.file.size.filter(|&size| end > size) {
            let file = self.file.name.clone();
            return Err(wrong_kind(bytes).unwrap_or(Error::FileSize { file, expected, found: end }));
        }
        if offset > self.received {
            // There is a hole, so there will be no hash of the whole.
            self.hash = None;
        } else if end > self.received {
            if let Some(hash) = &mut self.hash {
                let mut new = &bytes[(self.received - offset) as usize..];
                if let Some(piece_end) = plan.and_then(|plan| plan.piece_end(self.received..end)) {
                    let (before, after) = new.split_at((piece_end - self.received) as usize);
                    hash.update(before);
                    self.hash_of_pieces = Some(hash.clone());
                    new = after;
                }
                hash.update(new);
            }
            self.received = end;
        }
        Ok(())
    }
}

impl Loader {
    /// For a folder of quantised shards. The weights' memory is set aside by [`make_room`](Self::make_room), so that files can
    /// be on their way meanwhile.
    pub fn from_manifest(manifest: &Manifest) -> Self {
        let tokenizer = manifest.tokenizer.iter().map(|entry| File::listed(entry, true));
        let files = tokenizer.chain(manifest.shards.iter().map(|entry| File::listed(entry, false))).collect();
        let config = manifest.config;
        Self::new(None, Source::Shards { config, reader: Reader::default(), progress: None }, files)
    }

    /// Sets the memory for the weights that a manifest describes aside, if that was not done yet; for other loaders it does
    /// nothing. It leaves room for the tokenizer as well, if that has not come. The first bytes of a shard do it, too.
    ///
    /// # Errors
    /// If there is not enough.
    pub fn make_room(&mut self) -> Result<()> {
        if let Source::Shards { config, progress, .. } = &mut self.source
            && progress.is_none()
        {
            let mut weights = Weights::empty(config, Precision::Int8)?;
            memory::require(if self.tokenizer.is_some() { BUFFERS } else { TOKENIZER + BUFFERS })?;
            *progress = Some(Progress::new(config, &mut weights));
            self.model = Some(Model { config: *config, weights });
        }
        Ok(())
    }

    /// For a folder in the hub's layout. `tokenizer_files` are `["tokenizer.json"]`, `["vocab.json", "merges.txt"]`, or
    /// none if only the model is wanted. With `report`, the error of quantisation is measured.
    ///
    /// # Errors
    /// If there is no memory for the weights.
    pub fn from_hub(config: Gpt2Config, tokenizer_files: &[&str], precision: Precision, report: bool) -> Result<Self> {
        let mut files: Vec<File> = tokenizer_files.iter().map(|name| File::unlisted(name, true)).collect();
        files.push(File::unlisted("model.safetensors", false));
        let weights = Weights::empty(&config, precision)?;
        memory::require(TOKENIZER + BUFFERS)?;
        let intake = Intake::new(Layout::Hub, precision, report);
        Ok(Self::new(Some(Model { config, weights }), Source::Hub(intake), files))
    }

    /// For a GGUF file of that name, which holds configuration and tokenizer as well.
    pub fn from_gguf(name: &str, precision: Precision, report: bool) -> Self {
        let intake = Intake::new(Layout::Gguf, precision, report);
        Self::new(None, Source::Hub(intake), vec![File::unlisted(name, false)])
    }

    fn new(model: Option<Model>, source: Source, mut due: Vec<File>) -> Self {
        due.reverse();
        Self {
            model,
            source,
            due,
            current: None,
            unverified: Vec::new(),
            tokenizer_files: Vec::new(),
            tokenizer_entries: Vec::new(),
            tokenizer: None,
            tokenizer_outputs: Vec::new(),
            is_verified: false,
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
        let hash = (file.sha256.is_some() && !hashed_elsewhere).then(Hash::default);
        self.current = Some(Current {
            file,
            hash,
            hash_of_pieces: None,
            hashed_elsewhere,
            received: 0,
            in_ranges: false,
            bytes: Vec::new(),
        });
        Ok(())
    }

    /// States length and SHA-256 (lower-case hexadecimal digits) of a file that no manifest describes.
    ///
    /// # Errors
    /// If there is no such file still to come, or that is no SHA-256.
    pub fn expect(&mut self, name: &str, size: Option<u64>, sha256: Option<&str>) -> Result<()> {
        let file = self.due.iter_mut().find(|file| file.name == name && file.sha256.is_none());
        let file = file.ok_or_else(|| Error::UnexpectedFile(name.to_owned()))?;
        if sha256.is_some_and(|sha256| !manifest::is_sha256(sha256)) {
            return Err(Error::Manifest(format!("not a SHA-256: that of {name:?}")));
        }
        (file.size, file.sha256) = (size, sha256.map(str::to_owned));
        Ok(())
    }

    /// Takes the next bytes of the current file.
    ///
    /// # Errors
    /// If they can't be right, or there is no memory for what they belong to. The loader is of no use after an error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(current) = &mut self.current else { return Err(Error::UnexpectedFile(String::new())) };
        if current.file.is_tokenizer {
            current.count(current.received, bytes, None)?;
            if current.bytes.len() + bytes.len() > MAX_FILE_BYTES {
                return Err(Error::Tokenizer(format!("the file has more than {MAX_FILE_BYTES} bytes")));
            }
            let out_of_memory = |_| Error::OutOfMemory { bytes: bytes.len() };
            current.bytes.try_reserve(bytes.len()).map_err(out_of_memory)?;
            current.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        match &mut self.source {
            Source::Hub(_) => {
                let (offset, mut taken) = (current.received, 0);
                while taken < bytes.len() {
                    taken += self.take(offset + taken as u64, &bytes[taken..])?;
                }
                Ok(())
            }
            Source::Shards { .. } => {
                current.count(current.received, bytes, None)?;
                self.make_room()?;
                let (Source::Shards { reader, progress: Some(progress), .. }, Some(model)) =
                    (&mut self.source, &mut self.model)
                else {
                    unreachable!("there is room")
                };
                reader.push(bytes, &mut QuantisedSink::new(&mut model.weights, progress))
            }
        }
    }

    /// Takes bytes that stand at `offset` in the current file, which must be one of the hub; tells how many it took. It takes
    /// all, except that it stops at the header's end once, so that shards can be restored before weights come. Bytes
    /// that are not wanted are passed over, so a server that answers with more than was asked for does no harm.
    ///
    /// # Errors
    /// If wanted bytes before `offset` have not come, or they can't be right. The loader is of no use after an error.
    pub fn push_at(&mut self, offset: u64, bytes: &[u8]) -> Result<usize> {
        match &mut self.current {
            Some(current) if !current.file.is_tokenizer => current.in_ranges = true,
            Some(current) => return Err(Error::UnexpectedFile(current.file.name.clone())),
            None => return Err(Error::UnexpectedFile(String::new())),
        }
        self.take(offset, bytes)
    }

    /// Takes bytes of the hub file.
    fn take(&mut self, offset: u64, bytes: &[u8]) -> Result<usize> {
        let (Some(current), Source::Hub(intake)) = (&mut self.current, &mut self.source) else {
            return Err(Error::UnexpectedFile(String::new()));
        };
        current.count(offset, bytes, intake.plan())?;
        let taken = intake.push_at(offset, bytes, &current.file, &mut self.model)?;
        if let Some(files) = intake.tokenizer.take() {
            self.tokenizer = Some(Tokenizer::from_vocab_and_merges(&files[0], &files[1])?);
            for (name, bytes) in TOKENIZER_FILES.into_iter().zip(files) {
                let entry = entry_of(name, &bytes);
                self.tokenizer_entries.push(entry.clone());
                self.tokenizer_outputs.push(Output { index: None, entry, bytes });
            }
        }
        Ok(taken)
    }

    /// What is to be done with the hub file, once its header has come.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.source {
            Source::Hub(intake) => intake.plan(),
            Source::Shards { .. } => None,
        }
    }

    /// The next run of bytes of the hub file that must come, in one request if the caller likes; `None` when all are there.
    /// Before the header has come it is a guess at that, which the file may be shorter than.
    pub fn wanted(&self) -> Option<Range<u64>> {
        match &self.source {
            Source::Hub(intake) => intake.wanted(),
            Source::Shards { .. } => None,
        }
    }

    /// Bytes of the hub file that are wanted in all from here on; `None` before its header has come.
    pub fn remaining(&self) -> Option<u64> {
        match &self.source {
            Source::Hub(intake) => intake.remaining(),
            Source::Shards { .. } => None,
        }
    }

    /// The next shard of int8 weights that has become complete, or a tokenizer's file that a GGUF file held; `None` if there is
    /// none yet. A shard is made at this moment, so taking them early costs no memory, and not taking them nothing.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn take_output(&mut self) -> Result<Option<Output>> {
        if let Some(output) = self.take_tokenizer_output() {
            return Ok(Some(output));
        }
        match (&mut self.source, &mut self.model) {
            (Source::Hub(intake), Some(model)) => intake.take_output(&mut model.weights),
            _ => Ok(None),
        }
    }

    /// The next file of the tokenizer that a GGUF file held.
    pub fn take_tokenizer_output(&mut self) -> Option<Output> {
        self.tokenizer_outputs.pop()
    }

    /// Takes a shard that an earlier loader handed out for the same plan, in place of its bytes in the hub file. The plan
    /// must be known.
    ///
    /// # Errors
    /// If it is not as it was. Its bytes in the file are then wanted as before, and the loader can go on.
    pub fn restore(&mut self, index: usize, entry: &FileEntry, bytes: &[u8]) -> Result<()> {
        match (&mut self.source, &mut self.model) {
            (Source::Hub(intake), Some(model)) => intake.restore(index, entry, bytes, &mut model.weights),
            _ => Err(Error::UnexpectedFile(entry.file.clone())),
        }
    }

    /// The manifest of the folder that the shards taken or restored make together with the tokenizer's files; `None` if
    /// some are missing.
    pub fn manifest(&self, name: &str, source: manifest::Source, licence: &str) -> Option<Manifest> {
        let Source::Hub(intake) = &self.source else { return None };
        let mut manifest = Manifest::new(name.to_owned(), self.model.as_ref()?.config, source, licence.to_owned());
        manifest.shards = intake.entries()?;
        manifest.tokenizer = self.tokenizer_entries.clone();
        (self.tokenizer.is_some() && !manifest.shards.is_empty()).then_some(manifest)
    }

    /// Whether the hub file came whole and had the SHA-256 that was expected.
    pub fn is_verified(&self) -> bool {
        self.is_verified
    }

    /// What it takes to go on with the hash of the current file after the last piece that came without a hole before it;
    /// `None` if there is none yet, or nothing to compare the hash with.
    pub fn save_hash(&self) -> Option<Vec<u8>> {
        let current = self.current.as_ref().filter(|current| current.hash.is_some())?;
        Some(current.hash_of_pieces.as_ref()?.save())
    }

    /// Goes on with a saved hash in place of the bytes that it stands for; tells how many they are, or `None` if it can't be
    /// used, because some of them are still wanted: those that come now need not be those that it was computed of.
    pub fn restore_hash(&mut self, saved: &[u8]) -> Option<u64> {
        let wanted = self.wanted().map_or(u64::MAX, |run| run.start);
        let current = self.current.as_mut().filter(|current| current.hash.is_some())?;
        let hash = Hash::restore(saved).filter(|hash| (current.received..=wanted).contains(&hash.length()))?;
        current.received = hash.length();
        current.hash = Some(hash);
        Some(current.received)
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
        let Current { file, hash, hashed_elsewhere, received, in_ranges, bytes, .. } = current;
        if let Source::Hub(intake) = &self.source
            && !file.is_tokenizer
        {
            let expected = intake.plan().map_or(0, |plan| plan.size);
            let is_whole = expected > 0 && received >= file.size.unwrap_or(expected);
            if intake.wanted().is_some() || !(is_whole || in_ranges) {
                let found = if in_ranges { intake.position() } else { received };
                return Err(Error::Truncated { expected, found });
            }
            if let Some(hash) = hash.filter(|_| is_whole) {
                file.compare(&hash.finish())?;
                self.is_verified = true;
            } else if is_whole && hashed_elsewhere && file.sha256.is_some() {
                self.unverified.push(file);
            }
            return Ok(());
        }
        if let Some(expected) = file.size.filter(|&size| size != received) {
            return Err(Error::FileSize { file: file.name, expected, found: received });
        }
        if let Some(hash) = hash {
            file.compare(&hash.finish())?;
        } else if hashed_elsewhere && file.sha256.is_some() {
            self.unverified.push(file.clone());
        }
        if let Source::Shards { reader, .. } = &mut self.source
            && !file.is_tokenizer
        {
            return std::mem::take(reader).finish();
        }
        if let Some(error) = wrong_kind(&bytes) {
            return Err(error);
        }
        // A manifest has them already.
        if let Source::Hub(_) = self.source {
            self.tokenizer_entries.push(entry_of(&file.name, &bytes));
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
    /// If files are missing, or not verified, or there is no memory for what a manifest describes.
    pub fn finish(mut self) -> Result<(Model, Option<Tokenizer>, Option<Report>)> {
        if let Some(file) = self.unverified.first() {
            return Err(Error::HashMismatch { file: file.name.clone() });
        }
        if let Some(file) = self.current.as_ref().map(|current| &current.file).or(self.due.last()) {
            return Err(Error::UnexpectedFile(format!("the end before {}", file.name)));
        }
        // A manifest without shards: what is missing is told all the same.
        self.make_room()?;
        let report = match self.source {
            Source::Hub(intake) => intake.report,
            Source::Shards { progress, .. } => {
                progress.expect("there is room").finish()?;
                None
            }
        };
        let mut model = self.model.expect("all files have come");
        model.weights.complete();
        Ok((model, self.tokenizer, report))
    }
}

fn entry_of(file: &str, bytes: &[u8]) -> FileEntry {
    FileEntry { file: file.to_owned(), size: bytes.len() as u64, sha256: hex(&Sha256::digest(bytes)) }
}

/// A file in place of which a server sent a page.
fn wrong_kind(bytes: &[u8]) -> Option<Error> {
    let is_page = bytes.trim_ascii_start().starts_with(b"<");
    is_page.then_some(Error::WrongFileKind { expected: "a file of the model", found: FileKind::WebPage })
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
