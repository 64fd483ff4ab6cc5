//! Who is let in: tokens, scopes, sessions.

use crate::installation::{Installation, PASSWORD, send};
use axum::{body::Body, http::Request};
use relance_domain::user::Scope;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_stranger_gets_401_and_is_told_how_to_sign_in() {
    let at = Installation::new().await;
    for headers in [
        &[][..],
        &[("authorization", "Bearer rel_no")],
        &[("authorization", "Basic YTpi")],
        &[("cookie", "relance_session=x")],
    ] {
        let answer = send(&at.router, request("GET", "/people", headers)).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"relance\"", "{headers:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.refusal(), (401, "unauthorized", ""));
    }
}

#[tokio::test]
async fn a_token_that_was_taken_back_opens_nothing() {
    let at = Installation::new().await;
    let made = at.rep.post("/tokens", json!({ "scope": "read", "name": "script" })).await.expect(201);
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(send(&at.router, request("GET", "/people", &headers)).await.status, 200);
    at.rep.delete(&format!("/tokens/{}", made["id"].as_str().unwrap())).await.expect(204);
    assert_eq!(send(&at.router, request("GET", "/people", &headers)).await.status, 401);
}

#[tokio::test]
async fn a_deactivated_user_is_a_stranger() {
    let at = Installation::new().await;
    at.admin.order(&format!("/users/{}/deactivate", at.rep.id)).await.expect(200);
    assert_eq!(at.rep.get("/people").await.status, 401);
    at.admin.order(&format!("/users/{}/reactivate", at.rep.id)).await.expect(200);
    assert_eq!(at.rep.get("/people").await.status, 200);
}

#[tokio::test]
async fn a_scope_allows_reading_changing_or_settings() {
    let at = Installation::new().await;
    let reader = at.scoped(&at.admin, Scope::Read).await;
    let writer = at.scoped(&at.admin, Scope::Write).await;
    let person = json!({ "last_name": "Lee" });
    reader.get("/people").await.expect(200);
    reader.get("/users").await.expect(200);
    assert_eq!(reader.post("/people", person.clone()).await.refusal(), (403, "insufficient_scope", ""));
    assert_eq!(reader.order("/workspace/pause").await.refusal().0, 403);
    writer.post("/people", person).await.expect(201);
    for (method, path) in
        [("POST", "/workspace/pause"), ("PATCH", "/workspace"), ("POST", "/users"), ("POST", "/tokens")]
    {
        let answer = writer.call(method, path, Some(json!({})), &[]).await;
        assert_eq!(answer.refusal(), (403, "insufficient_scope", ""), "{method} {path}");
    }
    at.admin.order("/workspace/pause").await.expect(200);
}

#[tokio::test]
async fn a_session_reads_and_changes_from_our_own_pages_only() {
    let at = Installation::new().await;
    let signed_in = at
        .engine
        .sign_in("admin@acme.test", &SecretString::from(PASSWORD), "127.0.0.1", "test")
        .await
        .unwrap()
        .done()
        .expect("no code");
    let cookie = format!("relance_session={}", signed_in.token.expose_secret());
    let with = |extra: &[(&'static str, &'static str)], method: &str, path: &str| {
        let mut headers = vec![("cookie", cookie.as_str()), ("host", "relance.test")];
        headers.extend(extra);
        request(method, path, &headers)
    };
    assert_eq!(send(&at.router, with(&[], "GET", "/people")).await.status, 200);
    let pause = |extra| with(extra, "POST", "/workspace/pause");
    assert_eq!(send(&at.router, pause(&[])).await.refusal(), (403, "cross_site", ""));
    assert_eq!(send(&at.router, pause(&[("sec-fetch-site", "cross-site")])).await.refusal().0, 403);
    assert_eq!(send(&at.router, pause(&[("origin", "https://evil.test")])).await.refusal().0, 403);
    assert_eq!(send(&at.router, pause(&[("sec-fetch-site", "same-origin")])).await.status, 200);
    assert_eq!(send(&at.router, pause(&[("origin", "https://relance.test")])).await.status, 200);
}
