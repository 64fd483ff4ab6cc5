//! `tags`: the tags people have, renamed and deleted for everyone.

use super::{auth::Caller, body::Body, enrollments_bulk::JobRef, query::List, shapes::accepted};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, response::Response};
use relance_storage::tags::{self, TagCount};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(rename)).routes(routes!(delete))
}

/// A tag and who has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tag)]
struct TagBody {
    /// The tag.
    tag: String,
    /// Leads who have it, of those you see.
    leads: u32,
    /// Contacts who have it, of those you see.
    contacts: u32,
}

impl From<TagCount> for TagBody {
    fn from(TagCount { tag, leads, contacts }: TagCount) -> Self {
        Self { tag, leads, contacts }
    }
}

/// Lists every tag by name, on one page.
#[utoipa::path(get, path = "/tags", tag = "tags", operation_id = "list_tags",
    responses((status = 200, body = List<TagBody>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<List<TagBody>>> {
    let owners = app.engine.sight(&caller.actor).await?.owners();
    let found = tags::counts(&mut app.engine.store.read().await?, owners.as_deref()).await?;
    Ok(Json(List::whole(found.into_iter().map(TagBody::from).collect())))
}

/// A new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameTag {
    /// The tag.
    tag: String,
    /// Its new name; a tag that is there already takes its people.
    to: String,
}

/// Renames a tag, or merges it into another, for everyone who has it, as a job that can be undone; admins only.
#[utoipa::path(post, path = "/tags/rename", tag = "tags", operation_id = "rename_tag", request_body = RenameTag,
    responses((status = 202, body = JobRef)))]
async fn rename(State(app): State<App>, caller: Caller, Body(asked): Body<RenameTag>) -> Result<Response> {
    let (job_id, _) = app.engine.rename_tag(&caller.actor, &asked.tag, &asked.to).await?;
    Ok(accepted(job_id, JobRef { job_id }))
}

/// The tag to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteTag {
    /// The tag.
    tag: String,
}

/// Takes a tag away from everyone who has it, as a job that can be undone; admins only.
#[utoipa::path(post, path = "/tags/delete", tag = "tags", operation_id = "delete_tag", request_body = DeleteTag,
    responses((status = 202, body = JobRef)))]
async fn delete(State(app): State<App>, caller: Caller, Body(asked): Body<DeleteTag>) -> Result<Response> {
    let (job_id, _) = app.engine.delete_tag(&caller.actor, &asked.tag).await?;
    Ok(accepted(job_id, JobRef { job_id }))
}
