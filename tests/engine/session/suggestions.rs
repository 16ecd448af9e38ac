//! What may come next.

use headlight::config::Gpt2Config;
use headlight::suggest::{Candidate, candidates, is_allowed, probabilities};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{SHAPE, session_of, session_with};
use crate::made::{END_OF_TEXT, TOKENS, scripted, tokenizer};

/// Probabilities computed in f64, one by one.
fn softmax(logits: &[f32]) -> Vec<f64> {
    let total: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
    logits.iter().map(|&logit| f64::from(logit).exp() / total).collect()
}

fn check_order(candidates: &[Candidate], logits: &[f32]) {
    let expected = softmax(logits);
    for (i, candidate) in candidates.iter().enumerate() {
        assert_eq!(candidate.rank, i + 1);
        assert_eq!(candidate.logit, logits[candidate.id as usize]);
        let probability = expected[candidate.id as usize];
        assert!((f64::from(candidate.probability) - probability).abs() <= 1e-6 + 1e-5 * probability);
    }
    assert!(candidates.windows(2).all(|pair| pair[0].logit >= pair[1].logit));
    assert!(candidates.windows(2).all(|pair| pair[0].logit > pair[1].logit || pair[0].id < pair[1].id));
}

#[test]
fn candidates_come_in_the_order_of_their_probability() {
    for text in ["", "the cat", "€ and", "x  "] {
        let session = session_with(text);
        let logits = session.logits().unwrap();
        let all = session.candidates(SHAPE.vocab_size).unwrap();
        assert_eq!(all.len(), TOKENS, "{text:?}");
        check_order(&all, logits);
        let mut ids: Vec<u32> = all.iter().map(|candidate| candidate.id).collect();
        ids.sort_unstable();
        assert!(ids.into_iter().eq(0..TOKENS as u32));
        for count in [0, 1, 2, 10, TOKENS - 1, TOKENS, usize::MAX] {
            assert_eq!(session.candidates(count).unwrap(), all[..count.min(TOKENS)], "{text:?}, {count}");
        }
    }
}

#[test]
fn among_equals_the_lower_id_comes_first() {
    let mut logits = vec![1.0; TOKENS];
    (logits[7], logits[200]) = (2.0, 2.0);
    for count in [1, 2, 3, 50, TOKENS] {
        let candidates = candidates(&logits, &tokenizer(), b"", count, None);
        check_order(&candidates, &logits);
        let ids = candidates.iter().map(|candidate| candidate.id);
        let expected = [7, 200].into_iter().chain((0..TOKENS as u32).filter(|id| ![7, 200].contains(id)));
        assert!(ids.eq(expected.take(count)), "{count}");
    }
    // No numbers are no reason to fail.
    assert_eq!(candidates(&[f32::NAN; TOKENS], &tokenizer(), b" ", 2, None).len(), 2);
    assert!(candidates(&[], &tokenizer(), b"", 2, None).is_empty());
}

#[test]
fn probabilities_are_of_the_whole_vocabulary() {
    let session = session_with("the cat");
    let logits = session.logits().unwrap();
    let of_all = probabilities(logits);
    assert_eq!(of_all.len(), SHAPE.vocab_size);
    assert!((of_all.iter().map(|&p| f64::from(p)).sum::<f64>() - 1.0).abs() < 1e-5);
    // Tokens that nobody can see have their share all the same.
    let unknown: f32 = of_all[TOKENS..].iter().sum();
    let offered: f32 = session.candidates(usize::MAX).unwrap().iter().map(|candidate| candidate.probability).sum();
    assert!(unknown > 0.0 && (offered + unknown - 1.0).abs() < 1e-5);

    // With a model that has just the tokenizer's tokens, candidates have it all.
    let config = Gpt2Config { vocab_size: TOKENS, ..SHAPE };
    let mut session = session_of(config, &crate::made::hub_tensors(&config, 8));
    session.set_text("the cat").unwrap();
    session.complete().unwrap();
    let total: f32 = session.candidates(TOKENS).unwrap().iter().map(|candidate| candidate.probability).sum();
    assert!((total - 1.0).abs() < 1e-5);
}

#[test]
fn what_cannot_be_typed_is_not_inserted() {
    let tokenizer = tokenizer();
    for candidate in session_with("the cat").candidates(usize::MAX).unwrap() {
        let bytes = tokenizer.bytes(candidate.id);
        match candidate.insert {
            Some(text) => assert_eq!(text.as_bytes(), bytes),
            // Bytes from 128 on are parts of characters; so is the merge of the first two bytes of the euro sign.
            None => assert!(bytes[0] >= 128 || candidate.id == END_OF_TEXT, "{bytes:?}"),
        }
        assert_eq!(candidate.id < 128, bytes.len() == 1 && bytes[0] < 128);
    }
}

#[test]
fn after_a_typed_space_only_words_that_bring_it_are_offered() {
    let tokenizer = tokenizer();
    let (plain, spaced) = (session_with("the cat"), session_with("the cat "));
    assert_eq!(spaced.logits().unwrap(), plain.logits().unwrap());
    let candidates = spaced.candidates(usize::MAX).unwrap();
    check_order(&candidates, spaced.logits().unwrap());
    let with_space: Vec<Candidate> = {
        let all = plain.candidates(usize::MAX).unwrap();
        all.into_iter().filter(|candidate| tokenizer.bytes(candidate.id).starts_with(b" ")).collect()
    };
    assert_eq!(candidates.len(), with_space.len());
    assert!(candidates.len() >= 4);
    for (spaced, plain) in candidates.iter().zip(with_space) {
        assert_eq!((spaced.id, spaced.probability), (plain.id, plain.probability));
        let text = plain.insert.unwrap();
        let rest = text.strip_prefix(' ').unwrap();
        assert_eq!(spaced.insert.as_deref(), (!rest.is_empty()).then_some(rest));
    }
    for id in 0..TOKENS as u32 + 9 {
        assert!(is_allowed(id, &tokenizer, b""));
        assert_eq!(is_allowed(id, &tokenizer, b" "), tokenizer.bytes(id).starts_with(b" "));
    }
    // Two spaces are the person's own, so nothing is held back.
    assert_eq!(session_with("the cat  ").candidates(usize::MAX).unwrap().len(), TOKENS);
    assert_eq!(session_with("  ").candidates(usize::MAX).unwrap().len(), TOKENS);
}

#[test]
fn tokens_without_a_spelling_are_not_offered_even_if_most_probable() {
    let extra = TOKENS as u32 + 2;
    let mut session = session_of(SHAPE, &scripted(&SHAPE, &[extra; SHAPE.n_positions]));
    session.set_text("the").unwrap();
    session.complete().unwrap();
    assert!(probabilities(session.logits().unwrap())[extra as usize] > 0.9, "the model is not as it was made");
    let candidates = session.candidates(usize::MAX).unwrap();
    assert_eq!(candidates.len(), TOKENS);
    assert!(candidates.iter().all(|candidate| candidate.id < TOKENS as u32 && candidate.probability < 0.1));
    assert_eq!(candidates[0].rank, 1);
}
