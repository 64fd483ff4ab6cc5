//! `sending_pauses`: when all sending was stopped and went on.
//!
//! One row for the whole workspace, however many people it concerns: the history of a person shows those that fell into
//! one of their enrollments. Nothing changes or removes a row.

use crate::{
    args,
    error::Result,
    tx::Tx,
    value::{Row, Value},
};
use relance_domain::{
    ActivityId, PersonId, Timestamp, UserId,
    activity::{Activity, ActivityKind},
};

/// A stop of all sending, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendingPause {
    /// Its id as an event.
    pub id: ActivityId,
    /// When, by the business clock.
    pub at: Timestamp,
    /// Sending was stopped; `false` = it went on.
    pub stopped: bool,
    /// Who did it.
    pub actor_id: Option<UserId>,
}

const fn kind(stopped: bool) -> ActivityKind {
    if stopped { ActivityKind::SequencePaused } else { ActivityKind::SequenceResumed }
}

/// Keeps one.
pub async fn insert(tx: &mut Tx, pause: &SendingPause) -> Result<()> {
    let sql = "INSERT INTO sending_pauses (id, at, kind, actor_id) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![pause.id, pause.at, kind(pause.stopped).as_str(), pause.actor_id]).await?;
    Ok(())
}

/// Up to `limit` of them before `before` that fell into an enrollment of the person, newest first, as events of the
/// given kinds, or of both if none is given.
pub async fn of_person(
    tx: &mut Tx,
    person: PersonId,
    kinds: &[ActivityKind],
    before: Option<(Timestamp, ActivityId)>,
    limit: usize,
) -> Result<Vec<Activity>> {
    let mut args: Vec<Value> = args![person, limit];
    let mut earlier = "";
    if let Some((at, id)) = before {
        args.extend(args![at, id]);
        earlier = "(w.at, w.id) < ($3, $4) AND";
    }
    let asked = |stopped| kinds.is_empty() || kinds.contains(&kind(stopped));
    let of_kind = match (asked(true), asked(false)) {
        (true, true) => "",
        (true, false) => "w.kind = 'sequence_paused' AND",
        (false, true) => "w.kind = 'sequence_resumed' AND",
        (false, false) => return Ok(Vec::new()),
    };
    let sql = format!(
        "SELECT w.id, w.at, w.kind, w.actor_id FROM sending_pauses w WHERE {earlier} {of_kind} EXISTS
            (SELECT 1 FROM enrollments e WHERE e.person_id = $1 AND e.enrolled_at <= w.at
                AND (e.finished_at IS NULL OR e.finished_at > w.at))
        ORDER BY w.at DESC, w.id DESC LIMIT $2"
    );
    tx.all(&sql, args, |row| event(row, person)).await
}

/// One of them as an event of the person, if it fell into one of their enrollments.
pub async fn find(tx: &mut Tx, id: ActivityId, person: PersonId) -> Result<Option<Activity>> {
    let sql = "SELECT w.id, w.at, w.kind, w.actor_id FROM sending_pauses w WHERE w.id = $1 AND EXISTS
        (SELECT 1 FROM enrollments e WHERE e.person_id = $2 AND e.enrolled_at <= w.at
            AND (e.finished_at IS NULL OR e.finished_at > w.at))";
    tx.first(sql, args![id, person], |row| event(row, person)).await
}

fn event(row: &Row, person_id: PersonId) -> Result<Activity> {
    let kind = row.word("kind", ActivityKind::parse)?;
    let stopped = kind == ActivityKind::SequencePaused;
    Ok(Activity {
        id: row.id("id")?,
        at: row.time("at")?,
        person_id,
        kind,
        actor_id: row.id_opt("actor_id")?,
        sequence_id: None,
        enrollment_id: None,
        delivery_id: None,
        inbound_id: None,
        task_id: None,
        summary: if stopped { "All sending was stopped" } else { "All sending was resumed" }.to_owned(),
        detail: serde_json::json!({ "everyone": true }),
    })
}
