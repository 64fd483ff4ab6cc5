//! `relance token`: tokens for the API.

use crate::{
    config::Global,
    output::Output,
    wiring::{self, Purpose},
};
use clap::{Subcommand, ValueEnum};

use relance_domain::user::{Actor, Scope};
use secrecy::ExposeSecret;

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is printed alone on standard output, once
    Create {
        /// Whose token: the sign-in address
        #[arg(long)]
        user: String,
        /// What it may do
        #[arg(long, value_enum, default_value_t = ScopeName::Write)]
        scope: ScopeName,
        /// What it is for
        #[arg(long, default_value = "command line")]
        name: String,
        /// It ends by itself after so many days
        #[arg(long)]
        expires_in_days: Option<u16>,
    },
}

/// The scopes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ScopeName {
    /// Read
    Read,
    /// Read and change
    Write,
    /// Everything its user may do
    Admin,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Read => Self::Read,
            ScopeName::Write => Self::Write,
            ScopeName::Admin => Self::Admin,
        }
    }
}

/// Runs one of them.
pub async fn run(global: &Global, command: TokenCommand, output: &Output) -> anyhow::Result<()> {
    let TokenCommand::Create { user, scope, name, expires_in_days } = command;
    let engine = wiring::open(global, Purpose::default()).await?;
    let user = super::user::find(&engine, &user).await?;
    let now = engine.clock.system_now();
    let until = expires_in_days.map(|days| now.plus_ms(i64::from(days) * relance_domain::time::DAY));
    let token = engine.create_token_until(&Actor::System, user.id, scope.into(), &name, until).await?;
    let secret = token.secret.expose_secret();
    output.result(secret, &serde_json::json!({ "id": token.id, "token": secret }));
    Ok(())
}
