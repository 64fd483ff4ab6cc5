//! Finds the day an absent person is back, in the text of an automatic answer.
//!
//! Sentence by sentence: find dates, look at the words before (in Japanese and Chinese also behind) each, and
//! prefer a date said to be the first day back over a last day away. A date in the past or more than 400 days ahead is no return date.

use jiff::ToSpan;
use jiff::civil::Date;

use super::language::{Cue, LANGUAGES, Language};
use super::phrases::{find_phrase, normal};
use super::written_dates::{Found, dates_in};

/// How far before a date its cue may stand, in bytes.
const CUE_REACH: usize = 60;
/// How much text is searched, in bytes.
const SEARCHED_BYTES: usize = 6_000;

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

/// A date with the nearest cue of any language.
#[derive(Clone, Copy, Debug)]
struct Cued {
    found: Found,
    cue: Cue,
    distance: usize,
}

/// The best return date of a normalised sentence, with a rank: first day back before last day away.
///
/// Languages share names of months and short cues; of those that see a date in one place the nearest cue decides.
fn date_of(sentence: &str, sent_on: Date) -> Option<(u8, Date)> {
    let mut places: Vec<Cued> = Vec::new();
    for language in LANGUAGES.iter() {
        for found in dates_in(sentence, language, sent_on) {
            let Some((cue, distance)) = cue_of(sentence, found, language) else { continue };
            let cued = Cued { found, cue, distance };
            match places.iter_mut().find(|p| p.found.start == found.start && p.found.date == found.date) {
                Some(place) if distance < place.distance => *place = cued,
                Some(_) => {}
                None => places.push(cued),
            }
        }
    }
    let ahead = |date: &Date| {
        sent_on.checked_sub(1.day()).is_ok_and(|from| *date >= from)
            && sent_on.checked_add(400.days()).is_ok_and(|to| *date <= to)
    };
    places
        .iter()
        .map(|place| match place.cue {
            Cue::Back => (2, place.found.date),
            Cue::LastDay => (1, place.found.date.checked_add(1.day()).unwrap_or(place.found.date)),
        })
        .filter(|(_, date)| ahead(date))
        .max()
}

/// The nearest cue before the date, or right behind it where the language puts it there, and how far it is.
fn cue_of(sentence: &str, found: Found, language: &Language) -> Option<(Cue, usize)> {
    let from = sentence.floor_char_boundary(found.start.saturating_sub(CUE_REACH));
    let before = &sentence[from..found.start];
    let behind = &sentence[found.end..sentence.ceil_char_boundary((found.end + 40).min(sentence.len()))];
    if language.months.is_empty() {
        return cue_behind(before, behind, language);
    }
    let last_place = |phrases: &[&str]| {
        let place = |p: &&str| last_phrase(before, p).map(|at| (at + p.len(), p.len()));
        phrases.iter().filter_map(place).filter(|(end, length)| *length > 3 || is_at(&before[*end..], language)).max()
    };
    let back = last_place(&language.back);
    let last_day = last_place(&language.last_day);
    let distance = |place: (usize, usize)| before.len() - place.0;
    if behind.trim_start_matches([' ', '(', ',']).starts_with("exclu") {
        return Some((Cue::Back, 0));
    }
    match (back, last_day) {
        (Some(back), Some(last_day)) if last_day > back => Some((Cue::LastDay, distance(last_day))),
        (Some(back), _) => Some((Cue::Back, distance(back))),
        (None, Some(last_day)) => Some((Cue::LastDay, distance(last_day))),
        (None, None) if range_end(before) => Some((Cue::LastDay, CUE_REACH)),
        (None, None) => back_behind(behind, language).then_some((Cue::Back, CUE_REACH)),
    }
}

/// In Japanese and Chinese the cue stands behind the date.
fn cue_behind(before: &str, behind: &str, language: &Language) -> Option<(Cue, usize)> {
    let near = |phrases: &[&str]| phrases.iter().filter_map(|p| behind.find(p)).filter(|at| *at <= 12).min();
    if let Some(at) = near(&language.back) {
        return Some((Cue::Back, at));
    }
    if let Some(at) = near(&language.last_day) {
        return Some((Cue::LastDay, at));
    }
    let ends_range = before.trim_end().ends_with(['～', '〜', '~', '-', '至', '到']);
    (ends_range || language.last_day.iter().any(|p| before.ends_with(p))).then_some((Cue::LastDay, 0))
}

/// Whether a short cue stands right before the date: *au 7 décembre*, *bis Montag, den 7.*, but not *au bureau le 7*.
fn is_at(between: &str, language: &Language) -> bool {
    between.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).all(|word| {
        ["the", "den", "dem", "d", "le", "el", "il", "o", "dia", "de", "of"].contains(&word)
            || language.weekdays.iter().flatten().any(|name| name.split('-').any(|part| part == word))
    })
}

/// `5 - 20 november`, `5 november - `: the date ends a range.
fn range_end(before: &str) -> bool {
    let trimmed = before.trim_end();
    if trimmed.ends_with('-') || trimmed.ends_with(" to") {
        return trimmed.bytes().any(|b| b.is_ascii_digit());
    }
    // Shorter words mean other things too, unless a number stands right before them.
    let from = [" a", " bis", " tot", " till", " til"].iter().find_map(|word| trimmed.strip_suffix(word));
    from.is_some_and(|from| from.trim_end_matches('.').ends_with(|c: char| c.is_ascii_digit()))
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
