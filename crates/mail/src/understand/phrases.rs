//! Searching texts for phrases: one normal form, one way to look, and the lists in `words/`.
//!
//! A list is a text file with one phrase a line, in the normal form; `#` begins a comment. A new language is
//! new lines in these files.

use std::ops::Deref;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// A list of phrases, read once.
pub(super) type Phrases = LazyLock<List>;

/// Phrases in the order of their file, and how to look for all of them at once.
pub(super) struct List {
    phrases: Vec<&'static str>,
    /// None if it could not be built: then they are looked for one by one.
    search: Option<AhoCorasick>,
}

impl List {
    /// The list in a text.
    pub(super) fn new(text: &'static str) -> List {
        let phrases = lines(text);
        let search = AhoCorasick::new(&phrases).ok();
        List { phrases, search }
    }

    /// The first phrase of the list, whichever it is in the text, whose place passes `accepts`.
    pub(super) fn first(&self, text: &str, accepts: impl Fn(&str, usize, usize) -> bool) -> Option<&'static str> {
        let Some(search) = &self.search else {
            let found =
                |phrase: &&&str| text.match_indices(**phrase).any(|(at, _)| accepts(phrase, at, at + phrase.len()));
            return self.phrases.iter().find(found).copied();
        };
        let mut best = self.phrases.len();
        for found in search.find_overlapping_iter(text) {
            let index = found.pattern().as_usize();
            if index < best && accepts(self.phrases[index], found.start(), found.end()) {
                best = index;
            }
        }
        self.phrases.get(best).copied()
    }
}

impl Deref for List {
    type Target = [&'static str];

    fn deref(&self) -> &Self::Target {
        &self.phrases
    }
}

/// The list in `words/<name>.txt`.
macro_rules! words {
    ($name:literal) => {
        std::sync::LazyLock::new(|| {
            crate::understand::phrases::List::new(include_str!(concat!("words/", $name, ".txt")))
        })
    };
}
pub(super) use words;

/// The phrases of a list.
pub(super) fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).collect()
}

/// Lower case, straight quotation marks, plain digits and slashes, white space folded to single blanks.
pub(super) fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            out.push(' ');
        }
        // Nearly all letters of nearly all mail.
        if c.is_ascii() {
            out.push(if c == '\u{60}' { '\'' } else { c.to_ascii_lowercase() });
            continue;
        }
        match c {
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{b4}' => out.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' => out.push('"'),
            '\u{2010}'..='\u{2015}' => out.push('-'),
            '\u{ff10}'..='\u{ff19}' => out.push(char::from_u32(c as u32 - 0xff10 + 0x30).unwrap_or(c)),
            '\u{ff0f}' => out.push('/'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// The first of `phrases` that stands in `text`, on word borders where the phrase begins and ends with a letter.
pub(super) fn first_phrase(text: &str, phrases: &List) -> Option<&'static str> {
    phrases.first(text, |phrase, start, end| is_border(text, phrase, start, end))
}

/// The first of `phrases` that stands anywhere in `text`, also inside of words.
pub(super) fn first_inside(text: &str, phrases: &List) -> Option<&'static str> {
    phrases.first(text, |_, _, _| true)
}

/// Whether `phrase` stands in `text` as words of its own.
pub(super) fn has_phrase(text: &str, phrase: &str) -> bool {
    find_phrase(text, phrase, 0).is_some()
}

/// Where `phrase` stands in `text` as words of its own, from `from` on.
pub(super) fn find_phrase(text: &str, phrase: &str, from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = text.get(at..)?.find(phrase) {
        let start = at + found;
        let end = start + phrase.len();
        if is_border(text, phrase, start, end) {
            return Some(start);
        }
        at = start + phrase.chars().next().map_or(1, char::len_utf8);
    }
    None
}

pub(super) fn is_border(text: &str, phrase: &str, start: usize, end: usize) -> bool {
    let joins = |inner: Option<char>, outer: Option<char>| {
        inner.is_some_and(is_word_letter) && outer.is_some_and(is_word_letter)
    };
    !joins(phrase.chars().next(), text[..start].chars().next_back())
        && !joins(phrase.chars().next_back(), text[end..].chars().next())
}

/// Letters of scripts that put blanks between words.
fn is_word_letter(c: char) -> bool {
    c.is_alphanumeric() && !matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}
