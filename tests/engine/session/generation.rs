//! Text that the model writes.

use headlight::model::weights::Precision;
use headlight::sample::Sampling;
use headlight::session::{Session, Step};
use headlight::suggest::probabilities;
use headlight::tokenizer::Tokenizer;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{SHAPE, letters, reference, session_of, session_with};
use crate::made::{END_OF_TEXT, TOKENS, Tensor, hub_tensors, model, scripted, spell, tokenizer, tokenizer_json};

const FREE: Sampling = Sampling { temperature: 1.5, ..Sampling::GREEDY };

/// Up to `count` steps; the ids, the text, and what came instead of another token.
fn generate(session: &mut Session, count: usize) -> (Vec<u32>, String, Option<Step>) {
    let (mut ids, mut all) = (Vec::new(), String::new());
    for _ in 0..count {
        match session.generate().unwrap() {
            Step::Token { id, text, .. } => {
                ids.push(id);
                all += &text;
            }
            end => return (ids, all, Some(end)),
        }
    }
    (ids, all, None)
}

fn generated(text: &str, sampling: Sampling, seed: u64, count: usize) -> (Vec<u32>, String, Option<Step>) {
    let mut session = session_with(text);
    session.begin_generation(sampling, seed).unwrap();
    generate(&mut session, count)
}

/// A session whose model writes `script` from position 1 on.
fn session_that_writes(script: &[u32]) -> Session {
    let mut whole = script.to_vec();
    whole.resize(SHAPE.n_positions, u32::from(b'.'));
    let mut session = session_of(SHAPE, &scripted(&SHAPE, &whole));
    session.set_text("x").unwrap();
    session.complete().unwrap();
    session
}

#[test]
fn greedy_text_is_the_most_probable_token_each_time() {
    let mut session = session_with("the cat");
    session.begin_generation(Sampling::GREEDY, 1).unwrap();
    for _ in 0..40 {
        let best = session.candidates(1).unwrap().remove(0);
        let revision = session.revision();
        match session.generate().unwrap() {
            Step::Token { id, probability, .. } => {
                assert_eq!((id, probability), (best.id, best.probability));
                assert_eq!(session.tokens().last(), Some(&id));
                assert_ne!(session.revision(), revision);
                assert_eq!(session.logits().unwrap(), reference(session.tokens()));
            }
            end => {
                assert_eq!((end, best.id), (Step::EndOfText, END_OF_TEXT));
                break;
            }
        }
    }
    assert_eq!(generated("the cat", Sampling::GREEDY, 1, 40), generated("the cat", Sampling::GREEDY, 2, 40));
}

#[test]
fn a_seed_is_a_text() {
    let texts: Vec<_> = (0..8).map(|seed| generated("the cat", FREE, seed, 20)).collect();
    for (seed, text) in (0..).zip(&texts) {
        assert_eq!(generated("the cat", FREE, seed, 20), *text);
    }
    assert!(texts.windows(2).any(|pair| pair[0] != pair[1]));
    // Beginning anew with the same text and seed repeats it.
    let mut session = session_with("the cat");
    for _ in 0..2 {
        session.set_text("the cat").unwrap();
        session.complete().unwrap();
        session.begin_generation(FREE, 3).unwrap();
        assert_eq!(generate(&mut session, 20), texts[3]);
    }
}

#[test]
fn pieces_of_text_add_up() {
    let tokenizer = tokenizer();
    for seed in 0..30 {
        for (prompt, owed) in [("the cat", ""), ("the cat ", " ")] {
            let (ids, text, end) = generated(prompt, FREE, seed, 60);
            assert_eq!(format!("{owed}{text}"), if ids.is_empty() { owed.to_owned() } else { tokenizer.decode(&ids) });
            assert!(ids.iter().all(|&id| id < TOKENS as u32 && id != END_OF_TEXT));
            assert!(end.is_none_or(|end| end == Step::EndOfText));
        }
    }
}

#[test]
fn characters_come_when_they_are_complete() {
    let euro = "€".as_bytes();
    let [partial] = tokenizer_ids(&euro[..2]);
    for (script, expected) in [
        (vec![u32::from(euro[0]), u32::from(euro[1]), u32::from(euro[2])], vec!["", "", "€"]),
        (vec![partial, u32::from(euro[2]), u32::from(b'a')], vec!["", "€", "a"]),
        // A character that is never completed is left out.
        (vec![partial, u32::from(b'a'), u32::from(0x82u8), u32::from(b'b')], vec!["", "a", "", "b"]),
    ] {
        let mut session = session_that_writes(&script);
        session.begin_generation(Sampling::GREEDY, 0).unwrap();
        for (id, expected) in script.into_iter().zip(expected) {
            let step = session.generate().unwrap();
            let Step::Token { id: found, text, probability } = step else { panic!("{step:?}") };
            assert_eq!((found, text.as_str()), (id, expected));
            assert!(probability > 0.99);
        }
    }
}

/// The ids of tokens with these bytes.
fn tokenizer_ids<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let tokenizer = tokenizer();
    let ids: Vec<u32> = (0..TOKENS as u32).filter(|&id| tokenizer.bytes(id) == bytes).collect();
    ids.try_into().unwrap()
}

#[test]
fn end_of_text_ends_the_text() {
    let mut session = session_that_writes(&[u32::from(b'a'), u32::from(b'b'), END_OF_TEXT, u32::from(b'c')]);
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    assert_eq!(generate(&mut session, 10), (vec![97, 98], "ab".to_owned(), Some(Step::EndOfText)));
    assert_eq!(session.tokens().len(), 3);
    assert_eq!(session.generate().unwrap(), Step::EndOfText);
    assert!(session.candidates(1).unwrap()[0].id == END_OF_TEXT && session.logits().is_ok());
}

#[test]
fn a_full_context_ends_the_text() {
    let room = 5;
    let mut session = session_that_writes(&[u32::from(b'a')]);
    session.set_text(&letters(SHAPE.n_positions - room)).unwrap();
    session.complete().unwrap();
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    let (ids, text, end) = generate(&mut session, 100);
    assert_eq!((ids.len(), text.as_str(), end), (room, ".....", Some(Step::ContextFull)));
    assert_eq!(session.generate().unwrap(), Step::ContextFull);
    assert_eq!(session.tokens().len(), SHAPE.n_positions);
    assert!(session.candidates(3).is_ok() && session.attention(0, 0).is_ok());
    // The session goes on with the text that was written, which is now full itself.
    let whole = session.tokenizer().decode(session.tokens());
    let prompt = session.set_text(&whole).unwrap();
    assert_eq!((prompt.dropped, prompt.reused), (0, SHAPE.n_positions));
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    assert_eq!(session.generate().unwrap(), Step::ContextFull);
    session.set_text("x").unwrap();
    session.complete().unwrap();
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    assert!(matches!(session.generate().unwrap(), Step::Token { id: 97, .. }));
}

#[test]
fn an_owed_space_comes_once() {
    // The most probable token has no space, but after a typed space one is needed; afterwards all are allowed again.
    let [space_cat] = tokenizer_ids(b" cat");
    let mut session = session_that_writes(&[u32::from(b'a'), u32::from(b'b'), u32::from(b'c')]);
    let plain = probabilities(session.logits().unwrap());
    session.set_text("x ").unwrap();
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    let Step::Token { id, text, probability } = session.generate().unwrap() else { panic!() };
    assert!(session.tokenizer().bytes(id).starts_with(b" "));
    assert_eq!(format!(" {text}").as_bytes(), session.tokenizer().bytes(id));
    assert_eq!(probability, plain[id as usize], "of the whole vocabulary");
    // What follows the first word needs no space of its own.
    assert_eq!(session.candidates(usize::MAX).unwrap().len(), TOKENS);
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    assert_eq!(generate(&mut session, 2), (vec![98, 99], "bc".to_owned(), None));

    let mut session = session_that_writes(&[space_cat]);
    session.set_text("x ").unwrap();
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    assert_eq!(generate(&mut session, 1), (vec![space_cat], "cat".to_owned(), None));
    // Without a typed space the word brings its own.
    session.set_text("x").unwrap();
    session.complete().unwrap();
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    assert_eq!(generate(&mut session, 1), (vec![space_cat], " cat".to_owned(), None));
}

#[test]
fn tokens_without_a_spelling_are_never_generated() {
    let extra = TOKENS as u32 + 2;
    let mut session = session_that_writes(&[extra; 90]);
    for sampling in [Sampling::GREEDY, FREE, Sampling { temperature: 100.0, ..FREE }] {
        session.set_text("x").unwrap();
        session.complete().unwrap();
        session.begin_generation(sampling, 7).unwrap();
        let (ids, ..) = generate(&mut session, 80);
        assert!(ids.iter().all(|&id| id < TOKENS as u32), "{ids:?}");
    }
}

#[test]
fn generation_must_be_begun_and_ends_with_another_text() {
    let mut session = session_with("the cat");
    assert_eq!(session.generate().unwrap_err().code(), "no-tokens");
    for sampling in [
        Sampling { temperature: f32::NAN, ..FREE },
        Sampling { temperature: -1.0, ..FREE },
        Sampling { top_p: 0.0, ..FREE },
    ] {
        assert_eq!(session.begin_generation(sampling, 0).unwrap_err().code(), "invalid-sampling");
        assert_eq!(session.generate().unwrap_err().code(), "no-tokens");
    }
    session.begin_generation(FREE, 0).unwrap();
    session.generate().unwrap();
    session.set_text("the cat").unwrap();
    session.complete().unwrap();
    assert_eq!(session.generate().unwrap_err().code(), "no-tokens");
    assert_eq!(session.logits().unwrap(), reference(session.tokens()));
    // Begun before the text is computed, it waits for it.
    session.set_text(&letters(70)).unwrap();
    session.begin_generation(FREE, 0).unwrap();
    assert_eq!(session.generate().unwrap_err().code(), "no-tokens");
    session.advance().unwrap();
    assert_eq!(session.generate().unwrap_err().code(), "no-tokens");
    session.complete().unwrap();
    assert!(session.generate().is_ok());

    let mut empty = super::session();
    empty.begin_generation(FREE, 0).unwrap();
    assert_eq!(empty.generate().unwrap_err().code(), "no-tokens");
}

#[test]
fn typing_after_a_generation_reuses_what_it_computed() {
    let mut session = session_that_writes(&[u32::from(b'a'), u32::from(b'b'), u32::from(b'c')]);
    session.begin_generation(Sampling::GREEDY, 0).unwrap();
    generate(&mut session, 3);
    let logits = session.logits().unwrap().to_vec();
    let prompt = session.set_text("xabc").unwrap();
    assert_eq!((prompt.tokens, prompt.reused), (4, 4));
    assert_eq!(session.logits().unwrap(), logits);
    assert_eq!(session.set_text("xabcq").unwrap().reused, 4);
    assert_eq!(session.set_text("xa").unwrap().reused, 1);
}

/// Weights may be finite and what comes out of them not.
#[test]
fn logits_that_are_no_numbers_do_no_harm() {
    // The first id is what a choice among no numbers falls back to; a hostile vocabulary has nothing there.
    let hostile = {
        let mut json: serde_json::Value = serde_json::from_slice(&tokenizer_json()).unwrap();
        let vocab = json["model"]["vocab"].as_object_mut().unwrap();
        vocab.insert(spell(0).to_string(), TOKENS.into());
        vocab.insert(String::new(), 0.into());
        json.to_string().into_bytes()
    };
    let mut huge = hub_tensors(&SHAPE, 1);
    for tensor in &mut huge {
        let values: Vec<f32> = tensor.floats().into_iter().map(|value| value * 1e38).collect();
        *tensor = Tensor::f32(&tensor.name, &tensor.shape, &values);
    }
    for json in [tokenizer_json(), hostile] {
        for precision in [Precision::Int8, Precision::F32] {
            let tokenizer = Tokenizer::from_json(&json).unwrap();
            let mut session = Session::new(model(SHAPE, &huge, precision).unwrap(), tokenizer).unwrap();
            for text in ["x", "x ", ""] {
                for sampling in [Sampling::GREEDY, FREE] {
                    session.set_text(text).unwrap();
                    session.complete().unwrap();
                    let numbers = session.logits().unwrap().iter().any(|logit| logit.is_finite());
                    assert!(precision == Precision::Int8 || !numbers);
                    session.candidates(10).unwrap();
                    session.attention(0, 0).unwrap();
                    session.attention(1, 1).unwrap();
                    session.begin_generation(sampling, 0).unwrap();
                    session.generate().unwrap();
                }
            }
        }
    }
}
