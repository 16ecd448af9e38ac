//! Setting texts one after the other.

use std::collections::HashMap;

use headlight::session::{Prompt, Session, dropped_tokens};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{SHAPE, letters, reference, session, session_of, session_with};
use crate::made::{END_OF_TEXT, TINY, hub_tensors, model, tokenizer};
use crate::support::property_runner;

const P: usize = SHAPE.n_positions;

/// Texts that share beginnings with each other.
fn texts() -> Vec<String> {
    let long = letters(80);
    let texts =
        ["", "the cat", "the cat ", "the cat sat", "the dog", "the", " ", "€", "<|endoftext|>", "<|endoftext|>the"];
    let edited = [
        long.clone(),
        format!("{}X{}", &long[..40], &long[41..]),
        format!("{}{}", &long[..40], &long[50..]),
        format!("{}XYZ{}", &long[..40], &long[40..]),
        long[..33].to_owned(),
        long[..32].to_owned(),
        format!("X{long}"),
        letters(P),
        letters(P + 1),
        letters(3 * P),
    ];
    texts.map(str::to_owned).into_iter().chain(edited).collect()
}

#[test]
fn after_any_edit_the_logits_are_those_of_a_fresh_session() {
    let texts = texts();
    let mut fresh = HashMap::new();
    for text in &texts {
        let session = session_with(text);
        assert_eq!(session.logits().unwrap(), reference(session.tokens()), "{text:?}");
        fresh.insert(text, session);
    }
    for before in &texts {
        for after in &texts {
            let mut session = session_with(before);
            let (old, new) = (fresh[before].tokens(), fresh[after].tokens());
            let common = old.iter().zip(new).take_while(|(old, new)| old == new).count();
            // The last token of a text must be computed again unless it was the last before.
            let expected = if old == new { common } else { common.min(new.len() - 1) };
            let revision = session.revision();
            let prompt = session.set_text(after).unwrap();
            assert_eq!((prompt.tokens, prompt.reused), (new.len(), expected), "{before:?} to {after:?}");
            assert_eq!(session.revision() == revision, old == new, "{before:?} to {after:?}");
            assert_eq!(session.logits().is_ok(), old == new, "{before:?} to {after:?}");
            session.complete().unwrap();
            assert_eq!(session.tokens(), new);
            assert_eq!(session.logits().unwrap(), fresh[after].logits().unwrap(), "{before:?} to {after:?}");
        }
    }
}

#[test]
fn interrupted_texts_leave_nothing_wrong_behind() {
    let long = letters(80);
    let mut session = session();
    session.set_text(&long).unwrap();
    assert_eq!(session.advance().unwrap(), 48);
    assert!(session.logits().is_err());
    // What was computed stays where the text is the same, no more.
    let half = format!("{}X", &long[..50]);
    assert_eq!(session.set_text(&half).unwrap().reused, 32);
    assert_eq!(session.set_text(&long[..32]).unwrap().reused, 31);
    assert_eq!(session.set_text(&long).unwrap().reused, 31);
    assert_eq!(session.advance().unwrap(), 17);
    assert_eq!(session.set_text(&format!("{}X", &long[..20])).unwrap().reused, 20);
    session.complete().unwrap();
    assert_eq!(session.logits().unwrap(), reference(session.tokens()));
    assert_eq!(session.advance().unwrap(), 0, "nothing is left to do");
}

#[test]
fn any_sequence_of_edits_and_steps_ends_at_the_same_logits() {
    let piece = prop_oneof!["the cat ?", "[k-m]{0,40}", "(the| cat|  |€|x){0,30}"];
    let text = (0..texts().len(), any::<bool>(), 0..40usize, piece);
    let edit = (text, 0..4usize);
    property_runner(60)
        .run(&proptest::collection::vec(edit, 1..8), |edits| {
            let texts = texts();
            let mut session = session();
            for ((index, append, kept, piece), steps) in edits {
                let start: String = texts[index].chars().take(kept).collect();
                session.set_text(&if append { start + &piece } else { texts[index].clone() }).unwrap();
                for _ in 0..steps {
                    session.advance().unwrap();
                }
            }
            session.complete().unwrap();
            prop_assert_eq!(session.logits().unwrap(), reference(session.tokens()));
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_text_means_end_of_text() {
    let mut session = session();
    let unprompted = Prompt { unprompted: true, tokens: 1, ..Prompt::default() };
    assert_eq!(session.set_text("").unwrap(), unprompted);
    assert_eq!(session.tokens(), [END_OF_TEXT]);
    session.complete().unwrap();
    // The same token, but written by the person.
    let written = Prompt { unprompted: false, reused: 1, ..unprompted };
    assert_eq!(session.set_text("<|endoftext|>").unwrap(), written);
    assert!(session.logits().is_ok());
}

#[test]
fn long_texts_lose_their_start() {
    for count in [1, P - 1, P, P + 1, P + P / 4, P + P / 4 + 1, 2 * P, 10 * P] {
        let text = letters(count);
        let session = session_with(&text);
        let dropped = dropped_tokens(count, P);
        assert_eq!(dropped == 0, count <= P);
        assert_eq!(session.tokens(), &tokenizer().encode(&text).unwrap()[dropped..], "{count}");
        assert_eq!(session.logits().unwrap(), session_with(&text[dropped..]).logits().unwrap(), "{count}");
    }
    let mut session = session();
    assert_eq!(session.set_text(&letters(P)).unwrap(), Prompt { tokens: P, ..Prompt::default() });
    session.complete().unwrap();
    // One token too many makes room for a quarter of the context; until that is full, texts only grow.
    let prompt = session.set_text(&letters(P + 1)).unwrap();
    assert_eq!((prompt.dropped, prompt.tokens), (P / 4, P + 1 - P / 4));
    session.complete().unwrap();
    for count in P + 2..=P + P / 4 {
        let prompt = session.set_text(&letters(count)).unwrap();
        assert_eq!((prompt.dropped, prompt.reused), (P / 4, count - 1 - P / 4), "{count}");
        session.complete().unwrap();
    }
    assert_eq!(session.set_text(&letters(P + P / 4 + 1)).unwrap().dropped, 2 * (P / 4));
}

#[test]
fn one_space_at_the_end_waits_for_the_next_word() {
    for (text, trimmed) in [
        ("the ", true),
        ("€ ", true),
        ("x  ", false),
        ("x   ", false),
        (" ", false),
        ("  ", false),
        ("", false),
        ("x\n ", false),
        ("x\u{a0} ", false),
        ("x\t", false),
        ("x ", true),
        (" x", false),
    ] {
        let mut session = session();
        let prompt = session.set_text(text).unwrap();
        assert_eq!(prompt.trimmed_space, trimmed, "{text:?}");
        let kept = if trimmed { text.trim_end_matches(' ') } else { text };
        let expected = if text.is_empty() { vec![END_OF_TEXT] } else { tokenizer().encode(kept).unwrap() };
        assert_eq!(session.tokens(), expected, "{text:?}");
    }
    let mut session = session_with("the cat");
    let prompt = session.set_text("the cat ").unwrap();
    assert_eq!(prompt.reused, prompt.tokens, "typing a space costs nothing");
}

#[test]
fn what_is_not_there_is_an_error_that_does_no_harm() {
    let mut session = session();
    assert_eq!(session.advance().unwrap_err().code(), "no-tokens");
    assert_eq!(session.complete().unwrap_err().code(), "no-tokens");
    assert_eq!(session.logits().unwrap_err().code(), "no-tokens");
    assert_eq!(session.candidates(5).unwrap_err().code(), "no-tokens");
    assert_eq!(session.generate().unwrap_err().code(), "no-tokens");
    session.set_text("the cat").unwrap();
    assert_eq!(session.logits().unwrap_err().code(), "no-tokens");
    assert_eq!(session.candidates(5).unwrap_err().code(), "no-tokens");
    session.complete().unwrap();
    assert_eq!(session.logits().unwrap(), reference(session.tokens()));
}

#[test]
fn a_model_has_all_tokens_of_its_tokenizer() {
    let small = model(TINY, &hub_tensors(&TINY, 1), headlight::model::weights::Precision::F32).unwrap();
    assert_eq!(Session::new(small, tokenizer()).err().unwrap().code(), "invalid-tokenizer");
}

#[test]
fn a_context_of_one_token_works() {
    let config = headlight::config::Gpt2Config { n_positions: 1, ..SHAPE };
    let mut session = session_of(config, &hub_tensors(&config, 1));
    for (text, dropped) in [("", 0), ("x", 0), ("xy", 1), ("xyz", 2)] {
        assert_eq!(session.set_text(text).unwrap().dropped, dropped);
        session.complete().unwrap();
        assert!(session.logits().is_ok());
        assert_eq!(session.attention(0, 0).unwrap().weights, [1.0]);
    }
}
