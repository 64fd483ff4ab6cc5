//! Links with which a user chooses a password. A user has at most one; its secret is kept as SHA-256. System clock.

use crate::{args, error::Result, tx::Tx};
use relance_domain::{Timestamp, UserId};

/// Stores a link; the one before it stops working.
pub async fn replace(
    tx: &mut Tx,
    user: UserId,
    token_hash: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    delete(tx, user).await?;
    let sql = "INSERT INTO password_links (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![token_hash, user, now, expires_at]).await?;
    Ok(())
}

/// The user of an unexpired link.
pub async fn find(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<Option<UserId>> {
    let sql = "SELECT user_id FROM password_links WHERE token_hash = $1 AND expires_at > $2";
    tx.first(sql, args![token_hash, now], |row| row.id("user_id")).await
}

/// Removes the link of a user; `false` if there was none.
pub async fn delete(tx: &mut Tx, user: UserId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM password_links WHERE user_id = $1", args![user]).await? > 0)
}
