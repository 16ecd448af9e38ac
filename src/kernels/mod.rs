//! The arithmetic: matrix products, normalisation, activation, attention.
//!
//! The int8 kernels, and what four float lanes are, stand in `portable` first; the file of an instruction set exports the
//! same names. `float` is written once over four lanes. This file chooses and asserts the shapes, so kernels need not. All results are the
//! same bit for bit on every target: integer sums are exact, and float sums are added in the same order everywhere.
//!
//! # Layout of int8 weights
//! A matrix of `R` output rows and `K` inputs is cut into groups of [`GROUP`] rows and blocks of [`BLOCK`] inputs, padded
//! with zeros. Within a group and block, pairs of neighbouring inputs follow each other, and within a pair the rows:
//! `(group, block, pair, row, 2)`. A SIMD lane is then always one output row; there are no sums across lanes, and the
//! scales, `(group, block, row)`, apply as vectors.

mod float;
#[cfg(any(test, not(target_arch = "wasm32")))]
mod portable;
#[cfg(target_arch = "wasm32")]
mod simd128;
#[cfg(test)]
mod suite;

#[cfg(all(target_arch = "wasm32", not(target_feature = "simd128")))]
compile_error!("build for wasm32 with -Ctarget-feature=+simd128");

#[cfg(not(target_arch = "wasm32"))]
use portable as chosen;
#[cfg(target_arch = "wasm32")]
use simd128 as chosen;

pub(crate) use float::{accumulate_weighted, add_assign, gelu, layer_norm, softmax};

/// The name of the build, as the page shows it.
pub const VARIANT: &str = chosen::NAME;

/// Inputs that share a scale. Of the built-in model, 32, 64 and 128 make 23.8, 22.6 and 22.0 MB, and the mean KL divergence
/// from f32 is 5.2e-5, 6.9e-5 and 8.7e-5 nats (`headlight eval` on 9,000 tokens).
pub const BLOCK: usize = 64;
/// Output rows that are stored interleaved.
pub(crate) const GROUP: usize = 8;
/// Weights of one group in one block.
const TILE: usize = GROUP * BLOCK;
/// Positions that can be multiplied together. A group's weights are read and prepared once for all of them.
pub(crate) const MAX_POSITIONS: usize = 32;

/// Added and taken away again, it rounds a small float to the nearest whole number, ties to even; in between, the low
/// bits of the float hold that number.
pub(crate) const ROUND: f32 = 12_582_912.0;
/// Blocks whose largest magnitude is not above this are zero after quantisation; 127 divided by less would overflow.
const SMALLEST_MAGNITUDE: f32 = 1e-36;

/// What values are multiplied by to become 8-bit numbers, given the largest magnitude among them.
pub(crate) fn quantisation_factor(largest: f32) -> f32 {
    if largest > SMALLEST_MAGNITUDE { 127.0 / largest } else { 0.0 }
}

/// Where a weight stands in the interleaved layout.
pub(crate) fn weight_index(row: usize, input: usize, blocks: usize) -> usize {
    let (group, lane) = (row / GROUP, row % GROUP);
    // Blocks hold whole pairs, so the pairs of a group are numbered through.
    group * blocks * TILE + input / 2 * 2 * GROUP + 2 * lane + input % 2
}

/// Where the scale of a row's block stands.
pub(crate) fn scale_index(row: usize, block: usize, blocks: usize) -> usize {
    (row / GROUP * blocks + block) * GROUP + row % GROUP
}

/// Length of the interleaved weights.
pub(crate) fn packed_length(rows: usize, blocks: usize) -> usize {
    rows.div_ceil(GROUP) * blocks * TILE
}

/// Length of the interleaved scales.
pub(crate) fn scales_length(rows: usize, blocks: usize) -> usize {
    rows.div_ceil(GROUP) * blocks * GROUP
}

/// Quantises activations to 8 bits, held in 16: `values` (blocks, T, BLOCK) and `scales` (blocks, T) from `x` (T, K). The
/// largest magnitude of each block becomes 127; what is missing to a whole block counts as 0.
pub(crate) fn quantize(values: &mut [i16], scales: &mut [f32], x: &[f32], inputs: usize) {
    let (positions, blocks) = (x.len() / inputs, inputs.div_ceil(BLOCK));
    let (values, _) = values.as_chunks_mut::<BLOCK>();
    assert_eq!(x.len(), positions * inputs);
    assert_eq!((values.len(), scales.len()), (positions * blocks, positions * blocks));
    for (position, x) in x.chunks_exact(inputs).enumerate() {
        for (block, x) in x.chunks(BLOCK).enumerate() {
            let mut whole = [0.0; BLOCK];
            whole[..x.len()].copy_from_slice(x);
            let at = block * positions + position;
            scales[at] = chosen::quantize_block(&mut values[at], &whole);
        }
    }
}

/// `out` (T, R) = quantised activations (T, K) x weights (R, K) + bias (R), in int8 within blocks and f32 between them.
/// `T` is at most [`MAX_POSITIONS`].
pub(crate) fn matmul_i8(
    out: &mut [f32],
    (values, value_scales): (&[i16], &[f32]),
    (weights, weight_scales): (&[i8], &[f32]),
    bias: Option<&[f32]>,
    rows: usize,
    blocks: usize,
) {
    let positions = out.len() / rows;
    assert_eq!(out.len(), positions * rows);
    assert!(positions <= MAX_POSITIONS);
    assert_eq!(values.len(), positions * blocks * BLOCK);
    assert_eq!(value_scales.len(), positions * blocks);
    assert_eq!(weights.len(), packed_length(rows, blocks));
    assert_eq!(weight_scales.len(), scales_length(rows, blocks));
    assert!(bias.is_none_or(|bias| bias.len() == rows));
    let groups = weights.chunks_exact(blocks * TILE).zip(weight_scales.chunks_exact(blocks * GROUP));
    for (group, (weights, weight_scales)) in groups.enumerate() {
        let first_row = group * GROUP;
        let lanes = GROUP.min(rows - first_row);
        let mut start = [0.0; GROUP];
        if let Some(bias) = bias {
            start[..lanes].copy_from_slice(&bias[first_row..first_row + lanes]);
        }
        let mut sums = [start; MAX_POSITIONS];
        let sums = &mut sums[..positions];
        chosen::multiply_group(sums, (values, value_scales), (weights, weight_scales));
        for (out, sums) in out.chunks_exact_mut(rows).zip(sums) {
            out[first_row..][..lanes].copy_from_slice(&sums[..lanes]);
        }
    }
}

/// `out` (T, R) = `x` (T, K) x `weights` (R, K) + bias (R), all in f32.
pub(crate) fn matmul_f32(
    out: &mut [f32],
    x: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
    rows: usize,
    inputs: usize,
) {
    assert_eq!(x.len() / inputs * rows, out.len());
    assert_eq!(weights.len(), rows * inputs);
    assert!(bias.is_none_or(|bias| bias.len() == rows));
    for (row, weights) in weights.chunks_exact(inputs).enumerate() {
        let bias = bias.map_or(0.0, |bias| bias[row]);
        for (out, x) in out.chunks_exact_mut(rows).zip(x.chunks_exact(inputs)) {
            out[row] = bias + float::dot(x, weights);
        }
    }
}

/// `scores` (T) = `query` (HS) . `keys` (T, HS) * `scale`.
pub(crate) fn attention_scores(scores: &mut [f32], query: &[f32], keys: &[f32], scale: f32) {
    assert_eq!(keys.len(), scores.len() * query.len());
    for (score, key) in scores.iter_mut().zip(keys.chunks_exact(query.len())) {
        *score = float::dot(query, key) * scale;
    }
}
