//! What would happen if these people were enrolled: the same judgement that [`crate::commands::enroll`] acts on.

use crate::{Engine, Result};
use relance_domain::{EnrollmentId, MailboxId, PersonId, SequenceId, Timestamp, UserId, user::Actor};
use serde::{Deserialize, Serialize};

/// Whom to enroll, in what, from where, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// In which sequence.
    pub sequence_id: SequenceId,
    /// Whom.
    #[serde(default)]
    pub person_ids: Vec<PersonId>,
    /// From which mailbox; `None` = the actor's.
    #[serde(default)]
    pub mailbox_id: Option<MailboxId>,
    /// On whose behalf; `None` = the one who asks.
    #[serde(default)]
    pub actor_id: Option<UserId>,
    /// When; `None` = now.
    #[serde(default)]
    pub start_at: Option<Timestamp>,
    /// With which step, by position from 1; `None` = the first.
    #[serde(default)]
    pub start_step: Option<usize>,
}

impl EnrollRequest {
    /// These people in this sequence, now, from the first step, from the actor's own mailbox.
    pub const fn new(sequence_id: SequenceId, person_ids: Vec<PersonId>) -> Self {
        Self { sequence_id, person_ids, mailbox_id: None, actor_id: None, start_at: None, start_step: None }
    }
}

/// What would happen to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Preflight {
    /// It starts.
    Starts,
    /// It starts and waits for data: a warning, not a refusal.
    WaitsForData {
        /// The merge tags without a value.
        tags: Vec<String>,
    },
    /// It does not start.
    Refused {
        /// A code of `api.md`.
        code: String,
        /// Why, in a sentence.
        message: String,
        /// The enrollment in the way (`already_active`).
        enrollment_id: Option<EnrollmentId>,
    },
}

/// One person of a preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightRow {
    /// Who.
    pub person_id: PersonId,
    /// What would happen.
    #[serde(flatten)]
    pub outcome: Preflight,
    /// When the first step is due to happen; `None` if refused.
    pub first_at: Option<Timestamp>,
    /// It was in this sequence before: allowed, with a notice.
    pub was_enrolled_before: bool,
}

impl Engine {
    /// Judges up to 1,000 people without changing anything.
    pub async fn preflight(&self, actor: &Actor, request: &EnrollRequest) -> Result<Vec<PreflightRow>> {
        super::at_most_1000(request.person_ids.len())?;
        let mut tx = self.store.read().await?;
        let ground = self.ground(&mut tx, actor, request).await?;
        let mut lane = ground.lane();
        let judged = ground.judge(&mut tx, actor, &request.person_ids, Some(&mut lane)).await?;
        Ok(judged.into_iter().map(|judged| judged.row).collect())
    }
}
