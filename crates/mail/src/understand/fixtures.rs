//! Every message of the tables in `fixtures/`, judged; written for these tests, after the shapes of real servers.

use relance_domain::inbound::{Hardness, Judgement, Kind};

use super::*;
use crate::parse::parse;

/// What came out, in the words of the tables.
fn outcome(judgement: &Judgement) -> String {
    let of = |hardness: Hardness| match hardness {
        Hardness::Hard => "hard",
        Hardness::Soft => "soft",
        Hardness::Delayed => "delayed",
        Hardness::Delivered => "delivered",
    };
    match &judgement.kind {
        Kind::Bounce(bounce) if bounce.failures.is_empty() => of(bounce.hardness).to_owned(),
        Kind::Bounce(bounce) => {
            bounce.failures.iter().fold("many".to_owned(), |words, failure| format!("{words} {}", of(failure.hardness)))
        }
        Kind::Complaint { feedback_type, .. } => format!("complaint {feedback_type}"),
        Kind::AutoReply { .. } => "auto".to_owned(),
        Kind::Other { what } => format!("other {what}"),
        kind => kind.name().to_owned(),
    }
}

fn judged(raw: &str) -> Judgement {
    let ours = Ours { addresses: vec!["rep@relay.example".into(), "sales@relay.example".into()] };
    match parse(raw.as_bytes()) {
        Ok(message) => understand(&message, &ours),
        Err(unreadable) => not_understood(&unreadable),
    }
}

/// Fails with every message that came out otherwise, not only the first.
fn compare(cases: Vec<(String, String, String)>, at_least: usize) {
    assert!(cases.len() >= at_least, "only {} messages", cases.len());
    let mut wrong = Vec::new();
    for (expected, name, raw) in &cases {
        let judgement = judged(raw);
        assert!(!judgement.evidence.is_empty(), "no evidence for {name}");
        assert!(judgement.evidence.iter().all(|e| e.sentence().len() > 10), "{judgement:?}");
        if outcome(&judgement) != *expected {
            wrong.push(format!("{name}\n  expected {expected}, got {:?}\n  {:?}", judgement.kind, judgement.evidence));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The lines of a table, split at ` | `.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
        .map(|line| line.split(" | ").map(str::trim).collect())
}

/// The blocks of a table: the line behind `===`, and what follows.
fn blocks(table: &'static str) -> Vec<(&'static str, &'static str)> {
    table.split("\n=== ").skip(1).filter_map(|block| block.split_once('\n')).collect()
}

/// A message of Ada's; one with `Re:` before its subject answers in our thread.
fn from_ada(subject: &str, headers: &str, body: &str) -> String {
    let lines: String =
        headers.split("; ").filter(|header| *header != "-").map(|header| format!("{header}\n")).collect();
    let answers = ["Re:", "RE:", "AW:"].iter().any(|prefix| subject.starts_with(prefix));
    let thread = if answers { "In-Reply-To: <ours-1@relay.example>\n" } else { "" };
    let body = if body == "-" { "" } else { body };
    format!(
        "Return-Path: <ada@acme.example>\nFrom: Ada Lovelace <ada@acme.example>\nTo: rep@relay.example\nSubject: {subject}\n\
         Date: Fri, 20 Nov 2026 10:00:00 +0100\nMessage-ID: <ada-1@acme.example>\nMIME-Version: 1.0\n{thread}{lines}\
         Content-Type: text/plain; charset=utf-8\n\n{}\n",
        body.replace("\\n", "\n")
    )
}

#[test]
fn the_diagnostics_of_many_servers_are_hard_or_soft() {
    let report = |status: &str, diagnostic: &str| {
        format!(
            "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.relay.example>\nTo: rep@relay.example\n\
             Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\nContent-Type: multipart/report; \
             report-type=delivery-status; boundary=\"b\"\n\n--b\nContent-Type: text/plain\n\nThis is the mail system.\n\n\
             --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.relay.example\n\n\
             Final-Recipient: rfc822; ada@acme.example\nAction: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}\n\n--b--\n"
        )
    };
    let cases = rows(include_str!("fixtures/diagnostics.txt"))
        .map(|row| (row[0].to_owned(), format!("{} {}", row[1], row[2]), report(row[1], row[2])))
        .collect();
    compare(cases, 210);
}

#[test]
fn the_notices_of_many_servers_are_understood() {
    let notice = |subject: &str, text: &str| {
        format!(
            "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.relay.example>\nTo: rep@relay.example\n\
             Subject: {subject}\nDate: Fri, 20 Nov 2026 10:00:00 +0100\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        )
    };
    let cases = blocks(include_str!("fixtures/notices.txt"))
        .into_iter()
        .map(|(head, text)| {
            let (expected, subject) = head.split_once(" | ").unwrap();
            (expected.to_owned(), format!("{subject}: {text}"), notice(subject, text))
        })
        .collect();
    compare(cases, 60);
}

#[test]
fn automatic_answers_in_twelve_languages_are_told_with_their_return_dates() {
    let mut languages = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for row in rows(include_str!("fixtures/absences.txt")) {
        languages.insert(row[0]);
        let judgement = judged(&from_ada(row[1], row[2], row[3]));
        let expected = row[4].parse().ok();
        match &judgement.kind {
            Kind::AutoReply { return_date, sentence }
                if *return_date == expected && sentence.is_some() == expected.is_some() => {}
            other => wrong.push(format!("{row:?}\n  got {other:?}\n  {:?}", judgement.evidence)),
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(languages.len(), 12);
}

#[test]
fn people_who_write_like_machines_stay_people() {
    let cases = rows(include_str!("fixtures/humans.txt"))
        .map(|row| (row[0].to_owned(), row[1..].join(" | "), from_ada(row[1], row[2], row[3])))
        .collect();
    compare(cases, 180);
}

#[test]
fn what_other_machines_send_is_told_apart() {
    let whole = |text: &str| {
        let filled = text.replace("@@100000@@", &"x".repeat(110_000));
        format!("To: rep@relay.example\nDate: Fri, 20 Nov 2026 10:00:00 +0100\nMIME-Version: 1.0\n{filled}\n")
    };
    let cases = blocks(include_str!("fixtures/machines.txt"))
        .into_iter()
        .map(|(expected, text)| (expected.to_owned(), text.to_owned(), whole(text)))
        .collect();
    compare(cases, 130);
}

#[test]
fn the_visible_part_of_an_answer_is_what_the_person_wrote() {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let mut wrong = Vec::new();
    let cases = blocks(include_str!("fixtures/replies.txt"));
    for (name, text) in &cases {
        let (text, expected) = text.rsplit_once("\n---\n").unwrap();
        let Kind::Reply { visible_text, quoted_text } = judged(&from_ada("Re: A question", "-", text)).kind else {
            panic!("{name} is no reply");
        };
        if lines(&visible_text) != lines(expected) {
            wrong.push(format!("{name}: {visible_text:?}"));
        }
        let words = |text: &str| text.split_whitespace().count();
        assert_eq!(words(&visible_text) + words(&quoted_text), words(text), "{name} lost words");
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 160);
}
