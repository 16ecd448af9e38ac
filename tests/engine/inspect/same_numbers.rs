//! What is computed once more has the very bits of what was computed first, and different requests agree.

use headlight::inspect::{Attention, AttentionRows, Journey, Lens, ThumbnailRows, Thumbnails};
use headlight::model::cache::Kind;
use headlight::session::Session;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::ask;
use crate::made::TOKENS;
use crate::session::{SHAPE, letters, reference, session_with};
use crate::support::largest_difference;

fn journey(session: &mut Session, position: usize) -> Journey {
    ask!(session, Journey, { "kind": "journey", "position": position, "top": 5, "logits": true }).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_journey_ends_in_the_models_own_logits() {
    for count in [1, 2, 33, 64, 65, SHAPE.n_positions] {
        let mut session = session_with(&letters(count));
        let ids = session.tokens().to_vec();
        for position in [0, count / 2, count - 1] {
            let journey = journey(&mut session, position);
            assert_eq!(bits(&journey.logits.unwrap()), bits(&reference(&ids[..=position])), "{position} of {count}");
        }
        let found = journey(&mut session, count - 1);
        assert_eq!(bits(&found.logits.unwrap()), bits(session.logits().unwrap()));
        for (guess, candidate) in found.guesses.iter().zip(session.candidates(5).unwrap()) {
            let standing = guess.standing;
            assert_eq!((guess.token.id, standing.rank), (candidate.id, candidate.rank));
            assert_eq!((standing.logit, standing.probability), (candidate.logit, candidate.probability));
        }
    }
}

#[test]
fn the_steps_of_a_layer_follow_from_each_other() {
    let mut session = session_with(&letters(70));
    let journey = journey(&mut session, 69);
    let (width, size) = (SHAPE.n_embd, SHAPE.head_size());
    for layer in 0..SHAPE.n_layer {
        let of_layer =
            ask!(&mut session, JourneyLayer, { "kind": "journey-layer", "position": 69, "layer": layer }).unwrap();
        let sum = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
        let stream = |index: usize| &journey.residuals[index * width..][..width];
        assert_eq!(of_layer.input[..], *stream(2 * layer));
        assert_eq!(of_layer.attended[..], sum(&of_layer.input, &of_layer.projected));
        assert_eq!(of_layer.attended[..], *stream(2 * layer + 1));
        assert_eq!(of_layer.output[..], sum(&of_layer.attended, &of_layer.mlp));
        assert_eq!(of_layer.output[..], *stream(2 * layer + 2));
        // The caches keep what was projected, rounded.
        for (kind, projected) in
            [(Kind::Query, &of_layer.query), (Kind::Key, &of_layer.key), (Kind::Value, &of_layer.value)]
        {
            for (head, projected) in projected.chunks_exact(size).enumerate() {
                let kept = vectors(&mut session, kind, layer, head);
                let largest = projected.iter().fold(0.0f32, |a, b| a.max(b.abs()));
                assert!(largest_difference(projected, &kept[69 * size..]) <= largest / 100.0, "{kind:?}");
            }
        }
        // Weights times kept values make what a head gathers, up to the rounding of the weights.
        for head in 0..SHAPE.n_head {
            let values = vectors(&mut session, Kind::Value, layer, head);
            let weights = &of_layer.weights[head * 70..][..70];
            let gathered: Vec<f32> = (0..size)
                .map(|channel| weights.iter().enumerate().map(|(t, weight)| weight * values[t * size + channel]).sum())
                .collect();
            assert!(largest_difference(&gathered, &of_layer.gathered[head * size..][..size]) <= 1e-3);
        }
    }
}

fn vectors(session: &mut Session, kind: Kind, layer: usize, head: usize) -> Vec<f32> {
    let found = ask!(session, HeadVectors, { "kind": "head-vectors", "layer": layer, "head": head }).unwrap();
    match kind {
        Kind::Query => found.queries.0,
        Kind::Key => found.keys.0,
        Kind::Value => found.values.0,
    }
}

#[test]
fn rows_are_those_of_whole_maps() {
    for count in [1, 40, 70] {
        let mut session = session_with(&letters(count));
        let rows: AttentionRows = ask!(&mut session, AttentionRows, {
            "kind": "attention-rows", "layers": null, "heads": [3, 1], "from": count / 2, "to": count
        })
        .unwrap();
        let of_head = (count - count / 2) * count;
        for (index, (layer, head)) in (0..SHAPE.n_layer).flat_map(|layer| [(layer, 3), (layer, 1)]).enumerate() {
            let map: Attention =
                ask!(&mut session, Attention, { "kind": "attention", "layer": layer, "head": head }).unwrap();
            assert_eq!(rows.weights[index * of_head..][..of_head], map.weights[count / 2 * count..]);
            assert_eq!(rows.scores[index * of_head..][..of_head], map.scores[count / 2 * count..]);
            assert_eq!(map.weights.0, session.attention(layer, head).unwrap().weights);
        }
    }
}

#[test]
fn old_rows_stay_as_text_grows_and_thumbnails_grow_by_rows() {
    let mut session = session_with(&letters(30));
    for cells in [64, 48, 7] {
        session.set_text(&letters(30)).unwrap();
        session.complete().unwrap();
        let mut maps: Thumbnails =
            ask!(&mut session, Thumbnails, { "kind": "thumbnails", "layer": 1, "cells": cells }).unwrap();
        let old = session.attention(1, 2).unwrap();
        for count in 31..60 {
            session.set_text(&letters(count)).unwrap();
            session.complete().unwrap();
            let whole: Thumbnails =
                ask!(&mut session, Thumbnails, { "kind": "thumbnails", "layer": 1, "cells": cells }).unwrap();
            if whole.span == maps.span {
                let rows: ThumbnailRows = ask!(&mut session, ThumbnailRows, {
                    "kind": "thumbnail-rows", "layers": [1], "from": count - 1, "to": count, "span": whole.span
                })
                .unwrap();
                let row = (count - 1) / whole.span;
                for (head, map) in whole.weights.0.chunks_exact(whole.cells * whole.cells).enumerate() {
                    let added = &rows.weights.0[head * whole.cells..][..whole.cells];
                    for (column, &cell) in map[row * whole.cells..][..whole.cells].iter().enumerate() {
                        let before = (row < maps.cells && column < maps.cells)
                            .then(|| maps.weights.0[(head * maps.cells + row) * maps.cells + column]);
                        assert_eq!(cell, added[column].max(before.unwrap_or(0)));
                    }
                }
            }
            maps = whole;
        }
        let grown = session.attention(1, 2).unwrap();
        for row in 0..30 {
            assert_eq!(grown.weights[row * 59..][..30], old.weights[row * 30..][..30]);
        }
    }
}

#[test]
fn a_cell_explains_its_weight() {
    let mut session = session_with(&letters(40));
    let map = session.attention(1, 2).unwrap();
    let norms = ask!(&mut session, ValueNorms, { "kind": "value-norms", "layer": 1, "head": 2 }).unwrap();
    for (row, column) in [(0, 0), (5, 3), (39, 39), (39, 0), (3, 5)] {
        let cell = ask!(&mut session, AttentionCell, {
            "kind": "attention-cell", "layer": 1, "head": 2, "row": row, "column": column
        })
        .unwrap();
        assert_eq!(cell.score, map.scores[row * 40 + column]);
        let total: f32 = cell.products.iter().sum();
        assert!((total - cell.sum).abs() <= 1e-4 * cell.products.iter().map(|x| x.abs()).sum::<f32>());
        assert_eq!(cell.masked, column > row);
        if cell.masked {
            assert_eq!((cell.weight, cell.exponential, cell.maximum, cell.total), (None, None, None, None));
            continue;
        }
        assert_eq!(cell.weight.unwrap().to_bits(), map.weights[row * 40 + column].to_bits());
        let largest = map.scores[row * 40..][..=row].iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        assert_eq!(cell.maximum, Some(largest));
        let exponential = (cell.score - largest).exp();
        assert!((cell.exponential.unwrap() - exponential).abs() <= 1e-6);
        let all: f32 = map.scores[row * 40..][..=row].iter().map(|score| (score - largest).exp()).sum();
        assert!((cell.total.unwrap() - all).abs() <= 1e-4);
        let norm = cell.value.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((norms.values[column] - norm).abs() <= 1e-5 * norm);
        assert!(norms.outputs[column] > 0.0);
    }
}

#[test]
fn the_lens_ends_in_the_models_own_guesses() {
    let mut session = session_with(&letters(50));
    let lens: Lens = ask!(&mut session, Lens, { "kind": "lens", "position": 49, "top": 4, "token": 107 }).unwrap();
    assert_eq!(lens.depths.len(), 2 * SHAPE.n_layer + 1);
    let last = lens.depths.last().unwrap();
    for (guess, candidate) in last.guesses.iter().zip(session.candidates(4).unwrap()) {
        assert_eq!((guess.token.id, guess.standing.logit), (candidate.id, candidate.logit));
    }
    let logits = session.logits().unwrap();
    let token = last.token.as_ref().unwrap();
    assert_eq!((token.token.id, token.standing.logit), (107, logits[107]));
    assert_eq!(token.standing.rank, 1 + logits[..TOKENS].iter().filter(|&&logit| logit > logits[107]).count());
}

#[test]
fn shares_add_up_to_the_logit_and_sources_to_the_shares() {
    let mut session = session_with(&letters(60));
    for against in [None, Some(110)] {
        let why = ask!(&mut session, Why, {
            "kind": "why", "position": 59, "token": 107, "against": against
        })
        .unwrap();
        let logits = session.logits().unwrap();
        let expected = logits[107] - against.map_or(0.0, |id: usize| logits[id]);
        assert!((why.logit as f32 - expected).abs() < 1e-5);
        let parts = [&why.heads, &why.attention_biases, &why.mlps].map(|part| part.iter().map(|&x| f64::from(x)).sum());
        let [heads, biases, mlps]: [f64; 3] = parts;
        let total = heads + biases + mlps + why.token_embedding + why.position_embedding + why.final_bias + why.rest;
        assert!((total - why.logit).abs() < 1e-4, "{total} instead of {}", why.logit);
        let size = why.heads.iter().chain(why.mlps.iter()).map(|x| x.abs()).sum::<f32>();
        assert!(why.rest.abs() < 0.03 * f64::from(size), "rounding leaves {} of {size}", why.rest);
        for (share, sources) in why.heads.iter().zip(why.sources.chunks_exact(60)) {
            let total: f32 = sources.iter().sum();
            assert!((total - share).abs() <= 1e-3 * sources.iter().map(|x| x.abs()).sum::<f32>() + 1e-4);
        }
    }
}
