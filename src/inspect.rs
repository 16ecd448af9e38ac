//! What the model looked at, computed from the caches when someone asks.

use crate::error::{Error, Result};
use crate::kernels;
use crate::model::cache::Cache;

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

/// One head's scores and weights.
///
/// # Errors
/// If there is no such layer or head, or no memory for the maps.
pub fn attention(cache: &Cache, layer: usize, head: usize) -> Result<AttentionMap> {
    cache.check(layer, head)?;
    let size = cache.len();
    let mut scores: Vec<f32> = crate::error::try_zeroed(size * size)?;
    let mut weights: Vec<f32> = crate::error::try_zeroed(size * size)?;
    cache.score_rows(layer, head, |row, of_row| {
        let (at, visible) = (row * size, row + 1);
        scores[at..at + size].copy_from_slice(of_row);
        weights[at..at + visible].copy_from_slice(&of_row[..visible]);
        kernels::softmax(&mut weights[at..at + visible]);
    });
    Ok(AttentionMap { size, scores, weights })
}

/// Small maps of all heads of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnails {
    /// `NH`
    pub heads: usize,
    /// `T`
    pub size: usize,
    /// Side of each map, at most `T`.
    pub cells: usize,
    /// (NH, cells, cells), the largest weight within each cell, times 255
    pub weights: Vec<u8>,
}

/// The maps of a layer's heads with at most `cells` cells a side.
///
/// # Errors
/// If there is no such layer, or `cells` is 0.
pub fn thumbnails(cache: &Cache, layer: usize, cells: usize) -> Result<Thumbnails> {
    cache.check(layer, 0)?;
    if cells == 0 {
        return Err(Error::OutOfRange { what: "cell", index: 0, count: 0 });
    }
    let (heads, size) = (cache.heads(), cache.len());
    let cells = cells.min(size);
    let cell_of = |position: usize| position * cells / size;
    let mut maps = vec![0u8; heads * cells * cells];
    for (head, map) in maps.chunks_exact_mut((cells * cells).max(1)).enumerate() {
        cache.score_rows(layer, head, |row, of_row| {
            let weights = &mut of_row[..row + 1];
            kernels::softmax(weights);
            let map = &mut map[cell_of(row) * cells..][..cells];
            for (column, weight) in weights.iter().enumerate() {
                let cell = &mut map[cell_of(column)];
                *cell = (*cell).max((weight * 255.0).round() as u8);
            }
        });
    }
    Ok(Thumbnails { heads, size, cells, weights: maps })
}
