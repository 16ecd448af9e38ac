//! Whole words over GPT-2's own vocabulary, against a search that looks at every token.

use std::collections::HashMap;
use std::sync::LazyLock;

use headlight::suggest::cut::Cut;
use headlight::suggest::letters::Letters;
use headlight::suggest::search::{Found, Query, Taste, Tree};
use headlight::suggest::vocabulary::Vocabulary;
use headlight::suggest::word::{Kind, is_boundary, is_joiner, read};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::tokenizer::TOKENIZER;

const TEXT: &str = include_str!("suggest/alice.txt");
const SHOWN: usize = 3;
const SORTED: usize = 500;

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

/// Logits that look like a language's: low ids, which are frequent merges, are probable, and every token likes some others.
fn made_logits(seed: u64, tokens: &[u32]) -> Vec<f32> {
    let last = u64::from(*tokens.last().unwrap_or(&7)) + (seed << 16);
    let noise = |id: u64| {
        let mixed = (id ^ last << 20).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 29) >> 40) as f32 / (1 << 24) as f32
    };
    let bonus = |id: u64| {
        let bytes = TOKENIZER.bytes(id as u32);
        // Whoever has learnt to spell seldom puts a word together of small pieces.
        1.5 * bytes.len().min(8) as f32 + if bytes.starts_with(b" ") { 3.0 } else { 0.0 }
    };
    (0..TOKENIZER.len() as u64).map(|id| bonus(id) - 1.2 * (id as f32 + 20.0).ln() + 8.0 * noise(id)).collect()
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

/// What follows a way, told without the search: probabilities, their order, and ends.
struct Followers {
    probabilities: Vec<f32>,
    descending: Vec<u32>,
}

/// Looks at all tokens in the order of their probability, and gives up only what is less probable than what it has.
struct Brute<'a, M> {
    model: &'a mut M,
    known: &'a mut HashMap<Vec<u32>, Followers>,
    /// By the kind of the last character, whether a word ends before each token
    ends: &'a [(Kind, Vec<bool>)],
    before: Option<char>,
    letters: Letters,
    is_typed: bool,
    best: &'a mut HashMap<String, f64>,
    third: f64,
}

/// What a word must exceed to be shown.
fn third_of(best: &HashMap<String, f64>) -> f64 {
    let mut all: Vec<f64> = best.values().copied().collect();
    all.sort_by(|a, b| b.total_cmp(a));
    all.get(SHOWN - 1).copied().unwrap_or(0.0)
}

impl<M: FnMut(&[u32]) -> Vec<f32>> Brute<'_, M> {
    fn agrees(&self, text: &[u8]) -> bool {
        let given = &self.letters.bytes;
        text.starts_with(given) || given.starts_with(text)
    }

    fn go(&mut self, tokens: &mut Vec<u32>, text: &[u8], probability: f64) {
        if tokens.len() > 16 {
            return;
        }
        if !self.known.contains_key(tokens) {
            let logits = (self.model)(tokens);
            let largest = logits.iter().copied().fold(f32::MIN, f32::max);
            let weights: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - largest).exp()).collect();
            let total: f64 = weights.iter().sum();
            let mut descending: Vec<u32> = (0..weights.len() as u32).collect();
            let order = |&a: &u32, &b: &u32| weights[b as usize].total_cmp(&weights[a as usize]);
            // Sorted as far as anybody is likely to look.
            descending.select_nth_unstable_by(SORTED, order);
            descending[..SORTED].sort_unstable_by(order);
            let probabilities = weights.iter().map(|weight| (weight / total) as f32).collect();
            self.known.insert(tokens.clone(), Followers { probabilities, descending });
        }
        let given = self.letters.bytes.len();
        let Some(reading) = read(self.before, text, given) else { return };
        if reading.can_end() {
            let last = reading.last().unwrap();
            let ends = &self.ends.iter().find(|(kind, _)| *kind == last).unwrap().1;
            let followers = &self.known[tokens];
            let end: f64 =
                followers.probabilities.iter().zip(ends).filter(|(_, end)| **end).map(|(p, _)| f64::from(*p)).sum();
            let word = self.letters.recase.apply(std::str::from_utf8(text).unwrap());
            let known = self.best.entry(word).or_insert(0.0);
            *known = known.max(probability * end * self.letters.weight);
            self.third = third_of(self.best);
        }
        for rank in 0..TOKENIZER.len() {
            if rank == SORTED {
                let Followers { probabilities, descending } = self.known.get_mut(tokens).unwrap();
                descending.sort_by(|&a, &b| probabilities[b as usize].total_cmp(&probabilities[a as usize]));
            }
            let id = self.known[tokens].descending[rank];
            let next = probability * f64::from(self.known[tokens].probabilities[id as usize]);
            if next * self.letters.weight <= self.third {
                break;
            }
            let longer = [text, TOKENIZER.bytes(id)].concat();
            let follows = longer.len() > given && read(self.before, &longer, 0).is_none();
            let is_end = id == TOKENIZER.end_of_text();
            if is_end
                || !self.agrees(&longer)
                || follows && !self.is_typed
                || read(self.before, &longer, given).is_none()
            {
                continue;
            }
            tokens.push(id);
            self.go(tokens, &longer, next);
            tokens.pop();
        }
    }
}

/// Whether a word that ends with a kind ends before each token, told by all characters that the token may begin with.
fn ends() -> Vec<(Kind, Vec<bool>)> {
    let mut beginning: HashMap<Vec<u8>, Vec<Kind>> = HashMap::new();
    for c in ('\u{80}'..=char::MAX).filter(|&c| !is_joiner(c)) {
        let mut bytes = [0; 4];
        let whole = c.encode_utf8(&mut bytes).as_bytes();
        for length in 1..whole.len() {
            let kinds = beginning.entry(whole[..length].to_vec()).or_default();
            if !kinds.contains(&Kind::of(c)) {
                kinds.push(Kind::of(c));
            }
        }
    }
    let of_kind = |last: Kind| {
        let ends = |id: u32| {
            let bytes = TOKENIZER.bytes(id);
            let chunk = bytes.utf8_chunks().next().unwrap();
            let mut characters = chunk.valid().chars();
            match characters.next() {
                _ if id == TOKENIZER.end_of_text() => true,
                Some('\'') if last == Kind::Letter => !characters.next().is_some_and(char::is_alphabetic),
                Some(first) => is_boundary(last, Kind::of(first)),
                None => beginning.get(bytes).is_some_and(|kinds| kinds.iter().all(|&kind| is_boundary(last, kind))),
            }
        };
        (last, (0..TOKENIZER.len() as u32).map(ends).collect())
    };
    [Kind::Letter, Kind::Other, Kind::Symbol].map(of_kind).into()
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

fn check(texts: &[&str], seed_of: impl Fn(&str) -> u64) -> usize {
    let ends = ends();
    let (mut tree, mut known, mut seed) = (None, HashMap::new(), 0);
    for text in texts {
        let cut = Cut::new(text);
        // Texts of one seed share what is known, as they do while somebody types.
        if tree.is_none() || seed != seed_of(cut.base) || known.len() > 300 {
            seed = seed_of(cut.base);
            tree = Some(Tree::new(made_logits(seed, &[]), &VOCABULARY));
            known = HashMap::new();
        }
        let mut model = |tokens: &[u32]| made_logits(seed, tokens);
        let letters = Letters::meant_by(cut.given);
        let before = cut.base.chars().next_back();
        let query = Query { before, letters: &letters, count: SHOWN, punctuation: false, from: &[] };
        let (words, given) = explore(tree.as_mut().unwrap(), &query, &mut model);
        let mut best = HashMap::new();
        for (index, letters) in letters.iter().enumerate() {
            let is_typed = index == 0;
            let third = third_of(&best);
            let (model, letters, best) = (&mut model, letters.clone(), &mut best);
            Brute { model, known: &mut known, ends: &ends, before, letters, is_typed, best, third }.go(
                &mut Vec::new(),
                b"",
                1.0,
            );
        }
        let mut expected: Vec<(f64, String)> =
            best.into_iter().map(|(word, probability)| (probability, word)).collect();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0));
        expected.truncate(SHOWN);
        let found: Vec<(f64, &str)> = words.iter().take(SHOWN).map(|(score, word)| (*score, &*word.text)).collect();
        assert_eq!(found.len(), SHOWN, "after {text:?}");
        for ((score, word), (probability, expected)) in found.iter().zip(&expected) {
            assert_eq!(word, expected, "after {text:?}: {found:?}");
            assert!((score / probability - 1.0).abs() < 1e-5, "{word:?} after {text:?}: {score} and {probability}");
            assert!(word.starts_with(cut.given) && word.len() > cut.given.len());
        }
        assert!(words.iter().all(|(_, word)| word.probability <= given[word.letters] * 1.000_001), "after {text:?}");
    }
    texts.len()
}

#[test]
fn half_typed_words_are_completed_as_if_every_spelling_had_been_tried() {
    let checked = check(&cuts(TEXT)[..40], |base| base.len() as u64 / 200);
    assert_eq!(checked, 40);
}

#[test]
#[ignore = "takes many minutes"]
fn half_typed_words_of_a_whole_text_are_completed_as_if_every_spelling_had_been_tried() {
    let texts = cuts(TEXT);
    let checked: usize = [1, 2].map(|model| check(&texts, |base| (model << 8) + base.len() as u64 / 200)).iter().sum();
    assert!(checked > 2_000, "{checked}");
}

#[test]
fn the_probability_of_letters_is_that_of_all_words_with_them() {
    let mut tree = Tree::new(made_logits(3, &[]), &VOCABULARY);
    let of = |tree: &mut Tree, given: &str| {
        let letters = [Letters::meant_by(given).remove(0)];
        let query = Query { before: Some('d'), letters: &letters, count: SHOWN, punctuation: false, from: &[] };
        explore(tree, &query, &mut |tokens: &[u32]| made_logits(3, tokens)).1[0]
    };
    let space = of(&mut tree, " ");
    let letters: f64 = ('a'..='z').map(|letter| of(&mut tree, &format!(" {letter}"))).sum();
    assert!(space < 1.0 && letters < space && letters > 0.3 * space, "{letters} of {space}");
    assert_eq!(of(&mut tree, ""), 1.0);
    assert!(of(&mut tree, " th") <= of(&mut tree, " t"));
}
