//! Many people at once: bulk actions, imports, and the jobs behind them.

use crate::installation::{Client, Installation, id, ids, redacted, send};
use axum::{body::Body, http::Request};
use relance_engine::jobs::run_next_job;
use serde_json::{Value, json};

async fn import(
    client: &Client,
    at: &Installation,
    query: &str,
    kind: &str,
    body: impl Into<Body>,
) -> crate::installation::Answer {
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/v1/people/import?{query}"))
        .header("authorization", format!("Bearer {}", client.token))
        .header("content-type", kind)
        .body(body.into())
        .unwrap();
    send(&at.router, request).await
}

async fn finished(at: &Installation, client: &Client, job: &str) -> Value {
    while run_next_job(&at.engine).await.unwrap() {}
    let job = client.get(&format!("/jobs/{job}")).await.expect(200);
    assert_eq!(job["state"], "done", "{job:#}");
    job
}

const CSV: &str =
    "First name,Last name,Email,Company\nAnn,Lee,ann@x.test,X Ltd\nBob,,not an address,\nCid,Ray,cid@y.test,Y Ltd\n";

#[tokio::test]
async fn a_csv_file_becomes_a_job_with_the_outcome_of_each_row() {
    let at = Installation::new().await;
    let answer = import(&at.rep, &at, "kind=lead&file_name=leads.csv", "text/csv", CSV).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let job = answer.expect(202)["job_id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("/api/v1/jobs/{job}"));
    let done = finished(&at, &at.rep, &job).await;
    assert_eq!((&done["kind"], &done["refused"]), (&json!("import_people"), &json!(1)));
    let rows = at.rep.get(&format!("/jobs/{job}/rows?outcome=refused")).await.expect(200);
    assert_eq!(rows["items"].as_array().unwrap().len(), 1);
    assert!(!rows["items"][0]["reason"].as_str().unwrap().is_empty());
    let first = at.rep.get(&format!("/jobs/{job}/rows?limit=2")).await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = at.rep.get(&format!("/jobs/{job}/rows?cursor={cursor}")).await.expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    let people = at.rep.get("/people").await.expect(200);
    assert_eq!(ids(&people).len(), 2);
    assert_eq!(people["items"][0]["organization_name"], "X Ltd");
    assert_eq!(ids(&at.rep.get("/jobs").await.expect(200)), std::slice::from_ref(&job));
    assert_eq!(at.other.get(&format!("/jobs/{job}")).await.status, 403);
    assert_eq!(ids(&at.other.get("/jobs").await.expect(200)).len(), 0);
}

#[tokio::test]
async fn a_dry_run_judges_and_changes_nothing() {
    let at = Installation::new().await;
    let job = import(&at.rep, &at, "dry_run=true", "text/csv", CSV).await.expect(202);
    let done = finished(&at, &at.rep, job["job_id"].as_str().unwrap()).await;
    assert_eq!(done["refused"], 1);
    assert_eq!(ids(&at.rep.get("/people").await.expect(200)).len(), 0);
}

#[tokio::test]
async fn a_form_carries_the_file_and_its_options() {
    let at = Installation::new().await;
    let part = |name: &str, more: &str, text: &str| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{text}\r\n")
    };
    let form = [
        part("kind", "", "contact"),
        part("mapping", "", r#"{"Nachname": "last_name", "Unused": ""}"#),
        part("file", "; filename=\"kontakte.csv\"", "Nachname;Unused\nMeyer;zzz\n"),
        "--X--\r\n".to_owned(),
    ];
    let job = import(&at.rep, &at, "", "multipart/form-data; boundary=X", form.concat()).await.expect(202);
    let done = finished(&at, &at.rep, job["job_id"].as_str().unwrap()).await;
    assert!(done["title"].as_str().unwrap().contains("kontakte.csv"), "{done:#}");
    let people = at.rep.get("/people").await.expect(200);
    assert_eq!((&people["items"][0]["kind"], &people["items"][0]["last_name"]), (&json!("contact"), &json!("Meyer")));
}

#[tokio::test]
async fn an_import_that_cannot_begin_says_why() {
    let at = Installation::new().await;
    let unknown = r#"mapping=%7B%22Town%22%3A%22address.city%22%7D"#;
    assert_eq!(import(&at.rep, &at, unknown, "text/csv", CSV).await.refusal(), (422, "unknown_column", "mapping"));
    assert_eq!(import(&at.rep, &at, "mapping=x", "text/csv", CSV).await.refusal(), (422, "invalid", "mapping"));
    assert_eq!(import(&at.rep, &at, "on_duplicate=maybe", "text/csv", CSV).await.refusal().2, "on_duplicate");
    assert_eq!(import(&at.rep, &at, "", "text/csv", "").await.status, 422);
    let empty = import(&at.rep, &at, "", "multipart/form-data; boundary=X", "--X--\r\n").await;
    assert_eq!(empty.refusal(), (422, "required", "file"));
}

#[tokio::test]
async fn a_queued_job_can_be_cancelled_once() {
    let at = Installation::new().await;
    let job = import(&at.rep, &at, "", "text/csv", CSV).await.expect(202);
    let path = format!("/jobs/{}/cancel", job["job_id"].as_str().unwrap());
    assert_eq!(at.rep.order(&path).await.expect(200)["state"], "cancelled");
    assert_eq!(ids(&at.rep.get("/people").await.expect(200)).len(), 0);
    assert_eq!(at.other.order(&path).await.status, 403);
}

#[tokio::test]
async fn a_bulk_action_answers_a_row_per_person() {
    let at = Installation::new().await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let contact = id(&at.rep.post("/people", json!({ "kind": "contact", "last_name": "Kim" })).await.expect(201));
    let done =
        at.rep.post("/people/bulk", json!({ "action": "convert", "person_ids": [lead, contact] })).await.expect(200);
    insta::assert_json_snapshot!("bulk_rows", redacted(&done));
    let tag = json!({ "action": "tag", "add": ["vip"], "filter": { "all": [{ "field": "last_name", "op": "is", "value": "Kim" }] } });
    assert_eq!(at.rep.post("/people/bulk", tag).await.expect(200)["done"], 1);
    assert_eq!(ids(&at.rep.get("/people?tag=vip").await.expect(200)), [contact]);
}

#[tokio::test]
async fn a_bulk_action_needs_people_and_a_known_action() {
    let at = Installation::new().await;
    let ask = async |body: Value| at.rep.post("/people/bulk", body).await;
    assert_eq!(ask(json!({ "action": "delete" })).await.refusal(), (422, "required", "person_ids"));
    assert_eq!(ask(json!({ "action": "delete", "person_ids": [] })).await.refusal(), (422, "required", "person_ids"));
    let both = json!({ "action": "delete", "person_ids": ["per_00000000000000000000000000"], "filter": { "all": [] } });
    assert_eq!(ask(both).await.refusal(), (422, "invalid", "filter"));
    assert_eq!(ask(json!({ "action": "hug", "filter": { "all": [] } })).await.refusal(), (422, "invalid", "action"));
}

#[tokio::test]
async fn more_than_a_thousand_people_become_a_job() {
    let at = Installation::new().await;
    let rows: String = (0..1_001).map(|n| format!("Lead{n:04}\n")).collect();
    let job = import(&at.rep, &at, "", "text/csv", format!("Last name\n{rows}")).await.expect(202);
    finished(&at, &at.rep, job["job_id"].as_str().unwrap()).await;
    let answer = at.rep.post("/people/bulk", json!({ "action": "delete", "filter": { "all": [] } })).await;
    let job = answer.expect(202)["job_id"].as_str().unwrap().to_owned();
    assert_eq!(finished(&at, &at.rep, &job).await["done"], 1_001);
    assert_eq!(ids(&at.rep.get("/people").await.expect(200)).len(), 0);
}

#[tokio::test]
async fn a_deletion_is_taken_back() {
    let at = Installation::new().await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    at.rep.delete(&format!("/people/{lead}")).await.expect(204);
    let restored = at.rep.post("/people/restore", json!({ "person_ids": [lead] })).await.expect(200);
    assert_eq!(restored, json!({ "restored": 1 }));
    assert_eq!(ids(&at.rep.get("/people").await.expect(200)), [lead]);
}

#[tokio::test]
async fn everyone_who_matches_is_given_out_as_csv() {
    let at = Installation::new().await;
    at.admin.lead("Almeida", "a@prospect.test").await;
    at.admin.lead("Bergson", "b@prospect.test").await;
    let file = at.admin.get("/people/export?q=berg&fields=email,status").await.expect(200);
    let lines: Vec<&str> = file.as_str().expect("a file").lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, "Id,Name,Email,Status"));
    assert!(lines[1].ends_with(",Ann Bergson,b@prospect.test,"), "{}", lines[1]);
    let all = at.admin.get("/people/export?sort=-name&mark=true").await.expect(200);
    let all = all.as_str().expect("a file");
    assert!(all.starts_with('\u{feff}') && all.find("Bergson") < all.find("Almeida"), "{all}");
    for (query, field) in
        [("fields=shoe_size", "columns[0]"), ("sort=shoe_size", "sort"), ("filter=nonsense", "filter")]
    {
        let refused = at.admin.get(&format!("/people/export?{query}")).await;
        assert_eq!((refused.refusal().0, refused.refusal().2), (422, field), "{query}");
    }
}

#[tokio::test]
async fn a_bulk_action_is_taken_back_by_its_job() {
    let at = Installation::new().await;
    let lead = at.admin.lead("Almeida", "a@prospect.test").await;
    let done = at.admin.post("/people/bulk", json!({ "action": "tag", "person_ids": [lead], "add": ["hot"] })).await;
    let job = done.expect(200)["job_id"].as_str().expect("a job").to_owned();
    let undo = at.admin.order(&format!("/jobs/{job}/undo")).await.expect(200);
    assert_eq!((undo["state"].as_str(), undo["done"].as_i64()), (Some("done"), Some(1)));
    assert_eq!(at.admin.get(&format!("/people/{lead}")).await.expect(200)["tags"], json!([]));
    let again = at.admin.order(&format!("/jobs/{job}/undo")).await.expect(200);
    assert_eq!(again["id"], undo["id"]);
    let stop = at.admin.post("/people/bulk", json!({ "action": "convert", "person_ids": [lead] })).await.expect(200);
    let refused = at.admin.order(&format!("/jobs/{}/undo", stop["job_id"].as_str().expect("a job"))).await;
    assert_eq!(refused.refusal().1, "cannot_undo");
    assert_eq!(at.rep.order(&format!("/jobs/{job}/undo")).await.status, 403);
}

#[tokio::test]
async fn converting_many_merges_only_if_asked_and_never_where_somebody_must_choose() {
    let at = Installation::new().await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    let contact =
        |name: &'static str, email: &'static str| json!({ "kind": "contact", "last_name": name, "email": email });
    let known = id(&at.rep.post("/people", contact("Known", "lee@x.test")).await.expect(201));
    let ask = async |merge: bool, lead: &str| {
        let asked = json!({ "action": "convert", "merge": merge, "person_ids": [lead] });
        at.rep.post("/people/bulk", asked).await.expect(200)["rows"][0].clone()
    };
    assert_eq!(ask(false, &lead).await["reason"], "contact_exists");
    let row = ask(true, &lead).await;
    assert_eq!((&row["outcome"], &row["merged_into"]), (&json!("done"), &json!(known)));
    assert_eq!(row["message"], "Merged into Known.");
    let twice = at.rep.lead("Ray", "ray@x.test").await;
    for name in ["One", "Two"] {
        at.rep.post("/people", contact(name, "ray@x.test")).await.expect(201);
    }
    assert_eq!(ask(true, &twice).await["reason"], "several_contacts");
    let single = at.rep.post(&format!("/people/{twice}/convert"), json!({ "into": known })).await;
    single.expect(200);
}

#[tokio::test]
async fn neither_an_import_nor_a_conversion_tells_of_whom_one_may_not_see() {
    let at = Installation::new().await;
    at.admin.patch("/workspace", json!({ "people_visibility": "own" })).await.expect(200);
    let hidden = json!({ "kind": "contact", "last_name": "Hidden", "email": "ann@x.test", "owner_id": at.other.id });
    let hidden = id(&at.admin.post("/people", hidden).await.expect(201));
    // The last one finds the person that the one before it made.
    for (query, outcome) in
        [("dry_run=true", "created"), ("on_duplicate=skip", "created"), ("on_duplicate=update", "updated")]
    {
        let csv = "Last name,Email,Title\nSeen,ann@x.test,Boss\n";
        let job = import(&at.rep, &at, query, "text/csv", csv).await.expect(202);
        let done = finished(&at, &at.rep, job["job_id"].as_str().unwrap()).await;
        let rows = at.rep.get(&format!("/jobs/{}/rows", id(&done))).await.expect(200);
        assert!(!rows.to_string().contains(&hidden) && !rows.to_string().contains("already"), "{query}: {rows:#}");
        assert_eq!(rows["items"][0]["outcome"], outcome, "{query}: {rows:#}");
    }
    assert_eq!(at.admin.get(&format!("/people/{hidden}")).await.expect(200)["title"], "");
    let seen = ids(&at.rep.get("/people?email=ann%40x.test").await.expect(200)).remove(0);
    let converted = at.rep.post(&format!("/people/{seen}/convert"), json!({})).await;
    assert_eq!(id(&converted.expect(200)), seen, "the contact out of sight is as if not there");
}

#[tokio::test]
async fn a_file_makes_one_person_of_an_address_even_if_it_gives_that_person_to_an_owner_out_of_sight() {
    let at = Installation::new().await;
    at.admin.patch("/workspace", json!({ "people_visibility": "own" })).await.expect(200);
    let owner = at.admin.get(&format!("/users/{}", at.other.id)).await.expect(200)["email"].clone();
    let between: String = (0..1_000).map(|n| format!("Between,b{n}@x.test,\n")).collect();
    for (choice, reason) in
        [("skip", "Row 1 has the same email."), ("update", "Row 1 has the same email, and gave it to an owner")]
    {
        let address = format!("{choice}@x.test");
        let head = format!("Last name,Email,Owner\nFirst,{address},{}\n", owner.as_str().expect("an address"));
        let csv = format!("{head}{between}Again,{address},\n");
        let job = import(&at.rep, &at, &format!("on_duplicate={choice}"), "text/csv", csv).await.expect(202);
        let done = finished(&at, &at.rep, job["job_id"].as_str().unwrap()).await;
        let rows = at.rep.get(&format!("/jobs/{}/rows?outcome=skipped&limit=500", id(&done))).await.expect(200);
        let last = rows["items"].as_array().and_then(|rows| rows.iter().find(|row| row["number"] == 1_002));
        assert!(last.is_some_and(|row| row["reason"].to_string().contains(reason)), "{choice}: {rows:#}");
        let people = at.admin.get(&format!("/people?email={choice}%40x.test")).await.expect(200);
        assert_eq!(ids(&people).len(), 1, "{choice}: {people:#}");
    }
}
