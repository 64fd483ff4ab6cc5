use super::*;
use crate::compose::{Draft, compose, message_id};
use crate::smtp::Limits;
use crate::smtp::verdict::{Hardness, judge};
use crate::{Account, Submission, Tls};
use mail_parser::MimeHeaders;

fn email(number: u8) -> (String, Vec<u8>) {
    let id = message_id(b"s", &[number; 16], &[0; 16], 0, "example.com");
    let draft = Draft {
        from_name: "Ada".into(),
        from: "ada@example.com".into(),
        to_name: "Bob Miller".into(),
        to: "bob@example.org".into(),
        subject: format!("Hello number {number}"),
        html: Some("<p>Hello</p>".into()),
        text: "Hello\nBob".into(),
        date: 1_700_000_000_000 + i64::from(number) * 1000,
        message_id: id.clone(),
        references: vec!["root@example.com".into()],
        ..Draft::default()
    };
    (id, compose(&draft).unwrap())
}

async fn send(line: &mut SandboxLine, number: u8) -> String {
    let (id, bytes) = email(number);
    line.offer("ada@example.com", "bob@example.org", &bytes).await.unwrap();
    assert_eq!(line.finish().await.unwrap().code, 250);
    id
}

#[tokio::test]
async fn an_email_is_handed_over_by_the_final_dot_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(dir.path()).await.unwrap();
    let mut line = sandbox.line();
    let (id, bytes) = email(1);
    line.offer("ada@example.com", "bob@example.org", &bytes).await.unwrap();
    assert!(!sandbox.find_sent(&id).await.unwrap());
    assert!(!line.is_ready());
    line.reset().await.unwrap();
    assert_eq!(line.finish().await, Err(Fault::Cut { at: Stage::Body }));

    line.offer("ada@example.com", "bob@example.org", &bytes).await.unwrap();
    line.finish().await.unwrap();
    assert!(sandbox.find_sent(&format!("<{id}>")).await.unwrap());
    let page = sandbox.list_outgoing(None, 10).await.unwrap();
    assert_eq!(page.emails.len(), 1);
    let copy = &page.emails[0];
    assert_eq!(
        (copy.to.as_str(), copy.to_name.as_str(), copy.subject.as_str()),
        ("bob@example.org", "Bob Miller", "Hello number 1")
    );
    assert_eq!((copy.from.as_str(), copy.date, &copy.message_id), ("Ada <ada@example.com>", 1_700_000_001_000, &id));
    assert_eq!(sandbox.read_outgoing(&copy.name).await.unwrap(), Some(bytes));
    for evil in ["../inbox", "", "00000000000000000001/../x", "00000000000000000009.ab"] {
        assert_eq!(sandbox.read_outgoing(evil).await.unwrap(), None);
    }
    let left: Vec<_> = std::fs::read_dir(dir.path().join("outgoing/tmp")).unwrap().collect();
    assert!(left.is_empty());
}

#[tokio::test]
async fn an_abandoned_offer_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let account = Account::Sandbox(dir.path().to_owned());
    let tls = Tls::new(None).unwrap();
    let (_, bytes) = email(1);
    for quits in [true, false] {
        let mut way = Submission::open(&account, &tls, "me.example", &Limits::default()).await.unwrap();
        assert!(way.is_ready());
        way.offer("ada@example.com", "bob@example.org", &bytes).await.unwrap();
        if quits { way.quit().await } else { way.abandon() }
    }
    let mut way = Submission::open(&account, &tls, "me.example", &Limits::default()).await.unwrap();
    let fault = way.offer("ada@example.com", "b>b", &bytes).await.unwrap_err();
    assert_eq!(fault.code(), "bad_address");
    way.offer("ada@example.com", "bob@example.org", &bytes).await.unwrap();
    way.reset().await.unwrap();
    way.offer("ada@example.com", "bob@example.org", &bytes).await.unwrap();
    way.finish().await.unwrap();
    let sandbox = Sandbox::open(dir.path()).await.unwrap();
    assert_eq!(sandbox.list_outgoing(None, 10).await.unwrap().emails.len(), 1);
    assert_eq!(std::fs::read_dir(dir.path().join("outgoing/tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_rename_that_fails_is_known_not_to_be_sent() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(dir.path()).await.unwrap();
    let mut line = sandbox.line();
    let (id, bytes) = email(1);
    line.offer("ada@example.com", "bob@example.org", &bytes).await.unwrap();
    for entry in std::fs::read_dir(dir.path().join("outgoing/tmp")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let fault = line.finish().await.unwrap_err();
    assert_eq!(judge(&fault, Stage::FinalDot).hardness, Hardness::Temporary);
    assert!(!sandbox.find_sent(&id).await.unwrap());
}

#[tokio::test]
async fn outgoing_pages_are_newest_first_and_complete() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(dir.path()).await.unwrap();
    for number in 1..=3 {
        send(&mut sandbox.line(), number).await;
    }
    // A second opening goes on counting.
    let again = Sandbox::open(dir.path()).await.unwrap();
    for number in 4..=5 {
        send(&mut again.line(), number).await;
    }
    send(&mut sandbox.line(), 6).await;
    let mut seen = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let page = sandbox.list_outgoing(before.as_deref(), 2).await.unwrap();
        seen.extend(page.emails.iter().map(|e| e.subject.clone()));
        before = page.emails.last().map(|e| e.name.clone());
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1].map(|n| format!("Hello number {n}")));
    let first = sandbox.outgoing_after(None, 1).await.unwrap();
    assert_eq!(first[0].subject, "Hello number 1");
    let rest = sandbox.outgoing_after(Some(&first[0].name), 100).await.unwrap();
    assert_eq!(rest.len(), 5);
}

#[tokio::test]
async fn inbound_positions_rise_over_restarts_deletions_and_rivals() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(dir.path()).await.unwrap();
    let rival = Sandbox::open(dir.path()).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..20_u8 {
        let one = if number % 2 == 0 { sandbox.clone() } else { rival.clone() };
        tasks.push(tokio::spawn(async move { one.deliver_inbound(vec![number]).await.unwrap() }));
    }
    let mut positions = Vec::new();
    for task in tasks {
        positions.push(task.await.unwrap());
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=20).collect::<Vec<u64>>());
    assert_eq!(sandbox.list_inbound(0).await.unwrap().len(), 20);
    assert_eq!(sandbox.list_inbound(18).await.unwrap().len(), 2);
    assert_eq!(sandbox.list_inbound(20).await.unwrap(), []);

    for entry in std::fs::read_dir(dir.path().join("inbox/new")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let reopened = Sandbox::open(dir.path()).await.unwrap();
    assert_eq!(reopened.last_inbound().await.unwrap(), 20);
    assert_eq!(reopened.deliver_inbound(b"x".to_vec()).await.unwrap(), 21);
}

#[test]
fn a_simulated_reply_threads_and_quotes() {
    let (id, original) = email(1);
    let raw = simulate_reply(&original, "Sounds good!\nLet's talk.", 1_700_000_100_000, "").unwrap();
    let reply = MessageParser::new().parse(&raw).unwrap();
    assert_eq!(reply.from().unwrap().first().unwrap().address(), Some("bob@example.org"));
    assert_eq!(reply.from().unwrap().first().unwrap().name(), Some("Bob Miller"));
    assert_eq!(reply.to().unwrap().first().unwrap().address(), Some("ada@example.com"));
    assert_eq!(reply.subject(), Some("Re: Hello number 1"));
    assert_eq!(reply.in_reply_to().as_text(), Some(id.as_str()));
    assert_eq!(reply.references().as_text_list().map(|ids| ids.join(" ")), Some(format!("root@example.com {id}")));
    let text = reply.body_text(0).unwrap();
    assert!(text.starts_with("Sounds good!\r\nLet's talk.\r\n\r\nOn "), "{text}");
    assert!(text.contains("Ada wrote:\r\n> Hello\r\n> Bob"), "{text}");
    assert_ne!(reply.message_id(), Some(id.as_str()));
    assert_eq!(raw, simulate_reply(&original, "Sounds good!\nLet's talk.", 1_700_000_100_000, "").unwrap());
    let again = simulate_reply(&raw, "Great", 1_700_000_200_000, "Ada L").unwrap();
    assert_eq!(MessageParser::new().parse(&again).unwrap().subject(), Some("Re: Hello number 1"));
    assert_eq!(simulate_reply(b"no email", "x", 0, "x"), Err(NotAnEmail));
}

#[test]
fn a_simulated_colleague_answers_in_the_thread_from_the_same_company() {
    let (id, original) = email(1);
    let raw = simulate_colleague(&original, "I take care of this.", 1_700_000_100_000).unwrap();
    let reply = MessageParser::new().parse(&raw).unwrap();
    let from = reply.from().unwrap().first().unwrap();
    assert_eq!((from.address(), from.name()), (Some("robin.castle@example.org"), Some("Robin Castle")));
    assert_eq!(reply.in_reply_to().as_text(), Some(id.as_str()));
    assert!(reply.body_text(0).unwrap().starts_with("I take care of this.\r\n\r\nOn "));
}

#[test]
fn a_simulated_absence_says_that_it_is_automatic_and_until_when() {
    let (_, original) = email(2);
    let day = jiff::civil::date(2026, 12, 7);
    let raw = simulate_out_of_office(&original, "I am out of the office.", Some(day), 1_700_000_100_000).unwrap();
    let notice = MessageParser::new().parse(&raw).unwrap();
    assert_eq!(notice.header_raw("Auto-Submitted").map(str::trim), Some("auto-replied"));
    assert_eq!(notice.subject(), Some("Automatic reply: Hello number 2"));
    assert!(notice.body_text(0).unwrap().contains("back on 7 December 2026."));
    let open_end = simulate_out_of_office(&original, "Away.", None, 0).unwrap();
    assert!(!String::from_utf8(open_end).unwrap().contains("back on"));
}

#[test]
fn a_simulated_bounce_is_a_delivery_report_for_the_address() {
    let (id, original) = email(3);
    let raw = simulate_bounce(&original, 1_700_000_100_000).unwrap();
    let bounce = MessageParser::new().parse(&raw).unwrap();
    let kind = bounce.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("report")));
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    assert_eq!(bounce.to().unwrap().first().unwrap().address(), Some("ada@example.com"));
    let text = String::from_utf8(raw.clone()).unwrap();
    assert!(text.contains("Final-Recipient: rfc822; bob@example.org\r\n"));
    assert!(text.contains("Status: 5.1.1\r\n") && text.contains("Action: failed\r\n"));
    let returned = bounce.parts.iter().find_map(mail_parser::MessagePart::message).unwrap();
    assert_eq!(returned.message_id(), Some(id.as_str()));
    assert!(!text.contains("\n\n") || !text.replace("\r\n", "").contains('\n'));
}
