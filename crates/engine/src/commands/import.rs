//! Importing people from CSV: read here for pages, API and command line, worked off by the job `import_people`.
//!
//! The file is read once to find its encoding and its records, then stored in stretches of whole records, so that the
//! job keeps little in memory and goes on after a restart with the next stretch.

use super::{
    audit::Object,
    csv_text::{self, write_record},
    import_fields,
};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    JobId, Refused,
    audit::Act,
    custom_field::CustomField,
    person::{Kind, email_key},
    user::{Actor, Sight},
};
use relance_storage::{
    custom_fields,
    jobs::{self, Job, JobKind, JobState},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

pub use super::import_fields::{ImportField, import_fields};

/// Records of one stretch, and so of one chunk of the job: one commit, a few statements, some 50 ms.
const RECORDS: u64 = 1_000;
const SHOWN_ROWS: usize = 5;
const PARTS_PER_COMMIT: usize = 20;
const MOST_COLUMNS: usize = 500;

/// What to do with a row whose email a person already has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDuplicate {
    /// Leave the person as it is.
    #[default]
    Skip,
    /// Fill and change the fields the row has.
    Update,
    /// Make a second person.
    Create,
}

impl OnDuplicate {
    /// Reads `skip`, `update`, `create`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "skip" => Some(Self::Skip),
            "update" => Some(Self::Update),
            "create" => Some(Self::Create),
            _ => None,
        }
    }
}

/// Which column fills which field (`first_name`, `address.city`, `custom_fields.plan`; empty = ignored).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// One entry per column, in the file's order.
    pub fields: Vec<String>,
}

/// An import to start.
#[derive(Debug, Clone)]
pub struct NewImport {
    /// Leads or contacts.
    pub kind: Kind,
    /// Its name, for the list of jobs.
    pub file_name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Columns; `None` = guessed from the headers.
    pub mapping: Option<Mapping>,
    /// What to do with known emails.
    pub on_duplicate: OnDuplicate,
    /// Judge every row, change nothing.
    pub dry_run: bool,
}

/// The head of a file, for the page that maps columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvHead {
    /// Names of the columns.
    pub headers: Vec<String>,
    /// The first rows.
    pub rows: Vec<Vec<String>>,
    /// The mapping guessed from the headers.
    pub mapping: Mapping,
    /// Rows below the header.
    pub row_count: u64,
    /// `UTF-8`, `UTF-16LE`, `windows-1252` …
    pub encoding: &'static str,
    /// `,`, `;` or tab.
    pub delimiter: char,
}

/// What an import job is asked, as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImportPayload {
    pub(crate) actor: Actor,
    pub(crate) kind: Kind,
    pub(crate) headers: Vec<String>,
    pub(crate) mapping: Mapping,
    pub(crate) delimiter: u8,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) dry_run: bool,
    /// Stretches of the file; as many parts may follow that name the repeated rows of each.
    pub(crate) parts: usize,
}

/// Row numbers, each with the earlier row of the same email.
pub(crate) type Repeats = Vec<(i64, i64)>;

/// The repeated rows of each stretch. A real run finds them as people, unless an earlier row gave its person to an owner
/// whose people the importer does not see; a dry run has nothing else to find them by.
fn repeats(parts: &[&str], delimiter: u8, mapping: &Mapping) -> Vec<Repeats> {
    let Some(column) = mapping.fields.iter().position(|field| field == "email") else {
        return vec![Repeats::new(); parts.len()];
    };
    let (mut first_seen, mut number) = (HashMap::new(), 0);
    let of_part = |part: &&str| {
        let mut repeats = Repeats::new();
        for record in csv_text::reader(part, delimiter).records() {
            number += 1;
            let cell = record.as_ref().ok().and_then(|record| record.get(column)).unwrap_or_default();
            let Some(key) = email_key(&import_fields::bare_address(csv_text::bare_cell(cell).trim())) else { continue };
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            let first = *first_seen.entry(hasher.finish()).or_insert(number);
            if first != number {
                repeats.push((number, first));
            }
        }
        repeats
    };
    parts.iter().map(of_part).collect()
}

/// The fields that these headers mean.
pub fn guess_mapping(headers: &[String], custom: &[CustomField]) -> Mapping {
    Mapping { fields: import_fields::guess(headers, custom) }
}

/// Reads the head of a file. Refused with what is wrong with it: empty, no header, not text.
pub fn read_head(bytes: &[u8]) -> Result<CsvHead> {
    let csv = csv_text::decode(bytes)?;
    let split = csv_text::split(&csv.text, csv.delimiter, RECORDS)?;
    let mut rows = Vec::new();
    let mut reader = csv_text::reader(split.parts.first().copied().unwrap_or_default(), csv.delimiter);
    for record in reader.records().take(SHOWN_ROWS) {
        let unreadable = |error: csv::Error| Refused::at("file", "unreadable", error.to_string());
        rows.push(record.map_err(unreadable)?.iter().map(str::to_owned).collect());
    }
    Ok(CsvHead {
        mapping: guess_mapping(&split.headers, &[]),
        headers: split.headers,
        rows,
        row_count: split.row_count,
        encoding: csv.encoding,
        delimiter: char::from(csv.delimiter),
    })
}

impl Mapping {
    /// Refused if it names what does not exist or leaves out what every person needs.
    fn check(&self, headers: &[String], custom: &[CustomField]) -> Result<()> {
        let mut wrong = Vec::new();
        if self.fields.len() > headers.len() {
            wrong.push(Refused::at("mapping", "too_many", "The mapping has more columns than the file."));
        }
        for (index, field) in self.fields.iter().enumerate() {
            if !import_fields::is_known(field, custom) {
                let message = format!("There is no field {field}.");
                wrong.push(Refused::at(format!("mapping[{index}]"), "unknown_field", message));
            }
        }
        if !self.fields.iter().any(|field| matches!(field.as_str(), "last_name" | "name" | "organization_name")) {
            let message =
                "Choose the column with the last name, the full name or the organisation: every person needs one.";
            wrong.push(Refused::at("mapping", "missing_column", message));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
    }
}

impl Engine {
    /// Stores the file and starts a job.
    pub async fn start_import(&self, actor: &Actor, new: NewImport) -> Result<JobId> {
        let csv = csv_text::decode(&new.bytes)?;
        let split = csv_text::split(&csv.text, csv.delimiter, RECORDS)?;
        if split.headers.len() > MOST_COLUMNS {
            return Err(Refused::at("file", "too_many_columns", "A file has at most 500 columns.").into());
        }
        if split.row_count == 0 {
            return Err(Refused::at("file", "no_rows", "This file has a header but no rows.").into());
        }
        let custom = custom_fields::list(&mut self.store.read().await?).await?;
        let mapping = new.mapping.unwrap_or_else(|| guess_mapping(&split.headers, &custom));
        mapping.check(&split.headers, &custom)?;
        let payload = ImportPayload {
            actor: actor.clone(),
            kind: new.kind,
            headers: split.headers,
            mapping,
            delimiter: csv.delimiter,
            on_duplicate: new.on_duplicate,
            dry_run: new.dry_run,
            parts: split.parts.len(),
        };
        let sees_all = self.sight(actor).await? == Sight::Everyone;
        let repeats =
            if new.dry_run || !sees_all { repeats(&split.parts, csv.delimiter, &payload.mapping) } else { Vec::new() };
        let repeats: Vec<String> = repeats.iter().map(|repeats| json!(repeats).to_string()).collect();
        let parts: Vec<&str> = split.parts.iter().copied().chain(repeats.iter().map(String::as_str)).collect();
        let now = self.now();
        let total = i64::try_from(split.row_count).unwrap_or(i64::MAX);
        let name: String = new.file_name.chars().filter(|c| !c.is_control()).take(200).collect();
        let job = Job {
            id: self.new_job_id(),
            kind: JobKind::ImportPeople,
            // Until the whole file is stored; what a crash leaves behind says so by itself.
            state: JobState::Failed,
            created_by: actor.user_id(),
            title: format!("{} {name}", if new.dry_run { "Check of" } else { "Import of" }),
            payload: json!(payload),
            cursor: String::new(),
            total,
            done_count: 0,
            refused_count: 0,
            summary: json!({ "dry_run": new.dry_run }),
            error: Some("The file was not received completely. Start the import again.".to_owned()),
            created_at: now,
            updated_at: now,
            finished_at: Some(now),
        };
        self.store_import(&job, &parts).await?;
        let mut tx = self.store.begin().await?;
        jobs::release(&mut tx, job.id, total, now).await?;
        if !new.dry_run {
            let detail = format!("Rows: {total}.");
            self.note(&mut tx, actor, Act::PeopleImported, Object::new(job.id, &name), &detail).await?;
        }
        tx.commit().await?;
        self.signals.jobs.notify_one();
        Ok(job.id)
    }

    /// The job and its file, in bounded transactions.
    async fn store_import(&self, job: &Job, parts: &[&str]) -> Result<()> {
        let mut tx = self.store.begin().await?;
        jobs::create(&mut tx, job, &[]).await?;
        tx.commit().await?;
        for (group, parts) in parts.chunks(PARTS_PER_COMMIT).enumerate() {
            let mut tx = self.store.begin().await?;
            for (index, part) in parts.iter().enumerate() {
                jobs::append_file_part(&mut tx, job.id, group * PARTS_PER_COMMIT + index, part.as_bytes()).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// The rows of a job that failed, as CSV with the reason; safe to open in a spreadsheet.
    pub async fn failed_rows_csv(&self, actor: &Actor, job: JobId) -> Result<Vec<u8>> {
        let mut tx = self.store.read().await?;
        let job = self.own_job(&mut tx, actor, job).await?;
        let headers =
            serde_json::from_value::<ImportPayload>(job.payload).map(|payload| payload.headers).unwrap_or_default();
        let mut out = b"\xef\xbb\xbf".to_vec();
        write_record(&mut out, ["row", "reason"].into_iter().chain(headers.iter().map(String::as_str)));
        let mut after = 0;
        loop {
            let rows = jobs::list_rows(&mut tx, job.id, Some("refused"), after, 1_000).await?;
            let Some(last) = rows.last() else { return Ok(out) };
            after = last.number;
            for row in &rows {
                let cells: Vec<String> = serde_json::from_str(&row.data).unwrap_or_default();
                let number = row.number.to_string();
                let head = [number.as_str(), row.reason.as_str()];
                write_record(&mut out, head.into_iter().chain(cells.iter().map(String::as_str)));
            }
        }
    }

    /// Stops a job after its current chunk; what is done stays done.
    pub async fn cancel_job(&self, actor: &Actor, job: JobId) -> Result<()> {
        let mut tx = self.store.begin().await?;
        let job = self.own_job(&mut tx, actor, job).await?;
        if !jobs::cancel(&mut tx, job.id, self.now()).await? {
            return Err(EngineError::refused("ended", "This job has already ended."));
        }
        tx.commit().await?;
        Ok(())
    }

    /// The job, if the actor started it or is an admin.
    async fn own_job(&self, tx: &mut relance_storage::Tx, actor: &Actor, job: JobId) -> Result<Job> {
        let found = jobs::find(tx, job).await?.ok_or(EngineError::NotFound("job"))?;
        if actor.is_admin() || found.created_by == actor.user_id() {
            return Ok(found);
        }
        Err(EngineError::NotFound("job"))
    }
}
