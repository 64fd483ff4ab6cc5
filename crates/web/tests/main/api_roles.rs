//! Which role is denied which route: a matrix over things that belong to a rep.

use crate::installation::{Client, Installation, id, two_emails};
use serde_json::{Value, json};

/// Who is let through: the other rep, the manager, the admin.
struct Row {
    method: &'static str,
    path: String,
    body: Option<Value>,
    allowed: [bool; 3],
}

const ADMIN_ONLY: [bool; 3] = [false, false, true];
const FOR_OTHERS: [bool; 3] = [false, true, true];
const NOBODY: [bool; 3] = [false, false, false];
const EVERYONE: [bool; 3] = [true, true, true];

fn row(method: &'static str, path: impl Into<String>, body: Option<Value>, allowed: [bool; 3]) -> Row {
    Row { method, path: path.into(), body, allowed }
}

async fn is_denied(client: &Client, row: &Row) -> bool {
    let answer = client.call(row.method, &row.path, row.body.clone(), &[]).await;
    assert_ne!(answer.status, 401, "{} {}", row.method, row.path);
    assert!(answer.status < 500, "{} {}: {:#}", row.method, row.path, answer.body);
    if answer.status == 403 {
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    answer.status == 403
}

async fn judge(at: &Installation, rows: Vec<Row>) {
    for row in rows {
        for (client, allowed) in [&at.other, &at.manager, &at.admin].into_iter().zip(row.allowed) {
            let denied = is_denied(client, &row).await;
            assert_eq!(denied, !allowed, "{} {} as {:?}", row.method, row.path, client.role);
        }
    }
}

#[tokio::test]
async fn only_admins_write_sequences_users_settings_and_lift_suppressions() {
    let at = Installation::new().await;
    let sequence = at.admin.sequence("Welcome", two_emails()).await;
    let entry = id(&at.rep.post("/suppressions", json!({ "entry": "spam.test" })).await.expect(201));
    let of = |action: &str| format!("/sequences/{sequence}{action}");
    let user = |action: &str| format!("/users/{}{action}", at.rep.id);
    let no_such_sequence = "/sequences/seq_00000000000000000000000000";
    let rows = vec![
        row("GET", "/sequences", None, EVERYONE),
        row("GET", of(""), None, EVERYONE),
        row("POST", "/sequences", Some(json!({ "name": "S" })), ADMIN_ONLY),
        row("PATCH", of(""), Some(json!({ "name": "S" })), ADMIN_ONLY),
        row("POST", of("/activate"), None, ADMIN_ONLY),
        row("POST", of("/clone"), None, ADMIN_ONLY),
        row("POST", of("/pause"), None, ADMIN_ONLY),
        row("POST", of("/resume"), None, ADMIN_ONLY),
        row("POST", of("/archive"), None, ADMIN_ONLY),
        row("DELETE", no_such_sequence, None, ADMIN_ONLY),
        row("GET", "/users", None, EVERYONE),
        row("GET", "/users/me", None, EVERYONE),
        row("GET", user(""), None, EVERYONE),
        row("POST", "/users", Some(json!({ "email": "n@acme.test", "name": "N", "role": "rep" })), ADMIN_ONLY),
        row("PATCH", user(""), Some(json!({ "phone": "1" })), ADMIN_ONLY),
        row("POST", user("/password"), Some(json!({ "password": "another horse" })), ADMIN_ONLY),
        row("POST", user("/deactivate"), None, ADMIN_ONLY),
        row("POST", user("/reactivate"), None, ADMIN_ONLY),
        row("POST", "/tokens", Some(json!({ "user_id": at.rep.id.to_string(), "scope": "read" })), ADMIN_ONLY),
        row("GET", "/workspace", None, EVERYONE),
        row("PATCH", "/workspace", Some(json!({ "name": "Acme" })), ADMIN_ONLY),
        row("POST", "/workspace/pause", None, ADMIN_ONLY),
        row("POST", "/workspace/resume", None, ADMIN_ONLY),
        row("GET", "/suppressions", None, EVERYONE),
        row("DELETE", format!("/suppressions/{entry}"), None, ADMIN_ONLY),
    ];
    judge(&at, rows).await;
}

#[tokio::test]
async fn nobody_but_managers_and_admins_touches_what_belongs_to_another_rep() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rep@acme.test").await;
    let sequence = at.admin.sequence("Welcome", two_emails()).await;
    let owned = json!({ "last_name": "Lee", "email": "lee@x.test", "owner_id": at.rep.id.to_string() });
    let person = id(&at.rep.post("/people", owned).await.expect(201));
    let new = json!({ "sequence_id": sequence, "person_id": person });
    let enrollment = id(&at.rep.post("/enrollments", new).await.expect(201));
    let task = id(&at.rep.post("/tasks", json!({ "kind": "call", "content": "Call" })).await.expect(201));
    let template =
        id(&at.rep.post("/templates", json!({ "name": "Mine", "subject": "S", "body_text": "T" })).await.expect(201));
    let mbx = |action: &str| format!("/mailboxes/{mailbox}{action}");
    let enr = |action: &str| format!("/enrollments/{enrollment}{action}");
    let tsk = |action: &str| format!("/tasks/{task}{action}");
    let later = json!({ "until": "2026-03-09T09:00:00Z" });
    let rows = vec![
        row("GET", mbx(""), None, FOR_OTHERS),
        row("PATCH", mbx(""), Some(json!({ "from_name": "R" })), ADMIN_ONLY),
        row("POST", mbx("/check"), None, ADMIN_ONLY),
        row("POST", mbx("/pause"), None, ADMIN_ONLY),
        row("POST", mbx("/resume"), None, ADMIN_ONLY),
        row("POST", enr("/pause"), Some(later.clone()), FOR_OTHERS),
        row("POST", enr("/resume"), None, FOR_OTHERS),
        row("POST", enr("/retry"), None, FOR_OTHERS),
        row("POST", enr("/resolve"), Some(json!({ "sent": true })), FOR_OTHERS),
        row("POST", enr("/stop"), None, FOR_OTHERS),
        row("PATCH", tsk(""), Some(json!({ "content": "Call again" })), FOR_OTHERS),
        row("POST", tsk("/snooze"), Some(later), FOR_OTHERS),
        row("POST", tsk("/complete"), None, FOR_OTHERS),
        row("POST", tsk("/skip"), None, FOR_OTHERS),
        row("DELETE", tsk(""), None, FOR_OTHERS),
        row("GET", format!("/templates/{template}"), None, NOBODY),
        row("PATCH", format!("/templates/{template}"), Some(json!({ "name": "Ours" })), NOBODY),
        row("POST", format!("/templates/{template}/preview"), Some(json!({ "person_id": person })), NOBODY),
        row("DELETE", mbx(""), None, ADMIN_ONLY),
    ];
    judge(&at, rows).await;
}

#[tokio::test]
async fn a_rep_enrolls_only_on_their_own_behalf() {
    let at = Installation::new().await;
    at.rep.mailbox("rep@acme.test").await;
    let sequence = at.admin.sequence("Welcome", two_emails()).await;
    let person = at.rep.lead("Lee", "lee@x.test").await;
    let new = json!({ "sequence_id": sequence, "person_id": person, "actor_id": at.rep.id.to_string() });
    assert_eq!(at.other.post("/enrollments", new.clone()).await.status, 403);
    let enrollment = at.manager.post("/enrollments", new).await.expect(201);
    assert_eq!(enrollment["actor_id"], at.rep.id.to_string());
}

#[tokio::test]
async fn what_belongs_to_another_rep_is_not_listed() {
    let at = Installation::new().await;
    at.rep.mailbox("rep@acme.test").await;
    at.rep.post("/templates", json!({ "name": "Mine", "subject": "S", "body_text": "T" })).await.expect(201);
    at.rep.post("/tasks", json!({ "kind": "call", "content": "Call" })).await.expect(201);
    for (path, others) in [("/mailboxes", 0), ("/templates", 0), ("/tasks", 0)] {
        let count = async |client: &Client| client.get(path).await.expect(200)["items"].as_array().unwrap().len();
        assert_eq!(count(&at.rep).await, 1, "{path}");
        assert_eq!(count(&at.other).await, others, "{path}");
    }
    let tokens = |body: Value| body["items"].as_array().unwrap().len();
    assert_eq!(tokens(at.rep.get("/tokens").await.expect(200)), 1);
    assert_eq!(tokens(at.admin.get("/tokens").await.expect(200)), 4);
}
