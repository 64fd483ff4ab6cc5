//! A chunk of a bulk action: the next ids of the file, the next people that match, or the next rows to take back.
//!
//! Each row is stored with its outcome and with what undoing it needs.

use super::{bulk_tasks, finish, lock, payload, rows_before, save, user_work};
use crate::{
    Engine, EngineError, Result,
    commands::{
        RowOutcome,
        bulk::{BulkAction, BulkPayload, ids_from_bytes, seen_query},
        bulk_rows::{Before, RowDone},
        bulk_undo::action_of,
    },
};
use relance_domain::{JobId, PersonId};
use relance_storage::{
    jobs::{self, Job, JobRow},
    people_lists,
};

/// People of one chunk: fewer where each costs many statements.
const fn chunk_of(action: &BulkAction) -> usize {
    if matches!(action, BulkAction::Enroll { .. } | BulkAction::FollowVersion { .. }) { 500 } else { 100 }
}

/// Does the next chunk, or ends the job.
pub(super) async fn run_chunk(engine: &Engine, job: &Job) -> Result<()> {
    let asked: BulkPayload = payload(job)?;
    if let BulkAction::Undo { job: source } = asked.action {
        return undo(engine, job, &asked, source).await;
    }
    if let BulkAction::OfTasks { act } = asked.action {
        return bulk_tasks::run_chunk(engine, job, &asked, act).await;
    }
    if let BulkAction::OfUser { work } = asked.action {
        return user_work::run_chunk(engine, job, &asked, work).await;
    }
    let Some((ids, cursor)) = next_ids(engine, job, &asked).await? else { return finish(engine, job).await };
    let prepared = match &asked.action {
        BulkAction::Enroll { request, on_missing } => {
            let prepared = engine.prepare_enroll(&asked.actor, request, &ids).await?;
            Some((prepared, *on_missing))
        }
        _ => None,
    };
    let mut tx = engine.store.begin().await?;
    if !lock(&mut tx, job).await? {
        return Ok(());
    }
    let outcomes = match prepared {
        Some((prepared, on_missing)) => {
            let outcomes = engine.enroll_prepared(&mut tx, &asked.actor, prepared, on_missing).await?;
            outcomes.into_iter().map(|row| (RowOutcome::from(row), Before::default())).collect()
        }
        None => engine.bulk_chunk(&mut tx, &asked.actor, &ids, &asked.action).await?,
    };
    let enrolls = matches!(asked.action, BulkAction::Enroll { .. });
    let first = rows_before(job) + 1;
    let rows: Vec<JobRow> =
        outcomes.into_iter().zip(first..).map(|(outcome, number)| row(outcome, number, enrolls)).collect();
    save(engine, &mut tx, job, cursor, &rows).await?;
    tx.commit().await?;
    engine.signals.due.notify_waiters();
    Ok(())
}

/// The next people and the cursor after them. A cursor is `part:offset` in the file, or the last person's id.
async fn next_ids(engine: &Engine, job: &Job, asked: &BulkPayload) -> Result<Option<(Vec<PersonId>, String)>> {
    let size = chunk_of(&asked.action);
    if let Some(selection) = &asked.matching {
        let mut tx = engine.store.read().await?;
        let query = seen_query(&mut tx, &asked.actor, selection).await?;
        let ids = people_lists::ids(&mut tx, &query, job.cursor.parse().ok(), size).await?;
        return Ok(ids.last().map(|last| last.to_string()).map(|cursor| (ids, cursor)));
    }
    let (mut part, mut offset) = job
        .cursor
        .split_once(':')
        .and_then(|(part, offset)| Some((part.parse::<usize>().ok()?, offset.parse::<usize>().ok()?)))
        .unwrap_or_default();
    loop {
        let mut tx = engine.store.read().await?;
        let Some(bytes) = jobs::read_file_part(&mut tx, job.id, part).await? else { return Ok(None) };
        drop(tx);
        let ids: Vec<PersonId> = ids_from_bytes(&bytes).into_iter().skip(offset).take(size).collect();
        if ids.is_empty() {
            (part, offset) = (part + 1, 0);
            continue;
        }
        offset += ids.len();
        return Ok(Some((ids, format!("{part}:{offset}"))));
    }
}

/// Takes the next rows of another job back.
async fn undo(engine: &Engine, job: &Job, asked: &BulkPayload, source: JobId) -> Result<()> {
    let (action, rows) = {
        let mut tx = engine.store.read().await?;
        let undone = jobs::find(&mut tx, source).await?.ok_or(EngineError::NotFound("job"))?;
        let action = action_of(&undone).ok_or_else(|| EngineError::Corrupt("jobs.payload: no action".to_owned()))?;
        let after = job.cursor.parse().unwrap_or(0);
        (action, jobs::list_rows(&mut tx, source, Some("done"), after, chunk_of(&asked.action)).await?)
    };
    let Some(last) = rows.last() else { return finish(engine, job).await };
    let mut tx = engine.store.begin().await?;
    if !lock(&mut tx, job).await? {
        return Ok(());
    }
    let done: Vec<JobRow> = match action {
        BulkAction::OfTasks { act } => {
            bulk_tasks::numbered(job, engine.undo_task_rows(&mut tx, &asked.actor, &rows, act).await?)
        }
        action => {
            let outcomes = engine.undo_chunk(&mut tx, &asked.actor, &action, &rows).await?;
            let first = rows_before(job) + 1;
            outcomes.into_iter().zip(first..).map(|(outcome, number)| row(outcome, number, false)).collect()
        }
    };
    save(engine, &mut tx, job, last.number.to_string(), &done).await?;
    tx.commit().await?;
    engine.signals.due.notify_waiters();
    Ok(())
}

fn row((outcome, before): RowDone, number: i64, enrolls: bool) -> JobRow {
    let (word, reason) = match &outcome.refused {
        Some(refused) => ("refused", refused.message.clone()),
        None if outcome.merged_into.is_some() => ("merged", outcome.note.clone()),
        None => (if enrolls { "enrolled" } else { "done" }, outcome.note.clone()),
    };
    let data = match outcome.refused {
        Some(refused) => refused.code,
        None if before == Before::default() => String::new(),
        None => serde_json::to_string(&before).unwrap_or_default(),
    };
    JobRow {
        number,
        outcome: word.to_owned(),
        reason,
        person_id: Some(outcome.person_id),
        enrollment_id: outcome.enrollment_id,
        data,
    }
}
