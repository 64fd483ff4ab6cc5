//! The history of people: one row per event. Only a note and a logged call are ever changed or
//! removed, by who wrote them.

use crate::{
    args,
    error::Result,
    sending_pauses,
    tx::{self, Tx},
    value::{Row, Value, json},
};
use relance_domain::{
    ActivityId, PersonId, Timestamp,
    activity::{Activity, ActivityKind},
};

const COLUMNS: &str = "id, at, person_id, kind, actor_id, sequence_id, enrollment_id, delivery_id, inbound_id, task_id,
    summary, detail";
const CHUNK: usize = 1_000;

fn activity(row: &Row) -> Result<Activity> {
    Ok(Activity {
        id: row.id("id")?,
        at: row.time("at")?,
        person_id: row.id("person_id")?,
        kind: row.word("kind", ActivityKind::parse)?,
        actor_id: row.id_opt("actor_id")?,
        sequence_id: row.id_opt("sequence_id")?,
        enrollment_id: row.id_opt("enrollment_id")?,
        delivery_id: row.id_opt("delivery_id")?,
        inbound_id: row.id_opt("inbound_id")?,
        task_id: row.id_opt("task_id")?,
        summary: row.text("summary")?,
        detail: row.json("detail")?,
    })
}

fn values_of(event: &Activity) -> Vec<Value> {
    args![
        event.id,
        event.at,
        event.person_id,
        event.kind.as_str(),
        event.actor_id,
        event.sequence_id,
        event.enrollment_id,
        event.delivery_id,
        event.inbound_id,
        event.task_id,
        &event.summary,
        json(&event.detail)
    ]
}

/// Adds an event.
pub async fn insert(tx: &mut Tx, event: &Activity) -> Result<()> {
    insert_many(tx, std::slice::from_ref(event)).await
}

/// Adds events.
pub async fn insert_many(tx: &mut Tx, events: &[Activity]) -> Result<()> {
    for chunk in events.chunks(CHUNK) {
        let sql = format!("INSERT INTO activities ({COLUMNS}) VALUES {}", tx::values(1, chunk.len(), 12));
        tx.execute(&sql, chunk.iter().flat_map(values_of).collect()).await?;
    }
    Ok(())
}

/// Stores another text of a note or logged call with further facts; `false` if there is none.
pub async fn update_note(tx: &mut Tx, id: ActivityId, text: &str, detail: &serde_json::Value) -> Result<bool> {
    let sql = "UPDATE activities SET summary = $2, detail = $3 WHERE id = $1 AND kind IN ('note', 'call_logged')";
    Ok(tx.execute(sql, args![id, text, json(detail)]).await? > 0)
}

/// Removes a note or logged call; `false` if there is none.
pub async fn delete_note(tx: &mut Tx, id: ActivityId) -> Result<bool> {
    let sql = "DELETE FROM activities WHERE id = $1 AND kind IN ('note', 'call_logged')";
    Ok(tx.execute(sql, args![id]).await? > 0)
}

/// The event with this id.
pub async fn find(tx: &mut Tx, id: ActivityId) -> Result<Option<Activity>> {
    tx.first(&format!("SELECT {COLUMNS} FROM activities WHERE id = $1"), args![id], activity).await
}

/// Up to `limit` events of a person, newest first, after the one at `after`; of the given kinds, or of all if empty.
pub async fn list_of_person(
    tx: &mut Tx,
    person_id: PersonId,
    kinds: &[ActivityKind],
    after: Option<(Timestamp, ActivityId)>,
    limit: usize,
) -> Result<Vec<Activity>> {
    let (mut conditions, mut args) = (String::from("person_id = $1"), args![person_id, limit]);
    if let Some((at, id)) = after {
        args.extend(args![at, id]);
        conditions.push_str(" AND (at, id) < ($3, $4)");
    }
    if !kinds.is_empty() {
        conditions.push_str(&format!(" AND kind IN ({})", tx::list(args.len() + 1, kinds.len())));
        args.extend(kinds.iter().map(|kind| Value::from(kind.as_str())));
    }
    let sql = format!("SELECT {COLUMNS} FROM activities WHERE {conditions} ORDER BY at DESC, id DESC LIMIT $2");
    let mut found = tx.all(&sql, args, activity).await?;
    let pauses = sending_pauses::of_person(tx, person_id, kinds, after, limit).await?;
    if !pauses.is_empty() {
        found.extend(pauses);
        found.sort_by_key(|event| std::cmp::Reverse((event.at, event.id)));
        found.truncate(limit);
    }
    Ok(found)
}

/// Up to `limit` events of one kind since `since`, newest first; with `actor_id`, those of the actor's enrollments.
pub async fn list_recent(
    tx: &mut Tx,
    kind: ActivityKind,
    since: Timestamp,
    actor_id: Option<relance_domain::UserId>,
    limit: usize,
) -> Result<Vec<Activity>> {
    let mut args = args![kind.as_str(), since, limit];
    let mut own = "";
    if let Some(actor_id) = actor_id {
        args.push(actor_id.into());
        own = " AND EXISTS (SELECT 1 FROM enrollments e WHERE e.id = activities.enrollment_id AND e.actor_id = $4)";
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM activities WHERE kind = $1 AND at >= $2{own} ORDER BY at DESC, id DESC LIMIT $3"
    );
    tx.all(&sql, args, activity).await
}

/// Why each email of an enrollment that left did so then, as it was written down at that moment.
pub async fn departures(
    tx: &mut Tx,
    enrollment: relance_domain::EnrollmentId,
) -> Result<std::collections::HashMap<relance_domain::DeliveryId, serde_json::Value>> {
    let sql = "SELECT a.delivery_id AS delivery_id, a.detail AS detail FROM enrollments e
        JOIN activities a ON a.person_id = e.person_id AND a.enrollment_id = e.id
        WHERE e.id = $1 AND a.kind = 'email_sent' AND a.delivery_id IS NOT NULL";
    let rows = tx.all(sql, args![enrollment], |row| Ok((row.id("delivery_id")?, row.json("detail")?))).await?;
    Ok(rows.into_iter().collect())
}

/// How many events of one kind there were from `from` until before `to`.
pub async fn count(tx: &mut Tx, kind: ActivityKind, from: Timestamp, to: Timestamp) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS number FROM activities WHERE kind = $1 AND at >= $2 AND at < $3";
    tx.one(sql, args![kind.as_str(), from, to], |row| row.int("number")).await
}
