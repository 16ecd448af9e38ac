//! One decoder block.

use super::attention::Causal;
use super::cache::Cache;
use super::state::Scratch;
use super::weights::BlockWeights;
use crate::config::Gpt2Config;
use crate::kernels::{self, Finish};

/// Consecutive tokens of one text, on their way through the layers.
pub(super) struct Run<'a> {
    /// The caches of that text.
    pub(super) cache: &'a mut Cache,
    /// The position of the first one.
    pub(super) first: usize,
    /// How many.
    pub(super) count: usize,
}

/// What there is to see of tokens within a block, each (T, C) unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// After the first LayerNorm.
    Norm1,
    /// (T, 3C): queries, keys and values of all heads
    Qkv,
    /// What the heads gathered, side by side.
    Gathered,
    /// That, after the output projection.
    Projected,
    /// The residual stream after attention.
    Attended,
    /// After the second LayerNorm.
    Norm2,
    /// (T, F), before the activation
    Neurons,
    /// (T, F), after it
    Activations,
    /// What the feed-forward part adds.
    Mlp,
    /// The residual stream after the block.
    Output,
}

/// Looks on while tokens go through the layers.
pub(crate) trait Watch {
    /// Whether it wants to see anything. If not, several stages come about in one go.
    const SEES: bool;

    /// Gets the values of a stage.
    fn see(&mut self, layer: usize, stage: Stage, values: &[f32]);
}

/// Nobody looks on.
impl Watch for () {
    const SEES: bool = false;

    fn see(&mut self, _: usize, _: Stage, _: &[f32]) {}
}

impl BlockWeights {
    /// Takes the residual stream of all runs' tokens, one run after the other, through this block.
    pub(super) fn forward(&self, scratch: &mut Scratch, runs: &mut [Run<'_>], layer: usize, config: &Gpt2Config) {
        self.project(scratch, layer, config, &mut ());

        // every head looks back within its own text
        let channels = config.n_embd;
        let Scratch { normed, qkv, heads, attention, .. } = scratch;
        let (mut normed, mut qkv, mut gathered) = (&normed[..], &qkv[..], &mut heads[..]);
        for Run { cache, first, count } in runs {
            let (own_normed, own, own_heads);
            (own_normed, normed) = normed.split_at(*count * channels);
            (own, qkv) = qkv.split_at(*count * 3 * channels);
            (own_heads, gathered) = gathered.split_at_mut(*count * channels);
            cache.store(layer, *first, own, own_normed, self);
            cache.attend(own_heads, attention, layer, *first, &Causal);
        }

        self.add_attention(scratch, layer, &mut ());
        self.add_mlp(scratch, layer, config, &mut ());
    }

    /// Normalises the residual stream, and projects it to queries, keys and values of all heads.
    pub(super) fn project<W: Watch>(&self, scratch: &mut Scratch, layer: usize, config: &Gpt2Config, watch: &mut W) {
        let Scratch { residual, normed, qkv, quantised, .. } = scratch;
        self.ln_1.apply(normed, residual, config.layer_norm_epsilon);
        watch.see(layer, Stage::Norm1, normed);
        self.attn_qkv.apply(qkv, normed, Finish::Store, quantised);
        watch.see(layer, Stage::Qkv, qkv);
    }

    /// Adds what the heads gathered, projected, to the residual stream.
    pub(super) fn add_attention<W: Watch>(&self, scratch: &mut Scratch, layer: usize, watch: &mut W) {
        let Scratch { residual, normed, heads, quantised, .. } = scratch;
        watch.see(layer, Stage::Gathered, heads);
        if W::SEES {
            self.attn_proj.apply(normed, heads, Finish::Store, quantised);
            watch.see(layer, Stage::Projected, normed);
            kernels::add_assign(residual, normed);
        } else {
            self.attn_proj.apply(residual, heads, Finish::Add, quantised);
        }
        watch.see(layer, Stage::Attended, residual);
    }

    /// Normalises the residual stream, and adds what the feed-forward part makes of it.
    pub(super) fn add_mlp<W: Watch>(&self, scratch: &mut Scratch, layer: usize, config: &Gpt2Config, watch: &mut W) {
        let Scratch { residual, normed, inner, quantised, .. } = scratch;
        self.ln_2.apply(normed, residual, config.layer_norm_epsilon);
        watch.see(layer, Stage::Norm2, normed);
        if W::SEES {
            self.mlp_fc.apply(inner, normed, Finish::Store, quantised);
            watch.see(layer, Stage::Neurons, inner);
            kernels::gelu(inner);
            watch.see(layer, Stage::Activations, inner);
            self.mlp_proj.apply(normed, inner, Finish::Store, quantised);
            watch.see(layer, Stage::Mlp, normed);
            kernels::add_assign(residual, normed);
        } else {
            self.mlp_fc.apply(inner, normed, Finish::Gelu, quantised);
            self.mlp_proj.apply(residual, inner, Finish::Add, quantised);
        }
        watch.see(layer, Stage::Output, residual);
    }
}
