//! Choosing a password with a link: an invitation, or a forgotten password.

use std::net::SocketAddr;

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use relance_engine::EngineError;
use relance_engine::commands::password_links::Invited;
use secrecy::{ExposeSecret as _, SecretString};

use super::{agent, client};
use crate::app::App;
use crate::csp::Nonce;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::limits::GUESSES;
use crate::pages::form::Typed;
use crate::{answer, session, urls};

#[derive(Template)]
#[template(path = "sign_in/password.html")]
struct Page {
    frame: Frame,
    /// Whom the link is for; `None` = it no longer works.
    invited: Option<Invited>,
    action: String,
    errors: FormErrors,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&["password"])
    }
}

/// Whoever tries links that do not work, from one address, has to wait.
fn guesser(peer: Option<Extension<ConnectInfo<SocketAddr>>>, headers: &HeaderMap) -> String {
    format!("link:{}", client(peer.map(|peer| peer.0.0.ip()), headers))
}

async fn draw(app: &App, nonce: Nonce, token: &str, errors: FormErrors) -> Result<Page> {
    Ok(Page {
        frame: session::plain_frame(app, Some(nonce)).await,
        invited: app.engine.password_link(token).await?,
        action: urls::password_link(token),
        errors,
    })
}

/// The link is a secret: no copy of its page is kept, and no other site learns of it.
fn private(answer: Result<Response>) -> Result<Response> {
    let mut response = answer?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// The form.
pub async fn show(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Response> {
    let who = guesser(peer, &headers);
    app.limits.look(&who, GUESSES).map_err(PageError::TooMany)?;
    let page = draw(&app, nonce, &token, FormErrors::default()).await?;
    if page.invited.is_none() {
        app.limits.take(&who, GUESSES).map_err(PageError::TooMany)?;
    }
    private(if page.invited.is_some() { answer::page(&page) } else { answer::refused(&page) })
}

/// Sets the password and signs in.
pub async fn create(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let who = guesser(peer, &headers);
    app.limits.look(&who, GUESSES).map_err(PageError::TooMany)?;
    let password = SecretString::from(typed.get("password").to_owned());
    match app.engine.use_password_link(&token, &password, agent(&headers)).await {
        Ok(Some(signed_in)) => {
            let mut response = answer::said(urls::HOME, &answer::toast("done", "Your password is set. Welcome."));
            session::begin(&app, &mut response, signed_in.token.expose_secret());
            Ok(response)
        }
        Ok(None) => Ok(answer::said(urls::SIGN_IN, &answer::toast("done", "Your password is set. Sign in with it."))),
        Err(EngineError::NotFound(_)) => {
            app.limits.take(&who, GUESSES).map_err(PageError::TooMany)?;
            private(answer::refused(&draw(&app, nonce, &token, FormErrors::default()).await?))
        }
        Err(error) => {
            let errors = PageError::from(error).refused()?;
            private(answer::refused(&draw(&app, nonce, &token, errors).await?))
        }
    }
}
