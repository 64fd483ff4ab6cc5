//! What an admin does for a user who cannot sign in: a link to choose a password, and the second step turned off.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use relance_domain::UserId;
use relance_engine::commands::password_links::PasswordLink;
use relance_storage::users;
use secrecy::ExposeSecret as _;

use crate::app::App;
use crate::errors::Result;
use crate::extract::Path;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

#[derive(Template)]
#[template(path = "settings/link.html")]
struct Page {
    frame: Frame,
    name: String,
    is_invitation: bool,
    address: String,
    until: String,
}

/// The page that shows a new link, this once.
pub fn shown(app: &App, visitor: &Visitor, link: PasswordLink) -> Result<Response> {
    let path = urls::password_link(link.token.expose_secret());
    let page = Page {
        frame: visitor.frame("settings"),
        name: link.user.name,
        is_invitation: link.is_invitation,
        address: format!("{}{path}", app.engine.settings.base_url),
        until: words::moment(link.expires_at, app.engine.clock.system_now(), &visitor.zone),
    };
    let mut response = (StatusCode::CREATED, Html(page.render()?)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Makes a link with which a user chooses a password.
pub async fn create(State(app): State<App>, visitor: Visitor, Path(id): Path<UserId>) -> Result<Response> {
    let link = app.engine.make_password_link(&visitor.actor, id).await?;
    shown(&app, &visitor, link)
}

/// Turns a user's second step off.
pub async fn turn_off_two_step(State(app): State<App>, visitor: Visitor, Path(id): Path<UserId>) -> Result<Response> {
    visitor.must_be_admin("turn off two-step sign-in of others")?;
    let off = app.engine.turn_off_two_step(&visitor.actor, id, None).await;
    let name = users::find(&mut app.read().await?, id).await?.map(|user| user.name).unwrap_or_default();
    answer::outcome(urls::USERS, off, |()| {
        answer::toast("done", format!("{name} signs in with the password alone until they set it up again."))
    })
}
