//! Requests being answered, piece by piece.

use serde::Serialize;

use super::Subject;
use super::attention::{Attention, AttentionCell, AttentionRows, HeadVectors, ValueNorms};
use super::differences::{Differences, Differing};
use super::journey::{Journey, JourneyLayer, PositionMatrix};
use super::lens::{Lens, Looking};
use super::measures::{HeadMeasures, Measuring};
use super::request::{Beside, Of, Request};
use super::runs::{Altered, Altering, Compared, Comparing, Prepared, Preparing};
use super::thumbnails::{ThumbnailRows, Thumbnails};
use super::why::Why;
use crate::error::{Error, Result};
use crate::model::streams::Streams;
use crate::session::Session;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "each is named after its request")]
pub enum Answer {
    Attention(Attention),
    AttentionRows(AttentionRows),
    Thumbnails(Thumbnails),
    ThumbnailRows(ThumbnailRows),
    AttentionCell(AttentionCell),
    HeadVectors(HeadVectors),
    ValueNorms(ValueNorms),
    HeadMeasures(HeadMeasures),
    Journey(Journey),
    JourneyLayer(JourneyLayer),
    PositionMatrix(PositionMatrix),
    Lens(Lens),
    Why(Why),
    Prepared(Prepared),
    Altered(Altered),
    Compared(Compared),
    Differences(Differences),
    Forgotten,
}

/// How far an inspection is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// So many pieces of so many are done.
    Pending {
        /// Pieces done.
        done: usize,
        /// All pieces.
        total: usize,
    },
    /// It is complete.
    Done(Box<Answer>),
}

/// A request being answered. Between its pieces the session may do other things; if its tokens change, the inspection
/// ends with an error.
#[derive(Debug)]
pub struct Inspection {
    versions: Vec<(Of, (u32, usize))>,
    work: Work,
}

#[derive(Debug)]
enum Work {
    /// Answered in one piece.
    Whole(Request),
    Measuring(Of, Measuring),
    Looking(Of, Looking),
    Preparing(Preparing),
    Altering(Altering),
    Comparing(Comparing),
    Differing(Beside, Differing),
}

impl Inspection {
    /// Begins to answer a request.
    ///
    /// # Errors
    /// If something that is asked for is not there.
    pub fn new(session: &Session, request: Request) -> Result<Self> {
        let subject = |of| Subject::of(session, of);
        let (runs, work) = match request {
            Request::HeadMeasures { of } => (vec![of], Work::Measuring(of, Measuring::new(subject(of)?.tokens))),
            Request::Lens { position, top, token, of } => {
                (vec![of], Work::Looking(of, Looking::new(&subject(of)?, position, top, token)?))
            }
            Request::Prepare => (vec![Of::Text], Work::Preparing(Preparing::new(session)?)),
            Request::Alter { alteration, top } => {
                (vec![Of::Text], Work::Altering(Altering::new(session, alteration, top)?))
            }
            Request::Compare { text, top } => (vec![], Work::Comparing(Comparing::new(session, &text, top)?)),
            Request::Differences { of, pairs } => {
                let subjects = [&subject(Of::Text)?, &subject(of.into())?];
                (vec![Of::Text, of.into()], Work::Differing(of, Differing::new(subjects, &pairs)?))
            }
            whole => (vec![], Work::Whole(whole)),
        };
        let version = |of| Ok((of, subject(of)?.version));
        Ok(Self { versions: runs.into_iter().map(version).collect::<Result<_>>()?, work })
    }

    /// Does the next piece.
    ///
    /// # Errors
    /// If something that is asked for is not there, the tokens have changed meanwhile, or there is no memory.
    pub fn advance(&mut self, session: &mut Session) -> Result<Progress> {
        for &(of, version) in &self.versions {
            if Subject::of(session, of)?.version != version {
                return Err(Error::Superseded);
            }
        }
        let answer = match &mut self.work {
            Work::Whole(request) => Some(whole(session, request)?),
            Work::Measuring(of, measuring) => measuring.advance(&Subject::of(session, *of)?)?.map(Answer::HeadMeasures),
            Work::Looking(of, looking) => looking.advance(&Subject::of(session, *of)?)?.map(Answer::Lens),
            Work::Preparing(preparing) => preparing.advance(session)?.map(Answer::Prepared),
            Work::Altering(altering) => altering.advance(session)?.map(Answer::Altered),
            Work::Comparing(comparing) => comparing.advance(session)?.map(Answer::Compared),
            Work::Differing(of, differing) => {
                let subjects = [&Subject::of(session, Of::Text)?, &Subject::of(session, (*of).into())?];
                differing.advance(subjects)?.map(Answer::Differences)
            }
        };
        match answer {
            Some(answer) => Ok(Progress::Done(Box::new(answer))),
            None => self.pending(session),
        }
    }

    fn pending(&self, session: &Session) -> Result<Progress> {
        let (done, total) = match &self.work {
            Work::Whole(_) => (0, 1),
            Work::Measuring(of, measuring) => measuring.steps(&Subject::of(session, *of)?),
            Work::Looking(of, looking) => looking.steps(&Subject::of(session, *of)?),
            Work::Preparing(preparing) => preparing.steps(session),
            Work::Altering(altering) => altering.steps(session),
            Work::Comparing(comparing) => comparing.steps(),
            Work::Differing(_, differing) => differing.steps(&Subject::of(session, Of::Text)?),
        };
        Ok(Progress::Pending { done, total })
    }
}

/// Answers what takes one piece.
fn whole(session: &mut Session, request: &Request) -> Result<Answer> {
    let subject = |of: &Of| Subject::of(session, *of);
    Ok(match request {
        Request::Attention { layer, head, of } => Answer::Attention(subject(of)?.attention(*layer, *head)?),
        Request::AttentionRows { layers, heads, from, to, of } => {
            Answer::AttentionRows(subject(of)?.attention_rows(layers.as_deref(), heads.as_deref(), *from..*to)?)
        }
        Request::Thumbnails { layer, cells, of } => Answer::Thumbnails(subject(of)?.thumbnails(*layer, *cells)?),
        Request::ThumbnailRows { layers, from, to, span, of } => {
            Answer::ThumbnailRows(subject(of)?.thumbnail_rows(layers.as_deref(), *from..*to, *span)?)
        }
        Request::AttentionCell { layer, head, row, column, of } => {
            Answer::AttentionCell(subject(of)?.attention_cell(*layer, *head, *row, *column)?)
        }
        Request::HeadVectors { layer, head, of } => Answer::HeadVectors(subject(of)?.head_vectors(*layer, *head)?),
        Request::ValueNorms { layer, head, of } => Answer::ValueNorms(subject(of)?.value_norms(*layer, *head)?),
        Request::Journey { position, top, logits, of } => {
            Answer::Journey(subject(of)?.journey(*position, *top, *logits)?)
        }
        Request::JourneyLayer { position, layer, of } => {
            Answer::JourneyLayer(subject(of)?.journey_layer(*position, *layer)?)
        }
        Request::PositionMatrix => Answer::PositionMatrix(subject(&Of::Text)?.position_matrix()),
        Request::Why { position, token, against, of } => Answer::Why(subject(of)?.why(*position, *token, *against)?),
        Request::Forget { of } => {
            let runs = session.runs_mut();
            match of {
                Beside::Altered => (runs.altered, runs.streams) = (None, Streams::default()),
                Beside::Other => runs.other = None,
            }
            Answer::Forgotten
        }
        Request::HeadMeasures { .. }
        | Request::Lens { .. }
        | Request::Prepare
        | Request::Alter { .. }
        | Request::Compare { .. }
        | Request::Differences { .. } => unreachable!("`Inspection::new` takes these in pieces"),
    })
}
