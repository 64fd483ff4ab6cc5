//! The measure is itself measured, with a folder of four messages.

use super::*;

const BOUNCE: &str = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.relay.example\nTo: rep@relay.example\nSubject: failure notice\n\nSorry, no mailbox here by that name. (#5.1.1)\n";
const ANSWER: &str =
    "From: ada@acme.example\nTo: rep@relay.example\nSubject: Re: A question\nIn-Reply-To: <a@x>\n\nYes.\n";
const AWAY: &str = "From: ada@acme.example\nTo: rep@relay.example\nSubject: Automatic reply: A question\nDate: Fri, 20 Nov 2026 10:00:00 +0100\nAuto-Submitted: auto-replied\n\nI am back on 30 November.\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, raw) in [("b.eml", BOUNCE), ("r.eml", ANSWER), ("v.eml", AWAY), ("none.eml", ANSWER)] {
        std::fs::write(folder.path().join(name), raw).unwrap();
    }
    folder
}

#[test]
fn every_expectation_is_compared_and_every_miss_named() {
    let table = "file,class,hard_bounce,return_date\nb.eml,bounce,false,\nr.eml,reply,,\nv.eml,auto_reply,,2026-11-30\nr.eml,auto_reply,,\n";
    let folder = folder();
    let accuracy = measure(folder.path(), &read_expectations(table).unwrap(), &Ours::default()).unwrap();
    assert_eq!((accuracy.messages, accuracy.all.lines, accuracy.all.right_class), (4, 4, 3));
    assert_eq!((accuracy.all.hardness_lines, accuracy.all.right_hardness), (1, 0));
    assert_eq!((accuracy.all.date_lines, accuracy.all.right_dates), (1, 1));
    assert_eq!(accuracy.taken_for_a_reply, ["none.eml"]);
    assert_eq!(accuracy.unexpected, [("reply".to_owned(), 1)]);
    let missed: Vec<(&str, &str)> =
        accuracy.misjudged.iter().map(|m| (m.expected.as_str(), m.judged.as_str())).collect();
    assert_eq!(missed, [("bounce (soft)", "bounce (hard)"), ("auto reply", "reply")]);
    assert!(accuracy.misjudged.iter().all(|m| !m.evidence.is_empty()));
    assert_eq!(accuracy.halves[0].lines + accuracy.halves[1].lines, 4);
}

#[test]
fn precision_and_recall_are_those_of_the_books() {
    let table = "file,class\nb.eml,bounce\nr.eml,auto_reply\nv.eml,auto_reply\nnone.eml,reply\n";
    let folder = folder();
    let accuracy = measure(folder.path(), &read_expectations(table).unwrap(), &Ours::default()).unwrap();
    let figures = |class: Class| {
        let all = accuracy.all.classes();
        let found = all.iter().find(|f| f.class == class).unwrap();
        (found.precision, found.recall)
    };
    assert_eq!(figures(Class::Bounce), (Some(1.0), Some(1.0)));
    assert_eq!(figures(Class::AutoReply), (Some(1.0), Some(0.5)));
    assert_eq!(figures(Class::Reply), (Some(0.5), Some(1.0)));
}

#[test]
fn reasons_stand_for_classes() {
    let table = "file,status_code,smtp_reply,reason,hard_bounce,feedback_type\na,,,feedback,false,abuse\nb,,,vacation,false,\nc,2.0.0,,delivered,false,\n\"d\",5.1.1,550,userunknown,true,\n";
    let read = read_expectations(table).unwrap();
    let classes: Vec<Class> = read.iter().map(|e| e.class).collect();
    assert_eq!(classes, [Class::Complaint, Class::AutoReply, Class::Delivered, Class::Bounce]);
    assert_eq!(read.iter().map(|e| e.hard).collect::<Vec<_>>(), [None, None, None, Some(true)]);
}

#[test]
fn a_table_that_says_nothing_is_refused_in_words() {
    for table in ["", "name,kind\nx,y\n", "file,class\na.eml,nonsense\n"] {
        assert!(read_expectations(table).unwrap_err().ends_with(|c: char| c == '.' || c.is_alphanumeric()), "{table}");
    }
}

#[test]
fn visible_parts_are_compared_without_blank_lines() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, name, text) in [
        (
            "emails",
            "a.txt",
            "Yes.\n\nOn Thu, 19 Nov 2026 at 09:00, Rep <rep@relay.example> wrote:\n> Do you have time?\n",
        ),
        ("trimmed", "a.txt", "Yes."),
        ("emails", "b.txt", "No.\n"),
        ("trimmed", "b.txt", "Yes."),
        ("emails", "without.txt", "No.\n"),
    ] {
        std::fs::create_dir_all(folder.path().join(kind)).unwrap();
        std::fs::write(folder.path().join(kind).join(name), text).unwrap();
    }
    let parts = measure_visible_parts(folder.path()).unwrap();
    assert_eq!((parts.replies, parts.right), (2, 1));
    assert_eq!(parts.wrong, ["b.txt"]);
}
