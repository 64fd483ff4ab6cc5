//! Feeds bytes; see `entries/csv.rs` for what must hold.
#![no_main]

#[path = "../entries/csv.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::read_csv(data));
