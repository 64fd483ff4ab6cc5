//! Reads mailboxes over IMAP, and files copies of sent mail.
//!
//! A [`Session`] is one signed-in connection. It trusts the server with nothing: every command has a time limit and
//! a budget of bytes, literals are refused by their announced size before they are buffered, and after any
//! broken answer, time-out or cut the session is closed for good (further calls say [`Fault::Cut`]). An
//! orderly NO is [`Fault::Reply`] and leaves the session usable. What to read, when, and what it means is
//! decided elsewhere.

mod commands;
mod connect;
mod fetch;
mod folders;
mod idle;
mod limit;
mod search;

use std::time::Duration;

use async_imap::Client;
use async_imap::imap_proto::{Capability, MailboxDatum, Response, ResponseCode, Status, StatusAttribute};

use crate::check::{CHECK_LIMIT, DirectionCheck};
use crate::{Direction, Fault, Reply, Server, Stage, Tls};
use commands::{Answer, quoted};
use limit::Limited;

pub use fetch::{Fetched, HEADERS_AT_ONCE, Header};
pub use folders::{Folders, decode_name};
pub use idle::Woken;

/// Bytes of a message that are fetched at first.
pub const HEAD_BYTES: usize = 256 * 1024;
/// Longest message that is fetched whole, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 50 * 1024 * 1024;
/// What an ordinary command may bring, in bytes.
const ORDINARY_BYTES: usize = 8 * 1024 * 1024;

/// How long things may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Resolving and connecting, and again the TLS handshake.
    pub connect: Duration,
    /// An ordinary command, as a whole.
    pub command: Duration,
    /// A command that moves whole messages.
    pub transfer: Duration,
    /// Between two questions for new mail where the server has no IDLE.
    pub poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(15),
            command: Duration::from_secs(30),
            transfer: Duration::from_secs(120),
            poll: Duration::from_secs(10),
        }
    }
}

/// Where a folder stands: every message has a UID below `uid_next`, as long as `uid_validity` stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The folder's generation; UIDs of another one mean nothing.
    pub uid_validity: u32,
    /// The UID the next message gets, or a later one.
    pub uid_next: u32,
}

/// What the server can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<String>);

impl Capabilities {
    /// Whether the server names a capability; `name` in upper case.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|c| c == name)
    }

    fn learn(&mut self, seen: &[Capability<'_>]) {
        self.0 = seen
            .iter()
            .map(|capability| match capability {
                Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
                Capability::Auth(name) => format!("AUTH={}", name.to_uppercase()),
                Capability::Atom(name) => name.to_uppercase(),
            })
            .collect();
    }
}

type Connection = Client<Limited>;

/// One signed-in connection.
pub struct Session {
    /// None once the connection can't be used any more.
    connection: Option<Connection>,
    host: String,
    limits: Limits,
    capabilities: Capabilities,
    selected: Option<String>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("host", &self.host).field("selected", &self.selected).finish_non_exhaustive()
    }
}

impl Session {
    /// Connects, signs in, and asks what the server can do.
    pub async fn open(server: &Server, tls: &Tls, limits: &Limits) -> Result<Session, Fault> {
        let (connection, capabilities) = connect::sign_in(server, tls, limits).await?;
        Ok(Session {
            connection: Some(connection),
            host: server.host.clone(),
            limits: limits.clone(),
            capabilities,
            selected: None,
        })
    }

    /// What the server can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The folder that is open.
    pub fn selected(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    /// Whether the connection can still be used.
    pub fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Opens a folder for reading only, and says where it stands.
    pub async fn select(&mut self, folder: &str) -> Result<Position, Fault> {
        self.selected = None;
        let (position, exists) = self.open_folder("EXAMINE", folder).await?;
        self.selected = Some(folder.to_owned());
        self.complete(folder, position, exists).await
    }

    /// Where another folder stands, without opening it.
    pub async fn status(&mut self, folder: &str) -> Result<Position, Fault> {
        let (uid_validity, uid_next) = self.ask_status(folder).await?;
        match (uid_validity, uid_next) {
            (Some(uid_validity), Some(uid_next)) => Ok(Position { uid_validity, uid_next }),
            _ => Err(Fault::Protocol(format!("the server does not say where the folder {folder} stands"))),
        }
    }

    /// Proves that the open folder is as fresh as the server has it, and says where it stands now.
    ///
    /// NOOP makes the server look, opening the folder once more makes it answer with UIDNEXT and UIDVALIDITY.
    pub async fn prove(&mut self) -> Result<Position, Fault> {
        let folder = self.selected.clone().ok_or_else(|| Fault::Protocol("no folder is open".into()))?;
        self.run("NOOP", &mut |_| {}).await?;
        self.select(&folder).await
    }

    /// Says goodbye; never fails, never takes long.
    pub async fn logout(mut self) {
        self.limits.command = self.limits.command.min(Duration::from_secs(5));
        let _ = self.run("LOGOUT", &mut |_| {}).await;
    }

    /// EXAMINE or SELECT: the position as far as the server gives it, and the number of messages.
    async fn open_folder(&mut self, verb: &str, folder: &str) -> Result<((Option<u32>, Option<u32>), u32), Fault> {
        let mut uid_validity = None;
        let mut uid_next = None;
        let mut exists = 0;
        let command = format!("{verb} {}", quoted(folder)?);
        self.run(&command, &mut |response| match response {
            Response::Data { status: Status::Ok, outcome } => match outcome.code {
                Some(ResponseCode::UidValidity(value)) => uid_validity = Some(value),
                Some(ResponseCode::UidNext(value)) => uid_next = Some(value),
                _ => {}
            },
            Response::MailboxData(MailboxDatum::Exists(count)) => exists = *count,
            _ => {}
        })
        .await?;
        Ok(((uid_validity, uid_next), exists))
    }

    async fn ask_status(&mut self, folder: &str) -> Result<(Option<u32>, Option<u32>), Fault> {
        let mut uid_validity = None;
        let mut uid_next = None;
        let command = format!("STATUS {} (UIDNEXT UIDVALIDITY)", quoted(folder)?);
        self.run(&command, &mut |response| {
            if let Response::MailboxData(MailboxDatum::Status { status, .. }) = response {
                for attribute in status {
                    match attribute {
                        StatusAttribute::UidNext(value) => uid_next = Some(*value),
                        StatusAttribute::UidValidity(value) => uid_validity = Some(*value),
                        _ => {}
                    }
                }
            }
        })
        .await?;
        Ok((uid_validity, uid_next))
    }

    /// Some servers leave UIDNEXT or UIDVALIDITY out when a folder is opened: asks again, then counts.
    async fn complete(
        &mut self,
        folder: &str,
        (mut uid_validity, mut uid_next): (Option<u32>, Option<u32>),
        exists: u32,
    ) -> Result<Position, Fault> {
        if uid_validity.is_none() || uid_next.is_none() {
            let (validity, next) = match self.ask_status(folder).await {
                Err(fault) if !matches!(fault, Fault::Reply { .. }) => return Err(fault),
                answer => answer.unwrap_or_default(),
            };
            uid_validity = uid_validity.or(validity);
            uid_next = uid_next.or(next);
        }
        if uid_next.is_none() {
            let highest = if exists == 0 { None } else { self.highest_uid().await? };
            uid_next = Some(highest.map_or(1, |uid| uid.saturating_add(1)));
        }
        match (uid_validity, uid_next) {
            (Some(uid_validity), Some(uid_next)) => Ok(Position { uid_validity, uid_next }),
            _ => Err(Fault::Protocol("the server gives its messages no lasting numbers (UIDVALIDITY)".into())),
        }
    }

    /// Runs a command within its limits; untagged answers go to `on`. A NO is [`Fault::Reply`].
    async fn run(&mut self, command: &str, on: &mut (dyn FnMut(&Response<'_>) + Send)) -> Result<(), Fault> {
        let (time, bytes) = (self.limits.command, ORDINARY_BYTES);
        self.run_within(command, time, bytes, on).await
    }

    async fn run_within(
        &mut self,
        command: &str,
        time: Duration,
        bytes: usize,
        on: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<(), Fault> {
        let at = Stage::Reading;
        let mut connection = self.connection.take().ok_or(Fault::Cut { at })?;
        connection.get_mut().allow(bytes);
        let late = Err(Fault::TimedOut { host: self.host.clone(), at });
        let answer =
            tokio::time::timeout(time, commands::run(&mut connection, command, at, on)).await.unwrap_or(late)?;
        self.connection = Some(connection);
        match answer {
            Answer::Yes => Ok(()),
            Answer::No { text, .. } => Err(refused(text, at)),
        }
    }
}

/// An orderly NO, in the server's words.
fn refused(text: String, at: Stage) -> Fault {
    Fault::Reply { reply: Reply { code: 0, enhanced: None, text }, at }
}

/// Signs in to the incoming server, opens the inbox and leaves again, within [`CHECK_LIMIT`].
pub async fn check_imap(server: &Server, tls: &Tls) -> DirectionCheck {
    let limits = Limits { connect: Duration::from_secs(8), command: Duration::from_secs(8), ..Limits::default() };
    let attempt = async {
        let mut session = Session::open(server, tls, &limits).await?;
        session.select("INBOX").await?;
        session.logout().await;
        Ok(())
    };
    let late = Fault::TimedOut { host: server.host.clone(), at: Stage::Hello };
    match tokio::time::timeout(CHECK_LIMIT, attempt).await.unwrap_or(Err(late)) {
        Ok(()) => DirectionCheck::works(Direction::Receiving),
        Err(fault) => DirectionCheck::failed(&fault, Direction::Receiving),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod token_tests;
