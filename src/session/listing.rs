//! The long list behind the suggestions, and what else could have stood in the text, from logits that are kept or of one pass.

use super::{Session, words::Suggesting};
use crate::error::{Error, Result};
use crate::sample::Sampling;
use crate::suggest::{Candidate, allowed, candidates};

/// What a list of candidates is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Tokens that the word at the text's end may be or go on with.
    Within,
    /// Tokens that may follow the text.
    After,
}

/// What else could have stood in place of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternatives {
    /// What stands there. Its rank is that among all tokens.
    pub chosen: Candidate,
    /// Where it begins and ends in the text, in UTF-16 units. A token within a character begins and ends with it.
    pub range: (usize, usize),
    /// The most probable tokens in its place.
    pub candidates: Vec<Candidate>,
}

impl Session {
    /// The `count` most probable next tokens after the text of [`begin_words`](Self::begin_words), from what the search has
    /// computed. `sampled` is by `sampling`, if there is one.
    ///
    /// # Errors
    /// If nothing is computed, or the sampling is out of its range.
    pub fn listed(&self, count: usize, sampling: Option<&Sampling>) -> Result<(Listed, Vec<Candidate>)> {
        let Suggesting { text, base_length, tree, base, tokens, .. } = &self.suggesting;
        let tree = tree.as_ref().ok_or(Error::NoTokens)?;
        let root = tree.node(&[]).ok_or(Error::NoTokens)?;
        let given = &text[*base_length..];
        let is_word = !given.trim_start_matches(' ').is_empty();
        let word = tokens.strip_prefix(&base[..]).or(Some(tokens)).unwrap_or_default();
        let after = tree.node(word).filter(|_| is_word && self.is_complete());
        let (listed, logits, given) = match after {
            Some(node) => (Listed::After, node.logits(), &b""[..]),
            None if is_word => (Listed::Within, root.logits(), given.as_bytes()),
            None => (Listed::After, root.logits(), given.as_bytes()),
        };
        let chances = sampling.map(|sampling| self.chances(logits, given, sampling)).transpose()?;
        Ok((listed, candidates(logits, &self.tokenizer, given, count, chances.as_deref())))
    }

    fn chances(&self, logits: &[f32], given: &[u8], sampling: &Sampling) -> Result<Vec<f32>> {
        sampling.validate()?;
        let mut allowed = allowed(logits, &self.tokenizer, given);
        sampling.penalise(&mut allowed, &self.suggesting.tokens);
        Ok(sampling.chances(&allowed))
    }

    /// What else could have stood in place of token `index` of the text of [`begin_words`](Self::begin_words).
    ///
    /// # Errors
    /// If there is no such token, no memory, or the sampling is out of its range.
    pub fn alternatives(&self, index: usize, count: usize, sampling: Option<&Sampling>) -> Result<Alternatives> {
        let tokens = &self.suggesting.tokens;
        let Some(&id) = tokens.get(index).filter(|_| !self.prompt.unprompted) else {
            return Err(Error::OutOfRange { what: "token", index, count: tokens.len() });
        };
        let logits = self.logits_before(tokens, index)?;
        let chances = sampling.map(|sampling| self.chances(&logits, b"", sampling)).transpose()?;
        let all = candidates(&logits, &self.tokenizer, b"", usize::MAX, chances.as_deref());
        let chosen = all.iter().find(|candidate| candidate.id == id).cloned();
        let start: usize = self.suggesting.dropped_bytes(&self.tokenizer)
            + tokens[..index].iter().map(|&id| self.tokenizer.bytes(id).len()).sum::<usize>();
        let range = units(&self.suggesting.text, start, start + self.tokenizer.bytes(id).len());
        let chosen = chosen.ok_or(Error::TokenId { id, vocabulary: self.tokenizer.len() })?;
        Ok(Alternatives { chosen, range, candidates: all.into_iter().take(count).collect() })
    }

    /// The logits (V) before token `index` of `tokens`; before the first one, those after the end of another text.
    pub(super) fn logits_before(&self, tokens: &[u32], index: usize) -> Result<Vec<f32>> {
        let common = self.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count().min(self.state.len());
        let end_of_text = [self.tokenizer.end_of_text()];
        let (mut state, rest) = match index.checked_sub(1) {
            None => (self.model.start(), &end_of_text[..]),
            Some(last) => {
                let mut state = self.state.fork();
                state.truncate(common.min(last));
                (state, &tokens[common.min(last)..index])
            }
        };
        self.model.forward(&mut state, rest)?;
        Ok(self.model.logits(&mut state, 1))
    }
}

/// Bytes of a text as UTF-16 units. A place within a character counts as its start or, at the end of a range, as its end.
pub(super) fn units(text: &str, start: usize, end: usize) -> (usize, usize) {
    let floor = (0..=start.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let ceiling = (end.min(text.len())..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let count = |text: &str| text.encode_utf16().count();
    let before = count(&text[..floor]);
    (before, before + count(&text[floor..ceiling.max(floor)]))
}
