//! Looks at the raw bytes before the MIME library does, so that no message can exhaust it.
//!
//! Counts header bytes and part borders in one pass, and takes the sting out of encoded attached messages,
//! which the library would unpack recursively ([`super::part`] unpacks them with a bound instead).

use std::borrow::Cow;

use super::{MAX_HEADER_BYTES, MAX_MESSAGE_BYTES, Unreadable};

/// More part borders than this, and the message is not taken apart at all.
const MAX_BORDERS: usize = 5_000;

/// Most header fields of all parts together; a message has some hundred.
const MAX_FIELDS: usize = 20_000;
/// Longest header of a part, in bytes.
const MAX_PART_HEADER_BYTES: usize = 256 * 1024;

/// Cuts off blank lines and the `From ` line that mbox files put before a message.
pub(super) fn without_mbox_line(raw: &[u8]) -> &[u8] {
    let mut raw = raw;
    let blank = raw.iter().take_while(|b| b.is_ascii_whitespace()).count();
    if let Some(end) = raw[..blank].iter().rposition(|&b| b == b'\n') {
        raw = &raw[end + 1..];
    }
    while raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        match raw.iter().position(|&b| b == b'\n') {
            Some(end) => raw = &raw[end + 1..],
            None => break,
        }
    }
    raw
}

/// Refuses what is past a limit.
pub(super) fn within_limits(raw: &[u8]) -> Result<(), Unreadable> {
    if raw.len() > MAX_MESSAGE_BYTES {
        return Err(Unreadable::new("The message is larger than 50 MB."));
    }
    if header_length(raw) > MAX_HEADER_BYTES {
        return Err(Unreadable::new("The header of the message is longer than 100 KB."));
    }
    let mut blocks = Blocks::default();
    for line in raw.split_inclusive(|&b| b == b'\n') {
        blocks.take(line);
    }
    if blocks.borders > MAX_BORDERS {
        return Err(Unreadable::new("The message has more than 1,000 parts."));
    }
    if blocks.fields > MAX_FIELDS || blocks.longest > MAX_PART_HEADER_BYTES {
        return Err(Unreadable::new("The headers of the message's parts are too long."));
    }
    Ok(())
}

/// Counts what is read as headers: from the beginning, a border, or the end of a header that announces a message, up to
/// the next blank line.
#[derive(Default)]
struct Blocks {
    borders: usize,
    fields: usize,
    longest: usize,
    length: usize,
    announces: bool,
    in_text: bool,
}

impl Blocks {
    fn take(&mut self, line: &[u8]) {
        let border = line.starts_with(b"--");
        if border || starts_with_ignoring_case(line, b"content-type:") {
            self.borders += 1;
        }
        match (border, self.in_text, is_blank(line)) {
            (true, ..) => self.begin(),
            (false, true, _) => {}
            (false, false, true) => {
                // In a digest the message begins behind the blank line as well.
                let goes_on = self.announces || self.length == 0;
                self.begin();
                self.in_text = !goes_on;
            }
            (false, false, false) => {
                self.fields += usize::from(!matches!(line[0], b' ' | b'\t'));
                self.length += line.len();
                self.longest = self.longest.max(self.length);
                self.announces |= find(&line[..line.len().min(200)], b"message/", 0).is_some();
            }
        }
    }

    fn begin(&mut self) {
        (self.length, self.announces, self.in_text) = (0, false, false);
    }
}

fn header_length(raw: &[u8]) -> usize {
    let mut length = 0;
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if is_blank(line) {
            break;
        }
        length += line.len();
    }
    length
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|&b| b == b'\r' || b == b'\n')
}

fn starts_with_ignoring_case(line: &[u8], prefix: &[u8]) -> bool {
    line.len() >= prefix.len() && line[..prefix.len()].eq_ignore_ascii_case(prefix)
}

/// The subtype written over `rfc822` in the header of an encoded attached message.
pub(super) const MASKED_RFC822: &str = "rfc82x";
/// The subtype written over `global`.
pub(super) const MASKED_GLOBAL: &str = "globax";

/// Renames the type of attached messages that are base64 or quoted-printable, and of digests.
pub(super) fn without_encoded_messages(raw: &[u8]) -> Cow<'_, [u8]> {
    let has = |needle: &[u8]| find(raw, needle, 0).is_some();
    let messages = has(b"rfc822") || has(b"global");
    let encoded = has(b"base64") || has(b"quoted-printable");
    let may_recurse = (messages && encoded) || has(b"/digest");
    if !may_recurse {
        return Cow::Borrowed(raw);
    }
    let mut copy = raw.to_vec();
    let mut start = 0;
    for line in raw.split_inclusive(|&b| b == b'\n').scan(0, |at, line| {
        let from = *at;
        *at += line.len();
        Some((from, line))
    }) {
        if is_blank(line.1) {
            mask_block(&mut copy[start..line.0]);
            start = line.0 + line.1.len();
        }
    }
    mask_block(&mut copy[start..]);
    Cow::Owned(copy)
}

fn mask_block(block: &mut [u8]) {
    mask(block, b"/digest");
    if find(block, b"base64", 0).is_some() || find(block, b"quoted-printable", 0).is_some() {
        mask(block, b"rfc822");
        mask(block, b"global");
    }
}

fn mask(block: &mut [u8], needle: &[u8]) {
    let mut at = 0;
    while let Some(found) = find(block, needle, at) {
        at = found + needle.len();
        block[at - 1] = b'x';
    }
}

/// The next place of a lower-case needle, ignoring case.
fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let first = needle[0];
    let last_start = haystack.len().checked_sub(needle.len())?;
    let mut at = from;
    while at <= last_start {
        if haystack[at].eq_ignore_ascii_case(&first) && haystack[at..at + needle.len()].eq_ignore_ascii_case(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}
