//! `custom_fields`: read by everyone, written by admins.

use super::{
    auth::Caller,
    body::{Body, Patch},
    doc,
    query::{Id, List},
    shapes::created,
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State, response::Response};
use relance_domain::{
    CustomFieldId, Timestamp,
    custom_field::{CustomField, FieldKind},
};
use relance_engine::commands::custom_fields::{CustomFieldChange, NewCustomField};
use relance_storage::custom_fields;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, edit, delete))
}

/// A custom field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomField)]
struct CustomFieldBody {
    /// Its id.
    #[schema(value_type = doc::CustomFieldId)]
    id: CustomFieldId,
    /// Its name in `custom_fields` of people, in filters and in merge tags (`person.custom.KEY`).
    key: String,
    /// Its name on pages.
    label: String,
    /// What it holds.
    #[schema(value_type = doc::FieldKind)]
    kind: FieldKind,
    /// What can be chosen, for lists.
    choices: Vec<String>,
    /// Place among the others, from 0.
    position: u32,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = doc::Instant)]
    updated_at: Timestamp,
}

impl From<CustomField> for CustomFieldBody {
    fn from(field: CustomField) -> Self {
        let CustomField { id, key, label, kind, choices, position, created_at, updated_at } = field;
        Self { id, key, label, kind, choices, position, created_at, updated_at }
    }
}

/// Lists custom fields in their order.
#[utoipa::path(get, path = "/custom_fields", tag = "custom_fields", operation_id = "list_custom_fields",
    responses((status = 200, body = List<CustomFieldBody>)))]
async fn list(State(app): State<App>) -> Result<Json<List<CustomFieldBody>>> {
    let mut tx = app.engine.store.read().await?;
    Ok(Json(List::whole(custom_fields::list(&mut tx).await?.into_iter().map(CustomFieldBody::from).collect())))
}

/// A field to define.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCustomField)]
struct NewFields {
    /// Its name on pages.
    label: String,
    /// What it holds; never changes.
    #[schema(value_type = doc::FieldKind)]
    kind: FieldKind,
    /// What can be chosen, for lists.
    #[serde(default)]
    choices: Vec<String>,
    /// Its key; left out = made from the label. Never changes.
    key: Option<String>,
}

/// Defines a custom field; admins only.
#[utoipa::path(post, path = "/custom_fields", tag = "custom_fields", operation_id = "create_custom_field",
    request_body = NewFields, responses((status = 201, body = CustomFieldBody)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewFields>) -> Result<Response> {
    let NewFields { label, kind, choices, key } = new;
    let field = app.engine.create_custom_field(&caller.actor, NewCustomField { label, kind, choices, key }).await?;
    Ok(created(format!("custom_fields/{}", field.id), CustomFieldBody::from(field)))
}

/// Reads a custom field.
#[utoipa::path(get, path = "/custom_fields/{id}", tag = "custom_fields", operation_id = "read_custom_field",
    params(("id" = doc::CustomFieldId, Path)), responses((status = 200, body = CustomFieldBody)))]
async fn read(State(app): State<App>, Id(id): Id<CustomFieldId>) -> Result<Json<CustomFieldBody>> {
    let mut tx = app.engine.store.read().await?;
    let found = custom_fields::find(&mut tx, id).await?;
    Ok(Json(found.ok_or_else(|| Problem::not_found("custom field"))?.into()))
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomFieldPatch)]
struct ChangedFields {
    /// Its name on pages.
    label: Option<String>,
    /// What can be chosen. Values that are no longer offered stay with the people who have them.
    choices: Option<Vec<String>>,
    /// Its place from 0; the others move.
    position: Option<u32>,
}

/// Changes a custom field; admins only.
#[utoipa::path(patch, path = "/custom_fields/{id}", tag = "custom_fields", operation_id = "edit_custom_field",
    params(("id" = doc::CustomFieldId, Path)), request_body = ChangedFields, responses((status = 200, body = CustomFieldBody)))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CustomFieldId>,
    patch: Patch,
) -> Result<Json<CustomFieldBody>> {
    let ChangedFields { label, choices, position } = patch.alone()?;
    let change = CustomFieldChange { label, choices, position };
    Ok(Json(app.engine.edit_custom_field(&caller.actor, id, change).await?.into()))
}

/// What a deletion leaves.
#[derive(Debug, Serialize, ToSchema)]
struct DeletedField {
    /// How many people have a value, which stays stored and is shown nowhere.
    values_kept: u64,
}

/// Deletes a custom field; admins only. What people have of it stays stored, out of sight.
#[utoipa::path(delete, path = "/custom_fields/{id}", tag = "custom_fields", operation_id = "delete_custom_field",
    params(("id" = doc::CustomFieldId, Path)), responses((status = 200, body = DeletedField)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<CustomFieldId>) -> Result<Json<DeletedField>> {
    let values_kept = app.engine.delete_custom_field(&caller.actor, id).await?;
    Ok(Json(DeletedField { values_kept }))
}
