//! Headers that keep foreign content from acting as a page of ours.
//!
//! `protect` adds the content security policy of pages, with a nonce for the style element
//! that Turbo makes (the page names it in `<meta name="csp-nonce">`). `mail_body` is the one
//! exception: received or drafted HTML has an own URL and a policy under which nothing runs
//! and nothing is loaded. A handler that sets its own policy keeps it.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt as _;

use crate::assets;

/// The nonce of this request, put among its extensions for the page to write down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(pub String);

const MAIL_BODY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'";

/// Middleware: gives the request a nonce and every answer its security headers.
pub async fn protect(mut request: Request, next: Next) -> Response {
    let nonce = Nonce(URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 16]>()));
    let policy = page_policy(&nonce);
    request.extensions_mut().insert(nonce);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The policy of ordinary pages.
pub fn page_policy(nonce: &Nonce) -> String {
    format!(
        "default-src 'none'; script-src 'self' '{}'; style-src 'self' 'nonce-{}'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'",
        assets::import_map_hash(),
        nonce.0
    )
}

/// Makes an answer with foreign or drafted HTML harmless: no scripts, no requests, own origin.
pub fn mail_body(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_BODY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::response::{Html, IntoResponse as _};
    use axum::routing::get;
    use tower::ServiceExt as _;

    async fn headers_of(path: &str) -> (String, axum::http::HeaderMap) {
        let app = Router::new()
            .route("/page", get(async |nonce: axum::Extension<Nonce>| nonce.0.0))
            .route("/body", get(async || mail_body(Html("<p>Hello").into_response())))
            .layer(from_fn(protect));
        let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
        let response = app.oneshot(request).await.expect("an answer");
        let headers = response.headers().clone();
        let body = axum::body::to_bytes(response.into_body(), 1000).await.expect("a body");
        (String::from_utf8_lossy(&body).into_owned(), headers)
    }

    #[tokio::test]
    async fn a_page_gets_a_fresh_nonce_and_the_hash_of_the_import_map() {
        let (nonce, headers) = headers_of("/page").await;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'sha256-"));
        assert!(policy.contains(&format!("style-src 'self' 'nonce-{nonce}'")), "{policy}");
        assert!(!policy.contains("unsafe"));
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
        assert_ne!(nonce, headers_of("/page").await.0);
    }

    #[tokio::test]
    async fn a_mail_body_keeps_its_own_policy_without_scripts() {
        let (_, headers) = headers_of("/body").await;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("sandbox; default-src 'none'"));
        assert!(!policy.contains("script-src") && !policy.contains("allow-"));
    }
}
