//! GGUF files: what llama.cpp's own writer makes, and one file per defect.

use headlight::Result;
use headlight::checkpoint::loader::Loader;
use headlight::checkpoint::manifest::{Manifest, Source};
use headlight::model::Model;
use headlight::model::weights::Precision;
use headlight::tokenizer::Tokenizer;
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::code;
use crate::made::{Folder, logits};
use crate::support::{largest_difference, property_runner};

macro_rules! golden {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../golden/gguf/", $name, ".gguf")))
    };
}

const GOLDENS: [(&str, &[u8]); 3] = [golden!("f32"), golden!("f16"), golden!("q8_0")];
const EXPECTED: &str = include_str!("../../golden/gguf/golden.json");

fn load(file: &[u8], precision: Precision, part: usize) -> Result<(Model, Tokenizer)> {
    let mut loader = Loader::from_gguf("x.gguf", precision, false);
    loader.begin("x.gguf", false)?;
    for part in file.chunks(part) {
        loader.push(part)?;
    }
    loader.end()?;
    let (model, tokenizer, _) = loader.finish()?;
    Ok((model, tokenizer.unwrap()))
}

fn code_of(file: &[u8]) -> &'static str {
    let codes = [usize::MAX, 1000, 7].map(|part| code(load(file, Precision::Int8, part)));
    assert_eq!(codes, [codes[0]; 3]);
    codes[0]
}

/// A value of a pair.
#[derive(Clone)]
enum Value {
    U32(u32),
    F32(f32),
    Text(&'static str),
    Texts(Vec<String>),
    Numbers(Vec<i32>),
    Raw(u32, Vec<u8>),
}

/// A tensor: name, dimensions (the fastest first), type, offset, content.
type Tensor = (String, Vec<u64>, u32, u64, Vec<u8>);

/// A file in the making.
#[derive(Clone)]
struct File {
    magic: [u8; 4],
    version: u32,
    tensor_count: Option<u64>,
    pair_count: Option<u64>,
    pairs: Vec<(String, Value)>,
    tensors: Vec<Tensor>,
    alignment: usize,
}

const V: u64 = 259;
const P: u64 = 6;
const C: u64 = 32;
const F: u64 = 64;

fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

impl File {
    /// A valid one, of one layer.
    fn new() -> Self {
        let mut tokens: Vec<String> = (0..=255u8).map(|byte| crate::made::spell(byte).to_string()).collect();
        tokens.extend(["th", "the", "<|endoftext|>"].map(str::to_owned));
        let pairs = vec![
            ("general.architecture", Value::Text("gpt2")),
            ("general.name", Value::Text("made")),
            ("gpt2.block_count", Value::U32(1)),
            ("gpt2.context_length", Value::U32(P as u32)),
            ("gpt2.embedding_length", Value::U32(C as u32)),
            ("gpt2.feed_forward_length", Value::U32(F as u32)),
            ("gpt2.attention.head_count", Value::U32(2)),
            ("gpt2.attention.layer_norm_epsilon", Value::F32(1e-5)),
            ("tokenizer.ggml.model", Value::Text("gpt2")),
            ("tokenizer.ggml.pre", Value::Text("gpt-2")),
            ("tokenizer.ggml.tokens", Value::Texts(tokens)),
            ("tokenizer.ggml.token_type", Value::Numbers(vec![1; V as usize])),
            ("tokenizer.ggml.merges", Value::Texts(vec!["t h".to_owned(), "th e".to_owned()])),
            ("tokenizer.ggml.eos_token_id", Value::U32(258)),
        ];
        let mut file = Self {
            magic: *b"GGUF",
            version: 3,
            tensor_count: None,
            pair_count: None,
            pairs: pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            tensors: Vec::new(),
            alignment: 32,
        };
        for (name, dimensions) in [
            ("token_embd.weight", &[C, V][..]),
            ("position_embd.weight", &[C, P]),
            ("blk.0.attn_norm.weight", &[C]),
            ("blk.0.attn_norm.bias", &[C]),
            ("blk.0.attn_qkv.weight", &[C, 3 * C]),
            ("blk.0.attn_qkv.bias", &[3 * C]),
            ("blk.0.attn_output.weight", &[C, C]),
            ("blk.0.attn_output.bias", &[C]),
            ("blk.0.ffn_norm.weight", &[C]),
            ("blk.0.ffn_norm.bias", &[C]),
            ("blk.0.ffn_up.weight", &[C, F]),
            ("blk.0.ffn_up.bias", &[F]),
            ("blk.0.ffn_down.weight", &[F, C]),
            ("blk.0.ffn_down.bias", &[C]),
            ("output_norm.weight", &[C]),
            ("output_norm.bias", &[C]),
        ] {
            file.add(name, dimensions);
        }
        file
    }

    /// Adds a tensor in F32 after the others.
    fn add(&mut self, name: &str, dimensions: &[u64]) {
        let elements: u64 = dimensions.iter().product();
        let bytes = (0..elements).flat_map(|i| ((i % 7) as f32 * 0.1).to_le_bytes()).collect();
        self.tensors.push((name.to_owned(), dimensions.to_vec(), 0, 0, bytes));
        self.place();
    }

    /// Gives every tensor the place that follows the one before.
    fn place(&mut self) {
        let mut position = 0;
        for (.., start, bytes) in &mut self.tensors {
            *start = position;
            position = (position + bytes.len() as u64).next_multiple_of(self.alignment as u64);
        }
    }

    fn set(&mut self, key: &str, value: Value) {
        self.pairs.iter_mut().find(|(other, _)| other == key).unwrap().1 = value;
    }

    fn remove(&mut self, key: &str) {
        self.pairs.retain(|(other, _)| other != key);
    }

    fn header(&self) -> Vec<u8> {
        let mut bytes = self.magic.to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.tensor_count.unwrap_or(self.tensors.len() as u64).to_le_bytes());
        bytes.extend(self.pair_count.unwrap_or(self.pairs.len() as u64).to_le_bytes());
        for (key, value) in &self.pairs {
            bytes.extend(string(key.as_bytes()));
            let (kind, value) = match value {
                Value::U32(number) => (4, number.to_le_bytes().to_vec()),
                Value::F32(number) => (6, number.to_le_bytes().to_vec()),
                Value::Text(text) => (8, string(text.as_bytes())),
                Value::Texts(texts) => {
                    let head = [&8u32.to_le_bytes()[..], &(texts.len() as u64).to_le_bytes()].concat();
                    (9, [head, texts.iter().flat_map(|text| string(text.as_bytes())).collect()].concat())
                }
                Value::Numbers(numbers) => {
                    let head = [&5u32.to_le_bytes()[..], &(numbers.len() as u64).to_le_bytes()].concat();
                    (9, [head, numbers.iter().flat_map(|number| number.to_le_bytes()).collect()].concat())
                }
                Value::Raw(kind, bytes) => (*kind, bytes.clone()),
            };
            bytes.extend(kind.to_le_bytes());
            bytes.extend(value);
        }
        for (name, dimensions, kind, start, _) in &self.tensors {
            bytes.extend(string(name.as_bytes()));
            bytes.extend((dimensions.len() as u32).to_le_bytes());
            bytes.extend(dimensions.iter().flat_map(|dimension| dimension.to_le_bytes()));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(start.to_le_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(self.alignment), 0);
        bytes
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header();
        for (.., content) in &self.tensors {
            bytes.extend(content);
            bytes.resize(bytes.len().next_multiple_of(self.alignment), 0);
        }
        bytes
    }
}

/// The code of the made file after a change.
fn code_after(change: impl FnOnce(&mut File)) -> &'static str {
    let mut file = File::new();
    change(&mut file);
    code_of(&file.bytes())
}

#[test]
fn the_writers_own_files_give_the_references_numbers() {
    let expected: serde_json::Value = serde_json::from_str(EXPECTED).unwrap();
    let numbers = |key: &str| expected[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap());
    let ids: Vec<u32> = numbers("ids").map(|id| id as u32).collect();
    for (name, file) in GOLDENS {
        let expected: Vec<f32> = numbers(name).map(|logit| logit as f32).collect();
        let (model, tokenizer) = load(file, Precision::F32, 1000).unwrap();
        let largest = expected.iter().fold(0.0f32, |largest, logit| largest.max(logit.abs()));
        let off = largest_difference(&logits(&model, &ids), &expected);
        assert!(off <= 3e-5 * largest, "{name}: {off}");
        let (model, _) = load(file, Precision::Int8, usize::MAX).unwrap();
        let off = largest_difference(&logits(&model, &ids), &expected);
        assert!(off <= 0.05 * largest, "{name}: {off} of {largest}");
        assert_eq!(tokenizer.len(), 300);
        assert_eq!(tokenizer.encode("ab bc<|endoftext|>").unwrap(), [256, 32, 257, 299]);
    }
}

#[test]
fn parts_of_any_size_give_the_same_weights() {
    for (_, file) in GOLDENS {
        let weights = |part| format!("{:?}", load(file, Precision::Int8, part).unwrap().0.weights);
        let whole = weights(usize::MAX);
        for part in [1, 33, 34, 4096] {
            assert!(weights(part) == whole);
        }
        property_runner(10)
            .run(&proptest::collection::vec(1..9000usize, 1..60), |sizes| {
                let mut loader = Loader::from_gguf("x", Precision::Int8, false);
                loader.begin("x", false).unwrap();
                let (mut rest, mut sizes) = (file, sizes.into_iter().cycle());
                while !rest.is_empty() {
                    let (part, after) = rest.split_at(sizes.next().unwrap().min(rest.len()));
                    loader.push(part).unwrap();
                    rest = after;
                }
                loader.end().unwrap();
                let weights = format!("{:?}", loader.finish().unwrap().0.weights);
                prop_assert!(weights == whole);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn a_file_becomes_a_folder_and_stored_shards_are_taken_back() {
    let (_, file) = GOLDENS[1];
    let begun = || {
        let mut loader = Loader::from_gguf("x.gguf", Precision::Int8, false);
        loader.expect("x.gguf", Some(file.len() as u64), None).unwrap();
        loader.begin("x.gguf", false).unwrap();
        loader
    };
    let mut loader = begun();
    while let Some(wanted) = loader.wanted() {
        let end = (wanted.end as usize).min(file.len());
        assert!(loader.push_at(wanted.start, &file[wanted.start as usize..end]).unwrap() > 0);
    }
    let mut outputs: Vec<_> = std::iter::from_fn(|| loader.take_output().unwrap()).collect();
    let manifest = loader.manifest("made", Source::default(), "").unwrap();
    loader.end().unwrap();
    let (model, tokenizer, _) = loader.finish().unwrap();
    let expected = format!("{:?}", model.weights);

    let mut again = Loader::from_manifest(&Manifest::from_json(&serde_json::to_vec(&manifest).unwrap()).unwrap());
    let names: Vec<String> = again.files().map(|file| file.name.clone()).collect();
    assert_eq!(names[..2], ["vocab.json", "merges.txt"]);
    for name in names {
        again.begin(&name, false).unwrap();
        again.push(&outputs.iter().find(|output| output.entry.file == name).unwrap().bytes).unwrap();
        again.end().unwrap();
    }
    let (model, same_tokenizer, _) = again.finish().unwrap();
    assert_eq!(format!("{:?}", model.weights), expected);
    let text = "abc def<|endoftext|> ghi ä€";
    let encode = |tokenizer: Option<Tokenizer>| tokenizer.unwrap().encode(text).unwrap();
    assert_eq!(encode(tokenizer), encode(same_tokenizer));

    let mut restored = begun();
    assert!(restored.push_at(0, file).unwrap() < 10_000, "only the header");
    outputs.retain(|output| output.index.is_some());
    for output in &outputs {
        restored.restore(output.index.unwrap(), &output.entry, &output.bytes).unwrap();
    }
    assert!(restored.wanted().is_none());
    restored.end().unwrap();
    assert_eq!(format!("{:?}", restored.finish().unwrap().0.weights), expected);
    // The header's size is that of the file without the last padding, which need not be there.
    let mut other = Loader::from_gguf("x.gguf", Precision::Int8, false);
    other.expect("x.gguf", Some(file.len() as u64 + 64), None).unwrap();
    other.begin("x.gguf", false).unwrap();
    assert_eq!(code(other.push(file)), "wrong-size");
}

#[test]
fn other_versions_types_and_alignments_of_the_same_are_read() {
    assert_eq!(code_after(|_| ()), "accepted");
    assert_eq!(code_after(|file| file.version = 2), "accepted");
    for alignment in [1u32, 8, 64, 4096] {
        let aligned = |file: &mut File| {
            file.pairs.push(("general.alignment".to_owned(), Value::U32(alignment)));
            file.alignment = alignment as usize;
            file.place();
        };
        assert_eq!(code_after(aligned), "accepted", "{alignment}");
    }
    for key in ["general.name", "tokenizer.ggml.pre", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.token_type"] {
        assert_eq!(code_after(|file| file.remove(key)), "accepted", "{key}");
    }
    let wider = |file: &mut File| file.set("gpt2.block_count", Value::Raw(10, 1u64.to_le_bytes().to_vec()));
    assert_eq!(code_after(wider), "accepted");
    let signed = |file: &mut File| file.set("gpt2.block_count", Value::Raw(3, 1i16.to_le_bytes().to_vec()));
    assert_eq!(code_after(signed), "accepted");
    // What is not known is passed over, whatever it holds.
    let more = |file: &mut File| {
        let texts = [&8u32.to_le_bytes()[..], &1u64.to_le_bytes(), &string(b"\xff\xfe")].concat();
        file.pairs.insert(0, ("x".to_owned(), Value::Raw(9, texts)));
        file.pairs.insert(0, ("y".to_owned(), Value::Raw(8, string(b"\xff\xfe"))));
        file.pairs.insert(0, ("z".to_owned(), Value::Raw(7, vec![9])));
        file.pairs.push(("empty".to_owned(), Value::Texts(Vec::new())));
    };
    assert_eq!(code_after(more), "accepted");
    for kind in [1, 2, 8, 12, 14] {
        // The output matrix, in a type that is not read.
        let (elements, bytes) = [(1, 2), (32, 18), (32, 34), (256, 144), (256, 210)][match kind {
            1 => 0,
            2 => 1,
            8 => 2,
            12 => 3,
            _ => 4,
        }];
        let output = |file: &mut File| {
            let content = vec![0xff; (256 * V / elements * bytes) as usize];
            file.tensors.insert(1, ("output.weight".to_owned(), vec![256, V], kind, 0, content));
            file.place();
        };
        assert_eq!(code_after(output), "accepted", "{kind}");
    }
    // Without the padding after the last tensor.
    let mut file = File::new();
    file.tensors.rotate_left(1);
    file.place();
    assert_eq!(code_of(&file.bytes()), "accepted");
}

#[test]
fn other_files_are_named() {
    for (start, found) in [
        (&b"PK\x03\x04\x00\x00\x08\x08"[..], "zip"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF", "pickle"),
        (b"<!doctype html>", "web page"),
        (b"version https://git-lfs", "LFS"),
        (b"{\"a\":1}   ", "JSON"),
        (b"\x08\x07\x12\x07pytorch", "ONNX"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
    ] {
        let file = [start, &[0; 64]].concat();
        assert_eq!(code_of(&file), "wrong-file-kind", "{found}");
        let error = load(&file, Precision::Int8, usize::MAX).err().unwrap().to_string();
        assert!(error.contains(found), "{error}");
    }
    assert_eq!(code_of(b"GGML\0\0\0\0\0\0\0\0"), "invalid-header");
    assert_eq!(code_of(&crate::made::raw("{}", &[])), "invalid-header");
    for length in [0, 3, 4, 23, 24, 100] {
        assert_eq!(code_of(&File::new().bytes()[..length]), "truncated", "{length}");
    }
}

#[test]
fn counts_and_versions_are_checked_before_anything_is_done() {
    for version in [0, 1, 4, u32::MAX, 3u32.swap_bytes()] {
        assert_eq!(code_after(|file| file.version = version), "invalid-header", "{version}");
    }
    for count in [4097, u64::from(u32::MAX) + 1, u64::MAX] {
        assert_eq!(code_after(|file| file.tensor_count = Some(count)), "invalid-header");
        assert_eq!(code_after(|file| file.pair_count = Some(count)), "invalid-header");
    }
    // One tensor less or more than there are, and one pair.
    assert_ne!(code_after(|file| file.tensor_count = Some(15)), "accepted");
    assert_ne!(code_after(|file| file.tensor_count = Some(17)), "accepted");
    assert_ne!(code_after(|file| file.pair_count = Some(13)), "accepted");
    assert_ne!(code_after(|file| file.pair_count = Some(15)), "accepted");
}

#[test]
fn defects_of_pairs_are_refused() {
    let raw = |kind, bytes: &[u8]| {
        let bytes = bytes.to_vec();
        move |file: &mut File| file.pairs.insert(0, ("x".to_owned(), Value::Raw(kind, bytes)))
    };
    let long = u64::MAX.to_le_bytes();
    assert_eq!(code_after(raw(13, &[0; 8])), "invalid-header", "an unknown type");
    assert_eq!(code_after(raw(u32::MAX, &[0; 8])), "invalid-header");
    assert_eq!(code_after(raw(8, &long)), "invalid-header", "a text that is too long");
    assert_eq!(code_after(raw(8, &(1u64 << 32 | 3).to_le_bytes())), "invalid-header");
    let array = |kind: u32, length: u64| [&kind.to_le_bytes()[..], &length.to_le_bytes()].concat();
    assert_eq!(code_after(raw(9, &array(13, 1))), "invalid-header", "an array of an unknown type");
    assert_eq!(code_after(raw(9, &array(9, 1))), "invalid-header", "an array of arrays");
    assert_eq!(code_after(raw(9, &array(12, u64::MAX))), "truncated", "an array that never ends");
    assert_eq!(code_after(raw(9, &array(0, 1 << 40))), "truncated");
    assert_eq!(code_after(|file| file.pairs.push(file.pairs[0].clone())), "duplicate-key");
    assert_eq!(code_after(|file| file.pairs.push(file.pairs[10].clone())), "duplicate-key");
    let not_utf8 = |file: &mut File| {
        file.set("tokenizer.ggml.tokens", {
            Value::Raw(9, [&8u32.to_le_bytes()[..], &1u64.to_le_bytes(), &string(b"\xff")].concat())
        })
    };
    assert_eq!(code_after(not_utf8), "invalid-header");
    for key in ["tokenizer.ggml.tokens", "tokenizer.ggml.merges"] {
        assert_eq!(code_after(|file| file.set(key, Value::Numbers(vec![1]))), "invalid-header", "{key}");
        let many = Value::Raw(9, array(8, (1 << 17) + 1));
        assert_eq!(code_after(|file| file.set(key, many)), "invalid-header", "{key}");
    }
    for alignment in [Value::U32(0), Value::U32(13), Value::U32(1 << 17), Value::Text("32"), Value::F32(32.0)] {
        let set = |file: &mut File| file.pairs.push(("general.alignment".to_owned(), alignment));
        assert_eq!(code_after(set), "invalid-header");
    }
}

#[test]
fn the_model_must_be_a_gpt2_and_say_so() {
    let architecture = |name| code_after(|file| file.set("general.architecture", Value::Text(name)));
    for other in ["llama", "gptneox", "gpt2x", ""] {
        assert_eq!(architecture(other), "unsupported-architecture", "{other}");
    }
    for key in [
        "general.architecture",
        "gpt2.block_count",
        "gpt2.context_length",
        "gpt2.embedding_length",
        "gpt2.feed_forward_length",
        "gpt2.attention.head_count",
        "gpt2.attention.layer_norm_epsilon",
    ] {
        assert_eq!(code_after(|file| file.remove(key)), "invalid-header", "{key}");
        assert_eq!(code_after(|file| file.set(key, Value::Numbers(vec![1]))), "invalid-header", "{key}");
        if key.starts_with("gpt2.") {
            for value in [Value::Text("1"), Value::Raw(5, (-1i32).to_le_bytes().to_vec())] {
                assert_eq!(code_after(|file| file.set(key, value)), "invalid-header", "{key}");
            }
        }
    }
    for (key, value) in [
        ("gpt2.block_count", Value::U32(0)),
        ("gpt2.block_count", Value::U32(u32::MAX)),
        ("gpt2.block_count", Value::Raw(10, u64::MAX.to_le_bytes().to_vec())),
        ("gpt2.embedding_length", Value::U32(1 << 20)),
        ("gpt2.attention.head_count", Value::U32(3)),
        ("gpt2.attention.layer_norm_epsilon", Value::F32(0.0)),
        ("gpt2.attention.layer_norm_epsilon", Value::F32(f32::NAN)),
        ("tokenizer.ggml.eos_token_id", Value::U32(259)),
    ] {
        assert_eq!(code_after(|file| file.set(key, value)), "unsupported-config", "{key}");
    }
    assert_eq!(code_after(|file| file.set("gpt2.block_count", Value::U32(2))), "missing-tensors");
    assert_eq!(code_after(|file| file.set("gpt2.context_length", Value::U32(7))), "unexpected-shape");
}

#[test]
fn the_tokenizer_must_be_that_of_a_gpt2() {
    for (key, value) in [("tokenizer.ggml.model", "llama"), ("tokenizer.ggml.pre", "qwen2"), ("tokenizer.ggml.pre", "")]
    {
        assert_eq!(code_after(|file| file.set(key, Value::Text(value))), "invalid-tokenizer", "{value}");
    }
    assert_eq!(code_after(|file| file.remove("tokenizer.ggml.model")), "invalid-tokenizer");
    assert_eq!(code_after(|file| file.remove("tokenizer.ggml.tokens")), "unsupported-config");
    type Change = fn(&mut Vec<String>);
    let changes: [(Change, &str); 5] = [
        (|tokens| tokens[256] = "the".to_owned(), "invalid-tokenizer"),
        (|tokens| tokens[65] = "<0x-1>".to_owned(), "invalid-tokenizer"),
        (|tokens| tokens[258] = "<end>".to_owned(), "invalid-tokenizer"),
        (|tokens| _ = tokens.pop(), "unsupported-config"),
        (|tokens| tokens.push("more".to_owned()), "unexpected-shape"),
    ];
    for (i, (change, expected)) in changes.into_iter().enumerate() {
        let changed = |file: &mut File| {
            let Value::Texts(tokens) = &mut file.pairs[10].1 else { panic!() };
            change(tokens);
        };
        assert_eq!(code_after(changed), expected, "{i}");
    }
    for merge in ["t", "t h e", "x\ny z", "th 9", "th th", ""] {
        let changed = |file: &mut File| file.set("tokenizer.ggml.merges", Value::Texts(vec![merge.to_owned()]));
        let expected = if merge.is_empty() { "accepted" } else { "invalid-tokenizer" };
        assert_eq!(code_after(changed), expected, "{merge:?}");
    }
}

#[test]
fn defects_of_tensors_are_refused() {
    type Change = fn(&mut Tensor);
    let changes: [(&str, Change, &str); 21] = [
        ("no dimension", |tensor| tensor.1.clear(), "invalid-header"),
        ("five dimensions", |tensor| tensor.1 = vec![1; 5], "invalid-header"),
        ("a dimension more", |tensor| tensor.1.push(1), "unexpected-shape"),
        ("turned", |tensor| tensor.1.reverse(), "unexpected-shape"),
        ("no rows", |tensor| tensor.1[1] = 0, "invalid-offsets"),
        ("too large for 64 bits", |tensor| tensor.1 = vec![1 << 32, 1 << 32], "invalid-offsets"),
        ("too large with its type", |tensor| tensor.1 = vec![1 << 62, 1], "invalid-offsets"),
        ("rows that count from 2^32", |tensor| tensor.1[1] += 1 << 32, "invalid-offsets"),
        ("of an unknown type", |tensor| tensor.2 = 31, "unsupported-dtype"),
        ("of a type far off", |tensor| tensor.2 = u32::MAX, "unsupported-dtype"),
        ("of a type without a name", |tensor| tensor.2 = 4, "unsupported-dtype"),
        ("of a type that is not read", |tensor| tensor.2 = 16, "unsupported-quantisation"),
        ("of a shorter type", |tensor| tensor.2 = 1, "invalid-offsets"),
        ("of blocks that don't fill a row", |tensor| tensor.2 = 12, "invalid-offsets"),
        ("off by one", |tensor| tensor.3 += 1, "invalid-offsets"),
        ("not aligned", |tensor| tensor.3 += 4, "invalid-offsets"),
        ("with a gap before it", |tensor| tensor.3 += 32, "invalid-offsets"),
        ("overlapping", |tensor| tensor.3 = 0, "invalid-offsets"),
        ("at the end of numbers", |tensor| tensor.3 = u64::MAX - 8, "invalid-offsets"),
        ("with a name that is none", |tensor| tensor.0 = "blk.0.attn_qkv".to_owned(), "unexpected-tensor"),
        ("with the name of another", |tensor| tensor.0 = "token_embd.weight".to_owned(), "duplicate-key"),
    ];
    for (what, change, expected) in changes {
        assert_eq!(code_after(|file| change(&mut file.tensors[4])), expected, "{what}");
    }
    for name in
        ["blk.1.attn_norm.weight", "blk.00.attn_norm.weight", "blk.0.attn_q.weight", "output.bias", "h.0.ln_1.weight"]
    {
        let expected = if name.starts_with("h.") { "duplicate-key" } else { "unexpected-tensor" };
        assert_eq!(code_after(|file| file.add(name, &[C])), expected, "{name}");
    }
    for i in 0..16 {
        assert_eq!(code_after(|file| _ = (file.tensors.remove(i), file.place())), "missing-tensors", "{i}");
        let nan = |file: &mut File| file.tensors[i].4[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(code_after(nan), "non-finite-weights", "{i}");
    }
    // Needed, but in a type that is not read.
    let quantised = |file: &mut File| {
        file.tensors[4].2 = 2;
        file.tensors[4].4.truncate(3 * C as usize * 18);
        file.place();
    };
    assert_eq!(code_after(quantised), "unsupported-quantisation");
    // A scale that is infinite.
    let infinite = |file: &mut File| {
        file.tensors[4].2 = 8;
        file.tensors[4].4 = [0, 0x7c].into_iter().chain([1; 32]).cycle().take(3 * C as usize * 34).collect();
        file.place();
    };
    assert_eq!(code_after(infinite), "non-finite-weights");
}

#[test]
fn files_that_end_early_or_late_are_refused() {
    let file = File::new().bytes();
    let header = File::new().header().len();
    for length in [header - 1, header, header + 1, file.len() / 2, file.len() - 129] {
        assert_eq!(code_of(&file[..length]), "truncated", "{length}");
    }
    for more in [1, 32, 1000] {
        assert_eq!(code_of(&[&file[..], &vec![0; more]].concat()), "trailing-bytes", "{more}");
    }
}

#[test]
fn damaged_files_are_refused_or_run() {
    let file = File::new();
    let (file, header) = (file.bytes(), file.header().len());
    let mut seen = std::collections::BTreeMap::new();
    let seen_by = std::cell::RefCell::new(&mut seen);
    let places = prop_oneof![0..24usize, 0..header, header - 1000..header, header..file.len()];
    property_runner(2000)
        .run(&(proptest::collection::vec((places, any::<u8>()), 1..5), 1..5000usize), |(changes, part)| {
            let mut file = file.clone();
            for (place, byte) in changes {
                file[place] = byte;
            }
            let result = load(&file, Precision::Int8, part);
            if let Ok((model, tokenizer)) = &result {
                logits(model, &[1, 2, 3]);
                tokenizer.encode("the text").unwrap();
            }
            *seen_by.borrow_mut().entry(code(result)).or_insert(0) += 1;
            Ok(())
        })
        .unwrap();
    for code in ["accepted", "invalid-header", "truncated", "invalid-offsets", "unexpected-tensor"] {
        assert!(seen.contains_key(code), "{code}: {seen:?}");
    }
}

#[test]
fn a_folder_of_it_runs_as_the_file_does() {
    let (model, _) = load(GOLDENS[2].1, Precision::Int8, usize::MAX).unwrap();
    let expected = logits(&model, &[1, 2]);
    assert_eq!(logits(&Folder::of(model).load(1000).unwrap(), &[1, 2]), expected);
}
