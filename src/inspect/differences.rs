//! How far heads are from each other in two runs.

use serde::Serialize;

use super::Subject;
use super::values::Floats;
use crate::error::{Error, Result};
use crate::model::Mask;

/// Weights that are looked at in one go.
const CELLS_A_STEP: usize = 1 << 18;

/// The distances of all heads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Differences {
    revision: u32,
    layers: usize,
    heads: usize,
    /// (L, NH), from 0 to 1
    pub distances: Floats,
}

/// Distances being computed.
#[derive(Debug)]
pub(super) struct Differing {
    /// Positions in the two runs that are taken as the same.
    pairs: [Vec<usize>; 2],
    distances: Vec<f32>,
}

impl Differing {
    pub(super) fn new(subjects: [&Subject<'_>; 2], pairs: &[(usize, usize)]) -> Result<Self> {
        let pairs = [pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect()];
        for (subject, positions) in subjects.into_iter().zip(&pairs) {
            let positions: &Vec<usize> = positions;
            positions.iter().try_for_each(|&position| subject.check_position(position))?;
            if positions.windows(2).any(|two| two[0] >= two[1]) {
                return Err(Error::Request("pairs must ascend on both sides".to_owned()));
            }
        }
        Ok(Self { pairs, distances: Vec::new() })
    }

    /// Heads done, and all.
    pub(super) fn steps(&self, subject: &Subject<'_>) -> (usize, usize) {
        (self.distances.len(), subject.model.config.n_layer * subject.model.config.n_head)
    }

    /// Takes the next few heads.
    pub(super) fn advance(&mut self, subjects: [&Subject<'_>; 2]) -> Result<Option<Differences>> {
        let config = &subjects[0].model.config;
        let (done, all) = self.steps(subjects[0]);
        let cells: usize = subjects.iter().map(|subject| subject.tokens.len().pow(2)).sum();
        for index in done..all.min(done + (CELLS_A_STEP / cells.max(1)).max(1)) {
            let place = (index / config.n_head, index % config.n_head);
            let [of_first, of_second] = [0, 1].map(|side| paired(subjects[side], place, &self.pairs[side]));
            let total: f64 = of_first.iter().zip(&of_second).map(|(a, b)| f64::from((a - b).abs())).sum();
            self.distances.push((total / 2.0 / self.pairs[0].len().max(1) as f64) as f32);
        }
        if self.distances.len() < all {
            return Ok(None);
        }
        let distances = std::mem::take(&mut self.distances).into();
        Ok(Some(Differences {
            revision: subjects[0].revision,
            layers: config.n_layer,
            heads: config.n_head,
            distances,
        }))
    }
}

/// The weights (n, n) of some positions on each other.
fn paired(subject: &Subject<'_>, place: (usize, usize), positions: &[usize]) -> Vec<f32> {
    let mut weights = Vec::with_capacity(positions.len().pow(2));
    let mut wanted = positions.iter().peekable();
    subject.state.cache().score_rows(place.0, place.1, 0..subject.tokens.len(), |row, of_row| {
        if wanted.next_if_eq(&&row).is_some() {
            subject.alteration.weigh(place, row, of_row);
            weights.extend(positions.iter().map(|&column| of_row[column]));
        }
    });
    weights
}
