//! One life for both ways out: a real server over SMTP, or the sandbox's folder on this machine.
//!
//! offer → (the caller's point of no return) → finish. Whoever sends need not know which one it is.

use crate::sandbox::{Sandbox, SandboxLine};
use crate::smtp::{Connection, Limits};
use crate::{Fault, Reply, Server, Tls};
use std::path::PathBuf;

/// Where a mailbox hands over its emails.
#[derive(Debug, Clone)]
pub enum Account {
    /// A submission server.
    Smtp(Server),
    /// The folder of a sandbox mailbox.
    Sandbox(PathBuf),
}

/// An open way out for the emails of one mailbox.
pub enum Submission {
    /// A connection to a submission server.
    Smtp(Box<Connection>),
    /// A folder.
    Sandbox(SandboxLine),
}

impl Submission {
    /// Connects and signs in, or opens the folder.
    pub async fn open(account: &Account, tls: &Tls, hello_name: &str, limits: &Limits) -> Result<Submission, Fault> {
        Ok(match account {
            Account::Smtp(server) => {
                Submission::Smtp(Box::new(Connection::open(server, tls, hello_name, limits).await?))
            }
            Account::Sandbox(dir) => Submission::Sandbox(Sandbox::open(dir).await?.line()),
        })
    }

    /// Hands over everything but the final dot.
    pub async fn offer(&mut self, from: &str, to: &str, message: &[u8]) -> Result<(), Fault> {
        match self {
            Submission::Smtp(connection) => connection.offer(from, to, message).await,
            Submission::Sandbox(line) => line.offer(from, to, message).await,
        }
    }

    /// The final dot and its answer; see [`Connection::finish`].
    pub async fn finish(&mut self) -> Result<Reply, Fault> {
        match self {
            Submission::Smtp(connection) => connection.finish().await,
            Submission::Sandbox(line) => line.finish().await,
        }
    }

    /// Clears a refused offer.
    pub async fn reset(&mut self) -> Result<(), Fault> {
        match self {
            Submission::Smtp(connection) => connection.reset().await,
            Submission::Sandbox(line) => line.reset().await,
        }
    }

    /// Whether another email may be offered.
    pub fn is_ready(&self) -> bool {
        match self {
            Submission::Smtp(connection) => connection.is_ready(),
            Submission::Sandbox(line) => line.is_ready(),
        }
    }

    /// Closes at once; an email offered but not finished is taken back.
    pub fn abandon(self) {
        match self {
            Submission::Smtp(connection) => connection.abandon(),
            Submission::Sandbox(line) => drop(line),
        }
    }

    /// Says goodbye.
    pub async fn quit(self) {
        match self {
            Submission::Smtp(connection) => connection.quit().await,
            Submission::Sandbox(line) => drop(line),
        }
    }
}
