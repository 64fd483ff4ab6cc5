//! `enrollments`: the main job through the API, and what is refused.

use crate::installation::{Client, Installation, id, ids, redacted, two_emails};
use relance_engine::stepper::Stepper;
use serde_json::{Value, json};

/// A rep with a mailbox, an active sequence of two emails and a lead.
struct Scene {
    at: Installation,
    mailbox: String,
    sequence: String,
    lead: String,
}

impl Scene {
    async fn new() -> Self {
        let at = Installation::new().await;
        let mailbox = at.rep.mailbox("rita@acme.test").await;
        let sequence = at.admin.sequence("Welcome", two_emails()).await;
        let lead = at.rep.lead("Lee", "lee@x.test").await;
        Self { at, mailbox, sequence, lead }
    }

    fn rep(&self) -> &Client {
        &self.at.rep
    }

    async fn enroll(&self) -> String {
        id(&self.rep().post("/enrollments", self.new_enrollment(&self.lead)).await.expect(201))
    }

    fn new_enrollment(&self, person: &str) -> Value {
        json!({ "sequence_id": self.sequence, "person_id": person })
    }

    async fn read(&self, enrollment: &str) -> Value {
        self.rep().get(&format!("/enrollments/{enrollment}")).await.expect(200)
    }

    async fn act(&self, enrollment: &str, action: &str, body: Value) -> crate::installation::Answer {
        self.rep().post(&format!("/enrollments/{enrollment}/{action}"), body).await
    }
}

fn statuses(enrollment: &Value) -> Vec<&str> {
    enrollment["steps"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_enrollment_is_read_with_every_step_planned_and_explained() {
    let scene = Scene::new().await;
    let answer = scene.rep().post("/enrollments", scene.new_enrollment(&scene.lead)).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let enrollment = answer.expect(201);
    assert_eq!(location, format!("/api/v1/enrollments/{}", id(&enrollment)));
    insta::assert_json_snapshot!("enrollment", redacted(&enrollment));
    assert_eq!(scene.read(&id(&enrollment)).await, enrollment);
}

#[tokio::test]
async fn the_email_leaves_the_lead_answers_and_the_sequence_ends() {
    let scene = Scene::new().await;
    let enrollment = scene.enroll().await;
    let mut stepper = Stepper::start(scene.at.engine.clone()).await.unwrap();
    assert_eq!(stepper.run_due().await.unwrap(), 1);
    let sent = scene.read(&enrollment).await;
    assert_eq!(statuses(&sent), ["sent", "planned"]);
    assert_eq!((&sent["current_step"], &sent["emails_sent"]), (&json!(2), &json!(1)));
    let delivery = sent["steps"][0]["delivery"]["id"].as_str().unwrap();
    assert!(sent["steps"][0]["executed_at"].is_string());
    assert!(sent["steps"][0]["delivery"]["message_id"].as_str().unwrap().ends_with("@acme.test"));

    let answer = json!({ "to_delivery": delivery, "kind": "reply", "text": "Yes please" });
    scene.rep().post(&format!("/mailboxes/{}/sandbox/inbound", scene.mailbox), answer).await.expect(204);
    stepper.read_inboxes().await.unwrap();
    let over = scene.read(&enrollment).await;
    assert_eq!((&over["state"], &over["finished"]["reason"]), (&json!("completed"), &json!("replied")));
    assert_eq!(statuses(&over), ["sent", "cancelled"]);
    assert_eq!(over["current_step"], Value::Null);
    let inbound = scene.rep().get("/inbound?kind=reply").await.expect(200);
    assert_eq!(inbound["items"][0]["enrollment_id"], enrollment.as_str());
    assert!(inbound["items"][0]["text"].as_str().unwrap().contains("Yes please"));
    let one = scene.rep().get(&format!("/inbound/{}", ids(&inbound)[0])).await.expect(200);
    assert_eq!(one, inbound["items"][0]);
    assert_eq!(ids(&scene.at.other.get("/inbound").await.expect(200)).len(), 0);
    assert_eq!(scene.at.other.get(&format!("/inbound/{}", ids(&inbound)[0])).await.status, 403);
    let counts = scene.rep().get(&format!("/sequences/{}", scene.sequence)).await.expect(200);
    assert_eq!(counts["enrollments"]["replied"], 1);
}

#[tokio::test]
async fn an_enrollment_is_paused_resumed_and_stopped() {
    let scene = Scene::new().await;
    let enrollment = scene.enroll().await;
    let until = "2026-03-10T08:00:00Z";
    let paused = scene.act(&enrollment, "pause", json!({ "until": until })).await.expect(200);
    assert_eq!((&paused["state"], &paused["paused"]), (&json!("paused"), &json!({ "by": "person", "until": until })));
    assert_eq!(paused["ended"]["leaving"], json!([]));
    let resumed = scene.act(&enrollment, "resume", json!({})).await.expect(200);
    assert_eq!((&resumed["state"], &resumed["paused"]), (&json!("active"), &Value::Null));
    let stopped = scene.act(&enrollment, "stop", json!({})).await.expect(200);
    assert_eq!((&stopped["state"], &stopped["current_step"]), (&json!("completed"), &Value::Null));
    assert_eq!(
        stopped["finished"],
        json!({ "reason": "stopped", "at": crate::installation::NOW, "by": scene.rep().id.to_string() })
    );
    for action in ["stop", "pause", "resume", "retry"] {
        assert_eq!(scene.act(&enrollment, action, json!({})).await.status, 409, "{action}");
    }
    let uncertain = scene.act(&enrollment, "resolve", json!({ "sent": true })).await;
    assert_eq!(uncertain.refusal(), (409, "nothing_uncertain", ""));
    let past = scene.act(&enrollment, "pause", json!({ "until": "2020-01-01T00:00:00Z" })).await;
    assert_eq!(past.refusal(), (422, "in_the_past", "until"));
    assert_eq!(scene.act(&enrollment, "resolve", json!({})).await.refusal(), (422, "required", "sent"));
}

#[tokio::test]
async fn a_step_is_moved_and_skipped() {
    let scene = Scene::new().await;
    let enrollment = scene.enroll().await;
    let before = scene.read(&enrollment).await;
    let step = |index: usize| before["steps"][index]["id"].as_str().unwrap().to_owned();
    let at = "2026-03-05T10:00:00Z";
    let moved = scene.act(&enrollment, &format!("steps/{}/reschedule", step(0)), json!({ "at": at })).await.expect(200);
    assert_eq!((&moved["due_at"], &moved["steps"][0]["planned_at"]), (&json!(at), &json!(at)));
    let second = scene.act(&enrollment, &format!("steps/{}/skip", step(1)), json!({})).await;
    assert_eq!(second.refusal(), (409, "not_current", ""));
    let skipped = scene.act(&enrollment, &format!("steps/{}/skip", step(0)), json!({})).await.expect(200);
    assert_eq!((statuses(&skipped), &skipped["current_step"]), (vec!["skipped", "planned"], &json!(2)));
    let past = json!({ "at": "2020-01-01T00:00:00Z" });
    let past = scene.act(&enrollment, &format!("steps/{}/reschedule", step(1)), past).await;
    assert_eq!(past.refusal(), (422, "in_the_past", "at"));
}

#[tokio::test]
async fn whoever_is_in_the_sequence_already_is_409_with_the_enrollment() {
    let scene = Scene::new().await;
    let enrollment = scene.enroll().await;
    let twin = scene.rep().lead("Twin", "LEE@x.test").await;
    for person in [&scene.lead, &twin] {
        let refused = scene.rep().post("/enrollments", scene.new_enrollment(person)).await;
        assert_eq!(refused.refusal(), (409, "already_active", ""));
        assert_eq!(refused.body["type"], "urn:relance:problem:already_active");
        assert_eq!(refused.body["enrollment_id"], enrollment.as_str());
    }
}

#[tokio::test]
async fn a_refused_enrollment_has_its_code() {
    let scene = Scene::new().await;
    let rep = scene.rep();
    let refused = async |client: &Client, person: &str, sequence: &str| {
        let new = json!({ "sequence_id": sequence, "person_id": person });
        let answer = client.post("/enrollments", new).await;
        (answer.status, answer.refusal().1.to_owned())
    };
    let none = id(&rep.post("/people", json!({ "last_name": "Mute" })).await.expect(201));
    assert_eq!(refused(rep, &none, &scene.sequence).await, (422, "no_email".to_owned()));
    rep.post("/suppressions", json!({ "entry": "blocked.test" })).await.expect(201);
    let blocked = rep.lead("Block", "b@blocked.test").await;
    assert_eq!(refused(rep, &blocked, &scene.sequence).await, (422, "suppressed".to_owned()));
    let draft =
        id(&scene.at.admin.post("/sequences", json!({ "name": "Draft", "steps": two_emails() })).await.expect(201));
    assert_eq!(refused(rep, &scene.lead, &draft).await, (422, "sequence_not_active".to_owned()));
    assert_eq!(refused(&scene.at.other, &scene.lead, &scene.sequence).await, (422, "no_mailbox".to_owned()));
    let nobody = "per_00000000000000000000000000";
    assert_eq!(refused(rep, nobody, &scene.sequence).await.0, 404);
}

#[tokio::test]
async fn missing_merge_data_is_a_warning_and_then_a_block_that_releases_itself() {
    let scene = Scene::new().await;
    let steps = json!([{ "action": "automated_email",
        "email": { "subject": "Hi", "body_html": "<p>{{ person.industry }}</p>" } }]);
    let sequence = scene.at.admin.sequence("Industry", steps).await;
    let new = json!({ "sequence_id": sequence, "person_id": scene.lead });
    let enrollment = scene.rep().post("/enrollments", new).await.expect(201);
    let warning = json!([{ "code": "missing_merge_data", "position": 1, "tags": ["person.industry"] }]);
    assert_eq!(enrollment["warnings"], warning);
    let mut stepper = Stepper::start(scene.at.engine.clone()).await.unwrap();
    assert_eq!(stepper.run_due().await.unwrap(), 0);
    let blocked = scene.read(&id(&enrollment)).await;
    insta::assert_json_snapshot!("blocked", redacted(&blocked["blocked"]));
    let listed = scene.rep().get("/enrollments?state=blocked&blocked_reason=missing_merge_data").await.expect(200);
    assert_eq!(ids(&listed), [id(&enrollment)]);
    let again =
        scene.rep().post("/enrollments/retry", json!({ "blocked_reason": "missing_merge_data" })).await.expect(200);
    assert_eq!(again["retried"], 1);
    assert_eq!(stepper.run_due().await.unwrap(), 0);
    scene.rep().patch(&format!("/people/{}", scene.lead), json!({ "industry": "Tea" })).await.expect(200);
    assert_eq!(stepper.run_due().await.unwrap(), 1);
    assert_eq!(scene.read(&id(&enrollment)).await["finished"]["reason"], "completed");
}

#[tokio::test]
async fn a_list_is_filtered_and_paged_newest_first() {
    let scene = Scene::new().await;
    let mut all = vec![scene.enroll().await];
    for name in ["Kim", "Ray"] {
        let lead = scene.rep().lead(name, &format!("{name}@x.test")).await;
        all.push(id(&scene.rep().post("/enrollments", scene.new_enrollment(&lead)).await.expect(201)));
    }
    scene.act(&all[0], "stop", json!({})).await.expect(200);
    let list = async |query: &str| scene.rep().get(&format!("/enrollments?{query}")).await.expect(200);
    let page = list("limit=2").await;
    assert_eq!(page["items"][0].get("steps"), None);
    let rest = list(&format!("cursor={}", page["next_cursor"].as_str().unwrap())).await;
    let mut found = [ids(&page), ids(&rest)].concat();
    found.sort();
    let mut expected = all.clone();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(ids(&list("state=completed").await), [all[0].clone()]);
    assert_eq!(ids(&list("state=active,paused").await).len(), 2);
    assert_eq!(ids(&list(&format!("person_id={}", scene.lead)).await), [all[0].clone()]);
    assert_eq!(ids(&list(&format!("sequence_id={}&mailbox_id={}", scene.sequence, scene.mailbox)).await).len(), 3);
    assert_eq!(ids(&list(&format!("actor_id={}", scene.at.other.id)).await).len(), 0);
    assert_eq!(scene.rep().get("/enrollments?state=lost").await.refusal(), (422, "invalid", "state"));
}

#[tokio::test]
async fn a_preview_shows_the_texts_and_times_of_one_person_and_stores_nothing() {
    let scene = Scene::new().await;
    let steps = scene.rep().post("/enrollments/preview", scene.new_enrollment(&scene.lead)).await.expect(200);
    assert_eq!(steps["items"][0]["words"]["html"], "<p>Hi Ann</p>");
    assert_eq!(steps["items"][0]["planned_at"], crate::installation::NOW);
    assert_eq!(steps["items"][1]["in_thread"], true);
    assert_eq!(ids(&scene.rep().get("/enrollments").await.expect(200)).len(), 0);
}

#[tokio::test]
async fn many_are_judged_then_enrolled_each_for_itself() {
    let scene = Scene::new().await;
    let mute = id(&scene.rep().post("/people", json!({ "last_name": "Mute" })).await.expect(201));
    let already = scene.rep().lead("Already", "already@x.test").await;
    scene.rep().post("/enrollments", scene.new_enrollment(&already)).await.expect(201);
    let asked = json!({ "sequence_id": scene.sequence, "person_ids": [scene.lead, mute, already] });
    let judged = scene.rep().post("/enrollments/preflight", asked.clone()).await.expect(200);
    insta::assert_json_snapshot!("preflight", redacted(&judged));
    assert_eq!(ids(&scene.rep().get("/enrollments").await.expect(200)).len(), 1);
    let done = scene.rep().post("/enrollments/bulk", asked).await.expect(200);
    assert_eq!((&done["starts"], &done["refused"]), (&json!(1), &json!(2)));
    let rows = done["rows"].as_array().unwrap();
    let started = rows[0]["enrollment_id"].as_str().unwrap();
    assert_eq!(scene.read(started).await["person_id"], scene.lead.as_str());
    assert_eq!((&rows[1]["outcome"], &rows[1]["reason"]), (&json!("refused"), &json!("no_email")));
    assert_eq!(rows[2]["reason"], "already_active");
    assert!(rows[2]["enrollment_id"].is_string());
}

#[tokio::test]
async fn everyone_who_matches_is_enrolled_and_those_without_data_may_be_left_out() {
    let scene = Scene::new().await;
    let steps = json!([{ "action": "automated_email",
        "email": { "subject": "Hi", "body_html": "<p>{{ person.industry }}</p>" } }]);
    let sequence = scene.at.admin.sequence("Industry", steps).await;
    let tea = json!({ "last_name": "Tea", "email": "tea@x.test", "industry": "Tea" });
    scene.rep().post("/people", tea).await.expect(201);
    let asked = json!({ "sequence_id": sequence, "filter": { "all": [] }, "on_missing_merge_data": "skip" });
    let done = scene.rep().post("/enrollments/bulk", asked).await.expect(200);
    assert_eq!((&done["starts"], &done["waits_for_data"]), (&json!(1), &json!(0)));
    let outcomes: Vec<&str> =
        done["rows"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert!(outcomes.contains(&"skipped") && outcomes.contains(&"starts"), "{outcomes:?}");
    let start = json!({ "sequence_id": sequence, "person_ids": [scene.lead] });
    let waits = scene.rep().post("/enrollments/bulk", start).await.expect(200);
    assert_eq!((&waits["starts"], &waits["waits_for_data"]), (&json!(1), &json!(1)));
    assert_eq!(waits["rows"][0]["tags"], json!(["person.industry"]));
}

#[tokio::test]
async fn the_words_of_one_persons_email_are_changed_and_put_back() {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let sequence = at.admin.sequence("Winter depots", two_emails()).await;
    let lead = at.admin.lead("Okafor", "maya@kestrel.example").await;
    let asked = json!({ "sequence_id": sequence, "person_id": lead, "start_at": "2026-03-05T09:00:00Z" });
    let made = at.admin.post("/enrollments", asked).await.expect(201);
    let path = format!("/enrollments/{}/steps/{}", id(&made), made["steps"][0]["id"].as_str().expect("a step"));
    let email = json!({ "email": { "subject": "Doors", "body_text": "Dear {{ person.first_name }}" } });
    let edited = at.admin.patch(&path, email).await.expect(200);
    assert_eq!(edited["steps"][0]["words"]["subject"], "Doors");
    assert!(edited["steps"][0]["edited_by"].is_string(), "{edited:#}");
    let wrong = json!({ "email": { "subject": "Doors", "body_text": "{{ person.nam }}" } });
    assert_eq!(at.admin.patch(&path, wrong).await.refusal().0, 422);
    let back = at.admin.patch(&path, json!({ "email": null })).await.expect(200);
    assert_eq!(
        (&back["steps"][0]["words"]["subject"], &back["steps"][0]["edited_by"]),
        (&json!("Hello"), &json!(null))
    );
}

#[tokio::test]
async fn the_check_of_many_answers_the_forecast_of_the_mailbox_day_by_day() {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let sequence = at.admin.sequence("Winter depots", two_emails()).await;
    let mut people = Vec::new();
    for n in 0..3 {
        people.push(at.admin.lead(&format!("P{n}"), &format!("p{n}@kestrel.example")).await);
    }
    let asked = json!({ "sequence_id": sequence, "person_ids": people });
    let checked = at.admin.post("/enrollments/preflight", asked.clone()).await.expect(200);
    let forecast = &checked["forecast"];
    assert_eq!((&forecast["emails"], &forecast["days"][0]["first_emails"]), (&json!(6), &json!(3)), "{forecast:#}");
    assert_eq!(forecast["days"].as_array().and_then(|days| days.last()).map(|day| &day["follow_ups"]), Some(&json!(3)));
    let done = at.admin.post("/enrollments/bulk", asked).await.expect(200);
    assert_eq!(done["forecast"], *forecast, "what was told is what was started");
    assert_eq!(done["rows"][0]["first_at"], checked["rows"][0]["first_at"]);
}

#[tokio::test]
async fn every_step_says_why_it_stands_where_it_does_and_what_releases_it() {
    let scene = Scene::new().await;
    let enrollment = scene.enroll().await;
    let said = |body: &Value, step: usize, key: &str| body["steps"][step][key].as_str().expect("words").to_owned();
    let planned = scene.read(&enrollment).await;
    assert!(said(&planned, 1, "because").contains("it is due then, and nothing is expected to hold it"), "{planned}");
    let rules = planned["steps"][1]["explanation"].as_array().expect("rules");
    assert!(rules.iter().any(|rule| rule["rule"] == "window" && rule["verdict"] == "allows"), "{rules:?}");
    scene.act(&enrollment, "pause", json!({})).await.expect(200);
    let paused = scene.read(&enrollment).await;
    assert_eq!(said(&paused, 0, "because"), "It is paused until someone resumes it.");
    assert_eq!(said(&paused, 0, "releases"), "Someone, by pressing Resume.");
    assert!(said(&paused, 1, "because").starts_with("It has no date yet: it comes "), "{paused}");
    assert_eq!(said(&paused, 1, "releases"), "What step 1 waits for.");
    scene.act(&enrollment, "stop", json!({})).await.expect(200);
    let stopped = scene.read(&enrollment).await;
    assert_eq!(statuses(&stopped), ["cancelled", "cancelled"]);
    assert_eq!(said(&stopped, 1, "because"), "It was not sent: the sequence ended because it was stopped.");
    assert_eq!(said(&stopped, 1, "releases"), "Nothing: it is over. The person can be enrolled again.");
}
