//! The logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens"): what the model would say if it ended after any of
//! its parts.

use serde::Serialize;

use super::Subject;
use super::distribution::{Distribution, Guess};
use super::passage::Passage;
use crate::error::Result;
use crate::kernels::Activations;
use crate::model::{CHUNK, Stage};
use crate::parallel::{self, Parts};

/// Products that are computed in one go.
const PRODUCTS_A_STEP: usize = 1 << 29;

/// All depths at one position.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lens {
    revision: u32,
    position: usize,
    /// (2 L + 1)
    pub depths: Vec<LensDepth>,
}

/// What the model would say at one depth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LensDepth {
    layer: Option<usize>,
    after: &'static str,
    /// The most probable tokens.
    pub guesses: Vec<Guess>,
    /// The token that was asked about.
    pub token: Option<Guess>,
}

/// A lens being computed.
#[derive(Debug)]
pub(super) struct Looking {
    position: usize,
    top: usize,
    token: Option<u32>,
    /// (2 L + 1, C)
    residuals: Vec<f32>,
    depths: Vec<LensDepth>,
}

impl Looking {
    pub(super) fn new(subject: &Subject<'_>, position: usize, top: usize, token: Option<u32>) -> Result<Self> {
        if let Some(id) = token {
            subject.check_token(id)?;
        }
        let passage = Passage::of(subject, position, &[Stage::Attended, Stage::Output], None)?;
        let mut residuals = passage.embedded.clone();
        for layer in 0..subject.model.config.n_layer {
            residuals.extend_from_slice(passage.at(layer, Stage::Attended));
            residuals.extend_from_slice(passage.at(layer, Stage::Output));
        }
        Ok(Self { position, top, token, residuals, depths: Vec::new() })
    }

    /// Depths done, and all.
    pub(super) fn steps(&self, subject: &Subject<'_>) -> (usize, usize) {
        (self.depths.len(), 2 * subject.model.config.n_layer + 1)
    }

    /// Looks at the next few depths.
    pub(super) fn advance(&mut self, subject: &Subject<'_>) -> Result<Option<Lens>> {
        let config = &subject.model.config;
        let (done, all) = self.steps(subject);
        let count = (PRODUCTS_A_STEP / (config.vocab_size * config.n_embd)).clamp(1, CHUNK).min(all - done);
        let residuals = &self.residuals[done * config.n_embd..][..count * config.n_embd];
        let mut normed = vec![0.0; residuals.len()];
        let logits = subject.model.unembed(residuals, &mut normed, &mut Activations::default());
        let (tokenizer, token, top) = (subject.tokenizer, self.token, self.top);
        let mut found = vec![None; count];
        let places = Parts::new(&mut found);
        parallel::for_each(count, |i| {
            let distribution = Distribution::of(&logits[i * config.vocab_size..][..config.vocab_size], tokenizer);
            let (layer, after) = match done + i {
                0 => (None, "embedding"),
                depth => (Some((depth - 1) / 2), if depth % 2 == 1 { "attention" } else { "mlp" }),
            };
            let token = token.map(|id| distribution.guess(id));
            let guesses = distribution.guesses(top);
            // SAFETY: each depth has a place of its own.
            let place = unsafe { places.part(i..i + 1) };
            place[0] = Some(LensDepth { layer, after, guesses, token });
        });
        self.depths.extend(found.into_iter().flatten());
        let depths = if self.depths.len() < all { return Ok(None) } else { std::mem::take(&mut self.depths) };
        Ok(Some(Lens { revision: subject.revision, position: self.position, depths }))
    }
}

impl Subject<'_> {
    /// The logits (V) that a residual stream (C) means.
    pub(super) fn unembed(&self, residual: &[f32]) -> Vec<f32> {
        self.model.unembed(residual, &mut vec![0.0; residual.len()], &mut Activations::default())
    }
}
