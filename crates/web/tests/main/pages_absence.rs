//! *Not the right date?* at an automatic answer: on the page of a person without scripts, and in the API.

use crate::{
    api_inbound::message,
    installation::id,
    pages_people::{Page, scene},
};
use relance_engine::stepper::Stepper;
use serde_json::json;

/// Maya got the first of two emails and answered automatically, without a date.
async fn away() -> (crate::installation::Installation, crate::pages_people::Browser, String, String) {
    let (at, browser, sequence, lead) = scene().await;
    let asked = json!({ "sequence_id": sequence, "person_id": lead });
    let enrollment = id(&at.admin.post("/enrollments", asked).await.expect(201));
    let mut stepper = Stepper::start(at.engine.clone()).await.expect("a stepper");
    stepper.run_due().await.expect("a turn");
    let read = at.admin.get(&format!("/enrollments/{enrollment}")).await.expect(200);
    let mailbox = read["mailbox_id"].as_str().expect("a mailbox").to_owned();
    let answer = json!({ "to_delivery": read["steps"][0]["delivery"]["id"], "kind": "auto_reply",
        "text": "I am out of the office." });
    at.admin.post(&format!("/mailboxes/{mailbox}/sandbox/inbound"), answer).await.expect(204);
    stepper.run_due().await.expect("a turn");
    (at, browser, lead, enrollment)
}

/// Where the form of the history goes.
fn action(page: &Page) -> Option<String> {
    let form = page.html.split("<details class=\"feed-fix\">").nth(1)?;
    Some(form.split("action=\"").nth(1)?.split('"').next()?.to_owned())
}

#[tokio::test]
async fn the_history_offers_to_correct_a_return_and_says_what_was_done() {
    let (at, browser, lead, enrollment) = away().await;
    let page = browser.get(&format!("/people/{lead}")).await;
    page.shows(200, &["Not the right date?", "First day back", "type=\"date\""]);
    page.shows(200, &["Out of office", "Why it is taken for this", "It says that it was sent automatically"]);
    let form = action(&page).expect("a form");
    let wrong = browser.post(&form, &[("date", "soon")]).await;
    assert_eq!(browser.said(&wrong).await, "Choose the day the person is back.");
    let past = browser.post(&form, &[("date", "2020-01-01")]).await;
    assert!(browser.said(&past).await.contains("Choose today"));
    let day = at.engine.now().plus_ms(30 * 86_400_000).zoned(&jiff::tz::TimeZone::UTC).date();
    let moved = browser.post(&form, &[("date", &day.to_string())]).await;
    let words = day.strftime("%A %-d %B").to_string();
    assert_eq!(browser.said(&moved).await, format!("1 sequence waits until {words}."));
    let page = browser.get(&format!("/people/{lead}")).await;
    page.shows(200, &["Return date corrected; goes on", &format!("back {words}"), &format!("value=\"{day}\"")]);
    let read = at.admin.get(&format!("/enrollments/{enrollment}")).await.expect(200);
    assert_eq!(read["state"], "paused");
    at.admin.post(&format!("/enrollments/{enrollment}/resume"), json!({})).await.expect(200);
    assert_eq!(action(&browser.get(&format!("/people/{lead}")).await), None, "nothing waits for it any more");
    let late = browser.post(&form, &[("date", &day.to_string())]).await;
    assert_eq!(browser.said(&late).await, "Nothing waits for this return any more.");
}

#[tokio::test]
async fn the_api_corrects_a_return_too() {
    let (at, _, lead, enrollment) = away().await;
    let listed = at.admin.get(&format!("/inbound?person_id={lead}")).await.expect(200);
    let path = format!("/inbound/{}/return_date", id(&listed["items"][0]));
    let day = at.engine.now().plus_ms(30 * 86_400_000).zoned(&jiff::tz::TimeZone::UTC).date();
    let asked = json!({ "date": day });
    let done = at.admin.post(&path, asked.clone()).await.expect(200);
    assert_eq!(done, json!({ "date": day, "enrollments": 1, "is_back": false }));
    assert_eq!(at.other.post(&path, asked.clone()).await.status, 403);
    assert_eq!(at.admin.post(&path, json!({ "date": "soon" })).await.status, 422);
    assert_eq!(at.admin.post(&path, json!({ "date": "2020-01-01" })).await.refusal(), (422, "in_the_past", "date"));
    let mailbox = at.admin.get(&format!("/enrollments/{enrollment}")).await.expect(200);
    let other = message(&at, mailbox["mailbox_id"].as_str().expect("a mailbox"), 1).await;
    assert_eq!(at.admin.post(&format!("/inbound/{other}/return_date"), asked).await.refusal().1, "no_absence");
}
