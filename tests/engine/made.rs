//! Files, models and a tokenizer that tests make themselves.

use std::collections::HashMap;

use headlight::Result;
use headlight::checkpoint::loader::{Loader, hex};
use headlight::checkpoint::manifest::{FileEntry, Manifest, Source};
use headlight::checkpoint::quantised::write_shards;
use headlight::checkpoint::reader::Reader;
use headlight::config::Gpt2Config;
use headlight::model::Model;
use headlight::model::weights::{Precision, Weights};
use headlight::sample::Random;
use headlight::tokenizer::Tokenizer;
use sha2::{Digest, Sha256};

use crate::support::{Collector, load};

/// A small shape in which no two dimensions are the same and none fills a block.
pub(crate) const TINY: Gpt2Config = Gpt2Config {
    vocab_size: 13,
    n_positions: 6,
    n_embd: 8,
    n_layer: 2,
    n_head: 2,
    n_inner: 20,
    layer_norm_epsilon: 1e-5,
    eos_token_id: 12,
};

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) dtype: String,
    pub(crate) shape: Vec<u64>,
    pub(crate) bytes: Vec<u8>,
}

impl Tensor {
    pub(crate) fn new(name: &str, dtype: &str, shape: &[u64], bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), dtype: dtype.to_owned(), shape: shape.to_vec(), bytes }
    }

    pub(crate) fn f32(name: &str, shape: &[u64], values: &[f32]) -> Self {
        Self::new(name, "F32", shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    pub(crate) fn floats(&self) -> Vec<f32> {
        assert_eq!(self.dtype, "F32");
        self.bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }
}

/// A file from the text of its header and its data.
pub(crate) fn raw(header: impl AsRef<[u8]>, data: &[u8]) -> Vec<u8> {
    let header = header.as_ref();
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// A file that holds `tensors` one after the other.
pub(crate) fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let mut position = 0;
    let mut entries = Vec::new();
    for Tensor { name, dtype, shape, bytes } in tensors {
        let end = position + bytes.len();
        entries.push(format!(r#"{name:?}:{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{position},{end}]}}"#));
        position = end;
    }
    let data: Vec<u8> = tensors.iter().flat_map(|tensor| tensor.bytes.iter().copied()).collect();
    raw(format!("{{{}}}", entries.join(",")), &data)
}

/// The tensors of a valid file in the order of their bytes.
pub(crate) fn tensors_of(file: &[u8]) -> Vec<Tensor> {
    let (mut reader, mut sink) = (Reader::default(), Collector::default());
    reader.push(file, &mut sink).unwrap();
    reader.finish().unwrap();
    let mut found: Vec<_> = sink.0.into_values().collect();
    found.sort_by_key(|(info, _)| (info.start, info.end));
    found.into_iter().map(|(info, bytes)| Tensor::new(&info.name, &info.dtype, &info.shape, bytes)).collect()
}

/// Numbers between -`scale` and `scale`.
pub(crate) fn seeded(seed: u64, count: usize, scale: f32) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..count).map(|_| (random.next_unit() * 2.0 - 1.0) as f32 * scale).collect()
}

/// The shape that the hub's files give a tensor.
pub(crate) fn hub_shape(config: &Gpt2Config, name: &str) -> Vec<u64> {
    let (c, f) = (config.n_embd, config.n_inner);
    let in_block = name.strip_prefix("h.").and_then(|name| name.split_once('.')).map_or(name, |(_, name)| name);
    let shape = match in_block {
        "wte.weight" => vec![config.vocab_size, c],
        "wpe.weight" => vec![config.n_positions, c],
        "attn.c_attn.weight" => vec![c, 3 * c],
        "attn.c_attn.bias" => vec![3 * c],
        "attn.c_proj.weight" => vec![c, c],
        "mlp.c_fc.weight" => vec![c, f],
        "mlp.c_fc.bias" => vec![f],
        "mlp.c_proj.weight" => vec![f, c],
        _ => vec![c],
    };
    shape.into_iter().map(|dimension| dimension as u64).collect()
}

/// All tensors of a model in F32, with seeded values.
pub(crate) fn hub_tensors(config: &Gpt2Config, seed: u64) -> Vec<Tensor> {
    let tensor = |(i, name): (u64, String)| {
        let shape = hub_shape(config, &name);
        let mut values = seeded(seed * 1000 + i, shape.iter().product::<u64>() as usize, 0.5);
        if name.contains("ln_") && name.ends_with("weight") {
            values.iter_mut().for_each(|value| *value += 1.0);
        }
        Tensor::f32(&name, &shape, &values)
    };
    (0..).zip(Weights::names(config)).map(tensor).collect()
}

/// A model whose most probable token after position `p` is `script[p]`, whatever the text.
pub(crate) fn scripted(config: &Gpt2Config, script: &[u32]) -> Vec<Tensor> {
    assert!(config.n_embd >= 64 && script.len() == config.n_positions, "the codes must differ enough");
    // Half of a code is 1 and half is -1, so that normalising changes no signs.
    let code = |id: u32| {
        let mut order: Vec<(f32, usize)> = seeded(u64::from(id), config.n_embd, 1.0).into_iter().zip(0..).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut code = vec![-1.0; config.n_embd];
        order[..config.n_embd / 2].iter().for_each(|&(_, i)| code[i] = 1.0);
        code
    };
    let mut tensors = hub_tensors(config, 0);
    for tensor in &mut tensors {
        let count = tensor.bytes.len() / 4;
        let values = match tensor.name.as_str() {
            "wte.weight" => (0..config.vocab_size as u32).flat_map(code).collect(),
            // Far above the token's own code, so that positions alone decide.
            "wpe.weight" => script.iter().flat_map(|&id| code(id)).map(|x| 100.0 * x).collect(),
            "ln_f.weight" => vec![1.0; count],
            name if name.contains("c_proj") || name == "ln_f.bias" => vec![0.0; count],
            _ => continue,
        };
        *tensor = Tensor::f32(&tensor.name, &tensor.shape, &values);
    }
    tensors
}

/// A model from tensors in the hub's layout.
pub(crate) fn model(config: Gpt2Config, tensors: &[Tensor], precision: Precision) -> Result<Model> {
    load(config, &safetensors(tensors), precision, usize::MAX)
}

/// The logits after the last token; at most one chunk of tokens.
pub(crate) fn logits(model: &Model, ids: &[u32]) -> Vec<f32> {
    let mut state = model.start();
    model.forward(&mut state, ids).unwrap();
    model.logits(&mut state, 1)
}

/// A folder of quantised shards.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) config: Gpt2Config,
    pub(crate) tokenizer: Vec<u8>,
    pub(crate) shards: Vec<Vec<u8>>,
}

impl Folder {
    /// As `headlight quantize` would write it.
    pub(crate) fn of(mut model: Model) -> Self {
        let mut shards = Vec::new();
        let write = |index, shard| {
            assert_eq!(index, shards.len());
            shards.push(shard);
            Ok(())
        };
        write_shards(&model.config, &mut model.weights, write).unwrap();
        Self { config: model.config, tokenizer: tokenizer_json(), shards }
    }

    /// The tensors of all shards.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        self.shards.iter().flat_map(|shard| tensors_of(shard)).collect()
    }

    /// The same folder with other tensors, one shard per part.
    pub(crate) fn with(&self, parts: &[&[Tensor]]) -> Self {
        Self { shards: parts.iter().map(|part| safetensors(part)).collect(), ..self.clone() }
    }

    /// A manifest that is true of the files.
    pub(crate) fn manifest(&self) -> Manifest {
        let entry = |file: String, bytes: &[u8]| {
            let (size, sha256) = (bytes.len() as u64, hex(&Sha256::digest(bytes)));
            FileEntry { file, size, sha256 }
        };
        let mut manifest = Manifest::new("made".to_owned(), self.config, Source::default(), String::new());
        manifest.tokenizer.push(entry("tokenizer.json".to_owned(), &self.tokenizer));
        manifest.shards.extend((0..).zip(&self.shards).map(|(i, shard)| entry(format!("{i}.safetensors"), shard)));
        manifest
    }

    /// Loads the folder in parts of `part` bytes.
    pub(crate) fn load(&self, part: usize) -> Result<Model> {
        self.load_by(&self.manifest(), part)
    }

    /// Loads the folder as another manifest describes it.
    pub(crate) fn load_by(&self, manifest: &Manifest, part: usize) -> Result<Model> {
        // As a reader would see it.
        let manifest = Manifest::from_json(&serde_json::to_vec(manifest).unwrap())?;
        let mut loader = Loader::from_manifest(&manifest);
        let names: Vec<String> = loader.files().map(|file| file.name.clone()).collect();
        for (name, bytes) in names.iter().zip([&self.tokenizer].into_iter().chain(&self.shards)) {
            loader.begin(name, false)?;
            for part in bytes.chunks(part) {
                loader.push(part)?;
            }
            loader.end()?;
        }
        Ok(loader.finish()?.0)
    }
}

/// How GPT-2's files spell a byte.
pub(crate) fn spell(byte: u8) -> char {
    let visible = |byte: &u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    if visible(&byte) {
        return char::from(byte);
    }
    let hidden = (0..byte).filter(|byte| !visible(byte)).count();
    char::from_u32(256 + hidden as u32).unwrap()
}

/// Merges of the tokenizer below. The one of the first two bytes of U+20AC makes a token that is a part of a character.
const MERGES: [[&[u8]; 2]; 9] = [
    [b"t", b"h"],
    [b"th", b"e"],
    [b" ", b"the"],
    [b" ", b"c"],
    [b"a", b"t"],
    [b" c", b"at"],
    [b" ", b" "],
    [b"\xe2", b"\x82"],
    [b"\xe2\x82", b"\xac"],
];
/// Tokens of the tokenizer below: bytes, merges, end of text.
pub(crate) const TOKENS: usize = 256 + MERGES.len() + 1;
pub(crate) const END_OF_TEXT: u32 = TOKENS as u32 - 1;

/// A small `tokenizer.json`. The id of a byte is the byte.
pub(crate) fn tokenizer_json() -> Vec<u8> {
    let spelled = |bytes: &[u8]| bytes.iter().copied().map(spell).collect::<String>();
    let single = (0..=255u8).map(|byte| spelled(&[byte]));
    let merged = MERGES.iter().map(|[left, right]| spelled(&[*left, *right].concat()));
    let tokens = single.chain(merged).chain(["<|endoftext|>".to_owned()]);
    let vocab: HashMap<String, u32> = tokens.zip(0..).collect();
    let merges: Vec<_> = MERGES.iter().map(|pair| pair.map(spelled)).collect();
    serde_json::to_vec(&serde_json::json!({"model": {"vocab": vocab, "merges": merges}})).unwrap()
}

pub(crate) fn tokenizer() -> Tokenizer {
    Tokenizer::from_json(&tokenizer_json()).unwrap()
}
