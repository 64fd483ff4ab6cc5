//! Tokens of the API: made for oneself, shown once, taken back. Admins see everyone's.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use relance_domain::user::Scope;
use relance_domain::{Timestamp, TokenId, UserId, time};
use relance_storage::{
    tokens::{self, Token},
    users,
};
use secrecy::ExposeSecret as _;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::words::When;
use crate::{answer, urls};

const FIELDS: [&str; 3] = ["name", "scope", "expires_at"];
/// How long a token may live, in days; empty = until someone takes it back.
const LIVES: [(&str, &str); 4] =
    [("", "When someone deletes it"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")];
const MOST_CHARS: usize = 100;

/// Scopes with their words and what they allow.
const SCOPES: [(&str, &str, &str); 3] = [
    ("read", "Read", "Reads what you may read. Changes nothing."),
    ("write", "Read and write", "Does what you may do in daily work: people, enrollments, tasks."),
    ("admin", "Everything", "Also users, settings and sequences, as far as your role goes."),
];

#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    owner: String,
    scope: &'static str,
    created: When,
    used: Option<When>,
    ends: Option<When>,
    has_ended: bool,
    delete: String,
}

#[derive(Template)]
#[template(path = "settings/api.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    shows_owners: bool,
    rows: Vec<Row>,
    typed: Typed,
    errors: FormErrors,
    /// The new token, shown this once; empty otherwise.
    secret: String,
    offers_admin: bool,
    base_url: String,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }

    const fn lives() -> [(&'static str, &'static str); 4] {
        LIVES
    }

    fn scopes(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        SCOPES.into_iter().filter(|(name, ..)| *name != "admin" || self.offers_admin)
    }
}

fn scope_word(scope: Scope) -> &'static str {
    SCOPES.iter().find(|(name, ..)| *name == scope.as_str()).map_or("", |(_, word, _)| word)
}

/// Tokens live on the system clock.
fn row(token: Token, names: &HashMap<UserId, String>, now: Timestamp, visitor: &Visitor) -> Row {
    Row {
        owner: names.get(&token.user_id).cloned().unwrap_or_default(),
        scope: scope_word(token.scope),
        created: When::age(token.created_at, now, &visitor.zone),
        used: token.last_used_at.map(|at| When::age(at, now, &visitor.zone)),
        ends: token.expires_at.map(|at| When::moment(at, now, &visitor.zone, &visitor.zone)),
        has_ended: token.expires_at.is_some_and(|at| at <= now),
        delete: urls::delete_token(token.id),
        name: if token.name.is_empty() { "Without a name".to_owned() } else { token.name },
    }
}

async fn draw(app: &App, visitor: &Visitor, typed: Typed, errors: FormErrors) -> Result<Page> {
    let mut tx = app.read().await?;
    let is_admin = visitor.actor.is_admin();
    let found = tokens::list(&mut tx, if is_admin { None } else { Some(visitor.user.id) }).await?;
    let names = users::list(&mut tx).await?.into_iter().map(|user| (user.id, user.name)).collect();
    let now = app.engine.clock.system_now();
    Ok(Page {
        frame: visitor.frame("settings"),
        tab: "api",
        shows_owners: is_admin,
        rows: found.into_iter().map(|token| row(token, &names, now, visitor)).collect(),
        typed,
        errors,
        secret: String::new(),
        offers_admin: is_admin,
        base_url: app.engine.settings.base_url.clone(),
    })
}

fn fresh() -> Typed {
    Typed::of([("scope", "read".to_owned()), ("days", "90".to_owned())])
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    answer::page(&draw(&app, &visitor, fresh(), FormErrors::default()).await?)
}

/// What was typed; a name, so that one knows later what to take back.
fn read(typed: &Typed, is_admin: bool) -> std::result::Result<(String, Scope), FormErrors> {
    let name = typed.trimmed("name");
    if name.is_empty() {
        return Err(FormErrors::one("name", "Name it after what uses it, so that you know later what to take back."));
    }
    if name.chars().count() > MOST_CHARS {
        return Err(FormErrors::one("name", "A name has at most 100 characters."));
    }
    match Scope::parse(typed.get("scope")) {
        Some(scope) if scope != Scope::Admin || is_admin => Ok((name, scope)),
        _ => Err(FormErrors::one("scope", "Choose what the token may do.")),
    }
}

/// Makes a token and shows it, this once.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let (name, scope) = match read(&typed, visitor.actor.is_admin()) {
        Ok(read) => read,
        Err(errors) => return answer::refused(&draw(&app, &visitor, typed, errors).await?),
    };
    let now = app.engine.clock.system_now();
    let until = typed.get("days").parse::<u16>().ok().map(|days| now.plus_ms(i64::from(days) * time::DAY));
    let made = app.engine.create_token_until(&visitor.actor, visitor.user.id, scope, &name, until).await;
    let token = match made.map_err(PageError::from) {
        Ok(token) => token,
        Err(error) => return answer::refused(&draw(&app, &visitor, typed, error.refused()?).await?),
    };
    let secret = token.secret.expose_secret().to_owned();
    let page = Page { secret, ..draw(&app, &visitor, fresh(), FormErrors::default()).await? };
    let mut response = (StatusCode::CREATED, Html(page.render()?)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Takes a token back.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<TokenId>) -> Result<Response> {
    let gone = app.engine.delete_token(&visitor.actor, id).await;
    answer::outcome(urls::API, gone, |()| {
        answer::toast("done", "The token is deleted. Requests with it are refused from now on.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(secret: &str, offers_admin: bool) -> String {
        let row = Row {
            name: "Nightly import".into(),
            owner: "Nora".into(),
            scope: scope_word(Scope::Write),
            delete: "/settings/api/tok_1/delete".into(),
            ..Row::default()
        };
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            tab: "api",
            shows_owners: offers_admin,
            rows: vec![row],
            typed: fresh(),
            errors: FormErrors::one("name", "Name it after what uses it."),
            secret: secret.into(),
            offers_admin,
            base_url: "http://127.0.0.1:7070".into(),
        };
        page.render().expect("a page")
    }

    #[test]
    fn a_token_is_shown_once_and_kept_out_of_the_browsers_snapshots() {
        let html = page("rel_0123456789", true);
        assert!(html.contains("rel_0123456789") && html.contains("data-turbo-temporary"));
        assert!(html.contains("Nightly import") && html.contains("tok_1/delete") && html.contains("Name it after"));
        assert!(!page("", true).contains("data-turbo-temporary"));
    }

    #[test]
    fn only_admins_make_tokens_that_may_do_everything() {
        assert!(page("", true).contains("value=\"admin\"") && !page("", false).contains("value=\"admin\""));
        let typed = |scope: &str| Typed::of([("name", "Import".to_owned()), ("scope", scope.to_owned())]);
        assert_eq!(read(&typed("admin"), true), Ok(("Import".to_owned(), Scope::Admin)));
        assert!(!read(&typed("admin"), false).expect_err("a refusal").at("scope").is_empty());
        assert!(!read(&fresh(), true).expect_err("a refusal").at("name").is_empty());
    }
}
