//! The binary: reads the command line, runs one command, and says how it ended.
//!
//! Results go to stdout, messages to stderr. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 something is unavailable.

mod cli;
mod config;
mod demo;
mod output;
mod wiring;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let output = output::Output::new(arguments.global.json);
    match wiring::runtime().and_then(|runtime| runtime.block_on(cli::run(arguments, &output))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output.failed(&error),
    }
}
