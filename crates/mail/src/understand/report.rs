//! Reads the machine-readable parts of reports: per-recipient groups, fields, and the original message.
//!
//! Delivery reports (RFC 3464), feedback reports (RFC 5965) and read receipts (RFC 8098) share one form:
//! groups of header-like fields. Broken reports are read as far as they go; nothing here fails.

use crate::parse::{Content, Message, Part, ids};

/// One group of fields, names in lower case.
#[derive(Debug, Default)]
pub(super) struct Group(Vec<(String, String)>);

impl Group {
    /// The first value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The groups of a report's text.
pub(super) fn groups(text: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut current = Group::default();
    for line in text.lines() {
        if line.trim().is_empty() {
            if !current.0.is_empty() {
                groups.push(std::mem::take(&mut current));
            }
        } else if line.starts_with([' ', '\t']) && !current.0.is_empty() {
            if let Some((_, value)) = current.0.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let name = name.trim().to_ascii_lowercase();
            // A second recipient without a blank line before it begins a new group.
            let restarts = name == "final-recipient" && current.get("final-recipient").is_some();
            if restarts {
                groups.push(std::mem::take(&mut current));
            }
            if is_field_name(&name) {
                current.0.push((name, value.trim().to_owned()));
            }
        }
    }
    if !current.0.is_empty() {
        groups.push(current);
    }
    groups
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 60 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// `rfc822; <Ada@Example.com>` gives `ada@example.com`.
pub(super) fn address_of(field: &str) -> Option<String> {
    let value = field.rsplit_once(';').map_or(field, |(_, value)| value);
    address_in(value)
}

/// The first address in a text, in lower case.
pub(super) fn address_in(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '"' | '\'' | ',' | ';' | '[' | ']'))
        .map(|word| word.trim_matches(|c: char| matches!(c, ':' | '.' | '*' | '=' | '`' | '|')))
        .map(|word| if word.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("mailto:")) { &word[7..] } else { word })
        .find(|word| {
            word.len() <= 320
                && word.split_once('@').is_some_and(|(local, domain)| {
                    !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.contains('@')
                })
        })
        .map(str::to_lowercase)
}

/// The headers of the original message a report carries.
pub(super) fn original_headers(message: &Message) -> Option<Vec<(String, String)>> {
    message.parts.iter().filter(|part| part.depth == 0).find_map(|part| match &part.content {
        Content::Message(headers) if !headers.is_empty() => Some(headers.clone()),
        Content::Text(text) if is_header_part(&part.content_type) => {
            Some(groups(text).into_iter().flat_map(|group| group.0).collect())
        }
        _ => None,
    })
}

fn is_header_part(content_type: &str) -> bool {
    matches!(content_type, "text/rfc822-headers" | "message/rfc822-headers" | "message/global-headers" | "text/rfc822")
}

/// The Message-ID of the original a report is about, from its headers or from the text below the report.
pub(super) fn original_message_id(message: &Message) -> Option<String> {
    let from_part = original_headers(message)
        .and_then(|headers| headers.into_iter().find(|(name, _)| name == "message-id"))
        .and_then(|(_, value)| ids(&value).into_iter().next());
    from_part
        .or_else(|| message.parts.iter().filter(|part| part.depth == 0).filter_map(Part::text).find_map(id_in_text))
}

/// `Message-ID: <...>` on a line of a text, also when the id stands on the next line or behind a quotation mark.
fn id_in_text(text: &str) -> Option<String> {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let bare = line.trim_start_matches(['>', ' ', '\t', '|']);
        if bare.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("message-id:")) {
            let here = ids(&bare[11..]);
            let found = here.into_iter().next().or_else(|| lines.peek().and_then(|next| ids(next).into_iter().next()));
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// `Original-Message-ID` of a read receipt.
pub(super) fn original_id_of_receipt(part: &Part) -> Option<String> {
    if part.content_type != "message/disposition-notification" {
        return None;
    }
    groups(part.text()?)
        .iter()
        .find_map(|group| group.get("original-message-id"))
        .and_then(|value| ids(value).into_iter().next())
}
