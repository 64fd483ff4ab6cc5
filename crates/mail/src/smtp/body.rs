//! The bytes of a message as DATA wants them.
//!
//! What can't travel unchanged and unambiguously is refused here, before anything is said to the server.

use crate::Fault;

/// Where the header block ends.
pub(super) fn header_end(message: &[u8]) -> usize {
    message.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(message.len())
}

/// The message with leading dots doubled and without its last line end, which the final dot brings.
///
/// Bare line ends, NUL and lines above 998 bytes are refused: servers disagree about them,
/// and a message that ends early for one of two servers can carry a second one inside.
pub(crate) fn stuffed(message: &[u8]) -> Result<Vec<u8>, Fault> {
    let bad = |what: &str| Err(Fault::BadMessage(what.to_owned()));
    let message = message.strip_suffix(b"\r\n").unwrap_or(message);
    let mut out = Vec::with_capacity(message.len() + message.len() / 64);
    let mut rest = message;
    loop {
        let end = rest.iter().position(|&b| b == b'\n');
        let line = match end {
            Some(0) => return bad("it holds a line end without CR"),
            Some(at) if rest[at - 1] != b'\r' => return bad("it holds a line end without CR"),
            Some(at) => &rest[..at - 1],
            None => rest,
        };
        if line.len() > 998 {
            return bad("it holds a line of more than 998 bytes");
        }
        if line.iter().any(|&b| b == b'\r' || b == 0) {
            return bad("it holds a NUL or a CR without a line end");
        }
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        match end {
            Some(at) => {
                out.extend_from_slice(b"\r\n");
                rest = &rest[at + 1..];
            }
            None => return Ok(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a server does: ends at a dot alone on its line, takes one leading dot off every other line.
    fn received(wire: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut rest = wire;
        loop {
            let end = rest.windows(2).position(|w| w == b"\r\n")?;
            let line = &rest[..end];
            rest = &rest[end + 2..];
            if line == b"." {
                return rest.is_empty().then_some(out);
            }
            out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            out.extend_from_slice(b"\r\n");
        }
    }

    proptest! {
        #[test]
        fn the_server_gets_exactly_the_message_and_nothing_behind_it(
            lines in prop::collection::vec("[.a\r\n\0 ]{0,6}", 0..12),
        ) {
            let message = lines.join("\r\n").into_bytes();
            match stuffed(&message) {
                Ok(mut wire) => {
                    wire.extend_from_slice(b"\r\n.\r\n");
                    let mut whole = message.strip_suffix(b"\r\n").unwrap_or(&message).to_vec();
                    whole.extend_from_slice(b"\r\n");
                    prop_assert_eq!(received(&wire), Some(whole));
                }
                Err(fault) => {
                    let text = String::from_utf8(message).unwrap().replace("\r\n", "");
                    prop_assert!(text.contains(['\r', '\n', '\0']), "{fault} {text:?}");
                }
            }
        }
    }

    #[test]
    fn lines_above_998_bytes_are_refused() {
        assert!(stuffed(&[b'a'; 998]).is_ok());
        assert_eq!(stuffed(&[b'a'; 999]).unwrap_err().code(), "bad_message");
    }
}
