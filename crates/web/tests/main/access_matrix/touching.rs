//! Whoever sees something may still not change it: role × setting × whose × every call that changes a task or an
//! enrollment, tried with a sound request; and what is deleted is there for nobody.
//!
//! What §11 grants is written down once more in [`touches`], on purpose not with the rule of the commands.

use super::{CALLS, Expect, Ground, PAGES, WHOSE, Whose, answer_to, cookie, is_told, sees};
use crate::installation::id;
use relance_domain::user::{Role, Visibility};
use serde_json::{Value, json};

/// Reps change what they do or run and what concerns people they own, managers what they see, admins everything.
/// Nobody's people: what is tried is done by the rep of the other team.
fn touches(role: Role, whose: Whose, visibility: Visibility) -> bool {
    match role {
        Role::Admin => true,
        Role::Manager => sees(role, whose, visibility),
        Role::Rep => whose == Whose::Own,
    }
}

/// A request that would do, for a call that changes something.
fn body(route: &str) -> Value {
    match route {
        "PATCH /tasks/{id}" => json!({ "content": "Call again" }),
        "POST /tasks/{id}/snooze" => json!({ "until": "2027-03-09T09:00:00Z" }),
        "POST /tasks/{id}/email" | "POST /tasks/{id}/email/preview" => json!({ "subject": "S", "body_text": "B" }),
        "POST /enrollments/{id}/resolve" => json!({ "sent": true }),
        _ => json!({}),
    }
}

/// A form that would do; each page picks the fields it knows.
const FORM: &str = "at=2099-01-02T09%3A00&content=Call+again&kind=call&when=tomorrow&sent=yes&email.subject=S&email.body=B&email.is_plain=1";

impl Ground {
    /// A fresh task about a person of `whose`, done by whoever runs what is theirs.
    async fn task(&self, whose: Whose) -> String {
        let things = &self.things[&whose];
        let read = self.at.admin.get(&format!("/tasks/{}", things.task)).await.expect(200);
        let new = json!({ "kind": "call", "content": "Ask", "person_id": things.person, "owner_id": read["owner_id"] });
        id(&self.at.admin.post("/tasks", new).await.expect(201))
    }

    /// A fresh enrollment of a person with the same owner, run by the same rep.
    async fn enrollment(&self, whose: Whose, number: usize) -> String {
        let things = &self.things[&whose];
        let old = self.at.admin.get(&format!("/enrollments/{}", things.enrollment)).await.expect(200);
        let person = self.at.admin.get(&format!("/people/{}", things.person)).await.expect(200);
        let fields =
            json!({ "last_name": "Fresh", "email": format!("f{number}@x.test"), "owner_id": person["owner_id"] });
        let person = id(&self.at.admin.post("/people", fields).await.expect(201));
        let new = json!({ "sequence_id": self.sequence, "person_id": person, "actor_id": old["actor_id"] });
        id(&self.at.admin.post("/enrollments", new).await.expect(201))
    }
}

/// What is answered to whoever may not: *not found* out of sight, else *forbidden*.
fn denied(role: Role, whose: Whose, visibility: Visibility) -> u16 {
    if sees(role, whose, visibility) { 403 } else { 404 }
}

#[tokio::test]
async fn whoever_sees_a_task_or_enrollment_changes_it_only_if_it_is_theirs_to_change() {
    let ground = Ground::new().await;
    let (mut number, mut tried) = (0, 0);
    for visibility in Visibility::ALL {
        ground.set(visibility).await;
        for (route, expect) in CALLS {
            let (method, template) = route.split_once(' ').expect("a method");
            if method == "GET" || !matches!(expect, Expect::Task | Expect::Enrollment) || template.contains("{step") {
                continue;
            }
            for whose in WHOSE {
                for client in [&ground.at.rep, &ground.at.manager, &ground.at.admin] {
                    number += 1;
                    let thing = match expect {
                        Expect::Task => ground.task(whose).await,
                        _ => ground.enrollment(whose, number).await,
                    };
                    let path = template.replacen("{id}", &thing, 1);
                    let answer = client.call(method, &path, Some(body(route)), &[]).await;
                    let what = format!("{route} of {whose:?} as {:?} with {visibility:?}", client.role);
                    tried += 1;
                    if touches(client.role, whose, visibility) {
                        assert!(
                            ![401, 403, 404].contains(&answer.status),
                            "{what}: {} {:#}",
                            answer.status,
                            answer.body
                        );
                    } else {
                        let expected = denied(client.role, whose, visibility);
                        assert_eq!(answer.status, expected, "{what}: {:#}", answer.body);
                    }
                }
            }
        }
    }
    assert!(tried > 350, "only {tried} were tried");
}

#[tokio::test]
async fn a_page_changes_no_task_or_enrollment_that_is_not_theirs_to_change() {
    let ground = Ground::new().await;
    let mut number = 10_000;
    for visibility in [Visibility::All, Visibility::Own] {
        ground.set(visibility).await;
        for client in [&ground.at.rep, &ground.at.manager] {
            let cookie = cookie(&ground.at, client).await;
            for (route, expect) in PAGES {
                let (method, template) = route.split_once(' ').expect("a method");
                if method == "GET" || !matches!(expect, Expect::Task | Expect::Enrollment) || template.contains("{step")
                {
                    continue;
                }
                for whose in WHOSE.into_iter().filter(|whose| !touches(client.role, *whose, visibility)) {
                    number += 1;
                    let thing = match expect {
                        Expect::Task => ground.task(whose).await,
                        _ => ground.enrollment(whose, number).await,
                    };
                    let before = state_of(&ground, &thing).await;
                    let path = template.replacen("{id}", &thing, 1);
                    let answer = answer_to(client, &cookie, method, &path, FORM).await;
                    let what = format!("{route} of {whose:?} as {:?} with {visibility:?}", client.role);
                    let said_no = [403, 404].contains(&answer.status) || is_told(&answer, "belongs to someone else");
                    assert_eq!(state_of(&ground, &thing).await, before, "{what}");
                    // Dialogs that only show what would follow change nothing.
                    assert!(said_no || path.ends_with("/dates"), "{what}: {}", answer.status);
                }
            }
        }
    }
}

/// Everything an admin reads of a task or enrollment.
async fn state_of(ground: &Ground, thing: &str) -> Value {
    let kind = if thing.starts_with("tsk_") { "tasks" } else { "enrollments" };
    ground.at.admin.get(&format!("/{kind}/{thing}")).await.expect(200)
}

#[tokio::test]
async fn a_deleted_person_is_there_for_nobody_by_any_call() {
    let ground = Ground::new().await;
    let person = ground.things[&Whose::Own].person.clone();
    ground.at.admin.delete(&format!("/people/{person}")).await.expect(204);
    for client in [&ground.at.rep, &ground.at.manager, &ground.at.admin] {
        for (route, expect) in CALLS {
            let (method, template) = route.split_once(' ').expect("a method");
            let Some(path) = ground.path(template, *expect, Whose::Own).filter(|_| *expect == Expect::Person) else {
                continue;
            };
            let answer = client.call(method, &path, super::body(method), &[]).await;
            // What cannot be read before the person is looked for may be refused as such.
            let is_gone = [404, 422].contains(&answer.status) || answer.status == 400;
            assert!(is_gone, "{route} as {:?}: {} {:#}", client.role, answer.status, answer.body);
            assert!(!answer.body.to_string().contains("Surname"), "{route}: {:#}", answer.body);
        }
    }
}
