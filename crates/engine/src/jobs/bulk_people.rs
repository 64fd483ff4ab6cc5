//! A chunk of a bulk action: the next ids of the file, or the next people that match, each with its outcome.

use super::{finish, lock, payload, rows_before, save};
use crate::{
    Engine, Result,
    commands::{
        RowOutcome,
        bulk::{BulkAction, BulkPayload, ids_from_bytes},
    },
};
use relance_domain::PersonId;
use relance_storage::{
    jobs::{self, Job, JobRow},
    people_lists,
};

/// People of one chunk: fewer where each costs many statements.
const fn chunk_of(action: &BulkAction) -> usize {
    if matches!(action, BulkAction::Enroll { .. }) { 500 } else { 100 }
}

/// Does the next chunk, or ends the job.
pub(super) async fn run_chunk(engine: &Engine, job: &Job) -> Result<()> {
    let asked: BulkPayload = payload(job)?;
    let Some((ids, cursor)) = next_ids(engine, job, &asked).await? else { return finish(engine, job).await };
    let prepared = match &asked.action {
        BulkAction::Enroll { request, on_missing } => {
            let prepared = engine.prepare_enroll(&asked.actor, request, &ids, &mut None).await?;
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
            outcomes.into_iter().map(RowOutcome::from).collect()
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
        let ids = people_lists::ids(&mut tx, &selection.query(), job.cursor.parse().ok(), size).await?;
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

fn row(outcome: RowOutcome, number: i64, enrolls: bool) -> JobRow {
    let (word, reason) = match &outcome.refused {
        Some(refused) => ("refused", refused.message.clone()),
        None => (if enrolls { "enrolled" } else { "done" }, String::new()),
    };
    JobRow {
        number,
        outcome: word.to_owned(),
        reason,
        person_id: Some(outcome.person_id),
        enrollment_id: outcome.enrollment_id,
        data: outcome.refused.map(|refused| refused.code).unwrap_or_default(),
    }
}
