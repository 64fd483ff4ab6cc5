//! The words of a failure notice: its text without the copy of the original, whole and by recipient.
//!
//! Home-made notices put a recipient at the beginning of a line and what was said about it behind or below. Where
//! that can't be seen, the notice is one piece; nothing here fails.

use super::bounce::MAX_RECIPIENTS;
use super::phrases::{Phrases, words};
use super::report::address_in;
use crate::parse::{Content, Message, shorten};

/// How much of a notice is kept at all.
const KEPT_BYTES: usize = 64 * 1024;

/// What a notice says of one recipient.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// The address, in lower case.
    pub(super) recipient: String,
    /// The words: from the line with the address to the next one.
    pub(super) text: String,
}

/// The pieces of a notice, one per recipient, in order; empty when no line begins with an address.
pub(super) fn sections(notice: &str) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut open = None;
    for line in notice.lines() {
        if let Some((recipient, one_line)) = recipient_of_line(line) {
            let known = found.iter().position(|section| section.recipient == recipient);
            if known.is_none() {
                if found.len() == MAX_RECIPIENTS {
                    break;
                }
                let text = if one_line { format!("{line}\n") } else { String::new() };
                found.push(Section { recipient, text });
            }
            match (known, one_line) {
                (None, true) => open = None,
                (Some(at), true) if open != Some(at) => {
                    found[at].text.push_str(line);
                    found[at].text.push('\n');
                    open = None;
                }
                (known, _) => open = known.or(Some(found.len() - 1)),
            }
        } else if closes_section(line) {
            open = None;
        }
        if let Some(at) = open {
            found[at].text.push_str(line);
            found[at].text.push('\n');
        }
    }
    // Names alone, as in a list of the recipients, say nothing.
    found.retain(|section| section.text.split_whitespace().count() > 2);
    found
}

/// `<ada@acme.example>: ...`, `"ada@acme.example":`, `ada@acme.example`, `550 <ada@acme.example>... ...`.
///
/// The second value is true when the line says it all.
fn recipient_of_line(line: &str) -> Option<(String, bool)> {
    let mut words = line.split_whitespace();
    let mut first = words.next()?;
    let mut one_line = false;
    if first.len() == 3 && first.bytes().all(|b| b.is_ascii_digit()) {
        let named = |word: &&str| word.starts_with('<') && word.contains(">...");
        first = words.by_ref().take(2).find(named)?;
        one_line = true;
    }
    let bare = first.trim_start_matches(['<', '"', '(', '[']);
    if bare.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("mailto:")) || !bare.contains('@') {
        return None;
    }
    Some((address_in(first.trim_end_matches('.'))?, one_line))
}

/// A ruled line or the talk with the next server ends what was said about a recipient.
fn closes_section(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("While talking to") || line.starts_with("---") || line.starts_with("***")
}

/// The words of the notice: the text before the original message, of the first texts of the message.
pub(super) fn notice_text(message: &Message) -> String {
    let mut out = String::new();
    for part in message.parts.iter().filter(|p| p.depth == 0 && p.content_type != "text/rfc822-headers") {
        let piece = match &part.content {
            Content::Text(text) if !part.content_type.starts_with("message/") => text.as_str(),
            Content::Text(_) | Content::Html(_) | Content::Message(_) | Content::Binary(_) | Content::Multipart => {
                continue;
            }
        };
        out.push_str(before_original(shorten(piece, KEPT_BYTES)));
        out.push('\n');
        if out.len() > super::bounce::SEARCHED_BYTES {
            break;
        }
    }
    if out.trim().is_empty() { before_original(shorten(&message.text, KEPT_BYTES)).to_owned() } else { out }
}

/// The text up to where a copy of the original begins.
fn before_original(text: &str) -> &str {
    let mut at = 0;
    let mut header_lines = 0;
    let mut header_start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let lower = bare.to_lowercase();
        let is_rule =
            bare.starts_with("--") || bare.starts_with("==") || bare.starts_with("**") || lower.starts_with("-=");
        if is_rule && ORIGINAL_MARKS.iter().any(|mark| lower.contains(mark)) && at > 0 {
            return &text[..at];
        }
        if ORIGINAL_LINES.iter().any(|mark| lower.starts_with(mark)) {
            return &text[..at];
        }
        if is_header_line(&lower) {
            if header_lines == 0 {
                header_start = at;
            }
            header_lines += 1;
            if header_lines == 3 {
                return &text[..header_start];
            }
        } else if !line.starts_with([' ', '\t']) {
            header_lines = 0;
        }
        at += line.len();
    }
    text
}

static ORIGINAL_MARKS: Phrases = words!("original_marks");

static ORIGINAL_LINES: Phrases = words!("original_lines");

fn is_header_line(lower: &str) -> bool {
    [
        "received:",
        "return-path:",
        "message-id:",
        "from:",
        "to:",
        "subject:",
        "date:",
        "mime-version:",
        "content-type:",
        "x-mailer:",
        "dkim-signature:",
    ]
    .iter()
    .any(|name| lower.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_has_its_own_words() {
        let notice = "Sorry.\n\n<ada@acme.example>:\nNo such user\n\n\"bob@acme.example\":\nMailbox full\n\n550 <cy@acme.example>... User unknown\ndan@acme.example\n";
        let found = sections(notice);
        let pairs: Vec<(&str, bool)> = found.iter().map(|s| (s.recipient.as_str(), s.text.contains("full"))).collect();
        assert_eq!(pairs, [("ada@acme.example", false), ("bob@acme.example", true), ("cy@acme.example", false)]);
        assert!(sections("nothing here\nwrite to help@acme.example").is_empty());
    }

    #[test]
    fn more_recipients_than_the_limit_are_left_out() {
        let notice: String = (0..500).map(|n| format!("<a{n}@acme.example>: no such user\n")).collect();
        assert_eq!(sections(&notice).len(), MAX_RECIPIENTS);
    }
}
