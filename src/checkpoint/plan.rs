//! Which bytes of a hub file are needed, and what is made of them.
//!
//! A *piece* is a run of tensors, or of rows of one, that follow each other in the file. Its bytes are fetched together, and
//! become one of our shards (very wide matrices: several) that is stored before the next piece begins. Whoever has a
//! piece's shards need not fetch its bytes again.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::hub::Layout;
use super::loader::hex;
use super::manifest::VERSION;
use super::quantised::{MAX_TENSORS, Part, SHARD_DATA};
use super::reader::{Header, TensorInfo};
use crate::kernels::BLOCK;
use crate::model::weights::{Slot, Weights};

/// Quantised bytes of a piece: few enough that an interrupted download loses little, and that storing them takes no time.
const PIECE_BYTES: u64 = SHARD_DATA;
/// Bytes that nobody needs are fetched all the same if they are fewer: a request of its own takes longer.
const SMALLEST_HOLE: u64 = 256 << 10;

/// What is to be done with a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its length.
    pub size: u64,
    /// Bytes of no meaning that may follow.
    pub padding: u64,
    /// In the order of the file.
    pub pieces: Vec<Piece>,
}

/// A part of the file, and of the weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Piece {
    /// Bytes of the file that are needed, in their order.
    pub spans: Vec<Range<u64>>,
    /// What each of its shards holds.
    pub shards: Vec<Vec<Part>>,
}

/// What must be quantised together, so that no unit of staged values lies in two pieces.
struct Unit {
    span: Range<u64>,
    parts: Vec<Part>,
}

impl Plan {
    /// A plan for the tensors of a file, which must be those that `weights` need.
    pub(super) fn new(layout: Layout, weights: &mut Weights, header: &Header, size: u64) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut bytes, mut count) = (0, 0);
        let tensors = header.tensors.iter();
        for Unit { span, parts } in tensors.flat_map(|tensor| units_of(layout, weights, tensor, header.data_start)) {
            bytes += parts.iter().map(|part| part.bytes).sum::<u64>();
            count += parts.iter().map(|part| part.tensors).sum::<usize>();
            let fits = bytes <= PIECE_BYTES && count <= MAX_TENSORS;
            let Some(piece) = pieces.last_mut().filter(|_| fits) else {
                bytes = parts.iter().map(|part| part.bytes).sum();
                count = parts.iter().map(|part| part.tensors).sum();
                pieces.push(Piece { spans: vec![span], shards: Part::shards(parts, SHARD_DATA) });
                continue;
            };
            match piece.spans.last_mut().filter(|last| span.start - last.end < SMALLEST_HOLE) {
                Some(last) => last.end = span.end,
                None => piece.spans.push(span),
            }
            // It has one shard, or the unit would not have fitted.
            piece.shards[0].extend(parts);
        }
        Self { size, padding: header.padding, pieces }
    }

    /// Changes when the file's layout does, or what is made of it. Shards of one file and one identity fit together.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(format!("{VERSION} {BLOCK} {self:?}")))
    }

    /// Of each shard the needed bytes of the file and its own length, header excluded.
    pub fn shards(&self) -> impl Iterator<Item = (&[Range<u64>], u64)> {
        self.pieces.iter().flat_map(|piece| {
            let bytes = |shard: &Vec<Part>| shard.iter().map(|part| part.bytes).sum();
            piece.shards.iter().map(move |shard| (piece.spans.as_slice(), bytes(shard)))
        })
    }

    /// The first run of needed bytes that does not end before `position`, over all pieces that are not `done`.
    pub fn wanted(&self, position: u64, done: &[bool]) -> Option<Range<u64>> {
        let open = self.pieces.iter().zip(done).filter(|(_, done)| !**done);
        let mut spans = open.flat_map(|(piece, _)| &piece.spans).filter(|span| span.end > position);
        let first = spans.next()?;
        let mut run = first.start.max(position)..first.end;
        for span in spans {
            if span.start - run.end >= SMALLEST_HOLE {
                break;
            }
            run.end = span.end;
        }
        Some(run)
    }

    /// The last byte after which a piece ends, within `range` and beyond its start.
    pub(super) fn piece_end(&self, range: Range<u64>) -> Option<u64> {
        self.pieces.iter().map(Piece::end).rfind(|end| range.start < *end && *end <= range.end)
    }

    /// Needed bytes from `position` on of all pieces that are not `done`.
    pub fn remaining(&self, position: u64, done: &[bool]) -> u64 {
        let open = self.pieces.iter().zip(done).filter(|(_, done)| !**done);
        open.flat_map(|(piece, _)| &piece.spans).map(|span| span.end.saturating_sub(span.start.max(position))).sum()
    }
}

impl Piece {
    /// The byte after its last.
    pub fn end(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.end)
    }
}

/// The units of a tensor; none if it is not needed.
fn units_of(layout: Layout, weights: &mut Weights, tensor: &TensorInfo, data_start: u64) -> Vec<Unit> {
    let Some((name, slot)) = layout.slot(weights, &tensor.name) else { return Vec::new() };
    let span = data_start + tensor.start..data_start + tensor.end;
    match slot {
        None => Vec::new(),
        Some(Slot::Vector(_, shape)) => vec![Unit { span, parts: vec![Part::of_vector(&name, &shape)] }],
        Some(Slot::Conv1d(matrix)) => {
            vec![Unit { span, parts: Part::of_matrix(&name, matrix.shape(), SHARD_DATA) }]
        }
        Some(Slot::Rows(matrix)) => {
            let (rows, inputs) = matrix.shape();
            let per_row = (tensor.end - tensor.start) / rows as u64;
            let unit = |part: Part| {
                let at = |row: usize| span.start + row as u64 * per_row;
                Unit { span: at(part.rows.start)..at(part.rows.end), parts: vec![part] }
            };
            Part::of_matrix(&name, (rows, inputs), PIECE_BYTES).into_iter().map(unit).collect()
        }
    }
}
