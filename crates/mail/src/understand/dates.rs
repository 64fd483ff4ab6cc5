//! Finds the day an absent person is back, in the text of an automatic answer.
//!
//! Sentence by sentence: find dates, look at the words before (in Japanese and Chinese also behind) each, and
//! prefer a date said to be the first day back over a last day away. Years that are not written are
//! taken so that the date lies ahead. A date in the past or more than 400 days ahead is no return date.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use super::language::{Cue, LANGUAGES, Language};
use super::phrases::{find_phrase, normal};

/// How far before a date its cue may stand, in bytes.
const CUE_REACH: usize = 60;
/// How much text is searched, in bytes.
const SEARCHED_BYTES: usize = 6_000;

/// A date in a sentence.
#[derive(Clone, Copy, Debug)]
struct Found {
    date: Date,
    start: usize,
    end: usize,
}

/// The first day back and the sentence that says so; `sent_on` is the day the answer was written.
pub(super) fn return_date(text: &str, sent_on: Date) -> Option<(Date, String)> {
    let mut best: Option<(u8, Date, String)> = None;
    for sentence in sentences(crate::parse::shorten(text, SEARCHED_BYTES)) {
        let Some((rank, date)) = date_of(&normal(sentence), sent_on) else { continue };
        if best.as_ref().is_none_or(|(best_rank, ..)| rank > *best_rank) {
            best = Some((rank, date, crate::parse::clean_line(sentence)));
        }
    }
    best.map(|(_, date, sentence)| (date, sentence))
}

/// Splits at the ends of sentences and at blank lines; a full stop in `30.11.` or `Nov. 5` is no end.
fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    for (index, &(at, c)) in chars.iter().enumerate() {
        let next = chars.get(index + 1).map(|&(_, c)| c);
        let before = index.checked_sub(1).map(|i| chars[i].1);
        let after_blank = chars.get(index + 2).map(|&(_, c)| c);
        let ends = match c {
            '。' | '！' | '？' => true,
            '!' | '?' => next.is_none_or(char::is_whitespace),
            '.' => {
                next.is_none_or(char::is_whitespace)
                    && before.is_some_and(char::is_alphabetic)
                    && after_blank.is_none_or(|c| c.is_uppercase() || !c.is_alphanumeric())
            }
            '\n' => next == Some('\n'),
            _ => false,
        };
        if ends {
            let end = at + c.len_utf8();
            out.push(&text[start..end]);
            start = end;
        }
    }
    out.push(&text[start..]);
    out
}

/// The best return date of a normalised sentence, with a rank: first day back before last day away.
fn date_of(sentence: &str, sent_on: Date) -> Option<(u8, Date)> {
    let mut best: Option<(u8, Date)> = None;
    for language in LANGUAGES.iter() {
        for found in dates_in(sentence, language, sent_on) {
            let Some(cue) = cue_of(sentence, found, language) else { continue };
            let (rank, date) = match cue {
                Cue::Back => (2, found.date),
                Cue::LastDay => (1, found.date.checked_add(1.day()).unwrap_or(found.date)),
            };
            let ahead = sent_on.checked_sub(1.day()).is_ok_and(|from| date >= from)
                && sent_on.checked_add(400.days()).is_ok_and(|to| date <= to);
            if ahead && best.is_none_or(|(best_rank, best_date)| (rank, date) > (best_rank, best_date)) {
                best = Some((rank, date));
            }
        }
    }
    best
}

/// The nearest cue before the date, or right behind it where the language puts it there.
fn cue_of(sentence: &str, found: Found, language: &Language) -> Option<Cue> {
    let from = sentence.floor_char_boundary(found.start.saturating_sub(CUE_REACH));
    let before = &sentence[from..found.start];
    let behind = &sentence[found.end..sentence.ceil_char_boundary((found.end + 40).min(sentence.len()))];
    let last_place = |phrases: &[&str], text: &str| {
        phrases.iter().filter_map(|p| last_phrase(text, p).map(|at| (at + p.len(), p.len()))).max()
    };
    if language.months.is_empty() {
        let near = |phrases: &[&str]| phrases.iter().any(|p| behind.find(p).is_some_and(|at| at <= 12));
        if near(&language.back) {
            return Some(Cue::Back);
        }
        if near(&language.last_day) || language.last_day.iter().any(|p| before.ends_with(p)) {
            return Some(Cue::LastDay);
        }
        return None;
    }
    let back = last_place(&language.back, before);
    let last_day = last_place(&language.last_day, before);
    match (back, last_day) {
        (Some(back), Some(last_day)) if last_day > back => Some(Cue::LastDay),
        (Some(_), _) => Some(Cue::Back),
        (None, Some(_)) => Some(Cue::LastDay),
        (None, None) if range_end(before) => Some(Cue::LastDay),
        (None, None) => back_behind(behind, language).then_some(Cue::Back),
    }
}

/// `5 - 20 november`, `5 november - `: the date ends a range.
fn range_end(before: &str) -> bool {
    let trimmed = before.trim_end();
    trimmed.ends_with('-') && trimmed.bytes().any(|b| b.is_ascii_digit())
        || trimmed.ends_with(" to") && trimmed.bytes().any(|b| b.is_ascii_digit())
}

/// `am 23.11. wieder im Büro`, `on monday i will be back`.
fn back_behind(behind: &str, language: &Language) -> bool {
    language.back.iter().filter(|p| p.len() > 3).any(|p| find_phrase(behind, p, 0).is_some_and(|at| at <= 24))
}

fn last_phrase(text: &str, phrase: &str) -> Option<usize> {
    let mut last = None;
    let mut at = 0;
    while let Some(found) = find_phrase(text, phrase, at) {
        last = Some(found);
        at = found + phrase.len();
    }
    last
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
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

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

fn dates_in(sentence: &str, language: &Language, sent_on: Date) -> Vec<Found> {
    let tokens = tokens(sentence);
    let mut out = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let start = tokens[index].1;
        let hit = numeric(&tokens[index..], language, sent_on)
            .or_else(|| with_ideographs(&tokens[index..], sent_on))
            .or_else(|| day_then_month(&tokens[index..], language, sent_on))
            .or_else(|| month_then_day(&tokens[index..], language, sent_on));
        match hit {
            Some((date, used)) => {
                out.push(Found { date, start, end: tokens[index + used - 1].2 });
                index += used;
            }
            None => index += 1,
        }
    }
    if out.is_empty() {
        out.extend(relative(sentence, language, sent_on));
    }
    out
}

type Tokens<'t, 'a> = &'t [(Token<'a>, usize, usize)];

/// `30.11.`, `30.11.2026`, `30/11/26`, `11/30`, `2026-11-30`.
fn numeric(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Date, usize)> {
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
        && !(first <= 31 && second <= 12 && t[2].2 - t[2].1 == 2 && first > 0 && t[0].2 - t[0].1 == 2)
    {
        return None;
    }
    let year = third.map(|(year, digits)| if digits == 2 { 2_000 + year } else { year });
    let used = if third.is_some() { 5 } else { 3 };
    let day_first = build(year, second, first, sent_on);
    let month_first = build(year, first, second, sent_on).filter(|_| separator != '.');
    let date = match (day_first, month_first) {
        (Some(a), Some(b)) if language.month_first && separator == '/' => nearest_ahead(a, b, sent_on),
        (Some(a), _) => a,
        (None, Some(b)) => b,
        (None, None) => return None,
    };
    Some((date, used))
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
        return Some((build(Some(number(0)?), number(2)?, number(4)?, sent_on)?, if sign(5, '日') { 6 } else { 5 }));
    }
    if sign(1, '月') {
        return Some((build(None, number(0)?, number(2)?, sent_on)?, if sign(3, '日') { 4 } else { 3 }));
    }
    None
}

/// `23 november`, `23rd of november 2026`, `23. november`, `23 de noviembre de 2026`.
fn day_then_month(t: Tokens<'_, '_>, language: &Language, sent_on: Date) -> Option<(Date, usize)> {
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
                    "st" | "nd" | "rd" | "th" | "of" | "de" | "do" | "di" | "den" | "er" | "e" | "ème" | "eme" | "del"
                ),
                ..
            ) | (Token::Sign('.' | 'º' | '°'), ..)
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
fn build(year: Option<u32>, month: u32, day: u32, sent_on: Date) -> Option<Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    if let Some(year) = year {
        return Date::new(i16::try_from(year).ok()?, month, day).ok();
    }
    let this_year = Date::new(sent_on.year(), month, day).ok();
    let recent = sent_on.checked_sub(Span::new().days(7)).ok()?;
    this_year.filter(|date| *date >= recent).or_else(|| Date::new(sent_on.year() + 1, month, day).ok())
}

/// `on monday`, `tomorrow`, `next week`.
fn relative(sentence: &str, language: &Language, sent_on: Date) -> Vec<Found> {
    let mut out = Vec::new();
    let mut add = |phrase: &str, date: Option<Date>| {
        if let Some((start, date)) = find_phrase(sentence, phrase, 0).zip(date) {
            out.push(Found { date, start, end: start + phrase.len() });
        }
    };
    let days = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    for (names, weekday) in language.weekdays.iter().zip(days) {
        for name in names {
            add(name, sent_on.nth_weekday(1, weekday).ok());
        }
    }
    for phrase in &language.tomorrow {
        add(phrase, sent_on.tomorrow().ok());
    }
    for phrase in &language.next_week {
        add(phrase, sent_on.nth_weekday(1, Weekday::Monday).ok());
    }
    out
}
