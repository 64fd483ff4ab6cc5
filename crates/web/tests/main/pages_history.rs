//! What changes what a person gets stands in their history, with who did it and why.

use crate::installation::{Installation, ids};
use crate::pages_people::{Browser, scene};
use relance_domain::{
    PersonId,
    enrollment::{BlockReason, Event},
};
use relance_storage::{
    enrollments::{self, Change},
    inbound::{self, Tray},
};
use serde_json::json;

/// A lead in the sequence; the ids of the lead, the enrollment and its step.
async fn started() -> (Installation, Browser, String, String, String) {
    let (at, browser, sequence, lead) = scene().await;
    browser.post(&format!("/people/{lead}/enroll"), &[("sequence", &sequence)]).await.shows(303, &[]);
    let mut tx = at.engine.store.read().await.expect("a view");
    let person: PersonId = lead.parse().expect("an id");
    let row = enrollments::of_person(&mut tx, person).await.expect("rows").remove(0).enrollment;
    drop(tx);
    (at, browser, lead, row.id.to_string(), row.state.step().expect("a step").to_string())
}

#[tokio::test]
async fn an_edited_email_and_the_way_back_are_told() {
    let (_at, browser, lead, enrollment, step) = started().await;
    let edit = format!("/enrollments/{enrollment}/steps/{step}");
    let words = [("email.subject", "Only for you"), ("email.format", "text"), ("email.body", "Hello")];
    browser.post(&format!("{edit}/edit"), &words).await.shows(303, &[]);
    let feed = format!("/people/{lead}?show=changes");
    browser.get(&feed).await.shows(200, &["Winter depots email edited", "by Ada Admin: Email edited before it leaves"]);
    browser.post(&format!("{edit}/reset"), &[]).await.shows(303, &[]);
    browser.get(&feed).await.shows(200, &["by Ada Admin: Email back to the words of the sequence"]);
}

/// The lead's enrollment is held by a message that waits in the tray; the message's id.
async fn held(at: &Installation, lead: &str, enrollment: &str) -> String {
    let mailbox = ids(&at.admin.get("/mailboxes").await.expect(200)).remove(0);
    let message = crate::api_inbound::message(at, &mailbox, 1).await;
    let person: PersonId = lead.parse().expect("an id");
    let mut tx = at.engine.store.begin().await.expect("a transaction");
    inbound::set_tray(&mut tx, message, Tray::Open, Some(person)).await.expect("found");
    let id = enrollment.parse().expect("an id");
    let stored = enrollments::find_for_update(&mut tx, id).await.expect("read").expect("an enrollment");
    let event = Event::Blocked { reason: BlockReason::HeldForReview, resumes_at: None };
    let state = stored.enrollment.state.clone().after(event, at.engine.now()).expect("held");
    assert!(enrollments::save(&mut tx, Change::of(&stored, &state), at.engine.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
    message.to_string()
}

#[tokio::test]
async fn what_was_decided_in_the_review_tray_is_told() {
    let (at, browser, lead, enrollment, _) = started().await;
    let message = held(&at, &lead, &enrollment).await;
    browser.post(&format!("/review/{message}/ignore"), &[]).await.shows(303, &[]);
    let feed = format!("/people/{lead}?show=changes");
    browser.get(&feed).await.shows(200, &["Winter depots goes on", "by Ada Admin: Decided: it was no answer"]);

    let (at, browser, lead, enrollment, _) = started().await;
    let message = held(&at, &lead, &enrollment).await;
    browser.post(&format!("/review/{message}/assign"), &[("person_id", &lead)]).await.shows(303, &[]);
    let feed = format!("/people/{lead}?show=changes");
    browser.get(&feed).await.shows(200, &["Winter depots ended", "by Ada Admin, because Ann replied"]);
}

#[tokio::test]
async fn a_pause_of_the_whole_sequence_or_mailbox_is_told_to_everyone_in_it() {
    let (at, browser, lead, _, _) = started().await;
    let sequence = ids(&at.admin.get("/sequences").await.expect(200)).remove(0);
    let mailbox = ids(&at.admin.get("/mailboxes").await.expect(200)).remove(0);
    let feed = format!("/people/{lead}?show=changes");
    for (path, words) in [
        (format!("/sequences/{sequence}/pause"), "by Ada Admin: The whole sequence was paused"),
        (format!("/sequences/{sequence}/resume"), "by Ada Admin: The whole sequence was resumed"),
        (format!("/settings/mailboxes/{mailbox}/pause"), "by Ada Admin: The mailbox was paused"),
        (format!("/settings/mailboxes/{mailbox}/resume"), "by Ada Admin: The mailbox was resumed"),
    ] {
        browser.post(&path, &[]).await.shows(303, &[]);
        browser.get(&feed).await.shows(200, &[words]);
    }
}

#[tokio::test]
async fn a_stop_of_all_sending_is_told_to_everyone_who_is_in_a_sequence_and_to_nobody_else() {
    let (at, browser, lead, _, _) = started().await;
    let other = json!({ "kind": "lead", "last_name": "Idle", "email": "idle@prospect.test" });
    let other = at.admin.post("/people", other).await.expect(201)["id"].as_str().expect("an id").to_owned();
    browser.post("/workspace/pause", &[]).await.shows(303, &[]);
    let feed = format!("/people/{lead}?show=changes");
    browser.get(&feed).await.shows(200, &["All sending stopped", "by Ada Admin"]);
    browser.post("/workspace/resume", &[]).await.shows(303, &[]);
    browser.get(&feed).await.shows(200, &["All sending resumed", "by Ada Admin"]);
    let told = at.admin.get(&format!("/activities?person_id={lead}&kind=sequence_paused")).await.expect(200);
    assert_eq!(told["items"].as_array().map(Vec::len), Some(1), "{told}");
    let pause = told["items"][0]["id"].as_str().expect("an id");
    let one = at.admin.get(&format!("/activities/{pause}?person_id={lead}")).await.expect(200);
    assert_eq!(one, told["items"][0]);
    at.admin.get(&format!("/activities/{pause}?person_id={other}")).await.expect(404);
    let untold = at.admin.get(&format!("/activities?person_id={other}&kind=sequence_paused,sequence_resumed")).await;
    assert_eq!(untold.expect(200)["items"].as_array().map(Vec::len), Some(0));
}
