//! Lines of the history, in the words of the screen.

use relance_domain::{
    ActivityId, Timestamp, UserId,
    activity::{Activity, ActivityKind},
    enrollment::{BlockReason, Enrollment, FinishReason},
};
use serde_json::{Value, json};

/// What happened to an enrollment, for its line in the history.
#[derive(Debug, Clone)]
pub struct Event {
    /// The kind of line.
    pub kind: ActivityKind,
    /// The line.
    pub summary: String,
    /// Further facts, an object.
    pub detail: Value,
}

impl Event {
    /// A line without further facts.
    pub fn new(kind: ActivityKind, summary: impl Into<String>) -> Self {
        Self { kind, summary: summary.into(), detail: json!({}) }
    }

    /// It was blocked.
    pub fn blocked(reason: &BlockReason) -> Self {
        Self {
            kind: ActivityKind::SequenceBlocked,
            summary: reason.sentence(),
            detail: json!({ "reason": reason.code(), "releases": reason.releases() }),
        }
    }

    /// It ended.
    pub fn ended(reason: &FinishReason) -> Self {
        let summary = match reason {
            FinishReason::Completed => "Completed".to_owned(),
            reason => format!("Ended because {}", reason.words()),
        };
        Self { kind: ActivityKind::SequenceEnded, summary, detail: json!({ "reason": reason.code() }) }
    }

    /// With further facts.
    #[must_use]
    pub fn with(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// The line of an event of one enrollment.
pub fn of_enrollment(
    id: ActivityId,
    enrollment: &Enrollment,
    event: Event,
    actor_id: Option<UserId>,
    at: Timestamp,
) -> Activity {
    Activity {
        id,
        at,
        person_id: enrollment.person_id,
        kind: event.kind,
        actor_id,
        sequence_id: Some(enrollment.sequence_id),
        enrollment_id: Some(enrollment.id),
        delivery_id: None,
        inbound_id: None,
        task_id: None,
        summary: event.summary,
        detail: event.detail,
    }
}
