//! Signing in and out.

pub mod password_link;
pub mod two_step;

use std::net::{IpAddr, SocketAddr};

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use relance_engine::commands::sign_in::{SignIn, SignedIn};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::app::App;
use crate::csp::Nonce;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::{answer, session, urls};

/// Where to go afterwards.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Then {
    to: String,
}

/// What is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    email: String,
    password: String,
    to: String,
}

#[derive(Template)]
#[template(path = "sign_in/show.html")]
struct Page {
    frame: Frame,
    typed: Typed,
    errors: FormErrors,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&[])
    }
}

async fn draw(app: &App, nonce: Nonce, typed: Typed, errors: FormErrors) -> Page {
    Page { frame: session::plain_frame(app, Some(nonce)).await, typed, errors }
}

/// The form; the first set-up where there is no workspace.
pub async fn show(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    headers: HeaderMap,
    Query(then): Query<Then>,
) -> Result<Response> {
    if app.engine.needs_set_up().await? {
        return Err(PageError::SetUp);
    }
    if session::visitor(&app, &headers, None).await.is_ok() {
        return Ok(answer::go(own_page(&then.to)));
    }
    answer::page(&draw(&app, nonce, Typed { to: then.to, ..Typed::default() }, FormErrors::default()).await)
}

/// Signs in.
pub async fn create(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let password = SecretString::from(typed.password.clone());
    let client = client(peer.map(|peer| peer.0.0.ip()), &headers);
    match app.engine.sign_in(&typed.email, &password, &client, agent(&headers)).await.map_err(PageError::from) {
        Ok(SignIn::CodeNeeded(proof)) => Ok(two_step::ask(&app, &proof, own_page(&typed.to))),
        Ok(SignIn::Done(SignedIn { token, .. })) => {
            let mut response = answer::go(own_page(&typed.to));
            session::begin(&app, &mut response, token.expose_secret());
            Ok(response)
        }
        Err(error) => {
            let errors = error.refused()?;
            let wait =
                if errors.has("too_many_attempts") { app.engine.sign_in_wait(&typed.email, &client).await? } else { 0 };
            let page = draw(&app, nonce, typed, errors).await;
            if wait > 0 { answer::too_many(&page, wait) } else { answer::refused(&page) }
        }
    }
}

/// Signs out.
pub async fn delete(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    if let Some(token) = answer::cookie(&headers, session::COOKIE) {
        app.engine.sign_out(token).await?;
    }
    let mut response = answer::go(urls::SIGN_IN);
    session::end(&app, &mut response);
    Ok(response)
}

/// The browser's name for itself.
pub fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whose failures are counted together: the peer, or what a proxy on this machine says of it.
pub fn client(peer: Option<IpAddr>, headers: &HeaderMap) -> String {
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()?.rsplit(',').next());
    match (peer, forwarded) {
        (Some(peer), Some(forwarded)) if peer.is_loopback() => forwarded.trim().to_owned(),
        (Some(peer), _) => peer.to_string(),
        (None, _) => "unknown".to_owned(),
    }
}

/// Only addresses of our own: a path that begins with one slash.
pub fn own_page(to: &str) -> &str {
    let is_own = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\') && !to.contains(char::is_control);
    if is_own { to } else { urls::HOME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_only_own_pages_are_opened() {
        assert_eq!(own_page("/people/per_1?a=b"), "/people/per_1?a=b");
        for foreign in ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\nb"] {
            assert_eq!(own_page(foreign), "/", "{foreign}");
        }
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed_about_the_client() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "10.9.9.9, 203.0.113.7".parse().expect("a header"));
        assert_eq!(client(Some([127, 0, 0, 1].into()), &headers), "203.0.113.7");
        assert_eq!(client(Some([198, 51, 100, 2].into()), &headers), "198.51.100.2");
    }

    #[test]
    fn the_sign_in_page_shows_why_it_was_refused_and_keeps_the_address() {
        let typed = Typed { email: "nora@halden.example".into(), ..Typed::default() };
        let errors =
            FormErrors(vec![relance_domain::Refused::new("wrong_credentials", "Email or password is not right.")]);
        let html = Page { frame: Frame { clock_rate: 1, ..Frame::default() }, typed, errors }.render().expect("a page");
        assert!(html.contains("nora@halden.example") && html.contains("Email or password is not right."));
    }
}
