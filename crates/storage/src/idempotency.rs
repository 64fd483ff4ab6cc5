//! Answers kept under the client's `Idempotency-Key`, so that a repeated POST is answered and not done again.
//!
//! [`begin`] reserves a key in the transaction of its caller; [`finish`] stores the answer. What an equal or a
//! different request then gets is the caller's business. Kept until [`purge`].

use crate::{args, error::Result, tx::Tx};
use relance_domain::{Timestamp, UserId, time::MINUTE};

/// A stored answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type of the body.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Never seen: it is reserved now, do the work.
    New,
    /// The same request is being worked on.
    InProgress,
    /// The same request was answered so.
    Answered(Answer),
    /// The key was used for a different request.
    Mismatch,
}

/// Nobody works on a reserved key that was not renewed for this long: a minute in milliseconds.
pub const LEASE_MS: i64 = MINUTE;

/// Reserves `key` of a user for a request, or says what is known of it.
///
/// The same request may have the key again if whoever worked on it neither answered nor renewed it within the lease.
pub async fn begin(tx: &mut Tx, user_id: UserId, key: &str, request_hash: &[u8], now: Timestamp) -> Result<Begun> {
    let reserved = tx
        .execute(
            "INSERT INTO idempotency_keys (user_id, key, request_hash, status, content_type, body, created_at)
            VALUES ($1, $2, $3, NULL, '', NULL, $4)
            ON CONFLICT (user_id, key) DO NOTHING",
            args![user_id, key, request_hash, now],
        )
        .await?;
    if reserved > 0 {
        return Ok(Begun::New);
    }
    let taken_over = tx
        .execute(
            "UPDATE idempotency_keys SET created_at = $4
             WHERE user_id = $1 AND key = $2 AND request_hash = $3 AND status IS NULL AND created_at < $5",
            args![user_id, key, request_hash, now, now.plus_ms(-LEASE_MS)],
        )
        .await?;
    if taken_over > 0 {
        return Ok(Begun::New);
    }
    tx.one(
        "SELECT request_hash, status, content_type, body FROM idempotency_keys WHERE user_id = $1 AND key = $2",
        args![user_id, key],
        |row| {
            if row.bytes("request_hash")? != request_hash {
                return Ok(Begun::Mismatch);
            }
            Ok(match row.int_opt("status")? {
                None => Begun::InProgress,
                Some(status) => Begun::Answered(Answer {
                    status: u16::try_from(status).unwrap_or(500),
                    content_type: row.text("content_type")?,
                    body: row.bytes_opt("body")?.unwrap_or_default(),
                }),
            })
        },
    )
    .await
}

/// Says that the request of a reserved key is still being worked on.
pub async fn renew(tx: &mut Tx, user_id: UserId, key: &str, now: Timestamp) -> Result<()> {
    let sql = "UPDATE idempotency_keys SET created_at = $3 WHERE user_id = $1 AND key = $2 AND status IS NULL";
    tx.execute(sql, args![user_id, key, now]).await?;
    Ok(())
}

/// Stores the answer of a reserved key.
pub async fn finish(tx: &mut Tx, user_id: UserId, key: &str, answer: &Answer) -> Result<()> {
    tx.execute(
        "UPDATE idempotency_keys SET status = $3, content_type = $4, body = $5 WHERE user_id = $1 AND key = $2",
        args![user_id, key, answer.status, &answer.content_type, answer.body.clone()],
    )
    .await?;
    Ok(())
}

/// Gives a reserved key up, after a fault that a repeated request may try again.
pub async fn release(tx: &mut Tx, user_id: UserId, key: &str) -> Result<()> {
    tx.execute("DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND status IS NULL", args![user_id, key])
        .await?;
    Ok(())
}

/// Forgets what was answered under a key that was reserved before `before`.
pub async fn expire(tx: &mut Tx, user_id: UserId, key: &str, before: Timestamp) -> Result<()> {
    let sql = "DELETE FROM idempotency_keys
        WHERE user_id = $1 AND key = $2 AND status IS NOT NULL AND created_at < $3";
    tx.execute(sql, args![user_id, key, before]).await?;
    Ok(())
}

/// Forgets keys reserved before `before`; how many.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM idempotency_keys WHERE created_at < $1", args![before]).await
}
