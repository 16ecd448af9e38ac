//! Models on disk: folders, and GGUF files.

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
    /// Name and content of each of its files.
    pub(crate) tokenizer_files: Vec<(String, Vec<u8>)>,
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
fn hub_tokenizer_files(dir: &Path) -> &'static [&'static str] {
    if dir.join("tokenizer.json").exists() { &["tokenizer.json"] } else { &["vocab.json", "merges.txt"] }
}

/// A model from either kind of folder, or from a GGUF file. Shows progress where someone can see it.
pub(crate) fn load(path: &Path, precision: Precision, report: bool) -> Result<Loaded> {
    let manifest = path.join("manifest.json");
    let (dir, mut loader) = if path.is_file() {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        (path.with_file_name(""), Loader::from_gguf(&name, precision, report))
    } else if manifest.exists() && precision == Precision::Int8 {
        (path.to_owned(), Loader::from_manifest(&Manifest::from_json(&read(&manifest)?)?))
    } else {
        let config = Gpt2Config::from_hub_json(&read(&path.join("config.json"))?)?;
        (path.to_owned(), Loader::from_hub(config, hub_tokenizer_files(path), precision, report)?)
    };
    let files: Vec<_> = loader.files().cloned().collect();
    let length = |name: &String| std::fs::metadata(dir.join(name)).map_or(0, |metadata| metadata.len());
    let bar = progress_bar(files.iter().map(|file| length(&file.name)).sum());
    let mut tokenizer_files = Vec::new();
    for file in files {
        // On failure the bar must not stand before the words.
        read_file(&mut loader, &dir, &file.name, &bar).inspect_err(|_| bar.finish_and_clear())?;
        if file.is_tokenizer {
            tokenizer_files.push((file.name.clone(), read(&dir.join(&file.name))?));
        }
    }
    bar.finish_and_clear();
    while let Some(output) = loader.take_tokenizer_output() {
        tokenizer_files.insert(0, (output.entry.file, output.bytes));
    }
    let (model, tokenizer, report) = loader.finish()?;
    let tokenizer = tokenizer.expect("the loader asked for its files, or found it");
    Ok(Loaded { model, tokenizer, tokenizer_files, report })
}

fn read_file(loader: &mut Loader, dir: &Path, name: &str, bar: &ProgressBar) -> Result<()> {
    let path = dir.join(name);
    let io = |source| Error::Io { path: path.clone(), source };
    loader.begin(name, false)?;
    let mut file = File::open(&path).map_err(io)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => return loader.end(),
            count => {
                loader.push(&buffer[..count])?;
                bar.inc(count as u64);
            }
        }
    }
}

/// A bar that counts bytes, on standard error if that is a terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    ProgressBar::new(bytes).with_style(style.expect("the template is valid"))
}
