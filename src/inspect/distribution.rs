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
    /// 1 is the most probable of the whole vocabulary.
    pub rank: usize,
    /// As the model gave it.
    pub logit: f32,
    /// Over the whole vocabulary, at temperature 1.
    pub probability: f32,
}

/// Logits with their probabilities.
#[derive(Debug)]
pub(super) struct Distribution<'a> {
    logits: &'a [f32],
    probabilities: Vec<f32>,
}

impl<'a> Distribution<'a> {
    pub(super) fn of(logits: &'a [f32]) -> Self {
        Self { logits, probabilities: suggest::probabilities(logits) }
    }

    /// The ids of the `count` most probable tokens that have a text, the most probable first.
    pub(super) fn best(&self, tokenizer: &Tokenizer, count: usize) -> Vec<u32> {
        sample::best_of(0..self.logits.len().min(tokenizer.len()) as u32, self.logits, count)
    }

    /// The chances of a token.
    pub(super) fn standing(&self, id: u32) -> Standing {
        let (index, logit) = (id as usize, self.logits[id as usize]);
        let above = |(i, &other): (usize, &f32)| other > logit || (other == logit && i < index);
        let rank = 1 + self.logits.iter().enumerate().filter(|&entry| above(entry)).count();
        Standing { rank, logit, probability: self.probabilities[index] }
    }

    /// A token and its chances.
    pub(super) fn guess(&self, tokenizer: &Tokenizer, id: u32) -> Guess {
        Guess { token: Token::new(id, tokenizer), standing: self.standing(id) }
    }

    /// The `count` most probable tokens.
    pub(super) fn guesses(&self, tokenizer: &Tokenizer, count: usize) -> Vec<Guess> {
        self.best(tokenizer, count).into_iter().map(|id| self.guess(tokenizer, id)).collect()
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
