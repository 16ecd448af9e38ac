//! Our own shards: safetensors with int8 weights and f32 scales. Of these, the model takes the nearest numbers of 16 bits, and writes
//! such.
//!
//! A matrix `NAME.weight` is stored as `NAME.weight`, I8 (R, K) row by row whatever the hub's order, and
//! `NAME.weight.scales`, F32 (R, K / block). One that does not fit a shard is cut between rows; its pieces are called
//! `NAME.weight@ROW` after their first row and follow each other. Other tensors are F32 under the hub's names. The order of
//! tensors, and the layout that kernels want, are not part of the format.

use std::ops::Range;

use super::manifest::{MAX_FILES, MAX_SHARD_BYTES};
use super::reader::{TensorInfo, TensorSink};
use super::safetensors::write_header;
use crate::config::Gpt2Config;
use crate::error::{Error, Result, try_reserved};
use crate::kernels::{BLOCK, GROUP};
use crate::model::weights::{Matrix, Slot, Weights};
use crate::quant::Int8Matrix;

const SCALES: &str = ".scales";
/// Bytes of shards that are written. The page holds some shards at a time beside the weights, and a visit that ends
/// loses what has come of them; each is a request, which takes about a millisecond even from a browser's own cache. Two of the
/// largest matrices of GPT-2 small's layers just fit.
pub(super) const SHARD_BYTES: u64 = 5 << 20;
const _: () = assert!(SHARD_BYTES <= MAX_SHARD_BYTES);
/// Bytes of tensors in a shard; the rest is room for its header.
pub(super) const SHARD_DATA: u64 = SHARD_BYTES - (64 << 10);
/// Two shards in a row hold more than one may, so a model that 32 bits address has no more of them than a manifest may list.
const _: () = assert!(2 * (1 << 32) / SHARD_DATA <= MAX_FILES as u64);
/// Tensors of which the header has room for; each takes at most 120 bytes of it.
pub(super) const MAX_TENSORS: usize = 512;

/// What is still to be read of each tensor, across shards.
#[derive(Debug)]
pub struct Progress {
    /// Name and the rows (of a vector, elements) that are still to come.
    open: Vec<(String, Range<usize>)>,
}

impl Progress {
    /// All of a model.
    pub fn new(config: &Gpt2Config, weights: &mut Weights) -> Self {
        let mut open = Vec::new();
        for name in Weights::names(config) {
            match weights.slot(&name) {
                Some(Slot::Vector(values, _)) => open.push((name, 0..values.len())),
                Some(Slot::Rows(matrix) | Slot::Conv1d(matrix)) => {
                    let rows = 0..matrix.shape().0;
                    open.push((format!("{name}{SCALES}"), rows.clone()));
                    open.push((name, rows));
                }
                None => {}
            }
        }
        Self { open }
    }

    /// Some parts of a model.
    pub(super) fn of(parts: &[Part]) -> Self {
        let tensors = |part: &Part| {
            let scales = (part.tensors == 2).then(|| (format!("{}{SCALES}", part.name), part.rows.clone()));
            scales.into_iter().chain([(part.name.clone(), part.rows.clone())])
        };
        Self { open: parts.iter().flat_map(tensors).collect() }
    }

    /// Checks that all has been read.
    ///
    /// # Errors
    /// Names what has not.
    pub fn finish(self) -> Result<()> {
        let open = self.open.into_iter().filter(|(_, left)| !left.is_empty());
        let missing: Vec<String> = open.map(|(name, _)| name).collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::MissingTensors(missing)) }
    }

    /// Notes that these rows come now; they must be the next ones of `name`.
    fn claim(&mut self, tensor: &TensorInfo, name: &str, rows: Range<usize>) -> Result<()> {
        let entry = self.open.iter_mut().find(|(open, _)| open == name);
        let (_, left) = entry.ok_or_else(|| Error::UnexpectedTensor(tensor.name.clone()))?;
        if rows.start != left.start || rows.end > left.end {
            return Err(Error::PieceOrder(tensor.name.clone()));
        }
        left.start = rows.end;
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
            self.progress.claim(tensor, &name, first * per_row..(first + found_rows) * per_row)?;
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
                let (group, whole_blocks) = (GROUP * matrix.inputs, matrix.inputs.is_multiple_of(BLOCK));
                while !rest.is_empty() {
                    let (row, input) = (first_row + position / matrix.inputs, position % matrix.inputs);
                    let begins_group = whole_blocks && input == 0 && row.is_multiple_of(GROUP);
                    let is_group = begins_group && rest.len() >= group;
                    let length = if is_group { group } else { rest.len().min(matrix.inputs - input) };
                    let (part, after) = rest.split_at(length);
                    if is_group {
                        matrix.set_group(row, part);
                    } else {
                        matrix.set_weights(row, input, part);
                    }
                    position += part.len();
                    rest = after;
                }
            }
        }
        Ok(())
    }
}

/// Rows of a tensor that are stored together, a matrix's with their scales. Vectors are never cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    name: String,
    /// Its rows, of a vector all elements.
    pub(super) rows: Range<usize>,
    /// Whether there is a name for each piece of rows.
    is_cut: bool,
    /// Bytes that it takes in a shard.
    pub(super) bytes: u64,
    /// Tensors that it takes in a shard.
    pub(super) tensors: usize,
}

impl Part {
    /// All of a small tensor.
    pub(super) fn of_vector(name: &str, shape: &[usize]) -> Self {
        let elements = shape.iter().product::<usize>();
        Self { name: name.to_owned(), rows: 0..elements, is_cut: false, bytes: 4 * elements as u64, tensors: 1 }
    }

    /// A matrix (R, K), cut so that no part takes more than `limit` bytes, at borders of the groups that are quantised
    /// together.
    pub(super) fn of_matrix(name: &str, (rows, inputs): (usize, usize), limit: u64) -> Vec<Self> {
        let per_row = inputs + 4 * inputs.div_ceil(BLOCK);
        let count = (limit as usize / per_row / GROUP * GROUP).max(GROUP);
        let part = |first: usize| {
            let range = first..(first + count).min(rows);
            let bytes = (range.len() * per_row) as u64;
            Self { name: name.to_owned(), rows: range, is_cut: count < rows, bytes, tensors: 2 }
        };
        (0..rows).step_by(count).map(part).collect()
    }

    /// Parts in as few shards as hold them in their order.
    pub(super) fn shards(parts: impl IntoIterator<Item = Self>, limit: u64) -> Vec<Vec<Self>> {
        let mut shards: Vec<Vec<Self>> = Vec::new();
        let (mut bytes, mut tensors) = (0, 0);
        for part in parts {
            (bytes, tensors) = (bytes + part.bytes, tensors + part.tensors);
            match shards.last_mut().filter(|_| bytes <= limit && tensors <= MAX_TENSORS) {
                Some(shard) => shard.push(part),
                None => {
                    (bytes, tensors) = (part.bytes, part.tensors);
                    shards.push(vec![part]);
                }
            }
        }
        shards
    }

    fn name_of(&self, kind: &str) -> String {
        let suffix = if self.is_cut { format!("@{}", self.rows.start) } else { String::new() };
        format!("{}{kind}{suffix}", self.name)
    }
}
/// Calls `write(index, shard)` with the bytes of each shard of int8 `weights`.
///
/// # Errors
/// If `write` fails, or there is no memory for a shard.
pub fn write_shards(
    config: &Gpt2Config,
    weights: &mut Weights,
    mut write: impl FnMut(usize, Vec<u8>) -> Result<()>,
) -> Result<()> {
    let parts: Vec<Part> = Weights::names(config)
        .iter()
        .flat_map(|name| match weights.slot(name) {
            Some(Slot::Vector(_, shape)) => vec![Part::of_vector(name, &shape)],
            Some(Slot::Rows(matrix) | Slot::Conv1d(matrix)) => Part::of_matrix(name, matrix.shape(), SHARD_DATA),
            None => Vec::new(),
        })
        .collect();
    for (index, shard) in Part::shards(parts, SHARD_DATA).iter().enumerate() {
        write(index, shard_of(weights, shard)?)?;
    }
    Ok(())
}

/// The shard that holds these parts of int8 `weights`.
///
/// # Errors
/// If there is no memory for it.
pub(super) fn shard_of(weights: &mut Weights, parts: &[Part]) -> Result<Vec<u8>> {
    // Wider elements first, so that all stay aligned.
    let mut floats: Vec<(String, &str, Vec<u64>)> = Vec::new();
    let mut bytes = Vec::new();
    for part in parts {
        match weights.slot(&part.name) {
            Some(Slot::Vector(_, shape)) => {
                let shape = shape.into_iter().map(|dimension| dimension as u64).collect();
                floats.push((part.name_of(""), "F32", shape));
            }
            Some(Slot::Rows(Matrix::Int8(matrix)) | Slot::Conv1d(Matrix::Int8(matrix))) => {
                let rows = part.rows.len() as u64;
                floats.push((part.name_of(SCALES), "F32", vec![rows, matrix.blocks() as u64]));
                bytes.push((part.name_of(""), "I8", vec![rows, matrix.inputs as u64]));
            }
            _ => {}
        }
    }
    let header = write_header(&[floats, bytes].concat());
    let length = header.len() + parts.iter().map(|part| part.bytes as usize).sum::<usize>();
    let mut shard = try_reserved(length)?;
    shard.extend_from_slice(&header);
    for part in parts {
        match weights.slot(&part.name) {
            Some(Slot::Vector(values, _)) => shard.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Some(Slot::Rows(Matrix::Int8(matrix)) | Slot::Conv1d(Matrix::Int8(matrix))) => {
                for row in part.rows.clone() {
                    shard.extend(matrix.plain_scales(row..row + 1).iter().flat_map(|scale| scale.to_le_bytes()));
                }
            }
            _ => {}
        }
    }
    for part in parts {
        if let Some(Slot::Rows(Matrix::Int8(matrix)) | Slot::Conv1d(Matrix::Int8(matrix))) = weights.slot(&part.name) {
            for row in part.rows.clone() {
                shard.extend_from_slice(bytemuck::cast_slice(&matrix.plain_weights(row..row + 1)));
            }
        }
    }
    Ok(shard)
}
