//! `tasks`: made by hand and by sequences.

use crate::installation::{Installation, id, ids, redacted};
use relance_engine::stepper::Stepper;
use serde_json::{Value, json};

#[tokio::test]
async fn a_task_is_made_changed_snoozed_and_done() {
    let at = Installation::new().await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let new = json!({ "person_id": lead, "kind": "call", "content": "Call Ann", "due_at": "2026-03-04T09:00:00Z" });
    let task = at.rep.post("/tasks", new).await.expect(201);
    insta::assert_json_snapshot!("task", redacted(&task));
    let path = format!("/tasks/{}", id(&task));
    let changed = at.rep.patch(&path, json!({ "content": "Call Ann Lee" })).await.expect(200);
    assert_eq!((&changed["content"], &changed["kind"]), (&json!("Call Ann Lee"), &json!("call")));
    let later = "2026-03-06T09:00:00Z";
    let snoozed = at.rep.post(&format!("{path}/snooze"), json!({ "until": later })).await.expect(200);
    assert_eq!(snoozed["due_at"], later);
    let done = at.rep.order(&format!("{path}/complete")).await.expect(200);
    assert_eq!((&done["state"], &done["closed_at"]), (&json!("done"), &json!(crate::installation::NOW)));
    assert_eq!(at.rep.get(&path).await.expect(200), done);
    assert_eq!(at.rep.order(&format!("{path}/skip")).await.refusal().0, 409);
    assert_eq!(at.rep.patch(&path, json!({ "content": "x" })).await.refusal().0, 409);
}

#[tokio::test]
async fn a_task_without_words_is_refused() {
    let at = Installation::new().await;
    assert_eq!(
        at.rep.post("/tasks", json!({ "kind": "call", "content": " " })).await.refusal(),
        (422, "required", "content")
    );
    assert_eq!(at.rep.post("/tasks", json!({ "kind": "call" })).await.refusal(), (422, "required", "content"));
    assert_eq!(
        at.rep.post("/tasks", json!({ "kind": "fax", "content": "x" })).await.refusal(),
        (422, "invalid", "kind")
    );
}

#[tokio::test]
async fn a_list_is_ordered_by_due_time_filtered_and_paged() {
    let at = Installation::new().await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let add = async |content: &str, day: u8, person: Option<&str>| {
        let due = format!("2026-03-{day:02}T09:00:00Z");
        let new = json!({ "kind": "other", "content": content, "due_at": due, "person_id": person });
        id(&at.rep.post("/tasks", new).await.expect(201))
    };
    let (late, soon, mid) =
        (add("late", 20, None).await, add("soon", 4, Some(&lead)).await, add("mid", 10, None).await);
    let page = at.rep.get("/tasks?limit=2").await.expect(200);
    assert_eq!(ids(&page), [soon.clone(), mid.clone()]);
    let rest =
        at.rep.get(&format!("/tasks?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!((ids(&rest), &rest["next_cursor"]), (vec![late.clone()], &Value::Null));
    assert_eq!(
        ids(&at.rep.get("/tasks?due_before=2026-03-05T00:00:00Z").await.expect(200)),
        std::slice::from_ref(&soon)
    );
    assert_eq!(ids(&at.rep.get("/tasks?due_from=2026-03-15T00:00:00Z").await.expect(200)), [late]);
    assert_eq!(ids(&at.other.get(&format!("/tasks?person_id={lead}")).await.expect(200)), std::slice::from_ref(&soon));
    at.rep.order(&format!("/tasks/{soon}/skip")).await.expect(200);
    assert_eq!(ids(&at.rep.get("/tasks?state=closed").await.expect(200)), [soon]);
    assert_eq!(ids(&at.rep.get("/tasks?state=any").await.expect(200)).len(), 3);
    at.rep.delete(&format!("/tasks/{mid}")).await.expect(204);
    assert_eq!(at.rep.get(&format!("/tasks/{mid}")).await.expect(200)["state"], "cancelled");
    assert_eq!(ids(&at.rep.get("/tasks").await.expect(200)).len(), 1);
    assert_eq!(at.rep.get("/tasks?state=lost").await.refusal(), (422, "invalid", "state"));
}

#[tokio::test]
async fn the_task_of_a_sequence_moves_it_on_and_is_not_deleted() {
    let at = Installation::new().await;
    let steps = json!([
        { "action": "task", "task": { "kind": "call", "content": "Call {{ person.first_name }}" } },
        { "action": "task", "task": { "kind": "other", "content": "Then this" } },
    ]);
    let sequence = at.admin.sequence("By hand", steps).await;
    let lead = at.rep.lead("Lee", "").await;
    let new = json!({ "sequence_id": sequence, "person_id": lead });
    let enrollment = id(&at.rep.post("/enrollments", new).await.expect(201));
    let mut stepper = Stepper::start(at.engine.clone()).await.unwrap();
    stepper.run_due().await.unwrap();
    let open = at.rep.get("/tasks").await.expect(200);
    assert_eq!(
        (&open["items"][0]["content"], &open["items"][0]["enrollment_id"]),
        (&json!("Call Ann"), &json!(enrollment))
    );
    let task = ids(&open)[0].clone();
    assert_eq!(at.rep.delete(&format!("/tasks/{task}")).await.refusal().0, 409);
    at.rep.order(&format!("/tasks/{task}/complete")).await.expect(200);
    let read = at.rep.get(&format!("/enrollments/{enrollment}")).await.expect(200);
    assert_eq!((&read["steps"][0]["status"], &read["current_step"]), (&json!("done"), &json!(2)));
    assert_eq!(read["steps"][0]["task"]["state"], "done");
}
