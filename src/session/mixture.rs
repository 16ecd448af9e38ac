//! A person's own words beside the model's: what both together count, and ways to words that the model does not think of.

use super::Session;
use super::words::Suggesting;
use crate::suggest::cut::Cut;
use crate::suggest::filter::is_offensive;
use crate::suggest::personal::{Cached, Personal};
use crate::suggest::search::{Explored, Found, LONGEST, Taste};
use crate::suggest::word::{self, is_apostrophe, is_boundary, straight};

/// Cached words that are looked at although the model does not think of them.
const CACHED: usize = 4;

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

impl<'a> Mixture<'a> {
    /// The person's words after a text.
    fn after(&self, text: &str) -> Cached<'a> {
        self.personal.after(&straight(last_word(text)))
    }

    /// The word itself, and whether it follows the letters given instead of completing them.
    pub(super) fn core<'w>(&self, text: &'w str) -> (&'w str, bool) {
        let rest = text.strip_prefix(self.given).unwrap_or("");
        let follows = !self.given.trim_start_matches(' ').is_empty()
            && rest.chars().next().is_some_and(|c| {
                let last = self.given.chars().next_back().map_or(word::Kind::Space, word::Kind::of);
                // An apostrophe at the end of what is given is a letter's.
                let last = if last == word::Kind::Punctuation { word::Kind::Letter } else { last };
                !is_apostrophe(c) && is_boundary(last, word::Kind::of(c))
            });
        let core = if follows { rest } else { text };
        (core.trim_matches(|c: char| !word::Kind::of(c).is_in_words()), follows)
    }

    fn cached(&self, core: &str, follows: bool, complete: f64) -> f64 {
        if self.weight == 0.0 {
            return 0.0;
        }
        let share = if follows { complete } else { 1.0 };
        share * self.weight * self.after(if follows { self.text } else { self.base }).probability(&straight(core))
    }

    /// What the words that are cached leave of the model's probability.
    fn model_share(&self, follows: bool) -> f64 {
        if self.weight == 0.0 {
            return 1.0;
        }
        1.0 - self.weight * self.after(if follows { self.text } else { self.base }).known()
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
    let is_part = |c: char| word::Kind::of(c).is_in_words() || is_apostrophe(c);
    text[text.trim_end_matches(is_part).len()..].trim_matches(is_apostrophe)
}

impl Session {
    pub(super) fn mixture(&self) -> Mixture<'_> {
        let Suggesting { text, base_length, settings, .. } = &self.suggesting;
        let (base, given) = text.split_at(*base_length);
        Mixture { personal: &self.personal, weight: settings.personal, filter: settings.filter, base, given, text }
    }

    /// Ways to cached words that the model may not think of, each up to the next node that is not known.
    pub(super) fn cached_ways(&self, explored: &Explored, mixture: &Mixture<'_>) -> Vec<(f64, Vec<u32>)> {
        let Some(tree) = &self.suggesting.tree else { return Vec::new() };
        if mixture.weight == 0.0 {
            return Vec::new();
        }
        let typed = &*straight(mixture.given.trim_start_matches(' '));
        let space = |before: &str| if before.ends_with(|c: char| !c.is_whitespace()) { " " } else { "" };
        let mut words: Vec<(String, f64)> = Vec::new();
        let here = mixture.after(mixture.base);
        let completing = here.beginning_with(typed).into_iter().filter(|(word, _)| word.len() > typed.len());
        let spaced = mixture.given.starts_with(' ') || mixture.given.is_empty() && !space(mixture.base).is_empty();
        let before = if spaced { " " } else { "" };
        words.extend(completing.take(CACHED).map(|(word, chance)| (format!("{before}{word}"), chance)));
        if !typed.is_empty() && explored.complete > 0.0 {
            let there = mixture.after(mixture.text);
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

    /// The part of the mixture that the person's own words have of the letters typed.
    pub(super) fn cached_mass(&self, mixture: &Mixture<'_>) -> f64 {
        if mixture.weight == 0.0 {
            return 0.0;
        }
        let cached = mixture.after(mixture.base);
        let typed = &*straight(mixture.given.trim_start_matches(' '));
        let known = if typed.is_empty() {
            cached.known()
        } else {
            cached.beginning_with(typed).iter().map(|&(_, chance)| chance).sum()
        };
        mixture.weight * known
    }

    /// A word was used after this text, or it was not after all.
    pub fn learn(&mut self, text: &str, word: &str, is_learnt: bool) {
        let (before, word) = (last_word(text), word.trim_matches(|c: char| !word::Kind::of(c).is_in_words()));
        let (before, word) = (straight(before), straight(word));
        if is_learnt {
            self.personal.learn(&before, &word);
        } else {
            self.personal.unlearn(&before, &word);
        }
        self.look_again();
    }

    /// What has been found counts otherwise now.
    fn look_again(&mut self) {
        if self.suggesting.explored.is_some() {
            self.suggesting.explored = self.wanted().map(|wanted| (wanted.explored, wanted.open));
        }
    }

    /// Not to suggest a word again where `text` stands before the caret, or after all.
    pub fn reject(&mut self, text: &str, word: &str, rejected: bool) {
        let cut = Cut::new(text);
        let completes = !cut.typed().is_empty() && word.to_lowercase().starts_with(&cut.typed().to_lowercase());
        self.personal.reject(if completes { cut.base } else { text.strip_suffix(' ').unwrap_or(text) }, word, rejected);
        self.look_again();
    }
}
