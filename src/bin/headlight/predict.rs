//! `headlight predict` and `headlight attention`

use headlight::Result;
use headlight::inspect::is_masked;
use headlight::sample::Sampling;
use headlight::session::{Session, Step};
use serde_json::{Value, json};

use crate::{ModelOptions, folder};

#[derive(clap::Args)]
pub(crate) struct PredictOptions {
    #[command(flatten)]
    model: ModelOptions,
    /// The text to continue; empty for no prompt
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// How many candidates to show
    #[arg(long, default_value_t = 10)]
    top: usize,
    /// Continue with this many tokens
    #[arg(long, default_value_t = 0)]
    generate: usize,
    /// Seed of the choice; without it the most probable token is always taken
    #[arg(long)]
    seed: Option<u64>,
    /// With a seed: divides the logits
    #[arg(long, default_value_t = 1.0)]
    temperature: f32,
    /// With a seed: only the most probable tokens; 0 for all
    #[arg(long, default_value_t = 40)]
    top_k: usize,
    /// With a seed: only tokens that together reach this probability
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct AttentionOptions {
    #[command(flatten)]
    model: ModelOptions,
    /// The text to look at
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// The layer, counted from 0
    #[arg(long)]
    layer: usize,
    /// The head, counted from 0
    #[arg(long)]
    head: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A token as people read it: its text in quotes, or its bytes.
fn shown(session: &Session, id: u32) -> String {
    match session.tokenizer().text(id) {
        Some(text) => format!("{text:?}"),
        None => session.tokenizer().bytes(id).iter().map(|byte| format!("<{byte:02X}>")).collect(),
    }
}

pub(crate) fn predict(options: &PredictOptions) -> Result<()> {
    let mut session = folder::session(&options.model)?;
    let prompt = session.set_text(&options.text)?;
    session.complete()?;
    let ids = session.tokens().to_vec();
    let candidates = session.candidates(options.top)?;
    if !options.json {
        if prompt.dropped > 0 {
            eprintln!("note: the text is too long; its first {} tokens were left out", prompt.dropped);
        }
        outln!("{:>4}  {:<20} {:>7} {:>10} {:>12}", "rank", "token", "id", "logit", "probability");
        for candidate in &candidates {
            let token = shown(&session, candidate.id);
            let percent = 100.0 * candidate.probability;
            outln!(
                "{:>4}  {token:<20} {:>7} {:>10.4} {percent:>10.3} %",
                candidate.rank,
                candidate.id,
                candidate.logit
            );
        }
    }
    let top: Vec<Value> = candidates
        .iter()
        .map(|candidate| {
            json!({
                "id": candidate.id,
                "token": session.tokenizer().text(candidate.id),
                "logit": candidate.logit,
                "probability": candidate.probability,
            })
        })
        .collect();
    let mut answer = json!({ "ids": ids, "top": top });
    if options.generate > 0 {
        answer["generated"] = generate(&mut session, options)?;
    }
    if options.json {
        outln!("{answer}");
    }
    Ok(())
}

/// Continues the text, on the screen as it comes.
fn generate(session: &mut Session, options: &PredictOptions) -> Result<Value> {
    let PredictOptions { temperature, top_k, top_p, .. } = *options;
    let sampling =
        options.seed.map_or(Sampling::GREEDY, |_| Sampling { temperature, top_k, top_p, ..Sampling::GREEDY });
    session.begin_generation(sampling, options.seed.unwrap_or(0))?;
    let (mut ids, mut whole, mut reason) = (Vec::new(), String::new(), "limit");
    if !options.json {
        out!("\n{}", options.text);
    }
    while ids.len() < options.generate {
        match session.generate()? {
            Step::Token { id, text, .. } => {
                ids.push(id);
                whole.push_str(&text);
                if !options.json {
                    out!("{text}");
                }
            }
            Step::EndOfText => {
                reason = "end-of-text";
                break;
            }
            Step::ContextFull => {
                reason = "context-full";
                break;
            }
        }
    }
    if !options.json {
        outln!("\n({reason})");
    }
    Ok(json!({ "ids": ids, "text": whole, "reason": reason }))
}

pub(crate) fn attention(options: &AttentionOptions) -> Result<()> {
    let mut session = folder::session(&options.model)?;
    session.set_text(&options.text)?;
    session.complete()?;
    let map = session.attention(options.layer, options.head)?;
    let ids = session.tokens();
    let rows = |values: &[f32], keep_masked: bool| -> Vec<Vec<Option<f32>>> {
        let row = |(row, values): (usize, &[f32])| {
            let cell = |(column, &value)| (keep_masked || !is_masked(row, column)).then_some(value);
            values.iter().enumerate().map(cell).collect()
        };
        values.chunks_exact(map.size).enumerate().map(row).collect()
    };
    if options.json {
        // Masked scores are minus infinity, for which JSON has no number.
        let (scores, masked) = (rows(&map.scores, true), rows(&map.scores, false));
        outln!("{}", json!({ "ids": ids, "scores": scores, "masked": masked, "weights": rows(&map.weights, true) }));
        return Ok(());
    }
    outln!("layer {}, head {}: what each token looks at", options.layer, options.head);
    for (row, weights) in map.weights.chunks_exact(map.size).enumerate() {
        let mut sources: Vec<(usize, f32)> = weights[..=row].iter().copied().enumerate().collect();
        sources.sort_by(|a, b| b.1.total_cmp(&a.1));
        let seen: Vec<String> = sources
            .iter()
            .take(5)
            .map(|&(column, weight)| format!("{} {:.1} %", shown(&session, ids[column]), 100.0 * weight))
            .collect();
        outln!("{:>4}  {:<20} {}", row, shown(&session, ids[row]), seen.join(", "));
    }
    Ok(())
}
