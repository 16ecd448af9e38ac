//! What the next letter would make of the suggestions: known before it is typed.

use std::mem;

use super::Session;
use super::words::{Kind, Search, Words};
use crate::error::Result;
use crate::suggest::correction::Scans;
use crate::suggest::cut::Cut;
use crate::suggest::letters::Letters;
use crate::suggest::word::is_apostrophe;

/// What belongs to the letters typed, of a text with one letter more.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    text: String,
    letters: Vec<Letters>,
    kept: Vec<String>,
    scans: Scans,
    passes: usize,
    slip_passes: usize,
}

impl Session {
    /// The letters with which the suggestions go on, each once; none where it ends a word or begins another.
    pub fn next_letters(&self) -> Vec<char> {
        let mut letters = Vec::new();
        for word in self.words().suggestions {
            let mut rest = word.insert.chars();
            let Some(letter) = rest.next() else { continue };
            // Either may be typed for the other.
            let same = if is_apostrophe(letter) { vec!['\'', '’'] } else { vec![letter] };
            let is_letter = letter.is_alphanumeric() || is_apostrophe(letter);
            if !is_letter || word.kind != Kind::Word || word.parts[0].text.len() <= letter.len_utf8() {
                continue;
            }
            for letter in same {
                if !letters.contains(&letter) && self.with(letter).is_some() {
                    letters.push(letter);
                }
            }
        }
        letters
    }

    /// What [`words`](Self::words) would say before any [`search`](Self::search), if this letter were typed now and the suggestions
    /// that agree with it were to [`keep`](Self::keep): what is known of that without a pass of the model. `None` if the letter does
    /// not belong to the word that has begun.
    pub fn words_after(&mut self, letter: char) -> Option<Words> {
        self.as_if_typed(letter, |session| session.words())
    }

    /// As [`search`](Self::search), for [`words_after`](Self::words_after). Ends early where it would have to give up what is known.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn search_after(&mut self, letter: char) -> Result<Search> {
        if !self.has_room() {
            return Ok(Search::Done);
        }
        self.as_if_typed(letter, |session| session.look()).unwrap_or(Ok(Search::Done))
    }

    fn as_if_typed<T>(&mut self, letter: char, act: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let mut ahead = match self.suggesting.ahead.remove(&letter) {
            Some(ahead) => ahead,
            None => self.with(letter)?,
        };
        self.swap(&mut ahead);
        let explored = self.suggesting.explored.take();
        let result = act(self);
        self.suggesting.explored = explored;
        self.swap(&mut ahead);
        self.suggesting.ahead.insert(letter, ahead);
        Some(result)
    }

    fn swap(&mut self, ahead: &mut Ahead) {
        let suggesting = &mut self.suggesting;
        mem::swap(&mut suggesting.text, &mut ahead.text);
        mem::swap(&mut suggesting.letters, &mut ahead.letters);
        mem::swap(&mut suggesting.kept, &mut ahead.kept);
        mem::swap(&mut suggesting.scans, &mut ahead.scans);
        mem::swap(&mut suggesting.passes, &mut ahead.passes);
        mem::swap(&mut suggesting.slip_passes, &mut ahead.slip_passes);
    }

    /// The text with one more letter, if that belongs to the word that has begun.
    fn with(&self, letter: char) -> Option<Ahead> {
        let mut text = self.suggesting.text.clone();
        text.push(letter);
        let cut = Cut::new(&text);
        if cut.base.len() != self.suggesting.base_length {
            return None;
        }
        let agreeing = self.words().suggestions.into_iter().filter(|word| word.kind == Kind::Word);
        let agrees = |c: char| c == letter || is_apostrophe(c) && is_apostrophe(letter);
        let left = agreeing.filter_map(|word| word.parts[0].text.strip_prefix(agrees).map(str::to_owned));
        let kept = left.filter(|left| !left.is_empty()).map(|left| [cut.given, &left].concat()).collect();
        let letters = Letters::meant_by(cut.given, &text);
        Some(Ahead { letters, kept, text, ..Ahead::default() })
    }
}
