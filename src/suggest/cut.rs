//! Where in a text the word begins that is to be suggested.

use super::word::{Kind, is_apostrophe, is_boundary};

/// Longest run of characters that counts as a word being typed.
const LONGEST: usize = 40;

/// A text cut at the start of the word at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut<'a> {
    /// What the model is to see.
    pub base: &'a str,
    /// What a suggestion must begin with: the letters typed, after one space if there is one.
    pub given: &'a str,
}

impl<'a> Cut<'a> {
    /// Cuts a text. A space before the word is given too, because GPT-2's tokens begin with their space.
    pub fn new(text: &'a str) -> Self {
        let mut start = text.len();
        let mut next: Option<char> = None;
        let mut length = 0;
        for (at, c) in text.char_indices().rev() {
            let kind = Kind::of(c);
            let belongs = match next {
                // At the end an apostrophe may go on, as in `don'`.
                None if is_apostrophe(c) => true,
                None => kind.is_in_words() && kind != Kind::Ideograph,
                Some(following) if is_apostrophe(following) => kind == Kind::Letter,
                Some(following) if is_apostrophe(c) => {
                    Kind::of(following) == Kind::Letter && text[..at].ends_with(|c| Kind::of(c) == Kind::Letter)
                }
                Some(following) => !is_boundary(kind, Kind::of(following)),
            };
            if !belongs {
                break;
            }
            length += 1;
            if length > LONGEST {
                break;
            }
            (start, next) = (at, Some(c));
        }
        // An apostrophe without a letter before it is a quotation mark; what is longer than any word is none.
        if length > LONGEST || text[start..].starts_with(is_apostrophe) {
            start = text.len();
        }
        if text[..start].ends_with(' ') {
            start -= 1;
        }
        Self { base: &text[..start], given: &text[start..] }
    }

    /// The letters typed.
    pub fn typed(self) -> &'a str {
        self.given.strip_prefix(' ').unwrap_or(self.given)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn texts_are_cut_where_the_word_begins() {
        let cases = [
            ("", ""),
            ("The cat", " cat"),
            ("The cat ", " "),
            ("The cat  ", " "),
            ("The", "The"),
            (" ", " "),
            ("one\ntwo", "two"),
            ("one\n", ""),
            ("Stop.", ""),
            ("He said \"Hel", "Hel"),
            ("I don't", " don't"),
            ("I don'", " don'"),
            ("I don’t", " don’t"),
            ("I don’", " don’"),
            ("I ‘quo", "quo"),
            ("‘Stop’ he", " he"),
            ("I 'quo", "quo"),
            ("rock '", ""),
            ("the dogs'", " dogs'"),
            ("at 5pm", " 5pm"),
            ("今天天气", ""),
            ("今天 ok", " ok"),
            ("naïve café", " café"),
            ("हिन्दी", "हिन्दी"),
            ("so 👍🏽", " 👍🏽"),
            ("so👍🏽", "👍🏽"),
        ];
        for (text, given) in cases {
            let cut = Cut::new(text);
            assert_eq!(cut.given, given, "{text:?}");
            assert_eq!([cut.base, cut.given].concat(), text);
        }
        assert_eq!(Cut::new("The cat").typed(), "cat");
        assert_eq!(Cut::new(&"x".repeat(20_000)).given, "");
        assert_eq!(Cut::new(&format!("a {}", "x".repeat(40))).typed().len(), 40);
    }
}
