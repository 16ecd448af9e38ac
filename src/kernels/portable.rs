//! The int8 kernels and four lanes in plain Rust: the definition of what the others must return, and what native builds
//! run. Loops run over fixed numbers of lanes so that compilers make vector code of them.

#![cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "there it is little more than the self-test's measure"))]

use super::{BLOCK, GROUP, Packed, ROUND, STEPS, Scale, TILE, WeightScale, interleave_row, quantisation_factor};

pub(super) const NAME: &str = "portable";
pub(super) const RUN: usize = 2;
pub(super) type Value = i16;

/// Scales of weights are stored as floats.
pub(super) type ScaleBits = u32;

pub(super) fn scale_bits(float: u32) -> ScaleBits {
    float
}

pub(super) fn float_bits(scale: ScaleBits) -> u32 {
    scale
}

/// Weights are stored as they are.
pub(super) fn flipped() -> i8 {
    0
}

/// Values as the kernel takes them.
pub(super) fn from_bytes(bytes: &[i8; BLOCK]) -> [Value; BLOCK] {
    bytes.map(Value::from)
}

/// What the sum of products of these values begins with.
pub(super) fn start(_values: &[Value; BLOCK]) -> i32 {
    0
}

/// The values of one block; returns what 1 stands for.
pub(super) fn quantize_block(values: &mut [i16; BLOCK], x: &[f32; BLOCK]) -> f32 {
    let mut largest = 0.0f32;
    for x in x {
        let magnitude = x.abs();
        largest = if magnitude > largest { magnitude } else { largest };
    }
    let factor = quantisation_factor(largest, STEPS);
    let highest = ROUND + STEPS;
    for (value, &x) in values.iter_mut().zip(x) {
        let rounded = x * factor + ROUND;
        // What is not a number counts as the highest.
        *value = (if rounded < highest { rounded } else { highest }).to_bits() as i16;
    }
    largest / STEPS
}

/// `sums` (T, GROUP) += values (T, BLOCK) x one block of a group of rows in runs of `N`; 1 stands for `step(position)` in
/// the values, and for the scales in the weights.
pub(super) fn multiply_block<const N: usize>(
    sums: &mut [[f32; GROUP]],
    values: &[[i16; BLOCK]],
    step: impl Fn(usize) -> f32 + Copy,
    weights: &[i8; TILE],
    scales: &[f32; GROUP],
) {
    for (position, (sums, values)) in sums.iter_mut().zip(values).enumerate() {
        let mut products = [0i32; GROUP];
        for (weights, values) in weights.as_chunks::<N>().0.as_chunks::<GROUP>().0.iter().zip(values.as_chunks::<N>().0)
        {
            for (product, weights) in products.iter_mut().zip(weights) {
                for (weight, value) in weights.iter().zip(values) {
                    // A block is too short to overflow; without a check, builds that have them make vectors of this too.
                    *product = product.wrapping_add(i32::from(*weight) * i32::from(*value));
                }
            }
        }
        for ((sum, product), scale) in sums.iter_mut().zip(products).zip(scales) {
            *sum += product as f32 * (scale * step(position));
        }
    }
}

/// Puts a block of each row where it belongs.
pub(super) fn interleave_tile(tile: &mut [i8; TILE], rows: [&[i8; BLOCK]; GROUP]) {
    for (row, weights) in rows.into_iter().enumerate() {
        interleave_row::<RUN>(tile, row, weights);
    }
}

/// Does nothing here.
pub(super) fn begin_reading<T>(_what: &[T]) {}

/// Does nothing here.
pub(super) fn read_lines<T>(_what: &[T]) {}

/// Of little-endian words of 32 bits; what is left at the end is left out.
pub(super) fn sum_of_words(bytes: &[u8]) -> u32 {
    bytes.as_chunks().0.iter().fold(0, |sum: u32, &word| sum.wrapping_add(u32::from_le_bytes(word)))
}

/// `sums` (groups, T, GROUP) += activations (blocks, T, BLOCK) of so many positions x groups of rows.
pub(super) fn multiply_groups(
    sums: &mut [[f32; GROUP]],
    positions: usize,
    (values, scales): (&[Value], &[Scale]),
    packed: Packed<'_>,
) {
    let mut weights = packed.weights.as_chunks::<TILE>().0.iter().zip(packed.scales.as_chunks::<GROUP>().0);
    for sums in sums.chunks_exact_mut(positions) {
        let values = values.as_chunks::<BLOCK>().0.chunks_exact(positions).zip(scales.chunks_exact(positions));
        for ((values, scales), (weights, weight_scales)) in values.zip(&mut weights) {
            let weight_scales = weight_scales.map(WeightScale::get);
            multiply_block::<RUN>(sums, values, |position| scales[position].step, weights, &weight_scales);
        }
    }
}

/// Quantised attention weights as [`gather`] takes them.
pub(super) type AttentionWeights = [i16; BLOCK];

/// From 0 to [`MOST_ATTENTION`](super::MOST_ATTENTION).
pub(super) fn from_words(weights: &[i16; BLOCK]) -> AttentionWeights {
    *weights
}

/// `sums` (T, GROUP) += attention weights (T, BLOCK), of which 1 stands for `steps` (T), x channels.
pub(super) fn gather(sums: &mut [[f32; GROUP]], weights: &[AttentionWeights], steps: &[f32], channels: &[i8; TILE]) {
    multiply_block::<RUN>(sums, weights, |position| steps[position], channels, &[1.0; GROUP]);
}

/// Four floats.
#[derive(Clone, Copy)]
pub(super) struct F32x4([f32; 4]);

impl F32x4 {
    pub(super) fn splat(x: f32) -> Self {
        Self([x; 4])
    }

    pub(super) fn load(x: &[f32; 4]) -> Self {
        Self(*x)
    }

    pub(super) fn store(self, out: &mut [f32; 4]) {
        *out = self.0;
    }

    pub(super) fn to_array(self) -> [f32; 4] {
        self.0
    }

    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }

    pub(super) fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    pub(super) fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    pub(super) fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    pub(super) fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    /// The larger one; the first if they can't be compared.
    pub(super) fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { b } else { a })
    }

    /// The largest of the four.
    pub(super) fn largest(self) -> f32 {
        self.0.into_iter().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
    }

    /// The smaller one; the first if they can't be compared.
    pub(super) fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if b < a { b } else { a })
    }

    /// The whole numbers n, from 0 to 32,767, of what is n + `ROUND` here and then in `next`.
    pub(super) fn store_rounded(self, next: Self, out: &mut [i16; 8]) {
        for (out, x) in out.iter_mut().zip(self.0.into_iter().chain(next.0)) {
            *out = x.to_bits() as i16;
        }
    }

    /// Times 2^n, where `rounded` is n + `ROUND`: its low bits hold n, and all others are gone once those stand where the exponent
    /// is. Neither this nor the result may be 0 or beyond the normal floats.
    pub(super) fn times_power_of_rounded(self, rounded: Self) -> Self {
        let scaled = |i: usize| f32::from_bits(self.0[i].to_bits().wrapping_add(rounded.0[i].to_bits() << 23));
        Self(std::array::from_fn(scaled))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::kernels::suite;

    #[test]
    fn int8() {
        suite::quantize_block::<Value>(quantize_block);
        suite::quantize_anything::<Value>(quantize_block);
        suite::multiply_groups::<Value, RUN>(multiply_groups, from_bytes, start, flipped());
        suite::gather::<_, RUN>(gather, from_words);
        suite::sum_of_words(sum_of_words);
    }
}
