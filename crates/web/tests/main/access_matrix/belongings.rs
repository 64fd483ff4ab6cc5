//! What belongs to a user and not to a person: mailboxes, templates, and messages nobody could be found for.
//! Role × setting × whose × shared × every route about one of them, by API and page.
//!
//! What §11 grants is written down once more in [`reach`] and [`is_allowed`], on purpose not with the rules of the domain.

use super::{CALLS, Expect, Ground, PAGES, answer_to, cookie, expectations, is_told};
use crate::{
    api_inbound::message,
    installation::{Client, id, ids},
};
use relance_domain::{
    UserId,
    user::{Actor, Role, Visibility},
};
use relance_engine::commands::templates::TemplateFields;
use serde_json::{Value, json};

/// Whose it is, seen from who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Mine,
    Mates,
    Others,
}

const OF: [Of; 3] = [Of::Mine, Of::Mates, Of::Others];

/// How far someone gets into a mailbox: 0 nowhere, 1 its health, 2 its settings, 3 its folders.
fn reach(role: Role, of: Of, visibility: Visibility) -> u8 {
    match (role, of) {
        (_, Of::Mine) => 3,
        (Role::Admin, _) => 2,
        (Role::Manager, Of::Mates) => 1,
        (Role::Manager, Of::Others) => u8::from(visibility == Visibility::All),
        (Role::Rep, _) => 0,
    }
}

/// Whether a route may be used; `None` = it is about something else.
fn is_allowed(expect: Expect, role: Role, of: Of, visibility: Visibility, shared: bool) -> Option<bool> {
    let reach = reach(role, of, visibility);
    Some(match expect {
        Expect::MailboxHealth | Expect::Message => reach >= 1,
        Expect::MailboxSettings => reach >= 2,
        Expect::MailboxOwn => reach >= 3,
        Expect::TemplateUse => shared || of == Of::Mine,
        Expect::TemplateChange => of == Of::Mine || shared && reach >= 1,
        _ => return None,
    })
}

/// A request that would do.
fn body(route: &str, ground: &Ground) -> Value {
    let person = &ground.things[&super::Whose::Nobodys].person;
    match route {
        "POST /inbound/{id}/assign" | "POST /templates/{id}/preview" | "POST /templates/{id}/test" => {
            json!({ "person_id": person })
        }
        "POST /inbound/{id}/away" => json!({ "person_id": person, "date": "2099-01-02" }),
        "PATCH /mailboxes/{id}" => json!({ "from_name": "New" }),
        "PATCH /templates/{id}" => json!({ "name": "New" }),
        "POST /mailboxes/{id}/sandbox/inbound" => {
            json!({ "to_delivery": "dlv_00000000000000000000000001", "kind": "reply", "text": "Yes" })
        }
        _ => json!({}),
    }
}

/// What a page that does not let in answers with a notice.
const NOT_YOURS: &str = "belongs to someone else";

impl Ground {
    fn owner(&self, of: Of, client: &Client) -> UserId {
        match of {
            Of::Mine => client.id,
            Of::Mates => self.mate,
            Of::Others => self.at.other.id,
        }
    }

    /// A fresh thing of this kind.
    async fn fresh(&self, expect: Expect, owner: UserId, shared: bool, number: usize) -> String {
        match expect {
            Expect::TemplateUse | Expect::TemplateChange => {
                let actor = Actor::User { id: owner, role: Role::Rep };
                let fields = TemplateFields {
                    name: format!("Words {number}"),
                    subject: "S".into(),
                    body_text: "T".into(),
                    shared,
                    ..TemplateFields::default()
                };
                self.at.engine.create_template(&actor, fields).await.expect("a template").id.to_string()
            }
            Expect::Message => {
                let mailbox = self.mailbox(owner, number).await;
                message(&self.at, &mailbox, 1).await.to_string()
            }
            _ => self.mailbox(owner, number).await,
        }
    }

    async fn mailbox(&self, owner: UserId, number: usize) -> String {
        let fields = json!({ "user_id": owner, "address": format!("box{number}@acme.test"), "provider": "sandbox" });
        id(&self.at.admin.post("/mailboxes", fields).await.expect(201))
    }
}

fn named_in(template: &str, thing: &str) -> String {
    template
        .replacen("{id}", thing, 1)
        .replace("{hash}", "0000000000000000000000000000000000000000000000000000000000000000")
        .replace("{delivery}", "dlv_00000000000000000000000001")
}

/// Whether a route asks for templates, of which there are shared and private ones.
const fn is_shareable(expect: Expect) -> bool {
    matches!(expect, Expect::TemplateUse | Expect::TemplateChange)
}

#[tokio::test]
async fn mailboxes_templates_and_messages_let_in_by_the_api_whom_they_may() {
    let ground = Ground::new().await;
    let (mut number, mut tried, mut wrong) = (0, 0, Vec::new());
    for visibility in Visibility::ALL {
        ground.set(visibility).await;
        for client in [&ground.at.rep, &ground.at.manager, &ground.at.admin] {
            for (route, expect) in CALLS {
                let (method, template) = route.split_once(' ').expect("a method");
                for (of, shared) in OF.into_iter().flat_map(|of| [(of, false), (of, true)]) {
                    let Some(allowed) = is_allowed(*expect, client.role, of, visibility, shared) else { continue };
                    if shared && !is_shareable(*expect) {
                        continue;
                    }
                    number += 1;
                    let thing = ground.fresh(*expect, ground.owner(of, client), shared, number).await;
                    let body = (method != "GET").then(|| body(route, &ground));
                    let answer = client.call(method, &named_in(template, &thing), body, &[]).await;
                    tried += 1;
                    // The file and the email that are asked for are not there.
                    let is_denied = answer.status == 403;
                    if is_denied == allowed || answer.status == 401 || answer.status >= 500 {
                        wrong.push(format!(
                            "{route} of {of:?} shared {shared} as {:?} with {visibility:?}: {}",
                            client.role, answer.status
                        ));
                    }
                }
            }
        }
    }
    assert!(tried > 200, "only {tried} were tried");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn mailboxes_templates_and_messages_let_in_by_a_page_whom_they_may() {
    let ground = Ground::new().await;
    let (mut number, mut wrong) = (10_000, Vec::new());
    for visibility in [Visibility::All, Visibility::Own] {
        ground.set(visibility).await;
        for client in [&ground.at.rep, &ground.at.manager, &ground.at.admin] {
            let cookie = cookie(&ground.at, client).await;
            for (route, expect) in PAGES {
                let (method, template) = route.split_once(' ').expect("a method");
                for (of, shared) in OF.into_iter().flat_map(|of| [(of, false), (of, true)]) {
                    let Some(allowed) = is_allowed(*expect, client.role, of, visibility, shared) else { continue };
                    if shared && !is_shareable(*expect) {
                        continue;
                    }
                    number += 1;
                    let thing = ground.fresh(*expect, ground.owner(of, client), shared, number).await;
                    let answer = answer_to(client, &cookie, method, &named_in(template, &thing), FORM).await;
                    let is_denied = [403, 404].contains(&answer.status)
                        || is_told(&answer, NOT_YOURS)
                        || is_told(&answer, "someone else's mailbox")
                        || is_told(&answer, "is not shared")
                        || is_told(&answer, "Only the owner");
                    // The file and the email that are asked for are not there.
                    let is_elsewhere = template.contains("{hash}") || template.contains("{delivery}");
                    if is_denied == allowed && !(allowed && is_elsewhere) || answer.status >= 500 {
                        wrong.push(format!(
                            "{route} of {of:?} shared {shared} as {:?} with {visibility:?}: {}",
                            client.role, answer.status
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A form that would do; each page picks the fields it knows.
const FORM: &str = "from_name=New&daily_quota=10&min_gap_seconds=1&jitter_percent=0&time_zone=Europe%2FParis&name=New\
    &email.subject=S&email.body=T&email.format=text&kind=reply&text=Yes";

#[tokio::test]
async fn lists_hold_what_one_may_know_and_of_others_mailboxes_their_health_alone() {
    let ground = Ground::new().await;
    let others = ground.mailbox(ground.at.other.id, 1).await;
    let mates = ground.mailbox(ground.mate, 2).await;
    let mine = ground.mailbox(ground.at.manager.id, 3).await;
    let (to_others, to_mate) = (message(&ground.at, &others, 1).await, message(&ground.at, &mates, 1).await);
    let (to_others, to_mate) = (to_others.to_string(), to_mate.to_string());
    let manager = &ground.at.manager;
    let cookie = cookie(&ground.at, manager).await;
    for (visibility, seen) in [
        (Visibility::All, vec![&others, &mates, &mine]),
        (Visibility::Team, vec![&mates, &mine]),
        (Visibility::Own, vec![&mates, &mine]),
    ] {
        ground.set(visibility).await;
        let list = manager.get("/mailboxes").await.expect(200);
        assert_eq!(ids(&list).iter().collect::<Vec<_>>(), seen, "{visibility:?}");
        for mailbox in list["items"].as_array().expect("a list") {
            let is_mine = mailbox["id"] == json!(mine);
            assert_eq!(mailbox["signature_html"].is_null(), !is_mine, "{mailbox:#}");
            assert_eq!(mailbox["aliases"].is_null(), !is_mine);
            assert_eq!(mailbox["state"], "connected");
        }
        let messages = ids(&manager.get("/inbound").await.expect(200));
        assert_eq!(messages.contains(&to_others), visibility == Visibility::All, "{visibility:?}");
        assert!(messages.contains(&to_mate), "{visibility:?}");
        let tray = answer_to(manager, &cookie, "GET", "/review", "").await.body.to_string();
        assert!(tray.contains(&to_mate) && tray.contains(&to_others) == (visibility == Visibility::All));
        let page = answer_to(manager, &cookie, "GET", "/settings/mailboxes", "").await.body.to_string();
        assert_eq!(page.contains("box1@acme.test"), visibility == Visibility::All, "{visibility:?}");
        assert!(page.contains("box2@acme.test") && !page.contains(&format!("/settings/mailboxes/{mates}")));
        assert!(page.contains(&format!("/settings/mailboxes/{mine}")));
    }
    let tag = json!({ "action": "tag", "add": ["x"], "person_ids": [&ground.things[&super::Whose::Others].person] });
    ground.at.other.post("/people/bulk", tag).await.expect(200);
    let job = ids(&ground.at.other.get("/jobs").await.expect(200)).pop().expect("a job");
    for (visibility, seen) in [(Visibility::All, true), (Visibility::Team, false), (Visibility::Own, false)] {
        ground.set(visibility).await;
        assert_eq!(ids(&manager.get("/jobs").await.expect(200)).contains(&job), seen, "{visibility:?}");
        assert_eq!(manager.get(&format!("/jobs/{job}/rows")).await.status, if seen { 200 } else { 404 });
        assert!(ids(&ground.at.admin.get("/jobs").await.expect(200)).contains(&job));
    }
    let private = ground.fresh(Expect::TemplateUse, ground.mate, false, 4).await;
    let shared = ground.fresh(Expect::TemplateUse, ground.mate, true, 5).await;
    for client in [manager, &ground.at.admin] {
        let found = ids(&client.get("/templates").await.expect(200));
        assert!(found.contains(&shared) && !found.contains(&private), "{:?}", client.role);
    }
}

#[tokio::test]
async fn a_sequence_takes_no_words_from_a_private_template_of_someone_else() {
    let ground = Ground::new().await;
    let private = ground.fresh(Expect::TemplateUse, ground.mate, false, 1).await;
    let steps = json!([{ "action": "automated_email", "email": { "template_id": private } }]);
    let refused = ground.at.admin.post("/sequences", json!({ "name": "Sly", "steps": steps })).await;
    assert_eq!(refused.refusal(), (403, "not_permitted", "steps[0].email.template_id"));
    let form = format!("use_template={private}");
    let cookie = cookie(&ground.at, &ground.at.admin).await;
    let email = json!([{ "action": "automated_email", "email": { "subject": "S", "body_text": "T" } }]);
    let sequence = ground.at.admin.post("/sequences", json!({ "name": "Fair", "steps": email })).await.expect(201);
    let path = format!("/sequences/{}/steps/{}/template", id(&sequence), id(&sequence["steps"][0]));
    assert_eq!(answer_to(&ground.at.admin, &cookie, "POST", &path, &form).await.status, 404);
}

#[test]
fn the_table_names_routes_of_each_kind() {
    let of = |wanted| CALLS.iter().chain(PAGES).filter(|(_, expect)| *expect == wanted).count();
    for (expect, least) in [(Expect::MailboxSettings, 15), (Expect::MailboxOwn, 3), (Expect::TemplateChange, 4)] {
        assert!(of(expect) >= least, "{expect:?}");
    }
    assert!(expectations::CALLS.len() > 100);
}
