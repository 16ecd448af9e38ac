//! The letters typed, and how else they may be meant: a word in capitals is a word all the same.

use std::borrow::Cow;

use super::word::{is_apostrophe, straight};

/// How a suggestion follows the case of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recase {
    /// As it is.
    Keep,
    /// The first letter large.
    Capitalise,
    /// All letters large.
    Upper,
}

impl Recase {
    /// The text in this case.
    pub fn apply(self, text: &str) -> String {
        match self {
            Self::Keep => text.to_owned(),
            Self::Upper => text.to_uppercase(),
            Self::Capitalise => {
                let first = text.find(char::is_alphabetic).unwrap_or(text.len());
                let mut rest = text[first..].chars();
                let capital = rest.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
                [&text[..first], &capital, rest.as_str()].concat()
            }
        }
    }
}

/// Letters that suggestions must begin with.
#[derive(Debug, Clone, PartialEq)]
pub struct Letters {
    /// With the space before them.
    pub bytes: Vec<u8>,
    /// What stands in the text.
    pub given: String,
    /// How often who types such letters means these.
    pub weight: f64,
    /// What is made of the words that are found.
    pub recase: Recase,
    /// Whether apostrophes are made curly, as the person types them.
    pub is_curly: bool,
}

/// Share of capitalised words that are not written so in themselves, and of words in capitals that are small otherwise, or
/// capitalised. Estimates; what was typed counts in full beside them.
const CAPITALISED: f64 = 0.02;
const UPPER_OF_SMALL: f64 = 0.5;
const UPPER_OF_CAPITALISED: f64 = 0.2;

/// An apostrophe as phones type it.
const CURLY: &str = "’";

impl Letters {
    /// What may be meant by what was given at the end of a text; first of all itself.
    pub fn meant_by(given: &str, text: &str) -> Vec<Self> {
        let is_curly = text.rfind(is_apostrophe).is_some_and(|at| text[at..].starts_with(CURLY));
        let mut meant = Self::by_case(given, given, is_curly);
        // Models have read the straight one far more often, and tokens have it.
        if let Cow::Owned(straight) = straight(given) {
            meant.extend(Self::by_case(&straight, given, is_curly));
        }
        meant
    }

    /// What may be meant by letters with these apostrophes.
    fn by_case(typed: &str, given: &str, is_curly: bool) -> Vec<Self> {
        let as_typed = |bytes, weight, recase| Self { bytes, given: given.to_owned(), weight, recase, is_curly };
        let mut meant = vec![as_typed(typed.as_bytes().to_vec(), 1.0, Recase::Keep)];
        let mut add = |text: String, weight: f64, recase: Recase| {
            // Not every letter comes back from its other case.
            if recase.apply(&text) == typed && meant.iter().all(|known| known.bytes != text.as_bytes()) {
                meant.push(as_typed(text.into_bytes(), weight, recase));
            }
        };
        let small = typed.to_lowercase();
        let letters = typed.chars().filter(|c| c.is_alphabetic());
        if letters.clone().count() > 1 && letters.clone().all(char::is_uppercase) {
            add(Recase::Capitalise.apply(&small), UPPER_OF_CAPITALISED, Recase::Upper);
            add(small, UPPER_OF_SMALL, Recase::Upper);
        } else if small != typed {
            add(small, CAPITALISED, Recase::Capitalise);
        }
        meant
    }

    /// A word that was found, as it is to be shown: after the very letters that stand in the text.
    pub fn apply(&self, word: &str) -> String {
        let word = self.recase.apply(word);
        let given = &*self.given;
        let (given, rest) = match word.strip_prefix(given).or_else(|| word.strip_prefix(&*straight(given))) {
            Some(rest) => (given, rest),
            None => ("", &*word),
        };
        if self.is_curly { [given, &rest.replace('\'', CURLY)].concat() } else { [given, rest].concat() }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn case_follows_what_was_typed() {
        let of = |given: &str| -> Vec<String> {
            let meant = Letters::meant_by(given, given);
            assert_eq!((meant[0].weight, meant[0].recase), (1.0, Recase::Keep));
            meant.into_iter().map(|letters| String::from_utf8(letters.bytes).unwrap()).collect()
        };
        assert_eq!(of(" ca"), [" ca"]);
        assert_eq!(of(" Ca"), [" Ca", " ca"]);
        assert_eq!(of(" I"), [" I", " i"]);
        assert_eq!(of(" CA"), [" CA", " Ca", " ca"]);
        assert_eq!(of(" cA"), [" cA"]);
        assert_eq!(of(" 5P"), [" 5P", " 5p"]);
        assert_eq!(of(" "), [" "]);
        assert_eq!(of(" don’"), [" don’", " don'"]);
        assert_eq!(Letters::meant_by(" don’", "I don’")[1].apply(" don't"), " don’t");
        assert_eq!(Letters::meant_by(" don’t'", "I don’t'")[1].apply(" don't've"), " don’t've");
        assert_eq!(Letters::meant_by(" don't’", "I don't’")[1].apply(" don't've"), " don't’ve");
        let of_last = |text: &str| Letters::meant_by(" c", text)[0].apply(" can't");
        assert_eq!(of_last("I don’t c"), " can’t");
        assert_eq!(of_last("I don’t and don't c"), " can't");
        assert_eq!(of(""), [""]);
        // These don't come back.
        assert_eq!(of("İs"), ["İs"]);
        assert_eq!(Recase::Capitalise.apply(" \"cat"), " \"Cat");
        assert_eq!(Recase::Upper.apply(" straße"), " STRASSE");
    }
}
