//! Lists of people as a browser without scripts uses them: rules, columns, views, smart lists, bulk actions, exports.

use crate::installation::{Client, Installation, PASSWORD, send, two_emails};
use axum::{
    body::Body,
    http::{Request, header},
};
use relance_engine::jobs::run_next_job;
use secrecy::SecretString;
use serde_json::json;

/// A browser with a session.
struct Browser<'a> {
    at: &'a Installation,
    cookie: String,
}

/// What was answered.
struct Page {
    status: u16,
    html: String,
    to: String,
    toast: String,
}

impl Page {
    #[track_caller]
    fn shows(&self, words: &[&str]) -> &Self {
        assert_eq!(self.status, 200, "{}", self.html);
        for word in words {
            assert!(self.html.contains(word), "{word:?} is missing in {}", self.html);
        }
        self
    }

    #[track_caller]
    fn lacks(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(!self.html.contains(word), "{word:?} is in {}", self.html);
        }
        self
    }

    /// Where it leads.
    #[track_caller]
    fn leads(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.html);
        &self.to
    }

    /// The value of a hidden field.
    #[track_caller]
    fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.html.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {}", self.html));
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

impl<'a> Browser<'a> {
    async fn of(at: &'a Installation, client: &Client, email: &str) -> Self {
        let mut browser = Browser { at, cookie: String::new() };
        if client.id != at.admin.id {
            let password = SecretString::from(PASSWORD);
            at.engine.set_password(&at.admin.actor(), client.id, &password).await.expect("a password");
        }
        let request = browser.request("POST", "/sign-in", &form(&[("email", email), ("password", PASSWORD)]));
        let answer = send(&at.router, request).await;
        let cookie = answer.headers[header::SET_COOKIE].to_str().expect("a cookie");
        browser.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        browser
    }

    async fn admin(at: &'a Installation) -> Self {
        Self::of(at, &at.admin, "admin@acme.test").await
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, &self.cookie)
            .body(Body::from(body.to_owned()))
            .expect("a request")
    }

    async fn ask(&self, request: Request<Body>) -> Page {
        let answer = send(&self.at.router, request).await;
        let text = |name| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (to, toast) = (text(header::LOCATION), text(header::SET_COOKIE));
        let html = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
        Page { status: answer.status, html, to, toast: toast.split(';').next().unwrap_or_default().to_owned() }
    }

    async fn get(&self, path: &str) -> Page {
        self.ask(self.request("GET", path, "")).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.ask(self.request("POST", path, &form(fields))).await
    }

    /// The page a form led to, with its toast.
    async fn follow(&self, page: &Page) -> Page {
        let browser = Browser { at: self.at, cookie: format!("{}; {}", self.cookie, page.toast) };
        browser.get(page.leads()).await
    }
}

async fn person(at: &Installation, last_name: &str, fields: serde_json::Value) -> String {
    let mut body = json!({ "last_name": last_name, "email": format!("{last_name}@prospect.test") });
    body.as_object_mut().expect("an object").extend(fields.as_object().cloned().unwrap_or_default());
    crate::installation::id(&at.admin.post("/people", body).await.expect(201))
}

/// Three leads in two countries.
async fn three(at: &Installation) -> [String; 3] {
    [
        person(at, "Almeida", json!({ "status": "New", "address": { "country": "PT" }, "tags": ["reefer"] })).await,
        person(at, "Bergson", json!({ "status": "Working", "address": { "country": "FR" } })).await,
        person(at, "Costa", json!({ "status": "Lost", "address": { "country": "PT" } })).await,
    ]
}

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
