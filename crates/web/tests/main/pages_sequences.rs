//! Sequences, templates, mailboxes and the sandbox as an admin and a rep use them in a browser without scripts.

use crate::installation::{Installation, PASSWORD, send, two_emails};
use axum::{
    body::Body,
    http::{Request, header},
};
use relance_engine::stepper::Stepper;
use serde_json::json;

/// A browser that is signed in.
struct Browser<'a> {
    site: &'a Installation,
    cookie: String,
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        text.bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect()
    };
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

impl<'a> Browser<'a> {
    async fn of(site: &'a Installation, email: &str) -> Self {
        let form = encoded(&[("email", email), ("password", PASSWORD)]);
        let request = Request::post("/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(form));
        let answer = send(&site.router, request.expect("a request")).await;
        let cookie = answer.headers[header::SET_COOKIE].to_str().expect("a cookie");
        Self { site, cookie: cookie.split(';').next().unwrap_or_default().to_owned() }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let request = Request::get(path).header(header::COOKIE, &self.cookie).body(Body::empty());
        let answer = send(&self.site.router, request.expect("a request")).await;
        (answer.status, answer.body.as_str().unwrap_or_default().to_owned())
    }

    /// Status, page, and where it leads.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, &self.cookie)
            .body(Body::from(encoded(fields)));
        let answer = send(&self.site.router, request.expect("a request")).await;
        let to = answer.headers.get(header::LOCATION).map(|to| to.to_str().expect("text").to_owned());
        (answer.status, answer.body.as_str().unwrap_or_default().to_owned(), to.unwrap_or_default())
    }

    /// A form that is accepted; where it leads.
    async fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let (status, page, to) = self.post(path, fields).await;
        assert_eq!(status, 303, "{path}: {page}");
        to
    }

    #[track_caller]
    fn has(page: &(u16, String), words: &[&str]) {
        assert_eq!(page.0, 200, "{}", page.1);
        for word in words {
            assert!(page.1.contains(word), "{word:?} is missing in {}", page.1);
        }
    }
}

/// The step that a step's address opens.
fn step_of(path: &str) -> String {
    let step = path.split("step=").nth(1).expect("a step").split('&').next().unwrap_or_default();
    step.to_owned()
}

const EMAIL: [(&str, &str); 6] = [
    ("wait.amount", "0"),
    ("wait.unit", "minutes"),
    ("email.subject", "Gaps at {{ person.company }}"),
    ("email.format", "text"),
    ("email.body", "Hi {{ person.first_name }}"),
    ("email.reply_in_thread", ""),
];

#[tokio::test]
async fn a_sequence_is_written_refused_at_its_field_published_and_paused() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    site.admin.lead("Okafor", "maya@kestrel.example").await;
    Browser::has(&admin.get("/sequences").await, &["No sequences yet"]);
    let sequence = admin.done("/sequences/new", &[("name", "Winter depots"), ("description", "For depots")]).await;
    Browser::has(&admin.get(&sequence).await, &["Winter depots", "No steps yet", "Draft"]);

    let first = admin.done(&format!("{sequence}/steps"), &[("kind", "automated_email")]).await;
    let (status, page, _) = admin.post(&format!("{sequence}/activate"), &[]).await;
    assert_eq!(status, 422);
    assert!(page.contains("This email needs a subject.") && page.contains("This email has no text yet."), "{page}");

    let step = format!("{sequence}/steps/{}", step_of(&first));
    let mut wrong = EMAIL;
    wrong[4].1 = "Hi {{ person.nam }}";
    let (status, page, _) = admin.post(&step, &wrong).await;
    assert_eq!(status, 422);
    assert!(page.contains("id=\"n-email.body\"") && page.contains("Hi {{ person.nam }}"), "{page}");
    admin.done(&step, &EMAIL).await;
    let preview = admin.post(&format!("{step}/preview"), &EMAIL).await;
    assert!(preview.1.contains("has no value for") && preview.1.contains("id=\"preview\""), "{}", preview.1);

    admin.done(&format!("{sequence}/activate"), &[]).await;
    Browser::has(&admin.get(&sequence).await, &["Version 1", "Active"]);
    let task = admin.done(&format!("{sequence}/steps"), &[("kind", "task")]).await;
    Browser::has(&admin.get(&task).await, &["1 change not published", "3 business days, e.g. "]);
    admin.done(&format!("{sequence}/steps/{}/move", step_of(&task)), &[("direction", "up")]).await;
    Browser::has(&admin.get(&sequence).await, &["1. Task: call"]);
    admin.done(&format!("{sequence}/steps/{}/delete", step_of(&task)), &[]).await;
    admin.done(&format!("{sequence}/pause"), &[]).await;
    Browser::has(&admin.get(&sequence).await, &["Paused", "Resume"]);
    Browser::has(&admin.get(&format!("{sequence}/history")).await, &["Version 1", "1. First email"]);
    Browser::has(&admin.get(&format!("{sequence}/people")).await, &["Nobody here"]);
    Browser::has(&admin.get("/sequences?q=winter").await, &["Winter depots"]);
}

#[tokio::test]
async fn the_settings_of_a_sequence_are_saved_and_refused_at_their_fields() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    let sequence = admin.done("/sequences/new", &[("name", "Winter depots")]).await;
    let settings = format!("{sequence}/settings");
    let fields = [
        ("name", "Depots"),
        ("schedule.kind", "times"),
        ("schedule.days", "mon"),
        ("schedule.days", "tue"),
        ("schedule.from", "08:00"),
        ("schedule.to", "11:30"),
        ("schedule.only", "all"),
        ("schedule.time_zone", "person"),
        ("schedule.holidays", "2026-12-25"),
        ("exit.auto_reply_days", "3"),
        ("exit.on_colleague_reply", "stop"),
        ("unsubscribe.enabled", "1"),
        ("unsubscribe.locale", "fr"),
    ];
    admin.done(&settings, &fields).await;
    Browser::has(&admin.get(&settings).await, &["Depots", "08:00", "11:30", "2026-12-25"]);
    let mut wrong = fields;
    wrong[5].1 = "07:00";
    let (status, page, _) = admin.post(&settings, &wrong).await;
    assert_eq!(status, 422);
    assert!(page.contains("n-schedule.windows") && page.contains("A window must close after it opens."), "{page}");
}

#[tokio::test]
async fn a_rep_reads_a_sequence_and_may_not_change_it() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    let sequence = admin.done("/sequences/new", &[("name", "Winter depots")]).await;
    admin.done(&format!("{sequence}/steps"), &[("kind", "automated_email")]).await;
    let fields = [
        ("name", "Rita Rep"),
        ("email", "rita@acme.test"),
        ("role", "rep"),
        ("time_zone", "Europe/Paris"),
        ("password", PASSWORD),
    ];
    let (status, page, _) = admin.post("/settings/users/new", &fields).await;
    assert!(status < 400, "{page}");
    let rep = Browser::of(&site, "rita@acme.test").await;
    let page = rep.get(&sequence).await;
    Browser::has(&page, &["Only admins change sequences"]);
    assert!(!page.1.contains("Save step"));
    assert_eq!(rep.get("/sequences/new").await.0, 403);
    let before = admin.get(&sequence).await.1.matches("class=\"step\"").count();
    rep.post(&format!("{sequence}/steps"), &[("kind", "task")]).await;
    assert_eq!(admin.get(&sequence).await.1.matches("class=\"step\"").count(), before);
}

#[tokio::test]
async fn a_template_is_written_with_unknown_tags_refused_used_in_a_step_and_deleted() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    let mut fields = [
        ("name", "Intro"),
        ("folder", "Cold chain"),
        ("email.subject", "Hi {{ person.nam }}"),
        ("email.format", "html"),
        ("email.body", "<p>Hello {{ person.first_name }}</p>"),
        ("shared", "1"),
    ];
    let (status, page, _) = admin.post("/templates/new", &fields).await;
    assert_eq!(status, 422);
    assert!(page.contains("id=\"n-email.subject\"") && page.contains("&#60;p&#62;Hello"), "{page}");
    fields[2].1 = "Hi {{ person.first_name }}";
    let template = admin.done("/templates/new", &fields).await;
    Browser::has(&admin.get("/templates").await, &["Cold chain", "Intro"]);

    let sequence = admin.done("/sequences/new", &[("name", "Winter depots")]).await;
    let step = step_of(&admin.done(&format!("{sequence}/steps"), &[("kind", "automated_email")]).await);
    let mut use_it: Vec<(&str, &str)> = EMAIL.to_vec();
    let id = template.rsplit('/').next().unwrap_or_default().to_owned();
    use_it.push(("use_template", &id));
    admin.done(&format!("{sequence}/steps/{step}/template"), &use_it).await;
    Browser::has(&admin.get(&sequence).await, &["These are the words of Cold chain / Intro"]);
    admin.done(&format!("{template}/delete"), &[]).await;
    Browser::has(&admin.get("/templates").await, &["No templates yet"]);
}

#[tokio::test]
async fn a_sandbox_is_connected_edited_and_paused_and_an_unreachable_server_is_named() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    Browser::has(&admin.get("/settings/mailboxes/new").await, &["Fastmail", "Sandbox"]);
    Browser::has(&admin.get("/settings/mailboxes/new?preset=fastmail").await, &["smtp.fastmail.com"]);
    let own = [
        ("time_zone", "Europe/Paris"),
        ("daily_quota", "50"),
        ("min_gap_seconds", "0"),
        ("away", "2026-12-24 to 2026-12-26"),
        ("jitter_percent", "50"),
    ];
    let mut sandbox = vec![("preset", "sandbox"), ("address", "nora@acme.test"), ("from_name", "Nora")];
    sandbox.extend(own);
    let mailbox = admin.done("/settings/mailboxes/new", &sandbox).await;
    Browser::has(&admin.get(&mailbox).await, &["nora@acme.test", "0 of 50", "2026-12-24 to 2026-12-26"]);
    Browser::has(&admin.get(&format!("{mailbox}/sandbox")).await, &["Nothing was sent yet"]);
    admin.done(&format!("{mailbox}/check"), &[]).await;
    admin.done(&format!("{mailbox}/pause"), &[]).await;
    Browser::has(&admin.get("/settings/mailboxes").await, &["Paused", "Nothing leaves until it is resumed."]);
    let mut edited = own.to_vec();
    edited[3].1 = "soon";
    let (status, page, _) = admin.post(&mailbox, &edited).await;
    assert_eq!(status, 422);
    assert!(page.contains("Write soon as 2026-12-24 to 2027-01-02."), "{page}");

    let mut real = vec![
        ("preset", "own"),
        ("address", "nora@other.test"),
        ("imap.host", "127.0.0.1"),
        ("imap.port", "1"),
        ("imap.security", "none"),
        ("imap.password", "hunter2hunter2"),
        ("smtp.host", "127.0.0.1"),
        ("smtp.port", "1"),
        ("smtp.security", "none"),
    ];
    real.extend(own);
    let (status, page, _) = admin.post("/settings/mailboxes/new", &real).await;
    assert_eq!(status, 422);
    assert!(page.contains("127.0.0.1") && page.contains("nora@other.test") && !page.contains("hunter2"), "{page}");
}

#[tokio::test]
async fn in_the_sandbox_one_reads_the_email_as_the_prospect_and_a_reply_ends_the_sequence() {
    let site = Installation::new().await;
    let mailbox = site.admin.mailbox("nora@acme.test").await;
    let sequence = site.admin.sequence("Winter depots", two_emails()).await;
    let person = site.admin.lead("Okafor", "maya@kestrel.example").await;
    site.admin.post("/enrollments", json!({ "sequence_id": sequence, "person_id": person })).await.expect(201);
    let mut stepper = Stepper::start(site.engine.clone()).await.expect("a stepper");
    stepper.run_due().await.expect("a step");

    let admin = Browser::of(&site, "admin@acme.test").await;
    let page = format!("/settings/mailboxes/{mailbox}/sandbox");
    let shown = admin.get(&page).await;
    Browser::has(&shown, &["Ann Okafor", "maya@kestrel.example", "Out of office", "Bounce"]);
    let action = shown
        .1
        .split("action=\"")
        .map(|rest| rest.split('"').next().unwrap_or_default())
        .find(|action| action.starts_with(&page));
    admin.done(action.expect("a form"), &[("kind", "reply"), ("text", "Yes, call me.")]).await;
    stepper.run_due().await.expect("a step");
    Browser::has(&admin.get(&format!("/sequences/{sequence}/people")).await, &["Ann Okafor", "Completed", "repl"]);
    Browser::has(&admin.get("/sequences").await, &["100 %"]);
}

/// The opened step of a page as its form begins, changed.
fn step_form<'a>(page: &'a str, step: &'a str, subject: &'a str) -> Vec<(&'a str, &'a str)> {
    let draft = page.split("name=\"draft\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a draft");
    let mut fields = EMAIL.to_vec();
    fields[2].1 = subject;
    fields.extend([("draft", draft), ("step", step)]);
    fields
}

/// The steps of a sequence in their order, by the numbers of their cards.
async fn titles(browser: &Browser<'_>, sequence: &str) -> Vec<String> {
    let page = browser.get(sequence).await.1;
    let card =
        |rest: &str| rest.split("<b>").nth(1).and_then(|rest| rest.split("</b>").next()).unwrap_or_default().to_owned();
    page.split("class=\"step\"").skip(1).map(card).collect()
}

#[tokio::test]
async fn steps_are_inserted_copied_moved_and_deleted_and_each_can_be_taken_back() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    let sequence = admin.done("/sequences/new", &[("name", "Winter depots")]).await;
    let first = step_of(&admin.done(&format!("{sequence}/steps"), &[("kind", "automated_email")]).await);
    admin.done(&format!("{sequence}/steps?before={first}"), &[("kind", "task")]).await;
    assert_eq!(titles(&admin, &sequence).await, ["1. Task: call", "2. First email"]);
    let page = admin.get(&format!("{sequence}?step={first}")).await.1;
    let mut fields = step_form(&page, &first, "Typed and not saved");
    fields.push(("direction", "up"));
    admin.done(&format!("{sequence}/steps/{first}/move"), &fields).await;
    assert_eq!(titles(&admin, &sequence).await, ["1. First email", "2. Task: call"]);
    Browser::has(&admin.get(&sequence).await, &["Typed and not saved"]);
    let (_, _, to) = admin.post(&format!("{sequence}/steps/{first}/duplicate"), &[]).await;
    Browser::has(&admin.get(&to).await, &["2. Email, new thread", "Typed and not saved"]);
    admin.done(&format!("{sequence}/steps/{first}/delete"), &[]).await;
    assert_eq!(titles(&admin, &sequence).await.len(), 2);
    let number = |page: &str| -> u32 {
        let of = page.split("name=\"draft\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        of.and_then(|number| number.parse().ok()).expect("a number")
    };
    let deleted = number(&admin.get(&sequence).await.1);
    admin.done(&format!("{sequence}/drafts/{deleted}/undo"), &[]).await;
    assert_eq!(titles(&admin, &sequence).await, ["1. First email", "2. Email, new thread", "3. Task: call"]);
    let chip = [(format!("wait.amount:{first}"), "2"), (format!("wait.unit:{first}"), "hours")];
    let chip: Vec<(&str, &str)> = chip.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    admin.done(&format!("{sequence}/steps/{first}/wait"), &chip).await;
    Browser::has(&admin.get(&format!("{sequence}?step={first}")).await, &["2 hours, e.g. "]);
}

#[tokio::test]
async fn a_late_save_is_refused_with_who_changed_what_and_replaces_it_when_sent_again() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    let sequence = admin.done("/sequences/new", &[("name", "Winter depots")]).await;
    let step = step_of(&admin.done(&format!("{sequence}/steps"), &[("kind", "automated_email")]).await);
    let other = step_of(&admin.done(&format!("{sequence}/steps"), &[("kind", "automated_email")]).await);
    let tab = admin.get(&format!("{sequence}?step={step}")).await.1;
    let second = admin.get(&format!("{sequence}?step={other}")).await.1;
    let path = format!("{sequence}/steps/{step}");
    admin.done(&path, &step_form(&tab, &step, "From the other tab")).await;
    admin.done(&format!("{sequence}/steps/{other}"), &step_form(&second, &other, "Another step is no matter")).await;
    let (status, page, _) = admin.post(&path, &step_form(&tab, &step, "From the late tab")).await;
    assert_eq!(status, 422);
    for words in ["elsewhere, changed this meanwhile", "Step 1 says something else.", "From the late tab"] {
        assert!(page.contains(words), "{words} is missing in {page}");
    }
    admin.done(&path, &step_form(&page, &step, "From the late tab")).await;
    Browser::has(&admin.get(&sequence).await, &["From the late tab"]);

    let late = admin.get(&format!("{sequence}?step={step}")).await.1;
    admin.done(&format!("{path}/delete"), &[]).await;
    let (status, page, _) = admin.post(&path, &step_form(&late, &step, "Not lost")).await;
    assert!(status == 422 && page.contains("Not lost"), "{page}");
    admin.done(&path, &step_form(&page, &step, "Not lost")).await;
    assert_eq!(titles(&admin, &sequence).await.len(), 2, "it is back");
}

#[tokio::test]
async fn publishing_shows_whom_it_moves_moves_them_and_takes_it_back() {
    let site = Installation::new().await;
    site.admin.mailbox("nora@acme.test").await;
    let sequence = site.admin.sequence("Winter depots", two_emails()).await;
    let person = site.admin.lead("Okafor", "maya@kestrel.example").await;
    let new = json!({ "sequence_id": sequence, "person_id": person });
    site.admin.post("/enrollments", new).await.expect(201);
    let read = site.admin.get(&format!("/sequences/{sequence}")).await.expect(200);
    let second = read["steps"][1].clone();
    site.admin.patch(&format!("/sequences/{sequence}"), json!({ "steps": [{ "id": second["id"], "action": "automated_email", "email": { "subject": "Other", "body_text": "Other words" } }] })).await.expect(200);

    let admin = Browser::of(&site, "admin@acme.test").await;
    let page = format!("/sequences/{sequence}");
    Browser::has(&admin.get(&page).await, &["Review and publish", "changes not published"]);
    let shown = admin.get(&format!("{page}/publish")).await;
    Browser::has(&shown, &["Ann Okafor", "Gone", "New people only", "Also those enrolled", "Publish version 2"]);
    Browser::has(&admin.get(&format!("{page}/publish?show=moves")).await, &["Go on with another step", "Ann Okafor"]);
    let stale = [("draft", "0"), ("enrolled", "move")];
    let (status, refused, _) = admin.post(&format!("{page}/activate"), &stale).await;
    assert!(status == 422 && refused.contains("changed since you looked at it"), "{refused}");
    let draft =
        shown.1.split("name=\"draft\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a draft");
    admin.done(&format!("{page}/activate"), &[("draft", draft), ("enrolled", "move")]).await;
    let enrollment = site.admin.get(&format!("/enrollments?sequence_id={sequence}")).await.expect(200);
    assert_eq!(enrollment["items"][0]["current_step"], json!(1), "{enrollment}");
    Browser::has(&admin.get(&format!("{page}/history")).await, &["Version 2"]);
    Browser::has(&admin.get(&format!("/people/{person}")).await, &["Follows version 2"]);
    let job = site.admin.get("/jobs").await.expect(200)["items"][0]["id"].as_str().expect("a job").to_owned();
    admin.done(&format!("/jobs/{job}/undo?back={page}"), &[]).await;
    Browser::has(&admin.get(&format!("/people/{person}")).await, &["Follows version 1 again"]);
}

#[tokio::test]
async fn a_test_goes_to_oneself_and_is_nobodys_delivery() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    let person = site.admin.lead("Okafor", "maya@kestrel.example").await;
    let sequence = site.admin.sequence("Winter depots", two_emails()).await;
    let read = site.admin.get(&format!("/sequences/{sequence}")).await.expect(200);
    let step = read["steps"][0]["id"].as_str().expect("a step").to_owned();
    let order = json!({ "person_id": person });
    let path = format!("/sequences/{sequence}/steps/{step}/test");
    assert_eq!(site.admin.post(&path, order.clone()).await.refusal().1, "no_mailbox");
    let mailbox = site.admin.mailbox("nora@acme.test").await;
    let sent = site.admin.post(&path, order.clone()).await.expect(200);
    assert_eq!(sent["address"], json!("nora@acme.test"));
    let used = site.admin.get(&format!("/mailboxes/{mailbox}")).await.expect(200);
    assert_eq!(used["sent_today"], json!(1), "it counts");
    let history = site.admin.get(&format!("/people/{person}/activities")).await.expect(200);
    assert!(!history.to_string().contains("email_sent"), "{history}");
    site.admin.patch(&format!("/mailboxes/{mailbox}"), json!({ "daily_quota": 1 })).await.expect(200);
    assert_eq!(site.admin.post(&path, order).await.refusal().1, "quota_reached");
    let page = admin.done(&format!("/sequences/{sequence}/steps/{step}/test"), &[("as", &person)]).await;
    assert!(page.contains(&format!("step={step}")));
}

#[tokio::test]
async fn what_a_writer_should_know_stands_under_the_text_and_in_the_api() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, "admin@acme.test").await;
    let sequence = admin.done("/sequences/new", &[("name", "Winter depots")]).await;
    let step = step_of(&admin.done(&format!("{sequence}/steps"), &[("kind", "automated_email")]).await);
    let mut fields = EMAIL;
    fields[4].1 = "See http://a.example, {{ person.first_name | default('there') }}. Worth a call?";
    let (_, page, _) = admin.post(&format!("{sequence}/steps/{step}/preview"), &fields).await;
    for words in ["One link without https", "6 words, one question, one link.", "no way to unsubscribe"] {
        assert!(page.contains(words), "{words} is missing in {page}");
    }
    admin.done(&format!("{sequence}/steps/{step}"), &fields).await;
    let found = site.admin.get(&format!("{sequence}/findings").replace("/sequences", "/sequences")).await.expect(200);
    assert_eq!((&found["items"][0]["code"], &found["items"][0]["position"]), (&json!("insecure_link"), &json!(1)));
}
