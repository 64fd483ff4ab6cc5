//! What every request of the API has in common: what is wrong with it is said in one shape.

use crate::installation::{Installation, send};
use axum::{body::Body, http::Request};
use serde_json::json;

fn raw(
    client: &crate::installation::Client,
    method: &str,
    path: &str,
    kind: &str,
    body: impl Into<Body>,
) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {}", client.token))
        .header("content-type", kind)
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn malformed_json_is_400_with_its_position() {
    let at = Installation::new().await;
    let request = raw(&at.rep, "POST", "/people", "application/json", "{\n  \"last_name\": Ann\n}");
    let answer = send(&at.router, request).await;
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    insta::assert_json_snapshot!(answer.expect(400), @r#"
    {
      "type": "urn:relance:problem:malformed_json",
      "title": "The request cannot be read",
      "status": 400,
      "detail": "This is not JSON: line 2, column 16: expected value at line 2 column 16.",
      "line": 2,
      "column": 16
    }
    "#);
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_its_name() {
    let at = Installation::new().await;
    let answer = at.rep.post("/people", json!({ "last_name": "Lee", "address": { "town": "Oslo" } })).await;
    insta::assert_json_snapshot!(answer.expect(422), @r#"
    {
      "type": "urn:relance:problem:invalid",
      "title": "Something in the request is not right",
      "status": 422,
      "detail": "There is no field “address.town” here, or it can only be read.",
      "errors": [
        {
          "field": "address.town",
          "code": "unknown_field",
          "message": "There is no field “address.town” here, or it can only be read."
        }
      ]
    }
    "#);
    let answer = at.rep.get("/people?colour=red").await;
    assert_eq!(answer.refusal(), (422, "unknown_field", "colour"));
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_refused_at_its_field() {
    let at = Installation::new().await;
    assert_eq!(at.rep.post("/people", json!({ "tags": "new" })).await.refusal(), (422, "invalid", "tags"));
    let nested = json!({ "name": "S", "steps": [{ "action": "task", "task": { "kind": "fax", "content": "x" } }] });
    assert_eq!(at.admin.post("/sequences", nested).await.refusal(), (422, "invalid", "steps[0].task.kind"));
    assert_eq!(at.rep.get("/people?limit=many").await.refusal(), (422, "invalid", "limit"));
    assert_eq!(at.rep.get("/people?limit=501").await.refusal(), (422, "out_of_range", "limit"));
    assert_eq!(at.rep.get("/people?cursor=zzz").await.refusal(), (422, "invalid_cursor", "cursor"));
    assert_eq!(at.rep.get("/tasks?cursor=zzz").await.refusal(), (422, "invalid_cursor", "cursor"));
    assert_eq!(at.rep.get("/people?sort=age").await.refusal(), (422, "invalid", "sort"));
}

#[tokio::test]
async fn another_content_type_is_415() {
    let at = Installation::new().await;
    let request = raw(&at.rep, "POST", "/people", "application/x-www-form-urlencoded", "last_name=Lee");
    assert_eq!(send(&at.router, request).await.refusal(), (415, "unsupported_media_type", ""));
    let request = raw(&at.rep, "POST", "/people/import", "application/json", "{}");
    assert_eq!(send(&at.router, request).await.refusal().0, 415);
}

#[tokio::test]
async fn a_body_above_the_limit_is_413() {
    let at = Installation::new().await;
    let body = json!({ "last_name": "x".repeat(3 * 1024 * 1024) }).to_string();
    for key in [None, Some("k1")] {
        let mut request = raw(&at.rep, "POST", "/people", "application/json", body.clone());
        if let Some(key) = key {
            request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        }
        assert_eq!(send(&at.router, request).await.refusal(), (413, "too_large", ""));
    }
}

#[tokio::test]
async fn an_address_that_is_not_there_is_404_and_a_method_it_does_not_take_405() {
    let at = Installation::new().await;
    for path in ["/persons", "/people/abc", "/people/seq_00000000000000000000000000"] {
        let answer = at.rep.get(path).await;
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
        assert_eq!(answer.refusal().0, 404, "{path}");
    }
    let absent = "/people/per_00000000000000000000000000";
    assert_eq!(at.rep.get(absent).await.refusal(), (404, "not_found", ""));
    assert_eq!(at.rep.delete(absent).await.refusal().0, 404);
    assert_eq!(at.rep.call("PUT", absent, None, &[]).await.refusal(), (405, "method_not_allowed", ""));
}

#[tokio::test]
async fn actions_take_no_body_an_empty_object_or_their_options() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rep@acme.test").await;
    let path = format!("/mailboxes/{mailbox}/pause");
    at.rep.order(&path).await.expect(200);
    let resume = format!("/mailboxes/{mailbox}/resume");
    at.rep.post(&resume, json!({})).await.expect(200);
    assert_eq!(at.rep.post(&path, json!({ "forever": true })).await.refusal(), (422, "unknown_field", "forever"));
}
