//! Whole words after the text: brings the model to the nodes that the search asks for, and keeps them while the word is typed.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::mixture::Mixture;
use super::{Prompt, Session, dropped_tokens};
use crate::error::{Error, Result};
use crate::model::state::State;
use crate::model::weights::Precision;
use crate::suggest::correction::Slip;
use crate::suggest::cut::Cut;
use crate::suggest::letters::Letters;
use crate::suggest::repetition::Repetition;
use crate::suggest::search::{Explored, LONGEST, Query, Tree};
use crate::tokenizer::Tokenizer;

/// Ways that are computed together. One more costs about half as much as one alone.
const TOGETHER: usize = 4;
/// Passes of one position each that a search may take before its answer stands as it is.
const MOST_PASSES: usize = 32;
/// As many tokens as letters seldom exceed that the vocabulary knows.
const FEW_TOKENS: usize = 4;
/// Room that is left in the context for the words to come.
const RESERVE: usize = 2 * LONGEST;
/// Bytes that states of nodes may take, and that logits of nodes may take.
const MOST_STATE_BYTES: usize = 48 << 20;
const MOST_LOGIT_BYTES: usize = 32 << 20;

/// What may be suggested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many suggestions.
    pub count: usize,
    /// Words in the longest phrase.
    pub max_words: usize,
    /// Whether punctuation alone is suggested.
    pub punctuation: bool,
    /// Whether a suggestion may correct what was typed.
    pub corrections: bool,
    /// Weight of the person's own words in the mixture.
    pub personal: f64,
    /// Whether offensive words are left out.
    pub filter: bool,
    /// Passes of one position each that a search may take.
    pub passes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let (punctuation, corrections, personal, filter) = (false, true, 0.1, true);
        Self { count: 3, max_words: 1, punctuation, corrections, personal, filter, passes: MOST_PASSES }
    }
}

/// What a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word, or the rest of one.
    Word,
    /// A mark.
    Punctuation,
    /// A word in place of letters that are taken for a slip.
    Correction,
}

/// One of the words of a phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it adds to the text.
    pub text: String,
    /// Of the phrase up to and including it.
    pub probability: f64,
}

/// A suggestion; `Word` in `www/js/shared/protocol.js`.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The word with the letters typed, without the space before it.
    pub text: String,
    /// What takes the place of the last `replace` UTF-16 units of the text.
    pub insert: String,
    /// See `insert`.
    pub replace: usize,
    /// Whether a space belongs after it before the next word.
    pub space_after: bool,
    /// What it is.
    pub kind: Kind,
    /// Given the letters, with the person's own words.
    pub probability: f64,
    /// Given the letters, by the model alone.
    pub model: f64,
    /// Before any letter was typed, by the model alone.
    pub unconditional: f64,
    /// The person's own words raised it.
    pub personal: bool,
    /// It goes on with a repetition.
    pub repeats: bool,
    /// From the word's start.
    pub tokens: Vec<u32>,
    /// At least one.
    pub parts: Vec<Part>,
}

/// What is known about the words after a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// The most probable first.
    pub suggestions: Vec<Suggestion>,
    /// No other word can be among them.
    pub settled: bool,
    /// So many of the first words can have no other word before them.
    pub sure: usize,
    /// The letters typed.
    pub typed: String,
    /// Their probability.
    pub letters: f64,
    /// Probability, given the letters, that they are a whole word.
    pub complete: f64,
    /// Whether the text goes round in circles.
    pub repetition: Option<Repetition>,
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// So many tokens of the text before the word are to be computed.
    Reading(usize),
    /// Words are being looked for.
    Looking,
    /// The answer stands.
    Done,
}

/// A text, cut where the word begins, and what is known of what comes then.
#[derive(Debug, Default)]
pub(super) struct Suggesting {
    pub(super) text: String,
    /// Bytes of `text` before the word and the space before it
    pub(super) base_length: usize,
    pub(super) settings: Settings,
    /// The tokens that the model sees before the word
    pub(super) base: Vec<u32>,
    /// Of `base`, and how many tokens it had before those that have no room
    pub(super) base_text: String,
    pub(super) is_spaced: bool,
    pub(super) whole_base: Vec<u32>,
    pub(super) letters: Vec<Letters>,
    /// `None` while the base is not computed
    pub(super) tree: Option<Tree>,
    /// States of the root and of some nodes
    pub(super) states: HashMap<Vec<u32>, State>,
    /// The tokens of the whole text that have room
    pub(super) tokens: Vec<u32>,
    pub(super) dropped: usize,
    pub(super) passes: usize,
    /// What the search has found, and the most that a word can count which it has not, 0 if none is of interest; until
    /// something changes
    pub(super) explored: Option<(Explored, f64)>,
    /// What may be meant instead of the letters, once somebody asks
    pub(super) slips: OnceCell<Vec<Slip>>,
    /// For each suggestion in turn, the nodes at which further words of its phrase end
    pub(super) phrases: Vec<Vec<(Vec<u32>, Part)>>,
    pub(super) phrases_done: bool,
}

impl Session {
    /// Sets the text and what is to be suggested after it. Call [`search`](Self::search) until it is done.
    ///
    /// # Errors
    /// If the text can't be split into tokens; the session is then as before.
    pub fn begin_words(&mut self, text: &str, settings: Settings) -> Result<Prompt> {
        let cut = Cut::new(text);
        let is_spaced = cut.given.starts_with(' ');
        let known = &self.suggesting;
        let whole_base = if (cut.base, is_spaced) == (&*known.base_text, known.is_spaced) && known.tree.is_some() {
            known.whole_base.clone()
        } else {
            self.base_tokens(&cut)?
        };
        let word = if cut.typed().is_empty() { Vec::new() } else { self.tokenizer.encode(cut.given)? };
        let count = whole_base.len() + word.len();
        let positions = self.model.config.n_positions;
        let dropped = dropped_tokens(count + RESERVE.min(positions / 4), positions).min(whole_base.len());
        let mut base = whole_base[dropped..].to_vec();
        let tokens: Vec<u32> = base.iter().copied().chain(word).collect();
        let unprompted = tokens.is_empty();
        if base.is_empty() {
            base.push(self.tokenizer.end_of_text());
        }
        self.suggesting.keep_what_is_known(&base);
        let tokens = if unprompted { base.clone() } else { tokens };
        let reused = match &self.suggesting.tree {
            Some(tree) => {
                let root = &self.suggesting.states[&[][..]];
                let common = |known: &[u32]| known.iter().zip(&tokens).take_while(|(a, b)| a == b).count();
                let computed = common(&self.tokens).min(self.state.len());
                if tokens.starts_with(&base) && computed < base.len() {
                    // The search went there already.
                    self.state = root.fork();
                    self.logits = tree.node(&[]).map_or(Vec::new(), |node| node.logits().to_vec());
                    self.tokens.clone_from(&base);
                    self.revision = self.revision.wrapping_add(1);
                }
                self.aim_at(tokens.clone())
            }
            None => self.aim_at(base.clone()),
        };
        let trimmed_space = cut.given == " ";
        self.prompt = Prompt { unprompted, dropped, trimmed_space, tokens: tokens.len(), reused };
        let suggesting = &mut self.suggesting;
        suggesting.letters = Letters::meant_by(cut.given);
        cut.base.clone_into(&mut suggesting.base_text);
        suggesting.is_spaced = is_spaced;
        text.clone_into(&mut suggesting.text);
        suggesting.base_length = cut.base.len();
        (suggesting.whole_base, suggesting.base, suggesting.tokens) = (whole_base, base, tokens);
        (suggesting.settings, suggesting.passes, suggesting.dropped) = (settings, 0, dropped);
        (suggesting.explored, suggesting.slips) = (None, OnceCell::new());
        (suggesting.phrases, suggesting.phrases_done) = (Vec::new(), settings.max_words <= 1);
        Ok(self.prompt)
    }

    /// The tokens before the word, as they will be once it has letters: white space is split in another way before these.
    fn base_tokens(&self, cut: &Cut<'_>) -> Result<Vec<u32>> {
        let (letter, alone): (&str, &[u8]) = if cut.given.starts_with(' ') { (" a", b" a") } else { ("a", b"a") };
        let mut tokens = self.tokenizer.encode(&[cut.base, letter].concat())?;
        if tokens.last().is_some_and(|&last| self.tokenizer.bytes(last) == alone) {
            tokens.pop();
            return Ok(tokens);
        }
        self.tokenizer.encode(cut.base)
    }

    /// Does a part of the search, as long as a chunk of tokens or a batch of ways takes.
    ///
    /// # Errors
    /// If no text was set by [`begin_words`](Self::begin_words), or there is no memory.
    pub fn search(&mut self) -> Result<Search> {
        if self.suggesting.base.is_empty() {
            return Err(Error::NoTokens);
        }
        if self.suggesting.tree.is_none() {
            if self.tokens != self.suggesting.base {
                self.aim_at(self.suggesting.base.clone());
            }
            let left = self.advance()?;
            if left > 0 {
                return Ok(Search::Reading(left));
            }
            self.suggesting.tree = Some(Tree::new(self.logits.clone(), &self.vocabulary));
            self.suggesting.states = HashMap::from([(Vec::new(), self.state.fork())]);
            let tokens = self.suggesting.tokens.clone();
            self.aim_at(tokens);
        }
        let ways = match &self.suggesting.explored {
            Some(_) => Vec::new(),
            None => {
                let Some((explored, ways, open)) = self.wanted_ways() else { return Err(Error::NoTokens) };
                self.suggesting.explored = Some((explored, open));
                ways
            }
        };
        let left = self.suggesting.settings.passes.saturating_sub(self.suggesting.passes);
        if ways.is_empty() || left == 0 {
            return self.search_phrases(left);
        }
        let together: Vec<Vec<u32>> = ways.into_iter().take(TOGETHER.min(left)).collect();
        self.compute(&together)?;
        Ok(Search::Looking)
    }

    /// What is known, nodes that must be known before the answer can stand, and the most that a word can count that begins with
    /// one of them.
    pub(super) fn wanted_ways(&self) -> Option<(Explored, Vec<Vec<u32>>, f64)> {
        let mixture = self.mixture();
        let explored = self.explore(&mixture, &[], b"")?;
        let count = self.suggesting.settings.count;
        let least = count.checked_sub(1).and_then(|last| explored.words.get(last)).map_or(0.0, |&(score, _)| score);
        let mut ways = explored.open.clone();
        ways.extend(self.cached_ways(&explored, &mixture));
        ways.retain(|&(bound, _)| bound > least);
        if let Some(slip) = self.slip(&explored, least) {
            ways.push((slip.probability, vec![slip.id]));
        }
        let tree = self.suggesting.tree.as_ref();
        ways.retain(|(_, way)| tree.is_some_and(|tree| tree.node(way).is_none()));
        ways.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        ways.dedup_by(|a, b| a.1 == b.1);
        let open = ways.first().map_or(0.0, |&(bound, _)| bound);
        // While there are too few words, no more than are missing: most ways lead to one.
        let missing = count.saturating_sub(explored.words.len());
        ways.truncate(if missing > 0 { missing.max(2) } else { TOGETHER });
        let first = if missing > 0 && !ways.is_empty() { self.ways_as_split(&mixture) } else { Vec::new() };
        let ways = if first.is_empty() { ways.into_iter().map(|(_, way)| way).collect() } else { first };
        Some((explored, ways, open))
    }

    /// Letters of scripts that the vocabulary knows little of take many tokens, and have so many spellings that the search would end
    /// among these. So while there are too few words, the letters as the tokenizer splits them go first, and what goes on from there.
    fn ways_as_split(&self, mixture: &Mixture<'_>) -> Vec<Vec<u32>> {
        let Suggesting { base, tokens, tree, .. } = &self.suggesting;
        let Some(tree) = tree else { return Vec::new() };
        let split = tokens.strip_prefix(&base[..]).unwrap_or(tokens);
        if split.len() <= FEW_TOKENS {
            return Vec::new();
        }
        match (1..=split.len()).find(|&length| tree.node(&split[..length]).is_none()) {
            Some(unknown) => vec![split[..unknown].to_vec()],
            None => self.explore(mixture, split, mixture.given.as_bytes()).map_or(Vec::new(), |explored| {
                let is_enough = explored.words.len() >= self.suggesting.settings.count;
                let ways = explored.open.into_iter().filter(|_| !is_enough);
                ways.map(|(_, way)| way).collect()
            }),
        }
    }

    /// What is known by now, if the base is computed; `from` tokens on, which spell these of the letters.
    fn explore(&self, mixture: &Mixture<'_>, from: &[u32], begun: &[u8]) -> Option<Explored> {
        let Suggesting { settings, letters, tree, .. } = &self.suggesting;
        let query = Query {
            before: mixture.base.chars().next_back(),
            letters,
            count: settings.count,
            punctuation: settings.punctuation,
            from,
            begun,
        };
        Some(tree.as_ref()?.explore(&self.vocabulary, &query, mixture, TOGETHER))
    }

    /// Computes nodes, each after a known one.
    pub(super) fn compute(&mut self, ways: &[Vec<u32>]) -> Result<()> {
        let (config, weights) = (&self.model.config, &self.model.weights);
        let Some(mut tree) = self.suggesting.tree.take() else { return Ok(()) };
        let element = if weights.precision() == Precision::Int8 { 1 } else { 4 };
        // A node has a page of its own in each layer.
        let of_state = 3 * 64 * element * config.n_embd * config.n_layer;
        let most_states = (MOST_STATE_BYTES / of_state).max(TOGETHER);
        let states = &mut self.suggesting.states;
        let mut run = || -> Result<()> {
            let mut forks = Vec::new();
            for way in ways {
                let parent = &way[..way.len() - 1];
                let fork = match states.get(parent) {
                    Some(state) => state.fork(),
                    // It was not kept, so what lies between is computed again.
                    None => {
                        let kept = (0..parent.len()).rev().find(|&length| states.contains_key(&parent[..length]));
                        let length = kept.unwrap_or(0);
                        let mut fork = states[&parent[..length]].fork();
                        self.model.forward(&mut fork, &parent[length..])?;
                        fork
                    }
                };
                forks.push(fork);
            }
            let last: Vec<u32> = ways.iter().filter_map(|way| way.last().copied()).collect();
            let logits = self.model.forward_branches(&mut forks, &last)?;
            for ((way, state), logits) in ways.iter().zip(forks).zip(logits.chunks_exact(config.vocab_size)) {
                tree.insert(way, logits.to_vec(), &self.vocabulary);
                if states.len() < most_states {
                    // Without the buffers of the pass.
                    states.insert(way.clone(), state.fork());
                }
            }
            Ok(())
        };
        let result = run();
        self.suggesting.passes += ways.len();
        self.suggesting.explored = None;
        self.suggesting.tree = Some(tree);
        match result {
            // Then this is all that can be known.
            Err(Error::ContextFull { .. }) => {
                self.suggesting.passes = usize::MAX;
                Ok(())
            }
            other => other,
        }
    }
}

impl Suggesting {
    /// Bytes of the text whose tokens have no room.
    pub(super) fn dropped_bytes(&self, tokenizer: &Tokenizer) -> usize {
        self.whole_base[..self.dropped].iter().map(|&id| tokenizer.bytes(id).len()).sum()
    }

    /// Keeps of the nodes what is still true after another text.
    fn keep_what_is_known(&mut self, base: &[u32]) {
        let Some(tree) = self.tree.take() else { return };
        let is_small = tree.node(&[]).is_some_and(|root| tree.len() * root.logits().len() * 4 <= MOST_LOGIT_BYTES);
        if !is_small {
            return;
        }
        if self.base == base {
            self.tree = Some(tree);
        } else if let Some(path) = base.strip_prefix(&self.base[..]).filter(|path| self.states.contains_key(*path)) {
            self.tree = Some(tree.into_subtree(path));
            let states = std::mem::take(&mut self.states).into_iter();
            self.states = states.filter_map(|(way, state)| Some((way.strip_prefix(path)?.to_vec(), state))).collect();
        }
    }
}
