//! The residual stream of a text before every layer, kept while someone alters attention: a run in which something is changed
//! then begins in the layer where it is.

use std::ops::Range;

use super::Model;
use super::attention::Causal;
use super::rerun::Rerun;
use super::state::State;
use crate::error::{Error, Result, try_zeroed};

/// At most (L - 1, T, C) numbers, of a text in the longest context less than a third of what the weights take in int8.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    tokens: Vec<u32>,
    /// (L - 1), each (t, C): what comes into the layers after the first. No layer has more tokens than the one before.
    layers: Vec<Vec<f32>>,
}

impl Streams {
    /// Of how many of `tokens` the stream before a layer is known. Before the first one it is no more than the embedding.
    pub(crate) fn known(&self, model: &Model, tokens: &[u32], layer: usize) -> usize {
        if layer == 0 {
            return tokens.len();
        }
        let known = self.layers.get(layer - 1).map_or(0, |stream| stream.len() / model.config.n_embd);
        known.min(self.common(tokens))
    }

    /// How many tokens at the start are those of `tokens`.
    fn common(&self, tokens: &[u32]) -> usize {
        self.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count()
    }

    /// A run of some tokens from a layer on, before which their stream is known; `state` holds all `tokens`.
    pub(crate) fn rerun(
        &self,
        model: &Model,
        state: State,
        tokens: &[u32],
        rows: Range<usize>,
        (layer, changed_from): (usize, usize),
    ) -> Result<Rerun> {
        let Some(before) = layer.checked_sub(1) else {
            return Rerun::new(model, state, tokens, rows, changed_from);
        };
        let channels = model.config.n_embd;
        let known = &self.layers[before][rows.start * channels..rows.end * channels];
        let mut residual = try_zeroed(known.len())?;
        residual.copy_from_slice(known);
        Ok(Rerun::from_layer(state, rows, changed_from, layer, residual))
    }

    /// Keeps the stream of the tokens from `first` on before `layer`; up to there, and before the lower layers, it is known.
    fn keep(
        &mut self,
        tokens: &[u32],
        layer: usize,
        (first, channels): (usize, usize),
        residual: &[f32],
    ) -> Result<()> {
        let common = self.common(tokens);
        if common < self.tokens.len() {
            self.layers.iter_mut().for_each(|stream| stream.truncate(common * channels));
        }
        tokens.clone_into(&mut self.tokens);
        self.layers.resize_with(self.layers.len().max(layer), Vec::new);
        let stream = &mut self.layers[layer - 1];
        stream.truncate(first * channels);
        let bytes = size_of_val(residual);
        stream.try_reserve_exact(residual.len()).map_err(|_| Error::OutOfMemory { bytes })?;
        stream.extend_from_slice(residual);
        Ok(())
    }
}

/// The stream before one more layer, being computed.
#[derive(Debug)]
pub(crate) struct Filling {
    layer: usize,
    first: usize,
    rerun: Rerun,
}

impl Filling {
    /// Of the first layer up to `layer` before which the stream of `tokens` is not known, if there is one.
    pub(crate) fn next(
        streams: &Streams,
        model: &Model,
        state: &State,
        tokens: &[u32],
        layer: usize,
    ) -> Result<Option<Self>> {
        let known = |layer| streams.known(model, tokens, layer);
        let Some(layer) = (1..=layer).find(|&layer| known(layer) < tokens.len()) else { return Ok(None) };
        let first = known(layer);
        let from = (layer - 1, model.config.n_layer);
        let rerun = streams.rerun(model, state.fork(), tokens, first..tokens.len(), from)?;
        Ok(Some(Self { layer, first, rerun }))
    }

    /// As of a [`Rerun`].
    pub(crate) fn steps(&self, layers: usize) -> (usize, usize) {
        self.rerun.steps(layers)
    }

    /// Takes the next few tokens through half a layer; false if that was the last there is to do.
    pub(crate) fn advance(&mut self, streams: &mut Streams, model: &Model, tokens: &[u32]) -> Result<bool> {
        self.rerun.advance(model, &Causal, &mut ())?;
        if self.rerun.layer() < self.layer {
            return Ok(true);
        }
        streams.keep(tokens, self.layer, (self.first, model.config.n_embd), self.rerun.residual())?;
        Ok(false)
    }
}
