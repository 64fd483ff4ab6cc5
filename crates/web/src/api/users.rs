//! `users`: read by everyone, written by admins; everyone changes themselves. Passwords are never in an answer.

use super::{
    auth::Caller,
    body::{Body, NoBody, Patch},
    doc,
    query::{Id, List, Query, cursor_of, limit},
    shapes::{EndedBody, created},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use relance_domain::{
    TeamId, Timestamp, UserId,
    user::{Role, User},
};
use relance_engine::commands::users::{NewUser, UserChange};
use relance_storage::users;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(read, edit))
        .routes(routes!(deactivate))
        .routes(routes!(reactivate))
        .routes(routes!(set_password))
        .routes(routes!(make_password_link))
        .routes(routes!(turn_off_two_step))
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
struct UserBody {
    /// Its id.
    #[schema(value_type = doc::UserId)]
    id: UserId,
    /// Sign-in address.
    email: String,
    /// Name.
    name: String,
    /// What the user may do.
    #[schema(value_type = doc::Role)]
    role: Role,
    /// IANA zone.
    time_zone: String,
    /// Phone.
    phone: String,
    /// The team the user is in.
    #[schema(value_type = Option<doc::TeamId>)]
    team_id: Option<TeamId>,
    /// Since when the user cannot sign in.
    #[schema(value_type = Option<doc::Instant>)]
    deactivated_at: Option<Timestamp>,
    /// When it was created.
    #[schema(value_type = doc::Instant)]
    created_at: Timestamp,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        let User { id, email, name, role, time_zone, phone, team_id, deactivated_at, created_at } = user;
        Self { id, email, name, role, time_zone, phone, team_id, deactivated_at, created_at }
    }
}

/// Which users.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists users by name.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "list_users", params(ListParams),
    responses((status = 200, body = List<UserBody>)))]
async fn list(State(app): State<App>, Query(params): Query<ListParams>) -> Result<Json<List<UserBody>>> {
    let limit = limit(params.limit)?;
    let after: Option<UserId> = cursor_of(params.cursor.as_deref())?;
    let mut tx = app.engine.store.read().await?;
    let found = users::list(&mut tx).await?;
    let begin = after.map_or(0, |after| found.iter().position(|one| one.id == after).map_or(found.len(), |at| at + 1));
    let rest: Vec<User> = found.into_iter().skip(begin).take(limit + 1).collect();
    Ok(Json(List::page(rest, limit, |last| last.id.to_string(), UserBody::from)))
}

/// A user to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
struct NewUserFields {
    /// Sign-in address.
    email: String,
    /// Name.
    name: String,
    /// What the user may do.
    #[schema(value_type = doc::Role)]
    role: Role,
    /// IANA zone; left out = the workspace's.
    #[serde(default)]
    time_zone: String,
    /// The team; left out = in none.
    #[serde(default)]
    #[schema(value_type = Option<doc::TeamId>)]
    team_id: Option<TeamId>,
    /// Left out = cannot sign in until one is set.
    #[serde(default)]
    #[schema(value_type = Option<doc::Password>)]
    password: Option<String>,
}

/// Adds a user; admins only.
#[utoipa::path(post, path = "/users", tag = "users", operation_id = "create_user", request_body = NewUserFields,
    responses((status = 201, body = UserBody)))]
async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewUserFields>) -> Result<Response> {
    let NewUserFields { email, name, role, time_zone, team_id, password } = new;
    let new = NewUser { email, name, role, time_zone, team_id, password: password.map(SecretString::from) };
    let user = app.engine.add_user(&caller.actor, new).await?;
    Ok(created(format!("users/{}", user.id), UserBody::from(user)))
}

/// Who you are.
#[utoipa::path(get, path = "/users/me", tag = "users", operation_id = "read_me", responses((status = 200, body = UserBody)))]
async fn me(caller: Caller) -> Json<UserBody> {
    Json(caller.user.into())
}

/// Reads a user.
#[utoipa::path(get, path = "/users/{id}", tag = "users", operation_id = "read_user", params(("id" = doc::UserId, Path)),
    responses((status = 200, body = UserBody)))]
async fn read(State(app): State<App>, Id(id): Id<UserId>) -> Result<Json<UserBody>> {
    let mut tx = app.engine.store.read().await?;
    Ok(Json(users::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("user"))?.into()))
}

/// What to change of a user; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserPatch)]
struct UserFields {
    /// Sign-in address.
    email: Option<String>,
    /// Name.
    name: Option<String>,
    /// What the user may do; admins only.
    #[schema(value_type = Option<doc::Role>)]
    role: Option<Role>,
    /// IANA zone.
    time_zone: Option<String>,
    /// Phone.
    phone: Option<String>,
    /// The team, `null` for none; admins only.
    #[schema(value_type = Option<doc::TeamId>)]
    team_id: Option<TeamId>,
}

/// Changes a user: yourself, or anyone for admins.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", operation_id = "edit_user", params(("id" = doc::UserId, Path)),
    request_body = UserFields, responses((status = 200, body = UserBody)))]
async fn edit(State(app): State<App>, caller: Caller, Id(id): Id<UserId>, patch: Patch) -> Result<Json<UserBody>> {
    let UserFields { email, name, role, time_zone, phone, team_id } = patch.alone()?;
    let team_id = team_id.map(Some).or_else(|| patch.is_null("team_id").then_some(None));
    let phone = phone.or_else(|| patch.is_null("phone").then(String::new));
    let change = UserChange { name, email, role, time_zone, phone, team_id };
    Ok(Json(app.engine.edit_user(&caller.actor, id, change).await?.into()))
}

/// Deactivates a user: no sign-in, and their enrollments are paused; admins only. `POST users/{id}/hand_over` gives their
/// work to someone else.
#[utoipa::path(post, path = "/users/{id}/deactivate", tag = "users", operation_id = "deactivate_user",
    params(("id" = doc::UserId, Path)), responses((status = 200, body = EndedBody)))]
async fn deactivate(State(app): State<App>, caller: Caller, Id(id): Id<UserId>, _: NoBody) -> Result<Json<EndedBody>> {
    Ok(Json(app.engine.deactivate_user(&caller.actor, id).await?.ended.into()))
}

/// Lets a user sign in again; admins only.
#[utoipa::path(post, path = "/users/{id}/reactivate", tag = "users", operation_id = "reactivate_user",
    params(("id" = doc::UserId, Path)), responses((status = 200, body = UserBody)))]
async fn reactivate(State(app): State<App>, caller: Caller, Id(id): Id<UserId>, _: NoBody) -> Result<Json<UserBody>> {
    Ok(Json(app.engine.reactivate_user(&caller.actor, id).await?.into()))
}

/// A new password for someone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The new password.
    #[schema(value_type = doc::Password)]
    password: String,
}

/// Sets someone's password and ends their sessions; admins only.
#[utoipa::path(post, path = "/users/{id}/password", tag = "users", operation_id = "set_password",
    params(("id" = doc::UserId, Path)), request_body = NewPassword, responses((status = 204)))]
async fn set_password(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<UserId>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode> {
    app.engine.set_password(&caller.actor, id, &SecretString::from(new.password)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link with which a user chooses a password, once.
#[derive(Serialize, ToSchema)]
struct PasswordLinkBody {
    /// The address to send to the user; it is not stored and not shown again.
    url: String,
    /// Until when it works.
    #[schema(value_type = doc::Instant)]
    expires_at: Timestamp,
}

/// Makes a link with which a user chooses a password: for 7 days if they never had one, else for 24 hours. The link
/// before it stops working; admins only.
#[utoipa::path(post, path = "/users/{id}/password_link", tag = "users", operation_id = "make_password_link",
    params(("id" = doc::UserId, Path)), responses((status = 201, body = PasswordLinkBody)))]
async fn make_password_link(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<UserId>,
    _: NoBody,
) -> Result<(StatusCode, Json<PasswordLinkBody>)> {
    let link = app.engine.make_password_link(&caller.actor, id).await?;
    let path = crate::urls::password_link(link.token.expose_secret());
    let url = format!("{}{path}", app.engine.settings.base_url);
    Ok((StatusCode::CREATED, Json(PasswordLinkBody { url, expires_at: link.expires_at })))
}

/// Turns off someone's two-step sign-in, as after a lost phone; admins only.
#[utoipa::path(delete, path = "/users/{id}/two_step", tag = "users", operation_id = "turn_off_two_step",
    params(("id" = doc::UserId, Path)), responses((status = 204)))]
async fn turn_off_two_step(State(app): State<App>, caller: Caller, Id(id): Id<UserId>) -> Result<StatusCode> {
    app.engine.turn_off_two_step(&caller.actor, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A change of your own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// The one you have.
    #[schema(value_type = doc::Password)]
    current_password: String,
    /// The new one.
    #[schema(value_type = doc::Password)]
    password: String,
}

/// Changes your own password and ends your sessions.
#[utoipa::path(post, path = "/users/me/password", tag = "users", operation_id = "change_password",
    request_body = PasswordChange, responses((status = 204)))]
async fn change_password(
    State(app): State<App>,
    caller: Caller,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode> {
    let (current, new) = (SecretString::from(change.current_password), SecretString::from(change.password));
    app.engine.change_password(&caller.actor, &current, &new).await?;
    Ok(StatusCode::NO_CONTENT)
}
