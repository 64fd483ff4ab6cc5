//! What would happen if these people were enrolled: the same judgement that [`crate::commands::enroll`] acts on.

use super::bulk::Selection;
use crate::{Engine, Result};
use relance_domain::{EnrollmentId, MailboxId, PersonId, SequenceId, Timestamp, UserId, user::Actor};
use relance_storage::people_lists;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

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

/// People who would be refused for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedCount {
    /// A code of `api.md`.
    pub code: String,
    /// How many.
    pub count: u64,
}

/// What would happen to a selection of any size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightSummary {
    /// People in the selection.
    pub total: u64,
    /// People who were judged: all, or the first 20,000.
    pub judged: u64,
    /// They start.
    pub starts: u64,
    /// They start and wait for data.
    pub waits_for_data: u64,
    /// Merge tags without a value and how many people lack each, most first.
    pub missing: Vec<(String, u64)>,
    /// They do not start, by reason, most first.
    pub refused: Vec<RefusedCount>,
    /// The first 500 of those who wait or are refused.
    pub rows: Vec<PreflightRow>,
    /// Emails of the mailbox per day: those that left today and the first emails of this selection.
    pub per_day: Vec<(jiff::civil::Date, u32)>,
    /// When the last first email leaves.
    pub last_first_at: Option<Timestamp>,
}

const JUDGED_AT_ONCE: usize = 500;
const MOST_JUDGED: usize = 20_000;
const SHOWN_ROWS: usize = 500;

/// Counts, most first.
fn sorted(counts: HashMap<String, u64>) -> Vec<(String, u64)> {
    let mut sorted: Vec<(String, u64)> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted
}

impl Engine {
    /// Judges a selection of any size without changing anything: counts, the rows that do not simply start, and the
    /// forecast of first emails under the quota of the mailbox.
    pub async fn preflight_selection(
        &self,
        actor: &Actor,
        request: &EnrollRequest,
        selection: &Selection,
    ) -> Result<PreflightSummary> {
        let mut tx = self.store.read().await?;
        let ground = self.ground(&mut tx, actor, request).await?;
        let (ids, total) = match selection {
            Selection::Ids(ids) => (ids.iter().take(MOST_JUDGED).copied().collect(), ids.len()),
            Selection::Matching { .. } => {
                let (total, _) = people_lists::count(&mut tx, &selection.query(), usize::MAX >> 1).await?;
                (people_lists::ids(&mut tx, &selection.query(), None, MOST_JUDGED).await?, total)
            }
        };
        let mut summary =
            PreflightSummary { total: total as u64, judged: ids.len() as u64, ..PreflightSummary::default() };
        let (mut missing, mut refused) = (HashMap::new(), HashMap::new());
        let mut places = ground.places();
        for chunk in ids.chunks(JUDGED_AT_ONCE) {
            for judged in ground.judge(&mut tx, actor, chunk, Some(&mut places)).await? {
                match &judged.row.outcome {
                    Preflight::Starts => summary.starts += 1,
                    Preflight::WaitsForData { tags } => {
                        summary.waits_for_data += 1;
                        tags.iter().for_each(|tag| *missing.entry(tag.clone()).or_insert(0) += 1);
                    }
                    Preflight::Refused { code, .. } => *refused.entry(code.clone()).or_insert(0) += 1,
                }
                if judged.row.outcome != Preflight::Starts && summary.rows.len() < SHOWN_ROWS {
                    summary.rows.push(judged.row);
                }
            }
        }
        summary.missing = sorted(missing);
        summary.refused = sorted(refused).into_iter().map(|(code, count)| RefusedCount { code, count }).collect();
        summary.per_day = places.per_day();
        summary.last_first_at = places.latest();
        Ok(summary)
    }

    /// Judges up to 1,000 people without changing anything.
    pub async fn preflight(&self, actor: &Actor, request: &EnrollRequest) -> Result<Vec<PreflightRow>> {
        super::at_most_1000(request.person_ids.len())?;
        let mut tx = self.store.read().await?;
        let ground = self.ground(&mut tx, actor, request).await?;
        let mut places = ground.places();
        let judged = ground.judge(&mut tx, actor, &request.person_ids, Some(&mut places)).await?;
        Ok(judged.into_iter().map(|judged| judged.row).collect())
    }
}
