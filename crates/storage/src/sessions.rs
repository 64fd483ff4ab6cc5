//! Sessions of signed-in browsers. Their tokens arrive hashed (SHA-256); they live on the system clock, which the caller
//! reads.

use crate::{
    args,
    error::Result,
    tx::Tx,
    users::{USER, user},
    value::Row,
};
use relance_domain::{Timestamp, UserId, user::User};

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie.
    pub token_hash: Vec<u8>,
    /// Who is signed in.
    pub user_id: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The browser's name for itself.
    pub user_agent: String,
}

/// Begins a session.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<()> {
    tx.execute(
        "INSERT INTO sessions (token_hash, user_id, created_at, last_seen_at, expires_at, user_agent)
        VALUES ($1, $2, $3, $4, $5, $6)",
        args![
            session.token_hash.clone(),
            session.user_id,
            session.created_at,
            session.last_seen_at,
            session.expires_at,
            &session.user_agent
        ],
    )
    .await?;
    Ok(())
}

fn session(row: &Row) -> Result<Session> {
    Ok(Session {
        token_hash: row.bytes("token_hash")?,
        user_id: row.id("user_id")?,
        created_at: row.time("session_created_at")?,
        last_seen_at: row.time("last_seen_at")?,
        expires_at: row.time("expires_at")?,
        user_agent: row.text("user_agent")?,
    })
}

/// The unexpired session behind a cookie and its active user.
pub async fn find(tx: &mut Tx, token_hash: &[u8], now: Timestamp) -> Result<Option<(Session, User)>> {
    let sql = format!(
        "SELECT s.token_hash, s.user_id, s.created_at AS session_created_at, s.last_seen_at, s.expires_at,
            s.user_agent, {USER}
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.deactivated_at IS NULL"
    );
    tx.first(&sql, args![token_hash, now], |row| Ok((session(row)?, user(row)?))).await
}

/// Notes that a session was used and until when it now lasts.
pub async fn touch(tx: &mut Tx, token_hash: &[u8], now: Timestamp, expires_at: Timestamp) -> Result<()> {
    let sql = "UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE token_hash = $1";
    tx.execute(sql, args![token_hash, now, expires_at]).await?;
    Ok(())
}

/// The unexpired sessions of a user, the one used last first.
pub async fn of_user(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
    let sql = "SELECT token_hash, user_id, created_at AS session_created_at, last_seen_at, expires_at, user_agent
        FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY last_seen_at DESC, created_at DESC";
    tx.all(sql, args![user, now], session).await
}

/// Ends a session.
pub async fn delete(tx: &mut Tx, token_hash: &[u8]) -> Result<bool> {
    Ok(tx.execute("DELETE FROM sessions WHERE token_hash = $1", args![token_hash]).await? > 0)
}

/// Ends every session of a user; how many.
pub async fn delete_of_user(tx: &mut Tx, user_id: UserId) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE user_id = $1", args![user_id]).await
}

/// Removes expired sessions; how many.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM sessions WHERE expires_at <= $1", args![now]).await
}
