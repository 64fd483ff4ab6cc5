//! Makes a release build notice when `npm ci` has brought or changed the browser libraries.
//! Without them the build goes on: pages then work as plain pages and forms.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=assets");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for library in ["turbo/dist/turbo.es2017-esm.js", "stimulus/dist/stimulus.js"] {
        let file = root.join("node_modules/@hotwired").join(library);
        println!("cargo:rerun-if-changed={}", file.display());
        if !file.exists() {
            println!("cargo:warning=node_modules has no {library}: pages work without it; `npm ci` brings it");
        }
    }
}
