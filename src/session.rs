//! One person's text and the model: what the page and the command line call.

mod ahead;
pub(crate) mod beside;
mod listing;
mod mixture;
mod nodes;
mod phrases;
mod shown;
mod surprise;
mod words;

pub use listing::{Alternatives, Listed};
pub use phrases::Ghost;
pub use surprise::{Measured, TokenSurprise};
pub use words::{Kind, Part, Search, Settings, Suggestion, Words};

use beside::Runs;

use crate::error::{Error, Result};
use crate::model::state::State;
use crate::model::{CHUNK, Model};
use crate::sample::{self, Random, Sampling};
use crate::suggest::personal::Personal;
use crate::suggest::vocabulary::Vocabulary;
use crate::suggest::{self, Candidate};
use crate::tokenizer::{TextDecoder, Tokenizer};

/// A model, its tokenizer, and the text that is in the caches.
pub struct Session {
    model: Model,
    tokenizer: Tokenizer,
    state: State,
    /// The tokens of the current text that fit the context; the first `state.len()` of them are computed.
    tokens: Vec<u32>,
    /// (V), after the last of `tokens`; empty while not all are computed
    logits: Vec<f32>,
    prompt: Prompt,
    revision: u32,
    generation: Option<Generation>,
    vocabulary: Vocabulary,
    suggesting: words::Suggesting,
    surprise: surprise::Surprise,
    /// The person's own words.
    pub personal: Personal,
    runs: Runs,
}

/// How a text became tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    /// The text was empty, and `<|endoftext|>` stands for it.
    pub unprompted: bool,
    /// Tokens at the text's start that were left out because the context has no room for them.
    pub dropped: usize,
    /// A space at the text's end was left out: GPT-2's tokens begin with their space, so the next one brings it.
    pub trimmed_space: bool,
    /// Tokens in the context.
    pub tokens: usize,
    /// Tokens of those that were in the caches already.
    pub reused: usize,
}

/// Text being generated.
#[derive(Debug)]
struct Generation {
    sampling: Sampling,
    random: Random,
    decoder: TextDecoder,
}

/// What a step of generation brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Another token.
    Token {
        /// Its id.
        id: u32,
        /// The text that is complete with it; may be empty within a character.
        text: String,
        /// Over the whole vocabulary, at temperature 1.
        probability: f32,
    },
    /// The model ended the text.
    EndOfText,
    /// The context has no room for another token.
    ContextFull,
}

impl Session {
    /// A session without text.
    ///
    /// # Errors
    /// If the tokenizer has tokens that the model does not, or another end of text.
    pub fn new(model: Model, tokenizer: Tokenizer) -> Result<Self> {
        if tokenizer.len() > model.config.vocab_size {
            let reason = format!("{} tokens, but the model knows {}", tokenizer.len(), model.config.vocab_size);
            return Err(Error::Tokenizer(reason));
        }
        if tokenizer.end_of_text() != model.config.eos_token_id {
            let (of_config, of_tokenizer) = (model.config.eos_token_id, tokenizer.end_of_text());
            let reason = format!("end of text is token {of_tokenizer}, but {of_config} for the model");
            return Err(Error::Tokenizer(reason));
        }
        let state = model.start();
        let (tokens, logits, prompt) = (Vec::new(), Vec::new(), Prompt::default());
        let (vocabulary, suggesting) = (Vocabulary::new(&tokenizer), words::Suggesting::default());
        let (generation, personal, surprise) = (None, Personal::default(), surprise::Surprise::default());
        let session = Self {
            model,
            tokenizer,
            state,
            tokens,
            logits,
            prompt,
            revision: 0,
            generation,
            vocabulary,
            suggesting,
            surprise,
            personal,
            runs: Runs::default(),
        };
        Ok(session)
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The tokens in the context.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Changes whenever the tokens do.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Sets the text. What the caches hold of its beginning stays; the rest is left for [`advance`](Self::advance).
    ///
    /// # Errors
    /// If the text can't be split into tokens; the session is then as before.
    pub fn set_text(&mut self, text: &str) -> Result<Prompt> {
        let (tokens, prompt) = self.tokens_of(text)?;
        let reused = self.aim_at(tokens);
        self.prompt = Prompt { reused, ..prompt };
        Ok(self.prompt)
    }

    /// Makes these the tokens of the text, and returns how many of them are computed already.
    fn aim_at(&mut self, tokens: Vec<u32>) -> usize {
        self.generation = None;
        let common = tokens.iter().zip(&self.tokens).take_while(|(new, old)| new == old).count();
        let mut reused = common.min(self.state.len());
        // Only the last token's residual is kept, so the logits of an earlier one must be computed again.
        if reused == tokens.len() && (self.logits.is_empty() || self.tokens.len() != tokens.len()) {
            reused -= 1;
        }
        if reused < tokens.len() {
            self.logits.clear();
            self.state.truncate(reused);
        }
        if tokens != self.tokens {
            self.revision = self.revision.wrapping_add(1);
        }
        self.tokens = tokens;
        reused
    }

    /// The tokens of a text that fit the context.
    pub(crate) fn tokens_of(&self, text: &str) -> Result<(Vec<u32>, Prompt)> {
        let trimmed = text.strip_suffix(' ').filter(|rest| rest.ends_with(|c: char| !c.is_whitespace()));
        let mut tokens = self.tokenizer.encode(trimmed.unwrap_or(text))?;
        let unprompted = tokens.is_empty();
        if unprompted {
            tokens.push(self.tokenizer.end_of_text());
        }
        let dropped = dropped_tokens(tokens.len(), self.model.config.n_positions);
        tokens.drain(..dropped);
        let prompt = Prompt { unprompted, dropped, trimmed_space: trimmed.is_some(), tokens: tokens.len(), reused: 0 };
        Ok((tokens, prompt))
    }

    /// Computes the next few tokens of the text, and returns how many are left.
    ///
    /// # Errors
    /// If there is no text, or no memory.
    pub fn advance(&mut self) -> Result<usize> {
        let done = self.state.len();
        if self.tokens.is_empty() {
            return Err(Error::NoTokens);
        }
        let chunk = &self.tokens[done..(done + CHUNK).min(self.tokens.len())];
        if !chunk.is_empty() {
            self.model.forward(&mut self.state, chunk)?;
            if self.state.len() == self.tokens.len() {
                self.logits = self.model.logits(&mut self.state, 1);
            }
        }
        Ok(self.tokens.len() - self.state.len())
    }

    /// Computes all of the text.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn complete(&mut self) -> Result<()> {
        while self.advance()? > 0 {}
        Ok(())
    }

    /// Sets the tokens of a text of which nothing is computed yet.
    ///
    /// # Errors
    /// If there are none or too many, or one is not in the vocabulary; the session is then as before.
    pub fn set_tokens(&mut self, tokens: Vec<u32>) -> Result<()> {
        self.model.check(0, &tokens)?;
        self.state.truncate(0);
        self.logits.clear();
        self.generation = None;
        self.prompt = Prompt { tokens: tokens.len(), ..Prompt::default() };
        self.tokens = tokens;
        self.revision = self.revision.wrapping_add(1);
        Ok(())
    }

    /// The most probable next token of all that the model knows, whether or not it can be typed.
    ///
    /// # Errors
    /// If not all of the text is computed.
    pub fn greedy(&self) -> Result<u32> {
        Ok(sample::most_probable(self.logits()?, 1)[0])
    }

    /// Adds a token to the text, which must be computed, and computes it. A generation ends.
    ///
    /// # Errors
    /// If the text is not computed, the token is not in the vocabulary, or there is no room for it.
    pub fn push(&mut self, id: u32) -> Result<()> {
        if self.logits.is_empty() {
            return Err(Error::NoTokens);
        }
        self.extend(id)?;
        self.generation = None;
        Ok(())
    }

    fn extend(&mut self, id: u32) -> Result<()> {
        self.model.forward(&mut self.state, &[id])?;
        // The token brought the space, or whoever chose it wants none.
        self.prompt.trimmed_space = false;
        self.tokens.push(id);
        self.logits = self.model.logits(&mut self.state, 1);
        self.revision = self.revision.wrapping_add(1);
        Ok(())
    }

    /// The `count` most probable next tokens, each continued with the most probable ones to `steps` tokens, at least one. All go through
    /// the model together and share the caches of the text, which stays as it is.
    ///
    /// # Errors
    /// If the text is not computed, or there is no room for so many tokens or branches.
    pub fn branches(&self, count: usize, steps: usize) -> Result<Vec<Vec<u32>>> {
        if steps > 1 && count > CHUNK {
            return Err(Error::OutOfRange { what: "branch", index: count, count: CHUNK });
        }
        let mut last = sample::most_probable(self.logits()?, count);
        let mut branches: Vec<Vec<u32>> = last.iter().map(|&id| vec![id]).collect();
        let mut states: Vec<State> = branches.iter().map(|_| self.state.fork()).collect();
        for _ in 1..steps {
            let logits = self.model.forward_branches(&mut states, &last)?;
            let of_each = logits.chunks_exact(self.logits.len());
            last = of_each.flat_map(|logits| sample::most_probable(logits, 1)).collect();
            branches.iter_mut().zip(&last).for_each(|(branch, &id)| branch.push(id));
        }
        Ok(branches)
    }

    /// Computes one token beside the text, so that the time it takes can be measured.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn probe(&self) -> Result<()> {
        let mut state = self.model.start();
        self.model.forward(&mut state, &[self.tokenizer.end_of_text()])?;
        self.model.logits(&mut state, 1);
        Ok(())
    }

    /// The logits (V) after the text.
    ///
    /// # Errors
    /// If not all of it is computed.
    pub fn logits(&self) -> Result<&[f32]> {
        if self.logits.is_empty() { Err(Error::NoTokens) } else { Ok(&self.logits) }
    }

    /// The `count` most probable next tokens.
    ///
    /// # Errors
    /// If not all of the text is computed.
    pub fn candidates(&self, count: usize) -> Result<Vec<Candidate>> {
        let given: &[u8] = if self.prompt.trimmed_space { b" " } else { b"" };
        Ok(suggest::candidates(self.logits()?, &self.tokenizer, given, count, None))
    }

    /// Begins to continue the text, which must be computed. Setting another text ends the generation.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn begin_generation(&mut self, sampling: Sampling, seed: u64) -> Result<()> {
        sampling.validate()?;
        let (random, decoder) = (Random::new(seed), TextDecoder::default());
        self.generation = Some(Generation { sampling, random, decoder });
        Ok(())
    }

    /// Chooses a token and computes it.
    ///
    /// # Errors
    /// If no generation was begun, or the text is not computed.
    pub fn generate(&mut self) -> Result<Step> {
        if self.logits.is_empty() {
            return Err(Error::NoTokens);
        }
        let generation = self.generation.as_mut().ok_or(Error::NoTokens)?;
        if self.tokens.len() >= self.model.config.n_positions {
            return Ok(Step::ContextFull);
        }
        let owed_space = self.prompt.trimmed_space;
        let mut allowed = suggest::allowed(&self.logits, &self.tokenizer, if owed_space { b" " } else { b"" });
        generation.sampling.penalise(&mut allowed, &self.tokens);
        let id = generation.sampling.choose(&allowed, &mut generation.random);
        if id == self.tokenizer.end_of_text() {
            return Ok(Step::EndOfText);
        }
        let probability = suggest::probabilities(&self.logits)[id as usize];
        let bytes = self.tokenizer.bytes(id);
        let unspaced = bytes.strip_prefix(b" ").filter(|_| owed_space);
        let text = generation.decoder.push(unspaced.unwrap_or(bytes));
        self.extend(id)?;
        Ok(Step::Token { id, text, probability })
    }

    /// The caches of the text.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The runs beside the text.
    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }

    /// The runs beside the text.
    pub(crate) fn runs_mut(&mut self) -> &mut Runs {
        &mut self.runs
    }

    /// The model, the tokens, and the runs beside them.
    pub(crate) fn model_and_runs(&mut self) -> (&Model, &[u32], &mut Runs) {
        (&self.model, &self.tokens, &mut self.runs)
    }
}

/// How many of `count` tokens are left out at the start so that the rest fits into `positions`.
///
/// Positions are absolute, so leaving out one more token changes all others and the whole context must be computed again.
/// Tokens therefore go in steps of a quarter of the context: while a text grows by that much, its start stays put.
pub fn dropped_tokens(count: usize, positions: usize) -> usize {
    let step = (positions / 4).max(1);
    count.saturating_sub(positions).div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::dropped_tokens;

    #[test]
    fn what_is_left_always_fits_and_starts_rarely_move() {
        for positions in [1, 2, 3, 7, 96, 1024] {
            let mut moves = 0;
            for count in 0..5 * positions {
                let dropped = dropped_tokens(count, positions);
                let left = count - dropped;
                assert!(left <= positions);
                assert!(left > 0 || count == 0);
                assert!(dropped == 0 || left > positions - (positions / 4).max(1));
                moves += usize::from(dropped != dropped_tokens(count.saturating_sub(1), positions));
            }
            assert!(moves <= 4 * positions.div_ceil((positions / 4).max(1)));
        }
    }
}
