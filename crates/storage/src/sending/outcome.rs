//! The outcome of a group of accepted emails: delivery, next step, history and mailbox, one statement per table.

use crate::{
    error::Result,
    tx::{Tx, repeated, values},
    value::json,
};
use relance_domain::{ActivityId, DeliveryId, EnrollmentId, MailboxId, PersonId, SequenceId, StepId, Timestamp};
use std::collections::{HashMap, HashSet};

/// The step that follows, as the enrollment's row will show it.
#[derive(Debug, Clone)]
pub struct NextStep {
    /// Which step.
    pub step_id: StepId,
    /// `automated_email`, `manual_email` or `task`.
    pub action: &'static str,
    /// Its position from 1.
    pub position: usize,
    /// When it is due; also when the engine looks at it next.
    pub due: Timestamp,
}

/// An accepted email: everything its outcome writes.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Which email.
    pub delivery_id: DeliveryId,
    /// Of which enrollment.
    pub enrollment_id: EnrollmentId,
    /// To whom.
    pub person_id: PersonId,
    /// In which sequence.
    pub sequence_id: SequenceId,
    /// From which mailbox.
    pub mailbox_id: MailboxId,
    /// The enrollment's revision as the point of no return left it.
    pub revision: i64,
    /// When it was accepted.
    pub at: Timestamp,
    /// The server's answer.
    pub smtp_reply: String,
    /// Steps done, this one included.
    pub done_steps: Vec<StepId>,
    /// What follows; `None` at the end of the sequence.
    pub next: Option<NextStep>,
    /// The id of its row in the history.
    pub activity_id: ActivityId,
    /// Its line in the history.
    pub summary: String,
    /// What held it until then and what was compared: its explanation once it has left.
    pub detail: serde_json::Value,
    /// When the mailbox may send again.
    pub next_slot_at: Timestamp,
}

/// The outcome of a group of accepted emails. `false` for those whose enrollment moved on since they left: the delivery
/// and the history are written, the enrollment's next step is the caller's to work out.
pub async fn sent(tx: &mut Tx, group: &[Sent]) -> Result<Vec<bool>> {
    if group.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Vec::with_capacity(group.len() * 4);
    for sent in repeated(group) {
        args.extend(crate::args![sent.delivery_id, sent.at, &sent.smtp_reply]);
    }
    let sql = format!(
        "WITH v (id, at, smtp_reply) AS (VALUES {})
        UPDATE deliveries SET state = 'sent', epoch = NULL, sent_at = v.at, smtp_reply = v.smtp_reply, updated_at = v.at,
            attempts = attempts + 1
        FROM v WHERE deliveries.id = v.id AND deliveries.state IN ('leaving', 'uncertain')",
        values(1, args.len() / 3, 3)
    );
    tx.execute(&sql, args).await?;
    let moved = advance(tx, group).await?;
    insert_history(tx, group).await?;
    touch_mailboxes(tx, group).await?;
    Ok(group.iter().map(|sent| moved.contains(&sent.enrollment_id)).collect())
}

/// Moves the enrollments that nobody touched since they left to their next step, or finishes them.
async fn advance(tx: &mut Tx, group: &[Sent]) -> Result<HashSet<EnrollmentId>> {
    let mut args = Vec::with_capacity(group.len() * 16);
    for sent in repeated(group) {
        let next = sent.next.as_ref();
        args.extend(crate::args![
            sent.enrollment_id,
            sent.revision,
            if next.is_some() { "active" } else { "finished" },
            next.map(|next| next.step_id),
            next.map(|next| next.action),
            next.map_or(0, |next| next.position),
            next.map(|next| next.due),
            if next.is_some() { None } else { Some("completed") },
            if next.is_some() { None } else { Some(sent.at) },
            json(&sent.done_steps),
            sent.done_steps.len(),
            sent.at,
        ]);
    }
    let sql = format!(
        "WITH v (id, revision, state, step_id, step_action, position, due_at, finished_reason, finished_at, done_steps,
            steps_done, at) AS (VALUES {})
        UPDATE enrollments SET state = v.state, step_id = v.step_id, step_action = v.step_action, position = v.position,
            due_at = v.due_at, wake_at = v.due_at, finished_reason = v.finished_reason, finished_at = v.finished_at,
            done_steps = v.done_steps, steps_done = v.steps_done, emails_sent = emails_sent + 1, moved_by_hand = FALSE,
            last_step_at = v.at, revision = enrollments.revision + 1, updated_at = v.at
        FROM v WHERE enrollments.id = v.id AND enrollments.revision = v.revision AND enrollments.state = 'active'
        RETURNING enrollments.id AS id",
        values(1, args.len() / 12, 12)
    );
    Ok(tx.all(&sql, args, |row| row.id("id")).await?.into_iter().collect())
}

async fn insert_history(tx: &mut Tx, group: &[Sent]) -> Result<()> {
    let mut args = Vec::with_capacity(group.len() * 12);
    for sent in repeated(group) {
        args.extend(crate::args![
            sent.activity_id,
            sent.at,
            sent.person_id,
            "email_sent",
            sent.sequence_id,
            sent.enrollment_id,
            sent.delivery_id,
            &sent.summary,
            sent.detail.to_string(),
        ]);
    }
    let sql = format!(
        "INSERT INTO activities (id, at, person_id, kind, sequence_id, enrollment_id, delivery_id, summary, detail)
        VALUES {} ON CONFLICT (id) DO NOTHING",
        values(1, args.len() / 9, 9)
    );
    tx.execute(&sql, args).await?;
    Ok(())
}

async fn touch_mailboxes(tx: &mut Tx, group: &[Sent]) -> Result<()> {
    let mut last: HashMap<MailboxId, (Timestamp, Timestamp)> = HashMap::new();
    for sent in group {
        let entry = last.entry(sent.mailbox_id).or_insert((sent.at, sent.next_slot_at));
        *entry = (entry.0.max(sent.at), entry.1.max(sent.next_slot_at));
    }
    let mut rows: Vec<_> = last.into_iter().collect();
    rows.sort();
    let mut args = Vec::with_capacity(rows.len() * 4);
    for (mailbox, (at, next_slot)) in repeated(&rows) {
        args.extend(crate::args![*mailbox, *at, *next_slot]);
    }
    let sql = format!(
        "WITH v (id, at, next_slot_at) AS (VALUES {})
        UPDATE mailboxes SET last_sent_at = v.at, next_slot_at = v.next_slot_at FROM v WHERE mailboxes.id = v.id",
        values(1, args.len() / 3, 3)
    );
    tx.execute(&sql, args).await?;
    Ok(())
}
