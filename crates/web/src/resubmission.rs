//! A form that is sent twice is done once: a double click without scripts, or two tabs of one page.
//!
//! Forms that make something carry the key of their page in their address ([`Frame::once`](crate::frame::Frame::once)).
//! The same form with the same content from the same page is answered for a minute as it was the first time, and while it
//! is being worked on the second waits. Kept is where the browser was sent on to, or the page that tells of something
//! new; what was refused may be sent again.

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use relance_domain::UserId;
use relance_domain::time::MINUTE;
use relance_storage::idempotency::{self as keys, Answer, Begun};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::idempotency::{place, request_hash, while_renewed};
use crate::pages::attachments::MOST_SENT;
use crate::{answer, session, urls};

/// The name of the key in the address.
pub const NAME: &str = "once";
/// How often, and how many times, the second asks whether the first is done.
const ASKED_EVERY: Duration = Duration::from_millis(100);
const MOST_ASKED: u32 = 100;
/// So long the second is answered as the first; later it is meant anew, such as after going back.
const KEPT_MS: i64 = MINUTE;
/// Most bytes of a form without files.
const MOST_PLAIN: u64 = 2 * 1024 * 1024;

/// The key in the address of a form that is done once.
fn key_of(request: &Request) -> Option<String> {
    if request.method() != Method::POST {
        return None;
    }
    let pairs = form_urlencoded::parse(request.uri().query()?.as_bytes());
    let (_, key) = pairs.into_iter().find(|(name, value)| name == NAME && !value.is_empty())?;
    let most = if boundary(request.headers()).is_some() { MOST_SENT as u64 } else { MOST_PLAIN };
    let length = request.body().size_hint().upper()?;
    (length <= most && key.len() <= 64).then(|| format!("form:{key}"))
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
    let hash = match boundary(&parts.headers) {
        Some(boundary) => request_hash(app, &[parts.uri.path().as_bytes(), &without_boundary(boundary, &body)]),
        None => request_hash(app, &[parts.uri.path().as_bytes(), &body]),
    };
    let key = format!("{page}:{}", hex(&hash));
    for _ in 0..MOST_ASKED {
        match begin(app, user, &key, &hash).await? {
            Begun::New => {
                // In a task of its own: a browser that hangs up for its second click must not cut the first short.
                let (app, request) = (app.clone(), Request::from_parts(parts, Body::from(body)));
                let work = tokio::spawn(async move {
                    let response = while_renewed(&app, user, &key, next.run(request)).await;
                    keep(&app, user, &key, response).await
                });
                return work.await.unwrap_or_else(|error| Err(PageError::Broken(error.to_string())));
            }
            Begun::Answered(kept) => return replay(app, &place(user, &key), &kept),
            Begun::InProgress | Begun::Mismatch => tokio::time::sleep(ASKED_EVERY).await,
        }
    }
    Ok(answer::said(urls::HOME, &answer::toast("paused", "This is still being worked on. Look again in a moment.")))
}

/// Reserves a key, or says what is known of it; an answer that is too old is forgotten.
async fn begin(app: &App, user: UserId, key: &str, hash: &[u8]) -> Result<Begun> {
    let now = app.engine.clock.system_now();
    let mut tx = app.engine.store.begin().await?;
    keys::expire(&mut tx, user, key, now.plus_ms(-KEPT_MS)).await?;
    let begun = keys::begin(&mut tx, user, key, hash, now).await?;
    tx.commit().await?;
    Ok(begun)
}

/// What parts the fields of a form with files.
fn boundary(headers: &HeaderMap) -> Option<&str> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(kind.split_once("boundary=")?.1.trim_matches('"'))
}

/// The fields alone: a browser chooses the line between them anew each time.
fn without_boundary(boundary: &str, body: &[u8]) -> Vec<u8> {
    let parts = |line: &&[u8]| line.strip_prefix(b"--").is_some_and(|rest| rest.starts_with(boundary.as_bytes()));
    let mut fields = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|byte| *byte == b'\n').filter(|line| !parts(line)) {
        fields.extend_from_slice(line);
    }
    fields
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept of an answer: where the browser is sent on to and what it is told there, each in a line, then the page.
/// Nothing is kept of a refusal, nor of what a page of its own says.
fn worth_keeping(response: &Response) -> Option<String> {
    let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
    let made = response.status() == StatusCode::SEE_OTHER || response.status() == StatusCode::CREATED;
    if !made || response.extensions().get::<answer::WasRefused>().is_some() || to.starts_with(urls::SIGN_IN) {
        return None;
    }
    let cookies = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let toast = cookies.into_iter().find(|line| line.starts_with(answer::TOAST)).unwrap_or_default();
    Some(format!("{to}\n{toast}\n"))
}

/// Keeps the answer, or gives the key back.
async fn keep(app: &App, user: UserId, key: &str, response: Response) -> Result<Response> {
    let Some(lines) = worth_keeping(&response) else {
        release(app, user, key).await?;
        return Ok(response);
    };
    let (parts, body) = response.into_parts();
    let page = to_bytes(body, usize::MAX).await.map_err(|error| PageError::Broken(error.to_string()))?;
    let text = SecretString::from(lines + &String::from_utf8_lossy(&page));
    let body = app.engine.keys.seal(&place(user, key), &text);
    let mut tx = app.engine.store.begin().await?;
    let answer = Answer { status: parts.status.as_u16(), content_type: String::new(), body };
    keys::finish(&mut tx, user, key, &answer).await?;
    tx.commit().await?;
    Ok(Response::from_parts(parts, Body::from(page)))
}

async fn release(app: &App, user: UserId, key: &str) -> Result<()> {
    let mut tx = app.engine.store.begin().await?;
    keys::release(&mut tx, user, key).await?;
    tx.commit().await?;
    Ok(())
}

/// The answer once more.
fn replay(app: &App, place: &str, kept: &Answer) -> Result<Response> {
    let lost = |_| PageError::Broken("the answer to a form cannot be read any more".to_owned());
    let text = app.engine.keys.open(place, &kept.body).map_err(lost)?;
    let mut lines = text.expose_secret().splitn(3, '\n');
    let (to, toast) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let mut response = if to.is_empty() {
        let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
        (status, Html(lines.next().unwrap_or_default().to_owned())).into_response()
    } else {
        answer::go(to)
    };
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
            let body = format!("--{boundary}\r\nname=a\r\n\r\n{text}\r\n--{boundary}--\r\n");
            without_boundary(boundary, body.as_bytes())
        };
        assert_eq!(form("----A1", "Hello"), form("----B2", "Hello"));
        assert_ne!(form("----A1", "Hello"), form("----A1", "Hullo"));
    }
}
