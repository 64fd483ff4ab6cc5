//! What a command prints: results to stdout, as words or with `--json` as JSON; messages to stderr.

use relance_engine::EngineError;
use relance_storage::StorageError;
use std::process::ExitCode;

/// Prints for one run.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// `json`: results as JSON.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Results are read by a program.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// The result of a command: as words, or as JSON with `--json`.
    #[expect(clippy::print_stdout, reason = "the one place that writes results")]
    pub fn result(self, words: &str, json: &serde_json::Value) {
        if self.json { println!("{json}") } else { println!("{words}") }
    }

    /// A message to the person at the terminal.
    #[expect(clippy::print_stderr, reason = "the one place that writes messages")]
    pub fn say(self, words: &str) {
        eprintln!("{words}");
    }

    /// Why the command failed, and the exit code that says so.
    pub fn failed(self, error: &anyhow::Error) -> ExitCode {
        let code = exit_code(error);
        if self.json {
            self.say(&serde_json::json!({ "error": format!("{error:#}"), "exit_code": code }).to_string());
        } else {
            self.say(&format!("{error:#}"));
        }
        ExitCode::from(code)
    }
}

/// 1 = a rule said no, 3 = something is unavailable.
fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        match cause.downcast_ref::<EngineError>() {
            Some(EngineError::Refused(_) | EngineError::NotFound(_) | EngineError::Forbidden(_)) => return 1,
            Some(EngineError::Unavailable(_) | EngineError::Corrupt(_)) => return 3,
            None => {}
        }
        match cause.downcast_ref::<StorageError>() {
            Some(StorageError::Refused(_) | StorageError::Conflict(_)) => return 1,
            Some(StorageError::Unavailable(_) | StorageError::Corrupt(_)) => return 3,
            None => {}
        }
        if cause.downcast_ref::<std::io::Error>().is_some() {
            return 3;
        }
    }
    1
}
