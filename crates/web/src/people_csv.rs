//! People as CSV, streamed: whoever was chosen, in the order of the list, however many there are.
//!
//! 500 people are read at a time, each time in a short view of the database, and written out before the next are read,
//! so that memory stays flat. Formulas are disarmed by the one rule of `csv_text`. A failure in the middle breaks the
//! download off, so that half a file is not taken for a whole one.

use std::collections::HashMap;
use std::io;

use axum::body::{Body, Bytes};
use futures::stream;
use relance_domain::custom_field::CustomField;
use relance_domain::{PersonId, Timestamp, UserId};
use relance_engine::EngineError;
use relance_engine::commands::csv_text::write_record;
use relance_storage::people_fields::{self, PeopleField};
use relance_storage::people_lists::{self, PeopleQuery, PersonRow};
use relance_storage::people_sequences::{InSequence, NextEmail};
use relance_storage::{StorageError, Tx, custom_fields, people, users};

use crate::app::App;
use crate::pages::people::rows;

/// People read at a time.
const CHUNK: usize = 500;

/// Who is in the file.
#[derive(Clone, Debug)]
pub enum Source {
    /// These, of those the reader sees.
    Ids(Vec<PersonId>, Option<Vec<UserId>>),
    /// Everyone who matches, in its order.
    Query(Box<PeopleQuery>),
}

/// What is written about each.
#[derive(Clone, Debug)]
pub struct Sheet {
    columns: Vec<PeopleField>,
    custom: Vec<CustomField>,
    users: HashMap<UserId, String>,
    is_marked: bool,
}

impl Sheet {
    /// These columns after the name; every field if none is named. With a byte order mark if a program needs one to
    /// read UTF-8.
    pub async fn new(tx: &mut Tx, keys: &[String], is_marked: bool) -> Result<Self, StorageError> {
        let known = people_fields::fields(tx).await?.into_iter().filter(|field| field.column);
        let columns = match keys.is_empty() {
            true => known.filter(|field| field.field != "name").collect(),
            false => {
                let known: Vec<PeopleField> = known.collect();
                keys.iter().filter_map(|key| known.iter().find(|field| field.field == *key).cloned()).collect()
            }
        };
        let users = users::list(tx).await?.into_iter().map(|user| (user.id, user.name)).collect();
        Ok(Self { columns, custom: custom_fields::list(tx).await?, users, is_marked })
    }

    fn has(&self, key: &str) -> bool {
        self.columns.iter().any(|field| field.field == key)
    }

    fn head(&self) -> Vec<u8> {
        let mut out = if self.is_marked { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        let labels = self.columns.iter().map(|field| field.label.as_str());
        write_record(&mut out, ["Id", "Name"].into_iter().chain(labels));
        out
    }

    fn record(&self, row: &PersonRow, companies: &HashMap<PersonId, String>, out: &mut Vec<u8>) {
        let mut cells = vec![row.person.id.to_string(), row.person.name()];
        cells.extend(self.columns.iter().map(|field| self.cell(row, &field.field, companies)));
        write_record(out, cells.iter().map(String::as_str));
    }

    fn cell(&self, row: &PersonRow, key: &str, companies: &HashMap<PersonId, String>) -> String {
        let fields = &row.person.fields;
        match key {
            "ongoing_sequences" => sequences(&row.ongoing),
            "completed_sequences" => sequences(&row.completed),
            "next_email_at" => match row.next_email {
                NextEmail::At(at) => at.to_string(),
                NextEmail::AfterTask(_) => rows::after_words(row),
                NextEmail::Held(_) => rows::held_words(row),
                NextEmail::None => String::new(),
            },
            "last_activity_at" => row.last_activity_at.as_ref().map(Timestamp::to_string).unwrap_or_default(),
            "created_at" => row.person.created_at.to_string(),
            "updated_at" => row.person.updated_at.to_string(),
            "owner_id" => fields.owner_id.and_then(|id| self.users.get(&id).cloned()).unwrap_or_default(),
            "company_id" => fields.company_id.and_then(|id| companies.get(&id).cloned()).unwrap_or_default(),
            "is_organization" => if fields.is_organization { "yes" } else { "no" }.to_owned(),
            "tags" => fields.tags.join("; "),
            "other_emails" => fields.other_emails.join("; "),
            "organization_name" => fields.organization_name.clone(),
            _ => rows::plain(&row.person, key, &self.custom),
        }
    }
}

fn sequences(all: &[InSequence]) -> String {
    let words: Vec<String> = all.iter().map(|one| format!("{} ({})", one.name, rows::state_of(one).1)).collect();
    words.join("; ")
}

struct Writing {
    app: App,
    source: Source,
    sheet: Sheet,
    /// The head is written.
    has_begun: bool,
    is_over: bool,
}

/// The file.
pub fn body(app: App, source: Source, sheet: Sheet) -> Body {
    let writing = Writing { app, source, sheet, has_begun: false, is_over: false };
    Body::from_stream(stream::try_unfold(writing, |mut writing| async move {
        if !writing.has_begun {
            writing.has_begun = true;
            return Ok(Some((Bytes::from(writing.sheet.head()), writing)));
        }
        if writing.is_over {
            return Ok(None);
        }
        let bytes = writing.next().await.map_err(|error| {
            tracing::error!(%error, "an export broke off");
            io::Error::other(error)
        })?;
        Ok::<_, io::Error>(Some((Bytes::from(bytes), writing)))
    }))
}

impl Writing {
    /// The next people, written; empty and over after the last.
    async fn next(&mut self) -> Result<Vec<u8>, EngineError> {
        let mut tx = self.app.engine.store.read().await?;
        let mut rows = match &mut self.source {
            Source::Ids(ids, owners) => {
                let chunk: Vec<PersonId> = ids.drain(..ids.len().min(CHUNK)).collect();
                self.is_over = ids.is_empty();
                let seen = |owner: Option<UserId>| match (&*owners, owner) {
                    (Some(owners), Some(owner)) => owners.contains(&owner),
                    _ => true,
                };
                let found = people::find_many(&mut tx, &chunk).await?;
                let mut found: HashMap<PersonId, _> = found
                    .into_iter()
                    .filter(|person| seen(person.fields.owner_id))
                    .map(|person| (person.id, person))
                    .collect();
                let ordered = chunk.iter().filter_map(|id| found.remove(id)).collect();
                people_lists::complete(&mut tx, ordered).await?
            }
            Source::Query(query) => {
                query.limit = CHUNK;
                let page = people_lists::list(&mut tx, query).await?;
                self.is_over = page.next_cursor.is_none();
                query.cursor = page.next_cursor;
                page.rows
            }
        };
        if self.sheet.has("next_email_at") {
            self.app.engine.forecast_rows(&mut tx, &mut rows).await?;
        }
        let companies: Vec<PersonId> = rows.iter().filter_map(|row| row.person.fields.company_id).collect();
        let companies = people::names(&mut tx, &companies).await?.into_iter().collect();
        let mut out = Vec::with_capacity(rows.len() * 200);
        rows.iter().for_each(|row| self.sheet.record(row, &companies, &mut out));
        Ok(out)
    }
}
