//! Token ids against the reference tokenizer, with GPT-2's own vocabulary.

use std::sync::LazyLock;

use headlight::tokenizer::Tokenizer;
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::support::property_runner;

static JSON: &[u8] = include_bytes!("../../www/models/built-in/tokenizer.json");
pub(crate) static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::from_json(JSON).unwrap());

#[derive(serde::Deserialize)]
struct Entry {
    text: String,
    ids: Vec<u32>,
}

#[test]
fn ids_equal_the_reference() {
    let entries: Vec<Entry> = serde_json::from_str(include_str!("../golden/tokenizer.json")).unwrap();
    assert!(entries.len() > 200);
    for Entry { text, ids } in entries {
        assert_eq!(TOKENIZER.encode(&text).unwrap(), ids, "{text:?}");
        assert_eq!(TOKENIZER.decode(&ids), text);
    }
}

#[test]
fn the_vocabulary_is_that_of_gpt2() {
    assert_eq!(TOKENIZER.len(), 50_257);
    assert_eq!(TOKENIZER.end_of_text(), 50_256);
    assert_eq!(TOKENIZER.text(262), Some(" the"));
}

#[test]
fn any_text_survives_the_round_trip() {
    property_runner(300)
        .run(&proptest::string::string_regex("(?s).{0,200}").unwrap(), |text| {
            let ids = TOKENIZER.encode(&text).unwrap();
            prop_assert_eq!(TOKENIZER.decode(&ids), text);
            Ok(())
        })
        .unwrap();
}

#[test]
fn long_and_repetitive_texts_are_split_in_linear_time() {
    for text in [" ".repeat(200_000), "a".repeat(200_000), "\n \t".repeat(60_000), "👨‍👩‍👧".repeat(10_000)]
    {
        let ids = TOKENIZER.encode(&text).unwrap();
        assert!(!ids.is_empty());
        assert_eq!(TOKENIZER.decode(&ids), text);
    }
}
