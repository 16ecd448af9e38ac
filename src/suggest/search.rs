//! The most probable words after a text, among all ways to spell them.
//!
//! Ways to spell words form a tree whose edges are tokens. A node that is *known* has the logits of the text with its tokens.
//! A word's probability is the product over its tokens, times the probability that the next token begins something else;
//! of several spellings the most probable one counts. That product can only shrink along a way, so a way into the unknown
//! need not be gone as soon as it is less probable than the words that are found (best-first search, as in Hart, Nilsson
//! and Raphael 1968 with a bound in place of the estimate). [`Tree::explore`] tells what is found and which ways are open; who calls
//! it makes nodes known, and asks again.

use std::collections::{HashMap, HashSet};

use super::candidates::probabilities;
use super::letters::Letters;
use super::vocabulary::{LEADS, MARK, RUNS, Vocabulary, end_bit};
use super::word::{Kind, Reading, Stage, read};
use crate::sample;

/// Longest spelling that is looked for, in tokens. Longer ones are all but impossible.
pub const LONGEST: usize = 16;

/// What comes after a text and some tokens.
#[derive(Debug)]
pub struct Node {
    logits: Vec<f32>,
    /// The largest logit and its probability, from which all others follow
    largest: f32,
    of_largest: f64,
    /// Probability that a word ends before the next token, after each kind of `ENDS`
    ends: [f64; 4],
    /// Probability that the next token begins with a space
    spaced: f64,
    /// The kind of the last character, and the most probable tokens that go on with its word, the most probable first
    last: Kind,
    runs: Vec<u32>,
    known_children: Vec<u32>,
}

/// How many tokens that go on with a word are kept in order; the search seldom asks for more.
const RUNS_KEPT: usize = 8;

impl Node {
    fn new(logits: Vec<f32>, tokens: &[u32], vocabulary: &Vocabulary) -> Self {
        let probabilities = probabilities(&logits);
        let mut by_ends = [0.0f64; 16];
        for (&probability, &role) in probabilities.iter().zip(vocabulary.roles()) {
            by_ends[usize::from(role & 15)] += f64::from(probability);
        }
        let ends =
            std::array::from_fn(|bit| (0..16).filter(|ends| ends >> bit & 1 == 1).map(|ends| by_ends[ends]).sum());
        let of = |ids: &[u32]| ids.iter().map(|&id| f64::from(probabilities[id as usize])).sum();
        let spaced = of(vocabulary.beginning_with(b" "));
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let of_largest = f64::from(probabilities.iter().copied().fold(0.0, f32::max));
        let last =
            String::from_utf8_lossy(&vocabulary.spelled(tokens)).chars().next_back().map_or(Kind::Space, Kind::of);
        let runs =
            vocabulary.running_on().iter().copied().filter(|&id| vocabulary.roles()[id as usize] & end_bit(last) == 0);
        let runs = sample::best_of(runs, &logits, RUNS_KEPT);
        Self { logits, largest, of_largest, ends, spaced, last, runs, known_children: Vec::new() }
    }

    /// (V)
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// The probability of a token.
    pub fn probability(&self, id: u32) -> f64 {
        self.of_largest * f64::from(self.logits[id as usize] - self.largest).exp()
    }

    /// The logit that has this probability.
    pub(super) fn logit_of(&self, probability: f64) -> f32 {
        // A little less, so that rounding hides nothing; what passes is looked at exactly.
        ((probability / self.of_largest).ln() + f64::from(self.largest)) as f32 - 1e-4
    }

    /// Known nodes that come next, by their last tokens.
    pub(super) fn children(&self) -> &[u32] {
        &self.known_children
    }

    /// The most probable tokens that go on with the word.
    pub(super) fn runs(&self) -> &[u32] {
        &self.runs
    }

    /// Probability that a word that ends with this kind of character ends here.
    pub fn end(&self, last: Kind) -> f64 {
        let bit = end_bit(last);
        if bit == 0 { 0.0 } else { self.ends[bit.trailing_zeros() as usize] }
    }
}

/// Known nodes by their tokens; the root has none.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: HashMap<Vec<u32>, Node>,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The character before the suggestion.
    pub before: Option<char>,
    /// The letters as typed, then other ways to understand them. Only what is typed can be a word already.
    pub letters: &'a [Letters],
    /// How many.
    pub count: usize,
    /// Whether punctuation alone is wanted.
    pub punctuation: bool,
    /// The tokens from which on the suggestion is read; empty for the root.
    pub from: &'a [u32],
    /// What of the letters these tokens spell.
    pub begun: &'a [u8],
    /// Words, with the letters given, that stay among the answer whatever else is found.
    pub kept: &'a [String],
}

/// A word that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its tokens from the node that was asked about.
    pub tokens: Vec<u32>,
    /// Its text, with the letters given.
    pub text: String,
    /// Which of the query's letters it begins with.
    pub letters: usize,
    /// Product over the tokens and the end.
    pub probability: f64,
    /// Punctuation, which needs no end.
    pub is_mark: bool,
}

/// What is known so far.
#[derive(Debug, Default)]
pub struct Explored {
    /// What each counts, the most first; those of equal texts are one.
    pub words: Vec<(f64, Found)>,
    /// Ways that may lead to words among the `count` best ones, by all tokens from the root, and the most that these can count;
    /// the most first.
    pub open: Vec<(f64, Vec<u32>)>,
    /// Probability of the letters, for each of the query's, over the spellings that were looked at.
    pub given: Vec<f64>,
    /// Probability of the first letters and an end after them; part of `given`.
    pub complete: f64,
}

/// What counts beside the model's probabilities.
pub trait Taste {
    /// What a word counts whose probability is this when weighted by that of its letters; `None` if it is not wanted. `complete`
    /// is the probability that the letters given are a word already.
    fn score(&self, word: &Found, weighted: f64, complete: f64) -> Option<f64>;
    /// What a probability of 1 counts, and with it the most that a word can count whose probability is known to be smaller
    /// than some other one. Words that count more by other reasons must be made known by the caller.
    fn scale(&self) -> f64;
}

impl Explored {
    /// The words of the answer to a query, the most first: those that are kept, and the best of the others. And what another
    /// word must count more than to be one of them.
    pub fn answer(&self, count: usize, kept: &[String]) -> (Vec<&(f64, Found)>, f64) {
        let is_kept = |word: &Found| kept.contains(&word.text);
        let mut places = count.saturating_sub(self.words.iter().filter(|(_, word)| is_kept(word)).count());
        let mut least = if places == 0 { f64::INFINITY } else { 0.0 };
        let mut answer = Vec::new();
        for entry in &self.words {
            if answer.len() == count {
                break;
            }
            if is_kept(&entry.1) {
                answer.push(entry);
            } else if places > 0 {
                answer.push(entry);
                places -= 1;
                least = if places == 0 { entry.0 } else { 0.0 };
            }
        }
        (answer, least)
    }
}

impl Tree {
    /// Nothing known but the root.
    pub fn new(logits: Vec<f32>, vocabulary: &Vocabulary) -> Self {
        Self { nodes: HashMap::from([(Vec::new(), Node::new(logits, &[], vocabulary))]) }
    }

    /// A node, if it is known.
    pub fn node(&self, tokens: &[u32]) -> Option<&Node> {
        self.nodes.get(tokens)
    }

    /// How many nodes are known.
    #[expect(clippy::len_without_is_empty, reason = "the root is always known")]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Makes a node known, whose parent must be.
    pub fn insert(&mut self, tokens: &[u32], logits: Vec<f32>, vocabulary: &Vocabulary) {
        let Some((&last, parent)) = tokens.split_last() else { return };
        let Some(parent) = self.nodes.get_mut(parent) else { return };
        // In order, so that what is summed over them does not depend on what was asked before.
        if let Err(at) = parent.known_children.binary_search(&last) {
            parent.known_children.insert(at, last);
            self.nodes.insert(tokens.to_vec(), Node::new(logits, tokens, vocabulary));
        }
    }

    /// Gives up nodes other than the root that are not to be kept. What comes after them must go too.
    pub fn retain(&mut self, is_kept: impl Fn(&[u32]) -> bool) {
        self.nodes.retain(|way, _| way.is_empty() || is_kept(way));
        let known: HashSet<Vec<u32>> = self.nodes.keys().cloned().collect();
        for (way, node) in &mut self.nodes {
            node.known_children.retain(|&id| known.contains(&[way, &[id][..]].concat()));
        }
    }

    /// What follows a node as a tree of its own.
    pub fn into_subtree(self, from: &[u32]) -> Self {
        let below =
            |(tokens, node): (Vec<u32>, Node)| tokens.strip_prefix(from).map(<[u32]>::to_vec).map(|rest| (rest, node));
        Self { nodes: self.nodes.into_iter().filter_map(below).collect() }
    }

    /// What is known about the words that a query asks for, and at most `ways` of the open ways.
    pub fn explore(&self, vocabulary: &Vocabulary, query: &Query<'_>, taste: &impl Taste, ways: usize) -> Explored {
        let mut explored = Explored::default();
        let mut found: HashMap<String, (f64, Found)> = HashMap::new();
        let mut walks = Vec::new();
        for (index, letters) in query.letters.iter().enumerate() {
            let mut walk = Walk { tree: self, vocabulary, query, letters, index, visits: Vec::new() };
            let start = Visit { tokens: query.from.to_vec(), text: query.begun.to_vec(), probability: 1.0 };
            let mut given = if letters.bytes.is_empty() { 1.0 } else { 0.0 };
            walk.visit(start, &mut given, &mut explored.complete, &mut |word| {
                let weighted = word.probability * letters.weight;
                if found.get(&word.text).is_none_or(|&(known, _)| known < weighted) {
                    found.insert(word.text.clone(), (weighted, word));
                }
            });
            explored.given.push(given);
            walks.push(walk);
        }
        let complete = explored.complete;
        let scored = |(weighted, word): (f64, Found)| Some((taste.score(&word, weighted, complete)?, word));
        let mut words: Vec<(f64, Found)> = found.into_values().filter_map(scored).collect();
        words.sort_by(|(a, of_a), (b, of_b)| b.total_cmp(a).then_with(|| of_a.tokens.cmp(&of_b.tokens)));
        explored.words = words;
        let least = explored.answer(query.count, query.kept).1;
        let mut open = Open { ways, least, found: Vec::new() };
        for walk in walks {
            for visit in &walk.visits {
                walk.open_ways(visit, walk.letters.weight * taste.scale(), &mut open);
            }
        }
        explored.open = open.found;
        explored
    }
}

/// The best ways so far.
struct Open {
    ways: usize,
    least: f64,
    /// The most probable first
    found: Vec<(f64, Vec<u32>)>,
}

impl Open {
    /// What a way must exceed to be of interest.
    fn floor(&self) -> f64 {
        if self.found.len() < self.ways {
            self.least
        } else {
            self.found.last().map_or(f64::INFINITY, |&(bound, _)| bound)
        }
    }

    fn push(&mut self, bound: f64, way: Vec<u32>) {
        if bound <= self.floor() || self.found.iter().any(|(_, known)| *known == way) {
            return;
        }
        let at = self.found.partition_point(|&(known, _)| known >= bound);
        self.found.insert(at, (bound, way));
        self.found.truncate(self.ways);
    }
}

/// A known node on the way of a query.
struct Visit {
    tokens: Vec<u32>,
    text: Vec<u8>,
    probability: f64,
}

struct Walk<'a> {
    tree: &'a Tree,
    vocabulary: &'a Vocabulary,
    query: &'a Query<'a>,
    letters: &'a Letters,
    index: usize,
    visits: Vec<Visit>,
}

/// Tokens that may come next, before their text is read.
enum Next<'a> {
    /// They begin with the letters that are left, or the letters with them.
    Letters(&'a [u32], Vec<u32>),
    /// They have one of the first roles and none of the second.
    Roles(u8, u8),
    /// They may complete a character.
    Rest,
}

impl<'a> Walk<'a> {
    /// Whether a text agrees with the letters, and how it reads.
    fn read(&self, text: &[u8]) -> Option<Reading> {
        let given = &self.letters.bytes;
        let common = text.len().min(given.len());
        if text[..common] != given[..common] {
            return None;
        }
        let reading = read(self.query.before, text, given.len())?;
        // Other letters than those typed may become a word; but they are none yet.
        let follows = self.index > 0 && text.len() > given.len() && self.ends_given(text);
        (!follows).then_some(reading)
    }

    /// Whether a boundary stands right after the letters.
    fn ends_given(&self, text: &[u8]) -> bool {
        let given = self.letters.bytes.len();
        read(self.query.before, &text[..given], given).is_some_and(|reading| reading.last().is_some())
            && read(self.query.before, text, 0).is_none()
    }

    /// Visits all known nodes from here on, counts the probability of the letters, and reports words.
    fn visit(&mut self, visit: Visit, given: &mut f64, complete: &mut f64, report: &mut impl FnMut(Found)) {
        let Some(node) = self.tree.nodes.get(&visit.tokens) else { return };
        let Some(reading) = self.read(&visit.text) else { return };
        let Visit { tokens, text, probability } = &visit;
        let letters = &self.letters.bytes;
        let left = &letters[text.len().min(letters.len())..];
        if !left.is_empty() {
            let beginning = match left {
                b" " => node.spaced,
                _ => self.vocabulary.beginning_with(left).iter().map(|&id| node.probability(id)).sum(),
            };
            *given += probability * beginning;
        }
        let found = |text: &[u8], more: &[u32], probability: f64, is_mark: bool| {
            let tokens = [&tokens[self.query.from.len()..], more].concat();
            let text = self.letters.apply(&String::from_utf8_lossy(text));
            Found { tokens, text, letters: self.index, probability, is_mark }
        };
        if let Some(last) = reading.last() {
            if reading.can_end() {
                report(found(text, &[], probability * node.end(last), false));
            } else if text.len() == letters.len() && self.index == 0 {
                *complete += probability * node.end(last);
            }
        }
        if self.query.punctuation && self.index == 0 && left.is_empty() && !reading.beyond {
            for (id, &role) in (0..).zip(self.vocabulary.roles()) {
                if role & MARK != 0 {
                    let text = [text, self.vocabulary.bytes(id)].concat();
                    if self.read(&text).is_some_and(|reading| reading.stage == Stage::Punctuation) {
                        report(found(&text, &[id], probability * node.probability(id), true));
                    }
                }
            }
        }
        let children: Vec<Visit> =
            node.known_children.iter().map(|&id| visit.with(self.vocabulary, node, id)).collect();
        self.visits.push(visit);
        for child in children {
            self.visit(child, given, complete, report);
        }
    }

    /// The tokens that may come after a node.
    fn next(&self, visit: &Visit, reading: Reading) -> Next<'a> {
        let given = &self.letters.bytes;
        if visit.text.len() < given.len() {
            let left = &self.letters.bytes[visit.text.len()..];
            return Next::Letters(self.vocabulary.beginning_with(left), self.vocabulary.within(left).collect());
        }
        if reading.is_partial {
            return Next::Rest;
        }
        match reading.last() {
            Some(_) if !reading.beyond && self.index == 0 => Next::Roles(RUNS | LEADS, 0),
            Some(last) => Next::Roles(RUNS, end_bit(last)),
            None => Next::Roles(LEADS, 0),
        }
    }

    /// Adds the unknown children of a visited node that may lead to a better word. `weight` is what a probability of 1 counts.
    fn open_ways(&self, visit: &Visit, weight: f64, open: &mut Open) {
        if visit.tokens.len() - self.query.from.len() >= LONGEST {
            return;
        }
        let (Some(node), Some(reading)) = (self.tree.nodes.get(&visit.tokens), self.read(&visit.text)) else { return };
        let weight = weight * visit.probability;
        // No token can do better than the most probable one.
        if weight * node.of_largest <= open.floor() {
            return;
        }
        let mut least = node.logit_of(open.floor() / weight);
        // Where the last of the kept ones is of no interest, the others are of none.
        let are_kept_enough =
            node.runs.last().is_none_or(|&last| node.logits[last as usize] < least) || node.runs.len() < RUNS_KEPT;
        let mut consider = |id: u32| {
            if node.logits[id as usize] < least || node.known_children.binary_search(&id).is_ok() {
                return;
            }
            let child = visit.with(self.vocabulary, node, id);
            let bound = weight * node.probability(id);
            if self.read(&child.text).is_some_and(|reading| reading.stage != Stage::Punctuation) {
                open.push(bound, child.tokens);
                least = node.logit_of(open.floor() / weight);
            }
        };
        match self.next(visit, reading) {
            Next::Letters(beginning, within) => beginning.iter().copied().chain(within).for_each(consider),
            Next::Roles(RUNS, unwanted) if unwanted == end_bit(node.last) && are_kept_enough => {
                node.runs.iter().copied().for_each(consider);
            }
            Next::Roles(wanted, unwanted) => (0..)
                .zip(self.vocabulary.roles())
                .filter(|&(_, &role)| role & wanted != 0 && role & unwanted == 0)
                .for_each(|(id, _)| consider(id)),
            Next::Rest => {
                for byte in 0x80..=0xbf {
                    self.vocabulary.beginning_with(&[byte]).iter().copied().for_each(&mut consider);
                }
            }
        }
    }
}

impl Visit {
    /// The visit of a child.
    fn with(&self, vocabulary: &Vocabulary, node: &Node, id: u32) -> Self {
        Self {
            tokens: [&self.tokens[..], &[id]].concat(),
            text: [&self.text[..], vocabulary.bytes(id)].concat(),
            probability: self.probability * node.probability(id),
        }
    }
}
