//! The same numbers on any number of threads. A program of its own, because threads are started once for all of it.
#![cfg(not(target_arch = "wasm32"))]

#[path = "engine/made.rs"]
#[expect(dead_code, reason = "made for other tests too")]
mod made;
#[path = "engine/support.rs"]
#[expect(dead_code, reason = "made for other tests too")]
mod support;

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use headlight::model::weights::Precision;
use headlight::parallel;
use support::GOLDENS;

const THREADS: usize = 4;

fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| parallel::start(THREADS).unwrap());
}

fn bits(precision: Precision) -> Vec<Vec<u32>> {
    let logits = GOLDENS.iter().map(|golden| made::logits(&golden.load(precision), &golden.expected().ids("long_ids")));
    logits.map(|logits| logits.into_iter().map(f32::to_bits).collect()).collect()
}

#[test]
fn any_number_of_threads_computes_the_same_bits() {
    for precision in [Precision::Int8, Precision::F32] {
        let alone = bits(precision);
        start();
        for threads in [1, 2, 3, THREADS, THREADS + 5, 0] {
            parallel::set_threads(threads);
            assert_eq!(parallel::threads(), threads.max(1));
            assert_eq!(bits(precision), alone, "{threads} threads, {precision:?}");
        }
        parallel::set_threads(THREADS);
    }
}

/// Helpers serve one caller at a time; the others do their work themselves.
#[test]
fn several_callers_at_once() {
    start();
    let alone = bits(Precision::Int8);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(bits(Precision::Int8), alone));
        }
    });
}

/// With every core busy, helpers are late, asleep, or stopped in the middle of a job.
#[test]
fn helpers_that_hardly_run() {
    start();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 * THREADS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let (first, second) = (bits(Precision::Int8), bits(Precision::Int8));
        done.store(true, Ordering::Relaxed);
        assert_eq!(first, second);
    });
}
