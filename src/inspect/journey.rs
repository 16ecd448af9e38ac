//! The journey of one token, from its embedding to the logits.

use serde::Serialize;

use super::Subject;
use super::distribution::{Distribution, Guess};
use super::passage::Passage;
use super::values::Floats;
use crate::error::{Error, Result};
use crate::kernels;
use crate::model::Stage;
use crate::model::weights::LayerNorm;
use crate::tokenizer::Token;

/// A LayerNorm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Norm {
    mean: f32,
    variance: f32,
    epsilon: f32,
    /// (C)
    pub output: Floats,
}

/// One token through the whole model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Journey {
    revision: u32,
    position: usize,
    token: Token,
    cached: usize,
    /// (C)
    pub token_embedding: Floats,
    /// (C)
    pub position_embedding: Floats,
    /// (2 L + 1, C): embedded, then after the attention and after the MLP of each block
    pub residuals: Floats,
    /// The last LayerNorm.
    pub final_norm: Norm,
    /// The most probable tokens after this one.
    pub guesses: Vec<Guess>,
    /// (V)
    pub logits: Option<Floats>,
}

/// One token through one block.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JourneyLayer {
    revision: u32,
    position: usize,
    layer: usize,
    /// (C)
    pub input: Floats,
    /// The first LayerNorm.
    pub norm1: Norm,
    /// (NH, HS)
    pub query: Floats,
    /// (NH, HS)
    pub key: Floats,
    /// (NH, HS)
    pub value: Floats,
    /// (NH, T)
    pub scores: Floats,
    /// (NH, T)
    pub weights: Floats,
    /// (NH, HS)
    pub gathered: Floats,
    /// (C)
    pub projected: Floats,
    /// (C)
    pub attended: Floats,
    /// The second LayerNorm.
    pub norm2: Norm,
    /// (F), before the activation
    pub neurons: Floats,
    /// (F), after it
    pub activations: Floats,
    /// (C)
    pub mlp: Floats,
    /// (C)
    pub output: Floats,
}

/// The position embeddings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PositionMatrix {
    rows: usize,
    columns: usize,
    values: Floats,
}

impl Subject<'_> {
    pub(super) fn journey(&self, position: usize, top: usize, with_logits: bool) -> Result<Journey> {
        let config = &self.model.config;
        let passage = Passage::of(self, position, &[Stage::Attended, Stage::Output], None)?;
        let mut residuals = passage.embedded.clone();
        for layer in 0..config.n_layer {
            residuals.extend_from_slice(passage.at(layer, Stage::Attended));
            residuals.extend_from_slice(passage.at(layer, Stage::Output));
        }
        let last = passage.before(config.n_layer);
        let logits = self.unembed(last);
        let mut token_embedding = vec![0.0; config.n_embd];
        self.model.weights.wte.row(&mut token_embedding, self.tokens[position] as usize);
        let cached = if self.alteration.unmasks() { self.tokens.len() - 1 } else { position };
        Ok(Journey {
            revision: self.revision,
            position,
            token: Token::new(self.tokens[position], self.tokenizer),
            cached,
            token_embedding: token_embedding.into(),
            position_embedding: self.model.weights.wpe[position * config.n_embd..][..config.n_embd].to_vec().into(),
            final_norm: self.norm(&self.model.weights.ln_f, last),
            residuals: residuals.into(),
            guesses: Distribution::of(&logits, self.tokenizer).guesses(top),
            logits: with_logits.then(|| logits.into()),
        })
    }

    pub(super) fn journey_layer(&self, position: usize, layer: usize) -> Result<JourneyLayer> {
        let config = &self.model.config;
        if layer >= config.n_layer {
            return Err(Error::OutOfRange { what: "layer", index: layer, count: config.n_layer });
        }
        let wanted = [
            Stage::Qkv,
            Stage::Gathered,
            Stage::Projected,
            Stage::Attended,
            Stage::Neurons,
            Stage::Activations,
            Stage::Mlp,
            Stage::Output,
        ];
        // What enters a layer is what the one below puts out.
        let passage = Passage::of(self, position, &wanted, None)?;
        let at = |stage| Floats(passage.at(layer, stage).to_vec());
        let block = &self.model.weights.blocks[layer];
        let mut kinds = passage.at(layer, Stage::Qkv).chunks_exact(config.n_embd).map(|kind| Floats(kind.to_vec()));
        let mut kind = || kinds.next().expect("queries, keys and values");
        let rows = self.attention_rows(Some(&[layer]), None, position..position + 1)?;
        Ok(JourneyLayer {
            revision: self.revision,
            position,
            layer,
            input: passage.before(layer).to_vec().into(),
            norm1: self.norm(&block.ln_1, passage.before(layer)),
            query: kind(),
            key: kind(),
            value: kind(),
            scores: rows.scores,
            weights: rows.weights,
            gathered: at(Stage::Gathered),
            projected: at(Stage::Projected),
            attended: at(Stage::Attended),
            norm2: self.norm(&block.ln_2, passage.at(layer, Stage::Attended)),
            neurons: at(Stage::Neurons),
            activations: at(Stage::Activations),
            mlp: at(Stage::Mlp),
            output: at(Stage::Output),
        })
    }

    pub(super) fn position_matrix(&self) -> PositionMatrix {
        let config = &self.model.config;
        let values = self.model.weights.wpe.clone().into();
        PositionMatrix { rows: config.n_positions, columns: config.n_embd, values }
    }

    fn norm(&self, norm: &LayerNorm, x: &[f32]) -> Norm {
        let epsilon = self.model.config.layer_norm_epsilon;
        let (mean, variance) = kernels::moments(x);
        let mut output = vec![0.0; x.len()];
        norm.apply(&mut output, x, epsilon);
        Norm { mean, variance, epsilon, output: output.into() }
    }
}
