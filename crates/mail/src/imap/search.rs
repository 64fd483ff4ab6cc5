//! Finding messages by number or Message-ID, filing copies, and deleting our own test message.

use async_imap::imap_proto::{MailboxDatum, Response};

use super::commands::{Answer, finish, quoted, start, wait_for_go_ahead, write};
use super::fetch::{HEADERS_AT_ONCE, Header};
use super::{ORDINARY_BYTES, Session, refused};
use crate::{Fault, Stage};
use relance_domain::time::{DAY, Timestamp};
use std::ops::Range;

/// How many UIDs are asked for first; four times as many after each stretch without any.
const FIRST_STRETCH: u32 = 1_000;
/// Most UIDs asked for at once: their answer fits the budget of a command many times.
const LONGEST_STRETCH: u32 = 64_000;

impl Session {
    /// UIDs of the open folder in `range`, lowest first: those of the first stretch that holds any, so that however large
    /// a folder is an answer stays short. With `since` only of messages that arrived on its day or later.
    pub(super) async fn uids_in(&mut self, range: Range<u32>, since: Option<Timestamp>) -> Result<Vec<u32>, Fault> {
        let since = since.map(|since| format!(" SINCE {}", day_before(since))).unwrap_or_default();
        let mut from = range.start.max(1);
        let mut stretch = FIRST_STRETCH;
        while from < range.end {
            let last = from.saturating_add(stretch - 1).min(range.end - 1);
            let mut uids = self.search(&format!("UID {from}:{last}{since}")).await?;
            uids.retain(|found| (from..=last).contains(found));
            if !uids.is_empty() {
                uids.sort_unstable();
                uids.dedup();
                return Ok(uids);
            }
            from = last.saturating_add(1);
            stretch = (stretch * 4).min(LONGEST_STRETCH);
        }
        Ok(Vec::new())
    }

    /// The highest UID of the open folder; `None` if it holds nothing.
    pub(super) async fn highest_uid(&mut self) -> Result<Option<u32>, Fault> {
        Ok(self.search("UID *").await?.into_iter().max())
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
        let mut uids = self.search(&format!("UID {uid}:* SINCE {}", day_before(since))).await?;
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

/// The day before, as SEARCH writes it: a server's days begin where it stands, and one more makes none missing.
fn day_before(at: Timestamp) -> String {
    at.plus_ms(-DAY).zoned(&jiff::tz::TimeZone::UTC).strftime("%-d-%b-%Y").to_string()
}
