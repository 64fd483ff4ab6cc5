//! Tells machines that answer in a person's name from the person.
//!
//! Proof is a header that only machines write. A subject counts when its beginning, the part that does not
//! quote our own subject, is that of an automatic answer. Words in the body alone leave a doubt, unless
//! they say outright that a machine wrote them. `X-Auto-Response-Suppress` proves nothing.

use jiff::civil::Date;
use relance_domain::inbound::{Evidence, Kind, Rule};

use super::auto_subject::{auto_subject, own_words};
use super::bounce::{has_empty_return_path, is_system_sender};
use super::dates::return_date;
use super::phrases::{List, Phrases, first_phrase, is_border, normal, words};
use super::reply::Folded;
use crate::parse::{Message, shorten};

/// How much of the text is searched for the words of an automatic answer.
const SEARCHED_BYTES: usize = 2_000;

/// The automatic answer, when the message is one; a doubtful one when it can't be told.
pub(super) fn auto_reply(message: &Message, folded: &Folded, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    let text = normal(shorten(&folded.visible, SEARCHED_BYTES));
    let says_so = first_stated(&text, &MACHINE_TEXTS);
    let away = first_phrase(&text, &AWAY_TEXTS);
    // A person's answer begins with `Re:`; one with a subject of absence instead was made by a machine.
    let answers = !message.in_reply_to.is_empty() || !message.references.is_empty();
    let weak_counts = answers || says_so.is_some() || away.is_some();
    let bulk = answers && is_bulk(message);
    let sure = by_header(message, evidence) | by_subject(message, weak_counts, evidence) | (bulk && !folded.quotes);
    if bulk {
        evidence.push(Evidence::new(Rule::AutoHeader, "Precedence: bulk"));
    }
    let acknowledges = first_phrase(&text, &RECEIVED_TEXTS).filter(|_| first_phrase(&text, &PROMISE_TEXTS).is_some());
    if let Some(words) = says_so.or(away).or(acknowledges) {
        evidence.push(Evidence::new(Rule::AutoText, words));
    }
    if sure || (says_so.is_some() && !answers_with_quotation(message, folded)) {
        return Some(away_with_date(message, folded, evidence));
    }
    let says = Says { automatic: says_so.is_some() || bulk, away: away.is_some(), received: acknowledges.is_some() };
    let doubt = doubt(message, folded, says);
    match (&doubt, is_system_sender(message)) {
        (None, _) => evidence.clear(),
        (Some(_), Some(sender)) => evidence.push(Evidence::new(Rule::SystemSender, sender)),
        (Some(_), None) => {}
    }
    doubt
}

/// `Precedence: bulk` on an answer, as old vacation programs and ticket systems write it, and not a mailing list.
fn is_bulk(message: &Message) -> bool {
    let precedence = message.header("precedence").map(|v| v.trim().to_ascii_lowercase());
    let of_list = ["list-id", "list-post", "list-unsubscribe", "mailing-list"];
    matches!(precedence.as_deref(), Some("bulk" | "junk")) && of_list.iter().all(|name| message.header(name).is_none())
}

/// The first phrase that is said and not asked: *Is this an automatic reply?* is a person's.
fn first_stated(text: &str, phrases: &List) -> Option<&'static str> {
    phrases.first(text, |phrase, start, end| {
        let rest = &text[end..];
        let asked = rest.find(['.', '!', '?', '。', '！', '？']).is_some_and(|at| rest[at..].starts_with(['?', '？']));
        is_border(text, phrase, start, end) && !asked
    })
}

/// What the words of an answer say.
#[derive(Clone, Copy)]
struct Says {
    /// That a machine wrote them.
    automatic: bool,
    /// That the person is away.
    away: bool,
    /// That the message arrived and what happens to it.
    received: bool,
}

/// Why it may be a machine although nothing proves it.
fn doubt(message: &Message, folded: &Folded, says: Says) -> Option<Kind> {
    let quotes = answers_with_quotation(message, folded);
    let why = if says.automatic {
        "It looks written automatically, but quotes your email as a person's answer does."
    } else if says.away && !quotes {
        "It says that the person is away, but nothing shows whether a person or a machine wrote it."
    } else if says.received && !quotes {
        "It says that your email was received, as people and machines do."
    } else if is_system_sender(message).is_some() {
        "It comes from the address of a mail system."
    } else {
        return None;
    };
    Some(Kind::Doubtful { why: why.into() })
}

fn answers_with_quotation(message: &Message, folded: &Folded) -> bool {
    (!message.in_reply_to.is_empty() || !message.references.is_empty()) && folded.quotes
}

fn away_with_date(message: &Message, folded: &Folded, evidence: &mut Vec<Evidence>) -> Kind {
    let sent_on =
        message.local_date.or_else(|| message.date.map(|d| d.instant().to_zoned(jiff::tz::TimeZone::UTC).date()));
    let found = sent_on.and_then(|day: Date| {
        return_date(&folded.visible, day)
            .or_else(|| return_date(&message.text, day))
            .or_else(|| return_date(own_words(&message.subject), day))
    });
    match found {
        Some((date, sentence)) => {
            evidence.push(Evidence::new(Rule::ReturnDate, sentence.clone()));
            Kind::AutoReply { return_date: Some(date), sentence: Some(sentence) }
        }
        None => Kind::AutoReply { return_date: None, sentence: None },
    }
}

fn by_header(message: &Message, evidence: &mut Vec<Evidence>) -> bool {
    let before = evidence.len();
    if let Some(value) = message.header("auto-submitted") {
        let word = value.split([';', ' ', '(']).next().unwrap_or_default().to_ascii_lowercase();
        if !word.is_empty() && word != "no" {
            evidence.push(Evidence::new(Rule::AutoSubmitted, value));
        }
    }
    for (name, values) in AUTO_HEADERS {
        let seen = message.header_values(name).find(|v| {
            let v = v.trim().to_ascii_lowercase();
            if values.is_empty() {
                !matches!(v.as_str(), "no" | "false" | "0")
            } else {
                values.iter().any(|w| v.starts_with(w))
            }
        });
        if let Some(value) = seen {
            evidence.push(Evidence::new(Rule::AutoHeader, format!("{name}: {}", shorten(value, 100))));
        }
    }
    if has_empty_return_path(message) {
        evidence.push(Evidence::new(Rule::EmptyReturnPath, ""));
    }
    evidence.len() > before
}

/// Headers only machines write; with no values named, any value but a no counts.
const AUTO_HEADERS: &[(&str, &[&str])] = &[
    ("x-autoreply", &[]),
    ("x-auto-reply", &[]),
    ("x-autoreply-from", &[]),
    ("x-mail-autoreply", &[]),
    ("x-autorespond", &[]),
    ("x-autoresponder", &[]),
    ("x-auto-responder", &[]),
    ("x-autoresponse", &[]),
    ("x-autogenerated", &[]),
    ("x-autoreply-domain", &[]),
    ("autoresponder", &[]),
    ("x-vacation", &[]),
    ("x-out-of-office", &[]),
    ("x-ooo", &[]),
    ("x-fc-machinegenerated", &["true"]),
    ("x-post-messageclass", &["9"]),
    ("x-ms-exchange-inbox-rules-loop", &[]),
    ("x-ms-exchange-generated-message-source", &["mailbox rules agent", "antimalware"]),
    ("x-precedence", &["auto_reply", "auto-reply", "autoreply"]),
    ("precedence", &["auto_reply", "auto-reply", "autoreply", "autoresponse", "auto_response"]),
    ("delivered-to", &["autoresponder"]),
    ("x-apple-action", &["vacation"]),
    ("x-sieve-vacation", &[]),
];

fn by_subject(message: &Message, weak_counts: bool, evidence: &mut Vec<Evidence>) -> bool {
    let found = auto_subject(message, weak_counts);
    let is_found = found.is_some();
    evidence.extend(found.map(|words| Evidence::new(Rule::AutoSubject, words)));
    is_found
}

/// Words with which a machine names itself.
static MACHINE_TEXTS: Phrases = words!("auto_texts");

/// Words of an absence; a person writes them too.
static AWAY_TEXTS: Phrases = words!("away_texts");

/// That a message arrived, and what happens to it then: both together acknowledge it.
static RECEIVED_TEXTS: Phrases = words!("ack_received");
static PROMISE_TEXTS: Phrases = words!("ack_promises");
