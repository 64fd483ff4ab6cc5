//! Absences: which effects pause because someone is away, and the day of return as a person corrects it.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Effect;
use crate::error::Refused;
use crate::time::{Timestamp, start_of_day};

/// Longest absence that is believed, in years.
const LONGEST_YEARS: i16 = 2;

impl Effect {
    /// Whether it pauses the person's enrollments because they are away.
    pub const fn is_absence(&self) -> bool {
        matches!(self, Self::PauseUntil { .. } | Self::PauseForBusinessDays { .. })
    }

    /// The first day the person is back, if the message said so or someone corrected it.
    pub const fn return_date(&self) -> Option<Date> {
        match self {
            Self::PauseUntil { date } => Some(*date),
            _ => None,
        }
    }
}

/// What a corrected day of return means for enrollments that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// The person is back: they go on.
    Now,
    /// They wait until then.
    At(Timestamp),
}

/// When someone is back who is back on `date`, where they are.
pub fn corrected_return(date: Date, now: Timestamp, zone: &TimeZone) -> Result<Return, Refused> {
    let today = now.zoned(zone).date();
    if date < today {
        return Err(Refused::at("date", "in_the_past", "Choose today, if the person is back, or a later day."));
    }
    if date.year() > today.year().saturating_add(LONGEST_YEARS) {
        return Err(Refused::at("date", "too_far", "Choose a day within the next two years."));
    }
    match start_of_day(date, zone).filter(|start| *start > now) {
        Some(start) => Ok(Return::At(start)),
        None => Ok(Return::Now),
    }
}

/// Until when someone is away who will be back on `date`, where they are.
pub fn away_until(date: Date, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, Refused> {
    match corrected_return(date, now, zone)? {
        Return::At(until) => Ok(until),
        Return::Now => {
            let words =
                "Choose a later day. Whoever is back already has nothing to wait for: say that it is no answer.";
            Err(Refused::at("date", "back_already", words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_corrected_return_is_the_beginning_of_that_day_where_the_person_is() {
        let zone = TimeZone::get("Asia/Tokyo").expect("a zone");
        // In Tokyo it is already the 25th.
        let now = Timestamp::parse("2026-11-24T16:00:00Z").expect("an instant");
        let at = |text: &str| Return::At(Timestamp::parse(text).expect("an instant"));
        assert_eq!(corrected_return(date(2026, 11, 25), now, &zone), Ok(Return::Now));
        assert_eq!(corrected_return(date(2026, 11, 26), now, &zone), Ok(at("2026-11-25T15:00:00Z")));
        assert_eq!(away_until(date(2026, 11, 26), now, &zone).map(Return::At), Ok(at("2026-11-25T15:00:00Z")));
        assert_eq!(away_until(date(2026, 11, 25), now, &zone).expect_err("refused").code, "back_already");
        let code = |day: Date| corrected_return(day, now, &zone).expect_err("refused").code;
        assert_eq!(code(date(2026, 11, 24)), "in_the_past");
        assert_eq!(code(date(2206, 11, 24)), "too_far");
    }

    #[test]
    fn only_pauses_are_absences() {
        assert!(Effect::PauseForBusinessDays { days: 5 }.is_absence() && !Effect::RecordOnly.is_absence());
        let day = date(2026, 12, 1);
        assert_eq!(Effect::PauseUntil { date: day }.return_date(), Some(day));
        assert_eq!(Effect::PauseForBusinessDays { days: 5 }.return_date(), None);
    }
}
