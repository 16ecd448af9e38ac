//! Direct logit attribution (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"): the logit of a token is
//! a sum over everything that was added to the residual stream, once the scale of the last LayerNorm is taken as it was.

use serde::Serialize;

use super::Subject;
use super::passage::Passage;
use super::values::Floats;
use crate::error::Result;
use crate::kernels;
use crate::model::cache::Kind;
use crate::model::{Mask, Stage};

/// Shares of a logit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    revision: u32,
    position: usize,
    /// As the engine computed it.
    pub logit: f64,
    /// Of the token embedding at the position.
    pub token_embedding: f64,
    /// Of the position embedding.
    pub position_embedding: f64,
    /// (L, NH)
    pub heads: Floats,
    /// (L), of the bias of each attention's projection
    pub attention_biases: Floats,
    /// (L)
    pub mlps: Floats,
    /// Of the last LayerNorm's bias.
    pub final_bias: f64,
    /// What rounding leaves.
    pub rest: f64,
    /// (L, NH, T)
    pub sources: Floats,
}

/// Sum of products.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

impl Subject<'_> {
    /// Why the logit of `token` after `position` is what it is, or is above that of `against`.
    pub(super) fn why(&self, position: usize, token: u32, against: Option<u32>) -> Result<Why> {
        self.check_token(token)?;
        against.map_or(Ok(()), |id| self.check_token(id))?;
        let (model, config) = (self.model, &self.model.config);
        let (channels, heads, size) = (config.n_embd, config.n_head, config.head_size());
        let passage = Passage::of(self, position, &[Stage::Gathered, Stage::Mlp, Stage::Output], None)?;
        let last = passage.before(config.n_layer);
        let logits = self.unembed(last);

        let mut direction = vec![0.0; channels];
        model.weights.wte.row(&mut direction, token as usize);
        if let Some(against) = against {
            let mut other = vec![0.0; channels];
            model.weights.wte.row(&mut other, against as usize);
            direction.iter_mut().zip(other).for_each(|(x, y)| *x -= y);
        }
        let final_bias = dot(&model.weights.ln_f.bias, &direction);
        // The last LayerNorm takes the mean away, divides by the deviation, and scales: all that is linear, turned round.
        let deviation = (kernels::moments(last).1 + config.layer_norm_epsilon).sqrt();
        direction.iter_mut().zip(&model.weights.ln_f.weight).for_each(|(x, weight)| *x *= weight / deviation);
        let mean = direction.iter().sum::<f32>() / channels as f32;
        direction.iter_mut().for_each(|x| *x -= mean);

        let mut token_embedding = vec![0.0; channels];
        model.weights.wte.row(&mut token_embedding, self.tokens[position] as usize);
        let mut why = Why {
            revision: self.revision,
            position,
            logit: f64::from(logits[token as usize]) - against.map_or(0.0, |id| f64::from(logits[id as usize])),
            token_embedding: dot(&token_embedding, &direction),
            position_embedding: dot(&model.weights.wpe[position * channels..][..channels], &direction),
            heads: Floats::default(),
            attention_biases: Floats::default(),
            mlps: Floats::default(),
            final_bias,
            rest: 0.0,
            sources: Floats::default(),
        };
        let mut total = why.token_embedding + why.position_embedding + final_bias;
        for (layer, block) in model.weights.blocks.iter().enumerate() {
            let towards = through(&block.attn_proj.matrix, &direction);
            let gathered = passage.at(layer, Stage::Gathered);
            for (head, (gathered, towards)) in gathered.chunks_exact(size).zip(towards.chunks_exact(size)).enumerate() {
                let share = dot(gathered, towards);
                total += share;
                why.heads.0.push(share as f32);
                why.sources.0.extend(self.sources((layer, head), position, towards));
            }
            debug_assert_eq!(why.heads.len(), (layer + 1) * heads);
            let (bias, mlp) = (dot(&block.attn_proj.bias, &direction), dot(passage.at(layer, Stage::Mlp), &direction));
            total += bias + mlp;
            why.attention_biases.0.push(bias as f32);
            why.mlps.0.push(mlp as f32);
        }
        why.rest = why.logit - total;
        Ok(why)
    }

    /// The share (T) of each token's value in what a head adds towards `towards` (HS).
    fn sources(&self, (layer, head): (usize, usize), position: usize, towards: &[f32]) -> Vec<f32> {
        let cache = self.state.cache();
        let mut shares = vec![0.0; cache.len()];
        if self.alteration.silences(layer, head) {
            return shares;
        }
        cache.score_rows(layer, head, position..position + 1, |_, weights| {
            self.alteration.weigh((layer, head), position, weights);
            for (column, (share, weight)) in shares.iter_mut().zip(weights).enumerate() {
                if *weight > 0.0 {
                    let value = cache.vector(Kind::Value, layer, head, column);
                    *share = (f64::from(*weight) * dot(&value, towards)) as f32;
                }
            }
        });
        shares
    }
}

/// What each input (K) of a matrix (R, K) adds towards a direction (R) of its outputs.
fn through(matrix: &crate::model::weights::Matrix, direction: &[f32]) -> Vec<f32> {
    let (rows, inputs) = matrix.shape();
    let (mut row, mut sums) = (vec![0.0; inputs], vec![0.0f64; inputs]);
    for (index, &along) in (0..rows).zip(direction) {
        matrix.row(&mut row, index);
        for (sum, &weight) in sums.iter_mut().zip(&row) {
            *sum += f64::from(along) * f64::from(weight);
        }
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}
