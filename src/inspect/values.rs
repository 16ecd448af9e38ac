//! Arrays in answers.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Floats that are handed over as a whole: serialised as `{f32: bytes}`, little-endian.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Floats(pub Vec<f32>);

/// Bytes that are handed over as a whole: serialised as `{u8: bytes}`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

fn serialize_as<S: Serializer>(kind: &'static str, bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut array = serializer.serialize_struct("Array", 1)?;
    array.serialize_field(kind, &Raw(bytes))?;
    array.end()
}

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // All targets of this crate are little-endian.
        const { assert!(cfg!(target_endian = "little")) };
        serialize_as("f32", bytemuck::cast_slice(&self.0), serializer)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_as("u8", &self.0, serializer)
    }
}

impl From<Vec<f32>> for Floats {
    fn from(values: Vec<f32>) -> Self {
        Self(values)
    }
}

impl std::ops::Deref for Floats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}
