//! When mail may leave: sending days, time windows, the zone they are read in, holidays.
//!
//! The arithmetic over local days (waits, next opening, daylight saving) is in [`crate::calendar`].

use crate::{
    Refused,
    holidays::{HolidayChoice, MOST_DAYS},
};
use serde::{Deserialize, Serialize};

/// A sending day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// Monday to Sunday.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// As in the API: `mon` … `sun`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    /// Of a weekday.
    pub fn of(weekday: jiff::civil::Weekday) -> Self {
        Self::ALL[weekday.to_monday_zero_offset() as usize]
    }
}

/// Minutes after local midnight, 0 to 1440; written `09:00` or `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinuteOfDay(u16);

impl MinuteOfDay {
    /// `hour:minute`; `None` past 24:00.
    pub const fn new(hour: u16, minute: u16) -> Option<Self> {
        if minute < 60 && hour * 60 + minute <= 1440 { Some(Self(hour * 60 + minute)) } else { None }
    }

    /// Minutes after midnight.
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// Reads `9:00`, `09:00`, `24:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.trim().split_once(':')?;
        if minute.len() != 2 {
            return None;
        }
        Self::new(hour.parse().ok().filter(|h| *h <= 24)?, minute.parse().ok()?)
    }
}

impl std::fmt::Display for MinuteOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for MinuteOfDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MinuteOfDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a time of day such as 09:00"))
    }
}

/// Which emails a window is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowFor {
    /// Every email.
    #[default]
    All,
    /// Only first emails.
    First,
    /// Only follow-ups.
    FollowUp,
}

/// A time window on every sending day: `from` inclusive, `to` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Opens.
    pub from: MinuteOfDay,
    /// Closes; up to 24:00.
    pub to: MinuteOfDay,
    /// For which emails.
    #[serde(rename = "for", default)]
    pub only: WindowFor,
}

/// Whose local time a schedule is read in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum ScheduleZone {
    /// The person's, else the actor's, else the workspace's.
    #[default]
    Person,
    /// The rep's who enrolled.
    Actor,
    /// A fixed IANA zone.
    Named(String),
}

impl Serialize for ScheduleZone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Person => "person",
            Self::Actor => "actor",
            Self::Named(name) => name,
        })
    }
}

impl<'de> Deserialize<'de> for ScheduleZone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "person" => Self::Person,
            "actor" => Self::Actor,
            name => Self::Named(name.to_owned()),
        })
    }
}

/// Sending days and windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// Sending days.
    pub days: Vec<Day>,
    /// Windows on those days.
    pub windows: Vec<Window>,
    /// Whose local time.
    pub time_zone: ScheduleZone,
    /// What is kept free: on these local dates nothing leaves, and they are no business days.
    pub holidays: Vec<HolidayChoice>,
}

impl Default for Schedule {
    /// Monday to Friday, 09:00 to 17:00, in the person's zone, on no holiday of the workspace.
    fn default() -> Self {
        Self {
            days: Day::ALL[..5].to_vec(),
            windows: vec![Window { from: MinuteOfDay(540), to: MinuteOfDay(1020), only: WindowFor::All }],
            time_zone: ScheduleZone::Person,
            holidays: vec![HolidayChoice::Workspace],
        }
    }
}

impl Schedule {
    /// A schedule must open some time, for first emails and for follow-ups.
    pub fn check(&self) -> Result<(), Refused> {
        if self.days.is_empty() {
            return Err(Refused::at("schedule.days", "required", "Choose at least one sending day."));
        }
        if let Some(index) = self.windows.iter().position(|window| window.from >= window.to) {
            let field = format!("schedule.windows[{index}]");
            return Err(Refused::at(field, "empty_window", "A window must close after it opens."));
        }
        for (only, words) in [(WindowFor::First, "first emails"), (WindowFor::FollowUp, "follow-ups")] {
            if !self.windows.iter().any(|window| window.only == only || window.only == WindowFor::All) {
                let message = format!("There is no time window for {words}.");
                return Err(Refused::at("schedule.windows", "required", message));
            }
        }
        if let Some((index, choice)) = self.holidays.iter().enumerate().find(|(_, choice)| !choice.is_known()) {
            let message = format!("There is no holiday calendar {choice}, and it is no date such as 2026-12-25.");
            return Err(Refused::at(format!("schedule.holidays[{index}]"), "unknown_calendar", message));
        }
        if self.holidays.len() > MOST_DAYS {
            let message = format!("At most {MOST_DAYS} holidays and calendars.");
            return Err(Refused::at("schedule.holidays", "too_many", message));
        }
        if let ScheduleZone::Named(name) = &self.time_zone
            && crate::time::zone(name).is_none()
        {
            return Err(Refused::at("schedule.time_zone", "unknown_time_zone", "There is no such time zone."));
        }
        Ok(())
    }
}
