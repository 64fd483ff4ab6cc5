//! Decides between hard and soft by the words of the server and, after them, by its status code.
//!
//! Words come first because codes lie: many servers say `5.1.1` for a full mailbox and `5.0.0` for
//! everything. Hard means that the address or its domain does not exist or takes no mail at all.

use std::sync::LazyLock;

use relance_domain::inbound::{Evidence, Hardness, Rule};

use super::phrases::{List, Phrases, first_inside, lines, normal, words};
use super::stage::{Stage, stage_of};

/// Unmistakable: these win over everything but a refusal after the whole message was seen.
static HARD_FIRST: Phrases = words!("hard_first");

/// Also hard, unless something soft stands beside it.
static HARD: Phrases = words!("hard");

/// Said about the sender or a list, whatever else is said.
static SOFT_FIRST: Phrases = words!("soft_first");

/// The email did not arrive although the address may be good.
static SOFT_PHRASES: Phrases = words!("soft");

/// Words that count only in what the server itself said, for notices use them in passing.
static SOFT_WORDS: Phrases = words!("soft_words");

/// An enhanced status code.
struct StatusCode {
    hardness: Hardness,
    code: &'static str,
    meaning: &'static str,
}

/// What the codes say, for reports whose words decide nothing.
static STATUS_CODES: LazyLock<Vec<StatusCode>> = LazyLock::new(|| {
    let read = |line: &'static str| {
        let (hardness, rest) = line.split_once(" | ")?;
        let (code, meaning) = rest.split_once(" | ")?;
        let hardness = if hardness == "hard" { Hardness::Hard } else { Hardness::Soft };
        Some(StatusCode { hardness, code, meaning })
    };
    lines(include_str!("words/status_codes.txt")).into_iter().filter_map(read).collect()
});

/// Hard or soft; never a delay or a delivery, for those are told by other signs.
///
/// `diagnostic` is the machine-readable part's, `notice` the words around it.
pub(super) fn hardness(
    status: Option<&str>,
    diagnostic: Option<&str>,
    notice: &str,
    evidence: &mut Vec<Evidence>,
) -> Hardness {
    let whole = without_links(&normal(notice));
    let block = telling_line(notice);
    let server_said = || diagnostic.into_iter().chain(block.as_deref()).map(|text| without_links(&normal(text)));
    let stage = stage_of(&format!("{} {whole}", normal(diagnostic.unwrap_or_default())));
    let linked = normal(notice);
    if let Some(phrase) = server_said().chain(std::iter::once(linked)).find_map(|text| first_inside(&text, &SOFT_FIRST))
    {
        return decided(Hardness::Soft, phrase, evidence);
    }
    let lists: [(&List, Hardness); 4] = [
        (&HARD_FIRST, Hardness::Hard),
        (&SOFT_PHRASES, Hardness::Soft),
        (&SOFT_WORDS, Hardness::Soft),
        (&HARD, Hardness::Hard),
    ];
    for text in server_said() {
        for (list, hardness) in lists {
            let Some(phrase) = first_inside(&text, list) else { continue };
            let about_mailbox = status_in(&text).or_else(|| status.map(str::to_owned));
            let code = about_mailbox.as_deref().unwrap_or_default();
            if hardness == Hardness::Hard && is_about_something_else(phrase, code, stage) {
                return decided(Hardness::Soft, phrase, evidence);
            }
            return decided(hardness, phrase, evidence);
        }
    }
    for (list, hardness) in [lists[0], lists[1], lists[3]] {
        if let Some(phrase) = first_inside(&whole, list) {
            return decided(hardness, phrase, evidence);
        }
    }
    let Some(code) = status.map(str::to_owned).or_else(|| status_in(notice)) else { return Hardness::Soft };
    let known = STATUS_CODES.iter().find(|known| known.code == code);
    evidence.push(Evidence::new(Rule::StatusCode, known.map_or(code.clone(), |k| format!("{code}, {}", k.meaning))));
    known.map_or(Hardness::Soft, |known| known.hardness)
}

fn decided(hardness: Hardness, phrase: &str, evidence: &mut Vec<Evidence>) -> Hardness {
    evidence.push(Evidence::new(Rule::DiagnosticText, phrase));
    hardness
}

/// Whether words that say that the recipient is unknown mean something else here.
///
/// By the stage: at MAIL they are about the sender; after DATA the server is filtering, unless its code says
/// otherwise. By the code (RFC 3463): X.1.7 and X.1.8 are about the sender's address, X.2 about a mailbox that exists,
/// X.3 and X.7 about systems and policy; a server that means the recipient says so at RCPT.
fn is_about_something_else(phrase: &str, code: &str, stage: Stage) -> bool {
    if matches!(code, "5.1.7" | "5.1.8" | "4.1.7" | "4.1.8") {
        return true;
    }
    let unknown = phrase.contains("unknown") || phrase.contains("no such user");
    let recipient =
        ["unknown", "no such", "not exist", "doesn't exist", "not found"].iter().any(|w| phrase.contains(w));
    let about_address = code.starts_with("5.1.");
    match stage {
        Stage::Mail => recipient,
        Stage::Data => unknown && !about_address,
        Stage::Unknown => recipient && ["5.2.", "5.3.", "5.7."].iter().any(|subject| code.starts_with(subject)),
        Stage::Rcpt => false,
    }
}

/// Links shortened to their hosts: what stands behind names reasons in passing.
fn without_links(text: &str) -> String {
    let host = |word| -> &str {
        match str::split_once(word, "://") {
            Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
            None => word,
        }
    };
    text.split(' ').map(host).collect::<Vec<_>>().join(" ")
}

/// The first enhanced status code in a text: `5.1.1`.
pub(super) fn status_in(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        if !matches!(bytes[at], b'2' | b'4' | b'5')
            || (at > 0 && (bytes[at - 1].is_ascii_digit() || bytes[at - 1] == b'.'))
        {
            continue;
        }
        let Some(rest) = text.get(at + 1..).and_then(|r| r.strip_prefix('.')) else { continue };
        let subject: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let Some(rest) = rest[subject.len()..].strip_prefix('.') else { continue };
        let detail: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let after = rest[detail.len()..].chars().next();
        let after_that = rest[detail.len()..].chars().nth(1);
        let continues = after == Some('.') && after_that.is_some_and(|c| c.is_ascii_digit());
        if (1..=1).contains(&subject.len()) && (1..=3).contains(&detail.len()) && !continues {
            return Some(format!("{}.{subject}.{detail}", char::from(bytes[at])));
        }
    }
    None
}

/// `550 5.1.1`, `550-5.1.1`, `#5.1.1`, or `550 <words>`.
pub(super) fn has_smtp_reply(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let word = word.trim_start_matches(['(', '[', '#', ':', '"']);
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        digits == 3 && matches!(word.as_bytes()[0], b'4' | b'5') && matches!(word.as_bytes()[1], b'0'..=b'7')
            || status_in(word).is_some_and(|s| s.starts_with(['4', '5']))
    })
}

/// The lines of a notice that tell most: from the first with a code, else the first with the words of a reason, to the
/// end of its paragraph.
pub(super) fn telling_line(notice: &str) -> Option<String> {
    let lines: Vec<&str> = notice.lines().map(str::trim).collect();
    let has_words = |line: &str| {
        let text = normal(line);
        [&HARD_FIRST, &SOFT_PHRASES, &HARD].into_iter().any(|list| first_inside(&text, list).is_some())
    };
    let start =
        lines.iter().position(|line| has_smtp_reply(line)).or_else(|| lines.iter().position(|line| has_words(line)))?;
    // A program often names the reason right before the line with the code.
    let start = if start > 0 && has_words(lines[start - 1]) { start - 1 } else { start };
    let paragraph: Vec<&str> = lines[start..].iter().copied().take_while(|line| !line.is_empty()).take(4).collect();
    Some(paragraph.join(" "))
}
