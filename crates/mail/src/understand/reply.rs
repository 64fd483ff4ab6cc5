//! Folds an answer: what the person wrote now, and the rest (quotations, signature).
//!
//! Works line by line on plain text. Each line gets a role; the visible text is what is left outside
//! quotations and before the signature. When nothing can be told apart, everything stays visible.

use super::attribution::{
    ATTRIBUTION_LINES, attribution, attribution_behind_text, has_date_and_time, is_attribution_with_quotation,
};
use super::boilerplate::{banner, is_disclaimer, is_rule, is_sent_from, rule_ends_letter};
use super::phrases::{Phrases, normal, words};

/// An answer, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folded {
    /// What the person wrote now.
    pub(super) visible: String,
    /// Quotations and signature.
    pub(super) quoted: String,
    /// Whether there is a quotation at all.
    pub(super) quotes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Own,
    Blank,
    Quote,
    /// `On … wrote:`
    Attribution,
    /// Everything from here on is an older message.
    Rest,
    /// `-- ` or `Sent from my phone`, and a disclaimer.
    Signature,
    /// A gateway's notice above the text, and the rule below it.
    Aside,
}

/// More lines than this are not looked at: they stay visible.
const MAX_LINES: usize = 20_000;

/// Folds the text of a message.
pub(super) fn fold(text: &str) -> Folded {
    let lines = split_lines(text);
    let roles = roles(&lines, 0);
    let mut visible: Vec<&str> = Vec::new();
    let mut quoted: Vec<&str> = Vec::new();
    let mut in_signature = false;
    for (line, role) in lines.iter().zip(&roles) {
        match role {
            Role::Signature => in_signature = true,
            Role::Quote | Role::Attribution | Role::Rest => in_signature = false,
            Role::Own | Role::Blank | Role::Aside => {}
        }
        match role {
            Role::Own | Role::Blank if !in_signature => visible.push(line),
            _ => quoted.push(line),
        }
    }
    visible.extend(text.lines().skip(MAX_LINES));
    let quotes = roles.iter().any(|r| matches!(r, Role::Quote | Role::Attribution | Role::Rest));
    Folded { visible: joined(&visible), quoted: joined(&quoted), quotes }
}

/// The lines of a text; one with the person's words and an attribution behind them is two.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text.lines().take(MAX_LINES).peekable();
    while let Some(line) = rest.next() {
        match rest.peek().and_then(|next| attribution_behind_text(line, next)) {
            Some(at) => lines.extend([&line[..at], &line[at..]]),
            None => lines.push(line),
        }
    }
    lines
}

/// Lines as a text: no blanks at the ends of lines, at most one blank line in a row, none at the borders.
fn joined(lines: &[&str]) -> String {
    let mut out = String::new();
    let mut blank = false;
    for line in lines {
        let line = line.trim_end();
        if line.is_empty() {
            blank = true;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if blank { "\n\n" } else { "\n" });
        }
        blank = false;
        out.push_str(line);
    }
    out
}

/// The role of each line, of a text that is the `depth`-th message of a forwarded one.
fn roles(lines: &[&str], depth: usize) -> Vec<Role> {
    let mut roles = Vec::with_capacity(lines.len());
    let (mut has_begun, mut is_divided) = (false, false);
    while roles.len() < lines.len() {
        let at = roles.len();
        let rest = &lines[at..];
        let line = rest[0].trim();
        if line.is_empty() {
            roles.push(Role::Blank);
        } else if let Some(length) = banner(rest).filter(|_| !has_begun) {
            roles.resize(at + length, Role::Aside);
        } else if is_quote(line) {
            roles.push(Role::Quote);
        } else if is_separator(line)
            || (is_rule(line) && header_block_follows(&rest[1..]))
            || is_header_block(rest)
            || is_header_line(line)
        {
            roles.resize(lines.len(), Role::Rest);
        } else if let Some(length) = attribution(rest) {
            let quotes_follow = rest[length..].iter().map(|l| l.trim()).find(|l| !l.is_empty()).is_some_and(is_quote);
            if quotes_follow {
                roles.resize(at + length, Role::Attribution);
            } else {
                roles.resize(lines.len(), Role::Rest);
            }
        } else if is_attribution_with_quotation(line) {
            roles.resize(lines.len(), Role::Rest);
        } else if is_signature_line(line) {
            let ends = !is_rule(line) || rule_ends_letter(&lines[..at], line, &rest[1..], is_divided);
            roles.push(if !has_begun && is_rule(line) {
                Role::Aside
            } else if ends {
                Role::Signature
            } else {
                is_divided = true;
                Role::Own
            });
        } else if is_sent_from(line) || (has_begun && is_disclaimer(line)) {
            roles.push(Role::Signature);
        } else {
            roles.push(Role::Own);
            has_begun = true;
        }
    }
    unsign_text_after_phone_line(lines, &mut roles);
    join_torn_lines(lines, &mut roles);
    keep_quotations_in_the_text(lines, &mut roles);
    keep_something(lines, &mut roles, depth);
    roles
}

/// A quotation the person put into the text, with own words below and no `On … wrote:` above, belongs to the answer.
fn keep_quotations_in_the_text(lines: &[&str], roles: &mut [Role]) {
    let last_own = roles.iter().rposition(|r| *r == Role::Own).unwrap_or(0);
    let mut attributed = false;
    for at in 0..last_own {
        match roles[at] {
            Role::Attribution => attributed = true,
            Role::Own => attributed = false,
            Role::Quote if attribution_inside(&lines[at..lines.len().min(at + ATTRIBUTION_LINES)]) == Some(0) => {
                attributed = true;
            }
            Role::Quote if !attributed => roles[at] = Role::Own,
            _ => {}
        }
    }
}

/// A line that was broken inside a quotation: a piece of a link, or the end of a long line, between two quoted lines.
fn join_torn_lines(lines: &[&str], roles: &mut [Role]) {
    for at in 1..roles.len().saturating_sub(1) {
        let line = lines[at].trim();
        let is_between = roles[at] == Role::Own && roles[at - 1] == Role::Quote && roles[at + 1] == Role::Quote;
        let link = line.trim_matches(['(', ')', '<', '>', ' ']);
        let is_link = || link.len() >= 8 && !link.contains(' ') && link.contains(['/', '=', '%', '_', '&']);
        if is_between && (is_link() || goes_on(lines[at - 1].trim(), line)) {
            roles[at] = Role::Quote;
        }
    }
}

/// Whether a line goes on with the long one before it, in the middle of a sentence.
fn goes_on(before: &str, line: &str) -> bool {
    before.chars().count() >= LONG_LINE
        && before.ends_with(|c: char| c.is_alphanumeric() || c == ',')
        && line.starts_with(char::is_lowercase)
}

/// A line that a mail program may have broken, in characters.
const LONG_LINE: usize = 60;

/// When no line is left: a mail that is only a quotation, or only a forwarded one, is shown whole.
fn keep_something(lines: &[&str], roles: &mut [Role], depth: usize) {
    if roles.contains(&Role::Own) {
        return;
    }
    if roles.iter().all(|r| matches!(r, Role::Quote | Role::Blank)) && attribution_inside(lines).is_none() {
        roles.iter_mut().filter(|r| **r == Role::Quote).for_each(|r| *r = Role::Own);
    } else if let Some(first) = roles.iter().position(|r| *r == Role::Rest) {
        // Skips the separator and the header lines; what follows is all there is.
        let body = lines[first..].iter().position(|l| l.trim().is_empty()).map_or(lines.len(), |blank| first + blank);
        // In a forwarded message older ones stay folded.
        if depth < DEEPEST_FORWARD {
            let inner = self::roles(&lines[body..], depth + 1);
            if inner.contains(&Role::Own) {
                roles[body..].copy_from_slice(&inner);
                return;
            }
        }
        for at in body..lines.len() {
            let line = lines[at].trim();
            roles[at] = if line.is_empty() {
                Role::Blank
            } else if is_quote(line) {
                Role::Quote
            } else {
                Role::Own
            };
        }
    }
}

/// How many messages that are nothing but a forwarded one are looked into.
const DEEPEST_FORWARD: usize = 3;

fn attribution_inside(lines: &[&str]) -> Option<usize> {
    let bare: Vec<&str> = lines.iter().map(|l| l.trim_start_matches(['>', ' '])).collect();
    (0..bare.len()).find(|at| !bare[*at].is_empty() && attribution(&bare[*at..]).is_some())
}

/// A phone's line is one line: below a quotation that follows it, or with nothing above it, the person goes on.
///
/// Otherwise a text below it is an older message that nothing announces, or an advertisement.
fn unsign_text_after_phone_line(lines: &[&str], roles: &mut [Role]) {
    let Some(last_own) = roles.iter().rposition(|r| *r == Role::Own) else { return };
    let first_own = roles.iter().position(|r| *r == Role::Own).unwrap_or(last_own);
    for at in 0..last_own {
        if roles[at] != Role::Signature || !is_sent_from(lines[at].trim()) {
            continue;
        }
        let below = &roles[at..last_own];
        let next = below.iter().position(|r| *r == Role::Own).unwrap_or(below.len());
        let quotes = below[..next].iter().any(|r| matches!(r, Role::Quote | Role::Attribution));
        if at < first_own || quotes || is_postscript(lines[at + next]) {
            roles[at] = Role::Aside;
        }
    }
}

fn is_postscript(line: &str) -> bool {
    let line = normal(line);
    ["ps", "p.s", "pps", "p.p.s"]
        .iter()
        .any(|start| line.strip_prefix(start).is_some_and(|rest| rest.starts_with([':', '.', ' ', ','])))
}

pub(super) fn is_quote(line: &str) -> bool {
    line.starts_with('>') || line == "|" || line.starts_with("| ")
}

/// Longest separator without a rule around it, in bytes.
const LONGEST_SEPARATOR: usize = 90;

/// `-----Original Message-----` and its like.
fn is_separator(line: &str) -> bool {
    if line.len() > LONGEST_SEPARATOR && !line.starts_with(['-', '_', '=', '*', ' ']) {
        return false;
    }
    let lower = normal(line);
    let core = lower.trim_matches(|c: char| matches!(c, '-' | '_' | '=' | ' ' | '*' | ':' | '>' | '<' | '\u{2014}'));
    let line = lower.trim_start_matches(['*', ' ']);
    let framed = ["--", "__", "=="].iter().any(|frame| line.starts_with(frame)) || lower.starts_with("**");
    SEPARATORS.contains(&core) && (framed || BARE_SEPARATORS.contains(&core)) || BARE_SEPARATORS.contains(&core)
}

static SEPARATORS: Phrases = words!("separators");

static BARE_SEPARATORS: Phrases = words!("bare_separators");

/// Names of the first header line of a quoted message.
static FROM_NAMES: Phrases = words!("from_names");
/// Names of the lines that follow it.
static HEADER_NAMES: Phrases = words!("header_names");

fn header_name(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches(['*', '_', '>', ' ', '|']);
    let colon = line.find([':', '：'])?;
    if colon > 40 {
        return None;
    }
    Some(normal(line[..colon].trim_matches(|c: char| matches!(c, '*' | '_' | ' ' | '\u{a0}'))))
}

/// `From:` with at least two more header lines close behind, or such a block in a language that is not known here.
fn is_header_block(rest: &[&str]) -> bool {
    let Some(first) = header_name(rest[0]) else { return false };
    // `Date: …` and `To: …` alone, as some programs leave them.
    let second = rest.get(1).filter(|line| line.contains('@')).and_then(|line| header_name(line));
    if matches!(first.as_str(), "date" | "datum" | "fecha" | "data" | "dato")
        && has_date_and_time(rest[0])
        && second.is_some_and(|name| is_header_name(&name))
    {
        return true;
    }
    let is_known = |name: &String| is_header_name(name);
    if FROM_NAMES.contains(&first.as_str())
        || matches!(first.as_str(), "subject" | "date" | "datum" | "betreff" | "sent" | "objet")
    {
        let known = rest[1..].iter().take(9).filter_map(|line| header_name(line));
        if known.filter(|name| HEADER_NAMES.contains(&name.as_str())).count() >= 2 {
            return true;
        }
    }
    let block: Vec<&str> = rest.iter().copied().take(8).take_while(|line| header_name(line).is_some()).collect();
    let names: Vec<String> = block.iter().filter_map(|line| header_name(line)).collect();
    let has_address = block.iter().take(3).any(|line| line.contains('@'));
    let all_known = names.len() >= 3 && names.iter().all(is_known);
    let short = names.iter().all(|name| name.chars().count() <= 20 && name.split(' ').count() <= 3);
    let is_dated = block.iter().any(|line| has_date_and_time(line));
    has_address && (all_known || (names.len() >= 4 && short && is_dated))
}

/// `Date: … From: … To: … Subject: …`: a whole block on one line.
fn is_header_line(line: &str) -> bool {
    if line.len() > LONGEST_HEADER_LINE || line.matches([':', '：']).count() < 3 {
        return false;
    }
    let lower = normal(line.trim_start_matches(['*', '_', ' ']));
    let pieces: Vec<&str> = lower.split([':', '：']).collect();
    let name_at_end = |piece: &&str| {
        let words: Vec<&str> = piece.trim().trim_matches('*').split(' ').collect();
        (1..=words.len().min(2)).map(|n| words[words.len() - n..].join(" ")).find(|name| is_header_name(name))
    };
    let mut names: Vec<String> = pieces[..pieces.len() - 1].iter().filter_map(name_at_end).collect();
    names.sort_unstable();
    names.dedup();
    let has_from = names.iter().any(|name| FROM_NAMES.contains(&name.as_str()));
    is_header_name(pieces[0].trim()) && names.len() >= 3 && has_from && (line.contains('@') || has_date_and_time(line))
}

/// Longest block on one line, in bytes.
const LONGEST_HEADER_LINE: usize = 600;

fn is_header_name(name: &str) -> bool {
    HEADER_NAMES.contains(&name) || FROM_NAMES.contains(&name)
}

fn header_block_follows(rest: &[&str]) -> bool {
    rest.iter().position(|line| !line.trim().is_empty()).is_some_and(|at| at < 4 && is_header_block(&rest[at..]))
}

fn is_signature_line(line: &str) -> bool {
    matches!(line, "--" | "-- " | "—" | "––" | "__" | "- --" | "-—" | "\u{1427}")
        || (is_rule(line) && !line.starts_with('#'))
}
