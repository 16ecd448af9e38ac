//! What the next letter would make of the suggestions, as far as it is known beforehand.

use std::mem;

use super::Session;
use super::words::{Kind, Words};
use crate::suggest::cut::Cut;
use crate::suggest::letters::Letters;

impl Session {
    /// The letters with which the suggestions go on, each once; none where it ends a word or begins another, or where phrases
    /// are asked for.
    pub fn next_letters(&self) -> Vec<char> {
        let mut letters = Vec::new();
        for word in self.words().suggestions {
            let mut rest = word.insert.chars();
            let Some(letter) = rest.next() else { continue };
            let goes_on = letter.is_alphanumeric() && rest.next().is_some();
            let is_one_word = word.kind == Kind::Word && word.parts.len() == 1;
            if is_one_word && goes_on && !letters.contains(&letter) && self.cut_with(letter).is_some() {
                letters.push(letter);
            }
        }
        letters
    }

    /// What [`words`](Self::words) would say before any [`search`](Self::search), if this letter were typed now: what is known of
    /// that without a pass of the model. `None` if the letter does not belong to the word that has begun.
    pub fn words_after(&mut self, letter: char) -> Option<Words> {
        let (mut text, mut letters) = self.cut_with(letter)?;
        let mut swap = |session: &mut Self| {
            mem::swap(&mut session.suggesting.text, &mut text);
            mem::swap(&mut session.suggesting.letters, &mut letters);
        };
        swap(self);
        let explored = self.suggesting.explored.take();
        let slips = mem::take(&mut self.suggesting.slips);
        let phrases = mem::take(&mut self.suggesting.phrases);
        let words = self.words();
        swap(self);
        (self.suggesting.explored, self.suggesting.slips, self.suggesting.phrases) = (explored, slips, phrases);
        Some(words)
    }

    /// The text with one more letter, if that belongs to the word that has begun, and what may be meant by its letters then.
    fn cut_with(&self, letter: char) -> Option<(String, Vec<Letters>)> {
        let mut text = self.suggesting.text.clone();
        text.push(letter);
        let cut = Cut::new(&text);
        let letters = (cut.base.len() == self.suggesting.base_length).then(|| Letters::meant_by(cut.given))?;
        Some((text, letters))
    }
}
