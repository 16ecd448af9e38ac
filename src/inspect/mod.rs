//! What happens inside the model, computed when someone asks: from the caches, or by taking tokens through the layers once
//! more beside them.
//!
//! [`Inspection`] answers a [`Request`] piece by piece. It looks into the text, or into a run beside it: the text with
//! attention altered, or another text.

mod attention;
mod differences;
mod distribution;
mod journey;
mod lens;
mod measures;
mod passage;
mod request;
mod runs;
mod thumbnails;
mod trace;
mod values;
mod why;
mod work;

use std::ops::Range;

use crate::error::{Error, Result};
use crate::model::Model;
use crate::model::state::State;
use crate::session::Session;
use crate::session::beside::Run;
use crate::tokenizer::Tokenizer;

pub use crate::model::alteration::{Alteration, Cut, Place};
pub use attention::{
    Attention, AttentionCell, AttentionMap, AttentionRows, HeadVectors, ValueNorms, attention, is_masked,
};
pub use differences::Differences;
pub use distribution::{Guess, Standing};
pub use journey::{Journey, JourneyLayer, Norm, PositionMatrix};
pub use lens::{Lens, LensDepth};
pub use measures::{HeadMeasures, Measure, NAMES as MEASURES};
pub use request::{Beside, Of, Request};
pub use runs::{Altered, Change, Compared, Prepared};
pub use thumbnails::{ThumbnailRows, Thumbnails};
pub use trace::{MAX_TOKENS as MAX_TRACE_TOKENS, Trace, TraceModel};
pub use values::{Bytes, Floats};
pub use why::Why;
pub use work::{Answer, Inspection, Progress};

/// A run that is looked into.
struct Subject<'a> {
    model: &'a Model,
    tokenizer: &'a Tokenizer,
    state: &'a State,
    /// (T), those that the caches hold
    tokens: &'a [u32],
    alteration: &'a Alteration,
    /// What answers carry.
    revision: u32,
    /// Changes with everything that answers could depend on.
    version: (u32, usize),
}

impl<'a> Subject<'a> {
    fn of(session: &'a Session, of: Of) -> Result<Self> {
        let (model, tokenizer) = (session.model(), session.tokenizer());
        let run = match of {
            Of::Text => {
                let (state, revision) = (session.state(), session.revision());
                let tokens = &session.tokens()[..state.len().min(session.tokens().len())];
                let version = (revision, tokens.len());
                return Ok(Self { model, tokenizer, state, tokens, alteration: &NONE, revision, version });
            }
            // What is altered belongs to the very tokens that it was made for.
            Of::Altered => session.runs().altered.as_ref().filter(|run| run.tokens == session.tokens()),
            Of::Other => session.runs().other.as_ref(),
        };
        let run = run.ok_or(Error::NoSuchRun)?;
        let version = (run.number, run.tokens.len());
        let Run { tokens, state, alteration, .. } = run;
        let revision = if of == Of::Altered { session.revision() } else { run.revision };
        Ok(Self { model, tokenizer, state, tokens, alteration, revision, version })
    }

    fn check_position(&self, index: usize) -> Result<()> {
        let count = self.tokens.len();
        if index < count { Ok(()) } else { Err(Error::OutOfRange { what: "token", index, count }) }
    }

    /// Checks that there is a token of that id.
    fn check_token(&self, id: u32) -> Result<()> {
        let vocabulary = self.tokenizer.len();
        if (id as usize) < vocabulary { Ok(()) } else { Err(Error::TokenId { id, vocabulary }) }
    }

    /// The layers asked for, or all.
    fn layers(&self, layers: Option<&[usize]>) -> Result<Vec<usize>> {
        let count = self.model.config.n_layer;
        let layers = layers.map_or_else(|| (0..count).collect(), <[usize]>::to_vec);
        match layers.iter().find(|&&layer| layer >= count) {
            Some(&index) => Err(Error::OutOfRange { what: "layer", index, count }),
            None if layers.len() > count => Err(Error::Request("more layers than there are".to_owned())),
            None => Ok(layers),
        }
    }
}

static NONE: Alteration = Alteration::NONE;

/// Checks a range of rows.
fn check_range(range: &Range<usize>, count: usize) -> Result<()> {
    if range.end > count {
        return Err(Error::OutOfRange { what: "token", index: range.end - 1, count });
    }
    if range.start > range.end {
        return Err(Error::Request("rows end before they begin".to_owned()));
    }
    Ok(())
}
