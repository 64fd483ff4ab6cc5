//! The hot path of sending, set-based: claim, the point of no return, and the outcome.
//!
//! Each function works on a group of emails of many mailboxes with one statement per table, so that one fsync serves
//! them all (`engine.md` §4). [`leave`] compares and decides nothing anew; what it holds back comes with the reason.

use crate::{
    error::Result,
    tx::{Tx, list, values},
    value::{Value, json},
};
use relance_domain::{
    ActivityId, DeliveryId, EnrollmentId, MailboxId, PersonId, SequenceId, StepId, Timestamp, delivery::Delivery,
};
use std::collections::{HashMap, HashSet};

/// Stores the rendered words of due emails as `Claimed` under `epoch`; the ids that are now ours.
///
/// A delivery that has left meanwhile, or was cancelled, is not claimed and missing from the answer.
pub async fn claim(tx: &mut Tx, epoch: i64, claims: &[(&Delivery, &[u8])], now: Timestamp) -> Result<Vec<DeliveryId>> {
    let mut claimed = Vec::with_capacity(claims.len());
    for chunk in claims.chunks(100) {
        let mut args: Vec<Value> = Vec::with_capacity(chunk.len() * 18);
        for (delivery, raw) in chunk {
            args.extend(crate::args![
                delivery.id,
                delivery.enrollment_id,
                delivery.person_id,
                delivery.step_id,
                delivery.generation,
                delivery.mailbox_id,
                "claimed",
                epoch,
                delivery.attempts,
                &delivery.message_id,
                &delivery.recipient,
                &delivery.subject,
                &delivery.html,
                &delivery.text,
                delivery.in_reply_to.as_deref(),
                json(&delivery.references),
                *raw,
                now,
                now,
            ]);
        }
        let sql = format!(
            "INSERT INTO deliveries (id, enrollment_id, person_id, step_id, generation, mailbox_id, state, epoch,
                attempts, message_id, recipient, subject, html, text, in_reply_to, refs, raw, created_at, updated_at)
            VALUES {}
            ON CONFLICT (enrollment_id, step_id, generation) DO UPDATE SET state = 'claimed', epoch = excluded.epoch,
                mailbox_id = excluded.mailbox_id, until_at = NULL, recipient = excluded.recipient,
                subject = excluded.subject, html = excluded.html, text = excluded.text,
                in_reply_to = excluded.in_reply_to, refs = excluded.refs, raw = excluded.raw,
                updated_at = excluded.updated_at
            WHERE deliveries.state IN ('planned', 'deferred', 'claimed')
            RETURNING id",
            values(1, chunk.len(), 19)
        );
        claimed.extend(tx.all(&sql, args, |row| row.id::<DeliveryId>("id")).await?);
    }
    Ok(claimed)
}

/// One email that is about to leave, with everything the point of no return compares.
#[derive(Debug, Clone)]
pub struct Leave {
    /// Which email.
    pub delivery_id: DeliveryId,
    /// Of which enrollment.
    pub enrollment_id: EnrollmentId,
    /// The enrollment's revision when it was decided.
    pub revision: i64,
    /// From which mailbox.
    pub mailbox_id: MailboxId,
    /// The mailbox's revision when it was decided.
    pub mailbox_revision: i64,
    /// The lease epoch it was claimed with.
    pub epoch: i64,
    /// The mailbox's local date, whose quota it takes (`2026-11-24`).
    pub day: String,
    /// The workspace's revision when it was decided.
    pub workspace_revision: i64,
}

/// Why an email was held back at the point of no return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The lease of the mailbox is no longer ours.
    LeaseLost,
    /// The mailbox was paused, changed or removed.
    MailboxChanged,
    /// All sending was stopped.
    WorkspaceChanged,
    /// The enrollment was stopped, paused or changed, or the email is no longer claimed by us.
    EnrollmentChanged,
    /// The quota of the day is used up.
    QuotaReached,
}

/// The point of no return for a group: locks, compares, takes the quota, marks as `Leaving`. One answer per email, in order.
///
/// `now` is business time, `system_now` the system's, from which the resolver counts.
pub async fn leave(
    tx: &mut Tx,
    leaves: &[Leave],
    now: Timestamp,
    system_now: Timestamp,
) -> Result<Vec<std::result::Result<(), Held>>> {
    let workspace = workspace_revision(tx).await?;
    let leases = live_leases(tx, leaves).await?;
    let mailboxes = mailbox_revisions(tx, leaves).await?;
    let enrollments = claimed_revisions(tx, leaves).await?;
    let mut answers: Vec<std::result::Result<(), Held>> = leaves
        .iter()
        .map(|leave| {
            if workspace != Some(leave.workspace_revision) {
                Err(Held::WorkspaceChanged)
            } else if leases.get(&leave.mailbox_id) != Some(&leave.epoch) {
                Err(Held::LeaseLost)
            } else if mailboxes.get(&leave.mailbox_id).map(|(revision, _)| *revision) != Some(leave.mailbox_revision) {
                Err(Held::MailboxChanged)
            } else if enrollments.get(&leave.delivery_id) != Some(&(leave.revision, leave.epoch)) {
                Err(Held::EnrollmentChanged)
            } else {
                Ok(())
            }
        })
        .collect();
    take_quota(tx, leaves, &mailboxes, &mut answers).await?;
    let going: Vec<&Leave> = leaves.iter().zip(&answers).filter(|(_, ok)| ok.is_ok()).map(|(leave, _)| leave).collect();
    mark_leaving(tx, &going, now, system_now).await?;
    Ok(answers)
}

/// The revision of a workspace that is not stopped.
async fn workspace_revision(tx: &mut Tx) -> Result<Option<i64>> {
    let sql = format!("SELECT revision FROM workspace WHERE id = 1 AND paused_at IS NULL{}", tx.for_share());
    tx.first(&sql, vec![], |row| row.int("revision")).await
}

fn ids_of(leaves: &[Leave]) -> Vec<Value> {
    let distinct: HashSet<MailboxId> = leaves.iter().map(|leave| leave.mailbox_id).collect();
    let mut ids: Vec<MailboxId> = distinct.into_iter().collect();
    ids.sort();
    ids.into_iter().map(Value::from).collect()
}

async fn live_leases(tx: &mut Tx, leaves: &[Leave]) -> Result<HashMap<MailboxId, i64>> {
    let ids = ids_of(leaves);
    let sql = format!(
        "SELECT mailbox_id, epoch FROM leases WHERE mailbox_id IN ({}) AND expires_at > {} ORDER BY mailbox_id{}",
        list(1, ids.len()),
        tx.database_now(),
        tx.for_share()
    );
    let rows = tx.all(&sql, ids, |row| Ok((row.id("mailbox_id")?, row.int("epoch")?))).await?;
    Ok(rows.into_iter().collect())
}

async fn mailbox_revisions(tx: &mut Tx, leaves: &[Leave]) -> Result<HashMap<MailboxId, (i64, i64)>> {
    let ids = ids_of(leaves);
    let sql = format!(
        "SELECT id, revision, daily_quota FROM mailboxes
        WHERE id IN ({}) AND deleted_at IS NULL AND state = 'connected' ORDER BY id{}",
        list(1, ids.len()),
        tx.for_share()
    );
    let rows = tx.all(&sql, ids, |row| Ok((row.id("id")?, (row.int("revision")?, row.int("daily_quota")?)))).await?;
    Ok(rows.into_iter().collect())
}

/// Revision and epoch of each email that is still claimed and whose enrollment is still active.
async fn claimed_revisions(tx: &mut Tx, leaves: &[Leave]) -> Result<HashMap<DeliveryId, (i64, i64)>> {
    let ids: Vec<Value> = leaves.iter().map(|leave| Value::from(leave.delivery_id)).collect();
    let sql = format!(
        "SELECT d.id AS id, e.revision AS revision, d.epoch AS epoch
        FROM deliveries d JOIN enrollments e ON e.id = d.enrollment_id
        WHERE d.id IN ({}) AND d.state = 'claimed' AND e.state = 'active' AND e.step_id = d.step_id ORDER BY e.id{}",
        list(1, ids.len()),
        tx.for_update()
    );
    let rows = tx.all(&sql, ids, |row| Ok((row.id("id")?, (row.int("revision")?, row.int("epoch")?)))).await?;
    Ok(rows.into_iter().collect())
}

/// Takes one unit per email from its mailbox's day; what no longer fits is held with `QuotaReached`.
async fn take_quota(
    tx: &mut Tx,
    leaves: &[Leave],
    mailboxes: &HashMap<MailboxId, (i64, i64)>,
    answers: &mut [std::result::Result<(), Held>],
) -> Result<()> {
    let mut days: Vec<(MailboxId, &str)> = leaves
        .iter()
        .zip(answers.iter())
        .filter(|(_, ok)| ok.is_ok())
        .map(|(l, _)| (l.mailbox_id, l.day.as_str()))
        .collect();
    days.sort();
    days.dedup();
    if days.is_empty() {
        return Ok(());
    }
    let mut args = Vec::new();
    for (mailbox, day) in &days {
        args.extend(crate::args![*mailbox, *day, 0_i64]);
    }
    let sql = format!(
        "INSERT INTO mailbox_days (mailbox_id, day, used) VALUES {}
        ON CONFLICT (mailbox_id, day) DO UPDATE SET used = mailbox_days.used RETURNING mailbox_id, day, used",
        values(1, days.len(), 3)
    );
    let rows =
        tx.all(&sql, args, |row| Ok((row.id::<MailboxId>("mailbox_id")?, row.text("day")?, row.int("used")?))).await?;
    let mut used: HashMap<(MailboxId, String), i64> =
        rows.into_iter().map(|(id, day, used)| ((id, day), used)).collect();
    let before = used.clone();
    for (leave, answer) in leaves.iter().zip(answers.iter_mut()).filter(|(_, answer)| answer.is_ok()) {
        let quota = mailboxes.get(&leave.mailbox_id).map_or(0, |(_, quota)| *quota);
        let taken = used.entry((leave.mailbox_id, leave.day.clone())).or_default();
        if *taken < quota { *taken += 1 } else { *answer = Err(Held::QuotaReached) }
    }
    let mut args = Vec::new();
    for ((mailbox, day), count) in used.iter().filter(|(key, count)| before.get(*key) != Some(*count)) {
        args.extend(crate::args![*mailbox, day, *count]);
    }
    if args.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "WITH v (mailbox_id, day, used) AS (VALUES {})
        UPDATE mailbox_days SET used = v.used FROM v
        WHERE mailbox_days.mailbox_id = v.mailbox_id AND mailbox_days.day = v.day",
        values(1, args.len() / 3, 3)
    );
    tx.execute(&sql, args).await?;
    Ok(())
}

async fn mark_leaving(tx: &mut Tx, going: &[&Leave], now: Timestamp, system_now: Timestamp) -> Result<()> {
    if going.is_empty() {
        return Ok(());
    }
    let mut args = crate::args![now];
    args.extend(going.iter().map(|leave| Value::from(leave.enrollment_id)));
    let sql = format!(
        "UPDATE enrollments SET revision = revision + 1, updated_at = $1 WHERE id IN ({})",
        list(2, going.len())
    );
    tx.execute(&sql, args).await?;
    let mut args = crate::args![now, system_now];
    args.extend(going.iter().map(|leave| Value::from(leave.delivery_id)));
    let sql = format!(
        "UPDATE deliveries SET state = 'leaving', leaving_at = $1, leaving_system_at = $2, updated_at = $1
        WHERE id IN ({})",
        list(3, going.len())
    );
    tx.execute(&sql, args).await?;
    Ok(())
}

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
    /// When the mailbox may send again.
    pub next_slot_at: Timestamp,
}

/// The outcome of a group of accepted emails. `false` for those whose enrollment moved on since they left: the delivery
/// and the history are written, the enrollment's next step is the caller's to work out.
pub async fn sent(tx: &mut Tx, group: &[Sent]) -> Result<Vec<bool>> {
    if group.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Vec::with_capacity(group.len() * 3);
    for sent in group {
        args.extend(crate::args![sent.delivery_id, sent.at, &sent.smtp_reply]);
    }
    let sql = format!(
        "WITH v (id, at, smtp_reply) AS (VALUES {})
        UPDATE deliveries SET state = 'sent', epoch = NULL, sent_at = v.at, smtp_reply = v.smtp_reply, updated_at = v.at,
            attempts = attempts + 1
        FROM v WHERE deliveries.id = v.id AND deliveries.state IN ('leaving', 'uncertain')",
        values(1, group.len(), 3)
    );
    tx.execute(&sql, args).await?;
    let moved = advance(tx, group).await?;
    insert_history(tx, group).await?;
    touch_mailboxes(tx, group).await?;
    Ok(group.iter().map(|sent| moved.contains(&sent.enrollment_id)).collect())
}

/// Moves the enrollments that nobody touched since they left to their next step, or finishes them.
async fn advance(tx: &mut Tx, group: &[Sent]) -> Result<HashSet<EnrollmentId>> {
    let mut args = Vec::with_capacity(group.len() * 14);
    for sent in group {
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
        values(1, group.len(), 12)
    );
    Ok(tx.all(&sql, args, |row| row.id("id")).await?.into_iter().collect())
}

async fn insert_history(tx: &mut Tx, group: &[Sent]) -> Result<()> {
    let mut args = Vec::with_capacity(group.len() * 9);
    for sent in group {
        args.extend(crate::args![
            sent.activity_id,
            sent.at,
            sent.person_id,
            "email_sent",
            sent.sequence_id,
            sent.enrollment_id,
            sent.delivery_id,
            &sent.summary,
            "{}",
        ]);
    }
    let sql = format!(
        "INSERT INTO activities (id, at, person_id, kind, sequence_id, enrollment_id, delivery_id, summary, detail)
        VALUES {}",
        values(1, group.len(), 9)
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
    let mut args = Vec::with_capacity(rows.len() * 3);
    for (mailbox, (at, next_slot)) in &rows {
        args.extend(crate::args![*mailbox, *at, *next_slot]);
    }
    let sql = format!(
        "WITH v (id, at, next_slot_at) AS (VALUES {})
        UPDATE mailboxes SET last_sent_at = v.at, next_slot_at = v.next_slot_at FROM v WHERE mailboxes.id = v.id",
        values(1, rows.len(), 3)
    );
    tx.execute(&sql, args).await?;
    Ok(())
}

/// The delivery of the current step, latest generation, of each of these enrollments that has one.
pub async fn current_deliveries(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Delivery>> {
    let mut found = HashMap::new();
    for chunk in enrollments.chunks(500) {
        let sql = format!(
            "SELECT {} FROM deliveries d JOIN enrollments e ON e.id = d.enrollment_id AND e.step_id = d.step_id
            WHERE d.enrollment_id IN ({}) ORDER BY d.enrollment_id, d.generation",
            crate::deliveries::COLUMNS,
            list(1, chunk.len())
        );
        let args = chunk.iter().map(|id| Value::from(*id)).collect();
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
}

/// The emails that were sent in each of these enrollments, oldest first.
pub async fn threads(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Vec<InThread>>> {
    let mut found: HashMap<EnrollmentId, Vec<InThread>> = HashMap::new();
    for chunk in enrollments.chunks(500) {
        let sql = format!(
            "SELECT enrollment_id, message_id, subject FROM deliveries
            WHERE enrollment_id IN ({}) AND state = 'sent' ORDER BY enrollment_id, sent_at, id",
            list(1, chunk.len())
        );
        let args = chunk.iter().map(|id| Value::from(*id)).collect();
        let rows = tx
            .all(&sql, args, |row| {
                let entry = InThread { message_id: row.text("message_id")?, subject: row.text("subject")? };
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
        let mut args = Vec::with_capacity(chunk.len() * 3);
        for (id, revision, wake_at) in chunk {
            args.extend(crate::args![*id, *revision, *wake_at]);
        }
        let sql = format!(
            "WITH v (id, revision, wake_at) AS (VALUES {})
            UPDATE enrollments SET wake_at = v.wake_at FROM v
            WHERE enrollments.id = v.id AND enrollments.revision = v.revision AND enrollments.state <> 'finished'",
            values(1, chunk.len(), 3)
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
        tx.for_update()
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
