//! The text version of an HTML body, as someone writing plain mail would have put it.
//!
//! Links stand in parentheses behind their words; layout tables lose their borders. HTML that can't be
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
    let mut blank = 0;
    for line in rendered.lines() {
        let line = line.trim_end();
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank > 1 {
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text.trim_matches('\n').to_owned() + "\n"
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
            "Dear Ada,\n\nsee our page (https://example.com/a?b=1) & tell me.\n- one\n- two\n\n> earlier\n\nJo\nExample Ltd\n"
        );
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
