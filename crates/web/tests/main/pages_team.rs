//! Handing over, tags, browsers, ends of tokens, the audit log and answers that were not seen, as a browser uses them.

use crate::installation::{Installation, id};
use crate::pages_people::{Browser, form, request};
use serde_json::json;

/// A task-only sequence with the lead of a rep in it.
async fn with_work(at: &Installation) -> String {
    let call = json!([{ "action": "task", "task": { "kind": "call", "content": "Call" } }]);
    let sequence = at.admin.sequence("Calls", call).await;
    let fields = json!({ "last_name": "Okafor", "email": "maya@kestrel.test", "owner_id": at.rep.id, "tags": ["hot"] });
    let person = id(&at.admin.post("/people", fields).await.expect(201));
    let new = json!({ "sequence_id": sequence, "person_id": person, "actor_id": at.rep.id });
    at.admin.post("/enrollments", new).await.expect(201);
    person
}

#[tokio::test]
async fn a_user_is_deactivated_and_handed_over_in_one_dialog_or_later() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let person = with_work(&at).await;
    let path = format!("/settings/users/{}", at.rep.id);
    browser
        .get(&format!("{path}/deactivate"))
        .await
        .shows(200, &["Deactivate Rita Rep", "1 unfinished sequence", "1 person", "Nobody yet", "Otto Other"]);
    let later = browser.post(&format!("{path}/deactivate"), &[("to", ""), ("work", "1")]).await;
    assert_eq!(browser.said(&later).await, "Rita Rep is deactivated. 1 sequence is on hold.");
    browser.post(&format!("{path}/deactivate"), &[]).await.shows(422, &["deactivated already"]);
    browser.post(&format!("{path}/hand-over"), &[("to", "")]).await.shows(422, &["Choose who takes over."]);
    let to = at.other.id.to_string();
    browser.post(&format!("{path}/hand-over"), &[("to", &to)]).await.shows(422, &["Choose what to hand over."]);
    let given = browser.post(&format!("{path}/hand-over"), &[("to", &to), ("work", "1"), ("people", "1")]).await;
    assert_eq!(browser.said(&given).await, "2 things go on with Otto Other.");
    let read = at.admin.get(&format!("/people/{person}")).await.expect(200);
    assert_eq!(read["owner_id"], to);
    browser.get(&format!("/people/{person}")).await.shows(200, &["Handed over from Rita Rep to Otto Other"]);

    let path = format!("/settings/users/{}", at.other.id);
    let fields = [("to", at.manager.id.to_string()), ("work", "1".to_owned()), ("people", "1".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let both = browser.post(&format!("{path}/deactivate"), &fields).await;
    assert_eq!(browser.said(&both).await, "Otto Other is deactivated. 2 things go on with Mia Manager.");
    let work = at.admin.get(&format!("/users/{}/work", at.manager.id)).await.expect(200);
    assert_eq!((work["running"].clone(), work["people"].clone()), (json!(1), json!(1)));
    let back = browser.post(&format!("{path}/reactivate"), &[]).await;
    assert_eq!(browser.said(&back).await, "Otto Other is active again, and what was paused goes on.");
}

#[tokio::test]
async fn tags_are_renamed_merged_and_deleted_with_undo() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    browser.get("/settings/tags").await.shows(200, &["No tags yet"]);
    with_work(&at).await;
    browser.get("/settings/tags").await.shows(200, &["hot", "/leads?rule=tags:has:hot"]);
    browser.get("/settings/tags?q=cold").await.shows(200, &["Nothing matches"]);
    browser.get("/settings/tags/edit?tag=hot").await.shows(200, &["Rename hot", "1 person", "value=\"hot\""]);
    browser.get("/settings/tags/edit?tag=none").await.shows(404, &[]);
    let refused = browser.post("/settings/tags/edit", &[("tag", "hot"), ("to", "hot")]).await;
    refused.shows(422, &["This is its name already."]);
    let renamed = browser.post("/settings/tags/edit", &[("tag", "hot"), ("to", "warm")]).await;
    assert_eq!(browser.said(&renamed).await, "hot is warm now.");
    assert_eq!(at.rep.get("/tags").await.expect(200)["items"], json!([{ "tag": "warm", "leads": 1, "contacts": 0 }]));
    let deleted = browser.post("/settings/tags/delete", &[("tag", "warm")]).await;
    assert_eq!(browser.said(&deleted).await, "The tag warm is deleted.");
    let refused = at.rep.post("/tags/rename", json!({ "tag": "x", "to": "y" })).await;
    assert_eq!(refused.status, 403);
    assert_eq!(at.admin.post("/tags/delete", json!({ "tag": "warm" })).await.status, 404);
}

#[tokio::test]
async fn a_browser_is_signed_out_from_another_and_by_the_api() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let other = Browser::sign_in(&at).await;
    let found = at.admin.get("/users/me/sessions").await.expect(200);
    assert_eq!(found["items"].as_array().expect("a list").len(), 2);
    browser.get("/settings/profile").await.shows(200, &["Where you are signed in", "this one", "An unknown browser"]);
    let html = browser.get("/settings/profile").await.html;
    let key = html.split("name=\"session\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a key");
    let ended = browser.post("/settings/profile/sessions/end", &[("session", key)]).await;
    assert_eq!(browser.said(&ended).await, "That browser is signed out.");
    assert_eq!(other.get("/leads").await.status, 303, "it has to sign in again");
    browser.post("/settings/profile/sessions/end", &[("session", "nonsense")]).await.shows(404, &[]);
    at.admin.order("/users/me/sign_out_everywhere").await.expect(204);
    assert_eq!(browser.get("/leads").await.status, 303);
}

#[tokio::test]
async fn a_token_with_an_end_says_when_and_the_log_is_filtered_and_exported() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let made = browser.post("/settings/api", &[("name", "Import"), ("scope", "read"), ("days", "30")]).await;
    made.shows(201, &["Copy it now", "Ends"]);
    let past = json!({ "scope": "read", "name": "x", "expires_at": "2001-01-01T00:00:00Z" });
    assert_eq!(at.admin.post("/tokens", past).await.refusal(), (422, "in_the_past", "expires_at"));
    let wrong = form(&[("email", "rep@acme.test"), ("password", "not it at all")]);
    assert_eq!(request(&at.router, "POST", "/sign-in", &[], &wrong).await.status, 422);
    browser.get("/settings/audit?area=token_made").await.shows(200, &["made the API token", "Import", "It ends on"]);
    let failed = browser.get("/settings/audit?area=sign_in&q=rep%40acme").await;
    failed.shows(200, &["failed to sign in as", "Wrong address or password."]);
    let csv = browser.get("/settings/audit.csv?area=sign_in_failed").await;
    csv.shows(200, &["at,who,act,what,object", "sign_in_failed,failed to sign in as,rep@acme.test"]);
    browser.get("/settings/audit").await.shows(200, &["exported the audit log", "A part of it."]);
    let found = at.admin.get("/audit?act=token_made&from=2001-01-01T00:00:00Z").await.expect(200);
    let object = found["items"][0]["object_id"].as_str().expect("an id").to_owned();
    let found = at.admin.get(&format!("/audit?object_id={object}")).await.expect(200);
    assert_eq!(found["items"].as_array().expect("a list").len(), 1);
    assert_eq!(at.admin.get("/audit?before=2001-01-01T00:00:00Z").await.expect(200)["items"], json!([]));
    assert_eq!(at.admin.get("/audit?act=nonsense").await.refusal(), (422, "invalid", "act"));
}

#[tokio::test]
async fn several_tasks_are_chosen_by_filters_and_changed_together() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let mut tasks = Vec::new();
    for (kind, content) in [("call", "Call Ada"), ("call", "Call Bob"), ("other", "Tidy up")] {
        let new = json!({ "kind": kind, "content": content, "due_at": "2020-01-01T09:00:00Z" });
        tasks.push(id(&at.admin.post("/tasks", new).await.expect(201)));
    }
    let page = browser.get("/tasks?kind=call&q=ada").await;
    page.shows(200, &["Call Ada", "Those that match the filter.", "value=\"call\" selected"]);
    assert!(!page.html.contains("Call Bob") && !page.html.contains("Tidy up"));
    browser.get("/tasks?part=today").await.shows(200, &["Nothing is due today"]);
    let ids: Vec<(&str, &str)> = tasks.iter().map(|task| ("id", task.as_str())).collect();
    let ask = |what: &'static str| [&ids[..], &[("what", what), ("back", "/tasks?part=overdue")]].concat();
    let done = browser.post("/tasks/bulk", &ask("done")).await;
    done.leads_to("/tasks?part=overdue");
    assert_eq!(browser.said(&done).await, "3 tasks done.");
    let again = browser.post("/tasks/bulk", &ask("tomorrow")).await;
    assert!(again.location().starts_with("/jobs/") && again.location().contains("/report"), "{}", again.location());
    browser
        .get(&again.location())
        .await
        .shows(200, &["Nothing was changed", "“Call Ada”: This task is already closed."]);
    let open = browser.post(&format!("/tasks/{}/reopen", tasks[0]), &[]).await;
    assert_eq!(browser.said(&open).await, "The task is open again.");
    let none = browser.post("/tasks/bulk", &[("what", "assign"), ("id", &tasks[0])]).await;
    assert_eq!(browser.said(&none).await, "Choose whom to give them to.");
    let evil = browser.post("/tasks/bulk", &[("what", "skip"), ("id", &tasks[0]), ("back", "//evil.example")]).await;
    evil.leads_to("/tasks");
    let bulk = json!({ "action": "snooze", "task_ids": [tasks[1]] });
    assert_eq!(at.admin.post("/tasks/bulk", bulk).await.refusal(), (422, "required", "until"));
    let bulk = json!({ "action": "assign", "task_ids": [tasks[1]], "owner_id": at.rep.id });
    let told = at.admin.post("/tasks/bulk", bulk).await.expect(200);
    assert_eq!((told["done"].clone(), told["refused"].as_array().map(Vec::len)), (json!(0), Some(1)));
}

#[tokio::test]
async fn the_player_says_what_became_of_a_task_and_who_has_it_now() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let new = json!({ "kind": "call", "content": "Call Ada", "due_at": "2020-01-01T09:00:00Z" });
    let task = id(&at.admin.post("/tasks", new).await.expect(201));
    let path = format!("/tasks/player?task={task}");
    browser.get(&path).await.shows(200, &["Call Ada", "1 of 1", "In 3 hours"]);
    at.admin.patch(&format!("/tasks/{task}"), json!({ "owner_id": at.rep.id })).await.expect(200);
    browser.get(&path).await.shows(200, &["“Call Ada” is Rita Rep’s now.", "All done for today"]);
    at.rep.order(&format!("/tasks/{task}/complete")).await.expect(200);
    browser.get(&path).await.shows(200, &["“Call Ada” is done already."]);
    let said = browser.post(&format!("/tasks/{task}/done"), &[("to", "/tasks/player")]).await;
    assert_eq!(browser.said(&said).await, "This task is already closed.");
}

#[tokio::test]
async fn before_a_field_is_deleted_the_dialog_says_what_is_lost() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let field = at.admin.post("/custom_fields", json!({ "label": "Rooms", "kind": "number" })).await.expect(201);
    let fields = json!({ "last_name": "Lee", "custom_fields": { "rooms": 4 } });
    at.admin.post("/people", fields).await.expect(201);
    let words = json!({ "name": "W", "subject": "{{ person.custom.rooms }}", "body_text": "T", "shared": true });
    at.admin.post("/templates", words).await.expect(201);
    let path = format!("/settings/fields/{}/delete", id(&field));
    browser.get(&path).await.shows(200, &["Delete the field Rooms", "values of 1 person", "1 template use"]);
    browser.post(&path, &[]).await.leads_to("/settings/fields");
}
