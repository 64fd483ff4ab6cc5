//! Which days are holidays, and what they do to the next email.

use crate::build::{at, date, email, enrollment, person, plan, step_id, wait, workspace};
use relance_domain::{
    calendar::LocalSchedule,
    decision::{Decision, Facts, RuleKind, decide},
    enrollment::State,
    forecast::forecast,
    holidays::{HolidayChoice, OwnDay, WorkspaceHolidays, calendar, calendar_called, calendar_of_address, calendars},
    schedule::Schedule,
    step::{Wait, WaitUnit},
    time::zone,
};

fn on<'a>(code: &str, day: &str) -> Option<&'a str> {
    calendar(code).unwrap_or_else(|| panic!("no calendar {code}")).on(date(day))
}

#[test]
fn easter_moves_and_so_do_the_days_that_hang_on_it() {
    for day in ["2025-04-21", "2026-04-06", "2027-03-29", "2031-04-14", "2035-03-26"] {
        assert_eq!(on("DE", day), Some("Easter Monday"), "{day}");
        assert_eq!(on("FR", day), Some("Easter Monday"), "{day}");
    }
    assert_eq!(on("DE", "2026-04-07"), None);
    assert_eq!(on("FR", "2026-05-14"), Some("Ascension Day"));
    assert!(on("PL", "2026-06-04").is_some_and(|name| name.contains("Corpus Christi")));
    // The eastern churches reckon Easter by another calendar.
    assert_eq!(on("GR", "2026-04-13"), Some("Easter Monday"));
    assert_eq!(on("GR", "2026-04-06"), None);
}

#[test]
fn days_that_are_fixed_to_a_weekday_are_found_in_each_year() {
    assert_eq!(on("US", "2026-11-26"), Some("Thanksgiving Day"));
    assert_eq!(on("US", "2027-11-25"), Some("Thanksgiving Day"));
    assert_eq!(on("US", "2033-11-24"), Some("Thanksgiving Day"));
    assert_eq!(on("GB-ENG", "2026-08-31"), Some("Late Summer Bank Holiday"));
    assert_eq!(on("SE", "2026-06-20"), Some("Midsummer Day"));
}

#[test]
fn a_holiday_at_a_weekend_is_observed_where_the_country_does_so() {
    assert!(on("US", "2026-07-03").is_some_and(|name| name.contains("observed")));
    assert!(on("GB", "2026-12-28").is_some_and(|name| name.starts_with("Boxing Day")));
    assert!(on("GB", "2027-12-27").is_some_and(|name| name.starts_with("Christmas Day")));
    assert_eq!(on("DE", "2026-10-05"), None, "3 October 2026 is a Saturday and Germany makes up for nothing");
    assert!(on("JP", "2026-05-06").is_some(), "a Sunday among the days of Golden Week is made up for");
    assert_eq!(on("NL", "2025-04-26"), Some("King's Day"));
}

#[test]
fn a_region_has_the_days_of_its_country_and_its_own() {
    assert_eq!(on("DE", "2026-01-06"), None);
    assert_eq!(on("DE-BY", "2026-01-06"), Some("Epiphany"));
    assert_eq!(on("DE-BY", "2026-04-06"), Some("Easter Monday"));
    assert_eq!(on("GB-SCT", "2026-04-06"), None);
    assert_eq!(on("GB-ENG", "2026-04-06"), Some("Easter Monday"));
    assert_eq!(calendar("DE-BY").expect("Bavaria").place(), "Bayern (Germany)");
    assert!(calendar("US").expect("a country").regions().len() > 40);
}

#[test]
fn every_calendar_has_days_in_every_year_and_a_name() {
    assert!(calendars().iter().filter(|calendar| !calendar.is_region()).count() >= 200);
    assert!(calendars().is_sorted_by(|a, b| a.code < b.code));
    for calendar in calendars() {
        assert!(!calendar.name.is_empty() && !calendar.place().contains('['), "{}", calendar.code);
        for year in 2025..=2035 {
            let days = calendar.in_year(year);
            assert!(days.len() < 60 && days.iter().all(|(day, name)| day.year() == year && !name.is_empty()));
            assert!(days.is_sorted_by(|a, b| a.0 < b.0), "{} {year}", calendar.code);
        }
        assert!((2025..=2035).any(|year| !calendar.in_year(year).is_empty()), "{} is empty", calendar.code);
    }
    assert!(calendar("DE").expect("Germany").in_year(2036).is_empty());
}

#[test]
fn a_calendar_is_found_by_code_by_name_and_by_an_address() {
    for text in ["de", "DE", " Germany ", "germany"] {
        assert_eq!(calendar_called(text).map(|found| found.code), Some("DE"), "{text}");
    }
    assert_eq!(calendar_called("Bayern (Germany)").map(|found| found.code), Some("DE-BY"));
    assert!(calendar_called("Atlantis").is_none() && calendar_called("").is_none());
    let found = |country, region| calendar_of_address(country, region).map(|found| found.code);
    assert_eq!(found("Deutschland", ""), Some("DE"));
    assert_eq!(found("Deutschland", "by"), Some("DE-BY"));
    assert_eq!(found("USA", "California"), Some("US-CA"));
    assert_eq!(found("UK", "Scotland"), Some("GB-SCT"));
    assert_eq!(found("Germany", "Elsewhere"), Some("DE"));
    assert_eq!((found("", ""), found("Atlantis", "")), (None, None));
}

fn active(step: u128, due: &str) -> State {
    State::Active { step: step_id(step), due: at(due) }
}

fn schedule(choices: &[&str]) -> Schedule {
    Schedule { holidays: choices.iter().map(|text| HolidayChoice::parse(text)).collect(), ..Schedule::default() }
}

#[test]
fn a_schedule_follows_the_workspace_the_person_or_what_it_names() {
    let mut workspace = workspace();
    workspace.holidays = WorkspaceHolidays {
        calendars: vec!["FR".into()],
        own_days: vec![OwnDay { date: date("2026-07-03"), name: "Company day".into() }],
        left_out: vec![date("2026-05-25")],
    };
    let mut person = person();
    person.fields.address.country = "Germany".into();
    let words = |choices: &[&str], day: &str| {
        let schedule = schedule(choices);
        LocalSchedule::of(Some(&schedule), &person, None, &workspace).holiday_words(date(day))
    };
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(words(&["workspace"], "2026-07-14"), said("14 July is National Day in France"));
    assert_eq!(words(&["workspace"], "2026-07-03"), said("3 July is Company day"));
    assert_eq!(words(&["workspace"], "2026-05-25"), None, "left out");
    assert_eq!(words(&["person"], "2026-05-25"), said("25 May is Pentecost Monday in Germany"));
    assert_eq!(words(&["person"], "2026-07-14"), None);
    assert_eq!(words(&["DE-BY"], "2026-01-06"), said("6 January is Epiphany in Bayern (Germany)"));
    assert_eq!(words(&["2026-07-06"], "2026-07-06"), said("6 July is a holiday of this sequence"));
    assert_eq!(words(&["workspace", "person"], "2026-12-26"), None, "a Saturday is no sending day anyway");
    assert_eq!(words(&[], "2026-07-14"), None);
}

#[test]
fn the_decision_and_the_forecast_name_the_holiday() {
    let mut workspace = workspace();
    workspace.holidays.calendars = vec!["DE".into()];
    let next_day = Wait { amount: 1, unit: WaitUnit::Days };
    let two_business_days = Wait { amount: 2, unit: WaitUnit::BusinessDays };
    let steps = vec![email(1, Wait::IMMEDIATELY), email(2, next_day), email(3, two_business_days)];
    let plan = plan(steps, Some(schedule(&["workspace"])));
    let mut person = person();
    person.fields.time_zone = "Europe/Berlin".into();
    let due = "2026-04-06T09:00[Europe/Berlin]";
    let row = enrollment(active(1, due));
    let mailbox = crate::build::mailbox();
    let facts = Facts { mailbox: Some(&mailbox), ..Facts::new(at(due), &row, &plan, &person, &workspace) };
    let explained = decide(&facts);
    let tuesday = at("2026-04-07T09:00[Europe/Berlin]");
    assert_eq!(explained.decision, Decision::Wait { until: Some(tuesday), because: RuleKind::SendingDay });
    assert_eq!(explained.compared(RuleKind::SendingDay), Some("6 April is Easter Monday in Germany"));
    assert_eq!(
        explained.sentence(),
        "It waits because 6 April is Easter Monday in Germany. The next sending day opens at Tue 7 Apr, 09:00 in \
         Berlin. It leaves at about Tue 7 Apr, 09:00."
    );
    let steps = forecast(&facts);
    assert_eq!(steps[0].planned_at, Some(tuesday));
    assert_eq!(steps[0].holiday.as_deref(), Some("6 April is Easter Monday in Germany"));
    assert_eq!(steps[1].holiday, None);
    // Two business days over a holiday: Thursday 30 April, then Friday is a holiday, then Monday.
    let begun = enrollment(active(3, "2026-05-04T09:00[Europe/Berlin]"));
    let begun =
        relance_domain::enrollment::Enrollment { last_step_at: Some(at("2026-04-29T09:00[Europe/Berlin]")), ..begun };
    let facts = Facts { enrollment: &begun, now: at("2026-04-29T09:01[Europe/Berlin]"), emails_sent: 2, ..facts };
    assert_eq!(forecast(&facts)[0].holiday.as_deref(), Some("1 May is Labor Day in Germany"));
}

#[test]
fn business_days_do_not_count_holidays() {
    let mut workspace = workspace();
    workspace.holidays.calendars = vec!["DE".into()];
    let schedule = schedule(&["workspace"]);
    let local = LocalSchedule::in_workspace(Some(&schedule), zone("Europe/Berlin").expect("a zone"), &workspace);
    let thursday = at("2026-04-02T10:00[Europe/Berlin]");
    assert_eq!(local.add_wait(thursday, wait(1, WaitUnit::BusinessDays)), at("2026-04-07T10:00[Europe/Berlin]"));
}

#[test]
fn the_holidays_of_a_workspace_are_judged_before_they_are_kept() {
    let day = |day: &str, name: &str| OwnDay { date: date(day), name: name.into() };
    let mut holidays = WorkspaceHolidays {
        calendars: vec!["de".into(), "XX".into(), "DE".into()],
        own_days: vec![day("2026-07-03", " Company  day "), day("2026-07-03", "Another"), day("2026-08-01", "")],
        left_out: vec![date("2026-05-25"), date("2026-05-25")],
    };
    holidays.tidy();
    assert_eq!((holidays.calendars.len(), holidays.left_out.len()), (2, 1));
    let wrong = holidays.check();
    let fields: Vec<_> = wrong.iter().filter_map(|refused| refused.field.as_deref()).collect();
    assert_eq!(fields, ["calendars[1]", "own_days[1].date", "own_days[2].name"]);
    let unknown = schedule(&["XX"]).check().expect_err("a refusal");
    assert_eq!(unknown.field.as_deref(), Some("schedule.holidays[0]"));
}
