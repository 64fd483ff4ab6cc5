//! The holidays of the workspace: its calendars, the dates of each year, days of one's own, days that are left out.
//!
//! Everyone reads them; admins change them. One address takes every change, each from a small form of its own.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use relance_domain::Refused;
use relance_domain::holidays::{self, Calendar, HolidayChoice, OwnDay, WorkspaceHolidays, YEARS};
use relance_domain::sequence::{Sequence, SequenceState};
use relance_storage::sequences::{self, SequenceFilter};
use serde::Deserialize;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls};

/// Sequences looked at for those that keep other holidays.
const MOST_OTHERS: u32 = 500;

const FIELDS: [&str; 3] = ["calendar", "date", "name"];

/// Which year is shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    year: String,
}

/// A day of the year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    date: String,
    day: String,
    weekday: String,
    is_weekend: bool,
    name: String,
    /// *Germany and Bavaria (Germany)*, or *Own day*.
    place: String,
    is_own: bool,
    is_left_out: bool,
}

/// A calendar that is followed.
#[derive(Clone, Debug, Default)]
struct Followed {
    code: String,
    place: String,
}

/// Calendars to choose from: a country with its regions.
#[derive(Clone, Debug, Default)]
struct Country {
    code: &'static str,
    name: &'static str,
    regions: &'static [Calendar],
}

#[derive(Template)]
#[template(path = "settings/holidays.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    may_write: bool,
    year: i16,
    /// The address of the year before and after; empty where no calendar covers them.
    around: [String; 2],
    followed: Vec<Followed>,
    rows: Vec<Row>,
    countries: Vec<Country>,
    /// Sequences that do not follow them: address of their settings, name.
    others: Vec<(String, String)>,
    typed: Typed,
    errors: FormErrors,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&FIELDS)
    }

    fn first_and_last(&self) -> String {
        format!("{} to {}", YEARS.0, YEARS.1)
    }
}

fn href(year: i16) -> String {
    urls::with_query(urls::HOLIDAYS, &[("year", &year.to_string())])
}

/// The days of a year: those of the calendars, with the places that have them, and one's own.
fn rows(holidays: &WorkspaceHolidays, year: i16) -> Vec<Row> {
    let mut found: BTreeMap<(Date, String), Vec<String>> = BTreeMap::new();
    for calendar in holidays.calendars.iter().filter_map(|code| holidays::calendar(code)) {
        for (date, name) in calendar.in_year(year) {
            found.entry((*date, name.clone())).or_default().push(calendar.place());
        }
    }
    let row = |date: Date, name: String| Row {
        date: date.to_string(),
        day: date.strftime("%-d %B").to_string(),
        weekday: date.strftime("%A").to_string(),
        is_weekend: date.weekday().to_monday_zero_offset() > 4,
        name,
        ..Row::default()
    };
    let of_calendars = found.into_iter().map(|((date, name), places)| Row {
        place: crate::words::list(&places),
        is_left_out: holidays.left_out.contains(&date),
        ..row(date, name)
    });
    let own = holidays.own_days.iter().filter(|own| own.date.year() == year);
    let own = own.map(|own| Row { place: "Own day".to_owned(), is_own: true, ..row(own.date, own.name.clone()) });
    let mut rows: Vec<Row> = of_calendars.chain(own).collect();
    rows.sort_by(|a, b| a.date.cmp(&b.date));
    rows
}

fn countries() -> Vec<Country> {
    let mut countries: Vec<_> = holidays::calendars()
        .iter()
        .filter(|calendar| !calendar.is_region())
        .map(|calendar| Country { code: calendar.code, name: calendar.name, regions: calendar.regions() })
        .collect();
    countries.sort_by_key(|country| country.name);
    countries
}

/// Sequences in use that keep to a schedule and not to these holidays: their name, and where that is changed.
async fn others(app: &App) -> Result<Vec<(String, String)>> {
    let mut tx = app.read().await?;
    let filter = SequenceFilter { states: &[SequenceState::Draft, SequenceState::Active], ..SequenceFilter::default() };
    let all = sequences::page(&mut tx, filter, None, MOST_OTHERS).await?;
    let ignores = |sequence: &Sequence| {
        sequence.draft.schedule.as_ref().is_some_and(|schedule| !schedule.holidays.contains(&HolidayChoice::Workspace))
    };
    let found = all.into_iter().map(|(sequence, _)| sequence).filter(ignores);
    Ok(found.map(|sequence| (urls::sequence_tab(sequence.id, "settings"), sequence.name)).collect())
}

async fn draw(app: &App, visitor: &Visitor, year: &str, typed: Typed, errors: FormErrors) -> Result<Page> {
    let holidays = &visitor.workspace.holidays;
    let this_year = visitor.now.zoned(&visitor.zone).year();
    let year = year.parse().unwrap_or(this_year).clamp(YEARS.0, YEARS.1);
    let neighbour = |year: i16| if (YEARS.0..=YEARS.1).contains(&year) { href(year) } else { String::new() };
    let followed = holidays.calendars.iter().filter_map(|code| holidays::calendar(code));
    let may_write = visitor.actor.is_admin();
    Ok(Page {
        others: if may_write { others(app).await? } else { Vec::new() },
        frame: visitor.frame("settings"),
        tab: "holidays",
        may_write,
        year,
        around: [neighbour(year - 1), neighbour(year + 1)],
        followed: followed.map(|one| Followed { code: one.code.to_owned(), place: one.place() }).collect(),
        rows: rows(holidays, year),
        countries: if may_write { countries() } else { Vec::new() },
        typed,
        errors,
    })
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(shown): Query<Shown>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, &shown.year, Typed::default(), FormErrors::default()).await?)
}

/// A change of the holidays, and what to say when it is done.
type Change = (Box<dyn FnOnce(&mut WorkspaceHolidays) + Send>, String);

fn date(typed: &Typed) -> std::result::Result<Date, Vec<Refused>> {
    let wrong = || vec![Refused::at("date", "invalid_date", "Enter a date such as 2026-12-24.")];
    typed.trimmed("date").parse().map_err(|_| wrong())
}

fn read(typed: &Typed) -> std::result::Result<Change, Vec<Refused>> {
    let code = || {
        let unknown = || vec![Refused::at("calendar", "unknown_calendar", "Choose one of the calendars.")];
        holidays::calendar(&typed.trimmed("calendar")).ok_or_else(unknown)
    };
    Ok(match typed.get("what") {
        "follow" => {
            let calendar = code()?;
            let words = format!("Holidays of {} are kept free.", calendar.place());
            (Box::new(move |holidays: &mut WorkspaceHolidays| holidays.calendars.push(calendar.code.to_owned())), words)
        }
        "unfollow" => {
            let calendar = code()?;
            let words = format!("Holidays of {} are no longer kept free.", calendar.place());
            (
                Box::new(move |holidays: &mut WorkspaceHolidays| {
                    holidays.calendars.retain(|code| code != calendar.code);
                }),
                words,
            )
        }
        "add" => {
            let own = OwnDay { date: date(typed)?, name: typed.trimmed("name") };
            let words = format!("{} is kept free.", own.date.strftime("%-d %B %Y"));
            (Box::new(move |holidays: &mut WorkspaceHolidays| holidays.own_days.push(own)), words)
        }
        "remove" => {
            let day = date(typed)?;
            (
                Box::new(move |holidays: &mut WorkspaceHolidays| holidays.own_days.retain(|own| own.date != day)),
                "The day is removed.".to_owned(),
            )
        }
        "leave_out" => {
            let day = date(typed)?;
            let words = format!("Emails leave on {}.", day.strftime("%-d %B %Y"));
            (Box::new(move |holidays: &mut WorkspaceHolidays| holidays.left_out.push(day)), words)
        }
        "keep" => {
            let day = date(typed)?;
            let words = format!("{} is kept free again.", day.strftime("%-d %B %Y"));
            (Box::new(move |holidays: &mut WorkspaceHolidays| holidays.left_out.retain(|one| *one != day)), words)
        }
        _ => return Err(vec![Refused::new("unknown", "Choose what to change.")]),
    })
}

/// A refusal of the engine at the one field the form has for it.
fn at_field(refused: Refused) -> Refused {
    let field = refused.field.as_deref().unwrap_or_default();
    let of = |list: &str, name: &str| field.starts_with(list) && (name.is_empty() || field.ends_with(name));
    let place = if of("own_days", "].name") {
        "name"
    } else if of("own_days", "") {
        "date"
    } else if of("calendars", "") {
        "calendar"
    } else {
        return refused;
    };
    Refused { field: Some(place.to_owned()), ..refused }
}

/// Follows or no longer follows a calendar, adds or removes a day, leaves one out or keeps it free again.
pub async fn update(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let done = match read(&typed) {
        Ok((change, words)) => {
            app.engine.edit_holidays(&visitor.actor, change).await.map(|_| words).map_err(PageError::from)
        }
        Err(wrong) => visitor.must_be_admin("change the holidays").and(Err(PageError::Refused(wrong))),
    };
    let of_day = typed.trimmed("date").parse::<Date>().map(|day| day.year().to_string());
    let year = of_day.unwrap_or_else(|_| typed.trimmed("year"));
    match done {
        Ok(words) => {
            let back = year.parse().map_or_else(|_| urls::HOLIDAYS.to_owned(), href);
            Ok(answer::said(&back, &answer::toast("done", words)))
        }
        Err(error) => {
            let FormErrors(refused) = error.refused()?;
            let errors = FormErrors(refused.into_iter().map(at_field).collect());
            answer::refused(&draw(&app, &visitor, &year, typed, errors).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_day_of_two_calendars_is_one_row_and_own_days_stand_among_them() {
        let holidays = WorkspaceHolidays {
            calendars: vec!["DE".into(), "FR".into()],
            own_days: vec![OwnDay { date: date(2026, 7, 3), name: "Company day".into() }],
            left_out: vec![date(2026, 4, 6)],
        };
        let rows = rows(&holidays, 2026);
        let easter = rows.iter().find(|row| row.date == "2026-04-06").expect("Easter Monday");
        assert_eq!((easter.name.as_str(), easter.place.as_str()), ("Easter Monday", "Germany and France"));
        assert!(easter.is_left_out && easter.weekday == "Monday");
        let own = rows.iter().find(|row| row.is_own).expect("a day");
        assert_eq!((own.name.as_str(), own.day.as_str()), ("Company day", "3 July"));
        assert!(rows.is_sorted_by(|a, b| a.date <= b.date));
    }

    #[test]
    fn what_is_wrong_stands_at_the_field_of_its_form() {
        for (from, to) in [("own_days[3].name", "name"), ("own_days[0].date", "date"), ("calendars[1]", "calendar")] {
            assert_eq!(at_field(Refused::at(from, "x", "y")).field.as_deref(), Some(to));
        }
        let typed = Typed::of([("what", "add".into()), ("date", "soon".into())]);
        assert_eq!(read(&typed).err().expect("a refusal")[0].field.as_deref(), Some("date"));
    }
}
