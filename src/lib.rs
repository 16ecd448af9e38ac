//! Headlight runs GPT-2 in a browser tab.
//!
//! From the inside out: [`kernels`] is the arithmetic, [`quant`] the int8 form of weights, [`model`] the forward pass
//! over [`config`]'s shape, [`memory`] what that takes, [`checkpoint`] reads and writes weights, [`tokenizer`], [`sample`] and
//! [`suggest`] stand beside the model, [`session`] joins them for one person's text, [`inspect`] looks into that, and `web`
//! offers both to JavaScript. The same code runs natively, as the command line `headlight`.

pub mod checkpoint;
pub mod config;
pub mod error;
pub mod inspect;
mod json;
pub mod kernels;
pub mod memory;
pub mod model;
pub mod parallel;
pub mod quant;
pub mod sample;
pub mod session;
pub mod suggest;
pub mod tokenizer;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{Error, Result};
