//! Recognises the line above a quotation: *On 19 November Ada wrote:*.
//!
//! By the words of many languages, and in any language where it names a time or an address right before a quotation. It may
//! be broken over several lines. A sentence of the person's own that ends with a colon is none.

use std::sync::LazyLock;

use super::phrases::{Phrases, lines, normal, words};
use super::reply::is_quote;

/// Longest attribution, in lines.
pub(super) const ATTRIBUTION_LINES: usize = 5;

/// The number of lines of an attribution that begins here.
pub(super) fn attribution(rest: &[&str]) -> Option<usize> {
    let first = rest[0].trim();
    if is_attribution_without_colon(first) {
        return Some(1);
    }
    if first.chars().count() > 300 || !rest.iter().take(ATTRIBUTION_LINES).any(|line| may_end_attribution(line)) {
        return None;
    }
    let any_language = attribution_before_quote(rest);
    if any_language.is_some() {
        return any_language;
    }
    let mut joined = String::new();
    for (index, line) in rest.iter().take(ATTRIBUTION_LINES).enumerate() {
        let line = line.trim();
        if line.is_empty() && index > 0 {
            // An address in angle brackets that was torn off, as copying from a page does.
            let torn =
                rest[index..].iter().map(|l| l.trim()).find(|l| !l.is_empty()).is_some_and(|l| l.starts_with('<'));
            if torn {
                continue;
            }
            return None;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(line.trim_start_matches("> "));
        if is_attribution(&joined, index) {
            return Some(index + 1);
        }
        if index == 0 && !may_begin_attribution(line) {
            return None;
        }
    }
    None
}

/// `On Thu, 19 Nov 2026 09:00:00 +0100 Ada <ada@acme.example> wrote`: with a date, a time and an address before the verb
/// it needs no colon.
fn is_attribution_without_colon(line: &str) -> bool {
    let Some((head, verb)) = line.rsplit_once('>') else { return false };
    if line.len() > 300 || !head.contains('@') || !head.contains('<') || !has_date_and_time(head) {
        return false;
    }
    may_begin_attribution(head) && WROTE.contains(&normal(verb).as_str())
}

/// Where the attribution begins on a line that has a text of the person before it, right above a quotation:
/// `Yes. On Thu, 19 Nov 2026 at 09:00, Ada <ada@acme.example> wrote:`.
pub(super) fn attribution_behind_text(line: &str, next: &str) -> Option<usize> {
    if !line.ends_with(':') || !line.contains('@') || is_quote(line.trim()) || !is_quote(next.trim()) {
        return None;
    }
    DAY_WORDS.iter().filter_map(|word| line.find(word)).find_map(|at| {
        let text = line[..at].trim_end_matches(['-', ' ']).len();
        let has_number = line[at..].bytes().filter(u8::is_ascii_digit).count() >= 4;
        (text > 0 && has_number && attribution(&[line[at..].trim_start(), next]) == Some(1)).then_some(text)
    })
}

/// Words before the day in an attribution.
const DAY_WORDS: [&str; 9] = [" On ", " Am ", " Le ", " El ", " Il ", " Em ", " Op ", " W dniu ", " Den "];

/// In any language: one or two lines that end with a colon and name a time or an address, right before a quotation.
fn attribution_before_quote(rest: &[&str]) -> Option<usize> {
    let length = rest.iter().take(2).position(|line| line.trim().ends_with([':', '：']))? + 1;
    let text = rest[..length].join(" ");
    // The line above may be the person's: the one below then stands for itself.
    let begins = |line: &str| line.bytes().any(|b| b.is_ascii_digit()) && line.contains([',', '<', '(']);
    if length == 2 && (!begins(rest[0]) || attribution(&rest[1..]).is_some()) {
        return None;
    }
    let has_address = text.contains('@') && text.contains(['<', '(']);
    let follows = rest[length..].iter().map(|line| line.trim()).find(|line| !line.is_empty()).is_some_and(is_quote);
    let is_dated = has_date_and_time(&text) || text.bytes().filter(u8::is_ascii_digit).count() >= 8;
    (follows && text.chars().count() <= 300 && is_dated && (has_address || length == 1)).then_some(length)
}

/// Whether a line ends as the last one of an attribution does; most lines of most mail do not.
fn may_end_attribution(line: &str) -> bool {
    let line = line.trim_end();
    line.ends_with([':', '：', '*', '>', '-']) || line.contains("GMT") || line.contains("gmt")
}

/// Words with which attributions begin, in the order of the languages.
static BEGINNINGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    lines(include_str!("words/attribution_beginnings.txt")).iter().map(|b| b.replace('_', " ")).collect()
});

fn may_begin_attribution(line: &str) -> bool {
    let lower = normal(line);
    let lower = lower.trim_start_matches(['*', '-', ' ', '"']);
    lower.starts_with(|c: char| c.is_ascii_digit())
        || BEGINNINGS.iter().any(|b| lower.starts_with(b.as_str()))
        || (lower.contains('@') && lower.contains('<'))
}

/// Verbs of attributions.
static WROTE: Phrases = words!("wrote");

fn is_attribution(joined: &str, index: usize) -> bool {
    let lower = normal(joined);
    let bare = lower.trim_start_matches(['*', '-', ' ']);
    let ends_with_colon = bare.ends_with([':', '：']) || bare.ends_with(":*") || bare.ends_with("wrote ----");
    if index == 0 && is_framed_attribution(&lower) {
        return true;
    }
    // Gmail without words: `2013/7/20 Ada <ada@example.com>`.
    if index < 2 && bare.ends_with('>') && bare.contains('@') && begins_with_date(bare) {
        return true;
    }
    // And without an address: `2013-07-20 17:21 GMT+01:00 Ada`.
    if index == 0 && begins_with_date(bare) && bare.contains(" gmt") && joined.chars().count() <= 80 {
        return true;
    }
    if !ends_with_colon || joined.chars().count() > 500 {
        return false;
    }
    let has_digit = bare.bytes().any(|b| b.is_ascii_digit());
    let tail_start = bare.floor_char_boundary(bare.len().saturating_sub(120));
    let wrote = WROTE.iter().any(|verb| bare.contains(verb));
    let wrote_at_end = WROTE.iter().any(|verb| bare[tail_start..].contains(verb));
    let begins =
        bare.starts_with(|c: char| c.is_ascii_digit()) || BEGINNINGS.iter().any(|b| bare.starts_with(b.as_str()));
    // `Ada wrote:` alone is an attribution when it is short; with a date or an address it may be longer.
    (wrote && begins && (has_digit || bare.contains('@')))
        || (wrote_at_end
            && index == 0
            && bare.split_whitespace().count() <= 8
            && (bare.contains('@') || WROTE.iter().any(|v| bare.trim_end_matches([':', ' ']).ends_with(v))))
        || (wrote && bare.contains('@') && bare.contains('<'))
        || (begins && has_digit && bare.trim_end_matches([':', ' ']).ends_with('>') && bare.contains('@'))
}

/// `---- Ada wrote ----`, `------On 12/29/2025 17:32, Ada wrote-----`.
fn is_framed_attribution(line: &str) -> bool {
    line.starts_with("--")
        && line.ends_with("--")
        && WROTE.iter().any(|verb| line.trim_end_matches(['-', ' ', ':']).ends_with(verb))
}

/// `On ..., Ada <ada@acme.example> wrote:   and the quotation on the same line`.
pub(super) fn is_attribution_with_quotation(line: &str) -> bool {
    if !line.contains('@') || !line.contains('<') || !line.contains(": ") {
        return false;
    }
    let lower = normal(line);
    let Some(colon) = lower.find([':', '：']).and_then(|_| {
        lower.match_indices(": ").map(|(at, _)| at).find(|at| WROTE.iter().any(|verb| lower[..*at].ends_with(verb)))
    }) else {
        return false;
    };
    let head = &lower[..=colon];
    colon <= 200 && head.contains('@') && head.contains('<') && is_attribution(head, 0)
}

/// `2013/7/20 `, `2016-03-03 17:21 `.
fn begins_with_date(text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    first.len() >= 8
        && first.starts_with("20")
        && first.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'-' | b'.'))
        && first.bytes().filter(|b| !b.is_ascii_digit()).count() == 2
}

/// A year and a time on one line.
pub(super) fn has_date_and_time(line: &str) -> bool {
    let bytes = line.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let year = (0..bytes.len()).any(|at| {
        bytes[at..].starts_with(b"20")
            && digit(at + 2)
            && digit(at + 3)
            && !digit(at + 4)
            && (at == 0 || !digit(at - 1))
    });
    let time =
        (1..bytes.len()).any(|at| matches!(bytes[at], b':' | b'.') && digit(at - 1) && digit(at + 1) && digit(at + 2));
    year && time
}
