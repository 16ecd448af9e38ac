//! Words that the letters typed miss by one slip: a letter too many, too few, another one, or two changed about (Damerau
//! 1964, "A technique for computer detection and correction of spelling errors"), or by their case.

use super::search::Tree;
use super::vocabulary::{LEADS, Vocabulary};

/// How often a word is typed with such a slip; estimates.
const SLIP: f64 = 0.01;
const CASE: f64 = 0.1;
/// Fewer letters tell too little.
const LEAST_TYPED: usize = 3;

/// A token that may be meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slip {
    /// The token, with the space before the word if one was typed.
    pub id: u32,
    /// How probable it is that the token comes, and that it is mistyped as it was.
    pub probability: f64,
}

/// Tokens at the root that a slip away begin with the letters given, the most probable first.
///
/// Only words that begin with one of these tokens can be corrections: to look for all spellings would cost more passes than a slip is
/// worth.
pub fn slips(tree: &Tree, vocabulary: &Vocabulary, given: &str) -> Vec<Slip> {
    let typed: Vec<char> = given.trim_start_matches(' ').chars().collect();
    let Some(root) = tree.node(&[]).filter(|_| typed.len() >= LEAST_TYPED && typed.iter().all(|c| c.is_alphabetic()))
    else {
        return Vec::new();
    };
    let is_spaced = given.starts_with(' ');
    let mut found = Vec::new();
    for (id, &role) in (0..).zip(vocabulary.roles()) {
        let bytes = vocabulary.bytes(id);
        if role & LEADS == 0 || bytes.starts_with(b" ") != is_spaced {
            continue;
        }
        let Ok(word) = std::str::from_utf8(&bytes[usize::from(is_spaced)..]) else { continue };
        let chance = chance(&typed, word);
        if chance > 0.0 {
            found.push(Slip { id, probability: chance * root.probability(id) });
        }
    }
    found.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.id.cmp(&b.id)));
    found
}

/// How often `typed` is what comes of typing the beginning of `word`; 0 if there is no slip or more than one. Without a list of
/// the word's letters, as most words differ in their first ones.
fn chance(typed: &[char], word: &str) -> f64 {
    let begins = |word: &str, letters: &[char]| {
        let mut word = word.chars();
        letters.iter().all(|&letter| word.next() == Some(letter))
    };
    let mut of_word = word;
    let mut rest = typed;
    while let (Some(letter), [first, more @ ..]) = (of_word.chars().next(), rest)
        && letter == *first
    {
        (of_word, rest) = (&of_word[letter.len_utf8()..], more);
    }
    let [first, more @ ..] = rest else { return 0.0 };
    let mut letters = word.chars();
    let mut is_same = |small: char| letters.next().is_some_and(|c| c == small || c.to_lowercase().eq([small]));
    if typed.iter().all(|&c| c.is_lowercase() && is_same(c)) {
        return CASE;
    }
    let mut behind = of_word.chars();
    let instead = behind.next();
    let behind = behind.as_str();
    let slipped = begins(of_word, more)
        || instead.is_some() && (begins(behind, more) || begins(behind, rest))
        || instead.is_some()
            && instead == more.first().copied()
            && behind.strip_prefix(*first).is_some_and(|behind| begins(behind, &more[1..]));
    if slipped { SLIP } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn one_slip_and_no_more() {
        let of = |typed: &str, word: &str| chance(&typed.chars().collect::<Vec<_>>(), word);
        for (typed, word) in
            [("teh", "the"), ("thw", "the"), ("thhe", "the"), ("tge", "the"), ("hte", "there"), ("becuase", "because")]
        {
            assert_eq!(of(typed, word), SLIP, "{typed} for {word}");
        }
        assert_eq!(of("lon", "London"), CASE);
        for (typed, word) in
            [("the", "them"), ("the", "the"), ("hte", "a"), ("xyz", "the"), ("teh", "to"), ("ehh", "the")]
        {
            assert_eq!(of(typed, word), 0.0, "{typed} for {word}");
        }
    }
}
