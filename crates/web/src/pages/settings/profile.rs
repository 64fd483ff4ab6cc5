//! One's own settings: name, address, zone, phone, password, looks, and signing out everywhere.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use relance_domain::user::User;
use relance_engine::commands::sessions::Browser;
use relance_engine::commands::users::UserChange;
use relance_storage::users;
use secrecy::{ExposeSecret as _, SecretString};

use super::places;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::pages::form::{Choice, Typed};
use crate::pages::sign_in;
use crate::session::{self, Visitor};
use crate::words::When;
use crate::{answer, urls, words};

const FIELDS: [&str; 7] = ["name", "email", "time_zone", "phone", "current_password", "password", "two_step_password"];
/// How long a browser keeps the chosen looks, in seconds.
const LOOKS_SECONDS: u32 = 365 * 24 * 3600;

#[derive(Template)]
#[template(path = "settings/profile.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    typed: Typed,
    errors: FormErrors,
    places: Vec<Choice>,
    role: &'static str,
    has_two_step: bool,
    /// Recovery codes left, in words.
    codes_left: String,
    browsers: Vec<BrowserRow>,
}

/// A browser in which the user is signed in.
#[derive(Clone, Debug, Default)]
struct BrowserRow {
    key: String,
    name: String,
    since: When,
    seen: When,
    is_this: bool,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }
}

fn typed_of(user: &User) -> Typed {
    Typed::of([
        ("name", user.name.clone()),
        ("email", user.email.clone()),
        ("time_zone", user.time_zone.clone()),
        ("phone", user.phone.clone()),
    ])
}

async fn browsers(app: &App, visitor: &Visitor) -> Result<Vec<BrowserRow>> {
    let now = app.engine.clock.system_now();
    let row = |browser: Browser| BrowserRow {
        name: words::browser(&browser.user_agent),
        since: When::age(browser.signed_in_at, now, &visitor.zone),
        seen: When::age(browser.last_seen_at, now, &visitor.zone),
        is_this: browser.is_this,
        key: browser.key,
    };
    let found = app.engine.browsers(&visitor.actor, Some(visitor.token.expose_secret())).await?;
    Ok(found.into_iter().map(row).collect())
}

async fn draw(app: &App, visitor: &Visitor, typed: Typed, errors: FormErrors) -> Result<Page> {
    let browsers = browsers(app, visitor).await?;
    let mut tx = app.read().await?;
    let left = users::count_recovery_codes(&mut tx, visitor.user.id).await?;
    Ok(Page {
        has_two_step: users::two_step(&mut tx, visitor.user.id).await?.is_some(),
        codes_left: words::count(left.unsigned_abs(), "recovery code", "recovery codes"),
        browsers,
        frame: visitor.frame("settings"),
        tab: "profile",
        typed,
        errors,
        places: places(&visitor.user.time_zone),
        role: super::team::role_word(visitor.user.role),
    })
}

/// The page again, with what was wrong.
pub async fn refused(app: &App, visitor: &Visitor, errors: FormErrors) -> Result<Response> {
    answer::refused(&draw(app, visitor, typed_of(&visitor.user), errors).await?)
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    answer::page(&draw(&app, &visitor, typed_of(&visitor.user), FormErrors::default()).await?)
}

/// Saves it.
pub async fn update(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let change = UserChange {
        name: Some(typed.trimmed("name")),
        email: Some(typed.trimmed("email")),
        time_zone: Some(typed.trimmed("time_zone")),
        phone: Some(typed.trimmed("phone")),
        ..UserChange::default()
    };
    match app.engine.edit_user(&visitor.actor, visitor.user.id, change).await.map_err(PageError::from) {
        Ok(_) => Ok(answer::said(urls::PROFILE, &answer::toast("done", "Your profile is saved."))),
        Err(error) => answer::refused(&draw(&app, &visitor, typed, error.refused()?).await?),
    }
}

/// Changes the password. Every other browser is signed out; this one goes on with a new session.
pub async fn change_password(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let (current, new) = (typed.get("current_password").to_owned(), typed.get("password").to_owned());
    let changed =
        app.engine.change_password(&visitor.actor, &SecretString::from(current), &SecretString::from(new)).await;
    if let Err(error) = changed.map_err(PageError::from) {
        return refused(&app, &visitor, error.refused()?).await;
    }
    let signed_in = app.engine.sign_in_as(visitor.user, sign_in::agent(&headers)).await?;
    let words = "Your password is changed. Every other browser was signed out.";
    let mut response = answer::said(urls::PROFILE, &answer::toast("done", words));
    session::begin(&app, &mut response, signed_in.token.expose_secret());
    Ok(response)
}

/// Ends every session of the user, this one too.
pub async fn sign_out_everywhere(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    app.engine.sign_out_everywhere(&visitor.actor, visitor.user.id).await?;
    let mut response = answer::go(urls::SIGN_IN);
    session::end(&app, &mut response);
    Ok(response)
}

/// Signs one of the user's browsers out; the one that asks goes to sign in again.
pub async fn end_session(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let ended = app.engine.end_session(&visitor.actor, typed.get("session")).await;
    answer::outcome(urls::PROFILE, ended, |()| answer::toast("done", "That browser is signed out."))
}

/// Light, dark, or as the system says; kept by the browser.
pub async fn set_looks(_visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let (theme, seconds) = match typed.get("theme") {
        known @ ("light" | "dark") => (known, LOOKS_SECONDS),
        _ => ("", 0),
    };
    let mut response = answer::go(urls::PROFILE);
    let cookie = format!("relance_theme={theme}; Path=/; Max-Age={seconds}; SameSite=Lax");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_keeps_what_was_typed_and_never_shows_a_password() {
        let typed = Typed::of([
            ("name", "Nora".into()),
            ("time_zone", "Europe/Paris".into()),
            ("password", "a secret one".into()),
        ]);
        let page = Page {
            frame: Frame { clock_rate: 1, theme: "dark".into(), ..Frame::default() },
            tab: "profile",
            typed,
            errors: FormErrors::one("current_password", "This is not your current password."),
            places: places("Europe/Paris"),
            role: "Admin",
            has_two_step: true,
            codes_left: "9 recovery codes".into(),
            browsers: vec![BrowserRow { key: "0a1b".into(), name: "Chrome on Linux".into(), ..BrowserRow::default() }],
        };
        let html = page.render().expect("a page");
        for words in [
            "value=\"Nora\"",
            "This is not your current password.",
            "Sign out everywhere",
            "value=\"dark\" checked",
            "Admin",
            "Chrome on Linux",
            "value=\"0a1b\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("a secret one"));
        assert!(page.above().is_empty(), "the error stands at its field");
    }

    #[test]
    fn a_browser_is_named_by_what_people_call_it() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        assert_eq!(words::browser(chrome), "Chrome on Linux");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(words::browser(safari), "Safari on an iPhone");
        assert_eq!(words::browser("curl/8.5"), "An unknown browser");
    }
}
