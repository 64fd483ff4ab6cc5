//! What a bulk action would touch, counted before anyone confirms it: sequences, scheduled emails, open tasks.
//!
//! Counts what the steps of each enrollment's own version still hold, so that *cancel 5 scheduled emails* means all of
//! them and not only the next.

use crate::{Engine, Result};
use relance_domain::{
    PersonId, VersionId,
    enrollment::State,
    step::{Action, Step},
    task::TaskState,
};
use relance_storage::{enrollment_views, sequences, tasks};
use std::collections::{HashMap, HashSet};

/// What unfinished sequences of some people hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BulkEffect {
    /// Enrollments on their way.
    pub active: usize,
    /// Paused enrollments.
    pub paused: usize,
    /// Blocked enrollments.
    pub blocked: usize,
    /// Emails their sequences would still send.
    pub emails: usize,
    /// Open tasks of their sequences.
    pub tasks: usize,
}

impl BulkEffect {
    /// Unfinished enrollments.
    pub const fn all(&self) -> usize {
        self.active + self.paused + self.blocked
    }
}

fn is_automated(step: &Step) -> bool {
    matches!(step.action, Action::AutomatedEmail { .. })
}

impl Engine {
    /// Counts what the unfinished sequences of these people hold.
    pub async fn bulk_effect(&self, ids: &[PersonId]) -> Result<BulkEffect> {
        let mut tx = self.store.read().await?;
        let mut effect = BulkEffect::default();
        let mut ongoing = Vec::new();
        for view in enrollment_views::of_people(&mut tx, ids).await?.into_values().flatten() {
            match view.stored.enrollment.state {
                State::Active { .. } => effect.active += 1,
                State::Paused { .. } => effect.paused += 1,
                State::Blocked { .. } => effect.blocked += 1,
                State::Finished { .. } => continue,
            }
            ongoing.push(view.stored);
        }
        let versions: HashSet<VersionId> = ongoing.iter().map(|stored| stored.enrollment.version_id).collect();
        let versions: Vec<VersionId> = versions.into_iter().collect();
        let emails: HashMap<VersionId, Vec<bool>> = sequences::find_versions(&mut tx, &versions)
            .await?
            .into_iter()
            .map(|version| (version.id, version.plan.steps.iter().map(is_automated).collect()))
            .collect();
        for stored in &ongoing {
            let from = stored.position.saturating_sub(1) as usize;
            let steps = emails.get(&stored.enrollment.version_id).map_or(&[][..], Vec::as_slice);
            effect.emails += steps.iter().skip(from).filter(|is_email| **is_email).count();
        }
        let ongoing: Vec<_> = ongoing.iter().map(|stored| stored.enrollment.id).collect();
        for task in tasks::of_enrollments(&mut tx, &ongoing).await? {
            effect.tasks += usize::from(task.state == TaskState::Open);
        }
        Ok(effect)
    }
}
