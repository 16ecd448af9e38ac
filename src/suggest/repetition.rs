//! Whether a text goes round in circles, as greedy continuations soon do (Holtzman et al. 2020).

use super::word::{Kind, is_apostrophe};

/// Longest part that is looked for, in words.
const LONGEST: usize = 32;
/// Characters at the end of the text that are looked at.
const LOOKED_AT: usize = 1_000;
/// Words that must stand there again before it is called a repetition, all repeats together.
const LEAST: usize = 3;

/// The last words of a text stood there several times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repetition {
    /// How many words repeat.
    pub words: usize,
    /// How many times they stand there, at least twice.
    pub times: usize,
}

/// The words at the end of a text, in lower case.
pub fn last_words(text: &str) -> Vec<String> {
    let from = text.char_indices().rev().nth(LOOKED_AT).map_or(0, |(at, _)| at);
    let words = text[from..].split(|c| !Kind::of(c).is_in_words() && !is_apostrophe(c));
    words.filter(|word| !word.chars().all(is_apostrophe)).map(str::to_lowercase).collect()
}

/// What repeats at the end of some words, the part that fills the most.
pub fn repetition(words: &[String]) -> Option<Repetition> {
    let of_length = |length: usize| {
        let mut parts = words.rchunks_exact(length);
        let last = parts.next()?;
        let times = 1 + parts.take_while(|part| *part == last).count();
        (times > 1 && (times - 1) * length >= LEAST).then_some(Repetition { words: length, times })
    };
    let found = (1..=LONGEST.min(words.len() / 2)).filter_map(of_length);
    // Of parts that fill as much, the shortest: `no no no no` repeats one word, not two.
    found.reduce(|best, other| if other.words * other.times > best.words * best.times { other } else { best })
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn of(text: &str) -> Option<(usize, usize)> {
        repetition(&last_words(text)).map(|Repetition { words, times }| (words, times))
    }

    #[test]
    fn repetitions_are_found_at_the_end() {
        assert_eq!(of("I went to the shop. I went to the shop."), Some((5, 2)));
        assert_eq!(of("so The king and the king and the king and"), Some((3, 3)));
        assert_eq!(of("no no no no"), Some((1, 4)));
        assert_eq!(of("very very good"), None);
        assert_eq!(of("very, very"), None, "that is how people write");
        assert_eq!(of("the cat and the dog"), None);
        assert_eq!(of(""), None);
        assert_eq!(of(&"word ".repeat(10_000)).map(|(words, _)| words), Some(1));
    }
}
