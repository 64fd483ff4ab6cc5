//! The files the browser loads: style sheet, behaviours, libraries, favicon.
//!
//! Every file has a URL with a hash of its content, so it is cached for good and a new build
//! shows at once. The style sheet is one file made of `assets/css/*` in the order of their
//! names. Turbo and Stimulus come from `node_modules`; without them the pages are ordinary
//! pages and forms, and `missing()` says how to get them. Compression is the server's layer.
//! An unknown path answers 404.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rust_embed::Embed;
use sha2::{Digest, Sha256};

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/assets"]
#[include = "css/*.css"]
#[include = "js/*.js"]
#[include = "js/controllers/*.js"]
#[include = "js/mail_editor/*.js"]
#[include = "mail_editor.css"]
#[include = "favicon.svg"]
struct Own;

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../node_modules/@hotwired/turbo/dist"]
#[include = "turbo.es2017-esm.js"]
#[allow_missing = true]
struct Turbo;

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../node_modules/@hotwired/stimulus/dist"]
#[include = "stimulus.js"]
#[allow_missing = true]
struct Stimulus;

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../node_modules/squire-rte/dist"]
#[include = "squire.mjs"]
#[allow_missing = true]
struct Squire;

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../node_modules/dompurify/dist"]
#[include = "purify.es.mjs"]
#[allow_missing = true]
struct Purify;

struct Asset {
    url: String,
    etag: String,
    content_type: &'static str,
    body: Bytes,
}

/// All files by name, with what the pages need to name them.
struct Catalog {
    by_name: BTreeMap<String, Asset>,
    name_by_url: BTreeMap<String, String>,
    import_map: String,
    import_map_hash: String,
    missing: Vec<&'static str>,
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(read_catalog);

/// Where the libraries of the page are in an import map, and the file each one is.
const LIBRARIES: [(&str, &str); 4] = [
    ("@hotwired/turbo", "turbo.js"),
    ("@hotwired/stimulus", "stimulus.js"),
    ("squire-rte", "squire.js"),
    ("dompurify", "purify.js"),
];

/// The last two are those of the editor of emails: it asks for them when a page needs it.
const ON_EVERY_PAGE: usize = 2;

/// Files of the editor of emails, which only pages that have one load.
fn is_of_editor(name: &str) -> bool {
    name.starts_with("mail_editor") || LIBRARIES[ON_EVERY_PAGE..].iter().any(|(_, file)| *file == name)
}

fn read_catalog() -> Catalog {
    let mut by_name = BTreeMap::new();
    let mut style = Vec::new();
    let mut names: Vec<_> = Own::iter().collect();
    names.sort();
    for name in names {
        let Some(file) = Own::get(&name) else { continue };
        if name.starts_with("css/") {
            style.extend_from_slice(&spare_style(&file.data));
        } else {
            let name = name.trim_start_matches("js/").to_owned();
            let body = if name.ends_with(".js") { spare_script(&file.data) } else { file.data.into_owned() };
            by_name.insert(name.clone(), describe(&name, body));
        }
    }
    by_name.insert("app.css".into(), describe("app.css", style));
    let mut missing = Vec::new();
    let found = [
        Turbo::get("turbo.es2017-esm.js"),
        Stimulus::get("stimulus.js"),
        Squire::get("squire.mjs"),
        Purify::get("purify.es.mjs"),
    ];
    for ((library, name), file) in LIBRARIES.into_iter().zip(found) {
        match file {
            Some(file) => drop(by_name.insert(name.into(), describe(name, file.data.into_owned()))),
            None => missing.push(library),
        }
    }
    let import_map = draw_import_map(&by_name);
    Catalog {
        name_by_url: by_name.iter().map(|(name, asset)| (asset.url.clone(), name.clone())).collect(),
        import_map_hash: format!("sha256-{}", STANDARD.encode(Sha256::digest(&import_map))),
        by_name,
        import_map,
        missing,
    }
}

/// A style sheet without what is there for those who write it: comments, indents, and the white
/// space around `{`, `}`, `;`, `,` and `>`, and the `;` before a `}`.
fn spare_style(file: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(file);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    let mut spare = String::with_capacity(kept.len());
    for line in kept.lines().map(str::trim).filter(|line| !line.is_empty()) {
        spare.push_str(line);
        if !line.ends_with(['{', '}', ';', ',']) {
            spare.push('\n');
        }
    }
    // No text of ours has one of these in it; a test looks.
    let spaces =
        [(": ", ":"), ("; ", ";"), (", ", ","), (" {", "{"), ("{ ", "{"), (" }", "}"), (" > ", ">"), (";}", "}")];
    spaces.into_iter().fold(spare, |style, (wide, tight)| style.replace(wide, tight)).into_bytes()
}

/// A behaviour without its comments and indents. Its lines stay, so none of them may be within a text.
fn spare_script(file: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(file);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.fold(String::with_capacity(text.len()), |spare, line| spare + line + "\n").into_bytes()
}

fn describe(name: &str, body: Vec<u8>) -> Asset {
    let hash = hex::encode(Sha256::digest(&body));
    let short = &hash[..12];
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
    let content_type = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    Asset {
        url: format!("/assets/{stem}-{short}.{extension}"),
        etag: format!("\"{short}\""),
        content_type,
        body: body.into(),
    }
}

fn draw_import_map(files: &BTreeMap<String, Asset>) -> String {
    let mut imports = serde_json::Map::new();
    for (name, asset) in files {
        let Some(stem) = name.strip_suffix(".js") else { continue };
        let library = LIBRARIES.iter().find(|(_, file)| file == name).map(|(library, _)| *library);
        imports.insert(library.unwrap_or(stem).to_owned(), asset.url.clone().into());
    }
    serde_json::json!({ "imports": imports }).to_string()
}

/// The URL of a file by its name, such as `app.css`; the plain path for an unknown one.
pub fn url(name: &str) -> String {
    CATALOG.by_name.get(name).map_or_else(|| format!("/assets/{name}"), |asset| asset.url.clone())
}

/// The names of all files.
pub fn names() -> impl Iterator<Item = &'static str> {
    CATALOG.by_name.keys().map(String::as_str)
}

/// The text of a file by its name, for the tests and the page that shows all components.
pub fn text(name: &str) -> String {
    CATALOG.by_name.get(name).map(|asset| String::from_utf8_lossy(&asset.body).into_owned()).unwrap_or_default()
}

/// The inline import map exactly as it stands in the page.
pub fn import_map() -> &'static str {
    &CATALOG.import_map
}

/// The import map's source expression for the content security policy: `sha256-…`.
pub fn import_map_hash() -> &'static str {
    &CATALOG.import_map_hash
}

/// Whether the page behaviours can run: their two libraries are in this build. Without those of the editor, emails are
/// written as HTML.
pub fn can_run_scripts() -> bool {
    !LIBRARIES[..ON_EVERY_PAGE].iter().any(|(library, _)| CATALOG.missing.contains(library))
}

/// What is not in this build and how to get it, for the log at start; nothing when complete.
pub fn missing() -> Option<String> {
    let lost = if can_run_scripts() { "emails are written as HTML" } else { "pages work as plain pages and forms" };
    (!CATALOG.missing.is_empty()).then(|| {
        format!("{} not found in node_modules: {lost}. Run `npm ci` and build again.", CATALOG.missing.join(" and "))
    })
}

/// The `<link rel="modulepreload">` lines of the head, so that modules load in one round.
pub fn preloads() -> askama::filters::Safe<String> {
    let mut links = String::new();
    for (name, asset) in &CATALOG.by_name {
        if name.ends_with(".js") && !is_of_editor(name) {
            let _ = write!(links, "<link rel=\"modulepreload\" href=\"{}\">", asset.url);
        }
    }
    askama::filters::Safe(links)
}

/// `GET /assets/{*path}`: every file under its hashed URL, immutable.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/assets/{*path}", get(serve))
        .route("/favicon.ico", get(async || serve_name("favicon.svg", None)))
}

async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    match CATALOG.name_by_url.get(&format!("/assets/{path}")) {
        Some(name) => serve_name(name, asked),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn serve_name(name: &str, asked: Option<&str>) -> Response {
    let Some(asset) = CATALOG.by_name.get(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kept = [
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::ETAG, asset.etag.as_str()),
        (header::CONTENT_TYPE, asset.content_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if asked.is_some_and(|tags| tags.contains(&asset.etag)) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    (kept, asset.body.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    async fn fetch(path: &str, tag: Option<&str>) -> Response {
        let mut request = Request::builder().uri(path);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let request = request.body(Body::empty()).expect("a request");
        routes::<()>().oneshot(request).await.expect("an answer")
    }

    #[tokio::test]
    async fn a_hashed_file_is_immutable_and_revalidates_by_its_tag() {
        let url = url("app.css");
        assert!(url.starts_with("/assets/app-") && url.ends_with(".css"));
        let first = fetch(&url, None).await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert!(first.headers()[header::CACHE_CONTROL].to_str().expect("text").contains("immutable"));
        let tag = first.headers()[header::ETAG].to_str().expect("text").to_owned();
        let body = to_bytes(first.into_body(), usize::MAX).await.expect("a body");
        assert_eq!(body, text("app.css").as_bytes());
        assert_eq!(fetch(&url, Some(&tag)).await.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn paths_outside_the_catalog_are_not_found() {
        for path in ["/assets/app.css", "/assets/../Cargo.toml", "/assets/css/00-tokens.css"] {
            assert_eq!(fetch(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn the_import_map_names_every_module_by_its_hashed_url() {
        let map: serde_json::Value = serde_json::from_str(import_map()).expect("JSON");
        assert_eq!(map["imports"]["app"], url("app.js"));
        assert_eq!(map["imports"]["controllers/dialog"], url("controllers/dialog.js"));
        let hash = STANDARD.encode(Sha256::digest(import_map()));
        assert_eq!(import_map_hash(), format!("sha256-{hash}"));
        assert!(can_run_scripts() || missing().is_some());
    }

    #[test]
    fn every_controller_that_a_template_names_exists() {
        let app = text("app.js");
        let page =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/ui.html")).expect("the macros");
        for rest in page.split("data-controller=\"").skip(1) {
            for name in rest.split('"').next().unwrap_or_default().split(' ') {
                assert!(app.contains(&format!("controllers/{name}\"")), "app.js does not register {name}");
            }
        }
    }

    #[test]
    fn what_is_there_for_those_who_write_is_not_given_out() {
        let style = spare_style(b"/* Colours\n of links */\na:hover,\na:focus {\n  color: red; /* loud */\n}\n@media print\n{ a { all: unset } }");
        let expected = "a:hover,a:focus{color:red}@media print\n{a{all:unset}}";
        assert_eq!(String::from_utf8_lossy(&style), expected);
        let script = spare_script(b"// Says it.\n\nfunction say() {\n  // Once.\n  return 'a // b'\n}\n");
        assert_eq!(String::from_utf8_lossy(&script), "function say() {\nreturn 'a // b'\n}\n");
    }

    #[test]
    fn no_text_of_a_style_has_what_is_made_tight() {
        for name in Own::iter().filter(|name| name.starts_with("css/")) {
            let file = Own::get(&name).expect("it was listed");
            for text in String::from_utf8_lossy(&file.data).split('"').skip(1).step_by(2) {
                assert!(
                    ![": ", "; ", ", ", " {", "{ ", " }", " > ", ";}", "/*"].iter().any(|wide| text.contains(wide)),
                    "{name}: {text}"
                );
            }
        }
    }

    #[test]
    fn no_behaviour_has_a_text_of_several_lines() {
        for name in Own::iter().filter(|name| name.ends_with(".js")) {
            let file = Own::get(&name).expect("it was listed");
            let text = String::from_utf8_lossy(&file.data);
            assert!(text.lines().all(|line| line.matches('`').count() % 2 == 0), "{name}");
            assert!(!text.contains("/*"), "{name}: comments are lines of their own, behind //");
        }
    }

    #[test]
    fn own_files_stay_below_a_hundred_kilobytes_before_the_editor_loads() {
        let own: usize = CATALOG
            .by_name
            .iter()
            .filter(|(name, _)| !LIBRARIES.iter().any(|(_, library)| library == name) && !is_of_editor(name))
            .map(|(_, asset)| asset.body.len())
            .sum();
        assert!(own < 100_000, "{own} bytes of own assets");
    }
}
