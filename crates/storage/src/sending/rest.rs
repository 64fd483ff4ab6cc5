//! What a turn of sending reads and writes around its two commits: deliveries begun before, threads, next looks.

use crate::{
    error::Result,
    tx::{Tx, list, repeated, values},
    value::Value,
};
use relance_domain::{DeliveryId, EnrollmentId, MailboxId, Timestamp, delivery::Delivery};
use std::collections::HashMap;

/// The delivery of the current step, latest generation, of each of these enrollments that has one.
pub async fn current_deliveries(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Delivery>> {
    let mut found = HashMap::new();
    for chunk in enrollments.chunks(500) {
        let args: Vec<Value> = repeated(chunk).map(|id| Value::from(*id)).collect();
        let sql = format!(
            "SELECT {} FROM deliveries d JOIN enrollments e ON e.id = d.enrollment_id AND e.step_id = d.step_id
            WHERE d.enrollment_id IN ({}) ORDER BY d.enrollment_id, d.generation",
            crate::deliveries::COLUMNS,
            list(1, args.len())
        );
        // In order of generation, so the latest stays.
        for delivery in tx.all(&sql, args, crate::deliveries::read).await? {
            found.insert(delivery.enrollment_id, delivery);
        }
    }
    Ok(found)
}

/// An email of a thread that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InThread {
    /// Its Message-ID.
    pub message_id: String,
    /// Its subject.
    pub subject: String,
    /// From which mailbox it left; `None` in a preview.
    pub mailbox_id: Option<MailboxId>,
}

impl InThread {
    /// One that is still to come, in a preview.
    pub const fn planned(subject: String) -> Self {
        Self { message_id: String::new(), subject, mailbox_id: None }
    }
}

/// The emails that were sent in each of these enrollments, oldest first.
pub async fn threads(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Vec<InThread>>> {
    let mut found: HashMap<EnrollmentId, Vec<InThread>> = HashMap::new();
    for chunk in enrollments.chunks(500) {
        let args: Vec<Value> = repeated(chunk).map(|id| Value::from(*id)).collect();
        let sql = format!(
            "SELECT enrollment_id, message_id, subject, mailbox_id FROM deliveries
            WHERE enrollment_id IN ({}) AND state = 'sent' ORDER BY enrollment_id, sent_at, id",
            list(1, args.len())
        );
        let rows = tx
            .all(&sql, args, |row| {
                let (message_id, subject) = (row.text("message_id")?, row.text("subject")?);
                let entry = InThread { message_id, subject, mailbox_id: row.id_opt("mailbox_id")? };
                Ok((row.id::<EnrollmentId>("enrollment_id")?, entry))
            })
            .await?;
        for (enrollment, entry) in rows {
            found.entry(enrollment).or_default().push(entry);
        }
    }
    Ok(found)
}

/// Sets when the engine looks at these enrollments next, where nobody changed them since (id, revision, instant).
pub async fn set_wakes(tx: &mut Tx, wakes: &[(EnrollmentId, i64, Option<Timestamp>)]) -> Result<()> {
    for chunk in wakes.chunks(300) {
        let mut args = Vec::with_capacity(chunk.len() * 4);
        for (id, revision, wake_at) in repeated(chunk) {
            args.extend(crate::args![*id, *revision, *wake_at]);
        }
        let sql = format!(
            "WITH v (id, revision, wake_at) AS (VALUES {})
            UPDATE enrollments SET wake_at = v.wake_at FROM v
            WHERE enrollments.id = v.id AND enrollments.revision = v.revision AND enrollments.state <> 'finished'",
            values(1, args.len() / 3, 3)
        );
        tx.execute(&sql, args).await?;
    }
    Ok(())
}

/// What a mailbox's next look depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxAtRest {
    /// Last hand-over.
    pub last_sent_at: Option<Timestamp>,
    /// Least seconds between two emails.
    pub min_gap_seconds: u32,
    /// Someone paused it.
    pub paused: bool,
    /// It is in use, does not work, and is tried again by itself.
    pub needs_attention: bool,
}

/// Locks the mailbox's row until commit; `None` if it is not in use.
pub async fn lock_mailbox(tx: &mut Tx, mailbox: MailboxId) -> Result<Option<MailboxAtRest>> {
    let sql = format!(
        "SELECT last_sent_at, min_gap_seconds, state FROM mailboxes WHERE id = $1 AND deleted_at IS NULL{}",
        tx.for_no_key_update()
    );
    tx.first(&sql, crate::args![mailbox], |row| {
        let state = row.text("state")?;
        Ok(MailboxAtRest {
            last_sent_at: row.time_opt("last_sent_at")?,
            min_gap_seconds: row.count("min_gap_seconds")?,
            paused: state == "paused",
            needs_attention: state != "paused" && state != "connected",
        })
    })
    .await
}

/// Lets the engine look at an unfinished enrollment at `at`, whatever its revision.
pub async fn wake_at(tx: &mut Tx, enrollment: EnrollmentId, at: Timestamp) -> Result<()> {
    let sql = "UPDATE enrollments SET wake_at = $2 WHERE id = $1 AND state = 'active'";
    tx.execute(sql, crate::args![enrollment, at]).await?;
    Ok(())
}

/// When the first deferral of a delivery was, from which its 48 hours count.
pub async fn deferred_since(tx: &mut Tx, delivery: DeliveryId) -> Result<Option<Timestamp>> {
    let sql = "SELECT since_at FROM deliveries WHERE id = $1";
    Ok(tx.first(sql, crate::args![delivery], |row| row.time_opt("since_at")).await?.flatten())
}
