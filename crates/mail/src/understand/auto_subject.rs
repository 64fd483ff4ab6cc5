//! Tells the subjects of automatic answers from those of people.
//!
//! What counts is the part that is not our own subject: the beginning before a colon, a mark in brackets at either end, or
//! a sentence such as *Ada is out of the office*. Behind `Re:` stands our own subject, whatever it says.

use super::phrases::{Phrases, normal, words};
use crate::parse::Message;

/// Shortest words before our own subject, in letters, that no mail program uses for an answer or a forward.
const LONGER_THAN_ANSWERS: usize = 10;
/// Longest name before *is out of the office*, in words.
const NAME_WORDS: usize = 6;

/// What shows that the subject is that of an automatic answer; `weak_counts` lets words count that people write too.
pub(super) fn auto_subject(message: &Message, weak_counts: bool) -> Option<String> {
    let subject = normal(&message.subject);
    let subject = match without_tags(&subject) {
        Bare::Subject(subject) => subject,
        Bare::Automatic(tag) => return Some(tag.to_owned()),
    };
    beginning(subject, weak_counts)
        .or_else(|| tag_at_end(subject))
        .or_else(|| named_absence(subject))
        .map(str::to_owned)
        .or_else(|| before_topic(message, subject))
}

/// The part of a subject that the answering machine wrote, where the rest is known to be ours.
pub(super) fn own_words(subject: &str) -> &str {
    let Some((head, _)) = subject.split_once([':', '：']) else { return subject };
    let head_words = normal(head);
    if SUBJECTS.iter().any(|known| *known == head_words.trim()) { head } else { subject }
}

/// A subject that begins with the words of an automatic answer.
fn beginning(subject: &str, weak_counts: bool) -> Option<&'static str> {
    let stands_alone = |start: &&&str, ends: &[char]| {
        subject.strip_prefix(**start).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with(ends) || ANSWER_PREFIXES.iter().any(|prefix| rest.starts_with(prefix))
        })
    };
    let strong =
        || SUBJECTS.iter().find(|s| stands_alone(s, &[':', '：', '-', '[', '(', '!', '|', '.', '】', '"', ';']));
    let weak = || WEAK_SUBJECTS.iter().filter(|_| weak_counts).find(|s| stands_alone(s, &[':', '：', '!', '.']));
    let opening = || OPENINGS.iter().find(|start| subject.starts_with(**start));
    strong().or_else(weak).or_else(opening).copied()
}

/// `A question [auto reply]`, `Re: A question (out of office)`.
fn tag_at_end(subject: &str) -> Option<&'static str> {
    let inner = subject.strip_suffix(']').or_else(|| subject.strip_suffix(')'))?;
    let inner = &inner[inner.rfind(['[', '('])? + 1..];
    SUBJECTS.iter().copied().find(|known| *known == inner.trim())
}

/// `Ada Lovelace is out of the office (returning 30/11/2026)`.
fn named_absence(subject: &str) -> Option<&'static str> {
    let subject = subject.strip_prefix("auto:").unwrap_or(subject);
    NAMED_ABSENCES.iter().copied().find(|words| {
        subject.split_once(words).is_some_and(|(name, rest)| {
            let rest = rest.trim_start_matches(['.', '!', ' ']);
            name.ends_with(' ')
                && name.split_whitespace().count() <= NAME_WORDS
                && !name.contains([':', '?'])
                && (rest.is_empty()
                    || rest.starts_with(['(', ',', '-'])
                    || RANGE_WORDS.iter().any(|w| rest.starts_with(w)))
        })
    })
}

/// What may follow: *until 30 November*.
const RANGE_WORDS: [&str; 12] =
    ["until", "till", "from", "bis", "vom", "jusqu", "du ", "hasta", "fino", "tot ", "till ", "returning"];

/// Exchange puts words of its language before the topic of the thread, and answers and forwards have short ones.
fn before_topic(message: &Message, subject: &str) -> Option<String> {
    let topic = normal(message.header("thread-topic")?);
    if topic.is_empty() || message.parts.iter().any(|part| part.content_type == "text/calendar") {
        return None;
    }
    let words = subject.strip_suffix(topic.as_str())?.trim_end().strip_suffix([':', '：'])?.trim();
    let letters = words.chars().filter(|c| c.is_alphabetic()).count();
    let is_plain = words.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\''));
    (is_plain && letters >= LONGER_THAN_ANSWERS).then(|| words.to_owned())
}

/// What mail programs put before our own subject.
const ANSWER_PREFIXES: [&str; 8] = ["re:", "aw:", "sv:", "vs:", "odp:", "antw:", "rép:", "回复:"];

/// A subject without the tags before it, or the tag of an automatic answer.
enum Bare<'s> {
    Subject(&'s str),
    Automatic(&'s str),
}

/// Skips `[external]`, `external:` and `***spam***` before a subject.
fn without_tags(subject: &str) -> Bare<'_> {
    let mut subject = subject.trim_start();
    for _ in 0..3 {
        let rest = if let Some((tag, rest)) = bracketed(subject) {
            if SUBJECTS.contains(&tag.trim()) {
                return Bare::Automatic(tag);
            }
            rest
        } else if let Some(rest) = TAG_WORDS.iter().find_map(|word| subject.strip_prefix(word)) {
            rest
        } else {
            break;
        };
        subject = rest.trim_start();
    }
    Bare::Subject(subject)
}

/// `[external] the rest`: what stands in the brackets, and the rest.
fn bracketed(subject: &str) -> Option<(&str, &str)> {
    let close = match subject.chars().next()? {
        '[' => ']',
        '(' => ')',
        '{' => '}',
        '【' => '】',
        '*' => {
            return subject
                .trim_start_matches('*')
                .split_once("**")
                .map(|(tag, rest)| (tag, rest.trim_start_matches('*')));
        }
        _ => return None,
    };
    let (tag, rest) = subject.split_once(close)?;
    Some((&tag[tag.chars().next().map_or(0, char::len_utf8)..], rest))
}

/// What gateways write before a subject without brackets.
const TAG_WORDS: [&str; 8] =
    ["external:", "ext:", "extern:", "externe:", "externo:", "spam:", "caution:", "<external>"];

/// Whole subjects, or what stands before the colon and our own subject.
static SUBJECTS: Phrases = words!("auto_subjects");

/// The same, but people write them too.
static WEAK_SUBJECTS: Phrases = words!("auto_subjects_weak");

/// Openings that no person puts before our subject.
static OPENINGS: Phrases = words!("auto_openings");

/// What stands behind a name.
static NAMED_ABSENCES: Phrases = words!("named_absences");
