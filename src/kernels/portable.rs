//! The int8 kernels and four lanes in plain Rust: the definition of what the others must return, and what native builds
//! run. Loops run over fixed numbers of lanes so that compilers make vector code of them.

use super::{BLOCK, GROUP, ROUND, TILE};

#[cfg(not(target_arch = "wasm32"))]
pub(super) const NAME: &str = "portable";

/// One row of activations. The largest magnitude of each block becomes 127.
pub(super) fn quantize(values: &mut [i16], scales: &mut [f32], x: &[f32]) {
    for ((values, scale), x) in values.chunks_exact_mut(BLOCK).zip(scales).zip(x.chunks(BLOCK)) {
        let mut largest = 0.0f32;
        for &x in x {
            let magnitude = x.abs();
            largest = if magnitude > largest { magnitude } else { largest };
        }
        *scale = largest / 127.0;
        let factor = if largest > super::SMALLEST_MAGNITUDE { 127.0 / largest } else { 0.0 };
        for (value, &x) in values.iter_mut().zip(x) {
            *value = (x * factor + ROUND).to_bits() as i16;
        }
        values[x.len()..].fill(0);
    }
}

/// `sums` (T, GROUP) += activations (T, K) x one group of rows.
pub(super) fn multiply_group(
    sums: &mut [[f32; GROUP]],
    (values, value_scales): (&[i16], &[f32]),
    (weights, weight_scales): (&[i8], &[f32]),
) {
    let blocks = weight_scales.len() / GROUP;
    for ((sums, values), value_scales) in
        sums.iter_mut().zip(values.chunks_exact(blocks * BLOCK)).zip(value_scales.chunks_exact(blocks))
    {
        let weights = weights.as_chunks::<TILE>().0.iter().zip(weight_scales.as_chunks::<GROUP>().0);
        let values = values.as_chunks::<BLOCK>().0.iter().zip(value_scales);
        for ((weights, weight_scales), (values, value_scale)) in weights.zip(values) {
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
        suite::quantize(quantize);
        suite::multiply_group(multiply_group);
    }
}
