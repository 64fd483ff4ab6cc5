//! Puts the attached files into an email right before its bytes are needed: to hand it over, or to file its copy.
//!
//! The database keeps an email without its files, so a thousand emails with one brochure keep it once. What is being put
//! together is bounded for the whole process; who finds no room waits.

use crate::{Engine, EngineError, Result};
use relance_domain::attachment::FileHash;
use relance_mail::compose;
use relance_storage::files;
use std::{borrow::Cow, collections::HashMap};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Megabytes of emails that are put together at one time; the largest email takes about 25.
static ROOM: Semaphore = Semaphore::const_new(80);

/// An email with its files, and the room it takes as long as it is needed.
pub struct Filled<'a> {
    bytes: Cow<'a, [u8]>,
    _room: Option<SemaphorePermit<'static>>,
}

impl std::ops::Deref for Filled<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Engine {
    /// The bytes of an email as they leave.
    pub(crate) async fn with_files<'a>(&self, raw: &'a [u8]) -> Result<Filled<'a>> {
        let hashes: Vec<FileHash> = compose::files_in(raw).into_iter().map(FileHash).collect();
        if hashes.is_empty() {
            return Ok(Filled { bytes: Cow::Borrowed(raw), _room: None });
        }
        let mut tx = self.store.read().await?;
        let total: u64 = files::sizes(&mut tx, &hashes).await?.values().sum();
        drop(tx);
        // The files, their base64, and some.
        let megabytes = u32::try_from(total * 5 / 2 / 1_048_576 + 1).unwrap_or(u32::MAX).min(80);
        let room = ROOM.acquire_many(megabytes).await.map_err(|_| EngineError::Unavailable("stopping".to_owned()))?;
        let mut tx = self.store.read().await?;
        let mut found = HashMap::new();
        for hash in hashes {
            if let Some(bytes) = files::read(&mut tx, hash).await? {
                found.insert(hash.0, bytes);
            }
        }
        drop(tx);
        let bytes = compose::fill(raw, &found)
            .ok_or_else(|| EngineError::Corrupt("an attached file of an email is not in the database".to_owned()))?;
        Ok(Filled { bytes: Cow::Owned(bytes), _room: Some(room) })
    }
}
