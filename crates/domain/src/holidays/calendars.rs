//! Public holidays of countries and regions, 2025 to 2035, from the data file beside this one.
//!
//! The file says where its facts come from; `scripts/holiday_calendars.py` writes it. Calendars are listed at the first
//! use, and the days of each are read when it is first asked. Outside the years covered no day is a holiday.

use jiff::civil::{Date, date};
use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

const TEXT: &str = include_str!("calendars.txt");
/// The years that calendars cover, both inclusive.
pub const YEARS: (i16, i16) = (2025, 2035);

/// The public holidays of a country or of one of its regions.
#[derive(Debug)]
pub struct Calendar {
    /// `DE`, or `DE-BY` for a region.
    pub code: &'static str,
    /// *Germany*, *Bavaria*.
    pub name: &'static str,
    lines: &'static str,
    days: OnceLock<Vec<(Date, String)>>,
}

static ALL: LazyLock<Vec<Calendar>> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut rest = TEXT;
    while !rest.is_empty() {
        let (head, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let lines = lines_of_calendar(after);
        rest = &after[lines..];
        if let Some((code, name)) = head.split_once(' ').filter(|_| !head.starts_with('#')) {
            all.push(Calendar { code, name, lines: &after[..lines], days: OnceLock::new() });
        }
    }
    all.sort_by_key(|calendar| calendar.code);
    all
});

/// Where the calendars of countries are, by name in small letters.
static COUNTRIES: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let countries = ALL.iter().enumerate().filter(|(_, calendar)| !calendar.is_region());
    countries.map(|(index, calendar)| (calendar.name.to_lowercase(), index)).collect()
});

/// How many bytes of `text` are days of one calendar: its lines with a tab.
fn lines_of_calendar(text: &str) -> usize {
    text.split_inclusive('\n').take_while(|line| line.contains('\t')).map(str::len).sum()
}

/// Every calendar, by code: a country right before its regions.
pub fn calendars() -> &'static [Calendar] {
    &ALL
}

/// The calendar with this code, however it is written.
pub fn calendar(code: &str) -> Option<&'static Calendar> {
    let exact = |code: &str| ALL.binary_search_by_key(&code, |calendar| calendar.code).ok().map(|index| &ALL[index]);
    exact(code).or_else(|| exact(&code.trim().to_ascii_uppercase()))
}

/// The calendar that a person means: its code, *Bavaria (Germany)*, or the name of a country.
pub fn calendar_called(text: &str) -> Option<&'static Calendar> {
    let text = text.trim();
    let of_country = |name: &str| COUNTRIES.get(name.to_lowercase().as_str()).map(|index| &ALL[*index]);
    calendar(text).or_else(|| of_country(text)).or_else(|| {
        let (name, country) = text.strip_suffix(')')?.rsplit_once(" (")?;
        of_country(country)?.regions().iter().find(|region| region.name.eq_ignore_ascii_case(name))
    })
}

/// The calendar of an address: of its region where the region has one of its own, else of its country.
pub fn calendar_of_address(country: &str, region: &str) -> Option<&'static Calendar> {
    let country = country.trim();
    let by_name = COUNTRIES.get(country.to_lowercase().as_str()).map(|index| &ALL[*index]);
    let of_country = by_name.or_else(|| calendar(crate::calendar::country_code(country)?))?;
    let region = region.trim();
    let is_asked = |calendar: &&Calendar| {
        calendar.name.eq_ignore_ascii_case(region)
            || calendar.code.split_once('-').is_some_and(|(_, code)| code.eq_ignore_ascii_case(region))
    };
    let of_region = (!region.is_empty()).then(|| of_country.regions().iter().find(is_asked)).flatten();
    Some(of_region.unwrap_or(of_country))
}

impl Calendar {
    /// It is one of a region of a country.
    pub fn is_region(&self) -> bool {
        self.code.contains('-')
    }

    /// The country it belongs to; itself if it is no region.
    pub fn country(&self) -> &Self {
        self.code.split_once('-').and_then(|(country, _)| calendar(country)).unwrap_or(self)
    }

    /// The calendars of its regions, by code; empty for a region.
    pub fn regions(&self) -> &'static [Self] {
        let start = ALL.partition_point(|calendar| calendar.code <= self.code);
        let is_own =
            |calendar: &&Calendar| calendar.code.strip_prefix(self.code).is_some_and(|rest| rest.starts_with('-'));
        let count = ALL[start..].iter().take_while(is_own).count();
        &ALL[start..start + count]
    }

    /// *Germany*, *Bavaria (Germany)*.
    pub fn place(&self) -> String {
        let country = self.country();
        if std::ptr::eq(country, self) { self.name.to_owned() } else { format!("{} ({})", self.name, country.name) }
    }

    /// The name of the holiday on this date; `None` if it is none.
    pub fn on(&self, day: Date) -> Option<&str> {
        let days = self.days();
        days.binary_search_by_key(&day, |(day, _)| *day).ok().map(|index| days[index].1.as_str())
    }

    /// Its holidays of one year, in order.
    pub fn in_year(&self, year: i16) -> &[(Date, String)] {
        let days = self.days();
        let from = days.partition_point(|(day, _)| day.year() < year);
        let to = days.partition_point(|(day, _)| day.year() <= year);
        &days[from..to]
    }

    fn days(&self) -> &[(Date, String)] {
        self.days.get_or_init(|| {
            let country = self.country();
            let mut days: Vec<(Date, &str)> =
                if std::ptr::eq(country, self) { Vec::new() } else { named_days(country.lines).collect() };
            let (more, less): (Vec<_>, Vec<_>) =
                named_days(self.lines).partition(|(_, name): &(Date, &str)| !name.starts_with('-'));
            days.retain(|(day, name)| !less.iter().any(|(off, gone)| off == day && gone[1..] == **name));
            days.extend(more.into_iter().map(|(day, name)| (day, name.strip_prefix('+').unwrap_or(name))));
            days.sort();
            let mut joined: Vec<(Date, String)> = Vec::with_capacity(days.len());
            for (day, name) in days {
                match joined.last_mut().filter(|(last, _)| *last == day) {
                    Some((_, names)) => *names = format!("{names} and {name}"),
                    None => joined.push((day, name.to_owned())),
                }
            }
            joined
        })
    }
}

/// The dates of lines such as `Easter Monday<tab>0421 0406 …`, each with its name.
fn named_days(lines: &'static str) -> impl Iterator<Item = (Date, &'static str)> {
    lines.lines().filter_map(|line| line.split_once('\t')).flat_map(|(name, words)| {
        let every_year = !words.contains(' ');
        let words: Vec<&str> = words.split(' ').collect();
        (YEARS.0..=YEARS.1).enumerate().flat_map(move |(index, year)| {
            let word = words.get(if every_year { 0 } else { index }).copied().unwrap_or("-");
            word.split(',').filter_map(move |text| month_and_day(year, text)).map(move |day| (day, name))
        })
    })
}

fn month_and_day(year: i16, text: &str) -> Option<Date> {
    let (month, day) = text.split_at_checked(2)?;
    let (month, day): (i8, i8) = (month.parse().ok()?, day.parse().ok()?);
    Date::new(year, month, day).ok()
}

/// The first and the last day that calendars cover.
pub const fn covered() -> (Date, Date) {
    (date(YEARS.0, 1, 1), date(YEARS.1, 12, 31))
}
