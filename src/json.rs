//! JSON from outside.

use serde::Deserialize;
use serde::de::Error as _;

/// Reads a document.
///
/// # Errors
/// If it is not JSON of that form.
pub(crate) fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> serde_json::Result<T> {
    // One look at all bytes takes less time than one at those of each string, of which a tokenizer has 150,000.
    let text = std::str::from_utf8(json).map_err(serde_json::Error::custom)?;
    serde_json::from_str(text)
}
