//! Failed sign-ins by subject (an address or a client), counted within a window, and how long a subject is blocked.
//!
//! They live on the system clock, which the caller reads.

use crate::{
    args,
    error::{Result, StorageError},
    tx::Tx,
};
use relance_domain::Timestamp;

/// A subject as it is kept: whatever was typed as an address, it fits an index.
fn subject_key(subject: &str) -> String {
    subject.chars().take(254).collect()
}

/// Counts one failed sign-in of `subject` (an address or a client); the failures since `window_start`.
pub async fn record(tx: &mut Tx, subject: &str, now: Timestamp, window_start: Timestamp) -> Result<i64> {
    tx.one(
        "INSERT INTO sign_in_failures AS f (subject, failures, first_at, blocked_until) VALUES ($1, 1, $2, NULL)
        ON CONFLICT (subject) DO UPDATE SET
            failures = CASE WHEN f.first_at < $3 THEN 1 ELSE f.failures + 1 END,
            first_at = CASE WHEN f.first_at < $3 THEN $2 ELSE f.first_at END
        RETURNING failures",
        args![subject_key(subject), now, window_start],
        |row| row.int("failures"),
    )
    .await
}

/// Refuses sign-ins of `subject` until then.
pub async fn block(tx: &mut Tx, subject: &str, until: Timestamp) -> Result<()> {
    let changed = tx
        .execute(
            "UPDATE sign_in_failures SET blocked_until = $2 WHERE subject = $1",
            args![subject_key(subject), until],
        )
        .await?;
    if changed == 0 {
        return Err(StorageError::Corrupt(format!("no failed sign-in of {subject} to block")));
    }
    Ok(())
}

/// Until when sign-ins of any of `subjects` are refused, if they are at `now`.
pub async fn blocked_until(tx: &mut Tx, subjects: &[&str], now: Timestamp) -> Result<Option<Timestamp>> {
    if subjects.is_empty() {
        return Ok(None);
    }
    let mut args = args![now];
    args.extend(subjects.iter().map(|subject| crate::Value::from(subject_key(subject))));
    let sql = format!(
        "SELECT MAX(blocked_until) AS until FROM sign_in_failures WHERE blocked_until > $1 AND subject IN ({})",
        crate::tx::list(2, subjects.len())
    );
    tx.one(&sql, args, |row| row.time_opt("until")).await
}

/// Forgets the failed sign-ins of `subject`, after a good one.
pub async fn clear(tx: &mut Tx, subject: &str) -> Result<()> {
    tx.execute("DELETE FROM sign_in_failures WHERE subject = $1", args![subject_key(subject)]).await?;
    Ok(())
}

/// Forgets failed sign-ins that began before `before` and block nothing at `now`; how many.
pub async fn purge(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM sign_in_failures WHERE first_at < $1 AND (blocked_until IS NULL OR blocked_until <= $2)";
    tx.execute(sql, args![before, now]).await
}
