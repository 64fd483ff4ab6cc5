//! Tasks: `tasks`. Of a sequence step, at most one per enrollment and step, or made by hand.
//!
//! A task is closed once; closing one that is closed already changes nothing and says so.

use crate::{
    Result, Row, Tx, Value, args,
    conditions::{CHUNK, Conditions, contains, escaped, ids},
    enrollment_views::person_name,
    tx::{list, values},
    visibility::{SeenBy, and_seen},
};
use relance_domain::{
    EnrollmentId, PersonId, SequenceId, StepId, TaskId, Timestamp, UserId,
    step::TaskKind,
    task::{self, Task, TaskState},
};

const COLUMNS: &str = "t.id, t.person_id, t.owner_id, t.enrollment_id, t.step_id, t.delivery_id, t.kind, t.content, \
    t.due_at, t.state, t.closed_at, t.created_at";

fn read(row: &Row) -> Result<Task> {
    Ok(Task {
        id: row.id("id")?,
        person_id: row.id_opt("person_id")?,
        owner_id: row.id("owner_id")?,
        enrollment_id: row.id_opt("enrollment_id")?,
        step_id: row.id_opt("step_id")?,
        delivery_id: row.id_opt("delivery_id")?,
        kind: row.word("kind", TaskKind::parse)?,
        content: row.text("content")?,
        due_at: row.time("due_at")?,
        state: row.word("state", TaskState::parse)?,
        closed_at: row.time_opt("closed_at")?,
        created_at: row.time("created_at")?,
    })
}

const INSERT: &str = "INSERT INTO tasks (id, person_id, owner_id, enrollment_id, step_id, delivery_id, kind, content, \
    due_at, state, closed_at, created_at) VALUES ";
const INSERT_COLUMNS: usize = 12;

fn insert_values(t: &Task) -> Vec<Value> {
    let mut row = args![t.id, t.person_id, t.owner_id, t.enrollment_id, t.step_id, t.delivery_id, t.kind.as_str()];
    row.extend(args![&t.content, t.due_at, t.state.as_str(), t.closed_at, t.created_at]);
    row
}

/// Stores a task; false, and nothing stored, if its enrollment has one for this step already.
pub async fn insert(tx: &mut Tx, task: &Task) -> Result<bool> {
    Ok(!insert_many(tx, std::slice::from_ref(task)).await?.is_empty())
}

/// Stores many, leaving out steps whose enrollment has a task already; the ids stored.
pub async fn insert_many(tx: &mut Tx, tasks: &[Task]) -> Result<Vec<TaskId>> {
    let mut stored = Vec::with_capacity(tasks.len());
    for chunk in tasks.chunks(CHUNK) {
        let rows = values(1, chunk.len(), INSERT_COLUMNS);
        let sql = format!("{INSERT}{rows} ON CONFLICT (enrollment_id, step_id) DO NOTHING RETURNING id");
        stored
            .extend(tx.all(&sql, chunk.iter().flat_map(insert_values).collect(), |row| row.id::<TaskId>("id")).await?);
    }
    Ok(stored)
}

/// The task with this id.
pub async fn find(tx: &mut Tx, id: TaskId) -> Result<Option<Task>> {
    tx.first(&format!("SELECT {COLUMNS} FROM tasks t WHERE t.id = $1"), args![id], read).await
}

/// The task of an enrollment's step.
pub async fn find_of_step(tx: &mut Tx, enrollment: EnrollmentId, step: StepId) -> Result<Option<Task>> {
    let sql = format!("SELECT {COLUMNS} FROM tasks t WHERE t.enrollment_id = $1 AND t.step_id = $2");
    tx.first(&sql, args![enrollment, step], read).await
}

/// The tasks of these enrollments, by creation.
pub async fn of_enrollments(tx: &mut Tx, enrollments: &[EnrollmentId]) -> Result<Vec<Task>> {
    let mut found = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let places = list(1, chunk.len());
        let sql =
            format!("SELECT {COLUMNS} FROM tasks t WHERE t.enrollment_id IN ({places}) ORDER BY t.created_at, t.id");
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}

/// A task with the names around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    /// The task.
    pub task: Task,
    /// The person's name as shown.
    pub person_name: Option<String>,
    /// The sequence that made it; an email that was written in it makes none.
    pub sequence_name: Option<String>,
    /// Who does it.
    pub owner_name: String,
    /// Completing it sends the email its sequence waits with.
    pub sends_email: bool,
}

fn read_view(row: &Row) -> Result<TaskView> {
    let task = read(row)?;
    let person_name = if task.person_id.is_some() { Some(person_name(row)?) } else { None };
    let owner_name = row.text("owner_name")?;
    let is_written = row.id_opt::<SequenceId>("sequence_id")? != Some(task::EMAILS);
    let sequence_name = row.text_opt("sequence_name")?.filter(|_| is_written);
    let sends_email = task.state == TaskState::Open && row.text_opt("waits_with")?.as_deref() == Some("manual_email");
    Ok(TaskView { task, person_name, sequence_name, owner_name, sends_email })
}

const VIEW: &str = "p.first_name, p.last_name, p.organization_name, p.email AS person_email, s.name AS sequence_name, \
    e.sequence_id AS sequence_id, u.name AS owner_name, CASE WHEN e.step_id = t.step_id THEN e.step_action END AS waits_with \
    FROM tasks t JOIN users u ON u.id = t.owner_id LEFT JOIN people p ON p.id = t.person_id \
    LEFT JOIN enrollments e ON e.id = t.enrollment_id LEFT JOIN sequences s ON s.id = e.sequence_id";

/// The task with this id and the names around it.
pub async fn find_view(tx: &mut Tx, id: TaskId) -> Result<Option<TaskView>> {
    tx.first(&format!("SELECT {COLUMNS}, {VIEW} WHERE t.id = $1"), args![id], read_view).await
}

/// Which tasks a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct TaskFilter<'a> {
    /// Of one of these users; empty = of anyone.
    pub owners: &'a [UserId],
    /// Open ones (`Some(true)`), closed ones (`Some(false)`), or both.
    pub open: Option<bool>,
    /// Due at or after this instant (upcoming: the start of tomorrow).
    pub due_from: Option<Timestamp>,
    /// Due before this instant (overdue: the start of today).
    pub due_before: Option<Timestamp>,
    /// About this person.
    pub person: Option<PersonId>,
    /// Asking for this.
    pub kind: Option<TaskKind>,
    /// Of this sequence.
    pub sequence: Option<SequenceId>,
    /// Whose words, or whose person's name, contain this; empty = all.
    pub words: &'a str,
    /// Whoever looks manages others: tasks about nobody of those they see are theirs to see too.
    pub manages: bool,
    /// Only what this user may see; `None` = everyone's.
    pub seen_by: Option<SeenBy<'a>>,
}

fn conditions(filter: TaskFilter<'_>) -> Conditions {
    let mut conditions = Conditions::new();
    if !filter.owners.is_empty() {
        conditions.and_in("t.owner_id", filter.owners.iter().copied());
    }
    match filter.open {
        Some(true) => conditions.and("t.state = 'open'", vec![]),
        Some(false) => conditions.and("t.state <> 'open'", vec![]),
        None => {}
    }
    if let Some(from) = filter.due_from {
        conditions.and("t.due_at >= $?", args![from]);
    }
    if let Some(before) = filter.due_before {
        conditions.and("t.due_at < $?", args![before]);
    }
    if let Some(person) = filter.person {
        conditions.and("t.person_id = $?", args![person]);
    }
    if let Some(kind) = filter.kind {
        conditions.and("t.kind = $?", args![kind.as_str()]);
    }
    if let Some(sequence) = filter.sequence {
        let of_it = "EXISTS (SELECT 1 FROM enrollments f WHERE f.id = t.enrollment_id AND f.sequence_id = $?)";
        conditions.and(of_it, args![sequence]);
    }
    if !filter.words.trim().is_empty() {
        let (name, content) = (contains(filter.words), format!("%{}%", escaped(&filter.words.trim().to_lowercase())));
        conditions.and(
            "(LOWER(t.content) LIKE $? ESCAPE '!' OR EXISTS (SELECT 1 FROM people n WHERE n.id = t.person_id
                AND n.name_key LIKE $? ESCAPE '!'))",
            args![content.as_str(), name.as_str()],
        );
    }
    match filter.seen_by.filter(|_| filter.manages) {
        Some(seen) => and_seen_or_of(&mut conditions, seen),
        None => and_seen(&mut conditions, "t.person_id", "t.owner_id", filter.seen_by),
    }
    conditions
}

/// As [`and_seen`], and tasks about nobody whose owner is in sight.
fn and_seen_or_of(conditions: &mut Conditions, SeenBy { user, owners }: SeenBy<'_>) {
    let places = if owners.is_empty() { "NULL".to_owned() } else { vec!["$?"; owners.len()].join(", ") };
    let own = || owners.iter().map(|owner| Value::from(*owner));
    let values = args![user].into_iter().chain(own()).chain(own()).collect();
    conditions.and(
        &format!(
            "(t.owner_id = $? OR t.person_id IS NULL AND t.owner_id IN ({places})
                OR EXISTS (SELECT 1 FROM people seen WHERE seen.id = t.person_id
                    AND (seen.owner_id IS NULL OR seen.owner_id IN ({places}))))"
        ),
        values,
    );
}

/// Tasks by due time after the cursor `(due_at, id)` of the last one shown; closed ones latest first.
pub async fn page(
    tx: &mut Tx,
    filter: TaskFilter<'_>,
    after: Option<(Timestamp, TaskId)>,
    limit: u32,
) -> Result<Vec<TaskView>> {
    let mut conditions = conditions(filter);
    let latest_first = filter.open == Some(false);
    conditions.after("(t.due_at, t.id)", if latest_first { "<" } else { ">" }, after);
    let head = format!("SELECT {COLUMNS}, {VIEW}");
    let tail =
        if latest_first { " ORDER BY t.due_at DESC, t.id DESC LIMIT $?" } else { " ORDER BY t.due_at, t.id LIMIT $?" };
    let (sql, values) = conditions.finish(&head, tail, args![limit]);
    tx.all(&sql, values, read_view).await
}

/// How many tasks the filter holds for.
pub async fn count(tx: &mut Tx, filter: TaskFilter<'_>) -> Result<u32> {
    let (sql, values) = conditions(filter).finish("SELECT COUNT(*) AS number FROM tasks t", "", vec![]);
    tx.one(&sql, values, |row| row.count("number")).await
}

/// How many open tasks a user has.
pub async fn open_count(tx: &mut Tx, owner: UserId) -> Result<u32> {
    count(tx, TaskFilter { owners: &[owner], open: Some(true), ..TaskFilter::default() }).await
}

/// Closes an open task as done, skipped or cancelled; false if it was closed already.
pub async fn close(tx: &mut Tx, id: TaskId, state: TaskState, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE tasks SET state = $2, closed_at = $3 WHERE id = $1 AND state = 'open'";
    Ok(tx.execute(sql, args![id, state.as_str(), now]).await? > 0)
}

/// Closes an open task as done with the email that was written in it; false if it was closed already.
pub async fn close_with_email(
    tx: &mut Tx,
    id: TaskId,
    (enrollment, step): (EnrollmentId, StepId),
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'done', closed_at = $2, enrollment_id = $3, step_id = $4
        WHERE id = $1 AND state = 'open' AND enrollment_id IS NULL";
    Ok(tx.execute(sql, args![id, now, enrollment, step]).await? > 0)
}

/// Opens a task that was done or skipped; false if it was not.
pub async fn reopen(tx: &mut Tx, id: TaskId) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'open', closed_at = NULL WHERE id = $1 AND state IN ('done', 'skipped')";
    Ok(tx.execute(sql, args![id]).await? > 0)
}

/// Cancels the open tasks of these enrollments; the tasks cancelled.
pub async fn cancel_open_of_enrollments(
    tx: &mut Tx,
    enrollments: &[EnrollmentId],
    now: Timestamp,
) -> Result<Vec<TaskId>> {
    let mut cancelled = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let sql = format!(
            "UPDATE tasks SET state = 'cancelled', closed_at = $1 WHERE enrollment_id IN ({}) AND state = 'open'
             RETURNING id",
            list(2, chunk.len())
        );
        let mut values = args![now];
        values.extend(ids(chunk));
        cancelled.extend(tx.all(&sql, values, |row| row.id::<TaskId>("id")).await?);
    }
    Ok(cancelled)
}

/// Moves an open task to another due time; false if it is closed.
pub async fn snooze(tx: &mut Tx, id: TaskId, due_at: Timestamp) -> Result<bool> {
    Ok(tx.execute("UPDATE tasks SET due_at = $2 WHERE id = $1 AND state = 'open'", args![id, due_at]).await? > 0)
}

/// Replaces owner, kind, content and due time of an open task; false if it is closed.
pub async fn update(tx: &mut Tx, task: &Task) -> Result<bool> {
    let sql = "UPDATE tasks SET owner_id = $2, kind = $3, content = $4, due_at = $5 WHERE id = $1 AND state = 'open'";
    Ok(tx.execute(sql, args![task.id, task.owner_id, task.kind.as_str(), &task.content, task.due_at]).await? > 0)
}
