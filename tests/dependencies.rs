//! The arrows of ARCHITECTURE.md: which crate may depend on which, and who owns which library.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Each crate, and those of our crates it may depend on outside its tests.
const ARROWS: [(&str, &[&str]); 7] = [
    ("relance-domain", &[]),
    ("relance-mail", &["relance-domain"]),
    ("relance-storage", &["relance-domain"]),
    ("relance-engine", &["relance-domain", "relance-mail", "relance-storage"]),
    ("relance-web", &["relance-domain", "relance-engine", "relance-storage"]),
    ("relance", &["relance-domain", "relance-engine", "relance-mail", "relance-storage", "relance-web"]),
    ("relance-servers", &[]),
];

/// Crates that only tests and benchmarks use; they may depend on anything.
const FOR_TESTS: [&str; 4] = ["relance-servers", "relance-testkit", "relance-tests", "relance-benches"];

/// Libraries that belong to one crate.
const OWNERS: [(&str, &[&str]); 3] = [
    ("relance-storage", &["sqlx", "libsqlite3-sys"]),
    ("relance-web", &["axum", "axum-extra", "tower-http", "askama", "rust-embed", "utoipa", "utoipa-axum"]),
    ("relance-mail", &["mail-send", "mail-builder", "mail-parser", "async-imap"]),
];

/// What a pure crate can't have: runtimes, I/O, randomness, logs.
const NOT_PURE: [&str; 13] = [
    "tokio",
    "tokio-util",
    "futures",
    "async-trait",
    "async-std",
    "reqwest",
    "rand",
    "getrandom",
    "fastrand",
    "tracing",
    "metrics",
    "tempfile",
    "rustls",
];

fn workspace() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let options = ["--offline".to_owned()];
    MetadataCommand::new().manifest_path(manifest).no_deps().other_options(options).exec().expect("cargo metadata")
}

fn depends_on(package: &Package, tests_too: bool) -> BTreeSet<String> {
    let kinds = package.dependencies.iter().filter(|dep| tests_too || dep.kind != DependencyKind::Development);
    kinds.map(|dependency| dependency.name.clone()).collect()
}

fn packages() -> BTreeMap<String, Package> {
    workspace().packages.into_iter().map(|package| (package.name.to_string(), package)).collect()
}

#[test]
fn crates_depend_only_downwards() {
    let packages = packages();
    for (name, allowed) in ARROWS {
        let ours = depends_on(&packages[name], false);
        let ours: Vec<_> = ours.iter().filter(|dependency| packages.contains_key(*dependency)).collect();
        let wrong: Vec<_> = ours.iter().filter(|dependency| !allowed.contains(&dependency.as_str())).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn every_crate_has_its_place_in_the_arrows() {
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).chain(FOR_TESTS).collect();
    let found = packages();
    let found: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(found, known);
}

#[test]
fn nothing_that_ships_depends_on_what_is_for_tests() {
    for (name, package) in packages() {
        if !FOR_TESTS.contains(&name.as_str()) {
            let wrong: Vec<_> =
                depends_on(&package, false).into_iter().filter(|name| FOR_TESTS.contains(&name.as_str())).collect();
            assert!(wrong.is_empty(), "{name} must need {wrong:?} in its tests only");
        }
    }
}

#[test]
fn each_library_of_a_border_has_one_owner() {
    for (name, package) in packages() {
        if FOR_TESTS.contains(&name.as_str()) {
            continue;
        }
        let used = depends_on(&package, true);
        for (owner, libraries) in OWNERS {
            let wrong: Vec<_> = libraries.iter().filter(|library| used.contains(**library)).collect();
            assert!(name == owner || wrong.is_empty(), "only {owner} may use {wrong:?}, not {name}");
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let used = depends_on(&packages()["relance-domain"], false);
    let wrong: Vec<_> = NOT_PURE.iter().filter(|library| used.contains(**library)).collect();
    assert!(wrong.is_empty(), "the domain has no runtime, I/O or randomness, so not {wrong:?}");
}
