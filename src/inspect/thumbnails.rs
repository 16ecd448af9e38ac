//! Small maps of many heads.

use std::ops::Range;

use serde::Serialize;

use super::values::Bytes;
use super::{Subject, check_range};
use crate::error::{Error, Result, try_zeroed};
use crate::model::Mask;

/// Small maps of all heads of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumbnails {
    revision: u32,
    layer: usize,
    /// `NH`
    pub heads: usize,
    /// `T`
    pub size: usize,
    /// Tokens a cell: a power of 2, so that the maps of a growing text change their grain rarely.
    pub span: usize,
    /// Side of each map.
    pub cells: usize,
    /// (NH, cells, cells), the largest weight within each cell, times 255
    pub weights: Bytes,
}

/// The part that some rows have in thumbnails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThumbnailRows {
    revision: u32,
    layers: Vec<usize>,
    heads: usize,
    from: usize,
    to: usize,
    size: usize,
    span: usize,
    cells: usize,
    /// (layers, NH, rows, cells), the largest weight of each row within each cell, times 255
    pub weights: Bytes,
}

impl Subject<'_> {
    /// The maps of a layer's heads with at most `cells` cells a side.
    pub(super) fn thumbnails(&self, layer: usize, cells: usize) -> Result<Thumbnails> {
        let cache = self.state.cache();
        cache.check(layer, 0)?;
        if cells == 0 {
            return Err(Error::OutOfRange { what: "cell", index: 0, count: 0 });
        }
        let (heads, size) = (cache.heads(), cache.len());
        let span = size.div_ceil(cells).max(1).next_power_of_two();
        let cells = size.div_ceil(span);
        let mut weights = try_zeroed(heads * cells * cells)?;
        for (head, map) in weights.chunks_exact_mut((cells * cells).max(1)).enumerate() {
            self.pool((layer, head), 0..size, (span, cells), map, |row| row / span * cells);
        }
        Ok(Thumbnails { revision: self.revision, layer, heads, size, span, cells, weights: Bytes(weights) })
    }

    pub(super) fn thumbnail_rows(
        &self,
        layers: Option<&[usize]>,
        rows: Range<usize>,
        span: usize,
    ) -> Result<ThumbnailRows> {
        let cache = self.state.cache();
        check_range(&rows, cache.len())?;
        if !span.is_power_of_two() {
            return Err(Error::Request("the span must be a power of 2".to_owned()));
        }
        let layers = self.layers(layers)?;
        let (heads, size) = (cache.heads(), cache.len());
        let cells = size.div_ceil(span);
        let mut weights = try_zeroed(layers.len() * heads * rows.len() * cells)?;
        let places = layers.iter().flat_map(|&layer| (0..heads).map(move |head| (layer, head)));
        for (place, part) in places.zip(weights.chunks_exact_mut((rows.len() * cells).max(1))) {
            self.pool(place, rows.clone(), (span, cells), part, |row| (row - rows.start) * cells);
        }
        let (revision, from, to) = (self.revision, rows.start, rows.end);
        Ok(ThumbnailRows { revision, layers, heads, from, to, size, span, cells, weights: Bytes(weights) })
    }

    /// Raises the cells of each row, `cells` of them from `at(row)` on, to the largest weight within them, times 255.
    fn pool(
        &self,
        place: (usize, usize),
        rows: Range<usize>,
        (span, cells): (usize, usize),
        map: &mut [u8],
        at: impl Fn(usize) -> usize,
    ) {
        self.state.cache().score_rows(place.0, place.1, rows, |row, weights| {
            self.alteration.weigh(place, row, weights);
            for (cell, weights) in map[at(row)..][..cells].iter_mut().zip(weights.chunks(span)) {
                let largest = weights.iter().fold(0.0f32, |a, &b| if b > a { b } else { a });
                *cell = (*cell).max((largest * 255.0).round() as u8);
            }
        });
    }
}
