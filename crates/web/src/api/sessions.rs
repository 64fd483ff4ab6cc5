//! `users/me/sessions`: the browsers in which you are signed in. API tokens are no sessions and stay.

use super::{auth::Caller, body::NoBody, doc, query::Id, query::List};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, http::StatusCode};
use relance_domain::Timestamp;
use relance_engine::commands::sessions::Browser;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(end)).routes(routes!(end_all))
}

/// A browser in which you are signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionBody {
    /// What names it in calls.
    key: String,
    /// The browser's name for itself.
    user_agent: String,
    /// Since when.
    #[schema(value_type = doc::Instant)]
    signed_in_at: Timestamp,
    /// When it was last used, to some minutes.
    #[schema(value_type = doc::Instant)]
    last_seen_at: Timestamp,
}

impl From<Browser> for SessionBody {
    fn from(Browser { key, user_agent, signed_in_at, last_seen_at, .. }: Browser) -> Self {
        Self { key, user_agent, signed_in_at, last_seen_at }
    }
}

/// Lists the browsers in which you are signed in, on one page.
#[utoipa::path(get, path = "/users/me/sessions", tag = "users", operation_id = "list_sessions",
    responses((status = 200, body = List<SessionBody>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<List<SessionBody>>> {
    let found = app.engine.browsers(&caller.actor, None).await?;
    Ok(Json(List::whole(found.into_iter().map(SessionBody::from).collect())))
}

/// Signs one of your browsers out.
#[utoipa::path(delete, path = "/users/me/sessions/{key}", tag = "users", operation_id = "end_session",
    params(("key" = String, Path, description = "Its key")), responses((status = 204)))]
async fn end(State(app): State<App>, caller: Caller, Id(key): Id<String>) -> Result<StatusCode> {
    app.engine.end_session(&caller.actor, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs you out everywhere.
#[utoipa::path(post, path = "/users/me/sign_out_everywhere", tag = "users", operation_id = "sign_out_everywhere",
    responses((status = 204)))]
async fn end_all(State(app): State<App>, caller: Caller, _: NoBody) -> Result<StatusCode> {
    app.engine.sign_out_everywhere(&caller.actor, caller.id()).await?;
    Ok(StatusCode::NO_CONTENT)
}
