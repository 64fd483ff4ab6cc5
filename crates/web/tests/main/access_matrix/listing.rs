//! What lists, counts, searches and bodies tell of people, by role and setting; and whose a private list is.

use super::{Ground, Things, WHOSE, Whose, sees};
use crate::installation::{Installation, id, ids};
use relance_domain::user::Visibility;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn lists_counts_and_searches_show_only_whom_one_sees() {
    let ground = Ground::new().await;
    let list = json!({ "name": "All", "kind": "lead", "shared": true });
    let list = id(&ground.at.admin.post("/lists", list).await.expect(201));
    for visibility in Visibility::ALL {
        ground.set(visibility).await;
        for client in [&ground.at.rep, &ground.at.manager, &ground.at.admin] {
            let what = format!("{:?} with {visibility:?}", client.role);
            let seen = |thing: fn(&Things) -> &String| -> BTreeSet<String> {
                let those = WHOSE.iter().filter(|whose| sees(client.role, **whose, visibility));
                those.map(|whose| thing(&ground.things[whose]).clone()).collect()
            };
            let shown = |body: &Value| -> BTreeSet<String> { ids(body).into_iter().collect() };
            let people = seen(|things| &things.person);
            for path in ["/people".to_owned(), "/people?q=x".to_owned(), format!("/lists/{list}/people")] {
                assert_eq!(shown(&client.get(&path).await.expect(200)), people, "{path} as {what}");
            }
            let filter = "/people?sort=title&kind=lead&email=others%40x.test";
            let found = shown(&client.get(filter).await.expect(200));
            assert_eq!(found.is_empty(), !sees(client.role, Whose::Others, visibility), "{what}");
            for path in ["/people/count".to_owned(), format!("/lists/{list}/count")] {
                assert_eq!(client.get(&path).await.expect(200)["count"], people.len(), "{path} as {what}");
            }
            let enrollments = seen(|things| &things.enrollment);
            assert_eq!(shown(&client.get("/enrollments").await.expect(200)), enrollments, "{what}");
            for whose in WHOSE {
                let things = &ground.things[&whose];
                let path = format!("/tasks?state=any&person_id={}", things.person);
                let answer = client.get(&path).await;
                let expected = if sees(client.role, whose, visibility) { 200 } else { 404 };
                assert_eq!(answer.status, expected, "{path} as {what}");
            }
        }
    }
}

#[tokio::test]
async fn ids_in_a_body_lead_no_further_than_ids_in_an_address() {
    let ground = Ground::new().await;
    ground.set(Visibility::Own).await;
    let rep = &ground.at.rep;
    let person = &ground.things[&Whose::Others].person;
    let own = &ground.things[&Whose::Own];
    let enroll = json!({ "sequence_id": ground.sequence, "person_id": person });
    let answer = rep.post("/enrollments", enroll).await;
    assert!([404, 422].contains(&answer.status), "{:#}", answer.body);
    assert!(!answer.body.to_string().contains("others@x.test"), "{:#}", answer.body);
    let task = json!({ "kind": "call", "content": "Call", "person_id": person });
    assert_eq!(rep.post("/tasks", task).await.status, 404);
    let preview = json!({ "person_id": person, "subject": "{{ person.email }}", "body_text": "x" });
    assert_eq!(rep.post("/templates/preview", preview).await.status, 404);
    let convert = rep.post(&format!("/people/{}/convert", own.person), json!({ "into": person })).await;
    assert_eq!(convert.status, 422);
    let tag = json!({ "action": "tag", "add": ["hot"], "person_ids": [person, own.person] });
    let rows = rep.post("/people/bulk", tag).await;
    assert!(rows.status < 300, "{:#}", rows.body);
    let there = ground.at.admin.get(&format!("/people/{person}")).await.expect(200);
    assert_eq!(there["tags"], json!([]));
    let here = ground.at.admin.get(&format!("/people/{}", own.person)).await.expect(200);
    assert_eq!(here["tags"], json!(["hot"]));
}

#[tokio::test]
async fn a_private_list_is_its_owners_alone() {
    let at = Installation::new().await;
    let new = json!({ "name": "Mine", "kind": "lead", "filter": {"field": "status", "op": "is", "value": "New"} });
    let list = id(&at.rep.post("/lists", new).await.expect(201));
    let of = |action: &str| format!("/lists/{list}{action}");
    for client in [&at.other, &at.manager, &at.admin] {
        for path in [of(""), of("/people"), of("/count")] {
            assert_eq!(client.get(&path).await.status, 404, "{path} as {:?}", client.role);
        }
        assert_eq!(client.patch(&of(""), json!({ "name": "Ours" })).await.status, 404);
        assert_eq!(client.delete(&of("")).await.status, 404);
        assert!(ids(&client.get("/lists").await.expect(200)).is_empty());
    }
    at.rep.patch(&of(""), json!({ "shared": true })).await.expect(200);
    at.other.order(&of("/pin")).await.expect(204);
    assert_eq!(ids(&at.other.get("/lists/pins").await.expect(200)), std::slice::from_ref(&list));
    assert_eq!(at.other.patch(&of(""), json!({ "name": "Ours" })).await.status, 403);
    assert_eq!(at.manager.delete(&of("")).await.status, 403);
    at.admin.patch(&of(""), json!({ "name": "Everyone's" })).await.expect(200);
    at.rep.patch(&of(""), json!({ "shared": false })).await.expect(200);
    assert!(ids(&at.other.get("/lists/pins").await.expect(200)).is_empty());
    at.rep.delete(&of("")).await.expect(204);
}
