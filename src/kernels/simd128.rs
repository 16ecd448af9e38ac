//! The int8 kernels in WebAssembly SIMD-128.
//!
//! SIMD-128 has no product of 8-bit numbers, so both sides are widened to 16 bits, and `i32x4.dot_i16x8_s` multiplies and
//! adds neighbouring pairs.

#![cfg_attr(
    target_feature = "relaxed-simd",
    allow(dead_code, reason = "that build has other products of 8-bit numbers")
)]

use std::arch::wasm32::{
    f32x4_add, f32x4_convert_i32x4, f32x4_div, f32x4_extract_lane, f32x4_mul, f32x4_pmax, f32x4_pmin, f32x4_splat,
    f32x4_sub, i16x8_load_extend_i8x8, i16x8_narrow_i32x4, i32x4_add, i32x4_dot_i16x8, i32x4_shl, i32x4_shuffle,
    i32x4_splat, i32x4_sub, v128, v128_load, v128_load32_splat, v128_store,
};

use bytemuck::NoUninit;

#[cfg_attr(target_feature = "relaxed-simd", allow(unused_imports, reason = "that build has a layout of its own"))]
pub(super) use super::portable::{
    AttentionWeights, RUN, ScaleBits, Value, flipped, float_bits, from_bytes, from_words, interleave_tile, scale_bits,
    start,
};
use super::{BLOCK, GROUP, Packed, ROUND, STEPS, Scale, TILE, float, portable, quantisation_factor};

pub(super) const NAME: &str = "simd128";
/// Vectors that hold a 32-bit number of each row of a group.
pub(super) const VECTORS: usize = GROUP / 4;

fn load_f32(x: &[f32; 4]) -> v128 {
    // SAFETY: the reference covers the 16 bytes that are read; wasm loads need no alignment.
    unsafe { v128_load(x.as_ptr().cast()) }
}

fn widen(weights: &[i8; 8]) -> v128 {
    // SAFETY: the reference covers the 8 bytes that are read.
    unsafe { i16x8_load_extend_i8x8(weights.as_ptr()) }
}

fn splat_pair(values: &[i16; 2]) -> v128 {
    // SAFETY: the reference covers the 4 bytes that are read; wasm loads need no alignment.
    unsafe { v128_load32_splat(values.as_ptr().cast()) }
}

pub(super) fn load_i16(x: &[i16; 8]) -> v128 {
    // SAFETY: the reference covers the 16 bytes that are read; wasm loads need no alignment.
    unsafe { v128_load(x.as_ptr().cast()) }
}

fn load_bytes(x: &[u8; 16]) -> v128 {
    // SAFETY: the reference covers the 16 bytes that are read; wasm loads need no alignment.
    unsafe { v128_load(x.as_ptr().cast()) }
}

fn store_bytes(out: &mut [u8; 16], x: v128) {
    // SAFETY: the reference covers the 16 bytes that are written.
    unsafe { v128_store(out.as_mut_ptr().cast(), x) }
}

fn store_f32(out: &mut [f32; 4], x: v128) {
    // SAFETY: the reference covers the 16 bytes that are written.
    unsafe { v128_store(out.as_mut_ptr().cast(), x) }
}

fn store_i16(out: &mut [i16; 8], x: v128) {
    // SAFETY: the reference covers the 16 bytes that are written.
    unsafe { v128_store(out.as_mut_ptr().cast(), x) }
}

/// One of four lanes, by choosing between two. Not lane by lane: engines make a branch of each choice between two floats.
#[inline(always)]
fn chosen_lane(four: v128, choose: fn(v128, v128) -> v128) -> f32 {
    let two = choose(four, i32x4_shuffle::<2, 3, 0, 1>(four, four));
    f32x4_extract_lane::<0>(choose(two, i32x4_shuffle::<1, 0, 3, 2>(two, two)))
}

/// Quantises a block; `store` gets eight values after eight, in 16 bits. Returns what 1 stands for.
#[inline(always)]
pub(super) fn quantize(x: &[f32; BLOCK], mut store: impl FnMut(usize, v128)) -> f32 {
    let largest = float::largest_magnitude(x);
    let factor = f32x4_splat(quantisation_factor(largest, STEPS));
    let (zero, highest) = (f32x4_splat(ROUND), f32x4_splat(ROUND + STEPS));
    let rounded = |x: &[f32; 4]| {
        let rounded = f32x4_add(f32x4_mul(load_f32(x), factor), zero);
        i32x4_sub(f32x4_pmin(highest, rounded), zero)
    };
    for (i, [low, high]) in x.as_chunks::<4>().0.as_chunks::<2>().0.iter().enumerate() {
        store(i, i16x8_narrow_i32x4(rounded(low), rounded(high)));
    }
    largest / STEPS
}

pub(super) fn quantize_block(values: &mut [Value; BLOCK], x: &[f32; BLOCK]) -> f32 {
    let (values, _) = values.as_chunks_mut::<8>();
    quantize(x, |i, eight| store_i16(&mut values[i], eight))
}

pub(super) fn multiply_groups(
    sums: &mut [[f32; GROUP]],
    positions: usize,
    (values, scales): (&[Value], &[Scale]),
    packed: Packed<'_>,
) {
    let mut weights = packed.weights.as_chunks::<TILE>().0.iter().zip(packed.scales.as_chunks::<GROUP>().0).enumerate();
    for sums in sums.chunks_exact_mut(positions) {
        let values = values.as_chunks::<BLOCK>().0.chunks_exact(positions).zip(scales.chunks_exact(positions));
        for ((values, scales), (tile, (weights, weight_scales))) in values.zip(&mut weights) {
            read_next_page(packed.weights, tile);
            // Floats here. In 16 bits, as those of relaxed SIMD, a token took 1.05 times as long.
            let weight_scales = bytemuck::cast_ref(weight_scales);
            multiply_pairs(sums, values, |position| scales[position].step, weights, weight_scales);
        }
    }
}

/// What processors read at once.
const LINE: usize = 64;

/// As a tile begins a page of memory, reads the first line of the next page: processors read ahead by themselves, but some only
/// within a page. It is read several times, by loads that stand side by side in the code. On an AMD EPYC 9005, a load whose
/// address grows by a page each time is not waited for, because the processor has read ahead for it, unless it has lost sight of
/// that load among those of the weights, which hangs on where compiled code came to lie. A single load was waited for in
/// some builds, and a token then took 1.05 times as long as with none; several make it 0.92 to 0.97 of that.
#[inline(always)]
pub(super) fn read_next_page(weights: &[i8], tile: usize) {
    const PAGE: usize = 4096;
    const LOADS: usize = 8;
    let start = tile * TILE;
    let within = (weights.as_ptr().addr() + start) % PAGE;
    if within < TILE
        && let Some(line) = weights.get(start + PAGE - within..).and_then(<[i8]>::first_chunk::<LINE>)
    {
        for [first, ..] in line.as_chunks::<{ LINE / LOADS }>().0 {
            read(first);
        }
    }
}

/// Begins to read what comes after something that lies elsewhere. With four lines instead of twelve, and only of weights, a
/// token of two threads took 1.1 times as long on an Intel Xeon.
#[inline(always)]
pub(super) fn begin_reading<T: NoUninit>(what: &[T]) {
    const LINES: usize = 12;
    read_lines(&what[..what.len().min(LINES * LINE / size_of::<T>())]);
}

/// Lets memory begin with all of these lines, so that they are not waited for one by one.
#[inline(always)]
pub(super) fn read_lines<T: NoUninit>(what: &[T]) {
    for line in bytemuck::cast_slice::<T, u8>(what).as_chunks::<LINE>().0 {
        read(&line[0]);
    }
}

/// Reads what is not used, which a plain read would leave out.
#[inline(always)]
pub(super) fn read<T: Copy>(value: &T) {
    // SAFETY: a reference may be read.
    unsafe { std::ptr::read_volatile(value) };
}

/// As the portable one, with so many sums side by side that none is waited for.
pub(super) fn sum_of_words(bytes: &[u8]) -> u32 {
    const SUMS: usize = 8;
    let (turns, rest) = bytes.as_chunks::<{ 16 * SUMS }>();
    let mut sums = [i32x4_splat(0); SUMS];
    for turn in turns {
        for (sum, words) in sums.iter_mut().zip(turn.as_chunks().0) {
            *sum = i32x4_add(*sum, load_bytes(words));
        }
    }
    let mut all = [0; 16];
    store_bytes(&mut all, sums.into_iter().fold(i32x4_splat(0), |all, sum| i32x4_add(all, sum)));
    portable::sum_of_words(&all).wrapping_add(portable::sum_of_words(rest))
}

/// As the portable one.
pub(super) fn gather(sums: &mut [[f32; GROUP]], weights: &[AttentionWeights], steps: &[f32], channels: &[i8; TILE]) {
    multiply_pairs(sums, weights, |position| steps[position], channels, &[1.0; GROUP]);
}

/// `sums` (T, GROUP) += values (T, BLOCK), of which 1 stands for `step(position)`, x the weights of one block of a group.
#[inline(always)]
fn multiply_pairs(
    sums: &mut [[f32; GROUP]],
    values: &[[i16; BLOCK]],
    step: impl Fn(usize) -> f32 + Copy,
    weights: &[i8; TILE],
    weight_scales: &[f32; GROUP],
) {
    let narrow: &[[[i8; 8]; VECTORS]; BLOCK / 2] = bytemuck::cast_ref(weights);
    let widened = |pair: usize, vector: usize| widen(&narrow[pair][vector]);
    if let (Ok(sums), Ok(values)) = (<&mut [_; 4]>::try_from(&mut *sums), <&[_; 4]>::try_from(values)) {
        for half in 0..2 {
            let products = multiply_block::<4, { VECTORS / 2 }, 1>(half, widened, values.each_ref());
            rescale(half, sums.each_mut(), products, scales_of(half, weight_scales), [0, 1, 2, 3].map(step));
        }
    } else if sums.len() < 4 {
        multiply_twos(sums, values, step, widened, weight_scales);
    } else {
        // Widened once for all positions; 1.5 times as fast as widening for every four of them.
        let mut wide = [[[0; 8]; VECTORS]; BLOCK / 2];
        for (wide, weights) in wide.as_flattened_mut().iter_mut().zip(weights.as_chunks::<8>().0) {
            store_i16(wide, widen(weights));
        }
        multiply_twos(sums, values, step, |pair, vector| load_i16(&wide[pair][vector]), weight_scales);
    }
}

/// Two positions at a time; `weights(pair, vector)` are those of a pair of inputs, widened, four rows a vector. Where they
/// are widened already, four positions x 8 rows take 1.2 times as long.
#[inline(always)]
fn multiply_twos(
    sums: &mut [[f32; GROUP]],
    values: &[[i16; BLOCK]],
    step: impl Fn(usize) -> f32 + Copy,
    weights: impl Fn(usize, usize) -> v128 + Copy,
    weight_scales: &[f32; GROUP],
) {
    let (twos, last) = sums.as_chunks_mut::<2>();
    let (two_values, last_value) = values.as_chunks::<2>();
    for (i, (sums, values)) in twos.iter_mut().zip(two_values).enumerate() {
        let products = multiply_block::<2, VECTORS, 1>(0, weights, values.each_ref());
        rescale(0, sums.each_mut(), products, scales_of(0, weight_scales), [2 * i, 2 * i + 1].map(step));
    }
    if let ([sums], [value]) = (last, last_value) {
        let products = multiply_block::<1, VECTORS, 2>(0, weights, [value]);
        rescale(0, [sums], products, scales_of(0, weight_scales), [step(values.len() - 1)]);
    }
}

/// The products of `V` vectors of rows, the `part`-th so many, with one block at `N` positions. A turn of the loop takes
/// `UNROLLED` pairs.
#[inline(always)]
fn multiply_block<const N: usize, const V: usize, const UNROLLED: usize>(
    part: usize,
    weights: impl Fn(usize, usize) -> v128,
    values: [&[i16; BLOCK]; N],
) -> [[v128; V]; N] {
    let values = values.map(|values| values.as_chunks::<2>().0.as_chunks::<UNROLLED>().0);
    let mut products = [[i32x4_splat(0); V]; N];
    for step in 0..BLOCK / 2 / UNROLLED {
        for pair in 0..UNROLLED {
            let weights: [v128; V] = std::array::from_fn(|i| weights(step * UNROLLED + pair, part * V + i));
            for (products, values) in products.iter_mut().zip(values) {
                let values = splat_pair(&values[step][pair]);
                for (products, weights) in products.iter_mut().zip(weights) {
                    *products = i32x4_add(*products, i32x4_dot_i16x8(weights, values));
                }
            }
        }
    }
    products
}

/// The scales of `V` vectors of rows, the `part`-th so many.
#[inline(always)]
fn scales_of<const V: usize>(part: usize, scales: &[f32; GROUP]) -> [v128; V] {
    scales.as_chunks::<4>().0.as_chunks::<V>().0[part].each_ref().map(load_f32)
}

/// `sums` += products * (weight scales * value scale), for `V` vectors of rows, the `part`-th so many.
#[inline(always)]
pub(super) fn rescale<const N: usize, const V: usize>(
    part: usize,
    sums: [&mut [f32; GROUP]; N],
    products: [[v128; V]; N],
    weight_scales: [v128; V],
    value_scales: [f32; N],
) {
    for ((sums, products), value_scale) in sums.into_iter().zip(products).zip(value_scales) {
        let sums = &mut sums.as_chunks_mut::<4>().0.as_chunks_mut::<V>().0[part];
        for ((sums, products), weight_scales) in sums.iter_mut().zip(products).zip(weight_scales) {
            let scales = f32x4_mul(weight_scales, f32x4_splat(value_scale));
            let scaled = f32x4_mul(f32x4_convert_i32x4(products), scales);
            store_f32(sums, f32x4_add(load_f32(sums), scaled));
        }
    }
}

/// Four floats.
#[derive(Clone, Copy)]
pub(super) struct F32x4(v128);

impl F32x4 {
    pub(super) fn splat(x: f32) -> Self {
        Self(f32x4_splat(x))
    }

    pub(super) fn load(x: &[f32; 4]) -> Self {
        Self(load_f32(x))
    }

    pub(super) fn store(self, out: &mut [f32; 4]) {
        store_f32(out, self.0);
    }

    pub(super) fn to_array(self) -> [f32; 4] {
        let mut out = [0.0; 4];
        self.store(&mut out);
        out
    }

    pub(super) fn add(self, other: Self) -> Self {
        Self(f32x4_add(self.0, other.0))
    }

    pub(super) fn sub(self, other: Self) -> Self {
        Self(f32x4_sub(self.0, other.0))
    }

    pub(super) fn mul(self, other: Self) -> Self {
        Self(f32x4_mul(self.0, other.0))
    }

    pub(super) fn div(self, other: Self) -> Self {
        Self(f32x4_div(self.0, other.0))
    }

    pub(super) fn max(self, other: Self) -> Self {
        Self(f32x4_pmax(self.0, other.0))
    }

    pub(super) fn min(self, other: Self) -> Self {
        Self(f32x4_pmin(self.0, other.0))
    }

    pub(super) fn largest(self) -> f32 {
        chosen_lane(self.0, f32x4_pmax)
    }

    pub(super) fn store_rounded(self, next: Self, out: &mut [i16; 8]) {
        let [low, high] = [self, next].map(|x| i32x4_sub(x.0, i32x4_splat(ROUND.to_bits() as i32)));
        store_i16(out, i16x8_narrow_i32x4(low, high));
    }

    pub(super) fn times_power_of_rounded(self, rounded: Self) -> Self {
        Self(i32x4_add(self.0, i32x4_shl(rounded.0, 23)))
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::kernels::suite;

    #[test]
    fn int8() {
        suite::quantize_block::<Value>(quantize_block);
        suite::quantize_anything::<Value>(quantize_block);
        // The scales of that build are no floats.
        #[cfg(not(target_feature = "relaxed-simd"))]
        suite::multiply_groups::<Value, RUN>(multiply_groups, from_bytes, start, flipped());
        suite::gather::<_, RUN>(gather, from_words);
        suite::sum_of_words(sum_of_words);
    }
}
