//! What can't be answered is refused under its own code, and does no harm.

use std::cell::RefCell;

use headlight::inspect::{Inspection, MAX_TRACE_TOKENS, Progress, Trace, TraceModel};
use proptest::prelude::*;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{answer, parsed};
use crate::session::{SHAPE, letters, reference, session, session_with};
use crate::support::property_runner;

/// One request of each kind about position `p`, layer `l` and head `h`.
fn requests(p: u64, l: u64, h: u64, of: &str) -> Vec<Value> {
    let cut = json!({ "layer": l, "head": h, "row": p, "column": p });
    let place = json!({ "layer": l, "head": h });
    vec![
        json!({ "kind": "attention", "layer": l, "head": h, "of": of }),
        json!({ "kind": "attention-rows", "layers": [l], "heads": [h], "from": p, "to": p + 1, "of": of }),
        json!({ "kind": "thumbnails", "layer": l, "cells": h, "of": of }),
        json!({ "kind": "thumbnail-rows", "layers": [l], "from": p, "to": p + 1, "span": 2, "of": of }),
        json!({ "kind": "attention-cell", "layer": l, "head": h, "row": p, "column": p, "of": of }),
        json!({ "kind": "head-vectors", "layer": l, "head": h, "of": of }),
        json!({ "kind": "value-norms", "layer": l, "head": h, "of": of }),
        json!({ "kind": "head-measures", "of": of }),
        json!({ "kind": "journey", "position": p, "top": 3, "of": of }),
        json!({ "kind": "journey-layer", "position": p, "layer": l, "of": of }),
        json!({ "kind": "position-matrix" }),
        json!({ "kind": "lens", "position": p, "top": 3, "token": h, "of": of }),
        json!({ "kind": "why", "position": p, "token": h, "against": l, "of": of }),
        json!({ "kind": "prepare" }),
        json!({ "kind": "alter", "alteration": { "unmasked": [place], "off": [place], "cuts": [cut] }, "top": 2 }),
        json!({ "kind": "compare", "text": "the", "top": 2 }),
        json!({ "kind": "differences", "of": "altered", "pairs": [[p, p]] }),
        json!({ "kind": "forget", "of": "other" }),
    ]
}

#[test]
fn a_trace_has_a_longest_text() {
    let mut longest = session_with(&letters(MAX_TRACE_TOKENS));
    let trace = Trace::record(&mut longest, "as it was typed", TraceModel::default()).unwrap();
    assert_eq!(serde_json::to_value(&trace).unwrap()["tokens"].as_array().unwrap().len(), MAX_TRACE_TOKENS);
    let mut longer = session_with(&letters(MAX_TRACE_TOKENS + 1));
    let refused = Trace::record(&mut longer, "as it was typed", TraceModel::default()).unwrap_err();
    assert_eq!(refused.code(), "invalid-request");
    assert!(refused.to_string().contains("at most 64 tokens; these are 65"), "{refused}");
    // A text that is not computed has nothing to record.
    let mut waiting = session();
    waiting.set_text(&letters(5)).unwrap();
    assert!(Trace::record(&mut waiting, "", TraceModel::default()).is_err());
}

#[test]
fn everything_that_is_there_is_answered() {
    let mut session = session_with(&letters(40));
    for request in requests(30, 1, 2, "text") {
        answer(&mut session, request.clone()).unwrap_or_else(|error| panic!("{request}: {error}"));
    }
}

#[test]
fn what_is_not_there_is_out_of_range() {
    let mut session = session_with(&letters(40));
    let before = session.logits().unwrap().to_vec();
    // One more still fits where a size has 32 bits.
    let huge = u64::from(u32::MAX - 1);
    for (p, l, h) in [(40, 0, 1), (0, 2, 1), (0, 0, huge), (huge, 0, 1), (0, huge, 1), (39, 1, 400)] {
        for request in requests(p, l, h, "text") {
            let result = answer(&mut session, request.clone());
            let code = result.as_ref().map_or_else(headlight::Error::code, |_| "answered");
            let (place, position) = (l < 2 && h < 4, p < 40);
            let fine = match request["kind"].as_str().unwrap() {
                "attention" | "head-vectors" | "value-norms" => place,
                "attention-rows" | "attention-cell" | "alter" => place && position,
                "thumbnails" => l < 2,
                "thumbnail-rows" | "journey-layer" => l < 2 && position,
                "journey" => position,
                "lens" => position && h < 200,
                "why" => position && h < 200 && l < 200,
                "differences" => continue,
                _ => true,
            };
            assert_eq!(code == "answered", fine, "{request}: {code}");
            assert!(fine || ["out-of-range", "token-out-of-range"].contains(&code), "{request}: {code}");
        }
    }
    assert_eq!(session.logits().unwrap(), before);
}

#[test]
fn malformed_requests_are_named() {
    let mut session = session_with("the cat");
    let many = vec![json!({ "layer": 0, "head": 0 }); 5000];
    for request in [
        json!({}),
        json!({ "kind": "attention" }),
        json!({ "kind": "attention", "layer": -1, "head": 0 }),
        json!({ "kind": "attention", "layer": 0.5, "head": 0 }),
        json!({ "kind": "attention", "layer": 0, "head": 0, "tail": 0 }),
        json!({ "kind": "attention", "layer": 0, "head": 0, "of": "nobody" }),
        json!({ "kind": "attend", "layer": 0, "head": 0 }),
        json!({ "kind": "thumbnail-rows", "layers": null, "from": 0, "to": 1, "span": 3 }),
        json!({ "kind": "thumbnail-rows", "layers": null, "from": 0, "to": 1, "span": 0 }),
        json!({ "kind": "attention-rows", "layers": null, "heads": null, "from": 1, "to": 0 }),
        json!({ "kind": "attention-rows", "layers": [0, 0, 0], "heads": null, "from": 0, "to": 1 }),
        json!({ "kind": "attention-rows", "layers": null, "heads": [0, 0, 0, 0, 0], "from": 0, "to": 1 }),
        json!({ "kind": "alter", "alteration": {}, "top": 1 }),
        json!({ "kind": "alter", "alteration": { "unmasked": many, "off": [], "cuts": [] }, "top": 1 }),
    ] {
        assert_eq!(answer(&mut session, request.clone()).unwrap_err().code(), "invalid-request", "{request}");
    }
    answer(&mut session, json!({ "kind": "compare", "text": "the cat", "top": 0 })).unwrap();
    for pairs in [json!([[1, 0], [0, 1]]), json!([[0, 0], [0, 1]])] {
        let request = json!({ "kind": "differences", "of": "other", "pairs": pairs });
        assert_eq!(answer(&mut session, request).unwrap_err().code(), "invalid-request");
    }
}

#[test]
fn runs_that_are_not_there_are_named() {
    let mut session = session_with(&letters(20));
    for of in ["altered", "other"] {
        for request in requests(3, 0, 1, of) {
            let expected = match request["kind"].as_str().unwrap() {
                "position-matrix" | "prepare" | "alter" | "compare" | "forget" => continue,
                "differences" if of == "other" => continue,
                _ => "no-such-run",
            };
            assert_eq!(answer(&mut session, request.clone()).unwrap_err().code(), expected, "{request}");
        }
    }
    let alter = json!({ "kind": "alter", "alteration": { "unmasked": [], "off": [], "cuts": [] }, "top": 1 });
    answer(&mut session, alter).unwrap();
    let ask = json!({ "kind": "head-measures", "of": "altered" });
    answer(&mut session, ask.clone()).unwrap();
    answer(&mut session, json!({ "kind": "forget", "of": "altered" })).unwrap();
    assert_eq!(answer(&mut session, ask).unwrap_err().code(), "no-such-run");
}

#[test]
fn newer_tokens_end_what_is_in_pieces() {
    for count in [10, 95] {
        for request in requests(3, 1, 1, "text") {
            let mut session = session_with(&letters(80));
            let in_pieces = ["head-measures", "lens", "prepare", "alter"].contains(&request["kind"].as_str().unwrap());
            let mut inspection = match Inspection::new(&session, parsed(request.clone()).unwrap()) {
                Ok(inspection) => inspection,
                Err(error) => {
                    assert_eq!((error.code(), &request["kind"]), ("no-such-run", &json!("differences")));
                    continue;
                }
            };
            session.set_text(&letters(count)).unwrap();
            match inspection.advance(&mut session) {
                Err(error) => assert!(in_pieces && error.code() == "superseded", "{request}: {error}"),
                Ok(progress) => assert!(!in_pieces, "{request}: {progress:?}"),
            }
            session.complete().unwrap();
            assert_eq!(session.logits().unwrap(), reference(session.tokens()));
        }
    }
}

#[test]
fn half_computed_and_empty_texts_are_no_danger() {
    let mut empty = session();
    let mut half = session();
    half.set_text(&letters(70)).unwrap();
    half.advance().unwrap();
    for request in requests(3, 1, 1, "text") {
        let refused = |session: &mut _| answer(session, request.clone()).err().map(|error| error.code());
        let (of_empty, of_half) = (refused(&mut empty), refused(&mut half));
        assert!(of_half.is_none_or(|code| ["no-tokens", "no-such-run"].contains(&code)), "{request}: {of_half:?}");
        assert!(of_empty.is_none_or(|code| ["out-of-range", "no-tokens", "no-such-run"].contains(&code)), "{request}");
    }
}

#[test]
fn any_numbers_get_an_answer_or_an_error() {
    let session = RefCell::new(session_with(&letters(12)));
    let number = prop_oneof![0u64..14, 0u64..3, Just(u64::from(u32::MAX)), Just(1 << 40)];
    let of = prop_oneof![Just("text"), Just("altered"), Just("other")];
    property_runner(48)
        .run(&(number.clone(), number.clone(), number, of), |(p, l, h, of)| {
            let session = &mut session.borrow_mut();
            for request in requests(p, l, h, of) {
                let Ok(request) = parsed(request) else { continue };
                let Ok(mut inspection) = Inspection::new(session, request) else { continue };
                while let Ok(Progress::Pending { .. }) = inspection.advance(session) {}
            }
            Ok(())
        })
        .unwrap();
    let session = session.into_inner();
    assert_eq!(session.logits().unwrap(), reference(session.tokens()));
    assert_eq!(SHAPE.n_layer, 2, "the requests above are made for two layers");
}
