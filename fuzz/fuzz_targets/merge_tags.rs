//! Feeds merge tags; see `entries/merge.rs` for what must hold.
#![no_main]

#[path = "../entries/merge.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|texts: (&str, &str)| entries::render_merge_tags(texts.0, texts.1));
