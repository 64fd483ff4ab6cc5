//! Seals everything anew under a new key: begun, gone on with after whatever broke it off, ended.
//!
//! The new key stands in the key file before anything is sealed with it, the old one stays there until nothing is. A
//! value that is changed meanwhile is left to the next look; looks go on until one finds nothing to do. Servers go on
//! working beside it.

use super::audit::Object;
use crate::{Engine, EngineError, Result};
use relance_domain::{MailboxId, UserId, audit::Act, mail_provider::MailProvider, user::Actor};
use relance_storage::sealed::{self, Column, Key};
use std::io;

/// Values read at once.
const PAGE: u32 = 200;
/// Looks over everything before giving up: more than a server beside it can keep busy.
const LOOKS: u32 = 20;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// It went on with a change that was broken off.
    pub was_under_way: bool,
    /// Values sealed anew.
    pub sealed_anew: u64,
    /// Values that no key of the file opens; they are left as they are.
    pub unreadable: u64,
}

/// To what a value belongs, as whoever sealed it said.
fn place(column: Column, key: &Key) -> String {
    match (column, key) {
        (Column::SmtpPassword, Key::Id(id)) => format!("mailbox:{}:smtp", MailboxId::from_uuid(*id)),
        (Column::ImapPassword, Key::Id(id)) => format!("mailbox:{}:imap", MailboxId::from_uuid(*id)),
        (Column::RefreshToken, Key::Id(id)) => format!("mailbox:{}:refresh_token", MailboxId::from_uuid(*id)),
        (Column::AccessToken, Key::Id(id)) => format!("mailbox:{}:access_token", MailboxId::from_uuid(*id)),
        (Column::Totp, Key::Id(id)) => format!("user:{}:totp", UserId::from_uuid(*id)),
        (Column::ClientSecret, Key::Word(name)) => {
            MailProvider::parse(name).map(super::mail_providers::place).unwrap_or_default()
        }
        (Column::Verifier, Key::Bytes(state)) => format!("consent:{}", hex::encode(state)),
        (Column::Answer, Key::IdAndWord(id, key)) => format!("idempotency:{}:{key}", UserId::from_uuid(*id)),
        _ => String::new(),
    }
}

fn file_trouble(error: &io::Error) -> EngineError {
    EngineError::Unavailable(format!("The key file could not be written ({error}). Nothing is lost; run it again."))
}

impl Engine {
    /// Seals everything under a new key, or goes on with it; `told` hears of every page. For the operator only.
    pub async fn change_key(&self, told: impl Fn(u64)) -> Result<KeyChange> {
        let is_new = self.keys.begin_change().map_err(|error| file_trouble(&error))?;
        let mut done = KeyChange { was_under_way: !is_new, ..KeyChange::default() };
        for _ in 0..LOOKS {
            let look = self.seal_all_anew(&mut done, &told).await?;
            if look == 0 {
                self.keys.end_change().map_err(|error| file_trouble(&error))?;
                let mut tx = self.store.begin().await?;
                let words = format!("{} secrets sealed anew.", done.sealed_anew);
                self.note(&mut tx, &Actor::System, Act::KeyChanged, Object::named(""), &words).await?;
                tx.commit().await?;
                return Ok(done);
            }
        }
        let message = "Servers go on sealing with the old key. Restart them with the new key file, then run it again.";
        Err(EngineError::Unavailable(message.to_owned()))
    }

    /// One look over everything: how many values were still sealed with the old key.
    async fn seal_all_anew(&self, done: &mut KeyChange, told: &impl Fn(u64)) -> Result<u64> {
        let mut found = 0;
        done.unreadable = 0;
        for column in sealed::ALL {
            let mut after: Option<Key> = None;
            loop {
                let page = {
                    let mut tx = self.store.read().await?;
                    sealed::page(&mut tx, column, after.as_ref(), PAGE).await?
                };
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                let mut tx = self.store.begin().await?;
                for (key, old) in &page {
                    match self.keys.sealed_anew(&place(column, key), old) {
                        Ok(None) => {}
                        Ok(Some(new)) => {
                            found += 1;
                            done.sealed_anew += u64::from(sealed::replace(&mut tx, column, key, old, &new).await?);
                        }
                        Err(_) => done.unreadable += 1,
                    }
                }
                tx.commit().await?;
                told(done.sealed_anew);
            }
        }
        Ok(found)
    }
}
