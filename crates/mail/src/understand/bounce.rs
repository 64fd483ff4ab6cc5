//! Recognises delivery reports, in the standard form and in the many home-made ones.
//!
//! A standard report (RFC 3464) or one of the headers only failure notices carry is proof. Without them it
//! takes two independent signs: a mail system as sender, no return path, the subject or the words of a failure
//! notice. What the failure means is judged in [`super::reason`].

use relance_domain::inbound::{Bounce, Evidence, Hardness, Rule};

use super::failures::{failures, hardness_of_all, with_others};
use super::notice::notice_text;
use super::phrases::{Phrases, first_phrase, normal, words};
use super::reason;
use super::report::{Group, address_in, address_of, groups, original_headers, original_message_id};
use crate::parse::{Message, shorten};

/// How much of the text is searched for the words of a failure notice.
pub(super) const SEARCHED_BYTES: usize = 8_000;
/// Most recipients of a report that are looked at.
pub(super) const MAX_RECIPIENTS: usize = 50;
/// Longest diagnostic kept.
const DIAGNOSTIC_BYTES: usize = 1_000;

/// The delivery report, when the message is one.
pub(super) fn bounce(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Bounce> {
    let report = machine_report(message);
    let outer = outer_signs(message, report.as_deref(), evidence);
    if outer == 0 && !may_be_bare_notice(message) {
        return None;
    }
    let notice = notice_text(message);
    if !is_bounce(message, outer, &notice, evidence) {
        return None;
    }
    let groups = report.as_deref().map(groups).unwrap_or_default();
    let recipients: Vec<&Group> = groups.iter().filter(|g| is_recipient_group(g)).take(MAX_RECIPIENTS).collect();
    let failed = failed_groups(&recipients);
    let ours: Vec<String> = message.to.iter().map(|to| to.email.to_lowercase()).collect();
    let by_action = action_hardness(message, &recipients, &failed, &notice, evidence);
    let failures = match by_action {
        Some(_) => Vec::new(),
        None => failures(&failed, shorten(&notice, SEARCHED_BYTES), &ours, evidence),
    };
    let status = failed.iter().find_map(|g| status_of(g));
    let diagnostic = diagnostic_of(&failed);
    let hardness = by_action.or_else(|| hardness_of_all(&failures)).unwrap_or_else(|| {
        reason::hardness(status.as_deref(), diagnostic.as_deref(), shorten(&notice, SEARCHED_BYTES), evidence)
    });
    let failures = with_others(failures, &recipients, &failed, shorten(&notice, SEARCHED_BYTES));
    Some(Bounce {
        hardness,
        status: status.or_else(|| reason::status_in(&notice)),
        diagnostic: diagnostic.or_else(|| reason::telling_line(&notice)).map(|words| kept(&words)),
        recipients: recipients_of(message, &recipients, &notice),
        failures,
        original_message_id: original_message_id(message),
    })
}

/// The text of the delivery-status part; a part of another type when it has the fields of one.
fn machine_report(message: &Message) -> Option<String> {
    let top = || message.parts.iter().filter(|p| p.depth == 0);
    let declared = top().find(|p| {
        matches!(
            p.content_type.as_str(),
            "message/delivery-status" | "message/global-delivery-status" | "message/xdelivery-status"
        )
    });
    if let Some(text) = declared.and_then(|p| p.text()) {
        return Some(text.to_owned());
    }
    // A gateway may wrap the report of another server.
    let wrapped = message.parts.iter().find(|p| p.depth == 1 && p.content_type == "message/delivery-status");
    if let Some(text) = wrapped.filter(|_| is_system_sender(message).is_some()).and_then(|p| p.text()) {
        return Some(text.to_owned());
    }
    let is_report = message.content_type() == "multipart/report";
    let worth_looking = is_report || is_system_sender(message).is_some() || has_empty_return_path(message);
    top().filter(|_| worth_looking).filter_map(|p| p.text()).find(|text| has_report_fields(text)).map(str::to_owned)
}

fn has_report_fields(text: &str) -> bool {
    let has =
        |name: &str| text.lines().any(|line| line.get(..name.len()).is_some_and(|s| s.eq_ignore_ascii_case(name)));
    (has("final-recipient:") || has("original-recipient:"))
        && (has("action:") || has("status:") || has("diagnostic-code:"))
}

fn is_recipient_group(group: &Group) -> bool {
    ["final-recipient", "original-recipient", "action", "status", "diagnostic-code"]
        .iter()
        .any(|f| group.get(f).is_some())
        && (group.get("reporting-mta").is_none() || group.get("final-recipient").is_some())
}

fn failed_groups<'a>(recipients: &[&'a Group]) -> Vec<&'a Group> {
    let failed: Vec<&Group> = recipients
        .iter()
        .copied()
        .filter(|g| g.get("action").is_none_or(|a| a.trim().to_ascii_lowercase().starts_with("fail")))
        .collect();
    if failed.is_empty() { recipients.to_vec() } else { failed }
}

pub(super) fn status_of(group: &Group) -> Option<String> {
    let value = group.get("status")?;
    reason::status_in(value)
        .filter(|s| !matches!(s.as_str(), "4.0.0" | "5.0.0") || group.get("diagnostic-code").is_none())
        .or_else(|| reason::status_in(group.get("diagnostic-code")?))
        .or_else(|| reason::status_in(value))
}

pub(super) fn diagnostic_of(failed: &[&Group]) -> Option<String> {
    let words = failed
        .iter()
        .find_map(|g| g.get("diagnostic-code").or_else(|| g.get("x-actual-error")))
        .or_else(|| failed.iter().find_map(|g| g.get("status").filter(|status| status.contains('('))))?;
    let words = words.strip_prefix("smtp;").or_else(|| words.strip_prefix("SMTP;")).unwrap_or(words).trim();
    if words.is_empty() { None } else { Some(shorten(words, SEARCHED_BYTES).to_owned()) }
}

/// Whether `Action:` begins with one of these words.
pub(super) fn action_is(group: &Group, words: &[&str]) -> bool {
    group.get("action").is_some_and(|a| words.iter().any(|w| a.trim().to_ascii_lowercase().starts_with(w)))
}

/// A diagnostic, cut to what is kept.
pub(super) fn kept(diagnostic: &str) -> String {
    shorten(diagnostic, DIAGNOSTIC_BYTES).to_owned()
}

/// `Action:` tells delays and deliveries from failures.
fn action_hardness(
    message: &Message,
    recipients: &[&Group],
    failed: &[&Group],
    notice: &str,
    evidence: &mut Vec<Evidence>,
) -> Option<Hardness> {
    let is = |group: &&Group, words: &[&str]| action_is(group, words);
    if !recipients.is_empty() && recipients.iter().all(|g| is(g, &["delivered", "relayed", "expanded", "deliverable"]))
    {
        return Some(Hardness::Delivered);
    }
    if !failed.is_empty() && failed.iter().all(|g| is(g, &["delayed"])) {
        evidence.push(Evidence::new(Rule::StillTrying, "Action: delayed"));
        return Some(Hardness::Delayed);
    }
    if failed.iter().any(|g| is(g, &["fail"])) {
        return None;
    }
    let subject = normal(&message.subject);
    let words = first_phrase(&normal(shorten(notice, SEARCHED_BYTES)), &STILL_TRYING)
        .or_else(|| first_phrase(&subject, &DELAY_SUBJECTS))?;
    evidence.push(Evidence::new(Rule::StillTrying, words));
    Some(Hardness::Delayed)
}

static STILL_TRYING: Phrases = words!("still_trying");

static DELAY_SUBJECTS: Phrases = words!("delay_subjects");

/// What speaks for a delivery report, as points, before its text is read.
fn outer_signs(message: &Message, report: Option<&str>, evidence: &mut Vec<Evidence>) -> u32 {
    let mut points = 0;
    let mut sign = |points_here: u32, rule: Rule, value: &str| {
        points += points_here;
        evidence.push(Evidence::new(rule, value));
    };
    if let Some(report) = report {
        let first = report.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        sign(10, Rule::DeliveryReport, first);
    }
    for name in [
        "x-failed-recipients",
        "x-actual-recipients",
        "x-ms-exchange-message-is-ndr",
        "x-amzn-ses-bounce",
        "x-mailer-daemon-error",
    ] {
        if let Some(value) = message.header(name) {
            sign(10, Rule::FailureHeader, &format!("{name}: {value}"));
        }
    }
    if let Some(sender) = is_system_sender(message) {
        sign(4, Rule::SystemSender, &sender);
    }
    if has_empty_return_path(message) {
        sign(3, Rule::EmptyReturnPath, "");
    }
    if let Some(words) = failure_subject(&normal(&message.subject)) {
        sign(4, Rule::FailureSubject, words);
    }
    if message.header("x-mlserver").is_some() {
        sign(4, Rule::SystemSender, "X-MLServer");
    }
    if message.content_type() == "multipart/report" && report.is_none() {
        sign(4, Rule::DeliveryReport, "multipart/report");
    }
    points
}

/// Whether the text can be a notice by itself: nobody is answered, and an address stands alone on a line.
fn may_be_bare_notice(message: &Message) -> bool {
    let alone = |line: &str| line.contains('@') && !line.trim().contains(char::is_whitespace);
    message.in_reply_to.is_empty() && message.references.is_empty() && message.text.lines().take(60).any(alone)
}

fn is_bounce(message: &Message, outer: u32, notice: &str, evidence: &mut Vec<Evidence>) -> bool {
    let mut points = outer;
    let mut sign = |points_here: u32, rule: Rule, value: &str| {
        points += points_here;
        evidence.push(Evidence::new(rule, value));
    };
    let text = normal(shorten(notice, SEARCHED_BYTES));
    if let Some(words) = first_phrase(&text, &FAILURE_TEXTS) {
        sign(4, Rule::FailureText, words);
    } else if reason::has_smtp_reply(&text) {
        sign(3, Rule::StatusCode, &reason::status_in(notice).unwrap_or_default());
    }
    if may_be_bare_notice(message) && names_recipient_alone(&text, notice) {
        sign(3, Rule::FailureText, "the address alone on a line");
    }
    let answers = answers_automatically(message);
    let system = is_system_sender(message).is_some();
    // A person writes about failures too: from their own address, and without a server's codes.
    let personal = !system && message.header("x-mlserver").is_none() && is_from_its_own_address(message);
    if points == 8 && personal && !reason::has_smtp_reply(&text) {
        return false;
    }
    let subject = normal(&message.subject);
    if ["fwd:", "fw:", "wg:", "tr:"].iter().any(|start| subject.starts_with(start)) && points < 10 && !system {
        return false;
    }
    points >= 7 && (points >= 10 || !answers || system)
}

/// Words of a failure and, alone on a line, the address that failed: a table, not a letter.
fn names_recipient_alone(text: &str, notice: &str) -> bool {
    let is_address = |line: &str| {
        let line = line.trim().trim_matches(|c| matches!(c, '<' | '>' | '"' | '\''));
        !line.contains(char::is_whitespace) && address_in(line).is_some_and(|address| address == line.to_lowercase())
    };
    first_phrase(text, &FAILURE_TEXTS).is_some() && notice.lines().take(40).any(is_address)
}

/// `Auto-Submitted: auto-replied` is how responders sign; failure notices of people's own making.
fn answers_automatically(message: &Message) -> bool {
    message.header("auto-submitted").is_some_and(|v| v.to_ascii_lowercase().contains("auto-replied"))
}

/// The return path names the sender: automatic mail has none, or a system's.
fn is_from_its_own_address(message: &Message) -> bool {
    let sender = message.sender_address();
    message.header("return-path").and_then(address_in).is_some_and(|path| path == sender)
}

/// Whether the return path is empty or a mail system's.
pub(super) fn has_empty_return_path(message: &Message) -> bool {
    message.header("return-path").is_some_and(|v| {
        let v = v.trim().to_ascii_lowercase();
        v == "<>" || v.starts_with("<mailer-daemon") || v.starts_with("mailer-daemon")
    })
}

/// The sender, when it is a mail system.
pub(super) fn is_system_sender(message: &Message) -> Option<String> {
    message
        .from
        .iter()
        .chain(&message.sender)
        .find_map(|address| {
            let local = address.email.split('@').next().unwrap_or_default().to_lowercase();
            let local: String = local.chars().map(|c| if c == '_' || c == '.' { '-' } else { c }).collect();
            let name = address.name.as_deref().unwrap_or_default().to_lowercase();
            let system = SYSTEM_LOCALS.iter().any(|l| local == *l || local.starts_with(&format!("{l}-")))
                || local.contains("mailer-daemon")
                || SYSTEM_NAMES.iter().any(|n| name.contains(n));
            system.then(|| address.email.clone())
        })
        .or_else(|| {
            let raw = message.header("from")?;
            let bare = raw.to_lowercase();
            let names_system = bare.contains("mailer-daemon") || bare.starts_with("postmaster");
            (names_system || bare.trim() == "<>").then(|| raw.to_owned())
        })
}

static SYSTEM_LOCALS: Phrases = words!("system_locals");

static SYSTEM_NAMES: Phrases = words!("system_names");

/// The subject of a failure notice; an answer to one (`Re:`) is not one.
pub(super) fn failure_subject(subject: &str) -> Option<&'static str> {
    FAILURE_SUBJECTS.iter().copied().find(|words| {
        subject.starts_with(words)
            || subject.strip_prefix("warning: ").is_some_and(|rest| rest.starts_with(words))
            || (words.len() > 14
                && subject.contains(words)
                && !subject.starts_with("re:")
                && !subject.starts_with("aw:"))
    })
}

static FAILURE_SUBJECTS: Phrases = words!("failure_subjects");

static FAILURE_TEXTS: Phrases = words!("failure_texts");

fn recipients_of(message: &Message, groups: &[&Group], notice: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |address: Option<String>| {
        if let Some(address) = address
            && !found.contains(&address)
            && found.len() < MAX_RECIPIENTS
        {
            found.push(address);
        }
    };
    for group in groups {
        add(group.get("original-recipient").and_then(address_of));
        add(group.get("final-recipient").and_then(address_of));
    }
    for value in message.header_values("x-failed-recipients") {
        value.split(',').for_each(|one| add(address_in(one)));
    }
    if let Some(headers) = original_headers(message) {
        add(headers.iter().find(|(n, _)| n == "to").and_then(|(_, v)| address_in(v)));
    }
    notice.lines().take(60).for_each(|line| {
        let own = message.to.iter().any(|to| address_in(line).is_some_and(|a| a.eq_ignore_ascii_case(&to.email)));
        if !own {
            add(address_in(line).filter(|a| !a.starts_with("postmaster@") && !a.starts_with("mailer-daemon@")));
        }
    });
    found
}
