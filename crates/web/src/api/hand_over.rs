//! `users/{id}/work` and `users/{id}/hand_over`: what a user has to do, and giving it to someone else; admins only.

use super::{auth::Caller, body::Body, doc, enrollments_bulk::JobRef, query::Id, shapes::accepted};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, response::Response};
use relance_domain::UserId;
use relance_engine::commands::hand_over::HandOver;
use relance_storage::user_work::WorkCounts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(work)).routes(routes!(hand_over))
}

/// What a user has to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserWork)]
struct WorkBody {
    /// Enrollments that are active or blocked.
    running: u32,
    /// Enrollments that are paused.
    paused: u32,
    /// Open tasks.
    tasks: u32,
    /// People they own.
    people: u32,
    /// Templates they own.
    templates: u32,
}

impl From<WorkCounts> for WorkBody {
    fn from(counts: WorkCounts) -> Self {
        let WorkCounts { running, paused, tasks, people, templates, .. } = counts;
        Self { running, paused, tasks, people, templates }
    }
}

/// Counts what a user has to do; admins only.
#[utoipa::path(get, path = "/users/{id}/work", tag = "users", operation_id = "read_user_work",
    params(("id" = doc::UserId, Path)), responses((status = 200, body = WorkBody)))]
async fn work(State(app): State<App>, caller: Caller, Id(id): Id<UserId>) -> Result<Json<WorkBody>> {
    Ok(Json(app.engine.work_of(&caller.actor, id).await?.into()))
}

const fn yes() -> bool {
    true
}

/// To whom, and what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HandOver)]
struct HandOverFields {
    /// To whom.
    #[schema(value_type = doc::UserId)]
    to: UserId,
    /// Their unfinished enrollments, which then send from the other's mailbox, open tasks and templates; yes if
    /// left out.
    #[serde(default = "yes")]
    work: bool,
    /// The people they own; yes if left out.
    #[serde(default = "yes")]
    people: bool,
}

/// Gives the work of a user to someone else, as a job; admins only. What was paused because they were deactivated goes
/// on.
#[utoipa::path(post, path = "/users/{id}/hand_over", tag = "users", operation_id = "hand_over",
    params(("id" = doc::UserId, Path)), request_body = HandOverFields, responses((status = 202, body = JobRef)))]
async fn hand_over(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<UserId>,
    Body(asked): Body<HandOverFields>,
) -> Result<Response> {
    let HandOverFields { to, work, people } = asked;
    let (job_id, _) = app.engine.hand_over(&caller.actor, id, HandOver { to, work, people }).await?;
    Ok(accepted(job_id, JobRef { job_id }))
}
