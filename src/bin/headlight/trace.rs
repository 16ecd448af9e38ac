//! `headlight trace`: a text with real tensors, to be looked into without a model.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use headlight::checkpoint::manifest::Manifest;
use headlight::inspect::{Trace, TraceModel};
use headlight::{Error, Result};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::{ModelOptions, folder};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    model: ModelOptions,
    /// The text to record, at most 64 tokens
    #[arg(allow_hyphen_values = true)]
    text: String,
}

/// JSON with the bytes of arrays in base64.
struct WithBase64;

impl Formatter for WithBase64 {
    fn write_byte_array<W: ?Sized + io::Write>(&mut self, writer: &mut W, bytes: &[u8]) -> io::Result<()> {
        write!(writer, "\"{}\"", STANDARD.encode(bytes))
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut session = folder::session(&options.model)?;
    session.set_text(&options.text)?;
    session.complete()?;
    let dir = &options.model.dir;
    let manifest = dir.join("manifest.json");
    let model = if manifest.exists() {
        let Manifest { name, source, licence, .. } = Manifest::from_json(&folder::read(&manifest)?)?;
        TraceModel { name, source: source.repository, licence, ..TraceModel::default() }
    } else {
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        TraceModel { name, ..TraceModel::default() }
    };
    let trace = Trace::record(&mut session, &options.text, model)?;
    let mut json = Vec::new();
    trace
        .serialize(&mut Serializer::with_formatter(&mut json, WithBase64))
        .map_err(|source| Error::Json { what: "the trace", source })?;
    outln!("{}", String::from_utf8_lossy(&json));
    Ok(())
}
