//! The first run: one page that makes the workspace and its admin, who is signed in afterwards.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use relance_engine::commands::workspace::SetUp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::answer;
use crate::app::App;
use crate::csp::Nonce;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::{session, urls};

/// What is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    workspace_name: String,
    name: String,
    email: String,
    password: String,
    time_zone: String,
}

const FIELDS: [&str; 5] = ["workspace_name", "name", "email", "password", "time_zone"];

#[derive(Template)]
#[template(path = "set_up/show.html")]
struct Page {
    frame: Frame,
    typed: Typed,
    errors: FormErrors,
    zones: Vec<String>,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }
}

/// The names of all zones, for a list.
pub fn zones() -> Vec<String> {
    let names = jiff::tz::db().available().map(|name| name.to_string());
    let mut zones: Vec<String> =
        names.filter(|name| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("posix")).collect();
    zones.sort();
    zones
}

async fn draw(app: &App, nonce: Nonce, typed: Typed, errors: FormErrors) -> Page {
    Page { frame: session::plain_frame(app, Some(nonce)).await, typed, errors, zones: zones() }
}

/// The form, as long as there is no workspace.
pub async fn show(State(app): State<App>, Extension(nonce): Extension<Nonce>) -> Result<Response> {
    if !app.engine.needs_set_up().await? {
        return Ok(answer::go(urls::SIGN_IN));
    }
    answer::page(&draw(&app, nonce, Typed::default(), FormErrors::default()).await)
}

/// Makes workspace and admin.
pub async fn create(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let new = SetUp {
        workspace_name: typed.workspace_name.clone(),
        time_zone: typed.time_zone.clone(),
        email: typed.email.clone(),
        name: typed.name.clone(),
        password: SecretString::from(typed.password.clone()),
    };
    let user = match app.engine.set_up(new).await.map_err(PageError::from) {
        Ok(user) => user,
        Err(error) => return answer::refused(&draw(&app, nonce, typed, error.refused()?).await),
    };
    let signed_in = app.engine.sign_in_as(user, super::sign_in::agent(&headers)).await?;
    let mut response = answer::go(urls::HOME);
    session::begin(&app, &mut response, signed_in.token.expose_secret());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_run_page_keeps_what_was_typed_and_shows_errors_at_their_fields() {
        let typed = Typed { name: "Nora".into(), email: "nora@".into(), ..Typed::default() };
        let errors = FormErrors::one("email", "This address has no domain.");
        let page = Page { frame: Frame { clock_rate: 1, ..Frame::default() }, typed, errors, zones: zones() };
        let html = page.render().expect("a page");
        assert!(html.contains("value=\"Nora\"") && html.contains("This address has no domain."));
        assert!(html.contains("Europe/Paris"), "zones can be chosen");
    }
}
