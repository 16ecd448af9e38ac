//! Some tokens of a text through the layers once more, beside its caches: to look on, or with another mask.

use std::ops::Range;

use super::attention::Mask;
use super::block::Watch;
use super::state::State;
use super::{CHUNK, Model};
use crate::error::{Result, try_zeroed};

/// Tokens of a text on their way through the layers. The same mask gives the same numbers, bit for bit, as the pass that
/// filled the caches, because no token depends on what is computed beside it.
#[derive(Debug)]
pub(crate) struct Rerun {
    state: State,
    /// The tokens that run.
    rows: Range<usize>,
    /// Below this layer, queries, keys and values stay what the caches hold.
    changed_from: usize,
    /// (rows, C), before `layer`
    residual: Vec<f32>,
    layer: usize,
    /// A layer is gone through twice: all tokens are projected before any of them looks at another, because without a mask
    /// it may look at later ones.
    projected: bool,
    /// How many of the rows this half of the layer is done for.
    done: usize,
}

impl Rerun {
    /// `state` holds the caches of `tokens`, or of as many of them as stand before `rows`, which are then computed for all
    /// layers. Otherwise queries, keys and values are computed anew from layer `changed_from` on.
    pub(crate) fn new(
        model: &Model,
        mut state: State,
        tokens: &[u32],
        rows: Range<usize>,
        changed_from: usize,
    ) -> Result<Self> {
        let channels = model.config.n_embd;
        let mut residual = try_zeroed(rows.len() * channels)?;
        model.embed(&mut residual, &tokens[rows.clone()], rows.start);
        let mut changed_from = changed_from;
        if state.len() < tokens.len() {
            state.cache.reserve(tokens.len())?;
            state.cache.commit(tokens.len());
            changed_from = 0;
        }
        Ok(Self { state, rows, changed_from, residual, layer: 0, projected: false, done: 0 })
    }

    /// As [`Rerun::new`] for `state` that holds all tokens, but from `layer` on, before which the residual stream is that.
    pub(super) fn from_layer(
        state: State,
        rows: Range<usize>,
        changed_from: usize,
        layer: usize,
        residual: Vec<f32>,
    ) -> Self {
        Self { state, rows, changed_from, residual, layer, projected: false, done: 0 }
    }

    /// Rows that went through half a layer, and in how many steps all will have.
    pub(crate) fn steps(&self, layers: usize) -> (usize, usize) {
        let halves = 2 * self.layer + usize::from(self.projected);
        let of_half = self.rows.len().div_ceil(CHUNK);
        (halves * of_half + self.done.div_ceil(CHUNK), 2 * layers * of_half)
    }

    /// Takes the next few tokens through half a layer; false if that was the last there is to do.
    pub(crate) fn advance<W: Watch>(&mut self, model: &Model, mask: &impl Mask, watch: &mut W) -> Result<bool> {
        let Self { state: State { cache, scratch }, rows, changed_from, residual, layer, projected, done } = self;
        let (config, layer_now) = (&model.config, *layer);
        let Some(block) = model.weights.blocks.get(layer_now) else { return Ok(false) };
        let changes = layer_now >= *changed_from;
        *projected |= !changes && !W::SEES;

        let chunk = *done..rows.len().min(*done + CHUNK);
        let first = rows.start + chunk.start;
        let residual = &mut residual[chunk.start * config.n_embd..chunk.end * config.n_embd];
        scratch.resize(config, chunk.len());
        scratch.residual.copy_from_slice(residual);
        if !*projected {
            block.project(scratch, layer_now, config, watch);
            if changes {
                cache.own(layer_now, first..rows.start + chunk.end)?;
                cache.store(layer_now, first, &scratch.qkv, &scratch.normed, block);
            }
        } else {
            cache.attend(&mut scratch.heads, &mut scratch.attention, layer_now, first, mask);
            for head in (0..config.n_head).filter(|&head| mask.silences(layer_now, head)) {
                let size = config.head_size();
                for heads in scratch.heads.chunks_exact_mut(config.n_embd) {
                    heads[head * size..][..size].fill(0.0);
                }
            }
            block.add_attention(scratch, layer_now, watch);
            block.add_mlp(scratch, layer_now, config, watch);
            residual.copy_from_slice(&scratch.residual);
        }
        *done = chunk.end;
        if *done == rows.len() {
            *done = 0;
            *layer += usize::from(*projected);
            *projected = !*projected;
        }
        Ok(*layer < config.n_layer)
    }

    /// The residual stream (rows, C) before the layer that comes next.
    pub(crate) fn residual(&self) -> &[f32] {
        &self.residual
    }

    /// The layer that comes next.
    pub(super) fn layer(&self) -> usize {
        self.layer
    }

    /// The caches as they are after this.
    pub(crate) fn into_state(self) -> State {
        self.state
    }
}
