//! A chunk of an import: one stretch of the file, every row judged, the good ones kept.
//!
//! A row is known by its email: of a person the importer sees, or of an earlier row of the same file, even if that one's
//! person went to an owner out of sight. All others out of sight are as if they were not there, so that no file finds
//! them out. Refused rows keep their cells, so that they can be handed back with the reason.

use super::{finish, lock, payload, rows_before, save};
use crate::{
    Engine, EngineError, Result,
    commands::{
        csv_text,
        import::{ImportPayload, OnDuplicate, Repeats},
        import_fields::{self, Owners},
        teams,
    },
};
use relance_domain::{
    PersonId, Refused,
    activity::{Activity, ActivityKind},
    custom_field::{CustomField, Values, check_values},
    person::{Fields, Person, email_key},
};
use relance_storage::{
    Tx, activities, custom_fields,
    jobs::{self, Job, JobRow},
    people, users,
};
use std::collections::HashMap;

/// One record of the file, judged.
struct Judged {
    number: i64,
    cells: Vec<String>,
    fields: std::result::Result<Fields, String>,
    key: Option<String>,
}

/// What cells are read by.
struct Known {
    owners: Owners,
    custom: Vec<CustomField>,
}

/// Does the next chunk, or ends the job.
pub(super) async fn run_chunk(engine: &Engine, job: &Job) -> Result<()> {
    let asked: ImportPayload = payload(job)?;
    let part: usize = job.cursor.parse().unwrap_or_default();
    if part >= asked.parts {
        return finish(engine, job).await;
    }
    let (bytes, repeats, known) = {
        let mut tx = engine.store.read().await?;
        let bytes = jobs::read_file_part(&mut tx, job.id, part).await?;
        let repeats = jobs::read_file_part(&mut tx, job.id, asked.parts + part).await?;
        (bytes, repeats, Known { owners: owners(&mut tx).await?, custom: custom_fields::list(&mut tx).await? })
    };
    let bytes = bytes.ok_or_else(|| EngineError::Corrupt(format!("job_files has no part {part}")))?;
    let repeats: HashMap<i64, i64> = repeats
        .and_then(|repeats| serde_json::from_slice::<Repeats>(&repeats).ok())
        .unwrap_or_default()
        .into_iter()
        .collect();
    let text = String::from_utf8(bytes).map_err(|_| EngineError::Corrupt("job_files.bytes is not UTF-8".to_owned()))?;
    let judged = judge_all(&text, &asked, rows_before(job), &known)?;
    let mut tx = engine.store.begin().await?;
    if !lock(&mut tx, job).await? {
        return Ok(());
    }
    let rows = keep(engine, &mut tx, job, &asked, judged, &repeats, &known.owners).await?;
    save(engine, &mut tx, job, (part + 1).to_string(), &rows).await?;
    tx.commit().await?;
    Ok(())
}

async fn owners(tx: &mut Tx) -> Result<Owners> {
    Ok(users::list(tx).await?.into_iter().filter_map(|user| Some((email_key(&user.email)?, user.id))).collect())
}

fn judge_all(text: &str, asked: &ImportPayload, before: i64, known: &Known) -> Result<Vec<Judged>> {
    let mut reader = csv_text::reader(text, asked.delimiter);
    let mut judged = Vec::with_capacity(500);
    for (record, number) in reader.records().zip(before + 1..) {
        let record = record.map_err(|error| EngineError::Corrupt(format!("job_files: {error}")))?;
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        let fields = judge(&cells, asked, known);
        let key = fields.as_ref().ok().and_then(|fields| email_key(&fields.email));
        judged.push(Judged { number, cells, fields, key });
    }
    Ok(judged)
}

/// The fields of a row, or every reason against it in words.
fn judge(cells: &[String], asked: &ImportPayload, known: &Known) -> std::result::Result<Fields, String> {
    let columns = asked.headers.len();
    if cells.iter().all(|cell| cell.trim().is_empty()) {
        return Err("This row is empty.".to_owned());
    }
    let has_more = cells.iter().skip(columns).any(|cell| !cell.trim().is_empty());
    if cells.len() < columns || has_more {
        return Err(wrong_width(cells, columns));
    }
    let mut fields = Fields::default();
    let mut wrong: Vec<Refused> = Vec::new();
    for (name, cell) in asked.mapping.fields.iter().zip(cells) {
        if let Err(refused) = import_fields::put(&mut fields, name, cell, &known.owners) {
            wrong.push(refused);
        }
    }
    fields.clean();
    if !fields.custom_fields.is_empty()
        && let Err(refused) = check_values(&known.custom, &Values::new(), &mut fields.custom_fields)
    {
        wrong.extend(refused);
    }
    if let Err(refused) = fields.check(asked.kind) {
        wrong.extend(refused);
    }
    if wrong.is_empty() {
        return Ok(fields);
    }
    Err(wrong.into_iter().map(|refused| refused.message).collect::<Vec<_>>().join(" "))
}

/// *This row has 1 column, the header has 3.*, and what may be behind it.
fn wrong_width(cells: &[String], columns: usize) -> String {
    let has = if cells.len() == 1 { "1 column".to_owned() } else { format!("{} columns", cells.len()) };
    let spans_lines = cells.iter().any(|cell| cell.contains('\n'));
    let hint = if spans_lines { " It spans several lines: a quotation mark in it may never be closed." } else { "" };
    format!("This row has {has}, the header has {columns}.{hint}")
}

/// What a row became.
fn outcome(judged: &Judged, word: &str, reason: String, person_id: Option<PersonId>) -> JobRow {
    let keeps_cells = matches!(word, "refused" | "skipped");
    JobRow {
        number: judged.number,
        outcome: word.to_owned(),
        reason,
        person_id,
        enrollment_id: None,
        data: if keeps_cells { serde_json::to_string(&judged.cells).unwrap_or_default() } else { String::new() },
    }
}

/// The earlier row of this file that has the same email, and the person it made; nothing if it made none.
async fn earlier_row(
    tx: &mut Tx,
    job: &Job,
    asked: &ImportPayload,
    earlier: Option<i64>,
) -> Result<Option<(Option<PersonId>, i64)>> {
    let Some(earlier) = earlier else { return Ok(None) };
    if asked.dry_run {
        return Ok(Some((None, earlier)));
    }
    let row = jobs::list_rows(tx, job.id, None, earlier - 1, 1).await?.pop().filter(|row| row.number == earlier);
    Ok(row.and_then(|row| row.person_id).map(|person| (Some(person), earlier)))
}

async fn keep(
    engine: &Engine,
    tx: &mut Tx,
    job: &Job,
    asked: &ImportPayload,
    judged: Vec<Judged>,
    repeats: &HashMap<i64, i64>,
    owners: &Owners,
) -> Result<Vec<JobRow>> {
    let keys: Vec<String> = judged.iter().filter_map(|row| row.key.clone()).collect();
    let mut known: HashMap<String, (Option<PersonId>, i64)> = HashMap::new();
    let sight = teams::sight(tx, &asked.actor).await?;
    let found = people::find_by_address_keys(tx, &keys).await?;
    for (key, person) in found.into_iter().filter(|(_, person)| sight.sees(person.fields.owner_id)) {
        known.entry(key).or_insert((Some(person.id), 0));
    }
    let (mut rows, mut created) = (Vec::with_capacity(judged.len()), Vec::new());
    for row in judged {
        let fields = match &row.fields {
            Ok(fields) => fields,
            Err(reason) => {
                rows.push(outcome(&row, "refused", reason.clone(), None));
                continue;
            }
        };
        let duplicate = match row.key.as_ref().and_then(|key| known.get(key)).copied() {
            Some(known) => Some(known),
            None => earlier_row(tx, job, asked, repeats.get(&row.number).copied()).await?,
        };
        rows.push(match (duplicate, asked.on_duplicate) {
            (Some((person, earlier)), OnDuplicate::Skip) => {
                let reason = match earlier {
                    0 => format!("{} is already in Relance.", fields.email),
                    earlier => format!("Row {earlier} has the same email."),
                };
                outcome(&row, "skipped", reason, person)
            }
            (Some((Some(person), earlier)), OnDuplicate::Update) if !asked.dry_run => {
                // A row of this stretch that is to be updated by a later one must be there first.
                insert(engine, tx, asked, &mut created).await?;
                update(engine, tx, asked, &row, (person, earlier), owners).await?
            }
            (Some((person, _)), OnDuplicate::Update) => outcome(&row, "updated", String::new(), person),
            _ => {
                let now = engine.now();
                let person = Person {
                    id: engine.new_person_id(),
                    kind: asked.kind,
                    fields: fields.clone(),
                    created_at: now,
                    updated_at: now,
                };
                for key in person.fields.email_keys() {
                    known.entry(key).or_insert((Some(person.id).filter(|_| !asked.dry_run), row.number));
                }
                let id = (!asked.dry_run).then_some(person.id);
                created.push(person);
                outcome(&row, "created", String::new(), id)
            }
        });
    }
    if !asked.dry_run {
        insert(engine, tx, asked, &mut created).await?;
    }
    Ok(rows)
}

/// Stores the people made so far with their line in the history.
async fn insert(engine: &Engine, tx: &mut Tx, asked: &ImportPayload, created: &mut Vec<Person>) -> Result<()> {
    if created.is_empty() {
        return Ok(());
    }
    people::insert_many(tx, created).await?;
    let event = |person: &Person| engine.event(person.id, ActivityKind::PersonImported, &asked.actor, "Imported");
    let events: Vec<Activity> = created.iter().map(event).collect();
    activities::insert_many(tx, &events).await?;
    created.clear();
    Ok(())
}

async fn update(
    engine: &Engine,
    tx: &mut Tx,
    asked: &ImportPayload,
    row: &Judged,
    (person, earlier): (PersonId, i64),
    owners: &Owners,
) -> Result<JobRow> {
    let change = |fields: &mut Fields| {
        for (name, cell) in asked.mapping.fields.iter().zip(&row.cells) {
            // Judged before: what could be refused was.
            let _ = import_fields::put(fields, name, cell, owners);
        }
    };
    match engine.edit_in(tx, &asked.actor, person, change).await {
        Ok(_) => Ok(outcome(row, "updated", String::new(), Some(person))),
        Err(EngineError::NotFound(_)) if earlier > 0 => {
            let reason =
                format!("Row {earlier} has the same email, and gave it to an owner whose people you do not see.");
            Ok(outcome(row, "skipped", reason, None))
        }
        Err(error @ (EngineError::Refused(_) | EngineError::NotFound(_))) => {
            Ok(outcome(row, "refused", error.to_string(), Some(person)))
        }
        Err(error) => Err(error),
    }
}
