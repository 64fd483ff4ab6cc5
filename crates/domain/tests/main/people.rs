//! Rules of the smaller entities: addresses, suppression keys, schedules, plans, templates, queue order.

use crate::build::{email, id, plan, schedule, step_id, task, wait, window};
use relance_domain::{
    EnrollmentId, PersonId, Timestamp,
    person::{Fields, Kind, check_email, clean_line, email_key, normalized},
    quota::SlotOrder,
    schedule::{Day, Schedule, ScheduleZone, WindowFor},
    sequence::{MAX_STEPS, Plan},
    step::{TaskMode, Wait, WaitUnit},
    suppression::{keys_of, parse_entry},
};

#[test]
fn addresses_compare_without_case_in_idn_form_with_their_plus_tag() {
    assert_eq!(email_key(" Ana+News@BÜCHER.example ").as_deref(), Some("ana+news@xn--bcher-kva.example"));
    assert_eq!(email_key("ana@xn--bcher-kva.example"), email_key("ANA@bücher.EXAMPLE"));
    assert_ne!(email_key("ana+a@x.example"), email_key("ana@x.example"));
    assert_eq!(email_key("nobody"), None);
}

#[test]
fn an_address_that_cannot_be_written_to_is_refused_with_what_is_wrong() {
    for good in ["a@b.example", "first.last+tag@sub.b.example", "ana@bücher.example", "x@localhost"] {
        assert_eq!(check_email(good), Ok(()), "{good}");
    }
    let wrong = [
        ("ana", "has no @"),
        ("@b.example", "missing"),
        ("ana@", "missing"),
        ("ana@b", "domain ending"),
        ("ana b@b.example", "spaces"),
        ("Ana <ana@b.example>", "angle brackets"),
        ("a@b.example,c@d.example", "commas"),
        ("a@@b.example", "not a valid"),
        ("a..b@b.example", "not a valid"),
    ];
    for (address, words) in wrong {
        let refused = check_email(address).expect_err(address);
        assert!(refused.message.contains(words), "{address}: {}", refused.message);
    }
}

#[test]
fn a_lead_needs_a_last_name_or_an_organisation_and_a_contact_its_name() {
    let nobody = Fields::default();
    assert!(nobody.check(Kind::Lead).is_err());
    let organisation = Fields { organization_name: "Halden".into(), ..Fields::default() };
    assert_eq!(organisation.check(Kind::Lead), Ok(()));
    assert!(organisation.check(Kind::Contact).is_err());
    let company = Fields { is_organization: true, ..organisation.clone() };
    assert_eq!(company.check(Kind::Contact), Ok(()));
    let wrong = Fields {
        email: "x".into(),
        other_emails: vec!["a@b.example".into(), "y".into()],
        time_zone: "Mars/Base".into(),
        ..organisation
    };
    let fields: Vec<_> = wrong.check(Kind::Lead).unwrap_err().into_iter().filter_map(|refused| refused.field).collect();
    assert_eq!(fields, ["email", "other_emails[1]", "time_zone"]);
}

#[test]
fn foreign_text_is_cleaned_at_the_boundary() {
    assert_eq!(clean_line(" a\0b\r\nc "), "a b  c");
    let mut fields = Fields {
        last_name: " O'Neil\0 ".into(),
        tags: vec!["vip".into(), " vip ".into(), String::new()],
        description: "two\nlines\0".into(),
        ..Fields::default()
    };
    fields.clean();
    assert_eq!(
        (fields.last_name.as_str(), fields.tags.len(), fields.description.as_str()),
        ("O'Neil", 1, "two\nlines")
    );
    assert_eq!(normalized("  Éva  NAGY\u{a0}Straße "), "eva nagy straße");
}

#[test]
fn an_address_is_listed_by_itself_its_domain_and_the_domains_above() {
    assert_eq!(keys_of("Ana@Mail.B.example"), ["ana@mail.b.example", "mail.b.example", "b.example"]);
    assert_eq!(keys_of("nobody"), Vec::<String>::new());
    assert_eq!(parse_entry(" @B.example ").as_deref(), Some("b.example"));
    assert_eq!(parse_entry("Ana@B.example").as_deref(), Some("ana@b.example"));
    assert_eq!(parse_entry("com"), None);
    assert_eq!(parse_entry("a b.example"), None);
}

#[test]
fn a_schedule_must_open_for_first_emails_and_for_follow_ups() {
    assert_eq!(Schedule::default().check(), Ok(()));
    let code = |schedule: Schedule| schedule.check().unwrap_err().code;
    let all = vec![window("09:00", "17:00", WindowFor::All)];
    assert_eq!(code(schedule(&[], all.clone())), "required");
    assert_eq!(code(schedule(&Day::ALL, vec![window("09:00", "09:00", WindowFor::All)])), "empty_window");
    assert_eq!(code(schedule(&Day::ALL, vec![window("09:00", "10:00", WindowFor::First)])), "required");
    let zone = Schedule { time_zone: ScheduleZone::Named("Mars/Base".into()), ..schedule(&Day::ALL, all) };
    assert_eq!(code(zone), "unknown_time_zone");
    let json = r#"{"days":["mon"],"windows":[{"from":"09:00","to":"24:00"}],"time_zone":"Europe/Paris","holidays":["2026-12-25"]}"#;
    let read: Schedule = serde_json::from_str(json).unwrap();
    assert_eq!(read.windows, [window("09:00", "24:00", WindowFor::All)]);
    assert_eq!(serde_json::from_str::<Schedule>(&serde_json::to_string(&read).unwrap()).unwrap(), read);
}

#[test]
fn a_plan_says_everything_that_keeps_it_from_being_activated() {
    let fields = |plan: &Plan| -> Vec<String> {
        plan.check().err().unwrap_or_default().into_iter().filter_map(|refused| refused.field).collect()
    };
    assert_eq!(fields(&Plan::default()), ["steps"]);
    let good = plan(vec![email(1, Wait::IMMEDIATELY), task(2, wait(1, WaitUnit::Days), TaskMode::Wait)], None);
    assert_eq!(fields(&good), Vec::<String>::new());
    let many = plan((0..=MAX_STEPS as u128).map(|n| email(n, Wait::IMMEDIATELY)).collect(), None);
    assert_eq!(fields(&many), ["steps"]);
    let mut bad = good.clone();
    let relance_domain::step::Action::AutomatedEmail { email: text } = &mut bad.steps[0].action else { panic!() };
    (text.subject, text.body_text) = ("{{ person.nick }}".into(), String::new());
    assert_eq!(fields(&bad), ["steps[0].email.body_html", "steps[0].email.subject"]);
    let threaded = {
        let mut plan = plan(vec![email(1, Wait::IMMEDIATELY), email(2, Wait::IMMEDIATELY)], None);
        let relance_domain::step::Action::AutomatedEmail { email: text } = &mut plan.steps[1].action else { panic!() };
        (text.subject, text.reply_in_thread) = (String::new(), true);
        plan
    };
    assert_eq!(fields(&threaded), Vec::<String>::new(), "a reply in thread needs no subject");
    assert!(good.has_email() && good.is_first_email(step_id(1)) && !good.is_first_email(step_id(2)));
}

#[test]
fn slots_go_to_moved_ones_then_follow_ups_then_the_longest_then_the_earliest_due() {
    let time = Timestamp::from_ms;
    let order = |moved, first, position, due, enrolled, n| {
        SlotOrder::new(
            moved,
            first,
            position,
            time(due),
            time(enrolled),
            PersonId::from_uuid(id(1)),
            EnrollmentId::from_uuid(id(n)),
        )
    };
    let expected = [
        order(true, true, 1, 90, 9, 1),
        order(false, false, 4, 80, 9, 2),
        order(false, false, 2, 10, 9, 3),
        order(false, false, 2, 20, 9, 4),
        order(false, true, 1, 5, 1, 5),
        order(false, true, 1, 5, 2, 6),
        order(false, true, 1, 5, 2, 7),
    ];
    let mut sorted = expected;
    sorted.reverse();
    sorted.sort();
    assert_eq!(sorted, expected);
}
