//! From logits to what a person may insert.

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
}

/// Probabilities over the whole vocabulary, at temperature 1.
pub fn probabilities(logits: &[f32]) -> Vec<f32> {
    let mut probabilities = logits.to_vec();
    kernels::softmax(&mut probabilities);
    probabilities
}

/// The `count` most probable tokens, the most probable first. Ids that the tokenizer does not have are left out. With
/// `space_typed`, only tokens that begin with a space, which is then not inserted again.
pub fn candidates(logits: &[f32], tokenizer: &Tokenizer, space_typed: bool, count: usize) -> Vec<Candidate> {
    let probabilities = probabilities(logits);
    let known = 0..logits.len().min(tokenizer.len()) as u32;
    let ids = sample::best_of(known.filter(|&id| is_allowed(id, tokenizer, space_typed)), logits, count);
    let candidate = |(i, id): (usize, u32)| Candidate {
        id,
        insert: insertion(id, tokenizer, space_typed),
        rank: i + 1,
        logit: logits[id as usize],
        probability: probabilities[id as usize],
    };
    ids.into_iter().enumerate().map(candidate).collect()
}

/// Whether a token may come next, given that a space at the text's end may have been left for it.
pub fn is_allowed(id: u32, tokenizer: &Tokenizer, space_typed: bool) -> bool {
    !space_typed || tokenizer.bytes(id).first() == Some(&b' ')
}

/// What a person would add to the text by choosing this token.
fn insertion(id: u32, tokenizer: &Tokenizer, space_typed: bool) -> Option<String> {
    let text = tokenizer.text(id).filter(|_| id != tokenizer.end_of_text())?;
    let text = if space_typed { text.strip_prefix(' ')? } else { text };
    (!text.is_empty()).then(|| text.to_owned())
}
