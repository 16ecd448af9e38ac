//! Whole words after the text: brings the model to the nodes that the search asks for, and keeps them while the word is typed.

use std::collections::HashMap;

use super::ahead::Ahead;
use super::mixture::Mixture;
use super::nodes::TOGETHER;
use super::{Prompt, Session, dropped_tokens};
use crate::error::{Error, Result};
use crate::model::state::State;
use crate::suggest::correction::Scans;
use crate::suggest::cut::Cut;
use crate::suggest::letters::Letters;
use crate::suggest::repetition::Repetition;
use crate::suggest::search::{Explored, LONGEST, Query, Tree};
use crate::suggest::word::straight;
use crate::tokenizer::Tokenizer;

/// Passes of one position each that a search may take before its answer stands as it is.
const MOST_PASSES: usize = 32;
/// Passes of these that may look for a correction.
pub(super) const MOST_SLIP_PASSES: usize = 8;
/// As many tokens as letters seldom exceed that the vocabulary knows.
const FEW_TOKENS: usize = 4;
/// Room that is left in the context for the words to come.
const RESERVE: usize = 2 * LONGEST;

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

/// What a search wants to know next.
pub(super) struct Wanted {
    /// What it knows
    pub(super) explored: Explored,
    /// Nodes that words may come after which belong into the answer
    pub(super) ways: Vec<Vec<u32>>,
    /// One that a correction may come after
    pub(super) slip: Option<Vec<u32>>,
    /// The most that a word can count that begins with one of the ways
    pub(super) open: f64,
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
    /// Words, with the letters given, that stay among the suggestions
    pub(super) kept: Vec<String>,
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
    /// What may be meant instead of the letters, as far as somebody asked
    pub(super) scans: Scans,
    pub(super) slip_passes: usize,
    /// What is known of texts with one more letter
    pub(super) ahead: HashMap<char, Ahead>,
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
        suggesting.letters = Letters::meant_by(cut.given, text);
        suggesting.kept.clear();
        cut.base.clone_into(&mut suggesting.base_text);
        suggesting.is_spaced = is_spaced;
        text.clone_into(&mut suggesting.text);
        suggesting.base_length = cut.base.len();
        (suggesting.whole_base, suggesting.base, suggesting.tokens) = (whole_base, base, tokens);
        (suggesting.settings, suggesting.passes, suggesting.dropped) = (settings, 0, dropped);
        (suggesting.explored, suggesting.scans, suggesting.slip_passes) = (None, Scans::default(), 0);
        suggesting.ahead.clear();
        self.make_room();
        Ok(self.prompt)
    }

    /// Words that were on show before the text went on to what it is now, by what is left of them to be put in. They stay among
    /// the suggestions as long as they are wanted, so that none leaves its place while it is being typed.
    ///
    /// A word that is among the most probable ones is so after a letter of its own, too, except where others come in: the letters
    /// became a word, and what may follow that is more probable; from this letter on they may be a slip, or capitals of small ones.
    pub fn keep(&mut self, left: &[String]) {
        let Suggesting { text, base_length, kept, explored, .. } = &mut self.suggesting;
        let given = &text[*base_length..];
        *kept = left.iter().filter(|left| !left.is_empty()).map(|left| [given, left].concat()).collect();
        *explored = None;
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
        self.look()
    }

    /// Does a part of the search after a base that is computed.
    pub(super) fn look(&mut self) -> Result<Search> {
        let (mut ways, mut slip) = (Vec::new(), None);
        if self.suggesting.explored.is_none() {
            let Some(wanted) = self.wanted() else { return Err(Error::NoTokens) };
            self.suggesting.explored = Some((wanted.explored, wanted.open));
            (ways, slip) = (wanted.ways, wanted.slip);
        }
        let left = self.suggesting.settings.passes.saturating_sub(self.suggesting.passes);
        if left == 0 || ways.is_empty() && slip.is_none() {
            return self.search_phrases(left);
        }
        self.suggesting.slip_passes += usize::from(slip.is_some());
        let together: Vec<Vec<u32>> = slip.into_iter().chain(ways).take(TOGETHER.min(left)).collect();
        self.compute(&together)?;
        Ok(Search::Looking)
    }

    /// What is known, and what must be known before the answer can stand; `None` while the base is not computed.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let mixture = self.mixture();
        let explored = self.explore(&mixture, &[], b"")?;
        let count = self.suggesting.settings.count;
        let (answer, least) = explored.answer(count, &self.suggesting.kept);
        let missing = count.saturating_sub(answer.len());
        let mut ways = explored.open.clone();
        ways.extend(self.cached_ways(&explored, &mixture));
        ways.retain(|&(bound, _)| bound > least);
        ways.extend(self.kept_ways(&explored));
        ways.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        ways.dedup_by(|a, b| a.1 == b.1);
        let open = ways.first().map_or(0.0, |&(bound, _)| bound);
        // While there are too few words, no more than are missing: most ways lead to one.
        ways.truncate(if missing > 0 { missing.max(2) } else { TOGETHER });
        let first = if missing > 0 && !ways.is_empty() { self.ways_as_split(&mixture) } else { Vec::new() };
        if !first.is_empty() {
            return Some(Wanted { explored, ways: first, slip: None, open });
        }
        let ways: Vec<Vec<u32>> = ways.into_iter().map(|(_, way)| way).collect();
        let slip = self.slip_way(&explored, &mixture, least).filter(|way| !ways.contains(way));
        Some(Wanted { explored, ways, slip, open })
    }

    /// Ways to kept words that are not known after this text, each up to the next node that is not.
    fn kept_ways(&self, explored: &Explored) -> Vec<(f64, Vec<u32>)> {
        let Some(tree) = &self.suggesting.tree else { return Vec::new() };
        let is_found = |text: &&String| explored.words.iter().any(|(_, word)| word.text == **text);
        let way = |text: &String| {
            let tokens = self.tokenizer.encode(&straight(text)).ok().filter(|tokens| tokens.len() <= LONGEST)?;
            let unknown = (1..=tokens.len()).find(|&length| tree.node(&tokens[..length]).is_none())?;
            Some((f64::INFINITY, tokens[..unknown].to_vec()))
        };
        self.suggesting.kept.iter().filter(|text| !is_found(text)).filter_map(way).collect()
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
            kept: &self.suggesting.kept,
        };
        Some(tree.as_ref()?.explore(&self.vocabulary, &query, mixture, TOGETHER))
    }
}

impl Suggesting {
    /// Bytes of the text whose tokens have no room.
    pub(super) fn dropped_bytes(&self, tokenizer: &Tokenizer) -> usize {
        self.whole_base[..self.dropped].iter().map(|&id| tokenizer.bytes(id).len()).sum()
    }
}
