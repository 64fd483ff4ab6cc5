//! `templates`: named words that steps copy from.
//!
//! Everyone reads shared templates and their own; managers and admins those of everyone.

use super::{
    attachments::{AttachmentBody, bodies, named},
    auth::Caller,
    body::{Body, Patch},
    doc,
    query::{Id, List, Query, cursor_of, limit},
    shapes::created,
};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use relance_domain::{PersonId, TemplateId, Timestamp, UserId, template::Template};
use relance_engine::commands::{preview::Words, templates::TemplateFields};
use relance_storage::templates;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(preview_words))
        .routes(routes!(read, edit, delete))
        .routes(routes!(preview))
}

/// What a template says.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = TemplateFields)]
pub struct Fields {
    /// Its name.
    name: String,
    /// Folder; empty = none.
    folder: String,
    /// Subject with merge tags.
    subject: String,
    /// HTML body with merge tags; empty = plain text only.
    body_html: String,
    /// Text body with merge tags; empty = made from the HTML.
    body_text: String,
    /// Files that go with it, taken in by `POST /attachments`.
    attachments: Vec<AttachmentBody>,
    /// Everyone may use it.
    shared: bool,
}

impl From<Fields> for TemplateFields {
    fn from(fields: Fields) -> Self {
        let Fields { name, folder, subject, body_html, body_text, attachments, shared } = fields;
        Self { name, folder, subject, body_html, body_text, attachments: named(attachments), shared }
    }
}

impl From<&TemplateFields> for Fields {
    fn from(fields: &TemplateFields) -> Self {
        let TemplateFields { name, folder, subject, body_html, body_text, attachments, shared } = fields.clone();
        Self { name, folder, subject, body_html, body_text, attachments: bodies(attachments), shared }
    }
}

/// A template.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct TemplateBody {
    /// Its id.
    #[schema(value_type = doc::TemplateId)]
    id: TemplateId,
    #[serde(flatten)]
    #[schema(inline)]
    fields: Fields,
    /// Whose it is.
    #[schema(value_type = Option<doc::UserId>)]
    owner_id: Option<UserId>,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = doc::Instant)]
    updated_at: Timestamp,
}

impl From<Template> for TemplateBody {
    fn from(template: Template) -> Self {
        let Template { id, name, folder, subject, body_html, body_text, attachments, shared, .. } = template;
        let Template { owner_id, created_at, updated_at, .. } = template;
        let fields = Fields { name, folder, subject, body_html, body_text, attachments: bodies(attachments), shared };
        Self { id, fields, owner_id, created_at, updated_at }
    }
}

/// Which templates.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Part of the name or folder.
    q: Option<String>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The template, if the caller may use it.
pub async fn find(app: &App, caller: &Caller, id: TemplateId) -> Result<Template> {
    Ok(app.engine.seen_template(&caller.actor, id).await?)
}

/// Lists the templates you may use, by folder and name.
#[utoipa::path(get, path = "/templates", tag = "templates", operation_id = "list_templates", params(ListParams),
    responses((status = 200, body = List<TemplateBody>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<List<TemplateBody>>> {
    let limit = limit(params.limit)?;
    let after: Option<TemplateId> = cursor_of(params.cursor.as_deref())?;
    let mut tx = app.engine.store.read().await?;
    let found = templates::list(&mut tx, params.q.as_deref().unwrap_or_default(), Some(caller.id())).await?;
    let begin = after.map_or(0, |after| found.iter().position(|one| one.id == after).map_or(found.len(), |at| at + 1));
    let rest: Vec<Template> = found.into_iter().skip(begin).take(limit + 1).collect();
    Ok(Json(List::page(rest, limit, |last| last.id.to_string(), TemplateBody::from)))
}

/// Writes a template.
#[utoipa::path(post, path = "/templates", tag = "templates", operation_id = "create_template", request_body = Fields,
    responses((status = 201, body = TemplateBody)))]
async fn create(State(app): State<App>, caller: Caller, Body(fields): Body<Fields>) -> Result<Response> {
    let template = app.engine.create_template(&caller.actor, fields.into()).await?;
    Ok(created(format!("templates/{}", template.id), TemplateBody::from(template)))
}

/// Reads a template.
#[utoipa::path(get, path = "/templates/{id}", tag = "templates", operation_id = "read_template",
    params(("id" = doc::TemplateId, Path)), responses((status = 200, body = TemplateBody)))]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<TemplateId>) -> Result<Json<TemplateBody>> {
    Ok(Json(find(&app, &caller, id).await?.into()))
}

/// Changes a template; running sequences keep the words they copied.
#[utoipa::path(patch, path = "/templates/{id}", tag = "templates", operation_id = "edit_template",
    params(("id" = doc::TemplateId, Path)), request_body = Fields, responses((status = 200, body = TemplateBody)))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TemplateId>,
    patch: Patch,
) -> Result<Json<TemplateBody>> {
    let stored = TemplateBody::from(find(&app, &caller, id).await?);
    patch.merged(&stored.fields)?;
    let change = move |fields: &mut TemplateFields| {
        if let Ok(merged) = patch.merged(&Fields::from(&*fields)) {
            *fields = merged.into();
        }
    };
    Ok(Json(app.engine.edit_template(&caller.actor, id, change).await?.into()))
}

/// Deletes a template; steps keep the words they copied.
#[utoipa::path(delete, path = "/templates/{id}", tag = "templates", operation_id = "delete_template",
    params(("id" = doc::TemplateId, Path)), responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<TemplateId>) -> Result<StatusCode> {
    app.engine.delete_template(&caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewFor {
    /// The person.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
}

/// Words as a person would get them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Words)]
pub struct WordsBody {
    /// Subject.
    subject: String,
    /// HTML; empty for plain text. Missing tags stand as `<mark class="missing">` with their name.
    html: String,
    /// Text.
    text: String,
    /// Merge tags without a value.
    missing_tags: Vec<String>,
    /// Files that go with the email.
    attachments: Vec<AttachmentBody>,
}

impl From<Words> for WordsBody {
    fn from(words: Words) -> Self {
        let Words { subject, html, text, missing_tags, attachments } = words;
        Self { subject, html, text, missing_tags, attachments: bodies(attachments) }
    }
}

/// The words of a template as a person would get them from your own mailbox.
#[utoipa::path(post, path = "/templates/{id}/preview", tag = "templates", operation_id = "preview_template",
    params(("id" = doc::TemplateId, Path)), request_body = PreviewFor, responses((status = 200, body = WordsBody)))]
async fn preview(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TemplateId>,
    Body(asked): Body<PreviewFor>,
) -> Result<Json<WordsBody>> {
    let Template { subject, body_html, body_text, attachments, .. } = find(&app, &caller, id).await?;
    let words = app.engine.preview_words(&caller.actor, &subject, &body_html, &body_text, asked.person_id).await?;
    Ok(Json(Words { attachments, ..words }.into()))
}

/// Words that are not saved, and for whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnsavedWords {
    /// The person.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
    /// Subject with merge tags.
    #[serde(default)]
    subject: String,
    /// HTML body with merge tags.
    #[serde(default)]
    body_html: String,
    /// Text body with merge tags.
    #[serde(default)]
    body_text: String,
}

/// Any words as a person would get them from your own mailbox.
#[utoipa::path(post, path = "/templates/preview", tag = "templates", operation_id = "preview_words",
    request_body = UnsavedWords, responses((status = 200, body = WordsBody)))]
async fn preview_words(
    State(app): State<App>,
    caller: Caller,
    Body(asked): Body<UnsavedWords>,
) -> Result<Json<WordsBody>> {
    let UnsavedWords { person_id, subject, body_html, body_text } = asked;
    let words = app.engine.preview_words(&caller.actor, &subject, &body_html, &body_text, person_id).await?;
    Ok(Json(words.into()))
}
