//! Arithmetic over local days: waits, windows, holidays, daylight saving.
//!
//! A local time that a spring change skips stands for the next valid instant; one that an autumn change repeats
//! stands for its first occurrence. Everything else that reads a schedule asks [`LocalSchedule`]. Nothing here fails:
//! a schedule that never opens gives `None`.

mod countries;

use crate::{
    Timestamp,
    holidays::{self, Calendar, Holiday, HolidayChoice, WorkspaceHolidays},
    person::Person,
    schedule::{Day, MinuteOfDay, Schedule, ScheduleZone, Window, WindowFor},
    step::{Wait, WaitUnit},
    time::{MINUTE, zone},
    workspace::Workspace,
};
use jiff::{
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

/// Local days a search for an opening looks ahead: three years.
const SEARCH_DAYS: usize = 3 * 366;

/// The zone of a country whose places all keep the same time, by ISO 3166 code or English name; `None` if it has
/// several or is unknown.
pub fn zone_of_country(country: &str) -> Option<TimeZone> {
    let code = country_code(country)?;
    let row = countries::ONE_ZONE.iter().find(|(row_code, ..)| row_code.eq_ignore_ascii_case(code))?;
    zone(row.2)
}

/// The ISO 3166 code of a country by its code, its English name or what it is also called; `None` if it is unknown.
/// Two letters are taken for a code.
pub(crate) fn country_code(country: &str) -> Option<&str> {
    let asked = country.trim();
    match asked.len() {
        0 => None,
        2 if asked.eq_ignore_ascii_case("uk") => Some("GB"),
        2 => Some(asked),
        _ => {
            let lower = asked.to_lowercase();
            let also = countries::ALSO_CALLED.iter().find(|(name, _)| *name == lower).map(|(_, code)| *code);
            also.or_else(|| {
                countries::ONE_ZONE.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(asked)).map(|row| row.0)
            })
        }
    }
}

/// Where the zone of a schedule came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneSource {
    /// The schedule names it.
    Schedule,
    /// The person's own field.
    Person,
    /// The person's country.
    Country,
    /// The rep who enrolled.
    Actor,
    /// The workspace.
    Workspace,
}

/// Whose local time holds: the person's, else the actor's, else the workspace's, unless the schedule says otherwise.
pub fn zone_of(
    schedule: Option<&Schedule>,
    person: &Person,
    actor_zone: Option<&TimeZone>,
    workspace: &Workspace,
) -> (TimeZone, ZoneSource) {
    let of_actor = || actor_zone.map(|zone| (zone.clone(), ZoneSource::Actor));
    let of_person = || {
        zone(&person.fields.time_zone)
            .map(|zone| (zone, ZoneSource::Person))
            .or_else(|| zone_of_country(&person.fields.address.country).map(|zone| (zone, ZoneSource::Country)))
    };
    match schedule.map(|schedule| &schedule.time_zone) {
        Some(ScheduleZone::Named(name)) => zone(name).map(|zone| (zone, ZoneSource::Schedule)),
        Some(ScheduleZone::Actor) => of_actor(),
        Some(ScheduleZone::Person) | None => of_person().or_else(of_actor),
    }
    .unwrap_or_else(|| (workspace.zone(), ZoneSource::Workspace))
}

/// When mail may leave: the first instant, and the window it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The first instant that is allowed.
    pub at: Timestamp,
    /// The local date.
    pub day: Date,
    /// The window opens, local.
    pub from: MinuteOfDay,
    /// The window closes, local.
    pub to: MinuteOfDay,
    /// The instant asked for was outside, so this one is later.
    pub moved: bool,
}

/// A schedule read in one zone; without a schedule any time is open and business days are Monday to Friday.
#[derive(Debug, Clone)]
pub struct LocalSchedule<'a> {
    /// Days, windows, holidays; `None` = any time.
    pub schedule: Option<&'a Schedule>,
    /// Whose local time.
    pub zone: TimeZone,
    /// The holidays of the workspace, for schedules that follow them.
    workspace: Option<&'a WorkspaceHolidays>,
    /// The calendar of where the person is, for schedules that follow it.
    of_person: Option<&'static Calendar>,
}

impl<'a> LocalSchedule<'a> {
    /// This schedule in this zone, of nobody's workspace and for nobody in particular.
    pub const fn new(schedule: Option<&'a Schedule>, zone: TimeZone) -> Self {
        Self { schedule, zone, workspace: None, of_person: None }
    }

    /// This schedule in this zone, with the holidays of the workspace.
    pub const fn in_workspace(schedule: Option<&'a Schedule>, zone: TimeZone, workspace: &'a Workspace) -> Self {
        Self { schedule, zone, workspace: Some(&workspace.holidays), of_person: None }
    }

    /// The schedule of a plan for one person, with the zone that [`zone_of`] finds.
    pub fn of(
        schedule: Option<&'a Schedule>,
        person: &Person,
        actor_zone: Option<&TimeZone>,
        workspace: &'a Workspace,
    ) -> Self {
        let follows_person = schedule.is_some_and(|schedule| schedule.holidays.contains(&HolidayChoice::Person));
        Self {
            schedule,
            zone: zone_of(schedule, person, actor_zone, workspace).0,
            workspace: Some(&workspace.holidays),
            of_person: if follows_person { holidays::calendar_of(person) } else { None },
        }
    }

    /// The schedule of a plan for the tasks of a rep: in the rep's own zone, whose days they are due on.
    pub fn of_rep(schedule: Option<&'a Schedule>, actor_zone: Option<&TimeZone>, workspace: &'a Workspace) -> Self {
        let zone = actor_zone.cloned().unwrap_or_else(|| workspace.zone());
        Self::in_workspace(schedule, zone, workspace)
    }

    /// The end of a wait that starts at `from`, before any window.
    pub fn add_wait(&self, from: Timestamp, wait: Wait) -> Timestamp {
        let amount = i64::from(wait.amount);
        match wait.unit {
            _ if amount == 0 => from,
            WaitUnit::Minutes => from.plus_ms(amount * MINUTE),
            WaitUnit::Hours => from.plus_ms(amount * 60 * MINUTE),
            WaitUnit::Days => self.on_later_day(from, wait.amount, |_| true),
            WaitUnit::BusinessDays => self.on_later_day(from, wait.amount, |day| self.is_business_day(day)),
        }
    }

    /// The same local time on the `amount`-th later day that `counts`.
    fn on_later_day(&self, from: Timestamp, amount: u32, counts: impl Fn(Date) -> bool) -> Timestamp {
        let local = from.zoned(&self.zone).datetime();
        let (mut day, mut left, mut idle) = (local.date(), amount, 0);
        while left > 0 && idle < SEARCH_DAYS {
            let Ok(tomorrow) = day.tomorrow() else { break };
            day = tomorrow;
            if counts(day) {
                (left, idle) = (left - 1, 0);
            } else {
                idle += 1;
            }
        }
        // Only after a change of offset by days may a later local date be an earlier instant.
        self.instant(day.to_datetime(local.time())).max(from)
    }

    /// The instant of a local time: in a gap the next valid instant, in an overlap the first.
    fn instant(&self, local: DateTime) -> Timestamp {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let AmbiguousOffset::Gap { after, .. } = ambiguous.offset() else {
            return ambiguous
                .earlier()
                .map_or(Timestamp::from_ms(i64::MAX), |at| Timestamp::from_ms(at.as_millisecond()));
        };
        let before_gap = after.to_timestamp(local).unwrap_or(jiff::Timestamp::MAX);
        self.zone
            .following(before_gap)
            .map(|change| change.timestamp())
            .find(|at| self.zone.to_datetime(*at) > local)
            .or_else(|| ambiguous.later().ok())
            .map_or(Timestamp::from_ms(i64::MAX), |at| Timestamp::from_ms(at.as_millisecond()))
    }

    /// A day that business days count: a sending day that is no holiday.
    fn is_business_day(&self, day: Date) -> bool {
        match self.schedule {
            Some(schedule) if !schedule.days.is_empty() => self.is_sending_day(day),
            _ => Day::ALL[..5].contains(&Day::of(day.weekday())),
        }
    }

    /// Mail may leave on this local date.
    pub fn is_sending_day(&self, day: Date) -> bool {
        self.schedule.is_none_or(|schedule| schedule.days.contains(&Day::of(day.weekday())))
            && self.holiday(day).is_none()
    }

    /// Why this local date is kept free by the schedule, if it is.
    pub fn holiday(&self, day: Date) -> Option<Holiday<'a>> {
        holidays::kept_free(&self.schedule?.holidays, day, self.workspace, self.of_person)
    }

    /// The holiday that keeps mail from leaving on a sending day, in words: *6 April is Easter Monday in Germany*.
    pub fn holiday_words(&self, day: Date) -> Option<String> {
        let is_day = self.schedule?.days.contains(&Day::of(day.weekday()));
        self.holiday(day).filter(|_| is_day).map(|holiday| holiday.words(day))
    }

    /// The windows that are for this kind of email, in the order written; empty without a schedule.
    pub fn windows(&self, is_first_email: bool) -> impl Iterator<Item = Window> + use<'a> {
        let windows: &'a [Window] = self.schedule.map_or(&[], |schedule| &schedule.windows);
        windows.iter().copied().filter(move |window| match window.only {
            WindowFor::All => true,
            WindowFor::First => is_first_email,
            WindowFor::FollowUp => !is_first_email,
        })
    }

    /// Mail of this kind may leave at `at`.
    pub fn is_open(&self, at: Timestamp, is_first_email: bool) -> bool {
        self.opening_at(at, is_first_email).is_some()
    }

    /// The window that is open at `at`.
    fn opening_at(&self, at: Timestamp, is_first_email: bool) -> Option<Opening> {
        let local = at.zoned(&self.zone).datetime();
        let day = local.date();
        if self.schedule.is_none() {
            return Some(Opening { at, day, from: MIDNIGHT, to: END_OF_DAY, moved: false });
        }
        if !self.is_sending_day(day) {
            return None;
        }
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        self.windows(is_first_email)
            .filter(|window| (window.from.minutes()..window.to.minutes()).contains(&minute))
            .max_by_key(|window| window.to)
            .map(|window| Opening { at, day, from: window.from, to: window.to, moved: false })
    }

    /// The first instant from `at` on at which mail of this kind may leave; `None` if nothing opens in three years.
    pub fn next_open(&self, at: Timestamp, is_first_email: bool) -> Option<Opening> {
        if let Some(opening) = self.opening_at(at, is_first_email) {
            return Some(opening);
        }
        let found = self.next_from(at, is_first_email)?;
        // A change of offset may jump into a window without passing its first minute.
        let jump = self
            .zone
            .following(at.instant())
            .map(|change| Timestamp::from_ms(change.timestamp().as_millisecond()))
            .take_while(|change| *change < found.at)
            .find_map(|change| self.opening_at(change, is_first_email));
        Some(Opening { moved: true, ..jump.unwrap_or(found) })
    }

    /// The first instant after `at` whose local time is the first minute of a window.
    fn next_from(&self, at: Timestamp, is_first_email: bool) -> Option<Opening> {
        // An offset change at midnight may return to the day before.
        let start = at.zoned(&self.zone).date().yesterday().ok()?;
        let mut best: Option<Opening> = None;
        for day in start.series(jiff::Span::new().days(1)).take(SEARCH_DAYS) {
            let had = best.is_some();
            if self.is_sending_day(day) {
                for window in self.windows(is_first_email) {
                    let later = best.map(|opening| opening.at);
                    best = self
                        .instants(day, window.from)
                        .filter(|start| *start >= at && later.is_none_or(|best| *start < best))
                        .filter_map(|start| self.opening_at(start, is_first_email))
                        .min_by_key(|opening| opening.at)
                        .or(best);
                }
            }
            // The day after is still looked at: around a midnight change days are not in order.
            if had {
                break;
            }
        }
        best
    }

    /// The one or two instants at which this local minute comes, in order; in a gap the next valid one.
    fn instants(&self, day: Date, minute: MinuteOfDay) -> impl Iterator<Item = Timestamp> {
        let clock = Time::midnight().saturating_add(jiff::Span::new().minutes(minute.minutes()));
        let local = day.to_datetime(clock);
        let first = self.instant(local);
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let second = matches!(ambiguous.offset(), AmbiguousOffset::Fold { .. })
            .then(|| ambiguous.later().ok().map(|at| Timestamp::from_ms(at.as_millisecond())))
            .flatten();
        std::iter::once(first).chain(second)
    }
}

const MIDNIGHT: MinuteOfDay = match MinuteOfDay::new(0, 0) {
    Some(minute) => minute,
    None => panic!("00:00 is a time of day"),
};
const END_OF_DAY: MinuteOfDay = match MinuteOfDay::new(24, 0) {
    Some(minute) => minute,
    None => panic!("24:00 is a time of day"),
};

/// The last part of the zone's name as people say it: *Lisbon*, *New York*; *UTC* for a zone without a place.
pub fn place(zone: &TimeZone) -> String {
    zone.iana_name().map_or_else(|| "UTC".to_owned(), |name| name.rsplit('/').next().unwrap_or(name).replace('_', " "))
}

/// *09:12* today, *Tue 1 Dec, 09:12* within half a year, with the year otherwise; local in `zone`.
pub fn time_words(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (local, today) = (at.zoned(zone), now.zoned(zone));
    let format = if local.date() == today.date() {
        "%H:%M"
    } else if at.since(now).abs() < 183 * crate::time::DAY {
        "%a %-d %b, %H:%M"
    } else {
        "%a %-d %b %Y, %H:%M"
    };
    local.strftime(format).to_string()
}
