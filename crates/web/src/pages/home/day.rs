//! What leaves today by hour: sent and planned, as bars with the table behind them.

use relance_domain::activity::ActivityKind;
use relance_domain::{quota, time};
use relance_storage::{Tx, activities};

use crate::app::App;
use crate::errors::Result;
use crate::session::Visitor;
use crate::words;

/// Emails counted at most.
const MOST: u32 = 2000;
/// Enrollments that the forecast of the day looks at: those that come up first.
const MOST_PLANNED: u32 = 600;
/// Height of the tallest bar, and of the axis, in units of the drawing.
const HEIGHT: u32 = 84;
const BASE: u32 = 104;
const WIDTH: u32 = 312;

/// One hour of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// From 0 to 23.
    pub hour: usize,
    /// Emails sent.
    pub sent: u32,
    /// Emails planned.
    pub planned: u32,
    /// Left edge of its bar.
    pub x: u32,
    /// Width of its bar.
    pub width: u32,
    /// Top and height of the part that was sent.
    pub sent_y: u32,
    /// Height of the part that was sent.
    pub sent_height: u32,
    /// Top of the part that is planned.
    pub planned_y: u32,
    /// Height of the part that is planned.
    pub planned_height: u32,
}

impl Hour {
    /// The middle of the bar.
    pub const fn middle(&self) -> u32 {
        self.x + self.width / 2
    }

    /// Sent and planned.
    pub const fn total(&self) -> u32 {
        self.sent + self.planned
    }

    /// `09:00`.
    pub fn label(&self) -> String {
        format!("{:02}:00", self.hour)
    }
}

/// The day's emails.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Sent so far.
    pub sent: u32,
    /// Still to leave.
    pub planned: u32,
    /// The quota of the user's mailboxes together; empty without one.
    pub quota: String,
    /// The place of the user's zone.
    pub place: String,
    /// The hours that are drawn.
    pub hours: Vec<Hour>,
}

impl Day {
    /// Nothing was sent, and nothing will be.
    pub const fn is_empty(&self) -> bool {
        self.sent + self.planned == 0
    }

    /// Labels keep their distance: every hour, every second or every third.
    pub fn has_label(&self, hour: &Hour) -> bool {
        let step = match self.hours.len() {
            ..=8 => 1,
            9..=14 => 2,
            _ => 3,
        };
        hour.hour.is_multiple_of(step)
    }

    /// Numbers stand above the bars while there are few.
    pub fn has_numbers(&self) -> bool {
        self.hours.len() <= 10
    }
}

/// Reads the user's day: what was sent, and what the rules that send let leave until its end.
pub async fn read(app: &App, tx: &mut Tx, visitor: &Visitor) -> Result<Day> {
    let zone = &visitor.zone;
    let today = visitor.now.zoned(zone).date();
    let begin = time::start_of_day(today, zone).unwrap_or(visitor.now);
    let sent =
        activities::list_recent(tx, ActivityKind::EmailSent, begin, Some(visitor.user.id), MOST as usize).await?;
    let own: Vec<_> = visitor.mailboxes.iter().map(|mailbox| mailbox.id).collect();
    let future = if own.is_empty() { None } else { app.engine.future(tx, &own, &[], MOST_PLANNED).await? };
    let planned = future.map(|future| future.forecast(Some(visitor.end_of_today()), Vec::new()).emails);
    let mut counts = [(0, 0); 24];
    let hour_of = |at: relance_domain::Timestamp| usize::from(at.zoned(zone).hour().unsigned_abs());
    for event in &sent {
        counts[hour_of(event.at)].0 += 1;
    }
    for email in planned.iter().flatten().filter(|email| email.at < visitor.end_of_today()) {
        counts[hour_of(email.at)].1 += 1;
    }
    let quota: u32 =
        visitor.mailboxes.iter().map(|mailbox| mailbox.quota_on(quota::day_of(mailbox, visitor.now))).sum();
    Ok(draw(&counts, if quota > 0 { words::number(quota) } else { String::new() }, words::place(zone)))
}

fn draw(counts: &[(u32, u32); 24], quota: String, place: String) -> Day {
    let busy: Vec<usize> = (0..24).filter(|hour| counts[*hour] != (0, 0)).collect();
    let from = busy.first().map_or(9, |first| 9.min(*first));
    let to = busy.last().map_or(16, |last| 16.max(*last));
    let most = counts.iter().map(|(sent, planned)| sent + planned).max().unwrap_or(0).max(1);
    let number = u32::try_from(to - from + 1).unwrap_or(1);
    let column = WIDTH / number;
    let hours = (from..=to).zip(0..).map(|(hour, index)| {
        let (sent, planned) = counts[hour];
        let (sent_height, planned_height) = (sent * HEIGHT / most, planned * HEIGHT / most);
        Hour {
            hour,
            sent,
            planned,
            x: 4 + index * column + column / 6,
            width: column - column / 3,
            sent_y: BASE - sent_height,
            sent_height,
            planned_y: (BASE - sent_height).saturating_sub(planned_height),
            planned_height,
        }
    });
    Day {
        sent: counts.iter().map(|(sent, _)| sent).sum(),
        planned: counts.iter().map(|(_, planned)| planned).sum(),
        quota,
        place,
        hours: hours.collect(),
    }
}

#[cfg(test)]
pub(super) fn sample() -> Day {
    let mut counts = [(0, 0); 24];
    counts[9] = (17, 0);
    counts[10] = (24, 6);
    counts[14] = (0, 16);
    draw(&counts, "200".into(), "Lyon".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_the_axis_and_planned_stands_on_sent() {
        let day = sample();
        assert_eq!((day.sent, day.planned), (41, 22));
        assert_eq!(day.hours.first().map(Hour::label).as_deref(), Some("09:00"));
        for hour in &day.hours {
            assert_eq!(hour.sent_y + hour.sent_height, BASE);
            assert_eq!(hour.planned_y + hour.planned_height, hour.sent_y);
            assert!(hour.x + hour.width <= WIDTH + 8);
        }
    }
}
