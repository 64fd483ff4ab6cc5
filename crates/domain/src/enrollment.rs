//! One person in one sequence: its states and the only function that changes them.
//!
//! The public words are *active*, *paused*, *blocked* and *completed*; *ongoing* is the first three. [`State::after`]
//! is the whole machine in one `match`; what is not allowed comes back as a refusal that names state and event.

use crate::{
    EnrollmentId, MailboxId, PersonId, Refused, SequenceId, StepId, Timestamp, UserId, VersionId,
    sequence::Plan,
};
use serde::{Deserialize, Serialize};

/// Who paused an enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PausedBy {
    /// A user pressed pause.
    Person,
    /// The person is out of office.
    AutoReply,
    /// The actor was deactivated.
    Deactivated,
}

impl PausedBy {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::AutoReply => "auto_reply",
            Self::Deactivated => "deactivated",
        }
    }

    /// Reads [`PausedBy::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Person, Self::AutoReply, Self::Deactivated].into_iter().find(|by| by.as_str() == text)
    }
}

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
            Self::RecipientRefused { smtp } => format!("The mail server refused this recipient: {smtp}"),
            Self::Bounced { dsn } => format!("The last email came back: {dsn}"),
            Self::DuplicateAddress => {
                "Someone else with the same email address is already in this sequence.".to_owned()
            }
            Self::QuotaReached => "The mailbox has sent its quota for today.".to_owned(),
            Self::MailboxDisconnected => "The mailbox cannot be reached.".to_owned(),
            Self::AuthFailed => "The mailbox refused the password.".to_owned(),
            Self::MailboxSettings { what } => format!("The mailbox cannot send: {what}"),
            Self::DeliveryUncertain => {
                "The connection broke at the last moment, so this email may or may not have left.".to_owned()
            }
            Self::TemplateError { what } => format!("The text of this email cannot be made: {what}"),
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

    /// A person may press *retry*.
    pub const fn retryable(&self) -> bool {
        !matches!(self, Self::DeliveryUncertain | Self::DuplicateAddress)
    }

    /// The cause is the mailbox, and its recovery releases it.
    pub const fn is_of_mailbox(&self) -> bool {
        matches!(self, Self::MailboxDisconnected | Self::AuthFailed | Self::MailboxSettings { .. })
    }
}

/// *industry*, or *first name and industry*: tags as a person reads them.
pub fn tag_words(tags: &[String]) -> String {
    let words: Vec<String> =
        tags.iter().map(|tag| tag.rsplit('.').next().unwrap_or(tag).replace('_', " ")).collect();
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

/// Where an enrollment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// On its way: `step` is next, not before `due`.
    Active {
        /// The next step.
        step: StepId,
        /// Its due time before windows, quota and gap.
        due: Timestamp,
    },
    /// Held by a pause.
    Paused {
        /// The next step.
        step: StepId,
        /// Its due time.
        due: Timestamp,
        /// Resumes by itself then; `None` = when someone resumes.
        until: Option<Timestamp>,
        /// Who paused.
        by: PausedBy,
    },
    /// Held for a stated reason.
    Blocked {
        /// The step that is held.
        step: StepId,
        /// Its due time.
        due: Timestamp,
        /// Why.
        reason: BlockReason,
        /// Releases itself then.
        resumes_at: Option<Timestamp>,
    },
    /// Over.
    Finished {
        /// Why.
        reason: FinishReason,
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// The public word: active, paused, blocked, completed.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Active { .. } => "active",
            Self::Paused { .. } => "paused",
            Self::Blocked { .. } => "blocked",
            Self::Finished { .. } => "completed",
        }
    }

    /// Not finished.
    pub const fn is_ongoing(&self) -> bool {
        !matches!(self, Self::Finished { .. })
    }

    /// The step that is next; `None` once finished.
    pub const fn step(&self) -> Option<StepId> {
        match self {
            Self::Active { step, .. } | Self::Paused { step, .. } | Self::Blocked { step, .. } => Some(*step),
            Self::Finished { .. } => None,
        }
    }

    /// The due time of the next step; `None` once finished.
    pub const fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Active { due, .. } | Self::Paused { due, .. } | Self::Blocked { due, .. } => Some(*due),
            Self::Finished { .. } => None,
        }
    }
}

/// What can happen to an enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// The current step is done or skipped; `next` is the step that follows with its due time, `None` at the end.
    StepDone {
        /// The step that was done: an event for another step is refused.
        step: StepId,
        /// What follows.
        next: Option<(StepId, Timestamp)>,
    },
    /// A rule holds the current step for a stated reason.
    Blocked {
        /// Why.
        reason: BlockReason,
        /// Releases itself then.
        resumes_at: Option<Timestamp>,
    },
    /// What held it is gone, or someone pressed retry.
    Released,
    /// A pause.
    Paused {
        /// Until when.
        until: Option<Timestamp>,
        /// By whom.
        by: PausedBy,
    },
    /// The end of a pause.
    Resumed,
    /// The current step is moved to another time by hand.
    Rescheduled {
        /// The new due time.
        due: Timestamp,
    },
    /// The end, for whatever reason.
    Ended {
        /// Why.
        reason: FinishReason,
    },
}

impl State {
    /// The state that follows `event`, at `now`.
    pub fn after(self, event: Event, now: Timestamp) -> Result<Self, Refused> {
        use Event as E;
        use State::{Active, Blocked, Finished, Paused};
        Ok(match (self, event) {
            (
                Active { step, .. } | Paused { step, .. } | Blocked { step, .. },
                E::StepDone { step: done, next: None },
            ) if step == done => Finished { reason: FinishReason::Completed, at: now },
            (Active { step, .. } | Blocked { step, .. }, E::StepDone { step: done, next: Some((next, due)) })
                if step == done =>
            {
                Active { step: next, due }
            }
            (Paused { step, until, by, .. }, E::StepDone { step: done, next: Some((next, due)) }) if step == done => {
                Paused { step: next, due, until, by }
            }
            (Active { step, due } | Blocked { step, due, .. }, E::Blocked { reason, resumes_at }) => {
                Blocked { step, due, reason, resumes_at }
            }
            // A fault of a step that was already leaving outlives the pause: it must not be forgotten.
            (Paused { step, due, .. }, E::Blocked { reason, resumes_at }) => Blocked { step, due, reason, resumes_at },
            (Blocked { step, due, .. }, E::Released) => Active { step, due: due.max(now) },
            // An uncertain or held enrollment stays so: its reason must not be lost behind a pause.
            (
                state @ Blocked { reason: BlockReason::DeliveryUncertain | BlockReason::HeldForReview, .. },
                event @ E::Paused { .. },
            ) => return Err(refused(&state, &event)),
            (
                Active { step, due } | Blocked { step, due, .. } | Paused { step, due, .. },
                E::Paused { until, by },
            ) => Paused { step, due, until, by },
            (Paused { step, due, .. }, E::Resumed) => Active { step, due: due.max(now) },
            (Active { step, .. }, E::Rescheduled { due }) => Active { step, due },
            (Paused { step, until, by, .. }, E::Rescheduled { due }) => Paused { step, due, until, by },
            // A touch that was already leaving tells us nothing once the sequence has ended.
            (state @ Finished { .. }, E::StepDone { .. } | E::Blocked { .. }) => state,
            (Active { .. } | Paused { .. } | Blocked { .. }, E::Ended { reason }) => Finished { reason, at: now },
            (state, event) => return Err(refused(&state, &event)),
        })
    }
}

fn refused(state: &State, event: &Event) -> Refused {
    let what = match event {
        Event::StepDone { .. } => "go on to the next step",
        Event::Blocked { .. } => "be blocked",
        Event::Released => "be retried",
        Event::Paused { .. } => "be paused",
        Event::Resumed => "be resumed",
        Event::Rescheduled { .. } => "be rescheduled",
        Event::Ended { .. } => "be stopped",
    };
    Refused::new("not_allowed", format!("This enrollment is {} and cannot {what}.", state.word()))
}

/// One person in one sequence, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrollment {
    /// Its id.
    pub id: EnrollmentId,
    /// Who is enrolled.
    pub person_id: PersonId,
    /// In which sequence.
    pub sequence_id: SequenceId,
    /// Under which version.
    pub version_id: VersionId,
    /// From which mailbox; `None` for a sequence of tasks only.
    pub mailbox_id: Option<MailboxId>,
    /// The rep on whose behalf it runs.
    pub actor_id: UserId,
    /// Where it is.
    pub state: State,
    /// Raised by every change that must keep an email from leaving; the point of no return compares it.
    pub revision: i64,
    /// The address key that is unique per sequence while it is ongoing.
    pub address_key: Option<String>,
    /// Steps done, in order (sent, done or skipped).
    pub done_steps: Vec<StepId>,
    /// The current step was moved by hand and leaves before others.
    pub moved_by_hand: bool,
    /// When the last step was done (or the start).
    pub last_step_at: Option<Timestamp>,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
}

impl Enrollment {
    /// Position from 1 of the current step in `plan`, 0 once finished.
    pub fn position(&self, plan: &Plan) -> usize {
        self.state.step().and_then(|step| plan.position(step)).unwrap_or(0)
    }
}
