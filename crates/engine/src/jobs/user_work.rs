//! A chunk of the work of a user: held, let go on, or given to someone else. See [`crate::commands::hand_over`].
//!
//! Enrollments and tasks leave the set that is worked on, so they need no cursor; people are gone through by their ids,
//! for one that an old value keeps from being edited is refused and stays.

use super::{finish, lock, rows_before, save};
use crate::{
    Engine, EngineError, Result,
    commands::{
        bulk::BulkPayload,
        hand_over::{HandOver, UserWork},
    },
};
use relance_domain::{
    PersonId, UserId,
    activity::{Activity, ActivityKind},
    enrollment::PausedBy,
    user::User,
};
use relance_storage::{
    Tx, activities,
    enrollment_sets::{self, Pause, Touched},
    jobs::{Job, JobRow},
    mailboxes, user_work, users,
};

/// Rows that one statement changes.
const BATCH: u32 = 500;
/// People of one chunk: each is an edit of its own.
const PEOPLE: u32 = 100;
/// The cursor once only people are left: this and the id of the last one.
const PEOPLE_FROM: &str = "people:";

/// Does the next chunk, or ends the job.
pub(super) async fn run_chunk(engine: &Engine, job: &Job, asked: &BulkPayload, work: UserWork) -> Result<()> {
    let mut tx = engine.store.begin().await?;
    if !lock(&mut tx, job).await? {
        return Ok(());
    }
    let chunk = match work {
        UserWork::Hold { user } => hold(engine, &mut tx, asked, user).await?,
        UserWork::Release { user } => release(engine, &mut tx, asked, user).await?,
        UserWork::HandOver { user, hand_over } => give(engine, &mut tx, (job, asked), user, hand_over).await?,
    };
    let Some(Chunk { cursor, rows }) = chunk else {
        drop(tx);
        return finish(engine, job).await;
    };
    // It differs from the one before, so that two nodes never do the same chunk.
    let cursor = if cursor.is_empty() { format!("rows:{}", rows_before(job) + rows.len() as i64) } else { cursor };
    let first = rows_before(job) + 1;
    let rows: Vec<JobRow> = rows.into_iter().zip(first..).map(|(row, number)| JobRow { number, ..row }).collect();
    save(engine, &mut tx, job, cursor, &rows).await?;
    tx.commit().await?;
    engine.signals.due.notify_waiters();
    Ok(())
}

/// What one chunk did and where the next goes on.
struct Chunk {
    cursor: String,
    rows: Vec<JobRow>,
}

fn row(person_id: Option<PersonId>) -> JobRow {
    JobRow {
        number: 0,
        outcome: "done".to_owned(),
        reason: String::new(),
        person_id,
        enrollment_id: None,
        data: String::new(),
    }
}

fn of_touched(touched: &[Touched]) -> Option<Chunk> {
    let row = |touched: &Touched| JobRow { enrollment_id: Some(touched.id), ..row(Some(touched.person_id)) };
    let rows: Vec<JobRow> = touched.iter().map(row).collect();
    (!rows.is_empty()).then(|| Chunk { cursor: String::new(), rows })
}

async fn is_active(tx: &mut Tx, user: UserId) -> Result<bool> {
    Ok(users::find(tx, user).await?.is_some_and(|user| user.deactivated_at.is_none()))
}

async fn hold(engine: &Engine, tx: &mut Tx, asked: &BulkPayload, user: UserId) -> Result<Option<Chunk>> {
    if is_active(tx, user).await? {
        return Ok(None);
    }
    let pause = Pause { by: PausedBy::Deactivated, until: None };
    let held = enrollment_sets::pause_some_of_actor(tx, user, pause, BATCH, engine.now()).await?;
    let words = "Paused: the rep was deactivated";
    engine.record_held(tx, &held, ActivityKind::SequencePaused, &asked.actor, words).await?;
    Ok(of_touched(&held))
}

async fn release(engine: &Engine, tx: &mut Tx, asked: &BulkPayload, user: UserId) -> Result<Option<Chunk>> {
    if !is_active(tx, user).await? {
        return Ok(None);
    }
    let now = engine.now();
    let resumed = enrollment_sets::resume_some_of_actor(tx, user, PausedBy::Deactivated, BATCH, now).await?;
    let words = "Resumed: the rep is active again";
    engine.record_held(tx, &resumed, ActivityKind::SequenceResumed, &asked.actor, words).await?;
    let of_mailbox: Vec<_> = resumed.iter().filter_map(|touched| touched.mailbox_id).collect();
    mailboxes::hasten_many(tx, &of_mailbox, now).await?;
    Ok(of_touched(&resumed))
}

async fn give(
    engine: &Engine,
    tx: &mut Tx,
    (job, asked): (&Job, &BulkPayload),
    from: UserId,
    hand_over: HandOver,
) -> Result<Option<Chunk>> {
    let user = users::find(tx, from).await?.ok_or(EngineError::NotFound("user"))?;
    let to = users::find(tx, hand_over.to).await?.ok_or(EngineError::NotFound("user"))?;
    if to.deactivated_at.is_some() {
        let message = format!("{} was deactivated meanwhile. Hand the rest to someone else.", to.name);
        return Err(EngineError::refused("deactivated", message));
    }
    let at_people = job.cursor.strip_prefix(PEOPLE_FROM);
    if hand_over.work && at_people.is_none() {
        let words = format!("Handed over from {} to {}", user.name, to.name);
        if let Some(chunk) = give_enrollments(engine, tx, asked, (&user, &to), &words).await? {
            return Ok(Some(chunk));
        }
        if let Some(chunk) = give_tasks(engine, tx, asked, (&user, &to), &words).await? {
            return Ok(Some(chunk));
        }
    }
    if hand_over.people {
        return give_people(engine, tx, asked, (&user, &to), at_people.and_then(|id| id.parse().ok())).await;
    }
    Ok(None)
}

async fn give_enrollments(
    engine: &Engine,
    tx: &mut Tx,
    asked: &BulkPayload,
    (from, to): (&User, &User),
    words: &str,
) -> Result<Option<Chunk>> {
    let now = engine.now();
    let mailbox = engine.sender_of(tx, Some(to.id), None).await?.mailbox().map(|mailbox| mailbox.id);
    if mailbox.is_none() && user_work::counts(tx, from.id).await?.with_mailbox > 0 {
        let message = format!("{} has no mailbox to send from. Connect one, then hand over the rest.", to.name);
        return Err(EngineError::refused("no_mailbox", message));
    }
    let given = user_work::give_enrollments(tx, from.id, (to.id, mailbox), BATCH, now).await?;
    engine.record_held(tx, &given, ActivityKind::HandedOver, &asked.actor, words).await?;
    if let Some(mailbox) = mailbox {
        mailboxes::hasten(tx, mailbox, now).await?;
    }
    Ok(of_touched(&given))
}

async fn give_tasks(
    engine: &Engine,
    tx: &mut Tx,
    asked: &BulkPayload,
    (from, to): (&User, &User),
    words: &str,
) -> Result<Option<Chunk>> {
    let given = user_work::give_tasks(tx, from.id, to.id, BATCH).await?;
    let event = |person: PersonId, task| Activity {
        task_id: Some(task),
        ..engine.event(person, ActivityKind::HandedOver, &asked.actor, words)
    };
    let events: Vec<Activity> =
        given.iter().filter_map(|task| task.person_id.map(|person| event(person, task.id))).collect();
    activities::insert_many(tx, &events).await?;
    let rows: Vec<JobRow> = given.iter().map(|task| row(task.person_id)).collect();
    Ok((!rows.is_empty()).then(|| Chunk { cursor: String::new(), rows }))
}

async fn give_people(
    engine: &Engine,
    tx: &mut Tx,
    asked: &BulkPayload,
    (from, to): (&User, &User),
    after: Option<PersonId>,
) -> Result<Option<Chunk>> {
    let ids = user_work::people_after(tx, from.id, after, PEOPLE).await?;
    let Some(last) = ids.last() else { return Ok(None) };
    let cursor = format!("{PEOPLE_FROM}{last}");
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let mut done = row(Some(id));
        match engine.edit_in(tx, &asked.actor, id, |fields| fields.owner_id = Some(to.id)).await {
            Ok(_) => {}
            Err(error @ (EngineError::Refused(_) | EngineError::NotFound(_))) => {
                (done.outcome, done.reason) = ("refused".to_owned(), error.to_string());
            }
            Err(error) => return Err(error),
        }
        rows.push(done);
    }
    Ok(Some(Chunk { cursor, rows }))
}
