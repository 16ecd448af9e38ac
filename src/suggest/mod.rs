//! From logits to what a person may insert: tokens, whole words, words half typed.
//!
//! [`candidates`] lists tokens. [`search`] finds the most probable whole words among all ways to spell them, where
//! [`word`] says what a word is, [`vocabulary`] which tokens may spell it, and [`cut`] where in a text it begins.
//! [`personal`] mixes in a person's own words, [`filter`] leaves some out, [`correction`] allows for a slip of the finger.

mod candidates;
pub mod correction;
pub mod cut;
pub mod filter;
pub mod letters;
pub mod personal;
pub mod repetition;
pub mod search;
pub mod vocabulary;
pub mod word;

pub use candidates::{Candidate, allowed, candidates, is_allowed, probabilities};
