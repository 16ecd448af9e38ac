//! Suggestions for JavaScript: settings in, plain objects out, in the shapes of `www/js/shared/protocol.js`.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::values::{CandidateValue, PromptValue, to_js};
use super::{Engine, JsResult, failure};
use crate::sample::Sampling;
use crate::session::{Ghost, Kind, Listed, Measured, Part, Search, Settings, Suggestion, Words};
use crate::suggest::personal::Personal;
use crate::tokenizer::{Token, Tokenizer};

/// What `beginWords` takes.
#[wasm_bindgen]
pub struct SuggestSettings {
    settings: Settings,
}

#[wasm_bindgen]
impl SuggestSettings {
    /// As `SuggestSettings` says.
    #[wasm_bindgen(constructor)]
    pub fn new(
        count: usize,
        max_words: usize,
        punctuation: bool,
        corrections: bool,
        personal: f64,
        filter: bool,
        passes: usize,
    ) -> Self {
        let (count, max_words, passes) = (count.clamp(1, 10), max_words.clamp(1, 4), passes.min(1024));
        let personal = if personal.is_finite() { personal.clamp(0.0, 0.9) } else { 0.0 };
        Self { settings: Settings { count, max_words, punctuation, corrections, personal, filter, passes } }
    }
}

/// How tokens are drawn.
#[wasm_bindgen]
#[derive(Clone, Copy)]
pub struct SampleSettings {
    sampling: Sampling,
}

#[wasm_bindgen]
impl SampleSettings {
    /// As `Sampling` says.
    #[wasm_bindgen(constructor)]
    pub fn new(temperature: f32, top_k: usize, top_p: f32, repetition_penalty: f32) -> Self {
        Self { sampling: Sampling { temperature, top_k, top_p, repetition_penalty } }
    }
}

#[derive(Serialize)]
struct PartValue<'a> {
    text: &'a str,
    probability: f64,
}

impl<'a> PartValue<'a> {
    fn all(parts: &'a [Part]) -> Vec<Self> {
        parts.iter().map(|part| Self { text: &part.text, probability: part.probability }).collect()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WordValue<'a> {
    text: &'a str,
    insert: &'a str,
    replace: usize,
    space_after: bool,
    kind: &'static str,
    probability: f64,
    model: f64,
    unconditional: f64,
    personal: bool,
    repeats: bool,
    tokens: Vec<Token>,
    parts: Vec<PartValue<'a>>,
}

impl<'a> WordValue<'a> {
    fn all(words: &'a [Suggestion], tokenizer: &Tokenizer) -> Vec<Self> {
        let value = |word: &'a Suggestion| Self {
            text: &word.text,
            insert: &word.insert,
            replace: word.replace,
            space_after: word.space_after,
            kind: match word.kind {
                Kind::Word => "word",
                Kind::Punctuation => "punctuation",
                Kind::Correction => "correction",
            },
            probability: word.probability,
            model: word.model,
            unconditional: word.unconditional,
            personal: word.personal,
            repeats: word.repeats,
            tokens: word.tokens.iter().map(|&id| Token::new(id, tokenizer)).collect(),
            parts: PartValue::all(&word.parts),
        };
        words.iter().map(value).collect()
    }
}

#[derive(Serialize)]
struct KnownValue<'a> {
    words: Vec<WordValue<'a>>,
    sure: usize,
}

impl<'a> KnownValue<'a> {
    fn new(known: &'a Words, tokenizer: &Tokenizer) -> Self {
        Self { words: WordValue::all(&known.suggestions, tokenizer), sure: known.sure }
    }
}

#[derive(Serialize)]
struct RepetitionValue {
    words: usize,
    times: usize,
}

#[derive(Serialize)]
struct SuggestionsValue<'a> {
    tokens: Vec<Token>,
    words: Vec<WordValue<'a>>,
    settled: bool,
    typed: &'a str,
    letters: f64,
    complete: f64,
    repetition: Option<RepetitionValue>,
    listed: &'static str,
    candidates: Vec<CandidateValue<'a>>,
}

#[derive(Serialize)]
struct PhraseValue<'a> {
    insert: &'a str,
    replace: usize,
    parts: Vec<PartValue<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum GhostValue<'a> {
    Looking,
    Done { phrase: Option<PhraseValue<'a>> },
}

#[derive(Serialize)]
struct AlternativesValue<'a> {
    index: usize,
    chosen: CandidateValue<'a>,
    start: usize,
    end: usize,
    candidates: Vec<CandidateValue<'a>>,
}

#[derive(Serialize)]
struct TokenSurpriseValue {
    token: Token,
    start: usize,
    end: usize,
    bits: f32,
    rank: u32,
}

#[derive(Serialize)]
#[serde(untagged)]
enum MeasuredValue {
    Tokens { first: usize, tokens: Vec<TokenSurpriseValue> },
    All { count: usize, bits: f64 },
}

#[wasm_bindgen]
impl Engine {
    /// Sets the text and how suggestions for it are made: `{unprompted, dropped, trimmedSpace, tokens, reused}`.
    #[wasm_bindgen(js_name = beginWords)]
    pub fn begin_words(&mut self, text: &str, settings: SuggestSettings) -> JsResult<JsValue> {
        to_js(&PromptValue::from(self.session.begin_words(text, settings.settings).map_err(failure)?))
    }

    /// `keep` of a `SuggestRequest`.
    pub fn keep(&mut self, left: Vec<String>) {
        self.session.keep(&left);
    }

    /// Does a part of the search: tokens of the text that are left to compute, -1 while words are looked for, -2 at the end.
    pub fn search(&mut self) -> JsResult<f64> {
        Ok(match self.session.search().map_err(failure)? {
            Search::Reading(left) => left as f64,
            Search::Looking => -1.0,
            Search::Done => -2.0,
        })
    }

    /// `WordsProgress`
    pub fn words(&self) -> JsResult<JsValue> {
        to_js(&KnownValue::new(&self.session.words(), self.session.tokenizer()))
    }

    /// The letters of `AheadRequest`.
    #[wasm_bindgen(js_name = nextLetters)]
    pub fn next_letters(&self) -> Vec<String> {
        self.session.next_letters().into_iter().map(String::from).collect()
    }

    /// Does a part of the search after a text with this letter behind it. False at the end.
    #[wasm_bindgen(js_name = searchAfter)]
    pub fn search_after(&mut self, letter: char) -> JsResult<bool> {
        Ok(self.session.search_after(letter).map_err(failure)? != Search::Done)
    }

    /// `WordsProgress` if this letter were typed, or null if it does not belong to the word that has begun.
    #[wasm_bindgen(js_name = wordsAfter)]
    pub fn words_after(&mut self, letter: char) -> JsResult<JsValue> {
        let words = self.session.words_after(letter);
        to_js(&words.as_ref().map(|words| KnownValue::new(words, self.session.tokenizer())))
    }

    /// What of `Suggestions` the session knows.
    pub fn suggestions(&self, top: usize, sampling: Option<SampleSettings>) -> JsResult<JsValue> {
        let tokenizer = self.session.tokenizer();
        let words = self.session.words();
        let sampling = sampling.map(|settings| settings.sampling);
        let (listed, candidates) = self.session.listed(top, sampling.as_ref()).map_err(failure)?;
        to_js(&SuggestionsValue {
            tokens: self.session.tokens().iter().map(|&id| Token::new(id, tokenizer)).collect(),
            words: WordValue::all(&words.suggestions, tokenizer),
            settled: words.settled,
            typed: &words.typed,
            letters: words.letters,
            complete: words.complete,
            repetition: words.repetition.map(|found| RepetitionValue { words: found.words, times: found.times }),
            listed: if listed == Listed::Within { "within" } else { "after" },
            candidates: candidates.iter().map(|candidate| CandidateValue::new(candidate, tokenizer)).collect(),
        })
    }

    /// `Candidate[]`
    pub fn candidates(&self, top: usize, sampling: Option<SampleSettings>) -> JsResult<JsValue> {
        let sampling = sampling.map(|settings| settings.sampling);
        let (_, candidates) = self.session.listed(top, sampling.as_ref()).map_err(failure)?;
        let tokenizer = self.session.tokenizer();
        to_js(&candidates.iter().map(|candidate| CandidateValue::new(candidate, tokenizer)).collect::<Vec<_>>())
    }

    /// `Alternatives`
    pub fn alternatives(&self, index: usize, top: usize, sampling: Option<SampleSettings>) -> JsResult<JsValue> {
        let sampling = sampling.map(|settings| settings.sampling);
        let found = self.session.alternatives(index, top, sampling.as_ref()).map_err(failure)?;
        let tokenizer = self.session.tokenizer();
        to_js(&AlternativesValue {
            index,
            chosen: CandidateValue::new(&found.chosen, tokenizer),
            start: found.range.0,
            end: found.range.1,
            candidates: found.candidates.iter().map(|candidate| CandidateValue::new(candidate, tokenizer)).collect(),
        })
    }

    /// `{state: 'looking'}` or `{state: 'done', phrase: Phrase | null}`; with `enough` always the latter.
    pub fn ghost(&mut self, words: usize, enough: bool) -> JsResult<JsValue> {
        let ghost = self.session.ghost(words, enough).map_err(failure)?;
        to_js(&match &ghost {
            Ghost::Looking => GhostValue::Looking,
            Ghost::Done(best) => GhostValue::Done {
                phrase: best.as_ref().map(|word| PhraseValue {
                    insert: &word.insert,
                    replace: word.replace,
                    parts: PartValue::all(&word.parts),
                }),
            },
        })
    }

    /// Logarithms of two probabilities: that a suggestion comes and this text follows it, and that it comes.
    #[wasm_bindgen(js_name = followedBy)]
    pub fn followed_by(&self, index: usize, behind: &str) -> JsResult<Vec<f64>> {
        let (both, own) = self.session.followed_by(index, behind).map_err(failure)?;
        Ok(vec![both, own])
    }

    /// Sets a text to be measured.
    #[wasm_bindgen(js_name = beginSurprise)]
    pub fn begin_surprise(&mut self, text: &str) -> JsResult<()> {
        self.session.begin_surprise(text).map_err(failure)
    }

    /// `SurpriseProgress`, or `{count, bits}` at the end.
    #[wasm_bindgen(js_name = measureSurprise)]
    pub fn measure_surprise(&mut self) -> JsResult<JsValue> {
        let measured = self.session.measure_surprise().map_err(failure)?;
        let tokenizer = self.session.tokenizer();
        to_js(&match measured {
            Measured::Tokens(first, tokens) => MeasuredValue::Tokens {
                first,
                tokens: tokens
                    .into_iter()
                    .map(|one| TokenSurpriseValue {
                        token: Token::new(one.id, tokenizer),
                        start: one.range.0,
                        end: one.range.1,
                        bits: one.bits,
                        rank: one.rank,
                    })
                    .collect(),
            },
            Measured::All(count, bits) => MeasuredValue::All { count, bits },
        })
    }

    /// A word was used after a text, or it was not after all.
    pub fn learn(&mut self, text: &str, word: &str, is_learnt: bool) {
        self.session.learn(text, word, is_learnt);
    }

    /// Drops the counts of a word.
    pub fn forget(&mut self, word: &str) {
        self.session.personal.forget(word);
    }

    /// Never to suggest a word again, or after all.
    pub fn block(&mut self, word: &str, blocked: bool) {
        self.session.personal.block(word, blocked);
    }

    /// Not to suggest a word here, or after all.
    pub fn reject(&mut self, text: &str, word: &str, rejected: bool) {
        self.session.reject(text, word, rejected);
    }

    /// Takes back a rejection that the state lists.
    #[wasm_bindgen(js_name = allowAt)]
    pub fn allow_at(&mut self, after: &str, word: &str) {
        self.session.personal.reject_after(after, word, false);
    }

    /// Forgets all of the person's words.
    #[wasm_bindgen(js_name = forgetAll)]
    pub fn forget_all(&mut self) {
        self.session.personal.clear();
    }

    /// `PersonalState`
    #[wasm_bindgen(js_name = personalState)]
    pub fn personal_state(&self) -> JsResult<JsValue> {
        to_js(&self.session.personal.state())
    }

    /// Reads a `PersonalState` as JSON.
    #[wasm_bindgen(js_name = importPersonal)]
    pub fn import_personal(&mut self, json: &[u8]) -> JsResult<()> {
        self.session.personal = Personal::from_json(json).map_err(failure)?;
        Ok(())
    }
}
