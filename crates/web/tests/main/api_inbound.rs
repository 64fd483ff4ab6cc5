//! `inbound`: received messages with judgement and evidence. The way from a reply to its row is in `api_enrollments`.

use crate::installation::{Installation, ids, redacted};
use relance_domain::{
    InboundId, MailboxId, Timestamp,
    inbound::{Effect, Evidence, Judgement, Kind, Match, Rule},
};
use relance_storage::inbound::{self, InboundMessage, Tray};
use serde_json::json;

/// A message nobody could be found for; the first of them waits in the tray.
pub async fn message(at: &Installation, mailbox: &str, number: i64) -> InboundId {
    let id = at.engine.new_inbound_id();
    let why = "It comes from an unknown address.".to_owned();
    let message = InboundMessage {
        id,
        mailbox_id: mailbox.parse::<MailboxId>().unwrap(),
        identity: vec![u8::try_from(number).unwrap(); 4],
        folder: "INBOX".to_owned(),
        uid_validity: 1,
        uid: u32::try_from(number).unwrap(),
        message_id: Some(format!("{number}@x.test")),
        from_address: "someone@x.test".to_owned(),
        from_name: "Someone".to_owned(),
        subject: "About your email".to_owned(),
        sent_at: None,
        received_at: Timestamp::from_ms(1_772_000_000_000 + number * 1_000),
        judgement: Judgement {
            kind: Kind::Doubtful { why: "It has no sender.".to_owned() },
            evidence: vec![Evidence::new(Rule::BulkMail, "Precedence: bulk")],
        },
        matched_by: Some(Match::ThreadFromElsewhere),
        person_id: None,
        enrollment_id: None,
        delivery_id: None,
        effect: Effect::Tray { why },
        tray: if number == 1 { Tray::Open } else { Tray::None },
        visible_text: "Who are you?".to_owned(),
        quoted_text: "> Hello".to_owned(),
    };
    let mut tx = at.engine.store.begin().await.unwrap();
    assert!(inbound::insert(&mut tx, &message, None).await.unwrap());
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn a_message_is_read_with_its_evidence_by_those_who_may() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rita@acme.test").await;
    let id = message(&at, &mailbox, 1).await;
    let path = format!("/inbound/{id}");
    insta::assert_json_snapshot!("inbound", redacted(&at.rep.get(&path).await.expect(200)));
    assert_eq!(at.manager.get(&path).await.status, 200);
    assert_eq!(at.other.get(&path).await.status, 403);
}

#[tokio::test]
async fn a_list_is_filtered_by_kind_mailbox_and_tray_and_paged() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rita@acme.test").await;
    let mut all = Vec::new();
    for number in 1..=3 {
        all.push(message(&at, &mailbox, number).await.to_string());
    }
    all.reverse();
    let page = at.rep.get("/inbound?limit=2").await.expect(200);
    let rest = at.rep.get(&format!("/inbound?cursor={}", page["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!([ids(&page), ids(&rest)].concat(), all);
    assert_eq!(ids(&at.admin.get("/inbound?tray=open").await.expect(200)), [all[2].clone()]);
    assert_eq!(ids(&at.rep.get("/inbound?kind=reply,bounce").await.expect(200)).len(), 0);
    let of_rita = format!("/inbound?mailbox_id={mailbox}");
    assert_eq!(ids(&at.manager.get(&of_rita).await.expect(200)).len(), 3);
    assert_eq!(at.other.get(&of_rita).await.expect(200), json!({ "items": [], "next_cursor": null }));
    assert_eq!(at.rep.get("/inbound?kind=spam").await.refusal(), (422, "invalid", "kind"));
}

#[tokio::test]
async fn a_message_of_the_tray_is_assigned_or_ignored_once() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rita@acme.test").await;
    let sequence = at.admin.sequence("Welcome", crate::installation::two_emails()).await;
    let lead = at.rep.lead("Lee", "lee@x.test").await;
    at.rep.post("/enrollments", json!({ "sequence_id": sequence, "person_id": lead })).await.expect(201);
    let message = message(&at, &mailbox, 1).await;
    let whose = json!({ "person_id": lead });
    assert_eq!(at.other.post(&format!("/inbound/{message}/assign"), whose.clone()).await.status, 403);
    let assigned = at.rep.post(&format!("/inbound/{message}/assign"), whose.clone()).await.expect(200);
    assert_eq!((&assigned["tray"], &assigned["person_id"]), (&json!("assigned"), &json!(lead)));
    assert_eq!(assigned["ended"]["enrollments"], 1);
    assert_eq!(at.rep.post(&format!("/inbound/{message}/assign"), whose).await.refusal(), (409, "decided", ""));
    assert_eq!(at.rep.order(&format!("/inbound/{message}/ignore")).await.refusal(), (409, "decided", ""));
}

#[tokio::test]
async fn a_message_that_is_ignored_leaves_the_tray() {
    let at = Installation::new().await;
    let mailbox = at.rep.mailbox("rita@acme.test").await;
    let message = message(&at, &mailbox, 1).await;
    let ignored = at.rep.order(&format!("/inbound/{message}/ignore")).await.expect(200);
    assert_eq!((&ignored["tray"], &ignored["released"]), (&json!("ignored"), &json!(0)));
    assert_eq!(ids(&at.rep.get("/inbound?tray=open").await.expect(200)).len(), 0);
}
