//! Settings as admins change them and others do not: teams, and which people reps see.

use crate::installation::{Installation, PASSWORD, id};
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
    browser.get("/settings/team").await.shows(200, &["South", "Rita Rep"]);
    browser.get(&path).await.shows(200, &["Edit South", &format!("value=\"{}\" checked", at.rep.id)]);
    let saved = browser.post(&path, &[("name", "North"), ("member", &at.other.id.to_string())]).await;
    assert_eq!(browser.said(&saved).await, "North has 1 member.");
    let team_of = |user: String| {
        let client = at.admin.clone();
        async move { client.get(&format!("/users/{user}")).await.expect(200)["team_id"].clone() }
    };
    assert_eq!(team_of(at.other.id.to_string()).await, json!(team));
    assert_eq!(team_of(at.rep.id.to_string()).await, json!(null));

    let user = format!("/settings/team/{}", at.rep.id);
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
    let made = browser.post("/settings/team/new", &fields).await;
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
