//! A hub file by ranges of bytes: holes, shards as they become complete, and going on from stored ones.

use headlight::Result;
use headlight::checkpoint::loader::Loader;
use headlight::checkpoint::manifest::{FileEntry, MAX_SHARD_BYTES, Manifest, Source};
use headlight::config::Gpt2Config;
use headlight::model::Model;
use headlight::model::weights::Precision;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::code;
use crate::made::{Folder, TINY, Tensor, hub_tensors, logits, safetensors, tokenizer_json};
use crate::support::{load, property_runner};

/// Several pieces of weights, with rows of `wte.weight` cut, and masks that are worth leaving out.
const WIDE: Gpt2Config = Gpt2Config {
    vocab_size: 46_000,
    n_positions: 300,
    n_embd: 200,
    n_layer: 2,
    n_head: 2,
    n_inner: 900,
    layer_norm_epsilon: 1e-5,
    eos_token_id: 0,
};
const WEIGHTS: &str = "model.safetensors";

/// A file of that shape in the hub's order, with masks.
fn wide() -> Vec<u8> {
    let mut tensors = hub_tensors(&WIDE, 1);
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    for layer in [1, 0] {
        let mask = Tensor::new(&format!("h.{layer}.attn.bias"), "F32", &[1, 1, 300, 300], vec![0xff; 4 * 300 * 300]);
        let place = tensors.iter().position(|tensor| tensor.name.starts_with(&format!("h.{layer}."))).unwrap();
        tensors.insert(place, mask);
    }
    safetensors(&tensors)
}

fn begun(config: Gpt2Config) -> Loader {
    let mut loader = Loader::from_hub(config, &[], Precision::Int8, false).unwrap();
    loader.begin(WEIGHTS, false).unwrap();
    loader
}

/// A stored shard: number, description, bytes.
type Stored = (usize, FileEntry, Vec<u8>);

fn outputs(loader: &mut Loader) -> Vec<Stored> {
    std::iter::from_fn(|| loader.take_output().unwrap())
        .map(|output| (output.index.unwrap(), output.entry, output.bytes))
        .collect()
}

/// Fetches what is wanted, at most `part` bytes at a time, until `limit` bytes have come; returns their number.
fn fetch(loader: &mut Loader, file: &[u8], part: usize, limit: usize) -> Result<usize> {
    let mut fetched = 0;
    while let Some(wanted) = loader.wanted().filter(|_| fetched < limit) {
        let (start, end) = (wanted.start as usize, (wanted.end as usize).min(file.len()));
        let end = end.min(start.saturating_add(part.min(limit - fetched)));
        fetched += end - start;
        let taken = loader.push_at(start as u64, &file[start..end])?;
        assert!(taken > 0);
    }
    Ok(fetched)
}

/// All weights, in plain order.
fn weights(model: Model) -> Vec<Vec<u8>> {
    Folder::of(model).shards
}

fn finished(mut loader: Loader) -> Result<Model> {
    loader.end()?;
    Ok(loader.finish()?.0)
}

/// A file, the shards that a download without a break hands out, and the weights that come of it.
fn fetched_wide() -> (Vec<u8>, Vec<Stored>, Vec<Vec<u8>>) {
    let file = wide();
    let mut loader = begun(WIDE);
    fetch(&mut loader, &file, usize::MAX, usize::MAX).unwrap();
    let stored = outputs(&mut loader);
    (file, stored, weights(finished(loader).unwrap()))
}

#[test]
fn what_is_not_needed_is_not_asked_for_and_the_weights_are_the_same() {
    let file = wide();
    let expected = weights(load(WIDE, &file, Precision::Int8, usize::MAX).unwrap());
    for part in [1 << 16, 99_991, usize::MAX] {
        let mut loader = begun(WIDE);
        let fetched = fetch(&mut loader, &file, part, usize::MAX).unwrap();
        assert!(fetched < file.len() - 500_000, "{fetched} of {}", file.len());
        assert!(!loader.is_verified());
        assert_eq!(weights(finished(loader).unwrap()), expected);
    }
}

#[test]
fn shards_come_as_they_become_complete_and_make_a_folder() {
    let file = wide();
    let mut loader = Loader::from_hub(TINY, &["tokenizer.json"], Precision::Int8, false).unwrap();
    assert!(loader.plan().is_none() && loader.remaining().is_none());
    loader = Loader::from_hub(WIDE, &["tokenizer.json"], Precision::Int8, false).unwrap();
    loader.begin("tokenizer.json", false).unwrap();
    let tokenizer = tokenizer_json();
    loader.push(&tokenizer).unwrap();
    loader.end().unwrap();
    loader.begin(WEIGHTS, false).unwrap();

    let mut stored: Vec<Stored> = Vec::new();
    let mut left = u64::MAX;
    while let Some(wanted) = loader.wanted() {
        let end = (wanted.end as usize).min(file.len()).min(wanted.start as usize + 300_000);
        let taken = loader.push_at(wanted.start, &file[wanted.start as usize..end]).unwrap();
        assert!(taken > 0);
        assert!(loader.remaining().unwrap() < left);
        left = loader.remaining().unwrap();
        // A shard is there before the next one's bytes have all come.
        let more = outputs(&mut loader);
        assert!(more.len() <= 1);
        let manifest = loader.manifest("made", Source::default(), "");
        stored.extend(more);
        assert_eq!(manifest.is_some(), loader.wanted().is_none());
    }
    assert_eq!(left, 0);
    let plan = loader.plan().unwrap();
    assert_eq!(plan.size, file.len() as u64);
    assert_eq!(plan.shards().count(), stored.len());
    assert!(stored.len() > 2);
    for (i, ((index, entry, bytes), (spans, size))) in stored.iter().zip(plan.shards()).enumerate() {
        assert_eq!(*index, i);
        assert_eq!((entry.size, format!("{:x}", Sha256::digest(bytes))), (bytes.len() as u64, entry.sha256.clone()));
        assert!(entry.size <= 5 << 20 && entry.size.abs_diff(size) < 1 << 16);
        assert!(spans.is_sorted_by_key(|span| span.start));
    }

    let manifest = loader.manifest("made", Source::default(), "MIT").unwrap();
    let expected = weights(finished(loader).unwrap());
    let read = Manifest::from_json(&serde_json::to_vec(&manifest).unwrap()).unwrap();
    let folder = Folder { config: WIDE, tokenizer, shards: stored.into_iter().map(|(.., bytes)| bytes).collect() };
    assert_eq!(weights(folder.load_by(&read, 1 << 20).unwrap()), expected);
}

#[test]
fn an_interrupted_download_goes_on_from_what_is_stored() {
    let file = wide();
    let expected = weights(load(WIDE, &file, Precision::Int8, usize::MAX).unwrap());
    let all = fetch(&mut begun(WIDE), &file, usize::MAX, usize::MAX).unwrap();
    let header = 8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    property_runner(5)
        .run(&(proptest::collection::vec(0..all, 1..4), 1000..9_000_000usize), |(interruptions, part)| {
            let mut stored: Vec<Stored> = Vec::new();
            let mut id = None;
            for limit in interruptions.into_iter().chain([usize::MAX]) {
                let mut loader = begun(WIDE);
                // The header comes again; what came with it is not taken.
                assert_eq!(loader.push_at(0, &file[..128 << 10]).unwrap(), header);
                let before: u64 = loader.remaining().unwrap();
                prop_assert_eq!(id.get_or_insert_with(|| loader.plan().unwrap().id()), &loader.plan().unwrap().id());
                for (index, entry, bytes) in &stored {
                    loader.restore(*index, entry, bytes).unwrap();
                }
                let spans: Vec<_> = loader.plan().unwrap().shards().map(|(spans, _)| spans.to_vec()).collect();
                let known: u64 = stored.iter().flat_map(|(i, ..)| &spans[*i]).map(|span| span.end - span.start).sum();
                prop_assert_eq!(loader.remaining().unwrap() + known, before);
                fetch(&mut loader, &file, part, limit).unwrap();
                stored.extend(outputs(&mut loader));
                if limit == usize::MAX {
                    prop_assert!(weights(finished(loader).unwrap()) == expected);
                }
            }
            prop_assert!(stored.iter().map(|(index, ..)| *index).eq(0..stored.len()));
            Ok(())
        })
        .unwrap();
}

#[test]
fn shards_may_be_restored_in_any_order_and_only_some_of_them() {
    let (file, stored, expected) = fetched_wide();
    for missing in 0..stored.len() {
        let mut loader = begun(WIDE);
        loader.push_at(0, &file[..1 << 16]).unwrap();
        for (index, entry, bytes) in stored.iter().rev().filter(|(index, ..)| *index != missing) {
            loader.restore(*index, entry, bytes).unwrap();
            assert_eq!(code(loader.restore(*index, entry, bytes)), "unexpected-file", "once is enough");
        }
        assert!(outputs(&mut loader).is_empty());
        assert_eq!(code(loader.end()), "truncated");
        loader.begin(WEIGHTS, false).unwrap();
        fetch(&mut loader, &file, 70_000, usize::MAX).unwrap();
        assert_eq!(outputs(&mut loader), stored[missing..=missing]);
        assert_eq!(weights(finished(loader).unwrap()), expected);
    }
}

#[test]
fn damaged_shards_are_not_restored_and_their_bytes_are_wanted_again() {
    let (file, stored, expected) = fetched_wide();
    let mut loader = begun(WIDE);
    let (_, entry, bytes) = &stored[1];
    assert_eq!(code(loader.restore(1, entry, bytes)), "out-of-range", "there is no plan yet");
    loader.push_at(0, &file[..1 << 16]).unwrap();
    let before = loader.remaining();
    let hashed = |bytes: &[u8]| {
        let sha256 = format!("{:x}", Sha256::digest(bytes));
        FileEntry { file: entry.file.clone(), size: bytes.len() as u64, sha256 }
    };
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let longer = [&bytes[..], &[0]].concat();
    // NaN among the scales, which stand first.
    let mut no_number = bytes.clone();
    let data = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    no_number[data..data + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    for (index, entry, bytes, expected) in [
        (1, entry.clone(), &flipped, "hash-mismatch"),
        (1, entry.clone(), &longer, "wrong-size"),
        (1, entry.clone(), &bytes[..9].to_vec(), "wrong-size"),
        (1, FileEntry { file: "../x".to_owned(), ..entry.clone() }, bytes, "invalid-manifest"),
        (99, entry.clone(), bytes, "out-of-range"),
        (usize::MAX, entry.clone(), bytes, "out-of-range"),
        (1, hashed(&longer), &longer, "trailing-bytes"),
        (1, hashed(&bytes[..9]), &bytes[..9].to_vec(), "truncated"),
        (1, hashed(b"<html>  "), &b"<html>  ".to_vec(), "wrong-file-kind"),
        (1, hashed(&no_number), &no_number, "non-finite-weights"),
        // Another shard of the same model.
        (0, entry.clone(), bytes, "unexpected-tensor"),
        (1, stored[2].1.clone(), &stored[2].2, "piece-order"),
    ] {
        assert_eq!(code(loader.restore(index, &entry, bytes)), expected);
        assert_eq!(loader.remaining(), before);
    }
    loader.restore(2, &stored[2].1, &stored[2].2).unwrap();
    fetch(&mut loader, &file, usize::MAX, usize::MAX).unwrap();
    assert_eq!(weights(finished(loader).unwrap()), expected);
}

#[test]
fn a_server_that_sends_more_than_was_asked_for_does_no_harm() {
    let (file, stored, expected) = fetched_wide();
    // The whole file, each time, with some shards restored.
    let mut loader = begun(WIDE);
    let header = loader.push_at(0, &file).unwrap();
    loader.restore(0, &stored[0].1, &stored[0].2).unwrap();
    assert_eq!(loader.push_at(0, &file[..file.len() / 2]).unwrap(), file.len() / 2);
    assert_eq!(loader.push_at(header as u64, &file[header..]).unwrap(), file.len() - header);
    assert_eq!(loader.push_at(0, &file).unwrap(), file.len(), "all of it is known");
    assert_eq!(weights(finished(loader).unwrap()), expected);
}

#[test]
fn bytes_from_a_wrong_place_are_refused() {
    let file = wide();
    for start in [1, 8, 1000] {
        assert_eq!(code(begun(WIDE).push_at(start, &file[start as usize..])), "wrong-place", "{start}");
    }
    let mut loader = begun(WIDE);
    loader.push_at(0, &file[..1 << 16]).unwrap();
    let wanted = loader.wanted().unwrap();
    assert_eq!(code(loader.push_at(wanted.start + 4, &file[wanted.start as usize + 4..])), "wrong-place");
    let mut loader = begun(WIDE);
    loader.push_at(0, &file[..1 << 16]).unwrap();
    assert_eq!(code(loader.push_at(u64::MAX, b"x")), "trailing-bytes");
    assert_eq!(code(loader.push_at(file.len() as u64, b"x")), "trailing-bytes");
    assert_eq!(code(loader.end()), "truncated");
    // A tokenizer's file comes whole.
    let mut loader = Loader::from_hub(TINY, &["tokenizer.json"], Precision::Int8, false).unwrap();
    assert_eq!(code(loader.push_at(0, b"{}")), "unexpected-file");
    loader.begin("tokenizer.json", false).unwrap();
    assert_eq!(code(loader.push_at(0, b"{}")), "unexpected-file");
}

#[test]
fn stated_lengths_and_hashes_are_compared() {
    let file = wide();
    let hash = format!("{:x}", Sha256::digest(&file));
    let expecting = |size, sha256: &str| {
        let mut loader = Loader::from_hub(WIDE, &[], Precision::Int8, false).unwrap();
        loader.expect(WEIGHTS, size, Some(sha256)).unwrap();
        loader.begin(WEIGHTS, false).unwrap();
        loader
    };
    let streamed = |size, sha256: &str| {
        let mut loader = expecting(size, sha256);
        for part in file.chunks(1 << 20) {
            loader.push(part)?;
        }
        loader.end()?;
        Ok(loader.is_verified())
    };
    assert!(streamed(Some(file.len() as u64), &hash).unwrap());
    assert!(streamed(None, &hash).unwrap());
    assert_eq!(code(streamed(None, &"0".repeat(64))), "hash-mismatch");
    assert_eq!(code(streamed(Some(file.len() as u64 - 1), &hash)), "wrong-size");
    assert_eq!(code(streamed(Some(file.len() as u64 + 1), &hash)), "wrong-size");
    // The whole in ranges is compared as well; with holes there is nothing to compare.
    for (whole, sha256, expected) in
        [(true, &hash, Ok(true)), (false, &hash, Ok(false)), (true, &"0".repeat(64), Err(()))]
    {
        let mut loader = expecting(Some(file.len() as u64), sha256);
        if whole {
            let header = loader.push_at(0, &file).unwrap();
            loader.push_at(header as u64, &file[header..]).unwrap();
        } else {
            fetch(&mut loader, &file, 1 << 20, usize::MAX).unwrap();
        }
        assert_eq!(loader.end().map(|()| loader.is_verified()).map_err(|_| ()), expected);
    }
    // A file that has changed is noticed at its header.
    assert_eq!(code(expecting(Some(file.len() as u64 + 4), &hash).push_at(0, &file[..1 << 16])), "wrong-size");
    let mut loader = Loader::from_hub(WIDE, &["tokenizer.json"], Precision::Int8, false).unwrap();
    assert_eq!(code(loader.expect("vocab.json", None, None)), "unexpected-file");
    assert_eq!(code(loader.expect(WEIGHTS, None, Some("0"))), "invalid-manifest");
    loader.expect("tokenizer.json", Some(3), Some(&hash)).unwrap();
    loader.begin("tokenizer.json", false).unwrap();
    loader.push(b"{}").unwrap();
    assert_eq!(code(loader.end()), "wrong-size");
}

#[test]
fn matrices_wider_than_a_shard_make_several() {
    let config = Gpt2Config { n_embd: 1100, n_inner: 16_000, n_layer: 1, vocab_size: 9, eos_token_id: 0, ..TINY };
    let tensors: Vec<Tensor> = headlight::model::weights::Weights::names(&config)
        .into_iter()
        .map(|name| {
            let shape = crate::made::hub_shape(&config, &name);
            let count = shape.iter().product::<u64>() as usize;
            let bytes = (0..count).flat_map(|i| [(i % 251) as u8, 0x38 + (i % 5) as u8]).collect();
            Tensor::new(&name, "F16", &shape, bytes)
        })
        .collect();
    let file = safetensors(&tensors);
    let mut loader = begun(config);
    fetch(&mut loader, &file, 1 << 22, usize::MAX).unwrap();
    let stored = outputs(&mut loader);
    assert!(stored.iter().all(|(_, entry, _)| entry.size <= MAX_SHARD_BYTES));
    assert!(stored.iter().any(|(_, entry, _)| entry.size > 2 << 20));
    let model = finished(loader).unwrap();
    let expected = logits(&model, &[1, 2]);
    let shards = || stored.iter().map(|(.., bytes)| bytes.clone()).collect();
    let folder = Folder { config, tokenizer: tokenizer_json(), shards: shards() };
    assert_eq!(logits(&folder.load(1 << 20).unwrap(), &[1, 2]), expected);
    // One of the two shards of a matrix does not spare its bytes, but it does no harm either.
    let mut loader = begun(config);
    loader.push_at(0, &file[..1 << 16]).unwrap();
    for (index, entry, bytes) in stored.iter().step_by(2) {
        loader.restore(*index, entry, bytes).unwrap();
    }
    fetch(&mut loader, &file, 1 << 22, usize::MAX).unwrap();
    assert_eq!(outputs(&mut loader), stored.iter().skip(1).step_by(2).cloned().collect::<Vec<_>>());
    assert_eq!(logits(&finished(loader).unwrap(), &[1, 2]), expected);
}

#[test]
fn the_files_hash_goes_on_from_the_end_of_a_piece_of_which_all_is_there() {
    let (file, stored, expected) = fetched_wide();
    let sha256 = format!("{:x}", Sha256::digest(&file));
    let begun = || {
        let mut loader = Loader::from_hub(WIDE, &[], Precision::Int8, false).unwrap();
        loader.expect(WEIGHTS, None, Some(&sha256)).unwrap();
        loader.begin(WEIGHTS, false).unwrap();
        loader
    };
    // A part of the file without holes, in parts that end anywhere.
    let push = |loader: &mut Loader, file: &[u8], from: usize, part: usize| {
        let mut saved = Vec::new();
        let mut at = from;
        while at < file.len() {
            at += loader.push_at(at as u64, &file[at..file.len().min(at + part)])?;
            saved.extend(loader.save_hash());
            saved.dedup();
        }
        Ok::<_, headlight::Error>(saved)
    };
    let mut whole = begun();
    let saved = push(&mut whole, &file, 0, 77_777).unwrap();
    assert!(whole.save_hash().is_some() && saved.len() == stored.len(), "one after each piece");
    whole.end().unwrap();
    assert!(whole.is_verified());

    for (count, saved) in saved.iter().enumerate() {
        let again = |shards: usize| {
            let mut loader = begun();
            loader.push_at(0, &file[..1 << 17]).unwrap();
            for (index, entry, bytes) in &stored[..shards] {
                loader.restore(*index, entry, bytes).unwrap();
            }
            loader
        };
        assert_eq!(again(count).restore_hash(saved), None, "a shard is missing that it stands for");
        let mut loader = again(count + 1);
        let from = loader.restore_hash(saved).unwrap() as usize;
        push(&mut loader, &file, from, 77_777).unwrap();
        loader.end().unwrap();
        assert!(loader.is_verified());
        assert_eq!(weights(loader.finish().unwrap().0), expected);

        let mut loader = again(count + 1);
        let from = loader.restore_hash(saved).unwrap() as usize;
        if from < file.len() {
            let mut other = file.clone();
            *other.last_mut().unwrap() ^= 1;
            push(&mut loader, &other, from, 1 << 20).unwrap();
            assert_eq!(code(loader.end()), "hash-mismatch");
        }
    }
}
