use crate::build::{at, date, local, mailbox, person, schedule, spaced, wait, window, workspace};
use jiff::tz::TimeZone;
use relance_domain::{
    calendar::{LocalSchedule, ZoneSource, place, time_words, zone_of, zone_of_country},
    mailbox::{Away, Mailbox, RampUp},
    quota,
    schedule::{Day, Schedule, ScheduleZone, WindowFor},
    step::WaitUnit,
    time::zone,
};

fn in_zone<'a>(schedule: &'a Schedule, name: &str) -> LocalSchedule<'a> {
    LocalSchedule::new(Some(schedule), zone(name).unwrap())
}

fn zone_name(country: &str) -> Option<String> {
    zone_of_country(country).and_then(|zone| zone.iana_name().map(str::to_owned))
}

#[test]
fn a_country_has_a_zone_only_if_all_its_places_keep_the_same_time() {
    assert_eq!(zone_name("FR").as_deref(), Some("Europe/Paris"));
    assert_eq!(zone_name(" france ").as_deref(), Some("Europe/Paris"));
    assert_eq!(zone_name("Germany").as_deref(), Some("Europe/Berlin"));
    assert_eq!(zone_name("United Kingdom").as_deref(), Some("Europe/London"));
    assert_eq!(zone_name("UK").as_deref(), Some("Europe/London"));
    assert_eq!(zone_name("South Korea").as_deref(), Some("Asia/Seoul"));
    for several in ["US", "United States", "Portugal", "Spain", "Australia", "", "Atlantis", "XX"] {
        assert_eq!(zone_name(several), None, "{several}");
    }
}

#[test]
fn every_country_of_the_table_has_a_zone_that_exists() {
    for code in ('A'..='Z').flat_map(|a| ('A'..='Z').map(move |b| format!("{a}{b}"))) {
        if let Some(zone) = zone_of_country(&code) {
            assert!(zone.iana_name().is_some_and(|name| name.contains('/')), "{code}");
        }
    }
    assert_eq!(zone_name("de").as_deref(), Some("Europe/Berlin"));
    assert_eq!(zone_name("ZW").as_deref(), Some("Africa/Harare"));
}

#[test]
fn the_zone_is_the_persons_then_the_reps_then_the_workspaces() {
    let (mut person, workspace) = (person(), workspace());
    let rep = TimeZone::get("Europe/Oslo").unwrap();
    let found = |person: &_, schedule: &Schedule, rep: Option<&TimeZone>| {
        let (zone, source) = zone_of(Some(schedule), person, rep, &workspace);
        (zone.iana_name().unwrap().to_owned(), source)
    };
    let mut schedule = Schedule::default();
    assert_eq!(found(&person, &schedule, Some(&rep)), ("Europe/Lisbon".into(), ZoneSource::Person));
    person.fields.time_zone.clear();
    person.fields.address.country = "Japan".into();
    assert_eq!(found(&person, &schedule, Some(&rep)), ("Asia/Tokyo".into(), ZoneSource::Country));
    person.fields.address.country = "Brazil".into();
    assert_eq!(found(&person, &schedule, Some(&rep)), ("Europe/Oslo".into(), ZoneSource::Actor));
    assert_eq!(found(&person, &schedule, None), ("Europe/Berlin".into(), ZoneSource::Workspace));
    schedule.time_zone = ScheduleZone::Actor;
    person.fields.time_zone = "Asia/Tokyo".into();
    assert_eq!(found(&person, &schedule, Some(&rep)), ("Europe/Oslo".into(), ZoneSource::Actor));
    schedule.time_zone = ScheduleZone::Named("America/New_York".into());
    assert_eq!(found(&person, &schedule, Some(&rep)), ("America/New_York".into(), ZoneSource::Schedule));
}

#[test]
fn hours_elapse_and_days_keep_the_local_time_over_a_change_of_the_clock() {
    let schedule = Schedule::default();
    let paris = in_zone(&schedule, "Europe/Paris");
    let saturday = at("2026-03-28T10:00[Europe/Paris]");
    let after = |amount, unit| local(paris.add_wait(saturday, wait(amount, unit)), "Europe/Paris");
    assert_eq!(after(0, WaitUnit::Days), "Sat 2026-03-28 10:00");
    assert_eq!(after(90, WaitUnit::Minutes), "Sat 2026-03-28 11:30");
    assert_eq!(after(24, WaitUnit::Hours), "Sun 2026-03-29 11:00");
    assert_eq!(after(1, WaitUnit::Days), "Sun 2026-03-29 10:00");
    assert_eq!(after(1, WaitUnit::BusinessDays), "Mon 2026-03-30 10:00");
    assert_eq!(after(5, WaitUnit::BusinessDays), "Fri 2026-04-03 10:00");
}

#[test]
fn business_days_skip_days_without_sending_and_holidays() {
    let schedule =
        Schedule { holidays: vec![date("2026-12-25").into(), date("2026-12-28").into()], ..Schedule::default() };
    let from = at("2026-12-24T16:30[Europe/Paris]");
    let paris = in_zone(&schedule, "Europe/Paris");
    let next = paris.add_wait(from, wait(1, WaitUnit::BusinessDays));
    assert_eq!(local(next, "Europe/Paris"), "Tue 2026-12-29 16:30");
    let any_time = LocalSchedule::new(None, zone("Europe/Paris").unwrap());
    let next = any_time.add_wait(at("2026-12-25T16:30[Europe/Paris]"), wait(1, WaitUnit::BusinessDays));
    assert_eq!(local(next, "Europe/Paris"), "Mon 2026-12-28 16:30");
}

#[test]
fn a_wait_of_centuries_ends_without_hanging() {
    let schedule = Schedule::default();
    let from = at("2026-12-24T16:30[Europe/Paris]");
    let far = in_zone(&schedule, "Europe/Paris").add_wait(from, wait(100_000, WaitUnit::BusinessDays));
    assert!(far > from);
}

#[test]
fn outside_the_window_it_moves_to_the_next_opening() {
    let schedule = Schedule::default();
    let lisbon = in_zone(&schedule, "Europe/Lisbon");
    let next = |text: &str| {
        let opening = lisbon.next_open(at(text), false).unwrap();
        (local(opening.at, "Europe/Lisbon"), opening.moved)
    };
    assert_eq!(next("2026-11-24T09:48[Europe/Lisbon]"), ("Tue 2026-11-24 09:48".into(), false));
    assert_eq!(next("2026-11-24T08:59:59[Europe/Lisbon]"), ("Tue 2026-11-24 09:00".into(), true));
    assert_eq!(next("2026-11-24T17:00[Europe/Lisbon]"), ("Wed 2026-11-25 09:00".into(), true));
    assert_eq!(next("2026-11-27T17:00[Europe/Lisbon]"), ("Mon 2026-11-30 09:00".into(), true));
}

#[test]
fn first_emails_and_follow_ups_have_their_own_windows() {
    let windows = vec![
        window("09:00", "11:00", WindowFor::First),
        window("13:00", "17:00", WindowFor::FollowUp),
        window("20:00", "24:00", WindowFor::All),
    ];
    let schedule = schedule(&Day::ALL, windows);
    let lisbon = in_zone(&schedule, "Europe/Lisbon");
    let noon = at("2026-11-24T12:00[Europe/Lisbon]");
    assert_eq!(local(lisbon.next_open(noon, true).unwrap().at, "Europe/Lisbon"), "Tue 2026-11-24 20:00");
    assert_eq!(local(lisbon.next_open(noon, false).unwrap().at, "Europe/Lisbon"), "Tue 2026-11-24 13:00");
    assert!(lisbon.is_open(at("2026-11-24T23:59:59[Europe/Lisbon]"), true));
}

#[test]
fn a_time_that_the_spring_change_skips_is_the_next_valid_instant() {
    let nights = schedule(&Day::ALL, vec![window("02:15", "05:00", WindowFor::All)]);
    let paris = in_zone(&nights, "Europe/Paris");
    let opening = paris.next_open(at("2026-03-29T01:00[Europe/Paris]"), true).unwrap();
    assert_eq!(local(opening.at, "Europe/Paris"), "Sun 2026-03-29 03:00");
    let wanted = paris.add_wait(at("2026-03-28T02:30[Europe/Paris]"), wait(1, WaitUnit::Days));
    assert_eq!(local(wanted, "Europe/Paris"), "Sun 2026-03-29 03:00");
    let gone = schedule(&Day::ALL, vec![window("02:00", "03:00", WindowFor::All)]);
    let opening = in_zone(&gone, "Europe/Paris").next_open(at("2026-03-29T01:00[Europe/Paris]"), true).unwrap();
    assert_eq!(local(opening.at, "Europe/Paris"), "Mon 2026-03-30 02:00");
}

#[test]
fn a_time_that_the_autumn_change_repeats_is_the_first() {
    let nights = schedule(&Day::ALL, vec![window("02:30", "02:45", WindowFor::All)]);
    let paris = in_zone(&nights, "Europe/Paris");
    let evening = at("2026-10-24T20:00[Europe/Paris]");
    let first = paris.next_open(evening, true).unwrap().at;
    assert_eq!(first, at("2026-10-25T02:30+02:00[Europe/Paris]"));
    let second = paris.next_open(at("2026-10-25T02:50+02:00[Europe/Paris]"), true).unwrap().at;
    assert_eq!(second, at("2026-10-25T02:30+01:00[Europe/Paris]"));
    let wanted = paris.add_wait(at("2026-10-24T02:30[Europe/Paris]"), wait(1, WaitUnit::Days));
    assert_eq!(wanted, at("2026-10-25T02:30+02:00[Europe/Paris]"));
}

#[test]
fn a_schedule_that_never_opens_is_none() {
    let mut never = schedule(&[], Schedule::default().windows);
    let from = at("2026-11-24T09:00[Europe/Lisbon]");
    assert_eq!(in_zone(&never, "Europe/Lisbon").next_open(from, true), None);
    never = schedule(&Day::ALL, vec![window("09:00", "10:00", WindowFor::First)]);
    assert_eq!(in_zone(&never, "Europe/Lisbon").next_open(from, false), None);
}

#[test]
fn times_are_worded_as_near_as_they_are() {
    let lisbon = zone("Europe/Lisbon").unwrap();
    let now = at("2026-11-24T09:48[Europe/Lisbon]");
    assert_eq!(time_words(at("2026-11-24T13:02[Europe/Lisbon]"), now, &lisbon), "13:02");
    assert_eq!(time_words(at("2026-12-01T13:02[Europe/Lisbon]"), now, &lisbon), "Tue 1 Dec, 13:02");
    assert_eq!(time_words(at("2027-12-01T13:02[Europe/Lisbon]"), now, &lisbon), "Wed 1 Dec 2027, 13:02");
    assert_eq!(place(&zone("America/New_York").unwrap()), "New York");
    assert_eq!(place(&TimeZone::UTC), "UTC");
}

#[test]
fn quota_days_are_those_of_the_mailbox_and_skip_away_dates() {
    let mut mailbox = mailbox();
    mailbox.away = vec![Away { from: date("2026-11-26"), to: date("2026-11-27") }];
    let now = at("2026-11-24T23:30[Europe/London]");
    assert_eq!(quota::day_of(&mailbox, now), date("2026-11-25"));
    assert_eq!(
        local(mailbox.away_until(at("2026-11-26T12:00[Europe/Berlin]")).unwrap(), "Europe/Berlin"),
        "Sat 2026-11-28 00:00"
    );
    mailbox.daily_quota = 2;
    let slots = quota::slots_after(&mailbox, now, 1);
    let read = |slot: &quota::QuotaSlot| (slot.first, slot.last, local(slot.resumes_at, "Europe/Berlin"));
    let expected = [(2, 3, "Sat 2026-11-28 00:00"), (4, 5, "Sun 2026-11-29 00:00"), (6, 7, "Mon 2026-11-30 00:00")];
    assert_eq!(slots.iter().take(3).map(read).collect::<Vec<_>>(), expected.map(|(a, b, at)| (a, b, at.to_owned())));
    assert!(slots.last().unwrap().last > 1_000_000, "what is beyond shares the last day");
    mailbox.daily_quota = 0;
    assert_eq!(quota::slots_after(&mailbox, now, 0), []);
}

#[test]
fn the_gap_has_up_to_half_of_itself_as_jitter_and_never_moves() {
    let gaps: Vec<i64> = (0..500_u128).map(|seed| quota::gap_ms(&spaced(60), seed * 7_919)).collect();
    assert!(gaps.iter().all(|gap| (60_000..=90_000).contains(gap)));
    assert!(gaps.iter().max() > Some(&85_000) && gaps.iter().min() < Some(&65_000));
    assert_eq!(quota::gap_ms(&spaced(60), 42), quota::gap_ms(&spaced(60), 42));
    assert_eq!(quota::gap_ms(&spaced(0), 42), 0);
}

#[test]
fn a_mailbox_that_warms_up_sends_more_each_day_until_its_quota() {
    let mut mailbox = mailbox();
    mailbox.daily_quota = 45;
    mailbox.ramp_up = Some(RampUp { first_day_quota: 20, daily_increase: 10, started_on: date("2026-03-02") });
    let on = |day: &str| mailbox.quota_on(date(day));
    assert_eq!(
        ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2027-03-05"].map(on),
        [20, 20, 30, 40, 45, 45]
    );
    let ramp_up = mailbox.ramp_up.expect("one");
    assert_eq!(ramp_up.reaches(45), Some(date("2026-03-05")));
    assert_eq!(ramp_up.reaches(10), Some(date("2026-03-02")));
    assert_eq!(RampUp { daily_increase: 0, ..ramp_up }.reaches(45), None);
    mailbox.time_zone = "Europe/Berlin".into();
    let slots = quota::slots_after(&mailbox, at("2026-03-02T10:00[Europe/Berlin]"), 0);
    let ranks: Vec<_> = slots.iter().take(3).map(|slot| (slot.first, slot.last)).collect();
    assert_eq!(ranks, [(1, 30), (31, 70), (71, 115)]);
}

#[test]
fn jitter_is_a_part_of_the_gap_that_can_be_chosen() {
    let gaps = |percent| {
        let mailbox = Mailbox { jitter_percent: percent, ..spaced(60) };
        (0..500_u128).map(|seed| quota::gap_ms(&mailbox, seed * 7_919)).collect::<Vec<i64>>()
    };
    assert!(gaps(0).iter().all(|gap| *gap == 60_000));
    assert!(gaps(100).iter().all(|gap| (60_000..=120_000).contains(gap)) && gaps(100).iter().any(|gap| *gap > 110_000));
}
