//! Why an enrollment is blocked and what releases it; why one ended.
//!
//! Each reason has a code for programs, a sentence for people and, where it holds something back, what releases it.

use crate::UserId;
use serde::{Deserialize, Serialize};

/// Why an enrollment is blocked. Serialised as the detail of a row: `{"code": "missing_merge_data", "tags": […]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum BlockReason {
    /// Merge tags without a value; releases itself when the data arrives.
    MissingMergeData {
        /// The tags, as written (`person.industry`).
        tags: Vec<String>,
    },
    /// The person has no address.
    NoRecipient,
    /// The mail server refused the recipient.
    RecipientRefused {
        /// The server's answer.
        smtp: String,
    },
    /// The email came back.
    Bounced {
        /// Status and diagnostic of the notice.
        dsn: String,
    },
    /// Another enrollment of this sequence has the same address.
    DuplicateAddress,
    /// Due and held only by a quota; `resumes_at` is its slot.
    QuotaReached,
    /// The mailbox cannot be reached.
    MailboxDisconnected,
    /// The mailbox's password or consent was refused.
    AuthFailed,
    /// The mailbox's settings keep it from sending.
    MailboxSettings {
        /// What is wrong.
        what: String,
    },
    /// It may have left; being checked, then a person's decision.
    DeliveryUncertain,
    /// The text could not be rendered.
    TemplateError {
        /// Why.
        what: String,
    },
    /// A first email more than 7 days late.
    LateStart,
    /// A message that may be an answer waits for a decision.
    HeldForReview,
}

impl BlockReason {
    /// The code in the database, the API and URLs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingMergeData { .. } => "missing_merge_data",
            Self::NoRecipient => "no_recipient",
            Self::RecipientRefused { .. } => "recipient_refused",
            Self::Bounced { .. } => "bounced",
            Self::DuplicateAddress => "duplicate_address",
            Self::QuotaReached => "quota_reached",
            Self::MailboxDisconnected => "mailbox_disconnected",
            Self::AuthFailed => "auth_failed",
            Self::MailboxSettings { .. } => "mailbox_settings",
            Self::DeliveryUncertain => "delivery_uncertain",
            Self::TemplateError { .. } => "template_error",
            Self::LateStart => "late_start",
            Self::HeldForReview => "held_for_review",
        }
    }

    /// What happened, in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::MissingMergeData { tags } => format!("The email needs a value for {}.", tag_words(tags)),
            Self::NoRecipient => "There is no email address to write to.".to_owned(),
            Self::RecipientRefused { smtp } => format!("The mail server refused this recipient: {}", ended(smtp)),
            Self::Bounced { dsn } => format!("The last email came back: {}", ended(dsn)),
            Self::DuplicateAddress => {
                "Someone else with the same email address is already in this sequence.".to_owned()
            }
            Self::QuotaReached => "The mailbox has sent its quota for today.".to_owned(),
            Self::MailboxDisconnected => "The mailbox cannot be reached.".to_owned(),
            Self::AuthFailed => "The mailbox refused the password.".to_owned(),
            Self::MailboxSettings { what } => format!("The mailbox cannot send: {}", ended(what)),
            Self::DeliveryUncertain => {
                "The connection broke at the last moment, so this email may or may not have left.".to_owned()
            }
            Self::TemplateError { what } => format!("The text of this email cannot be made: {}", ended(what)),
            Self::LateStart => "The first email is more than seven days late.".to_owned(),
            Self::HeldForReview => "A message that may be an answer waits for your decision.".to_owned(),
        }
    }

    /// What releases it, in a sentence.
    pub const fn releases(&self) -> &'static str {
        match self {
            Self::MissingMergeData { .. } => "It leaves by itself once the value is there.",
            Self::NoRecipient => "It leaves by itself once the person has an address.",
            Self::RecipientRefused { .. } | Self::Bounced { .. } => "Correct the address, or retry.",
            Self::DuplicateAddress => "Change one of the addresses, or stop one of the sequences.",
            Self::QuotaReached => "It leaves by itself when the quota allows.",
            Self::MailboxDisconnected | Self::AuthFailed | Self::MailboxSettings { .. } => {
                "Reconnect the mailbox; nothing was lost and it goes on by itself."
            }
            Self::DeliveryUncertain => "Look into the Sent folder, then mark it as sent or send it again.",
            Self::TemplateError { .. } => "An admin corrects the text, then retry.",
            Self::LateStart => "Retry to send it now, or stop the sequence.",
            Self::HeldForReview => "Decide in the review tray, then it goes on or ends.",
        }
    }

    /// The reason in a few words, as a cell of a list has room for: *missing data*.
    pub const fn in_short(&self) -> &'static str {
        match self {
            Self::MissingMergeData { .. } => "missing data",
            Self::NoRecipient => "no address",
            Self::RecipientRefused { .. } => "the address was refused",
            Self::Bounced { .. } => "the address bounced",
            Self::DuplicateAddress => "duplicate address",
            Self::QuotaReached => "the quota",
            Self::MailboxDisconnected => "the mailbox is disconnected",
            Self::AuthFailed => "the mailbox refused the password",
            Self::MailboxSettings { .. } => "the mailbox's settings",
            Self::DeliveryUncertain => "being checked",
            Self::TemplateError { .. } => "the text",
            Self::LateStart => "more than 7 days late",
            Self::HeldForReview => "reply to review",
        }
    }

    /// A person may press *retry*. What asks for a decision, or another address, is not got round by it.
    pub const fn retryable(&self) -> bool {
        !self.asks_for_decision() && !matches!(self, Self::DuplicateAddress)
    }

    /// Somebody must say first what is true: whether it left, whether it is an answer. Until then it is neither paused,
    /// skipped nor retried.
    pub const fn asks_for_decision(&self) -> bool {
        matches!(self, Self::DeliveryUncertain | Self::HeldForReview)
    }

    /// The cause is the mailbox, and its recovery releases it.
    pub const fn is_of_mailbox(&self) -> bool {
        matches!(self, Self::MailboxDisconnected | Self::AuthFailed | Self::MailboxSettings { .. })
    }
}

/// Foreign words as the end of a sentence.
fn ended(words: &str) -> String {
    let words = words.trim_end();
    if words.ends_with(['.', '!', '?', '…']) { words.to_owned() } else { format!("{words}.") }
}

/// *industry*, or *first name and industry*: tags as a person reads them.
pub fn tag_words(tags: &[String]) -> String {
    let words: Vec<String> = tags.iter().map(|tag| tag.rsplit('.').next().unwrap_or(tag).replace('_', " ")).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}

/// Why an enrollment ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum FinishReason {
    /// All steps are done.
    Completed,
    /// The person answered.
    Replied,
    /// The lead was converted.
    Converted,
    /// The person was deleted.
    PersonDeleted,
    /// Someone stopped it.
    Stopped {
        /// Who; `None` = through the API or by Relance.
        by: Option<UserId>,
    },
    /// The person unsubscribed.
    Unsubscribed,
    /// The address bounced and the exit rule says *finish*.
    Bounced,
    /// The person complained.
    Complained,
    /// The address was suppressed.
    Suppressed,
    /// A meeting was booked.
    MeetingBooked,
    /// The status changed.
    StatusChanged,
    /// The sequence was archived with *stop all*.
    SequenceArchived,
}

impl FinishReason {
    /// The code in the database, the API and URLs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Replied => "replied",
            Self::Converted => "converted",
            Self::PersonDeleted => "person_deleted",
            Self::Stopped { .. } => "stopped",
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Suppressed => "suppressed",
            Self::MeetingBooked => "meeting_booked",
            Self::StatusChanged => "status_changed",
            Self::SequenceArchived => "sequence_archived",
        }
    }

    /// Reads a code; `by` fills [`FinishReason::Stopped`].
    pub fn from_code(code: &str, by: Option<UserId>) -> Option<Self> {
        Some(match code {
            "completed" => Self::Completed,
            "replied" => Self::Replied,
            "converted" => Self::Converted,
            "person_deleted" => Self::PersonDeleted,
            "stopped" => Self::Stopped { by },
            "unsubscribed" => Self::Unsubscribed,
            "bounced" => Self::Bounced,
            "complained" => Self::Complained,
            "suppressed" => Self::Suppressed,
            "meeting_booked" => Self::MeetingBooked,
            "status_changed" => Self::StatusChanged,
            "sequence_archived" => Self::SequenceArchived,
            _ => return None,
        })
    }

    /// What can follow the end, in a sentence.
    pub const fn afterwards(&self) -> &'static str {
        match self {
            Self::Unsubscribed | Self::Complained | Self::Suppressed => {
                "Nothing: it is over, and the address is not mailed again unless an admin takes it off the suppression list."
            }
            Self::PersonDeleted => "Nothing: it is over.",
            _ => "Nothing: it is over. The person can be enrolled again.",
        }
    }

    /// *because Maya replied* without the name: the words after *ended because*.
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Completed => "all steps are done",
            Self::Replied => "the person replied",
            Self::Converted => "the lead was converted",
            Self::PersonDeleted => "the person was deleted",
            Self::Stopped { .. } => "it was stopped",
            Self::Unsubscribed => "the person unsubscribed",
            Self::Bounced => "the email came back",
            Self::Complained => "the person complained",
            Self::Suppressed => "the address is on the suppression list",
            Self::MeetingBooked => "a meeting was booked",
            Self::StatusChanged => "the status changed",
            Self::SequenceArchived => "the sequence was archived",
        }
    }
}
