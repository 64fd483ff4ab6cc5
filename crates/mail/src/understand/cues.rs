//! How the words around a date say whether it is the first day back or the last day away.
//!
//! A range goes first, then the nearest phrase before the date, then one right behind it. Words such as *from* begin an
//! absence as well as a presence: they count only where the sentence says that the person is there.

use super::language::Language;
use super::phrases::{find_phrase, has_phrase};
use super::written_dates::Found;

/// How far before a date its cue may stand, in bytes.
const REACH: usize = 60;
/// How far behind a date one may stand.
const REACH_BEHIND: usize = 40;

/// How a phrase beside a date says when the person is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// The date is the first day back.
    Back,
    /// The date is the last day away.
    LastDay,
    /// The date is the first day back, said as the end of an absence.
    Until,
    /// Something begins on the date: an absence or a presence.
    From,
}

/// What a date means by the words around it, and how far they are; `earlier` is the date before it in the sentence.
pub(super) fn cue_of(
    sentence: &str,
    found: Found,
    earlier: Option<Found>,
    language: &Language,
) -> Option<(Cue, usize)> {
    let behind = &sentence[found.end..sentence.ceil_char_boundary((found.end + REACH_BEHIND).min(sentence.len()))];
    let from = sentence.floor_char_boundary(found.start.saturating_sub(REACH));
    if language.months.is_empty() {
        return cue_around(&sentence[from..found.start], behind, language);
    }
    let from = from.max(earlier.map_or(0, |earlier| earlier.end).min(found.start));
    let before = &sentence[from..found.start];
    if found.is_month {
        return cue_before(before, language).filter(|(.., end)| is_at(&before[*end..], language)).map(|(cue, end)| {
            match cue {
                // *Until June* is until the first of it.
                Cue::LastDay if found.last < found.date => (Cue::Back, before.len() - end),
                cue => (cue, before.len() - end),
            }
        });
    }
    let including = is_including(behind);
    if behind.trim_start_matches([' ', '(', ',']).starts_with("exclu") {
        return Some((Cue::Back, 0));
    }
    let follows = earlier.is_some_and(|earlier| earlier.end <= found.start && found.start - earlier.end <= REACH);
    // *Away until the 4th and on the 7th back*: two things, joined by the word that joins the ends of a range.
    let joined = !found.is_weekday && !back_behind(behind, language);
    if (!found.is_weekday || says_not(sentence, language)) && range_end(before, follows, joined, language) {
        return Some((Cue::LastDay, 0));
    }
    match cue_before(before, language) {
        Some((Cue::Until | Cue::LastDay | Cue::From, end)) if including && !has_back(before, language) => {
            Some((Cue::LastDay, before.len() - end))
        }
        Some((cue, end)) => Some((cue, before.len() - end)),
        None => back_behind(behind, language).then_some((Cue::Back, REACH)),
    }
}

/// The last cue before a date, and where it ends.
fn cue_before(before: &str, language: &Language) -> Option<(Cue, usize)> {
    let last_place = |phrases: &[&str]| {
        let place = |p: &&str| last_phrase(before, p).map(|at| (at + p.len(), p.len()));
        phrases.iter().filter_map(place).filter(|(end, length)| *length > 3 || is_at(&before[*end..], language)).max()
    };
    let back = last_place(&language.back).map(|place| (place, Cue::Back));
    let until = last_place(&language.until).map(|place| (place, Cue::Until));
    let last_day = last_place(&language.last_day).map(|place| (place, Cue::LastDay));
    let from = last_place(&language.from).filter(|(end, _)| is_at(&before[*end..], language)).map(|p| (p, Cue::From));
    // *No answer before the 4th* says that there is one on the 4th; *call me before the 4th* says nothing.
    let not_before = last_place(&language.before)
        .filter(|(end, length)| is_at(&before[*end..], language) && says_not(&before[..*end - *length], language))
        .map(|p| (p, Cue::Until));
    // Of two that end in one place the longer one is meant: *up to* and *to*.
    [back, until, last_day, from, not_before]
        .into_iter()
        .flatten()
        .max_by_key(|(place, _)| *place)
        .map(|((end, _), cue)| (cue, end))
}

fn has_back(before: &str, language: &Language) -> bool {
    language.back.iter().any(|phrase| has_phrase(before, phrase))
}

/// Whether someone is said to be back or available, and not the contrary.
pub(super) fn is_about_return(sentence: &str, language: &Language) -> bool {
    language.back.iter().any(|phrase| has_phrase(sentence, phrase))
        || (language.available.iter().any(|phrase| has_phrase(sentence, phrase)) && !says_not(sentence, language))
}

fn says_not(sentence: &str, language: &Language) -> bool {
    language.not.iter().any(|phrase| has_phrase(sentence, phrase))
}

/// `inclusive`, `einschließlich`, `inclus`, `włącznie` behind a date.
fn is_including(behind: &str) -> bool {
    let behind = behind.trim_start_matches([' ', '(', ',', '.']);
    ["inclu", "inkl", "einschl", "compres", "włącznie", "ambos", "both", "begge", "båda", "tot en met"]
        .iter()
        .any(|word| behind.starts_with(word))
}

/// In Japanese and Chinese the cue stands behind the date, or right before it.
fn cue_around(before: &str, behind: &str, language: &Language) -> Option<(Cue, usize)> {
    let near =
        |phrases: &[&str], reach: usize| phrases.iter().filter_map(|p| behind.find(p)).filter(|at| *at <= reach).min();
    let announces = |p: &&str| {
        before.trim_end_matches([' ', ':', '：', 'は', '为', '為', '于', '於']).ends_with(p.trim_end_matches('は'))
    };
    let ends_range = before.trim_end().ends_with(['～', '〜', '~', '-', '至', '到']);
    match (near(&language.back, 24), near(&language.last_day, 12)) {
        (Some(back), Some(last_day)) if last_day < back => Some((Cue::LastDay, last_day)),
        (Some(back), _) if !ends_range => Some((Cue::Back, back)),
        (_, Some(last_day)) => Some((Cue::LastDay, last_day)),
        _ if language.until.iter().any(announces) => Some((Cue::Back, 0)),
        _ => {
            let stands_before = language.last_day.iter().any(|p| before.ends_with(p));
            (ends_range || stands_before).then_some((Cue::LastDay, 0))
        }
    }
}

/// Whether a short cue stands right before the date: *au 7 décembre*, *bis Montag, den 7.*, but not *au bureau le 7*.
fn is_at(between: &str, language: &Language) -> bool {
    between.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).all(|word| is_article(word, language))
}

/// Words between a cue and its date.
fn is_article(word: &str, language: &Language) -> bool {
    const ARTICLES: [&str; 47] = [
        "the",
        "on",
        "in",
        "of",
        "next",
        "coming",
        "including",
        "around",
        "about",
        "incl",
        "den",
        "dem",
        "der",
        "am",
        "im",
        "zum",
        "inkl",
        "inklusive",
        "einschl",
        "einschließlich",
        "einschliesslich",
        "kommenden",
        "nächsten",
        "voraussichtlich",
        "d",
        "le",
        "la",
        "prochain",
        "prochaine",
        "el",
        "día",
        "dia",
        "próximo",
        "proximo",
        "il",
        "giorno",
        "prossimo",
        "o",
        "a",
        "de",
        "em",
        "op",
        "aanstaande",
        "dnia",
        "på",
        "early",
        "anfang",
    ];
    ARTICLES.contains(&word) || language.weekdays.iter().flatten().any(|name| name.split('-').any(|part| part == word))
}

/// Whether the date ends a range: `5 - 20 november`, `5 november to friday`.
///
/// `follows`: another date stands right before the text; `joined`: a mere *and* may stand between.
fn range_end(before: &str, follows: bool, joined: bool, language: &Language) -> bool {
    let mut rest = without_articles(before, language);
    let connectors = language.range.iter().copied().chain(["-", "~"]).filter(|word| joined || !ANDS.contains(word));
    let ends =
        |word: &&str| rest.ends_with(word) && (word.len() == 1 || is_border_before(rest, rest.len() - word.len()));
    let Some(word) = connectors.filter(ends).max_by_key(|word| word.len()) else { return false };
    rest = &rest[..rest.len() - word.len()];
    let rest = without_articles(rest, language).trim_end_matches(['.', ')', ',', ' ']);
    if follows && rest.trim_start_matches([' ', ',', '.', ')', '(']).is_empty() {
        return true;
    }
    let digits = ["st", "nd", "rd", "th", "º", "."].iter().find_map(|end| rest.strip_suffix(end)).unwrap_or(rest);
    // *Back on 5 or 20 November* is no range, but *the 5th and the 20th* of an absence is.
    digits.ends_with(|c: char| c.is_ascii_digit()) && !ends_with_clock(digits)
}

/// Words for *and*.
const ANDS: [&str; 10] = ["and", "und", "et", "y", "y el", "e", "e il", "en", "i", "og"];

fn ends_with_clock(text: &str) -> bool {
    let bare = text.trim_end_matches(|c: char| c.is_ascii_digit());
    bare.ends_with(':')
}

fn is_border_before(text: &str, at: usize) -> bool {
    !text[..at].ends_with(char::is_alphabetic)
}

/// The text without weekdays, articles and signs at its end.
fn without_articles<'t>(text: &'t str, language: &Language) -> &'t str {
    let mut rest = text;
    loop {
        rest = rest.trim_end_matches([' ', ',', '(', '.', ':']);
        let start = rest
            .rfind(|c: char| !(c.is_alphanumeric() || c == '-'))
            .map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
        let word = rest[start..].trim_matches('-');
        if word.is_empty() || !is_article(word, language) || language.range.contains(&word) {
            return rest;
        }
        rest = &rest[..start];
    }
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
