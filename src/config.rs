//! The shape of a GPT-2 and the letters used for its dimensions.
//!
//! `V` tokens in the vocabulary, `P` positions at most, `T` positions in use, `C` channels (the embedding's width),
//! `L` layers, `NH` heads of `HS = C / NH` channels each, `F` inner channels of the feed-forward part.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::json;

/// Largest values that are accepted, so that no file can ask for absurd amounts of memory. GPT-2 XL has 50,257 tokens,
/// 1,024 positions, 1,600 channels, 48 layers, 25 heads and 6,400 inner channels. The
/// position embeddings, which are never cut, then always fit a shard.
const LIMITS: [(&str, usize); 6] = [
    ("vocab_size", 65_536),
    ("n_positions", 2_048),
    ("n_embd", 1_984),
    ("n_layer", 96),
    ("n_head", 64),
    ("n_inner", 16_384),
];

/// `config.json` may have at most this many bytes.
const MAX_CONFIG_BYTES: usize = 1 << 20;

/// The shape of a GPT-2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpt2Config {
    /// `V`
    pub vocab_size: usize,
    /// `P`
    pub n_positions: usize,
    /// `C`
    pub n_embd: usize,
    /// `L`
    pub n_layer: usize,
    /// `NH`
    pub n_head: usize,
    /// `F`
    pub n_inner: usize,
    /// Added to the variance in every LayerNorm.
    pub layer_norm_epsilon: f32,
    /// The token `<|endoftext|>`.
    pub eos_token_id: u32,
}

/// What the hub's `config.json` describes.
#[derive(Deserialize)]
struct HubKind {
    model_type: Option<String>,
}

/// The hub's `config.json` of a GPT-2, as far as it matters.
#[derive(Deserialize)]
struct HubConfig {
    vocab_size: usize,
    n_positions: Option<usize>,
    n_ctx: Option<usize>,
    n_embd: usize,
    n_layer: usize,
    n_head: usize,
    n_inner: Option<usize>,
    layer_norm_epsilon: Option<f32>,
    activation_function: Option<String>,
    eos_token_id: Option<u32>,
    scale_attn_weights: Option<bool>,
    scale_attn_by_inverse_layer_idx: Option<bool>,
    add_cross_attention: Option<bool>,
    tie_word_embeddings: Option<bool>,
}

fn parse<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T> {
    json::read(json).map_err(|source| Error::Json { what: "config.json", source })
}

impl Gpt2Config {
    /// Reads the hub's `config.json`.
    ///
    /// # Errors
    /// If it is not JSON, not of a GPT-2, or of a GPT-2 variant with other arithmetic.
    pub fn from_hub_json(json: &[u8]) -> Result<Self> {
        if json.len() > MAX_CONFIG_BYTES {
            return Err(Error::Config { field: "file", reason: format!("longer than {MAX_CONFIG_BYTES} bytes") });
        }
        // First, because other kinds of models have other keys.
        let HubKind { model_type } = parse(json)?;
        if let Some(other) = model_type.filter(|kind| kind != "gpt2") {
            return Err(Error::Architecture(other.chars().take(60).collect()));
        }
        let hub: HubConfig = parse(json)?;
        let unsupported = |field, reason: &str| Err(Error::Config { field, reason: reason.to_owned() });
        // `gelu_pytorch_tanh` is the same function under a newer name.
        if hub.activation_function.as_deref().is_some_and(|name| !["gelu_new", "gelu_pytorch_tanh"].contains(&name)) {
            return unsupported("activation_function", "only gelu_new is supported");
        }
        if hub.scale_attn_weights == Some(false) {
            return unsupported("scale_attn_weights", "unscaled attention is not supported");
        }
        if hub.scale_attn_by_inverse_layer_idx == Some(true) {
            return unsupported("scale_attn_by_inverse_layer_idx", "not supported");
        }
        if hub.add_cross_attention == Some(true) {
            return unsupported("add_cross_attention", "not supported");
        }
        if hub.tie_word_embeddings == Some(false) {
            return unsupported("tie_word_embeddings", "an output matrix of its own is not supported");
        }
        let Some(n_positions) = hub.n_positions.or(hub.n_ctx) else {
            return unsupported("n_positions", "missing");
        };
        let config = Self {
            vocab_size: hub.vocab_size,
            n_positions,
            n_embd: hub.n_embd,
            n_layer: hub.n_layer,
            n_head: hub.n_head,
            n_inner: hub.n_inner.unwrap_or(hub.n_embd.saturating_mul(4)),
            layer_norm_epsilon: hub.layer_norm_epsilon.unwrap_or(1e-5),
            eos_token_id: hub.eos_token_id.unwrap_or((hub.vocab_size as u32).saturating_sub(1)),
        };
        config.validate()?;
        Ok(config)
    }

    /// Checks that all values lie within what this engine runs.
    ///
    /// # Errors
    /// Names the first value that does not.
    pub fn validate(&self) -> Result<()> {
        let values = [self.vocab_size, self.n_positions, self.n_embd, self.n_layer, self.n_head, self.n_inner];
        for ((field, limit), value) in LIMITS.into_iter().zip(values) {
            if value == 0 || value > limit {
                return Err(Error::Config { field, reason: format!("{value} is not within 1 to {limit}") });
            }
        }
        if !self.n_embd.is_multiple_of(self.n_head) {
            let reason = format!("{} heads don't divide {} channels", self.n_head, self.n_embd);
            return Err(Error::Config { field: "n_head", reason });
        }
        if !(self.layer_norm_epsilon.is_finite() && self.layer_norm_epsilon > 0.0) {
            return Err(Error::Config { field: "layer_norm_epsilon", reason: "must be above 0".to_owned() });
        }
        if self.eos_token_id as usize >= self.vocab_size {
            return Err(Error::Config { field: "eos_token_id", reason: "outside the vocabulary".to_owned() });
        }
        Ok(())
    }

    /// `HS`, the channels of one head.
    pub fn head_size(&self) -> usize {
        self.n_embd / self.n_head
    }

    /// Number of parameters; the output matrix is the embedding and counts once.
    pub fn parameters(&self) -> u64 {
        let (c, f) = (self.n_embd as u64, self.n_inner as u64);
        let block = 4 * c + (c * 3 * c + 3 * c) + (c * c + c) + (c * f + f) + (f * c + c);
        (self.vocab_size + self.n_positions) as u64 * c + self.n_layer as u64 * block + 2 * c
    }
}
