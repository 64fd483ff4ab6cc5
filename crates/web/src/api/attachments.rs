//! `attachments`: files taken in by their content, named by templates and steps, read by who may see those.

use super::{
    auth::Caller,
    body, doc,
    query::{Id, Ids, LastHash, Query},
    shapes::created,
};
use crate::{
    app::App,
    download,
    problem::{Problem, Result},
};
use axum::{
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State},
    http::{StatusCode, header},
    response::Response,
};
use relance_domain::{
    EnrollmentId, SequenceId, StepId, TemplateId,
    attachment::{Attachment, FileHash},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

/// Most bytes of a request with a file: some more than the largest file, whose refusal has words.
const MOST_SENT: usize = 12 * 1024 * 1024;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create).layer(DefaultBodyLimit::max(MOST_SENT)))
        .routes(routes!(of_template))
        .routes(routes!(of_step))
        .routes(routes!(of_enrollment))
}

/// A file that goes with an email.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Attachment)]
pub struct AttachmentBody {
    /// The SHA-256 of its content, as `POST /attachments` answered it: 64 hexadecimal digits.
    #[schema(value_type = String)]
    hash: FileHash,
    /// Its name for the reader.
    name: String,
    /// Its MIME type.
    #[serde(default)]
    mime_type: String,
    /// Its size in bytes; what a request says here is not looked at.
    #[serde(default)]
    size: u64,
}

impl From<Attachment> for AttachmentBody {
    fn from(file: Attachment) -> Self {
        let Attachment { hash, name, mime_type, size } = file;
        Self { hash, name, mime_type, size }
    }
}

impl From<AttachmentBody> for Attachment {
    fn from(file: AttachmentBody) -> Self {
        Self::new(file.hash, &file.name, &file.mime_type, file.size)
    }
}

/// The files as the API shows them.
pub fn bodies(attached: Vec<Attachment>) -> Vec<AttachmentBody> {
    attached.into_iter().map(AttachmentBody::from).collect()
}

/// The files a request names.
pub fn named(bodies: Vec<AttachmentBody>) -> Vec<Attachment> {
    bodies.into_iter().map(Attachment::from).collect()
}

/// A file in a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in the document; the part is read by hand")]
struct FileForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// How a file that is sent alone is called.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Named {
    /// The name of the file, where the body is the file itself.
    name: Option<String>,
}

/// Takes in a file, at most 10 MB, to be named in `attachments` of a template or of the email of a step. A file that
/// nothing names is forgotten after a day.
#[utoipa::path(post, path = "/attachments", tag = "attachments", operation_id = "create_attachment", params(Named),
    request_body(content((FileForm = "multipart/form-data"), (Vec<u8> = "application/octet-stream"))),
    responses((status = 201, body = AttachmentBody)))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Query(named): Query<Named>,
    request: Request,
) -> Result<Response> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let (name, mime_type, bytes) = if content_type.starts_with("multipart/form-data") {
        read_form(request).await?
    } else {
        (named.name.unwrap_or_default(), content_type, body::bytes(request).await?.to_vec())
    };
    let file = app.engine.take_in_file(&caller.actor, &name, &mime_type, &bytes).await?;
    Ok(created("attachments".to_owned(), AttachmentBody::from(file)))
}

async fn read_form(request: Request) -> Result<(String, String, Vec<u8>)> {
    let unreadable = |status: StatusCode| {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return body::too_large();
        }
        let detail = "This form cannot be read. Send the file as the part “file”.";
        Problem::new(StatusCode::BAD_REQUEST, "unreadable", detail)
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| unreadable(error.status()))?;
    while let Some(part) = form.next_field().await.map_err(|error| unreadable(error.status()))? {
        if part.name() != Some("file") {
            continue;
        }
        let name = part.file_name().unwrap_or_default().to_owned();
        let mime_type = part.content_type().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|error| unreadable(error.status()))?;
        return Ok((name, mime_type, bytes.to_vec()));
    }
    Err(Problem::at("file", "required", "Send the file as the part “file”."))
}

/// A file of a template.
#[utoipa::path(get, path = "/templates/{id}/attachments/{hash}", tag = "attachments",
    operation_id = "read_template_attachment", params(("id" = doc::TemplateId, Path), ("hash" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn of_template(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TemplateId>,
    LastHash(hash): LastHash,
) -> Result<Response> {
    Ok(download::file(app.engine.template_file(&caller.actor, id, hash).await?))
}

/// A file of a step, as the draft of its sequence has it.
#[utoipa::path(get, path = "/sequences/{id}/steps/{step_id}/attachments/{hash}", tag = "attachments",
    operation_id = "read_step_attachment",
    params(("id" = doc::SequenceId, Path), ("step_id" = doc::StepId, Path), ("hash" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn of_step(
    State(app): State<App>,
    _caller: Caller,
    Ids(id, step): Ids<SequenceId, StepId>,
    LastHash(hash): LastHash,
) -> Result<Response> {
    Ok(download::file(app.engine.step_file(id, step, hash).await?))
}

/// A file of one person's email, sent or to come.
#[utoipa::path(get, path = "/enrollments/{id}/steps/{step_id}/attachments/{hash}", tag = "attachments",
    operation_id = "read_email_attachment",
    params(("id" = doc::EnrollmentId, Path), ("step_id" = doc::StepId, Path), ("hash" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn of_enrollment(
    State(app): State<App>,
    caller: Caller,
    Ids(id, step): Ids<EnrollmentId, StepId>,
    LastHash(hash): LastHash,
) -> Result<Response> {
    Ok(download::file(app.engine.enrollment_file(&caller.actor, id, step, hash).await?))
}
