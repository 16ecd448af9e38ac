//! Tests that every implementation of the int8 kernels must pass: each hands its functions in.

use super::{BLOCK, GROUP, SMALLEST_MAGNITUDE, TILE, portable};

/// Values that repeat with a period of 251, the largest prime below 256, so that swapped blocks show; with the extremes.
fn paint(length: usize, seed: usize) -> impl Iterator<Item = i32> {
    (0..length).map(move |i| match (i + seed) % 17 {
        3 => 127,
        5 => -127,
        7 => 0,
        _ => ((i * 31 + seed * 97) % 251) as i32 - 125,
    })
}

type QuantizeBlock = fn(&mut [i16; BLOCK], &[f32; BLOCK]) -> f32;
type MultiplyGroup = fn(&mut [[f32; GROUP]], (&[i16], &[f32]), (&[i8], &[f32]));

pub(super) fn quantize_block(quantize_block: QuantizeBlock) {
    for seed in 0..40 {
        for factor in [0.0, 1e-37, 1e-30, 0.37, 1.0, 1e30] {
            let mut painted = paint(BLOCK, seed);
            let x: [f32; BLOCK] =
                std::array::from_fn(|_| painted.next().map_or(0.0, |x| x as f32 * factor + factor * 0.4));
            let (mut values, mut expected) = ([1; BLOCK], [2; BLOCK]);
            let scale = quantize_block(&mut values, &x);
            assert_eq!(scale, portable::quantize_block(&mut expected, &x), "seed {seed}, factor {factor}");
            assert_eq!(values, expected, "seed {seed}, factor {factor}");
            for (value, x) in values.into_iter().zip(x) {
                assert!((-127..=127).contains(&value));
                assert!((f32::from(value) * scale - x).abs() <= scale * 0.5001 + SMALLEST_MAGNITUDE, "{x}");
            }
        }
    }
}

pub(super) fn multiply_group(multiply_group: MultiplyGroup) {
    for blocks in [1, 2, 3, 12, 48] {
        for positions in [1, 2, 3, 4, 5, 7, 8, 9, 32] {
            for extremes in [false, true] {
                let weights: Vec<i8> = if extremes {
                    [-127, -128].repeat(blocks * TILE / 2)
                } else {
                    paint(blocks * TILE, 1).map(|x| x as i8).collect()
                };
                let values: Vec<i16> = if extremes {
                    vec![-127; positions * blocks * BLOCK]
                } else {
                    paint(positions * blocks * BLOCK, 2).map(|x| x as i16).collect()
                };
                let weight_scales: Vec<f32> = paint(blocks * GROUP, 3).map(|x| x as f32 / 1000.0).collect();
                let value_scales: Vec<f32> = paint(positions * blocks, 4).map(|x| x as f32 / 300.0).collect();
                let start = [0.5, -0.25, 0.0, 1e-6, 7.0, -3.0, 100.0, 1.0];
                let mut sums = vec![start; positions];
                multiply_group(&mut sums, (&values, &value_scales), (&weights, &weight_scales));
                for (position, sums) in sums.into_iter().enumerate() {
                    let at = |block: usize| block * positions + position;
                    let own: Vec<_> = (0..blocks).flat_map(|b| &values[at(b) * BLOCK..][..BLOCK]).copied().collect();
                    let own_scales: Vec<_> = (0..blocks).map(|block| value_scales[at(block)]).collect();
                    let expected = naive(start, (&own, &own_scales), (&weights, &weight_scales));
                    assert_eq!(sums, expected, "{blocks} blocks, position {position} of {positions}");
                }
            }
        }
    }
}

/// The definition, one weight at a time.
fn naive(
    start: [f32; GROUP],
    (values, value_scales): (&[i16], &[f32]),
    (weights, weight_scales): (&[i8], &[f32]),
) -> [f32; GROUP] {
    let blocks = value_scales.len();
    std::array::from_fn(|row| {
        (0..blocks).fold(start[row], |sum, block| {
            let products: i64 = (block * BLOCK..(block + 1) * BLOCK)
                .map(|i| i64::from(values[i]) * i64::from(weights[super::weight_index(row, i, blocks)]))
                .sum();
            sum + products as f32 * (weight_scales[super::scale_index(row, block, blocks)] * value_scales[block])
        })
    })
}
