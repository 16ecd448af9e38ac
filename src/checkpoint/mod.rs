//! Checkpoints: bytes to weights, and back to files.
//!
//! [`reader`] reads files of tensors as they arrive, whose headers [`safetensors`] and [`gguf`] parse; [`hub`] turns the tensors
//! of a published GPT-2 into weights, [`plan`] says which bytes that takes, and [`intake`] reads just those; [`quantised`]
//! reads and writes our own shards, [`manifest`] describes a folder of them, [`kind`] tells what a file is that is none of these,
//! [`hash`] is SHA-256 that can be interrupted, and [`loader`] puts files together to a model.

pub mod gguf;
pub mod hash;
pub mod hub;
pub mod intake;
pub mod kind;
pub mod loader;
pub mod manifest;
pub mod plan;
pub mod quantised;
pub mod reader;
pub mod safetensors;
