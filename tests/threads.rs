//! The same numbers on any number of threads. A program of its own, because threads are started once for all of it.
#![cfg(not(target_arch = "wasm32"))]

#[path = "engine/made.rs"]
#[expect(dead_code, reason = "made for other tests too")]
mod made;
#[path = "engine/support.rs"]
#[expect(dead_code, reason = "made for other tests too")]
mod support;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use headlight::model::weights::Precision;
use headlight::parallel;
use support::GOLDENS;

const THREADS: usize = 4;
const PRECISIONS: [Precision; 2] = [Precision::Int8, Precision::F32];

/// What one thread computes, before there are any others; they are started afterwards.
fn alone() -> &'static [Vec<Vec<u32>>; 2] {
    static ALONE: OnceLock<[Vec<Vec<u32>>; 2]> = OnceLock::new();
    ALONE.get_or_init(|| {
        let alone = PRECISIONS.map(bits);
        parallel::start(THREADS).unwrap();
        alone
    })
}

fn bits(precision: Precision) -> Vec<Vec<u32>> {
    let logits = GOLDENS.iter().map(|golden| made::logits(&golden.load(precision), &golden.expected().ids("long_ids")));
    logits.map(|logits| logits.into_iter().map(f32::to_bits).collect()).collect()
}

#[test]
fn any_number_of_threads_computes_the_same_bits() {
    let alone = alone();
    for threads in [1, 2, 3, THREADS, THREADS + 5, 0] {
        parallel::set_threads(threads);
        assert_eq!(parallel::threads(), threads.max(1));
        assert!(&PRECISIONS.map(bits) == alone, "{threads} threads");
    }
    parallel::set_threads(THREADS);
}

/// Helpers serve one caller at a time; the others do their work themselves.
#[test]
fn several_callers_at_once() {
    let [alone, _] = alone();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert!(&bits(Precision::Int8) == alone));
        }
    });
}

/// With every core busy, helpers are late, asleep, or stopped in the middle of a job.
#[test]
fn helpers_that_hardly_run() {
    let [alone, _] = alone();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 * THREADS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let found = [bits(Precision::Int8), bits(Precision::Int8)];
        done.store(true, Ordering::Relaxed);
        assert!(found.iter().all(|found| found == alone));
    });
}
