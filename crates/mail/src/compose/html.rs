//! The text version of an HTML body, as someone writing plain mail would have put it.
//!
//! Links stand in parentheses behind their words, unless these say the same; a list stands apart from what is before it;
//! layout tables lose their borders. HTML that can't be
//! read loses its tags and nothing else.

use html2text::render::{TaggedLine, TextDecorator};

/// Wide enough that paragraphs stay on one line and mail programs wrap them.
const WIDTH: usize = 4_000;

/// The text of an HTML body.
pub fn text_from_html(html: &str) -> String {
    let rendered = html2text::config::with_decorator(LetterStyle { link: None })
        .no_table_borders()
        .no_link_wrapping()
        .max_wrap_width(WIDTH)
        .string_from_read(html.as_bytes(), WIDTH);
    let Ok(rendered) = rendered else {
        return ammonia::Builder::empty().clean(html).to_string();
    };
    let mut text = String::with_capacity(rendered.len());
    let (mut blank, mut after_words) = (0, false);
    for line in rendered.lines() {
        let line = said_once(line.trim_end());
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank > 1 {
            continue;
        }
        let is_item = is_item(&line);
        if is_item && after_words {
            text.push('\n');
        }
        after_words = !(line.is_empty() || is_item || line.starts_with(' '));
        text.push_str(&line);
        text.push('\n');
    }
    text.trim_matches('\n').to_owned() + "\n"
}

/// A line that begins an item of a list: `- ` or `2. `.
fn is_item(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    line.starts_with("- ") || (digits > 0 && line[digits..].starts_with(". "))
}

/// The line without links that only repeat the words before them.
fn said_once(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(" (") {
        out.push_str(before);
        match after.split_once(')') {
            Some((link, after)) if is_said(&out, link) => rest = after,
            _ => {
                out.push_str(" (");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The words end with this link, with or without its scheme.
fn is_said(words: &str, link: &str) -> bool {
    let bare = link.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let is_link = link.starts_with("http") || link.contains('@');
    is_link && !bare.is_empty() && words.trim_end_matches('/').ends_with(bare)
}

/// How a letter shows what HTML marks up: links as `words (link)`, the rest as plain words.
#[derive(Debug, Clone)]
struct LetterStyle {
    link: Option<String>,
}

impl TextDecorator for LetterStyle {
    type Annotation = ();

    fn decorate_link_start(&mut self, url: &str) -> (String, ()) {
        self.link = Some(url.to_owned());
        (String::new(), ())
    }

    fn decorate_link_end(&mut self) -> String {
        match self.link.take() {
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => format!(" ({url})"),
            Some(url) if url.starts_with("mailto:") => {
                format!(" ({})", url["mailto:".len()..].split('?').next().unwrap_or_default())
            }
            _ => String::new(),
        }
    }

    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn decorate_image(&mut self, _src: &str, title: &str) -> (String, ()) {
        (title.to_owned(), ())
    }

    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }

    fn quote_prefix(&self) -> String {
        "> ".into()
    }

    fn unordered_item_prefix(&self) -> String {
        "- ".into()
    }

    fn ordered_item_prefix(&self, i: i64) -> String {
        format!("{i}. ")
    }

    fn make_subblock_decorator(&self) -> Self {
        LetterStyle { link: None }
    }

    fn finalise(&mut self, _urls: Vec<String>) -> Vec<TaggedLine<()>> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_reads_like_a_letter() {
        let html = "<p>Dear <b>Ada</b>,</p><p>see <a href=\"https://example.com/a?b=1\">our page</a> &amp; tell me.</p>\
            <ul><li>one<li>two</ul><blockquote>earlier</blockquote><p>Jo<br>Example Ltd</p>";
        assert_eq!(
            text_from_html(html),
            "Dear Ada,\n\nsee our page (https://example.com/a?b=1) & tell me.\n\n- one\n- two\n\n> earlier\n\nJo\nExample Ltd\n"
        );
    }

    #[test]
    fn what_the_editor_makes_reads_well_without_its_marks() {
        let html = "<p>See <a href=\"https://example.com/\">https://example.com</a>, <a href=\"https://example.com/a\">example.com/a</a>,\
            <a href=\"mailto:ada@example.com\">Ada</a> or <a href=\"mailto:ada@example.com\">ada@example.com</a>.</p>\
            <ol><li>first</li><li><b>second</b><ul><li>inner</li></ul></li></ol><p>End</p>\
            <blockquote><p>one</p><p>two</p></blockquote><p><img src=\"https://example.com/l.png\" alt=\"Our logo\"></p>";
        let text = text_from_html(html);
        for part in [
            "See https://example.com, example.com/a,Ada (ada@example.com) or ada@example.com.\n\n1. first\n2. second",
            "- inner",
            "\n\nEnd\n\n> one\n",
            "> two",
            "Our logo",
        ] {
            assert!(text.contains(part), "{part:?} in {text:?}");
        }
    }

    #[test]
    fn long_paragraphs_stay_whole_and_nothing_breaks_it() {
        let long = "word ".repeat(300);
        assert_eq!(text_from_html(&format!("<p>{long}</p>")).trim(), long.trim());
        assert_eq!(text_from_html("").trim(), "");
        assert_eq!(text_from_html("<p>un<closed <b>x").trim().lines().count(), 1);
        assert!(text_from_html(&"<div>".repeat(300)).len() < 10);
        assert_eq!(
            text_from_html("<table><tr><td>a</td><td>b</td></tr></table>").split_whitespace().collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
