//! Numbers and times as the words that stand on a page.
//!
//! English only, in one place, so that every page says the same thing the same way. A time is
//! given with the zone it is shown in; the reader's own zone is named beside it only where the
//! two differ at that moment. Nothing here fails: an instant out of range is clamped.

use std::fmt;

use jiff::Zoned;
use jiff::tz::TimeZone;
use relance_domain::Timestamp;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A whole number with commas: `4,312`.
pub fn number(n: impl fmt::Display) -> String {
    let text = n.to_string();
    let digits = text.trim_start_matches('-');
    let mut grouped = String::with_capacity(text.len() + text.len() / 3 + 1);
    if digits.len() < text.len() {
        grouped.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The beginning of a text, cut at `most` characters.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    format!("{}…", cut.trim_end())
}

/// A count with its noun: `1 email`, `4,312 emails`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// `1 person`, `4,312 people`.
pub fn people(n: u64) -> String {
    count(n, "person", "people")
}

/// Things in a sentence: `a`, `a and b`, `a, b and c`.
pub fn list(things: &[impl AsRef<str>]) -> String {
    match things {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// The first letters of the first and last word of a name, for an avatar.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|letter| letter.is_alphanumeric()));
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// A span of milliseconds in its largest unit: `40 s`, `5 min`, `2 h`, `3 days`.
pub fn span(ms: i64) -> String {
    let ms = ms.max(0);
    match ms {
        ..MINUTE => format!("{} s", ms / 1000),
        MINUTE..HOUR => format!("{} min", ms / MINUTE),
        HOUR..172_800_000 => format!("{} h", ms / HOUR),
        _ => format!("{} days", ms / (24 * HOUR)),
    }
}

/// The place a zone is named after: `London` for `Europe/London`.
pub fn place(zone: &TimeZone) -> String {
    let name = zone.iana_name().unwrap_or("UTC");
    name.rsplit('/').next().unwrap_or(name).replace('_', " ")
}

/// The time of day: `09:14`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.zoned(zone).strftime("%H:%M").to_string()
}

/// A day as the heading of a feed: `Today`, `Yesterday`, `Thursday 19 November`, with the year if another.
pub fn day(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.zoned(zone), now.zoned(zone));
    near(&at, &now)
        .unwrap_or_else(|| at.strftime(if at.year() == now.year() { "%A %-d %B" } else { "%A %-d %B %Y" }).to_string())
}

/// A short date: `Today`, `Tue 1 Dec`, with the year if another.
pub fn date(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.zoned(zone), now.zoned(zone));
    near(&at, &now).unwrap_or_else(|| short(&at, &now))
}

/// A date and time: `Today, 13:02`, `Tue 1 Dec, 09:14`.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    format!("{}, {}", date(at, now, zone), clock(at, zone))
}

/// How long ago: `just now`, `36 min ago`, `2 h ago`, `Today`, `Yesterday`, `9 Nov`, `9 Nov 2025`. What is ahead is a `moment`.
pub fn age(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let passed = now.since(at);
    match passed {
        ..0 => return moment(at, now, zone),
        0..MINUTE => return "just now".into(),
        MINUTE..HOUR => return format!("{} min ago", passed / MINUTE),
        _ => {}
    }
    let (at, now) = (at.zoned(zone), now.zoned(zone));
    if passed < 6 * HOUR && at.date() == now.date() {
        return format!("{} h ago", passed / HOUR);
    }
    near(&at, &now)
        .unwrap_or_else(|| at.strftime(if at.year() == now.year() { "%-d %b" } else { "%-d %b %Y" }).to_string())
}

/// The exact time for a tooltip: `Tue 1 Dec 2026, 09:14 London · 10:14 yours`.
pub fn exact(at: Timestamp, zone: &TimeZone, own: &TimeZone) -> String {
    let there = at.zoned(zone);
    let words = format!("{} {}", there.strftime("%a %-d %b %Y, %H:%M"), place(zone));
    let here = at.zoned(own);
    if there.offset() == here.offset() {
        return words;
    }
    let same_day = there.date() == here.date();
    format!("{words} · {} yours", here.strftime(if same_day { "%H:%M" } else { "%a %H:%M" }))
}

fn near(at: &Zoned, now: &Zoned) -> Option<String> {
    let days = (at.date() - now.date()).get_days();
    let word = match days {
        0 => "Today",
        -1 => "Yesterday",
        1 => "Tomorrow",
        _ => return None,
    };
    Some(word.into())
}

fn short(at: &Zoned, now: &Zoned) -> String {
    at.strftime(if at.year() == now.year() { "%a %-d %b" } else { "%a %-d %b %Y" }).to_string()
}

/// A time on a page, for the macro `ui::time`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// RFC 3339 in UTC.
    pub iso: String,
    /// What is read at a glance.
    pub words: String,
    /// The place of the zone, where it differs from the reader's; else empty.
    pub place: String,
    /// The exact time with its zone.
    pub exact: String,
    /// Whether the words grow old while the page is open.
    pub is_age: bool,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        if self.place.is_empty() { Ok(()) } else { write!(f, " {}", self.place) }
    }
}

impl When {
    /// As it stands within a sentence: *today, 09:12*.
    #[must_use]
    pub fn in_sentence(self) -> Self {
        Self { words: crate::pages::in_sentence(&self.words), ..self }
    }

    /// A moment in a person's zone (`Tue 1 Dec, 09:14`), read by somebody in `own`.
    pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone, own: &TimeZone) -> Self {
        let differs = at.zoned(zone).offset() != at.zoned(own).offset();
        // Where another day has begun, *today* would be read as one's own.
        let is_same_day = now.zoned(zone).date() == now.zoned(own).date();
        let words = if is_same_day {
            moment(at, now, zone)
        } else {
            format!("{}, {}", short(&at.zoned(zone), &now.zoned(zone)), clock(at, zone))
        };
        Self {
            iso: at.rfc3339(),
            words,
            place: if differs { place(zone) } else { String::new() },
            exact: exact(at, zone, own),
            is_age: false,
        }
    }

    /// The time of day only, for a list that is headed by days.
    pub fn clock(at: Timestamp, zone: &TimeZone, own: &TimeZone) -> Self {
        Self { words: clock(at, zone), ..Self::moment(at, at, zone, own) }
    }

    /// How long ago, in the reader's own zone.
    pub fn age(at: Timestamp, now: Timestamp, own: &TimeZone) -> Self {
        Self { words: age(at, now, own), is_age: now.since(at) < 6 * HOUR, ..Self::moment(at, now, own, own) }
    }
}

/// One step of a dialog's heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it lies before the current one.
    pub is_done: bool,
    /// Whether it is the current one.
    pub is_current: bool,
}

/// The steps of a dialog from their names parted by `|` and the current name.
pub fn parts<'a>(names: &'a str, current: &str) -> Vec<Part<'a>> {
    let names: Vec<_> = names.split('|').collect();
    let here = names.iter().position(|name| *name == current).unwrap_or(0);
    names
        .iter()
        .enumerate()
        .map(|(index, name)| Part { name, is_done: index < here, is_current: index == here })
        .collect()
}

/// *Chrome on Linux*, from what the browser calls itself.
pub fn browser(agent: &str) -> String {
    let known =
        |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser = known(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = known(&[
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "a Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "An unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("an instant")
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone")
    }

    #[test]
    fn counts_have_commas_and_the_right_noun() {
        assert_eq!(people(1), "1 person");
        assert_eq!(people(4312), "4,312 people");
        assert_eq!(count(0, "email", "emails"), "0 emails");
        assert_eq!(number(1_000_000), "1,000,000");
        assert_eq!(number(-1234), "−1,234");
    }

    #[test]
    fn lists_end_with_and() {
        assert_eq!(list(&[""; 0]), "");
        assert_eq!(list(&["industry"]), "industry");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn initials_take_the_first_and_the_last_word() {
        assert_eq!(initials("Maya Okafor"), "MO");
        assert_eq!(initials("wouter van Dijk"), "WD");
        assert_eq!(initials("Élodie"), "É");
        assert_eq!(initials(" "), "");
    }

    #[test]
    fn ages_get_coarser_with_time() {
        let (now, paris) = (at("2026-11-24T09:48:00Z"), zone("Europe/Paris"));
        let told = |text| age(at(text), now, &paris);
        assert_eq!(told("2026-11-24T09:47:30Z"), "just now");
        assert_eq!(told("2026-11-24T09:12:00Z"), "36 min ago");
        assert_eq!(told("2026-11-24T07:40:00Z"), "2 h ago");
        assert_eq!(told("2026-11-24T01:00:00Z"), "Today");
        assert_eq!(told("2026-11-23T22:59:00Z"), "Yesterday");
        assert_eq!(told("2026-11-09T12:00:00Z"), "9 Nov");
        assert_eq!(told("2025-11-09T12:00:00Z"), "9 Nov 2025");
        assert_eq!(told("2026-12-01T09:14:00Z"), "Tue 1 Dec, 10:14");
    }

    #[test]
    fn the_place_is_named_only_where_the_clocks_differ() {
        let (now, then) = (at("2026-11-24T09:48:00Z"), at("2026-12-01T09:14:00Z"));
        let (paris, london, amsterdam) = (zone("Europe/Paris"), zone("Europe/London"), zone("Europe/Amsterdam"));
        assert_eq!(When::moment(then, now, &london, &paris).to_string(), "Tue 1 Dec, 09:14 London");
        assert_eq!(When::moment(then, now, &amsterdam, &paris).to_string(), "Tue 1 Dec, 10:14");
        assert_eq!(exact(then, &london, &paris), "Tue 1 Dec 2026, 09:14 London · 10:14 yours");
        let (evening, singapore) = (at("2026-11-29T18:17:00Z"), zone("Asia/Singapore"));
        assert_eq!(
            When::moment(at("2026-11-30T07:00:00Z"), evening, &singapore, &paris).to_string(),
            "Mon 30 Nov, 15:00 Singapore",
            "it is Monday there already: not today to who reads it"
        );
        let night = at("2026-12-01T04:00:00Z");
        assert_eq!(
            exact(night, &zone("America/New_York"), &paris),
            "Mon 30 Nov 2026, 23:00 New York · Tue 05:00 yours"
        );
    }

    #[test]
    fn days_head_a_feed() {
        let (now, london) = (at("2026-11-24T09:48:00Z"), zone("Europe/London"));
        assert_eq!(day(at("2026-11-24T00:00:00Z"), now, &london), "Today");
        assert_eq!(day(at("2026-11-19T14:00:00Z"), now, &london), "Thursday 19 November");
        assert_eq!(day(at("2025-10-06T16:00:00Z"), now, &london), "Monday 6 October 2025");
        assert_eq!(moment(at("2026-11-25T09:00:00Z"), now, &london), "Tomorrow, 09:00");
    }

    #[test]
    fn the_steps_before_the_current_one_are_done() {
        let told: Vec<_> =
            parts("Choose|Preview|Started", "Preview").iter().map(|p| (p.is_done, p.is_current)).collect();
        assert_eq!(told, [(true, false), (false, true), (false, false)]);
    }
}
