//! Checkpoints: bytes to weights, and back to files.
//!
//! [`safetensors`] reads that format as it arrives, [`hub`] turns a published GPT-2 into weights, [`plan`] says which bytes
//! of it that takes, and [`intake`] reads just those; [`quantised`] reads and writes our own shards, [`manifest`] describes a
//! folder of them, and [`loader`] puts files together to a model.

pub mod hub;
pub mod intake;
pub mod loader;
pub mod manifest;
pub mod plan;
pub mod quantised;
pub mod safetensors;
