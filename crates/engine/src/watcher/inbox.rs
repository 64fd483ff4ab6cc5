//! One way to read both kinds of inbox: an IMAP server's folders, or the folder of a sandbox mailbox.

use super::comparing::Copy;
use crate::accounts::Reading;
use relance_domain::Timestamp;
use relance_mail::{
    Fault, Tls,
    imap::{Limits, Position, Session},
    sandbox::Sandbox,
};
use std::{ops::Range, time::Duration};

/// How often a sandbox's folder is looked at while nothing asks.
const SANDBOX_LOOK: Duration = Duration::from_millis(1_000);
/// Messages fetched at once: memory stays flat.
const AT_ONCE: usize = 20;
/// Copies of a sandbox that are compared after a start.
const MOST_COPIES: usize = 10_000;

/// A message as fetched.
#[derive(Debug)]
pub struct Arrived {
    /// Its UID (of a sandbox: its position).
    pub uid: u32,
    /// When the server got it, if it says so.
    pub received_at: Option<Timestamp>,
    /// Its bytes, whole.
    pub raw: Vec<u8>,
    /// It is larger than Relance reads; `raw` is its beginning.
    pub is_cut: bool,
}

/// An open inbox.
pub enum Inbox {
    /// On a server.
    Imap {
        /// The connection.
        session: Box<Session>,
        /// Folders that are watched.
        watched: Vec<String>,
        /// Where copies of sent emails lie.
        sent: Option<String>,
    },
    /// A folder on this machine.
    Sandbox(Sandbox),
}

impl Inbox {
    /// Connects and finds the folders, the usual and the `chosen` ones, or opens the sandbox's folder.
    pub async fn open(reading: &Reading, chosen: &[String], tls: &Tls) -> Result<Self, Fault> {
        match reading {
            Reading::Imap(server) => {
                let mut session = Session::open(server, tls, &Limits::default()).await?;
                let folders = session.folders().await?;
                let watched = folders.watched(chosen);
                Ok(Self::Imap { session: Box::new(session), watched, sent: folders.sent })
            }
            Reading::Sandbox(folder) => Ok(Self::Sandbox(Sandbox::open(folder).await?)),
        }
    }

    /// The folders that are read, INBOX last so that it is the one selected while idling.
    pub fn watched(&self) -> Vec<String> {
        match self {
            Self::Imap { watched, .. } => watched.iter().rev().cloned().collect(),
            Self::Sandbox(_) => vec!["INBOX".to_owned()],
        }
    }

    /// Where the folder ends now.
    pub async fn position(&mut self, folder: &str) -> Result<Position, Fault> {
        match self {
            Self::Imap { session, watched, .. } => {
                let is_inbox = watched.first().is_some_and(|inbox| inbox == folder);
                if session.selected() == Some(folder) {
                    session.prove().await
                } else if is_inbox {
                    session.select(folder).await
                } else {
                    session.status(folder).await
                }
            }
            Self::Sandbox(sandbox) => {
                let last = sandbox.last_inbound().await?;
                Ok(Position { uid_validity: 1, uid_next: u32::try_from(last).unwrap_or(u32::MAX - 1) + 1 })
            }
        }
    }

    /// Messages with numbers in `range`, in order, a bounded number; of a server with `since` only those that arrived on
    /// its day or later.
    pub async fn fetch(
        &mut self,
        folder: &str,
        range: Range<u32>,
        since: Option<Timestamp>,
    ) -> Result<Vec<Arrived>, Fault> {
        match self {
            Self::Imap { session, .. } => {
                if session.selected() != Some(folder) {
                    session.select(folder).await?;
                }
                let mut arrived = Vec::new();
                for fetched in session.fetch_in(range, since, AT_ONCE).await? {
                    let too_large = fetched.size > relance_mail::imap::MAX_MESSAGE_BYTES;
                    let whole =
                        if fetched.is_cut() && !too_large { session.fetch_rest(fetched.uid).await? } else { None };
                    arrived.push(Arrived {
                        uid: fetched.uid,
                        received_at: fetched.internal_date,
                        is_cut: fetched.is_cut() && whole.is_none(),
                        raw: whole.unwrap_or(fetched.head),
                    });
                }
                Ok(arrived)
            }
            Self::Sandbox(sandbox) => {
                let after = u64::from(range.start.saturating_sub(1));
                let listed = sandbox.list_inbound(after).await?;
                let message = |(position, raw)| Arrived {
                    uid: u32::try_from(position).unwrap_or(u32::MAX),
                    received_at: None,
                    raw,
                    is_cut: false,
                };
                Ok(listed.into_iter().map(message).collect())
            }
        }
    }

    /// The Sent folder and whether a message with this id stands in it; `None` if there is no such folder.
    pub async fn has_sent(&mut self, message_id: &str) -> Result<Option<bool>, Fault> {
        match self {
            Self::Imap { session, sent: Some(folder), .. } => {
                let folder = folder.clone();
                Ok(Some(session.find_message_id(&folder, message_id).await?.is_some()))
            }
            Self::Imap { sent: None, .. } => Ok(None),
            Self::Sandbox(sandbox) => Ok(Some(sandbox.find_sent(message_id).await?)),
        }
    }

    /// Copies of emails sent since `since`, a bounded number at once, and where to go on from.
    pub async fn sent_since(
        &mut self,
        since: Timestamp,
        after: Option<u32>,
    ) -> Result<(Vec<Copy>, Option<u32>), Fault> {
        match self {
            Self::Imap { session, sent: Some(folder), .. } => {
                let folder = folder.clone();
                let from = after.map_or(1, |uid| uid.saturating_add(1));
                let (found, next) = session.headers_since(&folder, since, from).await?;
                Ok((found.iter().filter_map(|header| copy_of(header, since)).collect(), next))
            }
            Self::Imap { sent: None, .. } => Ok((Vec::new(), None)),
            // Whatever lies there was sent by Relance, whichever clock it had.
            Self::Sandbox(sandbox) => {
                let copies = sandbox.outgoing_after(None, MOST_COPIES).await?;
                let copy = |copy: relance_mail::sandbox::SentCopy| Copy {
                    message_id: Some(copy.message_id.trim_matches(['<', '>']).to_owned()),
                    to: vec![copy.to],
                    subject: copy.subject,
                    at: Some(Timestamp::from_ms(copy.date)),
                };
                Ok((copies.into_iter().map(copy).collect(), None))
            }
        }
    }

    /// Puts a copy into the Sent folder.
    pub async fn file_sent(&mut self, raw: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Imap { session, sent: Some(folder), .. } => {
                let folder = folder.clone();
                session.append(&folder, raw, true).await
            }
            Self::Imap { sent: None, .. } | Self::Sandbox(_) => Ok(()),
        }
    }

    /// Waits for new mail, for `woken`, or for `longest`.
    pub async fn rest(&mut self, longest: Duration, woken: impl Future<Output = ()>) -> Result<(), Fault> {
        match self {
            Self::Imap { session, watched, .. } => {
                if let Some(inbox) = watched.first().filter(|inbox| session.selected() != Some(inbox)) {
                    let inbox = inbox.clone();
                    session.select(&inbox).await?;
                }
                session.idle(longest, woken).await.map(drop)
            }
            Self::Sandbox(_) => {
                tokio::select! {
                    () = woken => {}
                    () = tokio::time::sleep(longest.min(SANDBOX_LOOK)) => {}
                }
                Ok(())
            }
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        if let Self::Imap { session, .. } = self {
            session.logout().await;
        }
    }
}

/// What a header says, if its email is not older than `since`; a server searches by whole days.
fn copy_of(header: &relance_mail::imap::Header, since: Timestamp) -> Option<Copy> {
    let message = relance_mail::parse::parse(&header.raw).ok()?;
    let at = header.internal_date.or(message.date);
    if at.is_some_and(|at| at < since) {
        return None;
    }
    let to = message.to.iter().chain(&message.cc).map(|address| address.email.clone()).collect();
    Some(Copy { message_id: message.message_id, to, subject: message.subject, at })
}
