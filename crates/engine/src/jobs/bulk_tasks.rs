//! A chunk of an action on several tasks, or of taking it back. See [`crate::commands::bulk_tasks`].

use super::{finish, lock, rows_before, save};
use crate::{
    Engine, Result,
    commands::{
        bulk::BulkPayload,
        bulk_tasks::{TaskAct, tasks_from_bytes},
    },
};
use relance_storage::jobs::{self, Job, JobRow};

/// Tasks of one chunk.
const CHUNK: usize = 100;

/// Does the next chunk, or ends the job. The cursor is how many were done.
pub(super) async fn run_chunk(engine: &Engine, job: &Job, asked: &BulkPayload, act: TaskAct) -> Result<()> {
    let offset: usize = job.cursor.parse().unwrap_or(0);
    let bytes = jobs::read_file_part(&mut engine.store.read().await?, job.id, 0).await?.unwrap_or_default();
    let ids: Vec<_> = tasks_from_bytes(&bytes).into_iter().skip(offset).take(CHUNK).collect();
    if ids.is_empty() {
        return finish(engine, job).await;
    }
    let mut tx = engine.store.begin().await?;
    if !lock(&mut tx, job).await? {
        return Ok(());
    }
    let rows = numbered(job, engine.task_rows(&mut tx, &asked.actor, &ids, act).await?);
    save(engine, &mut tx, job, (offset + ids.len()).to_string(), &rows).await?;
    tx.commit().await?;
    engine.signals.due.notify_waiters();
    Ok(())
}

/// The rows with their numbers in the job.
pub(super) fn numbered(job: &Job, rows: Vec<JobRow>) -> Vec<JobRow> {
    rows.into_iter().zip(rows_before(job) + 1..).map(|(row, number)| JobRow { number, ..row }).collect()
}
