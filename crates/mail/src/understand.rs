//! Says what a message is: a person's answer, a machine's, a failure, a complaint, or a wish for no more mail.
//!
//! [`understand`] asks in a fixed order, surest first, and keeps what it saw as evidence. It knows neither
//! persons nor enrollments: whom the message belongs to and what follows is the domain's business
//! (`relance_domain::inbound`). It never fails; what it can't tell apart it calls doubtful.

mod attribution;
mod auto_reply;
mod auto_subject;
mod boilerplate;
mod bounce;
mod complaint;
mod cues;
mod dates;
mod failures;
mod language;
mod named_days;
mod notice;
mod notification;
mod phrases;
mod reason;
mod reply;
mod report;
mod stage;
mod wishes;
mod written_dates;

use relance_domain::inbound::{Evidence, Judgement, Kind, Rule, same_address};

use crate::parse::{Message, Unreadable, ids};

/// Who we are: mail from these addresses is never an answer.
#[derive(Clone, Debug, Default)]
pub struct Ours {
    /// The mailbox's address and its aliases.
    pub addresses: Vec<String>,
}

/// What the message is, and why.
pub fn understand(message: &Message, ours: &Ours) -> Judgement {
    let mut evidence = Vec::new();
    let kind = judge(message, ours, &mut evidence);
    Judgement { kind, evidence }
}

/// The judgement on a message that could not be read.
pub fn not_understood(unreadable: &Unreadable) -> Judgement {
    Judgement {
        kind: Kind::Unreadable { why: unreadable.why.clone() },
        evidence: vec![Evidence::new(Rule::Limit, unreadable.why.clone())],
    }
}

fn judge(message: &Message, ours: &Ours, evidence: &mut Vec<Evidence>) -> Kind {
    if let Some(kind) = wishes::read_receipt(message, evidence) {
        return kind;
    }
    if let Some(kind) = notification::notification(message, evidence) {
        return kind;
    }
    if let Some(kind) = complaint::complaint(message, evidence) {
        return kind;
    }
    if let Some(kind) = wishes::challenge_of_a_service(message, evidence) {
        return kind;
    }
    if let Some(bounce) = bounce::bounce(message, evidence) {
        return Kind::Bounce(bounce);
    }
    evidence.clear();
    let sender = message.sender_address();
    if ours.addresses.iter().any(|address| same_address(address, &sender)) {
        evidence.push(Evidence::new(Rule::OwnAddress, sender));
        return Kind::Own;
    }
    let folded = reply::fold(&message.text);
    let other = wishes::unsubscribe_by_button(message, evidence)
        .or_else(|| wishes::challenge(message, evidence))
        .or_else(|| wishes::forwarded_failure(message, &folded, evidence))
        .or_else(|| wishes::calendar_answer(message, evidence))
        .or_else(|| auto_reply::auto_reply(message, &folded, evidence))
        .or_else(|| wishes::bulk(message, evidence))
        .or_else(|| wishes::unsubscribe_request(message, &folded, evidence));
    other.unwrap_or_else(|| {
        evidence.push(Evidence::new(Rule::NothingAutomatic, ""));
        Kind::Reply { visible_text: folded.visible, quoted_text: folded.quoted }
    })
}

/// What the person wrote now in the text of an answer: without quotation and signature.
pub fn visible_part(text: &str) -> String {
    reply::fold(text).visible
}

/// The ids that may be those of our own emails, surest first: what the message answers or reports on.
pub fn ids_referred_to(message: &Message, judgement: &Judgement) -> Vec<String> {
    let original = match &judgement.kind {
        Kind::Bounce(bounce) => bounce.original_message_id.clone(),
        Kind::Complaint { original_message_id, .. } => original_message_id.clone(),
        _ => None,
    };
    let mut found: Vec<String> = Vec::new();
    let rewritten = ["x-microsoft-original-message-id", "x-original-message-id", "original-message-id"];
    let all = original
        .into_iter()
        .chain(message.in_reply_to.iter().cloned())
        .chain(message.references.iter().rev().cloned())
        .chain(rewritten.iter().flat_map(|name| message.header_values(name)).flat_map(ids))
        .chain(message.parts.iter().filter(|p| p.depth == 0).filter_map(report::original_id_of_receipt));
    for id in all {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
