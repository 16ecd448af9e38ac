//! The letters typed, and how else they may be meant: a word in capitals is a word all the same.

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
    /// How often who types such letters means these.
    pub weight: f64,
    /// What is made of the words that are found.
    pub recase: Recase,
    /// Whether their apostrophes are made curly, as they were typed.
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
    /// What may be meant by what was given; first of all itself.
    pub fn meant_by(given: &str) -> Vec<Self> {
        let mut meant = Self::by_case(given, false);
        // Models have read the straight one far more often, and tokens have it.
        let straight = given.replace(CURLY, "'");
        if straight != given {
            meant.extend(Self::by_case(&straight, true));
        }
        meant
    }

    /// What may be meant if the apostrophes are.
    fn by_case(given: &str, is_curly: bool) -> Vec<Self> {
        let mut meant = vec![Self { bytes: given.as_bytes().to_vec(), weight: 1.0, recase: Recase::Keep, is_curly }];
        let mut add = |text: String, weight: f64, recase: Recase| {
            // Not every letter comes back from its other case.
            if recase.apply(&text) == given && meant.iter().all(|known| known.bytes != text.as_bytes()) {
                meant.push(Self { bytes: text.into_bytes(), weight, recase, is_curly });
            }
        };
        let small = given.to_lowercase();
        let letters = given.chars().filter(|c| c.is_alphabetic());
        if letters.clone().count() > 1 && letters.clone().all(char::is_uppercase) {
            add(Recase::Capitalise.apply(&small), UPPER_OF_CAPITALISED, Recase::Upper);
            add(small, UPPER_OF_SMALL, Recase::Upper);
        } else if small != given {
            add(small, CAPITALISED, Recase::Capitalise);
        }
        meant
    }

    /// A word that was found, as it is to be shown.
    pub fn apply(&self, word: &str) -> String {
        let word = self.recase.apply(word);
        if self.is_curly { word.replace('\'', CURLY) } else { word }
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
            let meant = Letters::meant_by(given);
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
        assert_eq!(Letters::meant_by(" don’")[1].apply(" don't"), " don’t");
        assert_eq!(of(""), [""]);
        // These don't come back.
        assert_eq!(of("İs"), ["İs"]);
        assert_eq!(Recase::Capitalise.apply(" \"cat"), " \"Cat");
        assert_eq!(Recase::Upper.apply(" straße"), " STRASSE");
    }
}
