//! Logits as chances of tokens.

use serde::Serialize;

use crate::sample;
use crate::suggest;
use crate::tokenizer::{Token, Tokenizer};

/// A token and its chances.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Guess {
    /// The token.
    pub token: Token,
    /// Its chances.
    #[serde(flatten)]
    pub standing: Standing,
}

/// The chances of a token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Standing {
    /// 1 is the most probable.
    pub rank: usize,
    /// As the model gave it.
    pub logit: f32,
    /// Over the whole vocabulary, at temperature 1.
    pub probability: f32,
}

/// Logits with their probabilities.
pub(super) struct Distribution<'a> {
    tokenizer: &'a Tokenizer,
    logits: &'a [f32],
    probabilities: Vec<f32>,
}

impl<'a> Distribution<'a> {
    pub(super) fn of(logits: &'a [f32], tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, logits, probabilities: suggest::probabilities(logits) }
    }

    /// The ids of the `count` most probable tokens, the most probable first. Those that the tokenizer does not have are left
    /// out, here and when tokens are ranked.
    pub(super) fn best(&self, count: usize) -> Vec<u32> {
        sample::best_of(0..self.tokenizer.len() as u32, self.logits, count)
    }

    /// The chances of a token.
    pub(super) fn standing(&self, id: u32) -> Standing {
        let (index, logit) = (id as usize, self.logits[id as usize]);
        let above = |(i, &other): (usize, &f32)| other > logit || (other == logit && i < index);
        let known = &self.logits[..self.tokenizer.len()];
        let rank = 1 + known.iter().enumerate().filter(|&entry| above(entry)).count();
        self.at_rank(id, rank)
    }

    fn at_rank(&self, id: u32, rank: usize) -> Standing {
        Standing { rank, logit: self.logits[id as usize], probability: self.probabilities[id as usize] }
    }

    /// A token and its chances.
    pub(super) fn guess(&self, id: u32) -> Guess {
        Guess { token: Token::new(id, self.tokenizer), standing: self.standing(id) }
    }

    /// The `count` most probable tokens.
    pub(super) fn guesses(&self, count: usize) -> Vec<Guess> {
        let guess = |(id, rank)| Guess { token: Token::new(id, self.tokenizer), standing: self.at_rank(id, rank) };
        self.best(count).into_iter().zip(1..).map(guess).collect()
    }

    /// Kullback-Leibler divergence of `other` from this, in nats.
    pub(super) fn divergence(&self, other: &Self) -> f64 {
        let log_total = |logits: &[f32]| {
            let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            let total: f64 = logits.iter().map(|&logit| f64::from(logit - largest).exp()).sum();
            total.ln() + f64::from(largest)
        };
        let (own, others) = (log_total(self.logits), log_total(other.logits));
        let term = |(&a, &b): (&f32, &f32)| {
            let (a, b) = (f64::from(a) - own, f64::from(b) - others);
            a.exp() * (a - b)
        };
        self.logits.iter().zip(other.logits).map(term).sum::<f64>().max(0.0)
    }
}
