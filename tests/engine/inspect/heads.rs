//! What heads do on a text.

use headlight::inspect::{HeadMeasures, MEASURES};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::ask;
use crate::session::{SHAPE, letters, session_with};

/// The measures by their definitions, from the weights (T, T) of a head.
fn measured(weights: &[f32], tokens: &[u32]) -> [f64; 7] {
    let size = tokens.len();
    let at = |row: usize, column: usize| f64::from(weights[row * size + column]);
    let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
    let over_rows = |score: &dyn Fn(usize) -> Option<f64>| mean((1..size).filter_map(score).collect());
    let entropy = |row: usize| -> f64 {
        (0..=row).map(|column| at(row, column)).filter(|&w| w > 0.0).map(|w| -w * w.ln()).sum::<f64>()
            / (row as f64 + 1.0).ln()
    };
    let same = |row: usize| (0..row).filter(|&column| tokens[column] == tokens[row]).collect::<Vec<_>>();
    let all = |row: usize, columns: Vec<usize>| {
        (!columns.is_empty()).then(|| columns.iter().map(|&column| at(row, column)).sum::<f64>())
    };
    [
        over_rows(&|row| Some(at(row, row - 1))),
        over_rows(&|row| Some(at(row, row))),
        over_rows(&|row| all(row, same(row))),
        over_rows(&|row| Some(at(row, 0))),
        over_rows(&|row| {
            all(row, same(row).into_iter().map(|column| column + 1).filter(|&column| column < row).collect())
        }),
        over_rows(&|row| if row > 4 { all(row, (row - 4..=row).collect()) } else { None }),
        over_rows(&|row| Some(entropy(row))),
    ]
}

#[test]
fn measures_are_what_their_definitions_say() {
    for count in [2, 6, 40, 70] {
        let mut session = session_with(&letters(count));
        let found: HeadMeasures = ask!(&mut session, HeadMeasures, { "kind": "head-measures" }).unwrap();
        let tokens = session.tokens().to_vec();
        let mut uniform = vec![0.0f32; count * count];
        for row in 0..count {
            uniform[row * count..=row * count + row].fill(1.0 / (row + 1) as f32);
        }
        let uniform = measured(&uniform, &tokens);
        for (index, label) in found.labels.iter().enumerate() {
            let map = session.attention(index / SHAPE.n_head, index % SHAPE.n_head).unwrap();
            let expected = measured(&map.weights, &tokens);
            let lift = |m: usize| (expected[m] - uniform[m]) / (1.0 - uniform[m]);
            for (m, measure) in found.measures.iter().enumerate() {
                let score = f64::from(measure.scores[index]);
                assert!(
                    (score - expected[m]).abs() < 1e-5 || (score.is_nan() && expected[m].is_nan()),
                    "{}",
                    MEASURES[m]
                );
                assert!(score.is_nan() || (0.0..=1.00001).contains(&score));
                assert_eq!(measure.uniform.is_none(), uniform[m].is_nan());
            }
            // The label follows from the scores.
            let best = (0..5).filter(|&m| lift(m) >= 0.4).max_by(|&a, &b| lift(a).total_cmp(&lift(b)));
            let wanted = best.or((lift(5) >= 0.4).then_some(5)).or((expected[6] >= 0.8).then_some(6));
            assert_eq!(*label, wanted.filter(|_| count >= 4).map(|m| MEASURES[m]));
        }
        // Letters repeat after nine tokens.
        assert_eq!(found.measures[4].uniform.is_some(), count > 10, "{count}");
    }
}

#[test]
fn measures_come_in_pieces_that_give_way() {
    let mut session = session_with(&letters(SHAPE.n_positions));
    let (_, pieces) = super::answer(&mut session, serde_json::json!({ "kind": "head-measures" })).unwrap();
    assert!((1..=SHAPE.n_layer * SHAPE.n_head).contains(&pieces));
}
