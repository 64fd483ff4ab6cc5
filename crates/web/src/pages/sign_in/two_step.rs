//! The second step of signing in: a code of an authenticator app, or a recovery code.
//!
//! That the password was right is kept in a cookie for five minutes; it is worth nothing without the code.

use std::net::SocketAddr;

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Then, agent, client, own_page};
use crate::app::App;
use crate::csp::Nonce;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::{answer, session, urls};

/// The cookie with the proof of the password.
const PROOF: &str = "relance_proof";
/// How long a browser keeps it, in seconds.
const PROOF_SECONDS: u32 = 300;

#[derive(Template)]
#[template(path = "sign_in/code.html")]
struct Page {
    frame: Frame,
    to: String,
    errors: FormErrors,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&["code"])
    }
}

/// Sends the browser to the second step.
pub fn ask(app: &App, proof: &SecretString, to: &str) -> Response {
    let mut response = answer::go(&urls::sign_in_code_then(to));
    session::put_cookie(app, &mut response, PROOF, proof.expose_secret(), PROOF_SECONDS);
    response
}

async fn draw(app: &App, nonce: Nonce, to: &str, errors: FormErrors) -> Page {
    Page { frame: session::plain_frame(app, Some(nonce)).await, to: own_page(to).to_owned(), errors }
}

/// The form.
pub async fn show(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    headers: HeaderMap,
    Query(then): Query<Then>,
) -> Result<Response> {
    let proof = answer::cookie(&headers, PROOF).unwrap_or_default();
    if !app.engine.is_password_proved(proof) {
        return Ok(answer::go(urls::SIGN_IN));
    }
    answer::page(&draw(&app, nonce, &then.to, FormErrors::default()).await)
}

/// Takes the code and begins the session.
pub async fn create(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let proof = answer::cookie(&headers, PROOF).unwrap_or_default();
    let client = client(peer.map(|peer| peer.0.0.ip()), &headers);
    let done = app.engine.sign_in_with_code(proof, typed.get("code"), &client, agent(&headers)).await;
    match done.map_err(PageError::from) {
        Ok(signed_in) => {
            let mut response = answer::go(own_page(typed.get("to")));
            session::begin(&app, &mut response, signed_in.token.expose_secret());
            session::put_cookie(&app, &mut response, PROOF, "", 0);
            Ok(response)
        }
        Err(error) => {
            let errors = error.refused()?;
            let is_closed = errors.has("too_many_attempts");
            let wait = if is_closed { app.engine.code_wait(proof, &client).await? } else { 0 };
            let page = draw(&app, nonce, typed.get("to"), errors).await;
            if wait > 0 { answer::too_many(&page, wait) } else { answer::refused(&page) }
        }
    }
}
