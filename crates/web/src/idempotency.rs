//! `Idempotency-Key`: a POST that is sent again gets its first answer and is not done twice.
//!
//! The key belongs to the user and to one request (method, address and body); the same key with another request is
//! refused with 422, and with 409 while the first is being worked on, or until a minute after a crash cut that short.
//! Answers are kept for seven days, sealed, because one of them holds a new token. A fault of ours (5xx) gives the key
//! back, so that the client may try again. These are the only rows the web crate writes: they belong to HTTP, not to the
//! business.

use crate::{
    api::body::too_large,
    app::App,
    problem::{Problem, Result},
};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hmac::{Hmac, KeyInit, Mac};
use relance_domain::{UserId, time::DAY};
use relance_storage::idempotency::{self, Answer, Begun};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use std::time::Duration;

/// The header.
pub const HEADER: &str = "idempotency-key";
/// The header of an answer that was given before.
pub const REPLAYED: &str = "idempotency-replayed";
const KEPT_MS: i64 = 7 * DAY;
/// Six times within the lease of a key.
const RENEWED_EVERY: Duration = Duration::from_millis(idempotency::LEASE_MS.unsigned_abs() / 6);
const LONGEST_KEY: usize = 255;

/// The key of a request; `None` if it has none.
fn key_of(request: &Request) -> Result<Option<String>> {
    let Some(value) = request.headers().get(HEADER) else { return Ok(None) };
    let key = value.to_str().map(str::trim).unwrap_or_default();
    if key.is_empty() || key.len() > LONGEST_KEY {
        let message = "An Idempotency-Key has 1 to 255 printable characters.";
        return Err(Problem::at("Idempotency-Key", "invalid", message));
    }
    Ok(Some(key.to_owned()))
}

/// Passes a POST on, at most once per key.
pub async fn once(app: &App, user: UserId, request: Request, next: Next, max_bytes: usize) -> Response {
    match key_of(&request) {
        Ok(None) => next.run(request).await,
        Ok(Some(key)) => {
            keyed(app, user, key, request, next, max_bytes).await.unwrap_or_else(IntoResponse::into_response)
        }
        Err(problem) => problem.into_response(),
    }
}

async fn keyed(
    app: &App,
    user: UserId,
    key: String,
    request: Request,
    next: Next,
    max_bytes: usize,
) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, max_bytes).await.map_err(|_| too_large())?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let hash =
        request_hash(app, &[parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), content_type, &body]);
    let place = place(user, &key);
    match begin(app, user, &key, &hash).await? {
        Begun::New => {}
        Begun::Answered(answer) => return replay(app, &place, answer),
        Begun::InProgress => {
            let detail = "A request with this Idempotency-Key is being worked on. Ask again in a moment.";
            return Err(Problem::new(StatusCode::CONFLICT, "in_progress", detail).with_header(header::RETRY_AFTER, "1"));
        }
        Begun::Mismatch => {
            let message = "This Idempotency-Key was used for another request. Use a new key.";
            return Err(Problem::at("Idempotency-Key", "key_reused", message));
        }
    }
    // In a task of its own: a client that hangs up must not leave a key without an answer.
    let (app, request) = (app.clone(), Request::from_parts(parts, Body::from(body)));
    let work = tokio::spawn(async move {
        let response = while_renewed(&app, user, &key, next.run(request)).await;
        answer(&app, user, &key, &place, response).await
    });
    work.await.unwrap_or_else(|error| Err(relance_engine::EngineError::Corrupt(error.to_string()).into()))
}

/// Does the work, and says of its key again and again that it is being worked on: after a crash nobody does, and the same
/// request may have the key once its lease is over.
pub(crate) async fn while_renewed(
    app: &App,
    user: UserId,
    key: &str,
    work: impl Future<Output = Response>,
) -> Response {
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(RENEWED_EVERY, &mut work).await {
            Ok(response) => return response,
            Err(_) => {
                if let Err(error) = renew(app, user, key).await {
                    tracing::warn!(?error, "an Idempotency-Key could not be renewed");
                }
            }
        }
    }
}

async fn renew(app: &App, user: UserId, key: &str) -> Result<()> {
    let mut tx = app.engine.store.begin().await?;
    idempotency::renew(&mut tx, user, key, app.engine.clock.system_now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Reserves a key, or says what is known of it.
async fn begin(app: &App, user: UserId, key: &str, hash: &[u8]) -> Result<Begun> {
    let now = app.engine.clock.system_now();
    let mut tx = app.engine.store.begin().await?;
    idempotency::purge(&mut tx, now.plus_ms(-KEPT_MS)).await?;
    let begun = idempotency::begin(&mut tx, user, key, hash, now).await?;
    tx.commit().await?;
    Ok(begun)
}

async fn answer(app: &App, user: UserId, key: &str, place: &str, response: Response) -> Result<Response> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut tx = app.engine.store.begin().await?;
    let keep = !parts.status.is_server_error() && parts.status != StatusCode::TOO_MANY_REQUESTS;
    match std::str::from_utf8(&bytes) {
        Ok(text) if keep => {
            let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let location = parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            let sealed = SecretString::from(format!("{}\n{text}", location.unwrap_or_default()));
            let answer = Answer {
                status: parts.status.as_u16(),
                content_type: content_type.unwrap_or_default().to_owned(),
                body: app.engine.keys.seal(place, &sealed),
            };
            idempotency::finish(&mut tx, user, key, &answer).await?;
        }
        _ => idempotency::release(&mut tx, user, key).await?,
    }
    tx.commit().await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// Where an answer is sealed for.
pub(crate) fn place(user: UserId, key: &str) -> String {
    format!("idempotency:{user}:{key}")
}

fn replay(app: &App, place: &str, answer: Answer) -> Result<Response> {
    let gone = |_| Problem::new(StatusCode::CONFLICT, "answer_lost", "The answer to this key cannot be read any more.");
    let text = app.engine.keys.open(place, &answer.body).map_err(gone)?;
    let (location, body) = text.expose_secret().split_once('\n').unwrap_or_default();
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, body.to_owned()).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [(header::CONTENT_TYPE, answer.content_type.as_str()), (header::LOCATION, location)] {
        if let Ok(value) = HeaderValue::from_str(value)
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// A keyed hash: a body may hold a password, which must not be guessed from what is stored.
pub(crate) fn request_hash(app: &App, parts: &[&[u8]]) -> Vec<u8> {
    let key = app.engine.keys.message_ids();
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
    mac.update(b"idempotency");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
