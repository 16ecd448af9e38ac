//! Recorded requests with their answers, so that a text can be looked into without a model.

use serde::Serialize;

use super::distribution::{Distribution, Guess};
use super::request::{Of, Request};
use super::work::{Answer, Inspection, Progress};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::tokenizer::Token;

/// Longer texts would make large files: maps grow with the square of the tokens.
pub const MAX_TOKENS: usize = 64;
/// Guesses of each list.
const TOP: usize = 5;
/// Guesses after the text.
const TOP_AFTER: usize = 20;
/// Side of thumbnails.
const CELLS: usize = 64;

/// What `www/js/shared/trace.js` reads.
#[derive(Debug, Serialize)]
pub struct Trace {
    format: &'static str,
    version: u32,
    text: String,
    model: TraceModel,
    tokens: Vec<Token>,
    guesses: Vec<Guess>,
    records: Vec<Recorded>,
}

/// The model that a trace was recorded from.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TraceModel {
    /// Its name.
    pub name: String,
    /// Repository or origin of its weights.
    pub source: String,
    /// Licence of its weights.
    pub licence: String,
    /// `L`
    pub layers: usize,
    /// `NH`
    pub heads: usize,
    /// `C`
    pub width: usize,
    /// `P`
    pub positions: usize,
    /// `V`
    pub vocabulary: usize,
    /// Number of parameters.
    pub parameters: u64,
}

#[derive(Debug, Serialize)]
struct Recorded {
    request: Request,
    answer: Answer,
}

impl Trace {
    /// Records a text that is computed: all attention, the logit lens at every token, and all of the last token's way.
    /// Of `model`, name, source and licence are taken.
    ///
    /// # Errors
    /// If the text is not computed, or has more than [`MAX_TOKENS`] tokens.
    pub fn record(session: &mut Session, text: &str, model: TraceModel) -> Result<Self> {
        let (config, ids) = (session.model().config, session.tokens().to_vec());
        if ids.len() > MAX_TOKENS {
            return Err(Error::Request(format!("a trace holds at most {MAX_TOKENS} tokens; these are {}", ids.len())));
        }
        let guesses = Distribution::of(session.logits()?, session.tokenizer()).guesses(TOP_AFTER);
        let (of, last, top) = (Of::Text, ids.len() - 1, TOP);
        let mut requests =
            vec![Request::HeadMeasures { of }, Request::Journey { position: last, top, logits: false, of }];
        for layer in 0..config.n_layer {
            requests.push(Request::Thumbnails { layer, cells: CELLS, of });
            requests.push(Request::JourneyLayer { position: last, layer, of });
            for head in 0..config.n_head {
                requests.push(Request::Attention { layer, head, of });
                requests.push(Request::HeadVectors { layer, head, of });
                requests.push(Request::ValueNorms { layer, head, of });
            }
        }
        let token = guesses.first().map(|guess| guess.token.id);
        requests.extend((0..ids.len()).map(|position| {
            let next = ids.get(position + 1).copied().or(token);
            Request::Lens { position, top, token: next, of }
        }));
        requests.extend(token.map(|token| Request::Why { position: last, token, against: None, of }));
        let mut records = Vec::with_capacity(requests.len());
        for request in requests {
            let mut inspection = Inspection::new(session, request.clone())?;
            let answer = loop {
                if let Progress::Done(answer) = inspection.advance(session)? {
                    break *answer;
                }
            };
            records.push(Recorded { request, answer });
        }
        let model = TraceModel {
            layers: config.n_layer,
            heads: config.n_head,
            width: config.n_embd,
            positions: config.n_positions,
            vocabulary: config.vocab_size,
            parameters: config.parameters(),
            ..model
        };
        let tokens = ids.iter().map(|&id| Token::new(id, session.tokenizer())).collect();
        Ok(Self { format: "headlight-trace", version: 1, text: text.to_owned(), model, tokens, guesses, records })
    }
}
