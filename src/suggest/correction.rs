//! Words that the letters typed miss by one slip: a letter too many, too few, another one, or two changed about (Damerau
//! 1964, "A technique for computer detection and correction of spelling errors"), or by their case.
//!
//! They are looked for in the tree of the search, through all spellings whose text may still become such a word. There are far
//! more of these than ways that agree with the letters, so the most promising go first and whoever asks ends it; see [`Slips::open`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::letters::{Letters, Recase};
use super::search::{LONGEST, Node, Tree};
use super::vocabulary::{LEADS, RUNS, Vocabulary};
use super::word::{Kind, is_apostrophe};

/// How often a word is typed with such a slip; estimates.
const SLIP: f64 = 0.01;
const CASE: f64 = 0.1;
/// Fewer letters tell too little.
const LEAST_TYPED: usize = 3;
/// How probable the right letter is, where nothing is known yet.
const LETTER: f64 = 0.1;
/// Unknown nodes of one parent that are of interest at a time.
const OPEN: usize = 4;

/// A word that may be meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Slip {
    /// Its spelling.
    pub tokens: Vec<u32>,
    /// As it is to be shown, without the space before it.
    pub text: String,
    /// How probable it is that the word comes, and that it is mistyped as it was.
    pub probability: f64,
    /// How probable it is that the word comes.
    pub unconditional: f64,
}

/// What is known of slips so far.
#[derive(Debug, Default)]
pub struct Slips {
    /// Words, the most probable first.
    pub words: Vec<Slip>,
    /// Nodes that are not known and may lead to others, and about as much as these may count; the most promising first.
    pub open: Vec<(f64, Vec<u32>)>,
    /// How probable it is that something comes which is mistyped as it was, over the spellings that were looked at.
    pub mass: f64,
}

/// The tokens that may go on after known nodes, kept because there are fifty thousand to look at. About one query.
#[derive(Debug, Default)]
pub struct Scans(RefCell<HashMap<Place, Arc<Scan>>>);

/// Which of the letters, and the tokens of a node.
type Place = (usize, Vec<u32>);

#[derive(Debug, Default)]
struct Scan {
    /// Tokens with which the letters typed are all there, with the chance of the slip, the most probable first
    whole: Vec<(u32, f64)>,
    /// Tokens with which so many letters are left
    part: Vec<(u32, usize)>,
    /// Of `whole`
    mass: f64,
}

/// How the beginning of a word and the letters typed go together.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Match {
    /// The letters are all there, but for a slip of this chance.
    Whole(f64),
    /// So many letters are left, with at most one slip so far.
    Part(usize),
    /// They don't, or without a slip.
    No,
}

/// What a query's letters may be slips for. `is_wanted` is asked about whole words.
pub fn slips(
    tree: &Tree,
    vocabulary: &Vocabulary,
    letters: &[Letters],
    scans: &Scans,
    is_wanted: &impl Fn(&str) -> bool,
) -> Slips {
    let mut slips = Slips::default();
    for (index, letters) in letters.iter().enumerate() {
        let Ok(given) = std::str::from_utf8(&letters.bytes) else { continue };
        let typed: Vec<char> = given.trim_start_matches(' ').chars().collect();
        if typed.len() < LEAST_TYPED || !typed.iter().all(|c| c.is_alphabetic()) {
            continue;
        }
        let is_spaced = given.starts_with(' ');
        let mut walk = Walk { tree, vocabulary, letters, index, typed, is_spaced, scans, is_wanted, slips: &mut slips };
        walk.visit(&[], "", letters.weight);
    }
    slips.words.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.tokens.cmp(&b.tokens)));
    slips.open.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    slips
}

struct Walk<'a, W> {
    tree: &'a Tree,
    vocabulary: &'a Vocabulary,
    letters: &'a Letters,
    index: usize,
    typed: Vec<char>,
    is_spaced: bool,
    scans: &'a Scans,
    is_wanted: &'a W,
    slips: &'a mut Slips,
}

impl<W: Fn(&str) -> bool> Walk<'_, W> {
    /// Goes through the known nodes from here on. `weight` is the node's probability with that of the letters.
    fn visit(&mut self, tokens: &[u32], text: &str, weight: f64) {
        let tree = self.tree;
        let Some(node) = tree.node(tokens).filter(|_| tokens.len() < LONGEST) else { return };
        match self.compare(text) {
            Match::No => return,
            Match::Whole(chance) => self.goes_on(node, tokens, text, weight, chance),
            Match::Part(_) => {
                let scan = self.scan(node, tokens, text);
                self.slips.mass += weight * scan.mass;
                let whole = scan.whole.iter().filter(|(id, _)| !node.children().contains(id));
                let wanted = whole.filter(|(id, _)| self.is_wanted_with(text, *id)).take(OPEN);
                let whole: Vec<_> = wanted.map(|&(id, chance)| (id, chance)).collect();
                let part = scan.part.iter().filter(|(id, _)| !node.children().contains(id));
                // What little is known of a beginning is worth less the more is missing.
                let part = part.map(|&(id, left)| (id, SLIP * LETTER.powi(left as i32)));
                for (id, chance) in whole.into_iter().chain(part) {
                    let way = [tokens, &[id]].concat();
                    self.slips.open.push((weight * node.probability(id) * chance, way));
                }
            }
        }
        for &id in node.children() {
            let Some(token) = self.text_of(id, tokens.is_empty()).filter(|token| is_of_word(token)) else { continue };
            let way = [tokens, &[id]].concat();
            self.visit(&way, &[text, token].concat(), weight * node.probability(id));
        }
    }

    /// The letters are all there: the word may end here, or go on.
    fn goes_on(&mut self, node: &Node, tokens: &[u32], text: &str, weight: f64, chance: f64) {
        if let Some(last) = text.chars().next_back().filter(|c| c.is_alphabetic()) {
            let word = self.letters.apply(text);
            if (self.is_wanted)(&word) {
                let end = node.end(Kind::of(last));
                let probability = weight * chance * end;
                let unconditional = weight / self.letters.weight * end;
                self.slips.words.push(Slip { tokens: tokens.to_vec(), text: word, probability, unconditional });
            }
        }
        for &id in node.runs().iter().filter(|id| !node.children().contains(id)) {
            if self.text_of(id, false).is_some_and(is_of_word) {
                self.slips.open.push((weight * chance * node.probability(id), [tokens, &[id]].concat()));
            }
        }
    }

    fn is_wanted_with(&self, text: &str, id: u32) -> bool {
        let token = self.text_of(id, text.is_empty());
        token.is_some_and(|token| (self.is_wanted)(&self.letters.apply(&[text, token].concat())))
    }

    /// What a token adds to a word, if it is text.
    fn text_of(&self, id: u32, is_first: bool) -> Option<&str> {
        let text = std::str::from_utf8(self.vocabulary.bytes(id)).ok()?;
        if is_first && self.is_spaced { text.strip_prefix(' ') } else { Some(text) }
    }

    fn scan(&self, node: &Node, tokens: &[u32], text: &str) -> Arc<Scan> {
        let key = (self.index, tokens.to_vec());
        if let Some(known) = self.scans.0.borrow().get(&key) {
            return Arc::clone(known);
        }
        let (is_first, role) = if tokens.is_empty() { (true, LEADS) } else { (false, RUNS) };
        let mut scan = Scan::default();
        let mut whole: Vec<(f64, u32, f64)> = Vec::new();
        for (id, &roles) in (0..).zip(self.vocabulary.roles()) {
            if roles & role == 0 || is_first && self.vocabulary.bytes(id).starts_with(b" ") != self.is_spaced {
                continue;
            }
            let Some(token) = self.text_of(id, is_first) else { continue };
            // Most tokens differ from the letters at once.
            let with_token = if text.is_empty() { self.compare(token) } else { self.compare(&[text, token].concat()) };
            if with_token == Match::No || !is_of_word(token) {
                continue;
            }
            match with_token {
                Match::Whole(chance) => {
                    let probability = node.probability(id) * chance;
                    scan.mass += probability;
                    whole.push((probability, id, chance));
                }
                Match::Part(left) => scan.part.push((id, left)),
                Match::No => {}
            }
        }
        whole.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scan.whole = whole.into_iter().map(|(_, id, chance)| (id, chance)).collect();
        let scan = Arc::new(scan);
        self.scans.0.borrow_mut().insert(key, Arc::clone(&scan));
        scan
    }

    fn compare(&self, text: &str) -> Match {
        // Letters that were typed in another case on purpose are no slip of the case.
        compare(&self.typed, text, self.letters.recase == Recase::Keep)
    }
}

/// Whether all of a text may stand within a word.
fn is_of_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphabetic() || is_apostrophe(c))
}

/// Whether a word that begins with `text` may be what was typed, with one slip. Without a list of the text's letters, as most
/// texts differ in their first ones.
fn compare(typed: &[char], text: &str, by_case: bool) -> Match {
    /// Letters that are left if one begins with the other.
    fn left(of_text: &str, typed: &[char]) -> Option<usize> {
        let mut of_text = of_text.chars();
        let mut typed = typed.iter();
        loop {
            match (of_text.as_str().is_empty(), typed.as_slice().is_empty()) {
                (_, true) => return Some(0),
                (true, false) => return Some(typed.len()),
                _ => {}
            }
            if of_text.next() != typed.next().copied() {
                return None;
            }
        }
    }
    let (mut of_text, mut rest) = (text, typed);
    while let (Some(letter), [first, more @ ..]) = (of_text.chars().next(), rest)
        && letter == *first
    {
        (of_text, rest) = (&of_text[letter.len_utf8()..], more);
    }
    let [first, more @ ..] = rest else { return Match::No };
    let Some(instead) = of_text.chars().next() else {
        return if more.is_empty() { Match::Whole(SLIP) } else { Match::Part(rest.len()) };
    };
    if by_case && typed.iter().all(|c| c.is_lowercase()) {
        let mut letters = text.chars();
        let is_same = |&small: &char| letters.next().is_none_or(|c| c == small || c.to_lowercase().eq([small]));
        if typed.iter().all(is_same) {
            let count = text.chars().count();
            return if count < typed.len() { Match::Part(typed.len() - count) } else { Match::Whole(CASE) };
        }
    }
    let behind = &of_text[instead.len_utf8()..];
    // Too many, another one, too few.
    let mut least = [left(of_text, more), left(behind, more), left(behind, rest)].into_iter().flatten().min();
    if more.first() == Some(&instead) {
        let changed_about = match behind.strip_prefix(*first) {
            Some(behind) => left(behind, &more[1..]),
            None => behind.is_empty().then_some(more.len()),
        };
        least = least.into_iter().chain(changed_about).min();
    }
    match least {
        Some(0) => Match::Whole(SLIP),
        Some(left) => Match::Part(left),
        None => Match::No,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn of(typed: &str, word: &str) -> Match {
        compare(&typed.chars().collect::<Vec<_>>(), word, true)
    }

    #[test]
    fn one_slip_and_no_more() {
        for (typed, word) in [
            ("teh", "the"),
            ("thw", "the"),
            ("thhe", "the"),
            ("tge", "the"),
            ("hte", "there"),
            ("becuase", "because"),
            ("dont", "don't"),
            ("untill", "until"),
            ("teh", "th"),
        ] {
            assert_eq!(of(typed, word), Match::Whole(SLIP), "{typed} for {word}");
        }
        assert_eq!(of("lon", "London"), Match::Whole(CASE));
        for (typed, word) in
            [("the", "them"), ("the", "the"), ("hte", "ab"), ("xyz", "the"), ("teh", "total"), ("ehh", "the")]
        {
            assert_eq!(of(typed, word), Match::No, "{typed} for {word}");
        }
    }

    #[test]
    fn beginnings_with_at_most_one_slip() {
        for (typed, beginning, left) in [
            ("accomodate", "acc", 7),
            ("accomodate", "accom", 5),
            ("accomodate", "accomm", 4),
            ("accomodate", "accommod", 3),
            ("teh", "t", 2),
            ("teh", "to", 1),
            ("london", "Lon", 3),
        ] {
            assert_eq!(of(typed, beginning), Match::Part(left), "{typed} for {beginning}");
        }
        assert_eq!(of("accomodate", "atx"), Match::No);
    }
}
