//! The forecast of a mailbox as a chart: emails per day under the quota, drawn by the server, with a table behind it.

use jiff::civil::Date;
use relance_engine::commands::preflight::{BulkForecast, ForecastDay};

use crate::words;

/// Bars that fit.
const MOST_BARS: usize = 42;
/// The picture, in its own units.
const LEFT: f64 = 34.0;
const RIGHT: f64 = 458.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 176.0;

/// A piece of a bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    /// `bar1` first emails, `bar2` follow-ups, `bar3` planned before.
    pub class: &'static str,
    /// Left edge.
    pub x: String,
    /// Upper edge.
    pub y: String,
    /// Width.
    pub width: String,
    /// Height.
    pub height: String,
}

/// A label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Label {
    /// Where.
    pub x: String,
    /// Where.
    pub y: String,
    /// Its words.
    pub words: String,
}

/// A row of the table behind the chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The day.
    pub day: String,
    /// Planned before.
    pub planned: u32,
    /// First emails.
    pub first: u32,
    /// Follow-ups.
    pub follow_up: u32,
    /// All of them.
    pub total: u32,
    /// The quota of the day.
    pub quota: u32,
}

/// The chart and its table.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// The pieces of the bars.
    pub pieces: Vec<Piece>,
    /// Days below.
    pub days: Vec<Label>,
    /// Numbers at the left.
    pub numbers: Vec<Label>,
    /// Values above the bars, where they are few.
    pub values: Vec<Label>,
    /// The line of the quota over the days, as the points of a polyline.
    pub quota_line: String,
    /// *Daily quota of this mailbox: 200*, while it ramps up from what to what.
    pub quota_words: String,
    /// The table.
    pub rows: Vec<Row>,
    /// What a reader who does not see it is told.
    pub label: String,
    /// Days that are not drawn; empty if all are.
    pub rest: String,
}

fn at(number: f64) -> String {
    format!("{number:.1}")
}

/// The chart of a forecast; `None` if no email of it leaves.
pub fn draw(forecast: &BulkForecast) -> Option<Chart> {
    if forecast.emails == 0 || forecast.days.is_empty() {
        return None;
    }
    let drawn: Vec<&ForecastDay> = forecast.days.iter().take(MOST_BARS).collect();
    let total = |day: &ForecastDay| day.planned + day.first + day.follow_up;
    let highest = drawn.iter().map(|day| quota_on(forecast, day)).max().unwrap_or(forecast.quota);
    let most = drawn.iter().map(|day| total(day)).max().unwrap_or(0).max(highest).max(1);
    let height = |number: u32| f64::from(number) / f64::from(most) * (BOTTOM - TOP);
    let width = (RIGHT - LEFT) / drawn.len().max(7) as f64;
    let mut chart = Chart {
        quota_words: quota_words(forecast),
        label: label(forecast),
        rest: rest(forecast),
        rows: forecast.days.iter().filter(|day| total(day) > 0).map(|day| row(forecast, day)).collect(),
        ..Chart::default()
    };
    let mut line: Vec<String> = Vec::new();
    let every = drawn.len().div_ceil(5).max(1);
    for (n, day) in drawn.iter().enumerate() {
        let x = LEFT + width * n as f64 + 0.5;
        let mut y = BOTTOM;
        let top = at(BOTTOM - height(quota_on(forecast, day)));
        line.extend([format!("{},{top}", at(x - 0.5)), format!("{},{top}", at(x - 0.5 + width))]);
        for (class, number) in [("bar3", day.planned), ("bar2", day.follow_up), ("bar1", day.first)] {
            if number > 0 {
                let tall = (height(number) - 1.0).max(0.5);
                y -= height(number);
                chart.pieces.push(Piece { class, x: at(x), y: at(y), width: at(width - 1.0), height: at(tall) });
            }
        }
        let middle = at(x + width / 2.0);
        if drawn.len() <= 10 && total(day) > 0 {
            chart.values.push(Label { x: middle.clone(), y: at(y - 4.0), words: words::number(total(day)) });
        }
        if n % every == 0 {
            chart.days.push(Label { x: middle, y: at(BOTTOM + 16.0), words: short(day.day) });
        }
    }
    // Days that are not drawn have the last one's.
    if let Some((_, top)) = line.last().and_then(|last| last.split_once(',')) {
        line.push(format!("{},{top}", at(RIGHT)));
    }
    chart.quota_line = line.join(" ");
    chart.numbers = [0, most / 2, most]
        .iter()
        .map(|number| Label { x: at(LEFT - 6.0), y: at(BOTTOM - height(*number) + 4.0), words: words::number(*number) })
        .collect();
    Some(chart)
}

fn short(day: Date) -> String {
    day.strftime("%-d %b").to_string()
}

/// The quota of a day; forecasts that were kept before days had one have the mailbox's.
const fn quota_on(forecast: &BulkForecast, day: &ForecastDay) -> u32 {
    if day.quota == 0 { forecast.quota } else { day.quota }
}

/// The smallest and the largest quota of the days.
fn quotas(forecast: &BulkForecast) -> (u32, u32) {
    let of_days = || forecast.days.iter().map(|day| quota_on(forecast, day));
    (of_days().min().unwrap_or(forecast.quota), of_days().max().unwrap_or(forecast.quota))
}

fn quota_words(forecast: &BulkForecast) -> String {
    match quotas(forecast) {
        (least, most) if least < most => {
            format!("Daily quota of this mailbox, ramping up: {} to {}", words::number(least), words::number(most))
        }
        (_, quota) => format!("Daily quota of this mailbox: {}", words::number(quota)),
    }
}

fn row(forecast: &BulkForecast, day: &ForecastDay) -> Row {
    Row {
        day: day.day.strftime("%a %-d %b %Y").to_string(),
        planned: day.planned,
        first: day.first,
        follow_up: day.follow_up,
        total: day.planned + day.first + day.follow_up,
        quota: quota_on(forecast, day),
    }
}

fn label(forecast: &BulkForecast) -> String {
    let days = forecast.days.iter().filter(|day| day.first + day.follow_up > 0).count() as u64;
    format!(
        "{} leave on {}, at most {} a day with those planned before.",
        words::count(forecast.emails, "email", "emails"),
        words::count(days, "day", "days"),
        words::number(quotas(forecast).1)
    )
}

fn rest(forecast: &BulkForecast) -> String {
    let Some(last) = forecast.days.last().filter(|_| forecast.days.len() > MOST_BARS) else { return String::new() };
    format!("The first {MOST_BARS} days are drawn; the table goes on to {}.", short(last.day))
}

#[cfg(test)]
pub(super) fn sample() -> BulkForecast {
    let day = |day: i8, planned, first, follow_up| ForecastDay {
        day: jiff::civil::date(2026, 11, day),
        planned,
        first,
        follow_up,
        quota: 200,
    };
    BulkForecast {
        address: "nora@halden.example".into(),
        quota: 200,
        days: vec![day(24, 80, 120, 0), day(25, 60, 140, 0), day(26, 60, 0, 140)],
        emails: 400,
        ..BulkForecast::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_each_other_under_the_quota_and_the_table_says_the_same() {
        let chart = draw(&sample()).expect("a chart");
        assert_eq!(
            chart.pieces.iter().map(|piece| piece.class).collect::<Vec<_>>(),
            ["bar3", "bar1", "bar3", "bar1", "bar3", "bar2"]
        );
        assert!(chart.quota_line.starts_with("34.0,26.0 "), "the quota is the highest value: {}", chart.quota_line);
        assert_eq!(chart.quota_words, "Daily quota of this mailbox: 200");
        assert!(chart.pieces.iter().all(|piece| piece.y.parse::<f64>().expect("a number") >= TOP));
        assert_eq!(
            chart.rows[0],
            Row { day: "Tue 24 Nov 2026".into(), planned: 80, first: 120, follow_up: 0, total: 200, quota: 200 }
        );
        assert_eq!(chart.values.len(), 3);
        assert!(chart.label.contains("400 emails leave on 3 days"), "{}", chart.label);
    }

    #[test]
    fn while_the_mailbox_ramps_up_the_quota_is_a_stair() {
        let mut forecast = sample();
        for (day, quota) in forecast.days.iter_mut().zip([20, 110, 200]) {
            (day.planned, day.first, day.follow_up, day.quota) = (0, quota, 0, quota);
        }
        let chart = draw(&forecast).expect("a chart");
        let heights: Vec<_> =
            chart.quota_line.split(' ').filter_map(|point| point.split_once(',')).map(|(_, y)| y).collect();
        assert_eq!(heights, ["161.0", "161.0", "93.5", "93.5", "26.0", "26.0", "26.0"]);
        assert_eq!(chart.quota_words, "Daily quota of this mailbox, ramping up: 20 to 200");
        assert_eq!(chart.rows.iter().map(|row| row.quota).collect::<Vec<_>>(), [20, 110, 200]);
    }

    #[test]
    fn without_an_email_there_is_no_chart_and_of_many_days_the_first_are_drawn() {
        assert!(draw(&BulkForecast::default()).is_none());
        let first = jiff::civil::date(2026, 1, 1);
        let days = first.series(jiff::Span::new().days(1)).take(90);
        let days = days.map(|day| ForecastDay { day, planned: 1, first: 1, follow_up: 0, quota: 5 }).collect();
        let chart = draw(&BulkForecast { days, emails: 90, quota: 5, ..BulkForecast::default() }).expect("a chart");
        assert_eq!((chart.pieces.len(), chart.rows.len()), (2 * MOST_BARS, 90));
        assert!(chart.rest.contains("31 Mar"), "{}", chart.rest);
    }
}
