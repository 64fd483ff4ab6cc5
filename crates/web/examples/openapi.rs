//! Writes `docs/openapi.json`: `cargo run -p relance-web --example openapi`.

fn main() -> std::io::Result<()> {
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json"), relance_web::api::openapi())
}
