//! One token through the layers once more, with everything there is to see.

use super::Subject;
use crate::error::Result;
use crate::model::rerun::Rerun;
use crate::model::{Stage, Watch};

/// What was seen of one token.
#[derive(Debug)]
pub(super) struct Passage<'a> {
    wanted: &'a [Stage],
    /// Only this layer, if any.
    layer: Option<usize>,
    seen: Vec<(usize, Stage, Vec<f32>)>,
    /// (C), the residual stream before the first block
    pub(super) embedded: Vec<f32>,
}

impl Watch for Passage<'_> {
    const SEES: bool = true;

    fn see(&mut self, layer: usize, stage: Stage, values: &[f32]) {
        if self.layer.is_none_or(|wanted| wanted == layer) && self.wanted.contains(&stage) {
            self.seen.push((layer, stage, values.to_vec()));
        }
    }
}

impl<'a> Passage<'a> {
    /// Takes the token at `position` through all layers, or to the end of `layer`, and keeps the wanted stages.
    pub(super) fn of(
        subject: &Subject<'_>,
        position: usize,
        wanted: &'a [Stage],
        layer: Option<usize>,
    ) -> Result<Self> {
        subject.check_position(position)?;
        let (model, rows) = (subject.model, position..position + 1);
        let mut rerun = Rerun::new(model, subject.state.fork(), subject.tokens, rows, model.config.n_layer)?;
        let mut passage = Self { wanted, layer, seen: Vec::new(), embedded: rerun.residual().to_vec() };
        let enough = |passage: &Self| {
            layer
                .is_some_and(|layer| passage.seen.last().is_some_and(|seen| (seen.0, seen.1) == (layer, Stage::Output)))
        };
        while !enough(&passage) && rerun.advance(model, subject.alteration, &mut passage)? {}
        Ok(passage)
    }

    /// The values of a stage that was wanted.
    pub(super) fn at(&self, layer: usize, stage: Stage) -> &[f32] {
        let seen = self.seen.iter().find(|seen| (seen.0, seen.1) == (layer, stage));
        &seen.expect("the stage was wanted, and all layers were passed").2
    }

    /// The residual stream (C) before a layer; `Output` must have been wanted.
    pub(super) fn before(&self, layer: usize) -> &[f32] {
        if layer == 0 { &self.embedded } else { self.at(layer - 1, Stage::Output) }
    }
}
