//! The int8 kernels in WebAssembly relaxed SIMD.
//!
//! `i32x4.relaxed_dot_i8x16_i7x16_add_s` multiplies 16 pairs of 8-bit numbers and adds them up by fours; on processors with
//! such an instruction it is that one. The standard says what it returns for 7 bits of the second operand. For 8 it is one of
//! three things: the byte counts as 0 to 255 (`vpdpbusd` of x86), or as -128 to 127 (`sdot` of ARM), or sums of two products
//! are cut to 16 bits (processors without such an instruction). With the last the build is not used, and on x86 the self-test
//! fails: there it would be no faster with several positions than that of SIMD-128. Of the others, [`flipped`] finds out which it
//! is. The weights of a matrix are the second operand. Where a byte of it counts as 0 to 255, they are stored with the sign bit
//! inverted, which adds 128, and 128 times the sum of a block's activations is taken away: one number for all rows. With activations
//! of 7 bits as the second operand, which would be the same everywhere, the mean KL divergence from f32 was 0.82e-3 nats with the
//! built-in model, instead of 0.36e-3 with 8; splitting off the sign bits and multiplying twice has half of the speed.
//!
//! What is not here is that of SIMD-128.

use std::arch::wasm32::{
    f32x4_splat, i8x16_narrow_i16x8, i8x16_shuffle, i8x16_splat, i16x8_add, i16x8_splat, i32x4_add, i32x4_extract_lane,
    i32x4_load_extend_u16x4, i32x4_relaxed_dot_i8x16_i7x16_add, i32x4_shl, i32x4_shuffle, i32x4_splat, i64x2_shuffle,
    v128, v128_load, v128_load32_splat, v128_store, v128_xor,
};
use std::array::from_ref;
use std::hint::black_box;

pub(super) use super::simd128::{F32x4, begin_reading, read_lines, sum_of_words};
use super::simd128::{VECTORS, load_i16, quantize, read, read_next_page, rescale};
use super::{BLOCK, GROUP, Packed, Scale, TILE, WeightScale};

pub(super) const NAME: &str = "relaxed";
pub(super) const RUN: usize = 4;
pub(super) type Value = i8;
/// The upper half of a float. Scales are read with the weights; as floats they would be 6 % of all.
pub(super) type ScaleBits = u16;

pub(super) fn scale_bits(float: u32) -> ScaleBits {
    (float >> 16) as u16
}

pub(super) fn float_bits(scale: ScaleBits) -> u32 {
    u32::from(scale) << 16
}

/// Runs in a block.
const RUNS: usize = BLOCK / RUN;

/// The weights of a tile, run by run; a run is as long as a line of memory.
type Tile = [[[i8; 16]; VECTORS]; RUNS];

/// The sign, where the processor takes bytes of the second operand for 0 to 255.
pub(super) fn flipped() -> i8 {
    let large = i8x16_splat(black_box(i8::MIN));
    let products = i32x4_relaxed_dot_i8x16_i7x16_add(i8x16_splat(1), large, i32x4_splat(0));
    if i32x4_extract_lane::<0>(products) > 0 { i8::MIN } else { 0 }
}

pub(super) fn from_bytes(bytes: &[i8; BLOCK]) -> [Value; BLOCK] {
    *bytes
}

/// As much as weights that are 128 more make of the sum, taken away.
pub(super) fn start(values: &[Value; BLOCK]) -> i32 {
    let values = values.as_chunks::<16>().0.iter();
    let sums = values
        .fold(i32x4_splat(0), |sums, values| i32x4_relaxed_dot_i8x16_i7x16_add(load(values), i8x16_splat(1), sums));
    let sum = i32x4_extract_lane::<0>(sums)
        + i32x4_extract_lane::<1>(sums)
        + i32x4_extract_lane::<2>(sums)
        + i32x4_extract_lane::<3>(sums);
    sum * i32::from(flipped())
}

fn load(bytes: &[i8; 16]) -> v128 {
    // SAFETY: the reference covers the 16 bytes that are read; wasm loads need no alignment.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}

fn splat_run(values: &[i8; RUN]) -> v128 {
    // SAFETY: the reference covers the 4 bytes that are read.
    unsafe { v128_load32_splat(values.as_ptr().cast()) }
}

fn load_scales(scales: &[WeightScale; 4]) -> v128 {
    // SAFETY: the reference covers the 8 bytes that are read; wasm loads need no alignment.
    i32x4_shl(unsafe { i32x4_load_extend_u16x4(scales.as_ptr().cast()) }, 16)
}

fn store(out: &mut [i8; 16], x: v128) {
    // SAFETY: the reference covers the 16 bytes that are written.
    unsafe { v128_store(out.as_mut_ptr().cast(), x) }
}

pub(super) fn quantize_block(values: &mut [Value; BLOCK], x: &[f32; BLOCK]) -> f32 {
    let (values, _) = values.as_chunks_mut::<16>();
    let mut before = i32x4_splat(0);
    quantize(x, |i, eight| {
        if i % 2 == 1 {
            // Narrowing ends at -128 and 127, so what is not a number is within the range of the products, too; in relaxed builds,
            // compilers take a minimum that may return it.
            store(&mut values[i / 2], i8x16_narrow_i16x8(before, eight));
        }
        before = eight;
    })
}

/// Puts a block of each row where it belongs, four rows by four runs at a time.
pub(super) fn interleave_tile(tile: &mut [i8; TILE], rows: [&[i8; BLOCK]; GROUP]) {
    let tile: &mut Tile = bytemuck::cast_mut(tile);
    let flipped = i8x16_splat(flipped());
    for (i, rows) in rows.as_chunks::<4>().0.iter().enumerate() {
        let rows = rows.map(|row| row.as_chunks::<16>().0);
        for (part, runs) in tile.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let [a, b, c, d] = rows.map(|row| load(&row[part]));
            let (ab, cd) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<0, 4, 1, 5>(c, d));
            let (ab_high, cd_high) = (i32x4_shuffle::<2, 6, 3, 7>(a, b), i32x4_shuffle::<2, 6, 3, 7>(c, d));
            let of_runs = [
                i64x2_shuffle::<0, 2>(ab, cd),
                i64x2_shuffle::<1, 3>(ab, cd),
                i64x2_shuffle::<0, 2>(ab_high, cd_high),
                i64x2_shuffle::<1, 3>(ab_high, cd_high),
            ];
            for (run, of_run) in runs.iter_mut().zip(of_runs) {
                store(&mut run[i], v128_xor(of_run, flipped));
            }
        }
    }
}

pub(super) fn multiply_groups(
    sums: &mut [[f32; GROUP]],
    positions: usize,
    (values, scales): (&[Value], &[Scale]),
    packed: Packed<'_>,
) {
    if positions == 1 {
        return multiply_vectors(sums, (values, scales), packed);
    }
    let mut blocks = blocks(packed).enumerate();
    for sums in sums.chunks_exact_mut(positions) {
        let activations = values.as_chunks::<BLOCK>().0.chunks_exact(positions).zip(scales.chunks_exact(positions));
        for ((values, scales), (tile, block)) in activations.zip(&mut blocks) {
            // Of the next page, one line: with two, two threads took 0.9 of the time for four continuations on an Intel Xeon, but an AMD
            // EPYC 9005, on which two were not tried, took 1.3 times as long with eight.
            read_next_page(packed.weights, tile);
            let next = packed.weights.as_chunks::<TILE>().0.get(tile + 1).map_or(block.weights, bytemuck::cast_ref);
            let (fours, rest) = sums.as_chunks_mut::<4>();
            let (four_values, rest_values) = values.as_chunks::<4>();
            let (four_scales, rest_scales) = scales.as_chunks::<4>();
            for ((sums, values), scales) in fours.iter_mut().zip(four_values).zip(four_scales) {
                block.multiply::<4, { VECTORS / 2 }>(0, sums.each_mut(), values, *scales, None);
                // The memory of these rows has come with that of the others, so there is time to begin with more.
                block.multiply::<4, { VECTORS / 2 }>(1, sums.each_mut(), values, *scales, Some(next));
            }
            let (twos, last) = rest.as_chunks_mut::<2>();
            let (two_values, last_values) = rest_values.as_chunks::<2>();
            let (two_scales, last_scales) = rest_scales.as_chunks::<2>();
            if let ([sums], [values], [scales]) = (twos, two_values, two_scales) {
                block.multiply::<2, VECTORS>(0, sums.each_mut(), values, *scales, None);
            }
            if let ([sums], [values], [scale]) = (last, last_values, last_scales) {
                block.multiply::<1, VECTORS>(0, [sums], from_ref(values), [*scale], None);
            }
        }
    }
}

/// `sums` (groups, GROUP) += the activations (blocks, BLOCK) of one position x groups of rows. Decoding waits for memory; taking
/// two or four groups side by side, for more streams of weights, took 1.8 and 1.4 times as long on a processor that reads
/// ahead by itself.
fn multiply_vectors(sums: &mut [[f32; GROUP]], (values, scales): (&[Value], &[Scale]), packed: Packed<'_>) {
    let mut blocks = blocks(packed).enumerate();
    for sums in sums {
        let activations = values.as_chunks::<BLOCK>().0.iter().zip(scales);
        for ((values, scale), (tile, block)) in activations.zip(&mut blocks) {
            read_next_page(packed.weights, tile);
            block.multiply::<1, VECTORS>(0, [&mut *sums], from_ref(values), [*scale], None);
        }
    }
}

/// The lower and the upper bytes of attention weights, each for the second operand: 16 products then take two instructions instead of
/// the six of products of 16 bits, and a token after 900 others 0.95 of the time on an AMD EPYC 9005.
pub(super) type AttentionWeights = [[i8; BLOCK]; 2];

/// As the portable one.
pub(super) fn from_words(weights: &[i16; BLOCK]) -> AttentionWeights {
    halves(weights, flipped())
}

/// Where a byte of the second operand counts as -128 to 127, a lower byte of 128 or more is 256 less than it was, which the upper one
/// makes up for; of more than `MOST_ATTENTION`, it could not.
fn halves(weights: &[i16; BLOCK], flipped: i8) -> AttentionWeights {
    let carry = i16x8_splat(if flipped == 0 { 128 } else { 0 });
    let mut halves = [[0; BLOCK]; 2];
    let [lower, upper] = halves.each_mut().map(|half| half.as_chunks_mut().0);
    for ([a, b], (lower, upper)) in weights.as_chunks().0.as_chunks().0.iter().zip(lower.iter_mut().zip(upper)) {
        let (a, b) = (load_i16(a), load_i16(b));
        store(lower, i8x16_shuffle::<0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(a, b));
        let (a, b) = (i16x8_add(a, carry), i16x8_add(b, carry));
        store(upper, i8x16_shuffle::<1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31>(a, b));
    }
    halves
}

/// As the portable one.
pub(super) fn gather(sums: &mut [[f32; GROUP]], weights: &[AttentionWeights], steps: &[f32], channels: &[i8; TILE]) {
    let channels: &Tile = bytemuck::cast_ref(channels);
    for ((sums, weights), step) in sums.iter_mut().zip(weights).zip(steps) {
        let [lower, upper] = weights.each_ref().map(|half| half.as_chunks::<RUN>().0);
        let (mut of_lower, mut of_upper) = ([i32x4_splat(0); VECTORS], [i32x4_splat(0); VECTORS]);
        for ((lower, upper), run) in lower.iter().zip(upper).zip(channels) {
            let (lower, upper) = (splat_run(lower), splat_run(upper));
            for (i, values) in run.iter().enumerate() {
                let values = load(values);
                of_lower[i] = i32x4_relaxed_dot_i8x16_i7x16_add(values, lower, of_lower[i]);
                of_upper[i] = i32x4_relaxed_dot_i8x16_i7x16_add(values, upper, of_upper[i]);
            }
        }
        let products = std::array::from_fn(|i| i32x4_add(of_lower[i], i32x4_shl(of_upper[i], 8)));
        rescale(0, [sums], [products], [f32x4_splat(1.0); VECTORS], [*step]);
    }
}

/// The weights of one block of a group.
struct Block<'a> {
    weights: &'a Tile,
    scales: &'a [WeightScale; GROUP],
}

/// The blocks of a group, and of what stands behind it.
fn blocks(packed: Packed<'_>) -> impl Iterator<Item = Block<'_>> {
    let tiles = packed.weights.as_chunks::<TILE>().0.iter().zip(packed.scales.as_chunks::<GROUP>().0);
    tiles.map(|(weights, scales)| Block { weights: bytemuck::cast_ref(weights), scales })
}

impl Block<'_> {
    /// `sums` += the products of `V` vectors of rows, the `part`-th so many, with one block of the activations at `N`
    /// positions. Run after run is written out: a loop took 1.15 times as long with four positions. Without the checks between
    /// the runs, which never end them because no tile begins at so low an address, the compiler would add up one vector of rows
    /// after the other, with all values at hand, and run out of registers; with iterators in place of indices, it keeps the
    /// products in memory for some `N`. Of the ways to spread sums over registers, four positions x 8 rows were the fastest:
    /// two x 16 took 1.1 times as long while memory was waited for, and three x 16 1.4 times. To load four runs of a position's
    /// values at once and spread them from there took 1.2 times as long as loading each run spread. The checks compare an
    /// address that is at hand: with a number of runs instead, compilers kept comparisons in memory, and on an AMD EPYC 9005
    /// one position and a prompt took 1.05 times as long.
    ///
    /// Meanwhile, memory begins with the runs of `next`: a processor looks ahead by itself as far as it has room for what waits, which
    /// here is filled by products. On an Intel Xeon with AVX-VNNI, four continuations take 0.7 of the time with that and the first line of
    /// the next page, with one thread and with two, and a prompt 0.93; with every other run 0.75, with a tile four further on 0.97, and
    /// in the first half of the rows 1.0 to 1.2. When it was tried on an AMD EPYC 9005, four continuations took 1.05 times as long with
    /// `next`, and a prompt 1.03 times with the line.
    #[inline(always)]
    fn multiply<const N: usize, const V: usize>(
        &self,
        part: usize,
        sums: [&mut [f32; GROUP]; N],
        values: &[[Value; BLOCK]; N],
        scales: [Scale; N],
        next: Option<&Tile>,
    ) {
        // Read before the weights, whose wait then covers theirs: read when they are needed, a token took 1.1 times as long.
        let weight_scales = self.scales.as_chunks::<4>().0.as_chunks::<V>().0[part].each_ref().map(load_scales);
        let mut products = scales.map(|scale| [i32x4_splat(scale.start); V]);
        // As one array: slices of each position would be written to memory for what is hidden next, and four positions took 1.04
        // times as long on the Xeon with two threads, a prompt 1.02 times.
        let runs = values.as_flattened().as_chunks::<RUN>().0;
        // Hidden from the compiler in each call: it would work out the addresses of all loads beforehand and keep them in memory.
        // Where it could, four positions took 1.1 times as long, and one 1.03 times. It is the address of the part, not of the tile,
        // so that a load's offset is known when it is compiled: otherwise engines work out each address before it.
        let start = black_box(self.weights.as_flattened()[part * V..].as_ptr());
        // Hidden, too: in sight, four positions took 1.08 times as long on the Xeon.
        let next = next.map(black_box);
        macro_rules! multiply_runs {
            ($($run:literal)*) => { 'all: { $(
                if start.addr() <= $run {
                    break 'all;
                }
                if let Some(next) = next {
                    read(&next[$run][0][0]);
                }
                let spread: [v128; N] = std::array::from_fn(|position| splat_run(&runs[position * RUNS + $run]));
                for i in 0..V {
                    // Not as an array for all `i`: the compiler would take that for a copy, with addresses that engines work out
                    // one by one.
                    // SAFETY: `part` is below `VECTORS / V`, or taking its scales would have failed, so each run has `V` vectors
                    // from here on; wasm loads need no alignment.
                    let weights = unsafe { v128_load(start.add($run * VECTORS + i).cast()) };
                    for position in 0..N {
                        let products = &mut products[position][i];
                        *products = i32x4_relaxed_dot_i8x16_i7x16_add(spread[position], weights, *products);
                    }
                }
            )* } };
        }
        const { assert!(RUNS == 16, "one number for each run") };
        multiply_runs!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        rescale(part, sums, products, weight_scales, scales.map(|scale| scale.step));
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::kernels::{MOST_ATTENTION, suite};

    /// Whatever the processor at hand takes a byte for.
    #[test]
    fn halves_of_attention_weights_make_them_up_again() {
        for first in (0..=MOST_ATTENTION).step_by(BLOCK) {
            let weights = std::array::from_fn(|i| (first + i as i16).min(MOST_ATTENTION));
            for flipped in [0, i8::MIN] {
                let value = |byte: i8| if flipped == 0 { i16::from(byte) } else { i16::from(byte as u8) };
                let [lower, upper] = halves(&weights, flipped).map(|half| half.map(value));
                assert_eq!(std::array::from_fn(|i| upper[i] * 256 + lower[i]), weights, "from {first}");
            }
        }
    }

    #[test]
    fn int8() {
        suite::quantize_block::<Value>(quantize_block);
        suite::quantize_anything::<Value>(quantize_block);
        suite::multiply_groups::<Value, RUN>(multiply_groups, from_bytes, start, flipped());
        suite::gather::<_, RUN>(gather, from_words);
        suite::sum_of_words(sum_of_words);
    }
}
