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

/// Tokens at the root that a slip away begin with the letters given, the most probable first, if they are more probable
/// than `floor`; and the probability of all of them together.
///
/// Only words that begin with one of these tokens can be corrections: to look for all spellings would cost more passes than a slip is
/// worth.
pub fn slips(tree: &Tree, vocabulary: &Vocabulary, given: &str, floor: f64) -> (Vec<Slip>, f64) {
    let typed: Vec<char> = given.trim_start_matches(' ').chars().collect();
    let Some(root) = tree.node(&[]).filter(|_| typed.len() >= LEAST_TYPED && typed.iter().all(|c| c.is_alphabetic()))
    else {
        return (Vec::new(), 0.0);
    };
    let least = root.logit_of(floor.max(f64::MIN_POSITIVE) / CASE);
    let mut found = Vec::new();
    for (id, &role) in (0..).zip(vocabulary.roles()) {
        if role & LEADS == 0 || root.logits()[id as usize] < least {
            continue;
        }
        let Ok(text) = std::str::from_utf8(vocabulary.bytes(id)) else { continue };
        let unspaced = text.strip_prefix(' ');
        if unspaced.is_some() != given.starts_with(' ') {
            continue;
        }
        let letters: Vec<char> = unspaced.unwrap_or(text).chars().collect();
        let probability = chance(&typed, &letters) * root.probability(id);
        if probability > floor {
            found.push(Slip { id, probability });
        }
    }
    found.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.id.cmp(&b.id)));
    let all = found.iter().map(|slip| slip.probability).sum();
    (found, all)
}

/// How often `typed` is what comes of typing the beginning of `word`; 0 if there is no slip or more than one.
fn chance(typed: &[char], word: &[char]) -> f64 {
    let count = typed.len();
    let small = |letters: &[char]| letters.iter().flat_map(|c| c.to_lowercase()).collect::<String>();
    if word.starts_with(typed) {
        return 0.0;
    }
    if typed.iter().all(|c| c.is_lowercase()) && word.len() >= count && small(&word[..count]) == small(typed) {
        return CASE;
    }
    let Some(at) = (0..count).find(|&i| word.get(i) != Some(&typed[i])) else { return 0.0 };
    let (rest, of_word) = (&typed[at..], &word[at..]);
    let slipped = of_word.starts_with(&rest[1..])
        || !of_word.is_empty() && (of_word[1..].starts_with(&rest[1..]) || of_word[1..].starts_with(rest))
        || rest.len() > 1
            && of_word.len() > 1
            && (rest[0], rest[1]) == (of_word[1], of_word[0])
            && of_word[2..].starts_with(&rest[2..]);
    if slipped { SLIP } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn one_slip_and_no_more() {
        let of = |typed: &str, word: &str| {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            chance(&letters(typed), &letters(word))
        };
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
