//! HTML with merge tags: cleaned when it is saved, and with the missing values marked when it is shown.
//!
//! Tags stand as signs while the HTML is cleaned, so that no parser takes `{{ a | default("<b>") }}` apart.

use relance_domain::merge::replace_tags;
use relance_mail::compose::{SIGN, clean};

const END: char = '\u{E001}';
const MARK: char = '\u{E002}';
const MARK_END: char = '\u{E003}';

fn is_sign(c: char) -> bool {
    ('\u{E000}'..='\u{E003}').contains(&c)
}

/// What may stand in an email, with the merge tags as they were written.
pub(crate) fn clean_source(html: &str) -> String {
    if html.trim().is_empty() {
        return String::new();
    }
    let mut tags: Vec<String> = Vec::new();
    let hidden = replace_tags(&html.replace(is_sign, ""), |tag| {
        tags.push(tag.to_owned());
        format!("{SIGN}{}{END}", tags.len() - 1)
    });
    put_back(&clean(&hidden), &tags)
}

fn put_back(html: &str, tags: &[String]) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(SIGN) {
        let Some((number, after)) = after.split_once(END) else { break };
        out.push_str(before);
        out.push_str(number.parse::<usize>().ok().and_then(|number| tags.get(number)).map_or("", String::as_str));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Words that stand in for a missing value until [`shown`] marks them.
pub(crate) fn missing(words: &str) -> String {
    format!("{MARK}{words}{MARK_END}")
}

/// Rendered HTML with its missing values marked; within a tag, as in a link, their words stand plainly.
pub(crate) fn shown(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            MARK if !in_tag => out.push_str("<mark class=\"missing\">"),
            MARK_END if !in_tag => out.push_str("</mark>"),
            MARK | MARK_END => {}
            c => {
                in_tag = if in_tag { c != '>' } else { c == '<' };
                out.push(c);
            }
        }
    }
    out
}

/// A text made from such HTML: the words of a missing value stand in brackets.
pub(crate) fn shown_in_text(text: &str) -> String {
    text.replace(MARK, "[").replace(MARK_END, "]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_stay_as_they_were_written_and_the_rest_is_cleaned() {
        for (given, saved) in [
            (
                "<p>Hi {{ person.first_name | default(\"<b>there</b>\") }}</p><script>x()</script>",
                "<p>Hi {{ person.first_name | default(\"<b>there</b>\") }}</p>",
            ),
            (
                "<a href=\"{{ person.website | default('https://x.example') }}\" onclick=\"x()\">a</a>",
                "<a href=\"{{ person.website | default('https://x.example') }}\">a</a>",
            ),
            (
                "{% if person.custom.size > 5 %}\n<p>Big & small</p>\n{% endif %}",
                "{% if person.custom.size > 5 %}\n<p>Big &amp; small</p>\n{% endif %}",
            ),
            ("<p>A { brace and {{ an open one", "<p>A { brace and {{ an open one</p>"),
        ] {
            assert_eq!(clean_source(given), saved);
            assert_eq!(clean_source(saved), saved);
        }
    }

    #[test]
    fn a_missing_value_is_marked_in_words_and_plain_in_a_link() {
        let html = format!("<a href=\"https://x.example/{}\">{}</a>", missing("city"), missing("city"));
        assert_eq!(shown(&html), "<a href=\"https://x.example/city\"><mark class=\"missing\">city</mark></a>");
    }
}
