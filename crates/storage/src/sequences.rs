//! Sequences and their versions: `sequences`, `sequence_versions`.
//!
//! A published version is inserted once and never changed. Whether a plan may be published, who may do so and what
//! a pause means is decided elsewhere; a pause is complete only after [`raise_enrollments`] came to its end.

use crate::{
    Result, Row, StorageError, Tx, args,
    conditions::{CHUNK, Conditions, contains, ids},
    files,
    tx::list,
    value::json,
};
use relance_domain::{
    PersonId, Refused, SequenceId, Timestamp, UserId, VersionId,
    attachment::Attachment,
    person::normalized,
    sequence::{Plan, Sequence, SequenceState, UsableBy, Version},
    task,
};
use std::collections::HashMap;

const COLUMNS: &str = "s.id, s.name, s.description, s.state, s.draft, s.version_id, s.version, s.paused_at, s.revision, \
    s.created_by, s.created_at, s.updated_at, s.draft_number, s.folder, \
    s.usable_by";
const VERSION_COLUMNS: &str = "v.id, v.sequence_id, v.number, v.plan, v.published_by, v.published_at";

fn read(row: &Row) -> Result<Sequence> {
    Ok(Sequence {
        id: row.id("id")?,
        name: row.text("name")?,
        description: row.text("description")?,
        folder: row.text("folder")?,
        usable_by: row.json("usable_by")?,
        state: row.word("state", SequenceState::parse)?,
        draft: row.json("draft")?,
        draft_number: row.count("draft_number")?,
        version_id: row.id_opt("version_id")?,
        version: row.count("version")?,
        paused_at: row.time_opt("paused_at")?,
        revision: row.int("revision")?,
        created_by: row.id_opt("created_by")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn read_version(row: &Row) -> Result<Version> {
    Ok(Version {
        id: row.id("id")?,
        sequence_id: row.id("sequence_id")?,
        number: row.count("number")?,
        plan: row.json("plan")?,
        published_by: row.id_opt("published_by")?,
        published_at: row.time("published_at")?,
    })
}

/// The files of every email of a plan.
fn files_of(plan: &Plan) -> impl Iterator<Item = &Attachment> {
    plan.steps.iter().filter_map(|step| step.action.email()).flat_map(|email| &email.attachments)
}

/// Stores a new sequence as it is given.
pub async fn insert(tx: &mut Tx, sequence: &Sequence) -> Result<()> {
    let s = sequence;
    let mut values = args![s.id, &s.name, normalized(&s.name), &s.description, s.state.as_str()];
    values.push(json(&s.draft));
    values.extend(args![s.version_id, s.version, s.paused_at, s.revision, s.created_by, s.created_at, s.updated_at]);
    values.extend(args![s.draft_number, &s.folder]);
    values.push(json(&s.usable_by));
    tx.execute(
        "INSERT INTO sequences (id, name, name_key, description, state, draft, version_id, version, paused_at,
            revision, created_by, created_at, updated_at, draft_number, folder, usable_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        values,
    )
    .await?;
    files::hold(tx, &s.id.to_string(), files_of(&s.draft)).await
}

/// Replaces name, description and draft plan, which gets its next number; false if there is no such sequence.
pub async fn save_draft(
    tx: &mut Tx,
    id: SequenceId,
    name: &str,
    description: &str,
    draft: &Plan,
    now: Timestamp,
) -> Result<bool> {
    let mut values = args![id, name, normalized(name), description];
    values.push(json(draft));
    values.push(now.into());
    let sql = "UPDATE sequences SET name = $2, name_key = $3, description = $4, draft = $5, updated_at = $6,
            draft_number = draft_number + 1 WHERE id = $1";
    let is_there = tx.execute(sql, values).await? > 0;
    if is_there {
        files::hold(tx, &id.to_string(), files_of(draft)).await?;
    }
    Ok(is_there)
}

/// Puts it into a folder and says who may use it; false if there is no such sequence.
pub async fn set_place(tx: &mut Tx, id: SequenceId, folder: &str, usable_by: &UsableBy) -> Result<bool> {
    let mut values = args![id, folder];
    values.push(json(usable_by));
    Ok(tx.execute("UPDATE sequences SET folder = $2, usable_by = $3 WHERE id = $1", values).await? > 0)
}

/// The folders there are, by name.
pub async fn folders(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT folder FROM sequences WHERE folder <> '' ORDER BY folder";
    tx.all(sql, vec![], |row| row.text("folder")).await
}

/// What is published, under which id and by whom.
#[derive(Debug, Clone)]
pub struct Publication<'a> {
    /// The sequence.
    pub sequence_id: SequenceId,
    /// The id of the new version.
    pub version_id: VersionId,
    /// What it says, texts of templates copied in.
    pub plan: &'a Plan,
    /// Who publishes.
    pub by: Option<UserId>,
}

/// Inserts the next version and makes it the live one of an active sequence; `None` if there is no such sequence.
pub async fn publish(tx: &mut Tx, publication: Publication<'_>, now: Timestamp) -> Result<Option<Version>> {
    let Publication { sequence_id, version_id, plan, by } = publication;
    let number = tx
        .first(
            "UPDATE sequences SET version = version + 1, version_id = $2, state = 'active', updated_at = $3
             WHERE id = $1 RETURNING version",
            args![sequence_id, version_id, now],
            |row| row.count("version"),
        )
        .await?;
    let Some(number) = number else { return Ok(None) };
    let mut values = args![version_id, sequence_id, number];
    values.push(json(plan));
    values.extend(args![by, now]);
    tx.execute(
        "INSERT INTO sequence_versions (id, sequence_id, number, plan, published_by, published_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        values,
    )
    .await?;
    files::hold(tx, &format!("{sequence_id}/{version_id}"), files_of(plan)).await?;
    Ok(Some(Version { id: version_id, sequence_id, number, plan: plan.clone(), published_by: by, published_at: now }))
}

/// Sets draft, active or archived; false if there is no such sequence.
pub async fn set_state(tx: &mut Tx, id: SequenceId, state: SequenceState, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE sequences SET state = $2, updated_at = $3 WHERE id = $1";
    Ok(tx.execute(sql, args![id, state.as_str(), now]).await? > 0)
}

/// Pauses it for everyone in it and raises its revision; false if it is paused already or unknown.
///
/// Complete only after [`raise_enrollments`] came to its end in later transactions.
pub async fn pause(tx: &mut Tx, id: SequenceId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE sequences SET paused_at = $2, revision = revision + 1, updated_at = $2
        WHERE id = $1 AND paused_at IS NULL";
    Ok(tx.execute(sql, args![id, now]).await? > 0)
}

/// Ends the pause; false if it is not paused.
pub async fn resume(tx: &mut Tx, id: SequenceId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE sequences SET paused_at = NULL, resumed_at = $2, updated_at = $2 WHERE id = $1 AND paused_at IS NOT NULL";
    Ok(tx.execute(sql, args![id, now]).await? > 0)
}

/// Raises the revision of up to `limit` ongoing enrollments after the cursor; the next cursor, `None` at the end.
pub async fn raise_enrollments(
    tx: &mut Tx,
    id: SequenceId,
    after: Option<PersonId>,
    limit: u32,
) -> Result<Option<PersonId>> {
    let after = after.unwrap_or(PersonId::from_uuid(uuid::Uuid::nil()));
    let lock = tx.for_update();
    let sql = format!(
        "UPDATE enrollments SET revision = revision + 1 WHERE id IN (
            SELECT id FROM enrollments WHERE sequence_id = $1 AND state <> 'finished' AND person_id > $2
            ORDER BY person_id LIMIT $3{lock})
         RETURNING person_id"
    );
    let raised: Vec<PersonId> = tx.all(&sql, args![id, after, limit], |row| row.id("person_id")).await?;
    Ok(if raised.len() < limit as usize { None } else { raised.into_iter().max() })
}

/// The sequence with this id.
pub async fn find(tx: &mut Tx, id: SequenceId) -> Result<Option<Sequence>> {
    tx.first(&format!("SELECT {COLUMNS} FROM sequences s WHERE s.id = $1"), args![id], read).await
}

/// The sequences with these ids, in no order.
pub async fn find_many(tx: &mut Tx, wanted: &[SequenceId]) -> Result<Vec<Sequence>> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let sql = format!("SELECT {COLUMNS} FROM sequences s WHERE s.id IN ({})", list(1, chunk.len()));
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}

/// How many enrollments of a sequence stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SequenceCounts {
    /// On their way.
    pub active: u32,
    /// Paused.
    pub paused: u32,
    /// Blocked.
    pub blocked: u32,
    /// Over, for whatever reason.
    pub finished: u32,
    /// Of those over: because the person replied.
    pub replied: u32,
}

impl SequenceCounts {
    /// Everyone ever enrolled.
    pub const fn total(self) -> u32 {
        self.active + self.paused + self.blocked + self.finished
    }
}

/// How many enrollments stand where, per sequence; a sequence without any is missing.
pub async fn counts(tx: &mut Tx, wanted: &[SequenceId]) -> Result<HashMap<SequenceId, SequenceCounts>> {
    let mut found = HashMap::new();
    for chunk in wanted.chunks(CHUNK) {
        let sql = format!(
            "SELECT sequence_id, COUNT(*) FILTER (WHERE state = 'active') AS active,
                COUNT(*) FILTER (WHERE state = 'paused') AS paused,
                COUNT(*) FILTER (WHERE state = 'blocked') AS blocked,
                COUNT(*) FILTER (WHERE state = 'finished') AS finished,
                COUNT(*) FILTER (WHERE finished_reason = 'replied') AS replied
             FROM enrollments WHERE sequence_id IN ({}) GROUP BY sequence_id",
            list(1, chunk.len())
        );
        let rows = tx
            .all(&sql, ids(chunk), |row| {
                let counts = SequenceCounts {
                    active: row.count("active")?,
                    paused: row.count("paused")?,
                    blocked: row.count("blocked")?,
                    finished: row.count("finished")?,
                    replied: row.count("replied")?,
                };
                Ok((row.id("sequence_id")?, counts))
            })
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Which sequences a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct SequenceFilter<'a> {
    /// Part of the name; empty = any.
    pub search: &'a str,
    /// In one of these states; empty = any.
    pub states: &'a [SequenceState],
    /// In this folder; empty = any.
    pub folder: &'a str,
}

/// Sequences that people have written, by name with their counts, after the cursor `(name, id)` of the last one shown.
pub async fn page(
    tx: &mut Tx,
    filter: SequenceFilter<'_>,
    after: Option<(&str, SequenceId)>,
    limit: u32,
) -> Result<Vec<(Sequence, SequenceCounts)>> {
    let mut conditions = Conditions::new();
    conditions.and("s.id <> $?", args![task::EMAILS]);
    if !filter.search.trim().is_empty() {
        conditions.and("s.name_key LIKE $? ESCAPE '!'", args![contains(filter.search)]);
    }
    if !filter.states.is_empty() {
        conditions.and_in("s.state", filter.states.iter().map(|state| state.as_str()));
    }
    if !filter.folder.is_empty() {
        conditions.and("s.folder = $?", args![filter.folder]);
    }
    conditions.after("(s.name_key, s.id)", ">", after.map(|(name, id)| (normalized(name), id)));
    let head = format!("SELECT {COLUMNS} FROM sequences s");
    let (sql, values) = conditions.finish(&head, " ORDER BY s.name_key, s.id LIMIT $?", args![limit]);
    let found = tx.all(&sql, values, read).await?;
    let shown: Vec<SequenceId> = found.iter().map(|sequence| sequence.id).collect();
    let counts = counts(tx, &shown).await?;
    Ok(found.into_iter().map(|s| (counts.get(&s.id).copied().unwrap_or_default(), s)).map(|(c, s)| (s, c)).collect())
}

/// How many sequences people have written, in any state.
pub async fn count(tx: &mut Tx) -> Result<u32> {
    let sql = "SELECT COUNT(*) AS number FROM sequences WHERE id <> $1";
    tx.one(sql, args![task::EMAILS], |row| row.count("number")).await
}

/// The version with this id.
pub async fn find_version(tx: &mut Tx, id: VersionId) -> Result<Option<Version>> {
    tx.first(&format!("SELECT {VERSION_COLUMNS} FROM sequence_versions v WHERE v.id = $1"), args![id], read_version)
        .await
}

/// The versions with these ids, in no order.
pub async fn find_versions(tx: &mut Tx, wanted: &[VersionId]) -> Result<Vec<Version>> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let places = list(1, chunk.len());
        let sql = format!("SELECT {VERSION_COLUMNS} FROM sequence_versions v WHERE v.id IN ({places})");
        found.extend(tx.all(&sql, ids(chunk), read_version).await?);
    }
    Ok(found)
}

/// Every version of a sequence, newest first.
pub async fn versions(tx: &mut Tx, id: SequenceId) -> Result<Vec<Version>> {
    let sql =
        format!("SELECT {VERSION_COLUMNS} FROM sequence_versions v WHERE v.sequence_id = $1 ORDER BY v.number DESC");
    tx.all(&sql, args![id], read_version).await
}

/// Deletes a sequence nobody was ever enrolled in; refused otherwise. False if there is no such sequence.
pub async fn delete(tx: &mut Tx, id: SequenceId) -> Result<bool> {
    let used =
        tx.first("SELECT 1 AS used FROM enrollments WHERE sequence_id = $1 LIMIT 1", args![id], |_| Ok(())).await?;
    if used.is_some() {
        let message = "People have been enrolled in this sequence. Archive it instead: its history stays readable.";
        return Err(StorageError::Refused(Refused::new("in_use", message)));
    }
    let versions = format!("{id}/%");
    tx.execute("DELETE FROM file_uses WHERE holder = $1 OR holder LIKE $2", args![id.to_string(), versions]).await?;
    Ok(tx.execute("DELETE FROM sequences WHERE id = $1", args![id]).await? > 0)
}
