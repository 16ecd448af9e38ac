//! `headlight eval`: what int8 changes, on real text.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use headlight::kernels::BLOCK;
use headlight::model::weights::{Matrix, Precision, Slot, Weights};
use headlight::model::{CHUNK, Model};
use headlight::parallel;
use headlight::suggest::probabilities;
use headlight::{Error, Result};
use serde_json::json;

use crate::folder::{self, Loaded};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder in the hub's layout, or one with a manifest. Of that, the f32 weights are not there, and others that int8 could
    /// have come from stand for them: each anywhere within its step
    folder: PathBuf,
    /// Text files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// At most this many tokens of each file; 0 for all
    #[arg(long, default_value_t = 0)]
    tokens: usize,
    /// Tokens that the models see at once, at least 2; 0 for the whole context
    #[arg(long, default_value_t = 0)]
    window: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was measured at each predicted token.
#[derive(Default)]
struct Measured {
    /// -ln p of the token that came, by f32 and by int8
    surprise: [Vec<f64>; 2],
    /// Kullback-Leibler divergence of int8's distribution from that of f32, in nats
    divergence: Vec<f64>,
    /// How often both have the same most probable token
    agreements: usize,
}

struct Summary {
    tokens: usize,
    perplexity: [f64; 2],
    mean_divergence: f64,
    divergence_99: f64,
    agreement: f64,
}

impl Measured {
    fn add(&mut self, mut other: Self) {
        for (mine, others) in self.surprise.iter_mut().zip(&mut other.surprise) {
            mine.append(others);
        }
        self.divergence.append(&mut other.divergence);
        self.agreements += other.agreements;
    }

    fn summary(&self) -> Summary {
        // Threads finish in any order; sorted, the sums don't depend on it.
        let sorted = |values: &Vec<f64>| {
            let mut values = values.clone();
            values.sort_by(f64::total_cmp);
            values
        };
        let tokens = self.divergence.len();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / tokens.max(1) as f64;
        let divergence = sorted(&self.divergence);
        Summary {
            tokens,
            perplexity: self.surprise.each_ref().map(|surprise| mean(&sorted(surprise)).exp()),
            mean_divergence: mean(&divergence),
            divergence_99: divergence.get(tokens * 99 / 100).copied().unwrap_or(0.0),
            agreement: self.agreements as f64 / tokens.max(1) as f64,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let Loaded { model: quantised, tokenizer, .. } = folder::load(&options.folder, Precision::Int8, false)?;
    let reference = if options.folder.join("manifest.json").exists() {
        let Loaded { mut model, .. } = folder::load(&options.folder, Precision::Int8, false)?;
        spread(&mut model);
        model
    } else {
        folder::load(&options.folder, Precision::F32, false)?.model
    };
    let models = [&reference, &quantised];
    let positions = reference.config.n_positions;
    let window = if options.window == 0 { positions } else { options.window.clamp(2, positions) };
    let mut all = Measured::default();
    let mut lines = Vec::new();
    let print = |name: &str, s: &Summary| {
        outln!(
            "{name:<32} {:>9} {:>10.3} {:>10.3} {:>12.6} {:>12.6} {:>9.2} %",
            s.tokens,
            s.perplexity[0],
            s.perplexity[1],
            s.mean_divergence,
            s.divergence_99,
            100.0 * s.agreement
        );
    };
    if !options.json {
        outln!(
            "{:<32} {:>9} {:>10} {:>10} {:>12} {:>12} {:>11}",
            "file",
            "tokens",
            "ppl f32",
            "ppl int8",
            "mean KL",
            "99 % KL",
            "same top 1"
        );
    }
    for path in &options.files {
        let text = String::from_utf8(folder::read(path)?)
            .map_err(|error| Error::Encoding(format!("{}: {error}", path.display())))?;
        let mut ids = tokenizer.encode(&text)?;
        if options.tokens > 0 {
            ids.truncate(options.tokens);
        }
        if ids.len() < 2 {
            return Err(Error::Encoding(format!("{}: too short to predict anything", path.display())));
        }
        let measured = measure_file(models, &ids, window)?;
        let summary = measured.summary();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if options.json {
            lines.push(as_json(&name, &summary));
        } else {
            print(&name, &summary);
        }
        all.add(measured);
    }
    let summary = all.summary();
    if options.json {
        outln!("{}", json!({ "files": lines, "all": as_json("all", &summary) }));
    } else {
        print("all", &summary);
    }
    Ok(())
}

fn as_json(name: &str, s: &Summary) -> serde_json::Value {
    json!({
        "file": name,
        "tokens": s.tokens,
        "perplexity_f32": s.perplexity[0],
        "perplexity_int8": s.perplexity[1],
        "mean_kl": s.mean_divergence,
        "kl_99": s.divergence_99,
        "top1_agreement": s.agreement,
    })
}

/// Puts f32 weights in place of int8 ones: each somewhere within its step, and scales likewise, with the same numbers each time. The
/// largest magnitude of a block, which made the scale, stays.
fn spread(model: &mut Model) {
    // SplitMix64 (Steele, Lea and Flood 2014)
    let mut state = 0u64;
    let mut off_center = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    for name in Weights::names(&model.config) {
        let Some(Slot::Rows(matrix) | Slot::Conv1d(matrix)) = model.weights.slot(&name) else { continue };
        let Matrix::Int8(int8) = matrix else { continue };
        let (rows, inputs) = (int8.rows, int8.inputs);
        let mut weights = Vec::with_capacity(rows * inputs);
        for row in 0..rows {
            let (of_row, scales) = (int8.plain_weights(row..row + 1), int8.plain_scales(row..row + 1));
            for (block, scale) in of_row.chunks(BLOCK).zip(scales) {
                let exponent = f32::from_bits(scale.to_bits() & 0x7f80_0000);
                let scale = scale + off_center() * exponent / 128.0;
                weights.extend(block.iter().map(|&weight| {
                    let off = if weight.unsigned_abs() < 127 { off_center() } else { 0.0 };
                    (f32::from(weight) + off) * scale
                }));
            }
        }
        *matrix = Matrix::F32 { rows, inputs, weights };
    }
}

/// Runs both models over consecutive windows, on all cores.
fn measure_file(models: [&Model; 2], ids: &[u32], window: usize) -> Result<Measured> {
    let windows: Vec<&[u32]> = ids.chunks(window).filter(|window| window.len() > 1).collect();
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Ok(Measured::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // Each window is a thread's own; the threads of the pool would only be in the way.
    parallel::set_threads(1);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(window) = windows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let measured = measure_window(models, window);
                    let mut total = total.lock().expect("no thread panics while it holds the lock");
                    match (&mut *total, measured) {
                        (Ok(total), Ok(measured)) => total.add(measured),
                        (total @ Ok(_), Err(error)) => *total = Err(error),
                        (Err(_), _) => {}
                    }
                }
            });
        }
    });
    total.into_inner().expect("no thread panics while it holds the lock")
}

fn measure_window(models: [&Model; 2], window: &[u32]) -> Result<Measured> {
    let mut states = models.map(|model| model.start());
    let mut measured = Measured::default();
    let (inputs, targets) = (&window[..window.len() - 1], &window[1..]);
    for (inputs, targets) in inputs.chunks(CHUNK).zip(targets.chunks(CHUNK)) {
        let mut logits = [Vec::new(), Vec::new()];
        for ((model, state), logits) in models.into_iter().zip(&mut states).zip(&mut logits) {
            model.forward(state, inputs)?;
            *logits = model.logits(state, inputs.len());
        }
        let size = models[0].config.vocab_size;
        let [reference, quantised] = &logits;
        for ((p, q), &target) in reference.chunks_exact(size).zip(quantised.chunks_exact(size)).zip(targets) {
            let (p, q) = (probabilities(p), probabilities(q));
            for (surprise, p) in measured.surprise.iter_mut().zip([&p, &q]) {
                surprise.push(-f64::from(p[target as usize]).ln());
            }
            let terms = p.iter().zip(&q).filter(|(p, _)| **p > 0.0);
            measured.divergence.push(terms.map(|(&p, &q)| f64::from(p) * f64::from(p / q).ln()).sum());
            measured.agreements += usize::from(best(&p) == best(&q));
        }
    }
    Ok(measured)
}

fn best(p: &[f32]) -> usize {
    p.iter().enumerate().fold(0, |best, (i, &value)| if value > p[best] { i } else { best })
}
