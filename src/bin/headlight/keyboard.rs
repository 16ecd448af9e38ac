//! `headlight keyboard`: how much typing the suggestions save, on real text.
//!
//! A word is a run of letters and digits, or the ending of a contraction (`'t`, `'re`), as GPT-2's tokenizer splits them. The
//! ideal user looks at the suggestions at its start and after each of its letters, and taps the word as soon as it is among
//! them; a contraction that is suggested as a whole is taken as a whole. A tap is one keystroke and brings the space that follows,
//! which goes by itself where punctuation follows instead; everything else is typed, one keystroke a character. This is counted for
//! one suggestion and for several, and for a user who looks at the start of words only.
//!
//! Suggestions are whole words, as the page's: by the search over all spellings, without corrections and filter. With `--tokens`
//! they are single tokens, of which those stay that begin with the letters typed. With `--personal` the words typed so far in a file
//! count as the person's own.

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
    /// How many candidates are shown, beside the measure for one
    #[arg(long, default_value_t = 3)]
    shown: usize,
    /// Suggest single tokens instead of words
    #[arg(long)]
    tokens: bool,
    /// Weight of the words typed before in the mixture, up to 0.9
    #[arg(long, default_value_t = 0.0)]
    personal: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a user does who sees so many suggestions.
#[derive(Debug, Clone, Copy)]
struct User {
    shown: usize,
    /// Looks at the start of words only
    start_only: bool,
    keystrokes: usize,
    /// Words that were taken before a letter of theirs was typed
    hits: usize,
    /// Where the last word ends that was taken
    taken: usize,
}

/// What was counted over some text.
#[derive(Debug, Clone, Copy)]
struct Counts {
    words: usize,
    /// Keystrokes without suggestions
    characters: usize,
    /// One suggestion and all of them, at the start of words only and everywhere
    users: [User; 4],
}

impl Counts {
    fn new(shown: usize) -> Self {
        let user = |shown, start_only| User { shown, start_only, keystrokes: 0, hits: 0, taken: 0 };
        let users = [user(1, true), user(shown, true), user(1, false), user(shown, false)];
        Self { words: 0, characters: 0, users }
    }

    fn add(&mut self, other: Self) {
        self.words += other.words;
        self.characters += other.characters;
        for (user, other) in self.users.iter_mut().zip(other.users) {
            user.keystrokes += other.keystrokes;
            user.hits += other.hits;
        }
    }

    /// The share of the words that were the best suggestion, and that were shown.
    fn hits(&self) -> [f64; 2] {
        [0, 1].map(|user| self.users[user].hits as f64 / self.words.max(1) as f64)
    }

    /// The share of the keystrokes that each user saves.
    fn saved(&self) -> [f64; 4] {
        self.users.map(|user| self.characters.saturating_sub(user.keystrokes) as f64 / self.characters.max(1) as f64)
    }

    fn as_json(&self, name: &str) -> Value {
        let [best, shown] = self.hits();
        let of_user = |(user, saved): (&User, f64)| {
            json!({
                "shown": user.shown,
                "half_words": !user.start_only,
                "keystrokes": user.keystrokes,
                "saved": saved,
            })
        };
        let users: Vec<Value> = self.users.iter().zip(self.saved()).map(of_user).collect();
        json!({
            "file": name,
            "words": self.words,
            "best": best,
            "shown": shown,
            "characters": self.characters,
            "users": users,
        })
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut session = folder::session(&options.model)?;
    let print = |name: &str, counts: &Counts| {
        let shares = counts.hits().into_iter().chain(counts.saved());
        let columns: String = shares.map(|share| format!("{:>9.2} %", 100.0 * share)).collect();
        outln!("{name:<24} {:>7} {columns}", counts.words);
    };
    if !options.json {
        let shown = options.shown;
        let columns = ["top 1".to_owned(), format!("top {shown}"), "by 1".to_owned(), format!("by {shown}")];
        let columns: String = columns.iter().chain(&columns[2..]).map(|column| format!("{column:>11}")).collect();
        outln!("{:<54}{:>22}{:>22}", "", "saved at starts", "with half words");
        outln!("{:<24} {:>7} {columns}", "file", "words");
    }
    let (mut all, mut lines) = (Counts::new(options.shown), Vec::new());
    for path in &options.files {
        let text = String::from_utf8(folder::read(path)?)
            .map_err(|error| Error::Encoding(format!("{}: {error}", path.display())))?;
        let limit = if options.words == 0 { usize::MAX } else { options.words };
        let mut counts = Counts::new(options.shown);
        // Each file is another person's.
        session.personal.clear();
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
    let mut counts = Counts::new(options.shown);
    let bounds = word_bounds(document);
    let (mut rest, mut whole) = (0, 0);
    for (index, &(start, end)) in bounds.iter().enumerate().take(words) {
        let gap = document[rest..start].chars().count();
        let length = document[start..end].chars().count();
        // The space after a word belongs to it.
        let spaces = usize::from(document[end..].starts_with(' '));
        // The word alone, and with the endings of a contraction.
        let mut ends = vec![end];
        ends.extend(
            bounds[index + 1..]
                .iter()
                .scan(end, |last, &(start, end)| (start == std::mem::replace(last, end)).then_some(end)),
        );
        let looks = if counts.users.iter().all(|user| user.taken >= end) {
            Vec::new()
        } else if options.tokens {
            look_at_tokens(session, document, (start, end), options)?
        } else {
            look_at_words(session, document, start, &ends, options)?
        };
        for user in &mut counts.users {
            if user.taken >= end {
                user.hits += 1;
                continue;
            }
            let limit = if user.start_only { 1 } else { usize::MAX };
            let taken = looks.iter().take(limit).enumerate().find_map(|(typed, found)| {
                let shown = found.iter().filter(|(place, _)| *place < user.shown);
                shown.map(|&(_, end)| end).max().map(|end| (typed, end))
            });
            user.hits += usize::from(matches!(taken, Some((0, _))));
            user.taken = taken.map_or(end, |(_, end)| end);
            user.keystrokes += gap + taken.map_or(length + spaces, |(typed, _)| (typed + 1).min(length + spaces));
        }
        if index == 0 || bounds[index - 1].1 < start {
            whole = start;
        }
        if options.personal > 0.0 && ends.len() == 1 {
            session.learn(&document[..whole], &document[whole..end], true);
        }
        counts.words += 1;
        counts.characters += gap + length + spaces;
        rest = end + spaces;
    }
    Ok(counts)
}

/// What of the text is suggested after each letter, until it is the best: its places, and where it ends.
type Looks = Vec<Vec<(usize, usize)>>;

/// Looks at tokens.
fn look_at_tokens(
    session: &mut Session,
    document: &str,
    (start, end): (usize, usize),
    options: &Options,
) -> Result<Looks> {
    let word = &document[start..end];
    session.set_text(&document[..start])?;
    session.complete()?;
    let candidates = session.candidates(session.tokenizer().len())?;
    let mut matching: Vec<&str> = candidates.iter().filter_map(|candidate| candidate.insert.as_deref()).collect();
    let mut looks = Vec::new();
    for (length, _) in word.char_indices() {
        matching.retain(|insert| length == 0 || insert.len() > length && insert.starts_with(&word[..length]));
        let place = matching.iter().take(options.shown).position(|insert| *insert == word);
        looks.push(place.map(|place| (place, end)).into_iter().collect());
        if place == Some(0) {
            break;
        }
    }
    Ok(looks)
}

/// Looks at words, of which each may end where `ends` says.
fn look_at_words(
    session: &mut Session,
    document: &str,
    start: usize,
    ends: &[usize],
    options: &Options,
) -> Result<Looks> {
    let settings = Settings {
        count: options.shown,
        corrections: false,
        personal: options.personal.clamp(0.0, 0.9),
        filter: false,
        ..Settings::default()
    };
    let mut looks = Vec::new();
    for (length, _) in document[start..ends[0]].char_indices() {
        session.begin_words(&document[..start + length], settings)?;
        while session.search()? != Search::Done {}
        let suggestions = session.words().suggestions;
        let end_of = |insert: &str| ends.iter().copied().find(|&end| document[start + length..end] == *insert);
        let found: Vec<(usize, usize)> = suggestions
            .iter()
            .enumerate()
            .filter_map(|(place, suggestion)| Some((place, end_of(&suggestion.insert)?)))
            .collect();
        let is_best = found.first().is_some_and(|&(place, _)| place == 0);
        looks.push(found);
        if is_best {
            break;
        }
    }
    Ok(looks)
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
