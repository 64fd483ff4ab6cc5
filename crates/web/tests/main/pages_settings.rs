//! Settings as admins change them and others do not: teams, and which people reps see.

use crate::installation::{Installation, PASSWORD, id, two_emails};
use crate::pages_people::{Browser, form, request};
use secrecy::SecretString;
use serde_json::json;

/// The browser of a user who is no admin.
async fn rep(at: &Installation) -> Browser {
    let password = SecretString::from(PASSWORD);
    at.engine.set_password(&at.admin.actor(), at.rep.id, &password).await.expect("a password");
    let fields = form(&[("email", "rep@acme.test"), ("password", PASSWORD)]);
    let page = request(&at.router, "POST", "/sign-in", &[], &fields).await;
    let set = page.headers["set-cookie"].to_str().expect("a cookie");
    let cookie = set.split(';').next().expect("a value").to_owned();
    Browser { router: at.router.clone(), cookie }
}

#[tokio::test]
async fn a_team_is_made_with_its_members_renamed_and_deleted() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    browser.get("/settings/teams").await.shows(200, &["No teams yet", "Which people reps see", "are in no team."]);
    browser.get("/settings/teams/new").await.shows(200, &["New team", "Rita Rep", "Otto Other", "Create team"]);
    browser
        .post("/settings/teams/new", &[("name", " "), ("member", &at.rep.id.to_string())])
        .await
        .shows(422, &["Give the team a name.", &format!("value=\"{}\" checked", at.rep.id)]);
    let members = [("name", "South"), ("member", &at.rep.id.to_string()), ("member", &at.manager.id.to_string())];
    let made = browser.post("/settings/teams/new", &members).await;
    assert_eq!(browser.said(&made).await, "South has 2 members.");
    let taken = browser.post("/settings/teams/new", &[("name", "south")]).await;
    taken.shows(422, &["Another team has this name.", "value=\"south\""]);

    let team = id(&at.admin.get("/teams").await.expect(200)["items"][0]);
    let path = format!("/settings/teams/{team}");
    browser
        .get("/settings/teams")
        .await
        .shows(200, &["South", "Mia Manager and Rita Rep", "Otto Other is in no team."]);
    browser.get("/settings/users").await.shows(200, &["South", "Rita Rep"]);
    browser.get(&path).await.shows(200, &["Edit South", &format!("value=\"{}\" checked", at.rep.id)]);
    let saved = browser.post(&path, &[("name", "North"), ("member", &at.other.id.to_string())]).await;
    assert_eq!(browser.said(&saved).await, "North has 1 member.");
    let team_of = |user: String| {
        let client = at.admin.clone();
        async move { client.get(&format!("/users/{user}")).await.expect(200)["team_id"].clone() }
    };
    assert_eq!(team_of(at.other.id.to_string()).await, json!(team));
    assert_eq!(team_of(at.rep.id.to_string()).await, json!(null));

    let user = format!("/settings/users/{}", at.rep.id);
    browser.get(&user).await.shows(200, &["No team", "North"]);
    let fields = [("name", "Rita Rep"), ("email", "rep@acme.test"), ("role", "rep"), ("team_id", team.as_str())];
    assert_eq!(browser.said(&browser.post(&user, &fields).await).await, "Rita Rep is saved.");
    assert_eq!(team_of(at.rep.id.to_string()).await, json!(team));
    let wrong = [&fields[..3], &[("team_id", "nonsense")]].concat();
    browser.post(&user, &wrong).await.shows(422, &["Choose a team from the list."]);

    let gone = browser.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(browser.said(&gone).await, "North is deleted. Its members are in no team.");
    assert_eq!(team_of(at.rep.id.to_string()).await, json!(null));
    browser.get(&path).await.shows(404, &["Not found"]);
}

#[tokio::test]
async fn a_new_user_joins_a_team_at_once() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let team = id(&at.admin.post("/teams", json!({ "name": "South" })).await.expect(201));
    let fields = [
        ("name", "Nina New"),
        ("email", "nina@acme.test"),
        ("role", "rep"),
        ("team_id", team.as_str()),
        ("password", PASSWORD),
    ];
    let made = browser.post("/settings/users/new", &fields).await;
    assert!(browser.said(&made).await.starts_with("Nina New can sign in"));
    browser.get("/settings/teams").await.shows(200, &["South", "Nina New"]);
    let by_api = json!({ "name": "Noah", "email": "noah@acme.test", "role": "rep", "team_id": team });
    assert_eq!(at.admin.post("/users", by_api).await.expect(201)["team_id"], json!(team));
}

#[tokio::test]
async fn admins_choose_which_people_reps_see_and_it_holds_at_once() {
    let at = Installation::new().await;
    let (browser, rep) = (Browser::sign_in(&at).await, rep(&at).await);
    let fields = json!({ "last_name": "Okafor", "email": "maya@kestrel.example", "owner_id": at.admin.id });
    let lead = id(&at.admin.post("/people", fields).await.expect(201));
    rep.get(&format!("/people/{lead}")).await.shows(200, &["Okafor"]);
    browser
        .get("/settings/teams")
        .await
        .shows(200, &["value=\"all\" checked", "Managers see those of their whole team.", "is not found"]);
    let said = browser.post("/settings/visibility", &[("people_visibility", "own")]).await;
    assert_eq!(browser.said(&said).await, "Reps now see their own people.");
    browser.get("/settings/teams").await.shows(200, &["value=\"own\" checked"]);
    rep.get(&format!("/people/{lead}")).await.shows(404, &["Not found"]);
    rep.get("/leads").await.shows(200, &["No leads yet"]);
    let nothing = browser.post("/settings/visibility", &[("people_visibility", "some")]).await;
    assert!(browser.said(&nothing).await.contains("Nothing was changed."));
    browser.get("/settings/teams").await.shows(200, &["value=\"own\" checked"]);
}

#[tokio::test]
async fn teams_are_for_admins() {
    let at = Installation::new().await;
    let rep = rep(&at).await;
    let team = id(&at.admin.post("/teams", json!({ "name": "South" })).await.expect(201));
    for path in ["/settings/teams".to_owned(), "/settings/teams/new".to_owned(), format!("/settings/teams/{team}")] {
        rep.get(&path).await.shows(403, &["Only an admin can"]);
    }
    rep.post("/settings/visibility", &[("people_visibility", "all")]).await.shows(403, &["Only an admin can"]);
    rep.post(&format!("/settings/teams/{team}/delete"), &[]).await.shows(403, &["Only an admin can"]);
    let settings = rep.get("/settings").await;
    assert!(!settings.html.contains("href=\"/settings/teams\""), "what one may not open is not offered");
    Browser::sign_in(&at).await.get("/settings").await.shows(200, &["href=\"/settings/teams\""]);
}

/// The text between `begin` and the next quote.
fn after<'a>(page: &'a str, begin: &str) -> &'a str {
    let rest = page.split_once(begin).unwrap_or_else(|| panic!("no {begin} in {page}")).1;
    rest.split('"').next().expect("a quote")
}

#[tokio::test]
async fn someone_is_invited_by_a_link_and_signs_in_with_a_code() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let fields =
        [("name", "Nina New"), ("email", "nina@acme.test"), ("role", "rep"), ("team_id", ""), ("password", "")];
    let users = relance_web::urls::NEW_USER;
    let made = browser.post(users, &fields).await;
    made.shows(201, &["A link for Nina New", "with it they choose a password", "shown this once"]);
    let link = after(&made.html, "id=\"f-link\" value=\"").to_owned();
    let path = format!("/password/{}", link.rsplit('/').next().expect("a token"));
    let stranger = request(&at.router, "GET", &path, &[], "").await;
    stranger.shows(200, &["Welcome, Nina New", "nina@acme.test"]);
    request(&at.router, "POST", &path, &[], &form(&[("password", "short")])).await.shows(422, &["at least 10"]);
    let set = request(&at.router, "POST", &path, &[], &form(&[("password", PASSWORD)])).await;
    assert_eq!(set.status, 303);
    request(&at.router, "GET", &path, &[], "").await.shows(422, &["This link no longer works"]);

    let mut cookie = set.headers.get_all("set-cookie").iter().filter_map(|one| one.to_str().ok());
    let cookie = cookie.rfind(|one| one.starts_with("relance_session")).expect("a session");
    let nina = Browser { router: at.router.clone(), cookie: cookie.split(';').next().expect("a value").to_owned() };
    nina.get("/settings/profile").await.shows(200, &["Two-step sign-in", "Set up"]);
    let page = nina.get("/settings/profile/two-step").await;
    page.shows(200, &["Scan this", "class=\"qr\"", "otpauth://totp/"]);
    let secret = after(&page.html, "name=\"secret\" value=\"").to_owned();
    let wrong = nina.post("/settings/profile/two-step", &[("secret", &secret), ("code", "12")]).await;
    wrong.shows(422, &["This code is not right", &secret]);
    let code = |steps: i64| {
        let moment = at.engine.clock.system_now().plus_ms(steps * 30_000);
        relance_engine::Engine::two_step_code(&secret, moment).expect("a code")
    };
    let on = nina.post("/settings/profile/two-step", &[("secret", &secret), ("code", &code(-1))]).await;
    on.shows(201, &["Two-step sign-in is on", "recovery codes"]);
    nina.get("/settings/profile").await.shows(200, &["10 recovery codes", "Turn off"]);

    let fields = form(&[("email", "nina@acme.test"), ("password", PASSWORD), ("to", "/leads")]);
    let asked = request(&at.router, "POST", "/sign-in", &[], &fields).await;
    assert_eq!(asked.headers["location"], "/sign-in/code?to=/leads");
    let proof = asked.headers["set-cookie"].to_str().expect("text").split(';').next().expect("a value").to_owned();
    request(&at.router, "GET", "/sign-in/code", &[], "").await.leads_to("/sign-in");
    let with = [("cookie", proof.as_str())];
    request(&at.router, "GET", "/sign-in/code?to=/leads", &with, "").await.shows(200, &["One more step"]);
    let wrong = form(&[("code", "000 00"), ("to", "/leads")]);
    request(&at.router, "POST", "/sign-in/code", &with, &wrong).await.shows(422, &["This code is not right"]);
    let right = form(&[("code", &code(0)), ("to", "/leads")]);
    request(&at.router, "POST", "/sign-in/code", &with, &right).await.leads_to("/leads");

    let off = nina.post("/settings/profile/two-step/off", &[("two_step_password", "wrong one here")]).await;
    off.shows(422, &["This is not your current password."]);
    let id = relance_storage::users::list(&mut at.engine.store.read().await.expect("read")).await.expect("users");
    let id = id.into_iter().find(|user| user.name == "Nina New").expect("nina").id;
    let off = browser.post(&format!("{}/two-step-off", relance_web::urls::user(id)), &[]).await;
    assert!(browser.said(&off).await.starts_with("Nina New signs in with the password alone"));
    nina.get("/settings/profile").await.shows(200, &["Set up"]);
}

#[tokio::test]
async fn the_audit_log_is_read_by_admins_and_searched() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    at.admin.order("/workspace/pause").await.expect(200);
    at.admin.order("/workspace/resume").await.expect(200);
    browser.post("/settings/teams/new", &[("name", "South <b>")]).await;
    browser.get("/settings/audit").await.shows(
        200,
        &["Audit log", "stopped all sending", "resumed sending", "saved the team", "South &#60;b&#62;", "signed in"],
    );
    let found = browser.get("/settings/audit?q=sOUTH").await;
    found.shows(200, &["saved the team"]);
    let rows = |html: &str| html.split_once("<tbody").expect("rows").1.to_owned();
    assert!(!rows(&found.html).contains("stopped all sending"));
    let found = browser.get("/settings/audit?area=settings&from=2020-01-01&until=nonsense").await;
    found.shows(200, &["stopped all sending"]);
    assert!(!rows(&found.html).contains("saved the team"));
    browser.get("/settings/audit?q=nobody-knows").await.shows(200, &["Nothing matches"]);
    rep(&at).await.get("/settings/audit").await.shows(403, &["Only an admin can read the audit log."]);
    let list = at.admin.get("/audit?area=settings&limit=1").await.expect(200);
    assert_eq!(list["items"][0]["act"], "sending_resumed");
    assert!(list["next_cursor"].is_string());
    at.admin.get("/audit?area=cooking").await.expect(422);
    at.rep.get("/audit").await.expect(403);
}

#[tokio::test]
async fn what_is_done_to_sequences_and_templates_and_every_export_is_in_the_audit_log() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let template = json!({ "name": "Hello", "subject": "Hi", "body_html": "<p>Hi</p>" });
    let template = at.admin.post("/templates", template).await.expect(201)["id"].as_str().expect("an id").to_owned();
    at.admin.patch(&format!("/templates/{template}"), json!({ "subject": "Hey" })).await.expect(200);
    at.admin.delete(&format!("/templates/{template}")).await.expect(204);
    let sequence = json!({ "name": "Depots", "steps": two_emails() });
    let sequence = at.admin.post("/sequences", sequence).await.expect(201)["id"].as_str().expect("an id").to_owned();
    at.admin.patch(&format!("/sequences/{sequence}"), json!({ "name": "Winter depots" })).await.expect(200);
    for order in ["activate", "pause", "resume", "archive"] {
        at.admin.order(&format!("/sequences/{sequence}/{order}")).await.expect(200);
    }
    at.admin.get("/people/export?kind=lead&q=ann").await.expect(200);
    browser.post("/people/export.csv", &[("kind", "lead"), ("all", "1")]).await;
    let log = at.admin.get("/audit?limit=100").await.expect(200);
    let lines: Vec<String> = log["items"].as_array().expect("lines").iter().map(line).collect();
    let expected = [
        "people_exported : Everyone in the list /leads.",
        "people_exported : Leads, by the API, search: ann.",
        "sequence_archived Winter depots: Those in it finish.",
        "sequence_resumed Winter depots: ",
        "sequence_paused Winter depots: ",
        "sequence_activated Winter depots: Version 1.",
        "sequence_changed Winter depots: Name: Depots → Winter depots.",
        "sequence_made Depots: ",
        "template_deleted Hello: ",
        "template_saved Hello: Subject: Hi → Hey.",
        "template_saved Hello: New.",
    ];
    assert_eq!(lines[..expected.len()], expected);
}

/// An entry of the log in one line.
fn line(entry: &serde_json::Value) -> String {
    let word = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    format!("{} {}: {}", word("act"), word("object"), word("detail"))
}
