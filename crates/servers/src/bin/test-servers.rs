//! Starts the servers of a test run once, runs a command with them, and stops them.
//!
//! `test-servers COMMAND …` gives the command the run's PostgreSQL and mail servers in its
//! environment and ends as the command ends. What the machine can't do is printed and passed on
//! as a reason; a server that is there and does not start ends the run.

use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};
use relance_servers::{
    MAIL_VARIABLE, MailServers, Missing, POSTGRES_VARIABLE, Postgres, RunFolder, SKIPPED, scratch_folder,
};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let command: Vec<_> = std::env::args_os().skip(1).collect();
    let (program, arguments) = command.split_first().context("which command needs the servers?")?;
    let scratch = RunFolder::make("test", &scratch_folder())?;
    let begun = tokio::time::Instant::now();
    let (postgres, mail) = tokio::join!(Postgres::start(), MailServers::start());
    let postgres_value = value(&postgres, |postgres| postgres.url().to_owned())?;
    let mail_value = value(&mail, |mail| serde_json::to_string(mail).expect("ports and paths"))?;
    eprintln!("Test servers started in {:.1} s", begun.elapsed().as_secs_f64());
    let mut child = Command::new(program)
        .args(arguments)
        .env(POSTGRES_VARIABLE, postgres_value)
        .env(MAIL_VARIABLE, mail_value)
        .env("TMPDIR", scratch.path())
        .stdin(Stdio::inherit())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let status = tokio::select! {
        status = child.wait() => status?,
        _ = terminate.recv() => stop(&mut child).await?,
        _ = interrupt.recv() => child.wait().await?,
    };
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// What a variable says of a server: how to reach it, or why there is none.
fn value<T>(started: &Result<T>, describe: impl Fn(&T) -> String) -> Result<String> {
    match started {
        Ok(server) => Ok(describe(server)),
        Err(error) if error.is::<Missing>() => {
            eprintln!("{SKIPPED}{error}");
            Ok(format!("{SKIPPED}{error}"))
        }
        Err(error) => anyhow::bail!("a test server did not start: {error:#}"),
    }
}

async fn stop(child: &mut tokio::process::Child) -> Result<std::process::ExitStatus> {
    if let Some(pid) = child.id() {
        Command::new("kill").args(["-s", "TERM", &pid.to_string()]).status().await?;
    }
    Ok(child.wait().await?)
}
