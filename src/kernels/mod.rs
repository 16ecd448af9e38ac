//! The arithmetic: matrix products, normalisation, activation, attention.
//!
//! The int8 kernels, and what four float lanes are, stand in `portable` first; the file of an instruction set exports the
//! same names. `float` is written once over four lanes. This file chooses, asserts the shapes, so kernels need not, and
//! splits the work over threads. All finite results are the same bit for bit on every target and with any number of threads:
//! integer sums are exact, and float sums are added in the same order everywhere.
//!
//! # Layout of int8 weights
//! A matrix of `R` output rows and `K` inputs is cut into groups of [`GROUP`] rows and blocks of [`BLOCK`] inputs, padded
//! with zeros. Within a group and block, runs of [`RUN`] neighbouring inputs follow each other, and within a run the rows:
//! `(group, block, run, row, RUN)`. `RUN` is how many products an instruction adds up, so a SIMD lane is always one output
//! row; there are no sums across lanes, and the scales, `(group, block, row)`, apply as vectors. The bits that [`flipped`]
//! names are stored inverted.
//!
//! # Activations
//! A block of activations is quantised to whole numbers from -127 to 127, in steps of a 127th of its largest magnitude. In 256 steps
//! from the lowest to the highest, the mean KL divergence from f32 was 0.36e-3 nats instead of 0.46e-3 (`headlight eval
//! --tokens 3000 --window 512` on four texts, with the built-in model, before scales of keys were chosen), but products then need
//! the sum of each row's weights as well, 3 % more to read: a token took 1.06 to 1.09 times as long, and a prompt 1.04.

mod float;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod relaxed;
#[cfg(target_arch = "wasm32")]
mod simd128;
#[cfg(test)]
mod suite;

#[cfg(all(target_arch = "wasm32", not(target_feature = "simd128")))]
compile_error!("build for wasm32 with -Ctarget-feature=+simd128");

#[cfg(not(target_arch = "wasm32"))]
use portable as chosen;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
use relaxed as chosen;
#[cfg(all(target_arch = "wasm32", not(target_feature = "relaxed-simd")))]
use simd128 as chosen;

use std::sync::atomic::{AtomicU32, Ordering};

use crate::parallel::{self, Parts};

pub(crate) use float::{accumulate_weighted, add_assign, dot, exponentials, gelu, layer_norm, moments, softmax};

/// The name of the build, as the page shows it.
pub const VARIANT: &str = chosen::NAME;

/// Inputs that share a scale. Of a model of 19 million parameters, 32, 64 and 128 made 23.8, 22.6 and 22.0 MB, and with
/// activations in 8 bits the mean KL divergence from f32 was 5.2e-5, 6.9e-5 and 8.7e-5 nats (`headlight eval` on 9,000 tokens).
pub const BLOCK: usize = 64;
/// Output rows that are stored interleaved: with four vectors of them, a value is spread once for four products, and writing
/// keeps up with memory. With 8, it took 1.17 times as long.
pub(crate) const GROUP: usize = 16;
/// Neighbouring inputs of a row that lie together, and neighbouring tokens of a channel in cached values.
pub(crate) const RUN: usize = chosen::RUN;
/// Weights of one group in one block.
pub(crate) const TILE: usize = GROUP * BLOCK;
/// Positions that can be multiplied together. A group's weights are read and prepared once for all of them.
pub(crate) const MAX_POSITIONS: usize = 32;

/// Added and taken away again, it rounds a small float to the nearest whole number, ties to even; in between, the low
/// bits of the float hold that number.
pub(crate) const ROUND: f32 = 12_582_912.0;
/// Blocks whose largest magnitude is not above this are zero after quantisation. `STEPS` divided by much less would overflow, and a
/// [`WeightScale`] of less is too coarse.
const SMALLEST_MAGNITUDE: f32 = 2e-36;

/// What the largest magnitude of a block becomes in 8 bits.
pub(crate) const STEPS: f32 = 127.0;

/// What the largest attention weight of a page becomes: the most whose upper byte still has room for what a kernel carries over from
/// the lower one, where bytes have signs.
pub(crate) const MOST_ATTENTION: i16 = (127 << 8) + 127;

/// What values are multiplied by to become whole numbers, given the largest magnitude among them and what that becomes.
fn quantisation_factor(largest: f32, becomes: f32) -> f32 {
    if largest > SMALLEST_MAGNITUDE { becomes / largest } else { 0.0 }
}

/// What values are multiplied by to become whole numbers of which 1 stands for `scale`.
pub(crate) fn factor_of(scale: f32) -> f32 {
    quantisation_factor(STEPS * scale, STEPS)
}

/// A quantised activation as the chosen kernel takes it.
pub(crate) type Value = chosen::Value;

/// The quantised attention weights of a page of tokens as the chosen kernel takes them.
pub(crate) type AttentionWeights = chosen::AttentionWeights;

/// What a kernel has to know of a block of quantised activations.
#[derive(Debug, Clone, Copy, Default)]
struct Scale {
    /// What 1 stands for.
    step: f32,
    /// What the sum of its products with the weights of any row begins with, to make up for what the bits add that [`flipped`] names:
    /// -128 times the sum of the activations, or 0.
    #[cfg_attr(
        not(all(target_arch = "wasm32", target_feature = "relaxed-simd")),
        expect(dead_code, reason = "the other kernels have no such bits")
    )]
    start: i32,
}

/// What 1 stands for in a block of a row of weights: a number of 16 bits, the upper half of a float (bfloat16), stored as the chosen
/// kernel reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(transparent)]
pub(crate) struct WeightScale(chosen::ScaleBits);

impl WeightScale {
    /// The upper half of the largest finite float.
    const LARGEST: u32 = f32::MAX.to_bits() >> 16;

    /// The nearest to a number that is not negative, or the largest finite one. Within 0.4 % of a normal number, so that what would be
    /// 127 stays below 127.5.
    pub(crate) fn nearest(scale: f32) -> Self {
        Self::of_half((scale.to_bits() + 0x8000) >> 16)
    }

    /// The one whose bits these are, or the largest finite one.
    fn of_half(half: u32) -> Self {
        Self(chosen::scale_bits(half.min(Self::LARGEST) << 16))
    }

    pub(crate) fn get(self) -> f32 {
        f32::from_bits(chosen::float_bits(self.0))
    }

    /// The one that is so many steps larger, each by 0.4 to 0.8 % for a normal number, or the largest finite one.
    fn coarser(self, steps: u32) -> Self {
        Self::of_half((chosen::float_bits(self.0) >> 16) + steps)
    }
}

/// Quantised activations of `T` positions, block by block.
#[derive(Debug, Default)]
pub(crate) struct Activations {
    /// (blocks, T, BLOCK)
    values: Vec<Value>,
    /// (blocks, T)
    scales: Vec<Scale>,
}

/// Interleaved int8 weights of whole groups of rows, as the head of this module describes them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a> {
    /// (groups, blocks, BLOCK / RUN, GROUP, RUN)
    pub(crate) weights: &'a [i8],
    /// (groups, blocks, GROUP)
    pub(crate) scales: &'a [WeightScale],
}

impl<'a> Packed<'a> {
    /// From a group of rows on. Those behind stay in sight, so that a kernel can read ahead; how many are multiplied, the sums tell,
    /// and how many blocks each has, the activations.
    pub(crate) fn group(self, group: usize, blocks: usize) -> Self {
        let first = group * blocks;
        Self { weights: &self.weights[first * TILE..], scales: &self.scales[first * GROUP..] }
    }
}

/// What becomes of a matrix product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It is the output.
    Store,
    /// Its GELU is.
    Gelu,
    /// It is added to what is there.
    Add,
}

/// The bits of weights that are stored inverted: none, or the sign where the kernel takes bytes for 0 to 255, so that a
/// stored weight is 128 more.
pub(crate) fn flipped() -> i8 {
    chosen::flipped()
}

/// What 1 stands for when the largest magnitude becomes `STEPS`.
pub(crate) fn symmetric_scale(x: &[f32]) -> f32 {
    float::largest_magnitude(x) / STEPS
}

/// Quantises a block, or a part of one, with 1 standing for `scale`; the rest becomes 0.
pub(crate) fn quantize_by(values: &mut [i8; BLOCK], x: &[f32], scale: f32) {
    let factor = factor_of(scale);
    *values = with_whole(x, |x| x.map(|x| (x * factor + ROUND).to_bits() as i8));
}

/// `f` of a block; what is missing to a whole one is 0. Copies are made only where something is missing: in WebAssembly, a
/// copy whose length the compiler does not know is a call of the engine.
fn with_whole<T>(x: &[f32], f: impl FnOnce(&[f32; BLOCK]) -> T) -> T {
    match <&[f32; BLOCK]>::try_from(x) {
        Ok(x) => f(x),
        Err(_) => {
            let mut whole = [0.0; BLOCK];
            whole[..x.len()].copy_from_slice(x);
            f(&whole)
        }
    }
}

/// Quantises a block, or a part of one, symmetrically to 8 bits, and returns what 1 stands for.
pub(crate) fn quantize_symmetric(values: &mut [i8; BLOCK], x: &[f32]) -> f32 {
    let scale = symmetric_scale(x);
    quantize_by(values, x, scale);
    scale
}

/// Scales that are tried for a block of a key: the one that just reaches its largest magnitude, and the next coarser ones. With 8, the
/// mean KL divergence from f32 was 0.393e-3 nats, with 16 0.388e-3, and without a choice 0.455e-3 (`headlight eval --tokens
/// 1000 --window 512` on ten texts, with the built-in model). With 16 a token takes as long as without a choice.
const KEY_SCALES: u32 = 16;

/// Chooses the scale for a block of a key so that the error of its product with `direction`, added to the `error` so far, is smallest in
/// magnitude; returns it with that error.
pub(crate) fn scale_along(x: &[f32], direction: &[f32], error: f32) -> (WeightScale, f32) {
    let first = WeightScale::nearest(symmetric_scale(x));
    let exact = float::dot(x, direction);
    let with = |scale: WeightScale| {
        let rounded = scale.get() * float::dot_rounded(x, factor_of(scale.get()), direction);
        (scale, error + (rounded - exact))
    };
    let coarser = (1..KEY_SCALES).map(|steps| with(first.coarser(steps)));
    coarser.fold(with(first), |best, found| if found.1.abs() < best.1.abs() { found } else { best })
}

/// Where a weight stands in the interleaved layout.
pub(crate) fn weight_index(row: usize, input: usize, blocks: usize) -> usize {
    interleaved_index::<RUN>(row, input, blocks)
}

/// As [`weight_index`], with runs of `N`.
fn interleaved_index<const N: usize>(row: usize, input: usize, blocks: usize) -> usize {
    let (group, lane) = (row / GROUP, row % GROUP);
    // Blocks hold whole runs, so the runs of a group are numbered through.
    group * blocks * TILE + input / N * N * GROUP + N * lane + input % N
}

/// Puts weights of one row where they belong, from input `first` on.
pub(crate) fn interleave(packed: &mut [i8], row: usize, first: usize, weights: &[i8], blocks: usize) {
    let head = (first.next_multiple_of(RUN) - first).min(weights.len());
    let (head, body) = weights.split_at(head);
    let (runs, tail) = body.as_chunks::<RUN>();
    let flipped = flipped();
    let mut one = |input: usize, weight: i8| packed[weight_index(row, input, blocks)] = weight ^ flipped;
    head.iter().enumerate().for_each(|(i, &weight)| one(first + i, weight));
    let after = first + weights.len() - tail.len();
    tail.iter().enumerate().for_each(|(i, &weight)| one(after + i, weight));
    if runs.is_empty() {
        return;
    }
    let start = weight_index(row, first + head.len(), blocks);
    for (to, run) in packed[start..].chunks_mut(RUN * GROUP).zip(runs) {
        to[..RUN].copy_from_slice(&run.map(|weight| weight ^ flipped));
    }
}

/// Puts a block of one of the rows of a tile where it belongs, in runs of `N`.
pub(crate) fn interleave_row<const N: usize>(tile: &mut [i8; TILE], row: usize, weights: &[i8; BLOCK]) {
    let flipped = flipped();
    for (to, run) in tile.as_chunks_mut::<N>().0.as_chunks_mut::<GROUP>().0.iter_mut().zip(weights.as_chunks().0) {
        to[row] = run.map(|weight| weight ^ flipped);
    }
}

/// Puts one input of all rows of a tile where it belongs, with no bits inverted: [`gather_i8`] takes them so.
pub(crate) fn interleave_input(tile: &mut [i8; TILE], input: usize, weights: &[i8; GROUP]) {
    let run = &mut tile.as_chunks_mut::<RUN>().0.as_chunks_mut::<GROUP>().0[input / RUN];
    for (to, weight) in run.iter_mut().zip(weights) {
        to[input % RUN] = *weight;
    }
}

/// Puts weights (GROUP, K) of all rows of a group where they belong; `K` is whole blocks.
pub(crate) fn interleave_group(packed: &mut [i8], weights: &[i8]) {
    let tiles = packed.as_chunks_mut::<TILE>().0;
    let blocks = tiles.len();
    let (weights, _) = weights.as_chunks::<BLOCK>();
    assert_eq!(weights.len(), GROUP * blocks);
    for (block, tile) in tiles.iter_mut().enumerate() {
        chosen::interleave_tile(tile, std::array::from_fn(|row| &weights[row * blocks + block]));
    }
}

/// The weights of one row as they are stored, run by run.
pub(crate) fn runs_of_row(packed: &[i8], row: usize, blocks: usize) -> impl Iterator<Item = &[i8; RUN]> {
    packed[weight_index(row, 0, blocks)..].as_chunks().0.iter().step_by(GROUP).take(blocks * BLOCK / RUN)
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

impl Activations {
    /// Quantises `x` (T, K); what is missing to a whole block counts as 0.
    pub(crate) fn quantize(&mut self, x: &[f32], inputs: usize) {
        let (positions, blocks) = (x.len() / inputs, inputs.div_ceil(BLOCK));
        assert_eq!(x.len(), positions * inputs);
        self.values.resize(positions * blocks * BLOCK, Value::default());
        self.scales.resize(positions * blocks, Scale::default());
        let values = Parts::new(self.values.as_chunks_mut::<BLOCK>().0);
        let scales = Parts::new(&mut self.scales);
        parallel::for_ranges(positions, |range| {
            for position in range {
                for (block, x) in x[position * inputs..][..inputs].chunks(BLOCK).enumerate() {
                    let at = block * positions + position;
                    // SAFETY: each place belongs to one position, and each position to one range.
                    let (values, scales) = unsafe { (values.part(at..at + 1), scales.part(at..at + 1)) };
                    let step = with_whole(x, |x| chosen::quantize_block(&mut values[0], x));
                    scales[0] = Scale { step, start: chosen::start(&values[0]) };
                }
            }
        });
    }

    /// Takes up values that were quantised before; `blocks` yields each block of each position, in the order of this struct, and
    /// what 1 stands for in it.
    pub(crate) fn restore<'a>(&mut self, blocks: impl Iterator<Item = (&'a [i8; BLOCK], f32)>) {
        self.values.clear();
        self.scales.clear();
        for (bytes, step) in blocks {
            let values = chosen::from_bytes(bytes);
            self.values.extend(values);
            self.scales.push(Scale { step, start: chosen::start(&values) });
        }
    }
}

/// `out` (T, R) = activations (T, K) x weights (R, K) + bias (R), in int8 within blocks and f32 between them, and then
/// finished. `T` is at most [`MAX_POSITIONS`].
pub(crate) fn matmul_i8(
    out: &mut [f32],
    Activations { values, scales }: &Activations,
    packed: Packed<'_>,
    bias: Option<&[f32]>,
    finish: Finish,
    (rows, blocks): (usize, usize),
) {
    let positions = out.len() / rows;
    assert_eq!(out.len(), positions * rows);
    assert!(positions <= MAX_POSITIONS);
    assert_eq!(values.len(), positions * blocks * BLOCK);
    assert_eq!(scales.len(), positions * blocks);
    assert_eq!(packed.weights.len(), packed_length(rows, blocks));
    assert_eq!(packed.scales.len(), scales_length(rows, blocks));
    assert!(bias.is_none_or(|bias| bias.len() == rows));
    let out = Parts::new(out);
    let start = |group: usize| {
        let mut start = [0.0; GROUP];
        if let Some(bias) = bias {
            copy_row(&mut start, &bias[group * GROUP..rows.min((group + 1) * GROUP)]);
        }
        start
    };
    let finish = |group: usize, position: usize, sums: &mut [f32; GROUP]| {
        let first_row = group * GROUP;
        let from = position * rows + first_row;
        // SAFETY: each group has rows of its own.
        finish_row(unsafe { out.part(from..from + GROUP.min(rows - first_row)) }, sums, finish);
    };
    parallel::for_ranges(rows.div_ceil(GROUP), |groups| {
        let mut sums = [[0.0; GROUP]; MAX_POSITIONS];
        let sums = &mut sums[..positions];
        let Packed { weights, scales: weight_scales } = packed.group(groups.start, blocks);
        chosen::begin_reading(weights);
        chosen::begin_reading(weight_scales);
        if let Some(bias) = bias {
            // All of it; otherwise each group would begin with waiting for its own.
            chosen::read_lines(&bias[groups.start * GROUP..rows.min(groups.end * GROUP)]);
        }
        for group in groups {
            sums.fill(start(group));
            chosen::multiply_groups(sums, positions, (values, scales), packed.group(group, blocks));
            sums.iter_mut().enumerate().for_each(|(position, sums)| finish(group, position, sums));
        }
    });
}

/// Reads a matrix (R, K) and nothing else, split over threads as a product with it is; returns the sum of its 32-bit words.
pub(crate) fn read_i8(packed: Packed<'_>, (rows, blocks): (usize, usize)) -> u32 {
    let sum = AtomicU32::new(0);
    parallel::for_ranges(rows.div_ceil(GROUP), |groups| {
        let blocks = groups.start * blocks..groups.end * blocks;
        let read = |bytes: &[u8]| sum.fetch_add(chosen::sum_of_words(bytes), Ordering::Relaxed);
        read(bytemuck::cast_slice(&packed.weights[blocks.start * TILE..blocks.end * TILE]));
        read(bytemuck::cast_slice(&packed.scales[blocks.start * GROUP..blocks.end * GROUP]));
    });
    sum.into_inner()
}

/// Copies a group, or the part of one that there is room or values for. For a whole one, the compiler needs no call.
pub(crate) fn copy_row(to: &mut [f32], from: &[f32]) {
    debug_assert!(to.len() == GROUP || from.len() == GROUP);
    match (<&mut [f32; GROUP]>::try_from(&mut *to), <&[f32; GROUP]>::try_from(from)) {
        (Ok(to), Ok(from)) => *to = *from,
        _ => copy_part(to, from),
    }
}

/// Apart from whole rows: compilers would make one copy of both, of a length unknown to them, and so a call of the engine.
#[cold]
#[inline(never)]
fn copy_part(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

fn finish_row(out: &mut [f32], values: &mut [f32; GROUP], finish: Finish) {
    match finish {
        Finish::Store => copy_row(out, values),
        Finish::Gelu => {
            gelu(values);
            copy_row(out, values);
        }
        Finish::Add => add_assign(out, &values[..out.len()]),
    }
}

/// `out` (T, R) = `x` (T, K) x `weights` (R, K) + bias (R), all in f32, and then finished.
pub(crate) fn matmul_f32(
    out: &mut [f32],
    x: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
    finish: Finish,
    (rows, inputs): (usize, usize),
) {
    assert_eq!(x.len() / inputs * rows, out.len());
    assert_eq!(weights.len(), rows * inputs);
    assert!(bias.is_none_or(|bias| bias.len() == rows));
    let out = Parts::new(out);
    parallel::for_ranges(rows.div_ceil(GROUP), |groups| {
        for group in groups {
            let range = group * GROUP..((group + 1) * GROUP).min(rows);
            for (position, x) in x.chunks_exact(inputs).enumerate() {
                let mut values = [0.0; GROUP];
                for (value, row) in values.iter_mut().zip(range.clone()) {
                    let bias = bias.map_or(0.0, |bias| bias[row]);
                    *value = bias + float::dot(x, &weights[row * inputs..][..inputs]);
                }
                // SAFETY: each group has rows of its own.
                let out = unsafe { out.part(position * rows + range.start..position * rows + range.end) };
                finish_row(out, &mut values, finish);
            }
        }
    });
}

/// `scores` (T) = `query` (HS) . `keys` (T, HS) * `scale`.
pub(crate) fn attention_scores(scores: &mut [f32], query: &[f32], keys: &[f32], scale: f32) {
    assert_eq!(keys.len(), scores.len() * query.len());
    for (score, key) in scores.iter_mut().zip(keys.chunks_exact(query.len())) {
        *score = float::dot(query, key) * scale;
    }
}

/// `scores` (groups, T, GROUP) = `queries` (T, HS) . groups of keys (GROUP, HS) * `factor`.
pub(crate) fn attention_scores_i8(
    scores: &mut [[f32; GROUP]],
    Activations { values, scales }: &Activations,
    keys: Packed<'_>,
    blocks: usize,
    factor: f32,
) {
    let positions = scales.len() / blocks;
    let groups = scores.len() / positions;
    assert_eq!(scales.len(), positions * blocks);
    assert_eq!(values.len(), positions * blocks * BLOCK);
    assert_eq!(scores.len(), groups * positions);
    assert!(keys.weights.len() >= groups * blocks * TILE && keys.scales.len() >= groups * blocks * GROUP);
    scores.fill([0.0; GROUP]);
    chosen::multiply_groups(scores, positions, (values, scales), keys);
    for score in scores.as_flattened_mut() {
        *score *= factor;
    }
}

/// The attention weights of a page of tokens, times the scales of its values, and what 1 stands for.
pub(crate) fn attention_weights(weights: &[f32; BLOCK], scales: &[f32; BLOCK]) -> (AttentionWeights, f32) {
    let mut quantised = [0; BLOCK];
    let step = float::quantize_weights(&mut quantised, weights, scales);
    (chosen::from_words(&quantised), step)
}

/// `out` (T, GROUP) += attention weights (T, BLOCK), of which 1 stands for `steps` (T), x a group of channels (GROUP, BLOCK).
pub(crate) fn gather_i8(out: &mut [[f32; GROUP]], weights: &[AttentionWeights], steps: &[f32], channels: &[i8; TILE]) {
    assert!(weights.len() == out.len() && steps.len() == out.len());
    chosen::gather(out, weights, steps, channels);
}

/// Whether the kernels of this build compute what the portable ones do, with all extremes and through every path. Some
/// engines and processors were shipped with wrong SIMD; a build that fails here must not be used.
pub fn self_test() -> bool {
    (1..=5).all(self_test_of) && interleaves()
}

/// Whether groups of rows come to lie where single rows do.
fn interleaves() -> bool {
    const BLOCKS: usize = 2;
    let rows: Vec<i8> = (0..BLOCKS * TILE).map(|i| if i % 3 == 0 { -128 } else { (i * i / 5) as i8 }).collect();
    let mut expected = vec![0; rows.len()];
    for (row, weights) in rows.chunks(BLOCKS * BLOCK).enumerate() {
        interleave(&mut expected, row, 0, weights, BLOCKS);
    }
    let mut found = vec![0; rows.len()];
    interleave_group(&mut found, &rows);
    found == expected
}

fn self_test_of(positions: usize) -> bool {
    const BLOCKS: usize = 2;
    const GROUPS: usize = 2;
    // In the first block, pairs of the extremes meet one extreme in each row, which overflows 16 bits soonest.
    let byte = |i: usize| match i % 11 {
        3 => 127,
        5 => -127,
        7 => 0,
        _ => (i * i / 7) as i8,
    };
    let weight = |i: usize| if i < TILE { [-128, 127][i / RUN % 2] } else { byte(i) };
    let weights: Vec<i8> = (0..GROUPS * BLOCKS * TILE).map(weight).collect();
    let weight_scales: Vec<_> =
        (0..GROUPS * BLOCKS * GROUP).map(|i| WeightScale::nearest(f32::from(byte(i)).abs() / 100.0)).collect();
    let extreme = |i: usize| if i % 4 == 3 { -5.0 } else { 5.0 };
    let value = |i: usize| if i < BLOCK { extreme(i) } else { f32::from(byte(i)) * 0.37 };
    let x: Vec<f32> = (0..positions * BLOCKS * BLOCK).map(value).collect();
    let mut activations = Activations::default();
    activations.quantize(&x, BLOCKS * BLOCK);
    let mut quantised = vec![([0; BLOCK], 0.0); positions * BLOCKS];
    for (i, x) in x.as_chunks::<BLOCK>().0.iter().enumerate() {
        let (values, step) = &mut quantised[i % BLOCKS * positions + i / BLOCKS];
        *step = portable::quantize_block(values, x);
    }
    let blocks = activations.values.as_chunks::<BLOCK>().0.iter().zip(&activations.scales);
    let same = blocks.zip(&quantised).all(|((found, scale), (values, step))| {
        *found == chosen::from_bytes(&values.map(|value| value as i8)) && scale.step == *step
    });

    let start = vec![[0.5; GROUP]; GROUPS * positions];
    let (mut found, mut expected) = (start.clone(), start.clone());
    let flipped = flipped();
    let stored: Vec<i8> = weights.iter().map(|weight| weight ^ flipped).collect();
    let packed = Packed { weights: &stored, scales: &weight_scales };
    chosen::multiply_groups(&mut found, positions, (&activations.values, &activations.scales), packed);
    // Lower bytes with and without their highest bit, which upper ones may have to make up for, and the extremes.
    let attention = |i: usize| [MOST_ATTENTION, 0, 0x7e80, 0xff, (i * i * 31 % 32_640) as i16][i % 5];
    let attention: Vec<[i16; BLOCK]> =
        (0..positions).map(|position| std::array::from_fn(|i| attention(i + position))).collect();
    let prepared: Vec<_> = attention.iter().map(chosen::from_words).collect();
    let steps: Vec<f32> = (0..positions).map(|position| 1e-5 * (position + 1) as f32).collect();
    let (mut gathered, mut expected_gathered) = (start.clone(), start);
    let tiles = weights.as_chunks::<TILE>().0.iter().zip(weight_scales.as_chunks::<GROUP>().0);
    for (tile, (weights, weight_scales)) in tiles.enumerate() {
        let (group, block) = (tile / BLOCKS, tile % BLOCKS);
        let quantised = &quantised[block * positions..][..positions];
        let values: Vec<_> = quantised.iter().map(|(values, _)| *values).collect();
        let step = |position: usize| quantised[position].1;
        let [expected, gathered, expected_gathered] = [&mut expected, &mut gathered, &mut expected_gathered]
            .map(|sums| &mut sums[group * positions..][..positions]);
        let weight_scales = &weight_scales.map(WeightScale::get);
        portable::multiply_block::<RUN>(expected, &values, step, weights, weight_scales);
        chosen::gather(gathered, &prepared, &steps, weights);
        portable::multiply_block::<RUN>(expected_gathered, &attention, |i| steps[i], weights, &[1.0; GROUP]);
    }
    same && found == expected && gathered == expected_gathered
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn reading_takes_each_word_once() {
        let (rows, blocks) = (7 * GROUP - 3, 3);
        let weights: Vec<i8> = (0..packed_length(rows, blocks)).map(|i| (i * i / 3) as i8).collect();
        let scales: Vec<_> = (0..scales_length(rows, blocks)).map(|i| WeightScale::nearest(i as f32)).collect();
        let slices: [&[u8]; 2] = [bytemuck::cast_slice(&weights), bytemuck::cast_slice(&scales)];
        let expected = slices.into_iter().map(portable::sum_of_words).fold(0, u32::wrapping_add);
        let packed = Packed { weights: &weights, scales: &scales };
        assert_eq!(read_i8(packed, (rows, blocks)), expected);
    }

    #[test]
    fn scales_of_weights_are_near() {
        for scale in [0.0, 1e-45, 1e-38, 1.0, 1.003, 1.004, 3.3e-3, 127.0, 1e38, f32::MAX] {
            let nearest = WeightScale::nearest(scale).get();
            assert!((nearest - scale).abs() <= scale / 256.0 + 1e-40, "{scale}: {nearest}");
            assert_eq!(WeightScale::nearest(nearest).get(), nearest);
        }
        assert_eq!(WeightScale::nearest(1.0).get(), 1.0);
    }

    #[test]
    fn a_scale_is_chosen_by_what_a_direction_sees() {
        let random = |i: usize| ((i * i * 7919 + i * 104_729) % 2003) as f32 / 1001.5 - 1.0;
        let (mut before, mut after) = (0.0, 0.0);
        for (i, length) in (0..200).zip([BLOCK, BLOCK - 3, 5].into_iter().cycle()) {
            let x: Vec<f32> = (0..length).map(|j| random(i * BLOCK + j)).collect();
            let direction: Vec<f32> = (0..length).map(|j| random(50_000 + i * BLOCK + j)).collect();
            let seen = |scale: WeightScale| {
                let mut quantised = [0; BLOCK];
                quantize_by(&mut quantised, &x, scale.get());
                let errors = quantised.iter().zip(&x).map(|(&q, x)| f32::from(q) * scale.get() - x);
                errors.zip(&direction).map(|(error, direction)| error * direction).sum::<f32>()
            };
            let (first, error) = (WeightScale::nearest(symmetric_scale(&x)), random(i) / 200.0);
            let (scale, left) = scale_along(&x, &direction, error);
            assert!(scale.get() >= first.get() && scale.get() < 1.13 * first.get());
            assert!((left - (error + seen(scale))).abs() < 1e-4, "{left} is told of {}", error + seen(scale));
            before += (error + seen(first)).abs();
            after += left.abs();
            assert_eq!(scale_along(&x, &vec![0.0; length], 0.0), (first, 0.0), "without a direction, the finest");
        }
        assert!(after < before / 4.0, "{after} of {before}");
    }

    #[test]
    fn a_scale_is_finite_whatever_it_is_chosen_for() {
        for x in [0.0, 1e-45, 1e-38, f32::MAX, f32::INFINITY, f32::NAN] {
            for error in [0.0, f32::MAX, f32::NEG_INFINITY, f32::NAN] {
                let (scale, _) = scale_along(&[x, 1.0, -x], &[1.0, f32::MAX, 1.0], error);
                assert!(scale.get().is_finite() && scale.get() > 0.0, "{x}, {error}: {scale:?}");
            }
        }
        let (scale, error) = scale_along(&[0.0; 3], &[1.0; 3], 0.5);
        assert_eq!((scale.get(), error), (0.0, 0.5));
    }

    #[test]
    fn the_largest_magnitude_counts_wherever_it_stands() {
        for length in [1, 3, 4, 5, 15, 16, 17, 63, 64, 100] {
            for place in 0..length {
                for largest in [3.0, -3.0] {
                    let mut x: Vec<f32> = (0..length).map(|i| [1.0, -2.0][i % 2]).collect();
                    x[place] = largest;
                    assert_eq!(symmetric_scale(&x), 3.0 / 127.0, "{largest} at {place} of {length}");
                }
            }
        }
    }
}
