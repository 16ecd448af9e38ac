//! What JavaScript calls to run the engine on several threads, and to find out whether a build can be trusted.

use wasm_bindgen::prelude::*;

use crate::{kernels, parallel};

/// Throws if this browser computes something else than it should.
#[wasm_bindgen(js_name = selfTest)]
pub fn self_test() -> Result<(), JsValue> {
    if kernels::self_test() {
        Ok(())
    } else {
        Err(js_sys::Error::new("the self-test of the kernels gave wrong numbers").into())
    }
}

/// Serves the engine for ever; called in a worker that shares its memory.
#[wasm_bindgen(js_name = runHelper)]
pub fn run_helper() {
    parallel::help()
}

/// Tells the engine that a helper stopped; it then stops too, instead of waiting for ever.
#[wasm_bindgen(js_name = helperFailed)]
pub fn helper_failed() {
    parallel::helper_failed();
}

/// Sets how many threads may take part, the engine's own included.
#[wasm_bindgen(js_name = setThreads)]
pub fn set_threads(threads: usize) {
    parallel::set_threads(threads);
}

/// How many threads may take part.
#[wasm_bindgen]
pub fn threads() -> usize {
    parallel::threads()
}
