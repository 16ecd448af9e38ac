//! What can be asked, in the form that `www/js/shared/inspection.js` describes.

use serde::{Deserialize, Serialize};

use crate::model::alteration::Alteration;

/// Which run is looked into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// The text, as the model computed it.
    #[default]
    Text,
    /// Its tokens with attention altered.
    Altered,
    /// The text of `compare`.
    Other,
}

/// A run beside the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beside {
    /// Its tokens with attention altered.
    Altered,
    /// The text of `compare`.
    Other,
}

impl From<Beside> for Of {
    fn from(beside: Beside) -> Self {
        match beside {
            Beside::Altered => Self::Altered,
            Beside::Other => Self::Other,
        }
    }
}

/// A request. Layers, heads and positions count from 0; `None` for layers or heads stands for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[allow(missing_docs, reason = "inspection.js describes every field")]
pub enum Request {
    Attention {
        layer: usize,
        head: usize,
        #[serde(default)]
        of: Of,
    },
    AttentionRows {
        layers: Option<Vec<usize>>,
        heads: Option<Vec<usize>>,
        from: usize,
        to: usize,
        #[serde(default)]
        of: Of,
    },
    Thumbnails {
        layer: usize,
        cells: usize,
        #[serde(default)]
        of: Of,
    },
    ThumbnailRows {
        layers: Option<Vec<usize>>,
        from: usize,
        to: usize,
        span: usize,
        #[serde(default)]
        of: Of,
    },
    AttentionCell {
        layer: usize,
        head: usize,
        row: usize,
        column: usize,
        #[serde(default)]
        of: Of,
    },
    HeadVectors {
        layer: usize,
        head: usize,
        #[serde(default)]
        of: Of,
    },
    ValueNorms {
        layer: usize,
        head: usize,
        #[serde(default)]
        of: Of,
    },
    HeadMeasures {
        #[serde(default)]
        of: Of,
    },
    Journey {
        position: usize,
        top: usize,
        #[serde(default)]
        logits: bool,
        #[serde(default)]
        of: Of,
    },
    JourneyLayer {
        position: usize,
        layer: usize,
        #[serde(default)]
        of: Of,
    },
    PositionMatrix,
    Lens {
        position: usize,
        top: usize,
        token: Option<u32>,
        #[serde(default)]
        of: Of,
    },
    Why {
        position: usize,
        token: u32,
        against: Option<u32>,
        #[serde(default)]
        of: Of,
    },
    Prepare,
    Alter {
        alteration: Alteration,
        top: usize,
    },
    Compare {
        text: String,
        top: usize,
    },
    Differences {
        of: Beside,
        pairs: Vec<(usize, usize)>,
    },
    Forget {
        of: Beside,
    },
}
