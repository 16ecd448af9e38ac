//! A hub file on its way to weights and to shards, by byte ranges.
//!
//! The [`Plan`] follows from the file's header. Bytes come in the order of the file; those that nobody needs, and those of
//! pieces whose shards are already there, may be left out. Whenever a piece is complete, its shards can be taken, which are
//! read back from the weights at that moment: nothing is held twice.

use sha2::{Digest, Sha256};

use super::hub::{HubSink, Layout, Report};
use super::loader::{File, hex};
use super::manifest::FileEntry;
use super::plan::Plan;
use super::quantised::{Progress, QuantisedSink, shard_of};
use super::reader::{Reader, TensorSink};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::model::weights::{Precision, Weights};

/// Asked for before the header's length is known. That of GPT-2 XL has about 60,000 bytes.
const FIRST_REQUEST: u64 = 128 << 10;

/// A file being read.
pub(super) struct Intake {
    layout: Layout,
    precision: Precision,
    reader: Reader,
    /// `vocab.json` and `merges.txt`, if the file held a tokenizer.
    pub(super) tokenizer: Option<[Vec<u8>; 2]>,
    plan: Option<Plan>,
    /// Whether the weights of each piece are there.
    done: Vec<bool>,
    /// Each piece's shards that are stored.
    stored: Vec<Vec<Option<FileEntry>>>,
    /// Elements that wait for their block to be complete.
    staging: Vec<f32>,
    pub(super) report: Option<Report>,
}

/// A file to be stored: a shard of which the weights have just become complete, or one of the tokenizer that was found in
/// a GGUF file.
#[derive(Debug)]
pub struct Output {
    /// The shard's number, as [`Loader::restore`](super::loader::Loader::restore) takes it.
    pub index: Option<usize>,
    /// Name, length and hash.
    pub entry: FileEntry,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Intake {
    /// Nothing has come yet.
    pub(super) fn new(layout: Layout, precision: Precision, report: bool) -> Self {
        Self {
            layout,
            precision,
            reader: if layout == Layout::Gguf { Reader::gguf() } else { Reader::default() },
            tokenizer: None,
            plan: None,
            done: Vec::new(),
            stored: Vec::new(),
            staging: Vec::new(),
            report: report.then(Report::new),
        }
    }

    /// What is to be done, once the header is there.
    pub(super) fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// The byte that is due.
    pub(super) fn position(&self) -> u64 {
        self.reader.received()
    }

    /// The next run of bytes that must come; `None` at the end.
    pub(super) fn wanted(&self) -> Option<std::ops::Range<u64>> {
        let position = self.position();
        match &self.plan {
            Some(plan) => plan.wanted(position, &self.done),
            None => Some(position..position + FIRST_REQUEST.max(self.reader.header_missing() as u64)),
        }
    }

    /// Needed bytes that are still to come; `None` before the header.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.plan.as_ref().map(|plan| plan.remaining(self.position(), &self.done))
    }

    /// Takes bytes that stand at `offset` in the file; tells how many. It takes all, but nothing after the header in the
    /// call that completes that. There is a `model` afterwards, if there was none.
    pub(super) fn push_at(
        &mut self,
        offset: u64,
        bytes: &[u8],
        file: &File,
        model: &mut Option<Model>,
    ) -> Result<usize> {
        let (Some(plan), Some(model)) = (&self.plan, model.as_mut()) else {
            return self.push_header(offset, bytes, file, model);
        };
        let end = offset.saturating_add(bytes.len() as u64);
        if end > plan.size + plan.padding {
            return Err(Error::TrailingBytes { expected: plan.size });
        }
        let Model { config, weights } = model;
        let mut sink = HubSink::new(self.layout, weights, config, &mut self.staging, self.report.as_mut());
        while let Some(run) = plan.wanted(self.reader.received(), &self.done).filter(|run| run.start < end) {
            if run.start < offset {
                return Err(Error::WrongPlace { expected: run.start, found: offset });
            }
            if run.start > self.reader.received() {
                self.reader.seek(run.start);
            }
            // Both lie within `bytes`.
            let part = &bytes[(run.start - offset) as usize..(run.end.min(end) - offset) as usize];
            self.reader.push_data(part, &mut sink)?;
            for (done, piece) in self.done.iter_mut().zip(&plan.pieces) {
                *done |= piece.end() <= self.reader.received();
            }
        }
        Ok(bytes.len())
    }

    fn push_header(&mut self, offset: u64, bytes: &[u8], file: &File, model: &mut Option<Model>) -> Result<usize> {
        let position = self.reader.received();
        if offset > position {
            return Err(Error::WrongPlace { expected: position, found: offset });
        }
        let known = usize::try_from(position - offset).unwrap_or(usize::MAX).min(bytes.len());
        let taken = known + self.reader.push_header(&bytes[known..])?;
        let (Some(header), Some(size)) = (self.reader.header(), self.reader.file_size()) else { return Ok(taken) };
        // Before any memory is taken for weights that can't be there.
        if let Some(expected) = file.size.filter(|expected| !(size..=size + header.padding).contains(expected)) {
            return Err(Error::FileSize { file: file.name.clone(), expected, found: size });
        }
        let data = size - header.data_start;
        if let Some(metadata) = self.reader.take_metadata() {
            let config = metadata.config()?;
            let parameters = config.parameters();
            if data < parameters {
                return Err(Error::Gguf(format!("{data} bytes can't hold the {parameters} parameters it tells of")));
            }
            self.tokenizer = Some(metadata.tokenizer_files()?);
            *model = Some(Model { config, weights: Weights::empty(&config, self.precision)? });
        }
        if let (Some(header), Some(Model { config, weights })) = (self.reader.header(), model) {
            HubSink::new(self.layout, weights, config, &mut self.staging, None).header(&header.tensors)?;
            let plan = Plan::new(self.layout, weights, header, size);
            self.done = vec![false; plan.pieces.len()];
            self.stored = plan.pieces.iter().map(|piece| vec![None; piece.shards.len()]).collect();
            self.plan = Some(plan);
        }
        Ok(taken)
    }

    /// The next shard that is complete and not stored.
    pub(super) fn take_output(&mut self, weights: &mut Weights) -> Result<Option<Output>> {
        let Some(plan) = self.plan.as_ref().filter(|_| self.precision == Precision::Int8) else { return Ok(None) };
        let mut index = 0;
        for ((piece, done), stored) in plan.pieces.iter().zip(&self.done).zip(&mut self.stored) {
            for (parts, stored) in piece.shards.iter().zip(stored) {
                if *done && stored.is_none() {
                    let bytes = shard_of(weights, parts)?;
                    let sha256 = hex(&Sha256::digest(&bytes));
                    // The name changes with the content, so that hosts and browsers may keep a shard for ever.
                    let file = format!("weights-{index:03}-{}.safetensors", &sha256[..8]);
                    let entry = FileEntry { file, size: bytes.len() as u64, sha256 };
                    *stored = Some(entry.clone());
                    return Ok(Some(Output { index: Some(index), entry, bytes }));
                }
                index += 1;
            }
        }
        Ok(None)
    }

    /// Takes shard number `index` from an earlier reading of the same file instead of its bytes in the file.
    pub(super) fn restore(
        &mut self,
        index: usize,
        entry: &FileEntry,
        bytes: &[u8],
        weights: &mut Weights,
    ) -> Result<()> {
        entry.validate()?;
        if bytes.len() as u64 != entry.size {
            let (file, expected, found) = (entry.file.clone(), entry.size, bytes.len() as u64);
            return Err(Error::FileSize { file, expected, found });
        }
        if hex(&Sha256::digest(bytes)) != entry.sha256 {
            return Err(Error::HashMismatch { file: entry.file.clone() });
        }
        let places =
            self.stored.iter().enumerate().flat_map(|(piece, shards)| (0..shards.len()).map(move |i| (piece, i)));
        let place = places.clone().nth(index);
        let (Some(plan), Some((piece, shard))) = (&self.plan, place) else {
            return Err(Error::OutOfRange { what: "shard", index, count: places.count() });
        };
        if self.done[piece] {
            return Err(Error::UnexpectedFile(entry.file.clone()));
        }
        let mut progress = Progress::of(&plan.pieces[piece].shards[shard]);
        let mut reader = Reader::default();
        reader.push(bytes, &mut QuantisedSink::new(weights, &mut progress))?;
        reader.finish()?;
        progress.finish()?;
        self.stored[piece][shard] = Some(entry.clone());
        self.done[piece] = self.stored[piece].iter().all(Option::is_some);
        Ok(())
    }

    /// All shards, once they are stored.
    pub(super) fn entries(&self) -> Option<Vec<FileEntry>> {
        self.plan.as_ref().and_then(|_| self.stored.iter().flatten().cloned().collect())
    }
}
