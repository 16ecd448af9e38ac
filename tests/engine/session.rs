//! One person's text: set, edited, computed, continued and looked into.

mod attention;
mod branches;
mod generation;
mod suggestions;
mod text;
mod words;

use std::sync::LazyLock;

use headlight::config::Gpt2Config;
use headlight::model::weights::Precision;
use headlight::session::Session;

use crate::made::{END_OF_TEXT, TOKENS, Tensor, hub_tensors, model, safetensors, tokenizer};
use crate::support::load;

/// Five tokens more than the tokenizer has, and room for three chunks.
pub(crate) const SHAPE: Gpt2Config = Gpt2Config {
    vocab_size: TOKENS + 5,
    n_positions: 96,
    n_embd: 64,
    n_layer: 2,
    n_head: 4,
    n_inner: 100,
    layer_norm_epsilon: 1e-5,
    eos_token_id: END_OF_TEXT,
};

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| safetensors(&hub_tensors(&SHAPE, 5)));

/// A session without text, always of the same model.
pub(crate) fn session() -> Session {
    Session::new(load(SHAPE, &FILE, Precision::Int8, usize::MAX).unwrap(), tokenizer()).unwrap()
}

fn session_of(config: Gpt2Config, tensors: &[Tensor]) -> Session {
    Session::new(model(config, tensors, Precision::Int8).unwrap(), tokenizer()).unwrap()
}

/// A session with a text that is computed.
pub(crate) fn session_with(text: &str) -> Session {
    let mut session = session();
    session.set_text(text).unwrap();
    session.complete().unwrap();
    session
}

/// `count` tokens of one letter each.
pub(crate) fn letters(count: usize) -> String {
    ('k'..='s').cycle().take(count).collect()
}

/// The logits after `ids`, computed without a session.
pub(crate) fn reference(ids: &[u32]) -> Vec<f32> {
    let model = load(SHAPE, &FILE, Precision::Int8, usize::MAX).unwrap();
    let mut state = model.start();
    model.forward(&mut state, ids).unwrap();
    model.logits(&mut state, 1)
}
