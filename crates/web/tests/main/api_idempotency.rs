//! A POST with an `Idempotency-Key` is done once.

use crate::installation::{Installation, id, ids};
use serde_json::{Value, json};

fn lee() -> Option<Value> {
    Some(json!({ "last_name": "Lee", "email": "lee@x.test" }))
}

async fn people(at: &Installation) -> usize {
    ids(&at.rep.get("/people").await.expect(200)).len()
}

#[tokio::test]
async fn the_same_request_again_gets_the_first_answer_and_is_not_done_twice() {
    let at = Installation::new().await;
    let key = [("idempotency-key", "one")];
    let first = at.rep.call("POST", "/people", lee(), &key).await;
    let again = at.rep.call("POST", "/people", lee(), &key).await;
    assert_eq!(first.headers.get("idempotency-replayed"), None);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    for header in ["location", "content-type"] {
        assert_eq!(first.headers[header], again.headers[header]);
    }
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!(people(&at).await, 1);
}

#[tokio::test]
async fn the_same_key_with_another_request_is_422() {
    let at = Installation::new().await;
    let key = [("idempotency-key", "one")];
    at.rep.call("POST", "/people", lee(), &key).await.expect(201);
    let other = Some(json!({ "last_name": "Kim" }));
    assert_eq!(at.rep.call("POST", "/people", other, &key).await.refusal(), (422, "key_reused", "Idempotency-Key"));
    let elsewhere = at.rep.call("POST", "/tasks", lee(), &key).await;
    assert_eq!(elsewhere.refusal(), (422, "key_reused", "Idempotency-Key"));
    assert_eq!(people(&at).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_user() {
    let at = Installation::new().await;
    let key = [("idempotency-key", "one")];
    let first = at.rep.call("POST", "/people", lee(), &key).await.expect(201);
    let second = at.other.call("POST", "/people", lee(), &key).await.expect(201);
    assert_ne!(id(&first), id(&second));
}

#[tokio::test]
async fn a_refusal_is_kept_too() {
    let at = Installation::new().await;
    let key = [("idempotency-key", "one")];
    let nobody = || Some(json!({ "first_name": "Ann" }));
    assert_eq!(at.rep.call("POST", "/people", nobody(), &key).await.refusal(), (422, "required", "last_name"));
    let again = at.rep.call("POST", "/people", nobody(), &key).await;
    assert_eq!(again.headers["content-type"], "application/problem+json");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.refusal(), (422, "required", "last_name"));
}

#[tokio::test]
async fn two_at_once_are_done_once() {
    let at = Installation::new().await;
    let key = [("idempotency-key", "one")];
    let (a, b) = tokio::join!(at.rep.call("POST", "/people", lee(), &key), at.rep.call("POST", "/people", lee(), &key));
    for answer in [&a, &b] {
        assert!(matches!(answer.refusal(), (201, ..) | (409, "in_progress", _)), "{answer:?}");
    }
    assert!(a.status == 201 || b.status == 201);
    assert_eq!(people(&at).await, 1);
}

#[tokio::test]
async fn while_the_first_is_worked_on_a_second_is_409() {
    let at = Installation::new().await;
    let key = [("idempotency-key", "one")];
    at.rep.call("POST", "/people", lee(), &key).await.expect(201);
    let mut tx = at.engine.store.begin().await.unwrap();
    tx.execute("UPDATE idempotency_keys SET status = NULL, body = NULL", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    let second = at.rep.call("POST", "/people", lee(), &key).await;
    assert_eq!(second.headers["retry-after"], "1");
    assert_eq!(second.refusal(), (409, "in_progress", ""));
}

#[tokio::test]
async fn a_key_is_forgotten_after_seven_days() {
    let at = Installation::new().await;
    let key = [("idempotency-key", "one")];
    at.rep.call("POST", "/people", lee(), &key).await.expect(201);
    let age = async |ms: i64| {
        let mut tx = at.engine.store.begin().await.unwrap();
        let at_ms = at.engine.clock.system_now().plus_ms(-ms).ms();
        tx.execute("UPDATE idempotency_keys SET created_at = $1", vec![at_ms.into()]).await.unwrap();
        tx.commit().await.unwrap();
    };
    age(7 * relance_domain::time::DAY - 60_000).await;
    at.rep.call("POST", "/people", lee(), &key).await.expect(201);
    assert_eq!(people(&at).await, 1);
    age(7 * relance_domain::time::DAY + 60_000).await;
    at.rep.call("POST", "/people", lee(), &key).await.expect(201);
    assert_eq!(people(&at).await, 2);
}

#[tokio::test]
async fn a_key_is_1_to_255_characters() {
    let at = Installation::new().await;
    let long = "k".repeat(256);
    for key in ["", " ", &long] {
        let answer = at.rep.call("POST", "/people", lee(), &[("idempotency-key", key)]).await;
        assert_eq!(answer.refusal(), (422, "invalid", "Idempotency-Key"), "{key}");
    }
    assert_eq!(people(&at).await, 0);
}

#[tokio::test]
async fn what_is_kept_of_a_new_token_does_not_show_it() {
    let at = Installation::new().await;
    let key = [("idempotency-key", "one")];
    let made = at.rep.call("POST", "/tokens", Some(json!({ "scope": "read" })), &key).await.expect(201);
    let token = made["token"].as_str().unwrap().to_owned();
    let mut tx = at.engine.store.read().await.unwrap();
    let sql = "SELECT body FROM idempotency_keys";
    let kept = tx.one(sql, vec![], |row| row.bytes("body")).await.unwrap();
    assert!(!String::from_utf8_lossy(&kept).contains(&token[4..20]));
    drop(tx);
    let again = at.rep.call("POST", "/tokens", Some(json!({ "scope": "read" })), &key).await.expect(201);
    assert_eq!(again["token"], token.as_str());
}
