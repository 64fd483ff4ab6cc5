//! Finds the day an absent person is back, in the text of an automatic answer.
//!
//! Sentence by sentence: find dates, look at the words before (in Japanese and Chinese also behind) each in [`super::cues`],
//! and prefer a date said to be the first day back over a last day away. A date in the past or more than 400 days ahead is
//! no return date.

use jiff::ToSpan;
use jiff::civil::Date;

use super::cues::{Cue, cue_of, is_about_return};
use super::language::{LANGUAGES, Language};
use super::phrases::normal;
use super::written_dates::{Found, dates_in, is_ideograph};

/// How much text is searched, in bytes.
const SEARCHED_BYTES: usize = 6_000;

/// The first day back and the sentence that says so; `sent_on` is the day the answer was written.
pub(super) fn return_date(text: &str, sent_on: Date) -> Option<(Date, String)> {
    let mut best: Option<(u8, Date, String)> = None;
    for sentence in sentences(crate::parse::shorten(text, SEARCHED_BYTES)) {
        let Some((rank, date)) = date_of(&normal(sentence).replace("º/", "/"), sent_on) else { continue };
        // *Until the 3rd* and *bis zum 3.* in one answer: the last day is meant.
        let a_day_later = |best_rank: u8, best: Date| rank == best_rank && best.tomorrow().is_ok_and(|day| day == date);
        if best.as_ref().is_none_or(|(best_rank, best, _)| rank > *best_rank || a_day_later(*best_rank, *best)) {
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
                    && before.is_some_and(|c| {
                        c.is_alphabetic() || c == ')' || (c.is_ascii_digit() && !is_of_date(&text[at + 1..]))
                    })
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

/// Whether a month or a day follows: the full stop belongs to the number before it.
fn is_of_date(rest: &str) -> bool {
    let word = rest.trim_start().split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    let names =
        |language: &Language| language.months.iter().chain(&language.weekdays).flatten().any(|name| *name == word);
    word.is_empty() || LANGUAGES.iter().any(names)
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
    // Where months have no names, `3/1` is read otherwise: only in a sentence of those scripts.
    let has_ideographs = sentence.contains(is_ideograph);
    for language in LANGUAGES.iter().filter(|language| has_ideographs || !language.months.is_empty()) {
        for cued in cued_dates(sentence, language, sent_on) {
            match places.iter_mut().find(|p| p.found.start == cued.found.start && p.found.date == cued.found.date) {
                Some(place) if cued.distance < place.distance => *place = cued,
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
        .filter_map(|place| match place.cue {
            Cue::Back => Some((2, place.found.date)),
            Cue::Until => Some((1, place.found.date)),
            Cue::LastDay => Some((1, place.found.last.tomorrow().ok()?)),
            Cue::From => None,
        })
        .filter(|(_, date)| ahead(date))
        .max()
}

/// The dates of a sentence that one language sees with their cues; what begins an absence is left out.
fn cued_dates(sentence: &str, language: &Language, sent_on: Date) -> Vec<Cued> {
    let dates = dates_in(sentence, language, sent_on);
    let mut out: Vec<Cued> = Vec::new();
    for (index, found) in dates.iter().copied().enumerate() {
        let before = index.checked_sub(1).map(|before| dates[before]);
        let Some((cue, distance)) = cue_of(sentence, found, before, language) else { continue };
        out.push(Cued { found, cue, distance });
    }
    // *From the 23rd to the 27th I am away, from the 30th I am back*: only the last of them begins a presence.
    let last_from = out.iter().rposition(|cued| cued.cue == Cue::From);
    let is_followed = last_from.is_some_and(|at| at + 1 < out.len());
    let is_back = is_about_return(sentence, language) && !is_followed;
    out.retain_mut(|cued| {
        let begins_presence = cued.cue == Cue::From && is_back && last_from.is_some();
        if begins_presence {
            cued.cue = Cue::Back;
        }
        cued.cue != Cue::From
    });
    out
}
