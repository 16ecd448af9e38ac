//! Our own shards: safetensors with int8 weights and f32 scales.
//!
//! A matrix `NAME.weight` is stored as `NAME.weight`, I8 (R, K) row by row whatever the hub's order, and
//! `NAME.weight.scales`, F32 (R, K / block). One that does not fit a shard is cut between rows; its pieces are called
//! `NAME.weight@ROW` after their first row and follow each other. Other tensors are F32 under the hub's names. The order of
//! tensors, and the layout that kernels want, are not part of the format.

use super::manifest::MAX_SHARD_BYTES;
use super::safetensors::{TensorInfo, TensorSink, write_header};
use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::model::weights::{Matrix, Slot, Weights};
use crate::quant::Int8Matrix;

const SCALES: &str = ".scales";
/// Room for a shard's header.
const HEADER_RESERVE: u64 = 64 << 10;
/// Tensors of which the header has room for; each takes at most 120 bytes of it.
const MAX_TENSORS: usize = 512;

/// What has been read of each tensor, across shards.
#[derive(Debug)]
pub struct Progress {
    /// Name and the rows (or elements) that are still to come.
    open: Vec<(String, usize)>,
}

impl Progress {
    /// Nothing has been read yet.
    pub fn new(config: &Gpt2Config, weights: &mut Weights) -> Self {
        let mut open = Vec::new();
        for name in Weights::names(config) {
            match weights.slot(&name) {
                Some(Slot::Vector(values, _)) => open.push((name, values.len())),
                Some(Slot::Rows(matrix) | Slot::Conv1d(matrix)) => {
                    let rows = matrix.shape().0;
                    open.push((format!("{name}{SCALES}"), rows));
                    open.push((name, rows));
                }
                None => {}
            }
        }
        Self { open }
    }

    /// Checks that all has been read.
    ///
    /// # Errors
    /// Names what has not.
    pub fn finish(self) -> Result<()> {
        let missing: Vec<String> = self.open.into_iter().filter(|(_, left)| *left > 0).map(|(name, _)| name).collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::MissingTensors(missing)) }
    }

    /// Notes that `count` rows from `first` on come now; they must be the next ones of `name`.
    fn claim(&mut self, tensor: &TensorInfo, name: &str, first: usize, count: usize, total: usize) -> Result<()> {
        let entry = self.open.iter_mut().find(|(open, _)| open == name);
        let (_, left) = entry.ok_or_else(|| Error::UnexpectedTensor(tensor.name.clone()))?;
        if total - *left != first || count > *left {
            return Err(Error::PieceOrder(tensor.name.clone()));
        }
        *left -= count;
        Ok(())
    }
}

/// Fills weights from shards.
pub struct QuantisedSink<'a> {
    weights: &'a mut Weights,
    progress: &'a mut Progress,
}

/// What a tensor of a shard is.
enum Piece<'a> {
    Vector(&'a mut [f32], Vec<usize>),
    Weights(&'a mut Int8Matrix),
    Scales(&'a mut Int8Matrix),
}

impl<'a> QuantisedSink<'a> {
    /// A sink into int8 `weights`.
    pub fn new(weights: &'a mut Weights, progress: &'a mut Progress) -> Self {
        Self { weights, progress }
    }

    /// The tensor, its name without the row, and the first row.
    fn piece(&mut self, full_name: &str) -> Option<(Piece<'_>, String, usize)> {
        let (name, first) = match full_name.split_once('@') {
            Some((name, row)) => (name, row.parse().ok().filter(|first: &usize| first.to_string() == row)?),
            None => (full_name, 0),
        };
        let (base, is_scales) = match name.strip_suffix(SCALES) {
            Some(base) => (base, true),
            None => (name, false),
        };
        let piece = match self.weights.slot(base)? {
            Slot::Vector(values, shape) if !is_scales && name == full_name => Piece::Vector(values, shape),
            Slot::Rows(Matrix::Int8(matrix)) | Slot::Conv1d(Matrix::Int8(matrix)) => {
                if is_scales {
                    Piece::Scales(matrix)
                } else {
                    Piece::Weights(matrix)
                }
            }
            _ => return None,
        };
        Some((piece, name.to_owned(), first))
    }
}

impl TensorSink for QuantisedSink<'_> {
    fn header(&mut self, tensors: &[TensorInfo]) -> Result<()> {
        for tensor in tensors {
            let Some((piece, name, first)) = self.piece(&tensor.name) else {
                return Err(Error::UnexpectedTensor(tensor.name.clone()));
            };
            let (dtype, rows, rest) = match piece {
                Piece::Vector(_, shape) => ("F32", shape[0], shape[1..].to_vec()),
                Piece::Weights(matrix) => ("I8", matrix.rows, vec![matrix.inputs]),
                Piece::Scales(matrix) => ("F32", matrix.rows, vec![matrix.blocks()]),
            };
            if tensor.dtype != dtype {
                return Err(Error::Dtype { tensor: tensor.name.clone(), dtype: tensor.dtype.clone() });
            }
            let found_rows = tensor.shape.first().map_or(0, |&rows| usize::try_from(rows).unwrap_or(usize::MAX));
            let others = rest.iter().map(|&dimension| dimension as u64);
            let fits = others.eq(tensor.shape.iter().skip(1).copied()) && found_rows > 0;
            if !fits || first.checked_add(found_rows).is_none_or(|end| end > rows) {
                let expected = [vec![rows.saturating_sub(first)], rest].concat();
                return Err(Error::Shape { tensor: tensor.name.clone(), expected, found: tensor.shape.clone() });
            }
            // Progress counts the elements of vectors and the rows of matrices.
            let per_row = if name.ends_with(SCALES) || dtype == "I8" { 1 } else { rest.iter().product() };
            self.progress.claim(tensor, &name, first * per_row, found_rows * per_row, rows * per_row)?;
        }
        Ok(())
    }

    fn data(&mut self, tensor: &TensorInfo, first: usize, bytes: &[u8]) -> Result<()> {
        let (piece, _, first_row) = self.piece(&tensor.name).expect("header() refused unknown names");
        let floats = || bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        let non_finite = || Error::NonFinite { tensor: tensor.name.clone() };
        match piece {
            Piece::Vector(values, _) => {
                for (value, float) in values[first..].iter_mut().zip(floats()) {
                    *value = Some(float).filter(|float| float.is_finite()).ok_or_else(non_finite)?;
                }
            }
            Piece::Scales(matrix) => {
                let blocks = matrix.blocks();
                for (i, scale) in (first..).zip(floats()) {
                    if !(scale.is_finite() && scale >= 0.0) {
                        return Err(non_finite());
                    }
                    matrix.set_scale(first_row + i / blocks, i % blocks, scale);
                }
            }
            Piece::Weights(matrix) => {
                let mut position = first;
                let mut rest: &[i8] = bytemuck::cast_slice(bytes);
                while !rest.is_empty() {
                    let (row, input) = (position / matrix.inputs, position % matrix.inputs);
                    let (part, after) = rest.split_at(rest.len().min(matrix.inputs - input));
                    matrix.set_weights(first_row + row, input, part);
                    position += part.len();
                    rest = after;
                }
            }
        }
        Ok(())
    }
}

/// A tensor to be written, with its bytes.
type Tensor = (String, &'static str, Vec<u64>, Vec<u8>);

/// Calls `write(index, shard)` with the bytes of each shard.
///
/// # Errors
/// If `write` fails.
pub fn write_shards(
    config: &Gpt2Config,
    weights: &mut Weights,
    mut write: impl FnMut(usize, Vec<u8>) -> Result<()>,
) -> Result<()> {
    let limit = MAX_SHARD_BYTES - HEADER_RESERVE;
    let mut shard: Vec<Tensor> = Vec::new();
    let mut index = 0;
    for name in Weights::names(config) {
        for tensor in tensors_of(&name, weights, limit) {
            let used: usize = shard.iter().map(|(.., bytes)| bytes.len()).sum();
            let is_full = (used + tensor.3.len()) as u64 > limit || shard.len() == MAX_TENSORS;
            if !shard.is_empty() && is_full {
                write(index, assemble(std::mem::take(&mut shard)))?;
                index += 1;
            }
            shard.push(tensor);
        }
    }
    write(index, assemble(shard))
}

/// The tensors that hold one slot, none larger than `limit` bytes.
fn tensors_of(name: &str, weights: &mut Weights, limit: u64) -> Vec<Tensor> {
    match weights.slot(name) {
        Some(Slot::Vector(values, shape)) => {
            let shape = shape.into_iter().map(|dimension| dimension as u64).collect();
            vec![(name.to_owned(), "F32", shape, bytemuck::cast_slice(values).to_vec())]
        }
        Some(Slot::Rows(Matrix::Int8(matrix)) | Slot::Conv1d(Matrix::Int8(matrix))) => {
            let (rows, inputs, blocks) = (matrix.rows, matrix.inputs, matrix.blocks());
            let per_piece = (limit as usize / (inputs + 4 * blocks)).clamp(1, rows);
            let pieces = (0..rows).step_by(per_piece).flat_map(|first| {
                let range = first..(first + per_piece).min(rows);
                let count = range.len() as u64;
                let suffix = if count as usize == rows { String::new() } else { format!("@{first}") };
                let bytes = bytemuck::cast_slice(&matrix.plain_weights(range.clone())).to_vec();
                let scales = bytemuck::cast_slice(&matrix.plain_scales(range)).to_vec();
                [
                    (format!("{name}{suffix}"), "I8", vec![count, inputs as u64], bytes),
                    (format!("{name}{SCALES}{suffix}"), "F32", vec![count, blocks as u64], scales),
                ]
            });
            pieces.collect()
        }
        _ => Vec::new(),
    }
}

fn assemble(mut tensors: Vec<Tensor>) -> Vec<u8> {
    // Wider elements first, so that all stay aligned.
    tensors.sort_by_key(|(_, dtype, ..)| *dtype == "I8");
    let described: Vec<_> =
        tensors.iter().map(|(name, dtype, shape, _)| (name.clone(), *dtype, shape.clone())).collect();
    let mut bytes = write_header(&described);
    for (.., data) in tensors {
        bytes.extend_from_slice(&data);
    }
    bytes
}
