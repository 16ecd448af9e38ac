//! Looking inside, through the same requests that the page makes.

mod altered;
mod golden;
mod heads;
mod refusals;
mod same_numbers;

use headlight::Result;
use headlight::inspect::{Answer, Inspection, Progress, Request};
use headlight::session::Session;
use serde_json::Value;

/// The answer to a request in the page's own form, and how many pieces it took.
pub(crate) fn answer(session: &mut Session, request: Value) -> Result<(Answer, usize)> {
    let mut inspection = Inspection::new(session, parsed(request)?)?;
    for pieces in 1.. {
        match inspection.advance(session)? {
            Progress::Done(answer) => return Ok((*answer, pieces)),
            Progress::Pending { done, total } => assert!(done < total),
        }
    }
    unreachable!("every inspection ends")
}

fn parsed(request: Value) -> Result<Request> {
    serde_json::from_value(request).map_err(|error| headlight::Error::Request(error.to_string()))
}

/// As [`answer`], of the kind that is expected.
macro_rules! ask {
    ($session:expr, $kind:ident, $request:tt) => {
        $crate::inspect::answer($session, serde_json::json!($request)).map(|(answer, _)| match answer {
            headlight::inspect::Answer::$kind(answer) => answer,
            other => panic!("{other:?}"),
        })
    };
}

pub(crate) use ask;
