//! `mailboxes`: connect, check, pause, change, disconnect; and the answers of a sandbox's prospects.
//!
//! Reps see their own, admins all, managers the health of those of whom they look after. No answer holds a password.

use super::{
    auth::Caller,
    body::{Body, NoBody, Patch},
    doc,
    mailbox_bodies::{CheckBody, MailboxBody},
    mailbox_shapes::{MailboxFields, MailboxPatch, change},
    query::{Id, List, Query, limit},
    shapes::{EndedBody, created},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use relance_domain::{DeliveryId, MailboxId, UserId, mailbox::Mailbox, mailbox_access::MailboxAccess};
use relance_engine::commands::{mailboxes::NewMailbox, sandbox::SandboxAnswer};
use relance_storage::mailbox_days;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, connect))
        .routes(routes!(try_servers))
        .routes(routes!(read, edit, disconnect))
        .routes(routes!(check))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(answer))
}

async fn bodies(app: &App, found: Vec<(Mailbox, MailboxAccess)>) -> Result<Vec<MailboxBody>> {
    let now = app.engine.now();
    let days: Vec<_> = found.iter().map(|(mailbox, _)| (mailbox.id, now.zoned(&mailbox.zone()).date())).collect();
    let mut tx = app.engine.store.read().await?;
    let used = mailbox_days::used_on(&mut tx, &days).await?;
    let sent = |id| used.iter().find(|(used_by, _)| *used_by == id).map_or(0, |(_, number)| *number);
    Ok(found
        .into_iter()
        .map(|(mailbox, access)| (sent(mailbox.id), mailbox, access))
        .map(|(sent, mailbox, access)| MailboxBody::of(mailbox, access, sent, now))
        .collect())
}

/// A mailbox that was changed, which only who gets as far as its settings does.
async fn body_of(app: &App, mailbox: Mailbox) -> Result<MailboxBody> {
    let found = vec![(mailbox, MailboxAccess::Settings)];
    bodies(app, found).await?.pop().ok_or_else(|| Problem::not_found("mailbox"))
}

/// Which mailboxes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Of this user.
    #[param(value_type = Option<doc::UserId>)]
    user_id: Option<UserId>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists mailboxes: your own; for admins all; for managers also the health of those of whom they look after.
#[utoipa::path(get, path = "/mailboxes", tag = "mailboxes", operation_id = "list_mailboxes", params(ListParams),
    responses((status = 200, body = List<MailboxBody>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<List<MailboxBody>>> {
    let limit = limit(params.limit)?;
    let after: Option<MailboxId> = super::query::cursor_of(params.cursor.as_deref())?;
    let mut found = app.engine.seen_mailboxes(&caller.actor).await?;
    found.retain(|(mailbox, _)| params.user_id.is_none_or(|user| user == mailbox.user_id));
    found.sort_by_key(|(mailbox, _)| mailbox.id);
    found.retain(|(mailbox, _)| after.is_none_or(|after| mailbox.id > after));
    found.truncate(limit + 1);
    let shown = bodies(&app, found).await?;
    Ok(Json(List::page(shown, limit, |last| last.id.to_string(), |mailbox| mailbox)))
}

/// Connects a mailbox. Both directions are checked first, unless `"check": false`.
#[utoipa::path(post, path = "/mailboxes", tag = "mailboxes", operation_id = "connect_mailbox", request_body = MailboxFields,
    responses((status = 201, body = MailboxBody)))]
async fn connect(State(app): State<App>, caller: Caller, Body(fields): Body<MailboxFields>) -> Result<Response> {
    let mailbox = app.engine.connect_mailbox(&caller.actor, NewMailbox::from(fields)).await?;
    Ok(created(format!("mailboxes/{}", mailbox.id), body_of(&app, mailbox).await?))
}

/// Tries both directions of servers without saving anything.
#[utoipa::path(post, path = "/mailboxes/check", tag = "mailboxes", operation_id = "check_servers", request_body = MailboxFields,
    responses((status = 200, body = CheckBody)))]
async fn try_servers(
    State(app): State<App>,
    caller: Caller,
    Body(fields): Body<MailboxFields>,
) -> Result<Json<CheckBody>> {
    Ok(Json(app.engine.check_servers(&caller.actor, &NewMailbox::from(fields)).await?.into()))
}

/// Reads a mailbox. Of one whose health alone you may see, servers, aliases, signature and folders are `null`.
#[utoipa::path(get, path = "/mailboxes/{id}", tag = "mailboxes", operation_id = "read_mailbox",
    params(("id" = doc::MailboxId, Path)), responses((status = 200, body = MailboxBody)))]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<MailboxId>) -> Result<Json<MailboxBody>> {
    let seen = app.engine.seen_mailbox(&caller.actor, id).await?;
    bodies(&app, vec![seen]).await?.pop().map(Json).ok_or_else(|| Problem::not_found("mailbox"))
}

/// Changes a mailbox. New servers or passwords that work reconnect it.
#[utoipa::path(patch, path = "/mailboxes/{id}", tag = "mailboxes", operation_id = "edit_mailbox",
    params(("id" = doc::MailboxId, Path)), request_body = MailboxPatch, responses((status = 200, body = MailboxBody)))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailboxId>,
    patch: Patch,
) -> Result<Json<MailboxBody>> {
    let (stored, _) = app.engine.seen_mailbox(&caller.actor, id).await?;
    let mailbox = app.engine.edit_mailbox(&caller.actor, id, change(&patch, &stored)?).await?;
    body_of(&app, mailbox).await.map(Json)
}

/// Takes a mailbox out of use; its unfinished enrollments are blocked.
#[utoipa::path(delete, path = "/mailboxes/{id}", tag = "mailboxes", operation_id = "disconnect_mailbox",
    params(("id" = doc::MailboxId, Path)), responses((status = 204)))]
async fn disconnect(State(app): State<App>, caller: Caller, Id(id): Id<MailboxId>) -> Result<StatusCode> {
    app.engine.disconnect_mailbox(&caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries both directions of a connected mailbox now; success reconnects it.
#[utoipa::path(post, path = "/mailboxes/{id}/check", tag = "mailboxes", operation_id = "check_mailbox",
    params(("id" = doc::MailboxId, Path)), responses((status = 200, body = CheckBody)))]
async fn check(State(app): State<App>, caller: Caller, Id(id): Id<MailboxId>, _: NoBody) -> Result<Json<CheckBody>> {
    Ok(Json(app.engine.check_mailbox(&caller.actor, id).await?.into()))
}

/// A paused mailbox, with what was already on its way.
#[derive(Debug, Serialize, ToSchema)]
struct PausedMailbox {
    #[serde(flatten)]
    #[schema(inline)]
    mailbox: MailboxBody,
    /// What was held.
    ended: EndedBody,
}

/// Pauses a mailbox: nothing leaves from it until it is resumed.
#[utoipa::path(post, path = "/mailboxes/{id}/pause", tag = "mailboxes", operation_id = "pause_mailbox",
    params(("id" = doc::MailboxId, Path)), responses((status = 200, body = PausedMailbox)))]
async fn pause(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailboxId>,
    _: NoBody,
) -> Result<Json<PausedMailbox>> {
    let (mailbox, ended) = app.engine.pause_mailbox(&caller.actor, id).await?;
    Ok(Json(PausedMailbox { mailbox: body_of(&app, mailbox).await?, ended: ended.into() }))
}

/// Resumes a mailbox.
#[utoipa::path(post, path = "/mailboxes/{id}/resume", tag = "mailboxes", operation_id = "resume_mailbox",
    params(("id" = doc::MailboxId, Path)), responses((status = 200, body = MailboxBody)))]
async fn resume(State(app): State<App>, caller: Caller, Id(id): Id<MailboxId>, _: NoBody) -> Result<Json<MailboxBody>> {
    let mailbox = app.engine.resume_mailbox(&caller.actor, id).await?;
    body_of(&app, mailbox).await.map(Json)
}

/// What a prospect of a sandbox does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAnswer {
    /// The email that is answered.
    #[schema(value_type = doc::DeliveryId)]
    to_delivery: DeliveryId,
    /// What the prospect does.
    #[schema(value_type = doc::SandboxAnswer)]
    kind: SandboxAnswer,
    /// What the prospect writes.
    #[serde(default)]
    text: String,
}

/// Puts an answer to an email into the inbox of a sandbox mailbox.
#[utoipa::path(post, path = "/mailboxes/{id}/sandbox/inbound", tag = "mailboxes", operation_id = "answer_in_sandbox",
    params(("id" = doc::MailboxId, Path)), request_body = NewAnswer, responses((status = 204)))]
async fn answer(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailboxId>,
    Body(asked): Body<NewAnswer>,
) -> Result<StatusCode> {
    let NewAnswer { to_delivery, kind, text } = asked;
    app.engine.sandbox_inbound(&caller.actor, id, to_delivery, kind, &text).await?;
    Ok(StatusCode::NO_CONTENT)
}
