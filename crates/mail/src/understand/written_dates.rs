//! Reads dates as people write them: `30.11.`, `November 30th`, `30 de noviembre`, `11月30日`.
//!
//! A year that is not written is taken so that the date lies ahead. Days without a date are read in
//! [`super::named_days`]; which of all is a return date is decided in [`super::dates`].

use jiff::Span;
use jiff::civil::Date;

use super::language::Language;
use super::named_days::{month_alone, relative, week, weekday_with_day};

/// A date in a sentence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The date, or the first day of what is longer than a day.
    pub(super) date: Date,
    /// The last day of it.
    pub(super) last: Date,
    /// A month without a day: it counts only right behind a cue.
    pub(super) is_month: bool,
    /// A day of the week without a date.
    pub(super) is_weekday: bool,
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Found {
    /// One day.
    pub(super) fn day(date: Date, start: usize, end: usize) -> Found {
        Found { date, last: date, is_month: false, is_weekday: false, start, end }
    }
}

/// A piece of a sentence: a number with its digits, a word, a sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Number(u32, usize),
    Word(&'a str),
    Sign(char),
}

fn tokens(text: &str) -> Vec<(Token<'_>, usize, usize)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let start = text.len() - rest.len();
        let same = |f: fn(char) -> bool| rest.find(|c| !f(c)).unwrap_or(rest.len());
        let length = if c.is_ascii_digit() {
            let length = same(|c| c.is_ascii_digit());
            if let Ok(value) = rest[..length].parse() {
                out.push((Token::Number(value, length), start, start + length));
            }
            length
        } else if c.is_alphabetic() && !is_ideograph(c) {
            let length = same(|c| c.is_alphabetic() && !is_ideograph(c));
            out.push((Token::Word(&rest[..length]), start, start + length));
            length
        } else {
            if !c.is_whitespace() {
                out.push((Token::Sign(c), start, start + c.len_utf8()));
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    out
}

pub(super) fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// The dates in a normalised sentence as one language writes them, and the relative ones that stand apart from them.
pub(super) fn dates_in(sentence: &str, language: &Language, sent_on: Date) -> Vec<Found> {
    let tokens = tokens(sentence);
    let mut out = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let rest = &tokens[index..];
        let hit = numeric(rest, language, sent_on)
            .or_else(|| with_ideographs(rest, sent_on))
            .or_else(|| day_alone(rest, out.last().copied()))
            .or_else(|| day_then_month(rest, language, sent_on))
            .or_else(|| month_then_day(rest, language, sent_on))
            .or_else(|| weekday_with_day(rest, language, sent_on));
        let day = hit.map(|(date, used)| (Found::day(date, rest[0].1, rest[used - 1].2), used));
        match day.or_else(|| longer(rest, language, sent_on)) {
            Some((found, used)) => {
                out.push(found);
                index += used;
            }
            None => index += 1,
        }
    }
    // *Monday, 30 November* is one date; *away on 20 November, back on Monday* are two.
    let named: Vec<Found> = relative(sentence, language, sent_on)
        .into_iter()
        .filter(|day| !out.iter().any(|date| date.start <= day.end + 25 && date.end + 12 >= day.start))
        .collect();
    out.extend(named);
    out.sort_by_key(|found| (found.start, found.end));
    out
}

/// A week or a month.
fn longer(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Found, usize)> {
    let place = |used: usize| (t[0].1, t[used - 1].2);
    if let Some((date, last, used)) = week(t, language, sent_on) {
        let (start, end) = place(used);
        return Some((Found { last, ..Found::day(date, start, end) }, used));
    }
    let (date, is_end, used) = month_alone(t, language, sent_on)?;
    let (start, end) = place(used);
    // *Until march* ends with February; *until the end of march* with March.
    let last = if is_end { date } else { date.yesterday().ok()? };
    Some((Found { last, is_month: true, ..Found::day(date, start, end) }, used))
}

/// The rest of a sentence, in pieces.
pub(super) type Tokens<'t, 'a> = &'t [(Token<'a>, usize, usize)];

/// `30.11.`, `30.11.2026`, `30/11/26`, `11/30`, `2026-11-30`.
pub(super) fn numeric(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Date, usize)> {
    let number = |i: usize| match t.get(i) {
        Some((Token::Number(value, digits), ..)) => Some((*value, *digits)),
        _ => None,
    };
    let sign = |i: usize| match t.get(i) {
        Some((Token::Sign(c @ ('.' | '/' | '-')), ..)) => Some(*c),
        _ => None,
    };
    let (first, digits) = number(0)?;
    let separator = sign(1)?;
    let (second, _) = number(2)?;
    let adjacent = |a: usize, b: usize| t.get(a).zip(t.get(b)).is_some_and(|(a, b)| b.1 - a.2 <= 1);
    if !adjacent(0, 1) || !adjacent(1, 2) {
        return None;
    }
    if digits == 4 {
        let (third, _) = number(4).filter(|_| sign(3) == Some(separator))?;
        return Some((build(Some(first), second, third, sent_on)?, 5));
    }
    let third = number(4).filter(|(_, digits)| {
        sign(3) == Some(separator) && adjacent(2, 3) && adjacent(3, 4) && (*digits == 4 || *digits == 2)
    });
    if third.is_none() && separator == '-' {
        return None;
    }
    // `9.30` is a time unless a second dot follows.
    if third.is_none()
        && separator == '.'
        && !(sign(3) == Some('.') && adjacent(2, 3))
        && !(first <= 31 && second <= 12 && t[2].2 - t[2].1 == 2 && first > 0 && !is_hour(t.get(3)))
    {
        return None;
    }
    let year = third.map(|(year, digits)| if digits == 2 { 2_000 + year } else { year });
    let used = if third.is_some() { 5 } else { 3 };
    let day_first = build(year, second, first, sent_on);
    let month_first = build(year, first, second, sent_on).filter(|_| separator != '.');
    let date = match (day_first, month_first) {
        // Where months have no names they stand first.
        (_, Some(b)) if language.months.is_empty() && separator == '/' => b,
        (Some(a), Some(b)) if language.month_first && separator == '/' => nearest_ahead(a, b, sent_on),
        (Some(a), _) => a,
        (None, Some(b)) => b,
        (None, None) => return None,
    };
    Some((date, used))
}

/// `9.10 Uhr`, `9.10 h`.
fn is_hour(token: Option<&(Token<'_>, usize, usize)>) -> bool {
    matches!(
        token,
        Some((Token::Word("uhr" | "h" | "hrs" | "am" | "pm" | "kr" | "eur"), ..) | (Token::Sign('€' | '%'), ..))
    )
}

fn nearest_ahead(a: Date, b: Date, sent_on: Date) -> Date {
    match (a >= sent_on, b >= sent_on) {
        (true, true) => a.min(b),
        (true, false) => a,
        _ => b,
    }
}

/// `11月30日`, `2026年11月30日`.
fn with_ideographs(t: Tokens<'_, '_>, sent_on: Date) -> Option<(Date, usize)> {
    let number = |i: usize| match t.get(i) {
        Some((Token::Number(value, _), ..)) => Some(*value),
        _ => None,
    };
    let sign = |i: usize, c: char| matches!(t.get(i), Some((Token::Sign(s), ..)) if *s == c);
    if sign(1, '年') && sign(3, '月') {
        return Some((
            build(Some(number(0)?), number(2)?, number(4)?, sent_on)?,
            if is_day_sign(t.get(5)) { 6 } else { 5 },
        ));
    }
    if sign(1, '月') {
        return Some((build(None, number(0)?, number(2)?, sent_on)?, if is_day_sign(t.get(3)) { 4 } else { 3 }));
    }
    None
}

fn is_day_sign(token: Option<&(Token<'_>, usize, usize)>) -> bool {
    matches!(token, Some((Token::Sign('日' | '号' | '號'), ..)))
}

/// `27日` behind `11月23日`: a day of the same month.
fn day_alone(t: Tokens<'_, '_>, before: Option<Found>) -> Option<(Date, usize)> {
    let (Token::Number(day, 1..=2), ..) = t.first()? else { return None };
    let first = before.filter(|found| is_day_sign(t.get(1)) && !found.is_month)?.date;
    let date = Date::new(first.year(), first.month(), i8::try_from(*day).ok()?).ok()?;
    (date >= first).then_some((date, 2))
}

/// `23 november`, `23rd of november 2026`, `23. november`, `23 de noviembre de 2026`.
pub(super) fn day_then_month(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Date, usize)> {
    let (Token::Number(day, 1..=2), ..) = t.first()? else { return None };
    let mut index = 1;
    while index < 4 && is_filler(t.get(index)) {
        index += 1;
    }
    let month = month_of(t.get(index)?, language)?;
    let (year, used) = year_after(t, index + 1);
    Some((build(year, month, *day, sent_on)?, used))
}

/// `november 23`, `nov. 23rd, 2026`.
fn month_then_day(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Date, usize)> {
    let month = month_of(t.first()?, language)?;
    let mut index = 1;
    while index < 3 && matches!(t.get(index), Some((Token::Sign('.'), ..) | (Token::Word("the"), ..))) {
        index += 1;
    }
    let (Token::Number(day, 1..=2), ..) = t.get(index)? else { return None };
    let mut after = index + 1;
    if matches!(t.get(after), Some((Token::Word("st" | "nd" | "rd" | "th"), ..))) {
        after += 1;
    }
    let (year, used) = year_after(t, after);
    Some((build(year, month, *day, sent_on)?, used))
}

fn is_filler(token: Option<&(Token<'_>, usize, usize)>) -> bool {
    matches!(
        token,
        Some(
            (
                Token::Word(
                    "st" | "nd"
                        | "rd"
                        | "th"
                        | "of"
                        | "de"
                        | "do"
                        | "di"
                        | "den"
                        | "er"
                        | "e"
                        | "ème"
                        | "eme"
                        | "del"
                        | "º"
                        | "ª"
                ),
                ..
            ) | (Token::Sign('.' | '°' | '-' | ':'), ..)
        )
    )
}

/// A four-digit year behind a date, and how many tokens are used with it.
fn year_after(t: Tokens<'_, '_>, from: usize) -> (Option<u32>, usize) {
    let mut index = from;
    while matches!(t.get(index), Some((Token::Sign(',' | '.'), ..) | (Token::Word("de" | "of" | "del"), ..)))
        && index < from + 2
    {
        index += 1;
    }
    match t.get(index) {
        Some((Token::Number(year, 4), ..)) => (Some(*year), index + 1),
        _ => (None, from),
    }
}

fn month_of(token: &(Token<'_>, usize, usize), language: &Language) -> Option<u32> {
    let (Token::Word(word), ..) = token else { return None };
    let found = language.months.iter().position(|names| names.contains(word))?;
    u32::try_from(found + 1).ok()
}

/// A date; without a year the one that lies ahead, or up to a week back.
pub(super) fn build(year: Option<u32>, month: u32, day: u32, sent_on: Date) -> Option<Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    if let Some(year) = year {
        return Date::new(i16::try_from(year).ok()?, month, day).ok();
    }
    let this_year = Date::new(sent_on.year(), month, day).ok();
    let recent = sent_on.checked_sub(Span::new().days(7)).ok()?;
    this_year.filter(|date| *date >= recent).or_else(|| Date::new(sent_on.year() + 1, month, day).ok())
}
