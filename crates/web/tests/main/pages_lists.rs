//! Lists of people as a browser without scripts uses them: rules, columns, views, smart lists, counts.

use crate::installation::{Installation, two_emails};
use crate::list_browser::{Browser, three};
use serde_json::json;

#[tokio::test]
async fn a_rule_is_built_by_a_plain_form_changed_and_taken_away() {
    let at = Installation::new().await;
    three(&at).await;
    let browser = Browser::admin(&at).await;
    browser.get("/leads").await.shows(&["Almeida", "Bergson", "Costa", "Add filter", "3 in all"]);
    let builder = browser.get("/people/filter?kind=lead&field=address.country").await;
    builder.shows(&["Add a filter", "starts with", "Country", "Job title"]);
    let refused = browser.get("/people/filter?kind=lead&field=address.country&op=is&value=&do=apply").await;
    assert_eq!(refused.status, 422);
    assert!(refused.html.contains("Say with what it is compared."));
    let added = browser.get("/people/filter?kind=lead&field=address.country&op=is&value=PT&do=apply").await;
    assert_eq!(added.leads(), "/leads?rule=address.country:is:PT");
    let list = browser.get(added.leads()).await;
    list.shows(&["Almeida", "Costa", "2 of 3 match these filters", "Remove the filter Country PT"]).lacks(&["Bergson"]);
    let second = "/people/filter?kind=lead&rule=address.country:is:PT&field=status&op=is&value=Working&do=apply";
    let second = browser.get(second).await;
    let both = browser.get(second.leads()).await;
    both.shows(&["Nobody matches these filters", "Ask for any of them"]);
    let any = browser.get(&format!("{}&match=any", second.leads())).await;
    any.shows(&["Almeida", "Bergson", "Costa", "Any of"]);
    let edit = browser.get("/people/filter?kind=lead&rule=address.country:is:PT&at=0").await;
    edit.shows(&["Change the filter", "value=\"PT\""]);
    let changed =
        "/people/filter?kind=lead&rule=address.country:is:PT&at=0&field=address.country&op=is&value=FR&do=apply";
    assert_eq!(browser.get(changed).await.leads(), "/leads?rule=address.country:is:FR");
}

#[tokio::test]
async fn every_field_and_operation_has_a_builder_that_answers() {
    let at = Installation::new().await;
    three(&at).await;
    at.admin.sequence("Winter depots", two_emails()).await;
    let browser = Browser::admin(&at).await;
    let mut tx = at.engine.store.read().await.expect("a view");
    let fields = relance_storage::people_fields::fields(&mut tx).await.expect("fields");
    drop(tx);
    let mut tried = 0;
    for field in fields {
        for operation in field.operations {
            let path = format!("/people/filter?kind=lead&field={}&op={}", field.field, operation.op);
            browser.get(&path).await.shows(&["name=\"op\"", operation.label]);
            tried += 1;
        }
        if field.sortable {
            browser.get(&format!("/leads?sort={}", field.field)).await.shows(&["Almeida"]);
            browser.get(&format!("/leads?sort=-{}", field.field)).await.shows(&["Almeida"]);
        }
    }
    assert!(tried > 100, "{tried}");
}

#[tokio::test]
async fn columns_are_chosen_ordered_and_kept_for_the_user() {
    let at = Installation::new().await;
    three(&at).await;
    let browser = Browser::admin(&at).await;
    let chooser = browser.get("/people/columns?kind=lead").await;
    chooser.shows(&["Move Organisation up", "Take Status away", "Another column", "Usual columns"]);
    let moved = browser.get("/people/columns?kind=lead&column=title&column=email&do=up%3Aemail").await;
    let places = |html: &str| (html.find("value=\"email\"").unwrap_or(0), html.find("value=\"title\"").unwrap_or(0));
    let (email, title) = places(&moved.html);
    assert!(email > 0 && email < title);
    let added = browser.get("/people/columns?kind=lead&column=email&do=add&add=address.country").await;
    added.shows(&["Move Country up"]);
    let saved =
        browser.post("/people/columns", &[("kind", "lead"), ("column", "email"), ("column", "address.country")]);
    assert_eq!(saved.await.leads(), "/leads");
    let list = browser.get("/leads").await;
    list.shows(&["Almeida@prospect.test", ">PT<"]).lacks(&["Ongoing sequences"]);
    browser.get("/contacts").await.shows(&["No contacts yet"]);
    let rep = Browser::of(&at, &at.rep, "rep@acme.test").await;
    rep.get("/leads").await.shows(&["Ongoing sequences"]);
    browser.get("/people/columns?kind=lead").await.shows(&["Move Email up"]);
}

#[tokio::test]
async fn index_and_table_are_kept_and_the_record_comes_into_its_frame() {
    let at = Installation::new().await;
    let [almeida, ..] = three(&at).await;
    let browser = Browser::admin(&at).await;
    let fields = [("kind", "lead"), ("shape", "index"), ("rule", "status:is:New")];
    assert_eq!(browser.post("/people/view", &fields).await.leads(), "/leads?rule=status:is:New");
    let index = browser.get("/leads").await;
    index.shows(&["id=\"record\"", "Almeida", "data-turbo-frame=\"record\"", "Select all 3 that match"]);
    index.lacks(&["<table"]);
    let path = format!("/people/{almeida}");
    let mut request = browser.request("GET", &path, "");
    request.headers_mut().insert("turbo-frame", "record".parse().expect("a value"));
    browser.ask(request).await.shows(&["<turbo-frame id=\"record\">", "Almeida"]);
    browser.get(&path).await.lacks(&["<turbo-frame id=\"record\">"]);
    browser.post("/people/view", &[("kind", "lead"), ("shape", "table")]).await.leads();
    browser.get("/leads").await.shows(&["<table"]);
}

#[tokio::test]
async fn a_smart_list_is_saved_pinned_changed_shared_and_deleted() {
    let at = Installation::new().await;
    three(&at).await;
    let browser = Browser::admin(&at).await;
    let form = browser.get("/lists/new?kind=lead&rule=address.country:is:PT&q=&sort=-name").await;
    form.shows(&["Save as smart list", "address.country:is:PT", "Pin to my bar"]);
    let fields =
        [("kind", "lead"), ("rule", "address.country:is:PT"), ("sort", "-name"), ("name", "Portugal"), ("pinned", "1")];
    let saved = browser.post("/lists", &fields).await;
    let list = saved.leads().to_owned();
    assert_eq!(browser.post("/lists", &fields).await.leads(), list, "a second click makes no second list");
    let page = browser.follow(&saved).await;
    page.shows(&["Saved the list Portugal.", "Almeida", "Costa", "Unpin", "aria-sort=\"descending\""])
        .lacks(&["Bergson"]);
    page.shows(&["a private list"]).lacks(&[">Changed<"]);
    browser.get("/").await.shows(&["Portugal", "<span class=\"count\">2</span>"]);
    browser.get("/lists").await.shows(&["Portugal", "Only you", "Unpin"]);
    let refused = browser.post("/lists", &[("kind", "lead"), ("name", " ")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.html.contains("Give the list a name."));

    let rep = Browser::of(&at, &at.rep, "rep@acme.test").await;
    assert_eq!(rep.get(&list).await.status, 404, "a private list is nobody else's");
    let edited = format!("{list}?edited=1&rule=status:is:New");
    browser.get(&edited).await.shows(&[">Changed<", "Save as new", "Reset", "Almeida"]).lacks(&["Costa"]);
    let kept = browser.post(&format!("{list}/save"), &[("rule", "status:is:New"), ("columns", "email,status")]).await;
    browser
        .follow(&kept)
        .await
        .shows(&["Saved the changes of Portugal.", "Almeida@prospect.test"])
        .lacks(&["Costa", ">Changed<"]);
    let renamed = browser.post(&format!("{list}/edit"), &[("name", "New ones"), ("shared", "1")]).await;
    browser.follow(&renamed).await.shows(&["New ones", "shared by Ada Admin"]);
    rep.get(&list).await.shows(&["New ones", "Pin to the bar"]).lacks(&["Edit list"]);
    rep.post(&format!("{list}/pin"), &[]).await.leads();
    rep.get("/").await.shows(&["New ones"]);
    assert_eq!(rep.get(&format!("{list}/edit")).await.status, 403);
    let gone = browser.post(&format!("{list}/delete"), &[]).await;
    assert_eq!(gone.leads(), "/lists");
    browser.get("/lists").await.shows(&["No smart lists yet"]);
    rep.get("/").await.lacks(&["New ones"]);
}

#[tokio::test]
async fn a_list_keeps_its_search_and_acts_on_all_that_match() {
    let at = Installation::new().await;
    three(&at).await;
    let browser = Browser::admin(&at).await;
    let saved = browser.post("/lists", &[("kind", "lead"), ("q", "alm"), ("name", "Alm")]).await;
    let list = browser.follow(&saved).await;
    list.shows(&["value=\"alm\"", "Almeida"]).lacks(&["Costa", ">Changed<"]);
    let (id, q) = (list.hidden("list"), list.hidden("q"));
    let fields = [("kind", "lead"), ("list", id.as_str()), ("q", q.as_str()), ("edited", "1"), ("all", "1")];
    let ask = browser.post("/people/bulk", &[&fields[..], &[("action", "tag")]].concat()).await;
    ask.shows(&["Tag 1 lead"]);
    let once = ask.hidden("once");
    let answer = [("action", "tag"), ("confirmed", "1"), ("once", once.as_str()), ("add", "found")];
    let done = browser.post("/people/bulk", &[&fields[..], &answer[..]].concat()).await;
    assert!(done.leads().starts_with(&format!("/lists/{id}?q=alm")), "{}", done.to);
    let found = at.admin.get("/people?q=almeida").await.expect(200);
    assert!(found["items"][0]["tags"].as_array().is_some_and(|tags| tags.contains(&json!("found"))));
}

#[tokio::test]
async fn a_list_counts_to_ten_thousand_and_exactly_on_request() {
    let at = Installation::new().await;
    let now = at.engine.now();
    let people: Vec<relance_domain::person::Person> = (0..10_002)
        .map(|n| relance_domain::person::Person {
            id: at.engine.new_person_id(),
            kind: relance_domain::person::Kind::Lead,
            fields: relance_domain::person::Fields { last_name: format!("P{n:05}"), ..Default::default() },
            created_at: now,
            updated_at: now,
        })
        .collect();
    let mut tx = at.engine.store.begin().await.expect("a transaction");
    for chunk in people.chunks(1_000) {
        relance_storage::people::insert_many(&mut tx, chunk).await.expect("stored");
    }
    tx.commit().await.expect("committed");
    let browser = Browser::admin(&at).await;
    browser.get("/leads").await.shows(&["10,000+ in all", "Show the exact number", "Select all 10,000+ that match"]);
    browser.get("/leads?exact=1").await.shows(&["10,002 in all", "The first 50 of 10,002"]);
}
