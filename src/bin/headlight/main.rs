//! The command line: quantise a checkpoint into a folder to host, verify it, predict, look at attention, compare int8 with f32, and
//! count saved keystrokes.
//!
//! It needs files and a terminal; for WebAssembly, whose tests build all targets, it is empty.

#![cfg_attr(target_arch = "wasm32", no_main)]
#![cfg(not(target_arch = "wasm32"))]

/// Prints at once, without a line's end.
macro_rules! out {
    ($($argument:tt)*) => { crate::print(format_args!($($argument)*)) };
}

/// Prints a line.
macro_rules! outln {
    ($($argument:tt)*) => { out!("{}\n", format_args!($($argument)*)) };
}

mod eval;
mod folder;
mod keyboard;
mod predict;
mod quantize;
mod trace;
mod verify;
mod words;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use headlight::parallel;

/// GPT-2 in int8: make a folder for the page, and run it here.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a folder of int8 shards from a folder in the hub's layout or a GGUF file
    Quantize(quantize::Options),
    /// Check a folder of int8 shards: lengths, hashes, shapes, and that it runs
    Verify(verify::Options),
    /// Show the most probable next tokens, and continue the text
    Predict(predict::PredictOptions),
    /// Show the most probable next words, or rest of a word
    Words(words::Options),
    /// Show one head's scores and weights
    Attention(predict::AttentionOptions),
    /// Record what happens inside as JSON, to be looked into without the model
    Trace(trace::Options),
    /// Compare int8 with f32 on text files
    Eval(eval::Options),
    /// Count the keystrokes that suggestions save on text files
    Keyboard(keyboard::Options),
}

/// Which model to run.
#[derive(clap::Args)]
struct ModelOptions {
    /// Folder with manifest.json, or in the hub's layout, or a GGUF file
    dir: PathBuf,
    /// Run in f32; needs the hub's layout or GGUF
    #[arg(long)]
    f32: bool,
}

fn main() -> ExitCode {
    // With fewer threads than cores everything works as well.
    let _ = std::thread::available_parallelism().and_then(|cores| parallel::start(cores.get()));
    let result = match Cli::parse().command {
        Command::Quantize(options) => quantize::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Predict(options) => predict::predict(&options),
        Command::Words(options) => words::run(&options),
        Command::Attention(options) => predict::attention(&options),
        Command::Trace(options) => trace::run(&options),
        Command::Eval(options) => eval::run(&options),
        Command::Keyboard(options) => keyboard::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// To standard output. A reader that has seen enough, such as `head`, ends the program without a fuss.
fn print(text: std::fmt::Arguments<'_>) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = stdout.write_fmt(text).and_then(|()| stdout.flush()) {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        eprintln!("error: standard output: {error}");
        std::process::exit(1);
    }
}
