//! Whole words after the text: brings the model to the nodes that the search asks for, keeps them while the word is typed,
//! and makes suggestions of what is found.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::{Prompt, Session, dropped_tokens};
use crate::error::{Error, Result};
use crate::model::state::State;
use crate::model::weights::Precision;
use crate::suggest::correction::{Slip, slips};
use crate::suggest::cut::Cut;
use crate::suggest::filter::is_offensive;
use crate::suggest::letters::Letters;
use crate::suggest::personal::Personal;
use crate::suggest::repetition::{Repetition, last_words, repetition};
use crate::suggest::search::{Explored, Found, LONGEST, Query, Taste, Tree};
use crate::suggest::word::{self, is_boundary};
use crate::tokenizer::Tokenizer;

/// Ways that are computed together. One more costs about half as much as one alone.
const TOGETHER: usize = 4;
/// Passes of one position each that a search may take before its answer stands as it is.
const MOST_PASSES: usize = 32;
/// Room that is left in the context for the words to come.
const RESERVE: usize = 2 * LONGEST;
/// Bytes that states of nodes may take, and that logits of nodes may take.
const MOST_STATE_BYTES: usize = 48 << 20;
const MOST_LOGIT_BYTES: usize = 32 << 20;
/// Cached words that are looked at although the model does not think of them.
const CACHED: usize = 4;

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
    is_spaced: bool,
    whole_base: Vec<u32>,
    pub(super) letters: Vec<Letters>,
    /// `None` while the base is not computed
    pub(super) tree: Option<Tree>,
    /// States of the root and of some nodes
    states: HashMap<Vec<u32>, State>,
    /// The tokens of the whole text that have room
    pub(super) tokens: Vec<u32>,
    pub(super) dropped: usize,
    passes: usize,
    /// What the search has found, and the most that a word can count which it has not, 0 if none is of interest; until
    /// something changes
    pub(super) explored: Option<(Explored, f64)>,
    /// What may be meant instead of the letters, once somebody asks
    pub(super) slips: OnceCell<Vec<Slip>>,
    /// For each suggestion in turn, the nodes at which further words of its phrase end
    pub(super) phrases: Vec<Vec<(Vec<u32>, Part)>>,
    pub(super) phrases_done: bool,
}

/// The model's probabilities and the person's words.
pub(super) struct Mixture<'a> {
    pub(super) personal: &'a Personal,
    pub(super) weight: f64,
    pub(super) filter: bool,
    pub(super) base: &'a str,
    pub(super) given: &'a str,
    /// The text with the letters typed, after which another word may follow
    pub(super) text: &'a str,
}

impl Mixture<'_> {
    /// The word itself, and whether it follows the letters given instead of completing them.
    fn core<'w>(&self, text: &'w str) -> (&'w str, bool) {
        let rest = text.strip_prefix(self.given).unwrap_or("");
        let follows = !self.given.trim_start_matches(' ').is_empty()
            && rest.chars().next().is_some_and(|c| {
                let last = self.given.chars().next_back().map_or(word::Kind::Space, word::Kind::of);
                // An apostrophe at the end of what is given is a letter's.
                let last = if last == word::Kind::Punctuation { word::Kind::Letter } else { last };
                c != '\'' && is_boundary(last, word::Kind::of(c))
            });
        let core = if follows { rest } else { text };
        (core.trim_matches(|c: char| !word::Kind::of(c).is_in_words()), follows)
    }

    fn cached(&self, core: &str, follows: bool, complete: f64) -> f64 {
        if self.weight == 0.0 {
            return 0.0;
        }
        let share = if follows { complete } else { 1.0 };
        share
            * self.weight
            * self.personal.after(last_word(if follows { self.text } else { self.base })).probability(core)
    }

    /// What the words that are cached leave of the model's probability.
    fn model_share(&self, follows: bool) -> f64 {
        if self.weight == 0.0 {
            return 1.0;
        }
        1.0 - self.weight * self.personal.after(last_word(if follows { self.text } else { self.base })).known()
    }

    fn is_wanted(&self, core: &str, follows: bool) -> bool {
        let place = if follows { self.text } else { self.base };
        !(self.filter && is_offensive(core)) && self.personal.is_wanted(place, core)
    }
}

impl Taste for Mixture<'_> {
    fn score(&self, word: &Found, weighted: f64, complete: f64) -> Option<f64> {
        let (core, follows) = self.core(&word.text);
        if word.is_mark {
            return Some(self.scale() * weighted);
        }
        self.is_wanted(core, follows).then(|| self.scale() * weighted + self.cached(core, follows, complete))
    }

    fn scale(&self) -> f64 {
        // One share for both, so that nothing can overtake what has its bound from the other.
        self.model_share(false)
    }
}

/// The word that stands at a text's end, before at most one space; empty if there is none.
fn last_word(text: &str) -> &str {
    let text = text.strip_suffix(' ').unwrap_or(text);
    let is_part = |c: char| word::Kind::of(c).is_in_words() || c == '\'';
    text[text.trim_end_matches(is_part).len()..].trim_matches('\'')
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
    fn wanted_ways(&self) -> Option<(Explored, Vec<Vec<u32>>, f64)> {
        let mixture = self.mixture();
        let explored = self.explore(&mixture)?;
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
        Some((explored, ways.into_iter().map(|(_, way)| way).collect(), open))
    }

    fn mixture(&self) -> Mixture<'_> {
        let Suggesting { text, base_length, settings, .. } = &self.suggesting;
        let (base, given) = text.split_at(*base_length);
        Mixture { personal: &self.personal, weight: settings.personal, filter: settings.filter, base, given, text }
    }

    /// What is known by now, if the base is computed.
    fn explore(&self, mixture: &Mixture<'_>) -> Option<Explored> {
        let Suggesting { settings, letters, tree, .. } = &self.suggesting;
        let query = Query {
            before: mixture.base.chars().next_back(),
            letters,
            count: settings.count,
            punctuation: settings.punctuation,
            from: &[],
        };
        Some(tree.as_ref()?.explore(&self.vocabulary, &query, mixture, TOGETHER))
    }

    /// Ways to cached words that the model may not think of, each up to the next node that is not known.
    fn cached_ways(&self, explored: &Explored, mixture: &Mixture<'_>) -> Vec<(f64, Vec<u32>)> {
        let Some(tree) = &self.suggesting.tree else { return Vec::new() };
        if mixture.weight == 0.0 {
            return Vec::new();
        }
        let typed = mixture.given.trim_start_matches(' ');
        let space = |before: &str| if before.ends_with(|c: char| !c.is_whitespace()) { " " } else { "" };
        let mut words: Vec<(String, f64)> = Vec::new();
        let here = mixture.personal.after(last_word(mixture.base));
        let completing = here.beginning_with(typed).into_iter().filter(|(word, _)| word.len() > typed.len());
        let spaced = mixture.given.starts_with(' ') || mixture.given.is_empty() && !space(mixture.base).is_empty();
        let before = if spaced { " " } else { "" };
        words.extend(completing.take(CACHED).map(|(word, chance)| (format!("{before}{word}"), chance)));
        if !typed.is_empty() && explored.complete > 0.0 {
            let there = mixture.personal.after(last_word(mixture.text));
            let following = there.beginning_with("").into_iter().take(CACHED);
            words.extend(
                following.map(|(word, chance)| (format!("{} {word}", mixture.given), chance * explored.complete)),
            );
        }
        let ways = words.into_iter().filter_map(|(text, chance)| {
            let tokens = self.tokenizer.encode(&text).ok().filter(|tokens| tokens.len() <= LONGEST)?;
            let (core, follows) = mixture.core(&text);
            let known = (0..tokens.len()).find(|&length| tree.node(&tokens[..=length]).is_none())?;
            let path = (0..=known).map(|at| tree.node(&tokens[..at]).map_or(0.0, |node| node.probability(tokens[at])));
            let bound = mixture.scale() * path.product::<f64>() + mixture.weight * chance;
            mixture.is_wanted(core, follows).then(|| (bound, tokens[..=known].to_vec()))
        });
        ways.collect()
    }

    /// The best correction, if it counts more than `floor`.
    fn slip(&self, explored: &Explored, floor: f64) -> Option<Slip> {
        self.slips(explored, floor).iter().copied().find(|slip| self.is_wanted_slip(slip))
    }

    /// Those that count more than `floor`, the most first.
    fn slips(&self, explored: &Explored, floor: f64) -> &[Slip] {
        let Suggesting { text, base_length, settings, tree, .. } = &self.suggesting;
        let given = &text[*base_length..];
        // Letters that are a word more often than not are no slip.
        let given_mass: f64 = explored.given.first().copied().unwrap_or(0.0);
        if !settings.corrections || explored.complete > 0.5 * given_mass && given_mass > 0.0 && floor > 0.0 {
            return &[];
        }
        let Some(tree) = tree else { return &[] };
        let all = self.suggesting.slips.get_or_init(|| slips(tree, &self.vocabulary, given));
        &all[..all.partition_point(|slip| slip.probability > floor)]
    }

    /// Asked only of those that come first: there may be thousands.
    fn is_wanted_slip(&self, slip: &Slip) -> bool {
        let Suggesting { text, base_length, settings, .. } = &self.suggesting;
        let word = String::from_utf8_lossy(self.vocabulary.bytes(slip.id));
        let core = word.trim();
        let is_wanted = |place: &str| self.personal.is_wanted(place, core);
        is_wanted(&text[..*base_length]) && is_wanted(text) && !(settings.filter && is_offensive(core))
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

    /// The suggestions as far as they are known.
    pub fn words(&self) -> Words {
        let Suggesting { text, base_length, settings, .. } = &self.suggesting;
        let given = &text[*base_length..];
        let typed = given.strip_prefix(' ').unwrap_or(given).to_owned();
        let repeated = last_words(text);
        let found = repetition(&repeated);
        let mixture = self.mixture();
        let fresh;
        let (explored, open) = match &self.suggesting.explored {
            Some((explored, open)) => (explored, *open),
            None => match self.wanted_ways() {
                Some((explored, _, open)) => {
                    fresh = explored;
                    (&fresh, open)
                }
                None => {
                    let suggestions = Vec::new();
                    return Words {
                        suggestions,
                        settled: false,
                        sure: 0,
                        typed,
                        letters: 1.0,
                        complete: 0.0,
                        repetition: found,
                    };
                }
            },
        };
        let least = settings.count.checked_sub(1).and_then(|last| explored.words.get(last)).map_or(0.0, |word| word.0);
        let slips = self.slips(explored, least * 1e-3);
        let of_slips: f64 = slips.iter().map(|slip| slip.probability).sum();
        let weights = self.suggesting.letters.iter().map(|letters| letters.weight);
        let by_model: f64 = weights.zip(&explored.given).map(|(weight, given)| weight * given).sum::<f64>() + of_slips;
        let by_both = mixture.scale() * by_model + self.cached_mass(&mixture);
        let mut suggestions: Vec<Suggestion> = Vec::new();
        for (score, word) in explored.words.iter().take(settings.count) {
            let weighted = word.probability * self.suggesting.letters[word.letters].weight;
            let kind = if word.is_mark { Kind::Punctuation } else { Kind::Word };
            let (core, follows) = mixture.core(&word.text);
            // Letters that another word follows are not of it.
            let whole = if follows || word.is_mark { &word.text[given.len()..] } else { &word.text };
            suggestions.push(Suggestion {
                text: whole.trim_start_matches(' ').to_owned(),
                insert: word.text[given.len()..].to_owned(),
                replace: 0,
                space_after: !word.text.ends_with(|c: char| word::Kind::of(c) == word::Kind::Ideograph),
                kind,
                probability: score / by_both,
                model: weighted / by_model,
                unconditional: word.probability,
                personal: *score > mixture.scale() * weighted,
                repeats: repeats(&repeated, !follows && !typed.is_empty(), core),
                tokens: word.tokens.clone(),
                parts: Vec::new(),
            });
        }
        let correction = slips.iter().find_map(|slip| {
            let found = self.correction(*slip, given, by_model, by_both, &mixture)?;
            self.is_wanted_slip(slip).then_some(found)
        });
        if let Some(correction) = correction {
            let at = suggestions.partition_point(|known| known.probability >= correction.probability);
            suggestions.insert(at, correction);
            suggestions.truncate(settings.count);
        }
        for (index, suggestion) in suggestions.iter_mut().enumerate() {
            let first = Part { text: suggestion.insert.clone(), probability: suggestion.probability };
            let more = self.suggesting.phrases.get(index).into_iter().flatten().map(|(_, part)| part.clone());
            suggestion.parts = std::iter::once(first).chain(more).collect();
            for part in &suggestion.parts[1..] {
                suggestion.text.push_str(&part.text);
                suggestion.insert.push_str(&part.text);
            }
            if let Some((tokens, _)) = self.suggesting.phrases.get(index).and_then(|phrase| phrase.last()) {
                suggestion.tokens.clone_from(tokens);
            }
        }
        let of_given = explored.given.first().copied().unwrap_or(1.0);
        Words {
            suggestions,
            settled: open == 0.0,
            sure: explored.words.iter().take(settings.count).take_while(|(score, _)| *score >= open).count(),
            typed,
            letters: of_given,
            complete: if of_given > 0.0 { explored.complete / of_given } else { 0.0 },
            repetition: found,
        }
    }

    /// A word was used after this text, or it was not after all.
    pub fn learn(&mut self, text: &str, word: &str, is_learnt: bool) {
        let (before, word) = (last_word(text), word.trim_matches(|c: char| !word::Kind::of(c).is_in_words()));
        if is_learnt {
            self.personal.learn(before, word);
        } else {
            self.personal.unlearn(before, word);
        }
    }

    /// Not to suggest a word again where `text` stands before the caret, or after all.
    pub fn reject(&mut self, text: &str, word: &str, rejected: bool) {
        let cut = Cut::new(text);
        let completes = !cut.typed().is_empty() && word.to_lowercase().starts_with(&cut.typed().to_lowercase());
        self.personal.reject(if completes { cut.base } else { text.strip_suffix(' ').unwrap_or(text) }, word, rejected);
    }

    /// Whether the letters typed are a word more probably than not.
    pub(super) fn is_complete(&self) -> bool {
        let explored = self.suggesting.explored.as_ref();
        explored.is_some_and(|(explored, _)| explored.complete >= 0.5 * explored.given.first().copied().unwrap_or(1.0))
    }

    /// The part of the mixture that the person's own words have of the letters typed.
    fn cached_mass(&self, mixture: &Mixture<'_>) -> f64 {
        if mixture.weight == 0.0 {
            return 0.0;
        }
        let cached = mixture.personal.after(last_word(mixture.base));
        let typed = mixture.given.trim_start_matches(' ');
        let known = if typed.is_empty() {
            cached.known()
        } else {
            cached.beginning_with(typed).iter().map(|&(_, chance)| chance).sum()
        };
        mixture.weight * known
    }

    /// A suggestion of a correction, if its end is known.
    fn correction(
        &self,
        slip: Slip,
        given: &str,
        by_model: f64,
        by_both: f64,
        mixture: &Mixture<'_>,
    ) -> Option<Suggestion> {
        let tree = self.suggesting.tree.as_ref()?;
        let text = std::str::from_utf8(self.vocabulary.bytes(slip.id)).ok()?;
        let last = word::Kind::of(text.chars().next_back()?);
        let end = tree.node(&[slip.id])?.end(last);
        let typed = given.trim_start_matches(' ');
        let word = text.trim_start_matches(' ');
        let weighted = slip.probability * end;
        Some(Suggestion {
            text: word.to_owned(),
            insert: word.to_owned(),
            replace: typed.encode_utf16().count(),
            space_after: true,
            kind: Kind::Correction,
            probability: mixture.scale() * weighted / by_both,
            model: weighted / by_model,
            unconditional: tree.node(&[])?.probability(slip.id) * end,
            personal: false,
            repeats: repeats(&last_words(&self.suggesting.text), true, word),
            tokens: vec![slip.id],
            parts: Vec::new(),
        })
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

/// Whether the text would be a repetition, or a longer one, with this word, which may take the last one's place.
fn repeats(words: &[String], completes: bool, core: &str) -> bool {
    let before = &words[..words.len() - usize::from(completes && !words.is_empty())];
    let after: Vec<String> = before.iter().cloned().chain([core.to_lowercase()]).collect();
    repetition(&after).is_some()
}
