//! Importing people from a CSV file: upload, map the columns, check without changing anything, import.
//!
//! The uploaded file waits in the database, where only its user finds it, for a day at most: any node goes on with it.
//! The import itself is a job of the engine with its own page.

mod upload;

use askama::Template;
use axum::extract::{Multipart, State};
use axum::response::Response;
use relance_domain::UploadId;
use relance_domain::custom_field::CustomField;
use relance_domain::person::Kind;
use relance_engine::commands::import::{self, CsvHead, Mapping, NewImport, OnDuplicate};
use relance_engine::commands::uploads::Upload;
use relance_storage::custom_fields;
use serde::Deserialize;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::pages::form::Choice;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Which kind is imported.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Of {
    kind: String,
}

/// What is asked of an uploaded file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    kind: String,
    field: Vec<String>,
    on_duplicate: String,
    run: String,
}

/// A column of the file.
#[derive(Clone, Debug, Default)]
struct Column {
    header: String,
    sample: String,
    field: String,
    error: String,
}

#[derive(Template)]
#[template(path = "imports/new.html")]
struct NewPage {
    frame: Frame,
    kind: String,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "imports/map.html")]
struct MapPage {
    frame: Frame,
    action: String,
    file: String,
    sub: String,
    kind: String,
    on_duplicate: String,
    columns: Vec<Column>,
    fields: Vec<Choice>,
    custom: Vec<Choice>,
    errors: FormErrors,
}

impl MapPage {
    fn above(&self) -> String {
        let fields: Vec<String> = (0..self.columns.len()).map(|index| format!("mapping[{index}]")).collect();
        self.errors.above(&fields.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// The upload form.
pub async fn new(visitor: Visitor, Query(of): Query<Of>) -> Result<Response> {
    let kind = Kind::parse(&of.kind).unwrap_or(Kind::Lead).as_str().to_owned();
    answer::page(&NewPage { frame: visitor.frame("leads"), kind, errors: FormErrors::default() })
}

/// Takes the file and goes on to its columns.
pub async fn create(State(app): State<App>, visitor: Visitor, form: Multipart) -> Result<Response> {
    let received = upload::receive(&app, &visitor, form).await?;
    let judged = match received.file {
        None => Err(FormErrors::one("file", "Choose a CSV file.")),
        Some(id) => match import::read_head(&app.engine.read_upload(&visitor.actor, id).await?.bytes) {
            Ok(_) => Ok(id),
            Err(error) => Err(PageError::from(error).refused()?),
        },
    };
    match judged {
        Ok(id) => Ok(answer::go(&format!("{}?kind={}", urls::upload(id), received.kind.as_str()))),
        Err(errors) => {
            if let Some(id) = received.file {
                app.engine.remove_upload(&visitor.actor, id).await?;
            }
            answer::refused(&NewPage { frame: visitor.frame("leads"), kind: received.kind.as_str().to_owned(), errors })
        }
    }
}

fn map_page(
    visitor: &Visitor,
    file: &Upload,
    head: CsvHead,
    custom: &[CustomField],
    asked: &Asked,
    errors: FormErrors,
) -> MapPage {
    let mapping =
        if asked.field.is_empty() { import::guess_mapping(&head.headers, custom).fields } else { asked.field.clone() };
    let sample = |index: usize| {
        head.rows.iter().filter_map(|row| row.get(index)).find(|cell| !cell.is_empty()).cloned().unwrap_or_default()
    };
    let column = |(index, header): (usize, &String)| Column {
        header: header.clone(),
        sample: sample(index),
        field: mapping.get(index).cloned().unwrap_or_default(),
        error: errors.at(&format!("mapping[{index}]")).to_owned(),
    };
    MapPage {
        frame: visitor.frame("leads"),
        action: urls::upload(file.id),
        file: file.name.clone(),
        sub: format!(
            "{}, {}. Choose what each column means.",
            words::count(head.row_count, "row", "rows"),
            head.encoding
        ),
        kind: Kind::parse(&asked.kind).unwrap_or(Kind::Lead).as_str().to_owned(),
        on_duplicate: if asked.on_duplicate.is_empty() { "skip".to_owned() } else { asked.on_duplicate.clone() },
        columns: head.headers.iter().enumerate().map(column).collect(),
        fields: import::import_fields().iter().map(|field| Choice::new(field.name, field.label)).collect(),
        custom: custom.iter().map(|field| Choice::new(field.field(), &field.label)).collect(),
        errors,
    }
}

/// The columns of an uploaded file.
pub async fn map(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<UploadId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let file = app.engine.read_upload(&visitor.actor, id).await?;
    let head = import::read_head(&file.bytes)?;
    let custom = custom_fields::list(&mut app.read().await?).await?;
    answer::page(&map_page(&visitor, &file, head, &custom, &asked, FormErrors::default()))
}

/// Checks or imports an uploaded file.
pub async fn run(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<UploadId>,
    Form(asked): Form<Asked>,
) -> Result<Response> {
    let file = app.engine.read_upload(&visitor.actor, id).await?;
    let is_check = asked.run != "import";
    let new = NewImport {
        kind: Kind::parse(&asked.kind).unwrap_or(Kind::Lead),
        file_name: file.name.clone(),
        bytes: file.bytes.clone(),
        mapping: Some(Mapping { fields: asked.field.clone() }),
        on_duplicate: OnDuplicate::parse(&asked.on_duplicate).unwrap_or_default(),
        dry_run: is_check,
    };
    match app.engine.start_import(&visitor.actor, new).await.map_err(PageError::from) {
        Ok(job) if is_check => Ok(answer::go(&format!("{}?upload={id}", urls::job(job)))),
        Ok(job) => {
            app.engine.remove_upload(&visitor.actor, id).await?;
            Ok(answer::go(&urls::job(job)))
        }
        Err(error) => {
            let errors = error.refused()?;
            let head = import::read_head(&file.bytes)?;
            let custom = custom_fields::list(&mut app.read().await?).await?;
            answer::refused(&map_page(&visitor, &file, head, &custom, &asked, errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upload_says_what_was_wrong_with_a_file() {
        let page = NewPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            kind: "contact".into(),
            errors: FormErrors::one("file", "This file is empty."),
        };
        let html = page.render().expect("a page");
        assert!(html.contains("This file is empty.") && html.contains("multipart/form-data"));
    }

    #[test]
    fn every_column_is_shown_with_a_sample_and_its_guessed_field() {
        let page = MapPage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            action: "/import/abc".into(),
            file: "leads.csv".into(),
            sub: "4 rows, UTF-8.".into(),
            kind: "lead".into(),
            on_duplicate: "skip".into(),
            columns: vec![Column {
                header: "Surname".into(),
                sample: "Okafor".into(),
                field: "last_name".into(),
                ..Column::default()
            }],
            fields: vec![Choice::new("last_name", "Last name"), Choice::new("email", "Email")],
            custom: vec![Choice::new("custom_fields.plan", "Plan")],
            errors: FormErrors::one("mapping", "Choose the column with the last name."),
        };
        let html = page.render().expect("a page");
        for words in [
            "Surname",
            "Okafor",
            "value=\"last_name\" selected",
            "Choose the column with the last name.",
            "Check first",
            "custom_fields.plan",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }
}
