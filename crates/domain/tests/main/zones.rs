//! Every IANA zone × every change of its clock from 2020 to 2037.

use crate::build::{at, schedule, wait, window};
use jiff::tz::{AmbiguousOffset, TimeZone};
use relance_domain::{
    Timestamp,
    calendar::LocalSchedule,
    schedule::{Day, MinuteOfDay, WindowFor},
    step::WaitUnit,
    time::{HOUR, MINUTE},
};

/// Minutes around a change at which each rule is tried.
const AROUND: [i64; 11] = [-1_500, -181, -61, -31, -1, 0, 1, 29, 61, 119, 1_440];

fn changes(zone: &TimeZone) -> Vec<Timestamp> {
    let (from, to) = (at("2020-01-01T00:00[UTC]"), at("2038-01-01T00:00[UTC]"));
    zone.following(from.instant())
        .map(|change| Timestamp::from_ms(change.timestamp().as_millisecond()))
        .take_while(|change| *change < to)
        .collect()
}

fn each_change(mut check: impl FnMut(&TimeZone, Timestamp)) -> (usize, usize) {
    let (mut zones, mut count) = (0, 0);
    for name in jiff::tz::db().available() {
        let zone = TimeZone::get(name.as_str()).unwrap();
        zones += 1;
        for change in changes(&zone) {
            check(&zone, change);
            count += 1;
        }
    }
    (zones, count)
}

#[test]
fn an_opening_never_goes_back_and_lies_in_its_window_in_every_zone() {
    let schedules = [
        schedule(&Day::ALL, vec![window("00:00", "00:30", WindowFor::All), window("02:10", "02:50", WindowFor::All)]),
        schedule(&Day::ALL, vec![window("01:15", "03:45", WindowFor::All), window("23:10", "24:00", WindowFor::All)]),
        schedule(&Day::ALL[..5], vec![window("09:00", "17:00", WindowFor::All)]),
    ];
    let (zones, count) = each_change(|zone, change| {
        for schedule in &schedules {
            let local = LocalSchedule::new(Some(schedule), zone.clone());
            for minutes in AROUND {
                let asked = change.plus_ms(minutes * MINUTE);
                let opening = local.next_open(asked, true).unwrap();
                let context = || format!("{zone:?} {asked} {opening:?}");
                assert!(opening.at >= asked, "{}", context());
                assert!(local.is_open(opening.at, true), "{}", context());
                assert_eq!(opening.moved, opening.at != asked, "{}", context());
                assert!(opening.at.since(asked) < 4 * 24 * HOUR, "{}", context());
                let found = opening.at.zoned(zone);
                let minute = found.hour() as u16 * 60 + found.minute() as u16;
                assert!((opening.from.minutes()..opening.to.minutes()).contains(&minute), "{}", context());
                assert_eq!(found.date(), opening.day, "{}", context());
            }
        }
    });
    assert!(zones > 400 && count > 4_000, "{zones} zones, {count} changes");
}

#[test]
fn an_opening_is_the_first_open_minute_in_every_zone() {
    let schedule =
        schedule(&Day::ALL, vec![window("00:30", "01:20", WindowFor::All), window("02:10", "02:50", WindowFor::All)]);
    each_change(|zone, change| {
        let local = LocalSchedule::new(Some(&schedule), zone.clone());
        let asked = change.plus_ms(-90 * MINUTE);
        let opening = local.next_open(asked, true).unwrap().at;
        // Changes of the clock happen at whole minutes.
        let mut minute = asked;
        while minute < opening {
            assert!(!local.is_open(minute, true), "{zone:?}: open at {minute}, not first at {opening}");
            minute = minute.plus_ms(MINUTE);
        }
    });
}

#[test]
fn days_end_at_the_same_local_time_or_the_next_valid_instant_in_every_zone() {
    let week = schedule(&Day::ALL, vec![window("00:00", "24:00", WindowFor::All)]);
    each_change(|zone, change| {
        let local = LocalSchedule::new(Some(&week), zone.clone());
        for minutes in AROUND {
            let from = change.plus_ms((minutes - 2 * 1_440) * MINUTE);
            for days in [1, 2, 3] {
                let ends = local.add_wait(from, wait(days, WaitUnit::Days));
                let business = local.add_wait(from, wait(days, WaitUnit::BusinessDays));
                assert_eq!(ends, business, "{zone:?} {from}");
                assert!(ends > from, "{zone:?} {from}");
                let start = from.zoned(zone).datetime();
                let date = (0..days).fold(start.date(), |date, _| date.tomorrow().unwrap());
                let wanted = date.to_datetime(start.time());
                let got = ends.zoned(zone).datetime();
                match zone.to_ambiguous_timestamp(wanted).offset() {
                    AmbiguousOffset::Unambiguous { .. } => assert_eq!(got, wanted, "{zone:?} {from}"),
                    AmbiguousOffset::Fold { before, .. } => {
                        assert_eq!(got, wanted, "{zone:?} {from}");
                        assert_eq!(ends.zoned(zone).offset(), before, "{zone:?} {from}: not the first");
                    }
                    AmbiguousOffset::Gap { .. } => {
                        assert!(got > wanted, "{zone:?} {from}");
                        let just_before = ends.plus_ms(-1).zoned(zone).datetime();
                        assert!(just_before < wanted, "{zone:?} {from}: not the next valid instant");
                    }
                }
            }
            for (amount, unit, ms) in [(30, WaitUnit::Minutes, 30 * MINUTE), (7, WaitUnit::Hours, 7 * HOUR)] {
                assert_eq!(local.add_wait(from, wait(amount, unit)).since(from), ms, "{zone:?} {from}");
            }
        }
    });
}

#[test]
fn a_window_to_midnight_closes_there() {
    assert_eq!(MinuteOfDay::parse("24:00").map(MinuteOfDay::minutes), Some(1440));
    assert_eq!(MinuteOfDay::parse("24:01"), None);
}
