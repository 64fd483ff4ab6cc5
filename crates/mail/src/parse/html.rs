//! HTML of mail as readable text: lines, list marks, and `> ` before quotations.
//!
//! A tokenizer, not a browser: it follows the order of the text and forgives everything. Nothing is
//! sanitised here, for the result is plain text; it cannot fail and takes time linear in the input.

use mail_parser::decoders::html::add_html_token;

use super::{MAX_TEXT_BYTES, clean_text, shorten};

/// Tags that begin a new line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];
/// Tags whose content is not text.
const HIDDEN: &[&str] = &["head", "style", "script", "title", "template", "noscript"];

struct Text {
    out: String,
    quotes: usize,
    blank_wanted: bool,
    space_wanted: bool,
}

/// The readable text of an HTML part.
pub fn html_to_text(html: &str) -> String {
    let mut text =
        Text { out: String::with_capacity(html.len() / 2), quotes: 0, blank_wanted: false, space_wanted: false };
    let mut hidden: Option<String> = None;
    let mut preformatted = 0_usize;
    let mut rest = html;
    // Marks before quoted lines can make the text longer than its source.
    while !rest.is_empty() && text.out.len() < MAX_TEXT_BYTES {
        let Some(open) = rest.find('<') else {
            if hidden.is_none() {
                text.add(rest, preformatted > 0);
            }
            break;
        };
        if hidden.is_none() {
            text.add(&rest[..open], preformatted > 0);
        }
        rest = &rest[open..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            if hidden.is_none() {
                text.add("<", preformatted > 0);
            }
            rest = &rest[1..];
            continue;
        }
        let end = tag_end(rest);
        let (name, closing) = tag_name(&rest[..end]);
        rest = rest.get(end..).unwrap_or_default();
        match &hidden {
            Some(tag) if closing && *tag == name => hidden = None,
            Some(_) => {}
            None if !closing && HIDDEN.contains(&name.as_str()) => hidden = Some(name),
            None => {
                if name == "pre" {
                    preformatted = if closing { preformatted.saturating_sub(1) } else { preformatted + 1 };
                }
                text.tag(&name, closing);
            }
        }
    }
    clean_text(shorten(text.out.trim_end(), MAX_TEXT_BYTES))
}

/// Where the tag ends, respecting quoted attribute values; an endless tag ends with the text.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate().take(64 * 1024) {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') if tag.as_bytes().get(at.wrapping_sub(1)) == Some(&b'=') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    tag.find('>').map_or(tag.len(), |at| at + 1)
}

fn tag_name(tag: &str) -> (String, bool) {
    let inner = tag.trim_start_matches('<');
    let closing = inner.starts_with('/');
    let name =
        inner.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).take(16).collect::<String>();
    (name.to_ascii_lowercase(), closing)
}

impl Text {
    fn add(&mut self, raw: &str, preformatted: bool) {
        if raw.is_empty() {
            return;
        }
        let decoded = decode_entities(raw);
        if preformatted {
            for (number, line) in decoded.split('\n').enumerate() {
                if number > 0 {
                    self.new_line();
                }
                self.put(line);
            }
            return;
        }
        for (number, word) in decoded.split(|c: char| c.is_ascii_whitespace()).enumerate() {
            self.space_wanted |= number > 0;
            if !word.is_empty() {
                self.put(word);
            }
        }
    }

    fn put(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        let at_start = self.out.is_empty() || self.out.ends_with('\n');
        if at_start {
            if self.blank_wanted && !self.out.is_empty() {
                self.mark();
                self.out.push('\n');
            }
            self.mark();
        } else if self.space_wanted {
            self.out.push(' ');
        }
        self.blank_wanted = false;
        self.space_wanted = false;
        self.out.push_str(word);
    }

    fn mark(&mut self) {
        for _ in 0..self.quotes.min(50) {
            self.out.push_str("> ");
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.space_wanted = false;
    }

    fn end_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.new_line();
        }
        self.space_wanted = false;
    }

    fn tag(&mut self, name: &str, closing: bool) {
        match name {
            "br" => {
                if self.out.ends_with('\n') && self.quotes > 0 {
                    self.mark();
                }
                self.new_line();
            }
            "hr" => {
                self.end_line();
                self.put("________________________________");
                self.end_line();
            }
            "td" | "th" => self.space_wanted = true,
            "blockquote" => {
                self.end_line();
                self.quotes = if closing { self.quotes.saturating_sub(1) } else { self.quotes + 1 };
            }
            "li" if !closing => {
                self.end_line();
                self.put("-");
                self.space_wanted = true;
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" => {
                self.end_line();
                self.blank_wanted = true;
            }
            _ if BLOCKS.contains(&name) => self.end_line(),
            _ => {}
        }
    }
}

fn decode_entities(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.bytes().take(12).position(|b| b == b';') {
            Some(end) => {
                add_html_token(&mut out, &rest.as_bytes()[..=end], false);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out.replace('\u{a0}', " ")
}
