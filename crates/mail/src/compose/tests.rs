use super::*;
use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;
use std::collections::HashMap;

fn draft() -> Draft {
    Draft {
        from_name: "Ada Løvelace".into(),
        from: "ada@example.com".into(),
        to_name: "Bob, the builder".into(),
        to: "bob@example.org".into(),
        subject: "Grüße from the office".into(),
        html: Some("<p>Hello <b>Bob</b> – see you</p>".into()),
        text: "Hello Bob – see you\n.\nFrom here on".into(),
        date: 1_700_000_000_123,
        message_id: message_id(b"secret", &[1; 16], &[2; 16], 0, "example.com"),
        ..Draft::default()
    }
}

/// A second, independent reader: header names and unfolded raw values.
fn raw_headers(message: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8(message.to_vec()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            headers.last_mut().unwrap().1.push_str(line);
        } else {
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    headers
}

fn names(message: &[u8]) -> Vec<String> {
    raw_headers(message).into_iter().map(|(name, _)| name).collect()
}

fn assert_wire_safe(message: &[u8]) {
    assert!(message.is_ascii());
    let text = std::str::from_utf8(message).unwrap();
    for line in text.split("\r\n") {
        assert!(line.len() <= 998, "{} bytes", line.len());
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
    }
}

#[test]
fn a_full_email_is_read_back_as_written() {
    let mut draft = draft();
    draft.in_reply_to = Some("parent@example.org".into());
    draft.references = vec!["root@example.org".into(), "parent@example.org".into()];
    draft.list_unsubscribe = Some(ListUnsubscribe {
        mailto: Some("unsubscribe@example.com?subject=stop".into()),
        url: Some("https://example.com/u/abc".into()),
    });
    draft.attachments = vec![
        Attachment { name: "Jahresabschluß 2024.pdf".into(), mime: "application/pdf".into(), hash: [1; 32] },
        Attachment { name: "evil\r\nX: y".into(), mime: "text/html\r\nX: y".into(), hash: [2; 32] },
    ];
    draft.headers = vec![("X-Relance".into(), "yes".into())];
    let without = compose(&draft).unwrap();
    assert_eq!(files_in(&without), [[1; 32], [2; 32]]);
    assert_eq!(without, compose(&draft).unwrap(), "the same draft gives the same bytes");
    assert_eq!(fill(&without, &HashMap::from([([1; 32], vec![0, 1, 2, 255])])), None, "a file is missing");
    let files = HashMap::from([([1; 32], vec![0, 1, 2, 255]), ([2; 32], b"x".to_vec())]);
    let bytes = fill(&without, &files).unwrap();
    assert_wire_safe(&bytes);
    assert_eq!(
        names(&bytes),
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "In-Reply-To",
            "References",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "X-Relance",
            "MIME-Version",
            "Content-Type"
        ]
    );
    let find = |name: &str| raw_headers(&bytes).into_iter().find(|(n, _)| n == name).unwrap().1;
    assert_eq!(find("List-Unsubscribe"), "<https://example.com/u/abc>, <mailto:unsubscribe@example.com?subject=stop>");
    assert_eq!(find("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(find("Date"), "Tue, 14 Nov 2023 22:13:20 +0000");
    assert_eq!(find("References"), "<root@example.org> <parent@example.org>");

    let read = MessageParser::new().parse(&bytes).unwrap();
    let from = read.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Ada Løvelace"), Some("ada@example.com")));
    assert_eq!(read.to().unwrap().first().unwrap().name(), Some("Bob, the builder"));
    assert_eq!(read.subject(), Some("Grüße from the office"));
    assert_eq!(read.message_id(), Some(draft.message_id.as_str()));
    assert_eq!(read.body_text(0).unwrap().trim().replace("\r\n", "\n"), draft.text);
    assert_eq!(read.body_html(0).unwrap().trim(), draft.html.unwrap());
    assert_eq!(read.attachment_count(), 2);
    let first = read.attachment(0).unwrap();
    assert_eq!((first.attachment_name(), first.contents()), (Some("Jahresabschluß 2024.pdf"), &[0_u8, 1, 2, 255][..]));
    let second = read.attachment(1).unwrap();
    assert_eq!(second.content_type().unwrap().subtype(), Some("octet-stream"));
}

#[test]
fn text_alone_is_a_single_part() {
    let plain = Draft { html: None, ..draft() };
    let bytes = compose(&plain).unwrap();
    let read = MessageParser::new().parse(&bytes).unwrap();
    assert_eq!(read.parts.len(), 1);
    assert_eq!(read.content_type().unwrap().subtype(), Some("plain"));
}

#[test]
fn one_click_is_announced_only_with_https() {
    for (url, mailto, one_click) in [
        (Some("https://example.com/u"), None, true),
        (Some("http://localhost:8080/u"), None, false),
        (None, Some("mailto:u@example.com"), false),
    ] {
        let ways = ListUnsubscribe { mailto: mailto.map(str::to_owned), url: url.map(str::to_owned) };
        let bytes = compose(&Draft { list_unsubscribe: Some(ways), ..draft() }).unwrap();
        assert_eq!(names(&bytes).contains(&"List-Unsubscribe-Post".to_owned()), one_click);
        assert!(!String::from_utf8(bytes).unwrap().contains("mailto:mailto:"));
    }
    for bad in [
        ListUnsubscribe::default(),
        ListUnsubscribe { url: Some("javascript:alert(1)".into()), mailto: None },
        ListUnsubscribe { url: Some("https://example.com/>\r\nX: y".into()), mailto: None },
        ListUnsubscribe { url: None, mailto: Some("a b@example.com".into()) },
    ] {
        assert!(compose(&Draft { list_unsubscribe: Some(bad), ..draft() }).is_err());
    }
}

#[test]
fn long_threads_keep_their_first_and_last_twenty_ids() {
    let references: Vec<String> = (0..100).map(|n| format!("{n}@example.com")).collect();
    let bytes = compose(&Draft { references, ..draft() }).unwrap();
    let found = raw_headers(&bytes).into_iter().find(|(n, _)| n == "References").unwrap().1;
    let ids: Vec<&str> = found.split_whitespace().collect();
    assert_eq!(ids.len(), 40);
    assert_eq!(
        (ids[0], ids[19], ids[20], ids[39]),
        ("<0@example.com>", "<19@example.com>", "<80@example.com>", "<99@example.com>")
    );
    let foreign = vec!["ok@example.com".into(), "a b".into(), "x>\r\nEvil: 1".into(), String::new(), "y".repeat(400)];
    let bytes = compose(&Draft { references: foreign, ..draft() }).unwrap();
    assert!(raw_headers(&bytes).contains(&("References".into(), "<ok@example.com>".into())));
}

#[test]
fn what_can_not_be_written_is_refused_by_name() {
    let refused = |change: &dyn Fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        compose(&draft).unwrap_err()
    };
    assert!(matches!(refused(&|d| d.from = "no address".into()), Refused::BadAddress { field: "sender", .. }));
    assert!(matches!(
        refused(&|d| d.to = "a@b.c>\r\nBcc: x@y.z".into()),
        Refused::BadAddress { field: "recipient", .. }
    ));
    assert!(matches!(refused(&|d| d.message_id = "a\r\nb".into()), Refused::BadHeader { .. }));
    assert!(matches!(refused(&|d| d.in_reply_to = Some(String::new())), Refused::BadHeader { .. }));
    for name in ["Bcc", "from", "Content-Type", "X:y", "X\r\nY", ""] {
        assert!(matches!(refused(&|d| d.headers.push((name.into(), "v".into()))), Refused::BadHeader { .. }));
    }
}

#[test]
fn message_ids_are_stable_and_differ_in_every_ingredient() {
    let id = |secret: &[u8], enrollment, step, generation| {
        message_id(secret, &[enrollment; 16], &[step; 16], generation, "example.com")
    };
    let first = id(b"k", 1, 2, 0);
    assert_eq!(first, id(b"k", 1, 2, 0));
    assert_eq!(
        first, "6fd0869ec133998b5ed4ff14563848516c04ca12@example.com",
        "pinned: a restored installation must find its own messages again"
    );
    for other in [id(b"l", 1, 2, 0), id(b"k", 2, 2, 0), id(b"k", 1, 1, 0), id(b"k", 1, 2, 1)] {
        assert_ne!(first, other);
        assert!(is_id(&other) && other.ends_with("@example.com"));
    }
    assert!(message_id(b"", &[0; 16], &[0; 16], 0, "bad domain>").ends_with("@localhost.invalid"));
    assert!(message_id(b"", &[0; 16], &[0; 16], 0, "bücher.example").ends_with("@xn--bcher-kva.example"));
}

#[test]
fn subjects_that_look_encoded_arrive_as_they_are() {
    let subject = "=?utf-8?Q?hidden?= and a tail that is long enough to need two words, grüße";
    let bytes = compose(&Draft { subject: subject.into(), ..draft() }).unwrap();
    assert_wire_safe(&bytes);
    assert_eq!(MessageParser::new().parse(&bytes).unwrap().subject(), Some(subject));
}

proptest! {
    #[test]
    fn no_value_can_begin_a_header_or_a_part_of_its_own(
        name in "\\PC{0,30}|[a-z\\r\\n\\x00: ]{0,30}|.{0,120}",
        subject in "\\PC{0,120}|[a-zA-Z\\r\\n\\x00:= ?]{0,200}|.{0,90}",
        text in "(.|\\n|\\r|\\x00){0,300}",
        html in prop::option::of("(.|\\n|\\r){0,300}"),
        extra in "[a-z\\r\\n: ]{0,60}",
        file in ".{0,60}|[a-z\\r\\n\";]{0,60}",
    ) {
        let has_html = html.is_some();
        let draft = Draft {
            from_name: name.clone(),
            to_name: name,
            subject: subject.clone(),
            text: text.clone(),
            html,
            headers: vec![("X-Extra".into(), extra)],
            attachments: vec![Attachment { name: file, mime: "text/csv".into(), hash: [7; 32] }],
            ..draft()
        };
        let without = compose(&draft).unwrap();
        let bytes = fill(&without, &HashMap::from([([7; 32], text.clone().into_bytes())])).unwrap();
        assert_wire_safe(&bytes);
        prop_assert_eq!(
            names(&bytes),
            ["From", "To", "Subject", "Date", "Message-ID", "X-Extra", "MIME-Version", "Content-Type"]
        );
        let read = MessageParser::new().parse(&bytes).unwrap();
        prop_assert_eq!(read.headers().len(), 8);
        prop_assert_eq!(read.parts.len(), if has_html { 5 } else { 3 });
        prop_assert_eq!(read.from().unwrap().first().unwrap().address(), Some("ada@example.com"));
        prop_assert_eq!(read.to().unwrap().first().unwrap().address(), Some("bob@example.org"));
        prop_assert_eq!(read.to().unwrap().iter().count(), 1);
        prop_assert_eq!(read.attachment(0).unwrap().contents(), text.as_bytes());
        let wanted = lines(&text);
        prop_assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), wanted.replace("\r\n", "\n"));
        let squeezed = |s: &str| s.split_whitespace().collect::<String>();
        prop_assert_eq!(squeezed(read.subject().unwrap_or_default()), squeezed(&folded(&subject)));
    }
}
