//! What a word is: a run of characters other than white space and punctuation, with apostrophes between letters, up to a
//! boundary. A word that is suggested may bring one space and opening punctuation before it.

use std::borrow::Cow;

/// Kinds of characters, as far as words are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// White space and control characters.
    Space,
    /// Marks between words.
    Punctuation,
    /// Letters; also the apostrophe within a word.
    Letter,
    /// Digits, combining marks, joiners.
    Other,
    /// Characters of scripts that put no space between words, each a word by itself.
    Ideograph,
    /// Pictures and other symbols.
    Symbol,
}

/// Kinds after which a word can end.
pub(super) const ENDS: [Kind; 4] = [Kind::Letter, Kind::Other, Kind::Ideograph, Kind::Symbol];

/// Joins two pictures into one.
const JOINER: char = '\u{200d}';

/// Whether a character holds others together or apart and can't be seen.
pub fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | JOINER)
}

/// Whether a character is an apostrophe, straight or as phones type it.
pub fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// A word with the apostrophes that vocabularies know and words are counted with.
pub fn straight(word: &str) -> Cow<'_, str> {
    if word.contains('’') { Cow::Owned(word.replace('’', "'")) } else { Cow::Borrowed(word) }
}

impl Kind {
    /// The kind of a character.
    pub fn of(c: char) -> Self {
        match c {
            _ if c.is_whitespace() || c.is_control() => Self::Space,
            '\u{3041}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{3005}'..='\u{3007}' => Self::Ideograph,
            '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => Self::Ideograph,
            '\u{20000}'..='\u{3ffff}' => Self::Ideograph,
            _ if c.is_alphabetic() => Self::Letter,
            _ if c.is_numeric() => Self::Other,
            // Joiners, which hold pictures and letters together, stand among the general punctuation.
            _ if is_joiner(c) => Self::Other,
            '\0'..='\u{bf}' | '\u{d7}' | '\u{f7}' => Self::Punctuation,
            '\u{2000}'..='\u{206f}' | '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{303f}' | '\u{30fb}' => {
                Self::Punctuation
            }
            '\u{55a}'..='\u{55f}' | '\u{589}'..='\u{58a}' | '\u{5be}' | '\u{5c0}' | '\u{5c3}' => Self::Punctuation,
            '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{6d4}' | '\u{964}' | '\u{965}' => Self::Punctuation,
            '\u{fe10}'..='\u{fe1f}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff01}'..='\u{ff0f}' => Self::Punctuation,
            '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}' => Self::Punctuation,
            '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => Self::Symbol,
            _ => Self::Other,
        }
    }

    /// Whether words consist of this kind.
    pub fn is_in_words(self) -> bool {
        !matches!(self, Self::Space | Self::Punctuation)
    }
}

/// Whether a word ends between two characters; an apostrophe counts as a letter where it stands in a word.
pub fn is_boundary(before: Kind, after: Kind) -> bool {
    let is_symbol = |kind| kind == Kind::Symbol;
    !(before.is_in_words() && after.is_in_words())
        || before == Kind::Ideograph
        || after == Kind::Ideograph
        // Joiners and marks belong to what stands before them.
        || is_symbol(before) && after == Kind::Letter
        || is_symbol(after) && before == Kind::Letter
}

/// Punctuation that opens: it may stand right before a word.
fn opens(c: char) -> bool {
    matches!(c, '"' | '\'' | '(' | '[' | '{' | '“' | '‘' | '«' | '¿' | '¡' | '*' | '_' | '#' | '$' | '@' | '—')
}

/// How far the reading of a suggestion has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing is read.
    Start,
    /// A space.
    Spaced,
    /// Opening punctuation.
    Opening,
    /// Within a word, after a character of this kind.
    Word(Kind),
    /// Within a word, after an apostrophe.
    Apostrophe,
    /// Other punctuation, which stands alone.
    Punctuation,
}

/// What was read of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The stage after the last whole character.
    pub stage: Stage,
    /// More than the letters that were given was read.
    pub beyond: bool,
    /// A character has begun and not ended.
    pub is_partial: bool,
    joins: bool,
}

impl Reading {
    /// Whether a word may end here.
    pub fn can_end(self) -> bool {
        matches!(self.stage, Stage::Word(_)) && self.beyond && !self.is_partial && !self.joins
    }

    /// The kind of the last character of the word being read.
    pub fn last(self) -> Option<Kind> {
        match self.stage {
            Stage::Word(kind) => Some(kind),
            Stage::Apostrophe => Some(Kind::Letter),
            _ => None,
        }
    }
}

/// Reads `text` after a character `before`. Its first `given` bytes were typed; a word among these may be followed by
/// another one, or by punctuation. `None` if no suggestion begins so.
pub fn read(before: Option<char>, text: &[u8], given: usize) -> Option<Reading> {
    let (whole, tail) = match std::str::from_utf8(text) {
        Ok(whole) => (whole, &[][..]),
        Err(error) if error.error_len().is_none() => {
            let (whole, tail) = text.split_at(error.valid_up_to());
            (std::str::from_utf8(whole).ok()?, tail)
        }
        Err(_) => return None,
    };
    let mut stage = Stage::Start;
    let mut previous = before;
    for (at, c) in whole.char_indices() {
        let kind = Kind::of(c);
        let is_free = previous.is_none_or(|p| p.is_whitespace() || opens(p));
        let begin = |spaced: bool| match kind {
            Kind::Space => (c == ' ' && spaced).then_some(Stage::Spaced),
            Kind::Punctuation if is_free && opens(c) => Some(Stage::Opening),
            Kind::Punctuation if spaced => Some(Stage::Punctuation),
            Kind::Punctuation => None,
            _ => Some(Stage::Word(kind)),
        };
        // Going on with a word is no beginning.
        let is_within = |p| !is_boundary(Kind::of(p), kind);
        stage = match stage {
            Stage::Start if previous.is_some_and(is_within) => return None,
            Stage::Start => begin(true)?,
            Stage::Spaced | Stage::Opening => begin(false)?,
            Stage::Word(last) if !is_boundary(last, kind) => Stage::Word(kind),
            // The curly one only where it was typed: its tokens are those of quotation marks, and other words need none.
            Stage::Word(Kind::Letter) if is_apostrophe(c) && at < given => Stage::Apostrophe,
            // Whether a letter follows shows with the next character, so the apostrophe alone ends nothing yet.
            Stage::Word(Kind::Letter) if c == '\'' && whole[at + 1..].starts_with(char::is_alphabetic) => {
                Stage::Apostrophe
            }
            Stage::Apostrophe if kind == Kind::Letter => Stage::Word(kind),
            Stage::Word(_) | Stage::Apostrophe if at == given => begin(true)?,
            Stage::Punctuation if kind == Kind::Punctuation => Stage::Punctuation,
            _ => return None,
        };
        previous = Some(c);
    }
    let joins = whole.ends_with(JOINER);
    Some(Reading { stage, beyond: text.len() > given, is_partial: !tail.is_empty(), joins })
}

/// The kinds that the character may have that bytes begin with: one if it is whole, none if no character begins so.
pub(super) fn first_kinds(bytes: &[u8]) -> Vec<Kind> {
    let Some(first) = bytes.utf8_chunks().next() else { return Vec::new() };
    if let Some(c) = first.valid().chars().next() {
        return vec![Kind::of(c)];
    }
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        // Of so many characters there are some of all these.
        0xf0..=0xf4 if bytes.len() == 1 => return vec![Kind::Letter, Kind::Other, Kind::Ideograph, Kind::Symbol],
        0xf0..=0xf4 => 4,
        _ => return Vec::new(),
    };
    let filled = |filler: u8| {
        let whole: Vec<u8> = bytes.iter().copied().chain(std::iter::repeat(filler)).take(length).collect();
        whole
            .iter()
            .skip(1)
            .fold(u32::from(whole[0]) & (0x7f >> length), |code, byte| code << 6 | u32::from(byte & 0x3f))
    };
    let mut kinds = Vec::new();
    for c in (filled(0x80)..=filled(0xbf)).filter_map(char::from_u32) {
        let kind = Kind::of(c);
        // Joiners share their first bytes with quotation marks, which are what is meant.
        if !is_joiner(c) && !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn ends(before: &str, text: &str, given: usize) -> Option<bool> {
        read(before.chars().last(), text.as_bytes(), given).map(Reading::can_end)
    }

    #[test]
    fn a_suggestion_is_a_word_with_a_space_and_opening_marks() {
        for whole in [" cat", "cat", " \"Cat", "(cat", " don't", " 5pm", " naïve", " कि", "字", " 👍🏽"] {
            assert_eq!(ends("", whole, 0), Some(true), "{whole:?}");
        }
        for begun in ["", " ", " \"", "("] {
            assert_eq!(ends("", begun, 0), Some(false), "{begun:?}");
        }
        for other in ["  cat", " cat ", " cat.", "\n", " cat sat", "cat-like", "don''t", "字字", " .", "a👍"] {
            assert_eq!(ends("", other, 0), None, "{other:?}");
        }
        // A mark after a word closes something, unless a space comes between.
        assert_eq!(ends("d", "\"Cat", 0), None);
        assert_eq!(ends("d", " \"Cat", 0), Some(true));
        assert_eq!(ends(" ", "\"Cat", 0), Some(true));
        assert_eq!(read(Some('d'), b"?!", 0).map(|reading| reading.stage), Some(Stage::Punctuation));
    }

    #[test]
    fn a_word_that_is_typed_may_be_followed() {
        assert_eq!(ends("x", " cat", 4), Some(false));
        assert_eq!(ends("x", " cats", 4), Some(true));
        assert_eq!(ends("x", " cat sat", 4), Some(true));
        assert_eq!(ends("x", " cats sat", 4), None);
        assert_eq!(ends("x", " cat sat on", 4), None);
        assert_eq!(ends("x", " don't", 5), Some(true));
        assert_eq!(ends("x", " don’t", " don’".len()), Some(true));
        assert_eq!(ends("x", " don’t", 4), None);
        assert_eq!(ends("x", " dogs' own", 6), Some(true));
        assert_eq!(ends("x", " cat,", 4), Some(false));
    }

    #[test]
    fn characters_must_be_whole() {
        let euro = "a€".as_bytes();
        assert!(read(None, &euro[..2], 0).is_some_and(|reading| reading.is_partial && !reading.can_end()));
        assert!(read(None, b"a\x80", 0).is_none());
        assert_eq!(ends("", "👩\u{200d}", 0), Some(false));
        assert_eq!(ends("", "👩\u{200d}👧", 0), Some(true));
        assert_eq!(first_kinds(b"\xe4\xb8"), [Kind::Ideograph]);
        assert_eq!(first_kinds(b"\xf0\x9f\x91"), [Kind::Symbol]);
        assert!(first_kinds(b"\xe2\x80").iter().all(|&kind| is_boundary(Kind::Letter, kind)));
        assert!(first_kinds(b"\xc2").contains(&Kind::Letter));
        assert!(first_kinds(b"\xe2").len() > 2);
        assert_eq!(first_kinds(b" \xe2"), [Kind::Space]);
        assert!(first_kinds(b"\x80").is_empty() && first_kinds(b"").is_empty());
    }
}
