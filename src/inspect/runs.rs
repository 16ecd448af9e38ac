//! Runs beside the text: its tokens with attention altered, and another text.

use serde::Serialize;

use super::distribution::{Distribution, Guess, Standing};
use crate::error::{Error, Result};
use crate::kernels::Activations;
use crate::model::CHUNK;
use crate::model::alteration::Alteration;
use crate::model::rerun::Rerun;
use crate::model::state::State;
use crate::model::streams::Filling;
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

/// How far the text is prepared for being altered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prepared {
    revision: u32,
    /// The layers before which the residual stream of all tokens is kept.
    pub done: usize,
    /// Those that there are.
    pub total: usize,
}

/// The residual stream before one more layer being computed, so that an alteration can begin there.
#[derive(Debug)]
pub(super) struct Preparing {
    filling: Option<Filling>,
}

impl Preparing {
    pub(super) fn new(session: &Session) -> Result<Self> {
        session.logits()?;
        Ok(Self { filling: next_filling(session, session.model().config.n_layer - 1)? })
    }

    /// Steps done, and all.
    pub(super) fn steps(&self, session: &Session) -> (usize, usize) {
        self.filling.as_ref().map_or((0, 1), |filling| filling.steps(session.model().config.n_layer))
    }

    /// Takes a few tokens through half a layer.
    pub(super) fn advance(&mut self, session: &mut Session) -> Result<Option<Prepared>> {
        if let Some(filling) = &mut self.filling
            && fill(filling, session)?
        {
            return Ok(None);
        }
        let (model, tokens) = (session.model(), session.tokens());
        let total = model.config.n_layer;
        let known = |&layer: &usize| session.runs().streams.known(model, tokens, layer) == tokens.len();
        Ok(Some(Prepared { revision: session.revision(), done: (0..total).filter(known).count(), total }))
    }
}

fn next_filling(session: &Session, layer: usize) -> Result<Option<Filling>> {
    Filling::next(&session.runs().streams, session.model(), session.state(), session.tokens(), layer)
}

fn fill(filling: &mut Filling, session: &mut Session) -> Result<bool> {
    let (model, tokens, runs) = session.model_and_runs();
    filling.advance(&mut runs.streams, model, tokens)
}

/// An alteration being computed.
#[derive(Debug)]
pub(super) struct Altering {
    alteration: Alteration,
    top: usize,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// To the lowest layer in which something is changed.
    There(Filling),
    /// From there on.
    On(Rerun),
    Through,
}

impl Altering {
    pub(super) fn new(session: &Session, alteration: Alteration, top: usize) -> Result<Self> {
        alteration.check(&session.model().config, session.tokens().len())?;
        session.logits()?;
        let way = match grown(session, &alteration)? {
            Some(rerun) => Way::On(rerun),
            None => Way::next(session, &alteration)?,
        };
        Ok(Self { alteration, top, way })
    }

    /// Steps done, and all.
    pub(super) fn steps(&self, session: &Session) -> (usize, usize) {
        let layers = session.model().config.n_layer;
        match &self.way {
            Way::There(filling) => filling.steps(layers),
            Way::On(rerun) => rerun.steps(layers),
            Way::Through => (1, 1),
        }
    }

    /// Takes a few tokens through half a layer.
    pub(super) fn advance(&mut self, session: &mut Session) -> Result<Option<Altered>> {
        match &mut self.way {
            Way::There(filling) => {
                if !fill(filling, session)? {
                    self.way = Way::next(session, &self.alteration)?;
                }
                return Ok(None);
            }
            Way::On(rerun) => {
                if rerun.advance(session.model(), &self.alteration, &mut ())? {
                    return Ok(None);
                }
            }
            Way::Through => return Err(Error::NoTokens),
        }
        let Way::On(rerun) = std::mem::replace(&mut self.way, Way::Through) else { return Err(Error::NoTokens) };
        let (model, residual) = (session.model(), rerun.residual());
        let last = &residual[residual.len() - model.config.n_embd..];
        let after = model.unembed(last, &mut vec![0.0; last.len()], &mut Activations::default());
        let altered = self.changes(session, &after)?;
        let (tokens, revision) = (session.tokens().to_vec(), session.revision());
        let alteration = std::mem::take(&mut self.alteration);
        let runs = session.runs_mut();
        let number = runs.number();
        runs.altered = Some(Run { tokens, state: rerun.into_state(), alteration, revision, number });
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

/// If the same was altered in a text that began alike, that beginning stays, and only the other tokens run: from the first
/// layer on, which nothing is kept of for them.
fn grown(session: &Session, alteration: &Alteration) -> Result<Option<Rerun>> {
    let (model, tokens) = (session.model(), session.tokens());
    let known = session.runs().altered.as_ref().filter(|run| run.alteration == *alteration && !alteration.unmasks());
    let Some(run) = known else { return Ok(None) };
    let common = run.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count();
    // The last token always runs, because its logits are wanted.
    let last = tokens.len() - 1;
    if common <= alteration.first_row(tokens.len()).min(last) {
        return Ok(None);
    }
    let first = common.min(last);
    let mut state = run.state.fork();
    state.truncate(first);
    Rerun::new(model, state, tokens, first..tokens.len(), 0).map(Some)
}

impl Way {
    fn next(session: &Session, alteration: &Alteration) -> Result<Self> {
        let (model, tokens, state) = (session.model(), session.tokens(), session.state());
        // The last token always runs, because its logits are wanted.
        let rows = alteration.first_row(tokens.len()).min(tokens.len() - 1)..tokens.len();
        let layers = model.config.n_layer;
        let lowest = alteration.first_layer().unwrap_or(layers - 1);
        // What is altered in a layer reaches queries, keys and values of the next.
        let changed_from = lowest + 1;
        let streams = &session.runs().streams;
        if streams.known(model, tokens, lowest) < rows.start {
            // Few tokens change; to compute the stream of all would take longer.
            return Ok(Self::On(Rerun::new(model, state.fork(), tokens, rows, changed_from)?));
        }
        Ok(match next_filling(session, lowest)? {
            Some(filling) => Self::There(filling),
            None => Self::On(streams.rerun(model, state.fork(), tokens, rows, (lowest, changed_from))?),
        })
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
            revision,
            number: revision,
        });
        Ok(Some(Compared { revision, tokens, dropped, unprompted, trimmed_space, guesses }))
    }
}
