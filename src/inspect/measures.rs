//! What each head does on a text, as scores from 0 to 1 with published definitions.

use serde::Serialize;

use super::Subject;
use super::values::Floats;
use crate::error::Result;
use crate::model::Mask;

/// Weights that are looked at in one go.
const CELLS_A_STEP: usize = 1 << 18;
/// `local`: the token itself and this many before it.
const NEIGHBOURS: usize = 4;
/// Lift that earns a label.
const CLEAR_LIFT: f64 = 0.4;
/// Score of `spread` that earns its label.
const BROAD: f64 = 0.8;
/// Tokens below which there are no labels.
const SHORTEST: usize = 4;

/// Names of the measures. `previous`: Clark et al. 2019, "What Does BERT Look At?", and Voita et al. 2019, "Analyzing
/// Multi-Head Self-Attention". `same`: duplicate token heads of Wang et al. 2022, "Interpretability in the Wild". `first`:
/// Xiao et al. 2023, "Efficient Streaming Language Models with Attention Sinks". `induction`: prefix matching of Olsson
/// et al. 2022, "In-context Learning and Induction Heads". `spread`: entropy, as in Clark et al.
pub const NAMES: [&str; 7] = ["previous", "self", "same", "first", "induction", "local", "spread"];
/// The first so many measures each look for one kind of token.
const SPECIFIC: usize = 5;
const LOCAL: usize = 5;
const SPREAD: usize = 6;

/// One measure of all heads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// (L, NH); not a number where the text has no row that could tell
    pub scores: Floats,
    /// The score of a head that looks at all visible tokens alike.
    pub uniform: Option<f64>,
}

/// All measures of all heads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadMeasures {
    revision: u32,
    layers: usize,
    heads: usize,
    size: usize,
    /// In the order of [`NAMES`].
    #[serde(serialize_with = "by_name")]
    pub measures: Vec<Measure>,
    /// (L, NH)
    pub labels: Vec<Option<&'static str>>,
}

fn by_name<S: serde::Serializer>(measures: &[Measure], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(NAMES.iter().zip(measures))
}

/// Sums over rows, and how many rows.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    rows: usize,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.rows += 1;
    }

    fn value(self) -> f64 {
        self.sum / self.rows as f64
    }
}

/// The measures of all heads, being computed.
#[derive(Debug)]
pub(super) struct Measuring {
    /// For each row, the earlier tokens with the same id, and those that follow one and stand before the row.
    repeats: Vec<(Vec<usize>, Vec<usize>)>,
    /// (heads so far) of (measures)
    found: Vec<[Mean; NAMES.len()]>,
}

impl Measuring {
    pub(super) fn new(tokens: &[u32]) -> Self {
        let repeats = tokens.iter().enumerate().map(|(row, id)| {
            let same: Vec<usize> = (0..row).filter(|&column| tokens[column] == *id).collect();
            let after = same.iter().map(|column| column + 1).filter(|&column| column < row).collect();
            (same, after)
        });
        Self { repeats: repeats.collect(), found: Vec::new() }
    }

    /// Heads done, and all.
    pub(super) fn steps(&self, subject: &Subject<'_>) -> (usize, usize) {
        (self.found.len(), subject.model.config.n_layer * subject.model.config.n_head)
    }

    /// Takes the next few heads.
    pub(super) fn advance(&mut self, subject: &Subject<'_>) -> Result<Option<HeadMeasures>> {
        let (heads, size) = (subject.model.config.n_head, subject.tokens.len());
        let (done, all) = self.steps(subject);
        for index in done..all.min(done + (CELLS_A_STEP / (size * size).max(1)).max(1)) {
            let place = (index / heads, index % heads);
            let mut means = [Mean::default(); NAMES.len()];
            subject.state.cache().score_rows(place.0, place.1, 1..size.max(1), |row, weights| {
                subject.alteration.weigh(place, row, weights);
                self.take_row(&mut means, row, weights);
            });
            self.found.push(means);
        }
        if self.found.len() < all {
            return Ok(None);
        }
        let mut uniform = [Mean::default(); NAMES.len()];
        for row in 1..size {
            let mut weights = vec![0.0; size];
            weights[..=row].fill(1.0 / (row + 1) as f32);
            self.take_row(&mut uniform, row, &weights);
        }
        let uniform = uniform.map(Mean::value);
        let measures = (0..NAMES.len()).map(|measure| Measure {
            scores: Floats(self.found.iter().map(|means| means[measure].value() as f32).collect()),
            uniform: Some(uniform[measure]).filter(|score| !score.is_nan()),
        });
        let label = |means: &[Mean; NAMES.len()]| {
            if size < SHORTEST { None } else { label(&means.map(Mean::value), &uniform) }
        };
        Ok(Some(HeadMeasures {
            revision: subject.revision,
            layers: subject.model.config.n_layer,
            heads,
            size,
            measures: measures.collect(),
            labels: self.found.iter().map(label).collect(),
        }))
    }

    fn take_row(&self, means: &mut [Mean; NAMES.len()], row: usize, weights: &[f32]) {
        let (same, after) = &self.repeats[row];
        let at = |column: usize| f64::from(weights[column]);
        let all = |columns: &[usize]| columns.iter().map(|&column| at(column)).sum::<f64>();
        let [previous, itself, same_id, first, induction, local, spread] = means;
        previous.add(at(row - 1));
        itself.add(at(row));
        first.add(at(0));
        if !same.is_empty() {
            same_id.add(all(same));
        }
        if !after.is_empty() {
            induction.add(all(after));
        }
        if row > NEIGHBOURS {
            local.add((row - NEIGHBOURS..=row).map(at).sum());
        }
        let entropy: f64 =
            weights[..=row].iter().map(|&w| f64::from(w)).filter(|&w| w > 0.0).map(|w| -w * w.ln()).sum();
        spread.add(entropy / ((row + 1) as f64).ln());
    }
}

/// What a head is called for its scores, if anything is clear.
fn label(scores: &[f64; NAMES.len()], uniform: &[f64; NAMES.len()]) -> Option<&'static str> {
    let lift = |measure: usize| (scores[measure] - uniform[measure]) / (1.0 - uniform[measure]);
    let clear = |&(_, lift): &(usize, f64)| lift >= CLEAR_LIFT;
    let specific = (0..SPECIFIC).map(|measure| (measure, lift(measure))).filter(clear);
    let best = specific.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(measure, _)| measure);
    let local = (lift(LOCAL) >= CLEAR_LIFT).then_some(LOCAL);
    let broad = (scores[SPREAD] >= BROAD).then_some(SPREAD);
    best.or(local).or(broad).map(|measure| NAMES[measure])
}
