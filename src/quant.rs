//! Weight matrices in int8 blocks: quantising, and reading values back.

use std::ops::Range;

use crate::error::{Result, try_reserved};
use crate::kernels::{
    BLOCK, GROUP, Packed, ROUND, RUN, STEPS, WeightScale, factor_of, flipped, interleave, interleave_group,
    packed_length, runs_of_row, scale_index, scales_length, weight_index,
};

/// A matrix of `R` output rows and `K` inputs in int8, symmetric, with one scale per [`BLOCK`] inputs of each row,
/// in the layout that `kernels` describes.
#[derive(Debug)]
pub struct Int8Matrix {
    /// `R`
    pub rows: usize,
    /// `K`
    pub inputs: usize,
    /// As far as the groups of rows that something was set of: memory that is not written to yet takes no room, and a page
    /// holds shards beside what came before.
    pub(crate) weights: Vec<i8>,
    /// As far as `weights`, or some rows on: a shard has the scales of its rows first.
    pub(crate) scales: Vec<WeightScale>,
}

/// How far quantised weights are from the originals.
#[derive(Debug, Clone, Copy, Default)]
pub struct QuantisationError {
    /// Sum of squared differences.
    pub squared: f64,
    /// Sum of squared originals.
    pub reference: f64,
    /// Largest difference.
    pub largest: f32,
    /// Number of weights.
    pub count: usize,
}

impl QuantisationError {
    /// Root mean square of the differences, as a share of that of the originals.
    pub fn relative(&self) -> f64 {
        if self.reference > 0.0 { (self.squared / self.reference).sqrt() } else { 0.0 }
    }

    /// Takes another error in.
    pub fn add(&mut self, other: &Self) {
        self.squared += other.squared;
        self.reference += other.reference;
        self.largest = self.largest.max(other.largest);
        self.count += other.count;
    }
}

impl Int8Matrix {
    /// Room for a matrix. It can be read and multiplied once something was set of each group of rows.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn empty(rows: usize, inputs: usize) -> Result<Self> {
        let blocks = inputs.div_ceil(BLOCK);
        let weights = try_reserved(packed_length(rows, blocks))?;
        let scales = try_reserved(scales_length(rows, blocks))?;
        Ok(Self { rows, inputs, weights, scales })
    }

    /// Makes sure that the weights of a row's group are there, which are zeros as long as nothing else was set.
    fn reach(&mut self, row: usize) {
        let (rows, blocks) = ((row / GROUP + 1) * GROUP, self.blocks());
        if self.weights.len() < packed_length(rows, blocks) {
            self.weights.resize(packed_length(rows, blocks), flipped());
        }
    }

    /// The same of its scales.
    fn reach_scales(&mut self, row: usize) {
        let length = scales_length((row / GROUP + 1) * GROUP, self.blocks());
        if self.scales.len() < length {
            self.scales.resize(length, WeightScale::default());
        }
    }

    /// Blocks of inputs.
    pub fn blocks(&self) -> usize {
        self.inputs.div_ceil(BLOCK)
    }

    /// Bytes that are set aside for it.
    pub fn bytes(&self) -> usize {
        self.weights.capacity() + size_of::<WeightScale>() * self.scales.capacity()
    }

    /// As the kernels take it.
    pub(crate) fn packed(&self) -> Packed<'_> {
        Packed { weights: &self.weights, scales: &self.scales }
    }

    /// Quantises one tile, `tile[input][row]`, of the group of rows that starts at `row`. The largest magnitude of each
    /// row becomes 127. Rows and inputs beyond the matrix must be 0.
    pub(crate) fn quantize_tile(&mut self, row: usize, block: usize, tile: &[[f32; GROUP]; BLOCK]) {
        let mut largest = [0.0f32; GROUP];
        for values in tile {
            for (largest, value) in largest.iter_mut().zip(values) {
                let magnitude = value.abs();
                *largest = if magnitude > *largest { magnitude } else { *largest };
            }
        }
        let of_rows = largest.map(|largest| WeightScale::nearest(largest / STEPS));
        let factors = of_rows.map(|scale| factor_of(scale.get()));
        let blocks = self.blocks();
        self.reach(row);
        self.reach_scales(row);
        self.scales[scale_index(row, block, blocks)..][..GROUP].copy_from_slice(&of_rows);
        let start = weight_index(row, block * BLOCK, blocks);
        let flipped = flipped();
        for (input, values) in tile.iter().enumerate() {
            for (lane, (value, factor)) in values.iter().zip(factors).enumerate() {
                let weight = (value * factor + ROUND).to_bits() as i8;
                self.weights[start + weight_index(lane, input, 1)] = weight ^ flipped;
            }
        }
    }

    /// The difference between a tile and what became of it.
    pub(crate) fn error_of_tile(&self, row: usize, block: usize, tile: &[[f32; GROUP]; BLOCK]) -> QuantisationError {
        let (blocks, flipped) = (self.blocks(), flipped());
        let mut error = QuantisationError::default();
        for lane in 0..GROUP.min(self.rows - row) {
            let scale = self.scales[scale_index(row + lane, block, blocks)].get();
            for (i, values) in tile.iter().enumerate().take(self.inputs - block * BLOCK) {
                let weight = self.weights[weight_index(row + lane, block * BLOCK + i, blocks)] ^ flipped;
                let difference = f32::from(weight) * scale - values[lane];
                error.squared += f64::from(difference).powi(2);
                error.reference += f64::from(values[lane]).powi(2);
                error.largest = error.largest.max(difference.abs());
                error.count += 1;
            }
        }
        error
    }

    /// Sets quantised weights of one row from plain order, starting at input `first`.
    pub(crate) fn set_weights(&mut self, row: usize, first: usize, weights: &[i8]) {
        let blocks = self.blocks();
        self.reach(row);
        interleave(&mut self.weights, row, first, weights, blocks);
    }

    /// Sets the quantised weights (GROUP, K) of the group of rows that starts at `row`, where `K` is whole blocks.
    pub(crate) fn set_group(&mut self, row: usize, weights: &[i8]) {
        debug_assert!(row.is_multiple_of(GROUP) && self.inputs.is_multiple_of(BLOCK));
        self.reach(row);
        let start = row * self.inputs;
        interleave_group(&mut self.weights[start..start + weights.len()], weights);
    }

    /// Sets the scale of one block, to within 0.4 %.
    pub(crate) fn set_scale(&mut self, row: usize, block: usize, scale: f32) {
        self.reach_scales(row);
        let index = scale_index(row, block, self.blocks());
        self.scales[index] = WeightScale::nearest(scale);
    }

    /// The quantised weights of some rows in plain order, (rows, K).
    pub fn plain_weights(&self, rows: Range<usize>) -> Vec<i8> {
        let (blocks, flipped) = (self.blocks(), flipped());
        rows.flat_map(|row| (0..self.inputs).map(move |input| (row, input)))
            .map(|(row, input)| self.weights[weight_index(row, input, blocks)] ^ flipped)
            .collect()
    }

    /// The scales of some rows in plain order, (rows, blocks).
    pub fn plain_scales(&self, rows: Range<usize>) -> Vec<f32> {
        let blocks = self.blocks();
        rows.flat_map(|row| (0..blocks).map(move |block| (row, block)))
            .map(|(row, block)| self.scales[scale_index(row, block, blocks)].get())
            .collect()
    }

    /// `out` (K) = one row, in f32.
    pub fn row(&self, out: &mut [f32], row: usize) {
        let (blocks, flipped) = (self.blocks(), flipped());
        let mut runs = runs_of_row(&self.weights, row, blocks);
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let scale = self.scales[scale_index(row, block, blocks)].get();
            let value = |weight: i8| f32::from(weight ^ flipped) * scale;
            let (whole, rest) = out.as_chunks_mut::<RUN>();
            for (out, weights) in whole.iter_mut().zip(&mut runs) {
                *out = weights.map(value);
            }
            for (out, weights) in rest.chunks_mut(RUN).zip(&mut runs) {
                out.iter_mut().zip(weights).for_each(|(out, weight)| *out = value(*weight));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn tile_of(values: &[f32]) -> [[f32; GROUP]; BLOCK] {
        std::array::from_fn(|i| std::array::from_fn(|lane| values[(i * GROUP + lane) % values.len()]))
    }

    #[test]
    fn any_finite_weights_quantise_to_within_half_a_step() {
        let anything = proptest::collection::vec(
            prop_oneof![
                any::<f32>().prop_filter("finite", |x| x.is_finite()),
                -1.0f32..1.0,
                Just(0.0),
                Just(f32::MAX),
                Just(f32::MIN_POSITIVE)
            ],
            1..600,
        );
        let config = Config { failure_persistence: None, ..Config::with_cases(64) };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        runner
            .run(&anything, |values| {
                let tile = tile_of(&values);
                let mut matrix = Int8Matrix::empty(GROUP, BLOCK).unwrap();
                matrix.quantize_tile(0, 0, &tile);
                for row in 0..GROUP {
                    let mut out = [0.0; BLOCK];
                    matrix.row(&mut out, row);
                    let step = matrix.scales[row].get();
                    prop_assert!(step.is_finite());
                    for (out, values) in out.into_iter().zip(&tile) {
                        let difference = (f64::from(out) - f64::from(values[row])).abs();
                        prop_assert!(difference <= 0.50001 * f64::from(step) + 2e-36, "{difference} of {step}");
                    }
                }
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn the_largest_magnitude_becomes_127() {
        let nearly_half_a_step_of_its_scale_more = 127.0 * 1.003_906;
        for largest in [1e-38, 1.172e-36, 2e-36, 2.1e-36, 1.0, nearly_half_a_step_of_its_scale_more, f32::MAX] {
            let mut matrix = Int8Matrix::empty(GROUP, BLOCK).unwrap();
            matrix.quantize_tile(0, 0, &[[largest; GROUP]; BLOCK]);
            let expected = if largest > 2e-36 { 127 } else { 0 };
            assert_eq!(matrix.plain_weights(0..GROUP), [expected; GROUP * BLOCK], "{largest}");
        }
    }

    #[test]
    fn plain_order_round_trips() {
        let (rows, inputs) = (13, 2 * BLOCK + 5);
        let mut matrix = Int8Matrix::empty(rows, inputs).unwrap();
        for row in 0..rows {
            let weights: Vec<i8> = (0..inputs).map(|i| (row * 31 + i * 7) as i8).collect();
            matrix.set_weights(row, 0, &weights[..70]);
            matrix.set_weights(row, 70, &weights[70..]);
            for block in 0..matrix.blocks() {
                matrix.set_scale(row, block, (row * 3 + block) as f32);
            }
            assert_eq!(matrix.plain_weights(row..row + 1), weights);
            assert_eq!(matrix.plain_scales(row..row + 1), [0, 1, 2].map(|block| (row * 3 + block) as f32));
            let mut out = vec![0.0; inputs];
            matrix.row(&mut out, row);
            for (i, (out, weight)) in out.into_iter().zip(&weights).enumerate() {
                assert_eq!(out, f32::from(*weight) * (row * 3 + i / BLOCK) as f32, "input {i} of row {row}");
            }
        }
    }

    #[test]
    fn rows_take_memory_as_far_as_they_are_set() {
        let (rows, inputs) = (2 * GROUP + 1, BLOCK);
        let mut matrix = Int8Matrix::empty(rows, inputs).unwrap();
        assert!(matrix.weights.is_empty() && matrix.weights.capacity() >= packed_length(rows, 1));
        matrix.set_scale(3, 0, 0.5);
        assert_eq!((matrix.scales.len(), matrix.weights.len()), (GROUP, 0));
        matrix.set_group(GROUP, &[7; GROUP * BLOCK]);
        assert_eq!(matrix.weights.len(), 2 * GROUP * BLOCK);
        assert_eq!(matrix.plain_weights(GROUP - 1..GROUP + 1), [[0; BLOCK], [7; BLOCK]].concat());
        assert_eq!(matrix.plain_scales(3..5), [0.5, 0.0]);
        matrix.set_weights(rows - 1, 5, &[1]);
        assert_eq!(matrix.weights.len(), packed_length(rows, 1), "the last group is whole");
    }

    #[test]
    fn a_group_at_once_is_its_rows_one_by_one() {
        let (rows, inputs) = (3 * GROUP, 2 * BLOCK);
        let (mut at_once, mut by_rows) =
            (Int8Matrix::empty(rows, inputs).unwrap(), Int8Matrix::empty(rows, inputs).unwrap());
        let weights: Vec<i8> = (0..GROUP * inputs).map(|i| (i * i / 3) as i8).collect();
        at_once.set_group(GROUP, &weights);
        for (row, weights) in (GROUP..).zip(weights.chunks(inputs)) {
            by_rows.set_weights(row, 0, weights);
        }
        assert_eq!(at_once.weights, by_rows.weights);
        assert_eq!(at_once.plain_weights(GROUP..2 * GROUP), weights);
    }
}
