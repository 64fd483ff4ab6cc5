//! Everything that is stored sealed, row by row: for the change of the key it is sealed with.
//!
//! One entry of [`ALL`] per column. What a value belongs to is known to whoever sealed it; here it is a key and bytes. A
//! value is replaced only while it is what was read.

use crate::{Value, args, error::Result, tx::Tx, value::Row};
use uuid::Uuid;

/// A column of sealed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Passwords for submission, by mailbox.
    SmtpPassword,
    /// Passwords for reading, by mailbox.
    ImapPassword,
    /// Refresh tokens, by mailbox.
    RefreshToken,
    /// Access tokens, by mailbox.
    AccessToken,
    /// Secrets of authenticator apps, by user.
    Totp,
    /// Client secrets, by mail provider.
    ClientSecret,
    /// Verifiers of those on their way, by the hash of their state.
    Verifier,
    /// Stored answers of the API, by user and key.
    Answer,
}

/// Every one of them.
pub const ALL: [Column; 8] = [
    Column::SmtpPassword,
    Column::ImapPassword,
    Column::RefreshToken,
    Column::AccessToken,
    Column::Totp,
    Column::ClientSecret,
    Column::Verifier,
    Column::Answer,
];

/// Which row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// By id.
    Id(Uuid),
    /// By a word.
    Word(String),
    /// By bytes.
    Bytes(Vec<u8>),
    /// By id and word.
    IdAndWord(Uuid, String),
}

impl Key {
    fn values(&self) -> Vec<Value> {
        match self.clone() {
            Self::Id(id) => args![id],
            Self::Word(word) => args![word],
            Self::Bytes(bytes) => args![bytes],
            Self::IdAndWord(id, word) => args![id, word],
        }
    }
}

impl Column {
    const fn names(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::SmtpPassword => ("mailboxes", "smtp_password", &["id"]),
            Self::ImapPassword => ("mailboxes", "imap_password", &["id"]),
            Self::RefreshToken => ("mailbox_grants", "refresh_token", &["mailbox_id"]),
            Self::AccessToken => ("mailbox_grants", "access_token", &["mailbox_id"]),
            Self::Totp => ("users", "totp_secret", &["id"]),
            Self::ClientSecret => ("mail_providers", "client_secret", &["provider"]),
            Self::Verifier => ("mailbox_consents", "verifier", &["state_hash"]),
            Self::Answer => ("idempotency_keys", "body", &["user_id", "key"]),
        }
    }

    fn key(self, row: &Row) -> Result<Key> {
        let (_, _, names) = self.names();
        Ok(match self {
            Self::ClientSecret => Key::Word(row.text(names[0])?),
            Self::Verifier => Key::Bytes(row.bytes(names[0])?),
            Self::Answer => Key::IdAndWord(row.id(names[0])?, row.text(names[1])?),
            _ => Key::Id(row.id(names[0])?),
        })
    }
}

/// Up to `limit` values in the order of their keys, those after `after`.
pub async fn page(tx: &mut Tx, column: Column, after: Option<&Key>, limit: u32) -> Result<Vec<(Key, Vec<u8>)>> {
    let (table, name, keys) = column.names();
    let keys = keys.join(", ");
    let mut values = args![limit];
    let mut rest = String::new();
    if let Some(after) = after {
        values.extend(after.values());
        rest = format!(" AND ({keys}) > ({})", crate::tx::list(2, values.len() - 1));
    }
    let sql =
        format!("SELECT {keys}, {name} AS sealed FROM {table} WHERE {name} IS NOT NULL{rest} ORDER BY {keys} LIMIT $1");
    tx.all(&sql, values, |row| Ok((column.key(row)?, row.bytes("sealed")?))).await
}

/// Puts `new` in the place of `old`; `false` if the value was changed meanwhile.
pub async fn replace(tx: &mut Tx, column: Column, key: &Key, old: &[u8], new: &[u8]) -> Result<bool> {
    let (table, name, keys) = column.names();
    let mut values = args![new, old];
    values.extend(key.values());
    let keys = keys.join(", ");
    let sql = format!(
        "UPDATE {table} SET {name} = $1 WHERE {name} = $2 AND ({keys}) = ({})",
        crate::tx::list(3, values.len() - 2)
    );
    Ok(tx.execute(&sql, values).await? > 0)
}
