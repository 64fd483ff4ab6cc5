//! Tasks: of a sequence step or made by hand.

use crate::{DeliveryId, EnrollmentId, PersonId, StepId, TaskId, Timestamp, UserId, step::TaskKind};
use serde::{Deserialize, Serialize};

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// To be done.
    Open,
    /// Done.
    Done,
    /// Skipped by a person or because it was overdue.
    Skipped,
    /// Its sequence ended first.
    Cancelled,
}

impl TaskState {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads [`TaskState::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Done, Self::Skipped, Self::Cancelled].into_iter().find(|state| state.as_str() == text)
    }
}

/// A task as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// About whom.
    pub person_id: Option<PersonId>,
    /// Who does it.
    pub owner_id: UserId,
    /// The enrollment that made it.
    pub enrollment_id: Option<EnrollmentId>,
    /// The step that made it.
    pub step_id: Option<StepId>,
    /// The prepared email of a manual email step.
    pub delivery_id: Option<DeliveryId>,
    /// What it asks for.
    pub kind: TaskKind,
    /// What to do.
    pub content: String,
    /// When it is due.
    pub due_at: Timestamp,
    /// Where it is.
    pub state: TaskState,
    /// When it was done, skipped or cancelled.
    pub closed_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}
