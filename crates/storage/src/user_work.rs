//! The work of a user, as it is held when they are deactivated and handed to someone else: unfinished enrollments, open
//! tasks, people. Bounded batches, so that no write transaction grows with the number of rows.

use crate::{
    Result, Row, Tx, args,
    enrollment_sets::{self, Touched},
};
use relance_domain::{MailboxId, PersonId, TaskId, Timestamp, UserId};

/// How much a user has to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkCounts {
    /// Enrollments that are active or blocked.
    pub running: u32,
    /// Enrollments that are paused.
    pub paused: u32,
    /// Unfinished enrollments with a mailbox to send from.
    pub with_mailbox: u32,
    /// Open tasks.
    pub tasks: u32,
    /// People they own.
    pub people: u32,
    /// Templates they own.
    pub templates: u32,
}

/// What a user has to do now.
pub async fn counts(tx: &mut Tx, user: UserId) -> Result<WorkCounts> {
    let sql = "SELECT
        (SELECT COUNT(*) FROM enrollments WHERE actor_id = $1 AND state IN ('active', 'blocked')) AS running,
        (SELECT COUNT(*) FROM enrollments WHERE actor_id = $1 AND state = 'paused') AS paused,
        (SELECT COUNT(*) FROM enrollments WHERE actor_id = $1 AND state IN ('active', 'blocked', 'paused')
            AND mailbox_id IS NOT NULL) AS with_mailbox,
        (SELECT COUNT(*) FROM tasks WHERE owner_id = $1 AND state = 'open') AS tasks,
        (SELECT COUNT(*) FROM people WHERE owner_id = $1 AND deleted_at IS NULL) AS people,
        (SELECT COUNT(*) FROM templates WHERE owner_id = $1) AS templates";
    tx.one(sql, args![user], |row| {
        Ok(WorkCounts {
            running: row.count("running")?,
            paused: row.count("paused")?,
            with_mailbox: row.count("with_mailbox")?,
            tasks: row.count("tasks")?,
            people: row.count("people")?,
            templates: row.count("templates")?,
        })
    })
    .await
}

/// What a deactivation paused, and what only the mailbox or its quota held, goes on with the one who takes it over.
const GOES_ON: &str = "(state = 'paused' AND paused_by = 'deactivated' OR state = 'blocked' AND blocked_reason IN \
    ('mailbox_disconnected', 'auth_failed', 'mailbox_settings', 'quota_reached'))";

/// Gives up to `limit` unfinished enrollments of `from` to another actor, who sends from `mailbox`; `None` = none of them
/// sends. What was paused because `from` was deactivated goes on. Fewer than `limit` = all are given.
pub async fn give_enrollments(
    tx: &mut Tx,
    from: UserId,
    to: (UserId, Option<MailboxId>),
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Touched>> {
    let (to, mailbox) = to;
    let mut values = args![to, now, from, limit];
    let mailbox_set = match mailbox {
        Some(mailbox) => {
            values.push(mailbox.into());
            "mailbox_id = $5"
        }
        None => "mailbox_id = NULL",
    };
    let later = "CASE WHEN due_at > $2 THEN due_at ELSE $2 END";
    let set = format!(
        "actor_id = $1, {mailbox_set},
         due_at = CASE WHEN {GOES_ON} THEN {later} ELSE due_at END,
         wake_at = CASE WHEN {GOES_ON} THEN {later} ELSE wake_at END,
         paused_until = CASE WHEN {GOES_ON} THEN NULL ELSE paused_until END,
         blocked_reason = CASE WHEN {GOES_ON} THEN NULL ELSE blocked_reason END,
         blocked_detail = CASE WHEN {GOES_ON} THEN NULL ELSE blocked_detail END,
         resumes_at = CASE WHEN {GOES_ON} THEN NULL ELSE resumes_at END,
         paused_by = CASE WHEN {GOES_ON} THEN NULL ELSE paused_by END,
         state = CASE WHEN {GOES_ON} THEN 'active' ELSE state END,
         moved_by_hand = FALSE, revision = revision + 1, updated_at = $2"
    );
    let which = "id IN (SELECT id FROM enrollments WHERE actor_id = $3 AND state IN ('active', 'blocked', 'paused')
        ORDER BY id LIMIT $4)";
    enrollment_sets::update(tx, &set, which, values).await
}

/// A task that was given to someone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenTask {
    /// Which.
    pub id: TaskId,
    /// About whom.
    pub person_id: Option<PersonId>,
}

/// Gives up to `limit` open tasks of `from` to `to`; fewer than `limit` = all are given.
pub async fn give_tasks(tx: &mut Tx, from: UserId, to: UserId, limit: u32) -> Result<Vec<GivenTask>> {
    let lock = tx.for_update();
    let sql = format!(
        "UPDATE tasks SET owner_id = $1 WHERE id IN (SELECT id FROM tasks WHERE owner_id = $2 AND state = 'open'
            ORDER BY id LIMIT $3{lock}) RETURNING id, person_id"
    );
    let read = |row: &Row| Ok(GivenTask { id: row.id("id")?, person_id: row.id_opt("person_id")? });
    tx.all(&sql, args![to, from, limit], read).await
}

/// Gives all templates of `from`, private ones too, to another owner. How many.
pub async fn give_templates(tx: &mut Tx, from: UserId, to: UserId) -> Result<u64> {
    tx.execute("UPDATE templates SET owner_id = $1 WHERE owner_id = $2", args![to, from]).await
}

/// Up to `limit` people of an owner, by id, after `after`.
pub async fn people_after(tx: &mut Tx, owner: UserId, after: Option<PersonId>, limit: u32) -> Result<Vec<PersonId>> {
    let mut values = args![owner, limit];
    let beyond = match after {
        Some(after) => {
            values.push(after.into());
            " AND id > $3"
        }
        None => "",
    };
    let sql = format!("SELECT id FROM people WHERE owner_id = $1 AND deleted_at IS NULL{beyond} ORDER BY id LIMIT $2");
    tx.all(&sql, values, |row| row.id("id")).await
}
