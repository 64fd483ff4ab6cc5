//! What a page answers when it cannot do what was asked: a page with words, never a bare status.
//!
//! A handler returns [`PageError`]; [`draw`] turns it into a page with the bar for those who are signed in and a plain
//! one for strangers. Refusals of forms are not failures: the form is drawn again with [`FormErrors`] at its fields.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use relance_domain::Refused;
use relance_engine::EngineError;
use relance_storage::StorageError;

use crate::app::App;
use crate::csp::Nonce;
use crate::frame::Frame;
use crate::pages::people;
use crate::{session, urls};

/// The answer of handlers of pages.
pub type Result<T> = std::result::Result<T, PageError>;

/// Why there is no page.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is signed in; afterwards the browser goes to this address.
    SignIn(String),
    /// There is no workspace yet.
    SetUp,
    /// There is no such thing.
    NotFound(&'static str),
    /// This user may not.
    Forbidden(String),
    /// Rules said no, and there is no form to draw again.
    Refused(Vec<Refused>),
    /// The form or address could not be read.
    Malformed(String),
    /// Another site asked for a change.
    CrossSite,
    /// Too often; after so many seconds again.
    TooMany(u64),
    /// Try later.
    Unavailable(String),
    /// A fault of ours.
    Broken(String),
}

impl From<EngineError> for PageError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refused) => Self::Refused(refused),
            EngineError::NotFound(what) => Self::NotFound(what),
            EngineError::Forbidden(words) => Self::Forbidden(words),
            EngineError::Unavailable(words) => Self::Unavailable(words),
            EngineError::Corrupt(words) => Self::Broken(words),
        }
    }
}

impl From<StorageError> for PageError {
    fn from(error: StorageError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Broken(format!("a page could not be drawn: {error}"))
    }
}

/// What [`draw`] shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its status.
    pub status: StatusCode,
    /// The heading.
    pub title: &'static str,
    /// What happened, what it means, what to do.
    pub words: String,
}

impl PageError {
    /// What people read.
    pub fn failure(self) -> Failure {
        let (status, title, words) = match self {
            Self::SignIn(_) | Self::SetUp => (StatusCode::UNAUTHORIZED, "Sign in first", String::new()),
            Self::NotFound(what) => {
                let words = format!("There is no such {what}, or it was removed. Check the address, or go back.");
                (StatusCode::NOT_FOUND, "Not found", words)
            }
            Self::Forbidden(words) => (StatusCode::FORBIDDEN, "You may not do this", words),
            Self::Refused(refused) => {
                let words: Vec<_> = refused.into_iter().map(|refused| refused.message).collect();
                (StatusCode::UNPROCESSABLE_ENTITY, "That was not done", words.join(" "))
            }
            Self::Malformed(words) => (StatusCode::BAD_REQUEST, "The request could not be read", words),
            Self::CrossSite => {
                let words = "It came from another site, so nothing was changed. Open Relance itself and try again.";
                (StatusCode::FORBIDDEN, "This request was refused", words.to_owned())
            }
            Self::TooMany(_) => {
                let words = "Too many links that do not work were tried from your address. Please wait a minute.";
                (StatusCode::TOO_MANY_REQUESTS, "Too many attempts", words.to_owned())
            }
            Self::Unavailable(words) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Not possible at the moment",
                format!("{words} Please try again in a moment."),
            ),
            Self::Broken(words) => {
                tracing::error!("{words}");
                let words = "Something went wrong on our side. Nothing was lost. The log of the server says more.";
                (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", words.to_owned())
            }
        };
        Failure { status, title, words }
    }

    /// The refusals, to be shown in the form; any other failure stays one.
    pub fn refused(self) -> std::result::Result<FormErrors, Self> {
        match self {
            Self::Refused(refused) => Ok(FormErrors(refused)),
            other => Err(other),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(to) => Redirect::to(&urls::sign_in_then(&to)).into_response(),
            Self::SetUp => Redirect::to(urls::SET_UP).into_response(),
            other => {
                let wait = if let Self::TooMany(seconds) = &other { Some(*seconds) } else { None };
                let failure = other.failure();
                let mut response = (failure.status, format!("{}. {}", failure.title, failure.words)).into_response();
                if let Some(seconds) = wait {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                response.extensions_mut().insert(failure);
                response
            }
        }
    }
}

#[derive(Template)]
#[template(path = "errors/page.html")]
struct SignedInPage {
    frame: Frame,
    failure: Failure,
}

#[derive(Template)]
#[template(path = "errors/stranger.html")]
struct PlainPage {
    frame: Frame,
    failure: Failure,
}

/// Middleware: draws the failure of a handler as a page.
pub async fn draw(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let nonce = request.extensions().get::<Nonce>().cloned();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let Some(failure) = response.extensions().get::<Failure>().cloned() else { return response };
    if failure.status == StatusCode::NOT_FOUND
        && path.starts_with("/people/")
        && let Ok(mut tx) = app.read().await
        && let Some(to) = people::show::instead(&mut tx, &path).await
    {
        return Redirect::to(&to).into_response();
    }
    let Some(mut page) = page_of(&app, &headers, nonce, failure).await else { return response };
    if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    page
}

async fn page_of(app: &App, headers: &HeaderMap, nonce: Option<Nonce>, failure: Failure) -> Option<Response> {
    let status = failure.status;
    let html = match session::visitor(app, headers, nonce.clone()).await {
        Ok(visitor) => SignedInPage { frame: visitor.frame(""), failure }.render(),
        Err(_) => PlainPage { frame: session::plain_frame(app, nonce).await, failure }.render(),
    };
    Some((status, Html(html.ok()?)).into_response())
}

/// What a form was refused for: each message at its field, the rest above the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormErrors(pub Vec<Refused>);

impl FormErrors {
    /// One refusal at a field.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        Self(vec![Refused::at(field, "refused", message)])
    }

    /// The message at a field; empty if there is none.
    pub fn at(&self, field: &str) -> &str {
        self.0.iter().find(|refused| refused.field.as_deref() == Some(field)).map_or("", |refused| &refused.message)
    }

    /// The messages that belong to none of `fields`.
    pub fn above(&self, fields: &[&str]) -> String {
        let elsewhere = |refused: &&Refused| !refused.field.as_deref().is_some_and(|field| fields.contains(&field));
        self.0.iter().filter(elsewhere).map(|refused| refused.message.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a refusal has this code.
    pub fn has(&self, code: &str) -> bool {
        self.0.iter().any(|refused| refused.code == code)
    }
}
