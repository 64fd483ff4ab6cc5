//! A received message in the history: what it is, from whom, its words, and why it was taken for that.

use jiff::tz::TimeZone;
use relance_domain::activity::{Activity, ActivityKind as A};
use relance_domain::inbound::{Evidence, Hardness, Kind, Match};
use relance_domain::person::Person;
use relance_storage::inbound::InboundMessage;

use super::{Around, Card, Correction, Item};
use crate::session::Visitor;
use crate::urls;
use crate::words;

/// The icon, the colour of its dot, the title and the words behind it.
type Head = (&'static str, &'static str, String, String);

/// The event of a received message as it stands in the history.
pub(super) fn draw(
    item: Item,
    event: &Activity,
    person: &Person,
    around: &Around,
    zone: &TimeZone,
    visitor: &Visitor,
) -> Item {
    let message = event.inbound_id.and_then(|id| around.messages.get(&id));
    let first = &person.fields.first_name;
    let who = if first.is_empty() { person.name() } else { first.clone() };
    let (icon, dot, title, words) = match (event.kind, message) {
        (A::HeldForReview, _) => ("inbox", "waiting", "A message waits for a decision".to_owned(), String::new()),
        (_, Some(message)) => of_kind(message, person, &who),
        (kind, None) => of_event(kind, person, &who),
    };
    let correction = correction(event, person, around, zone, visitor);
    Item { icon, dot, title, words, correction, card: message.map(card), ..item }
}

fn of_kind(message: &InboundMessage, person: &Person, who: &str) -> Head {
    match &message.judgement.kind {
        Kind::Reply { .. } => reply(message, person),
        Kind::AutoReply { .. } => {
            let title = if message.effect.is_absence() { "Out of office" } else { "Automatic reply" };
            ("tree-palm", "out-of-office", title.to_owned(), format!("from {who}{}", back(message)))
        }
        Kind::Bounce(bounce) => of_bounce(bounce.hardness),
        Kind::Complaint { .. } => ("shield-alert", "blocked", format!("{who} complained"), String::new()),
        Kind::UnsubscribeRequest => ("mail-x", "ended", format!("{who} asked for no more mail"), String::new()),
        Kind::Other { what } => ("mail-check", "done", capital(what), format!("from {who}")),
        Kind::Doubtful { .. } => {
            ("inbox", "waiting", "A message that may be a reply".to_owned(), format!("from {}", sender(message)))
        }
        Kind::Own | Kind::Unreadable { .. } => {
            ("inbox", "waiting", "A message that could not be read".to_owned(), String::new())
        }
    }
}

/// Someone else may answer for the person: the line names who did.
fn reply(message: &InboundMessage, person: &Person) -> Head {
    let sender = sender(message);
    let title = match message.matched_by {
        Some(Match::ColleagueInThread) => format!("{sender} replied in place of {}", person.name()),
        Some(Match::ThreadFromElsewhere) => format!("{sender} replied from an unknown address"),
        _ => format!("{} replied", person.name()),
    };
    ("reply", "replied", title, String::new())
}

fn sender(message: &InboundMessage) -> &str {
    if message.from_name.is_empty() { &message.from_address } else { &message.from_name }
}

fn of_bounce(hardness: Hardness) -> Head {
    let words = |text: &str| text.to_owned();
    match hardness {
        Hardness::Hard => ("mail-x", "bounced", words("The email came back"), words("The address takes no mail.")),
        Hardness::Soft => ("mail-x", "bounced", words("The email came back"), words("The address may still be good.")),
        Hardness::Delayed => ("clock", "waiting", words("The email is delayed"), words("The server goes on trying.")),
        Hardness::Delivered => ("mail-check", "done", words("The email arrived"), words("A mail server says so.")),
    }
}

/// Without the message, by what was noted of it.
fn of_event(kind: A, person: &Person, who: &str) -> Head {
    match kind {
        A::ReplyReceived => ("reply", "replied", format!("{} replied", person.name()), String::new()),
        A::AutoReplyReceived => ("tree-palm", "out-of-office", "Automatic reply".to_owned(), format!("from {who}")),
        A::BounceReceived => ("mail-x", "bounced", "The email came back".to_owned(), String::new()),
        A::ComplaintReceived => ("shield-alert", "blocked", format!("{who} complained"), String::new()),
        _ => ("inbox", "waiting", "A message arrived".to_owned(), String::new()),
    }
}

fn card(message: &InboundMessage) -> Card {
    let lines = message.quoted_text.lines().count() as u64;
    Card {
        subject: message.subject.clone(),
        text: message.visible_text.clone(),
        quoted: message.quoted_text.clone(),
        quoted_words: format!("Quoted text, {}", words::count(lines, "line", "lines")),
        evidence: message.judgement.evidence.iter().map(Evidence::sentence).collect(),
        ..Card::default()
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// *, back Monday 23 November*.
fn back(message: &InboundMessage) -> String {
    let said = match (&message.effect, &message.judgement.kind) {
        (effect, _) if effect.is_absence() => effect.return_date(),
        (_, Kind::AutoReply { return_date, .. }) => *return_date,
        _ => None,
    };
    said.map(|date| format!(", back {}", date.strftime("%A %-d %B"))).unwrap_or_default()
}

/// The form that corrects the day of return, where the message still holds something.
fn correction(
    event: &Activity,
    person: &Person,
    around: &Around,
    zone: &TimeZone,
    visitor: &Visitor,
) -> Option<Correction> {
    let id = event.inbound_id.filter(|id| event.kind == A::AutoReplyReceived && around.correctable.contains(id))?;
    let date = around.messages.get(&id)?.effect.return_date();
    Some(Correction {
        action: urls::return_date(person.id, id),
        date: date.map(|date| date.to_string()).unwrap_or_default(),
        min: visitor.now.zoned(zone).date().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_not_always_a_failure() {
        let titles: Vec<String> = [Hardness::Hard, Hardness::Soft, Hardness::Delayed, Hardness::Delivered]
            .into_iter()
            .map(|hardness| {
                let (_, _, title, words) = of_bounce(hardness);
                format!("{title}. {words}")
            })
            .collect();
        assert_eq!(
            titles,
            [
                "The email came back. The address takes no mail.",
                "The email came back. The address may still be good.",
                "The email is delayed. The server goes on trying.",
                "The email arrived. A mail server says so.",
            ]
        );
    }

    #[test]
    fn the_name_of_another_message_begins_a_line() {
        assert_eq!(capital("read receipt"), "Read receipt");
        assert_eq!(capital(""), "");
    }
}
