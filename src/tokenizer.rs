//! GPT-2's byte-level BPE, on the `tokenizers` crate.
//!
//! Only vocabulary, merges and added tokens are taken from files; how text is split is GPT-2's own and fixed here.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, NormalizedString, Normalizer, TokenizerImpl};

use crate::error::{Error, Result};
use crate::json;

/// Longest tokenizer file that is accepted. GPT-2's have between 0.5 and 2.2 MB.
pub(crate) const MAX_FILE_BYTES: usize = 32 << 20;
/// The token that GPT-2 was trained to see between texts.
pub(crate) const END_OF_TEXT: &str = "<|endoftext|>";

/// Text to token ids and back.
pub struct Tokenizer {
    bpe: TokenizerImpl<BPE, NoNormalizer, ByteLevel, ByteLevel, ByteLevel>,
    spellings: Arc<Spellings>,
    end_of_text: u32,
}

/// GPT-2 normalises nothing. The library's own choice of normalizers brings their tables of Unicode along.
enum NoNormalizer {}

impl Normalizer for NoNormalizer {
    fn normalize(&self, _: &mut NormalizedString) -> tokenizers::Result<()> {
        match *self {}
    }
}

/// The bytes that each token stands for.
#[derive(Debug)]
pub(crate) struct Spellings {
    /// Those of all tokens, one after the other
    bytes: Vec<u8>,
    /// (V + 1), where the bytes of each begin
    starts: Vec<u32>,
}

impl Spellings {
    /// The bytes of a token; none for an id that no token has.
    pub(crate) fn of(&self, id: u32) -> &[u8] {
        match self.starts.get(id as usize..).unwrap_or_default() {
            [start, end, ..] => &self.bytes[*start as usize..*end as usize],
            _ => &[],
        }
    }
}

/// `tokenizer.json`, as far as it matters.
#[derive(Deserialize)]
struct TokenizerFile {
    model: BpeFile,
    #[serde(default)]
    added_tokens: Vec<AddedTokenFile>,
}

#[derive(Deserialize)]
struct BpeFile {
    vocab: Vocab,
    merges: Vec<Merge>,
}

#[derive(Deserialize)]
struct AddedTokenFile {
    id: u32,
    content: String,
}

/// Two sides as an array; older files join them with a space. By hand, because a derived choice would keep a copy of each of
/// the 50,000 to look at it twice.
enum Merge {
    Pair(String, String),
    Joined(String),
}

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Sides;
        impl<'de> Visitor<'de> for Sides {
            type Value = Merge;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a merge of two tokens")
            }

            fn visit_str<E: de::Error>(self, line: &str) -> std::result::Result<Merge, E> {
                Ok(Merge::Joined(line.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sides: A) -> std::result::Result<Merge, A::Error> {
                let missing = || de::Error::custom("a merge of fewer than two tokens");
                let left = sides.next_element()?.ok_or_else(missing)?;
                Ok(Merge::Pair(left, sides.next_element()?.ok_or_else(missing)?))
            }
        }
        deserializer.deserialize_any(Sides)
    }
}

impl Tokenizer {
    /// From `tokenizer.json`.
    ///
    /// # Errors
    /// If it does not hold the byte-level BPE of a GPT-2.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        check_length(json)?;
        let file: TokenizerFile = json::read(json).map_err(|source| Error::Json { what: "tokenizer.json", source })?;
        let merges = file.model.merges.into_iter().map(|merge| match merge {
            Merge::Pair(left, right) => Ok((left, right)),
            Merge::Joined(line) => split_merge(&line),
        });
        let mut vocab = file.model.vocab;
        for added in file.added_tokens {
            if vocab.insert(added.content.clone(), added.id).is_some_and(|id| id != added.id) {
                return Err(Error::Tokenizer(format!("{:?} has two ids", added.content)));
            }
        }
        Self::new(vocab, merges.collect::<Result<_>>()?)
    }

    /// From `vocab.json` and `merges.txt`.
    ///
    /// # Errors
    /// If they don't hold the byte-level BPE of a GPT-2.
    pub fn from_vocab_and_merges(vocab: &[u8], merges: &[u8]) -> Result<Self> {
        check_length(vocab)?;
        check_length(merges)?;
        let vocab = json::read(vocab).map_err(|source| Error::Json { what: "vocab.json", source })?;
        let merges = std::str::from_utf8(merges).map_err(|_| Error::Tokenizer("merges.txt is not UTF-8".to_owned()))?;
        let lines = merges
            .lines()
            .enumerate()
            .filter(|(i, line)| !(line.is_empty() || *i == 0 && line.starts_with("#version")));
        Self::new(vocab, lines.map(|(_, line)| split_merge(line)).collect::<Result<_>>()?)
    }

    fn new(vocab: Vocab, merges: Vec<(String, String)>) -> Result<Self> {
        let invalid = |reason: String| Err(Error::Tokenizer(reason));
        let mut bytes_of = [None; 0x180];
        for (c, byte) in byte_alphabet() {
            if !vocab.contains_key(c.encode_utf8(&mut [0; 4]) as &str) {
                return invalid(format!("there is no token for the byte that {c:?} stands for"));
            }
            bytes_of[c as usize] = Some(byte);
        }
        let Some(&end_of_text) = vocab.get(END_OF_TEXT) else {
            return invalid(format!("there is no {END_OF_TEXT}"));
        };
        let byte_of = |c: char| bytes_of.get(c as usize).copied().flatten();
        let mut tokens = vec![None; vocab.len()];
        let mut special = Vec::new();
        for (token, &id) in &vocab {
            let Some(slot) = tokens.get_mut(id as usize) else {
                return invalid(format!("the id {id} of {token:?} leaves a gap"));
            };
            // A token outside the byte alphabet was added by hand and stands for its own letters.
            let is_special = token == END_OF_TEXT || !token.chars().all(|c| byte_of(c).is_some());
            if slot.replace((token.as_str(), is_special)).is_some() {
                return invalid(format!("two tokens have the id {id}"));
            }
            if is_special {
                special.push(AddedToken::from(token.clone(), true));
            }
        }
        let mut spellings = Spellings { bytes: Vec::new(), starts: vec![0] };
        for token in tokens {
            let Some((token, is_special)) = token else {
                return invalid("two tokens share an id, so another is missing".to_owned());
            };
            if is_special {
                spellings.bytes.extend_from_slice(token.as_bytes());
            } else {
                spellings.bytes.extend(token.chars().filter_map(byte_of));
            }
            spellings.starts.push(spellings.bytes.len() as u32);
        }
        let model = BPE::builder()
            .vocab_and_merges(vocab, merges)
            .build()
            .map_err(|error| Error::Tokenizer(error.to_string()))?;
        let mut bpe = TokenizerImpl::new(model);
        bpe.with_pre_tokenizer(Some(ByteLevel::new(false, false, true)));
        bpe.add_special_tokens(&special);
        Ok(Self { bpe, spellings: Arc::new(spellings), end_of_text })
    }

    /// Number of tokens.
    #[expect(clippy::len_without_is_empty, reason = "a tokenizer always has its 256 bytes")]
    pub fn len(&self) -> usize {
        self.spellings.starts.len() - 1
    }

    /// The bytes of all tokens.
    pub(crate) fn spellings(&self) -> &Arc<Spellings> {
        &self.spellings
    }

    /// The id of `<|endoftext|>`.
    pub fn end_of_text(&self) -> u32 {
        self.end_of_text
    }

    /// The ids of a text.
    ///
    /// # Errors
    /// If the tokenizer fails on it, for which no text is known.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.bpe.encode_fast(text, false).map_err(|error| Error::Encoding(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The bytes of a token; none for an id that no token has.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.spellings.of(id)
    }

    /// The text of a token; `None` if it is only a part of a character.
    pub fn text(&self, id: u32) -> Option<&str> {
        std::str::from_utf8(self.bytes(id)).ok()
    }

    /// The text of tokens. Bytes that make no character are left out.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut decoder = TextDecoder::default();
        ids.iter().map(|&id| decoder.push(self.bytes(id))).collect()
    }
}

/// A token as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// `None` if it is only a part of a character.
    pub text: Option<String>,
    /// Its bytes, two digits each, separated by spaces.
    pub hex: String,
}

impl Token {
    /// The token of an id.
    pub fn new(id: u32, tokenizer: &Tokenizer) -> Self {
        let hex: Vec<String> = tokenizer.bytes(id).iter().map(|byte| format!("{byte:02X}")).collect();
        Self { id, text: tokenizer.text(id).map(str::to_owned), hex: hex.join(" ") }
    }
}

/// Bytes to text, piece by piece: holds back a character until all its bytes are there.
#[derive(Debug, Clone, Default)]
pub struct TextDecoder {
    pending: Vec<u8>,
}

impl TextDecoder {
    /// The text that is complete with `bytes`. Bytes that can't become a character are left out.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut kept = 0;
        for chunk in self.pending.utf8_chunks() {
            text.push_str(chunk.valid());
            kept = chunk.invalid().len();
        }
        let tail = self.pending.split_off(self.pending.len() - kept);
        let could_go_on = std::str::from_utf8(&tail).is_err_and(|error| error.error_len().is_none());
        self.pending = if could_go_on { tail } else { Vec::new() };
        text
    }
}

fn check_length(file: &[u8]) -> Result<()> {
    if file.len() > MAX_FILE_BYTES {
        return Err(Error::Tokenizer(format!("the file has more than {MAX_FILE_BYTES} bytes")));
    }
    Ok(())
}

fn split_merge(line: &str) -> Result<(String, String)> {
    match line.split_once(' ') {
        Some((left, right)) if !(left.is_empty() || right.is_empty() || right.contains(' ')) => {
            Ok((left.to_owned(), right.to_owned()))
        }
        _ => {
            let start: String = line.chars().take(40).collect();
            Err(Error::Tokenizer(format!("not a merge of two tokens: {start:?}")))
        }
    }
}

/// GPT-2 spells every byte as a visible character: those that are visible in Latin-1 as themselves, the others in their
/// order as the characters from U+0100 on.
fn byte_alphabet() -> impl Iterator<Item = (char, u8)> {
    let is_visible = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let visible = (0..=255).filter(is_visible).map(|byte| (char::from(byte), byte));
    let hidden = (0..=255u8).filter(move |byte| !is_visible(byte));
    visible.chain(('\u{100}'..).zip(hidden))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// The 256 bytes, a few merges and end of text.
    fn small_vocab() -> (Vocab, Vec<(String, String)>) {
        let mut spelled: Vec<_> = byte_alphabet().collect();
        spelled.sort_by_key(|&(_, byte)| byte);
        let mut vocab: Vocab = spelled.into_iter().map(|(c, byte)| (c.to_string(), u32::from(byte))).collect();
        vocab.extend([("ab".to_owned(), 256), ("Ġab".to_owned(), 257), (END_OF_TEXT.to_owned(), 258)]);
        let merges = [("a", "b"), ("Ġ", "ab")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        (vocab, merges.to_vec())
    }

    #[test]
    fn merges_and_special_tokens_apply() {
        let (vocab, merges) = small_vocab();
        let tokenizer = Tokenizer::new(vocab, merges).unwrap();
        assert_eq!(tokenizer.encode("ab abb").unwrap(), [256, 257, 98]);
        assert_eq!(tokenizer.encode("a<|endoftext|>b").unwrap(), [97, 258, 98]);
        assert!(tokenizer.encode("").unwrap().is_empty());
        assert_eq!(tokenizer.text(257), Some(" ab"));
        assert_eq!(tokenizer.text(0xe2), None);
        assert!(tokenizer.bytes(9999).is_empty());
        assert_eq!(tokenizer.decode(&[256, 0xe2, 0x82, 0xac, 98]), "ab€b");
    }

    #[test]
    fn json_and_text_files_agree_and_old_merges_are_read() {
        let (vocab, _) = small_vocab();
        let json = |merges: serde_json::Value| {
            serde_json::json!({"model": {"vocab": vocab, "merges": merges}, "added_tokens": []}).to_string()
        };
        let new = json(serde_json::json!([["a", "b"], ["Ġ", "ab"]]));
        let old = json(serde_json::json!(["a b", "Ġ ab"]));
        let vocab = serde_json::to_vec(&vocab).unwrap();
        let from_text = Tokenizer::from_vocab_and_merges(&vocab, "#version: 0.2\na b\nĠ ab\n".as_bytes()).unwrap();
        for json in [new, old] {
            let from_json = Tokenizer::from_json(json.as_bytes()).unwrap();
            assert_eq!(from_json.encode("ab ab ba").unwrap(), from_text.encode("ab ab ba").unwrap());
        }
    }

    #[test]
    fn defects_are_named() {
        type Change = fn(&mut Vocab, &mut Vec<(String, String)>);
        let broken = |change: Change| {
            let (mut vocab, mut merges) = small_vocab();
            change(&mut vocab, &mut merges);
            match Tokenizer::new(vocab, merges) {
                Err(Error::Tokenizer(reason)) => reason,
                Err(other) => panic!("{other}"),
                Ok(_) => panic!("accepted"),
            }
        };
        assert!(broken(|vocab, _| _ = vocab.remove("a")).contains("no token for the byte"));
        assert!(broken(|vocab, _| _ = vocab.remove(END_OF_TEXT)).contains(END_OF_TEXT));
        assert!(broken(|vocab, _| _ = vocab.insert("ab".to_owned(), 97)).contains("id"));
        assert!(broken(|vocab, _| _ = vocab.insert("ab".to_owned(), u32::MAX)).contains("gap"));
        assert!(broken(|_, merges| merges.push(("x".to_owned(), "yz".to_owned()))).contains("yz"));
        for line in ["a", "a b c", " b", "a ", ""] {
            assert_eq!(split_merge(line).unwrap_err().code(), "invalid-tokenizer", "{line:?}");
        }
        for json in ["", "{}", "[]", r#"{"model":{}}"#, r#"{"model":{"vocab":{"a":-1},"merges":[]}}"#, "<html>"] {
            assert_eq!(Tokenizer::from_json(json.as_bytes()).err().unwrap().code(), "invalid-json", "{json}");
        }
    }

    #[test]
    fn characters_wait_for_all_their_bytes() {
        let mut decoder = TextDecoder::default();
        let family = "👨‍👩‍👧 ok";
        let pieces: Vec<String> = family.bytes().map(|byte| decoder.push(&[byte])).collect();
        assert_eq!(pieces.concat(), family);
        assert_eq!(pieces[..4], ["", "", "", "👨"]);
        // Bytes that can't become a character give way to those that can.
        assert_eq!(decoder.push(&[0x80]), "");
        assert_eq!(decoder.push(&[0xf0, b'a']), "a");
        assert_eq!(decoder.push(&[0xe2, 0x82]), "");
        assert_eq!(decoder.push("ß".as_bytes()), "ß");
        assert_eq!(decoder.push(b"b"), "b");
    }
}
