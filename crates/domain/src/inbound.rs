//! What an inbound message is, whom it belongs to, and what follows from it.
//!
//! The mail crate judges a message and fills a [`Judgement`] with its evidence; storage finds the persons
//! its ids and sender point to; the rules here say how sure that is ([`belongs`]) and what happens to the
//! person's enrollments ([`effect`]). Nothing here reads mail or stores anything, and nothing can fail:
//! what is not certain becomes [`Effect::HoldForReview`] or [`Effect::Tray`], never a guess.

mod absence;
mod belonging;
mod effect;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use absence::{Return, away_until, corrected_return};
pub use belonging::{Correspondent, Match, belongs, company_domain, is_free_mail, same_address, same_company};
pub use effect::{Effect, LONG_AFTER_MS, Timing, effect};

/// What a message is. Made once when it is read; stored with the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A person wrote it.
    Reply {
        /// What the person wrote now: without quotation and signature.
        visible_text: String,
        /// The folded rest: quotation and signature; empty when there is none.
        quoted_text: String,
    },
    /// A machine answered in the person's name (out of office, acknowledgement).
    AutoReply {
        /// The first day the person is back, when the text says so.
        return_date: Option<Date>,
        /// The sentence that gave the date.
        sentence: Option<String>,
    },
    /// A server reports on the delivery of our email.
    Bounce(Bounce),
    /// The recipient or their provider calls our email spam (ARF, RFC 5965).
    Complaint {
        /// `abuse`, `fraud`, `not-spam` ... as the report says.
        feedback_type: String,
        /// The address that complained, when the report says so.
        recipient: Option<String>,
        /// The Message-ID of the email complained of, without angle brackets.
        original_message_id: Option<String>,
    },
    /// The person asks for no more mail.
    UnsubscribeRequest,
    /// From one of our own addresses: never a reply.
    Own,
    /// Neither an answer nor a failure: a read receipt, a challenge, a calendar notice.
    Other {
        /// Which one, in words: `read receipt`.
        what: String,
    },
    /// A machine or a person, the message does not tell.
    Doubtful {
        /// Why it is not certain, in words.
        why: String,
    },
    /// Past a limit or broken beyond reading.
    Unreadable {
        /// What was wrong with it, in words.
        why: String,
    },
}

/// The content of a delivery report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// How final it is.
    pub hardness: Hardness,
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
    /// The words of the server that refused it.
    pub diagnostic: Option<String>,
    /// The addresses that failed, in lower case.
    pub recipients: Vec<String>,
    /// What happened to each address, when the report is about several and tells them apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// The Message-ID of the email that failed, without angle brackets.
    pub original_message_id: Option<String>,
}

/// What a delivery report says of one of several addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The address, in lower case.
    pub recipient: String,
    /// How final it is.
    pub hardness: Hardness,
    /// The enhanced status code.
    pub status: Option<String>,
    /// The words of the server.
    pub diagnostic: Option<String>,
}

impl Bounce {
    /// The report as it concerns one person: where it tells addresses apart, with the hardness and words of theirs.
    pub fn concerning(&self, addresses: &[String]) -> Bounce {
        let theirs = self.failures.iter().find(|f| addresses.iter().any(|a| same_address(a, &f.recipient)));
        match theirs {
            Some(failure) => Bounce {
                hardness: failure.hardness,
                status: failure.status.clone(),
                diagnostic: failure.diagnostic.clone(),
                ..self.clone()
            },
            None => self.clone(),
        }
    }

    /// What the server said, its code once: *550 5.1.1 User unknown*.
    pub fn words(&self) -> String {
        match (self.status.as_deref().unwrap_or_default(), self.diagnostic.as_deref().unwrap_or_default()) {
            ("", "") => "no such mailbox".to_owned(),
            (status, "") => status.to_owned(),
            ("", said) => said.to_owned(),
            (status, said) if said.contains(status) => said.to_owned(),
            (status, said) => format!("{status} {said}"),
        }
    }
}

/// How final a delivery report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hardness {
    /// The address does not exist or takes no mail at all: no later try helps.
    Hard,
    /// This email did not arrive; the address may be good.
    Soft,
    /// Still being tried: not a failure.
    Delayed,
    /// A notice that it arrived.
    Delivered,
}

/// A rule of judgement that held, and what it held on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule.
    pub rule: Rule,
    /// What it saw: a header line, a phrase, a date.
    pub value: String,
}

/// The rules of judgement. Stored by name, shown in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// `multipart/report; report-type=delivery-status` or a delivery-status part.
    DeliveryReport,
    /// A header only failure notices carry, such as `X-Failed-Recipients`.
    FailureHeader,
    /// The sender is a mail system.
    SystemSender,
    /// The empty return path of automatic mail.
    EmptyReturnPath,
    /// The subject of a failure notice.
    FailureSubject,
    /// The words of a failure notice in the body.
    FailureText,
    /// An enhanced status code or an SMTP reply.
    StatusCode,
    /// The words of the diagnostic that decide between hard and soft.
    DiagnosticText,
    /// `Action: delayed`, or words that say that delivery is still being tried.
    StillTrying,
    /// An abuse feedback report.
    FeedbackReport,
    /// `Auto-Submitted` other than `no`.
    AutoSubmitted,
    /// Another header that only machines write.
    AutoHeader,
    /// The subject of an automatic answer.
    AutoSubject,
    /// The words of an automatic answer in the body.
    AutoText,
    /// The sentence with the return date.
    ReturnDate,
    /// A wish for no more mail.
    UnsubscribeWords,
    /// A message disposition notification (RFC 8098).
    ReadReceipt,
    /// A challenge that wants the sender to prove to be human.
    Challenge,
    /// A calendar answer.
    CalendarNotice,
    /// A list or bulk mailing.
    BulkMail,
    /// The sender is one of our own addresses.
    OwnAddress,
    /// Nothing automatic was found.
    NothingAutomatic,
    /// A limit that was passed.
    Limit,
}

impl Evidence {
    /// One piece of evidence.
    pub fn new(rule: Rule, value: impl Into<String>) -> Evidence {
        Evidence { rule, value: value.into() }
    }

    /// The evidence as a sentence for people.
    pub fn sentence(&self) -> String {
        let words = match self.rule {
            Rule::DeliveryReport => "It is a delivery report of a mail server",
            Rule::FailureHeader => "It carries a header of failure notices",
            Rule::SystemSender => "It was sent by a mail system",
            Rule::EmptyReturnPath => "It has no return address, as only automatic mail has",
            Rule::FailureSubject => "Its subject is that of a failure notice",
            Rule::FailureText => "It says that an email could not be delivered",
            Rule::StatusCode => "The server gave this code",
            Rule::DiagnosticText => "The server said",
            Rule::StillTrying => "It says that delivery is still being tried",
            Rule::FeedbackReport => "It is a complaint report of a mail provider",
            Rule::AutoSubmitted => "It says that it was sent automatically",
            Rule::AutoHeader => "It carries a header of automatic mail",
            Rule::AutoSubject => "Its subject is that of an automatic answer",
            Rule::AutoText => "It has the words of an automatic answer",
            Rule::ReturnDate => "The return date comes from this sentence",
            Rule::UnsubscribeWords => "It asks for no more mail",
            Rule::ReadReceipt => "It is a read receipt",
            Rule::Challenge => "It asks the sender to prove to be human",
            Rule::CalendarNotice => "It is an answer of a calendar",
            Rule::BulkMail => "It went to many people",
            Rule::OwnAddress => "It comes from one of your own addresses",
            Rule::NothingAutomatic => "Nothing in it points to a machine",
            Rule::Limit => "It could not be read",
        };
        if self.value.is_empty() { format!("{words}.") } else { format!("{words}: {}", self.value) }
    }
}

/// What a message is, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What it is.
    pub kind: Kind,
    /// The rules that held, most telling first.
    pub evidence: Vec<Evidence>,
}

impl Kind {
    /// The stored and public name of the kind.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Reply { .. } => "reply",
            Kind::AutoReply { .. } => "auto_reply",
            Kind::Bounce(_) => "bounce",
            Kind::Complaint { .. } => "complaint",
            Kind::UnsubscribeRequest => "unsubscribe_request",
            Kind::Own => "own",
            Kind::Other { .. } => "other",
            Kind::Doubtful { .. } => "doubtful",
            Kind::Unreadable { .. } => "unreadable",
        }
    }

    /// True for what a person may have written: a reply, a wish to unsubscribe, or a doubtful one.
    pub fn may_be_human(&self) -> bool {
        matches!(self, Kind::Reply { .. } | Kind::UnsubscribeRequest | Kind::Doubtful { .. } | Kind::Unreadable { .. })
    }
}

#[cfg(test)]
mod tests;
