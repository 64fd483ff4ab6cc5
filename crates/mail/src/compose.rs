//! Turns a draft into the bytes of an email: headers, text and HTML beside each other, attachments by their hash.
//!
//! The same draft always gives the same bytes. Names and subjects have their control characters
//! folded to spaces; addresses, ids and links that hold anything unexpected are refused, so no value can begin
//! a header of its own. What is written is 7-bit with CRLF line ends and no line above 998 bytes.

mod clean;
mod files;
mod html;

use crate::address::{wire_address, wire_domain};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::headers::url::URL;
use mail_builder::mime::{BodyPart, MimePart};
use sha2::{Digest, Sha256};

pub use clean::{SIGN, clean};
pub use files::{files_in, fill};
pub use html::text_from_html;

/// References keeps this many ids at its beginning, and as many at its end.
const REFERENCES_AT_EACH_END: usize = 20;
const LONGEST_ID: usize = 250;
const LONGEST_URL: usize = 900;

/// An email before it is bytes. Message-IDs stand without angle brackets.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The sender's name; may be empty.
    pub from_name: String,
    /// The sender's address.
    pub from: String,
    /// The recipient's name; may be empty.
    pub to_name: String,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The HTML body, if there is one.
    pub html: Option<String>,
    /// The text body.
    pub text: String,
    /// Date, in milliseconds UTC.
    pub date: i64,
    /// Message-ID, as [`message_id`] makes it.
    pub message_id: String,
    /// The Message-ID answered to.
    pub in_reply_to: Option<String>,
    /// The thread so far, oldest first.
    pub references: Vec<String>,
    /// Ways to unsubscribe, when the headers are on.
    pub list_unsubscribe: Option<ListUnsubscribe>,
    /// Attached files.
    pub attachments: Vec<Attachment>,
    /// More headers, for example `Auto-Submitted`; none of those above.
    pub headers: Vec<(String, String)>,
}

/// What stands in `List-Unsubscribe`; at least one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListUnsubscribe {
    /// An address, or a `mailto:` link.
    pub mailto: Option<String>,
    /// A link; with https it is announced as one-click (RFC 8058).
    pub url: Option<String>,
}

/// An attached file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The file's name.
    pub name: String,
    /// Its MIME type; anything odd becomes `application/octet-stream`.
    pub mime: String,
    /// The SHA-256 of its content, which [`fill`] puts in.
    pub hash: [u8; 32],
}

/// Why a draft can't become an email.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An address that can't be written in a header.
    #[error("“{address}” is not an address that can be used as {field}. Correct it and try again.")]
    BadAddress {
        /// `sender` or `recipient`.
        field: &'static str,
        /// The address as given.
        address: String,
    },
    /// A header value that can't be written.
    #[error("The header {name} can't hold this value. Remove line breaks, spaces and brackets from it.")]
    BadHeader {
        /// The header.
        name: String,
    },
}

/// Builds the email.
pub fn compose(draft: &Draft) -> Result<Vec<u8>, Refused> {
    let mut headers: Vec<(&str, HeaderType<'_>)> = vec![
        ("From", mailbox("sender", &draft.from_name, &draft.from)?),
        ("To", mailbox("recipient", &draft.to_name, &draft.to)?),
        ("Subject", unstructured(&draft.subject)),
        ("Date", Date::new(draft.date.div_euclid(1000)).into()),
        ("Message-ID", MessageId::new(id("Message-ID", &draft.message_id)?).into()),
    ];
    if let Some(answered) = &draft.in_reply_to {
        headers.push(("In-Reply-To", MessageId::new(id("In-Reply-To", answered)?).into()));
    }
    let thread = references(draft);
    if !thread.is_empty() {
        headers.push(("References", MessageId::from(thread).into()));
    }
    if let Some(ways) = &draft.list_unsubscribe {
        headers.extend(unsubscribe_headers(ways)?);
    }
    for (name, value) in &draft.headers {
        headers.push((extra_name(name)?, unstructured(value)));
    }
    headers.push(("MIME-Version", Raw::new("1.0").into()));
    let mut message = MessageBuilder::new().body(body(draft));
    for (name, value) in headers {
        message = message.header(name, value);
    }
    let mut bytes = Vec::new();
    message.serialize(&mut bytes);
    Ok(bytes)
}

/// The Message-ID (without brackets) of one generation of one step: unguessable, and the same after a restore.
pub fn message_id(secret: &[u8], enrollment: &[u8; 16], step: &[u8; 16], generation: u32, domain: &str) -> String {
    let mut mac = keyed(secret);
    mac.update(b"relance message-id v1");
    mac.update(enrollment);
    mac.update(step);
    mac.update(&generation.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let domain = wire_domain(domain).unwrap_or_else(|| "localhost.invalid".into());
    format!("{}@{domain}", hex::encode(&digest[..20]))
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of every length"),
    }
}

fn mailbox<'x>(field: &'static str, name: &'x str, address: &str) -> Result<HeaderType<'x>, Refused> {
    let wired = wire_address(address).ok_or_else(|| Refused::BadAddress { field, address: address.to_owned() })?;
    let name = folded(name);
    Ok(Address::new_address((!name.is_empty()).then_some(name), wired).into())
}

/// Free text in a header: control characters become spaces, anything special is encoded (RFC 2047).
fn unstructured<'x>(value: &str) -> HeaderType<'x> {
    let value = folded(value);
    if value.contains("=?") {
        // Text that looks encoded must arrive as it is, so it is encoded once more.
        return Raw::new(encoded_words(&value)).into();
    }
    Text::new(value).into()
}

fn folded(value: &str) -> String {
    let spaced: String =
        value.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    spaced.trim().to_owned()
}

fn encoded_words(value: &str) -> String {
    let mut words = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let mut end = rest.len().min(42);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        words.push(format!("=?utf-8?B?{}?=", BASE64.encode(&rest[..end])));
        rest = &rest[end..];
    }
    words.join(" ")
}

fn id(name: &str, id: &str) -> Result<String, Refused> {
    if is_id(id) { Ok(id.to_owned()) } else { Err(Refused::BadHeader { name: name.to_owned() }) }
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'(' | b')' | b'"' | b'\\' | b',' | b';'))
}

/// The thread with its middle cut out; ids of others that can't be written are left out.
fn references(draft: &Draft) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in &draft.references {
        if is_id(id) && !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    if ids.len() > 2 * REFERENCES_AT_EACH_END {
        ids.drain(REFERENCES_AT_EACH_END..ids.len() - REFERENCES_AT_EACH_END);
    }
    ids
}

fn unsubscribe_headers(ways: &ListUnsubscribe) -> Result<Vec<(&'static str, HeaderType<'static>)>, Refused> {
    let bad = || Refused::BadHeader { name: "List-Unsubscribe".into() };
    let fine = |link: &str| {
        link.len() <= LONGEST_URL
            && link.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b'\\' | b','))
    };
    let mut links = Vec::new();
    let mut one_click = false;
    if let Some(url) = &ways.url {
        one_click = url.starts_with("https://");
        if !fine(url) || !(one_click || url.starts_with("http://")) {
            return Err(bad());
        }
        links.push(url.clone());
    }
    if let Some(mailto) = &ways.mailto {
        let address = mailto.strip_prefix("mailto:").unwrap_or(mailto);
        if !fine(address) || !address.contains('@') {
            return Err(bad());
        }
        links.push(format!("mailto:{address}"));
    }
    if links.is_empty() {
        return Err(bad());
    }
    let mut headers: Vec<(&str, HeaderType<'_>)> = vec![("List-Unsubscribe", URL::from(links).into())];
    if one_click {
        headers.push(("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click").into()));
    }
    Ok(headers)
}

fn extra_name(name: &str) -> Result<&str, Refused> {
    const OURS: [&str; 15] = [
        "from",
        "to",
        "cc",
        "bcc",
        "sender",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "mime-version",
        "return-path",
        "received",
    ];
    let lower = name.to_ascii_lowercase();
    let token = !name.is_empty() && name.len() <= 60 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if token && !OURS.contains(&lower.as_str()) && !lower.starts_with("content-") {
        Ok(name)
    } else {
        Err(Refused::BadHeader { name: folded(name) })
    }
}

fn body(draft: &Draft) -> MimePart<'_> {
    let text = MimePart::new("text/plain", BodyPart::Text(lines(&draft.text).into()));
    let words = match &draft.html {
        Some(html) => {
            let html = MimePart::new("text/html", BodyPart::Text(lines(html).into()));
            multipart("multipart/alternative", "a", draft, vec![text, html])
        }
        None => text,
    };
    if draft.attachments.is_empty() {
        return words;
    }
    let mut parts = vec![words];
    parts.extend(draft.attachments.iter().map(|file| {
        let name = Some(folded(&file.name)).filter(|n| !n.is_empty()).unwrap_or_else(|| "attachment".into());
        MimePart::new(content_type(&file.mime), BodyPart::Binary(files::place_of(&file.hash).into()))
            .attachment(name)
            .transfer_encoding("base64")
    }));
    multipart("multipart/mixed", "m", draft, parts)
}

fn multipart<'x>(kind: &'static str, mark: &str, draft: &Draft, parts: Vec<MimePart<'x>>) -> MimePart<'x> {
    // Made from the unguessable Message-ID, so no text can hold it by design; `=_` never occurs in encoded parts.
    let hash = Sha256::new().chain_update(mark).chain_update(&draft.message_id).finalize();
    let boundary = format!("=_{mark}_{}", hex::encode(&hash[..16]));
    MimePart::new(ContentType::new(kind).attribute("boundary", boundary), BodyPart::Multipart(parts))
}

fn content_type(mime: &str) -> String {
    let token = |part: &str| {
        !part.is_empty() && part.len() <= 100 && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+._".contains(&b))
    };
    let lower = mime.trim().to_ascii_lowercase();
    match lower.split_once('/') {
        // Nested messages may not be encoded, so they travel as plain files.
        Some(("message" | "multipart", _)) | None => "application/octet-stream".into(),
        Some((kind, detail)) if token(kind) && token(detail) => lower,
        Some(_) => "application/octet-stream".into(),
    }
}

/// Text with CRLF line ends and without the control characters that mail may not hold.
fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' => {
                rest.next_if_eq(&'\n');
                out.push_str("\r\n");
            }
            '\n' => out.push_str("\r\n"),
            '\t' => out.push('\t'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    if !out.ends_with("\r\n") {
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests;
