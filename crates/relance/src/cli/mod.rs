//! The command line: what can be said, and which file does it.

mod import;
mod mailbox;
mod maintenance;
mod secrets;
mod serve;
mod token;
mod understand;
mod user;

use crate::{
    config::{Global, Serving},
    output::Output,
};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

pub use serve::{ServeWith, StopSignals, serve_until_stopped};

/// Self-hosted sales sequences: every email from the rep's own mailbox, ending the moment the person answers.
#[derive(Debug, Parser)]
#[command(name = "relance", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    /// Options of every command
    #[command(flatten)]
    pub global: Global,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the pages, the API and the engine
    Serve {
        /// Where and under which address
        #[command(flatten)]
        serving: Serving,
    },
    /// Serve a workspace with fictional people and a clock that can be fast; nothing leaves the machine
    Demo {
        /// Where and under which address
        #[command(flatten)]
        serving: Serving,
        /// How fast the business clock runs: as it is, an hour a second, or a day a second
        #[arg(long, value_enum, default_value_t = crate::demo::Speed::Real)]
        speed: crate::demo::Speed,
    },
    /// Users of the workspace
    #[command(subcommand)]
    User(user::UserCommand),
    /// API tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Import people from a CSV file
    Import(import::ImportArguments),
    /// Mailboxes
    #[command(subcommand)]
    Mailbox(mailbox::MailboxCommand),
    /// Measure the understanding of mail with a folder of messages
    Understand(understand::UnderstandArguments),
    /// The key that credentials are sealed with
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// Stop all sending at once
    Pause,
    /// Go on sending
    Resume,
    /// Copy the database into FILE, also beside a running server (SQLite)
    Backup {
        /// The file to make
        file: PathBuf,
    },
    /// Put a copy made by `backup` in place, while no server runs (SQLite)
    Restore {
        /// The copy
        file: PathBuf,
    },
    /// Look for what keeps Relance from working
    Doctor,
    /// Bring the database's schema up to date
    Migrate,
    /// Print the version
    Version,
}

/// Runs one command.
pub async fn run(arguments: Arguments, output: &Output) -> anyhow::Result<()> {
    let global = arguments.global;
    match arguments.command {
        Command::Serve { serving } => serve::run(&global, &serving, output).await,
        Command::Demo { serving, speed } => crate::demo::run(&global, &serving, speed, output).await,
        Command::User(command) => user::run(&global, command, output).await,
        Command::Token(command) => token::run(&global, command, output).await,
        Command::Import(arguments) => import::run(&global, arguments, output).await,
        Command::Mailbox(command) => mailbox::run(&global, command, output).await,
        Command::Understand(arguments) => understand::run(&arguments, output),
        Command::Secrets(command) => secrets::run(&global, command, output).await,
        Command::Pause => maintenance::pause(&global, output).await,
        Command::Resume => maintenance::resume(&global, output).await,
        Command::Backup { file } => maintenance::backup(&global, &file, output).await,
        Command::Restore { file } => maintenance::restore(&global, &file, output).await,
        Command::Doctor => maintenance::doctor(&global, output).await,
        Command::Migrate => maintenance::migrate(&global, output).await,
        Command::Version => {
            let version = env!("CARGO_PKG_VERSION");
            output.result(&format!("relance {version}"), &serde_json::json!({ "version": version }));
            Ok(())
        }
    }
}
