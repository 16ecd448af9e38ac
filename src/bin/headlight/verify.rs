//! `headlight verify`

use std::collections::BTreeSet;
use std::path::PathBuf;

use headlight::checkpoint::manifest::{FileEntry, Manifest};
use headlight::model::weights::Precision;
use headlight::session::Session;
use headlight::{Error, Result};

use crate::folder::{self, Loaded};

/// A text that every vocabulary of a GPT-2 can spell.
const TEXT: &str = "The";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder with manifest.json
    dir: PathBuf,
}

/// Checks a folder as a browser would that loads it, and says what it holds.
pub(crate) fn run(options: &Options) -> Result<()> {
    let dir = &options.dir;
    let manifest = Manifest::from_json(&folder::read(&dir.join("manifest.json"))?)?;
    let listed: Vec<&FileEntry> = manifest.tokenizer.iter().chain(&manifest.shards).collect();
    outln!("{:?}, {} parameters", manifest.name, manifest.config.parameters());
    for (what, text) in [
        ("source", &manifest.source.repository),
        ("revision", &manifest.source.revision),
        ("licence", &manifest.licence),
    ] {
        outln!("{what}: {}", if text.is_empty() { "not stated" } else { text });
    }

    // All lengths first: they cost nothing, and one run shows all that is missing.
    let mut wrong = Vec::new();
    for entry in &listed {
        match std::fs::metadata(dir.join(&entry.file)) {
            Err(source) => wrong.push(Error::Io { path: dir.join(&entry.file), source }),
            Ok(metadata) if metadata.len() != entry.size => {
                let (file, expected, found) = (entry.file.clone(), entry.size, metadata.len());
                wrong.push(Error::FileSize { file, expected, found });
            }
            Ok(_) => {}
        }
    }
    if let Some(last) = wrong.pop() {
        for error in wrong {
            eprintln!("error: {error}");
        }
        return Err(last);
    }
    let Loaded { model, tokenizer, .. } = folder::load(dir, Precision::Int8, false)?;
    let total: u64 = listed.iter().map(|entry| entry.size).sum();
    outln!("{} files, {:.1} MB: lengths, SHA-256, shapes and values are right", listed.len(), total as f64 / 1e6);

    let mut session = Session::new(model, tokenizer)?;
    session.set_text(TEXT)?;
    session.complete()?;
    let best = session.candidates(1)?.remove(0);
    if session.logits()?.iter().any(|logit| !logit.is_finite()) {
        return Err(Error::NonFinite { tensor: format!("the logits after {TEXT:?}") });
    }
    let token = session.tokenizer().text(best.id).unwrap_or_default();
    outln!("after {TEXT:?} comes {token:?}, with {:.1} %", 100.0 * best.probability);

    let known: BTreeSet<&str> = listed.iter().map(|entry| entry.file.as_str()).chain(["manifest.json"]).collect();
    let entries = std::fs::read_dir(dir).map_err(|source| Error::Io { path: dir.clone(), source })?;
    for name in entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        if !known.contains(name.as_str()) {
            outln!("note: {name} is not in the manifest; no page asks for it");
        }
    }
    Ok(())
}
