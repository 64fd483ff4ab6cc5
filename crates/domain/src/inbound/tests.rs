//! The tables of matching and effects.

use jiff::civil::Date;

use super::*;
use crate::sequence::{ExitRules, OnBounce, OnColleagueReply};
use crate::time::Timestamp;

fn reply() -> Kind {
    Kind::Reply { visible_text: "Yes".into(), quoted_text: String::new() }
}

fn auto(return_date: Option<Date>) -> Kind {
    Kind::AutoReply { return_date, sentence: None }
}

fn bounce(hardness: Hardness) -> Kind {
    Kind::Bounce(Bounce {
        hardness,
        status: None,
        diagnostic: None,
        recipients: vec!["ada@acme.com".into()],
        failures: Vec::new(),
        original_message_id: None,
    })
}

fn doubtful() -> Kind {
    Kind::Doubtful { why: "It may be automatic.".into() }
}

fn complaint(feedback_type: &str) -> Kind {
    Kind::Complaint {
        feedback_type: feedback_type.into(),
        recipient: Some("Ada@acme.com".into()),
        original_message_id: None,
    }
}

fn timing() -> Timing {
    Timing {
        received_at: Timestamp::from_ms(2_000),
        first_sent_at: Some(Timestamp::from_ms(1_000)),
        last_sent_at: Some(Timestamp::from_ms(1_500)),
        unfinished: true,
    }
}

fn held(effect: &Effect) -> bool {
    matches!(effect, Effect::HoldForReview { .. })
}

#[test]
fn the_effect_table() {
    let rules = ExitRules::default();
    let date = jiff::civil::date(2026, 11, 30);
    let cases = [
        (reply(), Match::Thread, Effect::EndAll),
        (reply(), Match::Sender, Effect::EndAll),
        (reply(), Match::None, Effect::Ignore),
        (auto(Some(date)), Match::Thread, Effect::PauseUntil { date }),
        (auto(Some(date)), Match::Sender, Effect::PauseUntil { date }),
        (auto(None), Match::Thread, Effect::PauseForBusinessDays { days: 5 }),
        (auto(None), Match::ThreadFromElsewhere, Effect::PauseForBusinessDays { days: 5 }),
        (auto(None), Match::ColleagueInThread, Effect::RecordOnly),
        (bounce(Hardness::Hard), Match::Thread, Effect::BlockBounced),
        (bounce(Hardness::Hard), Match::Sender, Effect::BlockBounced),
        (bounce(Hardness::Hard), Match::None, Effect::Ignore),
        (bounce(Hardness::Soft), Match::Thread, Effect::RecordOnly),
        (bounce(Hardness::Delayed), Match::Thread, Effect::RecordOnly),
        (bounce(Hardness::Delivered), Match::Thread, Effect::RecordOnly),
        (complaint("abuse"), Match::Thread, Effect::Complain),
        (complaint("not-spam"), Match::Thread, Effect::RecordOnly),
        (Kind::UnsubscribeRequest, Match::Thread, Effect::Unsubscribe),
        (Kind::UnsubscribeRequest, Match::Sender, Effect::Unsubscribe),
        (Kind::Own, Match::Thread, Effect::Ignore),
        (Kind::Other { what: "read receipt".into() }, Match::Thread, Effect::RecordOnly),
        (Kind::Unreadable { why: "too long".into() }, Match::None, Effect::Tray { why: "too long".into() }),
    ];
    for (kind, matched, expected) in cases {
        assert_eq!(effect(&kind, matched, &rules, &timing()), expected, "{kind:?} {matched:?}");
    }
}

#[test]
fn what_is_not_certain_is_held() {
    let rules = ExitRules::default();
    for (kind, matched) in [
        (doubtful(), Match::Thread),
        (doubtful(), Match::Sender),
        (doubtful(), Match::ColleagueInThread),
        (Kind::Unreadable { why: "too long".into() }, Match::Sender),
        (reply(), Match::ColleagueInThread),
        (reply(), Match::ThreadFromElsewhere),
        (Kind::UnsubscribeRequest, Match::ColleagueInThread),
    ] {
        assert!(held(&effect(&kind, matched, &rules, &timing())), "{kind:?} {matched:?}");
    }
}

#[test]
fn the_exit_rules_choose_for_bounces_and_colleagues() {
    let finish = ExitRules { on_bounce: OnBounce::Finish, ..ExitRules::default() };
    assert_eq!(effect(&bounce(Hardness::Hard), Match::Thread, &finish, &timing()), Effect::FinishBounced);
    let go_on = ExitRules { on_colleague_reply: OnColleagueReply::Continue, ..ExitRules::default() };
    assert_eq!(effect(&reply(), Match::ColleagueInThread, &go_on, &timing()), Effect::RecordOnly);
    let stop = ExitRules { on_colleague_reply: OnColleagueReply::Stop, ..ExitRules::default() };
    assert_eq!(effect(&reply(), Match::ColleagueInThread, &stop, &timing()), Effect::EndAll);
    assert!(held(&effect(&doubtful(), Match::ColleagueInThread, &stop, &timing())));
}

#[test]
fn fresh_mail_before_the_first_or_long_after_the_last_email_is_held() {
    let rules = ExitRules::default();
    let never = Timing { first_sent_at: None, last_sent_at: None, ..timing() };
    assert!(held(&effect(&reply(), Match::Sender, &rules, &never)));
    let before = Timing { received_at: Timestamp::from_ms(999), ..timing() };
    assert!(held(&effect(&reply(), Match::Sender, &rules, &before)));
    let late = Timing { received_at: Timestamp::from_ms(1_500 + LONG_AFTER_MS + 1), ..timing() };
    assert!(held(&effect(&reply(), Match::Sender, &rules, &late)));
    let just = Timing { received_at: Timestamp::from_ms(1_500 + LONG_AFTER_MS), ..timing() };
    assert_eq!(effect(&reply(), Match::Sender, &rules, &just), Effect::EndAll);
    assert_eq!(effect(&reply(), Match::Thread, &rules, &late), Effect::EndAll);
}

#[test]
fn after_the_end_answers_are_recorded_but_wishes_and_bounces_still_count() {
    let rules = ExitRules::default();
    let over = Timing { unfinished: false, ..timing() };
    for kind in [reply(), auto(None), doubtful()] {
        assert_eq!(effect(&kind, Match::Thread, &rules, &over), Effect::RecordOnly);
    }
    assert_eq!(effect(&Kind::UnsubscribeRequest, Match::Sender, &rules, &over), Effect::Unsubscribe);
    assert_eq!(effect(&complaint("abuse"), Match::Thread, &rules, &over), Effect::Complain);
    assert_eq!(effect(&bounce(Hardness::Hard), Match::Thread, &rules, &over), Effect::BlockBounced);
}

#[test]
fn a_message_belongs_by_thread_sender_or_company() {
    let addresses = ["ada@acme.com".to_owned(), "ada@home.example".to_owned()];
    let ada = Correspondent { name: Some("Ada Lovelace"), addresses: &addresses };
    let cases = [
        (reply(), true, "ADA@acme.com", None, Match::Thread),
        (reply(), false, "ada+news@acme.com", None, Match::Sender),
        (reply(), true, "bob@mail.acme.com", Some("Bob"), Match::ColleagueInThread),
        (reply(), true, "lovelace@acme.com", Some("Lovelace, Ada"), Match::Thread),
        (reply(), true, "x@gmail.com", Some("Bob"), Match::ThreadFromElsewhere),
        (reply(), true, "x@gmail.com", Some("Ada Lovelace"), Match::Thread),
        (reply(), false, "bob@acme.com", None, Match::None),
        (bounce(Hardness::Hard), true, "mailer-daemon@mx.acme.com", None, Match::Thread),
        (bounce(Hardness::Hard), false, "mailer-daemon@relay.example", None, Match::Sender),
        (complaint("abuse"), false, "fbl@provider.example", None, Match::Sender),
        (auto(None), true, "noreply@acme.com", None, Match::ColleagueInThread),
    ];
    for (kind, in_thread, sender, name, expected) in cases {
        assert_eq!(belongs(&kind, in_thread, sender, name, ada), expected, "{sender} {name:?}");
    }
}

#[test]
fn the_company_is_the_registrable_domain_and_never_a_free_mail_provider() {
    assert_eq!(company_domain("a@x.acme.co.uk").as_deref(), Some("acme.co.uk"));
    assert_eq!(company_domain("a@ACME.com.").as_deref(), Some("acme.com"));
    for free in ["a@gmail.com", "a@yahoo.co.jp", "a@hotmail.fr", "a@gmx.de", "a@mail.ru", "a@outlook.com.br"] {
        assert_eq!(company_domain(free), None, "{free}");
    }
    assert_eq!(company_domain("a@yahoo.acme.com").as_deref(), Some("acme.com"));
    assert_eq!(company_domain("nonsense"), None);
    assert!(!same_company("a@gmail.com", "b@gmail.com"));
    assert!(same_company("a@de.acme.com", "b@acme.com"));
}

#[test]
fn evidence_reads_as_a_sentence() {
    let evidence = Evidence::new(Rule::AutoSubmitted, "auto-replied");
    assert_eq!(evidence.sentence(), "It says that it was sent automatically: auto-replied");
    assert_eq!(Evidence::new(Rule::ReadReceipt, "").sentence(), "It is a read receipt.");
}

#[test]
fn a_judgement_survives_storage_as_json() {
    let judgement = Judgement {
        kind: auto(Some(jiff::civil::date(2026, 11, 30))),
        evidence: vec![Evidence::new(Rule::AutoSubmitted, "auto-replied")],
    };
    let json = serde_json::to_string(&judgement).unwrap();
    assert!(json.contains("\"kind\":\"auto_reply\""), "{json}");
    assert_eq!(serde_json::from_str::<Judgement>(&json).unwrap(), judgement);
}

#[test]
fn a_bounce_names_its_code_once() {
    let words = |status: Option<&str>, said: Option<&str>| {
        let Kind::Bounce(mut bounce) = bounce(Hardness::Hard) else { unreachable!("made as a bounce") };
        bounce.status = status.map(str::to_owned);
        bounce.diagnostic = said.map(str::to_owned);
        bounce.words()
    };
    assert_eq!(words(Some("5.1.1"), Some("550 5.1.1 User unknown")), "550 5.1.1 User unknown");
    assert_eq!(words(Some("5.1.1"), Some("550 unknown")), "5.1.1 550 unknown");
    assert_eq!(words(None, Some("550 unknown")), "550 unknown");
    assert_eq!(words(Some("5.1.1"), None), "5.1.1");
    assert_eq!(words(None, None), "no such mailbox");
}

#[test]
fn a_report_about_several_addresses_concerns_each_person_with_their_own() {
    let of = |recipient: &str, hardness| Failure {
        recipient: recipient.into(),
        hardness,
        status: None,
        diagnostic: Some(format!("about {recipient}")),
    };
    let Kind::Bounce(mut report) = bounce(Hardness::Soft) else { panic!("no bounce") };
    report.failures = vec![of("ada@acme.example", Hardness::Hard), of("bob@acme.example", Hardness::Soft)];
    assert_eq!(report.concerning(&["Ada@Acme.example".into()]).hardness, Hardness::Hard);
    assert_eq!(report.concerning(&["bob@acme.example".into()]).diagnostic.as_deref(), Some("about bob@acme.example"));
    assert_eq!(report.concerning(&["eve@acme.example".into()]), report);
}
