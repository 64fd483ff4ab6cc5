//! The files of an email in a form: those that are attached, those that are taken away, those that come with it.
//!
//! A form sends each attached file as `email.attachments` (what is known of it) and, to take it away, its hash as
//! `email.attachments.remove`. New files come as `email.files`; they are taken in as the form is read, so a form that is
//! refused keeps them. What is wrong with one is noted as `email.attachments.refused` and stands at the field.

use askama::Template;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use relance_domain::attachment::{Attachment, MOST_BYTES, size_words};
use relance_domain::{DeliveryId, EnrollmentId, Refused, SequenceId, StepId, TemplateId, attachment::FileHash};
use relance_engine::EngineError;

use super::form::Typed;
use crate::app::App;
use crate::download;
use crate::errors::{PageError, Result};
use crate::extract::{Form, Path};
use crate::session::Visitor;
use crate::urls;

const KEPT: &str = "email.attachments";
const REMOVED: &str = "email.attachments.remove";
const REFUSED: &str = "email.attachments.refused";
const READ_AT: &str = "email.attachments.at";

/// Most bytes of a form with files: several that are each too large are still refused in words.
pub const MOST_SENT: usize = 64 * 1024 * 1024;

/// A file in the list of a form or a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRow {
    /// Its name.
    pub name: String,
    /// Its size in words.
    pub size: String,
    /// Its hash.
    pub hash: String,
    /// What a form sends back.
    pub value: String,
    /// Where it can be read; empty before it is saved.
    pub href: String,
}

#[derive(Template)]
#[template(path = "templates/file_row.html")]
struct Row {
    file: FileRow,
}

/// Files under a preview.
#[derive(Template)]
#[template(path = "templates/file_names.html")]
pub struct Names<'a> {
    files: &'a [FileRow],
}

/// Files under a preview; nothing if there are none.
pub fn names(files: &[FileRow]) -> Names<'_> {
    Names { files }
}

fn row(file: &Attachment, read_at: &str) -> FileRow {
    FileRow {
        name: file.name.clone(),
        size: size_words(file.size),
        hash: file.hash.to_string(),
        value: serde_json::to_string(file).unwrap_or_default(),
        href: if read_at.is_empty() { String::new() } else { format!("{read_at}/{}", file.hash) },
    }
}

/// Files as a preview lists them; `read_at` is where they can be read, empty if they cannot.
pub fn rows(attached: &[Attachment], read_at: &str) -> Vec<FileRow> {
    attached.iter().map(|file| row(file, read_at)).collect()
}

/// The files a form has, without those taken away.
pub fn of(typed: &Typed) -> Vec<Attachment> {
    let removed = typed.all(REMOVED);
    let known = typed.all(KEPT).into_iter().filter_map(|text| serde_json::from_str::<Attachment>(text).ok());
    let mut attached: Vec<Attachment> = Vec::new();
    for file in known {
        if !removed.contains(&file.hash.to_string().as_str()) && !attached.contains(&file) {
            attached.push(file);
        }
    }
    attached
}

/// Puts files into a form; `read_at` is where those that are saved can be read.
pub fn put(typed: &mut Typed, attached: &[Attachment], read_at: &str) {
    typed.set(READ_AT, read_at);
    typed.remove(KEPT);
    typed.remove(REMOVED);
    for file in attached {
        typed.push(KEPT, serde_json::to_string(file).unwrap_or_default());
    }
}

/// The rows of a form.
pub fn in_form(typed: &Typed) -> Vec<FileRow> {
    let read_at = Some(typed.get(READ_AT)).filter(|at| at.starts_with('/')).unwrap_or_default();
    rows(&of(typed), read_at)
}

/// What was wrong with files that came with the form.
pub fn refused(typed: &Typed) -> Vec<Refused> {
    typed.all(REFUSED).into_iter().map(|words| Refused::at(KEPT, "refused", words)).collect()
}

/// A form of an email, with files or without.
#[derive(Clone, Debug)]
pub struct EmailForm(pub Typed);

fn unreadable(error: &MultipartError) -> PageError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let most = size_words(MOST_BYTES);
        return PageError::Malformed(format!("These files are far too large: an email carries at most {most}."));
    }
    PageError::Malformed(format!("{}. Go back and try again.", error.body_text()))
}

impl FromRequest<App> for EmailForm {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.unwrap_or_default().starts_with("multipart/form-data") {
            return Ok(Self(Form::<Typed>::from_request(request, app).await?.0));
        }
        let (mut parts, body) = request.into_parts();
        // Nothing is taken in from strangers.
        let visitor = Visitor::from_request_parts(&mut parts, app).await?;
        let form = Multipart::from_request(Request::from_parts(parts, body), app).await;
        let mut form =
            form.map_err(|error| PageError::Malformed(format!("{}. Go back and try again.", error.body_text())))?;
        let mut typed = Typed::default();
        while let Some(field) = form.next_field().await.map_err(|error| unreadable(&error))? {
            let name = field.name().unwrap_or_default().to_owned();
            if field.file_name().is_none() {
                let text = field.text().await.map_err(|error| unreadable(&error))?;
                if name != REFUSED {
                    typed.push(&name, text);
                }
            } else if let Some(taken) = take_in(app, &visitor, field).await? {
                match taken {
                    Ok(file) => typed.push(KEPT, serde_json::to_string(&file).unwrap_or_default()),
                    Err(refused) => typed.push(REFUSED, refused.message),
                }
            }
        }
        Ok(Self(typed))
    }
}

/// Takes in one file; `None` if none was chosen.
async fn take_in(
    app: &App,
    visitor: &Visitor,
    mut field: Field<'_>,
) -> Result<Option<std::result::Result<Attachment, Refused>>> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let mime_type = field.content_type().unwrap_or_default().to_owned();
    let (mut bytes, mut is_too_large) = (Vec::new(), false);
    while let Some(chunk) = field.chunk().await.map_err(|error| unreadable(&error))? {
        is_too_large |= (bytes.len() + chunk.len()) as u64 > MOST_BYTES;
        if !is_too_large {
            bytes.extend_from_slice(&chunk);
        }
    }
    if name.is_empty() && bytes.is_empty() {
        return Ok(None);
    }
    if is_too_large {
        let message = format!("“{name}” is too large: the files of an email are at most {}.", size_words(MOST_BYTES));
        return Ok(Some(Err(Refused::at(KEPT, "too_large", message))));
    }
    match app.engine.take_in_file(&visitor.actor, &name, &mime_type, &bytes).await {
        Ok(file) => Ok(Some(Ok(file))),
        Err(EngineError::Refused(mut refused)) => Ok(refused.pop().map(Err)),
        Err(error) => Err(error.into()),
    }
}

/// Takes in a file for a form that is open in the browser; answers its row.
pub async fn create(State(_app): State<App>, _visitor: Visitor, EmailForm(typed): EmailForm) -> Result<Response> {
    if let Some(refused) = refused(&typed).pop() {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, refused.message).into_response());
    }
    let Some(file) = of(&typed).pop() else {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, "Choose a file.").into_response());
    };
    Ok(Html(Row { file: row(&file, "") }.render()?).into_response())
}

/// A file of a template.
pub async fn of_template(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, hash)): Path<(TemplateId, FileHash)>,
) -> Result<Response> {
    Ok(download::file(app.engine.template_file(&visitor.actor, id, hash).await?))
}

/// A file of a step as it is written now.
pub async fn of_step(
    State(app): State<App>,
    _visitor: Visitor,
    Path((id, step, hash)): Path<(SequenceId, StepId, FileHash)>,
) -> Result<Response> {
    Ok(download::file(app.engine.step_file(id, step, hash).await?))
}

/// A file of one person's email.
pub async fn of_enrollment(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step, hash)): Path<(EnrollmentId, StepId, FileHash)>,
) -> Result<Response> {
    Ok(download::file(app.engine.enrollment_file(&visitor.actor, id, step, hash).await?))
}

/// A file that went with an email.
pub async fn of_delivery(
    State(app): State<App>,
    _visitor: Visitor,
    Path((id, hash)): Path<(DeliveryId, FileHash)>,
) -> Result<Response> {
    Ok(download::file(app.engine.delivery_file(id, hash).await?))
}

/// Where the files of a template are read.
pub fn at_template(id: TemplateId) -> String {
    format!("{}/files", urls::template(id))
}

/// Where the files of a step are read.
pub fn at_step(id: SequenceId, step: StepId) -> String {
    format!("{}/files", urls::step(id, step))
}

/// Where the files of one person's email are read.
pub fn at_enrollment(id: EnrollmentId, step: StepId) -> String {
    format!("{}/steps/{step}/files", urls::enrollment(id))
}

/// Where the files of an email that left are read.
pub fn at_delivery(id: DeliveryId) -> String {
    format!("{}/files", urls::delivery(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(byte: u8, name: &str) -> Attachment {
        Attachment::new(FileHash([byte; 32]), name, "application/pdf", 2048)
    }

    #[test]
    fn a_form_keeps_its_files_and_loses_those_that_are_taken_away() {
        let mut typed = Typed::default();
        put(&mut typed, &[file(1, "Offer.pdf"), file(2, "Terms.pdf")], "/templates/tpl_1/files");
        assert_eq!(of(&typed), [file(1, "Offer.pdf"), file(2, "Terms.pdf")]);
        typed.push(REMOVED, FileHash([1; 32]).to_string());
        typed.push(KEPT, "not a file");
        assert_eq!(of(&typed), [file(2, "Terms.pdf")]);
        let rows = in_form(&typed);
        assert_eq!((rows[0].name.as_str(), rows[0].size.as_str()), ("Terms.pdf", "2 KB"));
        assert!(rows[0].href.starts_with("/templates/tpl_1/files/0202"));
        typed.set(READ_AT, "https://elsewhere.example");
        assert_eq!(in_form(&typed)[0].href, "");
    }
}
