//! Masked multi-head self-attention: `softmax(q . k / sqrt(HS)) v`, where no token looks at a later one
//! (Vaswani et al. 2017, "Attention Is All You Need").

use super::state::{Cache, Kind};
use crate::kernels;

/// `out` (T, C) = what every head gathers for the positions from `first` on. `scores` has room for all positions.
pub(super) fn attend(out: &mut [f32], scores: &mut [f32], cache: &Cache, layer: usize, first: usize) {
    let channels = cache.heads() * cache.head_size();
    for (t, out) in out.chunks_exact_mut(channels).enumerate() {
        let position = first + t;
        // The mask: tokens after `position` are left out.
        let visible = position + 1;
        for (head, out) in out.chunks_exact_mut(cache.head_size()).enumerate() {
            let weights = &mut scores[..visible];
            score_row(weights, cache, layer, head, position);
            kernels::softmax(weights);
            out.fill(0.0);
            let mut rest = &weights[..];
            for values in cache.pieces(Kind::Value, layer, head, visible) {
                let (weights, after) = rest.split_at(values.len() / cache.head_size());
                kernels::accumulate_weighted(out, weights, values);
                rest = after;
            }
        }
    }
}

/// `scores` (n) = q . k / sqrt(HS) of the query at `position` and the first `n` keys.
pub(crate) fn score_row(scores: &mut [f32], cache: &Cache, layer: usize, head: usize, position: usize) {
    let size = cache.head_size();
    let query = cache.vector(Kind::Query, layer, head, position);
    let scale = 1.0 / (size as f32).sqrt();
    let mut rest = &mut scores[..];
    for keys in cache.pieces(Kind::Key, layer, head, rest.len()) {
        let (scores, after) = rest.split_at_mut(keys.len() / size);
        kernels::attention_scores(scores, query, keys, scale);
        rest = after;
    }
}
