//! `relance mailbox`: does a mailbox work.

use crate::{
    config::Global,
    output::Output,
    wiring::{self, Purpose},
};
use clap::Subcommand;
use relance_domain::user::Actor;
use relance_engine::EngineError;
use relance_storage as storage;

/// What can be done with mailboxes.
#[derive(Debug, Subcommand)]
pub enum MailboxCommand {
    /// Try both directions and say exactly what failed
    Check {
        /// The mailbox's address
        address: String,
    },
}

/// Runs one of them.
pub async fn run(global: &Global, command: MailboxCommand, output: &Output) -> anyhow::Result<()> {
    let MailboxCommand::Check { address } = command;
    let engine = wiring::open(global, Purpose::default()).await?;
    let mailbox = {
        let mut tx = engine.store.read().await?;
        storage::mailboxes::find_by_address(&mut tx, &address).await?.ok_or(EngineError::NotFound("mailbox"))?
    };
    let check = engine.check_mailbox(&Actor::System, mailbox.id).await?;
    let mut words = format!("Sending: {}\nReceiving: {}", check.smtp.sentence, check.imap.sentence);
    if let Some(sent) = &check.sent_folder {
        words = format!("{words}\nSent folder: {sent}");
    }
    let json = serde_json::json!({ "smtp": check.smtp, "imap": check.imap, "sent_folder": check.sent_folder });
    output.result(&words, &json);
    if check.smtp.ok && check.imap.ok {
        return Ok(());
    }
    Err(EngineError::refused("mailbox_check_failed", "The mailbox does not work in both directions.").into())
}
