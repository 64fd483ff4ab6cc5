//! `mailboxes`: connected, checked, paused, changed; their passwords are never in an answer.

use crate::installation::{Installation, id, ids, redacted};
use serde_json::{Value, json};

#[tokio::test]
async fn a_sandbox_mailbox_is_connected_read_changed_and_disconnected() {
    let at = Installation::new().await;
    let new =
        json!({ "address": "rita@acme.test", "from_name": "Rita", "provider": "sandbox", "aliases": ["r@acme.test"] });
    let mailbox = at.rep.post("/mailboxes", new).await.expect(201);
    insta::assert_json_snapshot!("mailbox", redacted(&mailbox));
    let path = format!("/mailboxes/{}", id(&mailbox));
    assert_eq!(at.rep.get(&path).await.expect(200), mailbox);
    let change = json!({ "daily_quota": 50, "aliases": null, "away": [{ "from": "2026-04-01", "to": "2026-04-05" }] });
    let changed = at.rep.patch(&path, change).await.expect(200);
    assert_eq!((&changed["daily_quota"], &changed["aliases"]), (&json!(50), &json!([])));
    assert_eq!(changed["away"], json!([{ "from": "2026-04-01", "to": "2026-04-05" }]));
    assert_eq!(changed["from_name"], "Rita");
    for field in ["address", "provider", "user_id"] {
        assert_eq!(at.rep.patch(&path, json!({ field: "x" })).await.refusal(), (422, "read_only", field));
    }
    assert_eq!(at.rep.order(&format!("{path}/check")).await.expect(200)["ok"], true);
    at.rep.delete(&path).await.expect(204);
    assert_eq!(ids(&at.rep.get("/mailboxes").await.expect(200)).len(), 0);
}

fn server(port: u16) -> Value {
    json!({ "host": "127.0.0.1", "port": port, "security": "none", "username": "rita", "password": "s3cret-word" })
}

#[tokio::test]
async fn a_password_is_in_no_answer() {
    let at = Installation::new().await;
    let new = json!({
        "address": "rita@acme.test", "provider": "imap_smtp", "smtp": server(1), "imap": server(2), "check": false,
    });
    let mailbox = at.rep.post("/mailboxes", new.clone()).await.expect(201);
    let path = format!("/mailboxes/{}", id(&mailbox));
    let changed = at.rep.patch(&path, json!({ "smtp": { "port": 3 }, "check": false })).await.expect(200);
    assert_eq!(changed["smtp"], json!({ "host": "127.0.0.1", "port": 3, "security": "none", "username": "rita" }));
    let again = at.rep.post("/mailboxes", new).await;
    let list = at.admin.get("/mailboxes").await.expect(200);
    let refused = at.rep.patch(&path, json!({ "smtp": { "port": "s3cret-word" } })).await;
    for body in [&mailbox, &changed, &list, &again.body, &at.rep.get(&path).await.body] {
        assert!(!body.to_string().contains("s3cret-word") && !body.to_string().contains("password"), "{body:#}");
    }
    assert_eq!(refused.refusal(), (422, "invalid", "smtp.port"));
    assert_eq!(again.refusal().0, 409);
}

#[tokio::test]
async fn servers_that_do_not_answer_are_refused_with_both_directions() {
    let at = Installation::new().await;
    let new = json!({ "address": "rita@acme.test", "provider": "imap_smtp", "smtp": server(1), "imap": server(1) });
    let tried = at.rep.post("/mailboxes/check", new.clone()).await.expect(200);
    assert_eq!(
        (&tried["ok"], &tried["smtp"]["ok"], &tried["imap"]["ok"]),
        (&json!(false), &json!(false), &json!(false))
    );
    assert!(tried["smtp"]["message"].as_str().unwrap().contains("127.0.0.1"), "{tried:#}");
    let refused = at.rep.post("/mailboxes", new).await.expect(422);
    let fields: Vec<&Value> = refused["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["smtp", "imap"]);
    assert_eq!(ids(&at.rep.get("/mailboxes").await.expect(200)).len(), 0);
}

#[tokio::test]
async fn a_mailbox_is_paused_and_resumed() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rita@acme.test").await;
    let paused = at.rep.order(&format!("/mailboxes/{mailbox}/pause")).await.expect(200);
    assert_eq!((&paused["state"], &paused["ended"]["leaving"]), (&json!("paused"), &json!([])));
    let resumed = at.rep.order(&format!("/mailboxes/{mailbox}/resume")).await.expect(200);
    assert_eq!(resumed["state"], "connected");
}

#[tokio::test]
async fn a_list_pages_through_the_mailboxes_of_the_team() {
    let at = Installation::new().await;
    let first = at.rep.mailbox("rita@acme.test").await;
    let second = at.other.mailbox("otto@acme.test").await;
    let page = at.manager.get("/mailboxes?limit=1").await.expect(200);
    let rest = format!("/mailboxes?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    let rest = at.manager.get(&rest).await.expect(200);
    assert_eq!(rest["next_cursor"], Value::Null);
    let mut both = [ids(&page), ids(&rest)].concat();
    both.sort();
    let mut expected = [first, second.clone()];
    expected.sort();
    assert_eq!(both, expected);
    let of_otto = format!("/mailboxes?user_id={}", at.other.id);
    assert_eq!(ids(&at.manager.get(&of_otto).await.expect(200)), [second]);
}

#[tokio::test]
async fn the_pace_of_a_mailbox_is_set_and_refused_at_its_fields() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rita@acme.test").await;
    let path = format!("/mailboxes/{mailbox}");
    let change = json!({ "ramp_up": {}, "jitter_percent": 10, "is_default": true });
    let changed = at.rep.patch(&path, change).await.expect(200);
    assert_eq!((&changed["quota_today"], &changed["jitter_percent"]), (&json!(20), &json!(10)));
    assert_eq!((&changed["ramp_up"]["daily_increase"], &changed["is_default"]), (&json!(10), &json!(true)));
    let wrong = json!({ "ramp_up": { "first_day_quota": 0 } });
    assert_eq!(at.rep.patch(&path, wrong).await.refusal(), (422, "required", "ramp_up.first_day_quota"));
    let wrong = json!({ "watched_folders": ["Customers", " "] });
    assert_eq!(at.rep.patch(&path, wrong).await.refusal(), (422, "invalid", "watched_folders[1]"));
    let off = at.rep.patch(&path, json!({ "ramp_up": null })).await.expect(200);
    assert_eq!((&off["ramp_up"], &off["quota_today"]), (&Value::Null, &json!(200)));
}

#[tokio::test]
async fn a_domain_that_was_not_checked_says_so_and_a_sandbox_needs_no_records() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rita@acme.test").await;
    let domain = at.rep.get(&format!("/mailboxes/{mailbox}/domain")).await.expect(200);
    assert_eq!(
        (&domain["domain"], &domain["spf"], &domain["checked_at"]),
        (&json!("acme.test"), &Value::Null, &Value::Null)
    );
    let check = at.rep.order(&format!("/mailboxes/{mailbox}/domain/check")).await;
    assert_eq!(check.refusal().1, "sandbox");
    assert_eq!(at.other.get(&format!("/mailboxes/{mailbox}/domain")).await.status, 403);
    assert_eq!(at.rep.get(&format!("/mailboxes/{mailbox}/folders")).await.expect(200)["items"], json!([]));
}
