//! Enrollments that follow another version: who stands where, and the move itself, one statement per table and chunk.
//!
//! Where each goes on is decided by `domain::publishing`; this reads the rows in the order of their people and writes
//! what was decided. Every move raises the revision, so that an email claimed before it does not leave.

use crate::{
    Result, Tx, Value, args,
    conditions::{CHUNK, ids},
    enrollments::{COLUMNS, StoredEnrollment, read, state_values},
    tx::{list, repeated, values},
};
use relance_domain::{EnrollmentId, PersonId, SequenceId, StepId, Timestamp, VersionId, enrollment::State};
use std::collections::HashSet;

/// How many unfinished enrollments of a sequence wait for one step of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The version they follow.
    pub version_id: VersionId,
    /// The step they wait for.
    pub step_id: StepId,
    /// How many are active.
    pub active: u32,
    /// How many are paused.
    pub paused: u32,
    /// How many are blocked.
    pub blocked: u32,
}

/// Who stands where in a sequence; steps at which nobody stands are missing.
pub async fn standing(tx: &mut Tx, sequence: SequenceId) -> Result<Vec<Standing>> {
    let sql = "SELECT version_id, step_id, COUNT(*) FILTER (WHERE state = 'active') AS active,
            COUNT(*) FILTER (WHERE state = 'paused') AS paused, COUNT(*) FILTER (WHERE state = 'blocked') AS blocked
        FROM enrollments WHERE sequence_id = $1 AND state <> 'finished' GROUP BY version_id, step_id";
    tx.all(sql, args![sequence], |row| {
        Ok(Standing {
            version_id: row.id("version_id")?,
            step_id: row.id("step_id")?,
            active: row.count("active")?,
            paused: row.count("paused")?,
            blocked: row.count("blocked")?,
        })
    })
    .await
}

/// The query of [`ongoing`], for its plan.
pub fn ongoing_query(sequence: SequenceId, after: Option<PersonId>, limit: u32) -> (String, Vec<Value>) {
    let after = after.unwrap_or(PersonId::from_uuid(uuid::Uuid::nil()));
    let sql = format!(
        "SELECT {COLUMNS} FROM enrollments e WHERE e.sequence_id = $1 AND e.state <> 'finished' AND e.person_id > $2
         ORDER BY e.person_id LIMIT $3"
    );
    (sql, args![sequence, after, limit])
}

/// The unfinished enrollments of a sequence in the order of their people, after the cursor.
pub async fn ongoing(
    tx: &mut Tx,
    sequence: SequenceId,
    after: Option<PersonId>,
    limit: u32,
) -> Result<Vec<StoredEnrollment>> {
    let (sql, values) = ongoing_query(sequence, after, limit);
    tx.all(&sql, values, read).await
}

/// The people with an unfinished enrollment of a sequence that follows another version than this.
pub async fn people_on_other_versions(tx: &mut Tx, sequence: SequenceId, version: VersionId) -> Result<Vec<PersonId>> {
    let sql = "SELECT person_id FROM enrollments WHERE sequence_id = $1 AND state <> 'finished' AND version_id <> $2
        ORDER BY person_id";
    tx.all(sql, args![sequence, version], |row| row.id("person_id")).await
}

/// The unfinished enrollments of these people in a sequence, locked in the order of their ids.
pub async fn lock_of_people(tx: &mut Tx, sequence: SequenceId, people: &[PersonId]) -> Result<Vec<StoredEnrollment>> {
    let mut found = Vec::with_capacity(people.len());
    for chunk in people.chunks(CHUNK) {
        let (places, lock) = (list(2, chunk.len()), tx.for_update());
        let sql = format!(
            "SELECT {COLUMNS} FROM enrollments e WHERE e.sequence_id = $1 AND e.state <> 'finished'
                AND e.person_id IN ({places}) ORDER BY e.id{lock}"
        );
        let values = args![sequence].into_iter().chain(ids(chunk)).collect();
        found.extend(tx.all(&sql, values, read).await?);
    }
    Ok(found)
}

/// Which of these enrollments have an email past the point of no return that is not answered.
pub async fn leaving(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<HashSet<EnrollmentId>> {
    let mut found = HashSet::new();
    for chunk in enrollments.chunks(CHUNK) {
        let sql = format!(
            "SELECT enrollment_id FROM deliveries WHERE enrollment_id IN ({}) AND state = 'leaving'",
            list(1, chunk.len())
        );
        found.extend(tx.all(&sql, ids(chunk), |row| row.id::<EnrollmentId>("enrollment_id")).await?);
    }
    Ok(found)
}

/// One enrollment with the version it follows from now on.
#[derive(Debug, Clone)]
pub struct Follow {
    /// Which one; its row is locked.
    pub id: EnrollmentId,
    /// The version.
    pub version_id: VersionId,
    /// Its state then.
    pub state: State,
    /// What the step it goes on with does; `None` once finished.
    pub step_action: Option<&'static str>,
    /// The position of that step from 1; 0 once finished.
    pub position: u32,
    /// When the engine looks at it next by itself.
    pub wake_at: Option<Timestamp>,
    /// It was moved by hand, and still stands at that step.
    pub moved_by_hand: bool,
}

/// Writes where these enrollments go on and raises their revisions; how many rows changed.
pub async fn follow(tx: &mut Tx, rows: &[Follow], now: Timestamp) -> Result<u64> {
    let mut changed = 0;
    for chunk in rows.chunks(CHUNK) {
        let mut args: Vec<Value> = Vec::with_capacity(chunk.len() * 16);
        for row in repeated(chunk) {
            args.extend(args![row.id, row.version_id]);
            args.extend(state_values(&row.state));
            args.extend(args![row.step_action, row.position, row.wake_at, row.moved_by_hand]);
        }
        args.push(now.into());
        let last = args.len();
        let sql = format!(
            "WITH v (id, version_id, state, step_id, due_at, paused_until, paused_by, blocked_reason, blocked_detail,
                resumes_at, finished_reason, finished_at, step_action, position, wake_at, moved_by_hand) AS (VALUES {})
            UPDATE enrollments SET version_id = v.version_id, state = v.state, step_id = v.step_id, due_at = v.due_at,
                paused_until = v.paused_until, paused_by = v.paused_by, blocked_reason = v.blocked_reason,
                blocked_detail = v.blocked_detail, resumes_at = v.resumes_at, finished_reason = v.finished_reason,
                finished_at = v.finished_at, step_action = v.step_action, position = v.position, wake_at = v.wake_at,
                moved_by_hand = v.moved_by_hand, revision = enrollments.revision + 1, updated_at = ${last}
            FROM v WHERE enrollments.id = v.id",
            values(1, (last - 1) / 16, 16)
        );
        changed += tx.execute(&sql, args).await?;
    }
    Ok(changed)
}

fn pairs(chunk: &[(EnrollmentId, StepId)]) -> Vec<Value> {
    chunk.iter().flat_map(|(enrollment, step)| args![*enrollment, *step]).collect()
}

/// Gives back what was claimed or deferred for these steps, so that it can be taken up again if the step comes back.
pub async fn give_back_emails(tx: &mut Tx, steps: &[(EnrollmentId, StepId)], now: Timestamp) -> Result<u64> {
    let mut given_back = 0;
    for chunk in steps.chunks(CHUNK) {
        let mut args = pairs(chunk);
        args.push(now.into());
        let sql = format!(
            "UPDATE deliveries SET state = 'planned', epoch = NULL, until_at = NULL, updated_at = ${}
             WHERE (enrollment_id, step_id) IN (VALUES {}) AND state IN ('claimed', 'deferred')",
            args.len(),
            values(1, chunk.len(), 2)
        );
        given_back += tx.execute(&sql, args).await?;
    }
    Ok(given_back)
}

/// Cancels the open tasks of these steps.
pub async fn cancel_tasks(tx: &mut Tx, steps: &[(EnrollmentId, StepId)], now: Timestamp) -> Result<u64> {
    let mut cancelled = 0;
    for chunk in steps.chunks(CHUNK) {
        let mut args = pairs(chunk);
        args.push(now.into());
        let sql = format!(
            "UPDATE tasks SET state = 'cancelled', closed_at = ${}
             WHERE (enrollment_id, step_id) IN (VALUES {}) AND state = 'open'",
            args.len(),
            values(1, chunk.len(), 2)
        );
        cancelled += tx.execute(&sql, args).await?;
    }
    Ok(cancelled)
}

/// Opens the cancelled tasks of these steps again: the enrollment stands there once more.
pub async fn reopen_tasks(tx: &mut Tx, steps: &[(EnrollmentId, StepId)]) -> Result<u64> {
    let mut reopened = 0;
    for chunk in steps.chunks(CHUNK) {
        let sql = format!(
            "UPDATE tasks SET state = 'open', closed_at = NULL
             WHERE (enrollment_id, step_id) IN (VALUES {}) AND state = 'cancelled'",
            values(1, chunk.len(), 2)
        );
        reopened += tx.execute(&sql, pairs(chunk)).await?;
    }
    Ok(reopened)
}
