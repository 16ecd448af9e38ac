//! `headlight quantize`

use std::path::{Path, PathBuf};

use headlight::checkpoint::hub::Report;
use headlight::checkpoint::loader::hex;
use headlight::checkpoint::manifest::{FileEntry, Manifest, Source};
use headlight::checkpoint::quantised::write_shards;
use headlight::model::weights::Precision;
use headlight::quant::QuantisationError;
use headlight::{Error, Result};
use sha2::{Digest, Sha256};

use crate::folder::{self, Loaded};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder with config.json, model.safetensors and tokenizer.json (or vocab.json and merges.txt), or a GGUF file of a
    /// GPT-2 in F32, F16, BF16 or Q8_0
    input: PathBuf,
    /// Folder to make; must be empty or not exist
    output: PathBuf,
    /// Name that people see
    #[arg(long)]
    name: Option<String>,
    /// Repository or origin of the weights
    #[arg(long, default_value = "")]
    source: String,
    /// Revision of the repository
    #[arg(long, default_value = "")]
    revision: String,
    /// Licence of the weights
    #[arg(long, default_value = "")]
    licence: String,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let Options { input, output, .. } = options;
    let io = |path: &Path| {
        let path = path.to_owned();
        |source| Error::Io { path, source }
    };
    let is_empty = || Ok(std::fs::read_dir(output).map_err(io(output))?.next().is_none());
    if output.exists() && !is_empty()? {
        let source = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "the folder is not empty");
        return Err(io(output)(source));
    }
    let Loaded { mut model, tokenizer_files, report, .. } = folder::load(input, Precision::Int8, true)?;

    let own_name = || {
        let path = input.canonicalize().ok()?;
        let name = if path.is_file() { path.file_stem() } else { path.file_name() };
        name?.to_str().map(str::to_owned)
    };
    let name = options.name.clone().or_else(own_name).unwrap_or_default();
    let source = Source { repository: options.source.clone(), revision: options.revision.clone() };
    std::fs::create_dir_all(output).map_err(io(output))?;
    let mut manifest = Manifest::new(name, model.config, source, options.licence.clone());
    for (file, bytes) in tokenizer_files {
        manifest.tokenizer.push(write(output, file, &bytes)?);
    }
    let config = model.config;
    write_shards(&config, &mut model.weights, |index, bytes| {
        // The name changes with the content, so that hosts and browsers may keep a shard for ever.
        let name = format!("weights-{index:03}-{}.safetensors", &sha256(&bytes)[..8]);
        manifest.shards.push(write(output, name, &bytes)?);
        Ok(())
    })?;
    let json = manifest.to_json();
    write(output, "manifest.json".to_owned(), &json)?;

    print_report(&report.unwrap_or_default());
    let files = manifest.tokenizer.iter().chain(&manifest.shards);
    let total = files.map(|file| file.size).sum::<u64>() + json.len() as u64;
    outln!(
        "{} parameters in {} shards; {:.1} MB in all, written to {}",
        config.parameters(),
        manifest.shards.len(),
        total as f64 / 1e6,
        output.display()
    );
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn write(folder: &Path, file: String, bytes: &[u8]) -> Result<FileEntry> {
    let path = folder.join(&file);
    std::fs::write(&path, bytes).map_err(|source| Error::Io { path, source })?;
    Ok(FileEntry { file, size: bytes.len() as u64, sha256: sha256(bytes) })
}

/// The error of each kind of matrix over all layers.
fn print_report(report: &Report) {
    let mut kinds: Vec<(String, QuantisationError)> = Vec::new();
    for (name, error) in report {
        let without_layer = name.strip_prefix("h.").and_then(|name| name.split_once('.'));
        let kind = without_layer.map_or(name.as_str(), |(_, rest)| rest);
        match kinds.iter_mut().find(|(known, _)| known == kind) {
            Some((_, sum)) => sum.add(error),
            None => kinds.push((kind.to_owned(), *error)),
        }
    }
    outln!("{:<24} {:>12} {:>16} {:>14}", "error of quantisation", "weights", "rms, relative", "largest");
    for (kind, error) in kinds {
        outln!("{kind:<24} {:>12} {:>15.3} % {:>14.6}", error.count, 100.0 * error.relative(), error.largest);
    }
}
