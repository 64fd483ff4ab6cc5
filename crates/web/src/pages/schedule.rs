//! The sending days and windows as fields of a form: of a sequence and of the workspace.

use jiff::civil::Date;
use relance_domain::calendar::LocalSchedule;
use relance_domain::holidays::{self, HolidayChoice};
use relance_domain::schedule::{Day, MinuteOfDay, Schedule, ScheduleZone, Window, WindowFor};
use relance_domain::{Refused, Timestamp};

use super::form::{Choice, Typed};

/// Rows for windows the form always has.
const ROWS: usize = 3;
/// The fields, for refusals that stand elsewhere.
pub const FIELDS: [&str; 4] = ["schedule.days", "schedule.windows", "schedule.time_zone", "schedule.holidays"];

/// A day with its name.
pub const DAYS: [(Day, &str); 7] = [
    (Day::Mon, "Monday"),
    (Day::Tue, "Tuesday"),
    (Day::Wed, "Wednesday"),
    (Day::Thu, "Thursday"),
    (Day::Fri, "Friday"),
    (Day::Sat, "Saturday"),
    (Day::Sun, "Sunday"),
];

/// One row of the table of windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Opens.
    pub from: String,
    /// Closes.
    pub to: String,
    /// `all`, `first` or `follow_up`.
    pub only: String,
}

fn only(window: WindowFor) -> &'static str {
    match window {
        WindowFor::All => "all",
        WindowFor::First => "first",
        WindowFor::FollowUp => "follow_up",
    }
}

/// Puts a schedule into a form; `None` = any time.
pub fn put(typed: &mut Typed, schedule: Option<&Schedule>) {
    typed.set("schedule.kind", if schedule.is_some() { "times" } else { "any" });
    let default = Schedule::default();
    let schedule = schedule.unwrap_or(&default);
    for day in &schedule.days {
        typed.push("schedule.days", day.as_str());
    }
    for window in &schedule.windows {
        typed.push("schedule.from", window.from.to_string());
        typed.push("schedule.to", window.to.to_string());
        typed.push("schedule.only", only(window.only));
    }
    let zone = match &schedule.time_zone {
        ScheduleZone::Person => "person".to_owned(),
        ScheduleZone::Actor => "actor".to_owned(),
        ScheduleZone::Named(name) => name.clone(),
    };
    typed.set("schedule.time_zone", zone);
    let (named, others): (Vec<_>, Vec<_>) =
        schedule.holidays.iter().partition(|choice| matches!(choice, HolidayChoice::Workspace | HolidayChoice::Person));
    for choice in named {
        typed.push("schedule.follows", choice.to_string());
    }
    let others: Vec<_> = others.into_iter().map(HolidayChoice::place).collect();
    typed.set("schedule.holidays", others.join("\n"));
}

/// The rows of the table, with empty ones at the end.
pub fn rows(typed: &Typed) -> Vec<Row> {
    let (from, to, only) = (typed.all("schedule.from"), typed.all("schedule.to"), typed.all("schedule.only"));
    let at = |texts: &[&str], index: usize| texts.get(index).copied().unwrap_or_default().to_owned();
    let sent = (0..from.len()).map(|index| Row { from: at(&from, index), to: at(&to, index), only: at(&only, index) });
    let mut rows: Vec<_> = sent.filter(|row| !row.from.is_empty() || !row.to.is_empty()).collect();
    rows.resize_with((rows.len() + 1).max(ROWS), Row::default);
    rows
}

/// The zones to choose from besides the person's and the rep's.
pub fn zones() -> Vec<Choice> {
    let named = super::set_up::zones().into_iter().map(|name| Choice { label: name.replace('_', " "), value: name });
    let first = [Choice::new("person", "The person's, else the rep's"), Choice::new("actor", "The rep's")];
    first.into_iter().chain(named).collect()
}

/// Reads the form; `Ok(None)` = any time.
pub fn read(typed: &Typed) -> Result<Option<Schedule>, Vec<Refused>> {
    if typed.get("schedule.kind") == "any" {
        return Ok(None);
    }
    let mut wrong = Vec::new();
    let days = Day::ALL.into_iter().filter(|day| typed.has("schedule.days", day.as_str())).collect();
    let mut windows = Vec::new();
    for (index, row) in rows(typed).iter().enumerate().filter(|(_, row)| !row.from.is_empty() || !row.to.is_empty()) {
        match (MinuteOfDay::parse(&row.from), MinuteOfDay::parse(&row.to)) {
            (Some(from), Some(to)) => windows.push(Window { from, to, only: window_for(&row.only) }),
            _ => {
                let message = format!("Enter both times of window {} as 09:00, at most 24:00.", index + 1);
                wrong.push(Refused::at("schedule.windows", "invalid_time", message));
            }
        }
    }
    let time_zone = match typed.get("schedule.time_zone") {
        "" | "person" => ScheduleZone::Person,
        "actor" => ScheduleZone::Actor,
        name => ScheduleZone::Named(name.to_owned()),
    };
    let holidays = read_holidays(typed, &mut wrong);
    let schedule = Schedule { days, windows, time_zone, holidays };
    if let Err(refused) = schedule.check() {
        wrong.push(refused);
    }
    super::form::all_right(Some(schedule), wrong.into_iter().map(at_one_field).collect())
}

/// What is kept free: the ticked boxes, then calendars and dates, one per line.
fn read_holidays(typed: &Typed, wrong: &mut Vec<Refused>) -> Vec<HolidayChoice> {
    let ticked = [HolidayChoice::Workspace, HolidayChoice::Person];
    let mut holidays: Vec<_> =
        ticked.into_iter().filter(|choice| typed.has("schedule.follows", &choice.to_string())).collect();
    for line in typed.get("schedule.holidays").split([';', '\n', '\r']).map(str::trim).filter(|line| !line.is_empty()) {
        let dates = || line.split([',', ' ']).filter(|text| !text.is_empty()).map(str::parse::<Date>);
        if let Some(calendar) = holidays::calendar_called(line) {
            holidays.push(HolidayChoice::Calendar(calendar.code.to_owned()));
        } else if dates().all(|date| date.is_ok()) {
            holidays.extend(dates().flatten().map(HolidayChoice::Day));
        } else {
            let message = format!("{line} is no date such as 2026-12-25, and no country or region with a calendar.");
            wrong.push(Refused::at("schedule.holidays", "invalid_date", message));
        }
    }
    holidays.sort_unstable();
    holidays.dedup();
    holidays
}

fn window_for(text: &str) -> WindowFor {
    match text {
        "first" => WindowFor::First,
        "follow_up" => WindowFor::FollowUp,
        _ => WindowFor::All,
    }
}

/// A refusal of one window stands under the table of windows, one of a calendar under the field of holidays.
pub fn at_one_field(refused: Refused) -> Refused {
    let list = refused.field.as_deref().and_then(|field| field.split_once('[')).map(|(list, _)| list.to_owned());
    match list.filter(|list| FIELDS.contains(&list.as_str())) {
        Some(list) => Refused { field: Some(list), ..refused },
        None => refused,
    }
}

/// When emails that are due now would leave, in sentences: one, or one each for first emails and follow-ups.
pub fn examples(local: &LocalSchedule, now: Timestamp) -> Vec<String> {
    let zone = &local.zone;
    let leaves = |is_first| match local.next_open(now, is_first) {
        Some(opening) if opening.moved => {
            format!("leaves {}", super::in_sentence(&crate::words::moment(opening.at, now, zone)))
        }
        Some(_) => "leaves at once".to_owned(),
        None => "never leaves: no window opens".to_owned(),
    };
    let (first, follow_up) = (leaves(true), leaves(false));
    if first == follow_up {
        return vec![format!("An email that is due now {first} in your time zone.")];
    }
    vec![
        format!("A first email that is due now {first} in your time zone."),
        format!("A follow-up that is due now {follow_up}."),
    ]
}

/// A schedule in a sentence: *Mon to Fri, 09:00 to 17:00, in the person's time zone*.
pub fn sentence(schedule: Option<&Schedule>) -> String {
    let Some(schedule) = schedule else { return "At any time".to_owned() };
    let name = |day: &Day| day.as_str()[..1].to_uppercase() + &day.as_str()[1..];
    let days: Vec<_> = schedule.days.iter().map(name).collect();
    let days = if schedule.days == Day::ALL[..5] { "Mon to Fri".to_owned() } else { crate::words::list(&days) };
    let windows: Vec<_> = schedule.windows.iter().map(window_words).collect();
    let zone = match &schedule.time_zone {
        ScheduleZone::Person => "in the person's time zone".to_owned(),
        ScheduleZone::Actor => "in the rep's time zone".to_owned(),
        ScheduleZone::Named(name) => format!("{} time", name.rsplit('/').next().unwrap_or(name).replace('_', " ")),
    };
    format!("{days}, {}, {zone}", windows.join(" and "))
}

fn window_words(window: &Window) -> String {
    let only = match window.only {
        WindowFor::All => "",
        WindowFor::First => " for first emails",
        WindowFor::FollowUp => " for follow-ups",
    };
    format!("{} to {}{only}", window.from, window.to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn a_schedule_goes_through_the_form_unchanged() {
        let schedule = Schedule {
            holidays: vec![
                HolidayChoice::Workspace,
                HolidayChoice::Person,
                HolidayChoice::Calendar("DE-BY".into()),
                HolidayChoice::Day(jiff::civil::date(2026, 12, 25)),
            ],
            ..Schedule::default()
        };
        let mut typed = Typed::default();
        put(&mut typed, Some(&schedule));
        assert_eq!(read(&typed), Ok(Some(schedule)));
        put(&mut typed, None);
        assert_eq!(read(&typed), Ok(None));
        assert_eq!(sentence(Some(&Schedule::default())), "Mon to Fri, 09:00 to 17:00, in the person's time zone");
    }

    #[test]
    fn the_example_says_when_an_email_that_is_due_now_leaves_and_tells_first_emails_apart() {
        let sunday = Timestamp::from_ms(
            jiff::civil::date(2026, 11, 29)
                .at(18, 0, 0, 0)
                .to_zoned(TimeZone::UTC)
                .expect("a time")
                .timestamp()
                .as_millisecond(),
        );
        let said = examples(&LocalSchedule::new(Some(&Schedule::default()), TimeZone::UTC), sunday);
        assert!(said.len() == 1 && said[0].contains("09:00"), "{said:?}");
        assert_eq!(
            examples(&LocalSchedule::new(None, TimeZone::UTC), sunday),
            ["An email that is due now leaves at once in your time zone."]
        );
        let window = |from: &str, to: &str, only| Window {
            from: MinuteOfDay::parse(from).expect("a time"),
            to: MinuteOfDay::parse(to).expect("a time"),
            only,
        };
        let windows = vec![window("09:00", "11:00", WindowFor::First), window("13:00", "17:00", WindowFor::FollowUp)];
        let parted = Schedule { windows, ..Schedule::default() };
        let said = examples(&LocalSchedule::new(Some(&parted), TimeZone::UTC), sunday);
        assert!(said[0].contains("09:00") && said[1].contains("13:00"), "{said:?}");
    }

    #[test]
    fn bad_times_and_dates_are_refused_at_their_fields() {
        let mut typed = Typed::default();
        put(&mut typed, Some(&Schedule::default()));
        typed.push("schedule.from", "9 o'clock");
        typed.push("schedule.to", "10:00");
        typed.push("schedule.only", "first");
        typed.set("schedule.holidays", "25 December");
        let wrong = read(&typed).expect_err("refusals");
        assert!(wrong.iter().any(|refused| refused.field.as_deref() == Some("schedule.windows")));
        assert!(wrong.iter().any(|refused| refused.field.as_deref() == Some("schedule.holidays")));
    }
}
