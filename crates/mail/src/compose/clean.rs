//! Leaves of an HTML body what mail programs show alike, and nothing that runs, loads by itself or points elsewhere.
//!
//! Kept: words and their emphasis, links (http, https, mailto, tel), lists, quotations, headings, tables, pictures by
//! https, and of inline styles the properties that the large mail programs support (caniemail.com). Classes, ids, forms,
//! frames, scripts and style sheets go; the words inside stay, those of scripts and style sheets do not.

use ammonia::{Builder, UrlRelative};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// Begins a sign that stands for something else until it is put back; a link may consist of one.
pub const SIGN: char = '\u{E000}';

const ELEMENTS: [&str; 38] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
    "caption",
    "center",
    "del",
    "ins",
];

const STYLES: [&str; 31] = [
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-left",
    "border-right",
    "border-spacing",
    "border-top",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "vertical-align",
    "white-space",
    "width",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let measured = ["align", "valign", "width", "height", "bgcolor"];
    let mut attributes: HashMap<&str, HashSet<&str>> = HashMap::from([
        ("a", HashSet::from(["href", "title"])),
        ("img", HashSet::from(["src", "alt", "width", "height", "title"])),
        ("ol", HashSet::from(["start", "type"])),
        ("table", HashSet::from(["align", "width", "border", "cellpadding", "cellspacing", "bgcolor", "role"])),
    ]);
    for cell in ["td", "th", "tr"] {
        let spans = ["colspan", "rowspan"].into_iter().filter(|_| cell != "tr");
        attributes.insert(cell, measured.into_iter().chain(spans).collect());
    }
    let mut cleaner = Builder::default();
    cleaner
        .tags(HashSet::from(ELEMENTS))
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["style", "dir", "lang"]))
        .filter_style_properties(HashSet::from(STYLES))
        .allowed_classes(HashMap::new())
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::Custom(Box::new(relative)))
        .attribute_filter(attribute)
        .link_rel(None);
    cleaner
});

/// A link without a scheme leads nowhere from an email, unless a sign stands in it.
fn relative(url: &str) -> Option<Cow<'_, str>> {
    url.starts_with(SIGN).then_some(Cow::Borrowed(url))
}

fn attribute<'v>(element: &str, name: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let lower = value.trim_start().get(..8).map(str::to_ascii_lowercase);
    match (element, name) {
        ("img", "src") => (lower.as_deref() == Some("https://")).then_some(Cow::Borrowed(value)),
        (_, "style") if value.contains(['(', '\\', '@', '<']) || value.trim().is_empty() => {
            let kept: Vec<&str> = value
                .split(';')
                .map(str::trim)
                .filter(|one| !one.is_empty() && !one.contains(['\\', '@', '<', '(']))
                .collect();
            (!kept.is_empty()).then(|| Cow::Owned(kept.join(";")))
        }
        _ => Some(Cow::Borrowed(value)),
    }
}

/// The HTML without what does not belong into an email; cleaning twice changes nothing more.
pub fn clean(html: &str) -> String {
    CLEANER.clean(html).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_loads_or_points_elsewhere_is_taken_out() {
        for (given, left) in [
            ("<p onclick=\"x()\">Hi<script>x()</script><style>p{}</style></p>", "<p>Hi</p>"),
            ("<a href=\"javascript:x()\">a</a>", "<a>a</a>"),
            ("<a href=\" java\tscript:x()\">a</a>", "<a>a</a>"),
            ("<a href=\"/local\">a</a>", "<a>a</a>"),
            ("<a href=\"data:text/html,x\">a</a>", "<a>a</a>"),
            ("<img src=\"http://x.example/a.png\" alt=\"A\">", "<img alt=\"A\">"),
            ("<img src=\"data:image/png;base64,AA\" onerror=\"x()\">", "<img>"),
            ("<iframe src=\"https://x.example\"></iframe><form><input name=\"a\"></form>", ""),
            (
                "<p style=\"background-image:url(https://x.example/a.gif);color:red\">a</p>",
                "<p style=\"color:red\">a</p>",
            ),
            ("<p class=\"MsoNormal\" id=\"x\">a<o:p></o:p></p><!-- note -->", "<p>a</p>"),
            ("<svg onload=\"x()\"><p>a</p></svg><math><mtext></mtext></math>", "<p>a</p>"),
        ] {
            assert_eq!(clean(given), left, "{given}");
        }
    }

    #[test]
    fn what_mail_programs_show_alike_stays_as_it_is() {
        for kept in [
            "<p>Hi <b>there</b>, <i>see</i> <a href=\"https://example.com/?a=1&amp;b=2\">this</a></p>\n<p><br></p>",
            "<ul><li>one</li><li>two<ol><li>a</li></ol></li></ul><blockquote><p>earlier</p></blockquote>",
            "<a href=\"mailto:a@example.com\">mail</a> <a href=\"tel:+4912\">call</a>",
            "<img src=\"https://example.com/a.png\" alt=\"Logo\">",
            "<p style=\"color:#6a6861;font-size:12px\">small</p>",
            "<table><tbody><tr><td align=\"left\">a</td></tr></tbody></table>",
        ] {
            assert_eq!(clean(kept), kept);
            assert_eq!(clean(&clean(kept)), clean(kept));
        }
    }

    #[test]
    fn a_sign_stays_in_words_and_in_links() {
        let html = "<p>\u{E000}0\u{E001}</p><a href=\"\u{E000}1\u{E001}\">x</a>";
        assert_eq!(clean(html), html);
    }
}
