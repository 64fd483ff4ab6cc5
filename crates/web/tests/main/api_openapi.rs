//! The OpenAPI document lists exactly the routes there are, and the copy in `docs` is not stale.

use crate::installation::{Installation, send};
use axum::{body::Body, http::Request};
use serde_json::Value;
use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["get", "post", "patch", "put", "delete"];

fn document() -> Value {
    serde_json::from_str(&relance_web::api::openapi()).unwrap()
}

/// The path with ids that nothing has.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "xyz_00000000000000000000000000" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_documented_route_exists_and_no_other_method_does() {
    let at = Installation::new().await;
    let document = document();
    let mut documented = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let answer = at.rep.call(&method.to_uppercase(), &filled(path), None, &[]).await;
            let exists = answer.status != 405;
            assert_eq!(exists, operations.get(method).is_some(), "{method} {path}: {}", answer.status);
            documented += usize::from(exists);
        }
    }
    assert!(documented >= 80, "{documented}");
}

#[tokio::test]
async fn every_documented_route_is_closed_to_strangers() {
    let at = Installation::new().await;
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for method in METHODS.into_iter().filter(|method| operations.get(method).is_some()) {
            let request =
                Request::builder().method(method.to_uppercase().as_str()).uri(format!("/api/v1{}", filled(path)));
            let answer = send(&at.router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 401, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_document_is_served_without_signing_in() {
    let at = Installation::new().await;
    let request = Request::builder().uri("/api/v1/openapi.json").body(Body::empty()).unwrap();
    let answer = send(&at.router, request).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.expect(200), document());
}

#[test]
fn the_copy_in_the_documentation_is_not_stale() {
    let stored = include_str!("../../../../docs/openapi.json");
    assert!(stored == relance_web::api::openapi(), "run: cargo run -p relance-web --example openapi");
}

#[test]
fn it_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.contains("#/components/schemas/Problem"));
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|inner| collect(inner, found));
        }
        Value::Array(all) => all.iter().for_each(|inner| collect(inner, found)),
        _ => {}
    }
}

#[test]
fn every_operation_has_an_id_of_its_own_a_tag_a_summary_and_its_problems() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
            assert!(ids.insert(id.to_owned()), "{id} is used twice");
            assert!(operation["tags"][0].is_string() && operation["summary"].is_string(), "{method} {path}");
            for status in ["401", "403", "404", "422"] {
                let reference = format!("#/components/responses/Problem{status}");
                assert_eq!(operation["responses"][status]["$ref"], reference.as_str(), "{id}");
            }
            let has_key = operation["parameters"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["name"] == "Idempotency-Key"));
            assert_eq!(has_key, method == "post", "{id}");
        }
    }
}

#[test]
fn passwords_are_write_only_and_in_no_answer() {
    let document = document();
    assert_eq!(document["components"]["schemas"]["Password"]["writeOnly"], true);
    let mut answers = Vec::new();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            answers.push(operation["responses"].clone());
        }
    }
    let mut open: Vec<Value> = answers;
    let mut seen = BTreeSet::new();
    while let Some(value) = open.pop() {
        let mut references = BTreeSet::new();
        collect(&value, &mut references);
        for reference in references {
            assert_ne!(reference, "#/components/schemas/Password");
            if seen.insert(reference.clone()) {
                open.push(document.pointer(reference.strip_prefix('#').unwrap()).unwrap().clone());
            }
        }
    }
    assert!(seen.len() > 30, "{}", seen.len());
}
