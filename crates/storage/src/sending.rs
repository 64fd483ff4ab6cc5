//! The hot path of sending, set-based: claim, the point of no return, and the outcome.
//!
//! Each function works on a group of emails of many mailboxes with one statement per table, so that one fsync serves
//! them all (`engine.md` §4). [`leave`] compares and decides nothing anew; what it holds back comes with the reason.

mod outcome;
mod rest;

pub use outcome::{NextStep, Sent, sent};
pub use rest::{
    InThread, MailboxAtRest, current_deliveries, deferred_since, lock_mailbox, set_wakes, threads, wake_at,
};

use crate::{
    error::Result,
    tx::{Tx, list, repeated, values},
    value::{Row, Value, json},
};
use relance_domain::{DeliveryId, EnrollmentId, MailboxId, Timestamp, delivery::Delivery, mailbox::RampUp};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Stores the rendered words of due emails as `Claimed` under `epoch`; the ids that are now ours.
///
/// A delivery that has left meanwhile, or was cancelled, is not claimed and missing from the answer.
pub async fn claim(tx: &mut Tx, epoch: i64, claims: &[(&Delivery, &[u8])], now: Timestamp) -> Result<Vec<DeliveryId>> {
    let mut claimed = Vec::with_capacity(claims.len());
    for chunk in claims.chunks(100) {
        let mut args: Vec<Value> = Vec::with_capacity(chunk.len() * 20);
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
                json(&delivery.attachments),
                delivery.in_reply_to.as_deref(),
                json(&delivery.references),
                *raw,
                now,
                now,
            ]);
        }
        let sql = format!(
            "INSERT INTO deliveries (id, enrollment_id, person_id, step_id, generation, mailbox_id, state, epoch,
                attempts, message_id, recipient, subject, html, text, attachments, in_reply_to, refs, raw,
                created_at, updated_at)
            VALUES {}
            ON CONFLICT (enrollment_id, step_id, generation) DO UPDATE SET state = 'claimed', epoch = excluded.epoch,
                mailbox_id = excluded.mailbox_id, until_at = NULL, recipient = excluded.recipient,
                subject = excluded.subject, html = excluded.html, text = excluded.text,
                attachments = excluded.attachments,
                in_reply_to = excluded.in_reply_to, refs = excluded.refs, raw = excluded.raw,
                updated_at = excluded.updated_at
            WHERE deliveries.state IN ('planned', 'deferred', 'claimed')
            RETURNING id",
            values(1, chunk.len(), 20)
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

/// What the point of no return says to one email.
pub type Answer = std::result::Result<(), Held>;

/// The point of no return for a group: locks, compares, takes the quota, marks as `Leaving`. One answer per email, in order.
///
/// `now` is business time, `system_now` the system's, from which the resolver counts.
pub async fn leave(tx: &mut Tx, leaves: &[Leave], now: Timestamp, system_now: Timestamp) -> Result<Vec<Answer>> {
    let workspace = workspace_revision(tx).await?;
    let leases = live_leases(tx, leaves).await?;
    let mailboxes = mailbox_revisions(tx, leaves).await?;
    let enrollments = claimed_revisions(tx, leaves).await?;
    let mut answers: Vec<Answer> = leaves
        .iter()
        .map(|leave| {
            if workspace != Some(leave.workspace_revision) {
                Err(Held::WorkspaceChanged)
            } else if leases.get(&leave.mailbox_id) != Some(&leave.epoch) {
                Err(Held::LeaseLost)
            } else if mailboxes.get(&leave.mailbox_id).map(|of| of.revision) != Some(leave.mailbox_revision) {
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
    let sql = format!("SELECT revision FROM workspace WHERE id = 1 AND paused_at IS NULL{}", tx.for_key_share());
    tx.first(&sql, vec![], |row| row.int("revision")).await
}

fn ids_of(leaves: &[Leave]) -> Vec<Value> {
    let distinct: HashSet<MailboxId> = leaves.iter().map(|leave| leave.mailbox_id).collect();
    let mut ids: Vec<MailboxId> = distinct.into_iter().collect();
    ids.sort();
    repeated(&ids).copied().map(Value::from).collect()
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

/// What the point of no return compares of a mailbox that may send.
struct Sending {
    revision: i64,
    daily_quota: u32,
    ramp_up: Option<RampUp>,
}

impl Sending {
    /// How many may leave on this day: the rule is the domain's.
    fn quota_on(&self, day: &str) -> i64 {
        let of_day = |ramp_up: RampUp| Some(ramp_up.quota_on(day.parse().ok()?).min(self.daily_quota));
        self.ramp_up.map_or(Some(self.daily_quota), of_day).unwrap_or(0).into()
    }
}

async fn mailbox_revisions(tx: &mut Tx, leaves: &[Leave]) -> Result<HashMap<MailboxId, Sending>> {
    let ids = ids_of(leaves);
    let sql = format!(
        "SELECT id, revision, daily_quota, ramp_up FROM mailboxes
        WHERE id IN ({}) AND deleted_at IS NULL AND state = 'connected' AND compare_from IS NULL
        ORDER BY id{}",
        list(1, ids.len()),
        tx.for_key_share()
    );
    let read = |row: &Row| -> Result<(MailboxId, Sending)> {
        let (revision, daily_quota) = (row.int("revision")?, row.count("daily_quota")?);
        Ok((row.id("id")?, Sending { revision, daily_quota, ramp_up: row.json_opt("ramp_up")? }))
    };
    Ok(tx.all(&sql, ids, read).await?.into_iter().collect())
}

/// Revision and epoch of each email that is still claimed and whose enrollment is still active.
async fn claimed_revisions(tx: &mut Tx, leaves: &[Leave]) -> Result<HashMap<DeliveryId, (i64, i64)>> {
    let ids: Vec<Value> = repeated(leaves).map(|leave| Value::from(leave.delivery_id)).collect();
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
    mailboxes: &HashMap<MailboxId, Sending>,
    answers: &mut [Answer],
) -> Result<()> {
    let mut wanted: BTreeMap<(MailboxId, &str), i64> = BTreeMap::new();
    for (leave, _) in leaves.iter().zip(answers.iter()).filter(|(_, answer)| answer.is_ok()) {
        *wanted.entry((leave.mailbox_id, &leave.day)).or_default() += 1;
    }
    let quota_of = |mailbox: MailboxId, day: &str| mailboxes.get(&mailbox).map_or(0, |of| of.quota_on(day));
    // The statement knows daily quotas alone: what warms up takes what is left of its day, below.
    let is_plain = |mailbox: &MailboxId| mailboxes.get(mailbox).is_some_and(|of| of.ramp_up.is_none());
    let mut args = Vec::with_capacity(wanted.len() * 3);
    let fits = |(mailbox, day): &(MailboxId, &str), number: i64| is_plain(mailbox) && number <= quota_of(*mailbox, day);
    for ((mailbox, day), number) in wanted.iter().filter(|(place, number)| fits(place, **number)) {
        args.extend(crate::args![*mailbox, *day, *number]);
    }
    if !args.is_empty() {
        let sql = format!(
            "INSERT INTO mailbox_days (mailbox_id, day, used) VALUES {}
            ON CONFLICT (mailbox_id, day) DO UPDATE SET used = mailbox_days.used + excluded.used
            WHERE mailbox_days.used + excluded.used <=
                (SELECT m.daily_quota FROM mailboxes m WHERE m.id = mailbox_days.mailbox_id)
            RETURNING mailbox_id, day",
            values(1, args.len() / 3, 3)
        );
        let taken = tx.all(&sql, args, |row| Ok((row.id::<MailboxId>("mailbox_id")?, row.text("day")?))).await?;
        wanted.retain(|(mailbox, day), _| !taken.iter().any(|(id, of)| id == mailbox && of == day));
    }
    // Where not all fit, the first ones get what is left.
    for ((mailbox, day), number) in wanted {
        let left = take_what_is_left(tx, mailbox, day, number, quota_of(mailbox, day)).await?;
        let of_day = |leave: &Leave| leave.mailbox_id == mailbox && leave.day == day;
        let over = leaves.iter().zip(answers.iter_mut()).filter(|(leave, answer)| answer.is_ok() && of_day(leave));
        for (_, answer) in over.skip(left) {
            *answer = Err(Held::QuotaReached);
        }
    }
    Ok(())
}

/// Takes up to `number` units of a day; how many were left.
async fn take_what_is_left(tx: &mut Tx, mailbox: MailboxId, day: &str, number: i64, quota: i64) -> Result<usize> {
    let sql = "INSERT INTO mailbox_days (mailbox_id, day, used) VALUES ($1, $2, 0)
        ON CONFLICT (mailbox_id, day) DO UPDATE SET used = mailbox_days.used RETURNING used";
    let used = tx.one(sql, crate::args![mailbox, day], |row| row.int("used")).await?;
    let taken = (quota - used).clamp(0, number);
    let sql = "UPDATE mailbox_days SET used = used + $3 WHERE mailbox_id = $1 AND day = $2";
    tx.execute(sql, crate::args![mailbox, day, taken]).await?;
    Ok(usize::try_from(taken).unwrap_or(0))
}

async fn mark_leaving(tx: &mut Tx, going: &[&Leave], now: Timestamp, system_now: Timestamp) -> Result<()> {
    if going.is_empty() {
        return Ok(());
    }
    let mut args = crate::args![now];
    args.extend(repeated(going).map(|leave| Value::from(leave.enrollment_id)));
    let sql = format!(
        "UPDATE enrollments SET revision = revision + 1, updated_at = $1 WHERE id IN ({})",
        list(2, args.len() - 1)
    );
    tx.execute(&sql, args).await?;
    let mut args = crate::args![now, system_now];
    args.extend(repeated(going).map(|leave| Value::from(leave.delivery_id)));
    let sql = format!(
        "UPDATE deliveries SET state = 'leaving', leaving_at = $1, leaving_system_at = $2, updated_at = $1
        WHERE id IN ({})",
        list(3, args.len() - 2)
    );
    tx.execute(&sql, args).await?;
    Ok(())
}
