//! Files that are as they should be, and one file per defect: each must be refused under its own code.

mod corpus;
mod documents;
mod gguf;
mod hostile;
mod hub;
mod quantised;
mod ranges;
mod safetensors;

use headlight::Result;

/// A text filled up with spaces.
fn padded(text: &str, length: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(length, b' ');
    bytes
}

/// The code of a refusal, or "accepted".
fn code<T>(result: Result<T>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(error) => {
            assert!(!error.to_string().is_empty());
            error.code()
        }
    }
}
