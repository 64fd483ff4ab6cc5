//! Reads delivery notifications that a large sending service mails as JSON instead of a report.

use relance_domain::inbound::{Bounce, Evidence, Hardness, Kind, Rule};
use serde_json::Value;

use super::reason::status_in;
use crate::parse::{Message, ids};

/// The failure, complaint or delivery a JSON notification tells of.
pub(super) fn notification(message: &Message, evidence: &mut Vec<Evidence>) -> Option<Kind> {
    if !message.sender_address().ends_with("@sns.amazonaws.com") || !message.text.contains("notificationType") {
        return None;
    }
    // Long lines were broken on the way, some with a mark.
    let text = message.text.replace("!\n ", "").replace('\n', "");
    let json = &text[text.find('{')?..=text.rfind('}')?];
    let mut told: Value = serde_json::from_str(json).ok()?;
    if let Some(inner) = told["Message"].as_str() {
        told = serde_json::from_str(inner).ok()?;
    }
    let kind = told["notificationType"].as_str()?;
    evidence.push(Evidence::new(Rule::DeliveryReport, format!("notificationType: {kind}")));
    let original_message_id = told["mail"]["headers"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|h| h["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("message-id")))
        .and_then(|h| h["value"].as_str())
        .and_then(|value| ids(value).into_iter().next());
    let addresses = |list: &Value| -> Vec<String> {
        let one = |r: &Value| r["emailAddress"].as_str().or_else(|| r.as_str()).map(str::to_lowercase);
        list.as_array().into_iter().flatten().filter_map(one).collect()
    };
    Some(match kind {
        "Complaint" => Kind::Complaint {
            feedback_type: told["complaint"]["complaintFeedbackType"].as_str().unwrap_or("abuse").to_owned(),
            recipient: addresses(&told["complaint"]["complainedRecipients"]).into_iter().next(),
            original_message_id,
        },
        "Delivery" => Kind::Bounce(Bounce {
            hardness: Hardness::Delivered,
            status: None,
            diagnostic: told["delivery"]["smtpResponse"].as_str().map(str::to_owned),
            recipients: addresses(&told["delivery"]["recipients"]),
            failures: Vec::new(),
            original_message_id,
        }),
        _ => {
            let bounce = &told["bounce"];
            let first = &bounce["bouncedRecipients"][0];
            let permanent = bounce["bounceType"].as_str() == Some("Permanent");
            Kind::Bounce(Bounce {
                hardness: if permanent { Hardness::Hard } else { Hardness::Soft },
                status: first["status"].as_str().and_then(status_in),
                diagnostic: first["diagnosticCode"].as_str().map(str::to_owned),
                recipients: addresses(&bounce["bouncedRecipients"]),
                failures: Vec::new(),
                original_message_id,
            })
        }
    })
}
