//! Whole words, half-typed ones, and what is around them.

use headlight::session::{Ghost, Kind, Listed, Measured, Search, Session, Settings, Words};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{SHAPE, letters, reference, session};
use crate::made::{END_OF_TEXT, TOKENS};

const EVERY_PASS: Settings = Settings {
    count: 3,
    max_words: 1,
    punctuation: false,
    corrections: false,
    personal: 0.0,
    filter: true,
    passes: 400,
};

fn words(session: &mut Session, text: &str, settings: Settings) -> Words {
    session.begin_words(text, settings).unwrap();
    while session.search().unwrap() != Search::Done {}
    session.words()
}

/// The same by a session that knows nothing else.
fn afresh(text: &str, settings: Settings) -> Words {
    words(&mut session(), text, settings)
}

fn probability(ids: &[u32], next: u32) -> f64 {
    let logits = reference(ids);
    let total: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
    f64::from(logits[next as usize]).exp() / total
}

#[test]
fn a_text_typed_letter_by_letter_has_the_suggestions_of_the_text_at_once() {
    let mut session = session();
    let typed = "the cat, he th";
    for (end, _) in typed.char_indices().chain([(typed.len(), ' ')]).chain(typed.char_indices().rev()) {
        let found = words(&mut session, &typed[..end], EVERY_PASS);
        let expected = afresh(&typed[..end], EVERY_PASS);
        assert_eq!(found.typed, expected.typed);
        let texts = |words: &Words| words.suggestions.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
        if expected.settled && found.settled {
            assert_eq!(texts(&found), texts(&expected), "after {:?}", &typed[..end]);
        }
        for (found, expected) in found.suggestions.iter().zip(&expected.suggestions).filter(|_| found.settled) {
            assert!((found.unconditional / expected.unconditional - 1.0).abs() < 1e-4);
        }
        // For attention, the whole text is computed as well.
        session.complete().unwrap();
        assert_eq!(session.logits().unwrap(), reference(session.tokens()));
    }
}

#[test]
fn a_word_is_as_probable_as_its_tokens_and_its_end() {
    let mut session = session();
    let found = words(&mut session, "the cat", EVERY_PASS);
    assert!(!found.suggestions.is_empty());
    for word in &found.suggestions {
        let base = session.tokenizer().encode("the").unwrap();
        let spelled: Vec<u8> = word.tokens.iter().flat_map(|&id| session.tokenizer().bytes(id)).copied().collect();
        let inserted = format!(" cat{}", word.insert);
        assert_eq!(spelled, inserted.as_bytes());
        let mut ids = base;
        let mut product = 1.0;
        for &id in &word.tokens {
            product *= probability(&ids, id);
            ids.push(id);
        }
        // What a part of a character begins may be anything.
        let sum = |is_wanted: &dyn Fn(u8) -> bool| -> f64 {
            let wanted = |&id: &u32| id == END_OF_TEXT || is_wanted(session.tokenizer().bytes(id)[0]);
            (0..TOKENS as u32).filter(wanted).map(|id| probability(&ids, id)).sum()
        };
        let least = sum(&|first| first.is_ascii() && !first.is_ascii_alphanumeric());
        let most = sum(&|first| !first.is_ascii_alphanumeric());
        let end = word.unconditional / product;
        assert!(least - 1e-4 <= end && end <= most + 1e-4, "{least} to {most}, not {end}");
        assert!(word.model <= 1.0 && word.model >= word.unconditional && word.probability == word.model);
        assert_eq!((word.replace, word.kind), (0, Kind::Word));
    }
}

#[test]
fn spaces_and_empty_texts() {
    let mut session = session();
    let prompt = session.begin_words("", EVERY_PASS).unwrap();
    assert!(prompt.unprompted);
    while session.search().unwrap() != Search::Done {}
    assert_eq!(session.tokens(), [END_OF_TEXT]);
    assert!(session.words().suggestions.iter().all(|word| !word.insert.is_empty()));
    let prompt = session.begin_words("the ", EVERY_PASS).unwrap();
    assert!(prompt.trimmed_space && prompt.tokens == 1);
    while session.search().unwrap() != Search::Done {}
    for word in session.words().suggestions {
        assert!(!word.insert.starts_with(' ') && word.text == word.insert);
    }
}

#[test]
fn odd_texts_have_suggestions_of_whole_characters() {
    let mut session = session();
    let settings =
        Settings { passes: 12, max_words: 3, corrections: true, punctuation: true, personal: 0.2, ..EVERY_PASS };
    for text in [
        "今天天气",
        "हिन्दी में",
        "👩\u{200d}👩\u{200d}👧 ",
        "שלום עולם",
        "\u{202e}x\u{0}",
        "don't",
        "e\u{301}",
        "\n\n",
        "<|endoftext|>",
    ] {
        for (end, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let found = words(&mut session, &text[..end], settings);
            for word in &found.suggestions {
                assert!(!word.text.contains('\u{fffd}') && !word.insert.is_empty() && !word.text.is_empty());
                let parts: String = word.parts.iter().map(|part| &*part.text).collect();
                assert_eq!(parts, word.insert);
                assert!((0.0..=1.0 + 1e-6).contains(&word.probability));
            }
            session.complete().unwrap();
        }
    }
}

#[test]
fn long_texts_keep_room_for_words() {
    let mut session = session();
    for count in [60, 95, 96, 97, 400] {
        let text = format!("{} c", letters(count));
        let found = words(&mut session, &text, Settings { passes: 8, ..EVERY_PASS });
        assert!(session.tokens().len() <= SHAPE.n_positions);
        assert!(found.letters > 0.0);
    }
}

#[test]
fn a_persons_words_rise_and_can_be_refused() {
    let mut session = session();
    let settings = Settings { personal: 0.5, ..EVERY_PASS };
    for _ in 0..50 {
        session.learn("the ", "cot", true);
    }
    let found = words(&mut session, "the c", settings);
    let learnt = found.suggestions.iter().find(|word| word.text == "cot").expect("it was learnt");
    assert!(learnt.personal && learnt.probability > learnt.model);
    let off = words(&mut session, "the c", EVERY_PASS);
    assert!(off.suggestions.iter().all(|word| !word.personal));
    let best = off.suggestions[0].text.clone();
    session.reject("the c", &best, true);
    assert!(words(&mut session, "the c", EVERY_PASS).suggestions.iter().all(|word| word.text != best));
    session.reject("the c", &best, false);
    assert_eq!(words(&mut session, "the c", EVERY_PASS).suggestions[0].text, best);
    session.personal.block(&best, true);
    assert!(words(&mut session, "the c", EVERY_PASS).suggestions.iter().all(|word| word.text != best));
}

#[test]
fn what_is_kept_stays_and_the_best_take_the_other_places() {
    let mut session = session();
    let texts = |words: &Words| words.suggestions.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
    let many = words(&mut session, "the c", Settings { count: 8, ..EVERY_PASS });
    assert!(many.settled && many.suggestions.len() == 8);
    let left = |index: usize| many.suggestions[index].insert.clone();
    for kept in [vec![6], vec![7, 4], vec![5, 0], vec![7, 6, 5], vec![3, 4, 5, 6]] {
        session.begin_words("the c", EVERY_PASS).unwrap();
        session.keep(&kept.iter().map(|&index| left(index)).collect::<Vec<_>>());
        while session.search().unwrap() != Search::Done {}
        let found = session.words();
        let others = (0..8).filter(|index| !kept.contains(index)).take(3_usize.saturating_sub(kept.len()));
        let mut expected: Vec<usize> = others.chain(kept.iter().copied()).collect();
        expected.sort_unstable();
        expected.truncate(3);
        assert_eq!(texts(&found), expected.iter().map(|&index| texts(&many)[index].clone()).collect::<Vec<_>>());
        assert_eq!((found.sure, found.settled), (3, true));
        for (one, index) in found.suggestions.iter().zip(expected) {
            assert_eq!(one.probability, many.suggestions[index].probability);
        }
    }
    // It must be wanted, and is found where nothing is known of it yet.
    session.reject("the c", &texts(&many)[5], true);
    session.begin_words("the c", EVERY_PASS).unwrap();
    session.keep(&[left(5)]);
    while session.search().unwrap() != Search::Done {}
    assert_eq!(texts(&session.words()), texts(&many)[..3]);
    let mut fresh = super::session();
    fresh.begin_words("the c", EVERY_PASS).unwrap();
    fresh.keep(&[left(7)]);
    while fresh.search().unwrap() != Search::Done {}
    assert!(texts(&fresh.words()).contains(&texts(&many)[7]));
}

#[test]
fn lists_come_from_what_is_known() {
    let mut session = session();
    assert_eq!(session.listed(5, None).unwrap_err().code(), "no-tokens");
    words(&mut session, "the c", EVERY_PASS);
    let (listed, within) = session.listed(1000, None).unwrap();
    assert_eq!(listed, Listed::Within);
    assert!(!within.is_empty());
    for candidate in within {
        let whole = [b" c", candidate.insert.unwrap_or_default().as_bytes()].concat();
        assert_eq!(session.tokenizer().bytes(candidate.id), whole);
    }
    words(&mut session, "the cat. ", EVERY_PASS);
    let sampling = headlight::sample::Sampling { temperature: 0.7, top_k: 2, ..headlight::sample::Sampling::GREEDY };
    let (listed, after) = session.listed(10, Some(&sampling)).unwrap();
    assert_eq!(listed, Listed::After);
    assert!((after.iter().map(|candidate| candidate.sampled).sum::<f32>() - 1.0).abs() < 1e-5);
    assert!(after[2..].iter().all(|candidate| candidate.sampled == 0.0));
}

#[test]
fn alternatives_are_what_the_model_thought_there() {
    let mut session = session();
    let text = "thé cat sat";
    words(&mut session, text, EVERY_PASS);
    session.complete().unwrap();
    let tokens = session.tokens().to_vec();
    let mut last = 0;
    for index in 0..tokens.len() {
        let found = session.alternatives(index, 5, None).unwrap();
        let before: &[u32] = if index == 0 { &[END_OF_TEXT] } else { &tokens[..index] };
        let expected = reference(before);
        assert_eq!((found.chosen.id, found.chosen.logit), (tokens[index], expected[tokens[index] as usize]));
        assert_eq!(found.candidates.len(), 5);
        assert!(found.range.0 <= last && found.range.1 >= last);
        last = found.range.1;
    }
    assert_eq!(last, text.encode_utf16().count());
    assert_eq!(session.alternatives(tokens.len(), 5, None).unwrap_err().code(), "out-of-range");
}

#[test]
fn surprise_is_that_of_every_token_newest_first() {
    let mut session = session();
    for text in ["the cat sat on the 😀 hat", "the cat sat in a the cat the cat, at a cat", ""] {
        session.begin_surprise(text).unwrap();
        let (mut measured, mut first_before) = (Vec::new(), usize::MAX);
        let (count, bits) = loop {
            match session.measure_surprise().unwrap() {
                Measured::Tokens(first, tokens) => {
                    assert!(first < first_before || tokens.is_empty());
                    if !tokens.is_empty() {
                        first_before = first;
                    }
                    measured.splice(0..0, tokens);
                }
                Measured::All(count, bits) => break (count, bits),
            }
        };
        let ids = session.tokenizer().encode(text).unwrap();
        assert_eq!((count, measured.len()), (ids.len(), ids.len()));
        let mut sum = 0.0;
        for (index, one) in measured.iter().enumerate() {
            let before: Vec<u32> = if index == 0 { vec![END_OF_TEXT] } else { ids[..index].to_vec() };
            let expected = -probability(&before, ids[index]).log2();
            assert!((f64::from(one.bits) - expected).abs() < 1e-3, "{one:?}, not {expected}");
            let logits = reference(&before);
            let above = logits.iter().filter(|&&logit| logit > logits[ids[index] as usize]).count();
            assert_eq!(one.rank as usize, above + 1);
            sum += expected;
        }
        assert!((bits - sum).abs() < 1e-2);
        let end = measured.last().map_or(0, |one| one.range.1);
        assert_eq!(end, text.encode_utf16().count());
    }
}

#[test]
fn phrases_and_ghost_text_go_on_with_whole_words() {
    let mut session = session();
    words(&mut session, "the c", Settings { max_words: 3, ..EVERY_PASS });
    let ghost = loop {
        if let Ghost::Done(ghost) = session.ghost(4, false).unwrap() {
            break ghost.expect("there are suggestions");
        }
    };
    assert!(!ghost.parts.is_empty() && ghost.parts.len() <= 4);
    assert!(ghost.parts.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
    assert_eq!(ghost.insert, ghost.parts.iter().map(|part| &*part.text).collect::<String>());
    let (both, own) = session.followed_by(0, "at the").unwrap();
    assert!(both < own && own < 0.0);
    assert_eq!(session.followed_by(0, "").unwrap().0, own);
    assert_eq!(session.followed_by(99, "x").unwrap_err().code(), "out-of-range");
}

#[test]
fn what_a_letter_will_show_is_known_before_it_is_typed() {
    let settings = Settings { corrections: true, personal: 0.2, ..EVERY_PASS };
    let mut session = session();
    session.learn("he ", "then", true);
    let mut count = 0;
    for text in ["", "the c", "he ", "he t", "he the"] {
        let before = words(&mut session, text, settings);
        for letter in session.next_letters() {
            let foreseen = session.words_after(letter).unwrap();
            assert_eq!(session.words(), before, "{text:?} is still what is asked about");
            let agreeing = before.suggestions.iter().filter(|word| word.insert.starts_with(letter));
            for word in agreeing.filter(|word| word.insert.chars().nth(1).is_some_and(char::is_alphabetic)) {
                assert!(foreseen.suggestions.iter().any(|other| other.text == word.text), "{text:?} {}", word.text);
            }
            let left: Vec<String> = (before.suggestions.iter().filter(|word| word.kind == Kind::Word))
                .filter_map(|word| word.insert.strip_prefix(letter).map(str::to_owned))
                .collect();
            let next = format!("{text}{letter}");
            session.begin_words(&next, settings).unwrap();
            session.keep(&left);
            assert_eq!(session.words(), foreseen, "{text:?} and {letter:?}");
            while session.search().unwrap() != Search::Done {}
            let answer = session.words();
            let text_of = |words: &Words| -> Vec<String> {
                words.suggestions.iter().filter(|word| word.kind == Kind::Word).map(|word| word.text.clone()).collect()
            };
            let (early, late) = (text_of(&foreseen), text_of(&answer));
            let sure = foreseen.sure.min(early.len()).min(late.len());
            assert_eq!(early[..sure], late[..sure], "{text:?} and {letter:?}");
            assert!(answer.settled);
            // Searched beforehand, all of it is there before the letter is typed.
            let mut other = super::session();
            other.learn("he ", "then", true);
            words(&mut other, text, settings);
            while other.search_after(letter).unwrap() != Search::Done {}
            let searched = other.words_after(letter).unwrap();
            assert_eq!((text_of(&searched), searched.settled), (late, true));
            other.begin_words(&next, settings).unwrap();
            other.keep(&left);
            assert_eq!((other.search().unwrap(), other.words()), (Search::Done, searched));
            assert_eq!(words(&mut session, text, settings), before);
            count += 1;
        }
    }
    assert!(count > 3, "{count} letters");
    assert_eq!(session.words_after(' '), None);
}
