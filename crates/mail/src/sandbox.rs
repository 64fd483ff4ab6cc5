//! A mailbox that leaves no machine: a pair of Maildir folders under one directory.
//!
//! `outgoing` holds what the prospects got (and is the Sent folder), `inbox` what they answered. Handing over has
//! the same life as over SMTP: an offer is written and synced under tmp/, the final dot is its rename into
//! new/. Incoming messages get a position that only rises and survives restarts. A failed rename means not
//! handed over; a failure after it means uncertain, as it would over the wire.

mod folder;
mod simulate;

use crate::address::wire_address;
use crate::smtp::body::stuffed;
use crate::{Fault, Reply, Stage};
use folder::Folder;
use mail_parser::MessageParser;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

pub use simulate::{NotAnEmail, simulate_bounce, simulate_colleague, simulate_out_of_office, simulate_reply};

/// An open sandbox mailbox; clones share it.
#[derive(Debug, Clone)]
pub struct Sandbox {
    outgoing: Folder,
    inbox: Folder,
}

/// One email in the outgoing folder.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SentCopy {
    /// Its name, for [`Sandbox::read_outgoing`]; later emails have greater names.
    pub name: String,
    /// Message-ID without brackets.
    pub message_id: String,
    /// The sender as `Name <address>`.
    pub from: String,
    /// The recipient's name, or empty.
    pub to_name: String,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// Date in milliseconds UTC.
    pub date: i64,
}

/// One page of the outgoing folder, newest first.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SentPage {
    /// The emails.
    pub emails: Vec<SentCopy>,
    /// Whether older ones follow; ask with the last name as `before`.
    pub more: bool,
}

impl Sandbox {
    /// Opens the pair of folders under `dir`, making what is missing.
    pub async fn open(dir: &Path) -> Result<Sandbox, Fault> {
        let (outgoing, inbox) = (dir.join("outgoing"), dir.join("inbox"));
        blocking(move || Ok(Sandbox { outgoing: Folder::open(outgoing)?, inbox: Folder::open(inbox)? })).await
    }

    /// A way to hand emails over, one at a time.
    pub fn line(&self) -> SandboxLine {
        SandboxLine { outgoing: self.outgoing.clone(), pending: None }
    }

    /// Puts a message into the inbox and returns its position.
    pub async fn deliver_inbound(&self, raw: Vec<u8>) -> Result<u64, Fault> {
        let inbox = self.inbox.clone();
        blocking(move || inbox.append(&inbox.write(&raw)?)).await
    }

    /// The next at most 100 messages of the inbox behind `after`, in order of arrival.
    pub async fn list_inbound(&self, after: u64) -> Result<Vec<(u64, Vec<u8>)>, Fault> {
        const MOST: usize = 100;
        let inbox = self.inbox.clone();
        blocking(move || {
            let mut names: Vec<String> = inbox.names()?;
            names.retain(|name| folder::position(name).is_some_and(|p| p > after));
            names.sort_unstable();
            names.truncate(MOST);
            let mut messages = Vec::with_capacity(names.len());
            for name in names {
                // A message someone deleted in between is simply gone.
                if let (Some(position), Some(raw)) = (folder::position(&name), inbox.read(&name)?) {
                    messages.push((position, raw));
                }
            }
            Ok(messages)
        })
        .await
    }

    /// The position of the newest message in the inbox, 0 when it never had one.
    pub async fn last_inbound(&self) -> Result<u64, Fault> {
        let inbox = self.inbox.clone();
        blocking(move || inbox.last()).await
    }

    /// Whether an email with this Message-ID was handed over.
    pub async fn find_sent(&self, message_id: &str) -> Result<bool, Fault> {
        let (outgoing, mark) = (self.outgoing.clone(), mark(message_id));
        blocking(move || Ok(outgoing.names()?.iter().any(|name| name.contains(&mark)))).await
    }

    /// The emails handed over, newest first, those before the name `before`.
    pub async fn list_outgoing(&self, before: Option<&str>, limit: usize) -> Result<SentPage, Fault> {
        let (outgoing, before) = (self.outgoing.clone(), before.map(str::to_owned));
        blocking(move || {
            let mut names = outgoing.names()?;
            names.retain(|name| before.as_ref().is_none_or(|b| name < b));
            names.sort_unstable_by(|a, b| b.cmp(a));
            let more = names.len() > limit;
            names.truncate(limit);
            Ok(SentPage { emails: copies(&outgoing, names)?, more })
        })
        .await
    }

    /// The emails handed over behind the name `after`, oldest first.
    pub async fn outgoing_after(&self, after: Option<&str>, limit: usize) -> Result<Vec<SentCopy>, Fault> {
        let (outgoing, after) = (self.outgoing.clone(), after.map(str::to_owned));
        blocking(move || {
            let mut names = outgoing.names()?;
            names.retain(|name| after.as_ref().is_none_or(|a| name > a));
            names.sort_unstable();
            names.truncate(limit);
            copies(&outgoing, names)
        })
        .await
    }

    /// The bytes of one email handed over, if there is one of this name.
    pub async fn read_outgoing(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let (outgoing, name) = (self.outgoing.clone(), name.to_owned());
        blocking(move || outgoing.read(&name)).await
    }
}

/// Hands emails over to the outgoing folder, as a connection hands them to a server.
#[derive(Debug)]
pub struct SandboxLine {
    outgoing: Folder,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    file: PathBuf,
    mark: String,
}

impl SandboxLine {
    /// Writes and syncs the message under tmp/.
    pub async fn offer(&mut self, from: &str, to: &str, message: &[u8]) -> Result<(), Fault> {
        if self.pending.is_some() {
            return Err(Fault::Protocol("an email was offered while another one was open".into()));
        }
        for (address, at) in [(from, Stage::MailFrom), (to, Stage::RcptTo)] {
            if wire_address(address).is_none() {
                return Err(Fault::BadAddress { address: address.to_owned(), at });
            }
        }
        stuffed(message)?;
        let id = MessageParser::new().parse_headers(message).and_then(|m| m.message_id().map(str::to_owned));
        let (outgoing, bytes) = (self.outgoing.clone(), message.to_vec());
        let file = blocking(move || outgoing.write(&bytes)).await?;
        self.pending = Some(Pending { file, mark: mark(id.as_deref().unwrap_or_default()) });
        Ok(())
    }

    /// Moves the offered email into new/ and syncs the folder; the answer is 250.
    pub async fn finish(&mut self) -> Result<Reply, Fault> {
        let Some(pending) = self.pending.take() else {
            return Err(Fault::Cut { at: Stage::Body });
        };
        let outgoing = self.outgoing.clone();
        let name = blocking(move || outgoing.hand_over(&pending.file, &pending.mark)).await?;
        Ok(Reply { code: 250, enhanced: Some((2, 0, 0)), text: format!("kept in the sandbox as {name}") })
    }

    /// Forgets an open offer.
    pub async fn reset(&mut self) -> Result<(), Fault> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        blocking(move || std::fs::remove_file(&pending.file).map_err(|e| folder::trouble(&pending.file, &e))).await
    }

    /// Whether another email may be offered.
    pub fn is_ready(&self) -> bool {
        self.pending.is_none()
    }
}

impl Drop for SandboxLine {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            // A leftover under tmp/ is never read by anyone; removing it is mere tidiness.
            let _removed = std::fs::remove_file(&pending.file);
        }
    }
}

/// What a Message-ID looks like inside a file name.
fn mark(message_id: &str) -> String {
    let id = message_id.trim().trim_start_matches('<').trim_end_matches('>');
    hex::encode(&Sha256::digest(id.as_bytes())[..16])
}

fn copies(folder: &Folder, names: Vec<String>) -> Result<Vec<SentCopy>, Fault> {
    let mut copies = Vec::with_capacity(names.len());
    for name in names {
        if let Some(raw) = folder.read(&name)? {
            copies.push(copy(name, &raw));
        }
    }
    Ok(copies)
}

fn copy(name: String, raw: &[u8]) -> SentCopy {
    let message = MessageParser::new().parse_headers(raw).unwrap_or_default();
    let from = message.from().and_then(|a| a.first());
    let to = message.to().and_then(|a| a.first());
    let address = |a: Option<&mail_parser::Addr<'_>>| a.and_then(|a| a.address()).unwrap_or_default().to_owned();
    let sender = match from.and_then(|a| a.name()) {
        Some(name) => format!("{name} <{}>", address(from)),
        None => address(from),
    };
    SentCopy {
        name,
        message_id: message.message_id().unwrap_or_default().to_owned(),
        from: sender,
        to_name: to.and_then(|a| a.name()).unwrap_or_default().to_owned(),
        to: address(to),
        subject: message.subject().unwrap_or_default().to_owned(),
        date: message.date().map_or(0, |d| d.to_timestamp() * 1000),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Fault::Io(format!("the sandbox's folder could not be used: {error}"))),
    }
}

#[cfg(test)]
mod tests;
