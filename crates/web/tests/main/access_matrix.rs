//! Role × route × whose person × visibility setting: everything `product.md` §11 does not grant is denied.
//!
//! The routes come from the OpenAPI document and from the table of pages; each has one line here that says what may be
//! done with it, and a route without a line fails the test. What a role sees is written down once more in [`sees`],
//! on purpose not with the rule of the domain.

use crate::installation::{Answer, Client, Installation, id, send};
use axum::{body::Body, http::Request};
use relance_domain::{
    UserId,
    user::{Role, Visibility},
};
use relance_engine::commands::users::{NewUser, UserChange};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[path = "access_matrix/belongings.rs"]
mod belongings;
#[path = "access_matrix/expectations.rs"]
mod expectations;
#[path = "access_matrix/listing.rs"]
mod listing;
#[path = "access_matrix/routes.rs"]
mod routes;
#[path = "access_matrix/touching.rs"]
mod touching;

use expectations::{CALLS, Expect, PAGES};
use routes::{calls, pages};

/// Whose a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Own,
    Teams,
    Others,
    Nobodys,
}

const WHOSE: [Whose; 4] = [Whose::Own, Whose::Teams, Whose::Others, Whose::Nobodys];

/// What §11 grants: the rep and the manager are in one team with a third.
fn sees(role: Role, whose: Whose, visibility: Visibility) -> bool {
    match (role, visibility, whose) {
        (Role::Admin, ..) | (_, Visibility::All, _) | (_, _, Whose::Own | Whose::Nobodys) => true,
        (Role::Manager, _, Whose::Teams) | (Role::Rep, Visibility::Team, Whose::Teams) => true,
        (Role::Rep, Visibility::Own, Whose::Teams) | (_, _, Whose::Others) => false,
    }
}

/// One thing of each kind about one person.
struct Things {
    person: String,
    enrollment: String,
    task: String,
    activity: String,
}

/// An installation with two teams, and people of everyone.
struct Ground {
    at: Installation,
    things: BTreeMap<Whose, Things>,
    sequence: String,
    /// The third of the team.
    mate: UserId,
}

impl Ground {
    async fn new() -> Self {
        let at = Installation::new().await;
        let admin = at.admin.actor();
        let new = NewUser {
            email: "mate@acme.test".to_owned(),
            name: "Mara Mate".to_owned(),
            role: Role::Rep,
            time_zone: String::new(),
            team_id: None,
            password: None,
        };
        let mate = at.engine.add_user(&admin, new).await.expect("a user");
        let team = at.engine.create_team(&admin, "South").await.expect("a team");
        for member in [at.rep.id, at.manager.id, mate.id] {
            let change = UserChange { team_id: Some(Some(team.id)), ..UserChange::default() };
            at.engine.edit_user(&admin, member, change).await.expect("a member");
        }
        let call = json!([{ "action": "task", "task": { "kind": "call", "content": "Call" } }]);
        let sequence = at.admin.sequence("Calls", call).await;
        let mut things = BTreeMap::new();
        for whose in WHOSE {
            // What nobody owns was begun by the rep of the other team.
            let (owner, actor) = match whose {
                Whose::Own => (Some(at.rep.id), at.rep.id),
                Whose::Teams => (Some(mate.id), mate.id),
                Whose::Others => (Some(at.other.id), at.other.id),
                Whose::Nobodys => (None, at.other.id),
            };
            let fields = json!({ "last_name": format!("Surname{whose:?}"), "email": format!("{whose:?}@x.test"), "owner_id": owner });
            let person = id(&at.admin.post("/people", fields).await.expect(201));
            let new = json!({ "sequence_id": sequence, "person_id": person, "actor_id": actor });
            let enrollment = id(&at.admin.post("/enrollments", new).await.expect(201));
            let new = json!({ "kind": "call", "content": "Ask", "person_id": person, "owner_id": actor });
            let task = id(&at.admin.post("/tasks", new).await.expect(201));
            let note = json!({ "text": "A note" });
            let activity = id(&at.admin.post(&format!("/people/{person}/notes"), note).await.expect(201));
            things.insert(whose, Things { person, enrollment, task, activity });
        }
        Self { at, things, sequence, mate: mate.id }
    }

    async fn set(&self, visibility: Visibility) {
        let change = json!({ "people_visibility": visibility.as_str() });
        self.at.admin.patch("/workspace", change).await.expect(200);
    }

    /// `{id}` and its like filled in; `None` if the route is not about a person.
    fn path(&self, template: &str, expect: Expect, whose: Whose) -> Option<String> {
        let things = &self.things[&whose];
        let thing = match expect {
            Expect::Person => &things.person,
            Expect::Enrollment => &things.enrollment,
            Expect::Task => &things.task,
            Expect::Activity => &things.activity,
            _ => return None,
        };
        let rest = [
            ("{step_id}", "stp_00000000000000000000000001"),
            ("{step}", "stp_00000000000000000000000001"),
            ("{note}", things.activity.as_str()),
            ("{message}", "inb_00000000000000000000000001"),
            ("{field}", "title"),
            ("{hash}", "0000000000000000000000000000000000000000000000000000000000000000"),
            ("{sequence}", self.sequence.as_str()),
        ];
        let path = template.replacen("{id}", thing, 1);
        Some(rest.iter().fold(path, |path, (place, value)| path.replace(place, value)))
    }
}

fn named(table: &[(&str, Expect)]) -> BTreeSet<String> {
    table.iter().map(|(route, _)| (*route).to_owned()).collect()
}

#[test]
fn every_route_has_an_expectation() {
    for (routes, table) in [(calls(), named(CALLS)), (pages(), named(PAGES))] {
        assert!(routes.len() > 50, "the table of routes could not be read");
        let without: Vec<_> = routes.difference(&table).collect();
        assert!(without.is_empty(), "say in expectations.rs what may be done with {without:#?}");
        let gone: Vec<_> = table.difference(&routes).collect();
        assert!(gone.is_empty(), "these routes are no more: {gone:#?}");
    }
}

/// The body that is tried: what it asks does not matter, it must not come so far.
fn body(method: &str) -> Option<Value> {
    (method != "GET").then(|| json!({}))
}

#[tokio::test]
async fn nobody_reaches_a_person_they_may_not_see_by_the_api() {
    let ground = Ground::new().await;
    for visibility in Visibility::ALL {
        ground.set(visibility).await;
        for client in [&ground.at.rep, &ground.at.manager, &ground.at.admin] {
            for (route, expect) in CALLS {
                let (method, template) = route.split_once(' ').expect("a method");
                for whose in WHOSE {
                    let Some(path) = ground.path(template, *expect, whose) else { continue };
                    let seen = sees(client.role, whose, visibility);
                    // What changes things is only tried where it must be denied.
                    if seen && method != "GET" {
                        continue;
                    }
                    let answer = client.call(method, &path, body(method), &[]).await;
                    let expected = if seen { 200 } else { 404 };
                    let what = format!("{route} of {whose:?} as {:?} with {visibility:?}", client.role);
                    assert_eq!(answer.status, expected, "{what}: {:#}", answer.body);
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_reaches_a_person_they_may_not_see_by_a_page() {
    let ground = Ground::new().await;
    for visibility in Visibility::ALL {
        ground.set(visibility).await;
        for client in [&ground.at.rep, &ground.at.manager] {
            let cookie = cookie(&ground.at, client).await;
            for (route, expect) in PAGES {
                let (method, template) = route.split_once(' ').expect("a method");
                for whose in WHOSE {
                    let Some(path) = ground.path(template, *expect, whose) else { continue };
                    if sees(client.role, whose, visibility) {
                        continue;
                    }
                    let status = visit(client, &cookie, method, &path).await;
                    assert_eq!(status, 404, "{route} of {whose:?} as {:?} with {visibility:?}", client.role);
                }
            }
        }
    }
    // The same cookie lets in where it may.
    ground.set(Visibility::Own).await;
    let cookie = cookie(&ground.at, &ground.at.rep).await;
    let own = format!("/people/{}", ground.things[&Whose::Own].person);
    assert_eq!(visit(&ground.at.rep, &cookie, "GET", &own).await, 200);
}

#[tokio::test]
async fn no_page_names_a_person_out_of_sight() {
    let ground = Ground::new().await;
    for visibility in [Visibility::Team, Visibility::Own] {
        ground.set(visibility).await;
        for client in [&ground.at.rep, &ground.at.manager] {
            let cookie = cookie(&ground.at, client).await;
            for (path, shows) in [
                ("/leads".to_owned(), true),
                ("/leads?q=surname".to_owned(), true),
                ("/palette?q=surname".to_owned(), true),
                (format!("/sequences/{}/people", ground.sequence), true),
                (format!("/sequences/{}", ground.sequence), false),
                ("/tasks".to_owned(), false),
                ("/tasks?of=team".to_owned(), false),
                ("/tasks/player".to_owned(), false),
                ("/review".to_owned(), false),
                ("/templates/new".to_owned(), false),
                ("/templates/tags".to_owned(), false),
                ("/templates/preview/people?q=surname".to_owned(), true),
                ("/".to_owned(), false),
            ] {
                let answer = answer_to(client, &cookie, "GET", &path, "").await;
                let what = format!("{path} as {:?} with {visibility:?}", client.role);
                assert_eq!(answer.status, 200, "{what}");
                let html = answer.body.to_string();
                for whose in WHOSE {
                    let named = html.contains(&format!("Surname{whose:?}"));
                    let seen = sees(client.role, whose, visibility);
                    assert!(seen || !named, "{what} names {whose:?}");
                    assert!(!shows || named == seen || whose == Whose::Nobodys, "{what} hides {whose:?}");
                }
            }
        }
    }
}

async fn cookie(at: &Installation, client: &Client) -> String {
    use relance_storage::users;
    use secrecy::ExposeSecret;
    let mut tx = at.engine.store.read().await.expect("a transaction");
    let user = users::find(&mut tx, client.id).await.expect("read").expect("a user");
    drop(tx);
    let signed_in = at.engine.sign_in_as(user, "test").await.expect("a session");
    format!("relance_session={}", signed_in.token.expose_secret())
}

/// A page that goes back with a notice instead of an error says in it that only an admin may.
fn is_told_no(answer: &Answer) -> bool {
    is_told(answer, "Only an admin can")
}

/// Whether the notice that a page goes back with is a refusal with these words.
fn is_told(answer: &Answer, told: &str) -> bool {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let mut notices = cookies.filter_map(|cookie| cookie.strip_prefix("relance_toast=")?.split(';').next());
    notices.any(|notice| {
        let words = URL_SAFE_NO_PAD.decode(notice).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.starts_with("[\"blocked\"") && words.contains(told)
    })
}

async fn visit(client: &Client, cookie: &str, method: &str, path: &str) -> u16 {
    answer_to(client, cookie, method, path, "").await.status
}

async fn answer_to(client: &Client, cookie: &str, method: &str, path: &str, form: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(if method == "GET" { String::new() } else { form.to_owned() }))
        .expect("a request");
    send(&client.router, request).await
}

#[tokio::test]
async fn only_admins_pass_where_only_admins_may() {
    let ground = Ground::new().await;
    let admin = &ground.at.admin;
    let sequence = admin.get(&format!("/sequences/{}", ground.sequence)).await.expect(200);
    let field = admin.post("/custom_fields", json!({ "label": "Size", "kind": "number" })).await.expect(201);
    let entry = admin.post("/suppressions", json!({ "entry": "spam.test" })).await.expect(201);
    let team = admin.post("/teams", json!({ "name": "West" })).await.expect(201);
    let words = json!({ "name": "Words", "subject": "S", "body_text": "T", "shared": true });
    let template = admin.post("/templates", words).await.expect(201);
    let there = expectations::There {
        sequence: ground.sequence.clone(),
        step: id(&sequence["steps"][0]),
        user: ground.at.other.id.to_string(),
        field: id(&field),
        entry: id(&entry),
        team: id(&team),
        template: id(&template),
    };
    let mut let_through = Vec::new();
    for client in [&ground.at.rep, &ground.at.manager] {
        let cookie = cookie(&ground.at, client).await;
        for (route, expect) in CALLS.iter().chain(PAGES) {
            if *expect != Expect::Admins {
                continue;
            }
            let (method, template) = route.split_once(' ').expect("a method");
            let path = there.named_in(template);
            let answer = if CALLS.iter().any(|(call, _)| call == route) {
                client.call(method, &path, expectations::sound_body(route), &[]).await
            } else {
                answer_to(client, &cookie, method, &path, &there.form()).await
            };
            if answer.status != 403 && !is_told_no(&answer) {
                let_through.push(format!("{method} {path} as {:?}: {}", client.role, answer.status));
            }
        }
    }
    assert!(let_through.is_empty(), "{let_through:#?}");
}
