//! Connecting a mailbox at Google or Microsoft: off to their page of permission, and back.
//!
//! The way there is a link, not a form: the content security policy lets no form lead to another site. What comes back
//! counts once and in the session that went; whatever failed is said with its cure.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use relance_domain::MailboxId;
use relance_domain::mail_provider::MailProvider;
use relance_engine::EngineError;
use relance_engine::commands::consents::{ConsentAnswer, ConsentRequest};
use secrecy::SecretString;
use serde::Deserialize;

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::{Path, Query};
use crate::frame::Frame;
use crate::session::{self, Visitor};
use crate::{answer, urls};

/// Which mailbox is connected again.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    mailbox: Option<MailboxId>,
}

/// What a provider sends back; what else it says is left unread.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Answered {
    state: String,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Template)]
#[template(path = "mailboxes/not_connected.html")]
struct Failed {
    frame: Frame,
    words: Vec<String>,
}

fn session_of(headers: &HeaderMap) -> Option<SecretString> {
    answer::cookie(headers, session::COOKIE).map(|token| SecretString::from(token.to_owned()))
}

/// Nothing was connected, and why.
fn failed(visitor: &Visitor, error: EngineError) -> Result<Response> {
    let EngineError::Refused(refused) = error else { return Err(error.into()) };
    let words = refused.into_iter().map(|refused| refused.message).collect();
    let page = Failed { frame: visitor.frame("settings"), words };
    Ok(private((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response()))
}

/// The address may hold a code: no copy of the answer is kept.
fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Off to the provider.
pub async fn start(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let provider = MailProvider::parse(&provider).ok_or(PageError::NotFound("mail provider"))?;
    let request = ConsentRequest { provider, mailbox: asked.mailbox, session: session_of(&headers) };
    match app.engine.begin_consent(&visitor.actor, request).await {
        Ok(begun) => Ok(private(answer::go(&begun.url))),
        Err(error) => failed(&visitor, error),
    }
}

/// Back from the provider.
pub async fn callback(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(back): Query<Answered>,
) -> Result<Response> {
    let answer = ConsentAnswer {
        state: back.state,
        code: back.code.filter(|code| !code.is_empty()).map(SecretString::from),
        error: back.error.filter(|error| !error.is_empty()),
        words: back.error_description,
    };
    match app.engine.finish_consent(&visitor.actor, session_of(&headers).as_ref(), answer).await {
        Ok(done) => {
            let words = if done.is_again {
                format!("{} is connected again. What waited goes on.", done.mailbox.address)
            } else {
                format!("{} is connected. Sending and receiving work.", done.mailbox.address)
            };
            Ok(private(answer::said(&urls::mailbox(done.mailbox.id), &answer::toast("active", words))))
        }
        Err(error) => failed(&visitor, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_said_in_its_words_with_the_way_on() {
        let page = Failed {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            words: vec!["Google gave no access to <mail>.".into(), "The incoming server said no.".into()],
        };
        let html = page.render().expect("a page");
        assert!(html.contains("no access to &#60;mail&#62;.") && html.contains("The incoming server said no."));
        assert!(html.contains(&urls::new_mailbox()) && html.contains("Nothing was changed."));
    }
}
