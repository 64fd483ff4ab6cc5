//! Changes of many enrollments in one statement: ends, blocks of a mailbox, quota slots, releases, raised revisions.
//!
//! Rows are locked in the order of their ids, so that two such changes cannot hold each other up. Each follows a
//! transition of `domain::enrollment::State::after`, which is its test. Every one that must keep an email from leaving
//! raises revisions; the rows changed come back for the activity feed.

use crate::{
    Result, Row, Tx, Value, args,
    conditions::{CHUNK, ids},
    enrollment_due::{DUE_EMAIL, SLOT_ORDER, not_leaving},
    tx::{list, values},
    value::json,
};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, Timestamp, UserId,
    enrollment::{BlockReason, FinishReason, PausedBy},
    quota::QuotaSlot,
};

/// An enrollment that a statement changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    /// Which one.
    pub id: EnrollmentId,
    /// Whose.
    pub person_id: PersonId,
    /// In which sequence.
    pub sequence_id: SequenceId,
    /// From which mailbox.
    pub mailbox_id: Option<MailboxId>,
    /// On whose behalf.
    pub actor_id: UserId,
}

const TOUCHED: &str = "id, person_id, sequence_id, mailbox_id, actor_id";

fn read(row: &Row) -> Result<Touched> {
    Ok(Touched {
        id: row.id("id")?,
        person_id: row.id("person_id")?,
        sequence_id: row.id("sequence_id")?,
        mailbox_id: row.id_opt("mailbox_id")?,
        actor_id: row.id("actor_id")?,
    })
}

/// `UPDATE enrollments SET {set} WHERE id IN (rows that hold {which}, locked in order)`.
pub(crate) async fn update(tx: &mut Tx, set: &str, which: &str, values: Vec<Value>) -> Result<Vec<Touched>> {
    let lock = tx.for_update();
    let sql = format!(
        "UPDATE enrollments SET {set} WHERE id IN (SELECT id FROM enrollments WHERE {which} ORDER BY id{lock})
         RETURNING {TOUCHED}"
    );
    tx.all(&sql, values, read).await
}

const END: &str = "state = 'finished', step_id = NULL, step_action = NULL, position = 0, due_at = NULL, wake_at = NULL, \
    paused_until = NULL, paused_by = NULL, blocked_reason = NULL, blocked_detail = NULL, resumes_at = NULL, \
    finished_reason = $1, finished_by = $2, finished_at = $3, moved_by_hand = FALSE, revision = revision + 1, \
    updated_at = $3";

/// An end: why, by whom and when.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// Why.
    pub reason: &'a FinishReason,
    /// Who did it, if someone did.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

impl End<'_> {
    fn values(self) -> Vec<Value> {
        let by = match self.reason {
            FinishReason::Stopped { by } => by.or(self.by),
            _ => self.by,
        };
        args![self.reason.code(), by, self.at]
    }
}

/// Ends every unfinished enrollment of a person.
pub async fn end_all_of_person(tx: &mut Tx, person: PersonId, end: End<'_>) -> Result<Vec<Touched>> {
    let mut values = end.values();
    values.push(person.into());
    update(tx, END, "person_id = $4 AND state <> 'finished'", values).await
}

/// Ends every unfinished enrollment of these people.
pub async fn end_all_of_people(tx: &mut Tx, people: &[PersonId], end: End<'_>) -> Result<Vec<Touched>> {
    let mut ended = Vec::new();
    for chunk in people.chunks(CHUNK) {
        let mut values = end.values();
        values.extend(ids(chunk));
        let which = format!("person_id IN ({}) AND state <> 'finished'", list(4, chunk.len()));
        ended.extend(update(tx, END, &which, values).await?);
    }
    Ok(ended)
}

/// Ends these enrollments; those that are finished already are left out.
pub async fn end_many(tx: &mut Tx, enrollments: &[EnrollmentId], end: End<'_>) -> Result<Vec<Touched>> {
    let mut ended = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let mut values = end.values();
        values.extend(ids(chunk));
        let which = format!("id IN ({}) AND state <> 'finished'", list(4, chunk.len()));
        ended.extend(update(tx, END, &which, values).await?);
    }
    Ok(ended)
}

/// Ends up to `limit` unfinished enrollments of a sequence; fewer than `limit` = all are ended.
pub async fn end_some_of_sequence(tx: &mut Tx, sequence: SequenceId, limit: u32, end: End<'_>) -> Result<Vec<Touched>> {
    let mut values = end.values();
    values.extend(args![sequence, limit]);
    let which = "id IN (SELECT id FROM enrollments WHERE sequence_id = $4 AND state <> 'finished'
        ORDER BY person_id LIMIT $5)";
    update(tx, END, which, values).await
}

/// Blocks every due email of a mailbox for one reason, but not those that are leaving.
pub async fn block_mailbox(
    tx: &mut Tx,
    mailbox: MailboxId,
    reason: &BlockReason,
    now: Timestamp,
) -> Result<Vec<Touched>> {
    let mut values = args![reason.code()];
    values.push(json(reason));
    values.extend(args![now, mailbox]);
    let set = "state = 'blocked', blocked_reason = $1, blocked_detail = $2, resumes_at = NULL, wake_at = NULL,
        revision = revision + 1, updated_at = $3";
    let which = format!("mailbox_id = $4 AND {DUE_EMAIL} AND wake_at <= $3 AND {}", not_leaving("enrollments"));
    update(tx, set, &which, values).await
}

const RELEASE: &str = "state = 'active', blocked_reason = NULL, blocked_detail = NULL, resumes_at = NULL, \
    due_at = CASE WHEN due_at > $1 THEN due_at ELSE $1 END, wake_at = CASE WHEN due_at > $1 THEN due_at ELSE $1 END, \
    updated_at = $1";

/// Releases the enrollments of a mailbox that are blocked with one of these codes.
pub async fn release_mailbox(tx: &mut Tx, mailbox: MailboxId, codes: &[&str], now: Timestamp) -> Result<Vec<Touched>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = args![now, mailbox];
    values.extend(codes.iter().map(|code| Value::from(*code)));
    let which = format!("state = 'blocked' AND mailbox_id = $2 AND blocked_reason IN ({})", list(3, codes.len()));
    update(tx, RELEASE, &which, values).await
}

/// Releases what waits for data of a person: missing merge data, or an address that was missing.
pub async fn release_missing_merge(tx: &mut Tx, person: PersonId, now: Timestamp) -> Result<Vec<Touched>> {
    release_person(tx, person, &["missing_merge_data", "no_recipient"], now).await
}

/// Releases the enrollments of a person that are blocked with one of these codes.
pub async fn release_person(tx: &mut Tx, person: PersonId, codes: &[&str], now: Timestamp) -> Result<Vec<Touched>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = args![now, person];
    values.extend(codes.iter().map(|code| Value::from(*code)));
    let which = format!("person_id = $2 AND state = 'blocked' AND blocked_reason IN ({})", list(3, codes.len()));
    update(tx, RELEASE, &which, values).await
}

/// Releases up to `limit` enrollments that are blocked with `code`, wherever they are (template corrected, retry all).
pub async fn release_some(tx: &mut Tx, code: &str, limit: u32, now: Timestamp) -> Result<Vec<Touched>> {
    let which = "id IN (SELECT id FROM enrollments WHERE state = 'blocked' AND blocked_reason = $2 LIMIT $3)";
    update(tx, RELEASE, which, args![now, code, limit]).await
}

/// Releases those of these enrollments that are blocked with `code`, raising their revisions.
pub async fn release_many(
    tx: &mut Tx,
    enrollments: &[EnrollmentId],
    code: &str,
    now: Timestamp,
) -> Result<Vec<Touched>> {
    let mut released = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let mut values = args![now, code];
        values.extend(ids(chunk));
        let which = format!("id IN ({}) AND state = 'blocked' AND blocked_reason = $2", list(3, chunk.len()));
        released.extend(update(tx, &format!("{RELEASE}, revision = revision + 1"), &which, values).await?);
    }
    Ok(released)
}

/// Blocks due emails of a mailbox that only the quota holds: one statement, each rank resumes with its slot.
///
/// Ranks count the rows of `enrollment_due::due_emails`; those in no slot stay as they are. How many were blocked.
pub async fn hold_quota(tx: &mut Tx, mailbox: MailboxId, slots: &[QuotaSlot], now: Timestamp) -> Result<u64> {
    if slots.is_empty() {
        return Ok(0);
    }
    let mut args = args![mailbox, now];
    args.push(json(&BlockReason::QuotaReached));
    for slot in slots {
        args.extend(args![slot.first, slot.last, slot.resumes_at]);
    }
    let sql = format!(
        "WITH slots (first_rank, last_rank, resumes_at) AS (VALUES {}),
            ranked AS (SELECT id, ROW_NUMBER() OVER (ORDER BY {SLOT_ORDER}) AS place FROM enrollments
                WHERE mailbox_id = $1 AND {DUE_EMAIL} AND wake_at <= $2 AND {}),
            held AS (SELECT ranked.id AS held_id, slots.resumes_at AS slot_at FROM ranked
                JOIN slots ON ranked.place BETWEEN slots.first_rank AND slots.last_rank)
         UPDATE enrollments SET state = 'blocked', blocked_reason = 'quota_reached', blocked_detail = $3,
            resumes_at = held.slot_at, wake_at = held.slot_at, revision = revision + 1, updated_at = $2
         FROM held WHERE enrollments.id = held.held_id AND enrollments.state = 'active'",
        values(4, slots.len(), 3),
        not_leaving("enrollments")
    );
    tx.execute(&sql, args).await
}

/// Releases up to `limit` emails that a quota held until now, by one statement; the mailboxes that now have something
/// to do. Fewer than `limit` rows are left to release when the answer's number is below it.
pub async fn release_quota(tx: &mut Tx, limit: u32, now: Timestamp) -> Result<(u64, Vec<MailboxId>)> {
    let which = format!(
        "id IN (SELECT id FROM enrollments WHERE wake_at IS NOT NULL AND (state <> 'active' OR step_action <> \
            'automated_email') AND wake_at <= $1 AND state = 'blocked' AND blocked_reason = 'quota_reached' \
            ORDER BY wake_at LIMIT $2{})",
        tx.for_update_skip_locked()
    );
    let lock_free =
        format!("UPDATE enrollments SET {RELEASE}, revision = revision + 1 WHERE {which} RETURNING {TOUCHED}");
    let released = tx.all(&lock_free, args![now, limit], read).await?;
    let mut mailboxes: Vec<MailboxId> = released.iter().filter_map(|row| row.mailbox_id).collect();
    mailboxes.sort();
    mailboxes.dedup();
    Ok((released.len() as u64, mailboxes))
}

/// A pause: by whom and until when.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    /// Who pauses.
    pub by: PausedBy,
    /// Until when; `None` = until someone resumes.
    pub until: Option<Timestamp>,
}

const PAUSE: &str = "state = 'paused', paused_by = $1, paused_until = $2, wake_at = $2, blocked_reason = NULL, \
    blocked_detail = NULL, resumes_at = NULL, revision = revision + 1, updated_at = $3";
const MAY_PAUSE: &str = "(state = 'active' \
    OR state = 'blocked' AND blocked_reason NOT IN ('delivery_uncertain', 'held_for_review'))";

/// Pauses every active or blocked enrollment of a person; what is uncertain or held for review stays so. A pause by an
/// automatic answer makes an earlier one of its kind longer, never shorter.
pub async fn pause_person(tx: &mut Tx, person: PersonId, pause: Pause, now: Timestamp) -> Result<Vec<Touched>> {
    let values = args![pause.by.as_str(), pause.until, now, person];
    let longer = match pause.by {
        PausedBy::AutoReply => " OR state = 'paused' AND paused_by = $1 AND paused_until < $2",
        PausedBy::Person | PausedBy::Deactivated => "",
    };
    update(tx, PAUSE, &format!("person_id = $4 AND ({MAY_PAUSE}{longer})"), values).await
}

/// Pauses up to `limit` enrollments of an actor; fewer than `limit` = all are paused.
pub async fn pause_some_of_actor(
    tx: &mut Tx,
    actor: UserId,
    pause: Pause,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Touched>> {
    let values = args![pause.by.as_str(), pause.until, now, actor, limit];
    let which = format!("id IN (SELECT id FROM enrollments WHERE actor_id = $4 AND {MAY_PAUSE} ORDER BY id LIMIT $5)");
    update(tx, PAUSE, &which, values).await
}

/// Resumes up to `limit` enrollments of an actor that `by` paused.
pub async fn resume_some_of_actor(
    tx: &mut Tx,
    actor: UserId,
    by: PausedBy,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Touched>> {
    let set = "state = 'active', paused_by = NULL, paused_until = NULL, updated_at = $1,
        due_at = CASE WHEN due_at > $1 THEN due_at ELSE $1 END, wake_at = CASE WHEN due_at > $1 THEN due_at ELSE $1 END";
    let which = "id IN (SELECT id FROM enrollments WHERE actor_id = $2 AND state = 'paused' AND paused_by = $3
        ORDER BY id LIMIT $4)";
    update(tx, set, which, args![now, actor, by.as_str(), limit]).await
}

/// Raises the revision of these enrollments: what is claimed for them does not leave.
pub async fn raise_many(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<u64> {
    let mut raised = 0;
    for chunk in enrollments.chunks(CHUNK) {
        let which = format!("id IN ({})", list(1, chunk.len()));
        raised += update(tx, "revision = revision + 1", &which, ids(chunk)).await?.len() as u64;
    }
    Ok(raised)
}

/// Raises the revision of every enrollment with an email claimed from this mailbox.
///
/// Later claims see the mailbox's own revision, which the point of no return compares too.
pub async fn raise_by_mailbox(tx: &mut Tx, mailbox: MailboxId) -> Result<Vec<Touched>> {
    let which = "id IN (SELECT enrollment_id FROM deliveries WHERE mailbox_id = $1 AND state = 'claimed')";
    update(tx, "revision = revision + 1", which, args![mailbox]).await
}

/// Raises the revision of up to `limit` enrollments with a claimed email, of any mailbox.
pub async fn raise_all(tx: &mut Tx, limit: u32) -> Result<Vec<Touched>> {
    let which = "id IN (SELECT enrollment_id FROM deliveries WHERE state = 'claimed' ORDER BY id LIMIT $1)";
    update(tx, "revision = revision + 1", which, args![limit]).await
}
