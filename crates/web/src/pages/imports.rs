//! Importing people from a CSV file: upload, map the columns, check without changing anything, import.
//!
//! The uploaded file waits in the data folder under a random name that only its user can use, for a day at most. The
//! import itself is a job of the engine with its own page.

mod upload;

use askama::Template;
use axum::extract::{Multipart, State};
use axum::response::Response;
use relance_domain::person::Kind;
use relance_engine::commands::import::{self, CsvHead, Mapping, NewImport, OnDuplicate};
use serde::Deserialize;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path, Query};
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};
use upload::Upload;

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
    fields: Vec<(&'static str, &'static str)>,
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
    let received = upload::receive(&app, visitor.user.id, form).await?;
    let judged = match received.file.as_ref() {
        None => Err(FormErrors::one("file", "Choose a CSV file.")),
        Some(file) => match import::read_head(&file.read(&app).await?) {
            Ok(_) => Ok(file),
            Err(error) => Err(PageError::from(error).refused()?),
        },
    };
    match judged {
        Ok(file) => Ok(answer::go(&format!("{}?kind={}", urls::upload(&file.token), received.kind.as_str()))),
        Err(errors) => {
            if let Some(file) = &received.file {
                file.remove(&app).await;
            }
            answer::refused(&NewPage { frame: visitor.frame("leads"), kind: received.kind.as_str().to_owned(), errors })
        }
    }
}

fn map_page(visitor: &Visitor, file: &Upload, head: CsvHead, asked: &Asked, errors: FormErrors) -> MapPage {
    let mapping = if asked.field.is_empty() { head.mapping.fields.clone() } else { asked.field.clone() };
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
        action: urls::upload(&file.token),
        file: file.name.clone(),
        sub: format!(
            "{}, {}. Choose what each column means.",
            words::count(head.row_count, "row", "rows"),
            head.encoding
        ),
        kind: Kind::parse(&asked.kind).unwrap_or(Kind::Lead).as_str().to_owned(),
        on_duplicate: if asked.on_duplicate.is_empty() { "skip".to_owned() } else { asked.on_duplicate.clone() },
        columns: head.headers.iter().enumerate().map(column).collect(),
        fields: import::import_fields().iter().map(|field| (field.name, field.label)).collect(),
        errors,
    }
}

async fn head(app: &App, file: &Upload) -> Result<CsvHead> {
    Ok(import::read_head(&file.read(app).await?)?)
}

/// The columns of an uploaded file.
pub async fn map(
    State(app): State<App>,
    visitor: Visitor,
    Path(token): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let file = upload::find(&app, visitor.user.id, &token).await?;
    let head = head(&app, &file).await?;
    answer::page(&map_page(&visitor, &file, head, &asked, FormErrors::default()))
}

/// Checks or imports an uploaded file.
pub async fn run(
    State(app): State<App>,
    visitor: Visitor,
    Path(token): Path<String>,
    Form(asked): Form<Asked>,
) -> Result<Response> {
    let file = upload::find(&app, visitor.user.id, &token).await?;
    let is_check = asked.run != "import";
    let new = NewImport {
        kind: Kind::parse(&asked.kind).unwrap_or(Kind::Lead),
        file_name: file.name.clone(),
        bytes: file.read(&app).await?,
        mapping: Some(Mapping { fields: asked.field.clone() }),
        on_duplicate: OnDuplicate::parse(&asked.on_duplicate).unwrap_or_default(),
        dry_run: is_check,
    };
    match app.engine.start_import(&visitor.actor, new).await.map_err(PageError::from) {
        Ok(job) if is_check => Ok(answer::go(&format!("{}?upload={token}", urls::job(job)))),
        Ok(job) => {
            file.remove(&app).await;
            Ok(answer::go(&urls::job(job)))
        }
        Err(error) => {
            let errors = error.refused()?;
            let head = head(&app, &file).await?;
            answer::refused(&map_page(&visitor, &file, head, &asked, errors))
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
            fields: vec![("last_name", "Last name"), ("email", "Email")],
            errors: FormErrors::one("mapping", "Choose the column with the last name."),
        };
        let html = page.render().expect("a page");
        for words in [
            "Surname",
            "Okafor",
            "value=\"last_name\" selected",
            "Choose the column with the last name.",
            "Check first",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }
}
