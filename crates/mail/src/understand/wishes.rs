//! Recognises what is neither an answer nor a failure, and the short wish for no more mail.
//!
//! Read receipts, challenges, calendar answers and bulk mail are [`Kind::Other`]. A wish to unsubscribe
//! counts only when it is (nearly) all the person wrote: a longer answer is an answer.

use relance_domain::inbound::{Evidence, Kind, Rule};

use super::phrases::{Phrases, first_phrase, normal, words};
use super::reply::Folded;
use crate::parse::{Content, Message, shorten};

/// Longest text, in words, that can be a mere wish.
const WISH_WORDS: usize = 25;
/// Least words that make a forwarded notice an answer.
const OWN_WORDS: usize = 6;

/// A message disposition notification.
pub(super) fn read_receipt(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    let declared = message.parts.first().and_then(|p| p.report_type.as_deref()) == Some("disposition-notification");
    let part = message.parts.iter().any(|p| p.depth == 0 && p.content_type == "message/disposition-notification");
    let failed = message.parts.iter().any(|p| p.depth == 0 && p.content_type == "message/delivery-status");
    if is_rejection(message) {
        return None;
    }
    if (declared || part) && !failed || is_plain_receipt(message) {
        evidence.push(Evidence::new(Rule::ReadReceipt, message.subject.clone()));
        return Some(Kind::Other { what: "read receipt".into() });
    }
    None
}

/// A refusal in the form of a receipt, as Sieve scripts and full mailboxes send it (RFC 5429 §2.2).
fn is_rejection(message: &Message) -> bool {
    let says_so = message.header("auto-submitted").is_some_and(|v| v.to_ascii_lowercase().contains("(rejected)"));
    let subject = normal(&message.subject);
    says_so || subject == "automatically rejected mail" || subject.starts_with("rejected: ")
}

static RECEIPTS: Phrases = words!("receipts");

/// A receipt without its machine-readable part: by its subject and its words.
fn is_plain_receipt(message: &Message) -> bool {
    let subject = normal(&message.subject);
    if message.text.len() > 2_000 || !RECEIPTS.iter().any(|start| !start.starts_with('=') && subject.starts_with(start))
    {
        return false;
    }
    let text = normal(&message.text);
    RECEIPTS.iter().filter_map(|phrase| phrase.strip_prefix('=')).any(|phrase| text.contains(phrase))
}

static CHALLENGE_WORDS: Phrases = words!("challenges");

/// Domains of services that ask senders to prove to be human.
const CHALLENGERS: [&str; 7] = [
    "boxbe.com",
    "spamarrest.com",
    "mailinblack.com",
    "sendio.com",
    "bluebottle.com",
    "antispam.cloud",
    "privatefilter.com",
];

/// A challenge of a known service, in whatever form it comes: some write them as delivery reports.
pub(super) fn challenge_of_a_service(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    let sender = message.sender_address();
    let domain = sender.rsplit_once('@')?.1;
    let known = CHALLENGERS.iter().any(|name| domain == *name || domain.ends_with(&format!(".{name}")));
    let text = normal(shorten(&message.text, 4_000));
    if !known || !(text.contains("http") || first_phrase(&text, &CHALLENGE_WORDS).is_some()) {
        return None;
    }
    evidence.push(Evidence::new(Rule::Challenge, sender));
    Some(Kind::Other { what: "challenge".into() })
}

/// A challenge that wants the sender to prove to be human.
pub(super) fn challenge(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    if !message.in_reply_to.is_empty() && message.text.contains("\n>") {
        return None;
    }
    let text = normal(&format!("{}\n{}", message.subject, shorten(&message.text, 4_000)));
    let phrase = first_phrase(&text, &CHALLENGE_WORDS)?;
    let sender = message.sender_address();
    let automatic = message.header("auto-submitted").is_some_and(|v| !v.eq_ignore_ascii_case("no"))
        || message.header("precedence").is_some()
        || message.header("return-path").is_some_and(|v| v.trim() == "<>")
        || ["boxbe", "spamarrest", "noreply", "no-reply", "challenge", "verify"].iter().any(|w| sender.contains(w));
    if !automatic && !text.contains("http") {
        return None;
    }
    evidence.push(Evidence::new(Rule::Challenge, phrase));
    Some(Kind::Other { what: "challenge".into() })
}

/// A failure notice that someone forwards: of no use as an answer, and no proof of a failure either.
///
/// With words of their own in our thread it is an answer.
pub(super) fn forwarded_failure(message: &Message, folded: &Folded, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    let subject = normal(&message.subject);
    let inner = ["fwd: ", "fw: ", "wg: ", "tr: "].iter().find_map(|start| subject.strip_prefix(start))?;
    let words = super::bounce::failure_subject(inner)?;
    let answers = !message.in_reply_to.is_empty() || !message.references.is_empty();
    if answers && folded.quotes && folded.visible.split_whitespace().count() >= OWN_WORDS {
        return None;
    }
    evidence.push(Evidence::new(Rule::FailureSubject, words));
    Some(Kind::Doubtful { why: "Someone forwarded a failure notice.".into() })
}

/// An answer of a calendar: someone accepted or declined a meeting with one click.
pub(super) fn calendar_answer(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    let calendar = message.parts.iter().find(|p| p.depth == 0 && p.content_type == "text/calendar")?;
    let method = match &calendar.content {
        Content::Text(text) => text.lines().find_map(|line| {
            let (name, value) = line.trim().split_once(':')?;
            name.eq_ignore_ascii_case("method").then(|| value.to_owned())
        }),
        _ => None,
    }?;
    if !method.trim().eq_ignore_ascii_case("REPLY") {
        return None;
    }
    evidence.push(Evidence::new(Rule::CalendarNotice, message.subject.clone()));
    Some(Kind::Other { what: "calendar answer".into() })
}

/// A mailing that went to many, and answers nothing.
pub(super) fn bulk(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    if !message.in_reply_to.is_empty() || !message.references.is_empty() {
        return None;
    }
    let precedence = message
        .header("precedence")
        .is_some_and(|v| ["bulk", "list", "junk"].iter().any(|word| v.trim().eq_ignore_ascii_case(word)));
    let listed = message.header("list-unsubscribe").or_else(|| message.header("list-id"));
    let seen = match (listed, precedence) {
        (Some(value), _) => format!("List: {value}"),
        (None, true) => "Precedence: bulk".to_owned(),
        (None, false) if is_nobody(message) => message.sender_address(),
        (None, false) => return None,
    };
    evidence.push(Evidence::new(Rule::BulkMail, seen));
    Some(Kind::Other { what: "bulk mail".into() })
}

/// `noreply@`: nobody reads what is sent there, and no person writes from it.
pub(super) fn is_nobody(message: &Message) -> bool {
    let sender = message.sender_address();
    let local: String = sender.split('@').next().unwrap_or_default().chars().filter(|c| c.is_alphanumeric()).collect();
    ["noreply", "donotreply", "dontreply", "nichtantworten", "nepasrepondre", "noresponder", "nonrispondere"]
        .iter()
        .any(|name| local.starts_with(name) || local.ends_with(name))
}

static WISHES: Phrases = words!("unsubscribe_wishes");

/// Wishes only when they are the whole answer.
static WHOLE_WISHES: Phrases = words!("unsubscribe_whole");

/// The unsubscribe button of a mail program: an automatic mail to our unsubscribe address.
pub(super) fn unsubscribe_by_button(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    let by_apple = message.header("x-apple-unsubscribe").is_some();
    let bare = message.in_reply_to.is_empty() && normal(&message.subject) == "unsubscribe" && message.text.len() < 500;
    if !by_apple && !bare {
        return None;
    }
    evidence.push(Evidence::new(Rule::UnsubscribeWords, message.subject.clone()));
    Some(Kind::UnsubscribeRequest)
}

/// All the person wrote is that they want no more mail.
pub(super) fn unsubscribe_request(message: &Message, folded: &Folded, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    let visible = normal(&folded.visible);
    let words = visible.split_whitespace().count();
    let subject = normal(&message.subject);
    let subject_alone = WISHES.contains(&subject.trim_end_matches(['!', '.'])) && words <= WISH_WORDS;
    let bare = visible.trim_matches(|c: char| !c.is_alphanumeric());
    let whole = WHOLE_WISHES.contains(&bare).then_some(bare);
    let phrase = if subject_alone { Some(subject.as_str()) } else { whole.or_else(|| first_phrase(&visible, &WISHES)) };
    let phrase = phrase?;
    let asks_how = visible.contains("how to unsubscribe") || visible.contains("don't unsubscribe");
    let short = words <= WISH_WORDS && visible.chars().count() <= 240;
    if !short || asks_how || (visible.contains('?') && !visible.contains("can you") && !visible.contains("could you")) {
        return None;
    }
    evidence.push(Evidence::new(Rule::UnsubscribeWords, phrase));
    Some(Kind::UnsubscribeRequest)
}
