//! `enrollments`: start, read with every step explained, stop, pause, resume, retry, resolve.

use super::{
    auth::Caller,
    body::{Body, NoBody, OptionalBody},
    doc,
    enrollment_shapes::{EnrollmentBody, EnrollmentWithSteps, HeldEnrollment},
    query::{Id, List, Query, cursor_of, limit_u32, words},
    shapes::{EndedBody, Leaving, created},
    step_shapes::StepPreviewBody,
};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, response::Response};
use relance_domain::{EnrollmentId, MailboxId, PersonId, SequenceId, Timestamp, UserId};
use relance_engine::commands::preflight::EnrollRequest;
use relance_storage::enrollment_views::{self, EnrollmentFilter};
use relance_storage::visibility::SeenBy;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(preview))
        .routes(routes!(read))
        .routes(routes!(stop))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(retry))
        .routes(routes!(resolve))
}

/// Whom to enroll, in what, from where, when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEnrollment {
    /// In which sequence.
    #[schema(value_type = doc::SequenceId)]
    sequence_id: SequenceId,
    /// Whom.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
    /// From which mailbox; left out = the actor's.
    #[serde(default)]
    #[schema(value_type = Option<doc::MailboxId>)]
    mailbox_id: Option<MailboxId>,
    /// On whose behalf; left out = yours.
    #[serde(default)]
    #[schema(value_type = Option<doc::UserId>)]
    actor_id: Option<UserId>,
    /// When; left out = now.
    #[serde(default)]
    #[schema(value_type = Option<doc::Instant>)]
    start_at: Option<Timestamp>,
    /// With which step, by position from 1; left out = the first.
    #[serde(default)]
    start_step: Option<usize>,
}

impl From<NewEnrollment> for EnrollRequest {
    fn from(new: NewEnrollment) -> Self {
        let NewEnrollment { sequence_id, person_id, mailbox_id, actor_id, start_at, start_step } = new;
        Self { sequence_id, person_ids: vec![person_id], mailbox_id, actor_id, start_at, start_step }
    }
}

/// Which enrollments.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Of this person.
    #[param(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
    /// In this sequence.
    #[param(value_type = Option<doc::SequenceId>)]
    sequence_id: Option<SequenceId>,
    /// From this mailbox.
    #[param(value_type = Option<doc::MailboxId>)]
    mailbox_id: Option<MailboxId>,
    /// On behalf of this user.
    #[param(value_type = Option<doc::UserId>)]
    actor_id: Option<UserId>,
    /// `active`, `paused`, `blocked`, `completed`, separated by commas; any if left out.
    state: Option<String>,
    /// Blocked for this reason.
    blocked_reason: Option<String>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An enrollment as it is now.
pub async fn show(app: &App, caller: &Caller, id: EnrollmentId) -> Result<EnrollmentWithSteps> {
    Ok(app.engine.preview_enrollment(&caller.actor, id).await?.into())
}

/// Lists enrollments, the newest first, without their steps.
#[utoipa::path(get, path = "/enrollments", tag = "enrollments", operation_id = "list_enrollments", params(ListParams),
    responses((status = 200, body = List<EnrollmentBody>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<List<EnrollmentBody>>> {
    let owners = app.engine.sight(&caller.actor).await?.owners();
    let limit = limit_u32(params.limit)?;
    let after = cursor_of(params.cursor.as_deref())?;
    let states = words("state", params.state.as_deref(), &["active", "paused", "blocked", "completed"])?;
    let filter = EnrollmentFilter {
        person: params.person_id,
        sequence: params.sequence_id,
        states: &states,
        blocked_reason: params.blocked_reason.as_deref(),
        mailbox: params.mailbox_id,
        actor: params.actor_id,
        seen_by: owners.as_deref().map(|owners| SeenBy { user: caller.id(), owners }),
    };
    let mut tx = app.engine.store.read().await?;
    let found = enrollment_views::page(&mut tx, filter, after, limit + 1).await?;
    let cursor = |last: &enrollment_views::EnrollmentView| last.stored.enrollment.id.to_string();
    Ok(Json(List::page(found, limit as usize, cursor, EnrollmentBody::from)))
}

/// Enrolls a person. `already_active` is 409 and names the enrollment; other refusals are 422 with their code.
#[utoipa::path(post, path = "/enrollments", tag = "enrollments", operation_id = "create_enrollment",
    request_body = NewEnrollment, responses((status = 201, body = EnrollmentWithSteps)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewEnrollment>) -> Result<Response> {
    let enrollment = app.engine.enroll(&caller.actor, &new.into()).await?;
    Ok(created(format!("enrollments/{}", enrollment.id), show(&app, &caller, enrollment.id).await?))
}

/// Every step as the person would get it, with the forecast; nothing is stored.
#[utoipa::path(post, path = "/enrollments/preview", tag = "enrollments", operation_id = "preview_enrollment",
    request_body = NewEnrollment, responses((status = 200, body = List<StepPreviewBody>)))]
async fn preview(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewEnrollment>,
) -> Result<Json<List<StepPreviewBody>>> {
    let person = new.person_id;
    let steps = app.engine.preview_steps(&caller.actor, &new.into(), person).await?;
    Ok(Json(List::whole(steps.into_iter().map(StepPreviewBody::from).collect())))
}

/// Reads an enrollment with all its steps, past and future.
#[utoipa::path(get, path = "/enrollments/{id}", tag = "enrollments", operation_id = "read_enrollment",
    params(("id" = doc::EnrollmentId, Path)), responses((status = 200, body = EnrollmentWithSteps)))]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<EnrollmentId>) -> Result<Json<EnrollmentWithSteps>> {
    show(&app, &caller, id).await.map(Json)
}

/// Stops an enrollment at once; the answer names an email that was already on its way.
#[utoipa::path(post, path = "/enrollments/{id}/stop", tag = "enrollments", operation_id = "stop_enrollment",
    params(("id" = doc::EnrollmentId, Path)), responses((status = 200, body = HeldEnrollment)))]
async fn stop(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<EnrollmentId>,
    _: NoBody,
) -> Result<Json<HeldEnrollment>> {
    let stopped = app.engine.stop(&caller.actor, id).await?;
    let ended = EndedBody {
        enrollments: 1,
        cancelled_emails: stopped.cancelled_emails,
        cancelled_tasks: stopped.cancelled_tasks,
        leaving: stopped.leaving.into_iter().map(Leaving::from).collect(),
    };
    Ok(Json(HeldEnrollment { enrollment: show(&app, &caller, id).await?, ended }))
}

/// Until when to pause.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Pause {
    /// Left out = until someone resumes.
    #[schema(value_type = Option<doc::Instant>)]
    until: Option<Timestamp>,
}

/// Pauses an enrollment.
#[utoipa::path(post, path = "/enrollments/{id}/pause", tag = "enrollments", operation_id = "pause_enrollment",
    params(("id" = doc::EnrollmentId, Path)), request_body = Pause, responses((status = 200, body = HeldEnrollment)))]
async fn pause(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<EnrollmentId>,
    OptionalBody(asked): OptionalBody<Pause>,
) -> Result<Json<HeldEnrollment>> {
    let paused = app.engine.pause(&caller.actor, id, asked.until).await?;
    let leaving = paused.leaving.into_iter().map(Leaving::from).collect();
    let ended = EndedBody { enrollments: 1, leaving, ..EndedBody::default() };
    Ok(Json(HeldEnrollment { enrollment: show(&app, &caller, id).await?, ended }))
}

/// Resumes a paused enrollment.
#[utoipa::path(post, path = "/enrollments/{id}/resume", tag = "enrollments", operation_id = "resume_enrollment",
    params(("id" = doc::EnrollmentId, Path)), responses((status = 200, body = EnrollmentWithSteps)))]
async fn resume(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<EnrollmentId>,
    _: NoBody,
) -> Result<Json<EnrollmentWithSteps>> {
    app.engine.resume(&caller.actor, id).await?;
    show(&app, &caller, id).await.map(Json)
}

/// Tries a blocked step again.
#[utoipa::path(post, path = "/enrollments/{id}/retry", tag = "enrollments", operation_id = "retry_enrollment",
    params(("id" = doc::EnrollmentId, Path)), responses((status = 200, body = EnrollmentWithSteps)))]
async fn retry(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<EnrollmentId>,
    _: NoBody,
) -> Result<Json<EnrollmentWithSteps>> {
    app.engine.retry(&caller.actor, id).await?;
    show(&app, &caller, id).await.map(Json)
}

/// What became of an uncertain email.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resolve {
    /// It left; otherwise it did not, and is sent again.
    sent: bool,
}

/// Says what became of an uncertain email.
#[utoipa::path(post, path = "/enrollments/{id}/resolve", tag = "enrollments", operation_id = "resolve_enrollment",
    params(("id" = doc::EnrollmentId, Path)), request_body = Resolve, responses((status = 200, body = EnrollmentWithSteps)))]
async fn resolve(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<EnrollmentId>,
    Body(asked): Body<Resolve>,
) -> Result<Json<EnrollmentWithSteps>> {
    app.engine.resolve(&caller.actor, id, asked.sent).await?;
    show(&app, &caller, id).await.map(Json)
}
