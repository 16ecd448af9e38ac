//! `headlight words`: what the page's keys would show.

use headlight::Result;
use headlight::session::{Kind, Search, Settings};
use serde_json::{Value, json};

use crate::{ModelOptions, folder};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    model: ModelOptions,
    /// The text; letters at its end are completed
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// How many words to show
    #[arg(long, default_value_t = 3)]
    count: usize,
    /// Longest phrase
    #[arg(long, default_value_t = 1)]
    max_words: usize,
    /// Suggest punctuation too
    #[arg(long)]
    punctuation: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut session = folder::session(&options.model)?;
    let Options { count, max_words, punctuation, .. } = *options;
    session.begin_words(&options.text, Settings { count, max_words, punctuation, ..Settings::default() })?;
    while session.search()? != Search::Done {}
    let words = session.words();
    if options.json {
        let suggestions: Vec<Value> = words
            .suggestions
            .iter()
            .map(|word| {
                json!({
                    "text": word.text,
                    "insert": word.insert,
                    "replace": word.replace,
                    "correction": word.kind == Kind::Correction,
                    "probability": word.probability,
                    "unconditional": word.unconditional,
                    "ids": word.tokens,
                })
            })
            .collect();
        outln!("{}", json!({ "typed": words.typed, "settled": words.settled, "words": suggestions }));
        return Ok(());
    }
    for word in &words.suggestions {
        let mark = if word.kind == Kind::Correction { " (correction)" } else { "" };
        outln!("{:>10.3} %  {:?}{mark}", 100.0 * word.probability, word.text);
    }
    if !words.settled {
        eprintln!("note: the search was cut short");
    }
    Ok(())
}
