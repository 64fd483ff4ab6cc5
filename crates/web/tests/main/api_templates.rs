//! `templates`.

use crate::installation::{Installation, id, ids, redacted};
use serde_json::json;

#[tokio::test]
async fn a_template_is_written_previewed_changed_and_deleted() {
    let at = Installation::new().await;
    let new = json!({
        "name": "Intro", "folder": "Sales", "subject": "Hello {{ person.first_name }}",
        "body_html": "<p>You work in {{ person.industry }}.</p>", "shared": true,
    });
    let template = at.rep.post("/templates", new).await.expect(201);
    insta::assert_json_snapshot!("template", redacted(&template));
    let path = format!("/templates/{}", id(&template));
    assert_eq!(at.other.get(&path).await.expect(200), template);

    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let words = at.rep.post(&format!("{path}/preview"), json!({ "person_id": lead })).await.expect(200);
    assert_eq!(words["subject"], "Hello Ann");
    assert_eq!(words["missing_tags"], json!(["person.industry"]));

    let unsaved = json!({ "person_id": lead, "subject": "Dear {{ person.last_name }}" });
    assert_eq!(at.rep.post("/templates/preview", unsaved).await.expect(200)["subject"], "Dear Lee");

    let changed = at.rep.patch(&path, json!({ "folder": null, "shared": false })).await.expect(200);
    assert_eq!(
        (&changed["folder"], &changed["shared"], &changed["name"]),
        (&json!(""), &json!(false), &json!("Intro"))
    );
    at.rep.delete(&path).await.expect(204);
    assert_eq!(at.rep.get(&path).await.refusal().0, 404);
}

#[tokio::test]
async fn files_are_taken_in_attached_read_and_refused_in_words() {
    let at = Installation::new().await;
    let file = at.rep.upload("/attachments?name=..%2FOffer.pdf", "application/pdf", b"%PDF-1").await.expect(201);
    assert_eq!(
        (&file["name"], &file["size"], &file["mime_type"]),
        (&json!("Offer.pdf"), &json!(6), &json!("application/pdf"))
    );
    let new = json!({ "name": "With a file", "subject": "s", "body_text": "t", "attachments": [file] });
    let template = at.rep.post("/templates", new).await.expect(201);
    assert_eq!(template["attachments"], json!([file]));
    let path = format!("/templates/{}/attachments/{}", id(&template), file["hash"].as_str().expect("a hash"));
    let read = at.rep.call("GET", &path, None, &[]).await;
    assert_eq!(read.status, 200);
    let header = |name: &str| read.headers[name].to_str().expect("text").to_owned();
    assert!(header("content-disposition").starts_with("attachment; filename=\"Offer.pdf\""));
    assert_eq!(
        (header("x-content-type-options").as_str(), header("content-type").as_str()),
        ("nosniff", "application/octet-stream")
    );
    assert_eq!(at.other.get(&path).await.refusal().0, 403, "the template of someone else is not shared");
    let elsewhere = path.replace(file["hash"].as_str().expect("a hash"), &"0".repeat(64));
    assert_eq!(at.rep.get(&elsewhere).await.refusal().0, 404);
    let unknown = json!({ "name": "T", "subject": "s", "attachments": [{ "hash": "0".repeat(64), "name": "a.pdf" }] });
    assert_eq!(at.rep.post("/templates", unknown).await.refusal(), (422, "unknown_file", "attachments"));
    let large = vec![0; 10 * 1024 * 1024 + 1];
    let refused = at.rep.upload("/attachments?name=a.zip", "application/zip", &large).await;
    assert_eq!(refused.refusal(), (422, "too_large", "attachments"));
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let shown = at.rep.post(&format!("/templates/{}/preview", id(&template)), json!({ "person_id": lead })).await;
    assert_eq!(shown.expect(200)["attachments"][0]["name"], "Offer.pdf");
}

#[tokio::test]
async fn a_copy_is_ones_own_folders_are_renamed_and_tags_are_listed() {
    let at = Installation::new().await;
    let new = json!({ "name": "Intro", "folder": "Old", "subject": "s", "body_text": "t", "shared": true });
    let template = at.rep.post("/templates", new).await.expect(201);
    let copy = at.other.post(&format!("/templates/{}/clone", id(&template)), json!({})).await.expect(201);
    assert_eq!((&copy["name"], &copy["shared"]), (&json!("Copy of Intro"), &json!(false)));
    let renamed = at.other.post("/templates/folder", json!({ "from": "Old", "folder": "New" })).await.expect(200);
    assert_eq!(renamed, json!({ "moved": 1, "left": 1 }));
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let tags = at.rep.get(&format!("/templates/tags?person_id={lead}")).await.expect(200);
    let first = tags["items"].as_array().expect("items").iter().find(|tag| tag["tag"] == "person.last_name");
    assert_eq!(first.expect("a tag")["example"], "Lee");
}

#[tokio::test]
async fn unknown_tags_and_names_that_are_missing_are_refused() {
    let at = Installation::new().await;
    assert_eq!(at.rep.post("/templates", json!({ "subject": "x" })).await.refusal(), (422, "required", "name"));
    let unknown = at.rep.post("/templates", json!({ "name": "T", "subject": "{{ person.shoe_size }}" })).await;
    assert_eq!((unknown.refusal().0, unknown.refusal().2), (422, "subject"));
}

#[tokio::test]
async fn a_list_is_searched_and_paged() {
    let at = Installation::new().await;
    for name in ["Alpha", "Beta", "Gamma"] {
        at.rep.post("/templates", json!({ "name": name, "subject": "s", "body_text": "t" })).await.expect(201);
    }
    let page = at.rep.get("/templates?limit=2").await.expect(200);
    assert_eq!((&page["items"][0]["name"], &page["items"][1]["name"]), (&json!("Alpha"), &json!("Beta")));
    let next = at.rep.get(&format!("/templates?cursor={}", page["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!((&next["items"][0]["name"], ids(&next).len()), (&json!("Gamma"), 1));
    assert_eq!(at.rep.get("/templates?q=bet").await.expect(200)["items"][0]["name"], "Beta");
}

#[tokio::test]
async fn the_tag_of_a_custom_field_that_is_not_there_is_refused_as_other_unknown_tags_are() {
    let at = Installation::new().await;
    let template = |tag: &str| json!({ "name": "T", "subject": "s", "body_text": format!("{{{{ {tag} }}}}") });
    let unknown = at.rep.post("/templates", template("person.custom.plan")).await;
    assert_eq!(unknown.refusal(), (422, "unknown_tag", "body_text"));
    let step = |tag: &str| {
        json!({ "action": "automated_email",
        "email": { "subject": "s", "body_html": format!("<p>{{{{ {tag} }}}}</p>") } })
    };
    let sequence = |tag: &str| json!({ "name": "S", "schedule": null, "steps": [step(tag)] });
    let unknown = at.admin.post("/sequences", sequence("company.custom.plan")).await;
    assert_eq!(unknown.refusal(), (422, "unknown_tag", "steps[0].email.body_html"));

    let field = at.admin.post("/custom_fields", json!({ "label": "Plan", "kind": "text" })).await.expect(201);
    let written = id(&at.rep.post("/templates", template("person.custom.plan")).await.expect(201));
    let made = id(&at.admin.post("/sequences", sequence("company.custom.plan")).await.expect(201));
    at.admin.delete(&format!("/custom_fields/{}", id(&field))).await.expect(200);
    let again = at.rep.patch(&format!("/templates/{written}"), json!({ "folder": "Sales" })).await;
    assert_eq!(again.refusal(), (422, "unknown_tag", "body_text"));
    // Another step can still be changed; publishing says what is wrong.
    let path = format!("/sequences/{made}");
    at.admin.patch(&path, json!({ "name": "Renamed" })).await.expect(200);
    let published = at.admin.order(&format!("{path}/activate")).await;
    assert_eq!(published.refusal(), (422, "unknown_tag", "steps[0].email.body_html"));
}
