//! What handlers answer: a page, a refused form, a redirect that says what was done.
//!
//! After a change the browser is sent on with 303 and a toast, which travels in a cookie that the next page takes.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use relance_engine::EngineError;

use crate::errors::{PageError, Result};
use crate::frame::Toast;

/// The cookie of the toast.
pub const TOAST: &str = "relance_toast";

/// Marks an answer that says why a rule said no.
#[derive(Clone, Copy, Debug)]
pub struct WasRefused;

/// A page.
pub fn page(template: &impl Template) -> Result<Response> {
    Ok(Html(template.render()?).into_response())
}

/// A refused form, drawn again with what was typed.
pub fn refused(template: &impl Template) -> Result<Response> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(template.render()?)).into_response())
}

/// A form refused because it was tried too often, with the seconds to wait.
pub fn too_many(template: &impl Template, seconds: u64) -> Result<Response> {
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Html(template.render()?)).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    Ok(response)
}

/// On to `to`.
pub fn go(to: &str) -> Response {
    Redirect::to(to).into_response()
}

/// On to `to`, where a toast says what was done.
pub fn said(to: &str, toast: &Toast) -> Response {
    let mut response = go(to);
    let json = serde_json::json!([toast.state, toast.words, toast.undo]).to_string();
    let cookie = format!("{TOAST}={}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax", URL_SAFE_NO_PAD.encode(json));
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    if toast.state == "blocked" {
        response.extensions_mut().insert(WasRefused);
    }
    response
}

/// A toast without undo.
pub fn toast(state: &str, words: impl Into<String>) -> Toast {
    Toast { state: state.to_owned(), words: words.into(), undo: String::new() }
}

/// On to `to` with what was done, or with why a rule said no; other failures stay failures.
pub fn outcome<T>(
    to: &str,
    done: std::result::Result<T, EngineError>,
    words: impl FnOnce(T) -> Toast,
) -> Result<Response> {
    match done {
        Ok(value) => Ok(said(to, &words(value))),
        Err(error @ (EngineError::Refused(_) | EngineError::Forbidden(_))) => {
            Ok(said(to, &toast("blocked", error.to_string())))
        }
        Err(error) => Err(error.into()),
    }
}

/// The toast a cookie carries.
pub(crate) fn carried_toast(headers: &HeaderMap) -> Option<Toast> {
    let text = cookie(headers, TOAST)?;
    let json = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (state, words, undo) = serde_json::from_slice(&json).ok()?;
    Some(Toast { state, words, undo })
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// A CSV file to keep.
pub fn csv(name: &str, bytes: Vec<u8>) -> Result<Response> {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .map_err(|_| PageError::Broken("a file name with odd characters".to_owned()))?;
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}
