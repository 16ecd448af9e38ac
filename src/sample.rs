//! Choosing the next token: temperature, top-k, top-p (Holtzman et al. 2020, "The Curious Case of Neural Text
//! Degeneration"), with a seed.

use std::cmp::Ordering;

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
    /// Divides the positive logits of tokens that are in the context already, and multiplies their negative ones (Keskar et al.
    /// 2019, "CTRL"); 1 for no difference.
    pub repetition_penalty: f32,
}

impl Sampling {
    /// Always the most probable token.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: 0, top_p: 1.0, repetition_penalty: 1.0 };

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
        if !(self.repetition_penalty >= 1.0 && self.repetition_penalty <= 2.0) {
            return Err(Error::Sampling { parameter: "repetition penalty", reason: "from 1 to 2" });
        }
        Ok(())
    }

    /// Makes the tokens of `context` less probable.
    pub fn penalise(&self, logits: &mut [f32], context: &[u32]) {
        if self.repetition_penalty == 1.0 {
            return;
        }
        let mut ids = context.to_vec();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit = if *logit > 0.0 { *logit / self.repetition_penalty } else { *logit * self.repetition_penalty };
            }
        }
    }

    /// The tokens that may be chosen, the most probable first, each with the sum of the weights of those up to it; what a
    /// token weighs is in proportion to its chance. Logits that are not numbers are left out.
    fn cumulative(&self, logits: &[f32]) -> Vec<(u32, f64)> {
        let usable = |&(_, logit): &(u32, f32)| logit > f32::NEG_INFINITY;
        let mut candidates: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).filter(usable).collect();
        let descending = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if self.temperature == 0.0 {
            return candidates.into_iter().min_by(descending).map_or(Vec::new(), |(id, _)| vec![(id, 1.0)]);
        }
        if self.top_k > 0 && self.top_k < candidates.len() {
            candidates.select_nth_unstable_by(self.top_k - 1, descending);
            candidates.truncate(self.top_k);
        }
        candidates.sort_unstable_by(descending);
        let Some(&(best, largest)) = candidates.first() else { return Vec::new() };
        // With an infinite logit the difference below would not be a number.
        if largest == f32::INFINITY {
            return vec![(best, 1.0)];
        }
        let weight = |logit: f32| (f64::from(logit - largest) / f64::from(self.temperature)).exp();
        let mut cumulative: Vec<(u32, f64)> = candidates
            .iter()
            .scan(0.0, |sum, &(id, logit)| {
                *sum += weight(logit);
                Some((id, *sum))
            })
            .collect();
        let enough = f64::from(self.top_p) * cumulative[cumulative.len() - 1].1;
        let kept = cumulative.iter().position(|&(_, sum)| sum >= enough).map_or(cumulative.len(), |index| index + 1);
        cumulative.truncate(kept);
        cumulative
    }

    /// The chance of each token (V) to be chosen.
    pub fn chances(&self, logits: &[f32]) -> Vec<f32> {
        let mut chances = vec![0.0; logits.len()];
        let cumulative = self.cumulative(logits);
        let total = cumulative.last().map_or(1.0, |&(_, sum)| sum);
        let mut before = 0.0;
        for (id, sum) in cumulative {
            chances[id as usize] = ((sum - before) / total) as f32;
            before = sum;
        }
        chances
    }

    /// One token id from logits. Logits that are not numbers are never chosen; if none is a number, the answer is 0.
    pub fn choose(&self, logits: &[f32], random: &mut Random) -> u32 {
        let cumulative = self.cumulative(logits);
        // Where there is no choice, no number is drawn.
        if self.temperature == 0.0 || cumulative.is_empty() {
            return cumulative.first().map_or(0, |&(id, _)| id);
        }
        let drawn = random.next_unit() * cumulative[cumulative.len() - 1].1;
        let index = cumulative.partition_point(|&(_, sum)| sum <= drawn).min(cumulative.len() - 1);
        cumulative[index].0
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

/// Up to so many are kept in order while all others pass by, which of 50,000 is much faster than selecting.
const FEW: usize = 64;

/// The larger logit first, and of equal ones the smaller id.
fn descending(logits: &[f32]) -> impl Fn(&u32, &u32) -> Ordering {
    |&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b))
}

/// Puts `id` where it belongs among the best, of which there are at most `count`.
fn keep(best: &mut Vec<u32>, id: u32, logits: &[f32], count: usize) {
    let descending = descending(logits);
    if best.len() < count || best.last().is_some_and(|last| descending(&id, last).is_lt()) {
        best.insert(best.partition_point(|other| descending(other, &id).is_lt()), id);
        best.truncate(count);
    }
}

/// Of `ids`, the `count` with the largest logits, the largest first and of equal ones the smaller id.
pub fn best_of(ids: impl Iterator<Item = u32>, logits: &[f32], count: usize) -> Vec<u32> {
    if count <= FEW {
        let mut best = Vec::with_capacity(count + 1);
        ids.for_each(|id| keep(&mut best, id, logits, count));
        return best;
    }
    let mut ids: Vec<u32> = ids.collect();
    if (1..ids.len()).contains(&count) {
        ids.select_nth_unstable_by(count - 1, descending(logits));
    }
    ids.truncate(count);
    ids.sort_unstable_by(descending(logits));
    ids
}

/// The ids of the `count` largest logits, at least one.
pub fn most_probable(logits: &[f32], count: usize) -> Vec<u32> {
    const TOGETHER: usize = 32;
    let count = count.max(1);
    if count > FEW {
        return best_of((0..).zip(logits).map(|(id, _)| id), logits, count);
    }
    let mut best = Vec::with_capacity(count + 1);
    for (first, chunk) in (0..).step_by(TOGETHER).zip(logits.chunks(TOGETHER)) {
        // Hardly any chunk has one of the best, so most are passed by at a glance: without ending early, compilers make
        // vector code of it.
        let least = if best.len() == count { logits[best[count - 1] as usize] } else { f32::NAN };
        let is_less = |logit: f32| logit < least;
        if !chunk.iter().fold(true, |all, &logit| all & is_less(logit)) {
            let ids = (first..).zip(chunk).filter(|&(_, &logit)| !is_less(logit)).map(|(id, _)| id);
            ids.for_each(|id| keep(&mut best, id, logits, count));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const FREE: Sampling = Sampling { temperature: 1.0, ..Sampling::GREEDY };

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
            let sampling = Sampling { temperature, ..FREE };
            for (count, logit) in counts(sampling, &logits).into_iter().zip(logits) {
                let expected = (logit / temperature).exp() / total;
                assert!((count as f32 / 20_000.0 - expected).abs() < 0.015, "temperature {temperature}");
            }
        }
    }

    #[test]
    fn top_k_and_top_p_cut() {
        let logits = [1.0, 0.0, 2.0, -1.0];
        let of = |top_k, top_p| counts(Sampling { top_k, top_p, ..FREE }, &logits);
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
    fn chances_are_those_of_choosing() {
        let logits = [1.0, 0.0, 2.0, -1.0, f32::NEG_INFINITY];
        for (temperature, top_k, top_p) in [(1.0, 0, 1.0), (0.5, 3, 1.0), (2.0, 0, 0.8), (0.0, 0, 1.0)] {
            let sampling = Sampling { temperature, top_k, top_p, ..FREE };
            let chances = sampling.chances(&logits);
            assert!((chances.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            for (count, chance) in counts(sampling, &logits).into_iter().zip(chances) {
                assert!((count as f32 / 20_000.0 - chance).abs() < 0.015, "{sampling:?}");
            }
        }
        assert_eq!(FREE.chances(&[f32::NAN, 1.0]), [0.0, 1.0]);
        assert!(FREE.chances(&[]).is_empty());
    }

    #[test]
    fn repeated_tokens_are_penalised_once() {
        let mut logits = [4.0, -1.0, 1.0];
        Sampling { repetition_penalty: 2.0, ..FREE }.penalise(&mut logits, &[0, 1, 0, 9]);
        assert_eq!(logits, [2.0, -2.0, 1.0]);
        FREE.penalise(&mut logits, &[2]);
        assert_eq!(logits, [2.0, -2.0, 1.0]);
    }

    #[test]
    fn odd_logits_and_temperatures_have_defined_answers() {
        let mut random = Random::new(1);
        let all = |temperature| Sampling { temperature, ..FREE };
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
        let valid = Sampling { top_k: 40, top_p: 0.9, ..FREE };
        assert!(valid.validate().is_ok() && Sampling::GREEDY.validate().is_ok());
        for temperature in [-1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(Sampling { temperature, ..valid }.validate().unwrap_err().code(), "invalid-sampling");
        }
        for top_p in [0.0, -1.0, 1.1, f32::NAN] {
            assert_eq!(Sampling { top_p, ..valid }.validate().unwrap_err().code(), "invalid-sampling");
        }
        for repetition_penalty in [0.9, 2.1, f32::NAN] {
            assert!(Sampling { repetition_penalty, ..valid }.validate().is_err());
        }
    }

    #[test]
    fn a_seed_gives_the_published_sequence() {
        let mut random = Random::new(1_234_567);
        // First outputs of the reference implementation for this seed: 6457827717110365317, 3203168211198807973.
        assert_eq!(random.next_unit(), (6_457_827_717_110_365_317u64 >> 11) as f64 / (1u64 << 53) as f64);
        assert_eq!(random.next_unit(), (3_203_168_211_198_807_973u64 >> 11) as f64 / (1u64 << 53) as f64);
    }

    #[test]
    fn the_best_are_those_that_sorting_finds() {
        let mut logits: Vec<f32> = (0..500).map(|i| ((i * 7919) % 83) as f32).collect();
        (logits[77], logits[78], logits[333]) = (f32::NAN, -f32::NAN, f32::NEG_INFINITY);
        (logits[90], logits[400], logits[401]) = (f32::INFINITY, -0.0, 0.0);
        let mut sorted: Vec<u32> = (0..500).collect();
        sorted.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
        for count in [0, 1, 2, FEW, FEW + 1, 499, 500, 501] {
            assert_eq!(best_of(0..500, &logits, count), sorted[..count.min(500)], "{count}");
            assert_eq!(most_probable(&logits, count), sorted[..count.clamp(1, 500)], "{count}");
        }
    }
}
