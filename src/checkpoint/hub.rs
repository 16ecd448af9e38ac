//! From a published GPT-2 to weights, quantised as the bytes arrive.
//!
//! The hub's `model.safetensors` stores Conv1D matrices (inputs, outputs), and a scale belongs to a block of inputs of one
//! output, so one block of file rows is held in f32 until it is complete. Of matrices that are stored (outputs, inputs), as
//! the embedding and all those of GGUF are, one group of rows is.

use std::collections::BTreeMap;

use half::{bf16, f16};

use super::reader::{TensorInfo, TensorSink, unit_of};
use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::kernels::{BLOCK, GROUP};
use crate::model::weights::{Matrix, Slot, Weights};
use crate::quant::QuantisationError;

/// Who named the tensors, and turned the matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Of the hub's `model.safetensors`.
    Hub,
    /// Of llama.cpp's converter.
    Gguf,
}

impl Layout {
    /// The name of a tensor as [`Weights`] has it; `None` for those that are not needed: masks that can be computed, and the
    /// output matrix, which is the embedding.
    fn name(self, name: &str) -> Option<String> {
        match self {
            Self::Hub => {
                let name = name.strip_prefix("transformer.").unwrap_or(name);
                let masks = [".attn.bias", ".attn.masked_bias"];
                let skipped = masks.iter().any(|mask| name.ends_with(mask)) || name == "lm_head.weight";
                (!skipped).then(|| name.to_owned())
            }
            Self::Gguf if name == "output.weight" => None,
            Self::Gguf => Some(from_gguf(name).unwrap_or_else(|| name.to_owned())),
        }
    }

    /// The place of a tensor, with the order of its dimensions in the file; `Some(None)` if a GPT-2 has no such tensor,
    /// `None` if it is not needed.
    pub(super) fn slot<'a>(self, weights: &'a mut Weights, name: &str) -> Option<(String, Option<Slot<'a>>)> {
        let name = self.name(name)?;
        let slot = match weights.slot(&name) {
            Some(Slot::Conv1d(matrix)) if self == Self::Gguf => Some(Slot::Rows(matrix)),
            slot => slot,
        };
        Some((name, slot))
    }
}

/// The hub's name for one of llama.cpp.
fn from_gguf(name: &str) -> Option<String> {
    let (stem, kind) = name.rsplit_once('.')?;
    let stem = match stem {
        "token_embd" => "wte".to_owned(),
        "position_embd" => "wpe".to_owned(),
        "output_norm" => "ln_f".to_owned(),
        _ => {
            let (layer, part) = stem.strip_prefix("blk.")?.split_once('.')?;
            let part = match part {
                "attn_norm" => "ln_1",
                "attn_qkv" => "attn.c_attn",
                "attn_output" => "attn.c_proj",
                "ffn_norm" => "ln_2",
                "ffn_up" => "mlp.c_fc",
                "ffn_down" => "mlp.c_proj",
                _ => return None,
            };
            format!("h.{layer}.{part}")
        }
    };
    Some(format!("{stem}.{kind}"))
}

/// What models other than GPT-2 call their tensors.
fn other_architecture(name: &str) -> Option<&'static str> {
    const MARKS: [(&str, &str); 12] = [
        ("lora_", "LoRA adapter, which is no whole model"),
        ("crossattention.", "GPT-2 with cross-attention"),
        ("gpt_neox.", "GPT-NeoX"),
        (".attn.attention.", "GPT-Neo"),
        (".attn.q_proj.", "GPT-J"),
        ("word_embeddings.", "BLOOM or Falcon"),
        ("decoder.embed_positions.", "OPT"),
        ("decoder.layers.", "OPT"),
        (".self_attn.", "Llama or one of its kind"),
        ("model.embed_tokens.", "Llama or one of its kind"),
        ("encoder.", "BERT or T5"),
        ("diffusion_model.", "image generator"),
    ];
    MARKS.iter().find(|(mark, _)| name.contains(mark)).map(|&(_, architecture)| architecture)
}

/// Fills weights from tensors in F32, F16 or BF16.
pub struct HubSink<'a> {
    layout: Layout,
    weights: &'a mut Weights,
    config: &'a Gpt2Config,
    /// Elements of the current tensor that wait for their block to be complete.
    staging: &'a mut Vec<f32>,
    /// Error of each quantised tensor, if asked for.
    report: Option<&'a mut Report>,
}

/// Error of each quantised tensor by name.
pub type Report = BTreeMap<String, QuantisationError>;

impl<'a> HubSink<'a> {
    /// A sink into `weights`, which must have the shape of `config`. `staging` must live as long as the file.
    pub fn new(
        layout: Layout,
        weights: &'a mut Weights,
        config: &'a Gpt2Config,
        staging: &'a mut Vec<f32>,
        report: Option<&'a mut Report>,
    ) -> Self {
        Self { layout, weights, config, staging, report }
    }
}

impl TensorSink for HubSink<'_> {
    fn header(&mut self, tensors: &[TensorInfo]) -> Result<()> {
        let mut missing = Weights::names(self.config);
        for tensor in tensors {
            let Some((name, slot)) = self.layout.slot(self.weights, &tensor.name) else { continue };
            let Some(slot) = slot else {
                return Err(match other_architecture(&tensor.name) {
                    Some(architecture) => Error::Architecture(architecture.to_owned()),
                    None => Error::UnexpectedTensor(tensor.name.clone()),
                });
            };
            if !["F32", "F16", "BF16", "Q8_0"].contains(&tensor.dtype.as_str()) {
                let (tensor, dtype) = (tensor.name.clone(), tensor.dtype.clone());
                return Err(match self.layout {
                    Layout::Hub => Error::Dtype { tensor, dtype },
                    Layout::Gguf => Error::Quantisation { tensor, dtype },
                });
            }
            let expected = match slot {
                Slot::Vector(_, shape) => shape,
                Slot::Rows(matrix) => vec![matrix.shape().0, matrix.shape().1],
                Slot::Conv1d(matrix) => vec![matrix.shape().1, matrix.shape().0],
            };
            if !expected.iter().map(|&dimension| dimension as u64).eq(tensor.shape.iter().copied()) {
                return Err(Error::Shape { tensor: tensor.name.clone(), expected, found: tensor.shape.clone() });
            }
            let Some(index) = missing.iter().position(|other| *other == name) else {
                // Once with and once without the prefix.
                return Err(Error::DuplicateKey(tensor.name.clone()));
            };
            missing.swap_remove(index);
        }
        if missing.is_empty() { Ok(()) } else { Err(Error::MissingTensors(missing)) }
    }

    fn data(&mut self, tensor: &TensorInfo, first: usize, bytes: &[u8]) -> Result<()> {
        let Some((name, slot)) = self.layout.slot(self.weights, &tensor.name) else { return Ok(()) };
        let slot = slot.expect("header() refused unknown names");
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
                        set_tile(matrix, row, block, value, self.report.as_deref_mut(), &name);
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
                        set_tile(matrix, row, block, value, self.report.as_deref_mut(), &name);
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
    /// Of a unit.
    elements: usize,
    size: usize,
}

impl<'a> Elements<'a> {
    fn new(tensor: &'a TensorInfo, bytes: &'a [u8]) -> Self {
        let unit = unit_of(&tensor.dtype).expect("header() refused other types");
        Self { tensor, bytes, elements: unit.elements as usize, size: unit.bytes as usize }
    }

    fn count(&self) -> usize {
        self.bytes.len() / self.size * self.elements
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
            "BF16" => {
                for (out, bytes) in out.iter_mut().zip(self.bytes.as_chunks().0) {
                    *out = bf16::from_le_bytes(*bytes).to_f32();
                }
            }
            _ => {
                for (out, block) in out.chunks_exact_mut(self.elements).zip(self.bytes.chunks_exact(self.size)) {
                    let (scale, values) = block.split_at(2);
                    let scale = f16::from_le_bytes([scale[0], scale[1]]).to_f32();
                    for (out, &value) in out.iter_mut().zip(values) {
                        *out = f32::from(value as i8) * scale;
                    }
                }
            }
        }
        let finite = out.iter().fold(true, |finite, x| finite & x.is_finite());
        if finite { Ok(()) } else { Err(Error::NonFinite { tensor: self.tensor.name.clone() }) }
    }

    /// Collects elements into blocks of `unit` (the last one of a tensor of `total` may be shorter) and calls
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
            // Rows, and so blocks of them, hold whole units of the type.
            let (part, rest) = self.bytes.split_at(count / self.elements * self.size);
            let staged = position - start;
            staging.truncate(staged);
            staging.try_reserve(count).map_err(|_| Error::OutOfMemory { bytes: 4 * count })?;
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
