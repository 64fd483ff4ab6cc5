//! `suppressions`.

use crate::installation::{Installation, id, ids, redacted, send, two_emails};
use axum::{body::Body, http::Request};
use serde_json::json;

#[tokio::test]
async fn an_address_on_the_list_ends_what_runs_and_is_lifted_by_admins() {
    let at = Installation::new().await;
    at.rep.mailbox("rep@acme.test").await;
    let sequence = at.admin.sequence("Welcome", two_emails()).await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let new = json!({ "sequence_id": sequence, "person_id": lead });
    let enrollment = id(&at.rep.post("/enrollments", new).await.expect(201));
    let entry =
        at.rep.post("/suppressions", json!({ "entry": "LEE@x.test", "note": "Asked by phone" })).await.expect(201);
    insta::assert_json_snapshot!("suppression", redacted(&entry));
    let read = at.rep.get(&format!("/enrollments/{enrollment}")).await.expect(200);
    assert_eq!(read["finished"]["reason"], "suppressed");
    let path = format!("/suppressions/{}", id(&entry));
    assert_eq!(at.rep.get(&path).await.expect(200)["entry"], "lee@x.test");
    at.admin.delete(&path).await.expect(204);
    assert_eq!(at.rep.get(&path).await.refusal().0, 404);
}

#[tokio::test]
async fn what_is_neither_address_nor_domain_is_refused() {
    let at = Installation::new().await;
    let refused = at.rep.post("/suppressions", json!({ "entry": "not an address" })).await;
    assert_eq!((refused.refusal().0, refused.refusal().2), (422, "entry"));
}

#[tokio::test]
async fn a_list_is_imported_searched_and_paged() {
    let at = Installation::new().await;
    let request = Request::builder()
        .method("POST")
        .uri("/api/v1/suppressions/import")
        .header("authorization", format!("Bearer {}", at.rep.token))
        .header("content-type", "text/csv")
        .body(Body::from("a@x.test\nb.test\nnot an address\na@x.test\n"))
        .unwrap();
    let done = send(&at.router, request).await.expect(200);
    assert_eq!((&done["added"], &done["refused"]), (&json!(2), &json!([{ "line": 3, "text": "not an address" }])));
    let page = at.rep.get("/suppressions?limit=1").await.expect(200);
    let next = format!("/suppressions?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    let rest = at.rep.get(&next).await.expect(200);
    assert_ne!(ids(&page), ids(&rest));
    assert_eq!(at.rep.get("/suppressions?q=b.test").await.expect(200)["items"][0]["entry"], "b.test");
}
