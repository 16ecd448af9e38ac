//! Attention as numbers: whole maps, rows, single cells, and how long the values are that weights go with.

use std::ops::Range;

use serde::Serialize;

use super::values::Floats;
use super::{Subject, check_range};
use crate::error::{Error, Result, try_zeroed};
use crate::kernels::{self, Finish};
use crate::model::cache::{Cache, Kind};
use crate::model::{Causal, Mask};
use crate::session::Session;

/// One head's attention over all `T` tokens of the context. Rows are the tokens that look (destination), columns the
/// tokens looked at (source).
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionMap {
    /// `T`
    pub size: usize,
    /// (T, T), q . k / sqrt(HS), before the mask
    pub scores: Vec<f32>,
    /// (T, T), after mask and softmax; each row sums to 1
    pub weights: Vec<f32>,
}

/// Whether a token may not look at another: no token looks at a later one.
pub fn is_masked(row: usize, column: usize) -> bool {
    column > row
}

impl Session {
    /// One head's scores and weights over the computed tokens.
    ///
    /// # Errors
    /// If there is no such layer or head, or no memory.
    pub fn attention(&self, layer: usize, head: usize) -> Result<AttentionMap> {
        attention(self.state().cache(), layer, head)
    }
}

/// One head's scores and weights.
///
/// # Errors
/// If there is no such layer or head, or no memory for the maps.
pub fn attention(cache: &Cache, layer: usize, head: usize) -> Result<AttentionMap> {
    let (scores, weights) = rows(cache, &Causal, &[layer], &[head], 0..cache.len())?;
    Ok(AttentionMap { size: cache.len(), scores, weights })
}

/// What scores are multiplied by: 1 / sqrt(HS).
pub(super) fn scale(cache: &Cache) -> f32 {
    1.0 / (cache.head_size() as f32).sqrt()
}

/// Scores and weights (layers, heads, rows, T).
fn rows(
    cache: &Cache,
    mask: &impl Mask,
    layers: &[usize],
    heads: &[usize],
    range: Range<usize>,
) -> Result<(Vec<f32>, Vec<f32>)> {
    for &layer in layers {
        heads.iter().try_for_each(|&head| cache.check(layer, head))?;
    }
    let (size, of_head) = (cache.len(), range.len() * cache.len());
    let mut scores: Vec<f32> = try_zeroed(layers.len() * heads.len() * of_head)?;
    let mut weights: Vec<f32> = try_zeroed(scores.len())?;
    let places = layers.iter().flat_map(|&layer| heads.iter().map(move |&head| (layer, head)));
    let parts = scores.chunks_exact_mut(of_head.max(1)).zip(weights.chunks_exact_mut(of_head.max(1)));
    for ((layer, head), (scores, weights)) in places.zip(parts) {
        cache.score_rows(layer, head, range.clone(), |row, of_row| {
            let at = (row - range.start) * size;
            scores[at..at + size].copy_from_slice(of_row);
            mask.weigh((layer, head), row, of_row);
            weights[at..at + size].copy_from_slice(of_row);
        });
    }
    Ok((scores, weights))
}

/// A whole map.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attention {
    revision: u32,
    layer: usize,
    head: usize,
    size: usize,
    scale: f32,
    /// (T, T)
    pub scores: Floats,
    /// (T, T)
    pub weights: Floats,
}

/// Some rows of several maps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttentionRows {
    revision: u32,
    layers: Vec<usize>,
    heads: Vec<usize>,
    from: usize,
    to: usize,
    size: usize,
    scale: f32,
    /// (layers, heads, rows, T)
    pub scores: Floats,
    /// (layers, heads, rows, T)
    pub weights: Floats,
}

/// How one weight comes about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttentionCell {
    revision: u32,
    layer: usize,
    head: usize,
    row: usize,
    column: usize,
    /// (HS)
    pub query: Floats,
    /// (HS)
    pub key: Floats,
    /// (HS)
    pub products: Floats,
    /// q . k
    pub sum: f32,
    scale: f32,
    /// q . k / sqrt(HS)
    pub score: f32,
    /// Whether the row's token may not look at the column's.
    pub masked: bool,
    /// The largest score of the row.
    pub maximum: Option<f32>,
    /// exp(score - maximum)
    pub exponential: Option<f32>,
    /// The sum of the row's exponentials.
    pub total: Option<f32>,
    /// exponential / total
    pub weight: Option<f32>,
    /// (HS)
    pub value: Floats,
    value_norm: f32,
    output_norm: f32,
}

/// Queries, keys and values of one head, each (T, HS).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadVectors {
    revision: u32,
    layer: usize,
    head: usize,
    size: usize,
    channels: usize,
    scale: f32,
    /// What the tokens look for.
    pub queries: Floats,
    /// What they offer.
    pub keys: Floats,
    /// What they hand over.
    pub values: Floats,
}

/// How long values are, and what the output projection makes of them, each (T).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueNorms {
    revision: u32,
    layer: usize,
    head: usize,
    /// |v|
    pub values: Floats,
    /// |v W_O|, as in Kobayashi et al. 2020, "Attention is Not Only a Weight"
    pub outputs: Floats,
}

impl Subject<'_> {
    pub(super) fn attention(&self, layer: usize, head: usize) -> Result<Attention> {
        let cache = self.state.cache();
        let (scores, weights) = rows(cache, self.alteration, &[layer], &[head], 0..cache.len())?;
        let (scores, weights) = (scores.into(), weights.into());
        let (revision, size, scale) = (self.revision, cache.len(), scale(cache));
        Ok(Attention { revision, layer, head, size, scale, scores, weights })
    }

    pub(super) fn attention_rows(
        &self,
        layers: Option<&[usize]>,
        heads: Option<&[usize]>,
        range: Range<usize>,
    ) -> Result<AttentionRows> {
        let cache = self.state.cache();
        check_range(&range, cache.len())?;
        let layers = self.layers(layers)?;
        let heads = heads.map_or_else(|| (0..cache.heads()).collect(), <[usize]>::to_vec);
        if heads.len() > cache.heads() {
            return Err(Error::Request("more heads than there are".to_owned()));
        }
        let (scores, weights) = rows(cache, self.alteration, &layers, &heads, range.clone())?;
        let (scores, weights) = (scores.into(), weights.into());
        let (revision, from, to, size) = (self.revision, range.start, range.end, cache.len());
        Ok(AttentionRows { revision, layers, heads, from, to, size, scale: scale(cache), scores, weights })
    }

    pub(super) fn attention_cell(&self, layer: usize, head: usize, row: usize, column: usize) -> Result<AttentionCell> {
        let cache = self.state.cache();
        cache.check(layer, head)?;
        self.check_position(row)?;
        self.check_position(column)?;
        let vector = |kind, position| cache.vector(kind, layer, head, position);
        let (query, key, value) = (vector(Kind::Query, row), vector(Kind::Key, column), vector(Kind::Value, column));
        let products: Vec<f32> = query.iter().zip(&key).map(|(q, k)| q * k).collect();
        let masked = self.alteration.masks((layer, head), row, column, cache.len());
        let (mut score, mut found) = (0.0, None);
        cache.score_rows(layer, head, row..row + 1, |_, scores| {
            score = scores[column];
            let sums = self.alteration.exponentials((layer, head), row, scores);
            found = sums.map(|(maximum, total)| (maximum, scores[column], total));
        });
        let found = found.filter(|_| !masked);
        let norms = self.norms(layer, head, column..column + 1)?;
        Ok(AttentionCell {
            revision: self.revision,
            layer,
            head,
            row,
            column,
            query: query.into(),
            key: key.into(),
            products: products.into(),
            sum: score / scale(cache),
            scale: scale(cache),
            score,
            masked,
            maximum: found.map(|(maximum, _, _)| maximum),
            exponential: found.map(|(_, exponential, _)| exponential),
            total: found.map(|(_, _, total)| total),
            // As the softmax does it.
            weight: found.map(|(_, exponential, total)| exponential * (1.0 / total)),
            value: value.into(),
            value_norm: norms.0[0],
            output_norm: norms.1[0],
        })
    }

    pub(super) fn head_vectors(&self, layer: usize, head: usize) -> Result<HeadVectors> {
        let cache = self.state.cache();
        cache.check(layer, head)?;
        let of_kind = |kind| self.vectors(kind, layer, head, 0..cache.len());
        let [queries, keys, values] = [Kind::Query, Kind::Key, Kind::Value].map(|kind| of_kind(kind).into());
        let (revision, size, channels, scale) = (self.revision, cache.len(), cache.head_size(), scale(cache));
        Ok(HeadVectors { revision, layer, head, size, channels, scale, queries, keys, values })
    }

    pub(super) fn value_norms(&self, layer: usize, head: usize) -> Result<ValueNorms> {
        self.state.cache().check(layer, head)?;
        let (values, outputs) = self.norms(layer, head, 0..self.tokens.len())?;
        Ok(ValueNorms { revision: self.revision, layer, head, values: values.into(), outputs: outputs.into() })
    }

    /// The vectors (positions, HS) of one head.
    fn vectors(&self, kind: Kind, layer: usize, head: usize, positions: Range<usize>) -> Vec<f32> {
        positions.flat_map(|position| self.state.cache().vector(kind, layer, head, position)).collect()
    }

    /// |v| and |v W_O| of some tokens.
    fn norms(&self, layer: usize, head: usize, positions: Range<usize>) -> Result<(Vec<f32>, Vec<f32>)> {
        let (size, channels) = (self.state.cache().head_size(), self.model.config.n_embd);
        // The columns of the output projection that belong to the head, (C, HS).
        let matrix = &self.model.weights.blocks[layer].attn_proj.matrix;
        let (mut row, mut of_head) = (vec![0.0; channels], Vec::with_capacity(channels * size));
        for index in 0..channels {
            matrix.row(&mut row, index);
            of_head.extend_from_slice(&row[head * size..][..size]);
        }
        let values = self.vectors(Kind::Value, layer, head, positions.clone());
        let mut outputs = try_zeroed(positions.len() * channels)?;
        kernels::matmul_f32(&mut outputs, &values, &of_head, None, Finish::Store, (channels, size));
        let norms = |vectors: &[f32], length| vectors.chunks_exact(length).map(norm).collect();
        Ok((norms(&values, size), norms(&outputs, channels)))
    }
}

/// Euclidean length.
fn norm(vector: &[f32]) -> f32 {
    vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt() as f32
}
