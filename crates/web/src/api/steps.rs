//! `enrollments/{id}/steps/{step_id}`: move or skip the step that comes next.

use super::{
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
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(reschedule)).routes(routes!(skip))
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
