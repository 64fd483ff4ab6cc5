//! `teams`: read by everyone, written by admins. A user's team is `team_id` of the user.

use super::{
    auth::Caller,
    body::Body,
    doc,
    query::{Id, List},
    shapes::created,
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use relance_domain::{TeamId, Timestamp, user::Team};
use relance_storage::teams;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, edit, delete))
}

/// A team.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Team)]
struct TeamBody {
    /// Its id.
    #[schema(value_type = doc::TeamId)]
    id: TeamId,
    /// Its name.
    name: String,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
}

impl From<Team> for TeamBody {
    fn from(Team { id, name, created_at }: Team) -> Self {
        Self { id, name, created_at }
    }
}

/// The name of a team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TeamName {
    /// Its name.
    name: String,
}

/// Lists teams by name.
#[utoipa::path(get, path = "/teams", tag = "teams", operation_id = "list_teams", responses((status = 200, body = List<TeamBody>)))]
async fn list(State(app): State<App>) -> Result<Json<List<TeamBody>>> {
    let mut tx = app.engine.store.read().await?;
    Ok(Json(List::whole(teams::list(&mut tx).await?.into_iter().map(TeamBody::from).collect())))
}

/// Makes a team; admins only.
#[utoipa::path(post, path = "/teams", tag = "teams", operation_id = "create_team", request_body = TeamName,
    responses((status = 201, body = TeamBody)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<TeamName>) -> Result<Response> {
    let team = app.engine.create_team(&caller.actor, &new.name).await?;
    Ok(created(format!("teams/{}", team.id), TeamBody::from(team)))
}

/// Reads a team.
#[utoipa::path(get, path = "/teams/{id}", tag = "teams", operation_id = "read_team", params(("id" = doc::TeamId, Path)),
    responses((status = 200, body = TeamBody)))]
async fn read(State(app): State<App>, Id(id): Id<TeamId>) -> Result<Json<TeamBody>> {
    let mut tx = app.engine.store.read().await?;
    Ok(Json(teams::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("team"))?.into()))
}

/// Renames a team; admins only.
#[utoipa::path(patch, path = "/teams/{id}", tag = "teams", operation_id = "edit_team", params(("id" = doc::TeamId, Path)),
    request_body = TeamName, responses((status = 200, body = TeamBody)))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TeamId>,
    Body(change): Body<TeamName>,
) -> Result<Json<TeamBody>> {
    Ok(Json(app.engine.rename_team(&caller.actor, id, &change.name).await?.into()))
}

/// Deletes a team; admins only. Its users are then in none.
#[utoipa::path(delete, path = "/teams/{id}", tag = "teams", operation_id = "delete_team", params(("id" = doc::TeamId, Path)),
    responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<TeamId>) -> Result<StatusCode> {
    app.engine.delete_team(&caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
