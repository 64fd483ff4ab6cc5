//! Actions on many people as a browser without scripts uses them: asked with numbers, reported row by row, taken back;
//! and lists as files.

use crate::installation::{Installation, send, two_emails};
use crate::list_browser::{Browser, person, three};
use axum::{body::Body, http::Request};
use relance_engine::jobs::run_next_job;
use serde_json::json;

#[tokio::test]
async fn a_bulk_action_asks_with_numbers_acts_once_and_is_undone() {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let sequence = at.admin.sequence("Winter depots", two_emails()).await;
    let [almeida, bergson, _] = three(&at).await;
    let enroll = json!({ "sequence_id": sequence, "person_ids": [&almeida] });
    at.admin.post("/enrollments/bulk", enroll).await;
    let browser = Browser::admin(&at).await;
    let chosen = [("kind", "lead"), ("id", almeida.as_str()), ("id", bergson.as_str())];
    let stop = browser.post("/people/bulk", &[&chosen[..], &[("action", "delete")]].concat()).await;
    stop.shows(&["Delete 2 leads"]);
    let ask = browser.post("/people/bulk", &[&chosen[..], &[("action", "tag")]].concat()).await;
    ask.shows(&["Tag 2 leads", "known-tags"]);
    let once = ask.hidden("once");
    let answer = [("action", "tag"), ("confirmed", "1"), ("once", once.as_str()), ("add", "hot"), ("remove", "reefer")];
    let fields = [&chosen[..], &answer[..]].concat();
    let (first, second) = (browser.post("/people/bulk", &fields).await, browser.post("/people/bulk", &fields).await);
    assert_eq!((first.leads(), second.leads()), ("/leads", "/leads"));
    let page = browser.follow(&first).await;
    page.shows(&["Tagged 2 people.", &format!("/jobs/{once}/undo")]);
    let tags = |who: String| {
        let client = at.admin.clone();
        async move { client.get(&format!("/people/{who}")).await.expect(200)["tags"].clone() }
    };
    assert_eq!(tags(almeida.clone()).await, json!(["hot"]));
    let undone = browser.post(&format!("/jobs/{once}/undo?back=/leads"), &[]).await;
    browser.follow(&undone).await.shows(&["Undone for 2 people."]);
    assert_eq!((tags(almeida.clone()).await, tags(bergson.clone()).await), (json!(["reefer"]), json!([])));
    browser.post(&format!("/jobs/{once}/undo?back=/leads"), &[]).await.leads();
    browser.get(&format!("/jobs/{once}")).await.shows(&["This was undone."]);
}

#[tokio::test]
async fn what_a_rule_refuses_is_listed_with_its_reason_and_the_rest_is_done() {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let sequence = at.admin.sequence("Winter depots", two_emails()).await;
    let [almeida, bergson, _] = three(&at).await;
    at.admin.post("/enrollments/bulk", json!({ "sequence_id": sequence, "person_ids": [&almeida] })).await;
    let browser = Browser::admin(&at).await;
    let chosen = [("kind", "lead"), ("id", almeida.as_str()), ("id", bergson.as_str())];
    let ask = browser.post("/people/bulk", &[&chosen[..], &[("action", "stop")]].concat()).await;
    ask.shows(&["Stop 1 sequence and cancel 2 scheduled emails"]);
    let once = ask.hidden("once");
    let answer = [("action", "stop"), ("confirmed", "1"), ("once", once.as_str())];
    let done = browser.post("/people/bulk", &[&chosen[..], &answer[..]].concat()).await;
    let report = browser.get(done.leads()).await;
    report.shows(&[
        "Stopped the sequences of 1 person",
        "Bergson",
        "No sequence of this person can be changed this way.",
    ]);
    report.lacks(&["Undo"]);
    let nobody = browser.post("/people/bulk", &[("kind", "lead"), ("action", "stop")]).await;
    browser.follow(&nobody).await.shows(&["Nobody is selected."]);
}

#[tokio::test]
async fn many_people_are_done_by_a_job_that_goes_on_alone_and_is_undone_from_its_page() {
    let at = Installation::new().await;
    let mut csv = "Last name,Email\r\n".to_owned();
    (0..1_050).for_each(|n| csv += &format!("P{n},p{n}@prospect.test\r\n"));
    let request = Request::post("/api/v1/people/import?kind=lead")
        .header("authorization", format!("Bearer {}", at.admin.token))
        .header("content-type", "text/csv")
        .body(Body::from(csv))
        .expect("a request");
    assert!(send(&at.router, request).await.status < 300);
    while run_next_job(&at.engine).await.expect("a chunk") {}
    let browser = Browser::admin(&at).await;
    let fields = [("kind", "lead"), ("all", "1"), ("action", "tag")];
    let ask = browser.post("/people/bulk", &fields).await;
    ask.shows(&["Tag 1,050 leads"]);
    let once = ask.hidden("once");
    let answer = [("confirmed", "1"), ("once", once.as_str()), ("add", "hot")];
    let started = browser.post("/people/bulk", &[&fields[..], &answer[..]].concat()).await;
    assert!(started.leads().starts_with(&format!("/jobs/{once}")), "{}", started.to);
    assert!(run_next_job(&at.engine).await.expect("a chunk"));
    browser.get(started.leads()).await.shows(&["100 of 1,050", "It goes on if you close this page."]);
    while run_next_job(&at.engine).await.expect("a chunk") {}
    browser.get(started.leads()).await.shows(&["1,050 of 1,050", "Undo", "Finished"]);
    let undo = browser.post(&format!("/jobs/{once}/undo?back=/leads"), &[]).await;
    while run_next_job(&at.engine).await.expect("a chunk") {}
    browser.get(undo.leads()).await.shows(&["1,050 of 1,050"]);
    browser.get("/leads?tag=hot").await.shows(&["Nobody matches these filters"]);
}

#[tokio::test]
async fn an_export_has_the_chosen_columns_of_everyone_who_matches_and_no_formula() {
    let at = Installation::new().await;
    let [almeida, ..] = three(&at).await;
    person(&at, "=HYPERLINK(1)", json!({ "email": "evil@prospect.test", "address": { "country": "PT" } })).await;
    let browser = Browser::admin(&at).await;
    let dialog = browser.get("/people/export?kind=lead&rule=address.country:is:PT").await;
    dialog.shows(&["Export 3 leads", "Every field", "name=\"all\""]);
    browser.post("/people/columns", &[("kind", "lead"), ("column", "email"), ("column", "tags")]).await.leads();
    let asked = [("kind", "lead"), ("all", "1"), ("rule", "address.country:is:PT"), ("fields", "shown")];
    let file = browser.post("/people/export.csv", &asked).await;
    let lines: Vec<&str> = file.html.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, "Id,Name,Email,Tags"), "{}", file.html);
    assert!(lines.iter().any(|line| line.contains("'=HYPERLINK(1)")), "{}", file.html);
    assert!(lines.contains(&format!("{almeida},Almeida,Almeida@prospect.test,reefer").as_str()), "{}", file.html);
    let one = [("kind", "lead"), ("id", almeida.as_str()), ("fields", "all"), ("mark", "1")];
    let file = browser.post("/people/export.csv", &one).await;
    assert!(file.html.starts_with('\u{feff}') && file.html.contains("Country") && file.html.lines().count() == 2);
}

/// Two leads, and a contact with the address of the first.
async fn one_to_merge(at: &Installation) -> (String, String, String) {
    let (lead, other) = (person(at, "Almeida", json!({ "title": "Head" })).await, person(at, "Costa", json!({})).await);
    let fields = json!({ "kind": "contact", "email": "ALMEIDA@prospect.test", "first_name": "Ana" });
    (lead, other, person(at, "Existing", fields).await)
}

#[tokio::test]
async fn converting_many_asks_once_about_merging_and_names_each_contact() {
    let at = Installation::new().await;
    let (lead, other, contact) = one_to_merge(&at).await;
    let browser = Browser::admin(&at).await;
    let chosen = [("kind", "lead"), ("id", lead.as_str()), ("id", other.as_str()), ("action", "convert")];
    let ask = browser.post("/people/bulk", &chosen).await;
    ask.shows(&[
        "Convert 2 leads",
        "1 lead shares its email address with a contact.",
        "Merge into the existing contact",
        "Leave this one out",
    ]);
    let once = ask.hidden("once");
    let answer = [("confirmed", "1"), ("once", once.as_str()), ("merge", "merge")];
    let done = browser.post("/people/bulk", &[&chosen[..], &answer[..]].concat()).await;
    browser.get(done.leads()).await.shows(&["Converted 2 people", "Almeida", "Merged into Ana Existing."]);
    browser.get(&format!("/jobs/{once}")).await.shows(&["Merged, each with its contact", "Ana Existing"]);
    assert_eq!(browser.get(&format!("/people/{lead}")).await.leads(), format!("/people/{contact}"));
    assert_eq!(at.admin.get(&format!("/people/{contact}")).await.expect(200)["title"], "Head");
    assert_eq!(at.admin.get(&format!("/people/{other}")).await.expect(200)["kind"], "contact");
}

#[tokio::test]
async fn converting_many_leaves_those_out_who_have_a_contact_and_says_which() {
    let at = Installation::new().await;
    let (lead, other, _) = one_to_merge(&at).await;
    let browser = Browser::admin(&at).await;
    let chosen = [("kind", "lead"), ("all", "1"), ("action", "convert")];
    browser.post("/people/bulk", &chosen).await.shows(&["Convert 2 leads", "1 lead shares its email address"]);
    let done = browser.post("/people/bulk", &[&chosen[..], &[("confirmed", "1"), ("merge", "")]].concat()).await;
    browser.get(done.leads()).await.shows(&[
        "Converted 1 person",
        "Almeida",
        "Ana Existing is a contact with the same email.",
    ]);
    assert_eq!(at.admin.get(&format!("/people/{lead}")).await.expect(200)["kind"], "lead");
    assert_eq!(at.admin.get(&format!("/people/{other}")).await.expect(200)["kind"], "contact");
    let ask = browser.post("/people/bulk", &[("kind", "lead"), ("id", other.as_str()), ("action", "convert")]).await;
    ask.lacks(&["Merge into the existing contact"]);
}

#[tokio::test]
async fn resuming_many_is_undone_like_pausing_them() {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let sequence = at.admin.sequence("Winter depots", two_emails()).await;
    let [almeida, ..] = three(&at).await;
    let enroll = json!({ "sequence_id": sequence, "person_ids": [&almeida] });
    at.admin.post("/enrollments/bulk", enroll).await.expect(200);
    let browser = Browser::admin(&at).await;
    let state = || async { at.admin.get("/enrollments").await.expect(200)["items"][0]["state"].clone() };
    let until = "2026-04-01T09:00";
    for (action, after, undone) in [("pause", "paused", "active"), ("resume", "active", "paused")] {
        let mut fields = vec![("kind", "lead"), ("id", almeida.as_str()), ("action", action), ("confirmed", "1")];
        fields.push(("at", if action == "pause" { until } else { "" }));
        let done = browser.post("/people/bulk", &fields).await;
        assert_eq!(state().await, after, "{action}");
        let page = browser.follow(&done).await;
        let undo = page.html.split("action=\"/jobs/").nth(1).and_then(|rest| rest.split('"').next()).expect("undo");
        let undo = format!("/jobs/{}", undo.replace("&#38;", "&"));
        browser.follow(&browser.post(&undo, &[]).await).await.shows(&["Undone for 1 person."]);
        assert_eq!(state().await, undone, "{action} taken back");
        if action == "pause" {
            browser.post("/people/bulk", &fields).await.leads();
        }
    }
    let paused = &at.admin.get("/enrollments").await.expect(200)["items"][0];
    assert_eq!(paused["paused"]["until"], "2026-04-01T07:00:00Z", "with its date: {paused:#}");
}

#[tokio::test]
async fn starting_for_few_leaves_a_report_that_outlives_the_page() {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let sequence = at.admin.sequence("Winter depots", two_emails()).await;
    let [almeida, ..] = three(&at).await;
    let nobody = person(&at, "Nobody", json!({ "email": "" })).await;
    let browser = Browser::admin(&at).await;
    let chosen = [("kind", "lead"), ("id", almeida.as_str()), ("id", nobody.as_str()), ("in", sequence.as_str())];
    let check = browser.post("/people/enroll", &[&chosen[..], &[("pane", "check")]].concat()).await;
    check.shows(&["Start for 1 person"]);
    let once = check.hidden("once");
    let start = [&chosen[..], &[("pane", "start"), ("once", once.as_str())]].concat();
    let (first, second) = (browser.post("/people/enroll", &start).await, browser.post("/people/enroll", &start).await);
    assert_eq!(first.leads(), second.leads(), "a second click starts nothing twice");
    browser.get(first.leads()).await.shows(&["Winter depots started for 1 person", "Nobody", "no email address"]);
    browser.get(&format!("/jobs/{once}")).await.shows(&["Enroll 2 people", "Started", "Nobody"]);
    let rows = at.admin.get(&format!("/jobs/{once}/rows")).await.expect(200);
    assert_eq!(rows["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn who_lacks_values_is_led_to_the_table_that_fills_them_in() {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let steps = json!([{ "action": "automated_email",
        "email": { "subject": "Hello", "body_html": "<p>{{ person.industry }}</p>" } }]);
    let sequence = at.admin.sequence("Winter depots", steps).await;
    let [almeida, ..] = three(&at).await;
    let browser = Browser::admin(&at).await;
    let chosen = [("kind", "lead"), ("id", almeida.as_str()), ("in", sequence.as_str()), ("pane", "check")];
    let check = browser.post("/people/enroll", &chosen).await;
    let href = format!("/complete-data?sequence={sequence}&#38;id={almeida}");
    check.shows(&["Waits for data", "Complete data", &href]);
    let one = browser.get(&format!("/people/{almeida}/enroll?sequence={sequence}")).await;
    one.shows(&["Complete data", &href]);
    browser.get(&href.replace("&#38;", "&")).await.shows(&["Almeida", "Industry"]);
    let path = format!("/people/{almeida}/fields/industry");
    assert_eq!(browser.post(&path, &[("industry", "Cold chain")]).await.status, 303);
    browser.post("/people/enroll", &chosen).await.lacks(&["Complete data"]);
}
