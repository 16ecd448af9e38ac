//! The JSON beside the weights: manifest, configuration, tokenizer.

use headlight::checkpoint::manifest::{MAX_SHARD_BYTES, Manifest};
use headlight::config::Gpt2Config;
use headlight::tokenizer::Tokenizer;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{code, padded};
use crate::made::{END_OF_TEXT, TOKENS, tokenizer_json};

/// A valid manifest.
fn manifest() -> Value {
    let file = |name: &str, size: u64| json!({"file": name, "size": size, "sha256": "0123456789abcdef".repeat(4)});
    json!({
        "format": "headlight",
        "version": 1,
        "name": "any name: <b>\u{202e}",
        "config": {
            "vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12, "n_inner": 3072,
            "layer_norm_epsilon": 1e-5, "eos_token_id": 50256,
        },
        "block": 64,
        "tokenizer": [file("vocab.json", 10), file("merges.txt", 20)],
        "shards": [file("weights-000-0123abcd.safetensors", 30), file("A_b-C.9", MAX_SHARD_BYTES)],
        "source": {"repository": "somebody/something", "revision": "main"},
        "licence": "MIT",
    })
}

/// A valid `config.json`.
fn config() -> Value {
    json!({
        "model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024, "n_ctx": 1024, "n_embd": 768, "n_layer": 12,
        "n_head": 12, "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new", "eos_token_id": 50256,
        "something_else": {"with": ["whatever"]},
    })
}

/// `document` with the value at `pointer` set; its parent must exist.
fn set(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(array) => array[key.parse::<usize>().unwrap()] = value,
        Value::Object(object) => _ = object.insert(key.to_owned(), value),
        other => panic!("{other}"),
    }
    document
}

fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    document
}

fn of_manifest(document: &Value) -> &'static str {
    code(Manifest::from_json(document.to_string().as_bytes()))
}

fn of_config(document: &Value) -> &'static str {
    code(Gpt2Config::from_hub_json(document.to_string().as_bytes()))
}

#[test]
fn a_manifest_says_everything_and_nothing_else() {
    assert_eq!(of_manifest(&manifest()), "accepted");
    assert_eq!(of_manifest(&without(without(manifest(), "/source"), "/licence")), "accepted");
    let written = serde_json::to_vec(&Manifest::from_json(manifest().to_string().as_bytes()).unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap()["shards"], manifest()["shards"]);
    for pointer in [
        "/format",
        "/version",
        "/name",
        "/config",
        "/block",
        "/tokenizer",
        "/shards",
        "/config/n_inner",
        "/config/eos_token_id",
        "/shards/0/size",
        "/shards/0/sha256",
        "/tokenizer/1/file",
    ] {
        assert_eq!(of_manifest(&without(manifest(), pointer)), "invalid-json", "{pointer}");
        assert_eq!(of_manifest(&set(manifest(), pointer, Value::Null)), "invalid-json", "{pointer}");
    }
    for parent in ["", "/config", "/source", "/shards/1", "/tokenizer/0"] {
        assert_eq!(of_manifest(&set(manifest(), &format!("{parent}/more"), json!(1))), "invalid-json", "{parent}");
    }
    let twice = manifest().to_string().replacen(r#""block":64"#, r#""block":64,"block":64"#, 1);
    assert_eq!(code(Manifest::from_json(twice.as_bytes())), "invalid-json");
}

#[test]
fn a_manifest_of_another_format_is_refused() {
    for (pointer, value, expected) in [
        ("/format", json!("Headlight"), "invalid-manifest"),
        ("/format", json!(""), "invalid-manifest"),
        ("/version", json!(0), "invalid-manifest"),
        ("/version", json!(2), "invalid-manifest"),
        ("/version", json!(u32::MAX), "invalid-manifest"),
        ("/version", json!(-1), "invalid-json"),
        ("/version", json!(1.0), "invalid-json"),
        ("/version", json!("1"), "invalid-json"),
        ("/block", json!(0), "invalid-manifest"),
        ("/block", json!(32), "invalid-manifest"),
        ("/block", json!(-64), "invalid-json"),
        ("/config/n_head", json!(0), "unsupported-config"),
        ("/config/n_head", json!(7), "unsupported-config"),
        ("/config/n_layer", json!(1000), "unsupported-config"),
        ("/config/layer_norm_epsilon", json!(0), "unsupported-config"),
        ("/config/eos_token_id", json!(50257), "unsupported-config"),
        ("/shards", json!([]), "invalid-manifest"),
        ("/shards/0/size", json!(-1), "invalid-json"),
        ("/shards/0/size", json!(1.5), "invalid-json"),
        ("/shards/0/size", json!(MAX_SHARD_BYTES + 1), "invalid-manifest"),
        ("/shards/0/size", json!(u64::MAX), "invalid-manifest"),
        ("/shards/1/file", json!("weights-000-0123abcd.safetensors"), "invalid-manifest"),
        ("/name", json!(["a"]), "invalid-json"),
        ("/source", json!("somewhere"), "invalid-json"),
    ] {
        assert_eq!(of_manifest(&set(manifest(), pointer, value.clone())), expected, "{pointer}: {value}");
    }
    let shard = |i: u32| set(manifest()["shards"][0].clone(), "/file", json!(format!("{i}")));
    let shards = |count: u32| set(manifest(), "/shards", (0..count).map(shard).collect());
    assert_eq!(of_manifest(&shards(4096)), "accepted");
    assert_eq!(of_manifest(&shards(4097)), "invalid-manifest");
}

#[test]
fn files_of_a_manifest_have_plain_names_and_hashes() {
    let long = "a".repeat(101);
    for name in [
        "",
        ".",
        "..",
        ".hidden",
        "../x",
        "a/b",
        "/x",
        "a\\b",
        "https://example.org/x",
        "x?y",
        "x#y",
        "x%2fy",
        "x y",
        "x\0",
        "x\n",
        "ü",
        "javascript:x",
        &long,
    ] {
        let document = set(manifest(), "/shards/0/file", json!(name));
        assert_eq!(of_manifest(&document), "invalid-manifest", "{name:?}");
    }
    let hash = "0123456789abcdef".repeat(4);
    for sha256 in
        ["", "0", &hash[1..], &format!("{hash}0"), &hash.to_uppercase(), &hash.replace('0', "g"), &"é".repeat(32)]
    {
        for pointer in ["/shards/1/sha256", "/tokenizer/0/sha256"] {
            assert_eq!(of_manifest(&set(manifest(), pointer, json!(sha256))), "invalid-manifest", "{sha256:?}");
        }
    }
}

#[test]
fn the_tokenizer_of_a_manifest_is_one_of_two_kinds() {
    let file = |name: &str| set(manifest()["tokenizer"][0].clone(), "/file", json!(name));
    for (names, expected) in [
        (&["tokenizer.json"][..], "accepted"),
        (&["vocab.json", "merges.txt"], "accepted"),
        (&[], "invalid-manifest"),
        (&["merges.txt", "vocab.json"], "invalid-manifest"),
        (&["vocab.json"], "invalid-manifest"),
        (&["merges.txt"], "invalid-manifest"),
        (&["tokenizer.json", "vocab.json", "merges.txt"], "invalid-manifest"),
        (&["tokenizer.json", "tokenizer.json"], "invalid-manifest"),
        (&["../tokenizer.json"], "invalid-manifest"),
    ] {
        let document = set(manifest(), "/tokenizer", names.iter().map(|name| file(name)).collect());
        assert_eq!(of_manifest(&document), expected, "{names:?}");
    }
}

#[test]
fn other_documents_are_no_manifests() {
    for (bytes, expected) in [
        (&b"<!doctype html><title>404</title>"[..], "wrong-file-kind"),
        (b"\r\n \t<html>", "wrong-file-kind"),
        (b"", "invalid-json"),
        (b"null", "invalid-json"),
        (b"[]", "invalid-json"),
        (b"{}", "invalid-json"),
        (b"{} {}", "invalid-json"),
        (b"\xff\xfe{\0}\0", "invalid-json"),
        (b"\xef\xbb\xbf{}", "invalid-json"),
        (b"404: Not Found", "invalid-json"),
    ] {
        assert_eq!(code(Manifest::from_json(bytes)), expected, "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(code(Manifest::from_json("[".repeat(10_000).as_bytes())), "invalid-json");
    assert_eq!(code(Manifest::from_json("{\"source\":".repeat(10_000).as_bytes())), "invalid-json");
    let padded = |length| padded(&manifest().to_string(), length);
    assert_eq!(code(Manifest::from_json(&padded(1 << 20))), "accepted");
    assert_eq!(code(Manifest::from_json(&padded((1 << 20) + 1))), "invalid-manifest");
}

#[test]
fn configurations_of_gpt2_are_read() {
    let read = |document: Value| Gpt2Config::from_hub_json(document.to_string().as_bytes()).unwrap();
    let expected = Gpt2Config {
        vocab_size: 50257,
        n_positions: 1024,
        n_embd: 768,
        n_layer: 12,
        n_head: 12,
        n_inner: 3072,
        layer_norm_epsilon: 1e-5,
        eos_token_id: 50256,
    };
    assert_eq!(read(config()), expected);
    // What older files leave out, newer ones may set to null.
    for key in ["model_type", "n_ctx", "n_positions", "layer_norm_epsilon", "activation_function", "eos_token_id"] {
        assert_eq!(read(without(config(), &format!("/{key}"))), expected, "{key}");
        assert_eq!(read(set(config(), &format!("/{key}"), Value::Null)), expected, "{key}");
    }
    assert_eq!(read(set(config(), "/n_inner", Value::Null)), expected);
    assert_eq!(read(set(config(), "/n_inner", json!(77))), Gpt2Config { n_inner: 77, ..expected });
    assert_eq!(read(set(config(), "/n_ctx", json!(77))), expected);
    assert_eq!(read(set(config(), "/activation_function", json!("gelu_pytorch_tanh"))), expected);
    for (key, value) in [
        ("scale_attn_weights", true),
        ("scale_attn_by_inverse_layer_idx", false),
        ("add_cross_attention", false),
        ("tie_word_embeddings", true),
        ("reorder_and_upcast_attn", true),
    ] {
        assert_eq!(read(set(config(), &format!("/{key}"), json!(value))), expected);
    }
}

#[test]
fn configurations_of_other_models_are_refused() {
    for (key, value) in [
        ("activation_function", json!("gelu")),
        ("activation_function", json!("relu")),
        ("scale_attn_weights", json!(false)),
        ("scale_attn_by_inverse_layer_idx", json!(true)),
        ("add_cross_attention", json!(true)),
        ("tie_word_embeddings", json!(false)),
        ("vocab_size", json!(0)),
        ("vocab_size", json!(65_537)),
        ("n_positions", json!(0)),
        ("n_positions", json!(4_097)),
        ("n_embd", json!(0)),
        ("n_embd", json!(4_097)),
        ("n_embd", json!(770)),
        ("n_layer", json!(0)),
        ("n_layer", json!(97)),
        ("n_head", json!(0)),
        ("n_head", json!(7)),
        ("n_head", json!(65)),
        ("n_inner", json!(0)),
        ("n_inner", json!(16_385)),
        ("n_inner", json!(u32::MAX)),
        ("layer_norm_epsilon", json!(0)),
        ("layer_norm_epsilon", json!(-1e-5)),
        // As f32 these are 0 and infinite.
        ("layer_norm_epsilon", json!(1e-60)),
        ("layer_norm_epsilon", json!(1e60)),
        ("eos_token_id", json!(50_257)),
        ("eos_token_id", json!(u32::MAX)),
    ] {
        let document = set(config(), &format!("/{key}"), value.clone());
        assert_eq!(of_config(&document), "unsupported-config", "{key}: {value}");
        let error = Gpt2Config::from_hub_json(document.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains(if key == "n_embd" && value == 770 { "n_head" } else { key }), "{error}");
    }
    assert_eq!(of_config(&without(without(config(), "/n_ctx"), "/n_positions")), "unsupported-config");
    for key in ["vocab_size", "n_embd", "n_layer", "n_head"] {
        let pointer = format!("/{key}");
        assert_eq!(of_config(&without(config(), &pointer)), "invalid-json", "{key}");
        for value in [json!(-1), json!(1.5), json!("12"), json!(null), json!([12]), json!(1e300)] {
            assert_eq!(of_config(&set(config(), &pointer, value.clone())), "invalid-json", "{key}: {value}");
        }
        // Beyond 32 bits the parser or the check may be first.
        let huge = of_config(&set(config(), &pointer, json!(u64::MAX)));
        assert!(["invalid-json", "unsupported-config"].contains(&huge), "{key}: {huge}");
    }
}

#[test]
fn configurations_of_other_architectures_are_named() {
    for kind in ["gpt_neo", "GPT2", "<b>", "llama"] {
        assert_eq!(of_config(&set(config(), "/model_type", json!(kind))), "unsupported-architecture", "{kind}");
        // Those have keys of their own instead of GPT-2's.
        let other = json!({"model_type": kind, "hidden_size": 4096}).to_string();
        let error = Gpt2Config::from_hub_json(other.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "unsupported-architecture");
        assert!(error.to_string().contains(kind), "{error}");
    }
    assert_eq!(of_config(&json!({"model_type": 1})), "invalid-json");
}

#[test]
fn other_documents_are_no_configurations() {
    let valid = config().to_string();
    for text in [
        "",
        "{}",
        "[]",
        "null",
        "<html>",
        &valid[..valid.len() - 1],
        &format!("{valid}x"),
        &valid.replacen("0.00001", "NaN", 1),
        &valid.replacen("0.00001", "1e400", 1),
        &valid.replacen(r#""n_embd":768"#, r#""n_embd":768,"n_embd":768"#, 1),
        &"{\"a\":".repeat(10_000),
        &format!(r#"{{"something":{}"#, "[".repeat(10_000)),
    ] {
        let start: String = text.chars().take(100).collect();
        assert_eq!(code(Gpt2Config::from_hub_json(text.as_bytes())), "invalid-json", "{start}");
    }
    assert_eq!(code(Gpt2Config::from_hub_json(&padded(&valid, 1 << 20))), "accepted");
    assert_eq!(code(Gpt2Config::from_hub_json(&padded(&valid, (1 << 20) + 1))), "unsupported-config");
}

#[test]
fn tokenizers_have_every_byte_every_id_and_end_of_text() {
    let valid: Value = serde_json::from_slice(&tokenizer_json()).unwrap();
    let of = |document: &Value| code(Tokenizer::from_json(document.to_string().as_bytes()));
    let token = |name: &str| format!("/model/vocab/{name}");
    assert_eq!(of(&valid), "accepted");
    assert_eq!(of(&set(valid.clone(), &token("<0x-1>"), json!(TOKENS))), "accepted");
    for (pointer, value, expected) in [
        (token("new"), json!(TOKENS + 1), "invalid-tokenizer"),
        (token("new"), json!(0), "invalid-tokenizer"),
        (token("new"), json!(u32::MAX), "invalid-tokenizer"),
        (token("new"), json!(-1), "invalid-json"),
        (token("new"), json!(u64::MAX), "invalid-json"),
        (token("new"), json!("1"), "invalid-json"),
        (token("th"), json!(0), "invalid-tokenizer"),
        ("/model/merges/0".to_owned(), json!(["t", "q"]), "invalid-tokenizer"),
        ("/model/merges/0".to_owned(), json!(["new", "new"]), "invalid-tokenizer"),
        ("/model/merges/0".to_owned(), json!("t"), "invalid-tokenizer"),
        ("/model/merges/0".to_owned(), json!("t h e"), "invalid-tokenizer"),
        ("/model/merges/0".to_owned(), json!(["t"]), "invalid-json"),
        ("/model/merges/0".to_owned(), json!(["t", "h", "e"]), "invalid-json"),
        ("/model/merges".to_owned(), json!({}), "invalid-json"),
        ("/model/vocab".to_owned(), json!([]), "invalid-json"),
        ("/added_tokens".to_owned(), json!([{"id": 0, "content": "new"}]), "invalid-tokenizer"),
        ("/added_tokens".to_owned(), json!([{"id": 0, "content": "<|endoftext|>"}]), "invalid-tokenizer"),
        ("/added_tokens".to_owned(), json!([{"id": TOKENS, "content": "new"}]), "accepted"),
        ("/added_tokens".to_owned(), json!([{"id": END_OF_TEXT, "content": "<|endoftext|>"}]), "accepted"),
        ("/added_tokens".to_owned(), json!([{"content": "new"}]), "invalid-json"),
    ] {
        assert_eq!(of(&set(valid.clone(), &pointer, value.clone())), expected, "{pointer}: {value}");
    }
    for missing in ["a", "Ġ", "Ń", "ÿ", "th", "<|endoftext|>"] {
        assert_eq!(of(&without(valid.clone(), &token(missing))), "invalid-tokenizer", "{missing}");
    }
}

#[test]
fn text_files_of_a_tokenizer_are_checked_line_by_line() {
    let document: Value = serde_json::from_slice(&tokenizer_json()).unwrap();
    let vocab = document["model"]["vocab"].to_string();
    let of = |merges: &[u8]| code(Tokenizer::from_vocab_and_merges(vocab.as_bytes(), merges));
    let good = "#version: 0.2\nt h\nth e\n";
    for merges in ["", "\n\n", good, &good.replace('\n', "\r\n"), good.trim_end()] {
        assert_eq!(of(merges.as_bytes()), "accepted", "{merges:?}");
    }
    for line in ["t", "t h e", " t", "t ", "t\th", "q q", "#version: 0.2", "th th"] {
        assert_eq!(of(format!("{good}{line}\n").as_bytes()), "invalid-tokenizer", "{line:?}");
    }
    assert_eq!(of(b"t h\n\xff e\n"), "invalid-tokenizer");
    assert_eq!(of("x".repeat(10_000_000).as_bytes()), "invalid-tokenizer");
    assert_eq!(of(&vec![b'\n'; (32 << 20) + 1]), "invalid-tokenizer");
    for vocab in ["", "[]", "{\"a\":-1}", "{\"a\":1.5}", "<html>"] {
        assert_eq!(code(Tokenizer::from_vocab_and_merges(vocab.as_bytes(), b"")), "invalid-json", "{vocab}");
    }
}
