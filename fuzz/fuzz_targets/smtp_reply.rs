//! Feeds bytes; see `entries/mail.rs` for what must hold.
#![no_main]

#[path = "../entries/mail.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entries::judge_smtp_reply(data));
