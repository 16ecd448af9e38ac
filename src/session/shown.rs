//! The suggestions as a person sees them, made of what the search has found, with a correction among them.

use super::Session;
use super::mixture::Mixture;
use super::words::{Kind, Part, Suggesting, Suggestion, Words};
use crate::suggest::correction::{Slip, slips};
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

    /// Whether the letters typed are a word more probably than not.
    pub(super) fn is_complete(&self) -> bool {
        let explored = self.suggesting.explored.as_ref();
        explored.is_some_and(|(explored, _)| explored.complete >= 0.5 * explored.given.first().copied().unwrap_or(1.0))
    }

    /// The best correction, if it counts more than `floor`.
    pub(super) fn slip(&self, explored: &Explored, floor: f64) -> Option<Slip> {
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

/// Whether the text would be a repetition, or a longer one, with this word, which may take the last one's place.
fn repeats(words: &[String], completes: bool, core: &str) -> bool {
    let before = &words[..words.len() - usize::from(completes && !words.is_empty())];
    let after: Vec<String> = before.iter().cloned().chain([core.to_lowercase()]).collect();
    repetition(&after).is_some()
}
