//! `relance secrets`: the key that credentials are sealed with.

use crate::{
    config::Global,
    output::Output,
    wiring::{self, Purpose},
};
use clap::Subcommand;

/// What can be done with secrets.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Seal everything under a new key, or go on with it after it was broken off; servers go on beside it
    Rotate,
}

/// Runs one of them.
pub async fn run(global: &Global, command: SecretsCommand, output: &Output) -> anyhow::Result<()> {
    let SecretsCommand::Rotate = command;
    let engine = wiring::open(global, Purpose::default()).await?;
    let done = engine.change_key(|sealed| tracing::debug!(sealed, "secrets sealed anew")).await?;
    let mut words = format!(
        "{} secrets are sealed under a new key. The old one is no longer in {}: keep the new file with your backups, and \
         the old file with the backups made before.",
        done.sealed_anew,
        global.key_file().display()
    );
    if done.unreadable > 0 {
        words = format!("{words}\n{} could not be opened by any key and were left as they are.", done.unreadable);
    }
    let facts = serde_json::json!({ "sealed_anew": done.sealed_anew, "unreadable": done.unreadable,
        "was_under_way": done.was_under_way });
    output.result(&words, &facts);
    Ok(())
}
