//! `templates`: what is done with them besides writing: copies, folders, and the tags they may use.

use super::{
    auth::Caller,
    body::{Body, NoBody},
    doc,
    query::{Id, Query},
    shapes::created,
    templates::{TemplateBody, find},
};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, response::Response};
use relance_domain::{PersonId, TemplateId, sequence::Unsubscribe};
use relance_engine::commands::merge_tags::OfferedTag;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(clone))
        .routes(routes!(test))
        .routes(routes!(rename_folder))
        .routes(routes!(tags))
}

/// A copy of your own, private until it is shared.
#[utoipa::path(post, path = "/templates/{id}/clone", tag = "templates", operation_id = "clone_template",
    params(("id" = doc::TemplateId, Path)), responses((status = 201, body = TemplateBody)))]
async fn clone(State(app): State<App>, caller: Caller, Id(id): Id<TemplateId>, _: NoBody) -> Result<Response> {
    let copy = app.engine.clone_template(&caller.actor, id).await?;
    Ok(created(format!("templates/{}", copy.id), TemplateBody::from(copy)))
}

/// As whom a test is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplateTest)]
struct TestOrder {
    /// The person.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
}

/// What was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TemplateTested)]
struct TestSent {
    /// From and to which address: your own mailbox.
    address: String,
    /// Merge tags without a value; they stand there by their names.
    missing_tags: Vec<String>,
}

/// Sends a template to your own mailbox, marked as a test. It counts towards the quota and is nobody's delivery.
#[utoipa::path(post, path = "/templates/{id}/test", tag = "templates", operation_id = "test_template",
    params(("id" = doc::TemplateId, Path)), request_body = TestOrder, responses((status = 200, body = TestSent)))]
async fn test(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TemplateId>,
    Body(order): Body<TestOrder>,
) -> Result<Json<TestSent>> {
    let email = find(&app, &caller, id).await?.email();
    let sent = app.engine.send_test(&caller.actor, &email, &Unsubscribe::default(), order.person_id).await?;
    Ok(Json(TestSent { address: sent.address, missing_tags: sent.missing_tags }))
}

/// A folder and its new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FolderName {
    /// The folder.
    from: String,
    /// Its new name; a folder that has it takes the templates of this one.
    folder: String,
}

/// How many templates moved.
#[derive(Debug, Serialize, ToSchema)]
struct FolderRenamed {
    /// Templates that are in the folder of the new name now.
    moved: usize,
    /// Templates of others that stay where they were.
    left: usize,
}

/// Renames a folder for every template in it that you may change.
#[utoipa::path(post, path = "/templates/folder", tag = "templates", operation_id = "rename_template_folder",
    request_body = FolderName, responses((status = 200, body = FolderRenamed)))]
async fn rename_folder(
    State(app): State<App>,
    caller: Caller,
    Body(asked): Body<FolderName>,
) -> Result<Json<FolderRenamed>> {
    let (moved, left) = app.engine.rename_folder(&caller.actor, &asked.from, &asked.folder).await?;
    Ok(Json(FolderRenamed { moved, left }))
}

/// As whom.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TagsFor {
    /// Whose values are the examples.
    #[param(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
}

/// A merge tag.
#[derive(Debug, Serialize, ToSchema)]
struct MergeTag {
    /// `person.first_name`.
    tag: String,
    /// As people read it.
    label: String,
    /// `person`, `company`, `custom`, `sender` or `email`.
    group: &'static str,
    /// What to write into a text.
    text: String,
    /// Its value for the person; empty if there is none.
    example: String,
}

impl From<OfferedTag> for MergeTag {
    fn from(tag: OfferedTag) -> Self {
        let OfferedTag { path, label, group, text, example } = tag;
        Self { tag: path, label, group, text, example }
    }
}

/// The merge tags there are.
#[derive(Debug, Serialize, ToSchema)]
struct MergeTags {
    /// All of them, those of custom fields too.
    items: Vec<MergeTag>,
}

/// Every merge tag, with its value for a person.
#[utoipa::path(get, path = "/templates/tags", tag = "templates", operation_id = "list_merge_tags", params(TagsFor),
    responses((status = 200, body = MergeTags)))]
async fn tags(State(app): State<App>, caller: Caller, Query(asked): Query<TagsFor>) -> Result<Json<MergeTags>> {
    let tags = app.engine.merge_tags(&caller.actor, asked.person_id).await?;
    Ok(Json(MergeTags { items: tags.into_iter().map(MergeTag::from).collect() }))
}
