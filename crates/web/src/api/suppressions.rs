//! `suppressions`: addresses and domains never to be mailed.

use super::{
    auth::Caller,
    body::{self, Body},
    doc,
    people_import::MAX_UPLOAD,
    query::{Id, List, Query, at_cursor, cursor_at, limit},
    shapes::{EndedBody, created},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{
    Json,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    response::Response,
};
use relance_domain::{SuppressionId, Timestamp, UserId, suppression::Suppression};
use relance_storage::suppressions;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(import).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
        .routes(routes!(read, delete))
}

/// An entry of the list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suppression)]
struct SuppressionBody {
    /// Its id.
    #[schema(value_type = doc::SuppressionId)]
    id: SuppressionId,
    /// An address or a domain, in the form in which they are compared.
    entry: String,
    /// `manual`, `unsubscribed`, `complained` or `hard_bounce`.
    reason: &'static str,
    /// Free words.
    note: String,
    /// Who added it.
    #[schema(value_type = Option<doc::UserId>)]
    added_by: Option<UserId>,
    /// When.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
}

impl From<Suppression> for SuppressionBody {
    fn from(found: Suppression) -> Self {
        let Suppression { id, entry, reason, note, added_by, created_at } = found;
        Self { id, entry, reason: reason.as_str(), note, added_by, created_at }
    }
}

/// A new entry with what it ended.
#[derive(Debug, Serialize, ToSchema)]
struct Suppressed {
    #[serde(flatten)]
    #[schema(inline)]
    suppression: SuppressionBody,
    /// Enrollments that ended.
    ended: EndedBody,
}

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Part of the entry.
    q: Option<String>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the suppression list, the newest first.
#[utoipa::path(get, path = "/suppressions", tag = "suppressions", operation_id = "list_suppressions", params(ListParams),
    responses((status = 200, body = List<SuppressionBody>)))]
async fn list(State(app): State<App>, Query(params): Query<ListParams>) -> Result<Json<List<SuppressionBody>>> {
    let (limit, after) = (limit(params.limit)?, cursor_at(params.cursor.as_deref())?);
    let mut tx = app.engine.store.read().await?;
    let found = suppressions::list(&mut tx, params.q.as_deref().unwrap_or_default(), after, limit + 1).await?;
    let cursor = |last: &Suppression| at_cursor(last.created_at, last.id);
    Ok(Json(List::page(found, limit, cursor, SuppressionBody::from)))
}

/// What never to write to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSuppression)]
struct NewEntry {
    /// An address or a domain.
    entry: String,
    /// Free words.
    #[serde(default)]
    note: String,
}

/// Puts an address or domain on the list and ends the unfinished enrollments it concerns, at once.
#[utoipa::path(post, path = "/suppressions", tag = "suppressions", operation_id = "create_suppression", request_body = NewEntry,
    responses((status = 201, body = Suppressed)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewEntry>) -> Result<Response> {
    let (suppression, ended) = app.engine.suppress(&caller.actor, &new.entry, &new.note).await?;
    let path = format!("suppressions/{}", suppression.id);
    Ok(created(path, Suppressed { suppression: suppression.into(), ended: ended.into() }))
}

/// A line that was not taken.
#[derive(Debug, Serialize, ToSchema)]
struct RefusedLine {
    /// From 1.
    line: usize,
    /// What it says.
    text: String,
}

/// What importing a list did.
#[derive(Debug, Serialize, ToSchema)]
struct SuppressionImport {
    /// New entries.
    added: u64,
    /// Entries that were on the list.
    known: u64,
    /// Lines that are neither address nor domain.
    refused: Vec<RefusedLine>,
    /// Enrollments that ended.
    ended: EndedBody,
}

/// Adds one entry per line, or of the first column of a CSV.
#[utoipa::path(post, path = "/suppressions/import", tag = "suppressions", operation_id = "import_suppressions",
    request_body(content = String, content_type = "text/csv"), responses((status = 200, body = SuppressionImport)))]
async fn import(State(app): State<App>, caller: Caller, request: Request) -> Result<Json<SuppressionImport>> {
    let bytes = body::bytes(request).await?;
    let done = app.engine.import_suppressions(&caller.actor, &bytes).await?;
    let refused = done.refused.into_iter().map(|(line, text)| RefusedLine { line, text }).collect();
    Ok(Json(SuppressionImport { added: done.added, known: done.known, refused, ended: done.ended.into() }))
}

/// Reads an entry.
#[utoipa::path(get, path = "/suppressions/{id}", tag = "suppressions", operation_id = "read_suppression",
    params(("id" = doc::SuppressionId, Path)), responses((status = 200, body = SuppressionBody)))]
async fn read(State(app): State<App>, Id(id): Id<SuppressionId>) -> Result<Json<SuppressionBody>> {
    let mut tx = app.engine.store.read().await?;
    let found = suppressions::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("suppression"))?;
    Ok(Json(found.into()))
}

/// Takes an entry off the list; admins only. What ended stays ended.
#[utoipa::path(delete, path = "/suppressions/{id}", tag = "suppressions", operation_id = "delete_suppression",
    params(("id" = doc::SuppressionId, Path)), responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<SuppressionId>) -> Result<StatusCode> {
    app.engine.lift_suppression(&caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
