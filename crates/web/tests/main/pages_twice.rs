//! Double clicks without scripts, and two tabs of the same page: nothing is done twice.

use crate::{
    installation::Installation,
    pages_people::{Page, scene},
};
use relance_domain::activity::ActivityKind;

/// The address of the form on a page that begins like this, as it stands there.
#[track_caller]
fn action(page: &Page, begins: &str) -> String {
    let marked = format!("action=\"{begins}");
    let at = page.html.find(&marked).unwrap_or_else(|| panic!("no form to {begins} in {}", page.html));
    let address = page.html[at + 8..].split('"').next().unwrap_or_default();
    address.replace("&#38;", "&").replace("&amp;", "&")
}

async fn of_kind(at: &Installation, person: &str, kind: ActivityKind) -> usize {
    let mut tx = at.engine.store.read().await.expect("a view");
    let person = person.parse().expect("an id");
    let found = relance_storage::activities::list_of_person(&mut tx, person, &[kind], None, 50).await;
    found.expect("events").len()
}

#[tokio::test]
async fn a_note_that_is_sent_twice_is_written_once_and_answered_twice() {
    let (at, browser, _, lead) = scene().await;
    let page = browser.get(&format!("/people/{lead}")).await;
    let notes = action(&page, &format!("/people/{lead}/notes"));
    let text = [("text", "Ask for Felixstowe")];
    let (first, second) = tokio::join!(browser.post(&notes, &text), browser.post(&notes, &text));
    for answer in [&first, &second] {
        answer.leads_to(&format!("/people/{lead}"));
        assert_eq!(browser.said(answer).await, "The note is in the history.");
    }
    assert_eq!(of_kind(&at, &lead, ActivityKind::Note).await, 1);
    browser.post(&notes, &[("text", "And for Immingham")]).await.shows(303, &[]);
    assert_eq!(of_kind(&at, &lead, ActivityKind::Note).await, 2, "another text is another note");
    let again = action(&browser.get(&format!("/people/{lead}")).await, &format!("/people/{lead}/notes"));
    browser.post(&again, &text).await.shows(303, &[]);
    assert_eq!(of_kind(&at, &lead, ActivityKind::Note).await, 3, "another page is another note");
}

#[tokio::test]
async fn a_minute_later_the_same_form_is_meant_anew() {
    let (at, browser, _, lead) = scene().await;
    let notes = action(&browser.get(&format!("/people/{lead}")).await, &format!("/people/{lead}/notes"));
    let text = [("text", "Called, no answer")];
    browser.post(&notes, &text).await.shows(303, &[]);
    let before = at.engine.clock.system_now().plus_ms(-61_000);
    let mut tx = at.engine.store.begin().await.expect("a transaction");
    let sql = "UPDATE idempotency_keys SET created_at = $1";
    tx.execute(sql, vec![before.into()]).await.expect("aged");
    tx.commit().await.expect("commit");
    let again = browser.post(&notes, &text).await;
    assert_eq!(browser.said(&again).await, "The note is in the history.");
    assert_eq!(of_kind(&at, &lead, ActivityKind::Note).await, 2);
}

#[tokio::test]
async fn a_form_that_was_refused_can_be_sent_again() {
    let (_at, browser, _, _) = scene().await;
    let new = action(&browser.get("/people/new?kind=lead").await, "/people/new");
    browser.post(&new, &[("first_name", "Nobody")]).await.shows(422, &["last name"]);
    browser.post(&new, &[("first_name", "Nobody")]).await.shows(422, &["last name"]);
    let created = browser.post(&new, &[("last_name", "Somebody")]).await;
    let twice = browser.post(&new, &[("last_name", "Somebody")]).await;
    assert!(created.location().starts_with("/people/per_"), "{}", created.html);
    assert_eq!(twice.location(), created.location(), "one lead");
}

#[tokio::test]
async fn two_clicks_on_an_invitation_show_the_same_link_and_a_token_is_made_once() {
    let (at, browser, _, _) = scene().await;
    let new = action(&browser.get("/settings/users/new").await, "/settings/users/new");
    let ida = [("name", "Ida"), ("email", "ida@acme.test"), ("role", "rep")];
    let (first, second) = tokio::join!(browser.post(&new, &ida), browser.post(&new, &ida));
    for page in [&first, &second] {
        page.shows(201, &["/password/"]);
    }
    assert_eq!(first.html, second.html, "the link of the first is the one that works");
    let new = action(&browser.get("/settings/api").await, "/settings/api");
    let token = [("name", "Reports"), ("scope", "read")];
    let (first, second) = tokio::join!(browser.post(&new, &token), browser.post(&new, &token));
    assert_eq!((first.status, first.html.as_str()), (second.status, second.html.as_str()));
    let mut tx = at.engine.store.read().await.expect("a view");
    let tokens = relance_storage::tokens::list(&mut tx, None).await.expect("tokens");
    assert_eq!(tokens.iter().filter(|token| token.name == "Reports").count(), 1);
}

#[tokio::test]
async fn saving_the_same_change_again_saves_it_and_a_refusal_is_not_kept() {
    let (_at, browser, _, lead) = scene().await;
    let page = browser.get(&format!("/people/{lead}/edit")).await;
    assert_eq!(action(&page, &format!("/people/{lead}/edit")), format!("/people/{lead}/edit"), "no key");
    let notes = action(&browser.get(&format!("/people/{lead}")).await, &format!("/people/{lead}/notes"));
    let long = "x".repeat(50_001);
    for _ in 0..2 {
        let refused = browser.post(&notes, &[("text", long.as_str())]).await;
        assert!(browser.said(&refused).await.contains("50,000"));
    }
}

#[tokio::test]
async fn a_step_is_skipped_once_from_the_page_that_shows_it() {
    let (at, browser, sequence, lead) = scene().await;
    let fields = [("sequence", sequence.as_str()), ("start", "at"), ("at", "2026-03-04T11:00")];
    browser.post(&format!("/people/{lead}/enroll"), &fields).await.shows(303, &[]);
    let mut tx = at.engine.store.read().await.expect("a view");
    let row =
        relance_storage::enrollments::of_person(&mut tx, lead.parse().expect("an id")).await.expect("rows").remove(0);
    drop(tx);
    let id = row.enrollment.id;
    let skip = action(&browser.get(&format!("/enrollments/{id}")).await, &format!("/enrollments/{id}/skip"));
    let done = browser.post(&skip, &[]).await;
    assert!(browser.said(&done).await.contains("Step 1"));
    let late = browser.post(&skip, &[]).await;
    assert!(browser.said(&late).await.contains("another one"), "the second step is not skipped from an old page");
    let mut tx = at.engine.store.read().await.expect("a view");
    let after = relance_storage::enrollments::find(&mut tx, id).await.expect("readable").expect("there");
    assert_eq!(after.position, 2);
}

#[tokio::test]
async fn an_email_to_a_person_is_written_from_their_page_and_sent_once() {
    let (at, browser, _, lead) = scene().await;
    browser.get(&format!("/people/{lead}")).await.shows(200, &[&format!("/people/{lead}/email"), "data-key=\"w\""]);
    let page = browser.get(&format!("/people/{lead}/email")).await;
    page.shows(200, &["Email to ", "ada@acme.test", "maya@kestrel.example"]);
    let send = action(&page, &format!("/people/{lead}/email?task="));
    let empty = browser.post(&send, &[("email.subject", ""), ("email.body", "Hi"), ("email.format", "text")]).await;
    empty.shows(422, &["Hi"]);
    let words =
        [("email.subject", "About the pilot"), ("email.body", "Hi {{ person.last_name }}"), ("email.format", "text")];
    let sent = browser.post(&send, &words).await;
    sent.leads_to(&format!("/people/{lead}"));
    assert!(browser.said(&sent).await.starts_with("Sent on its way"));
    let twice = browser.post(&send, &words).await;
    assert_eq!(browser.said(&twice).await, "This email was sent already.");
    assert_eq!(of_kind(&at, &lead, ActivityKind::TaskDone).await, 1);
    let nowhere = at.admin.lead("Nowhere", "").await;
    let page = browser.get(&format!("/people/{nowhere}/email")).await;
    page.shows(200, &["It cannot be sent yet.", "has no email address", "Add email"]);
}
