//! `model.safetensors` in the hub's layout, to weights.

use half::{bf16, f16};
use headlight::checkpoint::loader::Loader;
use headlight::checkpoint::safetensors::METADATA_KEY;
use headlight::model::weights::Precision;
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::code;
use crate::made::{TINY, Tensor, hub_shape, hub_tensors, logits, model, raw, safetensors, tensors_of};
use crate::support::{GOLDENS, load, property_runner};

const BOTH: [Precision; 2] = [Precision::F32, Precision::Int8];

/// The code of the tiny model's file after a change, which must not depend on precision or on parts.
fn code_after(change: impl FnOnce(&mut Vec<Tensor>)) -> &'static str {
    let mut tensors = hub_tensors(&TINY, 1);
    change(&mut tensors);
    let file = safetensors(&tensors);
    let codes = BOTH.map(|precision| [1 << 20, 7].map(|part| code(load(TINY, &file, precision, part))));
    assert_eq!(codes.as_flattened(), [codes[0][0]; 4]);
    codes[0][0]
}

fn find<'a>(tensors: &'a mut [Tensor], name: &str) -> &'a mut Tensor {
    tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
}

fn zeros(name: &str, dtype: &str, shape: &[u64], size: usize) -> Tensor {
    Tensor::new(name, dtype, shape, vec![0; shape.iter().product::<u64>() as usize * size])
}

#[test]
fn a_model_is_read_whatever_the_order_of_its_tensors() {
    assert_eq!(code_after(|_| ()), "accepted");
    for precision in BOTH {
        let expected = logits(&model(TINY, &hub_tensors(&TINY, 1), precision).unwrap(), &[1, 2, 3]);
        let mut tensors = hub_tensors(&TINY, 1);
        tensors.reverse();
        assert_eq!(logits(&model(TINY, &tensors, precision).unwrap(), &[1, 2, 3]), expected);
        for tensor in &mut tensors {
            tensor.name.insert_str(0, "transformer.");
        }
        assert_eq!(logits(&model(TINY, &tensors, precision).unwrap(), &[1, 2, 3]), expected);
    }
}

#[test]
fn tensors_that_are_not_needed_are_skipped_in_any_type() {
    for (dtype, size) in [("BOOL", 1), ("U8", 1), ("F16", 2), ("F32", 4), ("I64", 8), ("F64", 8)] {
        for prefix in ["", "transformer."] {
            let added = code_after(|tensors| {
                for tensor in tensors.iter_mut() {
                    tensor.name.insert_str(0, prefix);
                }
                let named = |name: &str| format!("{prefix}{name}");
                tensors.insert(0, zeros(&named("h.0.attn.bias"), dtype, &[1, 1, 6, 6], size));
                tensors.insert(9, zeros(&named("h.1.attn.bias"), dtype, &[3], size));
                tensors.insert(4, zeros(&named("h.1.attn.masked_bias"), dtype, &[], size));
                // NaN in every float type.
                let nan = Tensor::new("lm_head.weight", dtype, &[13, 8], vec![0xff; 13 * 8 * size]);
                tensors.push(nan);
            });
            assert_eq!(added, "accepted", "{prefix}{dtype}");
        }
    }
}

#[test]
fn a_model_has_all_its_tensors_once_and_no_others() {
    let names: Vec<String> = hub_tensors(&TINY, 1).into_iter().map(|tensor| tensor.name).collect();
    for name in &names {
        assert_eq!(code_after(|tensors| tensors.retain(|tensor| tensor.name != *name)), "missing-tensors", "{name}");
        let error = {
            let mut tensors = hub_tensors(&TINY, 1);
            tensors.retain(|tensor| tensor.name != *name);
            model(TINY, &tensors, Precision::F32).unwrap_err()
        };
        assert!(error.to_string().contains(name.as_str()), "{error}");
        let twice = |tensors: &mut Vec<Tensor>| {
            let mut twin = find(tensors, name).clone();
            twin.name.insert_str(0, "transformer.");
            tensors.push(twin);
        };
        assert_eq!(code_after(twice), "duplicate-key", "{name}");
    }
    assert_eq!(code_after(Vec::clear), "missing-tensors");
    for name in [
        "w",
        "",
        "h.2.ln_1.weight",
        "h.01.ln_1.weight",
        "h.+1.ln_1.weight",
        "h.1.ln_1",
        "h.1.ln_3.weight",
        "h.99999999999999999999.ln_1.weight",
        "h.-1.ln_1.weight",
        "h..ln_1.weight",
        "transformer.transformer.wte.weight",
        "wte.weight@0",
        "wte.weight.scales",
        "wte.bias",
        "h.0.attn.c_attn.scale",
        "score.weight",
        "wte.weight ",
    ] {
        assert_eq!(code_after(|tensors| tensors.push(zeros(name, "F32", &[8], 4))), "unexpected-tensor", "{name}");
    }
}

#[test]
fn other_architectures_are_named() {
    for (name, architecture) in [
        ("model.layers.0.self_attn.q_proj.weight", "Llama"),
        ("model.embed_tokens.weight", "Llama"),
        ("gpt_neox.layers.0.attention.dense.weight", "NeoX"),
        ("transformer.h.0.attn.attention.k_proj.weight", "Neo"),
        ("transformer.h.0.attn.q_proj.weight", "GPT-J"),
        ("bert.encoder.layer.0.attention.self.query.weight", "BERT"),
        ("base_model.model.transformer.h.0.attn.c_attn.lora_A.weight", "LoRA"),
        ("h.0.crossattention.c_attn.weight", "cross-attention"),
    ] {
        let file = safetensors(&[zeros(name, "F32", &[8], 4)]);
        let error = load(TINY, &file, Precision::F32, 99).err().unwrap();
        assert_eq!(error.code(), "unsupported-architecture", "{name}");
        assert!(error.to_string().contains(architecture), "{error}");
    }
}

#[test]
fn weights_are_floats_that_this_engine_knows() {
    for (dtype, size) in [("F64", 8), ("I64", 8), ("I32", 4), ("U8", 1), ("F8_E4M3", 1), ("BOOL", 1)] {
        for name in ["wte.weight", "wpe.weight", "h.1.mlp.c_proj.weight", "h.0.ln_1.bias"] {
            let change = |tensors: &mut Vec<Tensor>| {
                let tensor = find(tensors, name);
                *tensor = zeros(name, dtype, &tensor.shape, size);
            };
            assert_eq!(code_after(change), "unsupported-dtype", "{name} in {dtype}");
        }
    }
}

#[test]
fn shapes_are_those_that_the_configuration_implies() {
    for tensor in hub_tensors(&TINY, 1) {
        let name = tensor.name.as_str();
        let [first, rest @ ..] = tensor.shape.as_slice() else { unreachable!() };
        let mut others = vec![
            vec![],
            vec![0],
            [&[first + 1], rest].concat(),
            [&[first - 1], rest].concat(),
            [&[*first], rest, &[1]].concat(),
            [&[1, *first], rest].concat(),
            vec![tensor.shape.iter().product(), 1],
        ];
        // Matrices turned the other way, with the same number of values.
        others.extend((!rest.is_empty() && rest[0] != *first).then(|| vec![rest[0], *first]));
        for shape in others {
            let change = |tensors: &mut Vec<Tensor>| *find(tensors, name) = zeros(name, "F32", &shape, 4);
            assert_eq!(code_after(change), "unexpected-shape", "{name} as {shape:?}");
        }
    }
    let wte = zeros("wte.weight", "F32", &[14, 8], 4);
    let error = model(TINY, &[wte], Precision::F32).unwrap_err().to_string();
    assert!(error.contains("wte.weight") && error.contains("[14, 8]") && error.contains("[13, 8]"), "{error}");
    // 2^32 rows too many must not count as none where numbers have 32 bits.
    let header = r#"{"wte.weight":{"dtype":"F32","shape":[4294967309,8],"data_offsets":[0,137438953888]}}"#;
    assert_eq!(code(load(TINY, &raw(header, &[]), Precision::F32, 99)), "unexpected-shape");
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let names: Vec<String> = hub_tensors(&TINY, 1).into_iter().map(|tensor| tensor.name).collect();
    for name in &names {
        for (dtype, bits) in [
            ("F32", &[0x7fc0_0000u32, 0xffc0_0001, 0x7f80_0001, 0x7f80_0000, 0xff80_0000][..]),
            ("F16", &[0x7e00, 0x7c01, 0x7c00, 0xfc00]),
            ("BF16", &[0x7fc0, 0x7f81, 0x7f80, 0xff80]),
        ] {
            let size = if dtype == "F32" { 4 } else { 2 };
            for &bits in bits {
                for last in [false, true] {
                    let change = |tensors: &mut Vec<Tensor>| {
                        let tensor = find(tensors, name);
                        *tensor = zeros(name, dtype, &tensor.shape, size);
                        let at = if last { tensor.bytes.len() - size } else { 0 };
                        tensor.bytes[at..at + size].copy_from_slice(&bits.to_le_bytes()[..size]);
                    };
                    assert_eq!(code_after(change), "non-finite-weights", "{name}: {bits:x}");
                }
            }
        }
    }
}

#[test]
fn finite_weights_of_any_size_run() {
    for value in [0.0, -0.0, f32::MIN_POSITIVE, 1e-45, f32::MAX, f32::MIN, 1e30] {
        for precision in BOTH {
            let mut tensors = hub_tensors(&TINY, 1);
            for tensor in &mut tensors {
                let count = tensor.bytes.len() / 4;
                *tensor = Tensor::f32(&tensor.name, &tensor.shape, &vec![value; count]);
            }
            // The numbers that come out may be no numbers, but they come out.
            assert_eq!(logits(&model(TINY, &tensors, precision).unwrap(), &[1, 2, 3]).len(), TINY.vocab_size);
        }
    }
}

/// The same tensor in another type; `None` if it has no floats.
fn converted(tensor: &Tensor, dtype: &str) -> Option<Tensor> {
    let halves = || tensor.bytes.as_chunks::<2>().0.iter().copied();
    let floats: Vec<f32> = match tensor.dtype.as_str() {
        "F32" => tensor.floats(),
        "F16" => halves().map(|bytes| f16::from_le_bytes(bytes).to_f32()).collect(),
        "BF16" => halves().map(|bytes| bf16::from_le_bytes(bytes).to_f32()).collect(),
        _ => return None,
    };
    let bytes = match dtype {
        "F16" => floats.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect(),
        "BF16" => floats.iter().flat_map(|&x| bf16::from_f32(x).to_le_bytes()).collect(),
        _ => floats.iter().flat_map(|x| x.to_le_bytes()).collect(),
    };
    Some(Tensor::new(&tensor.name, dtype, &tensor.shape, bytes))
}

fn all_converted(tensors: &[Tensor], dtype: &str) -> Vec<Tensor> {
    tensors.iter().map(|tensor| converted(tensor, dtype).unwrap_or_else(|| tensor.clone())).collect()
}

#[test]
fn every_type_means_the_numbers_that_it_spells() {
    for golden in GOLDENS {
        let ids = &golden.expected().ids("ids");
        let original = tensors_of(golden.model);
        for precision in BOTH {
            let of = |tensors: &[Tensor]| logits(&model(golden.config(), tensors, precision).unwrap(), ids);
            let expected = of(&original);
            assert_eq!(of(&all_converted(&original, "F32")), expected, "{}", golden.name);
            for dtype in ["F16", "BF16"] {
                let short = all_converted(&original, dtype);
                let found = of(&short);
                assert_eq!(of(&all_converted(&short, "F32")), found, "{} in {dtype}", golden.name);
                // A shorter type must have made a difference, or nothing was tested.
                assert!(golden.name != "f32-plain" || found != expected, "{dtype}");
            }
        }
    }
}

#[test]
fn types_may_be_mixed_and_metadata_is_ignored() {
    let mut tensors = hub_tensors(&TINY, 1);
    for (tensor, dtype) in tensors.iter_mut().zip(["F16", "BF16", "F32"].into_iter().cycle()) {
        *tensor = converted(tensor, dtype).unwrap();
    }
    let file = safetensors(&tensors);
    let header = String::from_utf8(file[8..].split(|&byte| byte == b'}').next().unwrap().to_vec()).unwrap();
    assert!(header.contains("F16"));
    let (_, rest) = file.split_at(8 + 1);
    let length = u64::from_le_bytes(*file.first_chunk().unwrap());
    let metadata = format!(r#"{{"{METADATA_KEY}":{{"format":"pt"}},"#);
    let longer = length + metadata.len() as u64 - 1;
    let with_metadata = [&longer.to_le_bytes()[..], metadata.as_bytes(), rest].concat();
    let of = |file: &[u8]| logits(&load(TINY, file, Precision::F32, 11).unwrap(), &[5, 4]);
    assert_eq!(of(&with_metadata), of(&file));
}

#[test]
fn weights_do_not_depend_on_the_parts_in_which_they_came() {
    // Matrices of more than one block of inputs and group of rows, neither of them full.
    let config = headlight::config::Gpt2Config { n_embd: 72, n_inner: 130, n_layer: 1, ..TINY };
    assert_eq!(hub_shape(&config, "h.0.mlp.c_fc.weight"), [72, 130]);
    let mut tensors = hub_tensors(&config, 3);
    tensors[0] = converted(&tensors[0], "F16").unwrap();
    let file = safetensors(&tensors);
    for precision in BOTH {
        let weights = |part: usize| format!("{:?}", load(config, &file, precision, part).unwrap().weights);
        let whole = weights(usize::MAX);
        for part in [1, 2, 3, 72, 4 * 72, 4096] {
            assert!(weights(part) == whole, "{precision:?}, parts of {part}");
        }
        property_runner(10)
            .run(&proptest::collection::vec(1..9000usize, 1..60), |sizes| {
                let mut loader = Loader::from_hub(config, &[], precision, false).unwrap();
                loader.begin("model.safetensors", false).unwrap();
                let (mut rest, mut sizes) = (&file[..], sizes.into_iter().cycle());
                while !rest.is_empty() {
                    let (part, after) = rest.split_at(sizes.next().unwrap().min(rest.len()));
                    loader.push(part).unwrap();
                    rest = after;
                }
                loader.end().unwrap();
                let model = loader.finish().unwrap().0;
                let weights = format!("{:?}", model.weights);
                prop_assert!(weights == whole);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn files_come_in_their_order() {
    let file = safetensors(&hub_tensors(&TINY, 1));
    let loader = || Loader::from_hub(TINY, &["vocab.json", "merges.txt"], Precision::F32, false).unwrap();
    let names: Vec<String> = loader().files().map(|file| file.name.clone()).collect();
    assert_eq!(names, ["vocab.json", "merges.txt", "model.safetensors"]);
    for wrong in ["model.safetensors", "merges.txt", "", "../vocab.json"] {
        assert_eq!(code(loader().begin(wrong, false)), "unexpected-file");
    }
    assert_eq!(code(loader().push(b"x")), "unexpected-file");
    assert_eq!(code(loader().end()), "unexpected-file");
    assert_eq!(code(loader().finish()), "unexpected-file");
    let mut open = loader();
    open.begin("vocab.json", false).unwrap();
    assert_eq!(code(open.begin("merges.txt", false)), "unexpected-file");
    assert_eq!(code(open.finish()), "unexpected-file");

    let mut loader = Loader::from_hub(TINY, &[], Precision::F32, false).unwrap();
    loader.begin("model.safetensors", false).unwrap();
    loader.push(&file).unwrap();
    assert_eq!(code(loader.push(b"\n")), "trailing-bytes");
    for bytes in [&file[..0], &file[..4], &file[..100], &file[..file.len() - 1]] {
        assert_eq!(code(load(TINY, bytes, Precision::F32, 64)), "truncated");
    }
}
