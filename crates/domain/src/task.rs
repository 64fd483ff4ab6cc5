//! Tasks: of a sequence step or made by hand.
//!
//! An email that is written in a task leaves as every other does: as the one step of an enrollment. These enrollments
//! belong to a sequence that Relance keeps for them, [`EMAILS`]; nobody edits it, and no list of sequences shows it.

use crate::{
    DeliveryId, EnrollmentId, PersonId, SequenceId, StepId, TaskId, Timestamp, UserId,
    sequence::Plan,
    step::{Action, EmailText, Step, TaskKind, TaskMode, TaskText, Wait},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The sequence of emails that are written in tasks.
pub const EMAILS: SequenceId = SequenceId::from_uuid(Uuid::from_u128(0x7461_736b_656d_6169_6c73));
/// Its name.
pub const EMAILS_NAME: &str = "Emails from tasks";

/// Its one step: an email that a person sends, at any time, with words of its own for each person.
pub fn emails_plan() -> Plan {
    let task = TaskText {
        kind: TaskKind::Email,
        content: "Read the email, send it".to_owned(),
        due_in_days: 0,
        mode: TaskMode::Wait,
        overdue_days: 0,
    };
    let step = Step {
        id: StepId::from_uuid(Uuid::from_u128(0x7461_736b_656d_6169_6c00)),
        wait: Wait::IMMEDIATELY,
        action: Action::ManualEmail { email: EmailText::default(), task },
    };
    Plan { steps: vec![step], ..Plan::default() }
}

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
