//! `sequences`: drafts, versions, schedules.

use crate::installation::{Installation, id, ids, redacted, two_emails};
use serde_json::{Value, json};

fn steps() -> Value {
    json!([
        { "action": "automated_email", "email": { "subject": "Hello", "body_html": "<p>Hi</p>" } },
        { "wait": { "amount": 3, "unit": "days" }, "action": "task",
          "task": { "kind": "call", "content": "Call {{ person.first_name }}", "due_in_days": 1, "mode": "go_on" } },
        { "wait": { "amount": 1, "unit": "hours" }, "action": "manual_email",
          "email": { "body_text": "By hand", "reply_in_thread": true }, "task": { "kind": "email", "content": "Send it" } },
    ])
}

#[tokio::test]
async fn a_sequence_is_written_activated_and_archived() {
    let at = Installation::new().await;
    let new = json!({ "name": "Welcome", "description": "For new leads", "steps": steps() });
    let draft = at.admin.post("/sequences", new).await.expect(201);
    insta::assert_json_snapshot!("sequence", redacted(&draft));
    let path = format!("/sequences/{}", id(&draft));
    let active = at.admin.order(&format!("{path}/activate")).await.expect(200);
    assert_eq!((&active["state"], &active["version"]), (&json!("active"), &json!(1)));
    assert_eq!(active["steps"], draft["steps"]);
    let paused = at.admin.order(&format!("{path}/pause")).await.expect(200);
    assert!(paused["paused_at"].is_string() && paused["ended"]["leaving"] == json!([]));
    assert_eq!(at.admin.order(&format!("{path}/resume")).await.expect(200)["paused_at"], Value::Null);
    let copy = at.admin.order(&format!("{path}/clone")).await.expect(201);
    assert_eq!((&copy["state"], copy["steps"].as_array().unwrap().len()), (&json!("draft"), 3));
    assert_ne!(copy["id"], draft["id"]);
    let archived = at.admin.post(&format!("{path}/archive"), json!({ "stop": true })).await.expect(200);
    assert_eq!((&archived["state"], &archived["ended"]["enrollments"]), (&json!("archived"), &json!(0)));
    at.admin.delete(&format!("/sequences/{}", id(&copy))).await.expect(204);
    assert_eq!(at.admin.get(&format!("/sequences/{}", id(&copy))).await.refusal().0, 404);
}

#[tokio::test]
async fn a_schedule_is_the_workspaces_unless_said_otherwise() {
    let at = Installation::new().await;
    at.admin.patch("/workspace", json!({ "schedule": { "days": ["mon", "tue"] } })).await.expect(200);
    let schedule = async |fields: Value| {
        let mut new = json!({ "name": "S", "steps": two_emails() });
        new.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        at.admin.post("/sequences", new).await.expect(201)
    };
    let days = json!(["mon", "tue"]);
    assert_eq!(schedule(json!({})).await["schedule"]["days"], days);
    assert_eq!(schedule(json!({ "schedule": {} })).await["schedule"]["days"], days);
    assert_eq!(schedule(json!({ "schedule": null })).await["schedule"], Value::Null);
    let own = schedule(json!({ "schedule": { "windows": [{ "from": "10:00", "to": "24:00", "for": "all" }] } })).await;
    assert_eq!(own["schedule"]["days"], days);
    assert_eq!(own["schedule"]["windows"], json!([{ "from": "10:00", "to": "24:00", "for": "all" }]));

    let path = format!("/sequences/{}", id(&own));
    let named = at.admin.patch(&path, json!({ "name": "T" })).await.expect(200);
    assert_eq!((&named["name"], &named["schedule"], &named["steps"]), (&json!("T"), &own["schedule"], &own["steps"]));
    let zone = at.admin.patch(&path, json!({ "schedule": { "time_zone": "actor" } })).await.expect(200);
    assert_eq!(
        (&zone["schedule"]["time_zone"], &zone["schedule"]["windows"]),
        (&json!("actor"), &own["schedule"]["windows"])
    );
    assert_eq!(at.admin.patch(&path, json!({ "schedule": null })).await.expect(200)["schedule"], Value::Null);
    let back = at.admin.patch(&path, json!({ "schedule": {} })).await.expect(200);
    assert_eq!((&back["schedule"]["days"], &back["schedule"]["windows"][0]["from"]), (&days, &json!("09:00")));
}

#[tokio::test]
async fn a_step_that_does_not_fit_is_refused_at_its_place() {
    let at = Installation::new().await;
    let ask = async |step: Value| at.admin.post("/sequences", json!({ "name": "S", "steps": [step] })).await;
    let refused = |field: &'static str, code: &'static str| (422, code, field);
    assert_eq!(ask(json!({ "action": "task" })).await.refusal(), refused("steps[0].task", "required"));
    assert_eq!(ask(json!({ "action": "automated_email" })).await.refusal(), refused("steps[0].email", "required"));
    assert_eq!(ask(json!({ "action": "fly" })).await.refusal(), refused("steps[0].action", "invalid"));
    let both = json!({ "action": "automated_email", "email": {}, "task": { "kind": "call", "content": "x" } });
    assert_eq!(ask(both).await.refusal().2, "steps[0].task");
    let unit = json!({ "action": "automated_email", "email": {}, "wait": { "amount": 1, "unit": "moons" } });
    assert_eq!(ask(unit).await.refusal(), refused("steps[0].wait.unit", "invalid"));
    let position = json!({ "action": "automated_email", "email": {}, "position": 7 });
    assert_eq!(ask(position).await.refusal(), refused("steps[0].position", "invalid"));
    let window = json!({ "name": "S", "schedule": { "windows": [{ "from": "9 am", "to": "17:00" }] } });
    assert_eq!(at.admin.post("/sequences", window).await.refusal(), refused("schedule.windows[0].from", "invalid"));
}

#[tokio::test]
async fn an_unfinished_draft_cannot_be_activated() {
    let at = Installation::new().await;
    let draft = id(&at.admin.post("/sequences", json!({ "name": "S" })).await.expect(201));
    let refused = at.admin.order(&format!("/sequences/{draft}/activate")).await;
    assert_eq!(refused.refusal(), (422, "required", "steps"));
}

#[tokio::test]
async fn a_sequence_with_enrollments_cannot_be_deleted() {
    let at = Installation::new().await;
    at.rep.mailbox("rep@acme.test").await;
    let sequence = at.admin.sequence("Welcome", two_emails()).await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    at.rep.post("/enrollments", json!({ "sequence_id": sequence, "person_id": lead })).await.expect(201);
    assert_eq!(at.admin.delete(&format!("/sequences/{sequence}")).await.refusal(), (409, "in_use", ""));
    let read = at.rep.get(&format!("/sequences/{sequence}")).await.expect(200);
    assert_eq!(read["enrollments"], json!({ "active": 1, "paused": 0, "blocked": 0, "completed": 0, "replied": 0 }));
}

#[tokio::test]
async fn a_list_is_filtered_by_state_and_name_and_paged() {
    let at = Installation::new().await;
    let active = at.admin.sequence("Alpha", two_emails()).await;
    for name in ["Beta", "Gamma"] {
        at.admin.post("/sequences", json!({ "name": name })).await.expect(201);
    }
    assert_eq!(ids(&at.rep.get("/sequences?state=active").await.expect(200)), std::slice::from_ref(&active));
    assert_eq!(ids(&at.rep.get("/sequences?state=active,draft").await.expect(200)).len(), 3);
    assert_eq!(ids(&at.rep.get("/sequences?q=alp").await.expect(200)), [active]);
    let page = at.rep.get("/sequences?limit=2").await.expect(200);
    let next = at.rep.get(&format!("/sequences?cursor={}", page["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!((ids(&next).len(), &next["items"][0]["name"]), (1, &json!("Gamma")));
    assert_eq!(at.rep.get("/sequences?state=lost").await.refusal(), (422, "invalid", "state"));
}

#[tokio::test]
async fn versions_are_listed_newest_first_with_what_each_changed() {
    let at = Installation::new().await;
    let sequence = at.admin.sequence("Depots", two_emails()).await;
    let path = format!("/sequences/{sequence}");
    let steps = at.admin.get(&path).await.expect(200)["steps"].as_array().unwrap()[..1].to_vec();
    at.admin.patch(&path, json!({ "steps": steps })).await.expect(200);
    at.admin.order(&format!("{path}/activate")).await.expect(200);
    let all = at.rep.get(&format!("{path}/versions")).await.expect(200);
    let (second, first) = (&all["items"][0], &all["items"][1]);
    assert_eq!(
        (&second["number"], &second["live"], &second["changes"]),
        (&json!(2), &json!(true), &json!(["Gone: Email in the same thread."]))
    );
    assert_eq!((&first["number"], &first["live"], &first["changes"]), (&json!(1), &json!(false), &json!([])));
    assert_eq!((first["steps"].as_array().map(Vec::len), second["steps"].as_array().map(Vec::len)), (Some(2), Some(1)));
    assert_eq!((&first["published_by"]["name"], &first["schedule"]), (&json!("Ada Admin"), &Value::Null));
    let page = at.rep.get(&format!("{path}/versions?limit=1")).await.expect(200);
    let rest = at.rep.get(&format!("{path}/versions?cursor={}", page["next_cursor"].as_str().expect("more"))).await;
    assert_eq!(rest.expect(200)["items"], json!([first]));
    assert_eq!(at.rep.get(&format!("{path}/versions?cursor=nonsense")).await.refusal().0, 422);
    let absent = "/sequences/seq_01jd0000000000000000000000/versions";
    assert_eq!(at.rep.get(absent).await.refusal(), (404, "not_found", ""));
}

#[tokio::test]
async fn a_sequence_kept_for_some_is_refused_to_others_and_lies_in_its_folder() {
    let at = Installation::new().await;
    at.rep.mailbox("rep@acme.test").await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let sequence = at.admin.sequence("Kept", two_emails()).await;
    let path = format!("/sequences/{sequence}");
    let kept = json!({ "folder": "Prospecting", "usable_by": { "who": "some", "users": [at.manager.id.to_string()] } });
    let saved = at.admin.patch(&path, kept).await.expect(200);
    assert_eq!((&saved["folder"], &saved["usable_by"]["who"]), (&json!("Prospecting"), &json!("some")));
    assert_eq!(ids(&at.rep.get("/sequences?folder=Prospecting").await.expect(200)), std::slice::from_ref(&sequence));
    assert!(ids(&at.rep.get("/sequences?folder=Other").await.expect(200)).is_empty());
    let new = json!({ "sequence_id": sequence, "person_id": lead });
    assert_eq!(at.rep.post("/enrollments", new.clone()).await.refusal().1, "not_permitted");
    let many = json!({ "sequence_id": sequence, "person_ids": [lead] });
    let preflight = at.rep.post("/enrollments/preflight", many).await.expect(200);
    assert!(preflight.to_string().contains("not_permitted"), "{preflight}");
    let nobody = json!({ "usable_by": { "who": "some", "users": ["usr_00000000000000000000000001"] } });
    assert_eq!(at.admin.patch(&path, nobody).await.refusal(), (422, "unknown", "usable_by"));
    let him = json!({ "usable_by": { "who": "some", "users": [at.rep.id.to_string()] } });
    at.admin.patch(&path, him).await.expect(200);
    at.rep.post("/enrollments", new).await.expect(201);
}

#[tokio::test]
async fn an_unsubscribe_line_needs_the_postal_address_before_it_is_activated() {
    let at = Installation::new().await;
    let fields = json!({ "name": "S", "steps": two_emails(), "unsubscribe": { "enabled": true, "locale": "it" } });
    let draft = id(&at.admin.post("/sequences", fields).await.expect(201));
    let activate = format!("/sequences/{draft}/activate");
    let refused = at.admin.order(&activate).await;
    assert_eq!(refused.refusal(), (422, "postal_address_missing", "unsubscribe.enabled"));
    at.admin.patch("/workspace", json!({ "postal_address": "12 rue des Docks, Lyon" })).await.expect(200);
    assert_eq!(at.admin.order(&activate).await.expect(200)["state"], json!("active"));
}

#[tokio::test]
async fn the_impact_of_a_change_is_told_before_it_is_published_and_the_draft_is_named() {
    let at = Installation::new().await;
    at.rep.mailbox("rep@acme.test").await;
    let sequence = at.admin.sequence("Welcome", two_emails()).await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    at.rep.post("/enrollments", json!({ "sequence_id": sequence, "person_id": lead })).await.expect(201);
    let path = format!("/sequences/{sequence}");
    let second = at.admin.get(&path).await.expect(200)["steps"][1].clone();
    let only_second = json!({ "steps": [{ "id": second["id"], "action": "automated_email", "email": { "subject": "X", "body_text": "Y" } }] });
    let asked = at.admin.post(&format!("{path}/impact"), only_second.clone()).await.expect(200);
    assert_eq!((&asked["ongoing"], &asked["moves"], &asked["is_new"]), (&json!(1), &json!(1), &json!(true)));
    assert_eq!((&asked["people"][0]["outcome"], &asked["people"][0]["to"]), (&json!("moves"), &json!(1)));
    let unchanged = at.admin.order(&format!("{path}/impact")).await.expect(200);
    assert_eq!(unchanged["is_new"], json!(false), "asking changes nothing");
    assert_eq!(at.rep.post(&format!("{path}/impact"), only_second.clone()).await.refusal().0, 403);
    let saved = at.admin.patch(&path, only_second).await.expect(200);
    let late = json!({ "draft_number": 0 });
    assert_eq!(at.admin.post(&format!("{path}/activate"), late).await.refusal().1, "changed_meanwhile");
    let publish = json!({ "enrolled": "move", "draft_number": saved["draft_number"] });
    let published = at.admin.post(&format!("{path}/activate"), publish).await.expect(200);
    assert_eq!((&published["moved"]["moved"], &published["version"]), (&json!(1), &json!(2)));
    let undone = at.admin.order(&format!("/jobs/{}/undo", published["moved"]["job_id"].as_str().unwrap())).await;
    assert_eq!(undone.expect(200)["state"], json!("done"));
}
