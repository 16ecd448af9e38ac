//! What the tests share.

use std::collections::BTreeMap;

use headlight::Result;
use headlight::checkpoint::loader::Loader;
use headlight::checkpoint::reader::{Reader, TensorInfo, TensorSink};
use headlight::config::Gpt2Config;
use headlight::model::Model;
use headlight::model::weights::Precision;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A model of `tests/golden`, in the hub's layout, with what transformers computes with it.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    pub(crate) config: &'static [u8],
    pub(crate) model: &'static [u8],
    tensors: &'static [u8],
    description: &'static str,
    inside: &'static [u8],
    inside_description: &'static str,
}

macro_rules! golden {
    ($name:literal) => {
        Golden {
            name: $name,
            config: include_bytes!(concat!("../golden/", $name, "/config.json")),
            model: include_bytes!(concat!("../golden/", $name, "/model.safetensors")),
            tensors: include_bytes!(concat!("../golden/", $name, "/golden.safetensors")),
            description: include_str!(concat!("../golden/", $name, "/golden.json")),
            inside: include_bytes!(concat!("../golden/", $name, "/inside.safetensors")),
            inside_description: include_str!(concat!("../golden/", $name, "/inside.json")),
        }
    };
}

pub(crate) const GOLDENS: [Golden; 4] =
    [golden!("f32-plain"), golden!("f16-prefixed"), golden!("bf16-odd"), golden!("distil")];

impl Golden {
    pub(crate) fn config(&self) -> Gpt2Config {
        Gpt2Config::from_hub_json(self.config).unwrap()
    }

    pub(crate) fn load(&self, precision: Precision) -> Model {
        load(self.config(), self.model, precision, 1 << 16).unwrap()
    }

    /// What transformers computed.
    pub(crate) fn expected(&self) -> Expected {
        Expected::new(self.tensors, self.description)
    }

    /// What transformers computed on the way, and with attention altered.
    pub(crate) fn inside(&self) -> Expected {
        Expected::new(self.inside, self.inside_description)
    }
}

/// Reference tensors by name.
pub(crate) struct Expected {
    tensors: BTreeMap<String, (TensorInfo, Vec<u8>)>,
    pub(crate) description: serde_json::Value,
}

impl Expected {
    fn new(tensors: &[u8], description: &str) -> Self {
        let mut sink = Collector::default();
        let mut reader = Reader::default();
        reader.push(tensors, &mut sink).unwrap();
        reader.finish().unwrap();
        Self { tensors: sink.0, description: serde_json::from_str(description).unwrap() }
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        let (info, bytes) = &self.tensors[name];
        assert_eq!(info.dtype, "F32", "{name}");
        bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }

    pub(crate) fn ids(&self, name: &str) -> Vec<u32> {
        let (info, bytes) = &self.tensors[name];
        assert_eq!(info.dtype, "I32", "{name}");
        bytes.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect()
    }

    /// Fails unless `found` is as close to the reference tensor as the goldens' description demands.
    pub(crate) fn check(&self, name: &str, found: &[f32]) {
        self.check_first(name, found, 1, 1);
    }

    /// As [`check`](Self::check), of the first `count` of every `of` numbers.
    pub(crate) fn check_first(&self, name: &str, found: &[f32], count: usize, of: usize) {
        let tolerance = self.description["tensors"][name]["tolerance"].as_f64().unwrap() as f32;
        let expected: Vec<f32> =
            self.floats(name).chunks_exact(of).flat_map(|numbers| &numbers[..count]).copied().collect();
        assert_eq!(found.len(), expected.len(), "{name}");
        let worst = largest_difference(found, &expected);
        assert!(worst <= tolerance, "{name}: off by {worst}, allowed are {tolerance}");
    }
}

/// Keeps all tensors of a file.
#[derive(Default)]
pub(crate) struct Collector(pub(crate) BTreeMap<String, (TensorInfo, Vec<u8>)>);

impl TensorSink for Collector {
    fn header(&mut self, tensors: &[TensorInfo]) -> Result<()> {
        self.0.extend(tensors.iter().map(|info| (info.name.clone(), (info.clone(), Vec::new()))));
        Ok(())
    }

    fn data(&mut self, tensor: &TensorInfo, first: usize, bytes: &[u8]) -> Result<()> {
        let (info, collected) = self.0.get_mut(&tensor.name).unwrap();
        assert_eq!(first as u64 * (info.end - info.start), {
            let elements = info.shape.iter().product::<u64>();
            collected.len() as u64 * elements
        });
        collected.extend_from_slice(bytes);
        Ok(())
    }
}

/// A model from the bytes of `model.safetensors`, pushed in parts of `part` bytes.
pub(crate) fn load(config: Gpt2Config, bytes: &[u8], precision: Precision, part: usize) -> Result<Model> {
    let mut loader = Loader::from_hub(config, &[], precision, false)?;
    loader.begin("model.safetensors", false)?;
    for part in bytes.chunks(part) {
        loader.push(part)?;
    }
    loader.end()?;
    Ok(loader.finish()?.0)
}

pub(crate) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    // A difference that is not a number must not get lost.
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |worst, d| if d <= worst { worst } else { d })
}

/// A runner with the same cases every time, since WebAssembly has no source of randomness and no files.
pub(crate) fn property_runner(cases: u32) -> TestRunner {
    let config = Config { failure_persistence: None, ..Config::with_cases(cases) };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}
