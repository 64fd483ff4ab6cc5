//! Takes a received message apart, once, into what the rest of Relance needs to know of it.
//!
//! [`parse`] is the only place that meets the MIME library. It judges nothing (see [`crate::understand`]) and
//! fetches nothing. Foreign text leaves here clean: Unicode, `\n` line ends, no control characters; ids come
//! without angle brackets. It never panics and its memory is bounded by the limits below; past one of them,
//! or when nothing can be read, the answer is [`Unreadable`] with the reason in words.

mod html;
mod part;
mod scan;

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::civil::Date;
use mail_parser::parsers::MessageStream;
use mail_parser::parsers::fields::thread;
use mail_parser::{Header, HeaderValue, MessageParser};
use relance_domain::time::Timestamp;

pub use html::html_to_text;
pub use part::{Content, Part};

/// Longest header of a message that is read, in bytes.
pub const MAX_HEADER_BYTES: usize = 100 * 1024;
/// Deepest nesting that is read.
pub const MAX_NESTING: usize = 100;
/// Most parts that are read.
pub const MAX_PARTS: usize = 1_000;
/// Longest message that is read, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 50 * 1024 * 1024;
/// Longest text kept of one part, in bytes.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// Most ids kept of References: the first one and the newest.
const MAX_REFERENCES: usize = 200;

/// A message past a limit, or broken beyond reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unreadable {
    /// Why, in words.
    pub why: String,
}

impl Unreadable {
    fn new(why: impl Into<String>) -> Unreadable {
        Unreadable { why: why.into() }
    }
}

/// A mailbox as a header names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name.
    pub name: Option<String>,
    /// The address, trimmed; its case is kept.
    pub email: String,
}

/// A received message, read.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// The ids of In-Reply-To.
    pub in_reply_to: Vec<String>,
    /// The ids of References, oldest first.
    pub references: Vec<String>,
    /// From.
    pub from: Vec<Address>,
    /// Sender.
    pub sender: Option<Address>,
    /// Reply-To.
    pub reply_to: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Subject, decoded; empty when there is none.
    pub subject: String,
    /// Date as an instant.
    pub date: Option<Timestamp>,
    /// Date on the sender's calendar.
    pub local_date: Option<Date>,
    /// Every header of the message: name in lower case, value decoded, in order.
    pub headers: Vec<(String, String)>,
    /// The readable text, made from HTML when there is no plain text.
    pub text: String,
    /// The HTML part as it came, not sanitised.
    pub html: Option<String>,
    /// All parts, in order, flattened.
    pub parts: Vec<Part>,
    /// Names of the attachments.
    pub attachments: Vec<String>,
}

impl Message {
    /// The first value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// All values of a header; `name` in lower case.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The address the message comes from, in lower case; empty when there is none.
    pub fn sender_address(&self) -> String {
        self.from.first().or(self.sender.as_ref()).map(|a| a.email.to_lowercase()).unwrap_or_default()
    }

    /// The name the message comes from.
    pub fn sender_name(&self) -> Option<&str> {
        self.from.first().and_then(|a| a.name.as_deref())
    }

    /// The content type of the whole message, in lower case, without parameters.
    pub fn content_type(&self) -> &str {
        self.parts.first().map_or("text/plain", |part| part.content_type.as_str())
    }

    /// The subject without any `Re:`, `AW:`, `Fwd:` before it.
    pub fn subject_of_thread(&self) -> &str {
        let bare = thread::thread_name(&self.subject);
        if bare.is_empty() { self.subject.trim() } else { bare }
    }
}

/// Reads a message, whole or its beginning.
pub fn parse(raw: &[u8]) -> Result<Message, Unreadable> {
    let raw = scan::without_mbox_line(raw);
    scan::within_limits(raw)?;
    let safe = scan::without_encoded_messages(raw);
    catch_unwind(AssertUnwindSafe(|| read(&safe)))
        .unwrap_or_else(|_| Err(Unreadable::new("The message is broken in a way that its reader does not survive.")))
}

fn parser() -> MessageParser {
    MessageParser::new().with_mime_headers().with_date_headers().with_address_headers()
}

fn read(raw: &[u8]) -> Result<Message, Unreadable> {
    let Some(mut parsed) = parser().parse(raw) else {
        return Err(Unreadable::new("The message has no header."));
    };
    let mut message = Message::default();
    if let Some(root) = parsed.parts.first() {
        read_headers(&root.headers, raw, &mut message);
    }
    let text_ids = std::mem::take(&mut parsed.text_body);
    let html_ids = std::mem::take(&mut parsed.html_body);
    let shown: Vec<u32> = text_ids.iter().chain(&html_ids).copied().collect();
    message.parts = part::flatten(parsed, raw, &shown)?;
    message.attachments = message
        .parts
        .iter()
        .filter(|p| p.depth == 0 && !p.inline && !matches!(p.content, Content::Multipart))
        .filter_map(|p| p.name.clone())
        .collect();
    choose_text(&mut message);
    Ok(message)
}

/// Prefers plain text; an empty plain part beside a full HTML part does not count.
fn choose_text(message: &mut Message) {
    let shown = |html: bool| {
        let mut out = String::new();
        for part in message.parts.iter().filter(|p| p.depth == 0 && p.inline) {
            let piece = match &part.content {
                Content::Text(text) if !html => text.clone(),
                Content::Html(source) if html => html_to_text(source),
                _ => continue,
            };
            if !out.is_empty() && out.len() + piece.len() > MAX_TEXT_BYTES {
                break;
            }
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(&piece);
        }
        out
    };
    let plain = shown(false);
    message.text = if plain.trim().is_empty() { shown(true) } else { plain };
    message.html = message.parts.iter().find_map(|p| match &p.content {
        Content::Html(source) if p.depth == 0 && p.inline => Some(source.clone()),
        _ => None,
    });
}

fn read_headers(headers: &[Header<'_>], raw: &[u8], message: &mut Message) {
    message.headers = decode_headers(headers, raw);
    for header in headers {
        let value = &header.value;
        match header.name().to_ascii_lowercase().as_str() {
            "from" if message.from.is_empty() => message.from = addresses(value),
            "sender" if message.sender.is_none() => message.sender = addresses(value).into_iter().next(),
            "reply-to" => message.reply_to.extend(addresses(value)),
            "to" => message.to.extend(addresses(value)),
            "cc" => message.cc.extend(addresses(value)),
            "date" if message.date.is_none() => {
                if let HeaderValue::DateTime(date) = value {
                    read_date(date, message);
                }
            }
            _ => {}
        }
    }
    message.subject = message.header("subject").unwrap_or_default().trim().to_owned();
    message.message_id = message.header("message-id").and_then(|v| ids(v).into_iter().next());
    message.in_reply_to = message.header_values("in-reply-to").flat_map(ids).take(MAX_REFERENCES).collect();
    let references: Vec<String> = message.header_values("references").flat_map(ids).collect();
    message.references = newest(references);
}

fn newest(mut references: Vec<String>) -> Vec<String> {
    if references.len() > MAX_REFERENCES {
        references.drain(1..references.len() - MAX_REFERENCES + 1);
    }
    references
}

fn read_date(date: &mail_parser::DateTime, message: &mut Message) {
    if !date.is_valid() {
        return;
    }
    message.date = Some(Timestamp::from_ms(date.to_timestamp().saturating_mul(1_000)));
    message.local_date = i16::try_from(date.year)
        .ok()
        .and_then(|year| Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok());
}

/// All headers of one header block, decoded (RFC 2047) and unfolded.
fn decode_headers(headers: &[Header<'_>], raw: &[u8]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|header| {
            let bytes = raw.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default();
            let value = match MessageStream::new(bytes).parse_unstructured() {
                HeaderValue::Text(text) => clean_line(&text),
                _ => String::new(),
            };
            (header.name().to_ascii_lowercase(), value)
        })
        .collect()
}

fn addresses(value: &HeaderValue<'_>) -> Vec<Address> {
    let HeaderValue::Address(list) = value else { return Vec::new() };
    list.iter()
        .take(MAX_PARTS)
        .filter_map(|addr| {
            let email = clean_line(addr.address.as_deref()?);
            let name = addr.name.as_deref().map(clean_line).filter(|name| !name.is_empty());
            Some(Address { name, email: email.trim_matches(|c| c == '<' || c == '>').to_owned() })
        })
        .filter(|address| !address.email.is_empty())
        .collect()
}

/// The message ids in a header value, without angle brackets and inner white space.
pub fn ids(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find('<') {
        let inner = &rest[start + 1..];
        let Some(end) = inner.find(['<', '>']) else { break };
        let id: String = inner[..end].chars().filter(|c| !c.is_whitespace()).collect();
        if !id.is_empty() {
            found.push(id);
        }
        rest = &inner[end..];
    }
    if found.is_empty() {
        let alone = value.split_whitespace().nth(1).is_none();
        found.extend(
            value
                .split_whitespace()
                .map(|word| word.trim_matches(|c: char| matches!(c, '<' | '>' | '"' | '(' | ')' | ',' | ';')))
                .filter(|word| word.contains('@') || (word.len() > 8 && alone))
                .map(str::to_owned),
        );
    }
    found
}

/// Text of several lines without control characters, with `\n` line ends.
pub fn clean_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Text of one line: as [`clean_text`], with white space folded to single blanks.
pub fn clean_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Cuts at a character border.
pub(crate) fn shorten(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests;
