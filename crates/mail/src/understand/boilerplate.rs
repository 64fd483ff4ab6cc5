//! Tells what machines and habits put around a letter: notices above mail from outside, disclaimers, rules, phone lines.
//!
//! Line by line, by words of many languages. What is not known stays the person's. Quotations are told in
//! [`super::attribution`] and [`super::reply`].

use super::phrases::{Phrases, normal, words};
use super::reply::is_quote;

/// How many lines below a rule are looked at.
const LOOKED_AT: usize = 60;

/// The number of lines of a notice that a gateway put above a mail from outside.
pub(super) fn banner(rest: &[&str]) -> Option<usize> {
    let first = normal(rest[0]);
    let bare = first.trim_start_matches(|c: char| !c.is_alphanumeric());
    if !BANNERS.iter().any(|beginning| bare.starts_with(beginning)) {
        return None;
    }
    // Without a blank line behind it only its first line is surely not the person's.
    let length = rest.iter().take(8).position(|line| line.trim().is_empty()).unwrap_or(1);
    rest[length..].iter().any(|line| !line.trim().is_empty()).then_some(length)
}

static BANNERS: Phrases = words!("banners");

/// Whether a line begins what a company or a virus scanner puts under every mail.
pub(super) fn is_disclaimer(line: &str) -> bool {
    let lower = normal(line);
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric());
    DISCLAIMERS.contains(&bare) || DISCLAIMER_BEGINNINGS.iter().any(|beginning| bare.starts_with(beginning))
}

static DISCLAIMERS: Phrases = words!("disclaimers");
static DISCLAIMER_BEGINNINGS: Phrases = words!("disclaimer_beginnings");

/// A line of dashes, underscores or the like.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim_matches(|c: char| c == ' ' || c == '*');
    line.chars().count() >= 3
        && line.chars().all(|c| matches!(c, '-' | '_' | '=' | '\u{2500}' | '\u{2014}' | '~' | '#' | '+' | '*'))
}

/// Whether a rule ends the letter. One that divides it into parts stands above sentences, with another rule above
/// (`is_divided`) or below it, or with the close of the letter further down.
pub(super) fn rule_ends_letter(above: &[&str], rule: &str, below: &[&str], is_divided: bool) -> bool {
    if above.last().is_some_and(|line| line.trim_start().starts_with('#')) {
        return false;
    }
    let written = || above.iter().rev().filter(|line| !line.trim().is_empty());
    if rule.contains('_') || written().take(4).any(|line| is_closing(line)) {
        return true;
    }
    let below = &below[..below.iter().take(LOOKED_AT).position(|line| is_quote(line.trim())).unwrap_or(below.len())];
    let below = &below[..below.len().min(LOOKED_AT)];
    let part = below.iter().position(|line| is_rule(line.trim())).unwrap_or(below.len());
    let goes_on = below[part..].iter().skip(1).any(|line| !line.trim().is_empty());
    let is_text = below[..part].iter().any(|line| is_sentence(line) || is_list_item(line));
    let closes = below.iter().any(|line| is_closing(line));
    !is_text || !(goes_on || closes || is_divided) || below.iter().any(|line| is_disclaimer(line))
}

/// A line that closes a letter: *Kind regards*.
fn is_closing(line: &str) -> bool {
    let lower = normal(line);
    CLOSINGS.contains(&lower.trim_matches(|c: char| !c.is_alphanumeric()))
}

static CLOSINGS: Phrases = words!("closings");

fn is_sentence(line: &str) -> bool {
    let line = line.trim();
    line.ends_with(['.', '!', '?', '。', '！', '？'])
        && (line.split(' ').filter(|word| !word.is_empty()).count() >= 5 || line.ends_with(['。', '！', '？']))
        && !line.contains(['@', '|'])
        && !line.contains("://")
}

fn is_list_item(line: &str) -> bool {
    let line = line.trim();
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = rest.len() < line.len() && (rest.starts_with(". ") || rest.starts_with(") "));
    is_numbered || line.starts_with("- ") || line.starts_with("* ") || line.starts_with("• ")
}

/// Longest line of a phone, in characters.
const LONGEST_PHONE_LINE: usize = 120;

/// What phones and mail programs put under an answer.
pub(super) fn is_sent_from(line: &str) -> bool {
    let lower = normal(line);
    let lower = lower.replace('[', "");
    let lower = lower.trim_start_matches(['(', '<', '*', '_', ' ']);
    if lower.chars().count() > LONGEST_PHONE_LINE && !lower.contains("://") {
        return false;
    }
    // *Sent from my desk, this is much easier*: a sentence.
    let clause = lower.split(['.', '!', '-']).next().unwrap_or_default();
    if [" is ", " was ", " are ", " were "].iter().any(|verb| clause.contains(verb)) {
        return false;
    }
    SENT_FROM.iter().any(|start| lower.starts_with(start))
        || is_sent_from_some_program(lower)
        || SENT_FROM_ENDS
            .iter()
            .any(|(start, end)| lower.starts_with(start) && lower.trim_end_matches(['.', '*', ' ']).ends_with(end))
}

static SENT_FROM: Phrases = words!("sent_from");

/// `Sent from Canary`, `Sent from TypeApp<https://…>`: a name and nothing more, or a name with a link.
fn is_sent_from_some_program(lower: &str) -> bool {
    let Some(name) = lower.strip_prefix("sent from ") else { return false };
    name.contains("<http") || (name.split(' ').count() <= 3 && !name.ends_with(['.', '?', '!', ':']))
}

const SENT_FROM_ENDS: &[(&str, &str)] = &[
    ("diese nachricht wurde von meinem", "gesendet"),
    ("von mein", "gesendet"),
    ("sent on", "device"),
    ("this email was sent from my", ""),
    ("envoyé", "mobile"),
    ("", "iphone'umdan gönderildi"),
    ("", "'den gönderildi"),
    ("", "'dan gönderildi"),
    ("", "에서 보냄"),
    ("", "에서 전송"),
    ("", "から送信"),
    ("", " beziehen"),
];
