//! Days that are named and not written as dates: `on monday`, `tuesday next week`, `monday the 30th`, `week 49`, `june`.
//!
//! A day of the week is the next one after the day of writing. A number beside it must agree with the calendar, else the
//! name counts alone. What none of these lists know is no date.

use jiff::Span;
use jiff::civil::{Date, ISOWeekDate, Weekday};

use super::language::Language;
use super::phrases::find_phrase;
use super::written_dates::{Found, Token, Tokens, build, day_then_month, numeric};

/// How far ahead a day of the week with a number is looked for.
const DAYS_AHEAD: i64 = 45;
/// How far `next week` may stand from the name of the day, in bytes.
const BESIDE: usize = 16;

const DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// `on monday`, `tomorrow`, `next week`.
pub(super) fn relative(sentence: &str, language: &Language, sent_on: Date) -> Vec<Found> {
    let mut out = Vec::new();
    let mut add = |phrase: &str, date: &dyn Fn(usize) -> Option<Date>| {
        let mut from = 0;
        while let Some(start) = find_phrase(sentence, phrase, from) {
            from = start + phrase.len();
            out.extend(date(start).map(|date| Found { is_weekday: true, ..Found::day(date, start, from) }));
        }
    };
    let monday = sent_on.nth_weekday(1, Weekday::Monday).ok();
    for (names, weekday) in language.weekdays.iter().zip(DAYS) {
        for name in names {
            add(name, &|start| {
                let of_next_week = is_of_next_week(sentence, start, name.len(), language);
                if of_next_week { on_or_after(monday?, weekday) } else { sent_on.nth_weekday(1, weekday).ok() }
            });
        }
    }
    for phrase in &language.tomorrow {
        add(phrase, &|_| sent_on.tomorrow().ok());
    }
    for phrase in &language.next_week {
        add(phrase, &|_| monday);
    }
    for phrase in &language.new_year {
        add(phrase, &|_| Date::new(sent_on.year() + 1, 1, 2).ok());
    }
    out
}

fn is_of_next_week(sentence: &str, start: usize, length: usize, language: &Language) -> bool {
    let from = sentence.floor_char_boundary(start.saturating_sub(BESIDE));
    let to = sentence.ceil_char_boundary((start + length + BESIDE).min(sentence.len()));
    language.next_week.iter().any(|phrase| find_phrase(&sentence[from..to], phrase, 0).is_some())
}

fn on_or_after(day: Date, weekday: Weekday) -> Option<Date> {
    if day.weekday() == weekday { Some(day) } else { day.nth_weekday(1, weekday).ok() }
}

/// `monday the 30th`, `montag, den 30.`, `lundi 30`: where name and number agree.
pub(super) fn weekday_with_day(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Date, usize)> {
    let (Token::Word(name), ..) = t.first()? else { return None };
    let weekday = language.weekdays.iter().zip(DAYS).find(|(names, _)| names.contains(name)).map(|(_, day)| day)?;
    let mut index = 1;
    while index < 5
        && matches!(
            t.get(index),
            Some(
                (Token::Sign(',' | '.'), ..)
                    | (Token::Word("the" | "den" | "dem" | "d" | "le" | "el" | "il" | "dia" | "día" | "de"), ..)
            )
        )
    {
        index += 1;
    }
    let (Token::Number(day, 1..=2), _, end) = *t.get(index)? else { return None };
    let is_date =
        numeric(&t[index..], language, sent_on).is_some() || day_then_month(&t[index..], language, sent_on).is_some();
    let clock = matches!(t.get(index + 1..index + 3), Some([(Token::Sign(':'), ..), (Token::Number(..), ..)]))
        || matches!(
            t.get(index + 1),
            Some((Token::Sign('%' | '/'), ..) | (Token::Word("uhr" | "h" | "am" | "pm" | "a" | "p" | "o"), ..))
        );
    let decimal = matches!(t.get(index + 1..index + 3), Some([(Token::Sign('.'), ..), (Token::Number(..), at, _)]) if *at == end + 1);
    if is_date || clock || decimal {
        return None;
    }
    let used =
        index + 1 + usize::from(matches!(t.get(index + 1), Some((Token::Word("st" | "nd" | "rd" | "th" | "ten"), ..))));
    let agrees = |date: &Date| u32::try_from(date.day()).is_ok_and(|d| d == day) && date.weekday() == weekday;
    let date = (0..DAYS_AHEAD).filter_map(|ahead| sent_on.checked_add(Span::new().days(ahead)).ok()).find(agrees)?;
    Some((date, used))
}

/// `week 49`, `kw 49`, `v. 49`: its Monday and its Sunday.
pub(super) fn week(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Date, Date, usize)> {
    let (Token::Word(name), ..) = t.first()? else { return None };
    if !language.week.contains(name) {
        return None;
    }
    let dot = usize::from(matches!(t.get(1), Some((Token::Sign('.'), ..))));
    let (Token::Number(number, 1..=2), ..) = t.get(1 + dot)? else { return None };
    let number = i8::try_from(*number).ok()?;
    let of_year = |year: i16| ISOWeekDate::new(year, number, Weekday::Monday).ok().map(ISOWeekDate::date);
    let recent = sent_on.checked_sub(Span::new().days(7)).ok()?;
    let monday = of_year(sent_on.year()).filter(|day| *day >= recent).or_else(|| of_year(sent_on.year() + 1))?;
    Some((monday, monday.checked_add(Span::new().days(6)).ok()?, 2 + dot))
}

/// `june`, `mid-january 2027`, `ende april`: a month without a day, by what stands before it; its last day for its end.
pub(super) fn month_alone(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Date, bool, usize)> {
    let (Token::Word(first), ..) = t.first()? else { return None };
    let part = ["mid", "mitte", "mi", "mediados", "metà", "meados", "half", "mitten", "medio", "połowy", "połowie"];
    let ends = [
        "end",
        "late",
        "ende",
        "fin",
        "finales",
        "final",
        "fine",
        "finais",
        "eind",
        "koniec",
        "końca",
        "slutet",
        "slutningen",
        "udgangen",
    ];
    let index = if part.contains(first) || ends.contains(first) { 1 } else { 0 };
    let mut at = index;
    while index > 0
        && at < 3
        && matches!(
            t.get(at),
            Some((Token::Sign('-'), ..) | (Token::Word("of" | "de" | "di" | "av" | "af" | "van"), ..))
        )
        && !is_month(t.get(at), language)
    {
        at += 1;
    }
    let (Token::Word(name), ..) = t.get(at)? else { return None };
    // Short names are words of their own: *set*, *out*, *mar*.
    let long_enough = name.chars().count() > 3 || matches!(*name, "may" | "mai" | "maj" | "mei");
    let month = language.months.iter().position(|names| names.contains(name)).filter(|_| long_enough)?;
    let month = u32::try_from(month + 1).ok()?;
    let (year, used) = match (t.get(at + 1), t.get(at + 2)) {
        (Some((Token::Number(year, 4), ..)), _) => (Some(*year), at + 2),
        (Some((Token::Word("de" | "of" | "del"), ..)), Some((Token::Number(year, 4), ..))) => (Some(*year), at + 3),
        // A day of the month stands there: another shape.
        (Some((Token::Number(..), ..)), _) => return None,
        _ => (None, at + 1),
    };
    let day = if index == 0 || ends.contains(first) { 1 } else { 15 };
    let date = build(year, month, day, sent_on)?;
    let is_end = ends.contains(first);
    Some((if is_end { date.last_of_month() } else { date }, is_end, used))
}

fn is_month(token: Option<&(Token<'_>, usize, usize)>, language: &Language) -> bool {
    matches!(token, Some((Token::Word(word), ..)) if language.months.iter().flatten().any(|name| name == word))
}

#[cfg(test)]
mod tests {
    use super::super::language::LANGUAGES;
    use super::super::written_dates::dates_in;
    use jiff::civil::date;

    #[test]
    fn days_without_a_date_are_counted_from_the_day_of_writing() {
        // A Monday.
        let sent_on = date(2026, 11, 16);
        for (language, text, expected) in [
            (0, "back on tuesday", date(2026, 11, 17)),
            (0, "back on tuesday next week", date(2026, 11, 24)),
            (1, "nächste woche dienstag", date(2026, 11, 24)),
            (0, "monday the 30th", date(2026, 11, 30)),
            (1, "montag, den 30.", date(2026, 11, 30)),
            (2, "lundi 30", date(2026, 11, 30)),
            (8, "vecka 49", date(2026, 11, 30)),
            (1, "kw 2", date(2027, 1, 11)),
        ] {
            let found = dates_in(text, &LANGUAGES[language], sent_on);
            assert!(found.iter().any(|f| f.date == expected), "{text}: {found:?}");
        }
        // The 29th is no Monday, and nine o'clock is no day.
        for text in ["monday the 29th", "monday 9:00", "monday 9 am"] {
            let found = dates_in(text, &LANGUAGES[0], sent_on);
            assert!(found.iter().all(|f| f.date == date(2026, 11, 23)), "{text}: {found:?}");
        }
    }
}
