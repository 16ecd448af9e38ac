//! What comes after a suggestion: further words of a phrase, and a text that stands there already.

use super::mixture::Mixture;
use super::words::{Kind, Part, Search, Suggesting, Suggestion};
use super::{Session, listing::units};
use crate::error::{Error, Result};
use crate::suggest::letters::{Letters, Recase};
use crate::suggest::probabilities;
use crate::suggest::search::Query;

/// A phrase goes on while the next word is at least as probable as all others together.
const PHRASE: f64 = 0.5;
/// Ghost text goes on while the next word is at least that probable.
const GHOST: f64 = 0.1;
/// Tokens of the text behind the caret that are looked at.
const BEHIND: usize = 16;

/// What comes after a node.
enum Next {
    Word(Vec<u32>, Part),
    Way(Vec<u32>),
    Nothing,
}

/// What a part of the search for ghost text brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Ghost {
    /// There may be more words.
    Looking,
    /// The best suggestion with the words after it; `None` without suggestions.
    Done(Option<Suggestion>),
}

impl Session {
    /// Continues the suggestions to phrases, with at most `left` passes.
    pub(super) fn search_phrases(&mut self, left: usize) -> Result<Search> {
        if self.suggesting.settings.max_words <= 1 || left == 0 {
            return Ok(Search::Done);
        }
        for mut suggestion in self.words().suggestions {
            if let Some(way) = self.complete_phrase(&mut suggestion) {
                self.compute(&[way])?;
                return Ok(Search::Looking);
            }
        }
        Ok(Search::Done)
    }

    /// Continues a suggestion as far as is known, and returns the node that must be known to continue it further.
    pub(super) fn complete_phrase(&self, suggestion: &mut Suggestion) -> Option<Vec<u32>> {
        if suggestion.parts.is_empty() {
            suggestion.parts.push(Part { text: suggestion.insert.clone(), probability: suggestion.probability });
        }
        while suggestion.parts.len() < self.suggesting.settings.max_words && suggestion.kind == Kind::Word {
            let before = suggestion.parts.last().map_or(1.0, |part| part.probability);
            match self.next_word(&suggestion.tokens, before, PHRASE) {
                Next::Word(tokens, part) => {
                    suggestion.text.push_str(&part.text);
                    suggestion.insert.push_str(&part.text);
                    suggestion.tokens = tokens;
                    suggestion.parts.push(part);
                }
                Next::Way(way) => return Some(way),
                Next::Nothing => break,
            }
        }
        None
    }

    /// Continues the best suggestion to at most `words` words, a pass at a time. With `enough`, as far as is known.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn ghost(&mut self, words: usize, enough: bool) -> Result<Ghost> {
        let suggestions = self.words().suggestions;
        let Some(mut best) = suggestions.into_iter().find(|one| one.kind == Kind::Word) else {
            return Ok(Ghost::Done(None));
        };
        best.parts.truncate(words.max(1));
        while best.parts.len() < words {
            match self.next_word(&best.tokens, best.parts.last().map_or(1.0, |part| part.probability), GHOST) {
                Next::Word(tokens, part) => {
                    best.tokens = tokens;
                    best.parts.push(part);
                }
                Next::Way(way) if !enough => {
                    self.compute(&[way])?;
                    return Ok(Ghost::Looking);
                }
                _ => break,
            }
        }
        best.insert = best.parts.iter().map(|part| &*part.text).collect();
        Ok(Ghost::Done(Some(best)))
    }

    /// The most probable word after a node, if its probability is at least `least`.
    fn next_word(&self, from: &[u32], before: f64, least: f64) -> Next {
        let Suggesting { settings, base_text, tree, .. } = &self.suggesting;
        let Some(tree) = tree else { return Next::Nothing };
        let spelled = self.vocabulary.spelled(from);
        let text = [base_text, &*String::from_utf8_lossy(&spelled)].concat();
        let letters =
            [Letters { bytes: Vec::new(), given: String::new(), weight: 1.0, recase: Recase::Keep, is_curly: false }];
        let last = text.chars().next_back();
        let query =
            Query { before: last, letters: &letters, count: 1, punctuation: false, from, begun: b"", kept: &[] };
        let (personal, filter) = (&self.personal, settings.filter);
        let mixture = Mixture { personal, weight: 0.0, filter, base: &text, given: "", text: &text };
        let explored = tree.explore(&self.vocabulary, &query, &mixture, 1);
        let of_word = explored.words.first().map_or(0.0, |&(score, _)| score);
        match (explored.open.into_iter().next(), explored.words.into_iter().next()) {
            (Some((bound, way)), _) if bound >= least && bound > of_word => Next::Way(way),
            (_, Some((score, word))) if score >= least => {
                let tokens = [from, &word.tokens].concat();
                Next::Word(tokens, Part { text: word.text, probability: before * score })
            }
            _ => Next::Nothing,
        }
    }

    /// The logarithm of the probability that a suggestion comes and that the text `behind` the caret follows it, as far as its
    /// first tokens tell, and the suggestion's own.
    ///
    /// # Errors
    /// If there is no such suggestion, no room in the context, or no memory.
    pub fn followed_by(&self, index: usize, behind: &str) -> Result<(f64, f64)> {
        let suggestions = self.words().suggestions;
        let count = suggestions.len();
        let suggestion = suggestions.get(index).ok_or(Error::OutOfRange { what: "suggestion", index, count })?;
        let own = suggestion.probability.ln();
        let text = &self.suggesting.text;
        let kept = text.encode_utf16().count().saturating_sub(suggestion.replace);
        let kept = text.char_indices().map(|(at, _)| at).chain([text.len()]).find(|&at| units(text, 0, at).1 >= kept);
        let whole = [&text[..kept.unwrap_or(text.len())], &suggestion.insert].concat();
        let needs_space = suggestion.space_after && behind.starts_with(char::is_alphanumeric);
        let behind = if needs_space { &[" ", behind].concat() } else { behind };
        // Only its beginning can matter, so a long text need not be split as a whole.
        let end = behind.char_indices().nth(16 * BEHIND).map_or(behind.len(), |(at, _)| at);
        let mut following = self.tokenizer.encode(&behind[..end])?;
        following.truncate(BEHIND);
        if following.is_empty() {
            return Ok((own, own));
        }
        let mut tokens = self.tokenizer.encode(&whole)?;
        tokens.drain(..self.suggesting.dropped.min(tokens.len()));
        let common = self.tokens.iter().zip(&tokens).take_while(|(a, b)| a == b).count().min(self.state.len());
        let done = common.min(tokens.len().saturating_sub(1));
        let mut state = self.state.fork();
        state.truncate(done);
        let run: Vec<u32> = tokens[done..].iter().chain(&following).copied().collect();
        let room = self.model.config.n_positions.saturating_sub(done);
        let run = &run[..run.len().min(room)];
        self.model.forward(&mut state, run)?;
        let measured = following.len().min(run.len().saturating_sub(tokens.len() - done));
        // Of the last chunk only, which is where they stand.
        let measured = measured.min(((run.len() - 1) % crate::model::CHUNK + 1).saturating_sub(1));
        let logits = self.model.logits(&mut state, measured + 1);
        let rows = logits.chunks_exact(self.model.config.vocab_size);
        let joint = rows.zip(&run[run.len() - measured..]).fold(own, |sum, (logits, &id)| {
            sum + f64::from(probabilities(logits)[id as usize].max(f32::MIN_POSITIVE)).ln()
        });
        Ok((joint, own))
    }
}
