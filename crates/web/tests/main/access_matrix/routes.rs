//! Every route there is: of the API from its document, of the pages from their table.

use serde_json::Value;
use std::collections::BTreeSet;

/// Every call of the API, as `METHOD /path`.
pub fn calls() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&relance_web::api::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let methods = ["get", "post", "put", "patch", "delete"];
    paths
        .iter()
        .flat_map(|(path, at)| {
            methods.iter().filter(|method| at.get(**method).is_some()).map(move |method| (path, method))
        })
        .map(|(path, method)| format!("{} {path}", method.to_uppercase()))
        .collect()
}

/// Every page, as `METHOD /path`, read from the table of routes.
pub fn pages() -> BTreeSet<String> {
    let table = include_str!("../../../src/routes.rs");
    let addresses = concat!(
        include_str!("../../../src/urls.rs"),
        include_str!("../../../src/urls/people.rs"),
        include_str!("../../../src/urls/settings.rs")
    );
    let address = |name: &str| {
        let line = addresses.lines().find(|line| line.contains(&format!("const {name}: &str")));
        line.and_then(|line| line.split('"').nth(1)).expect("an address").to_owned()
    };
    let mut found = BTreeSet::new();
    for route in table.split(".route(").skip(1) {
        let route = route.split(".route(").next().unwrap_or_default();
        let (path, handlers) = route.split_once(',').expect("a route");
        let path = match path.trim().strip_prefix("urls::") {
            Some(name) => address(name),
            None => path.trim().trim_matches('"').to_owned(),
        };
        let end = handlers.find('\n').unwrap_or(handlers.len());
        for method in ["get", "post"] {
            if handlers[..end].contains(&format!("{method}(")) {
                found.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    found
}
