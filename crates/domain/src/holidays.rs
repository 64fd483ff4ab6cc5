//! Holidays: the calendars of countries and regions, those that a workspace keeps, and what a schedule says of them.
//!
//! A schedule names what it keeps free ([`HolidayChoice`]); which dates these are is answered when it is asked, so a
//! company day that is added today holds the emails of sequences that run. What a date is called is always known, for
//! the explanation says it. Nothing here fails: an unknown calendar keeps no day free and is refused before it is saved.

mod calendars;

use crate::{Refused, person::Person};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use calendars::{Calendar, YEARS, calendar, calendar_called, calendar_of_address, calendars, covered};

/// Most days of one's own, and most that are left out.
pub const MOST_DAYS: usize = 500;
/// Most calendars of a workspace or a schedule.
pub const MOST_CALENDARS: usize = 50;
/// Most characters of the name of a day.
const LONGEST_NAME: usize = 80;

/// What a schedule keeps free; written `workspace`, `person`, the code of a calendar, or a date.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HolidayChoice {
    /// The holidays of the workspace, as they are when it is asked.
    Workspace,
    /// Those of the person's country, and region where it is known.
    Person,
    /// Those of this calendar: `DE`, `DE-BY`.
    Calendar(String),
    /// One local date.
    Day(Date),
}

impl HolidayChoice {
    /// Reads what [`std::fmt::Display`] writes; whether there is such a calendar is not judged.
    pub fn parse(text: &str) -> Self {
        match text.trim() {
            "workspace" => Self::Workspace,
            "person" => Self::Person,
            text => match text.parse::<Date>() {
                Ok(day) => Self::Day(day),
                Err(_) => Self::Calendar(text.to_ascii_uppercase()),
            },
        }
    }

    /// As people write it: *Bavaria (Germany)*, `2026-12-25`.
    pub fn place(&self) -> String {
        match self {
            Self::Calendar(code) => calendar(code).map_or_else(|| code.clone(), Calendar::place),
            other => other.to_string(),
        }
    }

    /// There is such a calendar, if it names one.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Calendar(code) => calendar(code).is_some(),
            Self::Workspace | Self::Person | Self::Day(_) => true,
        }
    }
}

impl std::fmt::Display for HolidayChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Workspace => f.write_str("workspace"),
            Self::Person => f.write_str("person"),
            Self::Calendar(code) => f.write_str(code),
            Self::Day(day) => write!(f, "{day}"),
        }
    }
}

impl From<Date> for HolidayChoice {
    fn from(day: Date) -> Self {
        Self::Day(day)
    }
}

impl Serialize for HolidayChoice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HolidayChoice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// A day of one's own, such as a company day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnDay {
    /// Its local date.
    pub date: Date,
    /// What it is called.
    pub name: String,
}

/// The holidays of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkspaceHolidays {
    /// Codes of its calendars.
    pub calendars: Vec<String>,
    /// Days beyond those of the calendars.
    pub own_days: Vec<OwnDay>,
    /// Days of the calendars on which mail leaves all the same.
    pub left_out: Vec<Date>,
}

/// Why a date is kept free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday<'a> {
    /// *Easter Monday*; empty for a date without a name.
    pub name: &'a str,
    /// *Germany*; `None` for a day of one's own.
    pub place: Option<String>,
}

impl Holiday<'_> {
    /// *6 April is Easter Monday in Germany*.
    pub fn words(&self, day: Date) -> String {
        let day = day.strftime("%-d %B");
        match &self.place {
            _ if self.name.is_empty() => format!("{day} is a holiday of this sequence"),
            Some(place) => format!("{day} is {} in {place}", self.name),
            None => format!("{day} is {}", self.name),
        }
    }
}

fn of_calendar(calendar: &'static Calendar, day: Date) -> Option<Holiday<'static>> {
    calendar.on(day).map(|name| Holiday { name, place: Some(calendar.place()) })
}

impl WorkspaceHolidays {
    /// What is kept free on this date, if something is.
    pub fn on(&self, day: Date) -> Option<Holiday<'_>> {
        if let Some(own) = self.own_days.iter().find(|own| own.date == day) {
            return Some(Holiday { name: &own.name, place: None });
        }
        if self.left_out.contains(&day) {
            return None;
        }
        self.calendars.iter().filter_map(|code| calendar(code)).find_map(|calendar| of_calendar(calendar, day))
    }

    /// In order, each once, names in one line; codes as the calendars have them.
    pub fn tidy(&mut self) {
        for code in &mut self.calendars {
            *code = calendar(code).map_or_else(|| code.trim().to_owned(), |calendar| calendar.code.to_owned());
        }
        self.calendars.sort();
        self.calendars.dedup();
        for own in &mut self.own_days {
            own.name = crate::person::clean_line(&own.name);
        }
        self.own_days.sort();
        self.own_days.dedup();
        self.left_out.sort_unstable();
        self.left_out.dedup();
    }

    /// Everything that keeps these from being saved, each at its field.
    pub fn check(&self) -> Vec<Refused> {
        let mut wrong = Vec::new();
        for (index, code) in self.calendars.iter().enumerate().filter(|(_, code)| calendar(code).is_none()) {
            let message = format!("There is no holiday calendar {code}.");
            wrong.push(Refused::at(format!("calendars[{index}]"), "unknown_calendar", message));
        }
        if self.calendars.len() > MOST_CALENDARS {
            wrong.push(Refused::at("calendars", "too_many", format!("Choose at most {MOST_CALENDARS} calendars.")));
        }
        for (index, own) in self.own_days.iter().enumerate() {
            let field = format!("own_days[{index}]");
            let length = own.name.chars().count();
            if length == 0 {
                wrong.push(Refused::at(format!("{field}.name"), "required", "Say what the day is called."));
            } else if length > LONGEST_NAME {
                let message = format!("The name of a day has at most {LONGEST_NAME} characters.");
                wrong.push(Refused::at(format!("{field}.name"), "too_long", message));
            }
            if self.own_days[..index].iter().any(|other| other.date == own.date) {
                let message = format!("{} is among your own days already.", own.date);
                wrong.push(Refused::at(format!("{field}.date"), "duplicate", message));
            }
        }
        for (field, length) in [("own_days", self.own_days.len()), ("left_out", self.left_out.len())] {
            if length > MOST_DAYS {
                wrong.push(Refused::at(field, "too_many", format!("At most {MOST_DAYS} days.")));
            }
        }
        wrong
    }
}

/// Why this date is kept free by these choices; `None` = it is not.
pub(crate) fn kept_free<'a>(
    choices: &'a [HolidayChoice],
    day: Date,
    workspace: Option<&'a WorkspaceHolidays>,
    of_person: Option<&'static Calendar>,
) -> Option<Holiday<'a>> {
    choices.iter().find_map(|choice| match choice {
        HolidayChoice::Day(date) => (*date == day).then_some(Holiday { name: "", place: None }),
        HolidayChoice::Workspace => workspace?.on(day),
        HolidayChoice::Person => of_calendar(of_person?, day),
        HolidayChoice::Calendar(code) => of_calendar(calendar(code)?, day),
    })
}

/// The calendar of where a person is, if that is known and there is one.
pub fn calendar_of(person: &Person) -> Option<&'static Calendar> {
    let address = &person.fields.address;
    calendar_of_address(&address.country, &address.state)
}
