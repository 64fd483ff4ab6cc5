//! Two-step sign-in of one's own: set up with an authenticator app, turned off with the password.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use qrcode::{Color, QrCode};
use relance_storage::users;
use secrecy::SecretString;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls};

/// White squares around the code, as the standard asks.
const QUIET: usize = 4;

/// A QR code as one path over squares of one unit.
struct Picture {
    /// Width and height.
    size: usize,
    path: String,
}

impl Picture {
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let width = code.width();
        let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
        let square =
            |(place, _): (usize, Color)| format!("M{} {}h1v1h-1z", place % width + QUIET, place / width + QUIET);
        Some(Self { size: width + 2 * QUIET, path: dark.map(square).collect() })
    }
}

#[derive(Template)]
#[template(path = "settings/two_step.html")]
struct Page {
    frame: Frame,
    secret: String,
    address: String,
    picture: Option<Picture>,
    errors: FormErrors,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&["code"])
    }

    /// The secret in groups of four, for typing.
    fn groups(&self) -> String {
        let letters: Vec<char> = self.secret.chars().collect();
        letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
    }
}

#[derive(Template)]
#[template(path = "settings/recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

fn private(status: StatusCode, html: String) -> Response {
    let mut response = (status, Html(html)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn draw(visitor: &Visitor, secret: String, address: String, errors: FormErrors) -> Page {
    Page { frame: visitor.frame("settings"), picture: Picture::of(&address), secret, address, errors }
}

/// The code to scan and the field for the first code.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    if users::two_step(&mut app.read().await?, visitor.user.id).await?.is_some() {
        return Ok(answer::go(urls::PROFILE));
    }
    let new = app.engine.new_two_step_secret(&visitor.user, &visitor.workspace.name)?;
    let page = draw(&visitor, new.secret, new.address, FormErrors::default());
    Ok(private(StatusCode::OK, page.render()?))
}

/// Turns it on once the first code is right, and shows the recovery codes, this once.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let secret = typed.trimmed("secret");
    let sealed = SecretString::from(secret.clone());
    match app.engine.turn_on_two_step(&visitor.actor, &sealed, typed.get("code")).await.map_err(PageError::from) {
        Ok(codes) => {
            let page = CodesPage { frame: visitor.frame("settings"), codes };
            Ok(private(StatusCode::CREATED, page.render()?))
        }
        Err(error) => {
            let errors = error.refused()?;
            // What is no secret of ours is not drawn again: a new one is.
            let Ok(address) = app.engine.two_step_address(&visitor.user, &visitor.workspace.name, &secret) else {
                return Ok(answer::go(urls::TWO_STEP));
            };
            Ok(private(StatusCode::UNPROCESSABLE_ENTITY, draw(&visitor, secret, address, errors).render()?))
        }
    }
}

/// Turns it off.
pub async fn delete(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let password = SecretString::from(typed.get("two_step_password").to_owned());
    let off = app.engine.turn_off_two_step(&visitor.actor, visitor.user.id, Some(&password)).await;
    match off.map_err(PageError::from) {
        Ok(()) => Ok(answer::said(urls::PROFILE, &answer::toast("done", "Two-step sign-in is off."))),
        Err(error) => super::profile::refused(&app, &visitor, error.refused()?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::Picture;

    #[test]
    fn a_code_has_its_three_corners_and_white_around() {
        let picture = Picture::of("otpauth://totp/Relance:a%40b.test?secret=GEZDGNBV&issuer=Relance").expect("a code");
        let last = picture.size - 5;
        for corner in [(4, 4), (last, 4), (4, last)] {
            assert!(picture.path.contains(&format!("M{} {}h1", corner.0, corner.1)), "{corner:?}");
        }
        assert!(!picture.path.contains("M3 ") && !picture.path.contains(&format!("M{} ", last + 1)));
    }
}
