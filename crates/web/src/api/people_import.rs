//! `people/import`: a CSV file becomes a job; its rows are read at `jobs/{id}/rows`.
//!
//! The file is the body (`text/csv`) or the part `file` of a form. Options are in the query, or parts of the form.

use super::{auth::Caller, body, doc, enrollments_bulk::JobRef, query::Query, shapes::accepted};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State},
    http::{StatusCode, header},
    response::Response,
};
use relance_domain::person::Kind;
use relance_engine::commands::import::{self, Mapping, NewImport, OnDuplicate};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

/// Most bytes of a file.
pub const MAX_UPLOAD: usize = 64 * 1024 * 1024;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(start).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
}

/// How to import.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Options {
    /// Leads (if left out) or contacts.
    #[param(value_type = Option<doc::Kind>)]
    kind: Option<Kind>,
    /// JSON: which column fills which field, `{"Company": "organization_name", "Notes": ""}`; others are guessed from their names, an empty field ignores the column.
    mapping: Option<String>,
    /// What to do with a row whose email a person already has; `skip` if left out. People out of your sight are not
    /// found: such a row makes a person of its own.
    #[param(value_type = Option<doc::OnDuplicate>)]
    on_duplicate: Option<OnDuplicate>,
    /// Judge every row, change nothing.
    dry_run: Option<bool>,
    /// The name of the file, for the list of jobs.
    file_name: Option<String>,
}

/// A file in a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in the document; the parts are read one by one")]
struct ImportForm {
    /// The CSV file: UTF-8 or UTF-16, with `,`, `;` or tab.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

struct File {
    name: Option<String>,
    bytes: Vec<u8>,
}

fn unreadable_form() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "unreadable", "This form cannot be read. Send the file as the part “file”.")
}

/// The parts of a form: the file, and options as text.
async fn read_form(request: Request, options: &mut Options) -> Result<File> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| unreadable_form())?;
    let (mut file, mut pairs) = (None, Vec::new());
    loop {
        let part = form.next_field().await.map_err(|error| form_problem(&error))?;
        let Some(part) = part else { break };
        let (part_name, file_name) = (part.name().unwrap_or_default().to_owned(), part.file_name().map(str::to_owned));
        let bytes = part.bytes().await.map_err(|error| form_problem(&error))?;
        if part_name == "file" {
            file = Some(File { name: file_name, bytes: bytes.to_vec() });
        } else {
            pairs.push((part_name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    let text = serde_urlencoded::to_string(&pairs).map_err(|_| unreadable_form())?;
    let said: Options = super::query::from_pairs(&text)?;
    options.kind = said.kind.or(options.kind);
    options.mapping = said.mapping.or(options.mapping.take());
    options.on_duplicate = said.on_duplicate.or(options.on_duplicate);
    options.dry_run = said.dry_run.or(options.dry_run);
    options.file_name = said.file_name.or(options.file_name.take());
    file.ok_or_else(|| Problem::at("file", "required", "Choose a CSV file."))
}

fn form_problem(error: &axum::extract::multipart::MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE { body::too_large() } else { unreadable_form() }
}

async fn read_file(request: Request, options: &mut Options) -> Result<File> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mime = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match mime.as_str() {
        "text/csv" | "text/plain" | "application/octet-stream" | "text/tab-separated-values" => {
            Ok(File { name: None, bytes: body::bytes(request).await?.to_vec() })
        }
        "multipart/form-data" => read_form(request, options).await,
        _ => {
            let detail = "Send the CSV file with the header Content-Type: text/csv, or as the part “file” of a form.";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
        }
    }
}

/// What was guessed from the headers, with what the request says instead.
fn mapping(asked: Option<&str>, bytes: &[u8]) -> Result<Option<Mapping>> {
    let Some(text) = asked else { return Ok(None) };
    let said: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|_| Problem::at("mapping", "invalid", r#"A mapping reads {"Company": "organization_name"}."#))?;
    let head = import::read_head(bytes)?;
    let mut mapping = head.mapping;
    for (column, field) in said {
        let Some(index) = head.headers.iter().position(|header| *header == column) else {
            return Err(Problem::at("mapping", "unknown_column", format!("The file has no column “{column}”.")));
        };
        if let Some(slot) = mapping.fields.get_mut(index) {
            *slot = field;
        }
    }
    Ok(Some(mapping))
}

/// Starts an import of a CSV file.
#[utoipa::path(post, path = "/people/import", tag = "people", operation_id = "import_people", params(Options),
    request_body(content((String = "text/csv"), (ImportForm = "multipart/form-data"))),
    responses((status = 202, body = JobRef)))]
async fn start(
    State(app): State<App>,
    caller: Caller,
    Query(mut options): Query<Options>,
    request: Request,
) -> Result<Response> {
    let file = read_file(request, &mut options).await?;
    let mapping = mapping(options.mapping.as_deref(), &file.bytes)?;
    let file_name = options.file_name.or(file.name).unwrap_or_else(|| "import.csv".to_owned());
    let new = NewImport {
        kind: options.kind.unwrap_or(Kind::Lead),
        file_name,
        bytes: file.bytes,
        mapping,
        on_duplicate: options.on_duplicate.unwrap_or_default(),
        dry_run: options.dry_run.unwrap_or_default(),
    };
    let job_id = app.engine.start_import(&caller.actor, new).await?;
    Ok(accepted(job_id, JobRef { job_id }))
}
