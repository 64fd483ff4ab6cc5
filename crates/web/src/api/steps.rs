//! `enrollments/{id}/steps/{step_id}`: change the words of an email to come, move or skip the step that comes next.

use super::{
    attachments::{AttachmentBody, named},
    auth::Caller,
    body::{Body, NoBody},
    doc,
    enrollment_shapes::EnrollmentWithSteps,
    enrollments::show,
    query::Ids,
};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State};
use relance_domain::{EnrollmentId, StepId, Timestamp};
use relance_engine::commands::edits::EmailWords;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(edit)).routes(routes!(reschedule)).routes(routes!(skip))
}

/// The words of one person's email.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StepEmail)]
struct EmailBody {
    /// With merge tags; of a step that answers in a thread only used when there is nothing to answer.
    #[serde(default)]
    subject: String,
    /// HTML with merge tags; left out or empty = plain text.
    #[serde(default)]
    body_html: String,
    /// Text with merge tags; left out or empty = made from the HTML.
    #[serde(default)]
    body_text: String,
    /// Files that go with it, taken in by `POST /attachments`; left out = as they are.
    attachments: Option<Vec<AttachmentBody>>,
}

/// What to change of a step.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StepChange)]
struct Edit {
    /// The words for this person; `null` = those of the sequence again.
    email: Option<EmailBody>,
}

/// Changes the words of an email to come for this person only.
#[utoipa::path(patch, path = "/enrollments/{id}/steps/{step_id}", tag = "enrollments", operation_id = "edit_step",
    params(("id" = doc::EnrollmentId, Path), ("step_id" = doc::StepId, Path)), request_body = Edit,
    responses((status = 200, body = EnrollmentWithSteps)))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Ids(id, step): Ids<EnrollmentId, StepId>,
    Body(asked): Body<Edit>,
) -> Result<Json<EnrollmentWithSteps>> {
    match asked.email {
        Some(EmailBody { subject, body_html, body_text, attachments }) => {
            let attachments = match attachments {
                Some(attachments) => named(attachments),
                None => app.engine.email_to_edit(&caller.actor, id, step).await?.words.attachments,
            };
            let words = EmailWords { subject, body_html, body_text, attachments };
            app.engine.edit_email(&caller.actor, id, step, &words).await?;
        }
        None => {
            app.engine.reset_email(&caller.actor, id, step).await?;
        }
    }
    show(&app, &caller, id).await.map(Json)
}

/// When.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reschedule {
    /// The new due time.
    #[schema(value_type = doc::Instant)]
    at: Timestamp,
}

/// Moves the current step to another time.
#[utoipa::path(post, path = "/enrollments/{id}/steps/{step_id}/reschedule", tag = "enrollments", operation_id = "reschedule_step",
    params(("id" = doc::EnrollmentId, Path), ("step_id" = doc::StepId, Path)), request_body = Reschedule,
    responses((status = 200, body = EnrollmentWithSteps)))]
async fn reschedule(
    State(app): State<App>,
    caller: Caller,
    Ids(id, step): Ids<EnrollmentId, StepId>,
    Body(asked): Body<Reschedule>,
) -> Result<Json<EnrollmentWithSteps>> {
    app.engine.reschedule(&caller.actor, id, step, asked.at).await?;
    show(&app, &caller, id).await.map(Json)
}

/// Skips the current step; the next one's wait starts now.
#[utoipa::path(post, path = "/enrollments/{id}/steps/{step_id}/skip", tag = "enrollments", operation_id = "skip_step",
    params(("id" = doc::EnrollmentId, Path), ("step_id" = doc::StepId, Path)),
    responses((status = 200, body = EnrollmentWithSteps)))]
async fn skip(
    State(app): State<App>,
    caller: Caller,
    Ids(id, step): Ids<EnrollmentId, StepId>,
    _: NoBody,
) -> Result<Json<EnrollmentWithSteps>> {
    app.engine.skip_step(&caller.actor, id, step).await?;
    show(&app, &caller, id).await.map(Json)
}
