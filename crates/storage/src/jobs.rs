//! Long work that survives a restart: imports and bulk actions.
//!
//! A chunk commits its rows, its counts and its cursor together ([`save_progress`]), in the transaction that does the
//! work; what is not finished is found again by [`next_unfinished`]. Big input lies in numbered file parts.

use crate::{
    args,
    error::Result,
    tx::{self, Tx},
    value::{Row, Value, json},
};
use relance_domain::{EnrollmentId, JobId, PersonId, Timestamp, UserId};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Imports people from a CSV file.
    ImportPeople,
    /// Converts, deletes, tags … many people.
    BulkPeople,
    /// Enrolls many people.
    BulkEnroll,
}

impl JobKind {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImportPeople => "import_people",
            Self::BulkPeople => "bulk_people",
            Self::BulkEnroll => "bulk_enroll",
        }
    }

    /// Reads [`JobKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ImportPeople, Self::BulkPeople, Self::BulkEnroll].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Not begun.
    Queued,
    /// Being worked on, or to be gone on with after a restart.
    Running,
    /// Every row has its outcome.
    Done,
    /// A fault ended it; what was done stays.
    Failed,
    /// Someone ended it; what was done stays.
    Cancelled,
}

impl JobState {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`JobState::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it is.
    pub state: JobState,
    /// Who asked for it; `None` = the command line.
    pub created_by: Option<UserId>,
    /// In words: *Import of leads.csv*.
    pub title: String,
    /// What was asked, as its kind reads it.
    pub payload: serde_json::Value,
    /// Where to go on, as its kind reads it; empty at the start.
    pub cursor: String,
    /// Rows in all.
    pub total: i64,
    /// Rows done.
    pub done_count: i64,
    /// Rows refused.
    pub refused_count: i64,
    /// Counts by outcome and what else the report shows, an object.
    pub summary: serde_json::Value,
    /// The fault that ended it.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last got on.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// The outcome of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Number from 1 in the input.
    pub number: i64,
    /// A code: `created`, `updated`, `skipped`, `refused`, `enrolled` …
    pub outcome: String,
    /// Why, in words.
    pub reason: String,
    /// The person it became or concerned.
    pub person_id: Option<PersonId>,
    /// The enrollment it became.
    pub enrollment_id: Option<EnrollmentId>,
    /// The row as it came, where the report shows it.
    pub data: String,
}

/// How far a chunk got; the counts are added to those of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Where to go on.
    pub cursor: String,
    /// Rows in all, as far as known now.
    pub total: i64,
    /// Rows done in this chunk.
    pub done: i64,
    /// Rows refused in this chunk.
    pub refused: i64,
    /// The summary so far, replaced.
    pub summary: serde_json::Value,
}

const COLUMNS: &str = "id, kind, state, created_by, title, payload, cursor_text, total, done_count, refused_count,
    summary, error, created_at, updated_at, finished_at";
const CHUNK: usize = 1_000;

fn job(row: &Row) -> Result<Job> {
    Ok(Job {
        id: row.id("id")?,
        kind: row.word("kind", JobKind::parse)?,
        state: row.word("state", JobState::parse)?,
        created_by: row.id_opt("created_by")?,
        title: row.text("title")?,
        payload: row.json("payload")?,
        cursor: row.text("cursor_text")?,
        total: row.int("total")?,
        done_count: row.int("done_count")?,
        refused_count: row.int("refused_count")?,
        summary: row.json("summary")?,
        error: row.text_opt("error")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        finished_at: row.time_opt("finished_at")?,
    })
}

/// Adds a job with the parts of its file, if it has one.
pub async fn create(tx: &mut Tx, job: &Job, file_parts: &[&[u8]]) -> Result<()> {
    let sql = format!("INSERT INTO jobs ({COLUMNS}) VALUES {}", tx::values(1, 1, 15));
    tx.execute(
        &sql,
        args![
            job.id,
            job.kind.as_str(),
            job.state.as_str(),
            job.created_by,
            &job.title,
            json(&job.payload),
            &job.cursor,
            job.total,
            job.done_count,
            job.refused_count,
            json(&job.summary),
            job.error.clone(),
            job.created_at,
            job.updated_at,
            job.finished_at
        ],
    )
    .await?;
    for (part, bytes) in file_parts.iter().enumerate() {
        append_file_part(tx, job.id, part, bytes).await?;
    }
    Ok(())
}

/// Adds a part of a job's file, numbered from 0.
pub async fn append_file_part(tx: &mut Tx, id: JobId, part: usize, bytes: &[u8]) -> Result<()> {
    tx.execute("INSERT INTO job_files (job_id, part, bytes) VALUES ($1, $2, $3)", args![id, part, bytes]).await?;
    Ok(())
}

/// A part of a job's file; `None` after the last.
pub async fn read_file_part(tx: &mut Tx, id: JobId, part: usize) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT bytes FROM job_files WHERE job_id = $1 AND part = $2";
    tx.first(sql, args![id, part], |row| row.bytes("bytes")).await
}

/// The oldest job that is queued or running, locked against other nodes.
pub async fn next_unfinished(tx: &mut Tx) -> Result<Option<Job>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE state IN ('queued', 'running') ORDER BY created_at, id LIMIT 1{}",
        tx.for_update_skip_locked()
    );
    tx.first(&sql, vec![], job).await
}

/// The job, locked until the end of the transaction, if it is queued or running: the first statement of a chunk.
pub async fn lock_unfinished(tx: &mut Tx, id: JobId) -> Result<Option<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = $1 AND state IN ('queued', 'running'){}", tx.for_update());
    tx.first(&sql, args![id], job).await
}

/// Stores what a chunk did: rows, counts and cursor; `false` if the job has ended meanwhile (then roll back).
pub async fn save_progress(
    tx: &mut Tx,
    id: JobId,
    progress: &Progress,
    rows: &[JobRow],
    now: Timestamp,
) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE jobs SET state = 'running', cursor_text = $2, total = $3, done_count = done_count + $4,
                refused_count = refused_count + $5, summary = $6, updated_at = $7
            WHERE id = $1 AND state IN ('queued', 'running')",
            args![id, &progress.cursor, progress.total, progress.done, progress.refused, json(&progress.summary), now],
        )
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    for chunk in rows.chunks(CHUNK) {
        let sql = format!(
            "INSERT INTO job_rows (job_id, number, outcome, reason, person_id, enrollment_id, data) VALUES {}",
            tx::values(1, chunk.len(), 7)
        );
        let values = chunk.iter().flat_map(|row| {
            args![id, row.number, &row.outcome, &row.reason, row.person_id, row.enrollment_id, &row.data]
        });
        tx.execute(&sql, values.collect()).await?;
    }
    Ok(true)
}

async fn end(tx: &mut Tx, id: JobId, state: JobState, error: Option<&str>, now: Timestamp) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE jobs SET state = $2, error = $3, finished_at = $4, updated_at = $4
            WHERE id = $1 AND state IN ('queued', 'running')",
            args![id, state.as_str(), error, now],
        )
        .await?;
    if changed > 0 {
        tx.execute("DELETE FROM job_files WHERE job_id = $1", args![id]).await?;
    }
    Ok(changed > 0)
}

/// Lets a job begin that was stored as failed while its file was being taken in; `false` if there is no such job.
pub async fn release(tx: &mut Tx, id: JobId, total: i64, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE jobs SET state = 'queued', error = NULL, finished_at = NULL, total = $2, updated_at = $3
        WHERE id = $1 AND state = 'failed' AND done_count = 0";
    Ok(tx.execute(sql, args![id, total, now]).await? > 0)
}

/// Ends a job whose every row has its outcome, and drops its file; `false` if it had ended already.
pub async fn finish(tx: &mut Tx, id: JobId, now: Timestamp) -> Result<bool> {
    end(tx, id, JobState::Done, None, now).await
}

/// Ends a job that cannot go on, with the fault in words; `false` if it had ended already.
pub async fn fail(tx: &mut Tx, id: JobId, error: &str, now: Timestamp) -> Result<bool> {
    end(tx, id, JobState::Failed, Some(error), now).await
}

/// Ends a job because someone wants it; what was done stays. `false` if it had ended already.
pub async fn cancel(tx: &mut Tx, id: JobId, now: Timestamp) -> Result<bool> {
    end(tx, id, JobState::Cancelled, None, now).await
}

/// The job with this id.
pub async fn find(tx: &mut Tx, id: JobId) -> Result<Option<Job>> {
    tx.first(&format!("SELECT {COLUMNS} FROM jobs WHERE id = $1"), args![id], job).await
}

/// The job with this id, locked until the end of the transaction.
pub async fn find_for_update(tx: &mut Tx, id: JobId) -> Result<Option<Job>> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = $1{}", tx.for_update());
    tx.first(&sql, args![id], job).await
}

/// Replaces the summary of a job that has ended; `false` if there is none.
pub async fn set_summary(tx: &mut Tx, id: JobId, summary: &serde_json::Value) -> Result<bool> {
    let sql = "UPDATE jobs SET summary = $2 WHERE id = $1 AND state NOT IN ('queued', 'running')";
    Ok(tx.execute(sql, args![id, json(summary)]).await? > 0)
}

/// Up to `limit` jobs of a user, or of everyone, newest first.
pub async fn list_recent(tx: &mut Tx, of: Option<UserId>, limit: usize) -> Result<Vec<Job>> {
    let mut args = args![limit];
    let mut filter = "";
    if let Some(user_id) = of {
        args.push(user_id.into());
        filter = "WHERE created_by = $2";
    }
    let sql = format!("SELECT {COLUMNS} FROM jobs {filter} ORDER BY created_at DESC, id DESC LIMIT $1");
    tx.all(&sql, args, job).await
}

/// Up to `limit` rows after number `after`, in order; of one outcome, or of all.
pub async fn list_rows(tx: &mut Tx, id: JobId, outcome: Option<&str>, after: i64, limit: usize) -> Result<Vec<JobRow>> {
    let mut args = args![id, after, limit];
    let mut filter = "";
    if let Some(outcome) = outcome {
        args.push(outcome.into());
        filter = " AND outcome = $4";
    }
    let sql = format!(
        "SELECT number, outcome, reason, person_id, enrollment_id, data FROM job_rows
        WHERE job_id = $1 AND number > $2{filter} ORDER BY number LIMIT $3"
    );
    let read = |row: &Row| {
        Ok(JobRow {
            number: row.int("number")?,
            outcome: row.text("outcome")?,
            reason: row.text("reason")?,
            person_id: row.id_opt("person_id")?,
            enrollment_id: row.id_opt("enrollment_id")?,
            data: row.text("data")?,
        })
    };
    tx.all(&sql, args, read).await
}

/// How many rows each outcome has, the most frequent first.
pub async fn count_rows(tx: &mut Tx, id: JobId) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT outcome, COUNT(*) AS number FROM job_rows WHERE job_id = $1
        GROUP BY outcome ORDER BY number DESC, outcome";
    tx.all(sql, args![id], |row| Ok((row.text("outcome")?, row.int("number")?))).await
}

/// Removes up to `limit` jobs that ended before `before`, with their rows; how many.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: usize) -> Result<u64> {
    let args: Vec<Value> = args![before, limit];
    tx.execute("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < $1 LIMIT $2)", args).await
}
