//! Attention maps of the current text.

use headlight::Result;
use headlight::inspect::{AttentionMap, Thumbnails, is_masked};
use headlight::session::Session;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{SHAPE, letters, reference, session, session_with};
use crate::inspect::ask;

const P: usize = SHAPE.n_positions;

fn thumbnails(session: &mut Session, layer: usize, cells: usize) -> Result<Thumbnails> {
    ask!(session, Thumbnails, { "kind": "thumbnails", "layer": layer, "cells": cells })
}

fn check(map: &AttentionMap, size: usize) {
    assert_eq!((map.size, map.scores.len(), map.weights.len()), (size, size * size, size * size));
    for row in 0..size {
        let weights = &map.weights[row * size..][..size];
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5, "row {row}");
        for (column, &weight) in weights.iter().enumerate() {
            assert!((0.0..=1.0).contains(&weight));
            assert!(!is_masked(row, column) || weight.to_bits() == 0, "({row}, {column})");
        }
        // The weights are those of the scores that are not masked.
        let scores = &map.scores[row * size..][..size];
        assert!(scores.iter().all(|score| score.is_finite()));
        let total: f32 = scores[..=row].iter().map(|score| score.exp()).sum();
        for (score, weight) in scores[..=row].iter().zip(weights) {
            assert!((score.exp() / total - weight).abs() < 1e-5);
        }
    }
}

#[test]
fn rows_sum_to_one_and_nobody_looks_ahead() {
    for count in [1, 2, 31, 32, 33, 64, 65, P] {
        let session = session_with(&letters(count));
        for layer in 0..SHAPE.n_layer {
            let maps: Vec<_> = (0..SHAPE.n_head).map(|head| session.attention(layer, head).unwrap()).collect();
            maps.iter().for_each(|map| check(map, count));
            assert!(count == 1 || maps.windows(2).all(|pair| pair[0].weights != pair[1].weights));
        }
    }
}

#[test]
fn maps_show_the_tokens_that_are_computed() {
    let mut session = session();
    let nothing = AttentionMap { size: 0, scores: Vec::new(), weights: Vec::new() };
    assert_eq!(session.attention(0, 0).unwrap(), nothing);
    assert_eq!(thumbnails(&mut session, 0, 8).unwrap().size, 0);
    session.set_text(&letters(70)).unwrap();
    assert_eq!(session.attention(0, 0).unwrap(), nothing);
    for size in [32, 64, 70] {
        session.advance().unwrap();
        check(&session.attention(1, 2).unwrap(), size);
        assert_eq!(thumbnails(&mut session, 1, 8).unwrap().size, size);
    }
    // A shorter text shows what a fresh session shows.
    session.set_text(&letters(20)).unwrap();
    check(&session.attention(0, 0).unwrap(), 19);
    session.complete().unwrap();
    assert_eq!(session.attention(0, 3).unwrap(), session_with(&letters(20)).attention(0, 3).unwrap());
    session.begin_generation(headlight::sample::Sampling::GREEDY, 0).unwrap();
    session.generate().unwrap();
    check(&session.attention(0, 0).unwrap(), session.tokens().len());
}

#[test]
fn thumbnails_show_the_largest_weight_of_each_cell() {
    for count in [1, 2, 7, 48, 65, P] {
        let mut session = session_with(&letters(count));
        for cells in [1, 2, 5, 32, 48, 1000] {
            let thumbnails = thumbnails(&mut session, 1, cells).unwrap();
            let (span, side) = (thumbnails.span, thumbnails.cells);
            assert_eq!((thumbnails.heads, thumbnails.size, side), (SHAPE.n_head, count, count.div_ceil(span)));
            assert!(span.is_power_of_two() && side <= cells && (span == 1 || count.div_ceil(span / 2) > cells));
            let pooled = |head: usize| {
                let map = session.attention(1, head).unwrap();
                let mut largest = vec![0.0f32; side * side];
                for (i, &weight) in map.weights.iter().enumerate() {
                    let (row, column) = (i / count / span, i % count / span);
                    let cell = &mut largest[row * side + column];
                    *cell = cell.max(weight);
                }
                largest.into_iter().map(|weight| (weight * 255.0).round() as u8)
            };
            let expected: Vec<u8> = (0..SHAPE.n_head).flat_map(pooled).collect();
            assert_eq!(thumbnails.weights.0, expected, "{count} tokens, {cells} cells");
            assert_eq!(thumbnails.weights.0[0], 255, "the first token looks at itself");
        }
    }
}

#[test]
fn what_is_not_there_is_an_error_that_does_no_harm() {
    for computed in [false, true] {
        let mut session = if computed { session_with("the cat") } else { session() };
        for (layer, head) in [(SHAPE.n_layer, 0), (0, SHAPE.n_head), (usize::MAX, 0), (0, usize::MAX), (9, 9)] {
            assert_eq!(session.attention(layer, head).unwrap_err().code(), "out-of-range");
        }
        for (layer, cells) in [(SHAPE.n_layer, 8), (usize::MAX, 8), (0, 0)] {
            assert_eq!(thumbnails(&mut session, layer, cells).unwrap_err().code(), "out-of-range");
        }
        assert!(session.attention(1, 3).is_ok());
        assert!(thumbnails(&mut session, 1, usize::MAX).is_ok());
        if computed {
            assert_eq!(session.logits().unwrap(), reference(session.tokens()));
        }
    }
}
