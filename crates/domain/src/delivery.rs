//! One email of one enrollment: its life around the point of no return.
//!
//! Unique by (enrollment, step, generation). Only a person begins a new generation. `Leaving` is durable before the
//! final dot is written and is never left by a timer: see [`DeliveryState::after`].

use crate::{DeliveryId, EnrollmentId, MailboxId, PersonId, Refused, StepId, Timestamp, attachment::Attachment};
use serde::{Deserialize, Serialize};

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum DeliveryState {
    /// Known, nothing done yet (a manual email that waits in its task).
    Planned,
    /// A lease holder with this epoch works on it; words rendered and stored.
    Claimed {
        /// The lease epoch of the owner.
        epoch: i64,
    },
    /// Past the point of no return: the final dot may have been written.
    Leaving {
        /// The lease epoch of the owner.
        epoch: i64,
        /// When the point of no return was committed.
        at: Timestamp,
    },
    /// Accepted by the server.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// Refused for now; tried again then under the same Message-ID.
    Deferred {
        /// When to try again.
        until: Timestamp,
        /// Tries so far.
        attempts: u32,
        /// The first try, from which the 48 hours count.
        since: Timestamp,
    },
    /// Refused for good.
    Refused,
    /// No answer after the final dot.
    Uncertain {
        /// When the point of no return was committed.
        at: Timestamp,
    },
    /// Known not to have been accepted, by evidence or a person's word.
    NotSent,
    /// The enrollment ended or was changed before it left.
    Cancelled,
    /// The step was skipped.
    Skipped,
}

/// What can happen to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum DeliveryEvent {
    /// A lease holder takes it.
    Claim {
        /// Its epoch.
        epoch: i64,
    },
    /// The point of no return is committed.
    Leave {
        /// The epoch it was claimed with.
        epoch: i64,
    },
    /// The server accepted it.
    Accepted,
    /// The server refused it for now.
    Deferred {
        /// When to try again.
        until: Timestamp,
    },
    /// The server refused it for good.
    Refused,
    /// No answer came after the final dot, or its owner is gone.
    LostTrack,
    /// Evidence or a person says it left.
    FoundSent,
    /// Evidence or a person says it did not leave.
    FoundNotSent,
    /// Its mailbox files every copy and has none of it: the same bytes are sent again, once.
    Resend {
        /// When.
        at: Timestamp,
    },
    /// It must not leave any more.
    Cancel,
    /// The step was skipped.
    Skip,
    /// It goes back unsent (the point of no return said no, the connection failed before it).
    GiveBack,
}

impl DeliveryState {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Claimed { .. } => "claimed",
            Self::Leaving { .. } => "leaving",
            Self::Sent { .. } => "sent",
            Self::Deferred { .. } => "deferred",
            Self::Refused => "refused",
            Self::Uncertain { .. } => "uncertain",
            Self::NotSent => "not_sent",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// No further event changes it, apart from a person's *send again*, which is a new generation.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Sent { .. } | Self::Refused | Self::NotSent | Self::Cancelled | Self::Skipped)
    }

    /// The state that follows `event`, at `now`.
    pub fn after(self, event: DeliveryEvent, now: Timestamp) -> Result<Self, Refused> {
        use DeliveryEvent as E;
        use DeliveryState as S;
        Ok(match (self, event) {
            (S::Planned | S::Claimed { .. } | S::Deferred { .. }, E::Claim { epoch }) => S::Claimed { epoch },
            (S::Claimed { epoch }, E::Leave { epoch: owner }) if epoch == owner => S::Leaving { epoch, at: now },
            (S::Leaving { .. }, E::Accepted) => S::Sent { at: now },
            // The row goes on counting its tries from the first; a state seen alone counts this one.
            (S::Leaving { .. } | S::Claimed { .. }, E::Deferred { until }) => {
                S::Deferred { until, attempts: 1, since: now }
            }
            (S::Leaving { .. } | S::Claimed { .. }, E::Refused) => S::Refused,
            (S::Leaving { at, .. }, E::LostTrack) => S::Uncertain { at },
            (S::Uncertain { .. } | S::Leaving { .. }, E::FoundSent) => S::Sent { at: now },
            // Data that went back know it as not sent; its copy in the Sent folder knows better.
            (S::Planned | S::Claimed { .. } | S::Deferred { .. }, E::FoundSent) => S::Sent { at: now },
            (S::Uncertain { .. } | S::Leaving { .. }, E::FoundNotSent) => S::NotSent,
            (S::Uncertain { .. }, E::Resend { at }) => S::Deferred { until: at, attempts: 1, since: at },
            (S::Claimed { .. } | S::Deferred { .. }, E::GiveBack) => S::Planned,
            // What may have left cannot be cancelled: the answer of the stop names it.
            (S::Planned | S::Claimed { .. } | S::Deferred { .. }, E::Cancel) => S::Cancelled,
            (S::Planned | S::Claimed { .. } | S::Deferred { .. }, E::Skip) => S::Skipped,
            (state, event) => {
                let code = "not_allowed";
                return Err(Refused::new(code, format!("An email that is {} cannot take {event:?}.", state.as_str())));
            }
        })
    }
}

/// One email of one enrollment, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Of which enrollment.
    pub enrollment_id: EnrollmentId,
    /// To whom.
    pub person_id: PersonId,
    /// Which step.
    pub step_id: StepId,
    /// From 1; a person begins a new one.
    pub generation: u32,
    /// From which mailbox.
    pub mailbox_id: MailboxId,
    /// Where it is.
    pub state: DeliveryState,
    /// Without angle brackets; keyed hash of (secret, enrollment, step, generation).
    pub message_id: String,
    /// The address it goes to, as typed.
    pub recipient: String,
    /// Rendered subject.
    pub subject: String,
    /// Rendered HTML; empty = text only.
    pub html: String,
    /// Rendered text.
    pub text: String,
    /// Files that go with it.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// Message-ID it answers, if in thread.
    pub in_reply_to: Option<String>,
    /// Ids of the thread, oldest first.
    pub references: Vec<String>,
    /// The server's last answer.
    pub smtp_reply: Option<String>,
    /// Tries so far.
    pub attempts: u32,
    /// When it was first claimed.
    pub created_at: Timestamp,
}

/// Milliseconds until the next try after `attempts` deferrals: 30 s doubling to 1 h (`engine.md` §7).
pub const fn retry_after_ms(attempts: u32) -> i64 {
    let doubled = 30_000_i64 << if attempts > 7 { 7 } else { attempts.saturating_sub(1) };
    if doubled > 3_600_000 { 3_600_000 } else { doubled }
}

/// A Deferred that is older than this is blocked: 48 h in milliseconds.
pub const GIVE_UP_AFTER_MS: i64 = 48 * crate::time::HOUR;
