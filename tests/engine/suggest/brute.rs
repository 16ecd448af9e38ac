//! The most probable words by trying every spelling: a search that is too simple to be wrong.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::sync::LazyLock;

use headlight::suggest::letters::Letters;
use headlight::suggest::word::{Kind, Reading, is_boundary, is_joiner, read};

use crate::tokenizer::TOKENIZER;

/// Longest spelling that is tried, in tokens, as for the search that is tested.
const LONGEST: usize = 16;
/// Relative difference of probabilities that are called equal.
const TOLERANCE: f64 = 1e-5;

/// By the kind of the last character, whether a word ends before each token, told by all characters that the token may begin with.
static ENDS: LazyLock<[(Kind, Vec<bool>); 4]> = LazyLock::new(|| {
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
    [Kind::Letter, Kind::Other, Kind::Ideograph, Kind::Symbol].map(of_kind)
});

/// The most probable words by looking at every token of the vocabulary after the most probable spellings. What a word is and where
/// it ends it shares with the search that is tested; how words are found it does not.
pub(super) struct Brute<M> {
    model: M,
    /// Probabilities (V) after some tokens
    known: HashMap<Vec<u32>, Vec<f64>>,
}

/// How probable a word is, by its most probable spelling.
#[derive(Debug, Clone, Copy, Default)]
struct Spelled {
    /// As its letters are weighted.
    weighted: f64,
    probability: f64,
}

/// Tokens that words may begin with; the largest is the most probable.
struct Way {
    weighted: f64,
    letters: usize,
    tokens: Vec<u32>,
    text: Vec<u8>,
}

impl Ord for Way {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weighted.total_cmp(&other.weighted)
    }
}

impl PartialOrd for Way {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Way {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Way {}

/// What is looked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    before: Option<char>,
    /// As typed, then what else may be meant
    letters: &'a [Letters],
    /// Nothing but this word
    only: Option<&'a str>,
    count: usize,
}

impl Wanted<'_> {
    /// Whether a word that is wanted may begin with this text, whose letters are right.
    fn agrees(&self, letters: usize, text: &[u8]) -> bool {
        let meant = &self.letters[letters];
        let given = &meant.bytes;
        // Only what was typed can be a word already.
        let follows = || letters > 0 && text.len() > given.len() && read(self.before, text, 0).is_none();
        let is_of_word = |word: &str| word.starts_with(&meant.apply(&String::from_utf8_lossy(text)));
        read(self.before, text, given.len()).is_some() && !follows() && self.only.is_none_or(is_of_word)
    }
}

impl<M: FnMut(&[u32]) -> Vec<f32>> Brute<M> {
    /// `model` gives the logits after some tokens.
    pub(super) fn new(model: M) -> Self {
        Self { model, known: HashMap::new() }
    }

    /// Fails unless these are the most probable words, the most probable first, and each as probable as is said. Of words that
    /// are equally probable, as the page's model finds many that it hardly knows, any may be there.
    pub(super) fn check(&mut self, before: Option<char>, letters: &[Letters], found: &[(&str, f64)]) {
        let wanted = Wanted { before, letters, only: None, count: found.len() };
        let expected = self.best(wanted);
        let place = || format!("after {:?}: {found:?}, but {expected:?}", letters[0]);
        assert!(!found.is_empty() && found.len() == expected.len(), "{}", place());
        let are_equal = |a: f64, b: f64| (a / b - 1.0).abs() < TOLERANCE;
        for (&(word, probability), (_, expected)) in found.iter().zip(&expected) {
            let own = self.best(Wanted { only: Some(word), count: 1, ..wanted });
            let is_right =
                |own: Spelled| are_equal(own.weighted, expected.weighted) && are_equal(own.probability, probability);
            assert!(own.first().is_some_and(|(_, own)| is_right(*own)), "{word} {own:?}, {}", place());
        }
    }

    /// The most probable words, each by its most probable spelling. At first only what exceeds a bound is looked at, which falls
    /// until there are enough words.
    fn best(&mut self, wanted: Wanted<'_>) -> Vec<(String, Spelled)> {
        let mut bound = 1.0;
        loop {
            bound *= 0.01;
            let words = self.above(wanted, bound);
            if words.len() >= wanted.count || bound < 1e-30 {
                return words;
            }
        }
    }

    fn above(&mut self, wanted: Wanted<'_>, mut bound: f64) -> Vec<(String, Spelled)> {
        let mut words: HashMap<String, Spelled> = HashMap::new();
        let start = |(letters, of): (usize, &Letters)| Way {
            weighted: of.weight,
            letters,
            tokens: Vec::new(),
            text: Vec::new(),
        };
        let mut open: BinaryHeap<Way> = wanted.letters.iter().enumerate().map(start).collect();
        while let Some(way) = open.pop().filter(|way| way.weighted > bound) {
            let meant = &wanted.letters[way.letters];
            let given = &meant.bytes;
            let probabilities =
                self.known.entry(way.tokens.clone()).or_insert_with(|| of_all((self.model)(&way.tokens)));
            let reading = read(wanted.before, &way.text, given.len()).filter(|reading| reading.can_end());
            let word = || meant.apply(std::str::from_utf8(&way.text).expect("whole characters"));
            if let Some(last) = reading.and_then(Reading::last)
                && wanted.only.is_none_or(|only| only == word())
            {
                let (_, ends) = ENDS.iter().find(|(kind, _)| *kind == last).expect("a word ends with such a kind");
                let end: f64 = probabilities.iter().zip(ends).filter(|(_, end)| **end).map(|(chance, _)| chance).sum();
                let weighted = way.weighted * end;
                let known = words.entry(word()).or_default();
                if weighted > known.weighted {
                    *known = Spelled { weighted, probability: weighted / meant.weight };
                }
                // No word is more probable than the tokens that it begins with.
                let mut all: Vec<f64> = words.values().map(|word| word.weighted).collect();
                all.sort_by(|a, b| b.total_cmp(a));
                bound = all.get(wanted.count - 1).map_or(bound, |last| last.max(bound));
            }
            let left = &given[way.text.len().min(given.len())..];
            for (id, chance) in (0..TOKENIZER.len() as u32).zip(probabilities) {
                let weighted = way.weighted * *chance;
                let bytes = TOKENIZER.bytes(id);
                let goes_on = bytes.starts_with(left) || left.starts_with(bytes);
                if weighted > bound && goes_on && id != TOKENIZER.end_of_text() && way.tokens.len() < LONGEST {
                    let text = [&way.text, bytes].concat();
                    if wanted.agrees(way.letters, &text) {
                        let tokens = [&way.tokens[..], &[id]].concat();
                        open.push(Way { weighted, letters: way.letters, tokens, text });
                    }
                }
            }
        }
        let mut words: Vec<(String, Spelled)> = words.into_iter().filter(|(_, word)| word.weighted >= bound).collect();
        words.sort_by(|a, b| b.1.weighted.total_cmp(&a.1.weighted));
        words.truncate(wanted.count);
        words
    }
}

/// Probabilities from logits.
fn of_all(logits: Vec<f32>) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let weights: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}
