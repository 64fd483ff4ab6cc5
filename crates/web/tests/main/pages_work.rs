//! Tasks, review and settings as a browser uses them: pages, forms, refusals.

use crate::api_inbound::message;
use crate::installation::{Client, Installation, PASSWORD, send, two_emails};
use axum::{
    body::Body,
    http::{Request, header},
};
use relance_domain::user::Role;
use relance_engine::stepper::Stepper;
use secrecy::SecretString;
use serde_json::json;

/// A browser with a session.
struct Browser<'a> {
    site: &'a Installation,
    cookie: String,
}

impl<'a> Browser<'a> {
    async fn of(site: &'a Installation, client: &Client, email: &str) -> Self {
        if client.role != Role::Admin {
            let password = SecretString::from(PASSWORD);
            site.engine.set_password(&site.admin.actor(), client.id, &password).await.expect("a password");
        }
        let form = format!("email={email}&password={}", PASSWORD.replace(' ', "+"));
        let signed_in = form_request("/sign-in", &form, "");
        let answer = send(&site.router, signed_in).await;
        let cookie = answer.headers[header::SET_COOKIE].to_str().expect("a cookie");
        Self { site, cookie: cookie.split(';').next().unwrap_or_default().to_owned() }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let request = Request::get(path).header(header::COOKIE, &self.cookie).body(Body::empty());
        let answer = send(&self.site.router, request.expect("a request")).await;
        (answer.status, answer.body.as_str().unwrap_or_default().to_owned())
    }

    /// Status, page, and where it leads.
    async fn post(&self, path: &str, form: &str) -> (u16, String, String) {
        let answer = send(&self.site.router, form_request(path, form, &self.cookie)).await;
        let to = answer.headers.get(header::LOCATION).map(|to| to.to_str().expect("text").to_owned());
        (answer.status, answer.body.as_str().unwrap_or_default().to_owned(), to.unwrap_or_default())
    }
}

fn form_request(path: &str, form: &str, cookie: &str) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie)
        .body(Body::from(form.to_owned()))
        .expect("a request")
}

#[tokio::test]
async fn a_task_is_made_put_off_edited_and_checked_off_without_a_script() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, &site.admin, "admin@acme.test").await;
    let person = site.admin.lead("Okafor", "maya@kestrel.example").await;
    let (status, page, _) = admin.post("/tasks/new", "kind=call&content=&person=nobody&due_at=").await;
    assert_eq!(status, 422);
    assert!(page.contains("Nobody has this name"), "the person is asked for again");
    let form = "kind=call&content=Call+Maya&person=maya%40kestrel.example&due_at=2026-03-03T11:00";
    assert_eq!(admin.post("/tasks/new", form).await.0, 303);
    let (_, list) = admin.get("/tasks").await;
    assert!(list.contains("Call Maya") && list.contains("Today") && list.contains(&format!("/people/{person}")));
    let task = site.admin.get("/tasks").await.expect(200)["items"][0]["id"].as_str().expect("an id").to_owned();
    let (_, player) = admin.get("/tasks/player").await;
    assert!(player.contains("Call Maya") && player.contains("1 of 1") && player.contains("maya@kestrel.example"));
    let (status, page, _) = admin.post(&format!("/tasks/{task}/snooze"), "until=2026-03-01T09:00").await;
    assert!(status == 422 && page.contains("still to come"));
    let (status, _, to) = admin.post(&format!("/tasks/{task}/snooze"), "when=next_week&to=/tasks/player").await;
    assert_eq!((status, to.as_str()), (303, "/tasks/player"));
    assert!(admin.get("/tasks/player").await.1.contains("All done for today"));
    assert!(admin.get("/tasks?part=upcoming").await.1.contains("Monday 9 March"));
    let form = "kind=email&content=Write+to+Maya&due_at=2026-03-03T12:00";
    assert_eq!(admin.post(&format!("/tasks/{task}/edit"), form).await.0, 303);
    assert!(admin.get(&format!("/tasks/{task}")).await.1.contains("Write to Maya"));
    assert_eq!(admin.post(&format!("/tasks/{task}/done"), "").await.0, 303);
    assert!(admin.get("/tasks?part=done").await.1.contains("Write to Maya"));
}

#[tokio::test]
async fn the_draft_of_a_manual_email_is_read_before_it_is_sent() {
    let site = Installation::new().await;
    site.admin.mailbox("ada@acme.test").await;
    let steps = json!([{ "action": "manual_email", "email": { "subject": "Hello {{ person.first_name }}", "body_html": "<p>Hi</p>" },
        "task": { "kind": "email", "content": "Read and send" } }]);
    let sequence = site.admin.sequence("By hand", steps).await;
    let person = site.admin.lead("Okafor", "maya@kestrel.example").await;
    site.admin.post("/enrollments", json!({ "sequence_id": sequence, "person_id": person })).await.expect(201);
    Stepper::start(site.engine.clone()).await.expect("a stepper").run_due().await.expect("a step");
    let admin = Browser::of(&site, &site.admin, "admin@acme.test").await;
    let (_, list) = admin.get("/tasks").await;
    assert!(list.contains("Read the draft") && list.contains("By hand"), "{list}");
    let task = site.admin.get("/tasks").await.expect(200)["items"][0]["id"].as_str().expect("an id").to_owned();
    let (_, page) = admin.get(&format!("/tasks/{task}")).await;
    assert!(page.contains("Hello Ann") && page.contains("Send this email"));
    assert_eq!(admin.post(&format!("/tasks/{task}/done"), "send=1").await.0, 303);
    let state = site.admin.get(&format!("/tasks/{task}")).await.expect(200)["state"].clone();
    admin.post(&format!("/tasks/{task}/skip"), "").await;
    let after = site.admin.get(&format!("/tasks/{task}")).await.expect(200)["state"].clone();
    assert_eq!((state, after), (json!("done"), json!("done")), "a closed task stays as it is");
}

#[tokio::test]
async fn users_are_added_changed_and_deactivated_by_admins_only() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, &site.admin, "admin@acme.test").await;
    let (status, page, _) =
        admin.post("/settings/users/new", "name=Ida&email=ida%40acme.test&role=manager&password=short").await;
    assert_eq!(status, 422);
    assert!(page.contains("at least 10 characters") && page.contains("ida@acme.test"), "what was typed stays");
    let form = "name=Ida&email=ida%40acme.test&role=manager&password=a+long+enough+one";
    assert_eq!(admin.post("/settings/users/new", form).await.0, 303);
    assert!(admin.get("/settings/users").await.1.contains("ida@acme.test"));
    let rep = format!("/settings/users/{}", site.rep.id);
    assert!(admin.get(&format!("{rep}/deactivate")).await.1.contains("Deactivate Rita Rep"));
    assert_eq!(admin.post(&format!("{rep}/deactivate"), "").await.0, 303);
    assert!(admin.get("/settings/users").await.1.contains("Deactivated"));
    assert_eq!(admin.get("/settings/team").await.0, 308);
    assert_eq!(admin.get("/settings/team/new").await.0, 308);
    assert_eq!(admin.post(&format!("{rep}/reactivate"), "").await.0, 303);
    assert_eq!(admin.post(&format!("{rep}/password"), "password=another+long+one").await.0, 303);
    let manager = Browser::of(&site, &site.manager, "manager@acme.test").await;
    let (status, list) = manager.get("/settings/users").await;
    assert!(status == 200 && !list.contains("Add a user"));
    assert_eq!(manager.get("/settings/users/new").await.0, 403);
    assert_eq!(manager.post("/settings/users/new", form).await.0, 403);
    assert_eq!(manager.post(&format!("{rep}/deactivate"), "").await.0, 403);
    assert!(!manager.get("/settings/users").await.1.contains("Deactivated"));
}

#[tokio::test]
async fn settings_and_stop_are_the_admins() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, &site.admin, "admin@acme.test").await;
    let rep = Browser::of(&site, &site.rep, "rep@acme.test").await;
    let form = "workspace_name=Halden&time_zone=Europe/Paris&postal_address=1+Quay&schedule.days=mon&schedule.from=09:00&schedule.to=17:00&schedule.only=all&schedule.time_zone=person&schedule.holidays=";
    assert_eq!(admin.post("/settings", form).await.0, 303);
    let (status, page, _) = admin.post("/settings", &form.replace("Halden", "")).await;
    assert!(status == 422 && page.contains("Give the workspace a name"));
    let (_, read) = rep.get("/settings").await;
    assert!(read.contains("Halden") && read.contains("1 Quay") && !read.contains("Save settings"));
    assert_eq!(rep.post("/settings", form).await.0, 403);
    assert_eq!(admin.post("/workspace/pause", "").await.0, 303);
    assert!(admin.get("/settings").await.1.contains("Resume sending"));
    assert!(rep.get("/settings").await.1.contains("Only an admin can resume it"));
    assert_eq!(admin.post("/workspace/resume", "").await.0, 303);
}

#[tokio::test]
async fn what_is_never_mailed_is_added_by_anyone_and_lifted_by_admins() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, &site.admin, "admin@acme.test").await;
    let rep = Browser::of(&site, &site.rep, "rep@acme.test").await;
    let (status, page, _) = rep.post("/settings/suppressions", "entry=hello+there&note=x").await;
    assert!(status == 422 && page.contains("neither an email address nor a domain") && page.contains("hello there"));
    assert_eq!(rep.post("/settings/suppressions", "entry=rival.example&note=Competitor").await.0, 303);
    let (_, list) = rep.get("/settings/suppressions?q=RIVAL").await;
    assert!(list.contains("rival.example") && list.contains("Competitor") && !list.contains("/delete"));
    let (status, page) = upload_list(&admin, "a@b.example\r\nno way\r\nc.example", "").await;
    assert!(status == 422 && page.contains("2 entries added") && page.contains("Line 2: no way"), "{page}");
    let entries = site.admin.get("/suppressions").await.expect(200);
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(3));
    let id = entries["items"][0]["id"].as_str().expect("an id");
    rep.post(&format!("/settings/suppressions/{id}/delete"), "").await;
    assert_eq!(site.admin.get("/suppressions").await.expect(200)["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(admin.post(&format!("/settings/suppressions/{id}/delete"), "").await.0, 303);
    assert_eq!(site.admin.get("/suppressions").await.expect(200)["items"].as_array().map(Vec::len), Some(2));
}

/// Sends the form for many entries: what was typed and a file.
async fn upload_list(browser: &Browser<'_>, typed: &str, file: &str) -> (u16, String) {
    let part = |head: &str, text: &str| format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n");
    let body =
        format!("{}{}--b--\r\n", part("name=\"entries\"", typed), part("name=\"file\"; filename=\"list.csv\"", file));
    let request = Request::builder()
        .method("POST")
        .uri("/settings/suppressions/many")
        .header("host", "relance.test")
        .header("cookie", &browser.cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "multipart/form-data; boundary=b")
        .body(Body::from(body))
        .expect("a request");
    let answer = send(&browser.site.router, request).await;
    (answer.status, answer.body.as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_list_of_addresses_is_imported_exported_and_turned_page_by_page() {
    let site = Installation::new().await;
    let admin = Browser::of(&site, &site.admin, "admin@acme.test").await;
    let file: String = (0..60).map(|n| format!("person{n}@rival.example;=cmd\n")).collect();
    assert_eq!(upload_list(&admin, "", &format!("Address;Note\n{file}")).await.0, 303);
    let (_, first) = admin.get("/settings/suppressions").await;
    assert!(first.contains("60 addresses and domains") && first.contains("rel=\"next\""), "{first}");
    let next = first.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a page");
    let (status, second) = admin.get(&next.replace("&#38;", "&").replace("&amp;", "&")).await;
    assert!(status == 200 && second.contains("rel=\"prev\"") && !second.contains("rel=\"next\""));
    assert_eq!(second.matches("data-row").count(), 10);
    let (status, csv) = admin.get("/settings/suppressions.csv").await;
    assert!(status == 200 && csv.contains("entry,reason,note,since") && csv.matches("@rival.example").count() == 60);
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_deleted() {
    let site = Installation::new().await;
    let rep = Browser::of(&site, &site.rep, "rep@acme.test").await;
    let (status, page, _) = rep.post("/settings/api", "name=Nightly&scope=admin").await;
    assert!(status == 422 && page.contains("Choose what the token may do"));
    let (status, page, _) = rep.post("/settings/api", "name=Nightly&scope=read").await;
    assert_eq!(status, 201);
    let secret = page.split("value=\"rel_").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
    let client = Client { token: format!("rel_{secret}"), ..site.rep.clone() };
    client.get("/people").await.expect(200);
    let (_, page) = rep.get("/settings/api").await;
    assert!(page.contains("Nightly") && !page.contains(secret), "never again");
    let action =
        page.split("/settings/api/").nth(1).and_then(|rest| rest.split('"').next()).expect("a link").to_owned();
    assert_eq!(rep.post(&format!("/settings/api/{action}"), "").await.0, 303);
    assert_eq!(client.get("/people").await.status, 401, "it is refused from then on");
}

#[tokio::test]
async fn a_changed_password_signs_out_everywhere_else() {
    let site = Installation::new().await;
    let here = Browser::of(&site, &site.rep, "rep@acme.test").await;
    let form = "current_password=wrong&password=a+long+enough+one";
    let (status, page, _) = here.post("/settings/profile/password", form).await;
    assert!(status == 422 && page.contains("not your current password"));
    let form = format!("current_password={}&password=a+long+enough+one", PASSWORD.replace(' ', "+"));
    let answer = send(&site.router, form_request("/settings/profile/password", &form, &here.cookie)).await;
    assert_eq!(answer.status, 303);
    let is_session =
        |value: &&axum::http::HeaderValue| value.to_str().is_ok_and(|text| text.starts_with("relance_session="));
    let cookie = answer.headers.get_all(header::SET_COOKIE).iter().find(is_session).expect("a new session");
    let cookie = cookie.to_str().expect("text").split(';').next().unwrap_or_default().to_owned();
    assert_eq!(here.get("/settings/profile").await.0, 303, "the old session is over");
    let here = Browser { cookie, ..here };
    let (status, page) = here.get("/settings/profile").await;
    assert!(status == 200 && page.contains("Rita Rep"));
    let form = "name=Rita+R&email=rep%40acme.test&time_zone=Mars/Olympus&phone=1";
    let (status, page, _) = here.post("/settings/profile", form).await;
    assert!(status == 422 && page.contains("no such time zone") && page.contains("Rita R"));
    let (_, _, to) = here.post("/settings/profile/sign-out-everywhere", "").await;
    assert_eq!(to, "/sign-in");
    assert_eq!(here.get("/settings/profile").await.0, 303);
}

#[tokio::test]
async fn a_message_is_decided_by_those_who_may() {
    let site = Installation::new().await;
    let mailbox = site.rep.mailbox("rita@acme.test").await;
    let lead = site.rep.lead("Lee", "lee@x.test").await;
    let id = message(&site, &mailbox, 1).await;
    let rep = Browser::of(&site, &site.rep, "rep@acme.test").await;
    let (_, page) = rep.get("/review").await;
    for words in [
        "Someone",
        "About your email",
        "It comes from an unknown address.",
        "Who are you?",
        "Quoted text, 1 line",
        "Find who wrote it",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(rep.get(&format!("/review/{id}?q=lee")).await.1.contains(&lead), "whoever is looked for is offered");
    let (status, page, _) = rep.post(&format!("/review/{id}/assign"), "q=lee").await;
    assert!(status == 422 && page.contains("Choose who wrote it"));
    let other = Browser::of(&site, &site.other, "other@acme.test").await;
    assert!(other.get("/review").await.1.contains("Nothing to decide"));
    assert_eq!(other.get(&format!("/review/{id}")).await.0, 404);
    assert_eq!(rep.post(&format!("/review/{id}/assign"), &format!("person_id={lead}")).await.2, "/review");
    assert!(rep.get("/review").await.1.contains("Nothing to decide"));
    assert!(rep.get(&format!("/review/{id}")).await.1.contains("decided that it is an answer"));
}

#[tokio::test]
async fn an_empty_tray_and_list_say_what_comes() {
    let site = Installation::new().await;
    site.admin.sequence("Two", two_emails()).await;
    let rep = Browser::of(&site, &site.rep, "rep@acme.test").await;
    assert!(rep.get("/review").await.1.contains("Nothing to decide"));
    assert!(rep.get("/tasks").await.1.contains("Nothing is due today"));
    assert!(rep.get("/tasks/player").await.1.contains("All done for today"));
    assert_eq!(rep.get("/review/inb_00000000000000000000000001").await.0, 404);
}
