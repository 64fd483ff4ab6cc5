//! What is due: the reads of the hot path over `enrollments`, each on its own partial index.
//!
//! Work is proportional to what is due, never to what waits; a test looks at the plans. The `…_query` functions give
//! text and values, so that the test explains what really runs.

use crate::{
    Result, Tx, Value, args,
    enrollments::{COLUMNS, StoredEnrollment, read},
};
use relance_domain::{MailboxId, Timestamp};

/// Condition of the index `enrollments_due`.
pub(crate) const DUE_EMAIL: &str = "state = 'active' AND step_action = 'automated_email' AND wake_at IS NOT NULL";

/// Leaves out rows of `enrollments` under `alias` whose email is past the point of no return and not answered yet.
pub(crate) fn not_leaving(alias: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.enrollment_id = {alias}.id AND d.step_id = {alias}.step_id
            AND d.state = 'leaving')"
    )
}

/// The order of slots of `domain::quota::SlotOrder`, without table alias.
pub(crate) const SLOT_ORDER: &str = "moved_by_hand DESC, CASE WHEN emails_sent > 0 THEN 0 ELSE 1 END, position DESC, due_at, enrolled_at, \
     person_id, id";

/// The query of [`due_emails`], for its plan.
pub fn due_emails_query(tx: &Tx, mailbox: MailboxId, now: Timestamp, limit: u32, lock: bool) -> (String, Vec<Value>) {
    let (lock, not_leaving) = (if lock { tx.for_update_skip_locked() } else { "" }, not_leaving("e"));
    let sql = format!(
        "SELECT {COLUMNS} FROM enrollments e WHERE mailbox_id = $1 AND {DUE_EMAIL} AND wake_at <= $2 AND {not_leaving}
         ORDER BY {SLOT_ORDER} LIMIT $3{lock}"
    );
    (sql, args![mailbox, now, limit])
}

/// The due emails of a mailbox in the order of their slots, without those that are leaving; with `lock` those that nobody else holds, locked.
pub async fn due_emails(
    tx: &mut Tx,
    mailbox: MailboxId,
    now: Timestamp,
    limit: u32,
    lock: bool,
) -> Result<Vec<StoredEnrollment>> {
    let (sql, values) = due_emails_query(tx, mailbox, now, limit, lock);
    tx.all(&sql, values, read).await
}

/// The query of [`due_to_wake`], for its plan.
pub fn due_to_wake_query(tx: &Tx, now: Timestamp, limit: u32, lock: bool) -> (String, Vec<Value>) {
    let lock = if lock { tx.for_update_skip_locked() } else { "" };
    let sql = format!(
        "SELECT {COLUMNS} FROM enrollments e
         WHERE wake_at IS NOT NULL AND (state <> 'active' OR step_action <> 'automated_email') AND wake_at <= $1
         ORDER BY wake_at LIMIT $2{lock}"
    );
    (sql, args![now, limit])
}

/// All else whose time has come: pauses over, blocks that release, tasks due or overdue. With `lock` locked.
pub async fn due_to_wake(tx: &mut Tx, now: Timestamp, limit: u32, lock: bool) -> Result<Vec<StoredEnrollment>> {
    let (sql, values) = due_to_wake_query(tx, now, limit, lock);
    tx.all(&sql, values, read).await
}

/// The query of [`next_wake`], for its plan.
pub fn next_wake_query(mailbox: MailboxId) -> (String, Vec<Value>) {
    let not_leaving = not_leaving("e");
    let sql = format!(
        "SELECT wake_at FROM enrollments e WHERE mailbox_id = $1 AND {DUE_EMAIL} AND {not_leaving} ORDER BY wake_at LIMIT 1"
    );
    (sql, args![mailbox])
}

/// When the mailbox's next email is due; `None` = nothing waits.
pub async fn next_wake(tx: &mut Tx, mailbox: MailboxId) -> Result<Option<Timestamp>> {
    let (sql, values) = next_wake_query(mailbox);
    tx.first(&sql, values, |row| row.time("wake_at")).await
}

/// When the mailbox's next email is due that is not due at `now`; `None` = nothing waits.
pub async fn next_wake_after(tx: &mut Tx, mailbox: MailboxId, now: Timestamp) -> Result<Option<Timestamp>> {
    let sql = format!(
        "SELECT wake_at FROM enrollments e WHERE mailbox_id = $1 AND {DUE_EMAIL} AND wake_at > $2 ORDER BY wake_at LIMIT 1"
    );
    tx.first(&sql, args![mailbox, now], |row| row.time("wake_at")).await
}

/// When the first of the rows of [`due_to_wake`] is due; `None` = nothing waits.
pub async fn next_other_wake(tx: &mut Tx) -> Result<Option<Timestamp>> {
    let sql = "SELECT wake_at FROM enrollments
        WHERE wake_at IS NOT NULL AND (state <> 'active' OR step_action <> 'automated_email')
        ORDER BY wake_at LIMIT 1";
    tx.first(sql, vec![], |row| row.time("wake_at")).await
}

/// How many emails of the mailbox are due.
pub async fn count_due(tx: &mut Tx, mailbox: MailboxId, now: Timestamp) -> Result<u32> {
    let not_leaving = not_leaving("e");
    let sql = format!(
        "SELECT COUNT(*) AS number FROM enrollments e
         WHERE mailbox_id = $1 AND {DUE_EMAIL} AND wake_at <= $2 AND {not_leaving}"
    );
    tx.one(&sql, args![mailbox, now], |row| row.count("number")).await
}

/// What else of a mailbox comes up, earliest first: tasks to create, pauses that end, quotas that allow again, and
/// tasks that are waited for. For its forecast.
pub async fn upcoming_others(tx: &mut Tx, mailbox: MailboxId, limit: u32) -> Result<Vec<StoredEnrollment>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM enrollments e
         WHERE wake_at IS NOT NULL AND (state <> 'active' OR step_action <> 'automated_email') AND mailbox_id = $1
         ORDER BY wake_at LIMIT $2"
    );
    let mut found = tx.all(&sql, args![mailbox, limit], read).await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM enrollments e WHERE e.mailbox_id = $1 AND e.state = 'active' AND e.wake_at IS NULL
            AND e.id IN (SELECT t.enrollment_id FROM tasks t WHERE t.state = 'open' AND t.enrollment_id = e.id
                AND t.step_id = e.step_id)
         ORDER BY e.due_at LIMIT $2"
    );
    found.extend(tx.all(&sql, args![mailbox, limit], read).await?);
    Ok(found)
}

/// Automated emails of a mailbox that come up before `until`, in due order: for its forecast.
pub async fn upcoming_emails(
    tx: &mut Tx,
    mailbox: MailboxId,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<StoredEnrollment>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM enrollments e WHERE mailbox_id = $1 AND {DUE_EMAIL} AND wake_at < $2
         ORDER BY wake_at LIMIT $3"
    );
    tx.all(&sql, args![mailbox, until, limit], read).await
}
