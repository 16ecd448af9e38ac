//! One decoder block.

use super::attention;
use super::state::{Cache, Scratch};
use super::weights::BlockWeights;
use crate::config::Gpt2Config;
use crate::kernels;

impl BlockWeights {
    /// Takes the residual stream of the positions from `first` on through this block.
    pub(super) fn forward(
        &self,
        scratch: &mut Scratch,
        cache: &mut Cache,
        layer: usize,
        first: usize,
        config: &Gpt2Config,
    ) {
        let Scratch { residual, normed, qkv, heads, inner, projected, scores, quantised } = scratch;
        let epsilon = config.layer_norm_epsilon;

        // normalise, and project to queries, keys and values of all heads
        self.ln_1.apply(normed, residual, epsilon);
        self.attn_qkv.apply(qkv, normed, quantised);
        cache.store(layer, first, qkv);

        // every head looks back, and what the heads gathered goes to the residual stream
        attention::attend(heads, scores, cache, layer, first);
        self.attn_proj.apply(projected, heads, quantised);
        kernels::add_assign(residual, projected);

        // normalise, and through the feed-forward part to the residual stream
        self.ln_2.apply(normed, residual, epsilon);
        self.mlp_fc.apply(inner, normed, quantised);
        kernels::gelu(inner);
        self.mlp_proj.apply(projected, inner, quantised);
        kernels::add_assign(residual, projected);
    }
}
