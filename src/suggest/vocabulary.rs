//! The tokens in the order of their bytes, and what each may do in a word: a flat trie, in which the tokens that begin with
//! some bytes lie side by side.

use std::sync::Arc;

use super::word::{ENDS, Kind, Stage, first_kinds, is_boundary, read};
use crate::tokenizer::{Spellings, Tokenizer};

/// The token may begin a suggestion.
pub(super) const LEADS: u8 = 1 << 4;
/// The token may go on within a word.
pub(super) const RUNS: u8 = 1 << 5;
/// The token is punctuation by itself.
pub(super) const MARK: u8 = 1 << 6;

/// What a search needs to know of a tokenizer.
#[derive(Debug)]
pub struct Vocabulary {
    spellings: Arc<Spellings>,
    /// The ids of all tokens but the end of text, in the order of their bytes
    sorted: Vec<u32>,
    /// (V), in the four lowest bits whether a word ends before the token, if its last character is of a kind of `ENDS`
    roles: Vec<u8>,
    /// The tokens that may go on within a word
    running_on: Vec<u32>,
}

/// The bit of a word that ends with this kind.
pub(super) fn end_bit(kind: Kind) -> u8 {
    ENDS.iter().position(|&end| end == kind).map_or(0, |index| 1 << index)
}

impl Vocabulary {
    /// Sorts the tokens.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let ids = 0..tokenizer.len() as u32;
        let spellings = Arc::clone(tokenizer.spellings());
        let end_of_text = tokenizer.end_of_text();
        // Most pairs differ in their first eight bytes, which one comparison tells.
        let key = |id| (beginning(spellings.of(id)), id);
        let is_spelling = |&id: &u32| id != end_of_text && !spellings.of(id).is_empty();
        let mut keyed: Vec<(u64, u32)> = ids.clone().filter(is_spelling).map(key).collect();
        keyed.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| (spellings.of(a.1), a.1).cmp(&(spellings.of(b.1), b.1)))
        });
        let sorted = keyed.into_iter().map(|(_, id)| id).collect();
        let mut joined = Vec::new();
        let of_token = |id| if id == end_of_text { 0b1111 } else { roles(spellings.of(id), &mut joined) };
        let roles: Vec<u8> = ids.clone().map(of_token).collect();
        let running_on = ids.filter(|&id| roles[id as usize] & RUNS != 0).collect();
        Self { spellings, sorted, roles, running_on }
    }

    /// Number of tokens.
    #[expect(clippy::len_without_is_empty, reason = "a tokenizer always has its 256 bytes")]
    pub fn len(&self) -> usize {
        self.roles.len()
    }

    /// The bytes of a token.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.spellings.of(id)
    }

    /// What tokens spell.
    pub fn spelled(&self, tokens: &[u32]) -> Vec<u8> {
        tokens.iter().flat_map(|&id| self.bytes(id)).copied().collect()
    }

    /// The tokens that begin with these bytes, end of text aside.
    pub fn beginning_with(&self, prefix: &[u8]) -> &[u32] {
        let from = self.sorted.partition_point(|&id| self.bytes(id) < prefix);
        let count = self.sorted[from..].partition_point(|&id| self.bytes(id).starts_with(prefix));
        &self.sorted[from..from + count]
    }

    /// The tokens that these bytes begin with, except for those that are all of them.
    pub fn within<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = u32> + 'a {
        (1..bytes.len()).flat_map(move |length| {
            let same = self.beginning_with(&bytes[..length]);
            same.iter().copied().take_while(move |&id| self.bytes(id).len() == length)
        })
    }

    pub(super) fn running_on(&self) -> &[u32] {
        &self.running_on
    }

    /// (V)
    pub(super) fn roles(&self) -> &[u8] {
        &self.roles
    }
}

/// The first eight bytes as a number that is larger the later they come in order; bytes that are missing count as 0.
fn beginning(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).enumerate().fold(0, |number, (i, &byte)| number | u64::from(byte) << (56 - 8 * i))
}

/// `joined` is room to work in.
fn roles(token: &[u8], joined: &mut Vec<u8>) -> u8 {
    let mut roles = 0;
    let first = first_kinds(token);
    let mut after = |start: &str| {
        joined.clear();
        joined.extend_from_slice(start.as_bytes());
        joined.extend_from_slice(token);
        read(None, joined, 0)
    };
    for (kind, example) in ENDS.into_iter().zip(["a", "1", "字", "\u{1f44d}"]) {
        let is_certain = !first.is_empty() && first.iter().all(|&first| is_boundary(kind, first));
        // An apostrophe with a letter after it goes on; a character that is not whole may.
        let goes_on = (!is_certain || token.starts_with(b"'"))
            && after(example).is_some_and(|reading| matches!(reading.stage, Stage::Word(_)));
        let ends = !goes_on && (is_certain || token.is_empty());
        roles |= if ends { end_bit(kind) } else { 0 };
        roles |= if goes_on { RUNS } else { 0 };
    }
    match read(None, token, 0).map(|reading| reading.stage) {
        Some(Stage::Punctuation) => roles | MARK,
        Some(_) => roles | LEADS,
        // A part of a character may belong to a word that has begun.
        None => roles,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_beginning_never_contradicts_the_order_of_all_bytes() {
        let tokens: [&[u8]; 9] = [
            b"",
            b"\0",
            b"a",
            b"a\0",
            b"a\0b",
            b"abcdefg",
            b"abcdefgh",
            b"abcdefgh\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ];
        for (a, b) in tokens.iter().flat_map(|a| tokens.iter().map(move |b| (a, b))) {
            assert_eq!(beginning(a).cmp(&beginning(b)).then(a.cmp(b)), a.cmp(b), "{a:?} {b:?}");
        }
        assert!(beginning(b"abcdefgh") < beginning(b"abcdefgi") && beginning(b"a") > beginning(b"`zzzzzzz"));
    }

    #[test]
    fn roles_of_tokens() {
        let all = 0b1111;
        for (token, expected) in [
            (&b" cat"[..], all | LEADS),
            (b"s", RUNS | LEADS | end_bit(Kind::Ideograph) | end_bit(Kind::Symbol)),
            (b"'t", RUNS | LEADS | 0b1110),
            (b",", all | MARK),
            (b"\n", all),
            (b" \"", all | LEADS),
            ("字".as_bytes(), all | LEADS),
        ] {
            assert_eq!(roles(token, &mut Vec::new()), expected, "{:?}", String::from_utf8_lossy(token));
        }
        let roles = |token| roles(token, &mut Vec::new());
        assert_eq!(roles(b"\xe2\x81") & all, end_bit(Kind::Ideograph), "superscript digits, perhaps");
        assert_eq!(roles(b"\xe5") & all, all, "ideographs");
        assert_eq!(roles(b"\xe2\x80") & all, all, "quotation marks");
        assert_eq!(roles(b"\xe2") & all, end_bit(Kind::Ideograph), "nobody knows");
        assert_eq!(roles(b"\x80") & (all | LEADS), 0);
    }
}
