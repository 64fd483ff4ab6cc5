//! The pages of people, enrolling and enrollments over the router, as a browser without scripts uses them.

use crate::installation::{Installation, PASSWORD, send, two_emails};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use relance_engine::stepper::Stepper;

/// A browser that is signed in.
pub struct Browser {
    pub router: Router,
    pub cookie: String,
}

/// A page that was answered.
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl Page {
    pub fn location(&self) -> String {
        self.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// A redirect to this address.
    #[track_caller]
    pub fn leads_to(&self, location: &str) {
        assert_eq!((self.status, self.location().as_str()), (303, location), "{}", self.html);
    }

    /// The page, if it has the status and all the words.
    #[track_caller]
    pub fn shows(&self, status: u16, words: &[&str]) {
        assert_eq!(self.status, status, "{}", self.html);
        for word in words {
            assert!(self.html.contains(word), "{word:?} is missing in {}", self.html);
        }
    }
}

pub async fn request(router: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
    let mut request = Request::builder().method(method).uri(path).header("host", "relance.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if method == "POST" {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    let answer = send(router, request.body(Body::from(body.to_owned())).expect("a request")).await;
    let html = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
    Page { status: answer.status, headers: answer.headers, html }
}

/// Fields of a form, encoded.
pub fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        text.bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

impl Browser {
    pub async fn sign_in(at: &Installation) -> Self {
        let fields = form(&[("email", "admin@acme.test"), ("password", PASSWORD), ("to", "/leads")]);
        let page = request(&at.router, "POST", "/sign-in", &[], &fields).await;
        assert_eq!((page.status, page.location().as_str()), (303, "/leads"));
        let set = page.headers["set-cookie"].to_str().expect("a cookie");
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Secure"), "{set}");
        let cookie = set.split(';').next().expect("a value").to_owned();
        Self { router: at.router.clone(), cookie }
    }

    pub async fn get(&self, path: &str) -> Page {
        request(&self.router, "GET", path, &[("cookie", &self.cookie)], "").await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        request(
            &self.router,
            "POST",
            path,
            &[("cookie", &self.cookie), ("sec-fetch-site", "same-origin")],
            &form(fields),
        )
        .await
    }

    /// Where a form leads, and what the toast there says.
    pub async fn said(&self, page: &Page) -> String {
        assert_eq!(page.status, 303, "{}", page.html);
        let toast = page.headers["set-cookie"].to_str().expect("a toast").split(';').next().expect("a value");
        let cookie = format!("{}; {toast}", self.cookie);
        let next = request(&self.router, "GET", &page.location(), &[("cookie", &cookie)], "").await;
        assert_eq!(next.status, 200, "{}", next.html);
        let gone = next
            .headers
            .get_all("set-cookie")
            .iter()
            .any(|value| value.to_str().is_ok_and(|text| text.contains("relance_toast=; ")));
        assert!(gone, "a toast is shown once");
        let toast = next.html.split("class=\"toast\"").nth(1).expect("a toast");
        toast.split("<span>").nth(1).and_then(|rest| rest.split("</span>").next()).unwrap_or_default().to_owned()
    }
}

/// An installation with a mailbox, an active sequence and a lead of the admin.
pub async fn scene() -> (Installation, Browser, String, String) {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let sequence = at.admin.sequence("Winter depots", two_emails()).await;
    let lead = at.admin.lead("Okafor", "maya@kestrel.example").await;
    let browser = Browser::sign_in(&at).await;
    (at, browser, sequence, lead)
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_back_to_where_they_wanted() {
    let at = Installation::new().await;
    let page = request(&at.router, "GET", "/leads?q=a", &[], "").await;
    assert_eq!((page.status, page.location().as_str()), (303, "/sign-in?to=/leads%3Fq%3Da"));
    request(&at.router, "GET", "/set-up", &[], "").await.shows(303, &[]);
    let wrong = form(&[("email", "admin@acme.test"), ("password", "wrong wrong wrong")]);
    request(&at.router, "POST", "/sign-in", &[], &wrong)
        .await
        .shows(422, &["Email or password is not right", "admin@acme.test"]);
}

#[tokio::test]
async fn every_page_of_people_answers_with_its_security_headers() {
    let (_at, browser, sequence, lead) = scene().await;
    let paths = [
        "/".to_owned(),
        "/leads".to_owned(),
        "/contacts?q=x&status=New".to_owned(),
        "/people/new?kind=lead".to_owned(),
        format!("/people/{lead}"),
        format!("/people/{lead}/edit"),
        format!("/people/{lead}/convert"),
        format!("/people/{lead}/enroll"),
        format!("/people/{lead}/enroll?sequence={sequence}"),
        "/import".to_owned(),
        "/palette?q=oka".to_owned(),
    ];
    for path in paths {
        let page = browser.get(&path).await;
        page.shows(200, &["Acme", "<main"]);
        let policy = page.headers["content-security-policy"].to_str().expect("a policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
    browser.get("/people/per_nobody").await.shows(404, &["Not found", "Acme"]);
}

#[tokio::test]
async fn a_change_asked_for_by_another_site_is_refused_and_a_one_click_unsubscribe_is_not() {
    let (at, browser, sequence, lead) = scene().await;
    let foreign =
        [("cookie", browser.cookie.as_str()), ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    let path = format!("/people/{lead}/delete");
    request(&at.router, "POST", &path, &foreign, "").await.shows(403, &["came from another site"]);
    browser.get(&format!("/people/{lead}")).await.shows(200, &["Okafor"]);

    browser.post(&format!("/people/{lead}/enroll"), &[("sequence", &sequence)]).await.shows(303, &[]);
    let person = lead.parse().expect("an id");
    let enrollment = {
        let mut tx = at.engine.store.read().await.expect("a view");
        relance_storage::enrollments::of_person(&mut tx, person).await.expect("rows").remove(0).enrollment.id
    };
    let token = at.engine.keys.unsubscribe_token(enrollment);
    let link = format!("/unsubscribe/{token}");
    request(&at.router, "GET", &link, &[], "").await.shows(200, &["maya@kestrel.example", "Do not write to me again"]);
    let provider = [("sec-fetch-site", "cross-site")];
    let page = request(&at.router, "POST", &link, &provider, "List-Unsubscribe=One-Click").await;
    page.shows(200, &["will not be written to again"]);
    browser.get(&format!("/enrollments/{enrollment}")).await.shows(200, &["unsubscribed"]);
    request(&at.router, "GET", "/unsubscribe/nonsense", &[], "").await.shows(404, &["unsubscribe link"]);
}

#[tokio::test]
async fn a_known_address_is_shown_before_a_second_person_is_made() {
    let (_at, browser, ..) = scene().await;
    let fields = [("first_name", "Maya"), ("last_name", "Again"), ("email", "MAYA@kestrel.example")];
    let asked = browser.post("/people/new?kind=contact", &fields).await;
    asked.shows(422, &["Ann Okafor", "has this email address already", "value=\"Again\"", "Save anyway"]);
    let made = browser.post("/people/new?kind=contact", &[&fields[..], &[("anyway", "1")]].concat()).await;
    assert_eq!(browser.said(&made).await, "Maya Again is there.");

    let wrong = browser.post("/people/new?kind=lead", &[("first_name", "Eve"), ("email", "not an address")]).await;
    wrong.shows(422, &["value=\"not an address\"", "aria-invalid=\"true\"", "field-error"]);
}

#[tokio::test]
async fn a_sequence_is_previewed_started_paused_explained_and_stopped() {
    let (_at, browser, sequence, lead) = scene().await;
    let preview = browser.get(&format!("/people/{lead}/enroll?sequence={sequence}&step=1")).await;
    preview
        .shows(200, &["Winter depots", "1. Email", "2. Email in the same thread", "2 business days", "Start sequence"]);
    let body = browser.get(&format!("/people/{lead}/enroll/{sequence}/body?step=1")).await;
    body.shows(200, &["<p>Hi Ann</p>"]);
    assert!(body.headers["content-security-policy"].to_str().expect("a policy").starts_with("sandbox"));

    let late = browser.post(&format!("/people/{lead}/enroll"), &[("sequence", &sequence), ("start", "at")]).await;
    late.shows(422, &["Choose a date and time."]);
    let started = browser.post(&format!("/people/{lead}/enroll"), &[("sequence", &sequence)]).await;
    assert!(browser.said(&started).await.starts_with("Winter depots started for Ann Okafor."));
    let again = browser.post(&format!("/people/{lead}/enroll"), &[("sequence", &sequence)]).await;
    assert_eq!(again.status, 422, "one at a time: {}", again.html);

    let person = browser.get(&format!("/people/{lead}")).await;
    person.shows(200, &["Winter depots", "Next email", "no step done yet"]);
    let enrollment =
        person.html.split("/enrollments/").nth(1).and_then(|rest| rest.get(..30)).expect("a link").to_owned();
    let page = browser.get(&format!("/enrollments/{enrollment}")).await;
    page.shows(
        200,
        &["Winter depots for Ann Okafor", "What releases it", "What would stop it", "Daily quota", "Allows"],
    );

    let paused = browser.post(&format!("/enrollments/{enrollment}/pause"), &[]).await;
    assert_eq!(browser.said(&paused).await, "Winter depots for Ann Okafor is paused.");
    let twice = browser.post(&format!("/enrollments/{enrollment}/retry"), &[]).await;
    assert!(browser.said(&twice).await.contains("nothing to retry"), "a refusal is said, not drawn as a failure");
    let stopped = browser.post(&format!("/enrollments/{enrollment}/stop"), &[]).await;
    assert!(browser.said(&stopped).await.contains("was stopped; no further email leaves."));
    browser.get(&format!("/enrollments/{enrollment}")).await.shows(200, &["Completed", "because it was stopped"]);
}

#[tokio::test]
async fn a_bulk_action_says_what_it_will_do_and_reports_each_row() {
    let (at, browser, sequence, lead) = scene().await;
    let other = at.admin.lead("Nobody", "").await;
    let list = browser.get("/leads?sequence=none").await;
    list.shows(200, &["Okafor", "Nobody", "Select all 2 that match", "in no sequence now"]);

    let chosen = [("kind", "lead"), ("id", lead.as_str()), ("id", other.as_str())];
    browser.post("/people/enroll", &chosen).await.shows(200, &["Start a sequence for 2 people", "Winter depots"]);
    let with = |more: &[(&'static str, &'static str)]| [&chosen[..], more].concat();
    let check = [&with(&[("pane", "check")])[..], &[("in", sequence.as_str())]].concat();
    browser.post("/people/enroll", &check).await.shows(200, &["Start for 1 person", "Left out", "Nobody", "Add email"]);
    let start = [&with(&[("pane", "start")])[..], &[("in", sequence.as_str())]].concat();
    let report = browser.post("/people/enroll", &start).await.location();
    browser.get(&report).await.shows(200, &["started for 1 person", "Nobody"]);

    let all = [("kind", "lead"), ("all", "1"), ("action", "stop")];
    browser.post("/people/bulk", &all).await.shows(200, &["Stop the sequences of 2 leads", "Stop 1 sequence"]);
    let done = browser.post("/people/bulk", &[&all[..], &[("confirmed", "1")]].concat()).await;
    let done = browser.get(&done.location()).await;
    done.shows(200, &["Stopped the sequences of 1 person", "Nobody", "No sequence of this person"]);

    let delete = with(&[("action", "delete"), ("confirmed", "1")]);
    let deleted = browser.post("/people/bulk", &delete).await;
    assert_eq!(browser.said(&deleted).await, "Deleted 2 people.");
    let restored = browser.post(&format!("/people/restore?ids={lead},{other}"), &[]).await;
    assert!(browser.said(&restored).await.starts_with("2 people are back."));
    let nobody = browser.post("/people/bulk", &[("kind", "lead"), ("action", "stop")]).await;
    assert!(browser.said(&nobody).await.starts_with("Nobody is selected."));
}

#[tokio::test]
async fn a_lead_is_converted_and_merging_is_confirmed() {
    let (_at, browser, _, lead) = scene().await;
    let made = browser
        .post(
            "/people/new?kind=contact",
            &[("last_name", "Contact"), ("email", "maya@kestrel.example"), ("anyway", "1")],
        )
        .await;
    let contact = made.location().trim_start_matches("/people/").to_owned();
    let path = format!("/people/{lead}/convert");
    browser.get(&path).await.shows(200, &["Merge and convert", &contact]);
    browser.post(&path, &[]).await.shows(422, &["Merge and convert"]);
    let merged = browser.post(&path, &[("into", &contact)]).await;
    assert_eq!(merged.location(), format!("/people/{contact}"));
    let old = browser.get(&format!("/people/{lead}")).await;
    assert_eq!(
        (old.status, old.location()),
        (303, format!("/people/{contact}")),
        "the lead's address leads to the contact"
    );
}

#[tokio::test]
async fn a_file_is_uploaded_mapped_and_checked_before_anything_changes() {
    let (at, browser, ..) = scene().await;
    let file = "First;Surname;E-Mail\r\nAda;Byron;ada@analytical.example\r\nBob;;bob@x.example\r\n";
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\ncontact\r\n--b\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"people.csv\"\r\nContent-Type: text/csv\r\n\r\n{file}\r\n--b--\r\n"
    );
    let upload = Request::builder()
        .method("POST")
        .uri("/import")
        .header("host", "relance.test")
        .header("cookie", &browser.cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(Body::from(body))
        .expect("a request");
    let answer = send(&browser.router, upload).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let map = answer.headers["location"].to_str().expect("an address").to_owned();
    browser
        .get(&map)
        .await
        .shows(200, &["people.csv", "Surname", "value=\"last_name\" selected", "value=\"email\" selected"]);
    let path = map.split('?').next().expect("a path");
    let fields =
        [("kind", "contact"), ("field", "first_name"), ("field", "last_name"), ("field", "email"), ("run", "check")];
    let nameless = [("kind", "contact"), ("field", ""), ("field", ""), ("field", "email"), ("run", "check")];
    browser.post(path, &nameless).await.shows(422, &["every person needs one"]);
    let mut stepper = Stepper::start(at.engine.clone()).await.expect("a start");
    let checked = browser.post(path, &fields).await;
    assert_eq!(checked.status, 303, "{}", checked.html);
    stepper.run_due().await.expect("the job");
    browser
        .get(&checked.location())
        .await
        .shows(200, &["Nothing was changed.", "Would be created", "Left out", "Import now"]);
    browser.get("/contacts").await.shows(200, &["No contacts yet"]);
    let imported = browser.post(path, &[&fields[..4], &[("run", "import")]].concat()).await;
    stepper.run_due().await.expect("the job");
    browser.get(&imported.location()).await.shows(200, &["Created", "rows.csv"]);
    browser.get("/contacts").await.shows(200, &["Ada Byron"]);
    let csv = browser.get(&format!("{}/rows.csv", imported.location())).await;
    csv.shows(200, &["Bob", "last name"]);
    browser.get(path).await.shows(404, &["uploaded file"]);
}
