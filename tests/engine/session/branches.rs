//! Several continuations of one text at once, and a text set by its tokens.

use headlight::sample::most_probable;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{SHAPE, letters, reference, session, session_with};

/// The branches, each computed as a text of its own.
fn one_by_one(text: &[u32], count: usize, steps: usize) -> Vec<Vec<u32>> {
    let first = most_probable(&reference(text), count);
    let continued = |first| {
        let mut ids = [text, &[first]].concat();
        while ids.len() < text.len() + steps {
            ids.push(most_probable(&reference(&ids), 1)[0]);
        }
        ids.split_off(text.len())
    };
    first.into_iter().map(continued).collect()
}

#[test]
fn branches_are_what_each_would_be_alone() {
    // Within the first page of the caches, across its end, and in the second.
    for length in [1, 5, 61, 64, 70] {
        let session = session_with(&letters(length));
        for count in [1, 2, 3, 4, 7] {
            let expected = one_by_one(session.tokens(), count, 5);
            assert_eq!(session.branches(count, 5).unwrap(), expected, "{count} branches after {length} tokens");
        }
    }
}

#[test]
fn the_text_stays_as_it_is() {
    let mut session = session_with(&letters(62));
    let (tokens, logits) = (session.tokens().to_vec(), session.logits().unwrap().to_vec());
    session.branches(4, 6).unwrap();
    session.probe().unwrap();
    assert_eq!(session.tokens(), tokens);
    assert_eq!(session.logits().unwrap(), logits);
    let next = session.greedy().unwrap();
    session.push(next).unwrap();
    assert_eq!(session.logits().unwrap(), reference(&[&tokens[..], &[next]].concat()));
}

#[test]
fn branches_that_have_no_room_leave_the_text_alone() {
    let mut session = session_with(&letters(SHAPE.n_positions - 2));
    assert_eq!(session.branches(2, 3).unwrap().len(), 2);
    assert_eq!(session.branches(2, 4).unwrap_err().code(), "context-full");
    assert_eq!(session.branches(33, 2).unwrap_err().code(), "out-of-range");
    // The first token of a branch is known already, so any number of them can be asked for.
    assert_eq!(session.branches(usize::MAX, 1).unwrap().len(), SHAPE.vocab_size);
    assert_eq!(session.branches(0, 1).unwrap().len(), 1);
    let tokens = session.tokens().to_vec();
    session.push(3).unwrap();
    assert_eq!(session.logits().unwrap(), reference(&[&tokens[..], &[3]].concat()));
    session.push(3).unwrap();
    assert_eq!(session.push(3).unwrap_err().code(), "context-full");
    assert_eq!(session.tokens().len(), SHAPE.n_positions);
}

#[test]
fn branches_of_a_text_that_was_longer() {
    let mut session = session_with(&letters(90));
    session.set_text(&letters(10)).unwrap();
    session.complete().unwrap();
    assert_eq!(session.branches(3, 5).unwrap(), one_by_one(session.tokens(), 3, 5));
    session.set_text(&letters(80)).unwrap();
    session.complete().unwrap();
    assert_eq!(session.logits().unwrap(), reference(session.tokens()));
}

#[test]
fn tokens_can_be_set_and_pushed() {
    let mut session = session();
    assert_eq!(session.greedy().unwrap_err().code(), "no-tokens");
    assert_eq!(session.push(1).unwrap_err().code(), "no-tokens");
    assert_eq!(session.branches(1, 1).unwrap_err().code(), "no-tokens");
    session.set_tokens(vec![1, 2, 3]).unwrap();
    let revision = session.revision();
    for (wrong, code) in [
        (vec![], "no-tokens"),
        (vec![SHAPE.vocab_size as u32], "token-out-of-range"),
        (vec![1; SHAPE.n_positions + 1], "context-full"),
    ] {
        assert_eq!(session.set_tokens(wrong).unwrap_err().code(), code);
    }
    assert_eq!((session.tokens(), session.revision()), (&[1, 2, 3][..], revision));
    session.complete().unwrap();
    session.push(4).unwrap();
    assert_eq!(session.logits().unwrap(), reference(&[1, 2, 3, 4]));
    assert_eq!(session.push(SHAPE.vocab_size as u32).unwrap_err().code(), "token-out-of-range");
    // Nothing is reused: whoever measures wants all of it computed.
    session.set_tokens(vec![1, 2, 3]).unwrap();
    assert_eq!(session.advance().unwrap(), 0);
    assert_eq!(session.logits().unwrap(), reference(&[1, 2, 3]));
}
