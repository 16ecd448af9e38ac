//! How surprising each token of a text was: -log2 of the probability that the model gave it. That takes the output matrix at
//! every position, so it is done in small parts, newest tokens first.

use super::{Session, listing::units};
use crate::error::Result;
use crate::model::state::State;
use crate::suggest::probabilities;

/// Tokens measured together. Fewer cost more each; more would hold up who types.
const TOGETHER: usize = 4;
/// Tokens computed together on the way to those that are measured.
const ON_THE_WAY: usize = 16;

/// A token and what the model thought of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenSurprise {
    /// The token.
    pub id: u32,
    /// Where it begins and ends in the text, in UTF-16 units. A token within a character begins and ends with it.
    pub range: (usize, usize),
    /// -log2 of its probability.
    pub bits: f32,
    /// 1 if it was the most probable one.
    pub rank: u32,
}

/// What a part of the work brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// Consecutive tokens, from this one on; none while the text before them is computed.
    Tokens(usize, Vec<TokenSurprise>),
    /// All are measured: how many, and their bits.
    All(usize, f64),
}

/// A text being measured.
#[derive(Debug, Default)]
pub(super) struct Surprise {
    text: String,
    /// Those that fit into the context
    tokens: Vec<u32>,
    /// (T), in bytes
    ends: Vec<usize>,
    start: usize,
    /// (T)
    known: Vec<Option<(f32, u32)>>,
    /// Tokens that were handed out, counted from the end
    reported: usize,
    /// The text as far as it was computed here
    state: Option<State>,
    in_state: Vec<u32>,
}

impl Session {
    /// Sets the text whose tokens are to be measured. Those that were measured before it changed need not be again.
    ///
    /// # Errors
    /// If the text can't be split into tokens.
    pub fn begin_surprise(&mut self, text: &str) -> Result<()> {
        let mut tokens = self.tokenizer.encode(text)?;
        let dropped = super::dropped_tokens(tokens.len(), self.model.config.n_positions);
        let length = |ids: &[u32]| ids.iter().map(|&id| self.tokenizer.bytes(id).len()).sum::<usize>();
        let start = length(&tokens[..dropped]);
        tokens.drain(..dropped);
        let before = &mut self.surprise;
        let common = tokens.iter().zip(&before.tokens).take_while(|(a, b)| a == b).count();
        before.known.truncate(common);
        before.known.resize(tokens.len(), None);
        let ends = tokens.iter().scan(start, |end, &id| {
            *end += self.tokenizer.bytes(id).len();
            Some(*end)
        });
        (before.ends, before.start, before.reported) = (ends.collect(), start, 0);
        before.tokens = tokens;
        text.clone_into(&mut before.text);
        Ok(())
    }

    /// Measures a few more tokens, or hands out some that are known.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn measure_surprise(&mut self) -> Result<Measured> {
        let Surprise { tokens, known, reported, .. } = &self.surprise;
        let end = tokens.len() - reported;
        if end == 0 {
            let bits = known.iter().flatten().map(|&(bits, _)| f64::from(bits)).sum();
            return Ok(Measured::All(tokens.len(), bits));
        }
        // Known ones together, however many; else a few that are not.
        let is_known = known[end - 1].is_some();
        let alike = known[..end].iter().rev().take_while(|one| one.is_some() == is_known).count();
        let first = end - if is_known { alike } else { alike.min(TOGETHER) };
        if !is_known && !self.measure(first, end)? {
            return Ok(Measured::Tokens(end, Vec::new()));
        }
        self.surprise.reported = self.surprise.tokens.len() - first;
        Ok(Measured::Tokens(first, (first..end).filter_map(|index| self.surprise.token(index)).collect()))
    }

    /// Measures the tokens from `first` to `end`, if the text before them is computed; else goes on with that.
    fn measure(&mut self, first: usize, end: usize) -> Result<bool> {
        if first == 0 {
            let logits = self.logits_before(&self.surprise.tokens, 0)?;
            self.surprise.take(0, &logits);
        }
        let tokens = self.surprise.tokens[..end - 1].to_vec();
        let from = first.max(1) - 1;
        let common = |known: &[u32]| known.iter().zip(&tokens).take_while(|(a, b)| a == b).count();
        // Whichever has more of the text: what was computed for suggestions, or here.
        let of_text = common(&self.tokens).min(self.state.len());
        let own = self.surprise.state.as_ref().map_or(0, |_| common(&self.surprise.in_state));
        let mut state = match &self.surprise.state {
            Some(state) if own > of_text => state.fork(),
            _ => self.state.fork(),
        };
        let done = of_text.max(own).min(from);
        state.truncate(done);
        let next = (done + ON_THE_WAY).min(from);
        if done < next {
            self.model.forward(&mut state, &tokens[done..next])?;
        }
        if next < from {
            (self.surprise.state, self.surprise.in_state) = (Some(state), tokens[..next].to_vec());
            return Ok(false);
        }
        if from < tokens.len() {
            self.model.forward(&mut state, &tokens[from..])?;
            let count = tokens.len() - from;
            let logits = self.model.logits(&mut state, count);
            for (index, logits) in (from + 1..).zip(logits.chunks_exact(self.model.config.vocab_size)) {
                self.surprise.take(index, logits);
            }
        }
        (self.surprise.state, self.surprise.in_state) = (Some(state.fork()), tokens);
        Ok(true)
    }
}

impl Surprise {
    fn take(&mut self, index: usize, logits: &[f32]) {
        let id = self.tokens[index] as usize;
        let probability = f64::from(probabilities(logits)[id]).max(f64::from(f32::MIN_POSITIVE));
        let rank = 1 + logits.iter().filter(|&&logit| logit > logits[id]).count() as u32;
        self.known[index] = Some((-probability.log2() as f32, rank));
    }

    fn token(&self, index: usize) -> Option<TokenSurprise> {
        let (bits, rank) = self.known[index]?;
        let start = index.checked_sub(1).map_or(self.start, |before| self.ends[before]);
        Some(TokenSurprise { id: self.tokens[index], range: units(&self.text, start, self.ends[index]), bits, rank })
    }
}
