//! Recognises complaints: feedback reports in ARF (RFC 5965) and the older shape of one large provider.

use relance_domain::inbound::{Evidence, Kind, Rule};

use super::report::{address_in, address_of, groups, original_headers, original_message_id};
use crate::parse::Message;

/// The complaint, when the message is one.
pub(super) fn complaint(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    let report = message
        .parts
        .iter()
        .find(|p| p.depth == 0 && p.content_type == "message/feedback-report")
        .and_then(|p| p.text());
    if let Some(text) = report {
        return Some(from_report(message, text, evidence));
    }
    let declared = message.parts.first().and_then(|p| p.report_type.as_deref()) == Some("feedback-report");
    let old_shape = message.sender_address().starts_with("staff@hotmail.")
        || message.subject.to_lowercase().starts_with("complaint about message from ");
    if !declared && !old_shape {
        return None;
    }
    evidence.push(Evidence::new(Rule::FeedbackReport, message.subject.clone()));
    Some(Kind::Complaint {
        feedback_type: "abuse".into(),
        recipient: recipient_of_original(message),
        original_message_id: original_message_id(message),
    })
}

fn from_report(message: &Message, text: &str, evidence: &mut Vec<Evidence>) -> Kind {
    let groups = groups(text);
    let field = |name: &str| groups.iter().find_map(|g| g.get(name));
    let feedback_type = field("feedback-type").unwrap_or("abuse").trim().to_lowercase();
    evidence.push(Evidence::new(Rule::FeedbackReport, format!("Feedback-Type: {feedback_type}")));
    let recipient = field("original-rcpt-to")
        .and_then(address_of)
        .or_else(|| field("removal-recipient").and_then(address_of))
        .or_else(|| recipient_of_original(message));
    Kind::Complaint { feedback_type, recipient, original_message_id: original_message_id(message) }
}

fn recipient_of_original(message: &Message) -> Option<String> {
    let headers = original_headers(message)?;
    let first = |name: &str| headers.iter().find(|(n, _)| n == name).and_then(|(_, value)| address_in(value));
    first("x-hmxmroriginalrecipient").or_else(|| first("to"))
}
