//! `headlight keyboard`: how much typing the suggestions save, on real text.
//!
//! A word is a run of letters and digits, or the ending of a contraction (`'t`, `'re`), as GPT-2's tokenizer splits them. The
//! ideal user looks at the suggestions at its start and after each of its letters, and taps the word as soon as it is among
//! them. A tap is one keystroke and brings the space that follows, which goes by itself where punctuation follows instead;
//! everything else is typed, one keystroke a character.
//!
//! Suggestions are whole words, as the page's: by the search over all spellings, without corrections and filter. With
//! `--start-only` they are asked for at the word's start alone; with `--tokens` they are single tokens, of which those stay that
//! begin with the letters typed. With `--personal` the words typed so far count as the person's own.

use std::path::PathBuf;

use headlight::session::{Search, Session, Settings};
use headlight::{Error, Result};
use serde_json::{Value, json};

use crate::{ModelOptions, folder};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    model: ModelOptions,
    /// Text files; lines that hold only <|endoftext|> separate documents
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// At most this many words of each file; 0 for all
    #[arg(long, default_value_t = 0)]
    words: usize,
    /// How many candidates are shown
    #[arg(long, default_value_t = 3)]
    shown: usize,
    /// Suggest single tokens instead of words
    #[arg(long)]
    tokens: bool,
    /// Suggest at the start of words only, not while letters are typed
    #[arg(long)]
    start_only: bool,
    /// Weight of the words typed before in the mixture, up to 0.9
    #[arg(long, default_value_t = 0.0)]
    personal: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was counted over some text.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    words: usize,
    /// Words that were the best candidate before a letter was typed
    best: usize,
    /// Words that were shown before a letter was typed
    shown: usize,
    /// Keystrokes without suggestions
    characters: usize,
    /// Keystrokes of the ideal user
    keystrokes: usize,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.words += other.words;
        self.best += other.best;
        self.shown += other.shown;
        self.characters += other.characters;
        self.keystrokes += other.keystrokes;
    }

    /// Shares of the words that were the best candidate and that were shown, and of the keystrokes that were saved.
    fn shares(&self) -> [f64; 3] {
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        let saved = self.characters.saturating_sub(self.keystrokes);
        [share(self.best, self.words), share(self.shown, self.words), share(saved, self.characters)]
    }

    fn as_json(&self, name: &str) -> Value {
        let [best, shown, saved] = self.shares();
        json!({
            "file": name,
            "words": self.words,
            "best": best,
            "shown": shown,
            "characters": self.characters,
            "keystrokes": self.keystrokes,
            "saved": saved,
        })
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut session = folder::session(&options.model)?;
    let print = |name: &str, counts: &Counts| {
        let [best, shown, saved] = counts.shares().map(|share| 100.0 * share);
        outln!("{name:<32} {:>9} {best:>8.2} % {shown:>8.2} % {saved:>10.2} %", counts.words);
    };
    if !options.json {
        let shown = format!("top {}", options.shown);
        outln!("{:<32} {:>9} {:>10} {shown:>10} {:>12}", "file", "words", "top 1", "keys saved");
    }
    let (mut all, mut lines) = (Counts::default(), Vec::new());
    for path in &options.files {
        let text = String::from_utf8(folder::read(path)?)
            .map_err(|error| Error::Encoding(format!("{}: {error}", path.display())))?;
        let limit = if options.words == 0 { usize::MAX } else { options.words };
        let mut counts = Counts::default();
        for document in documents(&text) {
            counts.add(type_document(&mut session, &document, limit - counts.words, options)?);
        }
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if options.json {
            lines.push(counts.as_json(&name));
        } else {
            print(&name, &counts);
        }
        all.add(counts);
    }
    if options.json {
        outln!("{}", json!({ "files": lines, "all": all.as_json("all") }));
    } else {
        print("all", &all);
    }
    Ok(())
}

fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line == "<|endoftext|>" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents.retain_mut(|document| {
        *document = document.trim_matches('\n').to_owned();
        !document.is_empty()
    });
    documents
}

/// Types the document up to the end of its last word, or of as many words as asked for.
fn type_document(session: &mut Session, document: &str, words: usize, options: &Options) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut rest = 0;
    for (start, end) in word_bounds(document).into_iter().take(words) {
        let gap = document[rest..start].chars().count();
        let word = &document[start..end];
        let length = word.chars().count();
        // The space after a word belongs to it; see `type_word`.
        let spaces = usize::from(document[end..].starts_with(' '));
        let first = if options.tokens {
            session.set_text(&document[..start])?;
            session.complete()?;
            first_token(session, word, options)?
        } else {
            first_word(session, document, (start, end), options)?
        };
        if options.personal > 0.0 {
            session.learn(&document[..start], word, true);
        }
        counts.words += 1;
        counts.best += usize::from(matches!(first, Some((0, 0))));
        counts.shown += usize::from(matches!(first, Some((0, _))));
        counts.characters += gap + length + spaces;
        counts.keystrokes += gap + first.map_or(length + spaces, |(typed, _)| (typed + 1).min(length + spaces));
        rest = end + spaces;
    }
    Ok(counts)
}

/// After how many letters the word is shown, and in which place, if tokens are. The session's text ends where the word begins.
fn first_token(session: &Session, word: &str, options: &Options) -> Result<Option<(usize, usize)>> {
    let candidates = session.candidates(session.tokenizer().len())?;
    let mut matching: Vec<&str> = candidates.iter().filter_map(|candidate| candidate.insert.as_deref()).collect();
    for (typed, (length, _)) in looked_at(word, options) {
        matching.retain(|insert| length == 0 || insert.len() > length && insert.starts_with(&word[..length]));
        if let Some(place) = matching.iter().take(options.shown).position(|insert| *insert == word) {
            return Ok(Some((typed, place)));
        }
    }
    Ok(None)
}

/// The same if words are shown.
fn first_word(
    session: &mut Session,
    document: &str,
    (start, end): (usize, usize),
    options: &Options,
) -> Result<Option<(usize, usize)>> {
    let word = &document[start..end];
    let settings = Settings {
        count: options.shown,
        corrections: false,
        personal: options.personal.clamp(0.0, 0.9),
        filter: false,
        ..Settings::default()
    };
    for (typed, (length, _)) in looked_at(word, options) {
        session.begin_words(&document[..start + length], settings)?;
        while session.search()? != Search::Done {}
        let suggestions = session.words().suggestions;
        if let Some(place) = suggestions.iter().position(|suggestion| suggestion.insert == word[length..]) {
            return Ok(Some((typed, place)));
        }
    }
    Ok(None)
}

/// Where in a word the user looks: letters typed, and the characters at which they end.
fn looked_at(word: &str, options: &Options) -> impl Iterator<Item = (usize, (usize, char))> {
    let limit = if options.start_only { 1 } else { usize::MAX };
    word.char_indices().enumerate().take(limit)
}

/// Where words begin and end, in bytes.
fn word_bounds(text: &str) -> Vec<(usize, usize)> {
    let mut bounds = Vec::new();
    let mut start = None;
    let mut previous = ' ';
    for (i, c) in text.char_indices() {
        let next_is_letter = || text[i..].chars().nth(1).is_some_and(char::is_alphabetic);
        let begins_ending = c == '\'' && previous.is_alphabetic() && next_is_letter();
        if begins_ending || !c.is_alphanumeric() {
            bounds.extend(start.take().map(|start| (start, i)));
        }
        if begins_ending || c.is_alphanumeric() && start.is_none() {
            start = Some(i);
        }
        previous = c;
    }
    bounds.extend(start.map(|start| (start, text.len())));
    bounds
}

#[cfg(test)]
mod tests {
    use super::{documents, word_bounds};

    fn words(text: &str) -> Vec<&str> {
        word_bounds(text).into_iter().map(|(start, end)| &text[start..end]).collect()
    }

    #[test]
    fn words_end_at_white_space_and_punctuation_and_before_the_ending_of_a_contraction() {
        assert_eq!(words("Hi, I don't!\nAt 5pm?"), ["Hi", "I", "don", "'t", "At", "5pm"]);
        assert_eq!(words("'quoted' rock 'n' café we'll"), ["quoted", "rock", "n", "café", "we", "'ll"]);
        assert!(words(" ... \n").is_empty());
    }

    #[test]
    fn documents_are_what_stands_between_separators() {
        let text = "one\ntwo\n<|endoftext|>\n\nthree <|endoftext|>\n<|endoftext|>\n";
        assert_eq!(documents(text), ["one\ntwo", "three <|endoftext|>"]);
    }
}
