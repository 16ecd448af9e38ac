//! Every kernel in plain Rust: the definition of what the others must return, and what native builds run.
//!
//! Loops run over fixed numbers of lanes so that compilers make vector code of them and the order of float additions
//! does not depend on the target.

use super::ROUND;
#[cfg(any(test, not(target_arch = "wasm32")))]
use super::{BLOCK, GROUP, TILE};

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(super) const NAME: &str = "portable";

/// One row of activations. The largest magnitude of each block becomes 127.
#[cfg(any(test, not(target_arch = "wasm32")))]
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

/// One group of rows at one position.
#[cfg(any(test, not(target_arch = "wasm32")))]
pub(super) fn group_by_position(
    start: [f32; GROUP],
    (values, value_scales): (&[i16], &[f32]),
    (weights, weight_scales): (&[i8], &[f32]),
) -> [f32; GROUP] {
    let mut sums = start;
    let blocks = weights.as_chunks::<TILE>().0.iter().zip(weight_scales.as_chunks::<GROUP>().0);
    let inputs = values.as_chunks::<BLOCK>().0.iter().zip(value_scales);
    for ((weights, weight_scales), (values, value_scale)) in blocks.zip(inputs) {
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
    sums
}

/// One group of rows at four positions.
#[cfg(any(test, not(target_arch = "wasm32")))]
pub(super) fn group_by_4_positions(
    start: [f32; GROUP],
    (values, value_scales): (&[i16], &[f32]),
    weights: (&[i8], &[f32]),
) -> [[f32; GROUP]; 4] {
    let (width, blocks) = (values.len() / 4, value_scales.len() / 4);
    std::array::from_fn(|i| {
        let values = &values[i * width..][..width];
        group_by_position(start, (values, &value_scales[i * blocks..][..blocks]), weights)
    })
}

/// Sum of products.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<16>();
    let (b_chunks, b_rest) = b.as_chunks::<16>();
    let mut lanes = [0.0; 16];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..16 {
            lanes[i] += a[i] * b[i];
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += a * b;
    }
    sum_of_lanes(lanes)
}

/// Sum of `f` over all elements.
fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut lanes = [0.0; 16];
    for chunk in chunks {
        for i in 0..16 {
            lanes[i] += f(chunk[i]);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += f(x);
    }
    sum_of_lanes(lanes)
}

fn sum_of_lanes(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

/// `out` (C) = (`x` - mean) / sqrt(variance + epsilon) * weight + bias.
pub(crate) fn layer_norm(out: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let count = x.len() as f32;
    let mean = sum(x, |x| x) / count;
    let variance = sum(x, |x| (x - mean) * (x - mean)) / count;
    let factor = 1.0 / (variance + epsilon).sqrt();
    for (((out, x), weight), bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
        *out = (x - mean) * factor * weight + bias;
    }
}

/// The GELU of GPT-2, `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`, with the tanh written as an exponential.
pub(crate) fn gelu(x: &mut [f32]) {
    const TWICE_SQRT_2_OVER_PI: f32 = 1.595_769_1;
    for x in x {
        *x /= 1.0 + exp(-TWICE_SQRT_2_OVER_PI * (*x + 0.044_715 * *x * *x * *x));
    }
}

/// `x` becomes exp(x) / sum(exp(x)).
pub(crate) fn softmax(x: &mut [f32]) {
    let largest = x.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    for x in x.iter_mut() {
        *x = exp(*x - largest);
    }
    let total = sum(x, |x| x);
    for x in x {
        *x /= total;
    }
}

/// `out` (HS) += `weights` (T) x `values` (T, HS).
pub(crate) fn accumulate_weighted(out: &mut [f32], weights: &[f32], values: &[f32]) {
    for (weight, value) in weights.iter().zip(values.chunks_exact(out.len())) {
        for (out, value) in out.iter_mut().zip(value) {
            *out += weight * value;
        }
    }
}

/// `x` += `y`.
pub(crate) fn add_assign(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// e^x with a relative error below 2e-7, for all x that a softmax or GELU meets; arguments beyond +-87 count as +-87.
///
/// The method is that of Cephes' `expf`: split off a power of two, then a polynomial on +-ln(2)/2.
fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 87.0 { x } else { 87.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let x = x - power * LN_2_HIGH - power * LN_2_LOW;
    let mut polynomial = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        polynomial = polynomial * x + coefficient;
    }
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    (polynomial * x * x + x + 1.0) * f32::from_bits(exponent)
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
        suite::products(group_by_position, group_by_4_positions);
    }

    #[test]
    fn exp_is_accurate() {
        for i in -8_700..=8_700 {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            assert!((f64::from(exp(x)) / expected - 1.0).abs() < 2e-7, "exp({x})");
        }
        assert_eq!(exp(-1000.0), exp(-87.0));
        assert_eq!(exp(1000.0), exp(87.0));
    }

    #[test]
    fn gelu_is_that_of_gpt2() {
        for i in -1_000..=1_000 {
            let x = f64::from(i) / 100.0;
            let tanh = ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh();
            let expected = 0.5 * x * (1.0 + tanh);
            let mut found = [x as f32];
            gelu(&mut found);
            assert!((f64::from(found[0]) - expected).abs() < 2e-6, "gelu({x}) = {} instead of {expected}", found[0]);
        }
        let mut extremes = [f32::MAX, f32::MIN, 50.0, -50.0];
        gelu(&mut extremes);
        assert_eq!(extremes[2], 50.0);
        assert!(extremes[3].abs() < 1e-30);
        assert!(extremes.iter().all(|x| !x.is_nan()));
    }

    #[test]
    fn softmax_sums_to_one_at_any_scale() {
        for offset in [-1e30, -100.0, 0.0, 100.0, 1e30] {
            for length in [1, 2, 15, 16, 17, 1024] {
                let mut x: Vec<f32> = (0..length).map(|i| offset + (i % 7) as f32).collect();
                softmax(&mut x);
                assert!((x.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn layer_norm_has_mean_bias_and_deviation_weight() {
        for length in [1, 15, 16, 17, 768, 769] {
            let x: Vec<f32> = (0..length).map(|i| (i * i % 251) as f32 - 100.0).collect();
            let (mut out, weight, bias) = (vec![0.0; length], vec![2.0; length], vec![3.0; length]);
            layer_norm(&mut out, &x, &weight, &bias, 1e-5);
            let mean = out.iter().sum::<f32>() / length as f32;
            let deviation = (out.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / length as f32).sqrt();
            assert!((mean - 3.0).abs() < 1e-4);
            assert!(length == 1 || (deviation - 2.0).abs() < 1e-4);
        }
    }
}
