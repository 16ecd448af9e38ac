//! Attention altered by hand: heads without the causal mask, heads that are off, cells that are masked in addition.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::attention::Mask;
use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::kernels;

/// More than anyone sets by hand.
const MAX_ENTRIES: usize = 4096;

/// What is changed about attention, all at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alteration {
    /// Heads without the causal mask.
    pub unmasked: Vec<Place>,
    /// Heads whose output is zero.
    pub off: Vec<Place>,
    /// Cells that are masked in addition.
    pub cuts: Vec<Cut>,
}

/// Heads of layers; `None` stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The layer.
    pub layer: Option<usize>,
    /// The head.
    pub head: Option<usize>,
}

/// Cells in heads of layers; `None` stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The layer.
    pub layer: Option<usize>,
    /// The head.
    pub head: Option<usize>,
    /// The token that would look.
    pub row: Option<usize>,
    /// The token that would be looked at.
    pub column: Option<usize>,
}

/// Whether `of` is `one`, or any.
fn covers(of: Option<usize>, one: usize) -> bool {
    of.is_none_or(|of| of == one)
}

impl Place {
    fn is_at(self, (layer, head): (usize, usize)) -> bool {
        covers(self.layer, layer) && covers(self.head, head)
    }
}

impl Cut {
    fn place(self) -> Place {
        Place { layer: self.layer, head: self.head }
    }
}

impl Alteration {
    /// Nothing is changed.
    pub const NONE: Self = Self { unmasked: Vec::new(), off: Vec::new(), cuts: Vec::new() };

    /// Checks that everything that is changed is there.
    ///
    /// # Errors
    /// If there is no such layer, head or token, or the lists are absurdly long.
    pub fn check(&self, config: &Gpt2Config, tokens: usize) -> Result<()> {
        let Self { unmasked, off, cuts } = self;
        if unmasked.len() + off.len() + cuts.len() > MAX_ENTRIES {
            return Err(Error::Request(format!("an alteration has at most {MAX_ENTRIES} entries")));
        }
        let within = |what, index: Option<usize>, count| match index {
            Some(index) if index >= count => Err(Error::OutOfRange { what, index, count }),
            _ => Ok(()),
        };
        for place in self.places() {
            within("layer", place.layer, config.n_layer)?;
            within("head", place.head, config.n_head)?;
        }
        for cut in cuts {
            within("token", cut.row, tokens)?;
            within("token", cut.column, tokens)?;
        }
        Ok(())
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let cuts = self.cuts.iter().map(|cut| cut.place());
        self.unmasked.iter().chain(&self.off).copied().chain(cuts)
    }

    /// The lowest layer in which something is changed.
    pub(crate) fn first_layer(&self) -> Option<usize> {
        self.places().map(|place| place.layer.unwrap_or(0)).min()
    }

    /// The first of `tokens` tokens that can turn out differently.
    pub(crate) fn first_row(&self, tokens: usize) -> usize {
        if !(self.unmasked.is_empty() && self.off.is_empty()) {
            return 0;
        }
        // Nobody before a token looks at it anyway.
        let first = |cut: &Cut| cut.row.unwrap_or(0).max(cut.column.unwrap_or(0));
        self.cuts.iter().map(first).min().unwrap_or(tokens)
    }

    /// Whether any token may look at later ones.
    pub(crate) fn unmasks(&self) -> bool {
        !self.unmasked.is_empty()
    }

    /// How many tokens a row could look at if nothing were cut.
    fn reach_of(&self, place: (usize, usize), row: usize, tokens: usize) -> usize {
        if self.unmasked.iter().any(|unmasked| unmasked.is_at(place)) { tokens } else { row + 1 }
    }

    /// The cuts of a row.
    fn cuts_of(&self, place: (usize, usize), row: usize) -> impl Iterator<Item = &Cut> {
        self.cuts.iter().filter(move |cut| cut.place().is_at(place) && covers(cut.row, row))
    }

    /// Whether a token may not look at another.
    pub(crate) fn masks(&self, place: (usize, usize), row: usize, column: usize, tokens: usize) -> bool {
        column >= self.reach_of(place, row, tokens) || self.cuts_of(place, row).any(|cut| covers(cut.column, column))
    }

    /// Sets masked scores of a row to minus infinity where they are cut, to 0 where the rest is masked, and returns those
    /// that are not; `None` if there are none, and all are 0.
    fn mask<'a>(&self, place: (usize, usize), row: usize, scores: &'a mut [f32]) -> Option<&'a mut [f32]> {
        let (visible, masked) = scores.split_at_mut(self.reach_of(place, row, scores.len()));
        masked.fill(0.0);
        for cut in self.cuts_of(place, row) {
            set_cells(visible, cut, f32::NEG_INFINITY);
        }
        if visible.iter().all(|&score| score == f32::NEG_INFINITY) {
            visible.fill(0.0);
            return None;
        }
        Some(visible)
    }

    /// A row's scores become exp(score - the largest), 0 where masked; returns the largest and the sum, `None` if all are
    /// masked.
    pub(crate) fn exponentials(&self, place: (usize, usize), row: usize, scores: &mut [f32]) -> Option<(f32, f32)> {
        let visible = self.mask(place, row, scores)?;
        let found = kernels::exponentials(visible);
        // The exponential of minus infinity counts as that of -86.6, too little to change the sum.
        self.cuts_of(place, row).for_each(|cut| set_cells(visible, cut, 0.0));
        Some(found)
    }
}

fn set_cells(row: &mut [f32], cut: &Cut, value: f32) {
    match cut.column {
        None => row.fill(value),
        Some(column) => row.get_mut(column).into_iter().for_each(|cell| *cell = value),
    }
}

impl Mask for Alteration {
    fn reach(&self, place: (usize, usize), rows: Range<usize>, tokens: usize) -> usize {
        self.reach_of(place, rows.end - 1, tokens)
    }

    fn weigh(&self, place: (usize, usize), row: usize, scores: &mut [f32]) {
        if let Some(visible) = self.mask(place, row, scores) {
            kernels::softmax(visible);
            self.cuts_of(place, row).for_each(|cut| set_cells(visible, cut, 0.0));
        }
    }

    fn silences(&self, layer: usize, head: usize) -> bool {
        self.off.iter().any(|off| off.is_at((layer, head)))
    }
}
