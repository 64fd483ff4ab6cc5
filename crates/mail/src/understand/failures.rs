//! Judges each recipient of a report about several on its own.
//!
//! The machine-readable groups go before the notice; where a group says nothing, the words of the notice about
//! that recipient count. A report about one recipient is judged as a whole, in [`super::bounce`].

use relance_domain::inbound::{Evidence, Failure, Hardness};

use super::bounce::{action_is, diagnostic_of, kept, status_of};
use super::notice::{Section, sections};
use super::reason;
use super::report::{Group, address_of};

/// What happened to each recipient; empty when the report is about one, or does not tell them apart.
pub(super) fn failures(failed: &[&Group], notice: &str, ours: &[String], evidence: &mut Vec<Evidence>) -> Vec<Failure> {
    let sections: Vec<Section> =
        sections(notice).into_iter().filter(|section| !ours.contains(&section.recipient)).collect();
    if failed.len() > 1 {
        return failed.iter().filter_map(|group| of_group(group, &sections, evidence)).collect();
    }
    if failed.is_empty() && sections.len() > 1 {
        return sections.iter().map(|section| of_section(section, evidence)).collect();
    }
    Vec::new()
}

/// Beside those that failed, those that only wait or arrived: a report that tells them apart says nothing bad of them.
pub(super) fn with_others(failures: Vec<Failure>, all: &[&Group], failed: &[&Group], notice: &str) -> Vec<Failure> {
    let others: Vec<&Group> =
        all.iter().copied().filter(|group| !failed.iter().any(|failed| std::ptr::eq(*failed, *group))).collect();
    if others.is_empty() {
        return failures;
    }
    let sections = sections(notice);
    let mut told = failures;
    // What decided has been noted already.
    let mut seen = Vec::new();
    if told.is_empty() {
        told.extend(failed.iter().filter_map(|group| of_group(group, &sections, &mut seen)));
    }
    told.extend(others.iter().filter_map(|group| of_group(group, &sections, &mut seen)));
    told
}

/// One word for all: hard only when every recipient is gone.
pub(super) fn hardness_of_all(failures: &[Failure]) -> Option<Hardness> {
    let first = failures.first()?.hardness;
    Some(if failures.iter().all(|f| f.hardness == first) { first } else { Hardness::Soft })
}

fn of_group(group: &Group, sections: &[Section], evidence: &mut Vec<Evidence>) -> Option<Failure> {
    let address = |name: &str| group.get(name).and_then(address_of);
    let recipient = address("original-recipient").or_else(|| address("final-recipient"))?;
    let named = |section: &&Section| {
        section.recipient == recipient || address("final-recipient").is_some_and(|a| a == section.recipient)
    };
    let words = sections.iter().find(named).map_or("", |section| section.text.as_str());
    let status = status_of(group).filter(|code| !matches!(code.as_str(), "4.0.0" | "5.0.0"));
    let status = status.or_else(|| reason::status_in(words)).or_else(|| status_of(group));
    let diagnostic = diagnostic_of(&[group]);
    let hardness = if action_is(group, &["delayed"]) {
        Hardness::Delayed
    } else if action_is(group, &["delivered", "relayed", "expanded"]) {
        Hardness::Delivered
    } else {
        judged(&recipient, status.as_deref(), diagnostic.as_deref(), words, evidence)
    };
    let diagnostic = diagnostic.or_else(|| reason::telling_line(words)).map(|words| kept(&words));
    Some(Failure { recipient, hardness, status, diagnostic })
}

fn of_section(section: &Section, evidence: &mut Vec<Evidence>) -> Failure {
    let status = reason::status_in(&section.text);
    let hardness = judged(&section.recipient, status.as_deref(), None, &section.text, evidence);
    let diagnostic = reason::telling_line(&section.text).map(|words| kept(&words));
    Failure { recipient: section.recipient.clone(), hardness, status, diagnostic }
}

/// Hard or soft, with the recipient's name before the words that decided.
fn judged(
    recipient: &str,
    status: Option<&str>,
    diagnostic: Option<&str>,
    words: &str,
    evidence: &mut Vec<Evidence>,
) -> Hardness {
    let mut seen = Vec::new();
    let hardness = reason::hardness(status, diagnostic, words, &mut seen);
    evidence.extend(seen.into_iter().map(|e| Evidence::new(e.rule, format!("{recipient}: {}", e.value))));
    hardness
}
