//! Model folders on disk.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use headlight::checkpoint::hub::Report;
use headlight::checkpoint::loader::Loader;
use headlight::checkpoint::manifest::Manifest;
use headlight::config::Gpt2Config;
use headlight::model::Model;
use headlight::model::weights::Precision;
use headlight::session::Session;
use headlight::tokenizer::Tokenizer;
use headlight::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::ModelOptions;

/// A model from disk.
pub(crate) struct Loaded {
    pub(crate) model: Model,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) report: Option<Report>,
}

/// Reads a file; the error names it.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// The session that the options describe.
pub(crate) fn session(options: &ModelOptions) -> Result<Session> {
    let precision = if options.f32 { Precision::F32 } else { Precision::Int8 };
    let Loaded { model, tokenizer, .. } = load(&options.dir, precision, false)?;
    Session::new(model, tokenizer)
}

/// The tokenizer's files in a folder of the hub's layout.
pub(crate) fn tokenizer_files(dir: &Path) -> &'static [&'static str] {
    if dir.join("tokenizer.json").exists() { &["tokenizer.json"] } else { &["vocab.json", "merges.txt"] }
}

/// A model from either kind of folder. Shows progress where someone can see it.
pub(crate) fn load(dir: &Path, precision: Precision, report: bool) -> Result<Loaded> {
    let manifest = dir.join("manifest.json");
    let mut loader = if manifest.exists() && precision == Precision::Int8 {
        Loader::from_manifest(&Manifest::from_json(&read(&manifest)?)?)?
    } else {
        let config = Gpt2Config::from_hub_json(&read(&dir.join("config.json"))?)?;
        Loader::from_hub(config, tokenizer_files(dir), precision, report)?
    };
    let names: Vec<String> = loader.files().map(|file| file.name.clone()).collect();
    let length = |name: &String| std::fs::metadata(dir.join(name)).map_or(0, |metadata| metadata.len());
    let bar = progress_bar(names.iter().map(length).sum());
    for name in names {
        let path = dir.join(&name);
        let io = |source| Error::Io { path: path.clone(), source };
        loader.begin(&name, false)?;
        let mut file = File::open(&path).map_err(io)?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).map_err(io)? {
                0 => break,
                count => {
                    loader.push(&buffer[..count])?;
                    bar.inc(count as u64);
                }
            }
        }
        loader.end()?;
    }
    bar.finish_and_clear();
    let (model, tokenizer, report) = loader.finish()?;
    let tokenizer = tokenizer.expect("the loader asked for its files");
    Ok(Loaded { model, tokenizer, report })
}

/// A bar that counts bytes, on standard error if that is a terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    ProgressBar::new(bytes).with_style(style.expect("the template is valid"))
}
