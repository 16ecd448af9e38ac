//! The session for JavaScript. Only this module names the JavaScript side; it converts and does nothing else.

#![deny(clippy::unwrap_used)]

pub mod inspection;
mod suggesting;
pub mod threads;
mod values;

use wasm_bindgen::prelude::*;

use crate::checkpoint::kind::FileKind;
use crate::checkpoint::loader::Loader;
use crate::checkpoint::manifest::{FileEntry, Manifest, Source};
use crate::config::Gpt2Config;
use crate::error::Error;
use crate::kernels::VARIANT;
use crate::memory::Needs;
use crate::model::weights::Precision;
use crate::sample::Sampling;
use crate::session::{Session, Step};
use crate::tokenizer::Token;
use values::{
    FileValue, InfoValue, KindValue, NeedsValue, OutputValue, PlanValue, PromptValue, SpanValue, StepValue, to_js,
};

type JsResult<T> = std::result::Result<T, JsValue>;

/// Sends the text of panics to the console.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// A JavaScript `Error` with the property `code`.
fn failure(error: Error) -> JsValue {
    let object = js_sys::Error::new(&error.to_string());
    // Setting a property of a fresh object can't fail.
    let _ = js_sys::Reflect::set(&object, &"code".into(), &error.code().into());
    object.into()
}

/// What a file is that starts like this, at least eight bytes if it has them: `{code, name, advice}`, or null if it may be a
/// safetensors file, or anything.
#[wasm_bindgen(js_name = fileKind)]
pub fn file_kind(start: &[u8]) -> JsResult<JsValue> {
    to_js(&FileKind::of(start).map(KindValue::from))
}

/// Bytes that a model takes here, of which there are at most 2^32: `{weights, caches, rest, total}`, from its `config.json`, or
/// from as much of that as tells the shape.
#[wasm_bindgen(js_name = memoryNeeded)]
pub fn memory_needed(config: &[u8]) -> JsResult<JsValue> {
    let config = Gpt2Config::from_hub_json(config).map_err(failure)?;
    to_js(&NeedsValue::from(Needs::of(&config)))
}

/// Bytes of linear memory in use by this module.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> f64 {
    std::arch::wasm32::memory_size::<0>() as f64 * 65_536.0
}

/// A model being loaded; see `checkpoint::loader`.
#[wasm_bindgen]
pub struct ModelLoader {
    loader: Loader,
    name: String,
    source: String,
    revision: String,
    licence: String,
}

#[wasm_bindgen]
impl ModelLoader {
    /// For a folder of quantised shards.
    #[wasm_bindgen(js_name = fromManifest)]
    pub fn from_manifest(json: &[u8]) -> JsResult<ModelLoader> {
        let manifest = Manifest::from_json(json).map_err(failure)?;
        let loader = Loader::from_manifest(&manifest);
        let Source { repository: source, revision } = manifest.source;
        Ok(Self { loader, name: manifest.name, source, revision, licence: manifest.licence })
    }

    /// For a folder in the hub's layout, with `tokenizer.json` or with `vocab.json` and `merges.txt`.
    #[wasm_bindgen(js_name = fromHub)]
    pub fn from_hub(config: &[u8], name: String, has_tokenizer_json: bool) -> JsResult<ModelLoader> {
        let config = Gpt2Config::from_hub_json(config).map_err(failure)?;
        let files: &[&str] = if has_tokenizer_json { &["tokenizer.json"] } else { &["vocab.json", "merges.txt"] };
        let loader = Loader::from_hub(config, files, Precision::Int8, false).map_err(failure)?;
        Ok(Self { loader, name, source: String::new(), revision: String::new(), licence: String::new() })
    }

    /// For a GGUF file of that name; `name` is what the model is called. What `takeOutput` hands out without an index belongs
    /// to the tokenizer.
    #[wasm_bindgen(js_name = fromGguf)]
    pub fn from_gguf(file: &str, name: String) -> ModelLoader {
        let loader = Loader::from_gguf(file, Precision::Int8, false);
        Self { loader, name, source: String::new(), revision: String::new(), licence: String::new() }
    }

    /// Sets the memory for the weights of a manifest aside, or says that there is not enough. Best after the tokenizer has
    /// come: what was needed only to read that is then used for small weights.
    #[wasm_bindgen(js_name = makeRoom)]
    pub fn make_room(&mut self) -> JsResult<()> {
        self.loader.make_room().map_err(failure)
    }

    /// `[{name, size, isTokenizer}]` still to come, in their order.
    pub fn files(&self) -> JsResult<JsValue> {
        to_js(&self.loader.files().map(FileValue::from).collect::<Vec<_>>())
    }

    /// Starts the next file; with `hashed_elsewhere`, `verify` must be called for it.
    pub fn begin(&mut self, name: &str, hashed_elsewhere: bool) -> JsResult<()> {
        self.loader.begin(name, hashed_elsewhere).map_err(failure)
    }

    /// Takes the SHA-256 of a file that was hashed elsewhere.
    pub fn verify(&mut self, name: &str, sha256: &[u8]) -> JsResult<()> {
        self.loader.verify(name, sha256).map_err(failure)
    }

    /// Takes its next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> JsResult<()> {
        self.loader.push(bytes).map_err(failure)
    }

    /// States length and SHA-256 of a file that no manifest describes; either may be absent.
    pub fn expect(&mut self, name: &str, size: Option<f64>, sha256: Option<String>) -> JsResult<()> {
        self.loader.expect(name, size.map(|size| size as u64), sha256.as_deref()).map_err(failure)
    }

    /// Takes bytes from any place of the current hub file: `start`, the bytes. Tells how many it took: all, or those up
    /// to the header's end in the call that completes that.
    #[wasm_bindgen(js_name = pushAt)]
    pub fn push_at(&mut self, start: f64, bytes: &[u8]) -> JsResult<usize> {
        self.loader.push_at(start as u64, bytes).map_err(failure)
    }

    /// `{id, size, shards: [{spans: [{start, end}], bytes}]}`, or null before the header has come: what of the hub file each
    /// shard needs, and how long it will be about.
    pub fn plan(&self) -> JsResult<JsValue> {
        to_js(&self.loader.plan().map(PlanValue::from))
    }

    /// `{start, end}` of the bytes of the hub file that must come next, or null at the end.
    pub fn wanted(&self) -> JsResult<JsValue> {
        to_js(&self.loader.wanted().map(SpanValue::from))
    }

    /// Bytes of the hub file that are wanted from here on, or undefined before the header has come.
    pub fn remaining(&self) -> Option<f64> {
        self.loader.remaining().map(|bytes| bytes as f64)
    }

    /// The next complete shard, to be stored; undefined if there is none yet.
    #[wasm_bindgen(js_name = takeOutput)]
    pub fn take_output(&mut self) -> JsResult<Option<OutputValue>> {
        Ok(self.loader.take_output().map_err(failure)?.map(OutputValue::from))
    }

    /// Takes a stored shard back. After an error its bytes in the hub file are wanted as before.
    pub fn restore(&mut self, index: usize, file: String, sha256: String, bytes: &[u8]) -> JsResult<()> {
        let entry = FileEntry { file, size: bytes.len() as u64, sha256 };
        self.loader.restore(index, &entry, bytes).map_err(failure)
    }

    /// Where the weights of a hub file come from, for the manifest and the page.
    #[wasm_bindgen(js_name = setSource)]
    pub fn set_source(&mut self, repository: String, revision: String, licence: String) {
        (self.source, self.revision, self.licence) = (repository, revision, licence);
    }

    /// `manifest.json` of the folder of all shards and the tokenizer's files; undefined if some are missing.
    pub fn manifest(&self) -> Option<Vec<u8>> {
        let source = Source { repository: self.source.clone(), revision: self.revision.clone() };
        self.loader.manifest(&self.name, source, &self.licence).map(|manifest| manifest.to_json())
    }

    /// What it takes to go on with the hash of the current file at another visit; undefined if it has none.
    #[wasm_bindgen(js_name = saveHash)]
    pub fn save_hash(&self) -> Option<Vec<u8>> {
        self.loader.save_hash()
    }

    /// Goes on with a saved hash; tells how many bytes of the file it stands for, undefined if it can't be used.
    #[wasm_bindgen(js_name = restoreHash)]
    pub fn restore_hash(&mut self, saved: &[u8]) -> Option<f64> {
        self.loader.restore_hash(saved).map(|bytes| bytes as f64)
    }

    /// Whether the hub file came whole and had the SHA-256 that was expected.
    #[wasm_bindgen(getter, js_name = isVerified)]
    pub fn is_verified(&self) -> bool {
        self.loader.is_verified()
    }

    /// Ends it.
    pub fn end(&mut self) -> JsResult<()> {
        self.loader.end().map_err(failure)
    }

    /// The engine.
    pub fn finish(self) -> JsResult<Engine> {
        let (model, tokenizer, _) = self.loader.finish().map_err(failure)?;
        let tokenizer = tokenizer.ok_or_else(|| failure(Error::Tokenizer("it is missing".to_owned())))?;
        let session = Session::new(model, tokenizer).map_err(failure)?;
        Ok(Engine { session, name: self.name, source: self.source, licence: self.licence })
    }
}

/// A session; see `session`.
#[wasm_bindgen]
pub struct Engine {
    session: Session,
    name: String,
    source: String,
    licence: String,
}

#[wasm_bindgen]
impl Engine {
    /// `ModelInfo`
    pub fn info(&self) -> JsResult<JsValue> {
        let model = self.session.model();
        let config = &model.config;
        to_js(&InfoValue {
            name: &self.name,
            layers: config.n_layer,
            heads: config.n_head,
            width: config.n_embd,
            positions: config.n_positions,
            vocabulary: config.vocab_size,
            parameters: config.parameters() as f64,
            bytes: model.weights.bytes(),
            source: &self.source,
            licence: &self.licence,
            variant: VARIANT,
            version: env!("CARGO_PKG_VERSION"),
        })
    }

    /// Sets the text: `{unprompted, dropped, trimmedSpace, tokens, reused}`.
    #[wasm_bindgen(js_name = setText)]
    pub fn set_text(&mut self, text: &str) -> JsResult<JsValue> {
        to_js(&PromptValue::from(self.session.set_text(text).map_err(failure)?))
    }

    /// Computes the next few tokens; returns how many are left.
    pub fn advance(&mut self) -> JsResult<usize> {
        self.session.advance().map_err(failure)
    }

    /// Sets the tokens of another text, of which nothing is computed yet.
    #[wasm_bindgen(js_name = setTokens)]
    pub fn set_tokens(&mut self, ids: Vec<u32>) -> JsResult<()> {
        self.session.set_tokens(ids).map_err(failure)
    }

    /// The most probable next token.
    pub fn greedy(&self) -> JsResult<u32> {
        self.session.greedy().map_err(failure)
    }

    /// Adds a token to the text and computes it.
    pub fn push(&mut self, id: u32) -> JsResult<()> {
        self.session.push(id).map_err(failure)
    }

    /// The `count` most probable next tokens, each continued greedily to `steps` tokens: (count, steps) ids.
    pub fn branches(&self, count: usize, steps: usize) -> JsResult<Vec<u32>> {
        Ok(self.session.branches(count, steps).map_err(failure)?.concat())
    }

    /// Computes one token beside the text, so that the time it takes can be measured.
    pub fn probe(&self) -> JsResult<()> {
        self.session.probe().map_err(failure)
    }

    /// Reads all matrices and nothing else, as one token does; returns how many bytes.
    #[wasm_bindgen(js_name = readMatrices)]
    pub fn read_matrices(&self) -> usize {
        self.session.model().weights.read_matrices()
    }

    /// Changes whenever the tokens do.
    #[wasm_bindgen(getter)]
    pub fn revision(&self) -> u32 {
        self.session.revision()
    }

    /// Begins to continue a text that is computed.
    #[wasm_bindgen(js_name = beginGeneration)]
    pub fn begin_generation(
        &mut self,
        temperature: f32,
        top_k: usize,
        top_p: f32,
        repetition_penalty: f32,
        seed: u32,
    ) -> JsResult<()> {
        let sampling = Sampling { temperature, top_k, top_p, repetition_penalty };
        self.session.begin_generation(sampling, u64::from(seed)).map_err(failure)
    }

    /// Chooses and computes a token: `{token, text, probability}`, or `{reason}` at the end.
    pub fn generate(&mut self) -> JsResult<JsValue> {
        let step = self.session.generate().map_err(failure)?;
        to_js(&match step {
            Step::Token { id, text, probability } => {
                StepValue::Token { token: Token::new(id, self.session.tokenizer()), text, probability }
            }
            Step::EndOfText => StepValue::End { reason: "end-of-text" },
            Step::ContextFull => StepValue::End { reason: "context-full" },
        })
    }
}
