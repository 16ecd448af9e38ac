//! The most probable tokens, as what a person may insert.

use crate::tokenizer::Tokenizer;
use crate::{kernels, sample};

/// A possible next token.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its id.
    pub id: u32,
    /// What to add to the text; `None` for what can't be typed: a part of a character, end of text.
    pub insert: Option<String>,
    /// 1 is the most probable.
    pub rank: usize,
    /// As the model gave it.
    pub logit: f32,
    /// Over the whole vocabulary, at temperature 1.
    pub probability: f32,
    /// The chance to be sampled.
    pub sampled: f32,
}

/// Probabilities over the whole vocabulary, at temperature 1.
pub fn probabilities(logits: &[f32]) -> Vec<f32> {
    let mut probabilities = logits.to_vec();
    kernels::softmax(&mut probabilities);
    // Of fifty thousand small numbers the kernel's sum in f32 is off by up to a thousandth.
    let total: f64 = probabilities.iter().copied().map(f64::from).sum();
    let correction = if total.is_finite() && total > 0.0 { (1.0 / total) as f32 } else { 1.0 };
    probabilities.iter_mut().for_each(|probability| *probability *= correction);
    probabilities
}

/// The `count` most probable tokens, the most probable first. Ids that the tokenizer does not have are left out. Only tokens
/// that begin with the bytes `given` and go on, of which these are then not inserted again. `chances` (V) are those to be
/// sampled; without them, the probabilities.
pub fn candidates(
    logits: &[f32],
    tokenizer: &Tokenizer,
    given: &[u8],
    count: usize,
    chances: Option<&[f32]>,
) -> Vec<Candidate> {
    let probabilities = probabilities(logits);
    let known = 0..logits.len().min(tokenizer.len()) as u32;
    let ids = sample::best_of(known.filter(|&id| is_allowed(id, tokenizer, given)), logits, count);
    let candidate = |(i, id): (usize, u32)| Candidate {
        id,
        insert: insertion(id, tokenizer, given),
        rank: i + 1,
        logit: logits[id as usize],
        probability: probabilities[id as usize],
        sampled: chances.unwrap_or(&probabilities)[id as usize],
    };
    ids.into_iter().enumerate().map(candidate).collect()
}

/// Whether a token may come next, given that these bytes stand there already.
pub fn is_allowed(id: u32, tokenizer: &Tokenizer, given: &[u8]) -> bool {
    let bytes = tokenizer.bytes(id);
    // A space may be a token of its own, before what can't begin with one.
    bytes.starts_with(given) && (bytes.len() > given.len() || given == b" " || given.is_empty())
}

/// The logits of the tokenizer's tokens; those that are not allowed can't be chosen.
pub fn allowed(logits: &[f32], tokenizer: &Tokenizer, given: &[u8]) -> Vec<f32> {
    let known = (0u32..).zip(&logits[..logits.len().min(tokenizer.len())]);
    known.map(|(id, &logit)| if is_allowed(id, tokenizer, given) { logit } else { f32::NEG_INFINITY }).collect()
}

/// What a person would add to the text by choosing this token.
fn insertion(id: u32, tokenizer: &Tokenizer, given: &[u8]) -> Option<String> {
    let text = tokenizer.text(id).filter(|_| id != tokenizer.end_of_text())?;
    let text = text.get(given.len()..)?;
    (!text.is_empty()).then(|| text.to_owned())
}
