//! What is done with arbitrary bytes, by file format. Nothing may panic, hang, or take memory out of proportion; what is
//! accepted must run.

use headlight::Result;
use headlight::checkpoint::loader::{Loader, hex};
use headlight::checkpoint::manifest::{FileEntry, Manifest, Source};
use headlight::checkpoint::reader::{Reader, TensorInfo, TensorSink};
use headlight::config::Gpt2Config;
use headlight::model::Model;
use headlight::model::weights::Precision;
use headlight::tokenizer::Tokenizer;
use sha2::{Digest, Sha256};

type Target = fn(&[u8]);

/// All targets by name.
pub(crate) const TARGETS: [(&str, Target); 7] = [
    ("safetensors", safetensors),
    ("hub", hub),
    ("shard", shard),
    ("gguf", gguf),
    ("manifest", manifest),
    ("config", config),
    ("tokenizer", tokenizer),
];

/// So small that a whole file of it is a short input.
pub(crate) const SMALLEST: Gpt2Config = Gpt2Config {
    vocab_size: 3,
    n_positions: 2,
    n_embd: 2,
    n_layer: 1,
    n_head: 1,
    n_inner: 3,
    layer_norm_epsilon: 1e-5,
    eos_token_id: 2,
};

/// The first byte tells in which parts the rest comes.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    rest.chunks(1 + usize::from(*first) * usize::from(*first))
}

/// Checks that every element of every tensor comes, in order.
#[derive(Default)]
struct Checking {
    left: Vec<(String, u64)>,
}

impl TensorSink for Checking {
    fn header(&mut self, tensors: &[TensorInfo]) -> Result<()> {
        self.left = tensors.iter().map(|tensor| (tensor.name.clone(), tensor.end - tensor.start)).collect();
        Ok(())
    }

    fn data(&mut self, tensor: &TensorInfo, _: usize, bytes: &[u8]) -> Result<()> {
        let (_, left) = self.left.iter_mut().find(|(name, left)| *name == tensor.name && *left > 0).expect("announced");
        *left -= bytes.len() as u64;
        Ok(())
    }
}

/// A safetensors file of anything.
pub(crate) fn safetensors(bytes: &[u8]) {
    let (mut reader, mut sink) = (Reader::default(), Checking::default());
    let pushed = parts(bytes).try_for_each(|part| reader.push(part, &mut sink));
    if pushed.and_then(|()| reader.finish()).is_ok() {
        assert!(sink.left.iter().all(|(_, left)| *left == 0));
    }
}

fn run(model: &Model) {
    let mut state = model.start();
    model.forward(&mut state, &[0, 1]).expect("there is room for two tokens");
    assert_eq!(model.logits(&mut state, 1).len(), model.config.vocab_size);
}

/// A file of the hub's layout, by ranges; its shards are taken, and taken back.
pub(crate) fn hub(bytes: &[u8]) {
    const NAME: &str = "model.safetensors";
    let begun = || {
        let mut loader = Loader::from_hub(SMALLEST, &[], Precision::Int8, false).expect("it takes little memory");
        loader.begin(NAME, false).expect("it is due");
        loader
    };
    let mut loader = begun();
    let mut offset = 0;
    for part in parts(bytes) {
        let mut taken = 0;
        while taken < part.len() {
            match loader.push_at(offset + taken as u64, &part[taken..]) {
                Ok(count) => taken += count,
                Err(_) => return,
            }
        }
        offset += part.len() as u64;
    }
    let Ok(outputs) = std::iter::from_fn(|| loader.take_output().transpose()).collect::<Result<Vec<_>>>() else {
        return;
    };
    if loader.end().is_err() {
        return;
    }
    let (model, ..) = loader.finish().expect("all has come");
    run(&model);
    let mut again = begun();
    let header = again.push_at(0, &bytes[1..]).expect("it was accepted before");
    for output in outputs {
        again.restore(output.index.expect("a shard"), &output.entry, &output.bytes).expect("it is as it was");
    }
    assert!(again.wanted().is_none() && header < bytes.len());
}

/// A shard of ours, with a true manifest.
pub(crate) fn shard(bytes: &[u8]) {
    let file: Vec<u8> = parts(bytes).flatten().copied().collect();
    let entry = |name: &str, bytes: &[u8]| FileEntry {
        file: name.to_owned(),
        size: bytes.len() as u64,
        sha256: hex(&Sha256::digest(bytes)),
    };
    let mut manifest = Manifest::new(String::new(), SMALLEST, Source::default(), String::new());
    manifest.shards.push(entry("a", &file));
    let mut loader = Loader::from_manifest(&manifest);
    let loaded = loader.begin("a", false).and_then(|()| parts(bytes).try_for_each(|part| loader.push(part)));
    if let Ok((model, ..)) = loaded.and_then(|()| loader.end()).and_then(|()| loader.finish()) {
        run(&model);
    }
}

/// A GGUF file.
pub(crate) fn gguf(bytes: &[u8]) {
    let mut loader = Loader::from_gguf("a", Precision::Int8, false);
    loader.expect("a", Some(bytes.len().saturating_sub(1) as u64), None).expect("it is due");
    let loaded = loader.begin("a", false).and_then(|()| parts(bytes).try_for_each(|part| loader.push(part)));
    if let Ok((model, tokenizer, _)) = loaded.and_then(|()| loader.end()).and_then(|()| loader.finish()) {
        if model.config.n_positions > 1 {
            run(&model);
        }
        round_trip(&tokenizer.expect("it holds one"));
    }
}

/// `manifest.json`.
pub(crate) fn manifest(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::from_json(bytes) {
        assert_eq!(Manifest::from_json(&manifest.to_json()).expect("it was accepted before"), manifest);
    }
}

/// `config.json`.
pub(crate) fn config(bytes: &[u8]) {
    if let Ok(config) = Gpt2Config::from_hub_json(bytes) {
        config.validate().expect("it was accepted before");
        assert!(config.parameters() > 0 && config.head_size() * config.n_head == config.n_embd);
    }
}

/// `tokenizer.json`, or `vocab.json` and `merges.txt` with a zero byte between them.
pub(crate) fn tokenizer(bytes: &[u8]) {
    let both = bytes.iter().position(|&byte| byte == 0).map(|middle| (&bytes[..middle], &bytes[middle + 1..]));
    let result = match both {
        Some((vocab, merges)) => Tokenizer::from_vocab_and_merges(vocab, merges),
        None => Tokenizer::from_json(bytes),
    };
    if let Ok(tokenizer) = result {
        round_trip(&tokenizer);
    }
}

fn round_trip(tokenizer: &Tokenizer) {
    let text = "the cat  sat\n\n €ä '' 12 <|endoftext|>x";
    let ids = tokenizer.encode(text).expect("every text can be spelled");
    assert_eq!(tokenizer.decode(&ids), text);
}
