//! Enrollments as pages show them: with the names of person, sequence, mailbox and actor, and counts.
//!
//! Reads only. *Completed* is the public word for what the database calls finished; filters take either.

use crate::{
    Result, Row, Tx, Value, args,
    conditions::{CHUNK, Conditions, ids},
    enrollments::{COLUMNS, StoredEnrollment},
    tx::list,
    visibility::{SeenBy, and_seen},
};
use relance_domain::{EnrollmentId, MailboxId, PersonId, SequenceId, UserId, person::Fields};
use std::collections::HashMap;

/// An enrollment with the names around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentView {
    /// The enrollment.
    pub stored: StoredEnrollment,
    /// The person's name as shown.
    pub person_name: String,
    /// The person's address.
    pub person_email: String,
    /// `lead` or `contact`.
    pub person_kind: String,
    /// The person was deleted since.
    pub person_deleted: bool,
    /// The sequence's name.
    pub sequence_name: String,
    /// The sequence is paused for everyone.
    pub sequence_paused: bool,
    /// Number of the version it follows.
    pub version: u32,
    /// The mailbox's address.
    pub mailbox_address: Option<String>,
    /// The actor's name.
    pub actor_name: String,
}

const VIEW: &str = "p.first_name, p.last_name, p.organization_name, p.email AS person_email, p.kind AS person_kind, \
    p.deleted_at AS person_deleted_at, s.name AS sequence_name, s.paused_at AS sequence_paused_at, \
    v.number AS version_number, m.address AS mailbox_address, u.name AS actor_name";
const JOINS: &str = "JOIN people p ON p.id = e.person_id JOIN sequences s ON s.id = e.sequence_id \
    JOIN sequence_versions v ON v.id = e.version_id JOIN users u ON u.id = e.actor_id \
    LEFT JOIN mailboxes m ON m.id = e.mailbox_id";

/// The name to show of the person a row was joined with (`first_name`, `last_name`, `organization_name`, `person_email`).
pub(crate) fn person_name(row: &Row) -> Result<String> {
    let fields = Fields {
        first_name: row.text("first_name")?,
        last_name: row.text("last_name")?,
        organization_name: row.text("organization_name")?,
        email: row.text("person_email")?,
        ..Fields::default()
    };
    Ok(fields.name())
}

fn read(row: &Row) -> Result<EnrollmentView> {
    Ok(EnrollmentView {
        stored: crate::enrollments::read(row)?,
        person_name: person_name(row)?,
        person_email: row.text("person_email")?,
        person_kind: row.text("person_kind")?,
        person_deleted: row.time_opt("person_deleted_at")?.is_some(),
        sequence_name: row.text("sequence_name")?,
        sequence_paused: row.time_opt("sequence_paused_at")?.is_some(),
        version: row.count("version_number")?,
        mailbox_address: row.text_opt("mailbox_address")?,
        actor_name: row.text("actor_name")?,
    })
}

/// Which enrollments a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnrollmentFilter<'a> {
    /// Of this person.
    pub person: Option<PersonId>,
    /// Of this sequence.
    pub sequence: Option<SequenceId>,
    /// In one of these states (`active`, `paused`, `blocked`, `completed`); empty = any.
    pub states: &'a [&'a str],
    /// Blocked for this reason.
    pub blocked_reason: Option<&'a str>,
    /// From this mailbox.
    pub mailbox: Option<MailboxId>,
    /// On behalf of this user.
    pub actor: Option<UserId>,
    /// Only what this user may see; `None` = everyone's.
    pub seen_by: Option<SeenBy<'a>>,
}

fn conditions(filter: EnrollmentFilter<'_>) -> Conditions {
    let mut conditions = Conditions::new();
    if let Some(person) = filter.person {
        conditions.and("e.person_id = $?", args![person]);
    }
    if let Some(sequence) = filter.sequence {
        conditions.and("e.sequence_id = $?", args![sequence]);
    }
    if !filter.states.is_empty() {
        let words = filter.states.iter().map(|word| if *word == "completed" { "finished" } else { *word });
        conditions.and_in("e.state", words);
    }
    if let Some(reason) = filter.blocked_reason {
        conditions.and("e.state = 'blocked' AND e.blocked_reason = $?", args![reason]);
    }
    if let Some(mailbox) = filter.mailbox {
        conditions.and("e.mailbox_id = $?", args![mailbox]);
    }
    if let Some(actor) = filter.actor {
        conditions.and("e.actor_id = $?", args![actor]);
    }
    and_seen(&mut conditions, "e.person_id", "e.actor_id", filter.seen_by);
    conditions
}

/// Enrollments newest first, after the last one shown.
pub async fn page(
    tx: &mut Tx,
    filter: EnrollmentFilter<'_>,
    after: Option<EnrollmentId>,
    limit: u32,
) -> Result<Vec<EnrollmentView>> {
    let mut conditions = conditions(filter);
    if let Some(after) = after {
        conditions.and("e.id < $?", args![after]);
    }
    let head = format!("SELECT {COLUMNS}, {VIEW} FROM enrollments e {JOINS}");
    let (sql, values) = conditions.finish(&head, " ORDER BY e.id DESC LIMIT $?", args![limit]);
    tx.all(&sql, values, read).await
}

/// How many enrollments the filter holds for.
pub async fn count(tx: &mut Tx, filter: EnrollmentFilter<'_>) -> Result<u32> {
    let (sql, values) = conditions(filter).finish("SELECT COUNT(*) AS number FROM enrollments e", "", vec![]);
    tx.one(&sql, values, |row| row.count("number")).await
}

/// One enrollment with its names.
pub async fn find(tx: &mut Tx, id: EnrollmentId) -> Result<Option<EnrollmentView>> {
    let sql = format!("SELECT {COLUMNS}, {VIEW} FROM enrollments e {JOINS} WHERE e.id = $1");
    tx.first(&sql, args![id], read).await
}

/// Every enrollment of a person: ongoing ones first, each newest first.
pub async fn of_person(tx: &mut Tx, person: PersonId) -> Result<Vec<EnrollmentView>> {
    let sql = format!(
        "SELECT {COLUMNS}, {VIEW} FROM enrollments e {JOINS} WHERE e.person_id = $1
         ORDER BY CASE WHEN e.state = 'finished' THEN 1 ELSE 0 END, e.enrolled_at DESC, e.id DESC"
    );
    tx.all(&sql, args![person], read).await
}

/// Every enrollment of these people, newest first: for the columns of a list.
pub async fn of_people(tx: &mut Tx, people: &[PersonId]) -> Result<HashMap<PersonId, Vec<EnrollmentView>>> {
    let mut found: HashMap<PersonId, Vec<EnrollmentView>> = HashMap::new();
    for chunk in people.chunks(CHUNK) {
        let sql = format!(
            "SELECT {COLUMNS}, {VIEW} FROM enrollments e {JOINS} WHERE e.person_id IN ({})
             ORDER BY e.enrolled_at DESC, e.id DESC",
            list(1, chunk.len())
        );
        for view in tx.all(&sql, ids(chunk), read).await? {
            found.entry(view.stored.enrollment.person_id).or_default().push(view);
        }
    }
    Ok(found)
}

/// The counts of the Sequences widget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EnrollmentCounts {
    /// On their way.
    pub active: u32,
    /// Paused: shown under active.
    pub paused: u32,
    /// Blocked.
    pub blocked: u32,
    /// Over.
    pub completed: u32,
}

/// How many enrollments hold the filter, by state.
pub async fn counts(tx: &mut Tx, filter: EnrollmentFilter<'_>) -> Result<EnrollmentCounts> {
    let head = "SELECT COUNT(*) FILTER (WHERE e.state = 'active') AS active,
            COUNT(*) FILTER (WHERE e.state = 'paused') AS paused,
            COUNT(*) FILTER (WHERE e.state = 'blocked') AS blocked,
            COUNT(*) FILTER (WHERE e.state = 'finished') AS completed
         FROM enrollments e";
    let (sql, values) = conditions(filter).finish(head, "", vec![]);
    tx.one(&sql, values, |row| {
        Ok(EnrollmentCounts {
            active: row.count("active")?,
            paused: row.count("paused")?,
            blocked: row.count("blocked")?,
            completed: row.count("completed")?,
        })
    })
    .await
}

/// How many are blocked for which reason (its code), most first: of one user, or of everyone.
pub async fn blocked_by_reason(tx: &mut Tx, actor: Option<UserId>) -> Result<Vec<(String, u32)>> {
    let filter = EnrollmentFilter { actor, states: &["blocked"], ..EnrollmentFilter::default() };
    let head = "SELECT e.blocked_reason, COUNT(*) AS number FROM enrollments e";
    let tail = " GROUP BY e.blocked_reason ORDER BY number DESC, e.blocked_reason";
    let (sql, values) = conditions(filter).finish(head, tail, vec![]);
    tx.all(&sql, values, |row| Ok((row.text("blocked_reason")?, row.count("number")?))).await
}

/// How many enrollments of a mailbox are blocked, by code of the reason, most first.
pub async fn blocked_of_mailbox(tx: &mut Tx, mailbox: MailboxId) -> Result<Vec<(String, u32)>> {
    let filter = EnrollmentFilter { mailbox: Some(mailbox), states: &["blocked"], ..EnrollmentFilter::default() };
    let head = "SELECT e.blocked_reason, COUNT(*) AS number FROM enrollments e";
    let tail = " GROUP BY e.blocked_reason ORDER BY number DESC, e.blocked_reason";
    let (sql, values) = conditions(filter).finish(head, tail, vec![]);
    tx.all(&sql, values, |row| Ok((row.text("blocked_reason")?, row.count("number")?))).await
}

/// How many unfinished enrollments of a sequence stand at which step.
pub async fn steps_of_sequence(
    tx: &mut Tx,
    sequence: SequenceId,
) -> Result<Vec<(relance_domain::VersionId, relance_domain::StepId, u32)>> {
    let sql = "SELECT version_id, step_id, COUNT(*) AS number FROM enrollments
        WHERE sequence_id = $1 AND state <> 'finished' GROUP BY version_id, step_id ORDER BY version_id, step_id";
    tx.all(sql, args![sequence], |row| Ok((row.id("version_id")?, row.id("step_id")?, row.count("number")?))).await
}

/// Those of these people who were ever enrolled in the sequence and are not now: enrolling again asks.
pub async fn enrolled_before(tx: &mut Tx, sequence: SequenceId, people: &[PersonId]) -> Result<Vec<PersonId>> {
    let mut found = Vec::new();
    for chunk in people.chunks(CHUNK) {
        let sql = format!(
            "SELECT DISTINCT person_id FROM enrollments WHERE sequence_id = $1 AND state = 'finished'
                AND person_id IN ({}) ORDER BY person_id",
            list(2, chunk.len())
        );
        let mut values: Vec<Value> = args![sequence];
        values.extend(ids(chunk));
        found.extend(tx.all(&sql, values, |row| row.id::<PersonId>("person_id")).await?);
    }
    Ok(found)
}
