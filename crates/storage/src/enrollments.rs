//! Enrollments, row by row: `enrollments`.
//!
//! A row holds the state of `domain::enrollment`; the machine itself is there. `wake_at` is the next instant at which
//! the engine must look at a row by itself, NULL while only an event moves it. What changes many rows at once is in
//! [`crate::enrollment_sets`], lists for pages in [`crate::enrollment_views`].

use crate::{
    Result, Row, StorageError, Tx, Value, args,
    conditions::{CHUNK, ids},
    tx::{list, values},
    value::json,
};
use relance_domain::{
    EnrollmentId, MailboxId, PersonId, SequenceId, StepId, Timestamp, UserId, VersionId,
    enrollment::{BlockReason, Enrollment, FinishReason, PausedBy, State},
};

pub(crate) const COLUMNS: &str = "e.id, e.person_id, e.sequence_id, e.version_id, e.mailbox_id, e.actor_id, e.state, \
    e.step_id, e.step_action, e.position, e.due_at, e.wake_at, e.paused_until, e.paused_by, e.blocked_detail, \
    e.resumes_at, e.finished_reason, e.finished_at, e.finished_by, e.address_key, e.done_steps, e.emails_sent, \
    e.moved_by_hand, e.last_step_at, e.enrolled_at, e.revision, e.updated_at";

/// An enrollment with what storage keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEnrollment {
    /// The enrollment.
    pub enrollment: Enrollment,
    /// What the current step does (`automated_email`, `manual_email`, `task`); `None` once finished.
    pub step_action: Option<String>,
    /// Position from 1 of the current step in its version; 0 once finished.
    pub position: u32,
    /// When the engine looks at it next by itself.
    pub wake_at: Option<Timestamp>,
    /// Emails sent so far; none = the next one is a first email.
    pub emails_sent: u32,
    /// Who ended it, if someone did.
    pub finished_by: Option<UserId>,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

pub(crate) fn read(row: &Row) -> Result<StoredEnrollment> {
    let enrollment = Enrollment {
        id: row.id("id")?,
        person_id: row.id("person_id")?,
        sequence_id: row.id("sequence_id")?,
        version_id: row.id("version_id")?,
        mailbox_id: row.id_opt("mailbox_id")?,
        actor_id: row.id("actor_id")?,
        state: read_state(row)?,
        revision: row.int("revision")?,
        address_key: row.text_opt("address_key")?,
        done_steps: row.json("done_steps")?,
        moved_by_hand: row.bool("moved_by_hand")?,
        last_step_at: row.time_opt("last_step_at")?,
        enrolled_at: row.time("enrolled_at")?,
    };
    Ok(StoredEnrollment {
        enrollment,
        step_action: row.text_opt("step_action")?,
        position: row.count("position")?,
        wake_at: row.time_opt("wake_at")?,
        emails_sent: row.count("emails_sent")?,
        finished_by: row.id_opt("finished_by")?,
        updated_at: row.time("updated_at")?,
    })
}

fn read_state(row: &Row) -> Result<State> {
    let word = row.text("state")?;
    if word == "finished" {
        let by = row.id_opt("finished_by")?;
        let reason = row.word("finished_reason", |code| FinishReason::from_code(code, by))?;
        return Ok(State::Finished { reason, at: row.time("finished_at")? });
    }
    let (step, due) = (row.id("step_id")?, row.time("due_at")?);
    Ok(match word.as_str() {
        "active" => State::Active { step, due },
        "paused" => State::Paused {
            step,
            due,
            until: row.time_opt("paused_until")?,
            by: row.word("paused_by", PausedBy::parse)?,
        },
        "blocked" => State::Blocked {
            step,
            due,
            reason: row.json::<BlockReason>("blocked_detail")?,
            resumes_at: row.time_opt("resumes_at")?,
        },
        _ => return Err(StorageError::Corrupt(format!("enrollments.state = {word}"))),
    })
}

/// The word of the state in the database: `finished` where people read *completed*.
pub const fn state_word(state: &State) -> &'static str {
    match state {
        State::Active { .. } => "active",
        State::Paused { .. } => "paused",
        State::Blocked { .. } => "blocked",
        State::Finished { .. } => "finished",
    }
}

/// When the engine looks at a row in this state by itself; `waits` = an active one that only an event moves (a task).
pub const fn wake_of(state: &State, waits: bool) -> Option<Timestamp> {
    match state {
        State::Active { due, .. } if !waits => Some(*due),
        State::Paused { until, .. } => *until,
        State::Blocked { resumes_at, .. } => *resumes_at,
        State::Active { .. } | State::Finished { .. } => None,
    }
}

/// state, step_id, due_at, paused_until, paused_by, blocked_reason, blocked_detail, resumes_at, finished_reason,
/// finished_at: 10 values.
pub(crate) fn state_values(state: &State) -> Vec<Value> {
    let (mut until, mut by, mut blocked, mut resumes, mut finished, mut at) = (None, None, None, None, None, None);
    match state {
        State::Active { .. } => {}
        State::Paused { until: u, by: b, .. } => (until, by) = (*u, Some(b.as_str())),
        State::Blocked { reason, resumes_at, .. } => (blocked, resumes) = (Some(reason), *resumes_at),
        State::Finished { reason, at: a } => (finished, at) = (Some(reason.code()), Some(*a)),
    }
    let detail = blocked.map_or(Value::Text(None), json);
    let code = blocked.map(BlockReason::code);
    let mut values = args![state_word(state), state.step(), state.due(), until, by, code];
    values.push(detail);
    values.extend(args![resumes, finished, at]);
    values
}

const INSERT: &str = "INSERT INTO enrollments (id, person_id, sequence_id, version_id, mailbox_id, actor_id, state, \
    step_id, due_at, paused_until, paused_by, blocked_reason, blocked_detail, resumes_at, finished_reason, finished_at, \
    finished_by, step_action, position, wake_at, address_key, done_steps, steps_done, emails_sent, moved_by_hand, \
    last_step_at, enrolled_at, revision, updated_at) VALUES ";
const INSERT_COLUMNS: usize = 29;

fn insert_values(stored: &StoredEnrollment) -> Vec<Value> {
    let e = &stored.enrollment;
    let mut row = args![e.id, e.person_id, e.sequence_id, e.version_id, e.mailbox_id, e.actor_id];
    row.extend(state_values(&e.state));
    row.extend(args![stored.finished_by, stored.step_action.as_deref(), stored.position, stored.wake_at]);
    row.push(e.address_key.as_deref().into());
    row.push(json(&e.done_steps));
    row.extend(args![e.done_steps.len(), stored.emails_sent, e.moved_by_hand, e.last_step_at, e.enrolled_at]);
    row.extend(args![e.revision, stored.updated_at]);
    row
}

/// What became of a new enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored.
    Yes,
    /// The person has this unfinished enrollment in the sequence already.
    PersonAlready(EnrollmentId),
    /// Someone with the same address has this unfinished enrollment in the sequence already.
    AddressAlready(EnrollmentId),
}

/// Stores a new enrollment, unless the person or the address is in the sequence already.
pub async fn insert(tx: &mut Tx, stored: &StoredEnrollment) -> Result<Inserted> {
    let sql = format!("{INSERT}{} ON CONFLICT DO NOTHING", values(1, 1, INSERT_COLUMNS));
    if tx.execute(&sql, insert_values(stored)).await? > 0 {
        return Ok(Inserted::Yes);
    }
    let e = &stored.enrollment;
    let by_person = "SELECT id FROM enrollments WHERE sequence_id = $1 AND person_id = $2 AND state <> 'finished'";
    if let Some(id) = tx.first(by_person, args![e.sequence_id, e.person_id], |row| row.id("id")).await? {
        return Ok(Inserted::PersonAlready(id));
    }
    let by_address = "SELECT id FROM enrollments
        WHERE sequence_id = $1 AND address_key = $2 AND address_key IS NOT NULL AND state <> 'finished'";
    match tx.first(by_address, args![e.sequence_id, e.address_key.as_deref()], |row| row.id("id")).await? {
        Some(id) => Ok(Inserted::AddressAlready(id)),
        None => Err(StorageError::Conflict(format!("enrollments.id {}", e.id))),
    }
}

/// Stores many, leaving out whoever is in the sequence already; the ids stored.
pub async fn insert_many(tx: &mut Tx, all: &[StoredEnrollment]) -> Result<Vec<EnrollmentId>> {
    let mut stored = Vec::with_capacity(all.len());
    for chunk in all.chunks(CHUNK) {
        let rows = values(1, chunk.len(), INSERT_COLUMNS);
        let sql = format!("{INSERT}{rows} ON CONFLICT DO NOTHING RETURNING id");
        stored.extend(
            tx.all(&sql, chunk.iter().flat_map(insert_values).collect(), |row| row.id::<EnrollmentId>("id")).await?,
        );
    }
    Ok(stored)
}

/// The enrollment with this id.
pub async fn find(tx: &mut Tx, id: EnrollmentId) -> Result<Option<StoredEnrollment>> {
    tx.first(&format!("SELECT {COLUMNS} FROM enrollments e WHERE e.id = $1"), args![id], read).await
}

/// The enrollment with this id, kept from changing by others until commit.
pub async fn find_for_update(tx: &mut Tx, id: EnrollmentId) -> Result<Option<StoredEnrollment>> {
    let sql = format!("SELECT {COLUMNS} FROM enrollments e WHERE e.id = $1{}", tx.for_update());
    tx.first(&sql, args![id], read).await
}

/// The enrollments with these ids, by id; with `lock` kept from changing until commit.
pub async fn find_many(tx: &mut Tx, wanted: &[EnrollmentId], lock: bool) -> Result<Vec<StoredEnrollment>> {
    let mut found = Vec::with_capacity(wanted.len());
    for chunk in wanted.chunks(CHUNK) {
        let (places, lock) = (list(1, chunk.len()), if lock { tx.for_update() } else { "" });
        let sql = format!("SELECT {COLUMNS} FROM enrollments e WHERE e.id IN ({places}) ORDER BY e.id{lock}");
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}

/// The query of [`ongoing_of_person`], for its plan.
pub fn ongoing_of_person_query(tx: &Tx, person: PersonId, lock: bool) -> (String, Vec<Value>) {
    let lock = if lock { tx.for_update() } else { "" };
    let sql = format!(
        "SELECT {COLUMNS} FROM enrollments e WHERE e.person_id = $1 AND e.state <> 'finished' ORDER BY e.id{lock}"
    );
    (sql, args![person])
}

/// Every unfinished enrollment of a person, by id; with `lock` kept from changing until commit.
pub async fn ongoing_of_person(tx: &mut Tx, person: PersonId, lock: bool) -> Result<Vec<StoredEnrollment>> {
    let (sql, values) = ongoing_of_person_query(tx, person, lock);
    tx.all(&sql, values, read).await
}

/// Every enrollment of a person, newest first.
pub async fn of_person(tx: &mut Tx, person: PersonId) -> Result<Vec<StoredEnrollment>> {
    let sql =
        format!("SELECT {COLUMNS} FROM enrollments e WHERE e.person_id = $1 ORDER BY e.enrolled_at DESC, e.id DESC");
    tx.all(&sql, args![person], read).await
}

/// Unfinished enrollments of a sequence that hold one of these addresses.
pub async fn ongoing_by_address_keys(
    tx: &mut Tx,
    sequence: SequenceId,
    keys: &[String],
) -> Result<Vec<StoredEnrollment>> {
    ongoing_by(tx, sequence, "address_key", keys.iter().map(Value::from).collect()).await
}

/// Unfinished enrollments of these people in a sequence.
pub async fn ongoing_of_people(
    tx: &mut Tx,
    sequence: SequenceId,
    people: &[PersonId],
) -> Result<Vec<StoredEnrollment>> {
    ongoing_by(tx, sequence, "person_id", ids(people)).await
}

/// The query of [`ongoing_of_people`] and [`ongoing_by_address_keys`], for its plan: one look-up in a unique index for each
/// value. Of a list PostgreSQL would filter every row of the sequence, as long as it has no statistics of it.
pub fn ongoing_by_query(sequence: SequenceId, column: &str, wanted: &[Value]) -> (String, Vec<Value>) {
    let sql = format!(
        "WITH wanted (value) AS (VALUES {}) SELECT (SELECT o.id FROM enrollments o WHERE o.sequence_id = $1
            AND o.{column} = wanted.value AND o.{column} IS NOT NULL AND o.state <> 'finished') AS id FROM wanted",
        values(2, wanted.len(), 1)
    );
    (sql, args![sequence].into_iter().chain(wanted.iter().cloned()).collect())
}

async fn ongoing_by(
    tx: &mut Tx,
    sequence: SequenceId,
    column: &str,
    wanted: Vec<Value>,
) -> Result<Vec<StoredEnrollment>> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let (sql, values) = ongoing_by_query(sequence, column, chunk);
        found.extend(tx.all(&sql, values, |row| row.id_opt::<EnrollmentId>("id")).await?.into_iter().flatten());
    }
    find_many(tx, &found, false).await
}

/// A new state of an enrollment and all that goes with it. Made by [`Change::of`], then altered.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// Which one.
    pub id: EnrollmentId,
    /// Saved only if the revision is still this; `None` = in any case (the row is locked).
    pub expected_revision: Option<i64>,
    /// The new state.
    pub state: &'a State,
    /// What the current step does; ignored once finished.
    pub step_action: Option<&'a str>,
    /// Position of the current step; ignored once finished.
    pub position: u32,
    /// When the engine looks next by itself; ignored once finished.
    pub wake_at: Option<Timestamp>,
    /// The version it follows.
    pub version_id: VersionId,
    /// Steps done, in order.
    pub done_steps: &'a [StepId],
    /// Emails sent since it was read.
    pub emails_sent_delta: u32,
    /// The current step was moved by hand.
    pub moved_by_hand: bool,
    /// When the last step was done.
    pub last_step_at: Option<Timestamp>,
    /// Who ended it, if someone did.
    pub finished_by: Option<UserId>,
    /// Keeps an email that is claimed from leaving.
    pub raise_revision: bool,
}

impl<'a> Change<'a> {
    /// To `state`, all else as stored; compares the revision, raises it, and wakes by [`wake_of`].
    pub fn of(stored: &'a StoredEnrollment, state: &'a State) -> Self {
        let e = &stored.enrollment;
        let finished_by = match state {
            State::Finished { reason: FinishReason::Stopped { by }, .. } => *by,
            _ => None,
        };
        Self {
            id: e.id,
            expected_revision: Some(e.revision),
            state,
            step_action: stored.step_action.as_deref(),
            position: stored.position,
            wake_at: wake_of(state, false),
            version_id: e.version_id,
            done_steps: &e.done_steps,
            emails_sent_delta: 0,
            moved_by_hand: e.moved_by_hand,
            last_step_at: e.last_step_at,
            finished_by,
            raise_revision: true,
        }
    }
}

/// Saves a change; false, and nothing changed, if the revision moved on or there is no such enrollment.
pub async fn save(tx: &mut Tx, change: Change<'_>, now: Timestamp) -> Result<bool> {
    let c = change;
    let ongoing = c.state.is_ongoing();
    let mut values = args![c.id];
    values.extend(state_values(c.state));
    values.extend(args![
        c.step_action.filter(|_| ongoing),
        if ongoing { c.position } else { 0 },
        c.wake_at.filter(|_| ongoing),
        c.version_id,
    ]);
    values.push(json(&c.done_steps));
    values.extend(args![c.done_steps.len(), c.emails_sent_delta, c.moved_by_hand && ongoing, c.last_step_at]);
    values.extend(args![c.finished_by, i64::from(c.raise_revision), now]);
    let mut sql = "UPDATE enrollments SET state = $2, step_id = $3, due_at = $4, paused_until = $5, paused_by = $6,
            blocked_reason = $7, blocked_detail = $8, resumes_at = $9, finished_reason = $10, finished_at = $11,
            step_action = $12, position = $13, wake_at = $14, version_id = $15, done_steps = $16, steps_done = $17,
            emails_sent = emails_sent + $18, moved_by_hand = $19, last_step_at = $20, finished_by = $21,
            revision = revision + $22, updated_at = $23
         WHERE id = $1"
        .to_owned();
    if let Some(expected) = c.expected_revision {
        sql.push_str(" AND revision = $24");
        values.push(expected.into());
    }
    Ok(tx.execute(&sql, values).await? > 0)
}

/// Sets when the engine looks next by itself, without touching the revision; false if the row moved on.
pub async fn set_wake(tx: &mut Tx, id: EnrollmentId, revision: i64, wake_at: Option<Timestamp>) -> Result<bool> {
    let sql = "UPDATE enrollments SET wake_at = $3 WHERE id = $1 AND revision = $2 AND state <> 'finished'";
    Ok(tx.execute(sql, args![id, revision, wake_at]).await? > 0)
}

/// Gives an unfinished enrollment another address, raising its revision; the enrollment that holds it already, if any.
pub async fn set_address_key(tx: &mut Tx, id: EnrollmentId, key: Option<&str>) -> Result<Option<EnrollmentId>> {
    let holder = "SELECT o.id FROM enrollments o JOIN enrollments e ON e.sequence_id = o.sequence_id
        WHERE e.id = $1 AND o.id <> e.id AND o.state <> 'finished' AND o.address_key IS NOT NULL AND o.address_key = $2";
    if let Some(other) = tx.first(holder, args![id, key], |row| row.id("id")).await? {
        return Ok(Some(other));
    }
    let sql = "UPDATE enrollments SET address_key = $2, revision = revision + 1 WHERE id = $1 AND state <> 'finished'";
    tx.execute(sql, args![id, key]).await?;
    Ok(None)
}

/// Unfinished enrollments that send from a mailbox, by id.
pub async fn ongoing_of_mailbox(tx: &mut Tx, mailbox: MailboxId, limit: u32) -> Result<Vec<StoredEnrollment>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM enrollments e WHERE e.mailbox_id = $1 AND e.state <> 'finished' ORDER BY e.id LIMIT $2"
    );
    tx.all(&sql, args![mailbox, limit], read).await
}
