//! `people`: one at a time and as a list.

use crate::installation::{Installation, id, ids, redacted, two_emails};
use serde_json::{Value, json};

#[tokio::test]
async fn a_lead_is_created_read_changed_and_deleted() {
    let at = Installation::new().await;
    at.admin.post("/custom_fields", json!({ "label": "Plan", "kind": "text" })).await.expect(201);
    let fields = json!({
        "first_name": "Ann", "last_name": "Lee", "email": "ann@x.test", "organization_name": "X Ltd",
        "address": { "city": "Oslo", "country": "NO" }, "tags": ["new"], "custom_fields": { "plan": "pro" },
    });
    let answer = at.rep.post("/people", fields).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let person = answer.expect(201);
    assert_eq!(location, format!("/api/v1/people/{}", id(&person)));
    insta::assert_json_snapshot!("person", redacted(&person));
    let path = format!("/people/{}", id(&person));
    assert_eq!(at.rep.get(&path).await.expect(200), person);

    let change = json!({ "title": "CTO", "address": { "city": "Bergen" }, "organization_name": null });
    let changed = at.rep.patch(&path, change).await.expect(200);
    assert_eq!(changed["title"], "CTO");
    assert_eq!(
        changed["address"],
        json!({ "line": "", "city": "Bergen", "postal_code": "", "state": "", "country": "NO" })
    );
    assert_eq!((&changed["organization_name"], &changed["last_name"]), (&json!(""), &json!("Lee")));
    assert_eq!(changed["custom_fields"], json!({ "plan": "pro" }));

    at.rep.delete(&path).await.expect(204);
    assert_eq!(at.rep.get(&path).await.refusal(), (404, "not_found", ""));
}

#[tokio::test]
async fn a_person_that_breaks_rules_is_refused_at_each_field() {
    let at = Installation::new().await;
    let wrong = json!({ "first_name": "Ann", "email": "ann", "time_zone": "Europe/Nowhere" });
    let body = at.rep.post("/people", wrong).await.expect(422);
    let fields: Vec<&Value> = body["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["last_name", "email", "time_zone"]);
    let person = at.rep.lead("Lee", "lee@x.test").await;
    let path = format!("/people/{person}");
    assert_eq!(at.rep.patch(&path, json!({ "last_name": null })).await.refusal(), (422, "required", "last_name"));
    assert_eq!(at.rep.patch(&path, json!({ "kind": "contact" })).await.refusal(), (422, "read_only", "kind"));
    assert_eq!(at.rep.patch(&path, json!({ "id": "x" })).await.refusal(), (422, "unknown_field", "id"));
    assert_eq!(at.rep.patch(&path, json!({ "colour": null })).await.refusal(), (422, "unknown_field", "colour"));
}

#[tokio::test]
async fn a_list_is_filtered_sorted_and_paged() {
    let at = Installation::new().await;
    for name in ["Berg", "Adams", "Cole", "Dunn"] {
        at.rep.lead(name, &format!("{}@x.test", name.to_lowercase())).await;
    }
    let contact =
        json!({ "kind": "contact", "last_name": "Eco", "email": "eco@y.test", "tags": ["vip"], "status": "New" });
    at.rep.post("/people", contact).await.expect(201);
    let names = async |query: &str| -> (Vec<String>, Option<String>) {
        let body = at.rep.get(&format!("/people?{query}")).await.expect(200);
        let names =
            body["items"].as_array().unwrap().iter().map(|p| p["last_name"].as_str().unwrap().to_owned()).collect();
        (names, body["next_cursor"].as_str().map(str::to_owned))
    };
    let (first, cursor) = names("limit=2").await;
    assert_eq!(first, ["Adams", "Berg"]);
    let (second, cursor) = names(&format!("limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!(second, ["Cole", "Dunn"]);
    let (third, cursor) = names(&format!("limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!((third, cursor), (vec!["Eco".to_owned()], None));
    assert_eq!(names("sort=-name&limit=1").await.0, ["Eco"]);
    assert_eq!(names("kind=contact").await.0, ["Eco"]);
    assert_eq!(names("q=ada").await.0, ["Adams"]);
    assert_eq!(names("email=cole@x.test").await.0, ["Cole"]);
    assert_eq!(names("tag=vip&status=New").await.0, ["Eco"]);
    let filter =
        r#"{"any":[{"field":"last_name","op":"is","value":"Berg"},{"field":"status","op":"is","value":"New"}]}"#;
    let filter: String = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC).to_string();
    assert_eq!(names(&format!("filter={filter}")).await.0, ["Berg", "Eco"]);
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused() {
    let at = Installation::new().await;
    assert_eq!(at.rep.get("/people?filter=nonsense").await.refusal(), (422, "invalid", "filter"));
    let unknown = "/people?filter=%7B%22field%22%3A%22colour%22%2C%22op%22%3A%22is%22%2C%22value%22%3A%22x%22%7D";
    assert_eq!(at.rep.get(unknown).await.refusal().1, "unknown_field");
}

#[tokio::test]
async fn a_lead_becomes_a_contact_and_its_sequences_end() {
    let at = Installation::new().await;
    at.rep.mailbox("rep@acme.test").await;
    let sequence = at.admin.sequence("Welcome", two_emails()).await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    at.rep.post("/enrollments", json!({ "sequence_id": sequence, "person_id": lead })).await.expect(201);
    let before = at.rep.get(&format!("/people/{lead}")).await.expect(200);
    assert_eq!(before["ongoing_sequences"][0]["name"], "Welcome");
    assert!(before["next_email_at"].is_string());

    let contact = at.rep.order(&format!("/people/{lead}/convert")).await.expect(200);
    assert_eq!((&contact["id"], &contact["kind"]), (&json!(lead), &json!("contact")));
    assert_eq!(contact["ended"]["enrollments"], 1);
    assert_eq!(contact["completed_sequences"][0]["finished_reason"], "converted");
    assert_eq!(contact["completed_sequences"][0]["state"], "completed");
    assert_eq!(contact["next_email_at"], Value::Null);
    let again = at.rep.order(&format!("/people/{lead}/convert")).await;
    assert_eq!(again.refusal(), (409, "not_a_lead", ""));
}

#[tokio::test]
async fn a_lead_whose_address_a_contact_has_is_merged_only_when_asked() {
    let at = Installation::new().await;
    let contact = json!({ "kind": "contact", "last_name": "Lee", "email": "lee@x.test" });
    let contact = id(&at.rep.post("/people", contact).await.expect(201));
    let lead = at.rep.lead("Lee", "LEE@x.test").await;
    let path = format!("/people/{lead}/convert");
    let refused = at.rep.order(&path).await;
    assert_eq!(refused.refusal(), (409, "contact_exists", ""));
    assert_eq!(refused.body["person_ids"], json!([contact]));
    let merged = at.rep.post(&path, json!({ "into": contact })).await.expect(200);
    assert_eq!(merged["id"], json!(contact));
    let redirect = at.rep.get(&format!("/people/{lead}")).await;
    assert_eq!(redirect.status, 308);
    assert_eq!(redirect.headers["location"], format!("/api/v1/people/{contact}").as_str());
}

#[tokio::test]
async fn notes_and_activities_are_read_newest_first() {
    let at = Installation::new().await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    for text in ["First", "Second"] {
        at.engine.clock.advance(1_000);
        at.rep.post(&format!("/people/{lead}/notes"), json!({ "text": text })).await.expect(201);
    }
    let notes = at.rep.get(&format!("/people/{lead}/notes")).await.expect(200);
    assert_eq!(ids(&notes).len(), 2);
    assert_eq!(notes["items"][0]["kind"], "note");
    assert_eq!(notes["items"][0]["actor"]["name"], "Rita Rep");
    let all = at.rep.get(&format!("/people/{lead}/activities?limit=2")).await.expect(200);
    let cursor = all["next_cursor"].as_str().unwrap();
    let rest = at.rep.get(&format!("/activities?person_id={lead}&cursor={cursor}")).await.expect(200);
    assert_eq!(rest["items"][0]["kind"], "person_created");
    let one = at.rep.get(&format!("/activities/{}", ids(&rest)[0])).await.expect(200);
    assert_eq!(one, rest["items"][0]);
    let none = at.rep.get(&format!("/people/{lead}/activities?kind=email_sent")).await.expect(200);
    assert_eq!(none, json!({ "items": [], "next_cursor": null }));
    assert_eq!(
        at.rep.get(&format!("/activities?person_id={lead}&kind=dance")).await.refusal(),
        (422, "invalid", "kind")
    );
    assert_eq!(at.rep.get("/activities").await.refusal(), (422, "required", "person_id"));
}

#[tokio::test]
async fn a_signal_ends_the_sequences_of_the_person() {
    let at = Installation::new().await;
    at.rep.mailbox("rep@acme.test").await;
    let sequence = at.admin.sequence("Welcome", two_emails()).await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let new = json!({ "sequence_id": sequence, "person_id": lead });
    let enrollment = id(&at.rep.post("/enrollments", new).await.expect(201));
    let path = format!("/people/{lead}/signals");
    let ended = at.rep.post(&path, json!({ "kind": "meeting_booked" })).await.expect(200);
    assert_eq!(ended["enrollments"], 1);
    let read = at.rep.get(&format!("/enrollments/{enrollment}")).await.expect(200);
    assert_eq!(read["finished"]["reason"], "meeting_booked");
    assert_eq!(at.rep.post(&path, json!({ "kind": "sneezed" })).await.refusal(), (422, "invalid", "kind"));
}

#[tokio::test]
async fn a_company_one_may_not_see_cannot_be_named() {
    let at = Installation::new().await;
    let company = json!({ "kind": "contact", "organization_name": "Hidden Ltd", "is_organization": true,
        "owner_id": at.other.id });
    let company = id(&at.admin.post("/people", company).await.expect(201));
    let contact = json!({ "kind": "contact", "last_name": "Lee", "company_id": company });
    let known = id(&at.rep.post("/people", contact.clone()).await.expect(201));
    at.admin.patch("/workspace", json!({ "people_visibility": "own" })).await.expect(200);
    assert_eq!(at.rep.post("/people", contact).await.refusal(), (422, "unknown_company", "company_id"));
    let other = id(&at.rep.post("/people", json!({ "kind": "contact", "last_name": "Ray" })).await.expect(201));
    let change = json!({ "company_id": company });
    assert_eq!(
        at.rep.patch(&format!("/people/{other}"), change).await.refusal(),
        (422, "unknown_company", "company_id")
    );
    // Who works there already can still be edited.
    at.rep.patch(&format!("/people/{known}"), json!({ "phone": "+33 1" })).await.expect(200);
}

#[tokio::test]
async fn the_next_email_is_the_forecast_wherever_a_person_is_given_out() {
    let at = Installation::new().await;
    at.admin.mailbox("ada@acme.test").await;
    let sequence = at.admin.sequence("Winter depots", crate::installation::two_emails()).await;
    let mailbox = ids(&at.admin.get("/mailboxes").await.expect(200)).remove(0);
    at.admin.patch(&format!("/mailboxes/{mailbox}"), json!({ "daily_quota": 1 })).await.expect(200);
    let (first, second) = (at.admin.lead("Lee", "lee@x.test").await, at.admin.lead("Ray", "ray@x.test").await);
    let enroll = json!({ "sequence_id": sequence, "person_ids": [first, second] });
    at.admin.post("/enrollments/bulk", enroll).await.expect(200);
    let listed = at.admin.get("/people?sort=name").await.expect(200);
    let of_list = |person: &str| {
        let row = listed["items"].as_array().unwrap().iter().find(|row| row["id"] == person).expect("a row");
        row["next_email_at"].as_str().expect("a forecast").to_owned()
    };
    assert_ne!(of_list(&first), of_list(&second), "the quota lets one leave a day");
    let list = id(&at.admin.post("/lists", json!({ "name": "All", "kind": "lead" })).await.expect(201));
    let in_list = at.admin.get(&format!("/lists/{list}/people")).await.expect(200);
    let file = at.admin.get("/people/export?fields=next_email_at").await.expect(200);
    for person in [&first, &second] {
        let one = at.admin.get(&format!("/people/{person}")).await.expect(200);
        assert_eq!(one["next_email_at"], of_list(person));
        let row = in_list["items"].as_array().unwrap().iter().find(|row| row["id"] == **person).expect("a row");
        assert_eq!(row["next_email_at"], of_list(person));
        let file = file.as_str().expect("a file");
        let line = file.lines().find(|line| line.starts_with(person.as_str())).expect("a line");
        let at = |text: &str| relance_domain::Timestamp::parse(text).expect("an instant");
        assert_eq!(at(line.rsplit(',').next().expect("a cell")), at(&of_list(person)), "{line}");
    }
}
