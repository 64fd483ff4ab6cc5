//! Who calls the API, and whether the call may go on to a handler.
//!
//! A Bearer token or the session cookie; a token acts for its user with at most the user's rights: scope `read` for
//! reading, `write` for changes, `admin` for users, tokens and the workspace. With a cookie a change must come from
//! our own pages. Everything else about rights is judged by the engine's commands.

use super::{body::MAX_JSON, people_import::MAX_UPLOAD};
use crate::{
    answer,
    app::App,
    idempotency,
    limits::{GUESSES, Rate},
    pages::sign_in::client,
    problem::{Problem, Result},
    session,
};
use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use relance_domain::{
    UserId,
    user::{Actor, Scope, User},
};
use relance_engine::secrets::token_hash;
use std::net::SocketAddr;

/// Addresses whose changes are settings.
const SETTINGS: &[&str] = &["users", "tokens", "workspace", "teams", "custom_fields", "mail_providers"];

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user.
    pub user: User,
    /// The user as commands take them.
    pub actor: Actor,
}

impl Caller {
    fn of(user: User) -> Self {
        let actor = Actor::User { id: user.id, role: user.role };
        Self { user, actor }
    }

    /// The user's id.
    pub const fn id(&self) -> UserId {
        self.user.id
    }

    /// The rights of an admin, or a refusal that says what needs them.
    pub fn admins_only(&self, what: &str) -> Result<()> {
        if self.actor.is_admin() { Ok(()) } else { Err(Problem::forbidden(format!("Only an admin can {what}."))) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::unauthorized("Send a token or sign in."))
    }
}

/// The scope a token needs for this request.
pub fn scope_needed(method: &Method, path: &str) -> Scope {
    let resource = path.trim_start_matches("/api/v1").trim_start_matches('/').split('/').next().unwrap_or_default();
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => Scope::Read,
        _ if SETTINGS.contains(&resource) => Scope::Admin,
        _ => Scope::Write,
    }
}

fn bearer(headers: &HeaderMap) -> Option<Result<&str>> {
    let value = headers.get(header::AUTHORIZATION)?;
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let wrong = || Problem::unauthorized("The header must read “Authorization: Bearer <token>”.");
    Some(token.filter(|token| !token.is_empty()).ok_or_else(wrong))
}

/// The caller behind a request, with the scope a token leaves.
async fn caller(app: &App, headers: &HeaderMap, needed: Scope) -> Result<Caller> {
    if let Some(token) = bearer(headers) {
        let found = app.engine.token_user(token?).await?;
        let (user, scope) =
            found.ok_or_else(|| Problem::unauthorized("This token is not valid, or was taken back."))?;
        if scope < needed {
            let detail = format!("This needs a token of scope {}; yours has {}.", needed.as_str(), scope.as_str());
            return Err(Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", detail));
        }
        return Ok(Caller::of(user));
    }
    let stranger = || Problem::unauthorized("Send a token in the header Authorization, or sign in.");
    let cookie = answer::cookie(headers, session::COOKIE).ok_or_else(stranger)?;
    let user = app.engine.session_user(cookie).await?.ok_or_else(stranger)?;
    if needed != Scope::Read && !from_our_pages(headers) {
        let detail = "A browser may change things only from our own pages. Use a token elsewhere.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", detail));
    }
    Ok(Caller::of(user))
}

/// The browser says that a page of this very site sent the request; what is not a browser needs a token.
fn from_our_pages(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text("origin").and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == text("host")
}

/// Whose bucket a request empties: each token has its own, a session is its user's.
fn bucket(headers: &HeaderMap, caller: &Caller) -> String {
    match bearer(headers) {
        Some(Ok(token)) => format!("token:{}", hex::encode(token_hash(token))),
        _ => format!("user:{}", caller.id()),
    }
}

/// A caller that is known may ask so often; one that guesses tokens, from one address, far less.
fn limit(app: &App, request: &Request, caller: &Result<Caller>) -> Result<()> {
    let headers = request.headers();
    match caller {
        Ok(caller) => {
            let settings = &app.engine.settings;
            let rate = Rate { burst: settings.api_burst.into(), per_second: settings.api_per_second.into() };
            app.limits.take(&bucket(headers, caller), rate).map_err(|seconds| {
                let most = settings.api_per_second;
                Problem::too_many(format!("At most {most} requests a second, in the long run."), seconds)
            })
        }
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED && bearer(headers).is_some() => {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
            let who = format!("guess:{}", client(peer, headers));
            app.limits.take(&who, GUESSES).map_err(|seconds| {
                Problem::too_many("Too many tokens that are not valid came from your address.", seconds)
            })
        }
        Err(_) => Ok(()),
    }
}

/// Middleware: lets known callers in, as often as they may ask, each POST at most once per `Idempotency-Key`.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let needed = scope_needed(request.method(), request.uri().path());
    let found = caller(&app, &request.headers().clone(), needed).await;
    let caller = match limit(&app, &request, &found).and(found) {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let asked = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    if let Err(error) = app.engine.check_sight(&caller.actor, &asked).await {
        return Problem::from(error).into_response();
    }
    let user = caller.id();
    request.extensions_mut().insert(caller);
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let max_bytes = if request.uri().path().ends_with("/import") { MAX_UPLOAD } else { MAX_JSON };
    idempotency::once(&app, user, request, next, max_bytes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_need_the_admin_scope_other_changes_the_write_scope() {
        let needed = |method: Method, path: &str| scope_needed(&method, path);
        assert_eq!(needed(Method::GET, "/users"), Scope::Read);
        assert_eq!(needed(Method::POST, "/users"), Scope::Admin);
        assert_eq!(needed(Method::POST, "/api/v1/workspace/pause"), Scope::Admin);
        assert_eq!(needed(Method::DELETE, "/tokens/tok_x"), Scope::Admin);
        assert_eq!(needed(Method::POST, "/enrollments"), Scope::Write);
        assert_eq!(needed(Method::PATCH, "/people/per_x"), Scope::Write);
    }

    #[test]
    fn a_change_with_a_cookie_must_come_from_the_same_site() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        assert!(from_our_pages(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!from_our_pages(&headers(&[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")])));
        assert!(from_our_pages(&headers(&[("origin", "http://a:70"), ("host", "a:70")])));
        assert!(!from_our_pages(&headers(&[("origin", "http://b"), ("host", "a")])));
        assert!(!from_our_pages(&headers(&[])));
    }
}
