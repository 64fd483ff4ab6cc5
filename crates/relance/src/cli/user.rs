//! `relance user`: users, also before the first sign-in.

use crate::{
    config::Global,
    output::Output,
    wiring::{self, Purpose},
};
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use relance_domain::user::{Actor, Role, User};
use relance_engine::{
    Engine, EngineError,
    commands::{users::NewUser, workspace::SetUp},
};
use relance_storage as storage;
use secrecy::SecretString;
use std::io::IsTerminal;

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user; the first one must be an admin and sets up the workspace
    Add(AddArguments),
    /// Set a new password; every session of the user ends
    ResetPassword {
        /// The user's sign-in address
        #[arg(long)]
        email: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

/// A user to add.
#[derive(Debug, Args)]
pub struct AddArguments {
    /// Sign-in address
    #[arg(long)]
    email: String,
    /// Name
    #[arg(long)]
    name: String,
    /// What the user may do
    #[arg(long, value_enum)]
    role: RoleName,
    /// Time zone, such as Europe/Paris
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// The roles.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleName {
    /// Everything
    Admin,
    /// The team
    Manager,
    /// Own people, mailbox and tasks
    Rep,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Manager => Self::Manager,
            RoleName::Rep => Self::Rep,
        }
    }
}

/// Runs one of them.
pub async fn run(global: &Global, command: UserCommand, output: &Output) -> anyhow::Result<()> {
    let engine = wiring::open(global, Purpose::default()).await?;
    match command {
        UserCommand::Add(arguments) => add(&engine, arguments, output).await,
        UserCommand::ResetPassword { email, password_stdin } => {
            let password = read_password(password_stdin)?;
            let user = find(&engine, &email).await?;
            engine.set_password(&Actor::System, user.id, &password).await?;
            engine.sign_out_everywhere(&Actor::System, user.id).await?;
            output.result("The password was changed.", &serde_json::json!({ "id": user.id, "email": user.email }));
            Ok(())
        }
    }
}

async fn add(engine: &Engine, arguments: AddArguments, output: &Output) -> anyhow::Result<()> {
    let password = read_password(arguments.password_stdin)?;
    let role = Role::from(arguments.role);
    let user = if engine.needs_set_up().await? {
        if role != Role::Admin {
            return Err(EngineError::refused("admin_first", "The first user must be an admin.").into());
        }
        let set_up = SetUp {
            workspace_name: "Relance".to_owned(),
            time_zone: arguments.time_zone,
            email: arguments.email,
            name: arguments.name,
            password,
        };
        engine.set_up(set_up).await?
    } else {
        let new = NewUser {
            email: arguments.email,
            name: arguments.name,
            role,
            time_zone: arguments.time_zone,
            team_id: None,
            password: Some(password),
        };
        engine.add_user(&Actor::System, new).await?
    };
    output.result(&format!("Added {} ({}).", user.name, user.role.as_str()), &serde_json::to_value(&user)?);
    Ok(())
}

/// The user with this sign-in address.
pub async fn find(engine: &Engine, email: &str) -> anyhow::Result<User> {
    let key = relance_domain::person::email_key(email).unwrap_or_default();
    let mut tx = engine.store.read().await?;
    let account = storage::users::find_by_email_key(&mut tx, &key).await?;
    Ok(account.ok_or(EngineError::NotFound("user"))?.user)
}

fn read_password(from_stdin: bool) -> anyhow::Result<SecretString> {
    if from_stdin || !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("reading the password")?;
        return Ok(SecretString::from(line.trim_end_matches(['\r', '\n']).to_owned()));
    }
    Ok(SecretString::from(rpassword::prompt_password("Password: ").context("reading the password")?))
}
