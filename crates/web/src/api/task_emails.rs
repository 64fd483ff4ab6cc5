//! `tasks/{id}/email` and `people/{id}/email`: an email that is written in a task or to a person at once, and how it would
//! look.

use super::{
    attachments::{AttachmentBody, named},
    auth::Caller,
    body::Body,
    doc,
    query::Id,
    tasks::TaskBody,
    templates::WordsBody,
};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State};
use relance_domain::{MailboxId, PersonId, TaskId};
use relance_engine::commands::{
    edits::EmailWords,
    task_emails::{EmailTask, TaskEmail},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(send))
        .routes(routes!(preview))
        .routes(routes!(send_to))
        .routes(routes!(preview_to))
}

/// An email that is written in a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaskEmail)]
struct EmailBody {
    /// Subject; it may have merge tags, as the bodies.
    subject: String,
    /// HTML body; empty = plain text only.
    #[serde(default)]
    body_html: String,
    /// Text body; empty = made from the HTML.
    #[serde(default)]
    body_text: String,
    /// Files that go with it, taken in by `POST /attachments`.
    #[serde(default)]
    attachments: Vec<AttachmentBody>,
    /// From which mailbox of the task's owner; left out = the one they usually send from.
    #[serde(default)]
    #[schema(value_type = Option<doc::MailboxId>)]
    mailbox_id: Option<MailboxId>,
}

impl From<EmailBody> for TaskEmail {
    fn from(body: EmailBody) -> Self {
        let EmailBody { subject, body_html, body_text, attachments, mailbox_id } = body;
        Self { words: EmailWords { subject, body_html, body_text, attachments: named(attachments) }, mailbox_id }
    }
}

/// Sends an email to the person of an open task of kind `email`, from a mailbox of the task's owner; the task is done.
///
/// It leaves under the rules of every email, with no sending times. Refused with the codes of an enrollment (`no_email`,
/// `suppressed`, `bounced_before`, `no_mailbox`, `already_active`: an earlier one has not left yet), with
/// `missing_merge_data`, and with `closed` if the task is.
#[utoipa::path(post, path = "/tasks/{id}/email", tag = "tasks", operation_id = "send_task_email",
    params(("id" = doc::TaskId, Path)), request_body = EmailBody, responses((status = 200, body = TaskBody)))]
async fn send(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    Body(email): Body<EmailBody>,
) -> Result<Json<TaskBody>> {
    Ok(Json(app.engine.send_task_email(&caller.actor, EmailTask::Open(id), &email.into()).await?.into()))
}

/// The email as its person would get it; nothing is stored.
#[utoipa::path(post, path = "/tasks/{id}/email/preview", tag = "tasks", operation_id = "preview_task_email",
    params(("id" = doc::TaskId, Path)), request_body = EmailBody, responses((status = 200, body = WordsBody)))]
async fn preview(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
    Body(email): Body<EmailBody>,
) -> Result<Json<WordsBody>> {
    Ok(Json(app.engine.preview_task_email(&caller.actor, EmailTask::Open(id), &email.into()).await?.into()))
}

/// Sends an email to a person from a mailbox of yours, at once; the answer is the task that it is kept as, which is done.
///
/// It leaves, and is refused, as the email of a task is. Send an `Idempotency-Key` to be sure of one email.
#[utoipa::path(post, path = "/people/{id}/email", tag = "people", operation_id = "send_email",
    params(("id" = doc::PersonId, Path)), request_body = EmailBody, responses((status = 200, body = TaskBody)))]
async fn send_to(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PersonId>,
    Body(email): Body<EmailBody>,
) -> Result<Json<TaskBody>> {
    let at = EmailTask::New(app.engine.new_task_id(), id);
    Ok(Json(app.engine.send_task_email(&caller.actor, at, &email.into()).await?.into()))
}

/// The email as this person would get it; nothing is stored.
#[utoipa::path(post, path = "/people/{id}/email/preview", tag = "people", operation_id = "preview_email",
    params(("id" = doc::PersonId, Path)), request_body = EmailBody, responses((status = 200, body = WordsBody)))]
async fn preview_to(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PersonId>,
    Body(email): Body<EmailBody>,
) -> Result<Json<WordsBody>> {
    let at = EmailTask::New(app.engine.new_task_id(), id);
    Ok(Json(app.engine.preview_task_email(&caller.actor, at, &email.into()).await?.into()))
}
