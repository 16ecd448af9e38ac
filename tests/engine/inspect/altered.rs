//! Runs beside the text: they are what a fresh run would be, and the text never notices them.

use headlight::inspect::{Altered, Attention};
use headlight::session::Session;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{answer, ask};
use crate::session::{SHAPE, letters, session_with};

fn alteration(unmasked: Value, off: Value, cuts: Value) -> Value {
    json!({ "unmasked": unmasked, "off": off, "cuts": cuts })
}

fn alter(session: &mut Session, alteration: &Value) -> Altered {
    ask!(session, Altered, { "kind": "alter", "alteration": alteration, "top": 4 }).unwrap()
}

fn map(session: &mut Session, layer: usize, head: usize, of: &str) -> Attention {
    ask!(session, Attention, { "kind": "attention", "layer": layer, "head": head, "of": of }).unwrap()
}

fn all_maps(session: &mut Session, of: &str) -> Vec<Vec<f32>> {
    let places = (0..SHAPE.n_layer).flat_map(|layer| (0..SHAPE.n_head).map(move |head| (layer, head)));
    places.map(|(layer, head)| map(session, layer, head, of).weights.0).collect()
}

#[test]
fn altering_nothing_changes_no_bit() {
    for count in [1, 2, 33, 64, 70, SHAPE.n_positions] {
        let mut session = session_with(&letters(count));
        // A cell that is masked anyway makes all from its column on run again.
        let masked = json!([{ "layer": 0, "head": 0, "row": 0, "column": 1.min(count - 1) }]);
        let cuts = if count > 1 { masked } else { json!([]) };
        for cuts in [json!([]), cuts] {
            let altered = alter(&mut session, &alteration(json!([]), json!([]), cuts));
            assert!(altered.changes.len() == 4 && altered.divergence == 0.0);
            assert!(altered.changes.iter().all(|change| change.before == change.after));
            assert_eq!(all_maps(&mut session, "altered"), all_maps(&mut session, "text"));
        }
    }
}

/// Without its mask, a head's first tokens look at two pages of keys, those of the heads beside it at one. What a head that is
/// off looks at makes no difference.
#[test]
fn a_head_looks_as_far_as_it_should_whatever_the_one_before_it_does() {
    let mut session = session_with(&letters(70));
    let [before, place] = [0, 1].map(|head| json!({ "layer": 0, "head": head }));
    let off = json!([before]);
    let beside_it = alter(&mut session, &alteration(json!([place]), off.clone(), json!([])));
    let with_it = alter(&mut session, &alteration(json!([before, place]), off.clone(), json!([])));
    assert_eq!(beside_it.divergence.to_bits(), with_it.divergence.to_bits());
    assert!(beside_it.changes.iter().zip(&with_it.changes).all(|(beside, with)| beside.after == with.after));
    let masked = alter(&mut session, &alteration(json!([]), off, json!([])));
    assert_ne!(masked.divergence.to_bits(), beside_it.divergence.to_bits());
}

#[test]
fn cuts_reach_what_they_should_and_rows_still_sum_to_one() {
    let mut session = session_with(&letters(70));
    let before = all_maps(&mut session, "text");
    let cuts = json!([
        { "layer": 1, "head": 2, "row": 40, "column": 3 },
        { "layer": 1, "head": null, "row": 50, "column": null },
        { "layer": 0, "head": 1, "row": null, "column": 20 },
    ]);
    let altered = alter(&mut session, &alteration(json!([]), json!([]), cuts));
    assert_eq!(altered.from, 20);
    assert!(altered.changes.iter().all(|change| change.before.logit != change.after.logit));
    let after = all_maps(&mut session, "altered");
    let mut changed = 0;
    for (place, (before, after)) in before.iter().zip(&after).enumerate() {
        let (layer, head) = (place / SHAPE.n_head, place % SHAPE.n_head);
        for row in 0..70 {
            let (before, after) = (&before[row * 70..][..70], &after[row * 70..][..70]);
            let total: f32 = after.iter().sum();
            if layer == 1 && row == 50 {
                assert!(after.iter().all(|&weight| weight == 0.0));
                continue;
            }
            assert!((total - 1.0).abs() < 1e-5);
            assert!(after[row + 1..].iter().all(|&weight| weight == 0.0), "the mask stays");
            match (layer, head) {
                (0, 1) if row >= 20 => assert!(after[20] == 0.0 && before[20] > 0.0),
                (0, _) => assert_eq!(before, after, "the lowest layer is altered only where it was cut"),
                _ if row < 20 => assert_eq!(before, after),
                (1, 2) if row == 40 => assert_eq!(after[3], 0.0),
                // A weight that is cut may have been too small to make a difference.
                _ => changed += usize::from(before != after),
            }
        }
    }
    assert!(changed > 50, "{changed} of the rows that may change");
    // A cell says so too.
    let cell = ask!(&mut session, AttentionCell, {
        "kind": "attention-cell", "layer": 1, "head": 2, "row": 40, "column": 3, "of": "altered"
    })
    .unwrap();
    assert!(cell.masked && cell.weight.is_none());
}

#[test]
fn without_the_mask_tokens_look_ahead() {
    let mut session = session_with(&letters(70));
    alter(&mut session, &alteration(json!([{ "layer": 1, "head": 0 }]), json!([]), json!([])));
    let map = map(&mut session, 1, 0, "altered");
    for row in map.weights.chunks_exact(70) {
        assert!(row.iter().all(|&weight| weight > 0.0));
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    assert_eq!(map.scores, self::map(&mut session, 1, 0, "text").scores, "only the layers above are reached");
}

#[test]
fn the_text_never_notices() {
    let text = letters(66);
    let mut session = session_with(&text);
    let (logits, maps) = (session.logits().unwrap().to_vec(), all_maps(&mut session, "text"));
    let everything =
        alteration(json!([{ "layer": null, "head": null }]), json!([{ "layer": 0, "head": 1 }]), json!([]));
    alter(&mut session, &everything);
    let compared = ask!(&mut session, Compared, { "kind": "compare", "text": "the cat", "top": 3 }).unwrap();
    let other = map(&mut session, 1, 1, "other");
    assert_eq!(session.logits().unwrap(), logits);
    assert_eq!(all_maps(&mut session, "text"), maps);
    session.push(107).unwrap();
    let mut fresh = session_with(&text);
    fresh.push(107).unwrap();
    assert_eq!(session.logits().unwrap(), fresh.logits().unwrap());
    // The other text is as if it were the only one, and stays.
    let alone = session_with("the cat");
    assert_eq!(other.weights.0, alone.attention(1, 1).unwrap().weights);
    assert_eq!(map(&mut session, 1, 1, "other"), other);
    for (guess, candidate) in compared.guesses.iter().zip(alone.candidates(3).unwrap()) {
        assert_eq!((guess.token.id, guess.standing.logit), (candidate.id, candidate.logit));
    }
}

#[test]
fn another_text_that_begins_alike_is_as_if_alone() {
    let text = letters(70);
    let mut session = session_with(&text);
    let maps = all_maps(&mut session, "text");
    for other in [letters(40), letters(70), letters(90), format!("{}the cat", letters(66)), "the".to_owned()] {
        let compared = ask!(&mut session, Compared, { "kind": "compare", "text": other, "top": 3 }).unwrap();
        let mut alone = session_with(&other);
        assert_eq!(all_maps(&mut session, "other"), all_maps(&mut alone, "text"), "{other}");
        for (guess, candidate) in compared.guesses.iter().zip(alone.candidates(3).unwrap()) {
            assert_eq!((guess.token.id, guess.standing.logit), (candidate.id, candidate.logit));
        }
        assert_eq!(all_maps(&mut session, "text"), maps);
    }
    // What shares its caches stays as it was when the text goes another way.
    ask!(&mut session, Compared, { "kind": "compare", "text": letters(80), "top": 1 }).unwrap();
    let kept = all_maps(&mut session, "other");
    session.set_text(&format!("{}the", letters(30))).unwrap();
    session.complete().unwrap();
    assert_eq!(all_maps(&mut session, "other"), kept);
}

#[test]
fn an_altered_text_that_grows_is_as_if_altered_at_once() {
    let cuts = json!([{ "layer": 0, "head": null, "row": null, "column": 2 }]);
    let altered = alteration(json!([]), json!([{ "layer": 1, "head": 1 }]), cuts);
    let mut session = session_with(&letters(60));
    alter(&mut session, &altered);
    for count in [61, 64, 65, 66, 50, 51] {
        session.set_text(&letters(count)).unwrap();
        session.complete().unwrap();
        let refused = ask!(&mut session, Attention, { "kind": "attention", "layer": 0, "head": 0, "of": "altered" });
        assert_eq!(refused.unwrap_err().code(), "no-such-run", "it belongs to other tokens");
        let grown = alter(&mut session, &altered);
        let mut fresh = session_with(&letters(count));
        let expected = alter(&mut fresh, &altered);
        assert_eq!((grown.changes, grown.divergence), (expected.changes, expected.divergence));
        assert_eq!(all_maps(&mut session, "altered"), all_maps(&mut fresh, "altered"));
    }
}

#[test]
fn one_alteration_after_another_is_as_if_it_were_the_only_one() {
    let off = |layer: usize, head: usize| json!([{ "layer": layer, "head": head }]);
    let cut = |layer: Option<usize>, row: usize| json!([{ "layer": layer, "head": 1, "row": row, "column": 2 }]);
    let text = letters(70);
    let mut session = session_with(&text);
    for altered in [
        alteration(json!([]), json!([]), cut(Some(1), 40)),
        alteration(json!([]), json!([]), cut(Some(1), 50)),
        alteration(json!([]), json!([]), cut(Some(1), 30)),
        alteration(json!([]), off(1, 1), json!([])),
        alteration(off(1, 2), off(1, 0), json!([])),
        alteration(json!([]), off(0, 3), json!([])),
        alteration(json!([]), off(1, 3), cut(None, 60)),
        alteration(json!([]), off(1, 3), json!([])),
        alteration(json!([]), json!([]), json!([])),
    ] {
        let found = alter(&mut session, &altered);
        let mut fresh = session_with(&text);
        let expected = alter(&mut fresh, &altered);
        assert_eq!((found.changes, found.divergence), (expected.changes, expected.divergence), "{altered}");
        assert_eq!(all_maps(&mut session, "altered"), all_maps(&mut fresh, "altered"), "{altered}");
    }
    // In another text of the same length nothing of this holds.
    let other = format!("{}the", letters(69));
    session.set_text(&other).unwrap();
    session.complete().unwrap();
    let altered = alteration(json!([]), off(1, 1), json!([]));
    let expected = alter(&mut session_with(&other), &altered);
    let found = alter(&mut session, &altered);
    assert_eq!((found.changes, found.divergence), (expected.changes, expected.divergence));
}

#[test]
fn what_is_prepared_begins_where_it_is_altered() {
    let prepare = |session: &mut Session| {
        for expected in 1..=SHAPE.n_layer {
            let prepared = ask!(session, Prepared, { "kind": "prepare" }).unwrap();
            assert!(prepared.done >= expected && prepared.total == SHAPE.n_layer);
        }
    };
    let off = |layer: usize| alteration(json!([]), json!([{ "layer": layer, "head": 1 }]), json!([]));
    let pieces = |session: &mut Session, alteration: &Value| {
        answer(session, json!({ "kind": "alter", "alteration": alteration, "top": 4 })).unwrap().1
    };
    let last = SHAPE.n_layer - 1;
    // Tokens in chunks of 32, each through half a layer at a time.
    let (unprepared, chunks) = (pieces(&mut session_with(&letters(70)), &off(last)), 3);
    let mut session = session_with(&letters(70));
    prepare(&mut session);
    assert_eq!(pieces(&mut session, &off(last)), chunks, "one half of one layer");
    assert_eq!(unprepared, chunks * SHAPE.n_layer);
    let cut = alteration(json!([]), json!([]), json!([{ "layer": 1, "head": 0, "row": 40, "column": 3 }]));
    let all = [off(0), off(last), cut, alteration(json!([{ "layer": 1, "head": 2 }]), json!([]), json!([]))];
    let texts = [letters(70), letters(75), letters(33), format!("{}the cat", letters(20)), letters(90)];
    for (turn, text) in texts.iter().enumerate() {
        session.set_text(text).unwrap();
        session.complete().unwrap();
        // Some of them find no more than what was known of the text before.
        if turn % 2 == 0 {
            prepare(&mut session);
        }
        for altered in &all {
            let mut fresh = session_with(text);
            if text.len() < 41 && altered == &all[2] {
                continue;
            }
            let (found, expected) = (alter(&mut session, altered), alter(&mut fresh, altered));
            assert_eq!((found.changes, found.divergence), (expected.changes, expected.divergence), "{text} {altered}");
            assert_eq!(all_maps(&mut session, "altered"), all_maps(&mut fresh, "altered"), "{text} {altered}");
        }
    }
}

#[test]
fn differences_are_distances_of_weights() {
    let mut session = session_with(&letters(20));
    ask!(&mut session, Compared, { "kind": "compare", "text": letters(20), "top": 1 }).unwrap();
    let pairs: Vec<(usize, usize)> = (0..20).map(|i| (i, i)).collect();
    let same = ask!(&mut session, Differences, { "kind": "differences", "of": "other", "pairs": pairs }).unwrap();
    assert!(same.distances.iter().all(|&distance| distance == 0.0));
    // Shifted by one, and one token more.
    let text = format!("the {}", letters(20));
    let compared = ask!(&mut session, Compared, { "kind": "compare", "text": text, "top": 1 }).unwrap();
    assert!(compared.guesses.len() == 1);
    let pairs = [(0, 1), (3, 2), (7, 5), (19, 9)];
    let found = ask!(&mut session, Differences, { "kind": "differences", "of": "other", "pairs": pairs }).unwrap();
    for (place, &distance) in found.distances.iter().enumerate() {
        let (layer, head) = (place / SHAPE.n_head, place % SHAPE.n_head);
        let (text, other) = (map(&mut session, layer, head, "text"), map(&mut session, layer, head, "other"));
        let (size, other_size) = (20, other.weights.len().isqrt());
        let cell = |(i, j): (usize, usize), (a, b): (usize, usize)| {
            (text.weights[i * size + a] - other.weights[j * other_size + b]).abs()
        };
        let total: f32 =
            pairs.iter().flat_map(|&row| pairs.iter().map(move |&column| (row, column))).map(|(r, c)| cell(r, c)).sum();
        assert!((distance - total / 2.0 / 4.0).abs() < 1e-5);
    }
}
