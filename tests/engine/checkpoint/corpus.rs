//! The fuzz targets on their committed corpus.

use include_dir::{Dir, include_dir};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[path = "../../../fuzz/targets.rs"]
mod targets;

static CORPUS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fuzz/corpus");

#[test]
fn the_corpus_of_every_target_has_an_answer() {
    for (name, target) in targets::TARGETS {
        let files: Vec<_> = CORPUS.get_dir(name).expect("every target has a corpus").files().collect();
        assert!(files.len() > 2, "{name}");
        for file in files {
            target(file.contents());
            // The same with its end cut off, and with a byte changed.
            let bytes = file.contents();
            for i in (0..bytes.len()).step_by(1 + bytes.len() / 20) {
                target(&bytes[..i]);
                let mut changed = bytes.to_vec();
                changed[i] ^= 0x11;
                target(&changed);
            }
        }
    }
    assert_eq!(CORPUS.dirs().count(), targets::TARGETS.len());
}
