//! Deliveries: `deliveries`. One email of one enrollment each, from the words to the server's answer.
//!
//! The machine is `domain::delivery`; a state is saved only over the state it was read in. The raw bytes stay apart
//! from the row's words. The set-based hot path (claim, point of no return, outcome) is in [`crate::sending`].

use crate::{
    Result, Row, StorageError, Tx, Value, args,
    conditions::{CHUNK, ids},
    tx::list,
    value::json,
};
use relance_domain::{
    DeliveryId, EnrollmentId, PersonId, StepId, Timestamp,
    delivery::{Delivery, DeliveryState},
};
use std::collections::HashMap;

pub(crate) const COLUMNS: &str = "d.id, d.enrollment_id, d.person_id, d.step_id, d.generation, d.mailbox_id, d.state, \
    d.epoch, d.until_at, d.since_at, d.leaving_at, d.sent_at, d.attempts, d.message_id, d.recipient, d.subject, \
    d.html, d.text, d.attachments, d.in_reply_to, d.refs, d.smtp_reply, d.created_at";

pub(crate) fn read(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        id: row.id("id")?,
        enrollment_id: row.id("enrollment_id")?,
        person_id: row.id("person_id")?,
        step_id: row.id("step_id")?,
        generation: row.count("generation")?,
        mailbox_id: row.id("mailbox_id")?,
        state: read_state(row)?,
        message_id: row.text("message_id")?,
        recipient: row.text("recipient")?,
        subject: row.text("subject")?,
        html: row.text("html")?,
        text: row.text("text")?,
        attachments: row.json("attachments")?,
        in_reply_to: row.text_opt("in_reply_to")?,
        references: row.json("refs")?,
        smtp_reply: row.text_opt("smtp_reply")?,
        attempts: row.count("attempts")?,
        created_at: row.time("created_at")?,
    })
}

fn read_state(row: &Row) -> Result<DeliveryState> {
    let word = row.text("state")?;
    Ok(match word.as_str() {
        "planned" => DeliveryState::Planned,
        "claimed" => DeliveryState::Claimed { epoch: row.int("epoch")? },
        "leaving" => DeliveryState::Leaving { epoch: row.int("epoch")?, at: row.time("leaving_at")? },
        "sent" => DeliveryState::Sent { at: row.time("sent_at")? },
        "deferred" => {
            let until = row.time("until_at")?;
            let since = row.time_opt("since_at")?.unwrap_or(until);
            DeliveryState::Deferred { until, attempts: row.count("attempts")?, since }
        }
        "refused" => DeliveryState::Refused,
        "uncertain" => DeliveryState::Uncertain { at: row.time("leaving_at")? },
        "not_sent" => DeliveryState::NotSent,
        "cancelled" => DeliveryState::Cancelled,
        "skipped" => DeliveryState::Skipped,
        _ => return Err(StorageError::Corrupt(format!("deliveries.state = {word}"))),
    })
}

/// state, epoch, until_at, since_at, leaving_at, sent_at: 6 values; NULL where the state does not speak of it.
pub(crate) fn state_values(state: DeliveryState) -> Vec<Value> {
    let (mut epoch, mut until, mut since, mut leaving, mut sent) = (None, None, None, None, None);
    match state {
        DeliveryState::Claimed { epoch: e } => epoch = Some(e),
        DeliveryState::Leaving { epoch: e, at } => (epoch, leaving) = (Some(e), Some(at)),
        DeliveryState::Sent { at } => sent = Some(at),
        DeliveryState::Deferred { until: u, since: s, .. } => (until, since) = (Some(u), Some(s)),
        DeliveryState::Uncertain { at } => leaving = Some(at),
        DeliveryState::Planned
        | DeliveryState::Refused
        | DeliveryState::NotSent
        | DeliveryState::Cancelled
        | DeliveryState::Skipped => {}
    }
    args![state.as_str(), epoch, until, since, leaving, sent]
}

/// Stores a new delivery. A conflict if its (enrollment, step, generation) or Message-ID is there already.
pub async fn insert(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    let d = delivery;
    let mut values = args![d.id, d.enrollment_id, d.person_id, d.step_id, d.generation, d.mailbox_id];
    values.extend(state_values(d.state));
    values.extend(args![d.attempts, &d.message_id, &d.recipient, &d.subject, &d.html, &d.text]);
    values.push(json(&d.attachments));
    values.push(d.in_reply_to.as_deref().into());
    values.push(json(&d.references));
    values.extend(args![d.smtp_reply.as_deref(), d.created_at]);
    tx.execute(
        "INSERT INTO deliveries (id, enrollment_id, person_id, step_id, generation, mailbox_id, state, epoch, until_at,
            since_at, leaving_at, sent_at, attempts, message_id, recipient, subject, html, text, attachments,
            in_reply_to, refs, smtp_reply, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            $23, $23)",
        values,
    )
    .await?;
    Ok(())
}

/// Replaces the words of an email that has not left; false if it has, or is on its way.
pub async fn set_words(
    tx: &mut Tx,
    id: DeliveryId,
    subject: &str,
    html: &str,
    text: &str,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE deliveries SET subject = $2, html = $3, text = $4, updated_at = $5
        WHERE id = $1 AND state IN ('planned', 'deferred')";
    Ok(tx.execute(sql, args![id, subject, html, text, now]).await? > 0)
}

/// Saves the state that follows `from`, with the server's answer if there is one; false if it was no longer in `from`.
pub async fn set_state(
    tx: &mut Tx,
    id: DeliveryId,
    from: DeliveryState,
    to: DeliveryState,
    smtp_reply: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let attempts = match to {
        DeliveryState::Deferred { attempts, .. } => Some(i64::from(attempts)),
        _ => None,
    };
    let epoch = match from {
        DeliveryState::Claimed { epoch } | DeliveryState::Leaving { epoch, .. } => Some(epoch),
        _ => None,
    };
    let mut values = args![id, from.as_str(), epoch];
    values.extend(state_values(to));
    values.extend(args![attempts, smtp_reply, now]);
    let sql = "UPDATE deliveries SET state = $4, epoch = $5, until_at = $6, since_at = COALESCE($7, since_at),
            leaving_at = COALESCE($8, leaving_at), sent_at = $9, attempts = COALESCE($10, attempts),
            smtp_reply = COALESCE($11, smtp_reply), updated_at = $12
         WHERE id = $1 AND state = $2 AND epoch IS NOT DISTINCT FROM $3";
    Ok(tx.execute(sql, values).await? > 0)
}

/// The delivery with this id.
pub async fn find(tx: &mut Tx, id: DeliveryId) -> Result<Option<Delivery>> {
    tx.first(&format!("SELECT {COLUMNS} FROM deliveries d WHERE d.id = $1"), args![id], read).await
}

/// The deliveries with these ids, in no order.
pub async fn find_many(tx: &mut Tx, wanted: &[DeliveryId]) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let sql = format!("SELECT {COLUMNS} FROM deliveries d WHERE d.id IN ({})", list(1, chunk.len()));
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}

/// The query of [`find_by_message_ids`] for up to [`CHUNK`] ids, for its plan.
pub fn by_message_ids_query(message_ids: &[String]) -> (String, Vec<Value>) {
    let places = list(1, message_ids.len());
    let sql = format!("SELECT {COLUMNS} FROM deliveries d WHERE d.message_id IN ({places}) ORDER BY d.created_at DESC");
    (sql, message_ids.iter().map(Value::from).collect())
}

/// The deliveries a message refers to: those with one of these Message-IDs (without brackets), latest first.
pub async fn find_by_message_ids(tx: &mut Tx, message_ids: &[String]) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    for chunk in message_ids.chunks(CHUNK) {
        let (sql, values) = by_message_ids_query(chunk);
        found.extend(tx.all(&sql, values, read).await?);
    }
    Ok(found)
}

/// Every delivery of an enrollment, in the order they were begun.
pub async fn of_enrollment(tx: &mut Tx, enrollment: EnrollmentId) -> Result<Vec<Delivery>> {
    let sql = format!("SELECT {COLUMNS} FROM deliveries d WHERE d.enrollment_id = $1 ORDER BY d.created_at, d.id");
    tx.all(&sql, args![enrollment], read).await
}

/// The newest generation of a step.
pub async fn latest_of_step(tx: &mut Tx, enrollment: EnrollmentId, step: StepId) -> Result<Option<Delivery>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM deliveries d WHERE d.enrollment_id = $1 AND d.step_id = $2
         ORDER BY d.generation DESC LIMIT 1"
    );
    tx.first(&sql, args![enrollment, step], read).await
}

/// The newest generation of each of these (enrollment, step) pairs that has one, in no order.
pub async fn latest_of_steps(tx: &mut Tx, steps: &[(EnrollmentId, StepId)]) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    for chunk in steps.chunks(CHUNK) {
        let pairs = crate::tx::values(1, chunk.len(), 2);
        let sql = format!(
            "SELECT {COLUMNS} FROM deliveries d WHERE (d.enrollment_id, d.step_id) IN (VALUES {pairs})
                AND d.generation = (SELECT MAX(o.generation) FROM deliveries o
                    WHERE o.enrollment_id = d.enrollment_id AND o.step_id = d.step_id)"
        );
        let values = chunk.iter().flat_map(|(enrollment, step)| args![*enrollment, *step]).collect();
        found.extend(tx.all(&sql, values, read).await?);
    }
    Ok(found)
}

/// An email of a thread that left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadEntry {
    /// Which enrollment.
    pub enrollment_id: EnrollmentId,
    /// Which step.
    pub step_id: StepId,
    /// Its Message-ID, without brackets.
    pub message_id: String,
    /// Its subject.
    pub subject: String,
    /// Ids of the thread before it.
    pub references: Vec<String>,
    /// When it left.
    pub sent_at: Timestamp,
}

/// The emails of these enrollments that left, oldest first: what a reply in thread refers to.
pub async fn threads(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<Vec<ThreadEntry>> {
    let mut found = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let sql = format!(
            "SELECT enrollment_id, step_id, message_id, subject, refs, sent_at FROM deliveries
             WHERE enrollment_id IN ({}) AND state = 'sent' ORDER BY sent_at, id",
            list(1, chunk.len())
        );
        let entries = tx
            .all(&sql, ids(chunk), |row| {
                Ok(ThreadEntry {
                    enrollment_id: row.id("enrollment_id")?,
                    step_id: row.id("step_id")?,
                    message_id: row.text("message_id")?,
                    subject: row.text("subject")?,
                    references: row.json("refs")?,
                    sent_at: row.time("sent_at")?,
                })
            })
            .await?;
        found.extend(entries);
    }
    Ok(found)
}

/// First and last hand-over to each of these people, over all enrollments; who was never written to is left out.
pub async fn sent_spans(tx: &mut Tx, people: &[PersonId]) -> Result<HashMap<PersonId, (Timestamp, Timestamp)>> {
    let mut found = HashMap::new();
    for chunk in people.chunks(CHUNK) {
        let sql = format!(
            "SELECT person_id, MIN(sent_at) AS first_at, MAX(sent_at) AS last_at FROM deliveries
             WHERE person_id IN ({}) AND state = 'sent' GROUP BY person_id",
            list(1, chunk.len())
        );
        let read = |row: &Row| Ok((row.id("person_id")?, (row.time("first_at")?, row.time("last_at")?)));
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}

/// Cancels what has not passed the point of no return; the ids cancelled. What is leaving stays: name it.
pub async fn cancel_open_of_enrollments(
    tx: &mut Tx,
    enrollments: &[EnrollmentId],
    now: Timestamp,
) -> Result<Vec<DeliveryId>> {
    let mut cancelled = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let lock = tx.for_update();
        let sql = format!(
            "UPDATE deliveries SET state = 'cancelled', epoch = NULL, until_at = NULL, updated_at = $1
             WHERE id IN (SELECT id FROM deliveries WHERE enrollment_id IN ({})
                AND state IN ('planned', 'claimed', 'deferred') ORDER BY id{lock})
             RETURNING id",
            list(2, chunk.len())
        );
        let mut values = args![now];
        values.extend(ids(chunk));
        cancelled.extend(tx.all(&sql, values, |row| row.id::<DeliveryId>("id")).await?);
    }
    Ok(cancelled)
}

/// Emails of these enrollments that are past the point of no return and not answered: a stop's answer names them.
pub async fn leaving_of_enrollments(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let places = list(1, chunk.len());
        let sql = format!(
            "SELECT {COLUMNS} FROM deliveries d WHERE d.enrollment_id IN ({places}) AND d.state = 'leaving' ORDER BY d.id"
        );
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}
