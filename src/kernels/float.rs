//! The f32 kernels, written once over four lanes; each target's file says what four lanes are.
//!
//! Sums run over 16 lanes that are folded at the end, so the order of additions is the same on every target.

use std::f32::consts::{LN_2, LOG2_E};

use super::chosen::F32x4;
use super::{BLOCK, MOST_ATTENTION, ROUND};

/// Vectors summed side by side.
const QUADS: usize = 4;
/// Elements summed side by side.
const LANES: usize = 4 * QUADS;

/// The elements of `x` that are left over, followed by zeros.
fn padded<const N: usize>(x: &[f32]) -> [f32; N] {
    let mut padded = [0.0; N];
    padded[..x.len()].copy_from_slice(x);
    padded
}

fn load(x: &[f32; LANES]) -> [F32x4; QUADS] {
    let (quads, _) = x.as_chunks::<4>();
    [F32x4::load(&quads[0]), F32x4::load(&quads[1]), F32x4::load(&quads[2]), F32x4::load(&quads[3])]
}

fn fold([a, b, c, d]: [F32x4; QUADS]) -> f32 {
    let [w, x, y, z] = a.add(c).add(b.add(d)).to_array();
    (w + y) + (x + z)
}

/// Sum of products.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_of(a, b, |a| a)
}

/// Sum of the products of `y` and of `x` times `factor`, rounded to whole numbers as `quantize_by` does.
pub(crate) fn dot_rounded(x: &[f32], factor: f32, y: &[f32]) -> f32 {
    let (factor, round) = (F32x4::splat(factor), F32x4::splat(ROUND));
    dot_of(x, y, |x| x.mul(factor).add(round).sub(round))
}

/// Sum of the products of `f` of `a`, and `b`; `f` of 0 is 0.
fn dot_of(a: &[f32], b: &[f32], f: impl Fn(F32x4) -> F32x4) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [F32x4::splat(0.0); QUADS];
    let mut take = |a: &[f32; LANES], b: &[f32; LANES]| {
        for (sum, (a, b)) in sums.iter_mut().zip(load(a).into_iter().zip(load(b))) {
            *sum = sum.add(f(a).mul(b));
        }
    };
    for (a, b) in a.iter().zip(b) {
        take(a, b);
    }
    if !a_rest.is_empty() {
        take(&padded(a_rest), &padded(b_rest));
    }
    fold(sums)
}

/// Sum of `f` over all elements.
fn sum(x: &[f32], f: impl Fn(F32x4) -> F32x4) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut sums = [F32x4::splat(0.0); QUADS];
    for x in chunks {
        for (sum, x) in sums.iter_mut().zip(load(x)) {
            *sum = sum.add(f(x));
        }
    }
    let mut total = fold(sums);
    for &x in rest {
        let [value, ..] = f(F32x4::splat(x)).to_array();
        total += value;
    }
    total
}

/// `x` becomes `f(x)`, element by element.
fn map(x: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let (chunks, rest) = x.as_chunks_mut::<4>();
    for x in chunks {
        let value = f(F32x4::load(x));
        value.store(x);
    }
    if !rest.is_empty() {
        let mut last = padded(rest);
        f(F32x4::load(&last)).store(&mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// Mean and variance.
pub(crate) fn moments(x: &[f32]) -> (f32, f32) {
    let count = x.len() as f32;
    let mean = sum(x, |x| x) / count;
    let squared = |x: F32x4| {
        let distance = x.sub(F32x4::splat(mean));
        distance.mul(distance)
    };
    (mean, sum(x, squared) / count)
}

/// `out` (C) = (`x` - mean) / sqrt(variance + epsilon) * weight + bias.
pub(crate) fn layer_norm(out: &mut [f32], x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let (mean, variance) = moments(x);
    let mean = F32x4::splat(mean);
    let factor = F32x4::splat(1.0 / (variance + epsilon).sqrt());
    out.copy_from_slice(x);
    map(out, |x| x.sub(mean).mul(factor));
    for ((out, weight), bias) in out.iter_mut().zip(weight).zip(bias) {
        *out = *out * weight + bias;
    }
}

/// The GELU of GPT-2, `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`, with the tanh written as an exponential.
pub(crate) fn gelu(x: &mut [f32]) {
    const MINUS_TWICE_SQRT_2_OVER_PI: f32 = -1.595_769_2;
    // So that the exponential's base is 2.
    const LINEAR: f32 = MINUS_TWICE_SQRT_2_OVER_PI * LOG2_E;
    let (one, linear, cubic) = (F32x4::splat(1.0), F32x4::splat(LINEAR), F32x4::splat(0.044_715 * LINEAR));
    map(x, |x| x.div(one.add(exp2(cubic.mul(x.mul(x)).add(linear).mul(x)))));
}

/// The largest of `first` and `f` of all of `x`. What is not a number is passed over, but not in relaxed builds: there,
/// compilers take a maximum that may return it.
fn largest(x: &[f32], first: f32, f: impl Fn(F32x4) -> F32x4) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [F32x4::splat(first); QUADS];
    for x in chunks {
        for (lane, x) in lanes.iter_mut().zip(load(x)) {
            *lane = lane.max(f(x));
        }
    }
    let [a, b, c, d] = lanes;
    let all = a.max(b).max(c.max(d));
    rest.iter().fold(all, |all, &x| all.max(f(F32x4::splat(x)))).largest()
}

/// The largest magnitude; `largest` says what becomes of what is not a number.
pub(crate) fn largest_magnitude(x: &[f32]) -> f32 {
    largest(x, 0.0, |x| x.max(F32x4::splat(0.0).sub(x)))
}

/// `x` becomes exp(x - largest x); returns the largest, and the sum of what `x` becomes.
pub(crate) fn exponentials(x: &mut [f32]) -> (f32, f32) {
    let largest = largest(x, f32::NEG_INFINITY, |x| x);
    let f = |x: F32x4| exp(x.sub(F32x4::splat(largest)));
    let (chunks, rest) = x.as_chunks_mut::<LANES>();
    let mut sums = [F32x4::splat(0.0); QUADS];
    for chunk in chunks {
        for (sum, (x, to)) in sums.iter_mut().zip(load(chunk).into_iter().zip(chunk.as_chunks_mut().0)) {
            let power = f(x);
            power.store(to);
            *sum = sum.add(power);
        }
    }
    map(rest, f);
    (largest, rest.iter().fold(fold(sums), |sum, x| sum + x))
}

/// `x` becomes exp(x) / sum(exp(x)).
pub(crate) fn softmax(x: &mut [f32]) {
    let (_, total) = exponentials(x);
    let factor = F32x4::splat(1.0 / total);
    map(x, |x| x.mul(factor));
}

/// Quantises the attention weights of a page of tokens, times the scales of its values, to 15 bits; what 1 stands for is
/// returned. They are never negative, and what is not a number counts as 0. With 7 bits, the many small weights beside one
/// large one would all become 0.
pub(super) fn quantize_weights(quantised: &mut [i16; BLOCK], weights: &[f32; BLOCK], scales: &[f32; BLOCK]) -> f32 {
    let mut scaled = [0.0; BLOCK];
    let quads = scaled.as_chunks_mut::<4>().0.iter_mut();
    for (scaled, (weights, scales)) in quads.zip(weights.as_chunks().0.iter().zip(scales.as_chunks().0)) {
        F32x4::splat(0.0).max(F32x4::load(weights).mul(F32x4::load(scales))).store(scaled);
    }
    let largest = largest(&scaled, 0.0, |x| x);
    // Less would overflow, and adds nothing to a sum.
    let factor = F32x4::splat(if largest > 1e-33 { f32::from(MOST_ATTENTION) / largest } else { 0.0 });
    let rounded = |x: &[f32; 4]| F32x4::load(x).mul(factor).add(F32x4::splat(ROUND));
    for (quantised, x) in quantised.as_chunks_mut().0.iter_mut().zip(scaled.as_chunks::<4>().0.as_chunks::<2>().0) {
        rounded(&x[0]).store_rounded(rounded(&x[1]), quantised);
    }
    largest / f32::from(MOST_ATTENTION)
}

/// `out` (HS) += `weights` (T) x `values` (T, HS).
pub(crate) fn accumulate_weighted(out: &mut [f32], weights: &[f32], values: &[f32]) {
    let size = out.len();
    let (chunks, rest) = out.as_chunks_mut::<LANES>();
    let first_of_rest = chunks.len() * LANES;
    for (i, out) in chunks.iter_mut().enumerate() {
        let mut sums = load(out);
        for (weight, values) in weights.iter().zip(values.chunks_exact(size)) {
            let (weight, values) = (F32x4::splat(*weight), &values.as_chunks::<LANES>().0[i]);
            for (sum, value) in sums.iter_mut().zip(load(values)) {
                *sum = sum.add(weight.mul(value));
            }
        }
        for (out, sum) in out.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
            sum.store(out);
        }
    }
    for (weight, values) in weights.iter().zip(values.chunks_exact(size)) {
        for (out, value) in rest.iter_mut().zip(&values[first_of_rest..]) {
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

/// e^x; the relative error is below 2e-7 for x about 0, and 8e-8 more for each 1 that x is away from it. Beyond +-86.6, that of
/// +-86.6.
fn exp(x: F32x4) -> F32x4 {
    exp2(x.mul(F32x4::splat(LOG2_E)))
}

/// 2^x, with a relative error below 2e-7; beyond +-125, that of +-125.
///
/// A whole number is split off, which becomes the exponent, and a polynomial takes the rest on +-1/2: of those of its degree that begin
/// with 1 + ln(2) x, the one with the least relative error. With Cephes' `expf`, which is more exact for large numbers, and a softmax's
/// sum in a pass of its own, a prompt of 128 took 1.02 times as long, and a token after 900 1.04.
fn exp2(x: F32x4) -> F32x4 {
    let splat = F32x4::splat;
    let x = x.max(splat(-125.0)).min(splat(125.0));
    let shifted = x.add(splat(ROUND));
    let x = x.sub(shifted.sub(splat(ROUND)));
    let mut polynomial = splat(1.330_060_7e-3);
    for coefficient in [9.669_691e-3, 5.550_558_5e-2, 0.240_222_83, LN_2, 1.0] {
        polynomial = polynomial.mul(x).add(splat(coefficient));
    }
    polynomial.times_power_of_rounded(shifted)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn exp(x: f32) -> f32 {
        super::exp(F32x4::splat(x)).to_array()[0]
    }

    #[test]
    fn exp_is_accurate() {
        for i in -8_660..=8_660 {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) / expected - 1.0).abs();
            assert!(error < 2e-7 + 8e-8 * f64::from(x.abs()), "exp({x}): {error}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1000.0), exp(-87.0));
        assert_eq!(exp(1000.0), exp(87.0));
    }

    #[test]
    fn exp2_is_accurate_up_to_its_ends() {
        let exp2 = |x: f32| exp2(F32x4::splat(x)).to_array()[0];
        for i in -125_000..=125_000 {
            let x = i as f32 / 1000.0;
            let error = (f64::from(exp2(x)) / f64::from(x).exp2() - 1.0).abs();
            assert!(error < 2e-7, "exp2({x}): {error}");
        }
        assert_eq!([-125.0, 125.0].map(exp2), [(-125.0f32).exp2(), 125.0f32.exp2()]);
        assert_eq!([f32::NEG_INFINITY, f32::INFINITY].map(exp2), [-125.0, 125.0].map(exp2));
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
    fn sums_of_products_and_weighted_sums_match_their_definition() {
        for length in [1, 3, 4, 5, 15, 16, 17, 31, 33, 64, 80, 768] {
            let a: Vec<f32> = (0..length).map(|i| (i % 13) as f32 - 6.0).collect();
            let b: Vec<f32> = (0..length).map(|i| (i % 7) as f32 - 3.0).collect();
            // Small whole numbers: every order of additions gives the same.
            assert_eq!(dot(&a, &b), a.iter().zip(&b).map(|(a, b)| a * b).sum::<f32>(), "{length}");
            let rounded = a.iter().zip(&b).map(|(a, b)| (a * 0.4).round_ties_even() * b).sum::<f32>();
            assert_eq!(dot_rounded(&a, 0.4, &b), rounded, "{length}");

            let weights = [0.5, -2.0, 3.0];
            let values: Vec<f32> = (0..3 * length).map(|i| (i % 11) as f32).collect();
            let mut out = a.clone();
            accumulate_weighted(&mut out, &weights, &values);
            for (i, out) in out.into_iter().enumerate() {
                let gathered: f32 = (0..3).map(|t| weights[t] * values[t * length + i]).sum();
                assert_eq!(out, a[i] + gathered, "{i} of {length}");
            }
        }
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
    fn attention_weights_are_quantised_to_within_half_a_step() {
        for largest in [0.0, 1e-30, 0.3, 1.0, 3e38] {
            let weights: [f32; BLOCK] = std::array::from_fn(|i| (i * i % 101) as f32 / 100.0);
            let scales: [f32; BLOCK] =
                std::array::from_fn(|i| if i == 10 { largest } else { largest / (1 + i) as f32 });
            let mut quantised = [-1; BLOCK];
            let step = quantize_weights(&mut quantised, &weights, &scales);
            assert_eq!(quantised.iter().max(), Some(&if largest > 0.0 { MOST_ATTENTION } else { 0 }));
            for (quantised, (weight, scale)) in quantised.into_iter().zip(weights.into_iter().zip(scales)) {
                assert!((f32::from(quantised) * step - weight * scale).abs() <= 0.51 * step, "{weight} x {scale}");
            }
        }
        let mut quantised = [-1; BLOCK];
        // Its low bits would be taken for a number.
        let not_a_number = f32::from_bits(f32::NAN.to_bits() | 0x1234);
        let weights = std::array::from_fn(|i| if i == 7 { not_a_number } else { 1.0 });
        quantize_weights(&mut quantised, &weights, &[1.0; BLOCK]);
        assert_eq!((quantised[6], quantised[7]), (MOST_ATTENTION, 0));
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
