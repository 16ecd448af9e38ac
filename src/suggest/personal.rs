//! A person's own words: a cache model of single words and of pairs (Kuhn and De Mori 1990, "A cache-based natural language
//! model for speech recognition"), mixed with the model's probabilities by interpolation; and words that are not wanted.
//!
//! It is plain data that can be looked at, written out and read in. Nothing here stores anything.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::filter::normalised;
use crate::error::{Error, Result};
use crate::json;

/// What remains of every count when a word is learnt; half of it after 700 words.
const FADING: f64 = 0.999;
/// Counts below are forgotten.
const FORGOTTEN: f64 = 0.01;
/// Observations of words not seen yet, so that the first few words learnt don't count for much.
const UNSEEN_WORDS: f64 = 50.0;
const UNSEEN_AFTER: f64 = 2.0;
/// Share of pairs in the mixture with single words.
const PAIRS: f64 = 0.5;
/// Longest word, in bytes, and most entries of any kind that are kept.
const LONGEST: usize = 64;
const MOST: usize = 20_000;
/// Characters before a word that tell the place where it was rejected.
const PLACE: usize = 32;
const VERSION: u32 = 1;

/// What is known of a person's words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Personal {
    words: BTreeMap<String, f64>,
    /// By the word before, which is not empty
    pairs: BTreeMap<String, BTreeMap<String, f64>>,
    /// In the form in which they are compared
    blocked: BTreeSet<String>,
    rejected: Vec<Rejected>,
}

/// A word and how often it was used; old uses count less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The word.
    pub word: String,
    /// How often.
    pub count: f64,
}

/// As [`Count`], after another word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairCount {
    /// The word before.
    pub before: String,
    /// The word.
    pub word: String,
    /// How often.
    pub count: f64,
}

/// A word that is not wanted in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    /// How the text before the word ends; all of it if it is short.
    pub after: String,
    /// The word.
    pub word: String,
}

/// All of it, as it is written out and read in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonalState {
    version: u32,
    words: Vec<Count>,
    pairs: Vec<PairCount>,
    blocked: Vec<String>,
    rejected: Vec<Rejected>,
}

impl Personal {
    /// Counts a use of a word, after the word `before` unless that is empty.
    pub fn learn(&mut self, before: &str, word: &str) {
        if word.is_empty() || word.len() > LONGEST || before.len() > LONGEST {
            return;
        }
        self.fade();
        *self.words.entry(word.to_owned()).or_default() += 1.0;
        if !before.is_empty() {
            *self.pairs.entry(before.to_owned()).or_default().entry(word.to_owned()).or_default() += 1.0;
        }
    }

    /// Takes back what [`learn`](Self::learn) has just done, but for the fading.
    pub fn unlearn(&mut self, before: &str, word: &str) {
        let reduce = |counts: &mut BTreeMap<String, f64>| {
            if let Some(count) = counts.get_mut(word) {
                *count -= 1.0;
            }
            counts.retain(|_, count| *count > FORGOTTEN);
        };
        reduce(&mut self.words);
        self.pairs.entry(before.to_owned()).and_modify(reduce);
        self.pairs.retain(|_, counts| !counts.is_empty());
    }

    fn fade(&mut self) {
        let fade = |_: &String, count: &mut f64| {
            *count *= FADING;
            *count > FORGOTTEN
        };
        self.words.retain(fade);
        self.pairs.retain(|_, counts| {
            counts.retain(fade);
            !counts.is_empty()
        });
        // Beyond what fading leaves, the rarest go first.
        while self.words.len() >= MOST {
            let rarest = self.words.iter().min_by(|a, b| a.1.total_cmp(b.1)).map(|(word, _)| word.clone());
            if let Some(word) = rarest {
                self.forget(&word);
            }
        }
    }

    /// Drops the counts of a word.
    pub fn forget(&mut self, word: &str) {
        self.words.remove(word);
        self.pairs.values_mut().for_each(|counts| _ = counts.remove(word));
        self.pairs.retain(|_, counts| !counts.is_empty());
    }

    /// Never to suggest a word again, or after all.
    pub fn block(&mut self, word: &str, blocked: bool) {
        let word = normalised(word);
        if !blocked {
            self.blocked.remove(&word);
        } else if !word.is_empty() && word.len() <= LONGEST && self.blocked.len() < MOST {
            self.blocked.insert(word);
        }
    }

    /// Not to suggest a word after `base`, or after all.
    pub fn reject(&mut self, base: &str, word: &str, rejected: bool) {
        self.reject_after(place(base), word, rejected);
    }

    /// As [`reject`](Self::reject), for a place as [`Rejected::after`] has it.
    pub fn reject_after(&mut self, after: &str, word: &str, rejected: bool) {
        let entry = Rejected { after: after.to_owned(), word: normalised(word) };
        self.rejected.retain(|known| *known != entry);
        if rejected && !entry.word.is_empty() && entry.word.len() <= LONGEST && self.rejected.len() < MOST {
            self.rejected.push(entry);
        }
    }

    /// Whether a word is wanted after `base`.
    pub fn is_wanted(&self, base: &str, word: &str) -> bool {
        if self.blocked.is_empty() && self.rejected.is_empty() {
            return true;
        }
        let (word, after) = (normalised(word), place(base));
        !self.blocked.contains(&word) && !self.rejected.iter().any(|known| known.after == after && known.word == word)
    }

    /// The probability of words after `before`, by this alone.
    pub fn after<'a>(&'a self, before: &str) -> Cached<'a> {
        let pairs = self.pairs.get(before);
        let total = |counts: &BTreeMap<String, f64>| counts.values().sum::<f64>();
        let of_pairs = pairs.map_or(0.0, total) + UNSEEN_AFTER;
        Cached { words: &self.words, pairs, of_words: total(&self.words) + UNSEEN_WORDS, of_pairs }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// To be written out.
    pub fn state(&self) -> PersonalState {
        let mut words: Vec<Count> =
            self.words.iter().map(|(word, &count)| Count { word: word.clone(), count }).collect();
        words.sort_by(|a, b| b.count.total_cmp(&a.count));
        let pairs = self.pairs.iter().flat_map(|(before, counts)| {
            let pair =
                |(word, &count): (&String, &f64)| PairCount { before: before.clone(), word: word.clone(), count };
            counts.iter().map(pair)
        });
        let (blocked, rejected) = (self.blocked.iter().cloned().collect(), self.rejected.clone());
        PersonalState { version: VERSION, words, pairs: pairs.collect(), blocked, rejected }
    }

    /// Reads what [`state`](Self::state) gave, as JSON.
    ///
    /// # Errors
    /// If it is not of that form.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let invalid = |source| Error::Json { what: "the personal words", source };
        let refuse = |reason: &str| Err(invalid(serde::de::Error::custom(reason)));
        let state: PersonalState = json::read(json).map_err(invalid)?;
        let PersonalState { version, words, pairs, blocked, rejected } = state;
        if version != VERSION {
            return refuse("an unknown version");
        }
        if [words.len(), pairs.len(), blocked.len(), rejected.len()].iter().any(|&count| count > MOST) {
            return refuse("too many entries");
        }
        let counts = words.iter().map(|entry| (&entry.word, entry.count));
        let all = counts.chain(pairs.iter().map(|entry| (&entry.word, entry.count)));
        let is_valid = |(word, count): (&String, f64)| {
            !word.is_empty() && word.len() <= LONGEST && count > 0.0 && count <= f64::from(u32::MAX)
        };
        let texts = blocked.iter().chain(rejected.iter().map(|entry| &entry.word));
        let befores = pairs.iter().map(|entry| &entry.before).chain(texts);
        if !all.into_iter().all(is_valid) || befores.into_iter().any(|text| text.is_empty() || text.len() > LONGEST) {
            return refuse("a word or a count that can't be");
        }
        if rejected.iter().any(|entry| entry.after.chars().count() > PLACE) {
            return refuse("a place that can't be");
        }
        let mut personal = Self { rejected, ..Self::default() };
        personal.words.extend(words.into_iter().map(|entry| (entry.word, entry.count)));
        for PairCount { before, word, count } in pairs {
            personal.pairs.entry(before).or_default().insert(word, count);
        }
        personal.blocked.extend(blocked.iter().map(|word| normalised(word)));
        Ok(personal)
    }
}

/// The end of a text, which tells a place in it.
fn place(base: &str) -> &str {
    let from = base.char_indices().rev().nth(PLACE - 1).map_or(0, |(at, _)| at);
    &base[from..]
}

/// Probabilities of the cached words in one place. What they don't add up to belongs to words that are not cached.
#[derive(Debug, Clone, Copy)]
pub struct Cached<'a> {
    words: &'a BTreeMap<String, f64>,
    pairs: Option<&'a BTreeMap<String, f64>>,
    of_words: f64,
    of_pairs: f64,
}

impl<'a> Cached<'a> {
    /// Of one word.
    pub fn probability(&self, word: &str) -> f64 {
        let share = |counts: Option<&BTreeMap<String, f64>>, total: f64| {
            counts.and_then(|counts| counts.get(word)).copied().unwrap_or(0.0) / total
        };
        (1.0 - PAIRS) * share(Some(self.words), self.of_words) + PAIRS * share(self.pairs, self.of_pairs)
    }

    /// Of all words that are cached.
    pub fn known(&self) -> f64 {
        let total = |counts: &BTreeMap<String, f64>| counts.values().sum::<f64>();
        (1.0 - PAIRS) * total(self.words) / self.of_words + PAIRS * self.pairs.map_or(0.0, total) / self.of_pairs
    }

    /// The words that begin with `typed`, the most probable first. Every word of a pair is also one of the words, until both
    /// have faded.
    pub fn beginning_with(&self, typed: &str) -> Vec<(&'a str, f64)> {
        let words = self.words.range(typed.to_owned()..).map(|(word, _)| word.as_str());
        let words = words.take_while(|word| word.starts_with(typed));
        let mut found: Vec<(&str, f64)> = words.map(|word| (word, self.probability(word))).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        found
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn taught(times: usize) -> Personal {
        let mut personal = Personal::default();
        for _ in 0..times {
            personal.learn("", "the");
            personal.learn("the", "gazebo");
        }
        personal
    }

    #[test]
    fn words_rise_as_they_are_used_and_add_up() {
        let (once, often) = (taught(1), taught(40));
        let of = |personal: &Personal, before| personal.after(before).probability("gazebo");
        assert!(of(&once, "") > 0.0 && of(&once, "") < 0.02);
        assert!(of(&often, "") > 10.0 * of(&once, ""));
        assert!(of(&often, "the") > of(&often, ""), "pairs count");
        for before in ["", "the"] {
            let cached = often.after(before);
            let sum: f64 = cached.beginning_with("").iter().map(|&(_, probability)| probability).sum();
            assert!((sum - cached.known()).abs() < 1e-12 && sum < 1.0);
        }
        assert_eq!(often.after("").beginning_with("ga").len(), 1);
        assert!(often.after("").beginning_with("gar").is_empty());
    }

    #[test]
    fn what_was_learnt_can_be_taken_back() {
        let mut personal = taught(1);
        personal.unlearn("the", "gazebo");
        assert_eq!(personal.after("the").probability("gazebo"), 0.0);
        assert!(personal.after("").probability("the") > 0.0);
        personal.forget("the");
        assert_eq!(personal, Personal::default());
        let mut personal = taught(1);
        for _ in 0..10_000 {
            personal.learn("", "other");
        }
        assert_eq!(personal.after("").beginning_with("").len(), 1, "old words fade");
        personal.clear();
        assert_eq!(personal, Personal::default());
    }

    #[test]
    fn words_can_be_unwanted_everywhere_or_in_one_place() {
        let mut personal = Personal::default();
        personal.block(" Gazebo", true);
        personal.reject("I went to", "Town", true);
        for base in ["", "I went to", "Then I went to"] {
            assert!(!personal.is_wanted(base, "gazebo") && !personal.is_wanted(base, "GAZEBO's"));
            assert_eq!(personal.is_wanted(base, " town"), base != "I went to");
        }
        let long = "x".repeat(40);
        personal.reject(&long, "y", true);
        assert!(!personal.is_wanted(&format!("more {long}"), "y"));
        let state = personal.state();
        personal.block("gazebo", false);
        personal.reject("I went to", "town", false);
        personal.reject_after(&"x".repeat(32), "y", false);
        assert_eq!(personal, Personal::default());
        let json = serde_json::to_vec(&state).unwrap();
        assert_eq!(Personal::from_json(&json).unwrap().state(), state);
    }

    #[test]
    fn states_are_read_back_and_defects_refused() {
        let state = taught(3).state();
        let json = serde_json::to_value(&state).unwrap();
        assert_eq!(Personal::from_json(json.to_string().as_bytes()).unwrap().state(), state);
        let broken = |change: fn(&mut serde_json::Value)| {
            let mut json = json.clone();
            change(&mut json);
            Personal::from_json(json.to_string().as_bytes()).unwrap_err().code()
        };
        assert_eq!(broken(|json| json["version"] = 2.into()), "invalid-json");
        assert_eq!(broken(|json| json["words"][0]["count"] = (-1).into()), "invalid-json");
        assert_eq!(broken(|json| json["words"][0]["count"] = 1e300.into()), "invalid-json");
        assert_eq!(broken(|json| json["words"][0]["word"] = "".into()), "invalid-json");
        assert_eq!(broken(|json| json["words"][0]["word"] = "x".repeat(65).into()), "invalid-json");
        assert_eq!(broken(|json| json["blocked"] = "x".into()), "invalid-json");
        assert_eq!(broken(|json| json["more"] = 1.into()), "invalid-json");
        assert_eq!(broken(|json| *json = serde_json::Value::Null), "invalid-json");
    }
}
