//! `people/fields`: what people can be filtered by, sorted by and shown with; counts; how you look at them.

use super::{auth::Caller, body::Body, doc, query::List};
use crate::{app::App, problem::Result};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use relance_domain::{
    list::{Shape, View},
    person::Kind,
};
use relance_storage::{
    Tx, people_fields,
    people_lists::{self, PeopleQuery},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Counts are exact up to here; beyond, only if asked.
pub const MOST_COUNTED: usize = 10_000;

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(view, set_view))
}

/// One way to compare a field.
#[derive(Debug, Serialize, ToSchema)]
struct OperationBody {
    /// Its name in a rule.
    op: &'static str,
    /// As on pages.
    label: &'static str,
    /// What it wants as its value: `nothing`, `text`, `texts`, `number`, `date`, `instant`, `yes_no`, `user`, `users`,
    /// `person`, `sequence`, `sequence_or_any`, `choice`, `choices`.
    #[schema(value_type = String)]
    value: people_fields::Wants,
}

/// A field of people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeopleField)]
struct FieldBody {
    /// Its name in rules, sorts and columns.
    field: String,
    /// As on pages.
    label: String,
    /// Under which head pickers put it.
    group: &'static str,
    /// What it holds.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    field_type: people_fields::FieldType,
    /// The ways to compare it.
    operations: Vec<OperationBody>,
    /// What can be chosen, for lists.
    choices: Vec<String>,
    /// It can be a column.
    column: bool,
    /// It can be sorted by.
    sortable: bool,
}

impl From<people_fields::PeopleField> for FieldBody {
    fn from(found: people_fields::PeopleField) -> Self {
        let people_fields::PeopleField { field, label, group, field_type, operations, choices, column, sortable } =
            found;
        let operations = operations
            .iter()
            .map(|operation| OperationBody { op: operation.op, label: operation.label, value: operation.value })
            .collect();
        Self { field, label, group, field_type, operations, choices, column, sortable }
    }
}

/// Every field people can be filtered by, sorted by or shown with.
#[utoipa::path(get, path = "/people/fields", tag = "people", operation_id = "list_people_fields",
    responses((status = 200, body = List<FieldBody>)))]
async fn list(State(app): State<App>) -> Result<Json<List<FieldBody>>> {
    let mut tx = app.engine.store.read().await?;
    let found = people_fields::fields(&mut tx).await?;
    Ok(Json(List::whole(found.into_iter().map(FieldBody::from).collect())))
}

/// How exact a count is.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes a parameter in the document; the handler reads it before the others")]
pub struct CountParams {
    /// `true` counts beyond 10,000 too, which takes its time.
    exact: Option<bool>,
}

/// How many there are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Count)]
pub struct CountBody {
    /// How many, at most 10,000 unless asked for the exact number.
    pub count: usize,
    /// There are more than `count`.
    pub is_more: bool,
}

impl CountBody {
    /// Counts the people of a query.
    pub async fn of(tx: &mut Tx, query: &PeopleQuery, exact: bool) -> Result<Self> {
        let most = if exact { i32::MAX as usize } else { MOST_COUNTED };
        let (count, is_more) = people_lists::count(tx, query, most).await?;
        Ok(Self { count, is_more })
    }
}

/// How you look at leads or contacts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PeopleView)]
struct ViewBody {
    /// Index or table.
    #[schema(value_type = doc::Shape)]
    shape: Shape,
    /// The columns in their order; empty = the usual ones.
    #[serde(default)]
    columns: Vec<String>,
}

/// How you look at leads or contacts.
#[utoipa::path(get, path = "/people/views/{kind}", tag = "people", operation_id = "read_people_view",
    params(("kind" = doc::Kind, Path)), responses((status = 200, body = ViewBody)))]
async fn view(State(app): State<App>, caller: Caller, Path(kind): Path<Kind>) -> Result<Json<ViewBody>> {
    let View { shape, columns } = app.engine.people_view(&caller.actor, kind).await?;
    Ok(Json(ViewBody { shape, columns }))
}

/// Remembers how you look at leads or contacts.
#[utoipa::path(put, path = "/people/views/{kind}", tag = "people", operation_id = "set_people_view",
    params(("kind" = doc::Kind, Path)), request_body = ViewBody, responses((status = 204)))]
async fn set_view(
    State(app): State<App>,
    caller: Caller,
    Path(kind): Path<Kind>,
    Body(ViewBody { shape, columns }): Body<ViewBody>,
) -> Result<StatusCode> {
    app.engine.store_people_view(&caller.actor, kind, &View { shape, columns }).await?;
    Ok(StatusCode::NO_CONTENT)
}
