//! Keeps the bytes of attached files apart from the email they belong to, and puts them in when it leaves.
//!
//! A composed email has a place of one line for each file: NUL and the hash. NUL occurs nowhere else, because headers
//! and texts are written without control characters. Filling the same places with the same files gives the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::HashMap;

/// Bytes of a file in a line of base64: 57 make 76 characters.
const IN_A_LINE: usize = 57;
const DIGITS: usize = 64;

/// The place of a file.
pub(super) fn place_of(hash: &[u8; 32]) -> Vec<u8> {
    format!("\0{}\r\n", hex::encode(hash)).into_bytes()
}

/// Each place: where it begins, where it ends, and the hash.
fn places(message: &[u8]) -> Vec<(usize, usize, [u8; 32])> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = message[from..].iter().position(|byte| *byte == 0).map(|at| from + at) {
        from = at + 1;
        let mut hash = [0; 32];
        let digits = message.get(from..from + DIGITS);
        if digits.is_some_and(|digits| hex::decode_to_slice(digits, &mut hash).is_ok()) {
            from += DIGITS;
            let end = if message[from..].starts_with(b"\r\n") { from + 2 } else { from };
            found.push((at, end, hash));
        }
    }
    found
}

/// The hashes of the files an email was composed with, in order.
pub fn files_in(message: &[u8]) -> Vec<[u8; 32]> {
    places(message).into_iter().map(|(_, _, hash)| hash).collect()
}

/// The email as it leaves, every file in its place; `None` if one is missing.
pub fn fill(message: &[u8], files: &HashMap<[u8; 32], Vec<u8>>) -> Option<Vec<u8>> {
    let places = places(message);
    let mut room = message.len();
    for (_, _, hash) in &places {
        room += files.get(hash)?.len() * 142 / 100 + 4;
    }
    let mut out = Vec::with_capacity(room);
    let mut from = 0;
    for (at, end, hash) in places {
        out.extend_from_slice(&message[from..at]);
        // Always base64: the bytes of a file arrive unchanged, whatever they are.
        for chunk in files.get(&hash)?.chunks(IN_A_LINE) {
            out.extend_from_slice(BASE64.encode(chunk).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        from = end;
    }
    out.extend_from_slice(&message[from..]);
    Some(out)
}
