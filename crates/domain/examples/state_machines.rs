//! Writes `docs/state-machines.md` from the code; the test of the same page fails while it is stale.

#[path = "../tests/main/state_table.rs"]
mod state_table;

fn main() -> std::io::Result<()> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/state-machines.md");
    std::fs::write(file, state_table::page())
}
