//! From the hub's `model.safetensors` to weights, quantised as the bytes arrive.
//!
//! Conv1D matrices are stored (inputs, outputs) and a scale belongs to a block of inputs of one output, so one block of
//! file rows is held in f32 until it is complete; of the embedding, one group of rows.

use std::collections::BTreeMap;

use half::{bf16, f16};

use super::safetensors::{TensorInfo, TensorSink};
use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::kernels::{BLOCK, GROUP};
use crate::model::weights::{Matrix, Slot, Weights};
use crate::quant::QuantisationError;

/// Fills weights from tensors in F32, F16 or BF16.
pub struct HubSink<'a> {
    weights: &'a mut Weights,
    config: &'a Gpt2Config,
    /// Elements of the current tensor that wait for their block to be complete.
    staging: &'a mut Vec<f32>,
    /// Error of each quantised tensor, if asked for.
    report: Option<&'a mut Report>,
}

/// Error of each quantised tensor by name.
pub type Report = BTreeMap<String, QuantisationError>;

/// The name without the prefix that some files have; `None` for the tensors that are not needed: masks that can be
/// computed, and the output matrix, which is the embedding.
pub(super) fn needed(name: &str) -> Option<&str> {
    let name = name.strip_prefix("transformer.").unwrap_or(name);
    let skipped = name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") || name == "lm_head.weight";
    (!skipped).then_some(name)
}

impl<'a> HubSink<'a> {
    /// A sink into `weights`, which must have the shape of `config`. `staging` must live as long as the file.
    pub fn new(
        weights: &'a mut Weights,
        config: &'a Gpt2Config,
        staging: &'a mut Vec<f32>,
        report: Option<&'a mut Report>,
    ) -> Self {
        Self { weights, config, staging, report }
    }
}

impl TensorSink for HubSink<'_> {
    fn header(&mut self, tensors: &[TensorInfo]) -> Result<()> {
        let mut missing = Weights::names(self.config);
        for tensor in tensors {
            let Some(name) = needed(&tensor.name) else { continue };
            let Some(slot) = self.weights.slot(name) else {
                return Err(Error::UnexpectedTensor(tensor.name.clone()));
            };
            if !["F32", "F16", "BF16"].contains(&tensor.dtype.as_str()) {
                return Err(Error::Dtype { tensor: tensor.name.clone(), dtype: tensor.dtype.clone() });
            }
            let expected = match slot {
                Slot::Vector(_, shape) => shape,
                Slot::Rows(matrix) => vec![matrix.shape().0, matrix.shape().1],
                Slot::Conv1d(matrix) => vec![matrix.shape().1, matrix.shape().0],
            };
            if !expected.iter().map(|&dimension| dimension as u64).eq(tensor.shape.iter().copied()) {
                return Err(Error::Shape { tensor: tensor.name.clone(), expected, found: tensor.shape.clone() });
            }
            let Some(index) = missing.iter().position(|other| other == name) else {
                // Once with and once without the prefix.
                return Err(Error::DuplicateKey(tensor.name.clone()));
            };
            missing.swap_remove(index);
        }
        if missing.is_empty() { Ok(()) } else { Err(Error::MissingTensors(missing)) }
    }

    fn data(&mut self, tensor: &TensorInfo, first: usize, bytes: &[u8]) -> Result<()> {
        let Some(name) = needed(&tensor.name) else { return Ok(()) };
        let slot = self.weights.slot(name).expect("header() refused unknown names");
        let elements = Elements::new(tensor, bytes);
        match slot {
            Slot::Vector(values, _) => elements.copy_to(&mut values[first..first + elements.count()]),
            Slot::Rows(matrix) => {
                let (rows, inputs) = matrix.shape();
                let unit = GROUP * inputs;
                elements.in_units(self.staging, unit, rows * inputs, first, |staged, start| {
                    let row = start / inputs;
                    for block in 0..inputs.div_ceil(BLOCK) {
                        let value = |input: usize, lane: usize| staged.get(lane * inputs + input).copied();
                        set_tile(matrix, row, block, value, self.report.as_deref_mut(), name);
                    }
                })
            }
            Slot::Conv1d(matrix) => {
                let (rows, inputs) = matrix.shape();
                let unit = BLOCK * rows;
                elements.in_units(self.staging, unit, rows * inputs, first, |staged, start| {
                    let block = start / unit;
                    for row in (0..rows).step_by(GROUP) {
                        let value = |input: usize, lane: usize| {
                            let input = input - block * BLOCK;
                            (row + lane < rows).then(|| staged.get(input * rows + row + lane).copied()).flatten()
                        };
                        set_tile(matrix, row, block, value, self.report.as_deref_mut(), name);
                    }
                })
            }
        }
    }
}

/// Sets one group of rows in one block of inputs; `value(input, lane)` is `None` beyond the staged values.
fn set_tile(
    matrix: &mut Matrix,
    row: usize,
    block: usize,
    value: impl Fn(usize, usize) -> Option<f32>,
    report: Option<&mut Report>,
    name: &str,
) {
    let (_, inputs) = matrix.shape();
    let mut tile = [[0.0; GROUP]; BLOCK];
    for (i, values) in tile.iter_mut().enumerate().take(inputs - block * BLOCK) {
        for (lane, tile) in values.iter_mut().enumerate() {
            *tile = value(block * BLOCK + i, lane).unwrap_or(0.0);
        }
    }
    match matrix {
        Matrix::Int8(matrix) => {
            matrix.quantize_tile(row, block, &tile);
            if let Some(report) = report {
                report.entry(name.to_owned()).or_default().add(&matrix.error_of_tile(row, block, &tile));
            }
        }
        Matrix::F32 { rows, inputs, weights } => {
            for lane in 0..GROUP.min(*rows - row) {
                let weights = &mut weights[(row + lane) * *inputs..][..*inputs];
                for (weight, values) in weights[block * BLOCK..].iter_mut().zip(&tile) {
                    *weight = values[lane];
                }
            }
        }
    }
}

/// Some elements of a tensor, as bytes.
struct Elements<'a> {
    tensor: &'a TensorInfo,
    bytes: &'a [u8],
    size: usize,
}

impl<'a> Elements<'a> {
    fn new(tensor: &'a TensorInfo, bytes: &'a [u8]) -> Self {
        Self { tensor, bytes, size: if tensor.dtype == "F32" { 4 } else { 2 } }
    }

    fn count(&self) -> usize {
        self.bytes.len() / self.size
    }

    fn copy_to(&self, out: &mut [f32]) -> Result<()> {
        match self.tensor.dtype.as_str() {
            "F32" => {
                for (out, bytes) in out.iter_mut().zip(self.bytes.as_chunks().0) {
                    *out = f32::from_le_bytes(*bytes);
                }
            }
            "F16" => {
                for (out, bytes) in out.iter_mut().zip(self.bytes.as_chunks().0) {
                    *out = f16::from_le_bytes(*bytes).to_f32();
                }
            }
            _ => {
                for (out, bytes) in out.iter_mut().zip(self.bytes.as_chunks().0) {
                    *out = bf16::from_le_bytes(*bytes).to_f32();
                }
            }
        }
        let finite = out.iter().fold(true, |finite, x| finite & x.is_finite());
        if finite { Ok(()) } else { Err(Error::NonFinite { tensor: self.tensor.name.clone() }) }
    }

    /// Collects elements into units of `unit` (the last one of a tensor of `total` may be shorter) and calls
    /// `flush(staged, start)` with each complete one and the index of its first element.
    fn in_units(
        mut self,
        staging: &mut Vec<f32>,
        unit: usize,
        total: usize,
        first: usize,
        mut flush: impl FnMut(&[f32], usize),
    ) -> Result<()> {
        let mut position = first;
        while !self.bytes.is_empty() {
            let start = position / unit * unit;
            let end = (start + unit).min(total);
            let count = (end - position).min(self.count());
            let (part, rest) = self.bytes.split_at(count * self.size);
            let staged = position - start;
            staging.resize(staged + count, 0.0);
            Elements { bytes: part, ..self }.copy_to(&mut staging[staged..])?;
            self.bytes = rest;
            position += count;
            if position == end {
                flush(staging, start);
            }
        }
        Ok(())
    }
}
