//! Arbitrary and damaged files: whatever they hold, there is an answer, and what is accepted can be run.

use headlight::checkpoint::manifest::Manifest;
use headlight::checkpoint::reader::Reader;
use headlight::config::Gpt2Config;
use headlight::model::weights::Precision;
use headlight::tokenizer::Tokenizer;
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::code;
use crate::made::{Folder, TINY, hub_tensors, logits, model, raw, safetensors, tokenizer_json};
use crate::support::{Collector, GOLDENS, load, property_runner};

/// Bytes: any, and text that looks like the documents that are read.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        proptest::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\\u0077",
            "null",
            "true",
            "-1",
            "0",
            "1",
            "1e400",
            "18446744073709551615",
            "\"dtype\":",
            "\"F32\"",
            "\"shape\":",
            "\"data_offsets\":",
            "\"__metadata__\":",
            "\"wte.weight\":",
            "\"model\":",
            "\"vocab\":",
            "\"merges\":",
            "\"n_embd\":",
            "\"config\":",
            "\"shards\":",
            "a b",
            "\n",
            " ",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,4}",
        any::<char>().prop_map(String::from),
    ];
    let words = proptest::collection::vec(word, 0..60).prop_map(|words| words.concat().into_bytes());
    prop_oneof![words, proptest::collection::vec(any::<u8>(), 0..300)]
}

/// Some bytes of a file changed (place, value), and its end cut off or something added.
fn damage() -> impl Strategy<Value = (Vec<(proptest::sample::Index, u8)>, Option<proptest::sample::Index>, Vec<u8>)> {
    let changes = proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6);
    let cut = proptest::option::weighted(0.1, any::<proptest::sample::Index>());
    let added = prop_oneof![9 => Just(Vec::new()), 1 => proptest::collection::vec(any::<u8>(), 1..9)];
    (changes, cut, added)
}

/// Damages a file; `within` are the bytes that may change.
fn damaged(
    file: &[u8],
    within: std::ops::Range<usize>,
    (changes, cut, added): (Vec<(proptest::sample::Index, u8)>, Option<proptest::sample::Index>, Vec<u8>),
) -> Vec<u8> {
    let mut file = file.to_vec();
    for (index, byte) in changes {
        file[within.start + index.index(within.len())] = byte;
    }
    if let Some(cut) = cut {
        file.truncate(cut.index(file.len()));
    }
    file.extend(added);
    file
}

fn header_length(file: &[u8]) -> usize {
    8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize
}

#[test]
fn any_bytes_have_an_answer() {
    property_runner(3000)
        .run(&anything(), |bytes| {
            for file in [bytes.clone(), raw(&bytes, &[]), raw([b"{", &bytes[..], b"}"].concat(), &[0; 8])] {
                let mut reader = Reader::default();
                let pushed = reader.push(&file, &mut Collector::default());
                code(pushed.and_then(|()| reader.finish()));
            }
            code(Manifest::from_json(&bytes));
            code(Gpt2Config::from_hub_json(&bytes));
            code(Tokenizer::from_json(&bytes));
            code(Tokenizer::from_vocab_and_merges(&bytes, &bytes));
            Ok(())
        })
        .unwrap();
}

#[test]
fn damaged_documents_have_an_answer() {
    let folder = Folder::of(model(TINY, &hub_tensors(&TINY, 1), Precision::Int8).unwrap());
    let manifest = serde_json::to_vec(&folder.manifest()).unwrap();
    let json = tokenizer_json();
    let document: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let vocab = document["model"]["vocab"].to_string();
    property_runner(1000)
        .run(&damage(), |damage| {
            code(Manifest::from_json(&damaged(&manifest, 0..manifest.len(), damage.clone())));
            let config = GOLDENS[0].config;
            code(Gpt2Config::from_hub_json(&damaged(config, 0..config.len(), damage.clone())));
            let merges = "#version: 0.2\nt h\nth e\n".as_bytes();
            let merges = damaged(merges, 0..merges.len(), damage.clone());
            let from_json = Tokenizer::from_json(&damaged(&json, 0..json.len(), damage));
            let from_text = Tokenizer::from_vocab_and_merges(vocab.as_bytes(), &merges);
            for tokenizer in [from_json, from_text].into_iter().flatten() {
                let text = "the cat  sat €ä <|endoftext|>";
                prop_assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()), text);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn damaged_models_are_refused_or_run() {
    let file = safetensors(&hub_tensors(&TINY, 1));
    let header = header_length(&file);
    let mut seen = std::collections::BTreeMap::new();
    let mut runner = property_runner(1500);
    let places = prop_oneof![Just(0..header), Just(0..8), Just(header..file.len())];
    let seen_by = std::cell::RefCell::new(&mut seen);
    runner
        .run(&(damage(), places, 1..5000usize), |(damage, within, part)| {
            let file = damaged(&file, within, damage);
            for precision in [Precision::F32, Precision::Int8] {
                let result = load(TINY, &file, precision, part);
                if let Ok(model) = &result {
                    logits(model, &[1, 2, 3]);
                }
                *seen_by.borrow_mut().entry(code(result)).or_insert(0) += 1;
            }
            Ok(())
        })
        .unwrap();
    // The damage was neither always fatal nor always the same.
    for code in ["accepted", "truncated", "trailing-bytes", "invalid-header", "unexpected-tensor", "non-finite-weights"]
    {
        assert!(seen.contains_key(code), "{code}: {seen:?}");
    }
}

#[test]
fn damaged_shards_with_true_hashes_are_refused_or_run() {
    let folder = Folder::of(model(TINY, &hub_tensors(&TINY, 1), Precision::Int8).unwrap());
    let shard = folder.shards[0].clone();
    let header = header_length(&shard);
    let places = prop_oneof![Just(0..header), Just(header..shard.len())];
    property_runner(1000)
        .run(&(damage(), places, 1..5000usize), |(damage, within, part)| {
            let folder = Folder { shards: vec![damaged(&shard, within, damage)], ..folder.clone() };
            let result = folder.load(part);
            if let Ok(model) = &result {
                logits(model, &[1, 2, 3]);
            }
            code(result);
            Ok(())
        })
        .unwrap();
}
