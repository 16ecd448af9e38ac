//! Runs beside the text: its tokens with attention altered, and another text. `inspect` computes them and looks into them.

use crate::model::alteration::Alteration;
use crate::model::state::State;
use crate::model::streams::Streams;

/// A run that is complete.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) tokens: Vec<u32>,
    pub(crate) state: State,
    pub(crate) alteration: Alteration,
    /// What its answers carry.
    pub(crate) revision: u32,
    /// No two runs of a session have the same.
    pub(crate) number: u32,
}

/// The runs beside a session's text.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) altered: Option<Run>,
    pub(crate) other: Option<Run>,
    /// Of the text, so that it can be altered from any layer on.
    pub(crate) streams: Streams,
    /// Runs so far.
    count: u32,
}

impl Runs {
    /// A number that no run before had.
    pub(crate) fn number(&mut self) -> u32 {
        self.count = self.count.wrapping_add(1);
        self.count
    }
}
