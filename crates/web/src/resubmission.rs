//! A form that is sent twice is done once: a double click without scripts, or two tabs of one page.
//!
//! Forms that make something carry the key of their page in their address ([`Frame::once`](crate::frame::Frame::once)).
//! The same form with the same content from the same page is answered as it was the first time, and while it is being
//! worked on the second waits. Only where the browser was sent on to is kept; a refused form may be sent again.

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use relance_domain::UserId;
use relance_storage::idempotency::{self as keys, Answer, Begun};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::idempotency::{begin, place, request_hash, while_renewed};
use crate::pages::attachments::MOST_SENT;
use crate::{answer, session, urls};

/// The name of the key in the address.
pub const NAME: &str = "once";
/// How often, and how many times, the second asks whether the first is done.
const ASKED_EVERY: Duration = Duration::from_millis(50);
const MOST_ASKED: u32 = 200;

/// The key in the address of a form that is done once.
fn key_of(request: &Request) -> Option<String> {
    if request.method() != Method::POST {
        return None;
    }
    let pairs = form_urlencoded::parse(request.uri().query()?.as_bytes());
    let (_, key) = pairs.into_iter().find(|(name, value)| name == NAME && !value.is_empty())?;
    let length = request.body().size_hint().upper()?;
    (length <= MOST_SENT as u64 && key.len() <= 64).then(|| format!("form:{key}"))
}

/// Middleware: the same form from the same page is done once.
pub async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(key) = key_of(&request) else { return next.run(request).await };
    match session::user_of(&app, request.headers()).await {
        Ok(Some(user)) => keyed(&app, user, &key, request, next).await.unwrap_or_else(IntoResponse::into_response),
        // Whoever is not signed in is told so by the page.
        Ok(None) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn keyed(app: &App, user: UserId, page: &str, request: Request, next: Next) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST_SENT).await.map_err(|error| PageError::Malformed(error.to_string()))?;
    let hash = request_hash(app, &content(parts.uri.path(), parts.headers.get(header::CONTENT_TYPE), &body));
    let key = format!("{page}:{}", hex(&hash));
    for _ in 0..MOST_ASKED {
        match begin(app, user, &key, &hash).await? {
            Begun::New => {
                // In a task of its own: a browser that hangs up for its second click must not cut the first short.
                let (app, request) = (app.clone(), Request::from_parts(parts, Body::from(body)));
                let work = tokio::spawn(async move {
                    let response = while_renewed(&app, user, &key, next.run(request)).await;
                    keep(&app, user, &key, sent_on(&response)).await.map(|()| response)
                });
                return work.await.unwrap_or_else(|error| Err(PageError::Broken(error.to_string())));
            }
            Begun::Answered(answer) => return replay(app, &place(user, &key), &answer),
            Begun::InProgress | Begun::Mismatch => tokio::time::sleep(ASKED_EVERY).await,
        }
    }
    Ok(answer::said(urls::HOME, &answer::toast("paused", "This is still being worked on. Look again in a moment.")))
}

/// What makes two submissions the same: address and content. A browser parts the fields of a form with files by a
/// boundary that is new each time, so its lines are left out.
fn content<'a>(path: &'a str, kind: Option<&HeaderValue>, body: &'a [u8]) -> Vec<&'a [u8]> {
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Some((_, boundary)) = kind.split_once("boundary=") else { return vec![path.as_bytes(), body] };
    let boundary = boundary.trim_matches('"').as_bytes();
    let parts = |line: &&[u8]| line.strip_prefix(b"--").is_some_and(|rest| rest.starts_with(boundary));
    std::iter::once(path.as_bytes()).chain(body.split(|byte| *byte == b'\n').filter(|line| !parts(line))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the browser is sent on to, a line, and what it is told there; `None` if it is not.
fn sent_on(response: &Response) -> Option<String> {
    let to = response.headers().get(header::LOCATION).filter(|_| response.status() == StatusCode::SEE_OTHER)?;
    let cookies = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let toast = cookies.into_iter().find(|line| line.starts_with(answer::TOAST)).unwrap_or_default();
    Some(format!("{}\n{toast}", to.to_str().ok()?))
}

/// Keeps where the browser was sent on to; anything else gives the key back.
async fn keep(app: &App, user: UserId, key: &str, sent_on: Option<String>) -> Result<()> {
    let mut tx = app.engine.store.begin().await?;
    match sent_on {
        Some(text) => {
            let body = app.engine.keys.seal(&place(user, key), &SecretString::from(text));
            let answer = Answer { status: StatusCode::SEE_OTHER.as_u16(), content_type: String::new(), body };
            keys::finish(&mut tx, user, key, &answer).await?;
        }
        None => keys::release(&mut tx, user, key).await?,
    }
    tx.commit().await?;
    Ok(())
}

fn replay(app: &App, place: &str, kept: &Answer) -> Result<Response> {
    let lost = |_| PageError::Broken("the answer to a form cannot be read any more".to_owned());
    let text = app.engine.keys.open(place, &kept.body).map_err(lost)?;
    let (to, toast) = text.expose_secret().split_once('\n').unwrap_or_default();
    let mut response = answer::go(to);
    if let Ok(cookie) = HeaderValue::from_str(toast)
        && !toast.is_empty()
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_forms_with_files_are_the_same_whatever_their_boundary() {
        let form = |boundary: &str, text: &str| {
            let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")).expect("a value");
            let body = format!("--{boundary}\r\nname=a\r\n\r\n{text}\r\n--{boundary}--\r\n");
            content("/templates/new", Some(&kind), body.as_bytes()).concat()
        };
        assert_eq!(form("----A1", "Hello"), form("----B2", "Hello"));
        assert_ne!(form("----A1", "Hello"), form("----A1", "Hullo"));
    }
}
