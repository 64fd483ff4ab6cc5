//! The parts of a message as one flat list, with the parts of attached messages behind their message.
//!
//! Works through the tree with a list instead of recursion: the depth of a hostile message costs no stack.

use mail_parser::{HeaderValue, Message as Parsed, MessagePart, MimeHeaders, PartType};

use super::scan::{MASKED_GLOBAL, MASKED_RFC822};
use super::{MAX_NESTING, MAX_PARTS, MAX_TEXT_BYTES, Unreadable, clean_line, clean_text, decode_headers, shorten};

/// Attached messages that are themselves encoded are unpacked this deep.
const MAX_ENCODED_NESTING: usize = 3;
/// Longest text kept of a part inside an attached message.
const MAX_INNER_TEXT_BYTES: usize = 64 * 1024;

/// One part of a message.
#[derive(Clone, Debug)]
pub struct Part {
    /// `type/subtype` in lower case.
    pub content_type: String,
    /// The `report-type` parameter, in lower case.
    pub report_type: Option<String>,
    /// The file name, when it has one.
    pub name: Option<String>,
    /// Shown as the text of the message (not an attachment).
    pub inline: bool,
    /// 0 in the message itself, 1 in a message attached to it, and so on.
    pub depth: usize,
    /// The part's own MIME headers: name in lower case, value decoded.
    pub headers: Vec<(String, String)>,
    /// What is in it.
    pub content: Content,
}

/// The content of a part.
#[derive(Clone, Debug)]
pub enum Content {
    /// Clean text: `text/*` but HTML, and the machine-readable reports.
    Text(String),
    /// HTML as it came.
    Html(String),
    /// The headers of an attached message; its parts follow, one level deeper.
    Message(Vec<(String, String)>),
    /// Anything else, by its length in bytes.
    Binary(usize),
    /// Only a container.
    Multipart,
}

impl Part {
    /// The text of a text part.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Flat {
    parts: Vec<Part>,
}

/// All parts of `parsed`; `shown` are the parts that make up its text.
pub(super) fn flatten(parsed: Parsed<'_>, raw: &[u8], shown: &[u32]) -> Result<Vec<Part>, Unreadable> {
    let mut flat = Flat { parts: Vec::new() };
    flat.add(parsed, raw, shown, 0, MAX_ENCODED_NESTING)?;
    Ok(flat.parts)
}

impl Flat {
    fn add(
        &mut self,
        parsed: Parsed<'_>,
        raw: &[u8],
        shown: &[u32],
        base_depth: usize,
        encoded_left: usize,
    ) -> Result<(), Unreadable> {
        let mut refused = None;
        // Parts of one message in order; an attached message is put on top, so that its parts follow it.
        let mut work = vec![(parsed.parts.into_iter().enumerate(), base_depth)];
        while let Some((parts, depth)) = work.last_mut() {
            let depth = *depth;
            let Some((index, mut part)) = parts.next() else {
                work.pop();
                continue;
            };
            match std::mem::take(&mut part.body) {
                // Even when already refused: nested messages must not be dropped recursively.
                PartType::Message(inner) => {
                    if refused.is_none() {
                        let first = inner.parts.first();
                        let headers = first.map(|p| decode_headers(&p.headers, raw)).unwrap_or_default();
                        self.push(&part, raw, depth, false, Content::Message(headers));
                    }
                    work.push((inner.parts.into_iter().enumerate(), depth + 1));
                }
                _ if refused.is_some() => {}
                body => {
                    let inline = depth == 0 && u32::try_from(index).is_ok_and(|index| shown.contains(&index));
                    refused = self.add_leaf(&part, body, raw, depth, inline, encoded_left).err();
                }
            }
            if depth > MAX_NESTING {
                refused = Some(Unreadable::new("The message is nested more than 100 levels deep."));
            }
            if self.parts.len() > MAX_PARTS {
                refused = Some(Unreadable::new("The message has more than 1,000 parts."));
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn add_leaf(
        &mut self,
        part: &MessagePart<'_>,
        body: PartType<'_>,
        raw: &[u8],
        depth: usize,
        inline: bool,
        encoded_left: usize,
    ) -> Result<(), Unreadable> {
        let limit = if depth == 0 { MAX_TEXT_BYTES } else { MAX_INNER_TEXT_BYTES };
        let content = match body {
            PartType::Text(text) => Content::Text(clean_text(shorten(&text, limit))),
            PartType::Html(html) => Content::Html(shorten(&html, limit).to_owned()),
            PartType::Multipart(_) => Content::Multipart,
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                let content_type = content_type(part);
                if is_masked_message(&content_type) && encoded_left > 0 {
                    return self.add_encoded_message(part, &bytes, raw, depth, encoded_left - 1);
                }
                if is_report(&content_type) {
                    let bytes = &bytes[..bytes.len().min(limit)];
                    Content::Text(clean_text(&report_text(bytes)))
                } else {
                    Content::Binary(bytes.len())
                }
            }
            PartType::Message(_) => return Ok(()),
        };
        self.push(part, raw, depth, inline, content);
        Ok(())
    }

    fn add_encoded_message(
        &mut self,
        part: &MessagePart<'_>,
        bytes: &[u8],
        raw: &[u8],
        depth: usize,
        encoded_left: usize,
    ) -> Result<(), Unreadable> {
        super::scan::within_limits(bytes)?;
        let safe = super::scan::without_encoded_messages(bytes);
        let inner = super::parser().parse(safe.as_ref());
        let headers = inner.as_ref().and_then(|m| m.parts.first()).map(|p| decode_headers(&p.headers, &safe));
        self.push(part, raw, depth, false, Content::Message(headers.unwrap_or_default()));
        match inner {
            Some(inner) => self.add(inner, &safe, &[], depth + 1, encoded_left),
            None => Ok(()),
        }
    }

    fn push(&mut self, part: &MessagePart<'_>, raw: &[u8], depth: usize, inline: bool, content: Content) {
        let content_type = match (&content, content_type(part)) {
            (Content::Message(_), _) => "message/rfc822".to_owned(),
            (Content::Text(_), seen) if seen.is_empty() => "text/plain".to_owned(),
            (_, seen) => seen.replace("/digesx", "/digest"),
        };
        let report_type = part
            .content_type()
            .and_then(|ct| ct.attribute("report-type"))
            .map(|value| clean_line(value).to_lowercase());
        self.parts.push(Part {
            content_type,
            report_type,
            name: part.attachment_name().map(clean_line).filter(|name| !name.is_empty()),
            inline,
            depth,
            headers: decode_headers(&part.headers, raw),
            content,
        });
    }
}

fn content_type(part: &MessagePart<'_>) -> String {
    let named = part.headers.iter().find_map(|h| match &h.value {
        HeaderValue::ContentType(ct) if h.name() == "Content-Type" => Some(ct),
        _ => None,
    });
    named.map_or_else(String::new, |ct| {
        clean_line(&format!("{}/{}", ct.ctype(), ct.subtype().unwrap_or_default())).to_lowercase()
    })
}

fn is_masked_message(content_type: &str) -> bool {
    content_type.strip_prefix("message/").is_some_and(|sub| sub == MASKED_RFC822 || sub == MASKED_GLOBAL)
}

/// Machine-readable reports are text, whatever they are called; so is a container without borders.
fn is_report(content_type: &str) -> bool {
    content_type.starts_with("message/")
        || content_type.starts_with("multipart/")
        || content_type == "text/rfc822-headers"
}

/// Reports have no charset; Japanese systems write theirs in ISO-2022-JP all the same.
fn report_text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if bytes.windows(3).any(|w| w == b"\x1b$B" || w == b"\x1b$@") {
        return encoding_rs::ISO_2022_JP.decode_without_bom_handling(bytes).0;
    }
    String::from_utf8_lossy(bytes)
}
