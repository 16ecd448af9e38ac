//! The suggestions as a person sees them, made of what the search has found, with a correction among them.

use super::Session;
use super::mixture::Mixture;
use super::words::{Kind, MOST_SLIP_PASSES, Suggesting, Suggestion, Words};
use crate::suggest::correction::{Slip, Slips, slips};
use crate::suggest::filter::is_offensive;
use crate::suggest::repetition::{last_words, repetition};
use crate::suggest::search::{Explored, Taste};
use crate::suggest::word;

impl Session {
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
            None => match self.wanted() {
                Some(wanted) => {
                    fresh = wanted.explored;
                    (&fresh, wanted.open)
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
        let kept = &self.suggesting.kept;
        let (answer, least) = explored.answer(settings.count, kept);
        let slips = self.slips(&mixture);
        let is_answer = |slip: &Slip| answer.iter().any(|(_, word)| word.text.trim_start_matches(' ') == slip.text);
        // Letters that are a word more probably than a slip are none.
        let floor = (least / mixture.scale()).max(explored.complete);
        let counts = |slip: &Slip| slip.probability > floor && !is_answer(slip);
        let correction = slips.words.iter().find(|slip| counts(slip));
        let weights = self.suggesting.letters.iter().map(|letters| letters.weight);
        let of_letters: f64 = weights.zip(&explored.given).map(|(weight, given)| weight * given).sum();
        // Unless something else may be meant, the letters are taken as they are.
        let by_model = of_letters + correction.map_or(0.0, |_| slips.mass);
        let by_both = mixture.scale() * by_model + self.cached_mass(&mixture);
        let mut suggestions: Vec<Suggestion> = Vec::new();
        for (score, word) in &answer {
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
        let is_free = |at: &usize| !kept.contains(&answer[*at].1.text);
        // The word that gives way to a correction.
        let last = (0..answer.len()).rev().find(is_free).filter(|_| answer.len() == settings.count);
        if let Some(slip) = correction {
            if let Some(last) = last {
                suggestions.remove(last);
            }
            let correction = self.correction(slip, by_model, by_both, &mixture);
            let at = suggestions.partition_point(|known| known.probability >= correction.probability);
            suggestions.insert(at, correction);
        }
        for suggestion in &mut suggestions {
            self.complete_phrase(suggestion);
        }
        let is_correction_open = correction.is_none()
            && !self.is_done_with_slips(least)
            && open_slip(slips, explored, &mixture, least).is_some();
        let of_given = explored.given.first().copied().unwrap_or(1.0);
        Words {
            suggestions,
            settled: open == 0.0,
            sure: answer
                .iter()
                .take(last.filter(|_| is_correction_open).unwrap_or(answer.len()))
                .take_while(|(score, word)| *score >= open || kept.contains(&word.text))
                .count(),
            typed,
            letters: of_given,
            complete: if of_given > 0.0 { explored.complete / of_given } else { 0.0 },
            repetition: found,
        }
    }

    /// Whether the letters typed are a word more probably than not.
    pub(super) fn is_complete(&self) -> bool {
        let explored = self.suggesting.explored.as_ref();
        explored.is_some_and(|(explored, _)| explored.complete >= 0.5 * explored.given.first().copied().unwrap_or(1.0))
    }

    /// A node that must be known before it can be said which correction is among the suggestions, whose words count more than `least`.
    pub(super) fn slip_way(&self, explored: &Explored, mixture: &Mixture<'_>, least: f64) -> Option<Vec<u32>> {
        if self.is_done_with_slips(least) {
            return None;
        }
        open_slip(self.slips(mixture), explored, mixture, least)
    }

    fn is_done_with_slips(&self, least: f64) -> bool {
        self.suggesting.slip_passes >= MOST_SLIP_PASSES || least == f64::INFINITY
    }

    /// What may be meant instead of the letters typed.
    fn slips(&self, mixture: &Mixture<'_>) -> Slips {
        let Suggesting { settings, letters, tree, scans, .. } = &self.suggesting;
        match tree {
            Some(tree) if settings.corrections => {
                let is_wanted = |word: &str| {
                    let is_wanted = |place: &str| self.personal.is_wanted(place, word);
                    is_wanted(mixture.base) && is_wanted(mixture.text) && !(settings.filter && is_offensive(word))
                };
                slips(tree, &self.vocabulary, letters, scans, &is_wanted)
            }
            _ => Slips::default(),
        }
    }

    fn correction(&self, slip: &Slip, by_model: f64, by_both: f64, mixture: &Mixture<'_>) -> Suggestion {
        let typed = mixture.given.trim_start_matches(' ');
        Suggestion {
            text: slip.text.clone(),
            insert: slip.text.clone(),
            replace: typed.encode_utf16().count(),
            space_after: true,
            kind: Kind::Correction,
            probability: mixture.scale() * slip.probability / by_both,
            model: slip.probability / by_model,
            unconditional: slip.unconditional,
            personal: false,
            repeats: repeats(&last_words(&self.suggesting.text), true, &slip.text),
            tokens: slip.tokens.clone(),
            parts: Vec::new(),
        }
    }
}

/// A node that must be known before it can be said which of the slips is the best that counts.
fn open_slip(slips: Slips, explored: &Explored, mixture: &Mixture<'_>, least: f64) -> Option<Vec<u32>> {
    let best = slips.words.first().map_or(0.0, |slip| slip.probability);
    let floor = best.max(least / mixture.scale()).max(explored.complete);
    slips.open.into_iter().find(|(bound, _)| *bound > floor).map(|(_, way)| way)
}

/// Whether the text would be a repetition, or a longer one, with this word, which may take the last one's place.
fn repeats(words: &[String], completes: bool, core: &str) -> bool {
    let before = &words[..words.len() - usize::from(completes && !words.is_empty())];
    let after: Vec<String> = before.iter().cloned().chain([core.to_lowercase()]).collect();
    repetition(&after).is_some()
}
