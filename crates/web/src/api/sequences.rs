//! `sequences`: written by admins, read by everyone.

use super::{
    auth::Caller,
    body::{Body, NoBody, OptionalBody, Patch},
    doc,
    query::{Id, List, Query, cursor, limit_u32, words},
    sequence_shapes::{SequenceBody, SequenceBodyFields, patched},
    shapes::{EndedBody, created},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use relance_domain::{
    SequenceId,
    schedule::Schedule,
    sequence::{Sequence, SequenceState},
};
use relance_engine::commands::sequences::SequenceFields;
use relance_storage::{
    sequences::{self, SequenceFilter},
    workspace,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, edit, delete))
        .routes(routes!(archive))
        .routes(routes!(clone))
        .routes(routes!(pause))
        .routes(routes!(resume))
}

/// Which sequences.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Part of the name.
    q: Option<String>,
    /// `draft`, `active`, `archived`, separated by commas; any if left out.
    state: Option<String>,
    /// In this folder.
    folder: Option<String>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A sequence, with what holding or ending its enrollments did.
#[derive(Debug, Serialize, ToSchema)]
struct HeldSequence {
    #[serde(flatten)]
    #[schema(inline)]
    sequence: SequenceBody,
    /// What was ended or held.
    ended: EndedBody,
}

/// A sequence with its counts.
pub(super) async fn body_of(app: &App, sequence: Sequence) -> Result<SequenceBody> {
    let mut tx = app.engine.store.read().await?;
    let counts = sequences::counts(&mut tx, &[sequence.id]).await?;
    let counts = counts.get(&sequence.id).copied().unwrap_or_default();
    Ok(SequenceBody::of(sequence, counts))
}

/// The schedule of sequences that do not set one.
pub(super) async fn workspace_schedule(app: &App) -> Result<Schedule> {
    let mut tx = app.engine.store.read().await?;
    Ok(workspace::read(&mut tx).await?.map(|workspace| workspace.schedule).unwrap_or_default())
}

/// The sequence, or *not found*.
pub(super) async fn find(app: &App, id: SequenceId) -> Result<Sequence> {
    let mut tx = app.engine.store.read().await?;
    sequences::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("sequence"))
}

/// What is written of a sequence.
pub(super) fn fields_of(sequence: Sequence) -> SequenceFields {
    let Sequence { name, description, folder, usable_by, draft: plan, .. } = sequence;
    SequenceFields { name, description, folder, usable_by, plan }
}

/// Lists sequences by name.
#[utoipa::path(get, path = "/sequences", tag = "sequences", operation_id = "list_sequences", params(ListParams),
    responses((status = 200, body = List<SequenceBody>)))]
async fn list(State(app): State<App>, Query(params): Query<ListParams>) -> Result<Json<List<SequenceBody>>> {
    let limit = limit_u32(params.limit)?;
    let states: Vec<SequenceState> = words("state", params.state.as_deref(), &["draft", "active", "archived"])?
        .into_iter()
        .filter_map(SequenceState::parse)
        .collect();
    let cursor = cursor(params.cursor.as_deref())?;
    let unknown =
        || Problem::at("cursor", "invalid_cursor", "This page does not exist any more. Begin at the first page.");
    let after = match cursor.as_deref() {
        Some(text) => {
            let (id, name) = text.split_once(' ').ok_or_else(unknown)?;
            Some((name, id.parse::<SequenceId>().map_err(|_| unknown())?))
        }
        None => None,
    };
    let filter = SequenceFilter {
        search: params.q.as_deref().unwrap_or_default(),
        states: &states,
        folder: params.folder.as_deref().unwrap_or_default(),
    };
    let mut tx = app.engine.store.read().await?;
    let found = sequences::page(&mut tx, filter, after, limit + 1).await?;
    let cursor = |(last, _): &(Sequence, _)| format!("{} {}", last.id, last.name);
    Ok(Json(List::page(found, limit as usize, cursor, |(sequence, counts)| SequenceBody::of(sequence, counts))))
}

/// Writes a new draft.
#[utoipa::path(post, path = "/sequences", tag = "sequences", operation_id = "create_sequence",
    request_body = SequenceBodyFields, responses((status = 201, body = SequenceBody)))]
async fn create(State(app): State<App>, caller: Caller, Body(fields): Body<SequenceBodyFields>) -> Result<Response> {
    caller.admins_only("write sequences")?;
    let fields = fields.into_domain(&app.engine, &workspace_schedule(&app).await?)?;
    let sequence = app.engine.create_sequence(&caller.actor, fields).await?;
    Ok(created(format!("sequences/{}", sequence.id), body_of(&app, sequence).await?))
}

/// Reads a sequence: its draft, and which version is live.
#[utoipa::path(get, path = "/sequences/{id}", tag = "sequences", operation_id = "read_sequence",
    params(("id" = doc::SequenceId, Path)), responses((status = 200, body = SequenceBody)))]
async fn read(State(app): State<App>, Id(id): Id<SequenceId>) -> Result<Json<SequenceBody>> {
    let sequence = find(&app, id).await?;
    body_of(&app, sequence).await.map(Json)
}

/// Changes the draft; an active sequence goes on with its live version until it is activated again.
#[utoipa::path(patch, path = "/sequences/{id}", tag = "sequences", operation_id = "edit_sequence",
    params(("id" = doc::SequenceId, Path)), request_body = SequenceBodyFields,
    responses((status = 200, body = SequenceBody)))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SequenceId>,
    patch: Patch,
) -> Result<Json<SequenceBody>> {
    caller.admins_only("write sequences")?;
    let stored = fields_of(find(&app, id).await?);
    let schedule = workspace_schedule(&app).await?;
    patched(&patch, &stored, &app.engine, &schedule)?;
    let engine = app.engine.clone();
    let change = move |fields: &mut SequenceFields| {
        if let Ok(merged) = patched(&patch, fields, &engine, &schedule) {
            *fields = merged;
        }
    };
    let sequence = app.engine.edit_sequence(&caller.actor, id, change).await?;
    body_of(&app, sequence).await.map(Json)
}

/// Deletes a sequence nobody was ever enrolled in.
#[utoipa::path(delete, path = "/sequences/{id}", tag = "sequences", operation_id = "delete_sequence",
    params(("id" = doc::SequenceId, Path)), responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<SequenceId>) -> Result<StatusCode> {
    app.engine.delete_sequence(&caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to archive.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Archive {
    /// End those that run; otherwise they finish.
    stop: bool,
}

/// Archives a sequence: no new enrollments.
#[utoipa::path(post, path = "/sequences/{id}/archive", tag = "sequences", operation_id = "archive_sequence",
    params(("id" = doc::SequenceId, Path)), request_body = Archive, responses((status = 200, body = HeldSequence)))]
async fn archive(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SequenceId>,
    OptionalBody(asked): OptionalBody<Archive>,
) -> Result<Json<HeldSequence>> {
    let (sequence, ended) = app.engine.archive_sequence(&caller.actor, id, asked.stop).await?;
    Ok(Json(HeldSequence { sequence: body_of(&app, sequence).await?, ended: ended.into() }))
}

/// Makes a draft with the same plan.
#[utoipa::path(post, path = "/sequences/{id}/clone", tag = "sequences", operation_id = "clone_sequence",
    params(("id" = doc::SequenceId, Path)), responses((status = 201, body = SequenceBody)))]
async fn clone(State(app): State<App>, caller: Caller, Id(id): Id<SequenceId>, _: NoBody) -> Result<Response> {
    let sequence = app.engine.clone_sequence(&caller.actor, id).await?;
    Ok(created(format!("sequences/{}", sequence.id), body_of(&app, sequence).await?))
}

/// Holds everyone in it at once.
#[utoipa::path(post, path = "/sequences/{id}/pause", tag = "sequences", operation_id = "pause_sequence",
    params(("id" = doc::SequenceId, Path)), responses((status = 200, body = HeldSequence)))]
async fn pause(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SequenceId>,
    _: NoBody,
) -> Result<Json<HeldSequence>> {
    let (sequence, ended) = app.engine.pause_sequence(&caller.actor, id).await?;
    Ok(Json(HeldSequence { sequence: body_of(&app, sequence).await?, ended: ended.into() }))
}

/// Goes on.
#[utoipa::path(post, path = "/sequences/{id}/resume", tag = "sequences", operation_id = "resume_sequence",
    params(("id" = doc::SequenceId, Path)), responses((status = 200, body = SequenceBody)))]
async fn resume(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SequenceId>,
    _: NoBody,
) -> Result<Json<SequenceBody>> {
    let sequence = app.engine.resume_sequence(&caller.actor, id).await?;
    body_of(&app, sequence).await.map(Json)
}
