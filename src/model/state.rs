//! Everything that changes while a model runs: the caches and the buffers.

use super::attention::AttentionScratch;
use super::cache::Cache;
use super::weights::Precision;
use crate::config::Gpt2Config;
use crate::kernels::Activations;

/// A text on its way through a model.
#[derive(Debug)]
pub struct State {
    pub(super) cache: Cache,
    pub(super) scratch: Scratch,
}

impl State {
    /// No text yet.
    pub(super) fn new(config: &Gpt2Config, precision: Precision) -> Self {
        Self { cache: Cache::new(config, precision), scratch: Scratch::default() }
    }

    /// Another state with the same tokens. They share the caches of these, so it costs little.
    pub fn fork(&self) -> Self {
        Self { cache: self.cache.fork(), scratch: Scratch::default() }
    }

    /// Number of tokens in the caches.
    #[expect(clippy::len_without_is_empty, reason = "an empty state is nothing to ask for")]
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Forgets all tokens from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.cache.commit(self.cache.len().min(length));
    }

    /// The caches.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }
}

/// Buffers of one chunk of `T` positions, allocated once for the longest chunk.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// (T, C)
    pub(super) residual: Vec<f32>,
    /// (T, C)
    pub(super) normed: Vec<f32>,
    /// (T, 3C)
    pub(super) qkv: Vec<f32>,
    /// (T, C), what the heads gathered
    pub(super) heads: Vec<f32>,
    /// (T, F)
    pub(super) inner: Vec<f32>,
    pub(super) attention: AttentionScratch,
    pub(super) quantised: Activations,
}

impl Scratch {
    pub(super) fn resize(&mut self, config: &Gpt2Config, positions: usize) {
        let Self { residual, normed, qkv, heads, inner, attention, .. } = self;
        for buffer in [residual, normed, heads] {
            buffer.resize(positions * config.n_embd, 0.0);
        }
        qkv.resize(positions * 3 * config.n_embd, 0.0);
        inner.resize(positions * config.n_inner, 0.0);
        attention.resize(config);
    }
}
