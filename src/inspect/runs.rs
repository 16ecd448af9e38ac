//! Runs beside the text: its tokens with attention altered, and another text.

use serde::Serialize;

use super::distribution::{Distribution, Guess, Standing};
use crate::error::{Error, Result};
use crate::kernels::Activations;
use crate::model::CHUNK;
use crate::model::alteration::Alteration;
use crate::model::rerun::Rerun;
use crate::model::state::State;
use crate::session::beside::Run;
use crate::session::{Prompt, Session};
use crate::tokenizer::Token;

/// What an alteration changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Altered {
    revision: u32,
    /// The first token that can turn out differently.
    pub from: usize,
    /// The most probable tokens before and after.
    pub changes: Vec<Change>,
    /// Kullback-Leibler divergence of the distribution after from that before, in nats.
    pub divergence: f64,
}

/// What became of a token's chances.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The token.
    pub token: Token,
    /// In the text.
    pub before: Standing,
    /// With attention altered.
    pub after: Standing,
}

/// Another text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    revision: u32,
    tokens: Vec<Token>,
    dropped: usize,
    unprompted: bool,
    trimmed_space: bool,
    /// The most probable tokens after it.
    pub guesses: Vec<Guess>,
}

/// An alteration being computed.
#[derive(Debug)]
pub(super) struct Altering {
    alteration: Alteration,
    top: usize,
    /// Until it is done.
    rerun: Option<Rerun>,
}

impl Altering {
    pub(super) fn new(session: &Session, alteration: Alteration, top: usize) -> Result<Self> {
        let (model, tokens, state) = (session.model(), session.tokens(), session.state());
        alteration.check(&model.config, tokens.len())?;
        session.logits()?;
        // The last token always runs, because its logits are wanted.
        let last = tokens.len() - 1;
        // If the same was altered in a text that began alike, that beginning stays.
        let known = session.runs().altered.as_ref().filter(|run| run.alteration == alteration && !alteration.unmasks());
        let common = known.map_or(0, |run| run.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count());
        let first = alteration.first_row(tokens.len()).min(last);
        let rerun = match known {
            Some(run) if common > first => {
                let first = common.min(last);
                let mut state = run.state.fork();
                state.truncate(first);
                Rerun::new(model, state, tokens, first..tokens.len(), 0)?
            }
            _ => {
                // What is altered in a layer reaches queries, keys and values of the next.
                let lowest = alteration.first_layer().unwrap_or(model.config.n_layer);
                let (changed_from, rows) = (lowest + 1, first..tokens.len());
                let run = session.runs().altered.as_ref().filter(|run| run.tokens == tokens);
                let entry = run.and_then(|run| run.entry.as_ref());
                match entry.filter(|entry| entry.layer <= lowest && entry.first <= first) {
                    Some(entry) => Rerun::from_entry(model, state.fork(), rows, changed_from, entry)?,
                    None => Rerun::new(model, state.fork(), tokens, rows, changed_from)?,
                }
            }
        };
        Ok(Self { alteration, top, rerun: Some(rerun) })
    }

    /// Steps done, and all.
    pub(super) fn steps(&self, session: &Session) -> (usize, usize) {
        self.rerun.as_ref().map_or((1, 1), |rerun| rerun.steps(session.model().config.n_layer))
    }

    /// Takes a few tokens through half a layer.
    pub(super) fn advance(&mut self, session: &mut Session) -> Result<Option<Altered>> {
        let model = session.model();
        let rerun = self.rerun.as_mut().ok_or(Error::NoTokens)?;
        if rerun.advance(model, &self.alteration, &mut ())? {
            return Ok(None);
        }
        let residual = rerun.residual();
        let last = &residual[residual.len() - model.config.n_embd..];
        let after = model.unembed(last, &mut vec![0.0; last.len()], &mut Activations::default());
        let altered = self.changes(session, &after)?;
        let (tokens, revision) = (session.tokens().to_vec(), session.revision());
        let alteration = std::mem::take(&mut self.alteration);
        let runs = session.runs_mut();
        let number = runs.number();
        runs.altered = self.rerun.take().map(|rerun| {
            let (state, entry) = rerun.into_parts();
            Run { tokens, state, alteration, entry, revision, number }
        });
        Ok(Some(altered))
    }

    fn changes(&self, session: &Session, after: &[f32]) -> Result<Altered> {
        let tokenizer = session.tokenizer();
        let (before, after) = (Distribution::of(session.logits()?, tokenizer), Distribution::of(after, tokenizer));
        let mut ids = after.best(self.top);
        ids.extend(before.best(self.top));
        ids.sort_unstable();
        ids.dedup();
        let change = |id| {
            let (before, after) = (before.standing(id), after.standing(id));
            Change { token: Token::new(id, tokenizer), before, after }
        };
        let mut changes: Vec<Change> = ids.into_iter().map(change).collect();
        changes.sort_by_key(|change| change.after.rank);
        let from = self.alteration.first_row(session.tokens().len());
        Ok(Altered { revision: session.revision(), from, changes, divergence: before.divergence(&after) })
    }
}

/// Another text being computed.
#[derive(Debug)]
pub(super) struct Comparing {
    top: usize,
    tokens: Vec<u32>,
    prompt: Prompt,
    state: Option<State>,
}

impl Comparing {
    pub(super) fn new(session: &Session, text: &str, top: usize) -> Result<Self> {
        let (tokens, prompt) = session.tokens_of(text)?;
        // Where it begins like the text, the text's caches hold for it too. Its last token always runs, because its logits
        // are wanted.
        let common = session.tokens().iter().zip(&tokens).take_while(|(a, b)| a == b).count();
        let common = common.min(session.state().len()).min(tokens.len() - 1);
        let mut state = session.state().fork();
        state.truncate(common);
        Ok(Self { top, tokens, prompt, state: Some(state) })
    }

    /// Tokens done, and all.
    pub(super) fn steps(&self) -> (usize, usize) {
        (self.state.as_ref().map_or(0, State::len), self.tokens.len())
    }

    /// Computes the next few tokens.
    pub(super) fn advance(&mut self, session: &mut Session) -> Result<Option<Compared>> {
        let (model, tokenizer) = (session.model(), session.tokenizer());
        let mut state = self.state.take().ok_or(Error::NoTokens)?;
        let done = state.len();
        model.forward(&mut state, &self.tokens[done..self.tokens.len().min(done + CHUNK)])?;
        if state.len() < self.tokens.len() {
            self.state = Some(state);
            return Ok(None);
        }
        let logits = model.logits(&mut state, 1);
        let guesses = Distribution::of(&logits, tokenizer).guesses(self.top);
        let tokens = self.tokens.iter().map(|&id| Token::new(id, tokenizer)).collect();
        let Prompt { dropped, unprompted, trimmed_space, .. } = self.prompt;
        let runs = session.runs_mut();
        let revision = runs.number();
        runs.other = Some(Run {
            tokens: std::mem::take(&mut self.tokens),
            state,
            alteration: Alteration::NONE,
            entry: None,
            revision,
            number: revision,
        });
        Ok(Some(Compared { revision, tokens, dropped, unprompted, trimmed_space, guesses }))
    }
}
