//! `inbound.rs`.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{begin, made},
};
use relance_domain::{
    MailboxId, Timestamp,
    inbound::{Effect, Evidence, Judgement, Kind, Match, Rule},
};
use relance_storage::inbound::{self, InboundFilter, InboundMessage, InboundView, Tray};

fn message(n: u128, mailbox: MailboxId) -> InboundMessage {
    let received = i64::try_from(n).expect("small");
    InboundMessage {
        id: id(n),
        mailbox_id: mailbox,
        identity: n.to_be_bytes().to_vec(),
        folder: "INBOX".to_owned(),
        uid_validity: u32::MAX,
        uid: 7,
        message_id: Some(format!("{n}@prospect.example")),
        from_address: "maya@prospect.example".to_owned(),
        from_name: "Maya".to_owned(),
        subject: "Re: Hello".to_owned(),
        sent_at: None,
        received_at: at(received),
        judgement: Judgement {
            kind: Kind::Reply { visible_text: "Yes, \0 please".to_owned(), quoted_text: String::new() },
            evidence: vec![Evidence::new(Rule::NothingAutomatic, "")],
        },
        matched_by: Some(Match::ThreadFromElsewhere),
        person_id: None,
        enrollment_id: None,
        delivery_id: None,
        effect: Effect::HoldForReview { why: "Someone else answered.".to_owned() },
        tray: Tray::None,
        visible_text: "Yes, please".to_owned(),
        quoted_text: "> Hello".to_owned(),
    }
}

fn ids(views: &[InboundView]) -> Vec<relance_domain::InboundId> {
    views.iter().map(|view| view.message.id).collect()
}

#[tokio::test]
async fn a_message_is_stored_once_per_mailbox_and_reads_back() {
    on_both("inbound once", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let other = fixtures::mailbox(&mut tx, 5, made.user).await;
        let stored = made.enrolled(&mut tx, 10, at(0)).await;
        let first = InboundMessage {
            person_id: Some(stored.enrollment.person_id),
            enrollment_id: Some(stored.enrollment.id),
            ..message(20, made.mailbox)
        };
        assert!(inbound::insert(&mut tx, &first, Some(b"raw \0 bytes")).await.expect("stored"));
        let again = InboundMessage { id: id(21), uid: 8, ..first.clone() };
        assert!(!inbound::insert(&mut tx, &again, None).await.expect("asked"));
        let elsewhere = InboundMessage { id: id(22), mailbox_id: other, ..message(20, other) };
        assert!(inbound::insert(&mut tx, &elsewhere, None).await.expect("stored"));
        let found = inbound::find(&mut tx, first.id).await.expect("read").expect("there");
        assert_eq!(found, first);
        assert_eq!(inbound::raw(&mut tx, first.id).await.expect("read").as_deref(), Some(&b"raw \0 bytes"[..]));
        assert_eq!(inbound::raw(&mut tx, elsewhere.id).await.expect("read"), None);
        assert_eq!(inbound::find_many(&mut tx, &[id(20), id(22), id(99)]).await.expect("read").len(), 2);
        let asked = [first.identity.clone(), vec![9]];
        assert_eq!(
            inbound::known(&mut tx, made.mailbox, &asked).await.expect("read"),
            std::slice::from_ref(&first.identity)
        );
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn every_way_to_match_and_every_effect_reads_back() {
    on_both("inbound words", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let ways = [Match::Thread, Match::Sender, Match::ColleagueInThread, Match::ThreadFromElsewhere, Match::None];
        for (n, way) in (20..).zip(ways) {
            let stored = InboundMessage { matched_by: Some(way), ..message(n, made.mailbox) };
            assert!(inbound::insert(&mut tx, &stored, None).await.expect("stored"));
            assert_eq!(inbound::find(&mut tx, stored.id).await.expect("read"), Some(stored));
        }
        let unmatched = InboundMessage { matched_by: None, message_id: None, ..message(30, made.mailbox) };
        assert!(inbound::insert(&mut tx, &unmatched, None).await.expect("stored"));
        assert_eq!(inbound::find(&mut tx, unmatched.id).await.expect("read"), Some(unmatched.clone()));
        let effect = Effect::PauseForBusinessDays { days: 5 };
        inbound::set_effect(&mut tx, unmatched.id, &effect).await.expect("set");
        assert_eq!(inbound::find(&mut tx, unmatched.id).await.expect("read").expect("there").effect, effect);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn the_tray_holds_what_is_open_and_an_entry_is_closed_once() {
    on_both("tray", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let person = fixtures::person(&mut tx, 10).await;
        for n in 20..23 {
            let open = InboundMessage { tray: Tray::Open, person_id: Some(person), ..message(n, made.mailbox) };
            assert!(inbound::insert(&mut tx, &open, None).await.expect("stored"));
        }
        assert!(inbound::insert(&mut tx, &message(23, made.mailbox), None).await.expect("stored"));
        let first = inbound::tray(&mut tx, None, 2).await.expect("read");
        assert_eq!(ids(&first), [id(22), id(21)]);
        assert_eq!(first[0].person_name.as_deref(), Some("Person number 10"));
        assert_eq!(first[0].mailbox_address, "box2@team.example");
        assert_eq!(ids(&inbound::tray(&mut tx, Some((at(21), id(21))), 2).await.expect("read")), [id(20)]);
        let other = fixtures::person(&mut tx, 11).await;
        assert!(inbound::set_tray(&mut tx, id(20), Tray::Assigned, Some(other)).await.expect("set"));
        assert!(!inbound::set_tray(&mut tx, id(20), Tray::Ignored, None).await.expect("asked"));
        assert!(inbound::set_tray(&mut tx, id(21), Tray::Ignored, None).await.expect("set"));
        let found = inbound::find(&mut tx, id(20)).await.expect("read").expect("there");
        assert_eq!((found.tray, found.person_id), (Tray::Assigned, Some(other)));
        assert_eq!(inbound::tray_count(&mut tx).await.expect("read"), 1);
        assert!(!inbound::has_open(&mut tx, person, id(22)).await.expect("read"));
        assert!(inbound::has_open(&mut tx, person, id(21)).await.expect("read"));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn messages_are_listed_by_person_kind_and_mailbox_latest_first() {
    on_both("inbound list", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let other = fixtures::mailbox(&mut tx, 5, made.user).await;
        let person = fixtures::person(&mut tx, 10).await;
        let automatic = Judgement { kind: Kind::Own, evidence: vec![] };
        let all = [
            InboundMessage { person_id: Some(person), ..message(20, made.mailbox) },
            InboundMessage { judgement: automatic, person_id: Some(person), ..message(21, made.mailbox) },
            message(22, other),
        ];
        for message in &all {
            assert!(inbound::insert(&mut tx, message, None).await.expect("stored"));
        }
        assert_eq!(ids(&inbound::of_person(&mut tx, person, 9).await.expect("read")), [id(21), id(20)]);
        let before = Timestamp::from_ms(0);
        let replies = inbound::replies_for(&mut tx, made.user, before, 9).await.expect("read");
        assert_eq!((ids(&replies), replies[0].person_name.as_deref()), (vec![id(22), id(20)], None));
        let latest = replies[0].message.received_at;
        assert_eq!(ids(&inbound::replies_for(&mut tx, made.user, latest, 9).await.expect("read")), []);
        let nobody = fixtures::user(&mut tx, 77).await;
        assert_eq!(ids(&inbound::replies_for(&mut tx, nobody, before, 9).await.expect("read")), []);
        let own = InboundFilter { kinds: &["own"], ..InboundFilter::default() };
        assert_eq!(ids(&inbound::page(&mut tx, own, None, 9).await.expect("read")), [id(21)]);
        tx.commit().await.expect("commit");
    })
    .await;
}
