//! Folders of quantised shards: written and read again, and with one defect each.

use headlight::checkpoint::loader::Loader;
use headlight::checkpoint::manifest::{MAX_SHARD_BYTES, Manifest};
use headlight::config::Gpt2Config;
use headlight::model::weights::{Precision, Weights};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::code;
use crate::made::{Folder, TINY, Tensor, hub_shape, hub_tensors, logits, model, raw, seeded, tensors_of};
use crate::support::GOLDENS;

fn tiny() -> Folder {
    Folder::of(model(TINY, &hub_tensors(&TINY, 1), Precision::Int8).unwrap())
}

/// The code of the tiny folder after a change of its tensors, with a manifest that fits.
fn code_after(change: impl FnOnce(&mut Vec<Tensor>)) -> &'static str {
    let folder = tiny();
    let mut tensors = folder.tensors();
    change(&mut tensors);
    let folder = folder.with(&[&tensors]);
    let codes = [usize::MAX, 5].map(|part| code(folder.load(part)));
    assert_eq!(codes[0], codes[1]);
    codes[0]
}

fn find<'a>(tensors: &'a mut [Tensor], name: &str) -> &'a mut Tensor {
    tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
}

/// A matrix, or its scales, cut before these rows.
fn cut(tensor: &Tensor, rows: &[u64]) -> Vec<Tensor> {
    let per_row = tensor.bytes.len() / tensor.shape[0] as usize;
    let ends = rows.iter().skip(1).copied().chain([tensor.shape[0]]);
    let piece = |(&first, end): (&u64, u64)| {
        let bytes = tensor.bytes[first as usize * per_row..end as usize * per_row].to_vec();
        Tensor::new(&format!("{}@{first}", tensor.name), &tensor.dtype, &[end - first, tensor.shape[1]], bytes)
    };
    rows.iter().zip(ends).map(piece).collect()
}

/// Replaces `wte.weight` by pieces of it.
fn cut_wte(tensors: &mut Vec<Tensor>, rows: &[u64]) -> Vec<Tensor> {
    let index = tensors.iter().position(|tensor| tensor.name == "wte.weight").unwrap();
    cut(&tensors.remove(index), rows)
}

#[test]
fn written_and_read_again_a_model_gives_the_same_bits() {
    for golden in GOLDENS {
        let ids = &golden.expected().ids("ids");
        let expected = logits(&golden.load(Precision::Int8), ids);
        let folder = Folder::of(golden.load(Precision::Int8));
        for part in [1, 1000, 5000, usize::MAX] {
            let found = folder.load(part).unwrap();
            assert_eq!(logits(&found, ids), expected, "{}", golden.name);
            assert_eq!(Folder::of(found).shards, folder.shards, "{}", golden.name);
        }
    }
}

#[test]
fn shards_are_plain_safetensors_in_the_hubs_names() {
    let tensors = tiny().tensors();
    for name in Weights::names(&TINY) {
        let shape = hub_shape(&TINY, &name);
        let tensor = tensors.iter().find(|tensor| tensor.name == name).unwrap();
        let is_matrix = shape.len() == 2 && name != "wpe.weight";
        assert_eq!(tensor.dtype, if is_matrix { "I8" } else { "F32" }, "{name}");
        let (rows, inputs) = match is_matrix {
            true if name == "wte.weight" => (shape[0], shape[1]),
            true => (shape[1], shape[0]),
            false => {
                assert_eq!(tensor.shape, shape, "{name}");
                continue;
            }
        };
        assert_eq!(tensor.shape, [rows, inputs], "{name}");
        let scales = tensors.iter().find(|tensor| tensor.name == format!("{name}.scales")).unwrap();
        assert_eq!((scales.dtype.as_str(), scales.shape.as_slice()), ("F32", &[rows, 1][..]), "{name}");
        // Rows of outputs, whatever the hub's order: weight * scale is near the original.
        let original = hub_tensors(&TINY, 1).into_iter().find(|tensor| tensor.name == name).unwrap().floats();
        for row in 0..rows as usize {
            for input in 0..inputs as usize {
                let of_hub = if name == "wte.weight" {
                    original[row * inputs as usize + input]
                } else {
                    original[input * rows as usize + row]
                };
                let found = f32::from(tensor.bytes[row * inputs as usize + input] as i8) * scales.floats()[row];
                assert!((found - of_hub).abs() <= 0.5001 * scales.floats()[row], "{name} ({row}, {input})");
            }
        }
    }
}

#[test]
fn shards_stay_below_their_limit_and_large_matrices_are_cut() {
    // 65,536 rows of 264 weights and 5 scales are more than one shard.
    let config =
        Gpt2Config { vocab_size: 65_536, n_embd: 264, n_layer: 1, n_inner: 8, n_positions: 2, eos_token_id: 0, ..TINY };
    let mut tensors = hub_tensors(&Gpt2Config { vocab_size: 1, ..config }, 2);
    tensors[0] = {
        let values = seeded(7, 1009, 0.5);
        let bytes = (0..65_536 * 264).flat_map(|i| values[i % 1009].to_le_bytes()).collect();
        Tensor::new("wte.weight", "F32", &[65_536, 264], bytes)
    };
    let direct = model(config, &tensors, Precision::Int8).unwrap();
    drop(tensors);
    let expected = logits(&direct, &[3, 65_535]);
    let folder = Folder::of(direct);
    assert!(folder.shards.len() > 1);
    assert!(folder.shards.iter().all(|shard| shard.len() as u64 <= MAX_SHARD_BYTES));
    let names: Vec<String> = folder.tensors().into_iter().map(|tensor| tensor.name).collect();
    assert!(names.iter().filter(|name| name.starts_with("wte.weight@")).count() > 1, "{names:?}");
    assert_eq!(logits(&folder.load(1 << 20).unwrap(), &[3, 65_535]), expected);
}

#[test]
fn shards_with_many_small_tensors_stay_below_their_limit() {
    // The header of one shard with all of these would be longer than what its limit leaves for it.
    let config = Gpt2Config { n_layer: 96, n_embd: 116, n_inner: 460, vocab_size: 100, eos_token_id: 0, ..TINY };
    let folder = Folder::of(model(config, &hub_tensors(&config, 3), Precision::Int8).unwrap());
    assert!(folder.shards.iter().map(Vec::len).sum::<usize>() as u64 > MAX_SHARD_BYTES - (1 << 20));
    assert!(folder.shards.iter().all(|shard| shard.len() as u64 <= MAX_SHARD_BYTES));
    assert_eq!(code(folder.load(1 << 20)), "accepted");
}

#[test]
fn pieces_follow_each_other_across_shards() {
    let folder = tiny();
    let expected = logits(&folder.load(100).unwrap(), &[1, 12]);
    for rows in [&[0, 12][..], &[0, 1, 2, 3], &[0, 5, 8], &[0]] {
        let mut tensors = folder.tensors();
        let pieces = cut_wte(&mut tensors, rows);
        let scales = cut(&tensors.iter().find(|tensor| tensor.name == "wte.weight.scales").unwrap().clone(), &[0, 7]);
        tensors.retain(|tensor| tensor.name != "wte.weight.scales");
        // Weights and scales need not be cut at the same rows, nor lie in the same shard.
        let mut parts: Vec<&[Tensor]> = pieces.chunks(1).collect();
        parts.insert(0, &scales[..1]);
        parts.extend([&tensors[..], &scales[1..]]);
        for part in [3, usize::MAX] {
            assert_eq!(logits(&folder.with(&parts).load(part).unwrap(), &[1, 12]), expected, "{rows:?}");
        }
    }
}

#[test]
fn pieces_that_do_not_fit_together_are_refused() {
    type Change = fn(&mut Vec<Tensor>);
    let refused: [(&str, Change, &str); 6] = [
        ("in the wrong order", |pieces| pieces.swap(0, 1), "piece-order"),
        ("overlapping", |pieces| pieces[1].name = "wte.weight@3".to_owned(), "piece-order"),
        ("with a gap", |pieces| _ = pieces.remove(1), "piece-order"),
        ("without the first", |pieces| _ = pieces.remove(0), "piece-order"),
        ("without the last", |pieces| _ = pieces.pop(), "missing-tensors"),
        ("one twice", |pieces| pieces.insert(0, pieces[0].clone()), "duplicate-key"),
    ];
    for (what, change, expected) in refused {
        let change_pieces = |tensors: &mut Vec<Tensor>| {
            let mut pieces = cut_wte(tensors, &[0, 4, 8]);
            change(&mut pieces);
            tensors.append(&mut pieces);
        };
        assert_eq!(code_after(change_pieces), expected, "{what}");
    }
    // The whole and a piece of it.
    let both = |tensors: &mut Vec<Tensor>| tensors.append(&mut cut_wte(&mut tensors.clone(), &[0, 4]));
    assert_eq!(code_after(both), "piece-order");
    let last_row_again = |tensors: &mut Vec<Tensor>| tensors.extend(cut_wte(&mut tensors.clone(), &[0, 12]).pop());
    assert_eq!(code_after(last_row_again), "piece-order");
    for (name, expected) in [
        ("wte.weight@01", "unexpected-tensor"),
        ("wte.weight@+4", "unexpected-tensor"),
        ("wte.weight@-4", "unexpected-tensor"),
        ("wte.weight@ 4", "unexpected-tensor"),
        ("wte.weight@4.0", "unexpected-tensor"),
        ("wte.weight@", "unexpected-tensor"),
        ("wte.weight@4@4", "unexpected-tensor"),
        ("wte.weight@4.scales", "unexpected-tensor"),
        ("wte.weight@99999999999999999999999", "unexpected-tensor"),
        ("wte.weight@5", "unexpected-shape"),
        ("wte.weight@13", "unexpected-shape"),
        ("wte.weight@4294967295", "unexpected-shape"),
        ("wpe.weight@4", "unexpected-tensor"),
        ("transformer.wte.weight@4", "unexpected-tensor"),
    ] {
        let rename = |tensors: &mut Vec<Tensor>| {
            let mut pieces = cut_wte(tensors, &[0, 4]);
            pieces[1].name = name.to_owned();
            tensors.append(&mut pieces);
        };
        assert_eq!(code_after(rename), expected, "{name}");
    }
    let no_rows = |tensors: &mut Vec<Tensor>| tensors.push(Tensor::new("wte.weight@13", "I8", &[0, 8], Vec::new()));
    assert_eq!(code_after(no_rows), "unexpected-shape");
}

#[test]
fn shards_have_every_tensor_once_in_its_type_and_shape() {
    for tensor in tiny().tensors() {
        let name = tensor.name.as_str();
        assert_eq!(code_after(|tensors| tensors.retain(|tensor| tensor.name != name)), "missing-tensors", "{name}");
        let other = if tensor.dtype == "I8" { "U8" } else { "I32" };
        assert_eq!(code_after(|tensors| find(tensors, name).dtype = other.to_owned()), "unsupported-dtype", "{name}");
        let wrapped = |tensors: &mut Vec<Tensor>| find(tensors, name).shape.insert(0, 1);
        assert_eq!(code_after(wrapped), "unexpected-shape", "{name}");
        let trailing = |tensors: &mut Vec<Tensor>| find(tensors, name).shape.push(1);
        assert_eq!(code_after(trailing), "unexpected-shape", "{name}");
        let mut longer = tensor.clone();
        longer.bytes.extend_from_within(..tensor.bytes.len() / tensor.shape[0] as usize);
        longer.shape[0] += 1;
        assert_eq!(code_after(|tensors| *find(tensors, name) = longer), "unexpected-shape", "{name}");
        // Once more, in a shard of its own.
        let folder = tiny();
        let twice = folder.with(&[&folder.tensors(), std::slice::from_ref(&tensor)]);
        assert_eq!(code(twice.load(64)), "piece-order", "{name}");
    }
    for name in ["lm_head.weight", "h.0.attn.bias", "h.2.ln_1.bias", "ln_f.bias.scales", "", "@0", ".scales"] {
        let extra = Tensor::f32(name, &[8], &[0.0; 8]);
        assert_eq!(code_after(|tensors| tensors.push(extra)), "unexpected-tensor", "{name}");
    }
    // Too many rows, of which 2^32 would be none in 32 bits.
    let header = r#"{"wte.weight":{"dtype":"I8","shape":[4294967309,8],"data_offsets":[0,34359738472]}}"#;
    let folder = Folder { shards: vec![raw(header, &[])], ..tiny() };
    assert_eq!(code(folder.load(64)), "unexpected-shape");
}

#[test]
fn scales_and_vectors_are_finite_and_scales_not_negative() {
    for tensor in tiny().tensors().into_iter().filter(|tensor| tensor.dtype == "F32") {
        let is_scales = tensor.name.ends_with(".scales");
        for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, -1e-45] {
            for index in [0, tensor.bytes.len() / 4 - 1] {
                let change = |tensors: &mut Vec<Tensor>| {
                    find(tensors, &tensor.name).bytes[4 * index..][..4].copy_from_slice(&value.to_le_bytes());
                };
                let expected = if value.is_finite() && !is_scales { "accepted" } else { "non-finite-weights" };
                assert_eq!(code_after(change), expected, "{} with {value}", tensor.name);
            }
        }
    }
}

#[test]
fn every_weight_and_scale_runs() {
    for (weight, scale) in [(-128i8, 1.0), (-128, f32::MAX), (127, f32::MAX), (0, f32::MAX), (127, 0.0), (-1, 1e-45)] {
        let folder = tiny();
        let mut tensors = folder.tensors();
        for tensor in &mut tensors {
            if tensor.dtype == "I8" {
                tensor.bytes.fill(weight as u8);
            } else if tensor.name.ends_with(".scales") {
                let values = vec![scale; tensor.bytes.len() / 4];
                *tensor = Tensor::f32(&tensor.name, &tensor.shape, &values);
            }
        }
        let model = folder.with(&[&tensors]).load(64).unwrap();
        assert_eq!(logits(&model, &[1, 2, 3]).len(), TINY.vocab_size);
    }
}

#[test]
fn files_are_those_of_the_manifest() {
    let folder = tiny();
    let good = folder.manifest();
    let by = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        [1, usize::MAX].map(|part| code(folder.load_by(&manifest, part)))
    };
    assert_eq!(by(&|_| ()), ["accepted"; 2]);
    let other_hash = "0".repeat(64);
    assert_eq!(by(&|manifest| manifest.shards[0].sha256 = other_hash.clone()), ["hash-mismatch"; 2]);
    assert_eq!(by(&|manifest| manifest.tokenizer[0].sha256 = other_hash.clone()), ["hash-mismatch"; 2]);
    for difference in [-1, 1, -100] {
        let change = |size: &mut u64| *size = size.checked_add_signed(difference).unwrap();
        assert_eq!(by(&|manifest| change(&mut manifest.shards[0].size)), ["wrong-size"; 2], "{difference}");
        assert_eq!(by(&|manifest| change(&mut manifest.tokenizer[0].size)), ["wrong-size"; 2], "{difference}");
    }
    assert_eq!(by(&|manifest| manifest.shards[0].size = 0), ["wrong-size"; 2]);
    // Another shape than the shards'.
    assert_eq!(by(&|manifest| manifest.config.n_inner = 24), ["unexpected-shape"; 2]);
    assert_eq!(by(&|manifest| manifest.config.n_layer = 1), ["unexpected-tensor"; 2]);
    assert_eq!(by(&|manifest| manifest.config.n_layer = 3), ["missing-tensors"; 2]);
}

#[test]
fn a_web_page_in_place_of_a_file_is_named() {
    let page = b"<!doctype html><title>Not found</title>".to_vec();
    let folder = tiny();
    let instead_of_weights = Folder { shards: vec![page.clone()], ..folder.clone() };
    assert_eq!(code(instead_of_weights.load(64)), "wrong-file-kind");
    let instead_of_tokenizer = Folder { tokenizer: page.clone(), ..folder.clone() };
    assert_eq!(code(instead_of_tokenizer.load(64)), "wrong-file-kind");
    // Longer than the file that the manifest describes.
    let long = Folder { tokenizer: page.repeat(200), ..folder.clone() };
    assert_eq!(code(long.load_by(&folder.manifest(), usize::MAX)), "wrong-file-kind");
}

#[test]
fn files_come_in_their_order_and_all_of_them() {
    let folder = tiny();
    let tensors = folder.tensors();
    let (first, second) = tensors.split_at(tensors.len() / 2);
    let folder = folder.with(&[first, second]);
    let manifest = folder.manifest();
    let steps = |names: &[&str]| {
        let mut loader = Loader::from_manifest(&manifest);
        for name in names {
            loader.begin(name, false)?;
            loader.push(match *name {
                "0.safetensors" => &folder.shards[0],
                "1.safetensors" => &folder.shards[1],
                _ => &folder.tokenizer,
            })?;
            loader.end()?;
        }
        loader.finish()
    };
    let (model, tokenizer, report) = steps(&["tokenizer.json", "0.safetensors", "1.safetensors"]).unwrap();
    assert_eq!(logits(&model, &[1]), logits(&tiny().load(64).unwrap(), &[1]));
    assert!(tokenizer.is_some() && report.is_none());
    for names in [
        &[][..],
        &["tokenizer.json"],
        &["tokenizer.json", "0.safetensors"],
        &["0.safetensors"],
        &["tokenizer.json", "1.safetensors"],
        &["tokenizer.json", "0.safetensors", "0.safetensors"],
        &["tokenizer.json", "tokenizer.json"],
        &["tokenizer.json", "0.safetensors", "1.safetensors", "1.safetensors"],
        &["manifest.json"],
    ] {
        assert_eq!(code(steps(names)), "unexpected-file", "{names:?}");
    }
}

#[test]
fn there_is_no_model_without_a_file_that_was_refused() {
    let folder = tiny();
    for refused in ["tokenizer.json", "0.safetensors"] {
        let mut manifest = folder.manifest();
        let entry = manifest.tokenizer.iter_mut().chain(&mut manifest.shards).find(|entry| entry.file == refused);
        entry.unwrap().sha256 = "0".repeat(64);
        let mut loader = Loader::from_manifest(&manifest);
        for (name, bytes) in [("tokenizer.json", &folder.tokenizer), ("0.safetensors", &folder.shards[0])] {
            // After the refusal of the first file the second is not due.
            if loader.begin(name, false).is_ok() {
                loader.push(bytes).unwrap();
                assert_eq!(code(loader.end()), if name == refused { "hash-mismatch" } else { "accepted" });
            }
        }
        assert_eq!(code(loader.finish()), "unexpected-file");
    }
}

#[test]
fn a_hash_that_is_computed_elsewhere_must_come_and_be_right() {
    let folder = tiny();
    let manifest = folder.manifest();
    let bytes_of = |hex: &str| -> Vec<u8> {
        hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    };
    let right = bytes_of(&manifest.shards[0].sha256);
    let loaded = || {
        let mut loader = Loader::from_manifest(&manifest);
        for (name, bytes, elsewhere) in
            [("tokenizer.json", &folder.tokenizer, false), ("0.safetensors", &folder.shards[0], true)]
        {
            loader.begin(name, elsewhere).unwrap();
            loader.push(bytes).unwrap();
            loader.end().unwrap();
        }
        loader
    };
    let mut verified = loaded();
    verified.verify("0.safetensors", &right).unwrap();
    assert_eq!(code(verified.verify("0.safetensors", &right)), "unexpected-file", "only once");
    verified.finish().unwrap();
    assert_eq!(code(loaded().finish()), "hash-mismatch");
    for wrong in [&[][..], &[0; 32], &right[..31], &[&right[..], &[0]].concat()] {
        let mut loader = loaded();
        assert_eq!(code(loader.verify("0.safetensors", wrong)), "hash-mismatch");
        assert_eq!(code(loader.finish()), "hash-mismatch");
    }
    assert_eq!(code(loaded().verify("tokenizer.json", &right)), "unexpected-file", "it was hashed here");
}

#[test]
fn shards_that_end_early_or_late_are_refused_even_with_a_true_manifest() {
    let folder = tiny();
    let shard = &folder.shards[0];
    for length in [0, 7, 8, 9, 100, shard.len() - 1] {
        let short = Folder { shards: vec![shard[..length].to_vec()], ..folder.clone() };
        assert_eq!(code(short.load(64)), "truncated", "{length}");
    }
    let long = Folder { shards: vec![[shard, &[0][..]].concat()], ..folder.clone() };
    assert_eq!(code(long.load(64)), "trailing-bytes");
    assert_eq!(tensors_of(shard).len(), folder.tensors().len());
}
