//! Looking inside, for JavaScript.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{Engine, JsResult, failure};
use crate::error::Error;
use crate::inspect::{self, Answer, Progress};

/// A request being answered; see `inspect::Inspection`.
#[wasm_bindgen]
pub struct Inspection(inspect::Inspection);

#[derive(Serialize)]
#[serde(untagged)]
enum Piece<'a> {
    Pending { done: usize, total: usize },
    Done { answer: &'a Answer },
}

#[wasm_bindgen]
impl Inspection {
    /// Begins to answer an `InspectionRequest`.
    pub fn begin(engine: &Engine, request: JsValue) -> JsResult<Inspection> {
        let request = serde_wasm_bindgen::from_value(request).map_err(|error| Error::Request(error.to_string()));
        let inspection = request.and_then(|request| inspect::Inspection::new(&engine.session, request));
        inspection.map(Self).map_err(failure)
    }

    /// Does the next piece: `{done, total}`, or `{answer}` at the end. Arrays are `{f32: bytes}` or `{u8: bytes}`.
    pub fn advance(&mut self, engine: &mut Engine) -> JsResult<JsValue> {
        let progress = self.0.advance(&mut engine.session).map_err(failure)?;
        let piece = match &progress {
            Progress::Pending { done, total } => Piece::Pending { done: *done, total: *total },
            Progress::Done(answer) => Piece::Done { answer },
        };
        // Bytes are copied out of linear memory, so that they can be handed over to the page.
        let serializer = serde_wasm_bindgen::Serializer::json_compatible().serialize_bytes_as_arrays(false);
        piece.serialize(&serializer).map_err(JsValue::from)
    }
}
