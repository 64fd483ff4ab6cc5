//! `workspace`: settings of everyone, and *stop all sending*.

use super::{
    auth::Caller,
    body::{NoBody, Patch},
    doc,
    schedule_shapes::{ScheduleBody, schedule_over},
    shapes::EndedBody,
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use relance_domain::{Timestamp, user::Visibility, workspace::Workspace};
use relance_storage::workspace;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read, edit)).routes(routes!(pause)).routes(routes!(resume))
}

/// The workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workspace)]
struct WorkspaceBody {
    /// Its name.
    name: String,
    /// IANA zone.
    time_zone: String,
    /// Schedule of sequences that do not set one.
    schedule: ScheduleBody,
    /// Postal address for the unsubscribe footer.
    postal_address: String,
    /// Which people reps see.
    #[schema(value_type = doc::Visibility)]
    people_visibility: Visibility,
    /// All sending is stopped since then.
    #[schema(value_type = Option<doc::Instant>)]
    paused_at: Option<Timestamp>,
}

impl From<Workspace> for WorkspaceBody {
    fn from(found: Workspace) -> Self {
        let Workspace { name, time_zone, schedule, postal_address, people_visibility, paused_at, .. } = found;
        Self { name, time_zone, schedule: schedule.into(), postal_address, people_visibility, paused_at }
    }
}

/// Reads the workspace's settings.
#[utoipa::path(get, path = "/workspace", tag = "workspace", operation_id = "read_workspace",
    responses((status = 200, body = WorkspaceBody)))]
async fn read(State(app): State<App>) -> Result<Json<WorkspaceBody>> {
    let mut tx = app.engine.store.read().await?;
    Ok(Json(workspace::read(&mut tx).await?.ok_or_else(|| Problem::not_found("workspace"))?.into()))
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WorkspacePatch)]
struct WorkspaceFields {
    /// Its name.
    name: Option<String>,
    /// IANA zone.
    time_zone: Option<String>,
    /// Schedule of sequences that do not set one; single fields of it may be left out.
    #[schema(value_type = Option<ScheduleBody>)]
    schedule: Option<Value>,
    /// Postal address for the unsubscribe footer.
    postal_address: Option<String>,
    /// Which people reps see.
    #[schema(value_type = Option<doc::Visibility>)]
    people_visibility: Option<Visibility>,
}

/// Changes the workspace's settings; admins only.
#[utoipa::path(patch, path = "/workspace", tag = "workspace", operation_id = "edit_workspace", request_body = WorkspaceFields,
    responses((status = 200, body = WorkspaceBody)))]
async fn edit(State(app): State<App>, caller: Caller, patch: Patch) -> Result<Json<WorkspaceBody>> {
    let fields: WorkspaceFields = patch.alone()?;
    let stored = {
        let mut tx = app.engine.store.read().await?;
        workspace::read(&mut tx).await?.ok_or_else(|| Problem::not_found("workspace"))?
    };
    let schedule = match &fields.schedule {
        Some(asked) => schedule_over(&stored.schedule, asked)?,
        None => None,
    };
    let postal_address = fields.postal_address.or_else(|| patch.is_null("postal_address").then(String::new));
    let change = move |workspace: &mut Workspace| {
        workspace.name = fields.name.unwrap_or_else(|| workspace.name.clone());
        workspace.time_zone = fields.time_zone.unwrap_or_else(|| workspace.time_zone.clone());
        workspace.schedule = schedule.unwrap_or_else(|| workspace.schedule.clone());
        workspace.people_visibility = fields.people_visibility.unwrap_or(workspace.people_visibility);
        workspace.postal_address = postal_address.unwrap_or_else(|| workspace.postal_address.clone());
    };
    Ok(Json(app.engine.edit_workspace(&caller.actor, change).await?.into()))
}

/// The workspace, with what was already on its way.
#[derive(Debug, Serialize, ToSchema)]
struct PausedWorkspace {
    #[serde(flatten)]
    #[schema(inline)]
    workspace: WorkspaceBody,
    /// What was held.
    ended: EndedBody,
}

/// Stops all sending; admins only.
#[utoipa::path(post, path = "/workspace/pause", tag = "workspace", operation_id = "pause_workspace",
    responses((status = 200, body = PausedWorkspace)))]
async fn pause(State(app): State<App>, caller: Caller, _: NoBody) -> Result<Json<PausedWorkspace>> {
    let (workspace, ended) = app.engine.pause_workspace(&caller.actor).await?;
    Ok(Json(PausedWorkspace { workspace: workspace.into(), ended: ended.into() }))
}

/// Lets mail leave again; admins only.
#[utoipa::path(post, path = "/workspace/resume", tag = "workspace", operation_id = "resume_workspace",
    responses((status = 200, body = WorkspaceBody)))]
async fn resume(State(app): State<App>, caller: Caller, _: NoBody) -> Result<Json<WorkspaceBody>> {
    Ok(Json(app.engine.resume_workspace(&caller.actor).await?.into()))
}
