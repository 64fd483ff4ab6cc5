//! Who may see what, in SQL: the mirror of `domain::user::Sight` for rows that belong to a person.
//!
//! A row is seen by whoever sees its person, and by the one it is done for: their own tasks, enrollments and mailbox
//! stay theirs when the person is handed to someone else.

use crate::{args, conditions::Conditions, error::Result, tx::Tx, value::Value};
use relance_domain::UserId;
use uuid::Uuid;

/// Someone who does not see everyone.
#[derive(Debug, Clone, Copy)]
pub struct SeenBy<'a> {
    /// Who asks.
    pub user: UserId,
    /// Whose people they see; those of nobody come on top.
    pub owners: &'a [UserId],
}

/// Adds to `conditions`: the person with the id in `person` is seen, or `own` is who asks.
pub(crate) fn and_seen(conditions: &mut Conditions, person: &str, own: &str, seen_by: Option<SeenBy<'_>>) {
    let Some(SeenBy { user, owners }) = seen_by else { return };
    let places = if owners.is_empty() { "NULL".to_owned() } else { vec!["$?"; owners.len()].join(", ") };
    let mut values: Vec<Value> = args![user];
    values.extend(owners.iter().map(|owner| Value::from(*owner)));
    conditions.and(
        &format!(
            "({own} = $? OR EXISTS (SELECT 1 FROM people seen WHERE seen.id = {person}
                AND (seen.owner_id IS NULL OR seen.owner_id IN ({places}))))"
        ),
        values,
    );
}

/// The same for received messages: those that nobody was found for are seen with the people of the mailbox's owner.
pub(crate) fn and_message_seen(conditions: &mut Conditions, seen_by: Option<SeenBy<'_>>) {
    let Some(SeenBy { user, owners }) = seen_by else { return };
    let places = if owners.is_empty() { "NULL".to_owned() } else { vec!["$?"; owners.len()].join(", ") };
    let mut values: Vec<Value> = args![user];
    values.extend(owners.iter().chain(owners).map(|owner| Value::from(*owner)));
    conditions.and(
        &format!(
            "(m.user_id = $? OR (i.person_id IS NULL AND m.user_id IN ({places}))
                OR EXISTS (SELECT 1 FROM people seen WHERE seen.id = i.person_id
                    AND (seen.owner_id IS NULL OR seen.owner_id IN ({places}))))"
        ),
        values,
    );
}

/// What something belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belongs {
    /// It is about a person.
    pub of_person: bool,
    /// The owner of that person.
    pub owner: Option<UserId>,
    /// For whom it is done: the rep of an enrollment, the owner of a task or mailbox, who asked for a job.
    pub own: Option<UserId>,
}

/// Kinds of ids whose things are about people, with the query that says what one belongs to.
const THINGS: &[(&str, &str)] = &[
    ("per", "SELECT p.id AS person, p.owner_id, NULL AS own FROM people p WHERE p.id = $1"),
    (
        "enr",
        "SELECT p.id AS person, p.owner_id, e.actor_id AS own FROM enrollments e JOIN people p ON p.id = e.person_id
         WHERE e.id = $1",
    ),
    (
        "dlv",
        "SELECT p.id AS person, p.owner_id, e.actor_id AS own FROM deliveries d JOIN people p ON p.id = d.person_id
         JOIN enrollments e ON e.id = d.enrollment_id WHERE d.id = $1",
    ),
    (
        "tsk",
        "SELECT p.id AS person, p.owner_id, t.owner_id AS own FROM tasks t LEFT JOIN people p ON p.id = t.person_id
         WHERE t.id = $1",
    ),
    (
        "act",
        "SELECT p.id AS person, p.owner_id, a.actor_id AS own FROM activities a JOIN people p ON p.id = a.person_id
         WHERE a.id = $1",
    ),
    (
        "inb",
        "SELECT p.id AS person, p.owner_id, m.user_id AS own FROM inbound_messages i
         JOIN mailboxes m ON m.id = i.mailbox_id LEFT JOIN people p ON p.id = i.person_id WHERE i.id = $1",
    ),
    ("job", "SELECT j.id AS person, j.created_by AS owner_id, j.created_by AS own FROM jobs j WHERE j.id = $1"),
];

/// Whether ids with this prefix name things that not everyone may see.
pub fn is_about_people(prefix: &str) -> bool {
    THINGS.iter().any(|(known, _)| *known == prefix)
}

/// What the thing with this prefix and id belongs to; `None` if there is none.
pub async fn belongs(tx: &mut Tx, prefix: &str, id: Uuid) -> Result<Option<Belongs>> {
    let Some((_, sql)) = THINGS.iter().find(|(known, _)| *known == prefix) else { return Ok(None) };
    let sql = match (tx.engine(), prefix) {
        // A NULL of no type is text to PostgreSQL.
        (crate::Engine::Postgres, "per") => sql.replace("NULL AS own", "CAST(NULL AS UUID) AS own"),
        _ => (*sql).to_owned(),
    };
    tx.first(&sql, args![id], |row| {
        Ok(Belongs {
            of_person: row.id_opt::<UserId>("person")?.is_some(),
            owner: row.id_opt("owner_id")?,
            own: row.id_opt("own")?,
        })
    })
    .await
}
