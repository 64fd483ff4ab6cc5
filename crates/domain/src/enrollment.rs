//! One person in one sequence: its states and the only function that changes them.
//!
//! The public words are *active*, *paused*, *blocked* and *completed*; *ongoing* is the first three. [`State::after`]
//! is the whole machine in one `match`; what is not allowed comes back as a refusal that names state and event.

mod reasons;

pub use reasons::{BlockReason, FinishReason, tag_words};

use crate::{
    EnrollmentId, MailboxId, PersonId, Refused, SequenceId, StepId, Timestamp, UserId, VersionId, sequence::Plan,
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

    /// Blocked until somebody says what is true: see [`BlockReason::asks_for_decision`].
    pub const fn asks_for_decision(&self) -> bool {
        matches!(self, Self::Blocked { reason, .. } if reason.asks_for_decision())
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
    /// It follows another version, and goes on with this step; `None` = nothing is left. Taking that back is a move too.
    Moved {
        /// The step and its due time.
        to: Option<(StepId, Timestamp)>,
    },
    /// The task of the step before is open again, before anything has followed it: back to its step, also from the end.
    TaskReopened {
        /// The step of the task.
        step: StepId,
        /// Since when it is due.
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
            (state @ Blocked { .. }, event @ E::Paused { .. }) if state.asks_for_decision() => {
                return Err(refused(&state, &event));
            }
            (Active { step, due } | Blocked { step, due, .. } | Paused { step, due, .. }, E::Paused { until, by }) => {
                Paused { step, due, until, by }
            }
            (Paused { step, due, .. }, E::Resumed) => Active { step, due: due.max(now) },
            (Active { step, .. }, E::Rescheduled { due }) => Active { step, due },
            (Paused { step, until, by, .. }, E::Rescheduled { due }) => Paused { step, due, until, by },
            // What may have left keeps its step until that is settled.
            (state @ Blocked { step, reason: BlockReason::DeliveryUncertain, .. }, E::Moved { to: Some((to, _)) })
                if step == to =>
            {
                state
            }
            (state @ Blocked { reason: BlockReason::DeliveryUncertain, .. }, event @ E::Moved { .. }) => {
                return Err(refused(&state, &event));
            }
            (Active { .. }, E::Moved { to: Some((step, due)) }) => Active { step, due },
            (Paused { until, by, .. }, E::Moved { to: Some((step, due)) }) => Paused { step, due, until, by },
            (Blocked { reason, resumes_at, .. }, E::Moved { to: Some((step, due)) }) => {
                Blocked { step, due, reason, resumes_at }
            }
            (Active { .. } | Paused { .. } | Blocked { .. }, E::Moved { to: None }) => {
                Finished { reason: FinishReason::Completed, at: now }
            }
            // A move that is taken back brings back whom it had completed.
            (Finished { reason: FinishReason::Completed, .. }, E::Moved { to: Some((step, due)) }) => {
                Active { step, due }
            }
            (Active { .. }, E::TaskReopened { step, due }) => Active { step, due },
            (Paused { until, by, .. }, E::TaskReopened { step, due }) => Paused { step, due, until, by },
            // It was the last step, whose being done had completed it.
            (Finished { reason: FinishReason::Completed, .. }, E::TaskReopened { step, due }) => Active { step, due },
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
        Event::Moved { .. } => "follow another version",
        Event::TaskReopened { .. } => "go back to a task",
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
