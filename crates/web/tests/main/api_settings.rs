//! `users`, `tokens` and `workspace`.

use crate::installation::{Installation, PASSWORD, id, ids, redacted};
use secrecy::SecretString;
use serde_json::{Value, json};

#[tokio::test]
async fn a_user_is_added_changed_and_deactivated_and_no_answer_has_a_password() {
    let at = Installation::new().await;
    let new = json!({ "email": "nina@acme.test", "name": "Nina", "role": "rep", "password": "blue horse staple" });
    let user = at.admin.post("/users", new.clone()).await.expect(201);
    insta::assert_json_snapshot!("user", redacted(&user));
    assert_eq!(at.admin.post("/users", new).await.refusal().1, "email_taken");
    let path = format!("/users/{}", id(&user));
    let changed = at.admin.patch(&path, json!({ "role": "manager", "phone": "+47 1" })).await.expect(200);
    assert_eq!(
        (&changed["role"], &changed["phone"], &changed["name"]),
        (&json!("manager"), &json!("+47 1"), &json!("Nina"))
    );
    at.admin.order(&format!("{path}/deactivate")).await.expect(200);
    assert!(at.admin.get(&path).await.expect(200)["deactivated_at"].is_string());
    at.admin.order(&format!("{path}/reactivate")).await.expect(200);
    at.admin.post(&format!("{path}/password"), json!({ "password": "green horse staple" })).await.expect(204);
    let signed_in = at.engine.sign_in("nina@acme.test", &SecretString::from("green horse staple"), "ip", "").await;
    assert_eq!(signed_in.unwrap().done().expect("no code").user.id.to_string(), id(&user));
    let list = at.rep.get("/users").await.expect(200);
    assert_eq!(ids(&list).len(), 5);
    assert!(!list.to_string().contains("argon") && !list.to_string().contains("password"));
}

#[tokio::test]
async fn everyone_changes_themselves_but_not_their_role() {
    let at = Installation::new().await;
    let me = at.rep.get("/users/me").await.expect(200);
    assert_eq!((&me["name"], &me["role"]), (&json!("Rita Rep"), &json!("rep")));
    let path = format!("/users/{}", id(&me));
    assert_eq!(at.rep.patch(&path, json!({ "name": "Rita R." })).await.expect(200)["name"], "Rita R.");
    assert_eq!(at.rep.patch(&path, json!({ "role": "admin" })).await.status, 403);
    let zone = at.rep.patch(&path, json!({ "time_zone": "Mars/Base" })).await;
    assert_eq!(zone.refusal(), (422, "unknown_time_zone", "time_zone"));
    let last = at.admin.patch(&format!("/users/{}", at.admin.id), json!({ "role": "rep" })).await;
    assert_eq!(last.refusal(), (409, "last_admin", ""));
    let wrong = json!({ "current_password": "wrong", "password": "blue horse staple" });
    assert_eq!(at.admin.post("/users/me/password", wrong).await.refusal().2, "current_password");
    let right = json!({ "current_password": PASSWORD, "password": "blue horse staple" });
    at.admin.post("/users/me/password", right).await.expect(204);
    let short = json!({ "password": "short" });
    assert_eq!(at.admin.post(&format!("{path}/password"), short).await.refusal(), (422, "too_short", "password"));
}

#[tokio::test]
async fn a_token_is_shown_once_and_taken_back_by_its_user() {
    let at = Installation::new().await;
    let made = at.rep.post("/tokens", json!({ "scope": "write", "name": "CRM" })).await.expect(201);
    let secret = made["token"].as_str().unwrap();
    let list = at.rep.get("/tokens").await.expect(200);
    assert!(!list.to_string().contains(secret));
    let shown = list["items"].as_array().unwrap().iter().find(|token| token["id"] == made["id"]).unwrap();
    assert_eq!(
        (&shown["name"], &shown["scope"], &shown["last_used_at"]),
        (&json!("CRM"), &json!("write"), &Value::Null)
    );
    let path = format!("/tokens/{}", id(&made));
    assert_eq!(at.other.delete(&path).await.refusal(), (404, "not_found", ""));
    at.rep.delete(&path).await.expect(204);
    assert_eq!(at.rep.post("/tokens", json!({ "scope": "root" })).await.refusal(), (422, "invalid", "scope"));
}

#[tokio::test]
async fn the_workspace_is_changed_stopped_and_resumed() {
    let at = Installation::new().await;
    insta::assert_json_snapshot!("workspace", at.rep.get("/workspace").await.expect(200));
    let change = json!({ "name": "Acme Ltd", "postal_address": "1 Main St", "schedule": { "days": ["mon"] } });
    let changed = at.admin.patch("/workspace", change).await.expect(200);
    assert_eq!((&changed["name"], &changed["time_zone"]), (&json!("Acme Ltd"), &json!("Europe/Paris")));
    assert_eq!(
        (&changed["schedule"]["days"], &changed["schedule"]["windows"][0]["to"]),
        (&json!(["mon"]), &json!("17:00"))
    );
    let wrong = at.admin.patch("/workspace", json!({ "schedule": { "days": [] } })).await;
    assert_eq!(wrong.refusal(), (422, "required", "schedule.days"));
    let unknown = at.admin.patch("/workspace", json!({ "schedule": { "hours": 3 } })).await;
    assert_eq!(unknown.refusal(), (422, "unknown_field", "schedule.hours"));
    let paused = at.admin.order("/workspace/pause").await.expect(200);
    assert_eq!((&paused["paused_at"], &paused["ended"]["leaving"]), (&json!(crate::installation::NOW), &json!([])));
    assert_eq!(at.admin.order("/workspace/resume").await.expect(200)["paused_at"], Value::Null);
}
