//! One decoder block.

use super::cache::Cache;
use super::state::Scratch;
use super::weights::BlockWeights;
use crate::config::Gpt2Config;
use crate::kernels::Finish;

/// Consecutive tokens of one text, on their way through the layers.
pub(super) struct Run<'a> {
    /// The caches of that text.
    pub(super) cache: &'a mut Cache,
    /// The position of the first one.
    pub(super) first: usize,
    /// How many.
    pub(super) count: usize,
}

impl BlockWeights {
    /// Takes the residual stream of all runs' tokens, one run after the other, through this block.
    pub(super) fn forward(&self, scratch: &mut Scratch, runs: &mut [Run<'_>], layer: usize, config: &Gpt2Config) {
        let Scratch { residual, normed, qkv, heads, inner, attention, quantised } = scratch;
        let (epsilon, channels) = (config.layer_norm_epsilon, config.n_embd);

        // normalise, and project to queries, keys and values of all heads
        self.ln_1.apply(normed, residual, epsilon);
        self.attn_qkv.apply(qkv, normed, Finish::Store, quantised);

        // every head looks back within its own text, and what the heads gathered is added to the residual stream
        let (mut qkv, mut gathered) = (&qkv[..], &mut heads[..]);
        for Run { cache, first, count } in runs {
            let (own, own_heads);
            (own, qkv) = qkv.split_at(*count * 3 * channels);
            (own_heads, gathered) = gathered.split_at_mut(*count * channels);
            cache.store(layer, *first, own);
            cache.attend(own_heads, attention, layer, *first);
        }
        self.attn_proj.apply(residual, heads, Finish::Add, quantised);

        // normalise, and through the feed-forward part to the residual stream
        self.ln_2.apply(normed, residual, epsilon);
        self.mlp_fc.apply(inner, normed, Finish::Gelu, quantised);
        self.mlp_proj.apply(residual, inner, Finish::Add, quantised);
    }
}
