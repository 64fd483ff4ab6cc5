//! Long work as durable rows: one chunk at a time, each committed with its cursor, so a restart goes on where it was.
//!
//! [`run_next_job`] does one chunk of the oldest unfinished job. Work is prepared outside the transaction; inside, the
//! job is locked and its cursor compared, so two nodes never do the same chunk. What is corrupt or refused as a whole
//! ends the job with the fault in words; an unavailable database leaves it for the next call.

mod bulk_people;
mod bulk_tasks;
mod import_people;
mod user_work;

use crate::{Engine, EngineError, Result};
use relance_storage::{
    Tx,
    jobs::{self, Job, JobKind, JobRow, Progress},
};
use serde_json::{Value, json};

/// Does one chunk of the oldest unfinished job; false if there is none.
pub async fn run_next_job(engine: &Engine) -> Result<bool> {
    let mut tx = engine.store.begin().await?;
    let job = jobs::next_unfinished(&mut tx).await?;
    tx.rollback().await?;
    let Some(job) = job else { return Ok(false) };
    run_job(engine, &job).await?;
    Ok(true)
}

/// Does one chunk of this job.
pub(crate) async fn run_job(engine: &Engine, job: &Job) -> Result<()> {
    let done = match job.kind {
        JobKind::ImportPeople => import_people::run_chunk(engine, job).await,
        JobKind::BulkPeople | JobKind::BulkEnroll => bulk_people::run_chunk(engine, job).await,
    };
    match done {
        Ok(()) => Ok(()),
        Err(error @ EngineError::Unavailable(_)) => Err(error),
        Err(error) => {
            tracing::error!(job = %job.id, %error, "a job could not go on");
            let mut tx = engine.store.begin().await?;
            jobs::fail(&mut tx, job.id, &error.to_string(), engine.now()).await?;
            tx.commit().await?;
            Ok(())
        }
    }
}

/// The job, locked, if nobody went on with it since it was read.
async fn lock(tx: &mut Tx, job: &Job) -> Result<bool> {
    Ok(jobs::lock_unfinished(tx, job.id).await?.is_some_and(|locked| locked.cursor == job.cursor))
}

/// Ends the job: every row has its outcome.
async fn finish(engine: &Engine, job: &Job) -> Result<()> {
    let mut tx = engine.store.begin().await?;
    jobs::finish(&mut tx, job.id, engine.now()).await?;
    tx.commit().await?;
    engine.signals.due.notify_waiters();
    Ok(())
}

/// Stores what a chunk did with its cursor; the counts of its outcomes are added to the summary.
async fn save(engine: &Engine, tx: &mut Tx, job: &Job, cursor: String, rows: &[JobRow]) -> Result<()> {
    let mut summary = job.summary.clone();
    for row in rows {
        let count = summary.get(&row.outcome).and_then(Value::as_i64).unwrap_or(0);
        summary[&row.outcome] = json!(count + 1);
    }
    let refused = rows.iter().filter(|row| row.outcome == "refused").count() as i64;
    let done = rows.len() as i64 - refused;
    let total = job.total.max(job.done_count + job.refused_count + rows.len() as i64);
    let progress = Progress { cursor, total, done, refused, summary };
    jobs::save_progress(tx, job.id, &progress, rows, engine.now()).await?;
    Ok(())
}

/// What was asked, as its kind reads it.
fn payload<T: serde::de::DeserializeOwned>(job: &Job) -> Result<T> {
    serde_json::from_value(job.payload.clone()).map_err(|error| EngineError::Corrupt(format!("jobs.payload: {error}")))
}

/// Rows that have their outcome: the number of the last one.
const fn rows_before(job: &Job) -> i64 {
    job.done_count + job.refused_count
}
