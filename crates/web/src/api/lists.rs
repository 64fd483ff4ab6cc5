//! `lists`: smart lists, who is in them and how many, and which you keep in the bar.

use super::{
    auth::Caller,
    body::{Body, NoBody, Patch},
    doc,
    people_fields::{CountBody, CountParams},
    person_shapes::PersonBody,
    query::{Id, List, Query, limit},
    shapes::created,
};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use relance_domain::{
    ListId, Timestamp, UserId,
    list::{Filter, List as SmartList},
    person::Kind,
};
use relance_engine::commands::lists::{ListChange, NewList};
use relance_storage::people_lists::{PeopleQuery, SortBy};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(pins, set_pins))
        .routes(routes!(read, edit, delete))
        .routes(routes!(people))
        .routes(routes!(count))
        .routes(routes!(pin))
        .routes(routes!(unpin))
}

/// A smart list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SmartList)]
struct ListBody {
    /// Its id.
    #[schema(value_type = doc::ListId)]
    id: ListId,
    /// Its name.
    name: String,
    /// Of leads or of contacts.
    #[schema(value_type = doc::Kind)]
    kind: Kind,
    /// `{"all": [{"field": …, "op": …, "value": …} | {"any": […]}]}`, see `people/fields`.
    #[schema(value_type = Object)]
    filter: Filter,
    /// Its columns in their order; empty = those of the viewer.
    columns: Vec<String>,
    /// A field, with `-` in front from high to low; empty = by name.
    sort: String,
    /// Everyone sees it.
    shared: bool,
    /// Whose it is.
    #[schema(value_type = doc::UserId)]
    owner_id: UserId,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = doc::Instant)]
    updated_at: Timestamp,
}

impl From<SmartList> for ListBody {
    fn from(found: SmartList) -> Self {
        let SmartList { id, name, kind, filter, columns, sort, shared, owner_id, created_at, updated_at } = found;
        Self { id, name, kind, filter, columns, sort, shared, owner_id, created_at, updated_at }
    }
}

/// Lists your smart lists and those that are shared, by name.
#[utoipa::path(get, path = "/lists", tag = "lists", operation_id = "list_lists", responses((status = 200, body = List<ListBody>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<List<ListBody>>> {
    let found = app.engine.lists(&caller.actor).await?;
    Ok(Json(List::whole(found.into_iter().map(ListBody::from).collect())))
}

/// A list to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSmartList)]
struct NewFields {
    /// Its name.
    name: String,
    /// Of leads or of contacts; never changes.
    #[schema(value_type = doc::Kind)]
    kind: Kind,
    /// Who is in it; left out = everyone.
    #[serde(default)]
    #[schema(value_type = Object)]
    filter: Filter,
    /// Its columns.
    #[serde(default)]
    columns: Vec<String>,
    /// Its order.
    #[serde(default)]
    sort: String,
    /// Everyone sees it.
    #[serde(default)]
    shared: bool,
}

/// Saves a smart list of your own.
#[utoipa::path(post, path = "/lists", tag = "lists", operation_id = "create_list", request_body = NewFields,
    responses((status = 201, body = ListBody)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewFields>) -> Result<Response> {
    let NewFields { name, kind, filter, columns, sort, shared } = new;
    let list = app.engine.create_list(&caller.actor, NewList { name, kind, filter, columns, sort, shared }).await?;
    Ok(created(format!("lists/{}", list.id), ListBody::from(list)))
}

/// Reads a smart list.
#[utoipa::path(get, path = "/lists/{id}", tag = "lists", operation_id = "read_list", params(("id" = doc::ListId, Path)),
    responses((status = 200, body = ListBody)))]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<ListId>) -> Result<Json<ListBody>> {
    Ok(Json(app.engine.read_list(&caller.actor, id).await?.into()))
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SmartListPatch)]
struct ChangedFields {
    /// Its name.
    name: Option<String>,
    /// Who is in it.
    #[schema(value_type = Option<Object>)]
    filter: Option<Filter>,
    /// Its columns.
    columns: Option<Vec<String>>,
    /// Its order.
    sort: Option<String>,
    /// Everyone sees it.
    shared: Option<bool>,
}

/// Changes a smart list: yours, or a shared one for admins.
#[utoipa::path(patch, path = "/lists/{id}", tag = "lists", operation_id = "edit_list", params(("id" = doc::ListId, Path)),
    request_body = ChangedFields, responses((status = 200, body = ListBody)))]
async fn edit(State(app): State<App>, caller: Caller, Id(id): Id<ListId>, patch: Patch) -> Result<Json<ListBody>> {
    let ChangedFields { name, filter, columns, sort, shared } = patch.alone()?;
    let change = ListChange { name, filter, columns, sort, shared };
    Ok(Json(app.engine.edit_list(&caller.actor, id, change).await?.into()))
}

/// Deletes a smart list: yours, or a shared one for admins.
#[utoipa::path(delete, path = "/lists/{id}", tag = "lists", operation_id = "delete_list", params(("id" = doc::ListId, Path)),
    responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<ListId>) -> Result<StatusCode> {
    app.engine.delete_list(&caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageParams {
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Another order than the list's own.
    sort: Option<String>,
    /// Words that each begin a word of the person.
    q: Option<String>,
}

async fn query(app: &App, caller: &Caller, id: ListId) -> Result<PeopleQuery> {
    let list = app.engine.read_list(&caller.actor, id).await?;
    let visible_to = app.engine.sight(&caller.actor).await?.owners();
    Ok(PeopleQuery { visible_to, ..PeopleQuery::of_list(&list)? })
}

/// The people in a smart list whom you may see, in pages as those of `GET /people`.
#[utoipa::path(get, path = "/lists/{id}/people", tag = "lists", operation_id = "list_people_of_list",
    params(("id" = doc::ListId, Path), PageParams), responses((status = 200, body = List<PersonBody>)))]
async fn people(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ListId>,
    Query(params): Query<PageParams>,
) -> Result<Json<List<PersonBody>>> {
    let mut query = query(&app, &caller, id).await?;
    query.limit = limit(params.limit)?;
    query.cursor = params.cursor.as_deref().map(str::parse).transpose()?;
    query.search = params.q.unwrap_or_default();
    if let Some(sort) = &params.sort {
        (query.sort, query.descending) = SortBy::parse_directed(sort)?;
    }
    Ok(Json(super::people::page(&app, &query).await?))
}

/// Whether to count everyone.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exactly {
    exact: Option<bool>,
}

/// How many people are in a smart list: exact up to 10,000, beyond only if asked.
#[utoipa::path(get, path = "/lists/{id}/count", tag = "lists", operation_id = "count_people_of_list",
    params(("id" = doc::ListId, Path), CountParams), responses((status = 200, body = CountBody)))]
async fn count(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ListId>,
    Query(params): Query<Exactly>,
) -> Result<Json<CountBody>> {
    let query = query(&app, &caller, id).await?;
    let mut tx = app.engine.store.read().await?;
    CountBody::of(&mut tx, &query, params.exact.unwrap_or_default()).await.map(Json)
}

/// The lists you keep in the bar, in their order.
#[utoipa::path(get, path = "/lists/pins", tag = "lists", operation_id = "list_pins", responses((status = 200, body = List<ListBody>)))]
async fn pins(State(app): State<App>, caller: Caller) -> Result<Json<List<ListBody>>> {
    let found = app.engine.pinned_lists(&caller.actor).await?;
    Ok(Json(List::whole(found.into_iter().map(ListBody::from).collect())))
}

/// Which lists to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pins {
    /// Their ids in their order.
    #[schema(value_type = Vec<doc::ListId>)]
    list_ids: Vec<ListId>,
}

/// Keeps exactly these lists in your bar, in this order.
#[utoipa::path(put, path = "/lists/pins", tag = "lists", operation_id = "set_pins", request_body = Pins,
    responses((status = 204)))]
async fn set_pins(State(app): State<App>, caller: Caller, Body(pins): Body<Pins>) -> Result<StatusCode> {
    app.engine.set_pinned_lists(&caller.actor, &pins.list_ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a list in your bar.
#[utoipa::path(post, path = "/lists/{id}/pin", tag = "lists", operation_id = "pin_list", params(("id" = doc::ListId, Path)),
    responses((status = 204)))]
async fn pin(State(app): State<App>, caller: Caller, Id(id): Id<ListId>, _: NoBody) -> Result<StatusCode> {
    app.engine.pin_list(&caller.actor, id, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a list out of your bar.
#[utoipa::path(post, path = "/lists/{id}/unpin", tag = "lists", operation_id = "unpin_list", params(("id" = doc::ListId, Path)),
    responses((status = 204)))]
async fn unpin(State(app): State<App>, caller: Caller, Id(id): Id<ListId>, _: NoBody) -> Result<StatusCode> {
    app.engine.pin_list(&caller.actor, id, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
