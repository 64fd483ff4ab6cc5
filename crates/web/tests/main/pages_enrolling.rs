//! Bulk enrolling with its check and chart, one person's edited email, and dates that are told before they are set.

use crate::{
    installation::Installation,
    pages_people::{Browser, scene},
};
use relance_engine::stepper::Stepper;
use serde_json::json;

async fn enrollment_of(at: &Installation, person: &str) -> (String, String) {
    let mut tx = at.engine.store.read().await.expect("a view");
    let person = person.parse().expect("an id");
    let row = relance_storage::enrollments::of_person(&mut tx, person).await.expect("rows").remove(0).enrollment;
    (row.id.to_string(), row.state.step().expect("a step").to_string())
}

/// A lead in the sequence, whose first email leaves tomorrow.
async fn started() -> (Installation, Browser, String, String, String) {
    let (at, browser, sequence, lead) = scene().await;
    let fields = [("sequence", sequence.as_str()), ("start", "at"), ("at", "2026-03-04T11:00")];
    browser.post(&format!("/people/{lead}/enroll"), &fields).await.shows(303, &[]);
    let (id, step) = enrollment_of(&at, &lead).await;
    (at, browser, lead, id, step)
}

#[tokio::test]
async fn a_bulk_enrollment_is_checked_with_its_chart_before_it_starts() {
    let (at, browser, sequence, lead) = scene().await;
    let nowhere = at.admin.lead("Nowhere", "").await;
    let fields = |pane: &'static str| {
        vec![
            ("id", lead.clone()),
            ("id", nowhere.clone()),
            ("kind", "lead".into()),
            ("in", sequence.clone()),
            ("pane", pane.into()),
        ]
    };
    let post = async |fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/people/enroll", &fields).await
    };
    let check = post(fields("check")).await;
    check.shows(
        200,
        &[
            "for 2 people",
            "<svg class=\"chart\"",
            "class=\"bar1\"",
            "class=\"bar2\"",
            "Daily quota of this mailbox",
            "The same as a table",
            "Last first email leaves",
            "has no email address",
            "Start for 1 person",
            "Add email",
        ],
    );
    let refused = post([fields("check"), vec![("rows", "refused".into())]].concat()).await;
    refused.shows(200, &["has no email address", "1–1 of 1"]);
    assert!(!refused.html.contains("maya@kestrel"), "only those who are left out");
    // The file holds the same rows; who is left out has the whole reason.
    let file = async |rows: &'static str| {
        let fields = [fields("check"), vec![("rows", rows.into())]].concat();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/people/enroll/check.csv", &fields).await
    };
    let all = file("").await;
    all.shows(
        200,
        &["Id,Name,Organisation,Email,Outcome,Reason,First step", ",Ann Nowhere,,,Left out,", ",Starts,,2026-03-"],
    );
    assert_eq!(all.headers["content-type"], "text/csv; charset=utf-8");
    let left_out = file("refused").await;
    left_out.shows(200, &["has no email address"]);
    assert_eq!(left_out.html.lines().count(), 2, "a head and one row: {}", left_out.html);
    let later =
        [fields("check"), vec![("start", "at".into()), ("at", "2026-03-09T10:00".into()), ("from", "2".into())]];
    let later = post(later.concat()).await;
    later.shows(200, &["value=\"2026-03-09T10:00\"", "<option value=\"2\" selected"]);
    assert!(later.html.contains("11 Mar"), "two business days after the start: {}", later.html);
    post([fields("start"), vec![("start", "at".into())]].concat()).await.shows(422, &["Choose a date and time."]);
    let report = post(fields("start")).await;
    assert_eq!(report.status, 303, "{}", report.html);
    browser.get(&report.location()).await.shows(200, &["has no email address", "started for 1 person"]);
    enrollment_of(&at, &lead).await;
}

#[tokio::test]
async fn one_persons_email_is_edited_previewed_sent_and_can_go_back() {
    let (at, browser, _lead, id, step) = started().await;
    let page = browser.get(&format!("/enrollments/{id}")).await;
    let edit = format!("/enrollments/{id}/steps/{step}/edit");
    page.shows(200, &["Edit this email", &edit]);
    browser.get(&edit).await.shows(200, &["value=\"Hello\"", "Hi {{ person.first_name }}", "Only this person"]);
    let words = [
        ("email.subject", "Doors & <b>"),
        ("email.format", "text"),
        ("email.body", "Dear {{ person.first_name }}, {{ person.industry }}"),
    ];
    let preview = browser.post(&format!("/enrollments/{id}/steps/{step}/preview"), &words).await;
    preview.shows(200, &["Doors &amp; &lt;b&gt;", "Dear Ann", "has no value for", "industry"]);
    let wrong = [("email.subject", "x"), ("email.format", "text"), ("email.body", "{{ person.nam }}")];
    browser.post(&edit, &wrong).await.shows(422, &["aria-invalid=\"true\"", "{{ person.nam }}"]);
    let saved =
        browser.post(&edit, &[("email.subject", "Doors"), ("email.format", "text"), ("email.body", "Dear you")]).await;
    assert_eq!(browser.said(&saved).await, "Saved. Only this person gets these words.");
    browser.get(&format!("/enrollments/{id}")).await.shows(200, &["Edited by", "Doors"]);
    let shown = at.admin.get(&format!("/enrollments/{id}")).await.expect(200);
    assert!(shown["steps"][0]["edited_by"].is_string() && shown["steps"][0]["may_edit"] == true, "{shown:#}");
    let back = browser.post(&format!("/enrollments/{id}/steps/{step}/reset"), &[]).await;
    assert_eq!(browser.said(&back).await, "Back to the words of the sequence.");
    browser.get(&edit).await.shows(200, &["value=\"Hello\""]);
    // Once it has left it explains itself and can no longer be edited.
    let mut stepper = Stepper::start(at.engine.clone()).await.expect("the engine starts");
    at.engine.clock.advance(3 * relance_domain::time::DAY);
    stepper.run_due().await.expect("sent");
    let page = browser.get(&format!("/enrollments/{id}?step={step}")).await;
    page.shows(200, &["Why then", "It left"]);
    browser.get(&edit).await.shows(422, &[]);
}

#[tokio::test]
async fn the_dates_of_a_pause_and_of_a_new_date_are_shown_before_they_are_set() {
    let (_at, browser, _lead, id, _step) = started().await;
    browser.get(&format!("/enrollments/{id}/pause")).await.shows(200, &["turbo-frame id=\"dates\"", "pause/dates"]);
    let dates = browser.post(&format!("/enrollments/{id}/pause/dates"), &[("at", "2026-03-10T10:00")]).await;
    dates.shows(200, &["What follows", "1. Email", "10 Mar", "2. Email", "12 Mar"]);
    let moved = browser.post(&format!("/enrollments/{id}/reschedule/dates"), &[("at", "2026-03-11T10:00")]).await;
    moved.shows(200, &["11 Mar", "13 Mar"]);
    browser
        .post(&format!("/enrollments/{id}/pause/dates"), &[("at", "2020-01-01T10:00")])
        .await
        .shows(422, &["still to come"]);
    browser.post(&format!("/enrollments/{id}/pause/dates"), &[("at", "")]).await.shows(200, &["after someone resumes"]);
    browser.get(&format!("/enrollments/{id}")).await.shows(200, &["Reschedule", "Skip this step"]);
}

#[tokio::test]
async fn the_widget_says_what_holds_a_sequence_everyone_waits_for() {
    let (at, browser, lead, ..) = started().await;
    browser.get(&format!("/people/{lead}")).await.shows(200, &["Next email", "Winter depots"]);
    let admin = relance_domain::user::Actor::User { id: at.admin.id, role: at.admin.role };
    at.engine.pause_workspace(&admin).await.expect("stopped");
    browser.get(&format!("/people/{lead}")).await.shows(200, &["Held: all sending is stopped"]);
}

#[tokio::test]
async fn every_step_of_an_enrollment_is_explained_on_its_page() {
    let (at, browser, _, id, first) = started().await;
    let page = browser.get(&format!("/enrollments/{id}")).await;
    page.shows(200, &["It is not due before", "Time window", "What releases it", "The clock, at"]);
    let mut tx = at.engine.store.read().await.expect("a view");
    let enrollment = id.parse().expect("an id");
    let stored = relance_storage::enrollments::find(&mut tx, enrollment).await.expect("read").expect("a row");
    let version = relance_storage::sequences::find_version(&mut tx, stored.enrollment.version_id).await;
    drop(tx);
    let steps = version.expect("read").expect("a version").plan.steps;
    let second = steps.iter().find(|step| step.id.to_string() != first).expect("a second step").id;
    let later = browser.get(&format!("/enrollments/{id}?step={second}")).await;
    later.shows(200, &["Planned", "nothing is expected to hold it", "By the rules at that moment", "Daily quota"]);
    browser.post(&format!("/enrollments/{id}/stop"), &[]).await;
    let ended = browser.get(&format!("/enrollments/{id}?step={second}")).await;
    ended.shows(200, &["Cancelled", "It was not sent: the sequence ended because it was stopped."]);
}

#[tokio::test]
async fn only_a_task_that_is_waited_for_holds_the_next_email_and_it_is_named_in_its_own_words() {
    let (at, browser, _, lead) = scene().await;
    let steps = |mode: &str| {
        json!([
            { "action": "task",
              "task": { "kind": "call", "content": "Call {{ person.last_name }} first", "due_in_days": 1, "mode": mode } },
            { "wait": { "amount": 2, "unit": "business_days" }, "action": "automated_email",
              "email": { "subject": "Hello", "body_html": "<p>Hi</p>" } }
        ])
    };
    let (goes_on, waits) =
        (at.admin.sequence("Goes on", steps("go_on")).await, at.admin.sequence("Waits", steps("wait")).await);
    let other = at.admin.lead("Fiedler", "jonas@nordlicht.example").await;
    browser.post(&format!("/people/{lead}/enroll"), &[("sequence", goes_on.as_str())]).await.shows(303, &[]);
    browser.post(&format!("/people/{other}/enroll"), &[("sequence", waits.as_str())]).await.shows(303, &[]);
    browser.get("/leads?view=table").await.shows(200, &["Call Fiedler first"]);
    Stepper::start(at.engine.clone()).await.expect("a stepper").run_due().await.expect("a turn");
    let page = browser.get(&format!("/people/{lead}")).await;
    page.shows(200, &["Next email"]);
    assert!(!page.html.contains("Goes on after task"), "the task is open, but nothing waits for it");
    browser.get(&format!("/people/{other}")).await.shows(200, &["Goes on after task", "Call Fiedler first"]);
    let (id, _) = enrollment_of(&at, &lead).await;
    browser.get(&format!("/enrollments/{id}")).await.shows(200, &["To do, due tomorrow"]);
}
