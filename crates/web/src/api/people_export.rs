//! `people/export`: everyone who matches as CSV, streamed, in the order asked for.
//!
//! The same file the pages give out; cells that a spreadsheet would take for a formula begin with an apostrophe.

use super::{auth::Caller, doc, people::parse_filter, query::Query};
use crate::{
    app::App,
    people_csv::{self, Sheet, Source},
    problem::{Problem, Result},
};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use relance_domain::person::Kind;
use relance_storage::people_lists::{self, Filter, PeopleQuery, SortBy};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export))
}

/// Who is in the file, and what is written about each.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportParams {
    /// Leads or contacts; both if left out.
    #[param(value_type = Option<doc::Kind>)]
    kind: Option<Kind>,
    /// Words that each begin a word of the person.
    q: Option<String>,
    /// Rules, as JSON.
    filter: Option<String>,
    /// A field, with `-` in front from high to low; by name if left out.
    sort: Option<String>,
    /// Fields as columns, joined by commas; all if left out. Id and name always stand first.
    fields: Option<String>,
    /// With a byte order mark, which some spreadsheets need.
    #[serde(default)]
    mark: bool,
}

/// Who was asked for, for the audit log.
fn search_words(query: &PeopleQuery) -> String {
    let who = match query.kind {
        Some(Kind::Lead) => "Leads",
        Some(Kind::Contact) => "Contacts",
        None => "Leads and contacts",
    };
    let rules = if query.filter.rules().is_empty() { "" } else { ", filtered" };
    let search = if query.search.is_empty() { String::new() } else { format!(", search: {}", query.search) };
    format!("{who}, by the API{rules}{search}.")
}

/// Writes everyone who matches as CSV.
#[utoipa::path(get, path = "/people/export", tag = "people", operation_id = "export_people", params(ExportParams),
    responses((status = 200, body = String, content_type = "text/csv")))]
async fn export(State(app): State<App>, caller: Caller, Query(asked): Query<ExportParams>) -> Result<Response> {
    let (sort, descending) = SortBy::parse_directed(asked.sort.as_deref().unwrap_or_default())?;
    let filter = asked.filter.as_deref().map_or_else(|| Ok(Filter::default()), parse_filter)?;
    let query = PeopleQuery {
        kind: asked.kind,
        search: asked.q.unwrap_or_default(),
        filter,
        sort,
        descending,
        visible_to: app.engine.sight(&caller.actor).await?.owners(),
        ..PeopleQuery::default()
    };
    let text = asked.fields.unwrap_or_default();
    let keys: Vec<String> = text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
    let mut tx = app.engine.store.read().await?;
    // What cannot be asked is refused now, with its place, and not in the middle of the file.
    people_lists::check(&mut tx, &query, &keys).await.map_err(Problem::from)?;
    let sheet = Sheet::new(&mut tx, &keys, asked.mark).await?;
    drop(tx);
    let words = search_words(&query);
    app.engine.note_export(&caller.actor, &words).await?;
    let body = people_csv::body(app, Source::Query(Box::new(query)), sheet);
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], body).into_response())
}
