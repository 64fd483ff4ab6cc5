//! The history of a person: one event per row, with actor and reason.

use crate::{ActivityId, DeliveryId, EnrollmentId, InboundId, PersonId, SequenceId, TaskId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// The person was created by hand or through the API.
    PersonCreated,
    /// The person came with an import.
    PersonImported,
    /// Fields were changed.
    PersonEdited,
    /// The lead became a contact.
    PersonConverted,
    /// An enrollment began.
    SequenceStarted,
    /// An enrollment ended; the detail has the reason.
    SequenceEnded,
    /// An enrollment was paused.
    SequencePaused,
    /// An enrollment was resumed.
    SequenceResumed,
    /// An enrollment was blocked.
    SequenceBlocked,
    /// What blocked it was released, by an event or *retry*.
    SequenceReleased,
    /// An email left.
    EmailSent,
    /// An email could not be delivered to the server.
    EmailRefused,
    /// An email may or may not have left.
    EmailUncertain,
    /// An uncertain email was resolved.
    EmailResolved,
    /// The person answered.
    ReplyReceived,
    /// An automatic answer came.
    AutoReplyReceived,
    /// An email came back.
    BounceReceived,
    /// A complaint came.
    ComplaintReceived,
    /// The person unsubscribed.
    Unsubscribed,
    /// A task was created.
    TaskCreated,
    /// A task was done.
    TaskDone,
    /// A task was skipped.
    TaskSkipped,
    /// A task was cancelled.
    TaskCancelled,
    /// A note.
    Note,
    /// A call that was made by hand; the detail has its outcome.
    CallLogged,
    /// The address was put on the suppression list.
    Suppressed,
    /// A step was skipped by hand.
    StepSkipped,
    /// A step was moved to another time by hand.
    StepMoved,
    /// The words of an email to come were changed by hand.
    EmailEdited,
    /// A message waits in the review tray.
    HeldForReview,
    /// The person was deleted.
    PersonDeleted,
    /// The deleted person came back.
    PersonRestored,
    /// A task was changed or put off.
    TaskChanged,
    /// Another program told of a meeting or a new status.
    SignalReceived,
    /// The address was taken off the suppression list.
    SuppressionLifted,
    /// An enrollment follows another version of its sequence.
    VersionChanged,
    /// An enrollment or task was given to another rep.
    HandedOver,
    /// A closed task was opened again.
    TaskReopened,
}

impl ActivityKind {
    /// All kinds, for tables and tests.
    pub const ALL: [Self; 38] = [
        Self::PersonCreated,
        Self::PersonImported,
        Self::PersonEdited,
        Self::PersonConverted,
        Self::SequenceStarted,
        Self::SequenceEnded,
        Self::SequencePaused,
        Self::SequenceResumed,
        Self::SequenceBlocked,
        Self::SequenceReleased,
        Self::EmailSent,
        Self::EmailRefused,
        Self::EmailUncertain,
        Self::EmailResolved,
        Self::ReplyReceived,
        Self::AutoReplyReceived,
        Self::BounceReceived,
        Self::ComplaintReceived,
        Self::Unsubscribed,
        Self::TaskCreated,
        Self::TaskDone,
        Self::TaskSkipped,
        Self::TaskCancelled,
        Self::Note,
        Self::CallLogged,
        Self::Suppressed,
        Self::StepSkipped,
        Self::StepMoved,
        Self::EmailEdited,
        Self::HeldForReview,
        Self::PersonDeleted,
        Self::PersonRestored,
        Self::TaskChanged,
        Self::SignalReceived,
        Self::SuppressionLifted,
        Self::VersionChanged,
        Self::HandedOver,
        Self::TaskReopened,
    ];

    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PersonCreated => "person_created",
            Self::PersonImported => "person_imported",
            Self::PersonEdited => "person_edited",
            Self::PersonConverted => "person_converted",
            Self::SequenceStarted => "sequence_started",
            Self::SequenceEnded => "sequence_ended",
            Self::SequencePaused => "sequence_paused",
            Self::SequenceResumed => "sequence_resumed",
            Self::SequenceBlocked => "sequence_blocked",
            Self::SequenceReleased => "sequence_released",
            Self::EmailSent => "email_sent",
            Self::EmailRefused => "email_refused",
            Self::EmailUncertain => "email_uncertain",
            Self::EmailResolved => "email_resolved",
            Self::ReplyReceived => "reply_received",
            Self::AutoReplyReceived => "auto_reply_received",
            Self::BounceReceived => "bounce_received",
            Self::ComplaintReceived => "complaint_received",
            Self::Unsubscribed => "unsubscribed",
            Self::TaskCreated => "task_created",
            Self::TaskDone => "task_done",
            Self::TaskSkipped => "task_skipped",
            Self::TaskCancelled => "task_cancelled",
            Self::Note => "note",
            Self::CallLogged => "call_logged",
            Self::Suppressed => "suppressed",
            Self::StepSkipped => "step_skipped",
            Self::StepMoved => "step_moved",
            Self::EmailEdited => "email_edited",
            Self::HeldForReview => "held_for_review",
            Self::PersonDeleted => "person_deleted",
            Self::PersonRestored => "person_restored",
            Self::TaskChanged => "task_changed",
            Self::SignalReceived => "signal_received",
            Self::SuppressionLifted => "suppression_lifted",
            Self::VersionChanged => "version_changed",
            Self::HandedOver => "handed_over",
            Self::TaskReopened => "task_reopened",
        }
    }

    /// Reads [`ActivityKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One event in the history of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its id.
    pub id: ActivityId,
    /// When it happened, by the business clock.
    pub at: Timestamp,
    /// Whose history.
    pub person_id: PersonId,
    /// What happened.
    pub kind: ActivityKind,
    /// Who did it; `None` = Relance or the prospect.
    pub actor_id: Option<UserId>,
    /// In which sequence.
    pub sequence_id: Option<SequenceId>,
    /// In which enrollment.
    pub enrollment_id: Option<EnrollmentId>,
    /// Which email.
    pub delivery_id: Option<DeliveryId>,
    /// Which received message.
    pub inbound_id: Option<InboundId>,
    /// Which task.
    pub task_id: Option<TaskId>,
    /// One line in words.
    pub summary: String,
    /// Further facts (`{"reason": "replied", "cancelled_emails": 2}`), an object.
    pub detail: serde_json::Value,
}
