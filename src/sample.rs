//! Choosing the next token: temperature, top-k, top-p (Holtzman et al. 2020, "The Curious Case of Neural Text
//! Degeneration"), with a seed.

use crate::error::{Error, Result};

/// How the next token is chosen from the logits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 always takes the most probable token.
    pub temperature: f32,
    /// Only this many of the most probable tokens; 0 for all.
    pub top_k: usize,
    /// Only the most probable tokens that together reach this probability; 1 for all.
    pub top_p: f32,
}

impl Sampling {
    /// Always the most probable token.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: 0, top_p: 1.0 };

    /// Checks the ranges.
    ///
    /// # Errors
    /// Names the parameter that is out of its range.
    pub fn validate(&self) -> Result<()> {
        if !(self.temperature >= 0.0 && self.temperature <= 100.0) {
            return Err(Error::Sampling { parameter: "temperature", reason: "from 0 to 100" });
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(Error::Sampling { parameter: "top-p", reason: "above 0 and at most 1" });
        }
        Ok(())
    }

    /// One token id from logits. Logits that are not numbers are never chosen; if none is a number, the answer is 0.
    pub fn choose(&self, logits: &[f32], random: &mut Random) -> u32 {
        let usable = |&(_, logit): &(u32, f32)| logit > f32::NEG_INFINITY;
        let mut candidates: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).filter(usable).collect();
        let descending = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if self.temperature == 0.0 {
            return candidates.into_iter().min_by(descending).map_or(0, |(id, _)| id);
        }
        if self.top_k > 0 && self.top_k < candidates.len() {
            candidates.select_nth_unstable_by(self.top_k - 1, descending);
            candidates.truncate(self.top_k);
        }
        candidates.sort_unstable_by(descending);
        let Some(&(best, largest)) = candidates.first() else { return 0 };
        // With an infinite logit the difference below would not be a number.
        if largest == f32::INFINITY {
            return best;
        }
        let weight = |logit: f32| (f64::from(logit - largest) / f64::from(self.temperature)).exp();
        let mut cumulative: Vec<f64> = candidates
            .iter()
            .scan(0.0, |sum, &(_, logit)| {
                *sum += weight(logit);
                Some(*sum)
            })
            .collect();
        let total = cumulative.last().copied().unwrap_or(0.0);
        let enough = f64::from(self.top_p) * total;
        let kept = cumulative.iter().position(|&sum| sum >= enough).map_or(cumulative.len(), |index| index + 1);
        cumulative.truncate(kept);
        let drawn = random.next_unit() * cumulative[kept - 1];
        let index = cumulative.partition_point(|&sum| sum <= drawn).min(kept - 1);
        candidates[index].0
    }
}

/// Pseudo-random numbers: SplitMix64 (Steele, Lea and Flood 2014), the same on every target.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, at least 0 and below 1.
    pub fn next_unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Of `ids`, the `count` with the largest logits, the largest first and of equal ones the smaller id.
pub fn best_of(ids: impl Iterator<Item = u32>, logits: &[f32], count: usize) -> Vec<u32> {
    let mut ids: Vec<u32> = ids.collect();
    let descending = |&a: &u32, &b: &u32| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b));
    if (1..ids.len()).contains(&count) {
        ids.select_nth_unstable_by(count - 1, descending);
    }
    ids.truncate(count);
    ids.sort_unstable_by(descending);
    ids
}

/// The ids of the `count` largest logits, at least one.
pub fn most_probable(logits: &[f32], count: usize) -> Vec<u32> {
    best_of((0..).zip(logits).map(|(id, _)| id), logits, count.max(1))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn counts(sampling: Sampling, logits: &[f32]) -> Vec<usize> {
        let mut random = Random::new(7);
        let mut counts = vec![0; logits.len()];
        for _ in 0..20_000 {
            counts[sampling.choose(logits, &mut random) as usize] += 1;
        }
        counts
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        let logits = [1.0f32, 0.0, 2.0, -1.0];
        for temperature in [0.5, 1.0, 2.0] {
            let total: f32 = logits.iter().map(|l| (l / temperature).exp()).sum();
            let sampling = Sampling { temperature, top_k: 0, top_p: 1.0 };
            for (count, logit) in counts(sampling, &logits).into_iter().zip(logits) {
                let expected = (logit / temperature).exp() / total;
                assert!((count as f32 / 20_000.0 - expected).abs() < 0.015, "temperature {temperature}");
            }
        }
    }

    #[test]
    fn top_k_and_top_p_cut() {
        let logits = [1.0, 0.0, 2.0, -1.0];
        let of = |top_k, top_p| counts(Sampling { temperature: 1.0, top_k, top_p }, &logits);
        assert_eq!(of(1, 1.0)[2], 20_000);
        let two = of(2, 1.0);
        assert!(two[1] == 0 && two[3] == 0 && two[0] > 0);
        // probabilities 0.64, 0.24, 0.09, 0.03
        assert_eq!(of(0, 0.5)[2], 20_000);
        assert_eq!(of(0, 0.7)[1], 0);
        assert!(of(0, 0.7)[0] > 0);
        assert_eq!(of(0, 0.9)[3], 0);
        assert!(of(0, 0.9)[1] > 0);
        assert!(of(9, 1.0).iter().all(|&count| count > 0));
    }

    #[test]
    fn odd_logits_and_temperatures_have_defined_answers() {
        let mut random = Random::new(1);
        let all = |temperature| Sampling { temperature, top_k: 0, top_p: 1.0 };
        for sampling in [Sampling::GREEDY, all(1e-9), all(1.0), all(100.0)] {
            assert_eq!(sampling.choose(&[f32::NAN, 3.0, f32::NEG_INFINITY], &mut random), 1);
            assert_eq!(sampling.choose(&[f32::NEG_INFINITY; 3], &mut random), 0);
            assert_eq!(sampling.choose(&[f32::NAN; 3], &mut random), 0);
            assert_eq!(sampling.choose(&[0.0, f32::INFINITY], &mut random), 1);
            assert_eq!(sampling.choose(&[], &mut random), 0);
        }
        assert_eq!(all(1e-9).choose(&[0.0, 0.1], &mut random), 1);
        assert_eq!(Sampling::GREEDY.choose(&[5.0, 5.0], &mut random), 0, "the lower id wins a tie");
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let valid = Sampling { temperature: 1.0, top_k: 40, top_p: 0.9 };
        assert!(valid.validate().is_ok() && Sampling::GREEDY.validate().is_ok());
        for temperature in [-1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(Sampling { temperature, ..valid }.validate().unwrap_err().code(), "invalid-sampling");
        }
        for top_p in [0.0, -1.0, 1.1, f32::NAN] {
            assert_eq!(Sampling { top_p, ..valid }.validate().unwrap_err().code(), "invalid-sampling");
        }
    }

    #[test]
    fn a_seed_gives_the_published_sequence() {
        let mut random = Random::new(1_234_567);
        // First outputs of the reference implementation for this seed: 6457827717110365317, 3203168211198807973.
        assert_eq!(random.next_unit(), (6_457_827_717_110_365_317u64 >> 11) as f64 / (1u64 << 53) as f64);
        assert_eq!(random.next_unit(), (3_203_168_211_198_807_973u64 >> 11) as f64 / (1u64 << 53) as f64);
    }
}
