//! Tests that every implementation of the int8 kernels must pass: each hands its functions in.

use super::{
    BLOCK, GROUP, MOST_ATTENTION, Packed, SMALLEST_MAGNITUDE, Scale, TILE, WeightScale, interleaved_index, portable,
    scale_index,
};

/// Values that repeat with a period of 251, the largest prime below 256, so that swapped blocks show; with the extremes.
fn paint(length: usize, seed: usize) -> impl Iterator<Item = i32> {
    (0..length).map(move |i| match (i + seed) % 17 {
        3 => 127,
        5 => -127,
        7 => 0,
        _ => ((i * 31 + seed * 97) % 251) as i32 - 125,
    })
}

type FromBytes<V> = fn(&[i8; BLOCK]) -> [V; BLOCK];
type Start<V> = fn(&[V; BLOCK]) -> i32;
type QuantizeBlock<V> = fn(&mut [V; BLOCK], &[f32; BLOCK]) -> f32;
type MultiplyGroups<V> = fn(&mut [[f32; GROUP]], usize, (&[V], &[Scale]), Packed<'_>);
type FromWords<W> = fn(&[i16; BLOCK]) -> W;
type Gather<W> = fn(&mut [[f32; GROUP]], &[W], &[f32], &[i8; TILE]);

const START: [f32; GROUP] =
    [0.5, -0.25, 0.0, 1e-6, 7.0, -3.0, 100.0, 1.0, -1e-6, 0.125, 2.0, 1e4, -50.0, 0.75, 3e-3, -1.0];

pub(super) fn quantize_block<V: Copy + Default + Into<i32>>(quantize_block: QuantizeBlock<V>) {
    for seed in 0..40 {
        for factor in [0.0, 1e-37, 1e-30, 0.37, 1.0, 1e30] {
            // All signs mixed, and none but one.
            for offset in [0.4, 200.0, -200.0] {
                let mut painted = paint(BLOCK, seed);
                let x: [f32; BLOCK] =
                    std::array::from_fn(|_| painted.next().map_or(0.0, |x| x as f32 * factor + factor * offset));
                let (mut values, mut expected) = ([V::default(); BLOCK], [2; BLOCK]);
                let step = quantize_block(&mut values, &x);
                assert_eq!(step, portable::quantize_block(&mut expected, &x), "seed {seed}, factor {factor}");
                let values = values.map(Into::into);
                assert_eq!(values, expected.map(i32::from), "seed {seed}, factor {factor}");
                for (value, x) in values.into_iter().zip(x) {
                    assert!((-127..=127).contains(&value));
                    let error = (value as f32 * step - x).abs();
                    assert!(error <= step * 0.51 + SMALLEST_MAGNITUDE, "{x}: {error} of {step}");
                }
            }
        }
    }
}

/// What is not finite becomes something within the range that the products are made for.
pub(super) fn quantize_anything<V: Copy + Default + Into<i32>>(quantize_block: QuantizeBlock<V>) {
    let odd = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN, f32::MAX, f32::MIN, 0.0, -0.0, 1e-45];
    for first in odd {
        for second in odd {
            let x: [f32; BLOCK] = std::array::from_fn(|i| [1.0, first, -2.0, second][i % 4]);
            let mut values = [V::default(); BLOCK];
            let step = quantize_block(&mut values, &x);
            let mut expected = [0; BLOCK];
            let expected_step = portable::quantize_block(&mut expected, &x);
            // Of what is no number, a kernel may make any step.
            let is_defined = !first.is_nan() && !second.is_nan();
            assert!(!is_defined || step == expected_step, "{first} and {second}: {step}");
            for ((value, expected), x) in values.into_iter().zip(expected).zip(x) {
                let value: i32 = value.into();
                assert!((-128..=127).contains(&value) && (-127..=127).contains(&expected), "{first} and {second}");
                let is_same = value == i32::from(expected);
                assert!(!is_defined || !x.is_finite() || is_same, "{first} and {second}: {x} became {value}");
            }
        }
    }
}

pub(super) fn sum_of_words(sum_of_words: fn(&[u8]) -> u32) {
    // The last byte is no word.
    assert_eq!(sum_of_words(&[1, 0, 0, 0, 2, 1, 0, 0, 9]), 259);
    let bytes: Vec<u8> = paint(1000, 5).map(|byte| byte as u8).collect();
    for length in [0, 3, 4, 16, 127, 128, 300, 936] {
        for start in [0, 1, 64] {
            let bytes = &bytes[start..start + length];
            assert_eq!(sum_of_words(bytes), portable::sum_of_words(bytes), "{length} bytes from {start} on");
        }
    }
}

pub(super) fn multiply_groups<V, const RUN: usize>(
    multiply_groups: MultiplyGroups<V>,
    from_bytes: FromBytes<V>,
    start: Start<V>,
    flipped: i8,
) {
    for blocks in [1, 2, 3, 12, 48] {
        for positions in [1, 2, 3, 4, 5, 6, 7, 8, 9, 32] {
            for extreme in [None, Some(-127), Some(127)] {
                // Another group of rows stands behind.
                let tiles = 3 * blocks;
                let weights: Vec<i8> = if extreme.is_some() {
                    [[-128; 32], [127; 32]].concat().repeat(tiles * TILE / 64)
                } else {
                    paint(tiles * TILE, 1).map(|x| x as i8).collect()
                };
                let quantised: Vec<i8> = match extreme {
                    Some(extreme) => vec![extreme; positions * blocks * BLOCK],
                    None => paint(positions * blocks * BLOCK, 2).map(|x| x as i8).collect(),
                };
                let values: Vec<[V; BLOCK]> = quantised.as_chunks().0.iter().map(from_bytes).collect();
                let steps = paint(values.len(), 4).map(|x| x as f32 / 300.0);
                let scales: Vec<_> =
                    steps.zip(&values).map(|(step, values)| Scale { step, start: start(values) }).collect();
                let values = values.as_flattened();
                let scale = |x: i32| WeightScale::nearest(x.abs() as f32 / 1000.0);
                let weight_scales: Vec<_> = paint(tiles * GROUP, 3).map(scale).collect();
                let stored: Vec<i8> = weights.iter().map(|weight| weight ^ flipped).collect();
                let plain = Packed { weights: &weights, scales: &weight_scales };
                for groups in [1, 2] {
                    let mut found = vec![START; groups * positions];
                    multiply_groups(&mut found, positions, (values, &scales), Packed { weights: &stored, ..plain });
                    for (i, found) in found.into_iter().enumerate() {
                        let (group, position) = (i / positions, i % positions);
                        let at = |block: usize| block * positions + position;
                        let of_block = |block: usize| &quantised[at(block) * BLOCK..][..BLOCK];
                        let own: Vec<i16> = (0..blocks).flat_map(of_block).copied().map(i16::from).collect();
                        let steps: Vec<f32> = (0..blocks).map(|block| scales[at(block)].step).collect();
                        let of_group = plain.group(group, blocks);
                        let of_rows: Vec<f32> = of_group.scales.iter().map(|scale| scale.get()).collect();
                        let expected = naive::<RUN>((&own, &steps), (of_group.weights, &of_rows));
                        assert_eq!(
                            found, expected,
                            "{blocks} blocks, group {group}, position {position} of {positions}"
                        );
                    }
                }
            }
        }
    }
}

pub(super) fn gather<W, const RUN: usize>(gather: Gather<W>, from_words: FromWords<W>) {
    for positions in [1, 2, 3, 4, 5, 8, 9, 32] {
        let mut channels = [0i8; TILE];
        channels.iter_mut().zip(paint(TILE, 5)).for_each(|(channel, x)| *channel = x as i8);
        // Lower bytes with and without their highest bit, and the extremes.
        let of = |position: usize| {
            let mut painted = paint(BLOCK, position);
            std::array::from_fn(|i| match painted.next() {
                Some(127) => MOST_ATTENTION,
                Some(x) => ((x.abs() * 257) as i16 ^ if i % 3 == 0 { 0x80 } else { 0 }).min(MOST_ATTENTION),
                None => 0,
            })
        };
        let weights: Vec<[i16; BLOCK]> = (0..positions).map(of).collect();
        let steps: Vec<f32> = (0..positions).map(|position| 0.01 * (position as f32 - 2.0)).collect();
        let mut found = vec![START; positions];
        let prepared: Vec<W> = weights.iter().map(from_words).collect();
        gather(&mut found, &prepared, &steps, &channels);
        for (position, found) in found.into_iter().enumerate() {
            let expected = naive::<RUN>((&weights[position], &[steps[position]]), (&channels, &[1.0; GROUP]));
            assert_eq!(found, expected, "position {position} of {positions}");
        }
    }
}

/// The definition, one weight at a time.
fn naive<const RUN: usize>(
    (values, steps): (&[i16], &[f32]),
    (weights, weight_scales): (&[i8], &[f32]),
) -> [f32; GROUP] {
    let blocks = steps.len();
    std::array::from_fn(|row| {
        (0..blocks).fold(START[row], |sum, block| {
            let products: i64 = (block * BLOCK..(block + 1) * BLOCK)
                .map(|i| i64::from(values[i]) * i64::from(weights[interleaved_index::<RUN>(row, i, blocks)]))
                .sum();
            sum + products as f32 * (weight_scales[scale_index(row, block, blocks)] * steps[block])
        })
    })
}
