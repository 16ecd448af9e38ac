//! The weights of a GPT-2, in int8 or f32, and the names that checkpoints give them.

use std::hint::black_box;

use crate::config::Gpt2Config;
use crate::error::{Result, try_zeroed};
use crate::kernels::{self, Activations, Finish};
use crate::memory::{self, Needs};
use crate::parallel::{self, Parts};
use crate::quant::Int8Matrix;

/// How matrices are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// int8 with a scale per block: what the page runs.
    Int8,
    /// f32: the reference that int8 is measured against.
    F32,
}

/// All weights of a model.
#[derive(Debug)]
pub struct Weights {
    /// (V, C), token embeddings and output matrix in one
    pub wte: Matrix,
    /// (P, C), position embeddings
    pub wpe: Vec<f32>,
    /// (L)
    pub blocks: Vec<BlockWeights>,
    /// The last LayerNorm.
    pub ln_f: LayerNorm,
}

/// The weights of one decoder block.
#[derive(Debug)]
pub struct BlockWeights {
    /// Before attention.
    pub ln_1: LayerNorm,
    /// (3C, C): queries, keys, values
    pub attn_qkv: Linear,
    /// Of `attn_qkv`; empty in f32.
    pub(super) bias_scores: BiasScores,
    /// (C, C): the heads' values to the residual
    pub attn_proj: Linear,
    /// Before the feed-forward part.
    pub ln_2: LayerNorm,
    /// (F, C)
    pub mlp_fc: Linear,
    /// (C, F)
    pub mlp_proj: Linear,
}

/// What the bias of each head's queries adds to the scores of a key, before they are scaled: `b_q . k`, told from the normalised stream
/// `x` that the key comes from. As k = W_k x + b_k, it is `(W_k^T b_q) . x + b_q . b_k`, whatever becomes of x and k in int8.
#[derive(Debug)]
pub(super) struct BiasScores {
    /// (NH, C), `W_k^T b_q` of each head
    directions: Vec<f32>,
    /// (NH), `b_q . b_k`
    constants: Vec<f32>,
}

/// Scale and shift after normalisation, both (C).
#[derive(Debug)]
pub struct LayerNorm {
    /// Scale.
    pub weight: Vec<f32>,
    /// Shift.
    pub bias: Vec<f32>,
}

/// A matrix (R, K) and a bias (R).
#[derive(Debug)]
pub struct Linear {
    /// (R, K)
    pub matrix: Matrix,
    /// (R)
    pub bias: Vec<f32>,
}

/// A matrix of `R` output rows and `K` inputs.
#[derive(Debug)]
pub enum Matrix {
    /// Quantised.
    Int8(Int8Matrix),
    /// Plain, row by row.
    F32 {
        /// `R`
        rows: usize,
        /// `K`
        inputs: usize,
        /// (R, K)
        weights: Vec<f32>,
    },
}

/// A tensor by its name.
#[derive(Debug)]
pub enum Slot<'a> {
    /// Small tensors that stay in f32.
    Vector(&'a mut [f32], Vec<usize>),
    /// Stored (R, K) in checkpoints.
    Rows(&'a mut Matrix),
    /// Stored (K, R) in checkpoints, as GPT-2's Conv1D layers are.
    Conv1d(&'a mut Matrix),
}

impl Matrix {
    fn empty(rows: usize, inputs: usize, precision: Precision) -> Result<Self> {
        Ok(match precision {
            Precision::Int8 => Self::Int8(Int8Matrix::empty(rows, inputs)?),
            Precision::F32 => Self::F32 { rows, inputs, weights: try_zeroed(rows * inputs)? },
        })
    }

    /// (R, K)
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Self::Int8(matrix) => (matrix.rows, matrix.inputs),
            Self::F32 { rows, inputs, .. } => (*rows, *inputs),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Int8(matrix) => matrix.bytes(),
            Self::F32 { weights, .. } => 4 * weights.len(),
        }
    }

    /// `out` (K) = one row.
    pub fn row(&self, out: &mut [f32], row: usize) {
        match self {
            Self::Int8(matrix) => matrix.row(out, row),
            Self::F32 { inputs, weights, .. } => out.copy_from_slice(&weights[row * inputs..][..*inputs]),
        }
    }

    /// `out` (T, R) = `x` (T, K) x this matrix + `bias` (R), finished.
    pub(crate) fn apply(
        &self,
        out: &mut [f32],
        x: &[f32],
        bias: Option<&[f32]>,
        finish: Finish,
        scratch: &mut Activations,
    ) {
        match self {
            Self::Int8(matrix) => {
                scratch.quantize(x, matrix.inputs);
                let shape = (matrix.rows, matrix.blocks());
                kernels::matmul_i8(out, scratch, matrix.packed(), bias, finish, shape);
            }
            Self::F32 { rows, inputs, weights } => {
                kernels::matmul_f32(out, x, weights, bias, finish, (*rows, *inputs));
            }
        }
    }
}

impl Linear {
    fn empty(rows: usize, inputs: usize, precision: Precision) -> Result<Self> {
        Ok(Self { matrix: Matrix::empty(rows, inputs, precision)?, bias: try_zeroed(rows)? })
    }

    /// `out` (T, R) = `x` (T, K) x matrix + bias, finished.
    pub(crate) fn apply(&self, out: &mut [f32], x: &[f32], finish: Finish, scratch: &mut Activations) {
        self.matrix.apply(out, x, Some(&self.bias), finish, scratch);
    }
}

impl BiasScores {
    fn zeroed(heads: usize, channels: usize) -> Result<Self> {
        Ok(Self { directions: try_zeroed(heads * channels)?, constants: try_zeroed(heads)? })
    }

    /// From a projection (3C, C) to queries, keys and values, once.
    fn fold(&mut self, qkv: &Linear) {
        let (_, channels) = qkv.matrix.shape();
        let size = channels / self.constants.len();
        let heads = self.directions.chunks_exact_mut(channels).zip(&mut self.constants);
        let mut weights = vec![0.0; channels];
        for (head, (direction, constant)) in heads.enumerate() {
            for query in head * size..(head + 1) * size {
                qkv.matrix.row(&mut weights, channels + query);
                kernels::accumulate_weighted(direction, &qkv.bias[query..=query], &weights);
            }
            let of_head = |first: usize| &qkv.bias[first + head * size..][..size];
            *constant = kernels::dot(of_head(0), of_head(channels));
        }
    }

    /// `b_q . k` of one head, where `x` (C) is the normalised stream.
    pub(super) fn of(&self, head: usize, x: &[f32]) -> f32 {
        kernels::dot(&self.directions[head * x.len()..][..x.len()], x) + self.constants[head]
    }
}

impl LayerNorm {
    fn zeroed(channels: usize) -> Result<Self> {
        Ok(Self { weight: try_zeroed(channels)?, bias: try_zeroed(channels)? })
    }

    /// `out` (T, C) = normalised `x` (T, C).
    pub fn apply(&self, out: &mut [f32], x: &[f32], epsilon: f32) {
        let channels = self.weight.len();
        let out = Parts::new(out);
        parallel::for_ranges(x.len() / channels, |positions| {
            for position in positions {
                let range = position * channels..(position + 1) * channels;
                // SAFETY: each position has channels of its own.
                let out = unsafe { out.part(range.clone()) };
                kernels::layer_norm(out, &x[range], &self.weight, &self.bias, epsilon);
            }
        });
    }
}

impl Weights {
    /// Room for weights: zeros, except that int8 matrices have no rows before they are set.
    ///
    /// # Errors
    /// If there is not enough.
    pub fn empty(config: &Gpt2Config, precision: Precision) -> Result<Self> {
        if precision == Precision::Int8 {
            memory::prepare(Needs::of(config).weights);
        }
        let (c, f) = (config.n_embd, config.n_inner);
        let heads = if precision == Precision::Int8 { config.n_head } else { 0 };
        let block = || {
            Ok(BlockWeights {
                ln_1: LayerNorm::zeroed(c)?,
                attn_qkv: Linear::empty(3 * c, c, precision)?,
                bias_scores: BiasScores::zeroed(heads, c)?,
                attn_proj: Linear::empty(c, c, precision)?,
                ln_2: LayerNorm::zeroed(c)?,
                mlp_fc: Linear::empty(f, c, precision)?,
                mlp_proj: Linear::empty(c, f, precision)?,
            })
        };
        Ok(Self {
            wte: Matrix::empty(config.vocab_size, c, precision)?,
            wpe: try_zeroed(config.n_positions * c)?,
            blocks: (0..config.n_layer).map(|_| block()).collect::<Result<_>>()?,
            ln_f: LayerNorm::zeroed(c)?,
        })
    }

    /// Works out what follows from the weights, once all are there.
    pub(crate) fn complete(&mut self) {
        if self.precision() == Precision::F32 {
            return;
        }
        let layers = self.blocks.len();
        let blocks = Parts::new(&mut self.blocks);
        parallel::for_each(layers, |layer| {
            // SAFETY: each layer is worked on once.
            let block = unsafe { &mut blocks.part(layer..layer + 1)[0] };
            block.bias_scores.fold(&block.attn_qkv);
        });
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let norm = |norm: &LayerNorm| 4 * (norm.weight.len() + norm.bias.len());
        let linear = |linear: &Linear| linear.matrix.bytes() + 4 * linear.bias.len();
        let block = |b: &BlockWeights| {
            let linears = [&b.attn_qkv, &b.attn_proj, &b.mlp_fc, &b.mlp_proj];
            let bias_scores = 4 * (b.bias_scores.directions.len() + b.bias_scores.constants.len());
            norm(&b.ln_1) + norm(&b.ln_2) + linears.into_iter().map(linear).sum::<usize>() + bias_scores
        };
        self.wte.bytes() + 4 * self.wpe.len() + norm(&self.ln_f) + self.blocks.iter().map(block).sum::<usize>()
    }

    /// Reads all int8 matrices once, as a token does, and does nothing with them; returns their bytes. For measuring.
    pub fn read_matrices(&self) -> usize {
        let linears = self.blocks.iter().flat_map(|b| [&b.attn_qkv, &b.attn_proj, &b.mlp_fc, &b.mlp_proj]);
        let matrices = linears.map(|linear| &linear.matrix).chain([&self.wte]);
        let read = |matrix: &Matrix| {
            let Matrix::Int8(int8) = matrix else { return 0 };
            // What is not used would not be read.
            black_box(kernels::read_i8(int8.packed(), (int8.rows, int8.blocks())));
            matrix.bytes()
        };
        matrices.map(read).sum()
    }

    /// How the matrices are held.
    pub fn precision(&self) -> Precision {
        match self.wte {
            Matrix::Int8(_) => Precision::Int8,
            Matrix::F32 { .. } => Precision::F32,
        }
    }

    /// The names of all tensors in the order of the hub's files.
    pub fn names(config: &Gpt2Config) -> Vec<String> {
        const IN_BLOCK: [&str; 6] = ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"];
        let with_bias = |prefix: String| [format!("{prefix}.weight"), format!("{prefix}.bias")];
        let blocks = (0..config.n_layer)
            .flat_map(|layer| IN_BLOCK.into_iter().flat_map(move |name| with_bias(format!("h.{layer}.{name}"))));
        let embeddings = ["wte.weight", "wpe.weight"].map(str::to_owned);
        embeddings.into_iter().chain(blocks).chain(with_bias("ln_f".to_owned())).collect()
    }

    /// The tensor of that name, without the prefix `transformer.`.
    pub fn slot(&mut self, name: &str) -> Option<Slot<'_>> {
        fn vector(values: &mut [f32]) -> Option<Slot<'_>> {
            let shape = vec![values.len()];
            Some(Slot::Vector(values, shape))
        }
        match name {
            "wte.weight" => return Some(Slot::Rows(&mut self.wte)),
            "wpe.weight" => {
                let channels = self.ln_f.weight.len();
                let shape = vec![self.wpe.len() / channels, channels];
                return Some(Slot::Vector(&mut self.wpe, shape));
            }
            "ln_f.weight" => return vector(&mut self.ln_f.weight),
            "ln_f.bias" => return vector(&mut self.ln_f.bias),
            _ => {}
        }
        let (layer, name) = name.strip_prefix("h.")?.split_once('.')?;
        // Only the plain spelling of a number: `h.+1.` or `h.01.` would be a second name for the same tensor.
        let index: usize = layer.parse().ok().filter(|index: &usize| index.to_string() == layer)?;
        let block = self.blocks.get_mut(index)?;
        let (part, kind) = name.rsplit_once('.')?;
        let linear = match part {
            "ln_1" | "ln_2" => {
                let norm = if part == "ln_1" { &mut block.ln_1 } else { &mut block.ln_2 };
                return match kind {
                    "weight" => vector(&mut norm.weight),
                    "bias" => vector(&mut norm.bias),
                    _ => None,
                };
            }
            "attn.c_attn" => &mut block.attn_qkv,
            "attn.c_proj" => &mut block.attn_proj,
            "mlp.c_fc" => &mut block.mlp_fc,
            "mlp.c_proj" => &mut block.mlp_proj,
            _ => return None,
        };
        match kind {
            "weight" => Some(Slot::Conv1d(&mut linear.matrix)),
            "bias" => vector(&mut linear.bias),
            _ => None,
        }
    }
}
