//! Everything that changes while a model runs: the caches and the buffers.

use super::weights::QuantisedActivations;
use crate::config::Gpt2Config;
use crate::error::{Error, Result, try_zeroed};

/// Positions in a page of the caches. Pages let the caches grow with the text without ever being copied.
const PAGE: usize = 64;

/// A text on its way through a model.
#[derive(Debug)]
pub struct State {
    pub(super) cache: Cache,
    pub(super) scratch: Scratch,
}

impl State {
    /// No text yet.
    pub fn new(config: &Gpt2Config) -> Self {
        let layers = (0..config.n_layer).map(|_| LayerCache::default()).collect();
        let cache = Cache { layers, length: 0, heads: config.n_head, head_size: config.head_size() };
        Self { cache, scratch: Scratch::default() }
    }

    /// Number of tokens in the caches.
    #[expect(clippy::len_without_is_empty, reason = "an empty state is nothing to ask for")]
    pub fn len(&self) -> usize {
        self.cache.length
    }

    /// Forgets all tokens from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.cache.length = self.cache.length.min(length);
    }

    /// The caches.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }
}

/// Queries, keys and values of all tokens so far. The model needs keys and values; queries are kept so that any head's
/// attention can be computed when someone looks at it.
#[derive(Debug)]
pub struct Cache {
    /// (L)
    layers: Vec<LayerCache>,
    length: usize,
    heads: usize,
    head_size: usize,
}

/// What is cached of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a token looks for.
    Query,
    /// What a token offers to those who look.
    Key,
    /// What a token hands over.
    Value,
}

/// Pages of queries, keys and values, each page (NH, PAGE, HS), so that what one head reads lies together.
#[derive(Debug, Default)]
struct LayerCache {
    pages: [Vec<Vec<f32>>; 3],
}

impl Cache {
    /// Makes room for `length` tokens. If there is no memory, gives back what was taken, so that the rest can go on.
    pub(super) fn reserve(&mut self, length: usize) -> Result<()> {
        let result = self.add_pages(length.div_ceil(PAGE));
        if result.is_err() {
            let needed = self.length.div_ceil(PAGE);
            self.all_pages().for_each(|pages| pages.truncate(needed));
        }
        result
    }

    fn add_pages(&mut self, count: usize) -> Result<()> {
        let size = self.heads * PAGE * self.head_size;
        for pages in self.all_pages() {
            while pages.len() < count {
                pages.push(try_zeroed(size)?);
            }
        }
        Ok(())
    }

    fn all_pages(&mut self) -> impl Iterator<Item = &mut Vec<Vec<f32>>> {
        self.layers.iter_mut().flat_map(|layer| &mut layer.pages)
    }

    /// Stores `qkv` (T, 3C) of the positions from `first` on.
    pub(super) fn store(&mut self, layer: usize, first: usize, qkv: &[f32]) {
        let (size, channels) = (self.head_size, self.heads * self.head_size);
        for (t, row) in qkv.chunks_exact(3 * channels).enumerate() {
            let (page, slot) = ((first + t) / PAGE, (first + t) % PAGE);
            for (pages, row) in self.layers[layer].pages.iter_mut().zip(row.chunks_exact(channels)) {
                for (head, values) in row.chunks_exact(size).enumerate() {
                    pages[page][(head * PAGE + slot) * size..][..size].copy_from_slice(values);
                }
            }
        }
    }

    /// Says that all layers hold `length` tokens now.
    pub(super) fn commit(&mut self, length: usize) {
        self.length = length;
    }

    /// Number of tokens.
    #[expect(clippy::len_without_is_empty, reason = "an empty cache is nothing to ask for")]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Channels of one head.
    pub fn head_size(&self) -> usize {
        self.head_size
    }

    /// Number of heads.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Checks that there is such a layer and head.
    ///
    /// # Errors
    /// If there is not.
    pub fn check(&self, layer: usize, head: usize) -> Result<()> {
        for (what, index, count) in [("layer", layer, self.layers.len()), ("head", head, self.heads)] {
            if index >= count {
                return Err(Error::OutOfRange { what, index, count });
            }
        }
        Ok(())
    }

    /// Vectors (t, HS) of one head at the positions 0 to `length`, in pieces that lie together in memory.
    pub fn pieces(&self, kind: Kind, layer: usize, head: usize, length: usize) -> impl Iterator<Item = &[f32]> {
        let size = self.head_size;
        self.layers[layer].pages[kind as usize].iter().enumerate().map_while(move |(page, values)| {
            let positions = length.checked_sub(page * PAGE).filter(|&positions| positions > 0)?.min(PAGE);
            Some(&values[head * PAGE * size..][..positions * size])
        })
    }

    /// The vector (HS) of one head at one position.
    pub fn vector(&self, kind: Kind, layer: usize, head: usize, position: usize) -> &[f32] {
        let page = &self.layers[layer].pages[kind as usize][position / PAGE];
        &page[(head * PAGE + position % PAGE) * self.head_size..][..self.head_size]
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
    /// (T, C), what an attention or feed-forward part adds to the residual stream
    pub(super) projected: Vec<f32>,
    /// (P), one row of attention
    pub(super) scores: Vec<f32>,
    pub(super) quantised: QuantisedActivations,
}

impl Scratch {
    pub(super) fn resize(&mut self, config: &Gpt2Config, positions: usize) {
        let Self { residual, normed, qkv, heads, inner, projected, scores, .. } = self;
        for buffer in [residual, normed, heads, projected] {
            buffer.resize(positions * config.n_embd, 0.0);
        }
        qkv.resize(positions * 3 * config.n_embd, 0.0);
        inner.resize(positions * config.n_inner, 0.0);
        scores.resize(config.n_positions, 0.0);
    }
}
