//! The int8 kernels and four lanes in plain Rust: the definition of what the others must return, and what native builds
//! run. Loops run over fixed numbers of lanes so that compilers make vector code of them.

use super::{BLOCK, GROUP, ROUND, TILE, quantisation_factor};

#[cfg(not(target_arch = "wasm32"))]
pub(super) const NAME: &str = "portable";

/// The values of one block, and their scale.
pub(super) fn quantize_block(values: &mut [i16; BLOCK], x: &[f32; BLOCK]) -> f32 {
    let mut largest = 0.0f32;
    for &x in x {
        let magnitude = x.abs();
        largest = if magnitude > largest { magnitude } else { largest };
    }
    let factor = quantisation_factor(largest);
    for (value, &x) in values.iter_mut().zip(x) {
        *value = (x * factor + ROUND).to_bits() as i16;
    }
    largest / 127.0
}

/// `sums` (T, GROUP) += activations (blocks, T, BLOCK) x one group of rows.
pub(super) fn multiply_group(
    sums: &mut [[f32; GROUP]],
    (values, value_scales): (&[i16], &[f32]),
    (weights, weight_scales): (&[i8], &[f32]),
) {
    let positions = sums.len();
    let weights = weights.as_chunks::<TILE>().0.iter().zip(weight_scales.as_chunks::<GROUP>().0);
    let inputs = values.chunks_exact(positions * BLOCK).zip(value_scales.chunks_exact(positions));
    for ((weights, weight_scales), (values, value_scales)) in weights.zip(inputs) {
        for ((sums, values), value_scale) in sums.iter_mut().zip(values.as_chunks::<BLOCK>().0).zip(value_scales) {
            let mut products = [0i32; GROUP];
            for (weights, [v0, v1]) in weights.as_chunks::<{ 2 * GROUP }>().0.iter().zip(values.as_chunks::<2>().0) {
                for (product, [w0, w1]) in products.iter_mut().zip(weights.as_chunks::<2>().0) {
                    *product += i32::from(*w0) * i32::from(*v0) + i32::from(*w1) * i32::from(*v1);
                }
            }
            for ((sum, product), weight_scale) in sums.iter_mut().zip(products).zip(weight_scales) {
                *sum += product as f32 * (weight_scale * value_scale);
            }
        }
    }
}

/// Four floats.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Copy)]
pub(super) struct F32x4([f32; 4]);

#[cfg(not(target_arch = "wasm32"))]
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

    /// The smaller one; the first if they can't be compared.
    pub(super) fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if b < a { b } else { a })
    }

    /// 2^n of what is n + `ROUND`, for n from -126 to 127.
    pub(super) fn power_of_rounded(self) -> Self {
        let power = |x: f32| f32::from_bits(x.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
        Self(self.0.map(power))
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
        suite::quantize_block(quantize_block);
        suite::multiply_group(multiply_group);
    }
}
