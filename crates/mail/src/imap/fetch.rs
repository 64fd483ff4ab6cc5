//! Fetching messages: only the few attributes that are needed, in bounded pieces.
//!
//! Messages are asked for by their UIDs, found with SEARCH first and stretch by stretch: so a folder is never listed
//! whole, what arrives meanwhile waits for the next reading, and gaps cost little.

use std::{collections::BTreeMap, ops::Range};

use async_imap::imap_proto::{AttributeValue, Response};
use jiff::fmt::strtime;
use relance_domain::time::Timestamp;

use super::{HEAD_BYTES, MAX_MESSAGE_BYTES, ORDINARY_BYTES, Session};
use crate::Fault;

/// Most messages fetched by one call, whatever is asked for.
const MOST_AT_ONCE: usize = 50;

/// Most headers fetched by one call.
pub const HEADERS_AT_ONCE: usize = 100;
/// Bytes of a header that are fetched.
const HEADER_BYTES: usize = 32 * 1024;

/// The header of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its number in the folder.
    pub uid: u32,
    /// When the server received it.
    pub internal_date: Option<Timestamp>,
    /// Its bytes, cut where it is very long.
    pub raw: Vec<u8>,
}

/// A message, as far as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its number in the folder, for as long as UIDVALIDITY stays.
    pub uid: u32,
    /// When the server received it.
    pub internal_date: Option<Timestamp>,
    /// Its whole length in bytes, as the server says.
    pub size: usize,
    /// Its first [`HEAD_BYTES`] bytes.
    pub head: Vec<u8>,
    /// Its flags, as the server writes them.
    pub flags: Vec<String>,
}

impl Fetched {
    /// Whether there is more of the message than `head`.
    pub fn is_cut(&self) -> bool {
        self.size > self.head.len() && self.head.len() >= HEAD_BYTES
    }
}

impl Session {
    /// Messages of the open folder with UIDs in `range`, lowest first, at most `limit` (and at most 50); with `since` only
    /// those that arrived on its day or later.
    ///
    /// Nothing means that there is nothing in it; after something, ask again from the last UID + 1.
    pub async fn fetch_in(
        &mut self,
        range: Range<u32>,
        since: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Fetched>, Fault> {
        let wanted = limit.clamp(1, MOST_AT_ONCE);
        let mut from = range.start;
        loop {
            let mut uids = self.uids_in(from..range.end, since).await?;
            uids.truncate(wanted);
            let Some(&last) = uids.last() else { return Ok(Vec::new()) };
            let found = self.fetch_heads(&uids).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            // All of them went away between the two commands.
            from = last.saturating_add(1);
        }
    }

    async fn fetch_heads(&mut self, uids: &[u32]) -> Result<Vec<Fetched>, Fault> {
        let mut found: BTreeMap<u32, Fetched> = BTreeMap::new();
        let set: Vec<String> = uids.iter().map(u32::to_string).collect();
        let command =
            format!("UID FETCH {} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{HEAD_BYTES}>)", set.join(","));
        let budget = ORDINARY_BYTES + uids.len() * (HEAD_BYTES + 4_096);
        let time = self.limits.transfer;
        self.run_within(&command, time, budget, &mut |response| {
            if let Response::Fetch(_, attributes) = response
                && let Some(message) = read_message(attributes)
                && uids.contains(&message.uid)
            {
                found.insert(message.uid, message);
            }
        })
        .await?;
        Ok(found.into_values().collect())
    }

    /// The headers of these messages of the open folder; those that are gone are left out.
    pub(crate) async fn fetch_headers(&mut self, uids: &[u32]) -> Result<Vec<Header>, Fault> {
        let mut found: BTreeMap<u32, Header> = BTreeMap::new();
        let set: Vec<String> = uids.iter().map(u32::to_string).collect();
        let command = format!("UID FETCH {} (UID INTERNALDATE BODY.PEEK[HEADER]<0.{HEADER_BYTES}>)", set.join(","));
        let (time, budget) = (self.limits.transfer, ORDINARY_BYTES + uids.len() * (HEADER_BYTES + 4_096));
        self.run_within(&command, time, budget, &mut |response| {
            if let Response::Fetch(_, attributes) = response
                && let Some(header) = read_header(attributes)
                && uids.contains(&header.uid)
            {
                found.insert(header.uid, header);
            }
        })
        .await?;
        Ok(found.into_values().collect())
    }

    /// A whole message of the open folder, up to [`MAX_MESSAGE_BYTES`]; none when it is gone.
    pub async fn fetch_rest(&mut self, uid: u32) -> Result<Option<Vec<u8>>, Fault> {
        let mut size = 0;
        self.run(&format!("UID FETCH {uid} (UID RFC822.SIZE)"), &mut |response| {
            if let Response::Fetch(_, attributes) = response {
                size = attributes
                    .iter()
                    .find_map(|a| if let AttributeValue::Rfc822Size(size) = a { Some(*size as usize) } else { None })
                    .unwrap_or(size);
            }
        })
        .await?;
        if size > MAX_MESSAGE_BYTES {
            return Err(Fault::TooLarge { limit: MAX_MESSAGE_BYTES as u64 });
        }
        let mut whole = None;
        let command = format!("UID FETCH {uid} (UID BODY.PEEK[])");
        let (time, budget) = (self.limits.transfer, MAX_MESSAGE_BYTES + ORDINARY_BYTES);
        self.run_within(&command, time, budget, &mut |response| {
            if let Response::Fetch(_, attributes) = response {
                for attribute in attributes {
                    if let AttributeValue::BodySection { section: None, data: Some(data), .. } = attribute {
                        whole = Some(data.to_vec());
                    }
                }
            }
        })
        .await?;
        Ok(whole)
    }
}

fn read_header(attributes: &[AttributeValue<'_>]) -> Option<Header> {
    let mut header = Header { uid: 0, internal_date: None, raw: Vec::new() };
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(uid) => header.uid = *uid,
            AttributeValue::InternalDate(date) => header.internal_date = read_date(date),
            AttributeValue::BodySection { data: Some(data), .. } => header.raw = data.to_vec(),
            _ => {}
        }
    }
    (header.uid > 0).then_some(header)
}

fn read_message(attributes: &[AttributeValue<'_>]) -> Option<Fetched> {
    let mut message = Fetched { uid: 0, internal_date: None, size: 0, head: Vec::new(), flags: Vec::new() };
    let mut has_body = false;
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(uid) => message.uid = *uid,
            AttributeValue::Rfc822Size(size) => message.size = *size as usize,
            AttributeValue::InternalDate(date) => message.internal_date = read_date(date),
            AttributeValue::Flags(flags) => message.flags = flags.iter().map(ToString::to_string).collect(),
            AttributeValue::BodySection { section: None, data, .. } => {
                has_body = true;
                message.head = data.as_deref().unwrap_or_default().to_vec();
            }
            _ => {}
        }
    }
    (message.uid > 0 && has_body).then_some(message)
}

/// `17-Jul-1996 02:44:25 -0700`.
fn read_date(date: &str) -> Option<Timestamp> {
    let parsed = strtime::parse("%d-%b-%Y %H:%M:%S %z", date.trim()).ok()?;
    parsed.to_timestamp().ok().map(|instant| Timestamp::from_ms(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_dates_are_read() {
        let at = |text| read_date(text).map(Timestamp::rfc3339);
        assert_eq!(at("17-Jul-1996 02:44:25 -0700").as_deref(), Some("1996-07-17T09:44:25Z"));
        assert_eq!(at(" 7-Jul-1996 02:44:25 +0000").as_deref(), Some("1996-07-07T02:44:25Z"));
        assert_eq!(at("yesterday"), None);
    }
}
