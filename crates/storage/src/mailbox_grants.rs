//! The permissions of mailboxes at Google and Microsoft: `mailbox_grants`.
//!
//! Tokens are bytes sealed elsewhere. A pair of tokens has a version; whoever renews it claims the version first, and a
//! new pair is stored only in the place of the version it was made from, so that no rotated token is ever overwritten.

use crate::{args, error::Result, tx::Tx};
use relance_domain::{MailboxId, Timestamp};

/// A pair of tokens, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// With which new ones are had.
    pub refresh_token: Vec<u8>,
    /// With which one signs in.
    pub access_token: Vec<u8>,
    /// Until when one signs in with it, system clock.
    pub expires_at: Timestamp,
}

/// A permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its tokens.
    pub tokens: Tokens,
    /// Rises with every new pair.
    pub version: i64,
}

/// The permission of a mailbox; `None` = it has none.
pub async fn find(tx: &mut Tx, mailbox: MailboxId) -> Result<Option<Grant>> {
    let sql = "SELECT refresh_token, access_token, expires_at, version FROM mailbox_grants WHERE mailbox_id = $1";
    tx.first(sql, args![mailbox], |row| {
        let tokens = Tokens {
            refresh_token: row.bytes("refresh_token")?,
            access_token: row.bytes("access_token")?,
            expires_at: row.time("expires_at")?,
        };
        Ok(Grant { tokens, version: row.int("version")? })
    })
    .await
}

/// Stores a permission that a person has just given, in the place of any before it.
pub async fn give(tx: &mut Tx, mailbox: MailboxId, tokens: &Tokens, now: Timestamp) -> Result<()> {
    let Tokens { refresh_token, access_token, expires_at } = tokens.clone();
    tx.execute(
        "INSERT INTO mailbox_grants AS g (mailbox_id, refresh_token, access_token, expires_at, granted_at, version)
        VALUES ($1, $2, $3, $4, $5, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET refresh_token = excluded.refresh_token,
            access_token = excluded.access_token, expires_at = excluded.expires_at, granted_at = excluded.granted_at,
            version = g.version + 1, renewing_until = NULL",
        args![mailbox, refresh_token, access_token, expires_at, now],
    )
    .await?;
    Ok(())
}

/// Claims the renewal of this version for `ms`; `false` if someone else renews it or has renewed it.
pub async fn claim(tx: &mut Tx, mailbox: MailboxId, version: i64, ms: i64) -> Result<bool> {
    let now = tx.database_now();
    let sql = format!(
        "UPDATE mailbox_grants SET renewing_until = {now} + $3
        WHERE mailbox_id = $1 AND version = $2 AND (renewing_until IS NULL OR renewing_until <= {now})"
    );
    Ok(tx.execute(&sql, args![mailbox, version, ms]).await? > 0)
}

/// Gives the claim back: nothing new was had.
pub async fn release(tx: &mut Tx, mailbox: MailboxId, version: i64) -> Result<()> {
    let sql = "UPDATE mailbox_grants SET renewing_until = NULL WHERE mailbox_id = $1 AND version = $2";
    tx.execute(sql, args![mailbox, version]).await?;
    Ok(())
}

/// Stores the pair that was made from this version; `false` if there is a newer one.
pub async fn renew(tx: &mut Tx, mailbox: MailboxId, version: i64, tokens: &Tokens) -> Result<bool> {
    let Tokens { refresh_token, access_token, expires_at } = tokens.clone();
    let sql = "UPDATE mailbox_grants SET refresh_token = $3, access_token = $4, expires_at = $5, version = version + 1,
            renewing_until = NULL
        WHERE mailbox_id = $1 AND version = $2";
    Ok(tx.execute(sql, args![mailbox, version, refresh_token, access_token, expires_at]).await? > 0)
}
