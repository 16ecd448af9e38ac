//! The streaming reader, with no model behind it.

use headlight::Result;
use headlight::checkpoint::reader::{Reader, TensorInfo, TensorSink};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{code, padded};
use crate::made::{Tensor, raw, safetensors};
use crate::support::{Collector, property_runner};

/// Takes everything; checks that parts are whole elements and follow each other.
#[derive(Default)]
struct Checking {
    current: String,
    bytes: u64,
}

impl TensorSink for Checking {
    fn header(&mut self, _: &[TensorInfo]) -> Result<()> {
        Ok(())
    }

    fn data(&mut self, tensor: &TensorInfo, first: usize, bytes: &[u8]) -> Result<()> {
        if self.current != tensor.name {
            (self.current, self.bytes) = (tensor.name.clone(), 0);
        }
        let elements = tensor.shape.iter().product::<u64>();
        let size = (tensor.end - tensor.start) / elements;
        assert_eq!(self.bytes, first as u64 * size);
        assert_eq!(bytes.len() as u64 % size, 0);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Reads a file in parts that end at `cuts`.
fn read(file: &[u8], cuts: &[usize], sink: &mut impl TensorSink) -> Result<()> {
    let mut reader = Reader::default();
    let mut position = 0;
    for &cut in cuts.iter().chain([&file.len()]) {
        reader.push(&file[position..cut], sink)?;
        position = cut;
    }
    reader.finish()
}

fn code_of(file: &[u8]) -> &'static str {
    let whole = code(read(file, &[], &mut Checking::default()));
    let all_cuts: Vec<usize> = (0..file.len()).collect();
    assert_eq!(whole, code(read(file, &all_cuts, &mut Checking::default())), "byte by byte");
    whole
}

/// The code of a file with this header and as many bytes of data.
fn check(header: &str, data: usize, expected: &str) {
    let start: String = header.chars().take(200).collect();
    assert_eq!(code_of(&raw(header, &vec![0; data])), expected, "{start}");
}

/// A header with one tensor `w` of these fields.
fn one(dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

/// A header of U8 tensors with these names and offsets.
fn several(tensors: &[(&str, u64, u64)]) -> String {
    let entry = |(name, start, end): &(&str, u64, u64)| {
        let shape = end.saturating_sub(*start);
        format!(r#""{name}":{{"dtype":"U8","shape":[{shape}],"data_offsets":[{start},{end}]}}"#)
    };
    format!("{{{}}}", tensors.iter().map(entry).collect::<Vec<_>>().join(","))
}

#[test]
fn what_the_format_allows_is_read() {
    check("{}", 0, "accepted");
    check("{}   \n", 0, "accepted");
    check(r#"{"__metadata__":{"format":"pt"}}"#, 0, "accepted");
    for (dtype, size) in [
        ("BOOL", 1),
        ("U8", 1),
        ("I8", 1),
        ("F8_E4M3", 1),
        ("F8_E5M2", 1),
        ("I16", 2),
        ("U16", 2),
        ("F16", 2),
        ("BF16", 2),
        ("I32", 4),
        ("U32", 4),
        ("F32", 4),
        ("I64", 8),
        ("U64", 8),
        ("F64", 8),
    ] {
        check(&one(dtype, "[2,3]", &format!("[0,{}]", 6 * size)), 6 * size, "accepted");
        check(&one(dtype, "[]", &format!("[0,{size}]")), size, "accepted");
        check(&one(dtype, "[0]", "[0,0]"), 0, "accepted");
        check(&one(dtype, "[3,0,2]", "[0,0]"), 0, "accepted");
    }
    check(&one("U8", &format!("{:?}", [1; 70]), "[0,1]"), 1, "accepted");
    // The bytes' order need not be that of the entries; empty tensors may stand anywhere between others.
    check(&several(&[("c", 3, 5), ("a", 0, 2), ("b", 2, 3)]), 5, "accepted");
    check(&several(&[("a", 0, 2), ("b", 2, 2), ("c", 2, 2), ("d", 2, 3), ("e", 3, 3)]), 3, "accepted");
}

#[test]
fn files_that_end_too_early_are_named() {
    let file = safetensors(&[Tensor::f32("w", &[2], &[1.0, 2.0])]);
    for length in 0..file.len() {
        assert_eq!(code_of(&file[..length]), "truncated", "{length} bytes");
    }
    assert_eq!(code_of(&file), "accepted");
    for more in [&b"\0"[..], b"PK\x03\x04"] {
        assert_eq!(code_of(&[&file, more].concat()), "trailing-bytes");
    }
    assert_eq!(code_of(&raw("{}", b"x")), "trailing-bytes");
}

#[test]
fn absurd_header_lengths_are_refused_at_once() {
    // The limit is a mebibyte.
    for length in [(1 << 20) + 1, 100_000_000, 1 << 32, (1 << 32) + 2, 1 << 63, u64::MAX - 7, u64::MAX] {
        assert_eq!(code_of(&[&length.to_le_bytes()[..], b"{}"].concat()), "invalid-header", "{length}");
    }
    for length in [3, 1000, 1 << 20] {
        assert_eq!(code_of(&[&u64::to_le_bytes(length)[..], b"{}"].concat()), "truncated", "{length}");
    }
    let longest = raw(padded("{}", 1 << 20), &[]);
    assert_eq!(code(read(&longest, &[], &mut Checking::default())), "accepted");
}

#[test]
fn headers_that_are_no_map_of_tensors_are_refused() {
    let deep = 10_000;
    for header in [
        "".to_owned(),
        " {}".to_owned(),
        "\u{feff}{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "{".to_owned(),
        "{}}".to_owned(),
        "{} {}".to_owned(),
        "{}\0".to_owned(),
        "{'w':0}".to_owned(),
        r#"{"w":null}"#.to_owned(),
        r#"{"w":{}}"#.to_owned(),
        r#"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":0}}"#.to_owned(),
        r#"{"w":{"dtype":"U8","shape":[1]}}"#.to_owned(),
        r#"{"w":{"dtype":1,"shape":[1],"data_offsets":[0,1]}}"#.to_owned(),
        r#"{"__metadata__":{"a":1}}"#.to_owned(),
        r#"{"__metadata__":[]}"#.to_owned(),
        r#"{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#.to_owned(),
        // None of these may use up the stack.
        "[".repeat(deep),
        "{\"a\":".repeat(deep),
        format!("{{\"w\":{}", "[".repeat(deep)),
        one("U8", &"[".repeat(deep), "[0,1]"),
        format!("{{\"w\":{{\"x\":{}{}}}}}", "[".repeat(deep), "]".repeat(deep)),
    ] {
        check(&header, 1, "invalid-header");
    }
    for header in [&b"{\"\xff\":0}"[..], b"\xff\xfe{\0}\0", b"{\"w\xc3\":{}}"] {
        assert_eq!(code_of(&raw(header, &[])), "invalid-header");
    }
}

#[test]
fn keys_stand_there_once() {
    let entry = r#"{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#;
    let next = r#"{"dtype":"U8","shape":[1],"data_offsets":[1,2]}"#;
    let empty = r#"{"dtype":"U8","shape":[0],"data_offsets":[1,1]}"#;
    check(&format!(r#"{{"w":{entry},"w":{entry}}}"#), 1, "duplicate-key");
    check(&format!(r#"{{"w":{entry},"v":{next},"w":{empty}}}"#), 2, "duplicate-key");
    check(&format!(r#"{{"w":{entry},"\u0077":{next}}}"#), 2, "duplicate-key");
    check(r#"{"__metadata__":{},"__metadata__":{}}"#, 0, "invalid-header");
    check(r#"{"__metadata__":{},"\u005f_metadata__":{}}"#, 0, "invalid-header");
    for field in [r#""dtype":"U8""#, r#""shape":[1]"#, r#""data_offsets":[0,1]"#, r#""\u0064type":"U8""#] {
        let fields = r#""dtype":"U8","shape":[1],"data_offsets":[0,1]"#;
        check(&format!(r#"{{"w":{{{fields},{field}}}}}"#), 1, "invalid-header");
    }
}

#[test]
fn tensors_lie_side_by_side() {
    for tensors in [
        &[("a", 0, 4), ("b", 3, 6)][..],
        &[("a", 0, 4), ("b", 0, 4)],
        &[("a", 0, 4), ("b", 5, 6)],
        &[("a", 1, 4)],
        &[("a", 0, 4), ("b", 2, 2), ("c", 4, 6)],
        &[("a", 0, 4), ("b", 6, 6)],
        &[("b", 2, 4), ("a", 0, 3)],
    ] {
        check(&several(tensors), 6, "invalid-offsets");
    }
    let twenty: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| (name, 0, 1_000_000)).to_vec();
    check(&several(&twenty), 8, "invalid-offsets");
    check(&one("U8", "[4]", "[4,0]"), 4, "invalid-offsets");
    check(&one("U8", "[4]", &format!("[{},3]", u64::MAX)), 4, "invalid-offsets");
    check(&several(&[("a", 0, 4), ("b", 4, 9)]), 6, "truncated");
    check(&several(&[("a", 0, 4), ("b", 4, (1 << 48) - 1)]), 6, "truncated");
    check(&several(&[("a", 0, 4), ("b", 4, 1 << 48)]), 6, "invalid-offsets");
    check(&several(&[("a", 0, u64::MAX)]), 6, "invalid-offsets");
}

#[test]
fn shapes_and_offsets_agree_and_do_not_overflow() {
    for (dtype, shape, offsets) in [
        ("F32", "[2,3]", "[0,6]"),
        ("F32", "[2,3]", "[0,23]"),
        ("F32", "[2,3]", "[0,25]"),
        ("F16", "[]", "[0,0]"),
        ("F16", "[0]", "[0,2]"),
        // Products that are 0 or small modulo 2^64 or 2^32.
        ("F32", "[4611686018427387904]", "[0,0]"),
        ("U8", "[4294967296,4294967296]", "[0,0]"),
        ("U8", "[4294967297,4294967295]", "[0,1]"),
        ("U8", "[65536,65536]", "[0,0]"),
        ("I64", "[2305843009213693953]", "[0,8]"),
        ("U8", "[18446744073709551615,18446744073709551615]", "[0,1]"),
    ] {
        check(&one(dtype, shape, offsets), 24, "invalid-offsets");
    }
}

#[test]
fn only_natural_numbers_are_numbers() {
    let enormous = "9".repeat(400);
    for number in
        ["-1", "-0", "1.0", "1.5", "1e0", "1e400", "\"1\"", "null", "[1]", "01", "0x1", "+1", "NaN", &enormous]
    {
        check(&one("U8", &format!("[{number}]"), "[0,1]"), 1, "invalid-header");
        check(&one("U8", "[1]", &format!("[0,{number}]")), 1, "invalid-header");
        check(&one("U8", "[1]", &format!("[{number},1]")), 1, "invalid-header");
    }
    check(&one("U8", "[18446744073709551616]", "[0,1]"), 1, "invalid-header");
    for offsets in ["[]", "[1]", "[0,1,2]", "1", "{}"] {
        check(&one("U8", "[1]", offsets), 1, "invalid-header");
    }
    check(&one("U8", "1", "[0,1]"), 1, "invalid-header");
}

#[test]
fn types_are_spelled_as_the_format_does() {
    for dtype in ["f32", "F4", "F6_E2M3", "F128", "C64", "float32", "", "F32 "] {
        check(&one(dtype, "[1]", "[0,4]"), 4, "unsupported-dtype");
    }
}

#[test]
fn other_kinds_of_files_are_named() {
    for (start, found) in [
        (&b"PK\x03\x04\x00\x00\x08\x08"[..], "zip"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "pickle"),
        (b"\x80\x04\x95\x10\x01\x00\x00\x00\x00\x00\x00", "pickle"),
        (b"GGUF\x03\x00\x00\x00\x01\x00\x00\x00", "GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "LFS"),
        (b"\x1f\x8b\x08\x08\x12\x34\x56\x67", "gzip"),
        // What `gzip -n` writes: neither name nor time, so that the start is a possible length.
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "gzip"),
        (b"<!doctype html><title>404</title>", "page"),
        (b"<html><body>captive</body></html>", "page"),
        (b"{\"model_type\":\"gpt2\"}", "JSON"),
        (b"[{\"name\":\"x\"}]", "JSON"),
        (b"\n\n<!doctype html>", "page"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"\x08\x07\x12\x07pytorch\x1a\x05", "ONNX"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"%PDF-1.7", "PDF"),
    ] {
        let file = [start, &[0; 64]].concat();
        assert_eq!(code_of(&file), "wrong-file-kind", "{found}");
        let error = read(&file, &[], &mut Checking::default()).unwrap_err();
        assert!(error.to_string().contains(found), "{error}");
    }
    // Others have no name, but are refused as well.
    for start in [&b"GIF89a\x01\x00\x01\x00"[..], b"404: Not Found"] {
        assert_eq!(code_of(start), "invalid-header");
    }
    // A header of 640 bytes has a length that begins as a pickle does.
    let file = raw(padded("{}", 640), &[]);
    assert_eq!(file[..2], [0x80, 2]);
    assert_eq!(code_of(&file), "accepted");
}

fn mixed_file() -> Vec<u8> {
    let tensor =
        |name: &str, dtype: &str, shape: &[u64], bytes: u8| Tensor::new(name, dtype, shape, (0..bytes).collect());
    safetensors(&[
        tensor("bytes", "U8", &[7], 7),
        tensor("empty", "F32", &[0, 3], 0),
        tensor("wéights", "F32", &[2, 3], 24),
        tensor("half", "BF16", &[5], 10),
        tensor("long", "I64", &[], 8),
        tensor("last", "F16", &[1], 2),
        tensor("none", "F64", &[0], 0),
    ])
}

/// Cuts anywhere, and more often where something begins or ends.
fn cuts(length: usize, header: usize) -> impl Strategy<Value = Vec<usize>> {
    let near = |place: usize| place.saturating_sub(3)..(place + 4).min(length);
    let cut = prop_oneof![0..length, 0..9usize, near(8 + header), near(length)];
    proptest::collection::vec(cut, 0..40).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

#[test]
fn parts_of_any_size_give_the_same_tensors() {
    let file = mixed_file();
    let header = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let mut whole = Collector::default();
    read(&file, &[], &mut whole).unwrap();
    assert_eq!(whole.0["long"].1, (0..8).collect::<Vec<u8>>());
    let same = |cuts: Vec<usize>| {
        let mut parts = Collector::default();
        read(&file, &cuts, &mut parts).unwrap();
        assert_eq!(parts.0, whole.0);
        Ok(())
    };
    for size in 1..file.len() {
        same((size..file.len()).step_by(size).collect()).unwrap();
    }
    property_runner(300).run(&cuts(file.len(), header), same).unwrap();
}

#[test]
fn parts_of_any_size_give_the_same_error() {
    let file = mixed_file();
    let header = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let change = (0..8 + header, any::<u8>(), 0..3usize, cuts(file.len(), header));
    property_runner(300)
        .run(&change, |(place, byte, missing, cuts)| {
            let mut broken = file.clone();
            broken[place] = byte;
            let whole = code(read(&broken, &[], &mut Checking::default()));
            prop_assert_eq!(whole, code(read(&broken, &cuts, &mut Checking::default())));
            // Parts of the same file that only lacks its end.
            let short = &file[..file.len() - missing];
            let cuts: Vec<usize> = cuts.into_iter().filter(|&cut| cut <= short.len()).collect();
            let expected = if missing == 0 { "accepted" } else { "truncated" };
            prop_assert_eq!(code(read(short, &cuts, &mut Checking::default())), expected);
            Ok(())
        })
        .unwrap();
}
