//! Finding messages by number or Message-ID, filing copies, and deleting our own test message.

use async_imap::imap_proto::{MailboxDatum, Response};

use super::commands::{Answer, finish, quoted, start, wait_for_go_ahead, write};
use super::fetch::{HEADERS_AT_ONCE, Header};
use super::{ORDINARY_BYTES, Session, refused};
use crate::{Fault, Stage};
use relance_domain::time::{DAY, Timestamp};

impl Session {
    /// The UIDs of the open folder from `uid` on, lowest first.
    pub(super) async fn uids_from(&mut self, uid: u32) -> Result<Vec<u32>, Fault> {
        let mut uids = self.search(&format!("UID {uid}:*")).await?;
        // `*` is the last message even when its number is lower.
        uids.retain(|found| *found >= uid);
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    async fn search(&mut self, criteria: &str) -> Result<Vec<u32>, Fault> {
        let mut uids = Vec::new();
        self.run(&format!("UID SEARCH {criteria}"), &mut |response| {
            if let Response::MailboxData(MailboxDatum::Search(found)) = response {
                uids.extend_from_slice(found);
            }
        })
        .await?;
        Ok(uids)
    }

    /// The newest message in `folder` with that Message-ID (without angle brackets); opens the folder.
    pub async fn find_message_id(&mut self, folder: &str, message_id: &str) -> Result<Option<u32>, Fault> {
        if self.selected() != Some(folder) {
            self.select(folder).await?;
        } else {
            self.run("NOOP", &mut |_| {}).await?;
        }
        let bare = message_id.trim_matches(|c| c == '<' || c == '>');
        if bare.is_empty() || !bare.is_ascii() {
            return Ok(None);
        }
        let found = self.search(&format!("HEADER Message-ID {}", quoted(&format!("<{bare}>"))?)).await?;
        Ok(found.into_iter().max())
    }

    /// Headers of messages in `folder` from `uid` on that arrived on the day of `since` or later, lowest UID first, at
    /// most [`HEADERS_AT_ONCE`], and the last UID asked for if there are more; opens the folder.
    pub async fn headers_since(
        &mut self,
        folder: &str,
        since: Timestamp,
        uid: u32,
    ) -> Result<(Vec<Header>, Option<u32>), Fault> {
        if self.selected() != Some(folder) {
            self.select(folder).await?;
        }
        // A server's days begin where it stands: one more makes none missing.
        let day = since.plus_ms(-DAY).zoned(&jiff::tz::TimeZone::UTC).strftime("%-d-%b-%Y").to_string();
        let mut uids = self.search(&format!("UID {uid}:* SINCE {day}")).await?;
        uids.retain(|found| *found >= uid);
        uids.sort_unstable();
        uids.dedup();
        let more = uids.len() > HEADERS_AT_ONCE;
        uids.truncate(HEADERS_AT_ONCE);
        let Some(last) = uids.last().copied() else { return Ok((Vec::new(), None)) };
        Ok((self.fetch_headers(&uids).await?, more.then_some(last)))
    }

    /// Files a message in a folder, which is made when it is missing.
    pub async fn append(&mut self, folder: &str, raw: &[u8], seen: bool) -> Result<(), Fault> {
        match self.append_once(folder, raw, seen).await? {
            Answer::Yes => Ok(()),
            Answer::No { try_create: true, .. } => {
                self.run(&format!("CREATE {}", quoted(folder)?), &mut |_| {}).await?;
                match self.append_once(folder, raw, seen).await? {
                    Answer::Yes => Ok(()),
                    Answer::No { text, .. } => Err(refused(text, Stage::Reading)),
                }
            }
            Answer::No { text, .. } => Err(refused(text, Stage::Reading)),
        }
    }

    async fn append_once(&mut self, folder: &str, raw: &[u8], seen: bool) -> Result<Answer, Fault> {
        let at = Stage::Reading;
        let flags = if seen { "(\\Seen) " } else { "" };
        let command = format!("APPEND {} {flags}{{{}}}", quoted(folder)?, raw.len());
        let mut connection = self.connection.take().ok_or(Fault::Cut { at })?;
        connection.get_mut().allow(ORDINARY_BYTES);
        let talk = async {
            let tag = start(&mut connection, &command, at).await?;
            if let Err(answer) = wait_for_go_ahead(&mut connection, &tag, at).await? {
                return Ok(answer);
            }
            write(&mut connection, raw, at).await?;
            write(&mut connection, b"\r\n", at).await?;
            finish(&mut connection, &tag, at, &mut |_| {}).await
        };
        let late = Err(Fault::TimedOut { host: self.host.clone(), at });
        let answer = tokio::time::timeout(self.limits.transfer, talk).await.unwrap_or(late)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Deletes one message for good where the server can delete one alone (UIDPLUS), else marks it deleted.
    ///
    /// No folder is open afterwards.
    pub async fn delete_message(&mut self, folder: &str, uid: u32) -> Result<(), Fault> {
        self.selected = None;
        self.open_folder("SELECT", folder).await?;
        self.run(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"), &mut |_| {}).await?;
        if self.capabilities.has("UIDPLUS") {
            self.run(&format!("UID EXPUNGE {uid}"), &mut |_| {}).await?;
        }
        Ok(())
    }
}
