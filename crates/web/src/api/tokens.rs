//! `tokens`: for scripts. The token itself is in one answer only, that of its creation.

use super::{
    auth::Caller,
    body::Body,
    doc,
    query::{Id, List, Query, cursor_of, limit},
    shapes::created,
};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use relance_domain::{Timestamp, TokenId, UserId, user::Scope};
use relance_storage::tokens::{self, Token};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(delete))
}

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenBody {
    /// Its id.
    #[schema(value_type = doc::TokenId)]
    id: TokenId,
    /// On whose behalf it acts.
    #[schema(value_type = doc::UserId)]
    user_id: UserId,
    /// Its name.
    name: String,
    /// What it may do.
    #[schema(value_type = doc::Scope)]
    scope: Scope,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
    /// When it was last used.
    #[schema(value_type = Option<doc::Instant>)]
    last_used_at: Option<Timestamp>,
    /// When it ends by itself; `null` = when someone takes it back.
    #[schema(value_type = Option<doc::Instant>)]
    expires_at: Option<Timestamp>,
}

impl From<Token> for TokenBody {
    fn from(token: Token) -> Self {
        let Token { id, user_id, name, scope, created_at, last_used_at, expires_at } = token;
        Self { id, user_id, name, scope, created_at, last_used_at, expires_at }
    }
}

/// Which tokens.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists tokens, the newest first: your own, or everyone's for admins.
#[utoipa::path(get, path = "/tokens", tag = "tokens", operation_id = "list_tokens", params(ListParams),
    responses((status = 200, body = List<TokenBody>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<List<TokenBody>>> {
    let limit = limit(params.limit)?;
    let after: Option<TokenId> = cursor_of(params.cursor.as_deref())?;
    let of = if caller.actor.is_admin() { None } else { Some(caller.id()) };
    let mut tx = app.engine.store.read().await?;
    let found = tokens::list(&mut tx, of).await?;
    let begin = after.map_or(0, |after| found.iter().position(|one| one.id == after).map_or(found.len(), |at| at + 1));
    let rest: Vec<Token> = found.into_iter().skip(begin).take(limit + 1).collect();
    Ok(Json(List::page(rest, limit, |last| last.id.to_string(), TokenBody::from)))
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
struct NewTokenFields {
    /// For whom; left out = you. Others: admins only.
    #[serde(default)]
    #[schema(value_type = Option<doc::UserId>)]
    user_id: Option<UserId>,
    /// What it may do.
    #[schema(value_type = doc::Scope)]
    scope: Scope,
    /// Its name.
    #[serde(default)]
    name: String,
    /// When it ends by itself; left out = when someone takes it back.
    #[serde(default)]
    #[schema(value_type = Option<doc::Instant>)]
    expires_at: Option<Timestamp>,
}

/// A token with its secret, shown once.
#[derive(Serialize, ToSchema)]
struct CreatedToken {
    /// Its id.
    #[schema(value_type = doc::TokenId)]
    id: TokenId,
    /// What goes into `Authorization: Bearer`; it is not stored and not shown again.
    token: String,
    /// What it may do.
    #[schema(value_type = doc::Scope)]
    scope: Scope,
    /// On whose behalf it acts.
    #[schema(value_type = doc::UserId)]
    user_id: UserId,
}

/// Makes a token.
#[utoipa::path(post, path = "/tokens", tag = "tokens", operation_id = "create_token", request_body = NewTokenFields,
    responses((status = 201, body = CreatedToken)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewTokenFields>) -> Result<Response> {
    let user_id = new.user_id.unwrap_or(caller.id());
    let made = app.engine.create_token_until(&caller.actor, user_id, new.scope, &new.name, new.expires_at).await?;
    let body = CreatedToken { id: made.id, token: made.secret.expose_secret().to_owned(), scope: new.scope, user_id };
    Ok(created(format!("tokens/{}", made.id), body))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", operation_id = "delete_token",
    params(("id" = doc::TokenId, Path)), responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<TokenId>) -> Result<StatusCode> {
    app.engine.delete_token(&caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
