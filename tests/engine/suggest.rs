//! Whole words over GPT-2's own vocabulary, against a search that looks at every token.

mod brute;
// Its files are not at hand in WebAssembly.
#[cfg(not(target_arch = "wasm32"))]
mod typed;

use std::sync::LazyLock;

use headlight::sample::Random;
use headlight::suggest::cut::Cut;
use headlight::suggest::letters::Letters;
use headlight::suggest::search::{Found, Query, Taste, Tree};
use headlight::suggest::vocabulary::Vocabulary;
use headlight::suggest::word::Kind;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::tokenizer::TOKENIZER;
use brute::Brute;

/// Sentences that people have given to Mozilla's Common Voice (CC0 1.0).
const SENTENCES: &str = include_str!("suggest/common-voice.txt");
const SEPARATOR: &str = "<|endoftext|>\n";
/// Cuts within words that are tried.
const CUTS: usize = if cfg!(target_arch = "wasm32") { 50 } else { 2_000 };
const SHOWN: usize = 3;

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary::new(&TOKENIZER));

/// Nothing but probability counts.
struct Plain;

impl Taste for Plain {
    fn score(&self, _: &Found, weighted: f64, _: f64) -> Option<f64> {
        Some(weighted)
    }

    fn scale(&self) -> f64 {
        1.0
    }
}

/// What a language likes of its own accord: frequent merges, which have low ids, and long ones, as whoever has learnt to spell seldom
/// puts a word together of small pieces.
static LIKED: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let liked = |id: u32| {
        let bytes = TOKENIZER.bytes(id);
        let begins_word = if bytes.starts_with(b" ") { 3.0 } else { 0.0 };
        1.5 * bytes.len().min(8) as f32 + begins_word - 1.2 * (id as f32 + 20.0).ln()
    };
    (0..TOKENIZER.len() as u32).map(liked).collect()
});

/// Logits that look like a language's, where every token likes some others.
fn made_logits(seed: u64, tokens: &[u32]) -> Vec<f32> {
    let last = u64::from(*tokens.last().unwrap_or(&7)) + (seed << 16);
    let noise = |id: u64| {
        let mixed = (id ^ last << 20).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 29) >> 40) as f32 / (1 << 24) as f32
    };
    (0..).zip(&*LIKED).map(|(id, liked)| liked + 8.0 * noise(id)).collect()
}

/// Explores until no way is open, and counts the nodes that it took.
fn explore(
    tree: &mut Tree,
    query: &Query<'_>,
    model: &mut impl FnMut(&[u32]) -> Vec<f32>,
) -> (Vec<(f64, Found)>, Vec<f64>) {
    loop {
        let explored = tree.explore(&VOCABULARY, query, &Plain, 4);
        if explored.open.is_empty() {
            return (explored.words, explored.given);
        }
        for (_, way) in explored.open {
            tree.insert(&way, model(&way), &VOCABULARY);
        }
    }
}

/// Cuts within the words of the text, `each` of every word at most, and the text up to them.
fn cuts(text: &str) -> Vec<&str> {
    let is_within = |at: &usize| {
        let kind = |c: Option<char>| c.map_or(Kind::Space, Kind::of);
        text.is_char_boundary(*at)
            && kind(text[..*at].chars().next_back()).is_in_words()
            && kind(text[*at..].chars().next()).is_in_words()
    };
    (1..text.len()).filter(is_within).map(|at| &text[..at]).collect()
}

/// Cuts that are drawn from everyday text, always the same, word by word. Of a word that is drawn there are all cuts, because they share
/// what the model says at its start.
fn drawn(count: usize) -> Vec<Vec<&'static str>> {
    let mut random = Random::new(1);
    let mut words: Vec<(f64, usize, Vec<&str>)> = Vec::new();
    for (index, document) in SENTENCES.split(SEPARATOR).enumerate() {
        for cut in cuts(document) {
            match words.last_mut() {
                Some((_, of, cuts)) if *of == index && Cut::new(cuts[0]).base == Cut::new(cut).base => cuts.push(cut),
                _ => words.push((random.next_unit(), index, vec![cut])),
            }
        }
    }
    words.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut left = count;
    words.retain_mut(|(_, _, cuts)| {
        cuts.truncate(left);
        left -= cuts.len();
        !cuts.is_empty()
    });
    words.sort_by_key(|(_, index, cuts)| (*index, cuts[0].len()));
    words.into_iter().map(|(_, _, cuts)| cuts).collect()
}

#[test]
fn half_typed_words_are_completed_as_if_every_spelling_had_been_tried() {
    let mut checked = 0;
    for (seed, word) in (0..).zip(drawn(CUTS)) {
        let model = |tokens: &[u32]| made_logits(seed, tokens);
        let (mut tree, mut brute) = (Tree::new(model(&[]), &VOCABULARY), Brute::new(model));
        for text in word {
            let Cut { base, given } = Cut::new(text);
            let letters = Letters::meant_by(given, given);
            let before = base.chars().next_back();
            let query =
                Query { before, letters: &letters, count: SHOWN, punctuation: false, from: &[], begun: b"", kept: &[] };
            let (words, of_given) = explore(&mut tree, &query, &mut { model });
            let found: Vec<(&str, f64)> =
                words.iter().take(SHOWN).map(|(_, word)| (&*word.text, word.probability)).collect();
            brute.check(before, &letters, &found);
            assert!(found.iter().all(|(word, _)| word.starts_with(given) && word.len() > given.len()));
            assert!(
                words.iter().all(|(_, word)| word.probability <= of_given[word.letters] * 1.000_001),
                "after {text:?}"
            );
            checked += 1;
        }
    }
    assert_eq!(checked, CUTS);
}

#[test]
fn the_probability_of_letters_is_that_of_all_words_with_them() {
    let mut tree = Tree::new(made_logits(3, &[]), &VOCABULARY);
    let of = |tree: &mut Tree, given: &str| {
        let letters = [Letters::meant_by(given, given).remove(0)];
        let query = Query {
            before: Some('d'),
            letters: &letters,
            count: SHOWN,
            punctuation: false,
            from: &[],
            begun: b"",
            kept: &[],
        };
        explore(tree, &query, &mut |tokens: &[u32]| made_logits(3, tokens)).1[0]
    };
    let space = of(&mut tree, " ");
    let letters: f64 = ('a'..='z').map(|letter| of(&mut tree, &format!(" {letter}"))).sum();
    assert!(space < 1.0 && letters < space && letters > 0.3 * space, "{letters} of {space}");
    assert_eq!(of(&mut tree, ""), 1.0);
    assert!(of(&mut tree, " th") <= of(&mut tree, " t"));
}
