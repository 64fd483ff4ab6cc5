//! The page of a person over the router, as a browser without scripts uses it: fields, notes, history, conversion,
//! complete data; and what admins set about it.

use crate::installation::two_emails;
use crate::pages_people::{Page, request, scene};
use relance_domain::{PersonId, person::Fields};
use relance_engine::{commands::preflight::EnrollRequest, stepper::Stepper};
use serde_json::json;

fn person_id(text: &str) -> PersonId {
    text.parse().expect("a person's id")
}

/// The addresses of links on a page that contain `part`.
fn links(page: &Page, part: &str) -> Vec<String> {
    let hrefs = page.html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    hrefs.filter(|href| href.contains(part)).map(|href| href.replace("&#38;", "&")).collect()
}

#[tokio::test]
async fn every_field_is_edited_where_it_stands_and_refusals_stand_at_it() {
    let (_at, browser, _, lead) = scene().await;
    let page = browser.get(&format!("/people/{lead}")).await;
    let groups = links(&page, "/fields/");
    assert!(groups.len() >= 18, "{groups:?}");
    for href in &groups {
        let form = browser.get(href).await;
        form.shows(200, &["<form class=\"form in-place-form\"", "<h1>"]);
        assert_eq!(form.html.matches("<h1").count(), 1, "{href}");
    }
    let field = |name: &str| format!("/people/{lead}/fields/{name}");
    let wrong = browser.post(&field("email"), &[("email", "nonsense")]).await;
    wrong.shows(422, &["value=\"nonsense\"", "it has no @", "aria-invalid=\"true\""]);
    let saved = browser.post(&field("industry"), &[("industry", "Cold chain")]).await;
    assert_eq!(browser.said(&saved).await, "Industry is saved.");
    let address = [("address.city", "Felixstowe"), ("address.country", "GB")];
    browser.said(&browser.post(&field("address"), &address).await).await;
    let tags = [("has.tags", "1"), ("tags", "reefer"), ("tags", "UK ports, vip")];
    browser.said(&browser.post(&field("tags"), &tags).await).await;
    browser.get(&format!("/people/{lead}")).await.shows(
        200,
        &["Cold chain", "Felixstowe, GB", "Europe/London from the country", "UK ports", "vip", "Changed industry"],
    );
    browser.said(&browser.post(&field("tags"), &[("has.tags", "1"), ("tags", "")]).await).await;
    let page = browser.get(&format!("/people/{lead}")).await;
    assert!(!page.html.contains("UK ports"), "boxes that nobody ticked take the tags away");
    browser.get(&field("shoe_size")).await.shows(404, &[]);
}

#[tokio::test]
async fn within_its_frame_a_saved_field_answers_without_a_toast() {
    let (_at, browser, _, lead) = scene().await;
    let headers =
        [("cookie", browser.cookie.as_str()), ("sec-fetch-site", "same-origin"), ("turbo-frame", "fact-phone")];
    let path = format!("/people/{lead}/fields/phone");
    let saved = request(&browser.router, "POST", &path, &headers, "phone=%2B44+20").await;
    assert_eq!((saved.status, saved.location()), (303, format!("/people/{lead}")));
    assert!(saved.headers.get("set-cookie").is_none());
    browser.get(&saved.location()).await.shows(200, &["<turbo-frame id=\"fact-phone\">", "tel:+4420"]);
}

#[tokio::test]
async fn custom_fields_of_every_kind_are_defined_filled_in_put_in_order_and_deleted() {
    let (_at, browser, _, lead) = scene().await;
    for (label, kind, choices) in [
        ("Plan", "list", "Gold\nSilver"),
        ("Days", "multi_list", "Mon\nTue\nWed"),
        ("Renewal", "date", ""),
        ("Seats", "number", ""),
        ("Partner", "yes_no", ""),
        ("Brief", "long_text", ""),
        ("Contract", "url", ""),
        ("Billing", "email", ""),
        ("Fax", "phone", ""),
        ("Nickname", "text", ""),
    ] {
        let made =
            browser.post("/settings/fields/new", &[("label", label), ("kind", kind), ("choices", choices)]).await;
        assert!(browser.said(&made).await.starts_with(label), "{label}");
    }
    browser.post("/settings/fields/new", &[("label", "plan"), ("kind", "text")]).await.shows(422, &["has this name"]);
    browser
        .post("/settings/fields/new", &[("label", "Empty"), ("kind", "list")])
        .await
        .shows(422, &["at least one choice"]);
    let field = |key: &str| format!("/people/{lead}/fields/custom_fields.{key}");
    for (key, value, shown) in [
        ("plan", "Gold", "Gold"),
        ("renewal", "2026-11-24", "2026-11-24"),
        ("seats", "1,250", "1250"),
        ("partner", "yes", "Yes"),
        ("brief", "One\r\nTwo", "One"),
        ("contract", "kestrel.example/c", "https://kestrel.example/c"),
        ("billing", "pay@kestrel.example", "pay@kestrel.example"),
        ("fax", "+44 20 1", "+44 20 1"),
        ("nickname", "<b>Mo</b>", "&#60;b&#62;Mo"),
    ] {
        let saved = browser.post(&field(key), &[(&format!("custom_fields.{key}"), value)]).await;
        assert_eq!(saved.status, 303, "{key}: {}", saved.html);
        browser.get(&format!("/people/{lead}")).await.shows(200, &[shown]);
    }
    let days = [("has.custom_fields.days", "1"), ("custom_fields.days", "Tue"), ("custom_fields.days", "Mon")];
    assert_eq!(browser.post(&field("days"), &days).await.status, 303);
    browser.get(&format!("/people/{lead}")).await.shows(200, &["Mon, Tue"]);
    browser
        .post(&field("seats"), &[("custom_fields.seats", "many")])
        .await
        .shows(422, &["This is not a number.", "value=\"many\""]);
    let list = browser.get("/settings/fields").await;
    list.shows(200, &["Nickname", "person.custom.nickname", "Move Plan down"]);
    let plan = links(&list, "/settings/fields/fld_").remove(0);
    assert_eq!(browser.post(&format!("{plan}/move"), &[("what", "down")]).await.status, 303);
    let moved = browser.get("/settings/fields").await.html;
    assert!(moved.find(">Days<") < moved.find(">Plan<"), "Plan stands below Days now");
    let renamed = browser.post(&plan, &[("label", "Tier"), ("choices", "Silver\nBronze")]).await;
    assert_eq!(browser.said(&renamed).await, "Tier is saved.");
    browser.get(&field("plan")).await.shows(200, &["value=\"Gold\" selected", "Bronze"]);
    let deleted = browser.post(&format!("{plan}/delete"), &[]).await;
    assert!(browser.said(&deleted).await.contains("kept, out of sight"));
    assert!(!browser.get(&format!("/people/{lead}")).await.html.contains(">Tier<"));
}

#[tokio::test]
async fn the_history_is_filtered_and_notes_are_corrected_in_it() {
    let (_at, browser, _, lead) = scene().await;
    let page = format!("/people/{lead}");
    let noted = browser.post(&format!("{page}/notes"), &[("text", "Ask for <Felixstowe>.")]).await;
    assert_eq!(browser.said(&noted).await, "The note is in the history.");
    browser.post(&format!("{page}/fields/phone"), &[("phone", "+44")]).await;
    let all = browser.get(&page).await;
    all.shows(200, &["Ask for &#60;Felixstowe&#62;.", "Changed phone", "aria-label=\"Notes\""]);
    let notes = browser.get(&format!("{page}?show=notes")).await;
    let feed = notes.html.split("<turbo-frame id=\"feed\"").nth(1).expect("the feed").to_owned();
    let feed = feed.split("</turbo-frame>").next().expect("its end").to_owned();
    assert!(feed.contains("Felixstowe") && !feed.contains("Changed phone"));
    browser.get(&format!("{page}?show=replies")).await.shows(200, &["Nothing of this kind"]);
    let note = links(&all, "/notes/act_").remove(0);
    browser.get(&note).await.shows(200, &["Edit note", "Ask for &#60;Felixstowe&#62;."]);
    browser.post(&note, &[("text", " ")]).await.shows(422, &["Write the note first."]);
    browser.said(&browser.post(&note, &[("text", "Ask for Immingham.")]).await).await;
    browser.get(&page).await.shows(200, &["Ask for Immingham.", "edited"]);
    browser.said(&browser.post(&format!("{note}/delete"), &[]).await).await;
    assert!(!browser.get(&page).await.html.contains("Immingham"));
}

#[tokio::test]
async fn older_events_follow_on_their_own_page() {
    let (at, browser, _, lead) = scene().await;
    for n in 0..45 {
        at.engine.add_note(&at.admin.actor(), person_id(&lead), &format!("Note number {n}.")).await.expect("a note");
    }
    let first = browser.get(&format!("/people/{lead}?show=notes")).await;
    first.shows(200, &["Note number 44.", "Older events"]);
    let older = links(&first, "before=").remove(0);
    let second = browser.get(&older).await;
    second.shows(200, &["Note number 4.", "Back to the newest"]);
    assert!(!second.html.contains("Older events"));
}

#[tokio::test]
async fn a_company_lists_its_people_and_is_chosen_by_its_name() {
    let (_at, browser, ..) = scene().await;
    let new = [("organization_name", "Kestrel Freight"), ("has.is_organization", "1"), ("is_organization", "1")];
    let company = browser.post("/people/new?kind=contact", &new).await.location();
    let form =
        browser.get(&format!("/people/new?kind=contact&company={}", company.trim_start_matches("/people/"))).await;
    form.shows(200, &["value=\"Kestrel Freight\"", "More fields"]);
    let maya =
        browser.post("/people/new?kind=contact", &[("last_name", "Okafor"), ("company", "kestrel freight")]).await;
    assert_eq!(maya.status, 303, "{}", maya.html);
    browser.get(&company).await.shows(200, &["People who work here", "Okafor"]);
    browser.get(&maya.location()).await.shows(200, &["Kestrel Freight", &company]);
    let unknown = [("last_name", "Hallam"), ("company", "Nobody Ltd")];
    browser.post("/people/new?kind=contact", &unknown).await.shows(422, &["no company of this name", "Nobody Ltd"]);
    browser.post("/people/companies", &[("company", "kes")]).await.shows(200, &["Kestrel Freight"]);
    let organization = format!("{}/fields/organization", maya.location());
    browser.post(&organization, &[("company", "Nobody Ltd")]).await.shows(422, &["no company of this name"]);
    assert_eq!(browser.post(&organization, &[("company", "")]).await.status, 303);
    browser.get(&company).await.shows(200, &["Nobody works here yet"]);
}

#[tokio::test]
async fn merging_shows_what_is_kept_from_which_side() {
    let (at, browser, sequence, lead) = scene().await;
    let request = EnrollRequest::new(sequence.parse().expect("an id"), vec![person_id(&lead)]);
    at.engine.enroll(&at.admin.actor(), &request).await.expect("enrolled");
    at.engine
        .edit_person(&at.admin.actor(), person_id(&lead), |fields: &mut Fields| {
            fields.phone = "+44 20".to_owned();
            fields.title = "Head".to_owned();
        })
        .await
        .expect("edited");
    let fields = [("last_name", "Contact"), ("title", "VP"), ("email", "maya@kestrel.example"), ("anyway", "1")];
    let contact = browser.post("/people/new?kind=contact", &fields).await.location();
    browser.get(&format!("/people/{lead}")).await.shows(200, &["The same address, as a contact", "Merge into it"]);
    let asked = browser.get(&format!("/people/{lead}/convert")).await;
    asked.shows(200, &["from the lead", "as it was", "+44 20", "1 sequence of the lead will end", "Merge and convert"]);
    let merged =
        browser.post(&format!("/people/{lead}/convert"), &[("into", contact.trim_start_matches("/people/"))]).await;
    assert!(browser.said(&merged).await.contains("1 sequence ended"));
    browser.get(&format!("/people/{lead}/edit")).await.leads_to(&format!("{contact}/edit"));
    browser.post(&format!("/people/{lead}/notes"), &[("text", "Too late")]).await.leads_to(&contact);
    browser
        .get(&contact)
        .await
        .shows(200, &["VP", "+44 20", "because the lead was converted", "was merged into this contact"]);
}

#[tokio::test]
async fn a_deleted_person_says_so_and_is_brought_back() {
    let (at, browser, sequence, lead) = scene().await;
    let request = EnrollRequest::new(sequence.parse().expect("an id"), vec![person_id(&lead)]);
    at.engine.enroll(&at.admin.actor(), &request).await.expect("enrolled");
    let page = format!("/people/{lead}");
    browser.get(&page).await.shows(200, &["Delete and end 1 sequence"]);
    let deleted = browser.post(&format!("{page}/delete"), &[]).await;
    assert!(browser.said(&deleted).await.contains("1 sequence ended"));
    let gone = browser.get(&page).await;
    gone.shows(200, &["Bring Ann Okafor back", "/people/restore?ids="]);
    // Links to what was there, and a form that was open in another tab, lead to where it is said.
    for part in ["edit", "convert", "enroll", "calls", "fields/industry"] {
        browser.get(&format!("{page}/{part}")).await.leads_to(&page);
    }
    browser.post(&format!("{page}/notes"), &[("text", "Too late")]).await.leads_to(&page);
    browser.get("/people/per_00000000000000000000000007/edit").await.shows(404, &["Not found"]);
    browser.said(&browser.post(&format!("/people/restore?ids={lead}"), &[]).await).await;
    browser.get(&page).await.shows(200, &["Brought back", "Deleted", "by Ada Admin"]);
}

#[tokio::test]
async fn what_people_lack_is_filled_in_together_and_the_emails_leave() {
    let (at, browser, _, lead) = scene().await;
    let steps = json!([{ "action": "automated_email",
        "email": { "subject": "Hello", "body_html": "<p>{{ person.industry }} {{ person.title }}</p>" } }]);
    let sequence = at.admin.sequence("Needs data", steps).await;
    let other = at.admin.lead("Hallam", "ben@tees.example").await;
    for person in [&lead, &other] {
        let request = EnrollRequest::new(sequence.parse().expect("an id"), vec![person_id(person)]);
        at.engine.enroll(&at.admin.actor(), &request).await.expect("enrolled");
    }
    let mut stepper = Stepper::start(at.engine.clone()).await.expect("a start");
    stepper.run_due().await.expect("they are blocked");
    browser.get("/").await.shows(200, &["2 people have no industry", "/complete-data"]);
    let path = format!("/complete-data?sequence={sequence}");
    browser
        .get(&path)
        .await
        .shows(200, &["Complete data for Needs data", "Ann Okafor", "Ann Hallam", "Industry", "Job title"]);
    browser.get(&format!("{path}&who=leads")).await.shows(200, &["Ann Okafor", "Industry of Ann Okafor"]);
    let (one, two) = (format!("{lead}.industry"), format!("{other}.industry"));
    let zone = format!("{other}.time_zone");
    let refused = browser.post(&path, &[(&one, "Cold chain"), (&two, "Steel"), (&zone, "Mars/Phobos")]).await;
    refused.shows(422, &["value=\"Cold chain\"", "value=\"Steel\""]);
    let title = format!("{lead}.title");
    let saved = browser.post(&path, &[(&one, "Cold chain"), (&two, "Steel"), (&title, "VP")]).await;
    assert!(browser.said(&saved).await.starts_with("2 people completed."));
    let rest = browser.get(&path).await;
    rest.shows(200, &["Ann Hallam"]);
    assert!(!rest.html.contains("Ann Okafor"), "she lacks nothing any more");
    browser.get("/complete-data").await.shows(200, &["Complete data", "Ann Hallam"]);
}

#[tokio::test]
async fn the_layout_is_set_by_admins_and_seen_by_everyone() {
    let (_at, browser, _, lead) = scene().await;
    browser.get("/settings/layout").await.shows(200, &["Move Details up", "Hide Notes"]);
    for (widget, what) in [("notes", "hide"), ("details", "up")] {
        let done = browser.post("/settings/layout", &[("widget", widget), ("what", what)]).await;
        assert_eq!(browser.said(&done).await, "The person page is changed for everyone.");
    }
    let page = browser.get(&format!("/people/{lead}")).await.html;
    assert!(page.find("aria-label=\"Details\"") < page.find("widget-sequences"));
    assert!(!page.contains("aria-label=\"Notes\""));
    browser.get("/settings/layout").await.shows(200, &["Show Notes"]);
}

#[tokio::test]
async fn the_palette_finds_people_and_what_to_do_with_them() {
    let (_at, browser, _, lead) = scene().await;
    browser
        .get("/palette?q=okafor")
        .await
        .shows(200, &["Ann Okafor", "Start a sequence for Ann Okafor", &format!("/people/{lead}/enroll")]);
    browser.get("/palette?q=start%20okafor").await.shows(200, &["Start a sequence for Ann Okafor"]);
    browser.get("/palette?q=custom").await.shows(200, &["Custom fields"]);
    browser.get("/palette?q=zzzz").await.shows(200, &["Nothing is called that."]);
}

#[tokio::test]
async fn home_tries_everything_of_one_reason_again() {
    let (at, browser, ..) = scene().await;
    let retried = browser.post("/blocked/retry", &[("reason", "auth_failed")]).await;
    assert_eq!(browser.said(&retried).await, "Nothing of this could be tried again now.");
    assert!(at.admin.sequence("Another", two_emails()).await.starts_with("seq_"));
}

#[tokio::test]
async fn a_new_person_is_added_with_few_fields_and_more_on_request() {
    let (_at, browser, _, lead) = scene().await;
    let form = browser.get("/people/new?kind=lead").await;
    form.shows(200, &["More fields", "autofocus", "data-preview-url-value=\"/people/duplicates\""]);
    let (quick, more) = form.html.split_once("More fields").expect("both parts");
    assert!(quick.contains("name=\"email\"") && !quick.contains("name=\"linkedin\""));
    assert!(more.contains("name=\"linkedin\"") && more.contains("name=\"address.city\""));
    let typing = browser.post("/people/duplicates", &[("email", "Maya@Kestrel.example")]).await;
    typing.shows(200, &["Ann Okafor", &format!("/people/{lead}")]);
    let own = browser.post("/people/duplicates", &[("email", "maya@kestrel.example"), ("id", &lead)]).await;
    assert!(!own.html.contains("banner"), "one's own address is no duplicate");
}

#[tokio::test]
async fn a_call_is_logged_with_its_outcome_corrected_and_removed() {
    let (_at, browser, _, lead) = scene().await;
    let (page, calls) = (format!("/people/{lead}"), format!("/people/{lead}/calls"));
    browser.get(&calls).await.shows(200, &["How it ended", "Left a message", "value=\"reached\" checked"]);
    let future = [("outcome", "no_answer"), ("text", "<b>Ben</b>"), ("at", "2099-01-01T09:00")];
    let refused = browser.post(&calls, &future).await;
    refused.shows(422, &["after it was made", "&#60;b&#62;Ben", "value=\"no_answer\" checked", "2099-01-01T09:00"]);
    browser.post(&calls, &[("text", "x")]).await.shows(422, &["Choose how the call ended."]);
    let logged = browser.post(&calls, &[("outcome", "left_message"), ("text", "Ask <Ben>.")]).await;
    assert_eq!(browser.said(&logged).await, "The call is in the history.");
    let feed = browser.get(&format!("{page}?show=notes")).await;
    feed.shows(200, &["<b>Call</b> by Ada Admin: Left a message", "Ask &#60;Ben&#62;."]);
    let call = links(&feed, "/calls/act_").remove(0);
    browser.get(&call).await.shows(200, &["Edit call", "value=\"left_message\" checked"]);
    browser.said(&browser.post(&call, &[("outcome", "reached"), ("text", "")]).await).await;
    browser.get(&page).await.shows(200, &["Reached, edited"]);
    let delete = call.replace("/calls/", "/notes/") + "/delete";
    assert_eq!(browser.said(&browser.post(&delete, &[]).await).await, "The call is gone.");
    assert!(!browser.get(&page).await.html.contains("Reached, edited"));
}

#[tokio::test]
async fn a_person_opened_from_a_list_leads_on_through_it_also_after_a_change() {
    let (at, browser, _, lead) = scene().await;
    let other = at.admin.lead("Almeida", "rui@porto.example").await;
    let list = browser.get("/leads?q=a&sort=-name").await;
    let href = links(&list, &lead).remove(0);
    assert!(href.starts_with(&format!("/people/{lead}?from=")), "{href}");
    let page = browser.get(&href).await;
    let next = format!("/people/{other}?from=");
    page.shows(200, &["1 of 2", "data-key=\"j\"", &next, "href=\"/leads?q=a&#38;sort=-name\""]);
    assert!(!page.html.contains("data-key=\"k\""), "nobody comes before");
    browser.get(&format!("/people/{other}?from=/leads%3Fsort=name")).await.shows(200, &["1 of 2", "data-key=\"j\""]);
    let referer = format!("https://relance.test{href}");
    let headers =
        [("cookie", browser.cookie.as_str()), ("sec-fetch-site", "same-origin"), ("referer", referer.as_str())];
    let noted = request(&browser.router, "POST", &format!("/people/{lead}/notes"), &headers, "text=Hello").await;
    noted.leads_to(&href);
    // A list that is not there, or not of this program, is left away.
    for from in ["/lists/lst_00000000000000000000000007", "https://evil.example/leads", "/leads%3Frule=nonsense:is:x"] {
        let page = browser.get(&format!("/people/{lead}?from={from}")).await;
        page.shows(200, &["Okafor"]);
        assert!(!page.html.contains("data-key=\"j\"") && !page.html.contains("evil.example"), "{from}");
    }
}
