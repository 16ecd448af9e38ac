//! The int8 kernels in WebAssembly relaxed SIMD.
//!
//! `i32x4.relaxed_dot_i8x16_i7x16_add_s` multiplies 16 pairs of 8-bit numbers and adds them up by fours; on processors with
//! such an instruction it is that one. The standard says what it returns for 7 bits of the second operand. For 8 it is one of
//! three things: the byte counts as 0 to 255 (`vpdpbusd` of x86), or as -128 to 127 (`sdot` of ARM), or sums of two products
//! are cut to 16 bits (processors without such an instruction). With the last the build is not used, and the self-test fails:
//! on x86 it is then no faster with several positions than that of SIMD-128. Of the others, [`origin`] finds out which it is.
//! Activations are stored as distances from the lowest value of their block, and the sum of the weights times what a byte of
//! 0 stands for is added. With 7 bits, which would be the same everywhere, the mean KL divergence from f32 was 0.82e-3 nats
//! instead of 0.36e-3 with the built-in model; splitting off the sign bits and multiplying twice has half of the speed.
//!
//! What is not here is that of SIMD-128.

use std::arch::wasm32::{
    i8x16_splat, i16x8_narrow_i32x4, i32x4_dot_i16x8, i32x4_extract_lane, i32x4_load_extend_u16x4,
    i32x4_relaxed_dot_i8x16_i7x16_add, i32x4_shuffle, i32x4_splat, i32x4_sub, i64x2_shuffle, u8x16_narrow_i16x8, v128,
    v128_load, v128_load32_splat, v128_store, v128_xor,
};
use std::hint::black_box;

pub(super) use super::simd128::{F32x4, begin_reading, multiply_pairs, read_lines, sum_of_words};
use super::simd128::{VECTORS, quantize, read_next_page, rescale, store_bytes, store_i16};
use super::{BLOCK, GROUP, Packed, ROUND, Scale, TILE};

pub(super) const NAME: &str = "relaxed";
pub(super) const RUN: usize = 4;
pub(super) const NEEDS_SUMS: bool = true;
pub(super) type Value = u8;

/// Runs in a block.
const RUNS: usize = BLOCK / RUN;

/// The distance from the lowest that is stored as the byte 0: 0, or 128 where the processor takes bytes as signed.
fn origin() -> u8 {
    let large = i8x16_splat(black_box(-128));
    let products = i32x4_relaxed_dot_i8x16_i7x16_add(i8x16_splat(1), large, i32x4_splat(0));
    if i32x4_extract_lane::<0>(products) < 0 { 128 } else { 0 }
}

pub(super) fn from_above(above: &[u8; BLOCK], _lowest: i32) -> [Value; BLOCK] {
    let origin = origin();
    above.map(|above| above ^ origin)
}

pub(super) fn above(values: &[Value; BLOCK], _lowest: i32) -> [u8; BLOCK] {
    let origin = origin();
    values.map(|value| value ^ origin)
}

fn load(weights: &[i8; 16]) -> v128 {
    // SAFETY: the reference covers the 16 bytes that are read; wasm loads need no alignment.
    unsafe { v128_load(weights.as_ptr().cast()) }
}

fn splat_run(values: &[u8; RUN]) -> v128 {
    // SAFETY: the reference covers the 4 bytes that are read.
    unsafe { v128_load32_splat(values.as_ptr().cast()) }
}

/// Each in the lower half of a lane, so that `i32x4.dot_i16x8_s` multiplies it alone: a product of 32 bits takes longer.
fn below_zeros(sums: &[i16; 4]) -> v128 {
    // SAFETY: the reference covers the 8 bytes that are read.
    unsafe { i32x4_load_extend_u16x4(sums.as_ptr().cast()) }
}

fn store_weights(out: &mut [i8; 16], x: v128) {
    // SAFETY: the reference covers the 16 bytes that are written.
    unsafe { v128_store(out.as_mut_ptr().cast(), x) }
}

pub(super) fn quantize_block(values: &mut [Value; BLOCK], x: &[f32; BLOCK]) -> Scale {
    let mut rounded = [i32x4_splat(0); BLOCK / 4];
    let scale = quantize(x, |i, four| rounded[i] = four);
    let lowest = i32x4_splat(ROUND.to_bits() as i32 + scale.lowest);
    let origin = i8x16_splat(origin() as i8);
    for (values, rounded) in values.as_chunks_mut::<16>().0.iter_mut().zip(rounded.as_chunks::<4>().0) {
        let [a, b, c, d] = rounded.map(|four| i32x4_sub(four, lowest));
        let narrow = u8x16_narrow_i16x8(i16x8_narrow_i32x4(a, b), i16x8_narrow_i32x4(c, d));
        // Narrowing ends at 0 and 255, so what is not a number is within the range, too; in relaxed builds, compilers take a
        // minimum that may return it.
        store_bytes(values, v128_xor(narrow, origin));
    }
    scale
}

/// Puts a block of each row where it belongs, four rows by four runs at a time; returns the sums of the rows.
pub(super) fn interleave_tile(tile: &mut [i8; TILE], rows: [&[i8; BLOCK]; GROUP]) -> [i16; GROUP] {
    let tile: &mut [[[i8; 16]; VECTORS]; RUNS] = bytemuck::cast_mut(tile);
    let mut sums = [i32x4_splat(0); VECTORS];
    for (i, (rows, sums)) in rows.as_chunks::<4>().0.iter().zip(&mut sums).enumerate() {
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
                store_weights(&mut run[i], of_run);
                *sums = i32x4_relaxed_dot_i8x16_i7x16_add(of_run, i8x16_splat(1), *sums);
            }
        }
    }
    let mut all = [[0; 8]; VECTORS / 2];
    for (all, sums) in all.iter_mut().zip(sums.as_chunks::<2>().0) {
        store_i16(all, i16x8_narrow_i32x4(sums[0], sums[1]));
    }
    bytemuck::cast(all)
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
    let mut blocks = blocks(packed);
    for sums in sums.chunks_exact_mut(positions) {
        // Unlike for one position, nothing is read beforehand: with four, some of the next page took 1.05 times as long, and all
        // of the next tile 1.1 times.
        let activations = values.as_chunks::<BLOCK>().0.chunks_exact(positions).zip(scales.chunks_exact(positions));
        for ((values, scales), block) in activations.zip(&mut blocks) {
            let (fours, rest) = sums.as_chunks_mut::<4>();
            let (four_values, rest_values) = values.as_chunks::<4>();
            let (four_scales, rest_scales) = scales.as_chunks::<4>();
            for ((sums, values), scales) in fours.iter_mut().zip(four_values).zip(four_scales) {
                for half in 0..2 {
                    block.multiply::<4, { VECTORS / 2 }>(half, sums.each_mut(), values.each_ref(), *scales);
                }
            }
            let (twos, last) = rest.as_chunks_mut::<2>();
            let (two_values, last_values) = rest_values.as_chunks::<2>();
            let (two_scales, last_scales) = rest_scales.as_chunks::<2>();
            if let ([sums], [values], [scales]) = (twos, two_values, two_scales) {
                block.multiply::<2, VECTORS>(0, sums.each_mut(), values.each_ref(), *scales);
            }
            if let ([sums], [values], [scale]) = (last, last_values, last_scales) {
                block.multiply::<1, VECTORS>(0, [sums], [values], [*scale]);
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
            read_next_page::<2, 1>(packed.weights, tile);
            block.multiply::<1, VECTORS>(0, [&mut *sums], [values], [*scale]);
        }
    }
}

/// The weights of one block of a group.
struct Block<'a> {
    weights: &'a [[[i8; 16]; VECTORS]; RUNS],
    scales: &'a [f32; GROUP],
    sums: &'a [i16; GROUP],
    /// As [`origin`] returns it.
    origin: i32,
}

/// The blocks of a group, and of what stands behind it.
fn blocks(packed: Packed<'_>) -> impl Iterator<Item = Block<'_>> {
    let origin = i32::from(origin());
    let tiles = packed.weights.as_chunks::<TILE>().0.iter();
    let tiles = tiles.zip(packed.scales.as_chunks::<GROUP>().0).zip(packed.sums.as_chunks::<GROUP>().0);
    tiles.map(move |((weights, scales), sums)| Block { weights: bytemuck::cast_ref(weights), scales, sums, origin })
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
    #[inline(always)]
    fn multiply<const N: usize, const V: usize>(
        &self,
        part: usize,
        sums: [&mut [f32; GROUP]; N],
        values: [&[Value; BLOCK]; N],
        scales: [Scale; N],
    ) {
        let weight_sums = &self.sums.as_chunks::<4>().0.as_chunks::<V>().0[part];
        let weight_sums = weight_sums.each_ref().map(below_zeros);
        let mut products = scales.map(|scale| {
            let zero = i32x4_splat(scale.lowest + self.origin);
            weight_sums.map(|sums| i32x4_dot_i16x8(sums, zero))
        });
        let values = values.map(|values| values.as_chunks::<RUN>().0);
        // Hidden from the compiler in each call: it would work out the addresses of all loads beforehand and keep them in memory.
        // Where it could, four positions took 1.1 times as long, and one 1.03 times. It is the address of the part, not of the tile,
        // so that a load's offset is known when it is compiled: otherwise engines work out each address before it.
        let start = black_box(self.weights.as_flattened()[part * V..].as_ptr());
        macro_rules! multiply_runs {
            ($($run:literal)*) => { 'all: { $(
                if start.addr() <= $run {
                    break 'all;
                }
                // SAFETY: `part` is below `VECTORS / V`, or taking its sums would have failed, so each run has `V` vectors from here
                // on; wasm loads need no alignment.
                let weights: [v128; V] = std::array::from_fn(|i| unsafe { v128_load(start.add($run * VECTORS + i).cast()) });
                for position in 0..N {
                    let values = splat_run(&values[position][$run]);
                    for i in 0..V {
                        let products = &mut products[position][i];
                        *products = i32x4_relaxed_dot_i8x16_i7x16_add(weights[i], values, *products);
                    }
                }
            )* } };
        }
        const { assert!(RUNS == 16, "one number for each run") };
        multiply_runs!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        rescale(part, sums, products, self.scales, scales.map(|scale| scale.step));
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::kernels::suite;

    #[test]
    fn int8() {
        suite::quantize_block::<Value>(quantize_block, above);
        suite::quantize_anything::<Value>(quantize_block, |value, _| i32::from(value));
        suite::multiply_groups::<Value, RUN>(multiply_groups, from_above, NEEDS_SUMS);
        suite::multiply_pairs(multiply_pairs);
        suite::sum_of_words(sum_of_words);
    }
}
