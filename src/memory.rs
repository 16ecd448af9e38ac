//! What a model takes, told from its shape before anything is fetched.

use std::hint::black_box;

use crate::config::Gpt2Config;
use crate::error::{Error, Result};
use crate::kernels::{BLOCK, WeightScale, packed_length, scales_length};
use crate::model::cache;

/// The tokenizer's tables, the vocabulary's index, and what loading needs for a while. With GPT-2's 50,257 tokens they take
/// about 30 MB, most of it while `tokenizer.json` is parsed.
const PER_TOKEN: u64 = 640;
/// Buffers of one chunk of tokens, a shard on its way out, and the program itself.
const FIXED: u64 = 12 << 20;

/// Bytes that an int8 model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The weights.
    pub weights: u64,
    /// The caches of a text that fills the context.
    pub caches: u64,
    /// Tokenizer and buffers, about.
    pub rest: u64,
}

impl Needs {
    /// Of a model of that shape.
    pub fn of(config: &Gpt2Config) -> Self {
        let (c, f) = (config.n_embd, config.n_inner);
        let matrix = |rows: usize, inputs: usize| {
            let blocks = inputs.div_ceil(BLOCK);
            (packed_length(rows, blocks) + size_of::<WeightScale>() * scales_length(rows, blocks)) as u64
        };
        let block = matrix(3 * c, c) + matrix(c, c) + matrix(f, c) + matrix(c, f);
        // Two norms, the biases, and what those of queries add to scores.
        let vectors = 4 * (4 * c + 3 * c + c + f + c + config.n_head * (c + 1)) as u64;
        let embeddings = matrix(config.vocab_size, c) + 4 * ((config.n_positions + 2) * c) as u64;
        let weights = embeddings + config.n_layer as u64 * (block + vectors);
        let pages = (config.n_positions.div_ceil(cache::PAGE) * config.n_layer) as u64;
        let caches = pages * cache::int8_page_bytes(config.n_head, config.head_size()) as u64;
        Self { weights, caches, rest: FIXED + PER_TOKEN * config.vocab_size as u64 }
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights + self.caches + self.rest
    }
}

/// Fails if less memory than `bytes` is left, so that this is told before work is done whose failure could not be.
///
/// # Errors
/// If it is.
pub(crate) fn require(bytes: usize) -> Result<()> {
    let mut taken = Vec::<u8>::new();
    let result = taken.try_reserve_exact(bytes);
    // Compilers may leave out what is only taken and given back.
    black_box(&taken);
    result.map_err(|_| Error::OutOfMemory { bytes })
}

/// Makes memory grow at once by what will be taken piece by piece; every growth costs WebAssembly some tenths of a
/// millisecond. There may be enough in pieces where there is not at once, so failing is no error.
pub(crate) fn prepare(bytes: u64) {
    if cfg!(target_arch = "wasm32") {
        let _ = usize::try_from(bytes).map(require);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::model::weights::{Precision, Weights};

    const XL: Gpt2Config = Gpt2Config {
        vocab_size: 50_257,
        n_positions: 1024,
        n_embd: 1600,
        n_layer: 48,
        n_head: 25,
        n_inner: 6400,
        layer_norm_epsilon: 1e-5,
        eos_token_id: 50_256,
    };

    #[test]
    fn weights_take_what_is_told() {
        let odd = Gpt2Config { vocab_size: 157, n_positions: 100, n_embd: 80, n_layer: 3, n_inner: 200, ..XL };
        for config in [odd, Gpt2Config { n_layer: 1, vocab_size: 1000, ..XL }] {
            let weights = Weights::empty(&config, Precision::Int8).unwrap();
            assert_eq!(Needs::of(&config).weights, weights.bytes() as u64);
        }
    }

    #[test]
    fn gpt2_xl_fits_the_memory_that_32_bits_address() {
        let needs = Needs::of(&XL);
        assert!(needs.weights > 1_557_611_200 && needs.weights < 1_750_000_000, "{needs:?}");
        assert!(needs.caches > 3 * 48 * 1024 * 1600 && needs.caches < 300_000_000, "{needs:?}");
        assert!(needs.total() < 2_100_000_000, "{needs:?}");
    }

    #[test]
    fn no_accepted_shape_is_too_large_to_be_told() {
        let largest = Gpt2Config {
            vocab_size: 65_536,
            n_positions: 2048,
            n_embd: 1984,
            n_layer: 96,
            n_head: 64,
            n_inner: 16_384,
            ..XL
        };
        largest.validate().unwrap();
        assert!(Needs::of(&largest).weights > largest.parameters());
        assert!(largest.parameters() > 1 << 32);
        assert_eq!(require(usize::MAX).unwrap_err().code(), "out-of-memory");
    }
}
